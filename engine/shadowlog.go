package engine

import (
	"encoding/json"
	"slices"

	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/storage"
)

// maxShadowPairs bounds what is kept of a shadow: pairs of a viewer and a record.
const maxShadowPairs = 1000

// shadowPair is what two versions say of a record for a viewer, the last time that
// they were asked.
type shadowPair struct {
	Form   uint32    `json:"f"`
	Record record.ID `json:"r"`
	// Version is the record's, as both were asked about it.
	Version uint32        `json:"n,omitempty"`
	Viewer  record.ID     `json:"v"`
	Kind    ShadowKind    `json:"k,omitempty"`
	Old     ShadowVerdict `json:"o"`
	New     ShadowVerdict `json:"s"`
}

// shadowLog is what was found, the newest last. It serves one goroutine.
type shadowLog struct {
	application, rule string
	pairs             []shadowPair
}

// put takes a pair in. Where there is no more room, the oldest that do not differ go
// first.
func (l *shadowLog) put(p shadowPair) {
	same := func(o shadowPair) bool { return o.Record == p.Record && o.Viewer == p.Viewer }
	if i := slices.IndexFunc(l.pairs, same); i >= 0 {
		l.pairs = slices.Delete(l.pairs, i, i+1)
	}
	if l.pairs = append(l.pairs, p); len(l.pairs) > maxShadowPairs {
		l.drop()
	}
}

func (l *shadowLog) drop() {
	i := slices.IndexFunc(l.pairs, func(p shadowPair) bool { return p.Kind == ShadowSame })
	l.pairs = slices.Delete(l.pairs, max(i, 0), max(i, 0)+1)
}

// encode returns the log as it is stored, with as many pairs as there is room for.
func (l *shadowLog) encode() ([]byte, error) {
	for {
		b, err := json.Marshal(l.pairs)
		if err != nil || len(b) <= storage.MaxValue {
			return b, err
		}
		for range (len(l.pairs) + 3) / 4 {
			l.drop()
		}
	}
}

func readShadowLog(r storage.Reader, application, rule string) (*shadowLog, error) {
	l := &shadowLog{application: application, rule: rule}
	b, ok, err := r.Doc(spaceShadow, shadowLogKey(application, rule))
	if err != nil || !ok {
		return l, err
	}
	if err := json.Unmarshal(b, &l.pairs); err != nil {
		return nil, fault.Wrap(fault.Unavailable, opShadow, err, "what the shadow of rule %s found is damaged; begin again", rule)
	}
	return l, nil
}

// openShadowLog reads what was found before the process began. The caller holds the
// run's mu.
func (e *Engine) openShadowLog(job *shadowJob) error {
	if job.run.log != nil {
		return nil
	}
	snap, err := e.o.Store.Tenant(job.tenant).Snapshot()
	if err != nil {
		return err
	}
	defer snap.Close()
	log := &shadowLog{application: job.app.def.Name, rule: job.rule.Name}
	d, ok, err := readShadow(snap, log.application, log.rule)
	if err == nil && ok && d.ID == job.shadow.doc.ID {
		log, err = readShadowLog(snap, log.application, log.rule)
	}
	job.run.log = log
	return err
}
