package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// spaceVersion holds the versions of rules and what was done with them. Both stay
// when a definition drops the rule, so that no number is ever used twice.
const spaceVersion storage.Space = 36

// MaxVersions is the largest page of RuleVersions and of RuleEvents.
const MaxVersions = 200

// RuleAct is what was done with a version of a rule.
type RuleAct string

// The acts.
const (
	VersionBound       RuleAct = "BOUND"
	VersionTakenBack   RuleAct = "TAKEN_BACK" // bound, and never activated
	VersionActivated   RuleAct = "ACTIVATED"
	VersionRolledBack  RuleAct = "ROLLED_BACK" // activated by RollbackRule
	VersionDeactivated RuleAct = "DEACTIVATED"
	VersionDropped     RuleAct = "DROPPED"     // a definition dropped the rule
	VersionQuarantined RuleAct = "QUARANTINED" // by its faults; nobody did it
	VersionReleased    RuleAct = "RELEASED"    // from quarantine
)

// RuleVersion is a module that was bound to a rule. Its number is that of its first
// binding, from 1, and never another module's.
type RuleVersion struct {
	Number int
	Module string // hash
	Label  string // that the uploader gave
	Size   int    // bytes as uploaded
	// Deleted says that the module is not kept any more: Label is empty and Size is 0.
	Deleted bool
	Active  bool // it decides
	Next    bool // it waits for activation
	// Before says that it decided before the one that decides, or that decided last
	// where the rule is off: RollbackRule leads there without a version.
	Before bool
	Bound  RuleStamp
	// Fallback says that it decides while the active one is in quarantine, and StandsIn
	// that this is so now.
	Fallback, StandsIn bool
	// Quarantine is nil for a version that is not in quarantine.
	Quarantine *RuleQuarantine
}

// RuleStamp says who did something, and when. It is zero where that was not
// written down yet, and By is zero where nobody did it.
type RuleStamp struct {
	By record.ID
	// Name is the display name of now: empty for somebody who was deleted, and for
	// developers of people outside the application.
	Name string
	Time time.Time
}

// RuleEvent is something that was done with a version of a rule.
type RuleEvent struct {
	Number  int // from 1, per rule
	Act     RuleAct
	Version int
	Module  string // hash
	RuleStamp
}

// stampDoc is a RuleStamp as it is stored.
type stampDoc struct {
	By record.ID `json:"by"`
	At time.Time `json:"at"`
}

// versionDoc is a version as it is stored, under its number.
type versionDoc struct {
	number int
	stored bool
	Module string `json:"module"`
	stampDoc
}

type eventDoc struct {
	Act     RuleAct `json:"act"`
	Version int     `json:"version"`
	Module  string  `json:"module"`
	stampDoc
}

func versionPrefix(application, rule string) string { return "v/" + application + "/" + rule + "/" }

func eventPrefix(application, rule string) string { return "e/" + application + "/" + rule + "/" }

func numberKey(prefix string, n int) string { return fmt.Sprintf("%s%08d", prefix, n) }

// serialOf is the number that ends a key.
func serialOf(key string) (int, error) {
	return strconv.Atoi(key[strings.LastIndexByte(key, '/')+1:])
}

// versionsOf returns the versions of a rule, the oldest first. What a binding names
// that was made before versions had numbers gets the next ones. There are at most
// maxRuleVersions, and few more.
func versionsOf(r storage.Reader, application, rule string, s bindingState) ([]versionDoc, error) {
	var out []versionDoc
	c := r.Docs(spaceVersion, versionPrefix(application, rule))
	defer c.Close()
	for c.Next() {
		v := versionDoc{stored: true}
		n, err := serialOf(c.Key())
		if err == nil {
			err = json.Unmarshal(c.Value(), &v)
		}
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, "engine.versions", err, "the versions of rule %s are damaged", rule)
		}
		v.number = n
		out = append(out, v)
	}
	for _, module := range []string{s.Previous, s.Module, s.Next, s.Fallback} {
		out, _ = withVersion(out, module, stampDoc{})
	}
	return out, c.Err()
}

// withVersion returns the versions with that of a module, and its number; empty is
// none.
func withVersion(all []versionDoc, module string, by stampDoc) ([]versionDoc, int) {
	if module == "" {
		return all, 0
	}
	if i := slices.IndexFunc(all, func(v versionDoc) bool { return v.Module == module }); i >= 0 {
		return all, all[i].number
	}
	n := 1
	if len(all) > 0 {
		n = all[len(all)-1].number + 1
	}
	return append(all, versionDoc{number: n, Module: module, stampDoc: by}), n
}

// ruleAct is an act on a module.
type ruleAct struct {
	act    RuleAct
	module string
}

// actsBetween says what was done from one binding to the other, where on is how a
// module was let decide.
func actsBetween(before, after bindingState, on RuleAct) (out []ruleAct) {
	was, is := before.deciding(), after.deciding()
	switch {
	case after.Next != "" && after.Next != before.Next:
		out = append(out, ruleAct{VersionBound, after.Next})
	case before.Next != "" && after.Next == "" && was == is:
		out = append(out, ruleAct{VersionTakenBack, before.Next})
	}
	switch {
	case is != "" && is != was:
		out = append(out, ruleAct{on, is})
	case is == "" && was != "":
		out = append(out, ruleAct{VersionDeactivated, was})
	}
	switch {
	case after.Fallback != "" && after.Fallback != before.Fallback:
		out = append(out, ruleAct{VersionFallback, after.Fallback})
	case after.Fallback == "" && before.Fallback != "":
		out = append(out, ruleAct{VersionNoFallback, before.Fallback})
	}
	for _, q := range after.Quarantined {
		if before.quarantine(q.Module) == nil {
			out = append(out, ruleAct{VersionQuarantined, q.Module})
		}
	}
	for _, q := range before.Quarantined {
		if after.quarantine(q.Module) == nil {
			out = append(out, ruleAct{VersionReleased, q.Module})
		}
	}
	return out
}

// recordActs writes acts into the history of a rule, with the versions that are new;
// s is the binding before them.
func recordActs(txn *storage.Txn, application, rule string, s bindingState, acts []ruleAct, by stampDoc) error {
	if len(acts) == 0 {
		return nil
	}
	versions, err := versionsOf(txn, application, rule, s)
	if err != nil {
		return err
	}
	last, err := lastEvent(txn, application, rule)
	if err != nil {
		return err
	}
	for i, a := range acts {
		e := eventDoc{Act: a.act, Module: a.module, stampDoc: by}
		versions, e.Version = withVersion(versions, a.module, by)
		if err := putNumbered(txn, eventPrefix(application, rule), last+i+1, e); err != nil {
			return err
		}
	}
	for _, v := range versions {
		if v.stored {
			continue
		}
		if err := putNumbered(txn, versionPrefix(application, rule), v.number, v); err != nil {
			return err
		}
	}
	return nil
}

func putNumbered(txn *storage.Txn, prefix string, n int, doc any) error {
	b, err := json.Marshal(doc)
	if err != nil {
		return fault.Wrap(fault.Internal, "engine.recordActs", err, "the history of a rule could not be written")
	}
	return txn.PutDoc(spaceVersion, numberKey(prefix, n), b)
}

// lastEvent is the number of the last event of a rule, 0 for none.
func lastEvent(r storage.Reader, application, rule string) (int, error) {
	c := r.DocsIn(spaceVersion, eventPrefix(application, rule), storage.DocRange{Desc: true})
	defer c.Close()
	if !c.Next() {
		return 0, c.Err()
	}
	return serialOf(c.Key())
}

// stamped is a stamp for somebody who may define the application.
func stamped(people *directory.People, p identity.Principal, application string, by stampDoc) RuleStamp {
	out := RuleStamp{By: by.By, Time: by.At}
	u, ok := people.User(by.By)
	if ok && (u.Admin.Administers() || people.IsIn(u.ID, application) || people.MayOpen(p) == nil) {
		out.Name = u.DisplayName
	}
	return out
}

func (e *Engine) stampTime() time.Time { return e.o.Now().UTC().Truncate(time.Millisecond) }
