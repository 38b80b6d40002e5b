package engine

import (
	"context"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Proposal is a change of rights that is not made: a Difference says what it would
// give and take. The zero Proposal changes nothing.
type Proposal struct {
	// From is the stored version of the definition that is compared with; zero for
	// the one that is active.
	From uint64
	// Source is a new definition document, judged as Apply judges it, and Version a
	// stored version of the definition, as it was then. At most one of them is
	// given; without either the definition stays.
	Source    []byte
	AllowDrop bool
	Version   uint64
	// Assignments say who gets another place. One of a person is enough; the last
	// one counts.
	Assignments []AssignmentChange
	// Modules says which module would fill a custom rule and decide: its hash by
	// the rule's name, empty for a rule that is switched off.
	Modules map[string]string
}

// AssignmentChange is what would become of one person. Its zero fields keep what
// they have.
type AssignmentChange struct {
	User record.ID
	// Assign is their new place in the application, of whatever kind; User and
	// Application of it are not read.
	Assign *directory.Assignment
	// Unassign takes their place away. It goes with no Assign.
	Unassign bool
	// Active activates or deactivates them; nil leaves them as they are.
	Active *bool
}

// CompareOptions say what is wanted beside the counts.
type CompareOptions struct {
	// Samples is how many pairs each count shows at most; none for zero.
	Samples int
	// Progress is told how many records were looked at of those that there are, as
	// far as the asker sees them. It must not block.
	Progress func(done, total int)
	// Each is given every gain and loss, by form, record and person; nil asks for
	// counts alone. An error of it ends the comparison and is returned as it is. The
	// row is valid until it returns.
	Each func(*DifferenceRow) error
	// Costs asks for Difference.Costs, which takes some decisions more.
	Costs bool
}

// Difference is what a change of rights would give and take, over all people and
// records of an application, as far as the asker sees the records. It names people
// and records by id and holds no value of any cell.
type Difference struct {
	// Data and Epoch are the newest entry of the change log and the state of people
	// and definitions that it was computed on.
	Data, Epoch uint64
	// Faults say why the document of the proposal would be refused: nothing was
	// compared then. Findings are those of Check.
	Faults   []definition.Fault
	Findings []definition.Finding
	// From and To are the versions of the definition on both sides. The one of a
	// document is the number that applying it would give.
	From, To uint64
	// People and Records is how many were looked at. People are those who have
	// access to the application on either side.
	People, Records int
	// Exposed are the fields marked as personal data or health information, on
	// either side, that somebody would newly read.
	Exposed []Exposure
	// Forms are those where something is gained or lost, in the order of the new
	// definition, dropped ones last.
	Forms []FormDifference
	// Shapes say what people gain and lose whatever the records are; people who
	// gain and lose the same stand together.
	Shapes []ShapeDifference
	// Costs are those of the proposed modules, by name of the rule, where they were
	// asked for.
	Costs []RuleCost `json:",omitempty"`
}

// Empty reports whether nobody gains or loses anything.
func (d *Difference) Empty() bool { return len(d.Forms) == 0 && len(d.Shapes) == 0 }

// Change is what is gained, or lost, in one respect: by how many people, on how
// many records, and how many pairs of a person and a record that makes.
type Change struct {
	People, Records int
	Pairs           int64
	// Samples are the first pairs in the order of records, one of a record, of
	// different people as far as there are.
	Samples []Pair
}

// Pair is a person and a record.
type Pair struct{ Person, Record record.ID }

// Turn is both sides of a change.
type Turn struct{ Gained, Lost Change }

// FormDifference is what changes on the records of one form.
type FormDifference struct {
	Form    uint32
	Name    string // on the new side, or the old one's of a form that is dropped
	Added   bool   // the form is on the new side only
	Dropped bool   // or on the old side only
	Records int    // looked at
	// Actions and Fields are those with a gain or a loss, in order of their numbers.
	Actions []ActionDifference
	Fields  []FieldDifference
}

// ActionDifference is who gains and loses an action on which records.
type ActionDifference struct {
	Action definition.Action
	Turn
}

// FieldDifference is who gains and loses reading and writing a field on which
// records. The record's own field owner is written by whoever may give the record
// to somebody else.
type FieldDifference struct {
	Field          uint32
	Name           string
	PII, EPHI      bool // on either side
	Added, Dropped bool // the field is on one side only
	Read, Write    Turn
}

// Exposure is a marked field that is newly read. A field that the change adds is
// not exposed to those who have all rights on both sides, as it holds nothing yet.
type Exposure struct {
	Form, Field         uint32
	FormName, FieldName string
	PII, EPHI, Added    bool
	Change
}

// ShapeDifference is what some people gain and lose whatever the records are.
type ShapeDifference struct {
	People       []record.ID // ascending
	Gained, Lost StaticRights
}

// StaticRights are rights that do not depend on records.
type StaticRights struct {
	Place bool     // access to the application at all
	API   bool     // access with a token of one's own
	Pages []string // by name
	Forms []FormRights
}

// FormRights are static rights on one form: actions that may be possible on some
// record, Access and CreateReport among them, fields by name, and reports.
type FormRights struct {
	Form              string
	Actions           []definition.Action
	Visible, Writable []string
	Reports           []string
}

// DifferenceRow is what one person gains and loses on one record. Fields are
// numbers.
type DifferenceRow struct {
	Form                 uint32
	Person, Record       record.ID
	Gained, Lost         []definition.Action
	ReadGained, ReadLost []uint32
	// WriteGained and WriteLost are the fields that could be given another value.
	WriteGained, WriteLost []uint32
}

// Compare says what a proposal would give and take (P10). The asker holds the tool
// COMPARE; records that they may not VIEW are in no count, sample or progress. That
// it was used is written down by NoteComparison, once, by whoever runs it.
//
// It reads one snapshot, each record once, and looks again and again whether the
// asker's credential and rights are still those that it began with: a credential
// that ended is Unauthenticated, people or definitions that changed are Conflict.
// One that takes longer than the store keeps a state is Limit. A proposal that
// cannot be is Invalid; what is wrong with its document is in Faults.
func (e *Engine) Compare(ctx context.Context, p identity.Principal, application string, c Proposal, o CompareOptions) (*Difference, error) {
	op, err := e.Read(ctx, p, application)
	if err != nil {
		return nil, err
	}
	defer op.Close()
	if err := op.mayUse(Look{Tool: identity.Compare}); err != nil {
		return nil, err
	}
	return op.compare(&c, &o)
}

// NoteComparison permits a comparison and writes it down: detail is JSON of what is
// asked for, without addresses of people.
func (e *Engine) NoteComparison(ctx context.Context, p identity.Principal, application string, detail []byte) error {
	return e.note(ctx, p, Look{Tool: identity.Compare, Application: application, Detail: detail})
}

func (op *Op) compare(p *Proposal, o *CompareOptions) (*Difference, error) {
	d := &Difference{Epoch: op.epoch}
	var err error
	if d.Data, err = op.r.LastChange(); err != nil {
		return nil, err
	}
	before, after, err := op.sides(p, d)
	if err != nil || len(d.Faults) > 0 {
		return d, err
	}
	c := newComparison(op, before, after, o)
	if o.Costs {
		c.costs = newCosting(p.Modules)
	}
	if err := c.run(d); err != nil {
		return nil, exportError(err)
	}
	return d, nil
}
