package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/internal/record"
	"sluice/rules"
)

// history writes down what somebody knows of a record's changes, the oldest
// first, nil where they may not.
func (h *house) history(who, form string, id record.ID) (lines []string) {
	h.t.Helper()
	h.read(who, func(op *Op) {
		pages, err := op.History(h.form(form).Number, []record.ID{id}, Part{First: MaxPage, Total: true}, true)
		must(h.t, err)
		if pages[0] == nil {
			return
		}
		lines = []string{}
		for _, r := range pages[0].Revisions {
			line := fmt.Sprint(r.Version)
			for _, c := range r.Cells {
				line += fmt.Sprintf(" %s:%s>%s", c.Field.Name, record.AppendText(nil, c.Field, c.Before), record.AppendText(nil, c.Field, c.After))
			}
			lines = append(lines, line)
		}
		slices.Reverse(lines)
		if pages[0].Total != len(lines) {
			h.t.Errorf("%d changes are counted, %d listed", pages[0].Total, len(lines))
		}
	})
	return lines
}

func TestH5_MaskedCellsInHistory(t *testing.T) {
	h := talking(t)
	h.cover()
	deal := h.add("rep", "Deal", cell{"title": "a", "stage": "open", "amount": 1, "badge": "p"})
	must(t, h.update("rep", "Deal", deal, cell{"amount": 2}))
	must(t, h.update("rep", "Deal", deal, cell{"stage": "shut", "amount": 3}))
	must(t, h.update("rep", "Deal", deal, cell{"amount": 4}))
	must(t, h.update("rep", "Deal", deal, cell{"stage": "open", "amount": 5, "title": "b"}))
	must(t, h.update("rep", "Deal", deal, cell{"amount": 6}))
	own := fmt.Sprintf("owner:>%s", h.id["rep"])
	want := map[string][]string{
		"rep": {
			"1 title:>a amount:>1 stage:>open badge:>p " + own, "2 amount:1>2", "3 amount:2>3 stage:open>shut",
			"4 amount:3>4", "5 title:a>b amount:4>5 stage:shut>open", "6 amount:5>6",
		},
		// covered in either state is covered: 4 is no entry, 5 shows neither 4 nor 5.
		"mia": {
			"1 title:>a amount:>1 stage:>open badge:>p " + own, "2 amount:1>2", "3 stage:open>shut",
			"5 title:a>b stage:shut>open", "6 amount:5>6",
		},
	}
	for who, lines := range want {
		if got := h.history(who, "Deal", deal); !slices.Equal(got, lines) {
			t.Errorf("%s knows\n%s\nwant\n%s", who, strings.Join(got, "\n"), strings.Join(lines, "\n"))
		}
	}
	must(t, h.update("rep", "Deal", deal, cell{"stage": "lost"}))
	masked := []string{"1 title:>a stage:>open " + own, "3 stage:open>shut", "5 title:a>b stage:shut>open", "7 stage:open>lost"}
	if got := h.history("mia", "Deal", deal); !slices.Equal(got, masked) { // as it is now
		t.Errorf("while covered now, mia knows\n%s", strings.Join(got, "\n"))
	}
}

// TestH4_FaultsCoverHistory: a rule that fails about any state covers all of its
// fields there.
func TestH4_FaultsCoverHistory(t *testing.T) {
	h := talking(t)
	m := rules.Manifest{Effect: rules.Mask, Mask: []string{"amount", "stage", "badge"}, Record: []rules.Column{{Name: "stage", Type: record.Text}}}
	h.fill("cover", m, func(_, row []record.Value) rules.Verdict {
		if string(row[0].Text()) == "trap" {
			return rules.Verdict{Visible: 7, Fault: rules.FaultTrap}
		}
		return rules.Verdict{Visible: 7}
	})
	deal := h.add("rep", "Deal", cell{"title": "a", "stage": "trap", "amount": 1})
	must(t, h.update("rep", "Deal", deal, cell{"stage": "open", "amount": 2}))
	must(t, h.update("rep", "Deal", deal, cell{"amount": 3}))
	want := []string{fmt.Sprintf("1 title:>a owner:>%s", h.id["rep"]), "3 amount:2>3"}
	if got := h.history("mia", "Deal", deal); !slices.Equal(got, want) {
		t.Errorf("mia knows %q, want %q", got, want)
	}
}

func TestB3_HiddenFieldsLeaveNoHistory(t *testing.T) {
	h := talking(t)
	deal := h.add("chief", "Deal", cell{"title": "a"})
	must(t, h.update("admin", "Deal", deal, cell{"quiet": "psst"})) // no field of Sales
	must(t, h.update("admin", "Deal", deal, cell{"quiet": "pst", "note": "n"}))
	own := fmt.Sprintf("owner:>%s", h.id["chief"])
	if got, want := h.history("chief", "Deal", deal), []string{"1 title:>a " + own, "3 note:>n"}; !slices.Equal(got, want) {
		t.Errorf("chief knows %q, want %q", got, want)
	}
	h.grant("badge: VISIBLE, note: READ_ONLY", "owner: HIDDEN, modifiedBy: HIDDEN, rep: HIDDEN, note: READ_ONLY")
	must(t, h.update("admin", "Deal", deal, cell{"rep": h.id["chief"], "title": "b"}))
	must(t, h.update("admin", "Deal", deal, cell{"rep": nil}))
	if got, want := h.history("chief", "Deal", deal), []string{"1 title:>a", "3 note:>n", "4 title:a>b"}; !slices.Equal(got, want) {
		t.Errorf("without owner, chief knows %q, want %q", got, want)
	}
	h.read("chief", func(op *Op) {
		pages, err := op.History(h.form("Deal").Number, []record.ID{deal}, Part{First: 9}, false)
		must(t, err)
		for _, r := range pages[0].Revisions {
			if r.Actor.IsZero() == r.Created {
				t.Errorf("version %d, created %v: actor %v", r.Version, r.Created, r.Actor)
			}
		}
	})
}

func TestL1_LookupsInHistory(t *testing.T) {
	h := talking(t)
	a := h.add("rep", "Customer", cell{"name": "reached"})
	b := h.add("rep2", "Customer", cell{"name": "not"})
	c := h.add("rep2", "Customer", cell{"name": "nor this"})
	deal := h.add("rep", "Deal", cell{"title": "a"})
	for _, to := range []any{b, c, a, b, nil} {
		must(t, h.update("admin", "Deal", deal, cell{"customer": to}))
	}
	own := fmt.Sprintf("owner:>%s", h.id["rep"])
	want := []string{"1 title:>a " + own, fmt.Sprintf("4 customer:>%s", a), fmt.Sprintf("5 customer:%s>", a)}
	if got := h.history("rep", "Deal", deal); !slices.Equal(got, want) {
		t.Errorf("rep knows %q, want %q", got, want)
	}
}

// TestB3_RenamedAndDroppedInHistory: a field has the name that it has today, and
// one that was dropped is gone from the history too.
func TestB3_RenamedAndDroppedInHistory(t *testing.T) {
	h := talking(t)
	deal := h.add("rep", "Deal", cell{"title": "a"})
	must(t, h.update("admin", "Deal", deal, cell{"note": "n"}))
	must(t, h.update("admin", "Deal", deal, cell{"note": "m", "title": "b"}))
	created := fmt.Sprintf("1 title:>a owner:>%s", h.id["rep"])
	h.grant("{name: note, type: text}", "{name: remark, type: text, renamedFrom: note}", "note: READ_ONLY", "remark: READ_ONLY")
	if got, want := h.history("rep", "Deal", deal), []string{created, "2 remark:>n", "3 title:a>b remark:n>m"}; !slices.Equal(got, want) {
		t.Errorf("after the rename: %q, want %q", got, want)
	}
	h.grant("      - {name: remark, type: text, renamedFrom: note}\n", "", "remark: READ_ONLY, ", "")
	if got, want := h.history("rep", "Deal", deal), []string{created, "3 title:a>b"}; !slices.Equal(got, want) {
		t.Errorf("after the drop: %q, want %q", got, want)
	}
	h.grant("      - {name: quiet, type: text}\n", "      - {name: quiet, type: text}\n      - {name: note, type: text}\n")
	if got := h.history("chief", "Deal", deal); len(got) != 2 {
		t.Errorf("a field that takes over a name takes over a history: %q", got)
	}
}

// TestP7_HistoryByPage walks a history that is seen in part, and its end with the
// record.
func TestP7_HistoryByPage(t *testing.T) {
	h := talking(t)
	deal := h.add("rep", "Deal", cell{"title": "0"})
	for n := range 9 {
		must(t, h.update("rep", "Deal", deal, cell{"title": fmt.Sprint(n + 1)}))
		must(t, h.update("admin", "Deal", deal, cell{"quiet": fmt.Sprint(n)}))
	}
	number := h.form("Deal").Number
	for size := 1; size <= 11; size++ {
		got, after := "", ""
		h.read("rep", func(op *Op) {
			for more := true; more; {
				pages, err := op.History(number, []record.ID{deal}, Part{First: size, After: after, Previous: true, Total: size%2 == 0}, true)
				must(t, err)
				p := pages[0]
				if p.HasPrevious != (after != "") || !p.Complete || size%2 == 0 && p.Total != 10 {
					t.Errorf("previous %v, complete %v, total %d", p.HasPrevious, p.Complete, p.Total)
				}
				for _, r := range p.Revisions {
					got += string(r.Cells[0].After.Text())
				}
				if more = p.HasNext; more {
					after = p.Cursor(len(p.Revisions) - 1)
				}
			}
		})
		if got != "9876543210" {
			t.Errorf("pages of %d give %s", size, got)
		}
	}
	must(t, h.remove("rep", "Deal", deal))
	if got := h.history("rep", "Deal", deal); got != nil {
		t.Errorf("a deleted record has a history: %q", got)
	}
}

// TestP5_HistoryInTheWrite: an operation that changes a record finds the change
// in its history, and comments in theirs.
func TestP5_HistoryInTheWrite(t *testing.T) {
	h := talking(t)
	deal := h.add("rep", "Deal", cell{"title": "a"})
	number := h.form("Deal").Number
	must(t, h.write("rep", func(op *Op) error {
		must(t, op.Update(number, deal, h.input("Deal", cell{"title": "b"}), 0))
		_, err := op.AddComment(number, deal, "said", nil)
		must(t, err)
		pages, err := op.History(number, []record.ID{deal}, Part{First: 5}, true)
		must(t, err)
		if r := pages[0].Revisions; len(r) != 2 || r[0].Version != 2 || string(r[0].Cells[0].After.Text()) != "b" {
			t.Errorf("the history in the write is %+v", r)
		}
		comments, err := op.Comments(number, []record.ID{deal}, Part{First: 5, Total: true})
		must(t, err)
		if len(comments[0].Comments) != 1 || comments[0].Total != 1 {
			t.Errorf("the comments in the write are %+v", comments[0])
		}
		return nil
	}))
}
