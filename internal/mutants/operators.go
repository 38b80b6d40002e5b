package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
)

// turned says what every operator becomes.
var turned = map[token.Token][]token.Token{
	token.LSS: {token.LEQ, token.GEQ}, token.LEQ: {token.LSS, token.GTR},
	token.GTR: {token.GEQ, token.LEQ}, token.GEQ: {token.GTR, token.LSS},
	token.EQL: {token.NEQ}, token.NEQ: {token.EQL},
	token.LAND: {token.LOR}, token.LOR: {token.LAND},
	token.ADD: {token.SUB}, token.SUB: {token.ADD}, token.MUL: {token.QUO}, token.QUO: {token.MUL}, token.REM: {token.MUL},
	token.AND: {token.OR}, token.OR: {token.AND}, token.XOR: {token.AND}, token.AND_NOT: {token.AND},
	token.SHL: {token.SHR}, token.SHR: {token.SHL},
	token.INC: {token.DEC}, token.DEC: {token.INC},
	token.ADD_ASSIGN: {token.SUB_ASSIGN}, token.SUB_ASSIGN: {token.ADD_ASSIGN},
	token.MUL_ASSIGN: {token.QUO_ASSIGN}, token.QUO_ASSIGN: {token.MUL_ASSIGN},
	token.AND_ASSIGN: {token.OR_ASSIGN}, token.OR_ASSIGN: {token.AND_ASSIGN}, token.XOR_ASSIGN: {token.OR_ASSIGN},
	token.AND_NOT_ASSIGN: {token.OR_ASSIGN}, token.SHL_ASSIGN: {token.SHR_ASSIGN}, token.SHR_ASSIGN: {token.SHL_ASSIGN},
	token.BREAK: {token.CONTINUE}, token.CONTINUE: {token.BREAK},
}

// gatherer collects the edits of one declaration.
type gatherer struct {
	info  *types.Info
	prose map[ast.Node]bool // literals of messages for the log
	out   []edit
}

// edits returns what can be changed below a node.
func (l *loaded) edits(root ast.Node) []edit {
	g := &gatherer{info: l.info, prose: map[ast.Node]bool{}}
	ast.Inspect(root, func(n ast.Node) bool {
		g.statement(n)
		g.expression(n)
		return true
	})
	return g.out
}

func (g *gatherer) add(e edit) { g.out = append(g.out, e) }

func (g *gatherer) turn(site ast.Node, at *token.Token) {
	for _, t := range turned[*at] {
		g.add(put(site, at, t))
	}
}

func (g *gatherer) statement(n ast.Node) {
	switch n := n.(type) {
	case *ast.BlockStmt:
		g.leaveOut(n.List)
	case *ast.CaseClause:
		g.leaveOut(n.Body)
		for i := range n.List {
			if len(n.List) > 1 {
				g.add(without(n.List[i], &n.List, i))
			}
		}
	case *ast.SwitchStmt:
		g.clauses(n.Body, n.Tag == nil)
	case *ast.TypeSwitchStmt:
		g.clauses(n.Body, false)
	case *ast.IfStmt:
		g.always(&n.Cond, true, true)
	case *ast.ForStmt:
		if n.Cond != nil {
			g.always(&n.Cond, false, true)
		}
		g.once(n, n.Body)
	case *ast.RangeStmt:
		g.once(n.X, n.Body)
	case *ast.IncDecStmt:
		g.turn(n, &n.Tok)
	case *ast.BranchStmt:
		if n.Label == nil {
			g.turn(n, &n.Tok)
		}
	case *ast.AssignStmt:
		g.turn(n, &n.Tok)
		g.bools(n.Rhs)
	case *ast.ReturnStmt:
		g.bools(n.Results)
		for i := range n.Results {
			g.zero(n, &n.Results[i])
		}
	}
}

// leaveOut removes each statement that others can do without. What an
// assignment reads stays read, so that the rest compiles.
func (g *gatherer) leaveOut(list []ast.Stmt) {
	for i, s := range list {
		switch s := s.(type) {
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				continue
			}
			blank := &ast.AssignStmt{Tok: token.ASSIGN, Rhs: s.Rhs}
			for range s.Lhs {
				blank.Lhs = append(blank.Lhs, ast.NewIdent("_"))
			}
			g.remove(list, i, blank)
		case *ast.ReturnStmt:
			if len(s.Results) == 0 {
				g.remove(list, i, &ast.EmptyStmt{})
			}
		case *ast.ExprStmt, *ast.IncDecStmt, *ast.BranchStmt, *ast.DeferStmt, *ast.GoStmt, *ast.SendStmt:
			g.remove(list, i, &ast.EmptyStmt{})
		}
	}
}

func (g *gatherer) remove(list []ast.Stmt, i int, instead ast.Stmt) {
	e := put[ast.Stmt](list[i], &list[i], instead)
	e.to = "(left out)"
	g.add(e)
}

// clauses removes each case, and fixes the conditions of a switch without tag.
func (g *gatherer) clauses(body *ast.BlockStmt, conditions bool) {
	for i, s := range body.List {
		c := s.(*ast.CaseClause)
		g.add(without[ast.Stmt](&ast.CaseClause{List: c.List}, &body.List, i))
		for j := range c.List {
			if conditions {
				g.always(&c.List[j], true, true)
			}
		}
	}
}

// once ends a loop after its first round.
func (g *gatherer) once(site ast.Node, body *ast.BlockStmt) {
	if n := len(body.List); n > 0 {
		switch body.List[n-1].(type) {
		case *ast.ReturnStmt, *ast.BranchStmt:
			return
		}
	}
	e := put(site, &body.List, append(slices.Clip(body.List), &ast.BranchStmt{Tok: token.BREAK}))
	e.to = "(once)"
	g.add(e)
}

func (g *gatherer) expression(n ast.Node) {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		g.turn(n, &n.Op)
		if n.Op == token.LAND || n.Op == token.LOR {
			g.always(&n.X, n.Op == token.LAND, n.Op == token.LOR)
			g.always(&n.Y, n.Op == token.LAND, n.Op == token.LOR)
		}
	case *ast.UnaryExpr:
		if n.Op == token.NOT || n.Op == token.SUB {
			g.add(put[ast.Expr](n, &n.X, &ast.UnaryExpr{Op: n.Op, X: &ast.ParenExpr{X: n.X}}))
		}
	case *ast.BasicLit:
		g.literal(n)
	case *ast.Ident:
		g.name(n)
	case *ast.CompositeLit:
		for i, e := range n.Elts {
			g.add(without(e, &n.Elts, i))
		}
	case *ast.KeyValueExpr:
		g.bool(&n.Value)
	case *ast.ValueSpec:
		g.bools(n.Values)
	case *ast.SliceExpr:
		g.bounds(n)
	case *ast.CallExpr:
		g.call(n)
	}
}

// always makes a condition true or false. What it reads stays read.
func (g *gatherer) always(at *ast.Expr, yes, no bool) {
	was := *at
	if id, ok := ast.Unparen(was).(*ast.Ident); ok && (id.Name == "true" || id.Name == "false") {
		return
	}
	fix := func(op token.Token, value string) {
		wrapped := &ast.ParenExpr{X: &ast.BinaryExpr{X: &ast.ParenExpr{X: was}, Op: op, Y: ast.NewIdent(value)}}
		e := put[ast.Expr](was, at, wrapped)
		e.to = value
		g.add(e)
	}
	if yes {
		fix(token.LOR, "true")
	}
	if no {
		fix(token.LAND, "false")
	}
}

func (g *gatherer) bool(at *ast.Expr) {
	t := g.info.TypeOf(*at)
	if b, ok := t.(*types.Basic); ok && b.Info()&types.IsBoolean != 0 {
		g.always(at, true, true)
	}
}

func (g *gatherer) bools(list []ast.Expr) {
	for i := range list {
		g.bool(&list[i])
	}
}

// zero makes one result the zero value of a type that has a literal for it.
func (g *gatherer) zero(site ast.Node, at *ast.Expr) {
	t := g.info.TypeOf(*at)
	if t == nil {
		return
	}
	zero := ""
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch {
		case u.Info()&types.IsNumeric != 0:
			zero = "0"
		case u.Info()&types.IsString != 0:
			zero = `""`
		}
	case *types.Pointer, *types.Slice, *types.Map, *types.Signature, *types.Interface, *types.Chan:
		zero = "nil"
	}
	tv := g.info.Types[*at]
	if zero == "" || tv.IsNil() || tv.Value != nil && tv.Value.ExactString() == zero {
		return
	}
	g.add(put[ast.Expr](site, at, ast.NewIdent(zero)))
}

func (g *gatherer) literal(n *ast.BasicLit) {
	switch n.Kind {
	case token.INT:
		v, err := strconv.ParseInt(n.Value, 0, 64)
		if err != nil {
			return
		}
		g.add(put(ast.Node(n), &n.Value, strconv.FormatInt(v+1, 10)))
		if v > 0 {
			g.add(put(ast.Node(n), &n.Value, strconv.FormatInt(v-1, 10)))
		}
	case token.CHAR:
		if v, _, _, err := strconv.UnquoteChar(n.Value[1:len(n.Value)-1], '\''); err == nil {
			g.add(put(ast.Node(n), &n.Value, strconv.QuoteRune(v+1)))
		}
	case token.STRING:
		if g.prose[n] {
			return
		}
		other := `""`
		if n.Value == other || n.Value == "``" {
			other = `"mutant"`
		}
		g.add(put(ast.Node(n), &n.Value, other))
	}
}

// name swaps true and false, min and max.
func (g *gatherer) name(n *ast.Ident) {
	other := map[string]string{"true": "false", "false": "true", "min": "max", "max": "min"}[n.Name]
	if use := g.info.Uses[n]; other != "" && use != nil && use.Parent() == types.Universe {
		g.add(put(ast.Node(n), &n.Name, other))
	}
}

func (g *gatherer) bounds(n *ast.SliceExpr) {
	for _, at := range []*ast.Expr{&n.Low, &n.High} {
		if *at != nil && !n.Slice3 {
			g.add(put[ast.Expr](n, at, nil))
		}
	}
}

// call looks at arguments. The texts of errors for the log are prose: nothing
// depends on them.
func (g *gatherer) call(n *ast.CallExpr) {
	g.bools(n.Args)
	sel, ok := n.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	if pkg, ok := sel.X.(*ast.Ident); ok {
		switch pkg.Name + "." + sel.Sel.Name {
		case "fmt.Errorf", "errors.New", "fault.New":
			for _, a := range n.Args {
				g.prose[a] = true
			}
		}
	}
}
