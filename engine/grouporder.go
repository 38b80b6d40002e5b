package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
	"sluice/storage"
)

// checkOrder checks the order keys and what they need to be computed.
func (a *aggregator) checkOrder() error {
	if len(a.q.OrderBy) > MaxGroupKeys {
		return fault.New(fault.Limit, opAggregate, "orderBy: %d keys, at most %d are allowed", len(a.q.OrderBy), MaxGroupKeys)
	}
	for _, o := range a.q.OrderBy {
		switch {
		case o.Of == NoFunction:
			if o.Key < 0 || o.Key >= len(a.keys) {
				return fault.New(fault.Invalid, opAggregate, "orderBy: not a key of groupBy")
			}
		case o.Of == Count && o.Field.Number == 0:
		default:
			if _, err := a.need(o.Field.Number, o.Of); err != nil {
				return err
			}
		}
	}
	return nil
}

// page orders the groups that having lets through and cuts the page out.
func (a *aggregator) page() (*Groups, error) {
	out := &Groups{binding: a.binding()}
	var err error
	if out.seal, err = a.op.sealerOf(); err != nil {
		return nil, err
	}
	all := a.remaining()
	at := 0
	if a.q.After != "" {
		pos, err := out.seal.open("after", a.q.After, 1, out.binding)
		if err != nil {
			return nil, err
		}
		at, _ = slices.BinarySearchFunc(all, pos.keys[0], func(g *group, rank []byte) int {
			if bytes.Compare(g.rank, rank) <= 0 {
				return -1
			}
			return 1
		})
	}
	out.Total, out.HasPrev = len(all), at > 0
	end := min(at+a.q.First, len(all))
	out.HasNext = end < len(all)
	for _, g := range all[at:end] {
		out.Groups, out.ranks = append(out.Groups, a.outcome(g)), append(out.ranks, g.rank)
	}
	return out, a.op.failed()
}

// remaining are the groups that having lets through, in order.
func (a *aggregator) remaining() []*group {
	var all []*group
	if a.all != nil {
		all = append(all, a.all)
	}
	for _, g := range a.groups {
		all = append(all, g)
	}
	all = slices.DeleteFunc(all, func(g *group) bool { return !a.keeps(g) })
	for _, g := range all {
		g.rank = a.rank(g)
	}
	slices.SortFunc(all, func(x, y *group) int { return bytes.Compare(x.rank, y.rank) })
	return all
}

// rank encodes where a group stands: bytes.Compare gives the requested order.
// Groups that are equal in it come by their keys, nulls last.
func (a *aggregator) rank(g *group) []byte {
	var b []byte
	for _, o := range a.q.OrderBy {
		k := a.orderKey(g, o)
		null := bytes.Equal(k, nullKey)
		if b = append(b, flag(null != o.NullsFirst)); !null {
			b = appendDirected(b, k, o.Desc)
		}
	}
	for _, v := range g.keys {
		if b = append(b, flag(v.IsNull())); !v.IsNull() {
			b = storage.AppendSortKey(b, v)
		}
	}
	return b
}

func (a *aggregator) orderKey(g *group, o GroupOrder) []byte {
	switch {
	case o.Of == NoFunction:
		return storage.AppendSortKey(nil, g.keys[o.Key])
	case o.Field.Number == 0:
		return storage.AppendSortKey(nil, record.Int(int64(g.count)))
	}
	i := g.measure(o.Field.Number)
	s := &g.summaries[i]
	switch {
	case o.Of == Sum && s.count > 0:
		return s.sum.appendSortKey([]byte{byte(record.KindInt)})
	case o.Of == Avg && s.count > 0:
		return s.avg(&o.Field).appendSortKey([]byte{byte(record.KindInt)})
	}
	return storage.AppendSortKey(nil, measureReader{g, i}.Get(&record.Field{Number: uint32(o.Of)}))
}

// binding says which aggregate a cursor belongs to: the list and all that shapes
// and orders its groups.
func (a *aggregator) binding() []byte {
	h := sha256.New()
	h.Write([]byte("aggregate"))
	h.Write(a.l.binding())
	put := func(ns ...uint32) {
		var b []byte
		for _, n := range ns {
			b = binary.BigEndian.AppendUint32(b, n)
		}
		h.Write(b)
	}
	put(uint32(len(a.keys)))
	for i, k := range a.q.GroupBy {
		put(a.keys[i].field.Number, uint32(k.Unit))
	}
	put(uint32(len(a.q.OrderBy)))
	for _, o := range a.q.OrderBy {
		put(uint32(o.Key), uint32(o.Of), o.Field.Number, uint32(flag(o.Desc)), uint32(flag(o.NullsFirst)))
	}
	zone := "UTC"
	if a.q.Zone != nil {
		zone = a.q.Zone.String()
	}
	put(uint32(len(zone)))
	h.Write([]byte(zone))
	if a.q.Having != nil {
		h.Write(filter.AppendCanonical(nil, a.q.Having))
	}
	return h.Sum(nil)
}
