package command

import (
	"regexp"
	"strings"
	"testing"

	"sluice/internal/demo"
)

func TestHiding(t *testing.T) {
	term := newOffice(t)
	term.must("apply", "-f", file(t, "sales.yaml", string(demo.Definition)))
	term.stdin = adminPassword
	term.must("user", "add", "-email", "eve@acme.example", "-name", "Eve", "-admin", "-password-stdin")
	term.env[envPassword] = adminPassword
	eve := term.signIn("eve@acme.example")
	hide := []string{"hide", "-application", "sales", "-form", "Order", "-token", eve, "-where"}
	for _, bad := range []string{"", "x", "[]", "null", `{"status"`} {
		term.fails(2, "-where", append(hide, bad)...)
	}
	term.fails(1, "where.color: unknown name", append(hide, `{"color":{"eq":"red"}}`)...)
	if out := term.must(append(hide, `{"status":{"eq":"open"}}`)...); out != `Your records of Order that match {"status":{"eq":"open"}} are hidden.`+"\n" {
		t.Error(out)
	}
	line := func(token ...string) string {
		out := term.must(append([]string{"hidden", "-application", "sales"}, token...)...)
		if !strings.HasPrefix(out, "FORM") {
			t.Errorf("hidden: %s", out)
		}
		_, rest, _ := strings.Cut(strings.TrimSpace(out), "\n")
		return rest
	}
	m := regexp.MustCompile(`^Order +Eve +(\S{36}) +\S+Z +- +\{"status":\{"eq":"open"\}\}$`).FindStringSubmatch(line("-token", eve))
	if m == nil {
		t.Fatalf("hidden: %s", line("-token", eve))
	}
	unhide := []string{"unhide", "-application", "sales", "-form", "Order"}
	if got := line(); got != "" {
		t.Errorf("the super admin is told %s", got)
	}
	term.fails(1, "NOT_FOUND", append(unhide, "-owner", m[1])...)
	term.must("user", "deactivate", "-email", "eve@acme.example")
	if got := line(); !strings.Contains(got, " lapsed ") || !strings.Contains(got, m[1]) {
		t.Errorf("the super admin is told %s", got)
	}
	if out := term.must(append(unhide, "-owner", m[1])...); out != "They are shown again.\n" || line() != "" {
		t.Errorf("%s%s", out, line())
	}
	term.fails(1, "NOT_FOUND", unhide...)
	if got := (&hidden{Broken: true, Lapsed: true}).state(); got != "lapsed,broken" {
		t.Error(got)
	}
}
