package app

import (
	"math"
	"strconv"

	"sluice/engine"
	"sluice/graph/app"
	"sluice/internal/fault"
	"sluice/internal/record"
)

// get writes one record by id, null when there is none.
func (x *exec) get(f *field) bool {
	id, err := x.id(f)
	if err != nil {
		return x.fail(f, err)
	}
	return x.one(f, id)
}

func (x *exec) one(f *field, id record.ID) bool {
	if id.IsZero() {
		return x.null()
	}
	r, ok, err := x.req.Op.Get(f.mean.Form, id)
	switch {
	case err != nil:
		return x.fail(f, err)
	case !ok:
		return x.null()
	}
	return x.row(f.sub, x.load(f.sub, []record.Redacted{r}), 0)
}

// list writes a connection at the root.
func (x *exec) list(f *field) bool {
	q, err := x.listOf(f)
	if err != nil {
		return x.fail(f, err)
	}
	p, err := x.req.Op.List(q)
	if err != nil {
		return x.fail(f, err)
	}
	c := x.connect(f.sub, []*Page{p})
	c.sums, c.measures, err = x.sums(f.sub, q, func(q engine.Aggregation) ([]*Groups, error) {
		g, err := x.req.Op.Aggregate(q)
		return []*Groups{g}, err
	})
	if err != nil {
		return x.fail(f, err)
	}
	return x.page(f.sub, c, 0)
}

// page writes page i of a batch of connections.
func (x *exec) page(s *set, c *connection, i int) bool {
	p, start := c.pages[i], 0
	if c.start != nil {
		start = c.start[i]
	}
	return x.object(s, func(f *field) bool {
		switch f.mean.Kind {
		case app.TotalCount:
			return x.int32(f, int64(p.Total))
		case app.Aggregate:
			return x.object(f.sub, func(g *field) bool { return x.values(g, c.measures, &c.sums[i].Groups[0]) })
		case app.PageInfo:
			return x.object(f.sub, func(g *field) bool { return x.pageInfo(g, c, i) })
		case app.Nodes:
			return x.array(len(p.Records), func(k int) bool {
				return x.row(f.sub, c.slots[f.slot], start+k)
			})
		case app.Edges:
			return x.array(len(p.Records), func(k int) bool {
				return x.object(f.sub, func(g *field) bool { return x.edge(g, c, p, start, k) })
			})
		}
		return x.unknown(f)
	})
}

func (x *exec) edge(f *field, c *connection, p *Page, start, k int) bool {
	switch f.mean.Kind {
	case app.EdgeCursor:
		x.text(p.Cursor(k))
		return true
	case app.EdgeNode:
		return x.row(f.sub, c.slots[f.slot], start+k)
	}
	return x.unknown(f)
}

func (x *exec) pageInfo(f *field, c *connection, i int) bool {
	p := c.pages[i]
	last := len(p.Records) - 1
	switch f.mean.Kind {
	case app.HasNextPage:
		x.b = strconv.AppendBool(x.b, p.HasNext)
	case app.HasPreviousPage:
		x.b = strconv.AppendBool(x.b, p.HasPrevious)
	case app.StartCursor, app.EndCursor:
		at := 0
		if f.mean.Kind == app.EndCursor {
			at = last
		}
		if last < 0 {
			return x.null()
		}
		x.text(p.Cursor(at))
	default:
		return x.unknown(f)
	}
	return true
}

// array writes n values, each of which may not be null.
func (x *exec) array(n int, each func(i int) bool) bool {
	x.b = append(x.b, '[')
	x.path = append(x.path, segment{})
	ok := true
	for i := 0; i < n && ok; i++ {
		if i > 0 {
			x.b = append(x.b, ',')
		}
		x.path[len(x.path)-1].index = i
		ok = x.alive() && each(i)
	}
	x.path = x.path[:len(x.path)-1]
	x.b = append(x.b, ']')
	return ok
}

// row writes record i. It is the hot loop: cells are written in place, and only
// fields that can fail take the general way.
func (x *exec) row(s *set, rs *rows, i int) bool {
	r := &rs.recs[i]
	x.b = append(x.b, '{')
	for k := range s.fields {
		f := &s.fields[k]
		if k > 0 {
			x.b = append(x.b, ',')
		}
		x.b = append(x.b, f.key...)
		ok := true
		switch f.mean.Kind {
		case app.TypeName:
			x.b = append(x.b, s.typ...)
		case app.RecordID:
			id := r.ID()
			x.b = append(id.Append(append(x.b, '"')), '"')
		case app.Cell:
			ok = x.cell(f, r)
		default:
			mark := len(x.b)
			x.path = append(x.path, segment{key: f.alias})
			ok = x.related(f, rs, i)
			x.path = x.path[:len(x.path)-1]
			if !ok && !f.nonNull && x.fatal == nil {
				x.b, ok = append(x.b[:mark], "null"...), true
			}
		}
		if !ok {
			return false
		}
	}
	x.b = append(x.b, '}')
	return true
}

// maxSafe is the largest integer that every JSON client keeps exactly.
const maxSafe = 1<<53 - 1

func (x *exec) cell(f *field, r *record.Redacted) bool {
	v := r.Get(f.mean.Field)
	if v.IsNull() && f.nonNull {
		x.path = append(x.path, segment{key: f.alias})
		x.fail(f, fault.New(fault.Internal, "resolvers/app", "field %s is null", f.node.Name))
		x.path = x.path[:len(x.path)-1]
		return false
	}
	x.b = appendCell(x.b, f.mean.Field, v)
	return true
}

// appendCell writes a value as the output of its field has it.
func appendCell(b []byte, f *record.Field, v record.Value) []byte {
	if f.Type == record.Integer && (v.Int() > maxSafe || v.Int() < -maxSafe) {
		return append(strconv.AppendInt(append(b, '"'), v.Int(), 10), '"')
	}
	return record.AppendJSON(b, f, v)
}

// related writes the fields of a record that are not plain cells.
func (x *exec) related(f *field, rs *rows, i int) bool {
	r := &rs.recs[i]
	switch f.mean.Kind {
	case app.RecordVersion:
		return x.int32(f, int64(r.Version()))
	case app.UsersCell:
		ids := r.Get(f.mean.Field).Refs()
		if len(ids) == 0 {
			return x.null()
		}
		return x.array(len(ids), func(k int) bool { return x.person(f, ids[k]) })
	case app.UserCell:
		id := r.Get(f.mean.Field).Ref()
		if id.IsZero() {
			return x.null()
		}
		return x.object(f.sub, func(g *field) bool { return x.user(g, id) })
	case app.FileCell:
		return x.file(f, r)
	}
	if f.slot < 0 {
		return x.unknown(f)
	}
	l := &rs.loads[f.slot]
	if l.err != nil {
		if !l.told { // one error for the batch, not one for each record
			l.told = true
			x.fail(f, l.err)
		}
		return false
	}
	switch f.mean.Kind {
	case app.LookupCell:
		if l.at[i] < 0 {
			return x.null()
		}
		return x.alive() && x.row(f.sub, l.next, int(l.at[i]))
	case app.LinksCell:
		if len(l.links[i]) == 0 {
			return x.null()
		}
		return x.array(len(l.links[i]), func(k int) bool { return x.row(f.sub, l.next, int(l.links[i][k])) })
	case app.Children:
		return x.page(f.sub, l.conn, i)
	case app.Comments:
		return x.comments(f, l.comments[i])
	case app.History:
		return x.history(f, l.history[i])
	}
	x.b = strconv.AppendBool(x.b, l.can[i])
	return true
}

func (x *exec) user(f *field, id record.ID) bool {
	switch f.mean.Kind {
	case app.UserID:
		x.b = append(id.Append(append(x.b, '"')), '"')
	case app.UserName: // empty for someone who is no longer there
		name, _ := x.req.Op.Name(id)
		x.text(name)
	default:
		return x.unknown(f)
	}
	return true
}

// int32 writes a value of type Int; one that does not fit is an error, never
// another number.
func (x *exec) int32(f *field, n int64) bool {
	if n < 0 || n > math.MaxInt32 {
		return x.fail(f, fault.New(fault.Internal, "resolvers/app", "field %s: %d does not fit Int", f.node.Name, n))
	}
	x.b = strconv.AppendInt(x.b, n, 10)
	return true
}

func (x *exec) text(s string) {
	x.b = appendText(x.b, s)
}
