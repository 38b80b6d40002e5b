package oracle

import (
	"bytes"
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"sluice/internal/definition"
	"sluice/internal/record"
)

// Access returns what the user may do with a field of the form, whatever the
// record (B2, B3, B4): with a formula, to read it at most, and what may be done
// with all that it reads.
func Access(w *World, u *User, form, field string) definition.FieldAccess {
	access := accessAlone(w, u, form, field)
	for _, name := range inputs(w.Form(form), field) {
		access = min(access, Access(w, u, form, name), definition.ReadOnly)
	}
	return access
}

// Masked reports whether a Mask hides the cell of a record, or of a state that it
// had, from the user (H4, H5): that of a formula, where it hides one that it
// reads.
func Masked(w *World, u *User, form string, r *Record, field string) bool {
	return maskedAlone(w, u, form, r, field) ||
		slices.ContainsFunc(inputs(w.Form(form), field), func(name string) bool { return Masked(w, u, form, r, name) })
}

// inputs returns the fields that a computed field names itself, none for others.
func inputs(f *definition.Form, field string) []string {
	for _, x := range f.Fields {
		if x.Name == field && x.Expression != "" {
			return parsed(x.Expression).reads
		}
	}
	return nil
}

// tree is an expression and the names in it that are not those of functions.
type tree struct {
	ast.Expr
	reads []string
}

// trees holds what parsed read: worlds have the same few expressions.
var trees sync.Map

// Decision: expressions are read by Go's own parser, whose operators bind alike
// once the words are replaced; not stands before a bracket.
func parsed(source string) tree {
	if e, ok := trees.Load(source); ok {
		return e.(tree)
	}
	words := strings.NewReplacer(" and ", " && ", " or ", " || ", "not (", "!(", "if(", "when(")
	e, err := parser.ParseExpr(words.Replace(source))
	if err != nil {
		panic("oracle: " + source + ": " + err.Error())
	}
	t, called := tree{Expr: e}, map[ast.Expr]bool{}
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			called[n.Fun] = true
		case *ast.Ident:
			if !called[n] {
				t.reads = append(t.reads, n.Name)
			}
		}
		return true
	})
	trees.Store(source, t)
	return t
}

// computed returns the cell of a computed field over the given cells of others.
func computed(f *definition.Form, field string, get func(string) record.Value) record.Value {
	x, _ := Field(f, field)
	at := slices.IndexFunc(f.Fields, func(x *definition.Field) bool { return x.Name == field })
	v := evaluate(parsed(f.Fields[at].Expression).Expr, func(name string) any {
		of, _ := Field(f, name)
		return native(of, get(name))
	})
	switch v := v.(type) {
	case *decimal:
		n := shifted(v.n, int(x.Scale)-v.scale)
		if n.IsInt64() {
			return record.Int(n.Int64())
		}
	case string:
		if len(v) <= record.MaxText {
			return record.String(v)
		}
	case bool:
		return record.Bool(v)
	case time.Time:
		if x.Type == record.Date {
			return record.Int(v.Unix() / 86400)
		}
		return record.Int(v.UnixMicro())
	}
	return record.Value{}
}

// decimal is n times 10^-scale.
type decimal struct {
	n     *big.Int
	scale int
}

// native is a cell as evaluate holds it: nil for null.
func native(f record.Field, v record.Value) any {
	switch {
	case v.IsNull():
		return nothing(f)
	case f.Type == record.Integer, f.Type == record.Decimal:
		return &decimal{big.NewInt(v.Int()), int(f.Scale)}
	case f.Type == record.Boolean:
		return v.Bool()
	case f.Type == record.Date:
		return time.Unix(v.Int()*86400, 0).UTC()
	case f.Type == record.DateTime:
		return time.UnixMicro(v.Int()).UTC()
	}
	return string(v.Text())
}

// missing is null with the scale that a number would have had.
type missing struct{ scale int }

func nothing(f record.Field) any { return missing{int(f.Scale)} }

// shifted is n times 10^by, rounded half away from zero.
func shifted(n *big.Int, by int) *big.Int {
	r := new(big.Rat).SetInt(n)
	p := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(by, -by))), nil))
	if by < 0 {
		p.Inv(p)
	}
	return rounded(r.Mul(r, p))
}

func rounded(r *big.Rat) *big.Int {
	twice := new(big.Int).Mul(new(big.Int).Abs(r.Num()), big.NewInt(2))
	twice.Add(twice, r.Denom())
	out := twice.Quo(twice, new(big.Int).Mul(r.Denom(), big.NewInt(2)))
	if r.Sign() < 0 {
		out.Neg(out)
	}
	return out
}

func evaluate(e ast.Expr, get func(string) any) any {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return evaluate(e.X, get)
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			s, _ := strconv.Unquote(e.Value)
			return s
		}
		whole, places, _ := strings.Cut(e.Value, ".")
		n, _ := new(big.Int).SetString(whole+places, 10)
		return &decimal{n, len(places)}
	case *ast.Ident:
		return get(e.Name)
	case *ast.UnaryExpr:
		return !truth(evaluate(e.X, get))
	case *ast.BinaryExpr:
		a, b := evaluate(e.X, get), evaluate(e.Y, get)
		switch e.Op {
		case token.LAND:
			return truth(a) && truth(b)
		case token.LOR:
			return truth(a) || truth(b)
		case token.ADD, token.SUB, token.MUL, token.QUO:
			return arithmetic(e.Op, a, b)
		}
		return related(e.Op, a, b)
	case *ast.CallExpr:
		var args []any
		for _, a := range e.Args {
			args = append(args, evaluate(a, get))
		}
		return call(e.Fun.(*ast.Ident).Name, args)
	}
	return missing{}
}

func truth(v any) bool { b, ok := v.(bool); return ok && b }

func absent(v any) bool { _, ok := v.(missing); return ok }

// place is the scale of a number, also of one that is missing.
func place(v any) int {
	switch v := v.(type) {
	case *decimal:
		return v.scale
	case missing:
		return v.scale
	}
	return 0
}

func arithmetic(op token.Token, a, b any) any {
	if s, ok := a.(string); ok {
		if t, ok := b.(string); ok {
			return s + t
		}
	}
	if d, ok := a.(time.Time); ok {
		if n, ok := b.(*decimal); ok && op == token.ADD {
			return d.AddDate(0, 0, int(n.n.Int64()))
		}
		if t, ok := b.(time.Time); ok {
			return &decimal{big.NewInt((d.Unix() - t.Unix()) / 86400), 0}
		}
	}
	scale := max(place(a), place(b))
	switch op {
	case token.MUL:
		scale = place(a) + place(b)
	case token.QUO:
		scale = max(scale, 9)
	}
	x, ok := a.(*decimal)
	y, also := b.(*decimal)
	if !ok || !also || op == token.QUO && y.n.Sign() == 0 {
		return missing{scale}
	}
	l, r := rat(x), rat(y)
	switch op {
	case token.ADD:
		l.Add(l, r)
	case token.SUB:
		l.Sub(l, r)
	case token.MUL:
		l.Mul(l, r)
	case token.QUO:
		l.Quo(l, r)
	}
	l.Mul(l, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
	return &decimal{rounded(l), scale}
}

func rat(d *decimal) *big.Rat {
	return new(big.Rat).SetFrac(d.n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d.scale)), nil))
}

func related(op token.Token, a, b any) bool {
	if absent(a) || absent(b) {
		return op == token.NEQ
	}
	order := 0
	switch a := a.(type) {
	case *decimal:
		order = rat(a).Cmp(rat(b.(*decimal)))
	case string:
		order = bytes.Compare([]byte(a), []byte(b.(string)))
	case bool:
		order = cmp.Compare(strconv.FormatBool(a), strconv.FormatBool(b.(bool)))
	case time.Time:
		order = a.Compare(b.(time.Time))
	}
	switch op {
	case token.EQL:
		return order == 0
	case token.NEQ:
		return order != 0
	case token.LSS:
		return order < 0
	}
	return order > 0
}

func call(name string, args []any) any {
	switch name {
	case "when":
		if truth(args[0]) {
			return args[1]
		}
		return args[2]
	case "isNull":
		return absent(args[0])
	case "coalesce":
		if absent(args[0]) {
			return args[1]
		}
		return args[0]
	}
	s, ok := args[0].(string)
	switch {
	case !ok:
		return missing{}
	case name == "length":
		return &decimal{big.NewInt(int64(utf8.RuneCountInString(s))), 0}
	case name == "upper":
		return strings.ToUpper(s)
	}
	return missing{}
}
