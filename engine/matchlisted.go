package engine

import (
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// goThrough counts records that some, every and none ask about.
func (op *Op) goThrough(n int) error {
	if op.related += n; op.related > MaxRelated {
		return fault.New(fault.Limit, "engine.match", "where: some, every and none go through more than %d records; narrow the filter", MaxRelated)
	}
	return nil
}

// listedBatch is of how many records the lists are followed at once.
const listedBatch = 64

// matchListed answers a quantified filter over what a list of each record leads to,
// as the viewer may read the list and reaches what it leads to (L1). A list that is
// null or masked, or of which nothing is in reach, leads nowhere.
func (op *Op) matchListed(m *matcher, recs []record.Redacted) []bool {
	out := make([]bool, 0, len(recs))
	for from := 0; from < len(recs); from += listedBatch {
		op.trim()
		out = append(out, op.listedBatch(m, recs[from:min(from+listedBatch, len(recs))])...)
	}
	return out
}

func (op *Op) listedBatch(m *matcher, recs []record.Redacted) []bool {
	list := &m.many.List
	found := op.targets(list, recs)
	if err := op.goThrough(len(found)); err != nil {
		op.fail(err)
	}
	if op.failed() != nil {
		return make([]bool, len(recs))
	}
	answers := make(map[record.ID]bool, len(found))
	for i, yes := range op.match(m.kids[0], op.app.forms[list.Target], found) {
		answers[found[i].ID()] = yes
	}
	out := make([]bool, len(recs))
	for i, r := range recs {
		out[i] = m.quantifies(r.Get(list).Refs(), answers)
	}
	return out
}

// quantifies decides by those of ids that have an answer.
func (m *matcher) quantifies(ids []record.ID, answers map[record.ID]bool) bool {
	settled, _ := m.many.Kind.Decided(m.many.Kind != filter.Every)
	for _, id := range ids {
		if yes, reached := answers[id]; reached {
			if answer, decided := m.many.Kind.Decided(yes); decided {
				return answer
			}
		}
	}
	return !settled
}
