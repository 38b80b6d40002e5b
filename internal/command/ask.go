package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// jsonFlag is the flag of commands that print what the server tells.
func jsonFlag(fs *flag.FlagSet) *bool {
	return fs.Bool("json", false, "print the server's answer as JSON, one document for each page")
}

func printJSON(w io.Writer, answer json.RawMessage) error {
	var text bytes.Buffer
	if err := json.Indent(&text, answer, "", "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, text.String())
	return err
}

// pageEnd says where a page of an answer ended.
type pageEnd struct {
	HasNextPage bool
	EndCursor   string
}

// pagesOf asks for one page after the other, of the field of that name, and prints
// them as JSON where raw is set; else show says where the page ended.
func pagesOf(ctx context.Context, r *remote, query, name string, variables map[string]any, raw bool, show func(page json.RawMessage, first bool) (pageEnd, error)) error {
	if raw {
		show = func(page json.RawMessage, _ bool) (pageEnd, error) {
			var x struct{ PageInfo pageEnd }
			if err := json.Unmarshal(page, &x); err != nil {
				return pageEnd{}, err
			}
			return x.PageInfo, printJSON(r.env.Stdout, page)
		}
	}
	for first := true; ; first = false {
		out := map[string]json.RawMessage{}
		if err := r.graphql(ctx, query, variables, &out); err != nil {
			return err
		}
		end, err := show(out[name], first)
		if err != nil || !end.HasNextPage {
			return err
		}
		variables["after"] = end.EndCursor
	}
}

// idLength is that of every id in text.
const idLength = 36

// startAt is start for commands that are about one thing with an id.
func (r *remote) startAt(args []string, what string, required ...string) (string, error) {
	if err := r.start(args, 1, required...); err != nil {
		return "", err
	}
	id := r.flags.Arg(0)
	if len(id) != idLength {
		return "", badUsage("%s: expected the id of a %s, of %d characters, and not %q", r.command.name, what, idLength, id)
	}
	return id, nil
}

// person takes an id as it is, and finds a person by sign-in address. The flag is
// named where there is none.
func (r *remote) person(ctx context.Context, name, user string) (string, error) {
	switch isID := len(user) == idLength; {
	case strings.Contains(user, "@"):
	case isID:
		return user, nil
	default:
		return "", badUsage("-%s: expected a sign-in address, or an id of %d characters, and not %q", name, idLength, user)
	}
	id, err := r.userID(ctx, user)
	if e, refused := errors.AsType[*serverError](err); refused && e.code == "FORBIDDEN" {
		return "", fmt.Errorf("-%s: only admins find people by sign-in address; name the person by their id (FORBIDDEN)", name)
	}
	if err != nil && strings.HasPrefix(err.Error(), "-") {
		return "", err // about another flag
	}
	if err != nil {
		return "", fmt.Errorf("-%s: %w", name, err)
	}
	return id, nil
}

// moment reads a time of a flag: a day, a time, or how long ago.
func moment(name, text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, badUsage("-%s: expected a day such as 2026-03-01, a time such as 2026-03-01T09:00Z, or how long ago, such as 36h", name)
}
