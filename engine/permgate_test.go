package engine

import (
	"os"
	"strings"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/storage"
)

// houseWith is the document of the house with more in it.
func houseWith(t *testing.T, more string, pairs ...string) []byte {
	t.Helper()
	source, err := os.ReadFile("testdata/house.yaml")
	must(t, err)
	return []byte(strings.NewReplacer(pairs...).Replace(string(source)) + "\n" + more)
}

func sentences(all ...string) string {
	return "tests:\n  - " + strings.Join(all, "\n  - ") + "\n"
}

// applied applies a document and returns what stands against it.
func (h *house) applied(who string, source []byte) []definition.Fault {
	h.t.Helper()
	out, err := h.e.Apply(h.t.Context(), h.as[who], source, true)
	must(h.t, err)
	if len(out.Faults) == 0 {
		h.def = out.Application
	}
	return out.Faults
}

// verdicts runs the tests of the active definition.
func (h *house) verdicts(who string) map[string]*TestResult {
	h.t.Helper()
	r, err := h.e.RunTests(h.t.Context(), h.as[who], "crm", nil)
	must(h.t, err)
	out := map[string]*TestResult{}
	for _, x := range append(r.Tests, r.Invariants...) {
		out[x.Text] = x
	}
	return out
}

// TestPermissionTestsGateApply: a version whose tests fail is not activated, the
// fault names them with their line and who fails, and a version that passes is.
func TestPermissionTestsGateApply(t *testing.T) {
	h := newHouse(t)
	own := h.add("rep", "Deal", cell{"title": "mine", "stage": "open"})
	h.add("clerk", "Deal", cell{"title": "theirs", "stage": "won"})
	version := h.def.Version
	faults := h.applied("admin", houseWith(t, sentences(
		"role Rep can view Deal where owner is VIEWER",
		"role Rep cannot view Deal on any record",
		"set Sales cannot see Customer.tax on any record",
		"user rep@x.io can delete Deal where stage is won",
	)))
	if len(faults) != 2 || faults[0].Path != "tests[1]" || faults[0].Line == 0 || faults[1].Path != "tests[3]" ||
		!strings.Contains(faults[0].Msg, "these people may do it: rep ("+h.id["rep"].String()+") on Deal "+own.String()) ||
		!strings.Contains(faults[1].Msg, "these people may not do it: rep (") {
		t.Fatalf("faults %v", faults)
	}
	if source, err := h.e.Source(t.Context(), h.as["admin"], "crm"); err != nil || strings.Contains(source, "tests:") {
		t.Fatalf("applied all the same: %v", err)
	}
	out, err := h.e.Apply(t.Context(), h.as["admin"], houseWith(t, sentences(
		"role Rep can view Deal where owner is VIEWER",
		"role Rep cannot view Deal where owner is not VIEWER",
		"role Manager can view Deal where stage is lost",
	)), false)
	must(t, err)
	if len(out.Faults) > 0 || out.Application.Version <= version {
		t.Fatalf("%v", out.Faults)
	}
	vacuous := 0
	for _, f := range out.Findings {
		if f.Kind == definition.TestVacuous && f.Path == "tests[2]" {
			vacuous++
		}
	}
	if vacuous != 1 {
		t.Fatalf("findings %v", out.Findings)
	}
	got := h.verdicts("dev")
	for text, want := range map[string]TestVerdict{
		"role Rep can view Deal where owner is VIEWER":        TestPassed,
		"role Rep cannot view Deal where owner is not VIEWER": TestPassed,
		"role Manager can view Deal where stage is lost":      TestVacuous,
	} {
		if got[text] == nil || got[text].Verdict != want {
			t.Errorf("%s: %+v", text, got[text])
		}
	}
}

// TestPermissionTestsGatePreparation: a version that has to be prepared is tested
// when it is activated too, with rights as they are by then, and its new indexes
// are not read before they are built.
func TestPermissionTestsGatePreparation(t *testing.T) {
	h := newHouse(t)
	h.add("rep", "Deal", cell{"title": "mine", "stage": "open"})
	indexed := []string{"{name: stage, type: text}", "{name: stage, type: text, indexed: true}"}
	if faults := h.applied("admin", houseWith(t, sentences("role Clerk can view Deal where stage is open"), indexed...)); len(faults) == 0 {
		t.Fatal("passes")
	}
	// Whoever widens rights between the two runs is found by the second.
	source := houseWith(t, sentences("role Clerk cannot view Deal where stage is open"), indexed...)
	var prep *preparation
	var out Applied
	err := h.e.change(t.Context(), h.as["admin"], "apply", func(txn *storage.Txn, people2 *directory.People) error {
		epoch, err := txn.Epoch()
		must(t, err)
		return h.e.propose(txn, people2, h.as["admin"], "crm", source, false, &out, &prep, &pass{epoch: epoch})
	})
	must(t, err)
	if prep == nil {
		t.Fatal("nothing to prepare")
	}
	h.place("clerk", "Manager", "Sales")
	h.place("rep", "Clerk", "Sales")
	faults, err := h.e.prepare(t.Context(), h.as["admin"], prep)
	must(t, err)
	if len(faults) != 1 || !strings.Contains(faults[0].Msg, "rep (") {
		t.Fatalf("%v", faults)
	}
	if _, err := h.create("rep2", "Deal", cell{"title": "free"}); err != nil {
		t.Fatal(err)
	}
	if faults := h.applied("admin", houseWith(t, sentences("role Clerk can view Deal where owner is VIEWER"), indexed...)); len(faults) > 0 {
		t.Fatal(faults)
	}
}

// TestP10_PermissionTestsLeaveOutWhatTheAskerDoesNotView: a record that another
// admin hides is in no verdict, count or name, and one that the asker hides
// neither.
func TestP10_PermissionTestsLeaveOutWhatTheAskerDoesNotView(t *testing.T) {
	h := newHouse(t)
	h.add("rep", "Deal", cell{"title": "mine", "stage": "open"})
	for _, title := range []string{"secret", "plain"} {
		h.add("admin", "Deal", cell{"title": title, "stage": "won"})
	}
	// Everybody with Sales is a test; the chief reaches what has no role.
	text := "role CEO can view Deal where stage is won"
	no := "role CEO cannot view Deal where title is secret"
	if faults := h.applied("admin", houseWith(t, sentences(text))); len(faults) > 0 {
		t.Fatal(faults)
	}
	if got := h.verdicts("super")[text]; got.Verdict != TestPassed || got.Records != 2 {
		t.Fatalf("%+v", got)
	}
	h.hide("admin", "Deal", cell{"title": cell{"eq": "secret"}})
	for _, who := range []string{"super", "admin", "dev"} {
		if got := h.verdicts(who)[text]; got.Verdict != TestPassed || got.Records != 1 {
			t.Errorf("%s: %+v", who, got)
		}
		r, err := h.e.RunTests(t.Context(), h.as[who], "crm", houseWith(t, sentences(no)))
		must(t, err)
		if len(r.Faults) > 0 || r.Tests[0].Verdict != TestVacuous {
			t.Errorf("%s: %v %+v", who, r.Faults, r.Tests)
		}
	}
}

// TestP10_WhoMayRunPermissionTests: who has the right REVIEW, which is written
// down, as attempts of members are; others get the answers of an application without a place and of a member.
func TestP10_WhoMayRunPermissionTests(t *testing.T) {
	h := newHouse(t)
	for who, want := range map[string]fault.Kind{
		"super": 0, "admin": 0, "dev": 0, "rep": fault.Forbidden, "nobody": fault.NotFound,
	} {
		before := h.looksKept()
		for _, source := range [][]byte{nil, houseWith(t, sentences("everyone can view Deal where owner is VIEWER"))} {
			_, err := h.e.RunTests(t.Context(), h.as[who], "crm", source)
			if (err != nil) != (want != 0) || err != nil && fault.KindOf(err) != want {
				t.Errorf("%s: %v", who, err)
			}
		}
		if n := h.looksKept() - before; n != map[bool]int{true: 2}[want != fault.NotFound] {
			t.Errorf("%s: %d looks written down", who, n)
		}
	}
	if _, err := h.e.RunTests(t.Context(), h.as["dev"], "other", nil); fault.KindOf(err) != fault.NotFound {
		t.Errorf("another application: %v", err)
	}
	if _, err := h.e.RunTests(t.Context(), h.as["admin"], "other", nil); fault.KindOf(err) != fault.NotFound {
		t.Errorf("no application: %v", err)
	}
	if _, err := h.e.RunTests(t.Context(), h.as["admin"], "other", houseWith(t, "")); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a document of another application: %v", err)
	}
}

func (h *house) looksKept() (n int) {
	h.t.Helper()
	must(h.t, h.e.manage(h.as["super"], func(r storage.Reader, _ *directory.People) error {
		c := r.Docs(spaceLook, "")
		defer c.Close()
		for c.Next() {
			n++
		}
		return c.Err()
	}))
	return n
}

// TestPermissionTestsOfNoRecord: what is about forms, pages and reports is decided
// by the set, also for a set that nobody holds.
func TestPermissionTestsOfNoRecord(t *testing.T) {
	h := newHouse(t)
	more := "pages: [{name: desk, document: '{ deals { totalCount } }'}]\n"
	sets := []string{"      slots: [VIEW]\n  - name: Look", "      slots: [VIEW]\n    pages: {desk: [ACCESS]}\n  - name: Future\n    reports: {openDeals: [VIEW]}\n  - name: Look"}
	for text, want := range map[string]TestVerdict{
		"set Sales can create Deal":                          TestPassed,
		"set Sales cannot create Deal":                       TestFailed,
		"set Look can create Deal":                           TestPassed,
		"set Look cannot create Customer":                    TestPassed,
		"set Sales can open page desk":                       TestPassed,
		"set Look can open page desk":                        TestFailed,
		"set Sales can open report openDeals":                TestPassed,
		"set Look can open report openDeals":                 TestFailed,
		"set Look cannot open report tags":                   TestPassed,
		"developers can open page desk":                      TestPassed,
		"set Future can open report openDeals":               TestPassed,
		"set Future can create Deal":                         TestFailed,
		"role Rep with set Future can open report openDeals": TestPassed,
		"user nobody@x.io cannot create Deal":                TestVacuous,
		"user admin@x.io cannot create Deal":                 TestVacuous,
		"user who@x.io cannot create Deal":                   TestVacuous,
		"everyone can view Deal where title is 'not there'":  TestVacuous,
		"portal set Customer cannot create Deal":             TestPassed,
		"everyone can create Tag":                            TestFailed,
		"set Sales cannot see Customer.tax on any record":    TestVacuous,
		"set Future cannot see Customer.tax on any record":   TestVacuous,
		"set Future can view Deal on some record":            TestVacuous,
		"role Rep with set Future can change Deal.title":     TestVacuous,
	} {
		r, err := h.e.RunTests(t.Context(), h.as["admin"], "crm", houseWith(t, more+sentences(text), sets...))
		must(t, err)
		if len(r.Faults) > 0 || r.Tests[0].Verdict != want {
			t.Errorf("%s: %v %+v, want %v", text, r.Faults, r.Tests, want)
		}
	}
}

// TestPermissionTestsThatAreNotDone: a limit gives no verdict, and refuses the
// version.
func TestPermissionTestsThatAreNotDone(t *testing.T) {
	h := newHouse(t)
	h.add("rep", "Deal", cell{"title": "mine"})
	must(t, h.e.manage(h.as["admin"], func(r storage.Reader, who *directory.People) error {
		tr, faults, err := h.e.trialOf(t.Context(), r, who, h.as["admin"], "crm", houseWith(t, sentences("everyone cannot view Deal where title is other", "set Sales can create Deal")))
		must(t, err)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		tr.left = 0
		out, err := tr.run(tr.app.def.Tests)
		must(t, err)
		if out[0].Verdict != NotTested || !strings.Contains(out[0].Why, "at most") || out[1].Verdict != TestPassed {
			t.Errorf("%+v %+v", out[0], out[1])
		}
		refused, err := h.e.gateFaults(t.Context(), h.as["admin"], "crm", &TestReport{Tests: out})
		must(t, err)
		if len(refused) != 1 || !strings.Contains(refused[0].Msg, "was not tested") {
			t.Errorf("%v", refused)
		}
		return nil
	}))
}

// TestFailingTestsNameNobodyToWhoMayNotReview: the verdict stands, the people and
// records are left out.
func TestFailingTestsNameNobodyToWhoMayNotReview(t *testing.T) {
	h := newHouse(t)
	report := &TestReport{Tests: []*TestResult{{Text: "a test", Line: 7, Verdict: TestFailed, Why: "why", Counters: []Counterexample{{User: h.id["rep"], Name: "rep", Form: "Deal", Record: record.ID{1}}}}}}
	for who, named := range map[string]bool{"admin": true, "rep": false, "nobody": false} {
		faults, err := h.e.gateFaults(t.Context(), h.as[who], "crm", report)
		must(t, err)
		if len(faults) != 1 || strings.Contains(faults[0].Msg, "rep (") != named || faults[0].Line != 7 {
			t.Errorf("%s: %v", who, faults)
		}
	}
}
