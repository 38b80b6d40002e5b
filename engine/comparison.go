package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

const (
	opComparison                  = "engine.comparison"
	spaceComparison storage.Space = 32
)

// ComparisonState is where a comparison stands. The zero state is none.
type ComparisonState string

// The states of a comparison.
const (
	ComparisonRunning   ComparisonState = "RUNNING"
	ComparisonDone      ComparisonState = "DONE"
	ComparisonFailed    ComparisonState = "FAILED"
	ComparisonCancelled ComparisonState = "CANCELLED"
)

// ProposedChange is a Proposal as it is asked for, stored, and held against what is
// applied later.
type ProposedChange struct {
	Source      []byte            `json:"-"`
	AllowDrop   bool              `json:"allowDrop,omitempty"`
	From        uint64            `json:"from,omitempty"`
	Version     uint64            `json:"version,omitempty"`
	Assignments []ProposedPlace   `json:"assignments,omitempty"`
	Modules     map[string]string `json:"modules,omitempty"`
}

// ProposedPlace is what would become of one person. What is empty stays as it is.
type ProposedPlace struct {
	User          record.ID         `json:"user"`
	Role          string            `json:"role,omitempty"`
	PermissionSet string            `json:"set,omitempty"`
	Attributes    map[string]string `json:"attributes,omitempty"` // as text; nil keeps those of now
	Portal        bool              `json:"portal,omitempty"`
	Developer     bool              `json:"developer,omitempty"`
	Unassign      bool              `json:"unassign,omitempty"`
	Active        *bool             `json:"active,omitempty"`
}

// hash names the change: equal for equal changes of the same application.
func (c *ProposedChange) hash(application string) (string, error) {
	b, err := json.Marshal(struct {
		Application string          `json:"application"`
		Source      [32]byte        `json:"source"`
		Length      int             `json:"length"`
		Change      *ProposedChange `json:"change"`
	}{application, sha256.Sum256(c.Source), len(c.Source), c})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// Comparison is a difference that is computed in the background, for whoever asked
// for it.
type Comparison struct {
	ID          string          `json:"id"` // ascending with time
	Application string          `json:"application"`
	Asker       record.ID       `json:"asker"`
	Change      ProposedChange  `json:"change"`
	Hash        string          `json:"hash"`         // of Change
	Of          string          `json:"of,omitempty"` // the comparison of somebody else that it looks at again
	Started     time.Time       `json:"started"`
	Ended       *time.Time      `json:"ended,omitempty"`
	State       ComparisonState `json:"state"`
	Reason      string          `json:"reason,omitempty"` // of FAILED, for the asker
	// Epoch and Data are those of the difference, Digest is of all its rows, and
	// Exposes says that it newly exposes personal data; of DONE without faults.
	Epoch   uint64 `json:"epoch,omitempty"`
	Data    uint64 `json:"data,omitempty"`
	Digest  string `json:"digest,omitempty"`
	Exposes bool   `json:"exposes,omitempty"`
	// Harmless says that it exposes nothing on records that its asker does not see
	// either. It is shown to nobody: see Op.newlyExposes. False also where the
	// engine does not ask for approval.
	Harmless bool `json:"harmless,omitempty"`
	// Parts is in how many documents the difference is kept.
	Parts int `json:"parts,omitempty"`
	// Approval is that of another admin; nil for none.
	Approval *Approval `json:"approval,omitempty"`

	// What follows is as of now and for whoever reads it.

	// Result is nil for everybody but the asker, and where there is none.
	Result *Difference `json:"-"`
	// Checked and Total are records looked at, and to be looked at, of RUNNING.
	Checked int `json:"-"`
	Total   int `json:"-"`
	// Outdated says that rights, or records that the reader sees, changed since.
	Outdated bool `json:"-"`
	// People are the display names of asker, approver, and who the result is about.
	People map[record.ID]string `json:"-"`
	lost   bool                 // RUNNING is stored, and nobody runs it
}

// Approval is what an admin said of somebody else's comparison.
type Approval struct {
	By   record.ID `json:"by"`
	Time time.Time `json:"time"`
	Via  string    `json:"via"` // the comparison that they looked at
}

func comparisonKey(id string) string { return "j/" + id }

func comparisonSourceKey(id string) string { return "s/" + id }

func comparisonPartKey(id string, part int) string { return fmt.Sprintf("r/%s/%d", id, part) }

var errNoComparison = fault.New(fault.NotFound, opComparison, "id: no such comparison")

// readComparison returns a stored comparison without its result, NotFound for
// every id that names none.
func readComparison(r storage.Reader, id string) (*Comparison, error) {
	if parsed, err := record.ParseID(id); err != nil || parsed.String() != id {
		return nil, errNoComparison
	}
	b, ok, err := r.Doc(spaceComparison, comparisonKey(id))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errNoComparison
	}
	c := &Comparison{}
	if err := json.Unmarshal(b, c); err != nil {
		return nil, damagedComparison(err)
	}
	if len(c.Change.Source) > 0 {
		return nil, damagedComparison(nil)
	}
	source, ok, err := r.Doc(spaceComparison, comparisonSourceKey(id))
	if ok {
		c.Change.Source = bytes.Clone(source)
	}
	return c, err
}

func damagedComparison(err error) error {
	return fault.Wrap(fault.Unavailable, opComparison, err, "a comparison that is kept is damaged")
}

func putComparison(txn *storage.Txn, c *Comparison) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return txn.PutDoc(spaceComparison, comparisonKey(c.ID), b)
}

// maxComparisonParts bounds what is kept of one difference, in documents.
const maxComparisonParts = 4

// putResult keeps a difference. It names records by id, which the change log need
// not hold once more.
func putResult(txn *storage.Txn, c *Comparison, d *Difference) error {
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if len(b) > maxComparisonParts*storage.MaxValue {
		return fault.New(fault.Limit, opComparison, "the difference is too long to be kept: compare less at a time")
	}
	for c.Parts = 0; len(b) > 0; c.Parts++ {
		n := min(len(b), storage.MaxValue)
		if err := txn.PutSecret(spaceComparison, comparisonPartKey(c.ID, c.Parts), b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func readResult(r storage.Reader, c *Comparison) (*Difference, error) {
	var b []byte
	for i := range c.Parts {
		part, ok, err := r.Doc(spaceComparison, comparisonPartKey(c.ID, i))
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, damagedComparison(nil)
		}
		b = append(b, part...)
	}
	d := &Difference{}
	if err := json.Unmarshal(b, d); err != nil {
		return nil, damagedComparison(err)
	}
	return d, nil
}

func dropComparison(txn *storage.Txn, c *Comparison) error {
	if err := txn.PutDoc(spaceComparison, comparisonKey(c.ID), nil); err != nil {
		return err
	}
	for i := range c.Parts {
		if err := txn.PutSecret(spaceComparison, comparisonPartKey(c.ID, i), nil); err != nil {
			return err
		}
	}
	return txn.PutSecret(spaceComparison, comparisonSourceKey(c.ID), nil)
}

// comparisons lists those of an application, the oldest first, without sources.
func comparisons(r storage.Reader, application string) ([]*Comparison, error) {
	c := r.Docs(spaceComparison, comparisonKey(""))
	defer c.Close()
	var out []*Comparison
	for c.Next() {
		one := &Comparison{}
		if err := json.Unmarshal(c.Value(), one); err != nil {
			return nil, damagedComparison(err)
		}
		if one.Application == application {
			out = append(out, one)
		}
	}
	return out, c.Err()
}

// proposal turns a change into what is compared, with the people of op.
func (op *Op) proposal(c *ProposedChange) (*Proposal, error) {
	out := &Proposal{Source: c.Source, AllowDrop: c.AllowDrop, From: c.From, Version: c.Version, Modules: c.Modules}
	for i := range c.Assignments {
		place, err := op.proposedPlace(&c.Assignments[i])
		if err != nil {
			return nil, err
		}
		out.Assignments = append(out.Assignments, place)
	}
	return out, nil
}

func (op *Op) proposedPlace(c *ProposedPlace) (AssignmentChange, error) {
	out := AssignmentChange{User: c.User, Unassign: c.Unassign, Active: c.Active}
	if c.Unassign || c.Role == "" && c.PermissionSet == "" && c.Attributes == nil && !c.Developer && !c.Portal {
		return out, nil
	}
	a := directory.Assignment{User: c.User, Application: op.app.def.Name, Kind: identity.Live}
	if was, ok := op.people.Assignment(c.User, op.app.def.Name); ok {
		a.Kind, a.Role, a.PermissionSet, a.Attributes = was.Kind, was.Role, was.PermissionSet, was.Attributes
	}
	switch {
	case c.Developer:
		a = directory.Assignment{User: c.User, Application: op.app.def.Name, Kind: identity.Developer}
	case c.Portal:
		a.Kind, a.Role = identity.Portal, ""
	case c.Role != "":
		a.Kind, a.Role = identity.Live, c.Role
	}
	if c.PermissionSet != "" {
		a.PermissionSet = c.PermissionSet
	}
	if c.Attributes != nil {
		values, err := attributeValues(op.app.def, c.Attributes)
		if err != nil {
			return out, err
		}
		a.Attributes = values
	}
	out.Assign = &a
	return out, nil
}

// mayCompare opens an operation of somebody who holds the tool.
func (e *Engine) mayCompare(ctx context.Context, p identity.Principal, application string) (*Op, error) {
	op, err := e.Read(ctx, p, application)
	if err != nil {
		return nil, err
	}
	if err := op.mayUse(Look{Tool: identity.Compare}); err != nil {
		op.Close()
		return nil, err
	}
	return op, nil
}
