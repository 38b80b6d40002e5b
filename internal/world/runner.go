package world

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/rules"
)

// missing is the place in the table of a module that is not there.
const missing = 0

// Rule returns the custom rule of that name, nil for none.
func Rule(w *World, name string) *definition.CustomRule {
	for _, c := range w.App.Custom {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Manifest returns what the module of a custom rule declares, false where the
// rule has no module.
func Manifest(w *World, rule string) (rules.Manifest, bool) {
	c := Rule(w, rule)
	m, ok := w.Modules[rule]
	if !ok || c == nil {
		return rules.Manifest{}, false
	}
	out := rules.Manifest{ABI: 1, Form: c.Form, Effect: rules.Effect(c.Effect), Mask: c.Fields}
	if c.Effect == definition.Share {
		out.Grant = 3
	}
	for _, name := range m.Record {
		f, _ := oracle.Field(w.Form(c.Form), name)
		out.Record = append(out.Record, rules.Column{Name: name, Type: f.Type, Scale: f.Scale})
	}
	for _, name := range m.Viewer {
		for _, a := range w.App.Attributes {
			if a.Name == name {
				out.Viewer = append(out.Viewer, rules.Column{Name: name, Type: a.Type, Scale: a.Scale})
			}
		}
	}
	return out, true
}

// Truth returns the function of a rule's module as a runner's answer: viewer
// and row in the order of the manifest. A rule without module always faults.
func Truth(w *World, rule string) func(viewer, row []record.Value) rules.Verdict {
	m, ok := w.Modules[rule]
	if !ok {
		m.Truth = missing
	}
	return truth(program{Truth: m.Truth, Effect: Rule(w, rule).Effect, Fields: len(Rule(w, rule).Fields)})
}

// program is what the double runs in place of a module.
type program struct {
	Rule   string
	Truth  int
	Effect definition.Effect
	Fields int // of a Mask
}

func truth(p program) func(viewer, row []record.Value) rules.Verdict {
	return func(viewer, row []record.Value) rules.Verdict {
		v := oracle.Truths[p.Truth](viewer, row)
		switch {
		case p.Truth == missing:
			return rules.Verdict{Fault: rules.FaultMissing}
		case v.Fault:
			return rules.Verdict{Fault: rules.FaultTrap}
		case p.Effect == definition.Mask:
			return rules.Verdict{Visible: v.Visible & (1<<p.Fields - 1)}
		case p.Effect == definition.Restrict:
			return rules.Verdict{Grant: uint8(min(v.Level, 1))}
		}
		return rules.Verdict{Grant: uint8(v.Level)}
	}
}

// ModuleBytes returns what to Load into a [Runner] for a rule, nil where the
// rule has no module.
func ModuleBytes(w *World, rule string) []byte {
	m, ok := w.Modules[rule]
	if !ok {
		return nil
	}
	b, _ := json.Marshal(program{rule, m.Truth, Rule(w, rule).Effect, len(Rule(w, rule).Fields)}) // plain values always marshal
	return b
}

// Runner is a Go double of the sandbox. The zero Runner is ready. It counts the
// rows that it decided and spends no fuel.
type Runner struct {
	mu     sync.Mutex
	loaded map[rules.Hash]program
	Rows   int
}

var _ rules.Runner = (*Runner)(nil)

// Load reads what ModuleBytes wrote.
func (r *Runner) Load(_ context.Context, _ identity.Tenant, module []byte) (rules.Hash, error) {
	var p program
	if err := json.Unmarshal(module, &p); err != nil {
		return rules.Hash{}, fmt.Errorf("world: not a module of the double: %w", err)
	}
	if p.Truth < 0 || p.Truth >= len(oracle.Truths) {
		return rules.Hash{}, fmt.Errorf("world: no module %d in the table", p.Truth)
	}
	h := rules.Hash(sha256.Sum256(module))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.loaded == nil {
		r.loaded = map[rules.Hash]program{}
	}
	r.loaded[h] = p
	return h, nil
}

// Loaded reports whether the module of that hash was loaded.
func (r *Runner) Loaded(_ identity.Tenant, h rules.Hash) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.loaded[h]
	return ok
}

// Decide asks the table. A hash that was not loaded is a missing module.
func (r *Runner) Decide(ctx context.Context, b *rules.Batch, _ *rules.Fuel, out []rules.Verdict) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	p, ok := r.loaded[b.Rule]
	r.Rows += len(b.Rows)
	r.mu.Unlock()
	if !ok {
		p = program{Truth: missing}
	}
	for i, row := range b.Rows {
		out[i] = truth(p)(b.Viewer, row)
	}
	return nil
}
