package app

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"sluice/engine"
	"sluice/graph/app"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// Aggregate groups by whole values, passes over having and gives groups in the
// order in which they come up. What it was asked is kept.
func (w *fake) Aggregate(q engine.Aggregation) (*Groups, error) {
	if err := w.called("Aggregate"); err != nil {
		return nil, err
	}
	w.summed = q
	return w.groups(q, func(record.Redacted) bool { return true })
}

func (w *fake) AggregateChildren(lookup record.Field, parents []record.ID, q engine.Aggregation) ([]*Groups, error) {
	if err := w.called("AggregateChildren"); err != nil {
		return nil, err
	}
	out := make([]*Groups, len(parents))
	for i, id := range parents {
		var err error
		if out[i], err = w.groups(q, func(r record.Redacted) bool { return r.Get(&lookup).Ref() == id }); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (w *fake) groups(q engine.Aggregation, keep func(record.Redacted) bool) (*Groups, error) {
	q.List.First, q.List.After, q.List.Before = 1000, "", ""
	p, err := w.page(q.List, keep)
	if err != nil {
		return nil, err
	}
	var groups []engine.Group
	var rows [][]record.Redacted
	if len(q.GroupBy) == 0 {
		groups, rows = append(groups, engine.Group{}), append(rows, nil)
	}
	for _, r := range p.Records {
		var keys []record.Value
		for _, k := range q.GroupBy {
			keys = append(keys, r.Get(&k.Field))
		}
		i := slices.IndexFunc(groups, func(g engine.Group) bool { return slices.EqualFunc(g.Keys, keys, record.Value.Equal) })
		if i < 0 {
			i = len(groups)
			groups, rows = append(groups, engine.Group{Keys: keys}), append(rows, nil)
		}
		groups[i].Count++
		rows[i] = append(rows[i], r)
	}
	for i := range groups {
		for _, m := range q.Measures {
			groups[i].Values = append(groups[i].Values, valuesOver(m.Field, rows[i]))
		}
	}
	out := &Groups{Total: len(groups), HasNext: q.First < len(groups), Groups: groups[:min(q.First, len(groups))]}
	out.Cursor = func(i int) string { return fmt.Sprint("g", i) }
	return out, nil
}

func valuesOver(f record.Field, rows []record.Redacted) (v engine.Values) {
	sum := new(big.Int)
	var all []record.Value
	for _, r := range rows {
		if x := r.Get(&f); !x.IsNull() {
			all = append(all, x)
			sum.Add(sum, big.NewInt(x.Int()))
		}
	}
	slices.SortFunc(all, record.Value.Compare)
	if v.Count = len(all); v.Count == 0 {
		return v
	}
	v.Min, v.Max = all[0], all[len(all)-1]
	v.Sum = &engine.Number{Digits: sum, Places: int(f.Scale)}
	mean := new(big.Int).Quo(new(big.Int).Mul(sum, big.NewInt(10_000)), big.NewInt(int64(v.Count)))
	v.Avg = &engine.Number{Digits: mean, Places: int(f.Scale) + engine.AvgPlaces}
	v.CountDistinct = len(slices.CompactFunc(all, record.Value.Equal))
	return v
}

// aggregate is one group of all records as the naive executor writes it.
func (n naive) aggregate(form uint32, args map[string]any, keep func(record.Redacted) bool) resolve {
	q := engine.List{Form: form, First: 1000}
	if where, ok := args["where"]; ok {
		q.Where, _ = filter.Parse(where, n.w.Scope(form), filter.Options{})
	}
	p, err := n.w.page(q, keep)
	if err != nil {
		panic(err)
	}
	return func(m app.Meaning, _ *ast.Field) any {
		if m.Kind == app.RecordCount {
			return float64(len(p.Records))
		}
		return n.values(m.Field, p.Records)
	}
}

func (n naive) values(f *record.Field, rows []record.Redacted) resolve {
	v := valuesOver(*f, rows)
	return func(m app.Meaning, _ *ast.Field) any {
		var out any
		written := func(x record.Value) any {
			_ = json.Unmarshal(record.AppendJSON(nil, f, x), &out)
			return out
		}
		switch m.Kind {
		case app.ValueCount:
			return float64(v.Count)
		case app.ValueCountDistinct:
			return float64(v.CountDistinct)
		case app.ValueMin:
			return written(v.Min)
		case app.ValueMax:
			return written(v.Max)
		}
		if v.Count == 0 {
			return nil
		}
		number := v.Avg
		if m.Kind == app.ValueSum {
			number = v.Sum
		}
		text := new(big.Rat).SetFrac(number.Digits, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(number.Places)), nil)).FloatString(number.Places)
		if f.Type == record.Integer && m.Kind == app.ValueSum {
			_ = json.Unmarshal([]byte(text), &out)
			return out
		}
		return text
	}
}

func (n naive) aggregates(form uint32, args map[string]any) any {
	first := 1000
	if given, ok := args["first"].(int64); ok {
		first = int(given)
	}
	return resolve(func(m app.Meaning, _ *ast.Field) any {
		switch m.Kind {
		case app.GroupTotal:
			return float64(1)
		case app.GroupNodes:
			out := []resolve{}
			if first > 0 {
				out = append(out, n.aggregate(form, args, func(record.Redacted) bool { return true }))
			}
			return out
		}
		return resolve(func(m app.Meaning, _ *ast.Field) any {
			switch {
			case m.Kind == app.HasNextPage:
				return first < 1
			case m.Kind == app.HasPreviousPage:
				return false
			case first > 0:
				return "g0"
			}
			return nil
		})
	})
}
