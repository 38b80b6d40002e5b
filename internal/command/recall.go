package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

var recallCommand = &command{
	name: "recall", summary: "say who could see a record in the past",
	usage: "-application NAME -form FORM (-at TIME [-field FIELD] | -user ADDRESS|ID -from TIME [-to TIME]) [-json] RECORD",
	help: `
With -at: who could see a record, or one of its fields, at a moment that has
passed, what they could do with it, and why. With -user and -from: when somebody's
access to it changed, and what was changed then.

The answer goes by the people, the definition, the rules and the record as they
were. It speaks of rights, not of sign-ins: whether anybody looked is not known. A
record that you may not see yourself today is not found; of one that was deleted
the last state counts. Each use is written down.

TIME is like 2026-11-01T12:00Z, or a day, which is its first moment in UTC, or how
long ago, like 36h. The form and the field have their names of today. For holders of the tool RECALL.

Examples:
  sluice recall -application sales -form Order -at 2026-11-01T12:00Z 0199...
  sluice recall -application sales -form Customer -field taxNumber -at 2026-11-01 0199...
  sluice recall -application sales -form Order -user ravi@zylker.example -from 720h 0199...`,
	run: runRecall,
}

const (
	couldSeeQuery = `query($a: String!, $f: String!, $r: ID!, $at: Instant!, $field: String, $after: String) {
  whoCouldSee(application: $a, form: $f, record: $r, at: $at, field: $field, first: 1000, after: $after) {
    totalCount maskedCount withoutFieldCount untoldCount definitionVersion recordVersion
    nodes { id displayName kind actions masked untold reason { text statement } } pageInfo { hasNextPage endCursor }
  }
}`
	accessHistoryQuery = `query($a: String!, $f: String!, $r: ID!, $u: ID!, $from: Instant!, $to: Instant, $after: String) {
  accessHistory(application: $a, form: $f, record: $r, user: $u, from: $from, to: $to, first: 1000, after: $after) {
    user displayName start { ...access } until pageInfo { hasNextPage endCursor }
    changes { time by byName causes { text } access { ...access } }
  }
}
fragment access on PastAccess { exists actions fields untold reason { text statement } }`
)

type pastReason struct{ Text, Statement string }

func (r *pastReason) words() string {
	if r == nil {
		return ""
	}
	return r.Text + " (" + r.Statement + ")"
}

type pastOnlookers struct {
	TotalCount, MaskedCount, WithoutFieldCount, UntoldCount, DefinitionVersion, RecordVersion int

	Nodes []struct {
		ID, DisplayName, Kind string
		Actions               []string
		Masked, Untold        bool
		Reason                *pastReason
	}
	PageInfo pageEnd
}

type pastAccess struct {
	Exists, Untold  bool
	Actions, Fields []string
	Reason          *pastReason
}

type accessHistory struct {
	User, DisplayName, Until string
	Start                    pastAccess
	Changes                  []struct {
		Time, By, ByName string
		Causes           []struct{ Text string }
		Access           pastAccess
	}
	PageInfo pageEnd
}

func runRecall(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	form := fs.String("form", "", "`FORM` of the record")
	at := fs.String("at", "", "`TIME` of which to tell who could see the record")
	field := fs.String("field", "", "tell of this `FIELD` of the record, with -at")
	user := fs.String("user", "", "sign-in address or id, `ADDRESS|ID`, of the person whose access to tell of")
	from := fs.String("from", "", "`TIME` at which to begin, with -user")
	to := fs.String("to", "", "`TIME` at which to end, with -user; now when left out")
	raw := jsonFlag(fs)
	record, err := r.startAt(args, "record", "application", "form")
	if err != nil {
		return err
	}
	switch {
	case (*at == "") == (*user == ""):
		return badUsage("recall: -at or -user: one of them is required, and not both; `sluice recall --help` shows the flags")
	case *at != "" && (*from != "" || *to != ""):
		return badUsage("recall: -from and -to go with -user, not with -at")
	case *user != "" && *from == "":
		return badUsage("recall: -from is required beside -user")
	case *user != "" && *field != "":
		return badUsage("recall: -field goes with -at, not with -user")
	}
	variables := map[string]any{"a": *application, "f": *form, "r": record}
	for name, text := range map[string]string{"at": *at, "from": *from, "to": *to} {
		if text == "" {
			continue
		}
		t, err := moment(name, text, time.Now())
		if err != nil {
			return err
		}
		variables[name] = t.UTC().Format(time.RFC3339Nano)
	}
	if *user == "" {
		if *field != "" {
			variables["field"] = *field
		}
		return recallWho(ctx, env.Stdout, r, variables, *raw)
	}
	id, err := r.person(ctx, "user", *user)
	if err != nil {
		return err
	}
	variables["u"] = id
	return recallHistory(ctx, env.Stdout, r, variables, *raw)
}

func recallWho(ctx context.Context, w io.Writer, r *remote, variables map[string]any, raw bool) error {
	t := newTable(w, "NAME", "KIND", "COULD", "BECAUSE", "ID")
	err := pagesOf(ctx, r, couldSeeQuery, "whoCouldSee", variables, raw, func(page json.RawMessage, first bool) (pageEnd, error) {
		var x pastOnlookers
		if err := json.Unmarshal(page, &x); err != nil {
			return pageEnd{}, err
		}
		if first {
			x.head(w, variables)
		}
		for _, n := range x.Nodes {
			may, why := mayWords(n.Actions, n.Masked), n.Reason.words()
			if n.Untold {
				may, why = "?", "cannot be told: a rule module of that time is gone"
			}
			t.row(firstOf(n.DisplayName, "(deleted since)"), dash(strings.ToLower(n.Kind)), may, why, n.ID)
		}
		return x.PageInfo, nil
	})
	if raw || err != nil || len(t.rows) == 1 {
		return err
	}
	return t.flush()
}

func (x *pastOnlookers) head(w io.Writer, variables map[string]any) {
	what := fmt.Sprintf("%s %s", variables["f"], variables["r"])
	if field, ok := variables["field"]; ok {
		what = fmt.Sprintf("%s of %s", field, what)
	}
	fmt.Fprintf(w, "%s at %s\nas version %d of the record, under version %d of the definition\n\n", what, variables["at"], x.RecordVersion, x.DefinitionVersion)
	fmt.Fprintf(w, "%s could see it", howMany(x.TotalCount))
	if x.MaskedCount > 0 {
		fmt.Fprintf(w, ", %d of them with the field covered by a rule", x.MaskedCount)
	}
	if x.WithoutFieldCount > 0 {
		fmt.Fprintf(w, "; %s saw the record without this field", morePeople(x.WithoutFieldCount))
	}
	if x.UntoldCount > 0 {
		fmt.Fprintf(w, "; of %s it cannot be told", howMany(x.UntoldCount))
	}
	fmt.Fprint(w, ".\n\n")
}

func howMany(n int) string {
	switch n {
	case 0:
		return "Nobody"
	case 1:
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}

func recallHistory(ctx context.Context, w io.Writer, r *remote, variables map[string]any, raw bool) error {
	told := 0
	return pagesOf(ctx, r, accessHistoryQuery, "accessHistory", variables, raw, func(page json.RawMessage, first bool) (pageEnd, error) {
		var x accessHistory
		if err := json.Unmarshal(page, &x); err != nil {
			return pageEnd{}, err
		}
		if first {
			name := x.DisplayName
			if name == "" {
				name = "somebody deleted since, " + x.User
			}
			fmt.Fprintf(w, "%s and %s %s\n\n%s  at the beginning\n%s", name, variables["f"], variables["r"], variables["from"], x.Start.words())
		}
		for _, ch := range x.Changes {
			told++
			causes := make([]string, len(ch.Causes))
			for i, cause := range ch.Causes {
				causes[i] = cause.Text
			}
			if len(causes) == 0 {
				causes = append(causes, "something that you may not see changed")
			}
			by := ch.ByName
			if by == "" {
				by = ch.By
			}
			if by != "" {
				by = ", by " + by
			}
			fmt.Fprintf(w, "\n%s  %s%s\n%s", ch.Time, strings.Join(causes, "; "), by, ch.Access.words())
		}
		if !x.PageInfo.HasNextPage && told == 0 {
			fmt.Fprintf(w, "\n%s until %s.\n", unchanged(&x.Start), x.Until)
		}
		return x.PageInfo, nil
	})
}

// unchanged says that what stood at the beginning stayed so.
func unchanged(start *pastAccess) string {
	if !start.Untold && len(start.Actions) == 0 {
		return "They could not see it at any time"
	}
	return "This did not change"
}

// words say what somebody could do.
func (a *pastAccess) words() string {
	switch {
	case a.Untold:
		return "  cannot be told: a rule module of that time is gone\n"
	case !a.Exists:
		return "  there was no such record\n"
	case len(a.Actions) == 0:
		return "  could not see it\n"
	}
	return fmt.Sprintf("  could %s: %s\n  fields: %s\n", mayWords(a.Actions, false), a.Reason.words(), strings.Join(a.Fields, ", "))
}
