package command

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"sluice/rules"
)

// openOrTrap is a module that grants view of records whose status has four letters,
// and traps on others, and on more than one at a time.
const openOrTrap = "\x00asm\x01\x00\x00\x00" +
	"\x01\x06\x01\x60\x01\x7f\x01\x7f" + "\x03\x03\x02\x00\x00" + "\x05\x03\x01\x00\x02" +
	"\x07\x27\x03\x06memory\x02\x00\x0asluice_buf\x00\x00\x0dsluice_decide\x00\x01" +
	"\x0a\x31\x02" + "\x05\x00\x41\x80\x08\x0b" +
	"\x29\x00\x20\x00\x28\x02\x04\x41\x01\x47\x04\x40\x00\x0b\x20\x00\x28\x02\x14\x28\x02\x0c\x41\x04\x47\x04\x40\x00\x0b" +
	"\x20\x00\x28\x02\x18\x41\x01\x3a\x00\x00\x41\x00\x0b"

const openOrTrapManifest = `{"abi":1,"form":"Order","effect":"share","grant":"view","viewer":[],"record":[{"name":"status","type":"choice"}]}`

// TestRuleRelease: what the commands say of a rule that went into quarantine, of its
// release and before it, and of one that is not in quarantine.
func TestRuleRelease(t *testing.T) {
	term, bob := newRuled(t)
	term.later()
	module, err := rules.Embed([]byte(openOrTrap), []byte(openOrTrapManifest))
	if err != nil {
		t.Fatal(err)
	}
	term.must("rule", "push", "-application", "sales", "-rule", sharing, "-f", file(t, "open.wasm", string(module)), "-activate")
	rows := "number,title,status\n"
	for i := range 90 {
		rows += fmt.Sprintf("X-%d,x,shipped\n", i)
	}
	term.must("import", "-application", "sales", "-form", "Order", "-f", file(t, "x.csv", rows))
	term.stdin = adminPassword
	term.must("user", "add", "-email", "carl@acme.example", "-name", "Carl", "-password-stdin")
	term.must("user", "assign", "-application", "sales", "-email", "carl@acme.example", "-role", "sales-rep", "-set", "sales")
	carl := term.signIn("carl@acme.example")
	for i := range 10 {
		number := fmt.Sprintf("C-%d", i)
		if got := term.asks(carl, `mutation{createOrder(input:{number:\"`+number+`\" title:\"c\" status:\"shipped\"}){order{number}}}`); !strings.Contains(got, number) {
			t.Fatal(got)
		}
	}
	of := func(args ...string) string {
		t.Helper()
		return term.must(append(append([]string{"rule"}, args...), "-app", "sales", "-rule", sharing)...)
	}
	const shared = `{"data":{"orders":{"totalCount":3}}}`
	if got := term.asks(bob, "{orders(first:0){totalCount}}"); got != shared {
		t.Fatalf("Bob is shared %s", got)
	}
	term.later()
	const faulty = "same-team-open-orders is in quarantine since "
	if got := of("log", "-n", "1"); !strings.Contains(got, faulty) { // what waits is stored then
		t.Error(got)
	}
	ruleGolden(t, "quarantine-list.txt", anyHash.ReplaceAllString(term.must("rule", "list", "-app", "sales"), "HASH"))
	ruleGolden(t, "quarantine-versions.txt", of("versions"))
	if got := term.asks(bob, "{orders(first:0){totalCount}}"); got != `{"data":{"orders":{"totalCount":0}}}` {
		t.Errorf("in quarantine Bob is shared %s", got)
	}
	ruleGolden(t, "release-dry-run.txt", settled(of("release", "-dry-run")))
	term.fails(1, "(CONFLICT)", "rule", "activate", "-application", "sales", "-rule", sharing)
	term.fails(1, "(CONFLICT)", "rule", "release", "-application", "sales", "-rule", sharing, "-version", "1")
	term.fails(1, "(FORBIDDEN)", "rule", "release", "-application", "sales", "-rule", sharing, "-token", bob)
	term.fails(1, "not in quarantine", "rule", "release", "-application", "sales", "-rule", "phone-outside-region", "-dry-run")
	term.fails(1, "no custom rule", "rule", "release", "-application", "sales", "-rule", "none", "-dry-run")
	term.fails(2, "-dry-run is of", "rule", "release", "-application", "sales", "-rule", sharing, "-dry-run", "-version", "3")
	term.fails(1, "takes no fallback", "rule", "fallback", "-application", "sales", "-rule", sharing, "-version", "1")
	term.fails(2, "either -version", "rule", "fallback", "-application", "sales", "-rule", sharing)
	term.fails(2, "either -version", "rule", "fallback", "-application", "sales", "-rule", sharing, "-version", "1", "-none")
	term.fails(2, "neither -none nor -difference", "rule", "fallback", "-application", "sales", "-rule", sharing, "-none", "-dry-run")
	term.fails(2, "-json and -o go with -dry-run", "rule", "fallback", "-application", "sales", "-rule", sharing, "-version", "1", "-json")
	term.fails(1, "has no version 9", "rule", "fallback", "-application", "sales", "-rule", sharing, "-version", "9", "-dry-run")
	if got := of("fallback", "-none"); got != "Rule same-team-open-orders has no fallback.\n" {
		t.Error(got)
	}
	term.later()
	ruleGolden(t, "release.txt", of("release"))
	ruleGolden(t, "release-events.txt", of("versions", "-events"))
	if got := term.asks(bob, "{orders(first:0){totalCount}}"); got != shared {
		t.Errorf("released, Bob is shared %s", got)
	}
	term.later()
	of("log", "-n", "1")
	of("rollback")
	ruleGolden(t, "release-version.txt", of("release", "-version", "3"))
}

// TestQuarantineInWords: what is said of a rule in quarantine with a fallback.
func TestQuarantineInWords(t *testing.T) {
	at := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	q := &quarantine{Since: at, Records: 100, Adders: 2, Faults: []faultCount{{Kind: "trap", Count: 100}}}
	impure := &quarantine{Since: at, Impure: true}
	for _, c := range []struct {
		of      *quarantine
		instead *fallback
		want    string
	}{
		{nil, &fallback{}, ""},
		{q, nil, "\nembargo is in quarantine since 2026-11-02T08:00:00Z: it went wrong on 100 records that 2 people had added\n(100 by trap). It is not asked, and counts as a rule that goes wrong. Activate another version, or:\n  sluice rule release -application sales -rule embargo\n"},
		{q, &fallback{Module: "abcd", Decides: true}, "\nembargo is in quarantine since 2026-11-02T08:00:00Z: it went wrong on 100 records that 2 people had added\n(100 by trap). It is not asked, and its fallback decides, module abcd. Activate another version, or:\n  sluice rule release -application sales -rule embargo\n"},
		{impure, &fallback{Quarantine: q}, "\nembargo is in quarantine since 2026-11-02T08:00:00Z: it gave two answers to one question. It is not asked, its\nfallback neither since 2026-11-02T08:00:00Z, and it counts as a rule that goes wrong. Activate another version.\n"},
		{impure, &fallback{Decides: true, Module: "abcd"}, "\nembargo is in quarantine since 2026-11-02T08:00:00Z: it gave two answers to one question. It is not asked, and\nits fallback decides, module abcd. Activate another version.\n"},
	} {
		var out strings.Builder
		c.of.print(&out, "sales", "embargo", c.instead)
		if out.String() != c.want {
			t.Errorf("%+v: got\n%s\nwant\n%s", c.instead, out.String(), c.want)
		}
	}
}

var (
	anyHash       = regexp.MustCompile(`\b[0-9a-f]{64}\b`)
	anyFuel       = regexp.MustCompile(`(?m)^  fuel of .*\n`)
	anyDifference = regexp.MustCompile(`-difference \S+`)
)

// settled is what a dry run says, but for the difference and the fuel.
func settled(text string) string {
	return anyDifference.ReplaceAllString(anyFuel.ReplaceAllString(text, ""), "-difference ID")
}
