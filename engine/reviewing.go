package engine

import (
	"context"
	"encoding/json"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/rules"
	"sluice/storage"
)

const opReview = "engine.review"

// judgedActions are the actions on records, VIEW first.
var judgedActions = []definition.Action{
	definition.View, definition.Edit, definition.Delete, definition.Export,
	definition.ReadComments, definition.WriteComments, definition.ReadHistory,
}

// review opens an operation of somebody who may use the tool REVIEW. Nothing is
// told of the application to anybody else.
func (e *Engine) review(ctx context.Context, p identity.Principal, application string) (*Op, error) {
	op, err := e.Read(ctx, p, application)
	if err != nil {
		return nil, err
	}
	if err := op.mayUse(Look{Tool: identity.Review}); err != nil {
		op.Close()
		return nil, err
	}
	return op, nil
}

// noteReview writes down that the tool is used, before its answer is given.
func (op *Op) noteReview(l Look, detail any) error {
	b, err := json.Marshal(detail)
	if err != nil {
		return fault.Wrap(fault.Internal, opReview, err, "a look could not be written down")
	}
	l.Tool, l.Application, l.Detail = identity.Review, op.app.def.Name, b
	return op.e.note(op.ctx, op.principal, l)
}

// formNamed returns a form of the application by name. The viewer has every right
// on it.
func (op *Op) formNamed(name string) (*form, error) {
	if def, ok := op.app.def.Form(name); ok {
		return op.app.forms[def.Number], nil
	}
	return nil, fault.New(fault.NotFound, opReview, "form: not found")
}

// lookers looks through the eyes of the members of an application, one after the
// other, on the snapshot of one operation. What rules say of records is asked once
// for all whose attributes are equal, as far as rules read them. It is used by the
// goroutine of the operation.
type lookers struct {
	asker    *Op
	hides    []policy.Hide
	read     []string // attributes that some rule reads, ascending
	outcomes map[string]map[outcomeKey]policy.Outcome
	raw      map[recordKey]seenRecord // of records as stored alone: who looks does not matter
	owner    map[recordKey]bool       // by form and user: whether they own any of its records
}

func (op *Op) lookers() *lookers {
	c := &lookers{asker: op, hides: op.app.hidesFor(op.people), outcomes: map[string]map[outcomeKey]policy.Outcome{}, raw: map[recordKey]seenRecord{}, owner: map[recordKey]bool{}}
	for _, b := range op.app.bindings {
		if b == nil || b.manifest == nil {
			continue
		}
		for _, column := range b.manifest.Viewer {
			c.read = append(c.read, column.Name)
		}
	}
	slices.Sort(c.read)
	c.read = slices.Compact(c.read)
	return c
}

// class is equal for viewers of whom rules are told the same.
func (c *lookers) class(v identity.Viewer) string {
	var b []byte
	for _, name := range c.read {
		b = storage.AppendSortKey(b, v.Attributes[name])
	}
	return string(b)
}

// maxOutcomes is about how many answers of rules lookers remember: of people of
// whom rules are told something different there may be any number.
const maxOutcomes = 16 * maxSeen

// trim forgets what rules said where that is much. It costs asking them again.
func (c *lookers) trim() {
	n := 0
	for _, of := range c.outcomes {
		n += len(of)
	}
	if n > maxOutcomes {
		clear(c.outcomes)
	}
}

// at returns an operation with the rights of a member, false for somebody who has
// no access. It may decide about single records only: what it read belongs to the
// lookers.
func (c *lookers) at(user *directory.User) (*Op, bool) {
	op := c.asker
	p := identity.Principal{Tenant: op.principal.Tenant, User: user.ID, Credential: identity.Session}
	viewer, ok := op.people.Viewer(p, op.app.def.Name)
	if !ok {
		return nil, false
	}
	class := c.class(viewer)
	if c.outcomes[class] == nil {
		c.outcomes[class] = map[outcomeKey]policy.Outcome{}
	}
	return &Op{
		e: op.e, ctx: op.ctx, r: op.r, principal: p, people: op.people, epoch: op.epoch, app: op.app, seal: op.seal,
		view:     op.app.policy.View(viewer, op.people.In(op.app.def.Name), c.hides),
		fuel:     rules.Fuel{Left: rules.QueryFuel},
		outcomes: c.outcomes[class], seen: c.raw,
	}, true
}

// shared cuts an operation with the rights of a member to what op's viewer sees as
// well (P10). Admins are members too: what is counted is no more than the asker's
// own. The other operation is not closed.
func (op *Op) shared(other *Op) { other.view, other.asker = other.view.Within(op.view), op }
