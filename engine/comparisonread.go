package engine

import (
	"context"
	"slices"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Comparison returns a comparison of one's own as its asker may know it by now: a
// sample with a record that they do not see any more is left out, and it is
// outdated then. Admins are given those of others too, without the result: to look
// at the same change under their own eyes there is ReviewComparison. NotFound for
// every other id.
func (e *Engine) Comparison(ctx context.Context, p identity.Principal, id string) (*Comparison, error) {
	c, err := e.readComparison(ctx, p, id)
	if err == nil && c.lost {
		// It may have ended between the look at what is stored and the look at what
		// runs: what is stored now says how.
		c, err = e.readComparison(ctx, p, id)
	}
	return c, err
}

func (e *Engine) readComparison(ctx context.Context, p identity.Principal, id string) (*Comparison, error) {
	application, err := e.applicationOfComparison(p, id)
	if err != nil {
		return nil, err
	}
	op, err := e.comparisonOp(ctx, p, application)
	if err != nil {
		return nil, err
	}
	defer op.Close()
	return op.comparison(id)
}

// applicationOfComparison is where rights on it are asked for.
func (e *Engine) applicationOfComparison(p identity.Principal, id string) (string, error) {
	snap, err := e.o.Store.Tenant(p.Tenant).Snapshot()
	if err != nil {
		return "", err
	}
	defer snap.Close()
	if err := e.o.Directory.Check(snap, p); err != nil {
		return "", err
	}
	c, err := readComparison(snap, id)
	if err != nil {
		return "", err
	}
	return c.Application, nil
}

// comparisonOp is mayCompare where whoever may not is not told what there is.
func (e *Engine) comparisonOp(ctx context.Context, p identity.Principal, application string) (*Op, error) {
	op, err := e.mayCompare(ctx, p, application)
	if err != nil && fault.KindOf(err) == fault.Forbidden {
		err = errNoComparison
	}
	return op, err
}

// Comparisons lists the comparisons of an application, the newest first: one's own,
// for admins also those of others, all without results.
func (e *Engine) Comparisons(ctx context.Context, p identity.Principal, application string) ([]*Comparison, error) {
	all, err := e.listComparisons(ctx, p, application)
	if err == nil && slices.ContainsFunc(all, func(c *Comparison) bool { return c.lost }) {
		all, err = e.listComparisons(ctx, p, application) // see Comparison
	}
	return all, err
}

func (e *Engine) listComparisons(ctx context.Context, p identity.Principal, application string) ([]*Comparison, error) {
	op, err := e.mayCompare(ctx, p, application)
	if err != nil {
		return nil, err
	}
	defer op.Close()
	all, err := comparisons(op.r, application)
	if err != nil {
		return nil, err
	}
	var out []*Comparison
	for i := len(all) - 1; i >= 0; i-- {
		if c := all[i]; op.mayKnowOf(c) {
			op.asOfNow(c)
			out = append(out, c)
		}
	}
	return out, nil
}

// mayKnowOf reports whether the viewer may know that a comparison was made.
func (op *Op) mayKnowOf(c *Comparison) bool {
	return c.Asker == op.principal.User || op.view.Viewer().Kind.Administers()
}

func (op *Op) comparison(id string) (*Comparison, error) {
	c, err := readComparison(op.r, id)
	if err != nil {
		return nil, err
	}
	if c.Application != op.app.def.Name || !op.mayKnowOf(c) {
		return nil, errNoComparison
	}
	op.asOfNow(c)
	if c.State != ComparisonDone || c.Asker != op.principal.User {
		return c, nil
	}
	if c.Result, err = readResult(op.r, c); err != nil {
		return nil, err
	}
	if c.Outdated, err = op.outdated(c); err != nil {
		return nil, err
	}
	return c, op.reshow(c)
}

// asOfNow adds what is not stored: progress, and that one which nobody runs any
// more has failed.
func (op *Op) asOfNow(c *Comparison) {
	c.People = map[record.ID]string{}
	op.name(c, c.Asker)
	if c.Approval != nil {
		op.name(c, c.Approval.By)
	}
	if c.State != ComparisonRunning {
		return
	}
	run := op.e.comparisons.get(runKey{op.principal.Tenant, c.ID})
	switch {
	case run == nil:
		c.lost, c.State, c.Reason = true, ComparisonFailed, comparisonReason(errComparisonLost)
	case c.Asker == op.principal.User:
		c.Checked, c.Total = int(run.done.Load()), int(run.total.Load())
	}
}

func (op *Op) name(c *Comparison, user record.ID) {
	if u, ok := op.people.User(user); ok {
		c.People[user] = u.DisplayName
	}
}

// reshow checks what the result shows of records and people against what the asker
// sees by now.
func (op *Op) reshow(c *Comparison) error {
	r := &reshown{op: op, c: c, seen: map[recordKey]bool{}}
	d := c.Result
	for i := range d.Exposed {
		if err := r.change(d.Exposed[i].Form, &d.Exposed[i].Change); err != nil {
			return err
		}
	}
	for i := range d.Forms {
		f := &d.Forms[i]
		for k := range f.Actions {
			if err := r.turns(f.Form, &f.Actions[k].Turn); err != nil {
				return err
			}
		}
		for k := range f.Fields {
			if err := r.turns(f.Form, &f.Fields[k].Read, &f.Fields[k].Write); err != nil {
				return err
			}
		}
	}
	for i := range d.Shapes {
		for _, id := range d.Shapes[i].People {
			op.name(c, id)
		}
	}
	return r.costs(d.Costs)
}

// reshown is one reading of a result.
type reshown struct {
	op   *Op
	c    *Comparison
	seen map[recordKey]bool
}

func (r *reshown) turns(form uint32, turns ...*Turn) error {
	for _, t := range turns {
		for _, c := range []*Change{&t.Gained, &t.Lost} {
			if err := r.change(form, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// change leaves out the samples that the reader may not be shown any more.
func (r *reshown) change(form uint32, c *Change) error {
	kept := c.Samples[:0]
	for _, pair := range c.Samples {
		ok, err := r.sees(recordKey{form, pair.Record})
		if err != nil {
			return err
		}
		r.op.name(r.c, pair.Person)
		if _, known := r.c.People[pair.Person]; !ok || !known {
			r.c.Outdated = true
			continue
		}
		kept = append(kept, pair)
	}
	c.Samples = kept
	return nil
}

// costs leaves out the records that the reader may not be shown any more.
func (r *reshown) costs(list []RuleCost) error {
	for i := range list {
		cost := &list[i]
		kept := cost.OutsideRecords[:0]
		for _, id := range cost.OutsideRecords {
			ok, err := r.sees(recordKey{cost.Form, id})
			if err != nil {
				return err
			}
			if !ok {
				r.c.Outdated = true
				continue
			}
			kept = append(kept, id)
		}
		cost.OutsideRecords = kept
	}
	return nil
}

func (r *reshown) sees(key recordKey) (bool, error) {
	if ok, asked := r.seen[key]; asked {
		return ok, nil
	}
	ok, err := r.op.may(key.form, viewAction, []record.ID{key.id})
	if err != nil {
		return false, err
	}
	r.seen[key] = ok[0]
	return ok[0], nil
}

// maxSince is how many entries of the change log are looked at to say whether
// something changed since a comparison.
const maxSince = 2000

// outdated reports whether rights changed since, or a record that the viewer sees.
// It is for people: what is applied is compared anew where anything changed.
func (op *Op) outdated(c *Comparison) (bool, error) {
	if op.epoch != c.Epoch {
		return true, nil
	}
	keys, more, err := op.changedSince(c.Data)
	if err != nil || more {
		return more, err
	}
	byForm := map[uint32][]record.ID{}
	for key := range keys {
		byForm[key.form] = append(byForm[key.form], key.id)
	}
	for form, ids := range byForm {
		seen, err := op.may(form, viewAction, ids)
		if err != nil {
			return false, err
		}
		for _, one := range seen {
			if one {
				return true, nil
			}
		}
	}
	return false, nil
}

// changedSince returns the records of the application that were changed after an
// entry of the change log; more where the log is too long to be looked at.
func (op *Op) changedSince(seq uint64) (keys map[recordKey]bool, more bool, err error) {
	keys = map[recordKey]bool{}
	c := op.r.Changes(seq + 1)
	defer c.Close()
	for n := 0; c.Next(); n++ {
		if n >= maxSince {
			return nil, true, nil
		}
		change := c.Change()
		if op.app.forms[change.Form] != nil {
			keys[recordKey{change.Form, change.Record}] = true
		}
	}
	return keys, false, c.Err()
}

// recordsChanged reports whether any record of the application was changed after
// an entry of the change log, or that cannot be told cheaply.
func (op *Op) recordsChanged(seq uint64) (bool, error) {
	keys, more, err := op.changedSince(seq)
	return more || len(keys) > 0, err
}
