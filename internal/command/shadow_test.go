package command

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	rulesexamples "sluice/examples/rules"
	"sluice/rules"
)

// deniesAll is a module that answers nothing about any record, which denies.
const deniesAll = "\x00asm\x01\x00\x00\x00" +
	"\x01\x06\x01\x60\x01\x7f\x01\x7f" + // (i32) -> i32
	"\x03\x03\x02\x00\x00" +
	"\x05\x04\x01\x01\x10\x10" + // 16 pages
	"\x07\x27\x03\x06memory\x02\x00\x0asluice_buf\x00\x00\x0dsluice_decide\x00\x01" +
	"\x0a\x0c\x02\x05\x00\x41\x80\x08\x0b\x04\x00\x41\x00\x0b"

// shadowHash is a module within a line.
var shadowHash = regexp.MustCompile(`\b[0-9a-f]{12}\b`)

// TestRuleShadow: a module that waits for activation runs beside the one that decides;
// who asks gets what they got; the report says where the two differ; it ends on demand
// and as another module decides.
func TestRuleShadow(t *testing.T) {
	term, bob := newRuled(t)
	shadow := func(args ...string) string {
		t.Helper()
		out := term.must(append([]string{"rule", "shadow", "-app", "sales", "-rule", sharing}, args...)...)
		return shadowHash.ReplaceAllString(anID.ReplaceAllString(out, "ID"), "HASH")
	}
	const query, shared = "{orders{nodes{number}}}", `{"data":{"orders":{"nodes":[{"number":"N-1"}]}}}`
	term.fails(1, "nothing runs beside", "rule", "shadow", "-app", "sales", "-rule", sharing, "-report")
	term.fails(1, "(CONFLICT)", "rule", "shadow", "-app", "sales", "-rule", sharing)
	manifest := `{"abi":1,"form":"Order","effect":"share","grant":"view","viewer":[],"record":[{"name":"status","type":"choice"}]}`
	module, err := rules.Embed([]byte(deniesAll), []byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	term.must("rule", "push", "-app", "sales", "-rule", sharing, "-f", file(t, "denies.wasm", string(module)), "-bind")
	ruleGolden(t, "shadow-begun.txt", shadow("-hours", "2"))
	ruleGolden(t, "shadow-nothing.txt", shadow("-report"))
	report := ""
	for range 60 { // a report waits for the questions before it, but not for ever
		if got := term.asks(bob, query); got != shared {
			t.Fatalf("Bob is shared %s", got)
		}
		if report = shadow("-report"); strings.Contains(report, "LESS") {
			break
		}
	}
	ruleGolden(t, "shadow.txt", report)
	var found struct {
		Less    int
		Samples []struct{ Kind string }
	}
	if err := json.Unmarshal([]byte(term.must("rule", "shadow", "-app", "sales", "-rule", sharing, "-report", "-json")), &found); err != nil || found.Less != 1 || len(found.Samples) != 1 || found.Samples[0].Kind != "LESS" {
		t.Errorf("%+v, %v", found, err)
	}
	term.must("rule", "activate", "-app", "sales", "-rule", sharing)
	ruleGolden(t, "shadow-over.txt", shadow("-report"))
	ruleGolden(t, "shadow-stopped.txt", shadow("-stop"))
	term.fails(1, "nothing runs beside", "rule", "shadow", "-app", "sales", "-rule", sharing, "-report")
	term.fails(1, "(FORBIDDEN)", "rule", "shadow", "-app", "sales", "-rule", sharing, "-report", "-token", bob)
	c, err := rulesexamples.Module(sharing, rulesexamples.C)
	if err != nil {
		t.Fatal(err)
	}
	if got := shadow("-module", rules.HashOf(c).String()); !strings.Contains(got, "decides nothing") || strings.Contains(got, "off") {
		t.Error(got)
	}
	term.must("rule", "deactivate", "-app", "sales", "-rule", sharing)
	if got := shadow("-module", rules.HashOf(c).String()); !strings.Contains(got, "The rule is off: it is compared with what that does, as it shares nothing.") {
		t.Error(got)
	}
	for line, says := range map[string]string{
		"-rule x":                         "-application is required",
		"-app a":                          "-rule is required",
		"-app a -rule x -report -stop":    "contradict",
		"-app a -rule x -report -hours 3": "not for -report",
		"-app a -rule x -stop -module y":  "not for -report",
		"-app a -rule x -json":            "for -report",
		"-app a -rule x y":                "one word too many",
	} {
		term.fails(2, says, append([]string{"rule", "shadow"}, strings.Fields(line)...)...)
	}
	term.fails(2, "-hours: expected a whole number, 1 to 168, got \"169\"", "rule", "shadow", "-app", "sales", "-rule", sharing, "-module", rules.HashOf(c).String(), "-hours", "169")
}
