package engine

import (
	"context"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

const opExplain = "engine.ExplainAccess"

// Explain asks why a person may or may not take each action on one record, and
// read and write each of its cells.
type Explain struct {
	User   record.ID // zero for oneself
	Form   string
	Record record.ID
}

// AccessExplanation is the answer: in full for who was given the tool EXPLAIN,
// redacted for everybody else, who may ask about themselves only. It names parts
// of the definition, and never cells.
type AccessExplanation struct {
	Application string
	Version     uint64 // of the definition
	Form        string
	Record      record.ID
	User        record.ID
	UserName    string
	Kind        identity.Kind // as in [Onlooker]
	// Role and PermissionSet are those of the person, empty for none.
	Role, PermissionSet string
	Redacted            bool
	Actions             []ExplainedAction
	Fields              []ExplainedField
}

// ExplainedAction is one action. Those of the formula come first, in the order of
// definition.Action; then CHANGE_OWNER (W1), and CREATE, which is adding a record
// beside this one (W4).
type ExplainedAction struct {
	Action  string
	Allowed bool
	// Because says it in one sentence.
	Because string
	Steps   []ExplainedStep
	// Missing is what a denial lacks: everything listed is needed.
	Missing []ExplainedMissing
	// Parents explains what was asked about the parent record, its parent, and so
	// on, as far as the asker sees them.
	Parents []ExplainedParent
}

// ExplainedParent is what was asked about a parent record (E4).
type ExplainedParent struct {
	Form    string
	Record  record.ID
	Action  string
	Allowed bool
	Steps   []ExplainedStep
	Missing []ExplainedMissing
}

// ExplainedStep is one grant that was tried, or one thing that could take access
// away.
type ExplainedStep struct {
	Statement string // of docs/access-model.md, such as C3
	Kind      string // of policy.StepKind
	Outcome   string // of policy.Verdict
	Name      string // of the report, rule, form or field; empty for none
	Text      string
	// Module names the version of the rule module that was asked, 64 hex digits;
	// empty where none was. Reason is the number that it gave, 0 for none, and
	// ReasonText what the module's manifest says it means.
	Module     string
	Reason     int
	ReasonText string
}

// ExplainedMissing is one thing that a denial lacks: any of AnyOf would do.
type ExplainedMissing struct{ AnyOf []ExplainedNeed }

// ExplainedNeed is a grant that is not there.
type ExplainedNeed struct{ Statement, Kind, Name, Text string }

// ExplainedField is one cell of the record.
type ExplainedField struct {
	Field              string
	Readable, Writable bool
	// Read says why it can be read or not, Write what else an update needs.
	Read, Write []ExplainedStep
}

// ExplainAccess answers on one snapshot. Admins and developers who were given the
// tool EXPLAIN get the answer in full, about anybody with a place in the
// application, and it is written down; everybody else a redacted one about
// themselves, which is not. Forbidden for asking about others without the tool;
// NotFound for a person without a place, and for a form or record that the asker
// may not VIEW, whether it exists or not (P2, P10).
func (e *Engine) ExplainAccess(ctx context.Context, p identity.Principal, application string, q Explain) (*AccessExplanation, error) {
	op, err := e.Read(ctx, p, application)
	if err != nil {
		return nil, err
	}
	defer op.Close()
	if q.User.IsZero() {
		q.User = p.User
	}
	l := Look{Tool: identity.Explain, Application: application, Target: q.User, Form: q.Form, Record: q.Record}
	full, err := op.explainsInFull(l)
	if err != nil {
		return nil, err
	}
	if full {
		if err := e.note(ctx, p, l); err != nil {
			return nil, err
		}
	}
	return op.explainAccess(q, full)
}

// explainsInFull reports whether the answer about the target of a look is one in
// full; an error where there is none at all.
func (op *Op) explainsInFull(l Look) (bool, error) {
	err := op.people.MayUse(op.principal, op.app.def.Name, identity.Explain)
	kind := op.view.Viewer().Kind
	switch {
	case err == nil && (kind.Administers() || kind == identity.Developer):
		return true, nil
	case l.Target == op.principal.User:
		return false, nil
	case err == nil:
		return false, fault.New(fault.Forbidden, opExplain, "only admins and developers ask about other people")
	}
	return false, op.mayUse(l)
}

func (op *Op) explainAccess(q Explain, full bool) (*AccessExplanation, error) {
	def, ok := op.app.def.Form(q.Form)
	if !ok {
		return nil, errNoFormToExplain
	}
	if shape, ok := op.view.Shape().Form(def.Number); !ok || !shape.View {
		return nil, errNoFormToExplain
	}
	other, err := op.whoIsExplained(q.User)
	if err != nil {
		return nil, err
	}
	if _, seen, err := op.Get(def.Number, q.Record); err != nil || !seen {
		return nil, orElse(err, errNoRecordToExplain)
	}
	f := other.app.forms[def.Number]
	rec, ok := other.raw(f, q.Record)
	if !ok {
		return nil, orElse(other.failed(), errNoRecordToExplain)
	}
	who := other.view.Viewer()
	out := &AccessExplanation{
		Application: op.app.def.Name, Version: op.app.def.Version, Form: def.Name, Record: q.Record,
		User: who.User, UserName: who.DisplayName, Kind: seenKind(who.Kind), Role: who.Role, PermissionSet: who.PermissionSet, Redacted: !full,
	}
	s := &subject{op: other, form: f, rec: rec}
	if full {
		teller{asker: op, target: other, you: op.principal.User == who.User}.tell(out, s)
	} else {
		op.tellOneself(out, s)
	}
	if err := orElse(op.failed(), other.failed()); err != nil {
		return nil, err
	}
	return out, nil
}

var (
	errNoFormToExplain   = fault.New(fault.NotFound, opExplain, "form: not found")
	errNoRecordToExplain = fault.New(fault.NotFound, opExplain, "record: not found")
)

// whoIsExplained returns the operation with the rights of the person.
func (op *Op) whoIsExplained(user record.ID) (*Op, error) {
	if user == op.principal.User {
		return op, nil
	}
	return op.through(user)
}

// explanation is one action with its name in the API.
type explanation struct {
	name string
	policy.Explanation
}

// explainAll explains every action, and compares each with the decision itself:
// an explanation that says otherwise is none.
func explainAll(v *policy.View, form uint32, s *subject) ([]explanation, error) {
	var out []explanation
	agree := true
	for _, a := range explained {
		x := v.Explain(form, a, s)
		agree = agree && x.Allowed == v.Decide(form, a, s)
		out = append(out, explanation{a.String(), x})
	}
	out = append(out,
		explanation{"CHANGE_OWNER", v.ExplainOwnerChange(form, s)},
		explanation{"CREATE", v.ExplainCreate(form, s)})
	if !agree {
		return nil, fault.New(fault.Internal, opExplain, "the explanation is not what was decided")
	}
	return out, nil
}

// explained are the actions of the formula, in the order in which they are told.
var explained = []definition.Action{
	definition.View, definition.Edit, definition.Delete, definition.Export,
	definition.ReadComments, definition.WriteComments, definition.ReadHistory,
}
