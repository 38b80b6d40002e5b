package engine

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
)

// maxShadowSamples is how many differences a report shows at most.
const maxShadowSamples = 50

// ShadowReport is what a module that runs beside the deciding one said otherwise, as
// far as its reader may see the records by now. Numbers are of the pairs of a viewer
// and a record that are kept, the last time that they were asked about, and of those
// alone: a number over all records would tell of hidden ones.
type ShadowReport struct {
	Rule, Module string
	Effect       definition.Effect
	By           record.ID
	From, Until  time.Time
	Running      bool // it is not over
	Compared     int
	// More, Less, Other and Failed are of the kinds of ShadowKind.
	More, Less, Other, Failed int
	Faults                    []FaultCount // of the new version, by kind
	Samples                   []ShadowSample
	// People are the display names of those who are named.
	People map[record.ID]string
}

// ShadowSample is a pair on which the versions differ.
type ShadowSample struct {
	Kind           ShadowKind
	Record, Viewer record.ID
	Old, New       ShadowVerdict
	// OldHidden and NewHidden are the fields of the verdicts by name.
	OldHidden, NewHidden []string
}

// RuleShadow returns what the shadow of a rule found; nil where none was begun, or
// it was ended. It is for holders of the tool COMPARE, which is written down.
func (e *Engine) RuleShadow(ctx context.Context, p identity.Principal, application, rule string) (*ShadowReport, error) {
	op, err := e.mayCompare(ctx, p, application)
	if err != nil {
		return nil, err
	}
	defer op.Close()
	i := slices.IndexFunc(op.app.def.Custom, func(r *definition.CustomRule) bool { return r.Name == rule })
	if i < 0 {
		return nil, fault.New(fault.NotFound, opShadow, "rule: application %s has no custom rule %q", application, rule)
	}
	d, ok, err := readShadow(op.r, application, rule)
	if err != nil || !ok {
		return nil, err
	}
	detail, err := json.Marshal(map[string]string{"shadow": rule, "module": d.Module})
	if err != nil {
		return nil, err
	}
	if err := e.NoteComparison(ctx, p, application, detail); err != nil {
		return nil, err
	}
	pairs, err := op.shadowPairs(rule, d)
	if err != nil {
		return nil, err
	}
	out := &ShadowReport{
		Rule: rule, Module: d.Module, Effect: d.Effect, By: d.By, From: d.From, Until: d.Until,
		Running: d.runs(e.o.Now()) && op.app.shadows[op.app.def.Custom[i]] != nil, People: map[record.ID]string{},
	}
	op.nameIn(out, d.By)
	return out, op.reportShadow(out, pairs)
}

// shadowPairs returns what is in memory, and otherwise what is stored.
func (op *Op) shadowPairs(rule string, d shadowDoc) ([]shadowPair, error) {
	ctx, cancel := context.WithTimeout(op.ctx, shadowWait)
	defer cancel()
	if run := op.e.settleShadow(ctx, runKey{op.r.Tenant(), d.ID}); run != nil {
		run.mu.Lock()
		defer run.mu.Unlock()
		if run.log != nil {
			return slices.Clone(run.log.pairs), nil
		}
	}
	log, err := readShadowLog(op.r, op.app.def.Name, rule)
	if err != nil {
		return nil, err
	}
	return log.pairs, nil
}

// reportShadow counts the pairs whose record the reader may VIEW as it is now and as it
// was then, and whose viewer there still is.
func (op *Op) reportShadow(out *ShadowReport, pairs []shadowPair) error {
	faults := map[rules.FaultKind]int64{}
	type state struct {
		form    uint32
		record  record.ID
		version uint32
	}
	seen := map[state]bool{}
	for _, p := range slices.Backward(pairs) {
		key := state{p.Form, p.Record, p.Version}
		if _, asked := seen[key]; !asked {
			f, _, err := op.stateOf(&storedEntry{ruleEntry: ruleEntry{Form: p.Form, Record: p.Record, Version: p.Version}})
			if err != nil {
				return err
			}
			seen[key] = f != nil
		}
		if !seen[key] || !op.nameIn(out, p.Viewer) {
			continue
		}
		out.count(p, faults)
		if p.Kind != ShadowSame && len(out.Samples) < maxShadowSamples {
			out.Samples = append(out.Samples, op.shadowSample(p))
		}
	}
	for kind := rules.FaultTrap; kind < rules.FaultKinds; kind++ {
		if n := faults[kind]; n > 0 {
			out.Faults = append(out.Faults, FaultCount{kind, n})
		}
	}
	return nil
}

func (s *ShadowReport) count(p shadowPair, faults map[rules.FaultKind]int64) {
	s.Compared++
	switch p.Kind {
	case ShadowMore:
		s.More++
	case ShadowLess:
		s.Less++
	case ShadowOther:
		s.Other++
	case ShadowFault:
		s.Failed++
	case ShadowSame:
	}
	if p.New.Fault != rules.NoFault {
		faults[p.New.Fault]++
	}
}

// nameIn names a person in a report, false for somebody who was deleted.
func (op *Op) nameIn(out *ShadowReport, user record.ID) bool {
	u, ok := op.people.User(user)
	if ok {
		out.People[user] = u.DisplayName
	}
	return ok
}

func (op *Op) shadowSample(p shadowPair) ShadowSample {
	names := func(numbers []uint32) (out []string) {
		f := op.app.forms[p.Form]
		for _, n := range numbers {
			if fd, ok := f.def.FieldNumber(n); ok {
				out = append(out, fd.Name)
			}
		}
		return out
	}
	return ShadowSample{
		Kind: p.Kind, Record: p.Record, Viewer: p.Viewer, Old: p.Old, New: p.New,
		OldHidden: names(p.Old.Hidden), NewHidden: names(p.New.Hidden),
	}
}
