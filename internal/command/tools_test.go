package command

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"sluice/internal/demo"
)

func TestTools(t *testing.T) {
	term := newOffice(t)
	term.must("apply", "-f", file(t, "sales.yaml", string(demo.Definition)))
	for _, name := range []string{"eve", "jo"} {
		term.stdin = adminPassword
		args := []string{"user", "add", "-email", name + "@acme.example", "-name", name, "-password-stdin"}
		if name == "jo" {
			args = append(args, "-admin")
		}
		term.must(args...)
	}
	term.must("user", "assign", "-application", "sales", "-email", "eve@acme.example", "-developer", "-tool", "recall")
	says := func(want string, args ...string) {
		t.Helper()
		if out := term.must(append([]string{"user"}, args...)...); out != want+"\n" {
			t.Errorf("%v: %s", args, out)
		}
	}
	says("eve@acme.example holds in sales: REVIEW, RECALL", "grant", "-application", "sales", "-email", "eve@acme.example", "-tool", "REVIEW")
	says("eve@acme.example holds in sales: none", "ungrant", "-application", "sales", "-email", "eve@acme.example", "-tool", "RECALL", "-tool", "REVIEW")
	says("jo@acme.example, an admin, holds all tools in sales without: VIEW_AS", "ungrant", "-application", "sales", "-email", "jo@acme.example", "-tool", "view-as")
	says("jo@acme.example, an admin, holds all tools in sales without: none", "grant", "-application", "sales", "-email", "jo@acme.example", "-tool", "VIEW_AS")
	grant := []string{"user", "grant", "-application", "sales", "-email", "eve@acme.example"}
	term.fails(2, "-tool is required", grant...)
	term.fails(2, "-tool: expected EXPLAIN", append(grant, "-tool", "X")...)
	term.fails(2, "-tool: only developers hold tools", "user", "assign", "-application", "sales", "-email", "e", "-role", "r", "-set", "s", "-tool", "REVIEW")

	term.env[envPassword] = adminPassword
	eve := term.signIn("eve@acme.example")
	looks := []string{"looks", "-application", "sales"}
	if out := term.must(looks...); strings.TrimSpace(out) != "TIME  WHO  TOOL  THROUGH THE EYES OF  FORM  RECORD  STATE" {
		t.Errorf("%q", out)
	}
	ask := func() error {
		r := &remote{env: &Env{}, token: &eve, base: term.env[envServer]}
		return r.graphql(t.Context(), `{whatCanSee(application:"sales" user:"0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000"){displayName}}`, nil, nil)
	}
	for range 2 {
		if err := ask(); err == nil || !strings.Contains(err.Error(), "FORBIDDEN") {
			t.Fatal(err)
		}
	}
	line := regexp.MustCompile(`(?m)^2\S+Z  eve  REVIEW  -  +-  +-  +refused$`)
	for _, c := range []struct {
		args []string
		want int
	}{
		{nil, 2}, {[]string{"-n", "1"}, 1}, {[]string{"-tool", "REVIEW", "-since", "1h"}, 2}, {[]string{"-tool", "VIEW_AS"}, 0},
		{[]string{"-by", "eve@acme.example"}, 2}, {[]string{"-user", "eve@acme.example"}, 0}, {[]string{"-since", "2999-01-01"}, 0},
	} {
		out := term.must(append(looks, c.args...)...)
		if n := len(line.FindAllString(out, -1)); n != c.want || strings.Count(out, "\n") != c.want+1 {
			t.Errorf("%v: %s", c.args, out)
		}
	}
	if out := term.must(append(looks, "-token", eve)...); len(line.FindAllString(out, -1)) != 2 {
		t.Errorf("eve's own: %s", out)
	}
	term.fails(1, "-by: only admins find people by sign-in address; name the person by their id (FORBIDDEN)", append(looks, "-token", eve, "-by", "jo@acme.example")...)
	term.fails(2, "-since: expected a day", append(looks, "-since", "yesterday")...)
	term.fails(2, "-tool: expected", append(looks, "-tool", "X")...)
	term.fails(2, "-n: expected", append(looks, "-n", "-1")...)
	term.fails(2, "-application is required", "looks")
	if got := (&look{Refused: true, Muted: true}).state(); got != "refused, more not kept" {
		t.Error(got)
	}
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"1h": now.Add(-time.Hour), "2026-02-01": now.AddDate(0, -1, 0).Add(-9 * time.Hour), "2026-03-01T09:00:00Z": now, "2026-03-01T10:00+01:00": now,
	} {
		if got, err := moment("since", text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
