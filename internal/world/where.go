package world

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"sluice/internal/definition"
	"sluice/internal/oracle"
	"sluice/internal/record"
)

// Fields says which fields of a form a filter may name. A form of which it
// names none is not filtered through a lookup.
type Fields func(form string) []string

// VisibleTo returns the fields that exist for the user.
func VisibleTo(w *World, u *oracle.User) Fields {
	return func(form string) []string { return oracle.Visible(w, u, form) }
}

// RandomWhere makes a filter for a query on the form, in the where language on
// plain values (map[string]any, []any, string, bool, int), at most three
// operators deep. Constants are often taken from true cells, whether the viewer
// may see those or not.
func RandomWhere(w *World, rnd *rand.Rand, form string, fields Fields) map[string]any {
	return (&filters{rnd: rnd, w: w, fields: fields}).object(w.Form(form), rnd.IntN(4))
}

// RandomOrder makes a sort order of up to three keys over the fields, through
// lookups too.
func RandomOrder(w *World, rnd *rand.Rand, form string, fields Fields) (keys []oracle.Order) {
	for range rnd.IntN(4) {
		f, path := w.Form(form), []string(nil)
		for {
			names := fields(f.Name)
			if len(names) == 0 {
				break
			}
			field, _ := oracle.Field(f, pick(rnd, names))
			if field.Type.Long() || field.Type == record.Lookup && len(path) > 1 {
				break // lists have no order, and a path has an end
			}
			path = append(path, field.Name)
			if field.Type != record.Lookup {
				keys = append(keys, oracle.Order{Field: strings.Join(path, "."), Desc: rnd.IntN(2) == 0, NullsFirst: rnd.IntN(3) == 0})
				break
			}
			f = w.FormNumber(field.Target)
		}
	}
	return keys
}

// filters makes random filters.
type filters struct {
	rnd    *rand.Rand
	w      *World
	gone   []record.ID
	fields Fields
	policy bool // VIEWER may stand for a user
	stored bool // names are those of who sees everything
}

// object makes one object; depth is the number of operators that it may nest.
func (g *filters) object(f *definition.Form, depth int) map[string]any {
	out := map[string]any{}
	for range 1 + g.rnd.IntN(5)/4 {
		if depth == 0 || g.rnd.IntN(3) == 0 {
			g.condition(out, f, depth)
			continue
		}
		list := func() (xs []any) {
			for range g.rnd.IntN(7)/3 + g.rnd.IntN(8)/7 + 1 {
				xs = append(xs, g.object(f, depth-1))
			}
			return xs
		}
		switch g.rnd.IntN(3) {
		case 0:
			out["and"] = list()
		case 1:
			out["or"] = list()
		case 2:
			out["not"] = g.object(f, depth-1)
		}
	}
	return out
}

func (g *filters) condition(out map[string]any, f *definition.Form, depth int) {
	names := g.fields(f.Name)
	if len(names) == 0 || g.quantified(out, f, depth) {
		return
	}
	field, _ := oracle.Field(f, pick(g.rnd, names))
	if field.Type == record.Lookup {
		if target := g.w.FormNumber(field.Target); len(g.fields(target.Name)) > 0 {
			nested := map[string]any{}
			if depth > 0 {
				nested = g.object(target, depth-1)
			}
			out[field.Name] = nested
		}
		return
	}
	if g.listed(out, field, depth) {
		return
	}
	offered := operators(field.Type)
	if field.Searchable && !g.policy {
		offered = append(offered, "matches", "matches", "matches")
	}
	op := pick(g.rnd, offered)
	out[field.Name] = map[string]any{op: g.argument(f, field, op)}
	if field.Type.Kind() == record.KindInt && g.rnd.IntN(8) == 0 {
		out[field.Name].(map[string]any)["lte"] = g.constant(f, field) // two at once
	}
}

func operators(t record.Type) []string {
	set := []string{"eq", "ne", "in", "notIn", "isNull", "eq", "ne"}
	ranges := []string{"lt", "lte", "gt", "gte", "between"}
	parts := []string{"contains", "startsWith", "endsWith", "iContains", "iStartsWith", "iEndsWith"}
	switch t {
	case record.Text:
		return slices.Concat(set, ranges, parts)
	case record.LongText:
		return append(parts, "eq", "ne", "isNull")
	case record.Email, record.Phone, record.URL:
		return slices.Concat(set, parts)
	case record.Integer, record.Decimal, record.Currency, record.Percent, record.Date, record.DateTime, record.Time, record.Duration:
		return slices.Concat(set, ranges)
	case record.Boolean:
		return []string{"eq", "ne", "isNull"}
	case record.JSON:
		return []string{"isNull"}
	case record.MultiChoice, record.Users, record.MultiLookup:
		return []string{"has", "hasAny", "hasAll", "isNull"}
	}
	return set
}

func (g *filters) argument(f *definition.Form, field record.Field, op string) any {
	switch op {
	case "matches":
		return RandomQuery(g.rnd)
	case "isNull":
		return g.rnd.IntN(2) == 0
	case "between":
		return []any{g.constant(f, field), g.constant(f, field)}
	case "in", "notIn", "hasAny", "hasAll":
		xs := []any{}
		for range g.rnd.IntN(4) {
			if x := g.constant(f, field); !slices.Contains(xs, x) {
				xs = append(xs, x)
			}
		}
		return xs
	case "contains", "startsWith", "endsWith", "iContains", "iStartsWith", "iEndsWith":
		cut := []rune(g.constant(f, field).(string))
		if len(cut) > 1 && g.rnd.IntN(2) == 0 {
			cut = cut[g.rnd.IntN(2) : len(cut)-g.rnd.IntN(2)]
		}
		if op[0] == 'i' && g.rnd.IntN(2) == 0 {
			return strings.ToUpper(string(cut))
		}
		return string(cut)
	}
	return g.constant(f, field)
}

// constant makes the source form of a value that the field could hold.
func (g *filters) constant(f *definition.Form, field record.Field) any {
	if field.Type.Refs() {
		return g.reference(f, field)
	}
	if g.policy && field.Type == record.User && g.rnd.IntN(2) == 0 {
		return "VIEWER"
	}
	if field.Type == record.MultiChoice {
		return pick(g.rnd, field.Choices)
	}
	if rows := g.w.Records[f.Name]; len(rows) > 0 && g.rnd.IntN(3) > 0 {
		if v := oracle.Raw(f, pick(g.rnd, rows), field.Name); !v.IsNull() {
			return source(field, v)
		}
	}
	v := value(g.rnd, g.w, g.gone, field)
	if field.Type == record.Identity {
		v = record.Ref(g.w.Users[0].ID) // the id of no record
	}
	return source(field, v)
}

// reference makes an item of a list of references.
func (g *filters) reference(f *definition.Form, field record.Field) any {
	if g.policy && field.Type == record.Users && g.rnd.IntN(2) == 0 {
		return "VIEWER"
	}
	v := value(g.rnd, g.w, g.gone, field)
	if rows := g.w.Records[f.Name]; len(rows) > 0 && g.rnd.IntN(3) > 0 {
		v = oracle.Raw(f, pick(g.rnd, rows), field.Name)
	}
	if ids := v.Refs(); len(ids) > 0 {
		return pick(g.rnd, ids).String()
	}
	return g.w.Users[0].ID.String()
}

// source returns the plain form of a value that is not null nor a list.
func source(f record.Field, v record.Value) any {
	switch f.Type {
	case record.Integer:
		return int(v.Int())
	case record.Decimal, record.Currency, record.Percent:
		return decimal(v.Int(), f.Scale)
	case record.Boolean:
		return v.Bool()
	case record.Date:
		return time.Unix(v.Int()*86400, 0).UTC().Format(time.DateOnly)
	case record.DateTime:
		return time.UnixMicro(v.Int()).UTC().Format(time.RFC3339Nano)
	case record.Time:
		return time.UnixMicro(v.Int()).UTC().Format(time.TimeOnly)
	case record.Duration:
		return fmt.Sprintf("PT%dS", v.Int()/1e6)
	case record.User, record.Lookup, record.Identity:
		return v.Ref().String()
	}
	return string(v.Text())
}
