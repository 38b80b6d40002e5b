package engine

import (
	"crypto/sha256"
	"encoding/binary"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/record"
)

// Part asks for a part of what belongs to a record or a person: comments,
// history, notifications.
type Part struct {
	First    int    // 0 to MaxPage; 0 only counts
	After    string // a cursor of the same list, empty for the beginning
	Before   string // a cursor of the same list, empty for the end
	Backward bool   // the last First items between the cursors, not the first
	Total    bool   // count everything, exactly

	// Previous and Next ask for what lies beyond the cursors too: HasPrevious and
	// HasNext speak of the items between them otherwise.
	Previous, Next bool
}

// Marks is what a part says beside its items.
type Marks struct {
	HasNext     bool
	HasPrevious bool
	Total       int // -1 unless it was asked for

	seal          *sealer
	binding       []byte
	after, before *position // nil for the beginning and the end
}

// newPart checks the part and opens its cursors. The words say which list the
// cursors belong to; they are bound to tenant, viewer, asker and shape besides.
func (op *Op) newPart(q Part, words ...[]byte) (m Marks, err error) {
	if q.First < 0 || q.First > MaxPage {
		return m, fault.New(fault.Invalid, "engine.part", "first: %d, expected 0 to %d", q.First, MaxPage)
	}
	m.Total = -1
	if q.Total {
		m.Total = 0
	}
	if m.seal, err = op.sealerOf(); err != nil {
		return m, err
	}
	tenant, shape := op.r.Tenant(), op.view.Shape().Fingerprint
	h := sha256.New()
	for _, word := range append([][]byte{[]byte("part"), tenant[:], op.eyes(), shape[:]}, words...) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(word))))
		h.Write(word)
	}
	m.binding = h.Sum(nil)
	if m.after, err = m.open("after", q.After); err == nil {
		m.before, err = m.open("before", q.Before)
	}
	return m, err
}

// open is the inverse of cursor for the one in an argument, nil for none.
func (m *Marks) open(argument, cursor string) (*position, error) {
	if cursor == "" {
		return nil, nil
	}
	at, err := m.seal.open(argument, cursor, 0, m.binding)
	return &at, err
}

// cursor seals the place of one item.
func (m *Marks) cursor(id record.ID) string { return m.seal.seal(position{id: id}, m.binding) }

func (op *Op) recordWords(what string, form uint32, id record.ID) [][]byte {
	return [][]byte{[]byte(what), binary.BigEndian.AppendUint32(nil, form), id[:]}
}

// may reports for each id whether the viewer may take the action on that record:
// false for one that does not exist, and for one out of reach. Rules are asked
// in batches.
func (op *Op) may(number uint32, a definition.Action, ids []record.ID) ([]bool, error) {
	out := make([]bool, len(ids))
	f := op.app.forms[number]
	reach := op.view.Reach(number, a)
	if _, none := reach.(policy.None); none || f == nil {
		return out, nil
	}
	asked := rulesIn(reach, nil)
	for from := 0; from < len(ids); from += windowSize {
		part := ids[from:min(from+windowSize, len(ids))]
		recs := make([]record.Record, 0, len(part))
		for _, id := range part {
			if rec, ok := op.raw(f, id); ok {
				recs = append(recs, rec)
			}
		}
		op.askShown(f, asked, recs)
		for i, id := range part {
			if rec, ok := op.raw(f, id); ok {
				out[from+i] = op.view.Decide(number, a, &subject{op: op, form: f, rec: rec})
			}
		}
		if op.failed() != nil {
			return nil, op.failed()
		}
	}
	return out, nil
}
