package command

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"sluice/internal/demo"
)

// TestRecall changes what decides about a record, a day each, and looks back.
func TestRecall(t *testing.T) {
	term := newOffice(t)
	begin := time.Date(2100, 11, 1, 12, 0, 0, 0, time.UTC)
	term.env[envPassword] = adminPassword
	day := func(n int, step func()) {
		term.now = begin.AddDate(0, 0, n)
		term.env[envToken] = term.signIn("sue@acme.example")
		step()
	}
	day(0, func() {
		term.stdin = adminPassword
		term.must("apply", "-f", file(t, "sales.yaml", string(demo.Definition)))
		term.must("user", "add", "-email", "bob@acme.example", "-name", "Bob", "-password-stdin")
		term.stdin = adminPassword
		term.must("user", "assign", "-application", "sales", "-email", "bob@acme.example", "-role", "sales-manager", "-set", "sales")
		term.later()
		term.must("user", "add", "-email", "tim@acme.example", "-name", "Tim", "-password-stdin")
		term.must("user", "assign", "-application", "sales", "-email", "tim@acme.example", "-role", "sales-rep", "-set", "sales")
	})
	var id string
	day(1, func() {
		term.must("import", "-application", "sales", "-form", "Customer", "-f", file(t, "c.csv", "name,region\nBolt,APAC\n"))
		out := term.must("export", "-application", "sales", "-form", "Customer", "-columns", "id")
		id = strings.TrimSpace(strings.TrimPrefix(out, "id\r\n"))
	})
	day(2, func() {
		term.must("user", "reassign", "-application", "sales", "-from", "sue@acme.example", "-to", "tim@acme.example")
	})
	day(3, func() {
		off := strings.Replace(string(demo.Definition), "\nhierarchy: true", "\nhierarchy: false", 1)
		term.must("apply", "-f", file(t, "sales.yaml", off))
	})
	day(4, func() {
		term.must("user", "assign", "-application", "sales", "-email", "bob@acme.example", "-role", "finance-clerk", "-set", "finance")
	})
	day(5, func() { term.must("user", "delete", "-email", "bob@acme.example") })
	day(6, func() {})
	recall := func(args ...string) string {
		return term.must(append(append([]string{"recall", "-app", "sales", "-form", "Customer"}, args...), id)...)
	}
	golden(t, "recall-who.txt", recall("-at", "2100-11-03T13:00Z"))
	golden(t, "recall-field.txt", recall("-at", "2100-11-06", "-field", "taxNumber"))
	bob := regexp.MustCompile(`\(deleted since\).* (\S+)\n`).FindStringSubmatch(recall("-at", "2100-11-03T13:00Z"))
	if bob == nil {
		t.Fatal("nobody who was deleted could see it")
	}
	golden(t, "recall-history.txt", recall("-user", bob[1], "-from", "2100-11-01"))
	golden(t, "recall-nothing.txt", recall("-user", "tim@acme.example", "-from", "2100-11-04", "-to", "2100-11-05T00:00:00.5Z"))
	if out := recall("-user", bob[1], "-from", "2100-11-01", "-json"); !strings.HasPrefix(out, "{\n  \"user\": ") {
		t.Error(out)
	}
	term.fails(1, "(BAD_USER_INPUT)", "recall", "-app", "sales", "-form", "Customer", "-at", "2200-01-01", id)
	for says, args := range map[string][]string{
		"one of them is required":               {},
		"-at: expected a day":                   {"-at", "noon"},
		"-from and -to go with -user":           {"-at", "2100-11-03", "-from", "2100-11-03"},
		"-from is required beside -user":        {"-user", "x"},
		"-at or -user: one of them is required": {"-at", "2100-11-03", "-user", "x"},
	} {
		term.fails(2, says, append(append([]string{"recall", "-app", "sales", "-form", "Customer"}, args...), id)...)
	}
}
