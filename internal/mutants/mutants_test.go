package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// toy is run by the real go command: its fates show that a mutant is awake in
// the binary, that the others sleep, and that the tests decide.
var toy = target{"testdata/toy", []killer{{"testdata/toy", nil}}}

func TestFatesOfTheToy(t *testing.T) {
	o := options{workers: 2, sample: 1, only: regexp.MustCompile(`^toy.go (most: 3 → 4|names: "two"|Limit: (strict|n > 0|n\+\+) → |Limit: n > 10 → (false|n >=)|Name: .*len\(names\) → false|counter.note: )`)}
	r, err := toy.test(o)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]fate{}
	for m, f := range r.fates {
		got[m.name] = f
	}
	want := map[string]fate{
		`toy.go most: 3 → 4`:                                   survived,
		`toy.go names: "two" → ""`:                             survived,
		`toy.go Limit: strict → true`:                          survived,
		`toy.go Limit: n++ → n--`:                              killed,
		`toy.go Limit: n++ → (left out)`:                       killed,
		`toy.go Limit: n > 10 → false`:                         killed,
		`toy.go Limit: n > 10 → n >= 10`:                       survived,
		`toy.go Limit: n > 0 → true`:                           survived,
		`toy.go Limit: n > 0 → false`:                          killed,
		`toy.go Limit: n > 0 → n >= 0`:                         survived,
		`toy.go Limit: n > 0 → n <= 0`:                         killed,
		`toy.go Name: int(i) < len(names) → false`:             survived,
		`toy.go counter.note: return len(more) - 1 → return 0`: survived,
		`toy.go counter.note: len(more) - 1 → len(more) + 1`:   survived,
		`toy.go counter.note: 1 → 2`:                           survived,
		`toy.go counter.note: 1 → 0`:                           survived,
	}
	for name, f := range want {
		if g, ok := got[name]; !ok || g != f {
			t.Errorf("%s: %v (%v), want %v", name, g, ok, f)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("unexpected: %s", name)
		}
	}
}

// TestEdits holds what is planted: every kind of fault, and none that does not
// compile.
func TestEdits(t *testing.T) {
	l, err := load("testdata/toy")
	if err != nil {
		t.Fatal(err)
	}
	before := l.text(l.files[0].syntax)
	all, invalid := l.mutants()
	if after := l.text(l.files[0].syntax); after != before {
		t.Fatal("an edit was not taken back")
	}
	var names []string
	for _, m := range all {
		names = append(names, strings.TrimPrefix(m.name, "toy.go "))
	}
	for _, want := range []string{
		`most: 3 → 2`, `names: 0: "one" → (left out)`, `Limit: n < most → n <= most`, `Limit: n < most && strict → n < most || strict`,
		`Limit: strict → true`, `Limit: n /= 2 → n *= 2`, `Limit: n /= 2 → (left out)`, `Limit: return n, n > 0 → return 0, n > 0`,
		`Limit: for n > 10 { n /= 2 } → (once)`, `Name: c.note("x") → (left out)`, `Name: n: 1 → (left out)`,
		`Name: case int(i) < len(names): → (left out)`, `Name: return names[i] → return ""`, `Name: "" → "mutant"`,
	} {
		if !slices.Contains(names, want) {
			t.Errorf("missing: %s", want)
		}
	}
	if invalid == 0 {
		t.Error("nothing was refused: without its condition the switch of Name has a variable too many")
	}
	if t.Failed() {
		t.Log(strings.Join(names, "\n"))
	}
}

func TestReport(t *testing.T) {
	ms := make([]*mutant, 40)
	r := &report{fates: map[*mutant]fate{}, listed: map[string]string{"a": "why"}}
	for i := range ms {
		ms[i] = &mutant{name: string(rune('a' + i))}
		r.fates[ms[i]] = killed
	}
	r.all = ms
	o := options{only: regexp.MustCompile("")}
	for _, c := range []struct {
		name    string
		prepare func()
		want    string
	}{
		{"listed and killed", func() {}, "in vain"},
		{"listed and alive", func() { r.fates[ms[0]] = survived }, ""},
		{"alive and not listed", func() { r.fates[ms[1]] = survived }, "does not name"},
		{"both listed", func() { r.listed["b"] = "why" }, ""},
		{"too many", func() { r.listed["c"], r.fates[ms[2]] = "why", survived }, "less than 95 %"},
		{"few again", func() { r.fates[ms[2]] = killed; delete(r.listed, "c") }, ""},
		{"a name that is none", func() { r.listed["nobody"] = "why" }, "in vain"},
		{"nothing ran", func() { r.fates = nil }, "no mutant"},
	} {
		c.prepare()
		var out bytes.Buffer
		err := r.print(&out, o)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestSurvivorsNeedReasons(t *testing.T) {
	good := "# comment\na → b\nc → d\n\tboth\n\tfor this\n\ne\n\tother\n"
	got, err := parseSurvivors(good)
	if err != nil || len(got) != 3 || got["a → b"] != got["c → d"] || !strings.Contains(got["c → d"], "both for this") || !strings.Contains(got["e"], "other") {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"a\n", "\treason\n", "a\n\tr\na\n\tr\n", "a\n\tr\nb\n"} {
		if got, err := parseSurvivors(bad); err == nil {
			t.Errorf("%q gives %v", bad, got)
		}
	}
}
