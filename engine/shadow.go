package engine

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/storage"
)

const (
	opShadow                  = "engine.shadow"
	spaceShadow storage.Space = 40
	// MaxShadowHours bounds for how long a module runs beside the deciding one.
	MaxShadowHours = 168
	// MaxShadows bounds how many modules of an organization run beside others at once.
	MaxShadows = 8
)

// shadowDoc says which module runs beside the one that fills a rule, and until when.
type shadowDoc struct {
	ID     string            `json:"id"` // names this stretch of time
	Module string            `json:"module"`
	Beside string            `json:"beside,omitempty"` // the deciding module; empty for none
	Effect definition.Effect `json:"effect"`           // of the rule
	By     record.ID         `json:"by"`
	From   time.Time         `json:"from"`
	Until  time.Time         `json:"until"`
}

func shadowKey(application, rule string) string { return "s/" + bindingKey(application, rule) }

func shadowLogKey(application, rule string) string { return "l/" + bindingKey(application, rule) }

// shadow is a module that runs beside the one that decides. Nothing that it says is
// read by a decision.
type shadow struct {
	doc     shadowDoc
	binding *binding
}

func readShadow(r storage.Reader, application, rule string) (d shadowDoc, ok bool, err error) {
	b, ok, err := r.Doc(spaceShadow, shadowKey(application, rule))
	if err != nil || !ok {
		return d, false, err
	}
	if err := json.Unmarshal(b, &d); err != nil {
		return d, false, fault.Wrap(fault.Unavailable, opShadow, err, "the shadow of rule %s is damaged; stop it and begin again", rule)
	}
	return d, true, nil
}

// runs reports whether the time of a shadow is not over.
func (d *shadowDoc) runs(now time.Time) bool { return now.Before(d.Until) }

// endShadow ends what runs beside the deciding module of a rule, as another one, or
// none, decides from now on. What it found stays.
func endShadow(txn *storage.Txn, application, rule string, now time.Time) error {
	d, ok, err := readShadow(txn, application, rule)
	if fault.KindOf(err) == fault.Unavailable {
		return nil // it does not run
	}
	if err != nil || !ok || !d.runs(now) {
		return err
	}
	d.Until = now
	return putShadow(txn, application, rule, d)
}

// dropShadow forgets what runs or ran beside a rule, with what it found.
func dropShadow(txn *storage.Txn, application, rule string) error {
	if err := txn.PutDoc(spaceShadow, shadowKey(application, rule), nil); err != nil {
		return err
	}
	return txn.PutSecret(spaceShadow, shadowLogKey(application, rule), nil)
}

func putShadow(txn *storage.Txn, application, rule string, d shadowDoc) error {
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return txn.PutDoc(spaceShadow, shadowKey(application, rule), b)
}

// roomForShadow returns an error of kind Limit where as many as may run beside other
// rules already. One that is damaged does not run.
func roomForShadow(r storage.Reader, application, rule string, now time.Time) error {
	c := r.Docs(spaceShadow, "s/")
	defer c.Close()
	n := 0
	for c.Next() {
		var d shadowDoc
		if c.Key() != shadowKey(application, rule) && json.Unmarshal(c.Value(), &d) == nil && d.runs(now) {
			n++
		}
	}
	if n >= MaxShadows {
		return fault.New(fault.Limit, opShadow, "rule: %d modules of the organization run beside others already, the most that is allowed; stop one", n)
	}
	return c.Err()
}

// readShadows resolves the modules that run beside others. One that is damaged, is
// not kept or does not fit any more runs no more, which no decision notices.
func readShadows(r storage.Reader, app *application) (map[*definition.CustomRule]*shadow, error) {
	var out map[*definition.CustomRule]*shadow
	for _, rule := range app.def.Custom {
		d, ok, err := readShadow(r, app.def.Name, rule.Name)
		if fault.KindOf(err) == fault.Unavailable || !ok && err == nil {
			continue
		}
		if err != nil {
			return nil, err
		}
		m, err := readModule(r, app.def.Name, d.Module)
		if err != nil || m == nil || d.Effect != rule.Effect || fits(m.manifest, rule, app.def) != nil {
			continue
		}
		if out == nil {
			out = map[*definition.CustomRule]*shadow{}
		}
		if decided := app.bindings[rule]; decided == nil && d.Beside != "" || decided != nil && decided.hash.String() != d.Beside {
			continue
		}
		out[rule] = &shadow{doc: d, binding: newBinding(app, rule, m, false)}
	}
	return out, nil
}

// ShadowRule lets a module run beside the one that decides, for 1 to MaxShadowHours
// hours from now: on samples of what people ask, later and for itself, so that it
// changes no answer. What it says otherwise is read with RuleShadow. One that runs
// already is replaced with what it found. It ends when its time is over and when
// another module, or none, decides. It is for those who may define the application
// and hold the tool COMPARE. NotFound and Invalid are those of BindModule; Conflict
// for the deciding module, Limit for more than MaxShadows.
func (e *Engine) ShadowRule(ctx context.Context, p identity.Principal, application, rule, module string, hours int) (*ShadowReport, error) {
	op, err := e.mayCompare(ctx, p, application)
	if err != nil {
		return nil, err
	}
	op.Close()
	if hours < 1 || hours > MaxShadowHours {
		return nil, fault.New(fault.Invalid, opShadow, "hours: expected 1 to %d", MaxShadowHours)
	}
	now := e.o.Now().UTC().Truncate(time.Millisecond)
	d := shadowDoc{ID: record.NewID(now).String(), Module: module, By: p.User, From: now, Until: now.Add(time.Duration(hours) * time.Hour)}
	err = e.reshadow(ctx, p, "shadowRule", application, rule, func(txn *storage.Txn, def *definition.Application, r *definition.CustomRule) error {
		m, err := readModule(txn, application, module)
		if err != nil {
			return err
		}
		if m == nil {
			return fault.New(fault.NotFound, opShadow, "module: no module of application %s has this hash", application)
		}
		if err := fits(m.manifest, r, def); err != nil {
			return err
		}
		s, err := readBinding(txn, application, rule)
		if err == nil && s.asked() == module {
			err = fault.New(fault.Conflict, opShadow, "module: it decides already; shadow another one")
		}
		if err == nil {
			err = roomForShadow(txn, application, rule, now)
		}
		if err != nil {
			return err
		}
		d.Beside, d.Effect = s.asked(), r.Effect
		return putShadow(txn, application, rule, d)
	})
	if err != nil {
		return nil, err
	}
	return e.RuleShadow(ctx, p, application, rule)
}

// UnshadowRule ends what ShadowRule began and forgets what it found; a rule without a
// shadow stays as it is. It is for those who may define the application.
func (e *Engine) UnshadowRule(ctx context.Context, p identity.Principal, application, rule string) error {
	return e.reshadow(ctx, p, "unshadowRule", application, rule, func(*storage.Txn, *definition.Application, *definition.CustomRule) error { return nil })
}

// reshadow changes the shadow of a rule and drops what an earlier one found.
func (e *Engine) reshadow(ctx context.Context, p identity.Principal, operation, application, rule string,
	fn func(*storage.Txn, *definition.Application, *definition.CustomRule) error,
) error {
	return e.change(ctx, p, operation, func(txn *storage.Txn, people *directory.People) error {
		def, err := e.definable(txn, people, p, application)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(def.Custom, func(r *definition.CustomRule) bool { return r.Name == rule })
		if i < 0 {
			return fault.New(fault.NotFound, opShadow, "rule: application %s has no custom rule %q", application, rule)
		}
		if err := dropShadow(txn, application, rule); err != nil {
			return err
		}
		if err := fn(txn, def, def.Custom[i]); err != nil {
			return err
		}
		return txn.BumpEpoch()
	})
}

// ShadowVerdict is what a module said of a record, in terms of the definition.
type ShadowVerdict struct {
	Level   definition.Level `json:"level,omitempty"`   // SHARE, capped by the rule
	Through bool             `json:"through,omitempty"` // RESTRICT
	Hidden  []uint32         `json:"hidden,omitempty"`  // MASK: numbers of fields
	Reason  uint8            `json:"reason,omitempty"`
	Fault   rules.FaultKind  `json:"fault,omitempty"` // what went wrong instead
}

// shadowVerdict puts an outcome into what it does to access.
func shadowVerdict(f *form, rule *definition.CustomRule, o policy.Outcome) ShadowVerdict {
	v := ShadowVerdict{Reason: o.Reason}
	if o.Fault {
		v = ShadowVerdict{Fault: rules.FaultKind(o.Cause)}
		o = policy.Outcome{}
	}
	switch rule.Effect {
	case definition.Share:
		v.Level = min(o.Level, rule.MaxLevel)
	case definition.Restrict:
		v.Through = o.Through
	case definition.Mask:
		for _, name := range rule.Fields {
			if fd, ok := f.def.Field(name); ok && !o.Visible.Has(fd.Number) {
				v.Hidden = append(v.Hidden, fd.Number)
			}
		}
		slices.Sort(v.Hidden)
	}
	return v
}

// ShadowKind says how the new version's verdict differs. The zero ShadowKind is that
// it does not.
type ShadowKind uint8

// The kinds, told apart by what access comes of the verdicts. A fault gives what H4
// says; only one of the new version alone is a kind of its own.
const (
	ShadowSame  ShadowKind = iota
	ShadowMore             // it grants, lets through or shows more
	ShadowLess             // it grants, lets through or shows less
	ShadowOther            // a MASK hides other fields
	ShadowFault            // it fails where the deciding one does not
)

// String returns the kind in one word.
func (k ShadowKind) String() string {
	return [...]string{"SAME", "MORE", "LESS", "OTHER", "FAULT"}[min(int(k), 4)]
}

func shadowKind(old, next ShadowVerdict) ShadowKind {
	less, more := record.FieldSetOf(next.Hidden...), record.FieldSetOf(old.Hidden...)
	opened, closed := !more.Minus(less).Empty(), !less.Minus(more).Empty()
	switch {
	case next.Fault != rules.NoFault && old.Fault == rules.NoFault:
		return ShadowFault
	case next.Level > old.Level, next.Through && !old.Through, opened && !closed:
		return ShadowMore
	case next.Level < old.Level, !next.Through && old.Through, closed && !opened:
		return ShadowLess
	case opened:
		return ShadowOther
	}
	return ShadowSame
}
