package engine

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluice/internal/record"
	"sluice/rules"
)

var begun = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

// stumbles puts faults on records from one number to another, all of one adder, at
// one moment.
type stumbles struct {
	from, to int
	adder    byte
	at       time.Duration
}

// faultOn is a fault on a record of somebody, who changed it last, too.
func faultOn(n int, adder byte, at time.Duration) faulty {
	return faulty{id: record.ID{byte(n >> 8), byte(n)}, adder: record.ID{adder}, changer: record.ID{adder}, at: begun.Add(at), kind: rules.FaultTrap}
}

// TestH4_QuarantineTakesRecordsOfOthers: so many records, enough of them of others than
// whoever added most, within the time; nothing less.
func TestH4_QuarantineTakesRecordsOfOthers(t *testing.T) {
	const last = quarantineWindow - time.Microsecond
	for _, c := range []struct {
		name string
		all  []stumbles
		full bool
	}{
		{"90 and 10", []stumbles{{0, 90, 1, 0}, {90, 100, 2, 0}}, true},
		{"10 and 90", []stumbles{{0, 10, 1, 0}, {10, 100, 2, 0}}, true},
		{"91 and 9", []stumbles{{0, 91, 1, 0}, {91, 100, 2, 0}}, false},
		{"9 and 91", []stumbles{{0, 9, 1, 0}, {9, 100, 2, 0}}, false},
		{"99 and 1", []stumbles{{0, 99, 1, 0}, {99, 100, 2, 0}}, false},
		{"90, 5 and 5", []stumbles{{0, 90, 1, 0}, {90, 95, 2, 0}, {95, 100, 3, 0}}, true},
		{"91, 5 and 4", []stumbles{{0, 91, 1, 0}, {91, 96, 2, 0}, {96, 100, 3, 0}}, false},
		{"one too few", []stumbles{{0, 49, 1, 0}, {49, 99, 2, 0}}, false},
		{"one adder", []stumbles{{0, 5000, 1, 0}}, false},
		{"one adder, then 9 of another", []stumbles{{0, 5000, 1, 0}, {5000, 5009, 2, 0}}, false},
		{"one adder, then 10 of another", []stumbles{{0, 5000, 1, 0}, {5000, 5010, 2, 0}}, true},
		{"10 of another, then one adder", []stumbles{{5000, 5010, 2, 0}, {0, 90, 1, 0}}, true},
		{"9 of another, a flood of one adder, and one more", []stumbles{{5000, 5009, 2, 0}, {0, 5000, 1, 0}, {5009, 5010, 3, 0}}, true},
		{"9 of another and a flood of one adder", []stumbles{{5000, 5009, 2, 0}, {0, 5000, 1, 0}}, false},
		{"the same record again and again", []stumbles{{0, 50, 1, 0}, {50, 99, 2, 1}, {0, 50, 1, 2}, {50, 99, 2, 3}}, false},
		{"just within the time", []stumbles{{0, 10, 1, 0}, {10, 100, 2, last}}, true},
		{"just out of it", []stumbles{{0, 10, 1, 0}, {10, 100, 2, quarantineWindow}}, false},
		{"out of it, but for those that failed again", []stumbles{{0, 10, 1, 0}, {0, 10, 1, last}, {10, 100, 2, last + quarantineWindow/2}}, true},
		{"told of late", []stumbles{{10, 100, 2, last}, {0, 10, 1, 0}}, true},
		{"told of too late", []stumbles{{10, 100, 2, quarantineWindow}, {0, 10, 1, 0}}, false},
		{"told of late, and out of time since", []stumbles{{0, 50, 1, time.Minute}, {50, 99, 2, 0}, {99, 100, 3, quarantineWindow}}, false},
		{"of an earlier state, told of late", []stumbles{{0, 90, 1, 2}, {90, 99, 2, 2}, {0, 1, 2, 1}}, false},
		{"a long time", []stumbles{{0, 90, 1, 0}, {90, 180, 2, quarantineWindow}, {180, 270, 3, 2 * quarantineWindow}}, false},
	} {
		for _, by := range []string{"adders", "changers"} {
			var w failing
			full := false
			for _, s := range c.all {
				for n := s.from; n < s.to; n++ {
					f := faultOn(n, byte(n), s.at)
					if by == "adders" {
						f.adder = record.ID{s.adder}
					} else {
						f.changer = record.ID{s.adder}
					}
					full = w.add(rules.Hash{}, f)
				}
			}
			if full != c.full {
				t.Errorf("%s by %s: %t", c.name, by, full)
			}
		}
	}
}

// TestH4_QuarantineIsOfAVersion: what another version did wrong does not count.
func TestH4_QuarantineIsOfAVersion(t *testing.T) {
	var w failing
	for n := range 99 {
		w.add(rules.Hash{1}, faultOn(n, byte(n%2), 0))
	}
	for n := range 99 {
		if w.add(rules.Hash{2}, faultOn(n, byte(n%2), 0)) {
			t.Fatalf("after %d records", n+1)
		}
	}
	if !w.add(rules.Hash{2}, faultOn(200, 1, 0)) {
		t.Error("100 records of two people are not enough")
	}
}

// TestH4_FailingEqualsItsModel compares with one that forgets nothing, where some
// faults are told of late, and holds the bound of memory. What records whose last
// changer becomes another may cost is a quarantine that comes later, never one that
// nothing stands for.
func TestH4_FailingEqualsItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w failing
		var all []faulty
		at, moves := time.Duration(0), rapid.Bool().Draw(t, "moves")
		for range rapid.IntRange(1, 12).Draw(t, "runs") {
			at += time.Duration(rapid.IntRange(-1, 3).Draw(t, "minutes")) * time.Minute
			from, adder := rapid.IntRange(0, 400).Draw(t, "from"), byte(rapid.IntRange(1, 3).Draw(t, "adder"))
			changer := byte(rapid.IntRange(0, 3).Draw(t, "changer"))
			for n := from; n < from+rapid.SampledFrom([]int{1, 4, 9, 10, 40, 400}).Draw(t, "many"); n++ {
				f := faultOn(n*4+int(adder), adder, at)
				switch {
				case moves:
					f.changer = record.ID{changer}
				case n < 300: // nearly all by one person
					f.changer = record.ID{1}
				default:
					f.changer = record.ID{2, byte(n)}
				}
				all = append(all, f)
				got, want := w.add(rules.Hash{}, f), tooMany(all)
				if got && !want || want && !got && !moves {
					t.Fatalf("%d records of %d adders: %t, want %t", len(w.all), len(w.adders), got, want)
				}
				if len(w.all) > maxFailing {
					t.Fatalf("%d records are remembered", len(w.all))
				}
				if got {
					if q := w.sum(f.at); q.Records > keptFailing || !w.full() {
						t.Fatalf("%d records are written down, full: %t", q.Records, w.full())
					}
					return
				}
			}
		}
	})
}

// tooMany says of all faults, in the order in which they were told, what add says.
func tooMany(all []faulty) bool {
	now := all[0].at
	for _, f := range all {
		if f.at.After(now) {
			now = f.at
		}
	}
	records := map[record.ID]faulty{}
	for _, f := range all {
		if now.Sub(f.at) < quarantineWindow && !records[f.id].at.After(f.at) {
			records[f.id] = f // the last state
		}
	}
	for _, one := range records {
		adders, changers := 0, 0
		for _, f := range records {
			if f.adder != one.adder {
				adders++
			}
			if f.changer != one.changer {
				changers++
			}
		}
		if adders < quarantineOthers || changers < quarantineOthers {
			return false
		}
	}
	return len(records) >= quarantineRecords
}

// TestH4_FailingIsTrimmed: whatever the mixture, so many records are left, and the
// answer is that of all of them.
func TestH4_FailingIsTrimmed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := failing{adders: people{}, changers: people{}}
		// Nearly all by one adder, or by one changer, or by both, and others between.
		odd := rapid.IntRange(1, 40).Draw(t, "odd")
		for n := range rapid.IntRange(1, 1000).Draw(t, "records") {
			f := faultOn(n, 1, time.Duration(n))
			if rapid.IntRange(0, odd).Draw(t, "adder") == 0 {
				f.adder = record.ID{2, byte(n % 3)}
			}
			if rapid.IntRange(0, odd).Draw(t, "changer") == 0 {
				f.changer = record.ID{3, byte(n % 5)}
			}
			w.all = append(w.all, f)
			w.adders[f.adder]++
			w.changers[f.changer]++
		}
		before := w.full()
		if w.trim(); len(w.all) > keptFailing || w.full() != before {
			t.Fatalf("%d records are left, full: %t, %t before", len(w.all), w.full(), before)
		}
	})
}
