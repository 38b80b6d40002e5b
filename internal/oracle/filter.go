package oracle

import (
	"slices"
	"strings"

	"sluice/internal/definition"
	"sluice/internal/record"
)

// reader gives a filter the cells of one record: true ones to policy, those of
// the viewer to the viewer's own filter.
type reader struct {
	w    *World
	u    *User
	form *definition.Form
	rec  *Record
	raw  bool
}

func (r reader) cell(field string) record.Value {
	if r.raw {
		return Raw(r.form, r.rec, field)
	}
	v, _ := Cell(r.w, r.u, r.form.Name, r.rec, field)
	return v
}

// matches evaluates the where language on its source (F7): the keys of one
// object are joined by and. It panics on what is not in the language.
func matches(r reader, where map[string]any) bool {
	for name, arg := range where {
		var ok bool
		switch name {
		case "and":
			ok = !slices.ContainsFunc(arg.([]any), func(x any) bool { return !matches(r, x.(map[string]any)) })
		case "or":
			ok = slices.ContainsFunc(arg.([]any), func(x any) bool { return matches(r, x.(map[string]any)) })
		case "not":
			ok = !matches(r, arg.(map[string]any))
		default:
			ok = fieldMatches(r, name, arg.(map[string]any))
		}
		if !ok {
			return false
		}
	}
	return true
}

func fieldMatches(r reader, name string, arg map[string]any) bool {
	f, ok := Field(r.form, name)
	if !ok {
		return quantified(r, name, arg)
	}
	cell := r.cell(name)
	if f.Type == record.Lookup {
		target := r.w.FormNumber(f.Target)
		rec := r.w.Find(target.Name, cell.Ref())
		// F2: policy reads the record's own fields and follows no lookup.
		return rec != nil && !r.raw && matches(reader{r.w, r.u, target, rec, false}, arg)
	}
	for op, x := range arg {
		where, deeper := x.(map[string]any)
		if deeper && !quantifies(targets(r, f, cell), map[string]any{op: where}) || !deeper && !holds(r, f, op, cell, x) {
			return false
		}
	}
	return true
}

// targets are the records that the list of a multi-lookup leads to.
func targets(r reader, f record.Field, list record.Value) (rows []reader) {
	form := r.w.FormNumber(f.Target)
	for _, id := range list.Refs() {
		rows = append(rows, reader{r.w, r.u, form, r.w.Find(form.Name, id), false})
	}
	return rows
}

// holds decides one comparison. The first three are complements, so they stand
// before the rule that a comparison with null is false.
func holds(r reader, f record.Field, op string, cell record.Value, arg any) bool {
	lit := func(x any) record.Value { return literal(f, x, r) }
	equals := func(x any) bool { return compare(cell, lit(x)) == 0 }
	hasItem := func(x any) bool {
		if f.Type.Refs() {
			id := f
			id.Type = record.User
			return slices.Contains(cell.Refs(), literal(id, x, r).Ref())
		}
		return slices.ContainsFunc(cell.List(), func(b []byte) bool { return string(b) == x.(string) })
	}
	switch op {
	case "ne":
		return !holds(r, f, "eq", cell, arg)
	case "notIn":
		return !holds(r, f, "in", cell, arg)
	case "isNull":
		return cell.IsNull() == arg.(bool)
	}
	if cell.IsNull() || arg == nil {
		return false
	}
	switch op {
	case "eq":
		return equals(arg)
	case "in":
		return slices.ContainsFunc(arg.([]any), equals)
	case "lt":
		return compare(cell, lit(arg)) < 0
	case "lte":
		return compare(cell, lit(arg)) <= 0
	case "gt":
		return compare(cell, lit(arg)) > 0
	case "gte":
		return compare(cell, lit(arg)) >= 0
	case "between":
		ends := arg.([]any)
		return compare(cell, lit(ends[0])) >= 0 && compare(cell, lit(ends[1])) <= 0
	case "has":
		return hasItem(arg)
	case "hasAny":
		return slices.ContainsFunc(arg.([]any), hasItem)
	case "hasAll":
		return !slices.ContainsFunc(arg.([]any), func(x any) bool { return !hasItem(x) })
	case "matches":
		return found(arg.(string), cell)
	case "contains":
		return strings.Contains(string(cell.Text()), arg.(string))
	case "startsWith":
		return strings.HasPrefix(string(cell.Text()), arg.(string))
	case "endsWith":
		return strings.HasSuffix(string(cell.Text()), arg.(string))
	case "iContains", "iStartsWith", "iEndsWith":
		return holds(r, f, strings.ToLower(op[1:2])+op[2:], record.String(fold(string(cell.Text()))), fold(arg.(string)))
	}
	panic("oracle: no operator " + op)
}
