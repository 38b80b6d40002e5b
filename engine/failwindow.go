package engine

import (
	"slices"
	"time"

	"sluice/internal/record"
	"sluice/rules"
)

// A version of a rule is put in quarantine by faults on quarantineRecords records
// within quarantineWindow, of which nobody alone added all but quarantineOthers, or was
// the last to change all but so many: nobody switches a rule off with records made for
// that, nor with records of others that were changed for it, and one record of
// somebody else by chance is no help.
const (
	quarantineRecords = 100
	quarantineOthers  = 10
	quarantineWindow  = 5 * time.Minute
)

// faulty is a record that a rule went wrong on, with the last time that it did.
type faulty struct {
	id, adder record.ID
	changer   record.ID // who wrote the state that it went wrong on
	at        time.Time
	kind      rules.FaultKind
}

// failing are the records that one version of a rule went wrong on of late, as many as
// can matter: at most maxFailing. The zero value is empty.
type failing struct {
	module   rules.Hash
	all      []faulty // of distinct records, the oldest first
	adders   people
	changers people
}

// keptFailing is how many records trim leaves at most: quarantineRecords, and of those
// before them quarantineOthers not of the adder, and as many not of the changer, whom
// all others are of. Beyond maxFailing they are trimmed.
const (
	keptFailing = quarantineRecords + 2*quarantineOthers
	maxFailing  = 2 * keptFailing
)

// add takes a fault of a version in, and reports whether it is one too many. Of a
// record the latest fault counts, also when it is told of late.
func (w *failing) add(module rules.Hash, f faulty) bool {
	if w.adders == nil || w.module != module {
		*w = failing{module: module, adders: people{}, changers: people{}}
	}
	if n := len(w.all); n > 0 && w.all[n-1].at.Sub(f.at) >= quarantineWindow {
		return w.full()
	}
	if i := slices.IndexFunc(w.all, func(x faulty) bool { return x.id == f.id }); i >= 0 {
		if w.all[i].at.After(f.at) {
			return w.full()
		}
		w.drop(i, i+1)
	}
	at := len(w.all)
	for at > 0 && w.all[at-1].at.After(f.at) {
		at--
	}
	w.all = slices.Insert(w.all, at, f)
	w.adders[f.adder]++
	w.changers[f.changer]++
	w.expire()
	if len(w.all) > maxFailing {
		w.trim()
	}
	return w.full()
}

// full reports whether there are enough records, and enough of others than any one
// person's. That is so exactly if quarantineRecords among them are, too: of any one
// person at most quarantineRecords - quarantineOthers would be taken.
func (w *failing) full() bool { return enough(len(w.all), w.adders, w.changers) }

func enough(records int, adders, changers people) bool {
	return records >= quarantineRecords && adders.others(records) >= quarantineOthers && changers.others(records) >= quarantineOthers
}

func (w *failing) drop(from, to int) {
	for _, f := range w.all[from:to] {
		w.adders.less(f.adder)
		w.changers.less(f.changer)
	}
	w.all = slices.Delete(w.all, from, to)
}

// expire drops what is too old to count beside the newest.
func (w *failing) expire() {
	last := w.all[len(w.all)-1].at
	w.drop(0, slices.IndexFunc(w.all, func(f faulty) bool { return last.Sub(f.at) < quarantineWindow }))
}

// trim drops each record without which those after it say the same: they are enough,
// and would be without anybody that it is not of. So it leaves the answer as it is for
// every fault to come; only where the last changer of a record becomes another may it
// take more faults than before.
func (w *failing) trim() {
	adders, changers := people{}, people{}
	var kept []faulty // the newest first
	for i, f := range slices.Backward(w.all) {
		after := len(w.all) - 1 - i
		if after < quarantineRecords || adders.othersBut(f.adder, after) < quarantineOthers || changers.othersBut(f.changer, after) < quarantineOthers {
			kept = append(kept, f)
		}
		adders[f.adder]++
		changers[f.changer]++
	}
	slices.Reverse(kept)
	w.all, w.adders, w.changers = kept, people{}, people{}
	for _, f := range kept {
		w.adders[f.adder]++
		w.changers[f.changer]++
	}
}

// people counts records by somebody.
type people map[record.ID]int

// less counts one record less of somebody.
func (p people) less(who record.ID) {
	if p[who]--; p[who] == 0 {
		delete(p, who)
	}
}

// others is how many of some records are not of whoever has most.
func (p people) others(records int) int {
	most := 0
	for _, n := range p {
		most = max(most, n)
	}
	return records - most
}

// othersBut is others where one person is not looked at.
func (p people) othersBut(one record.ID, records int) int {
	most := 0
	for who, n := range p {
		if who != one {
			most = max(most, n)
		}
	}
	return records - most
}

// sum is what is written down of those that can matter.
func (w *failing) sum(now time.Time) *quarantineDoc {
	w.trim()
	q := &quarantineDoc{Module: w.module.String(), Since: now.UTC().Truncate(time.Millisecond), Records: len(w.all), Adders: len(w.adders), Faults: map[string]int{}}
	for _, f := range w.all {
		q.Faults[f.kind.String()]++
	}
	return q
}
