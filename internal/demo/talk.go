package demo

import (
	"context"
	"fmt"

	"sluice/engine"
	"sluice/internal/record"
)

// remark is a comment of somebody on the first order of the sales rep Ravi.
type remark struct {
	by, text string
	mentions []string
}

const (
	ravi  = "ravi@zylker.example"
	marta = "marta@zylker.example"
)

var remarks = []remark{
	{by: marta, text: "The customer asks for two weeks more. Can we?", mentions: []string{ravi}},
	{by: ravi, text: "Yes, if the pumps may come later.", mentions: []string{marta}},
	{by: marta, text: "They may."},
}

// comment adds the remarks.
func (s *seeder) comment(ctx context.Context, st *staff, orders []*row) error {
	for _, o := range orders {
		if o.cells["salesperson"].Ref() != st.ids[ravi] {
			continue
		}
		for _, r := range remarks {
			if err := s.say(ctx, st, o.id, r); err != nil {
				return fmt.Errorf("comment: %w", err)
			}
		}
		return nil
	}
	return nil
}

func (s *seeder) say(ctx context.Context, st *staff, order record.ID, r remark) error {
	p, err := s.principal(ctx, st.admin.Tenant, st.ids[r.by])
	if err != nil {
		return err
	}
	mentions := make([]record.ID, len(r.mentions))
	for i, email := range r.mentions {
		mentions[i] = st.ids[email]
	}
	return s.engine.Write(ctx, p, Application, "demo", func(op *engine.Op) error {
		f, ok := op.Application().Form("Order")
		if !ok {
			return fmt.Errorf("no orders")
		}
		_, err := op.AddComment(f.Number, order, r.text, mentions)
		return err
	})
}
