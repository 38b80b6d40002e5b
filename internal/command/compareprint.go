package command

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

// differenceQuery asks for everything that is printed.
const differenceQuery = `query($i: ID!) { accessDifference(id: $i) { id application state reason exposes outdated download of hash
  asker { name } approval { by { name } time } progress { done total }
  result { from to people records faults { line path message severity fix } findings { line path message severity fix builtIn }
    exposed { form field pii ephi added count { ...n } }
    forms { form added dropped actions { action gained { ...n } lost { ...n } }
      fields { field pii ephi readGained { ...n } readLost { ...n } writeGained { ...n } writeLost { ...n } } }
    rights { people { id name } gained { ...s } lost { ...s } } } } }
fragment n on DifferenceCount { people records pairs samples { person { id name } record } }
fragment s on StaticRights { place api pages forms { form actions visible writable reports } }`

// difference is what a change of rights would give and take, as the server tells.
type difference struct {
	raw                             json.RawMessage
	ID, State, Reason, Download, Of string
	Exposes, Outdated               bool
	Progress                        *struct{ Done, Total int }
	Result                          *struct {
		From, To, People, Records int
		Faults                    []finding
		Exposed                   []struct {
			Form, Field      string
			PII, EPHI, Added bool
			Count            changeCount
		}
		Forms []struct {
			Form           string
			Added, Dropped bool
			Actions        []struct {
				Action       string
				Gained, Lost changeCount
			}
			Fields []fieldChange
		}
		Rights []struct {
			People       []samplePerson
			Gained, Lost staticRights
		}
	}
}

type fieldChange struct {
	Field                                        string
	ReadGained, ReadLost, WriteGained, WriteLost changeCount
}

// alike gives fields with the same numbers and samples together, in the order of
// the first of them.
func alike(fields []fieldChange, of func(*fieldChange) *changeCount, show func([]string, *changeCount)) {
	shown := make([]bool, len(fields))
	for i := range fields {
		if shown[i] {
			continue
		}
		var names []string
		for k := i; k < len(fields); k++ {
			if !shown[k] && reflect.DeepEqual(of(&fields[k]), of(&fields[i])) {
				shown[k], names = true, append(names, fields[k].Field)
			}
		}
		show(names, of(&fields[i]))
	}
}

func fieldsNamed(names []string) string {
	if len(names) == 1 {
		return "the field " + names[0]
	}
	return "the fields " + strings.Join(names, ", ")
}

type samplePerson struct{ ID, Name string }

type changeCount struct {
	People, Records int
	Pairs           float64
	Samples         []struct {
		Person samplePerson
		Record string
	}
}

type staticRights struct {
	Place, API bool
	Pages      []string
	Forms      []struct {
		Form                                string
		Actions, Visible, Writable, Reports []string
	}
}

// print writes a difference for somebody who does not know the model.
func (d *difference) print(w io.Writer) {
	r := d.Result
	if r == nil || len(r.Faults) > 0 {
		return
	}
	for _, x := range r.Exposed {
		what := "PERSONAL DATA"
		if x.EPHI {
			what = "HEALTH INFORMATION"
		}
		fmt.Fprintf(w, "NEWLY EXPOSED %s: %s.%s to %s, on %s%s\n", what, x.Form, x.Field, count(x.Count.People, "person", "people"), count(x.Count.Records, "record", "records"), x.Count.such())
	}
	if d.Exposes && len(r.Exposed) == 0 {
		fmt.Fprintln(w, "A FIELD IS NO LONGER MARKED as personal data or health information.")
	}
	if len(r.Forms) == 0 && len(r.Rights) == 0 {
		fmt.Fprintf(w, "Nobody gains or loses anything (%s, %s compared).\n", count(r.People, "person", "people"), count(r.Records, "record", "records"))
		return
	}
	for _, f := range r.Forms {
		note := ""
		if f.Added {
			note = " (new form)"
		} else if f.Dropped {
			note = " (form goes away)"
		}
		fmt.Fprintf(w, "\n%s%s\n", f.Form, note)
		for _, a := range f.Actions {
			a.Gained.line(w, "gains", "gain", rightTo(a.Action))
			a.Lost.line(w, "loses", "lose", rightTo(a.Action))
		}
		for _, side := range []struct {
			verb, plural, what string
			of                 func(*fieldChange) *changeCount
		}{
			{"gains", "gain", "reading", func(x *fieldChange) *changeCount { return &x.ReadGained }},
			{"loses", "lose", "reading", func(x *fieldChange) *changeCount { return &x.ReadLost }},
			{"gains", "gain", "changing", func(x *fieldChange) *changeCount { return &x.WriteGained }},
			{"loses", "lose", "changing", func(x *fieldChange) *changeCount { return &x.WriteLost }},
		} {
			alike(f.Fields, side.of, func(names []string, n *changeCount) {
				n.line(w, side.verb, side.plural, side.what+" "+fieldsNamed(names)+" on ")
			})
		}
	}
	if len(r.Rights) > 0 {
		fmt.Fprint(w, "\nWhatever the records are\n")
	}
	for _, s := range r.Rights {
		who := peopleNamed(s.People)
		s.Gained.line(w, who, "+")
		s.Lost.line(w, who, "-")
	}
	fmt.Fprintf(w, "\nCompared: %s, %s.\n", count(r.People, "person", "people"), count(r.Records, "record", "records"))
	if d.Outdated {
		fmt.Fprintln(w, "People, definitions or records were changed since: compare again.")
	}
}

// rightTo says what an action is, before a number of records.
func rightTo(action string) string {
	if action == "VIEW" {
		return ""
	}
	return "the right to " + strings.ReplaceAll(strings.ToLower(action), "_", " ") + " "
}

func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

func (c *changeCount) line(w io.Writer, one, more, what string) {
	if c.Records == 0 {
		return
	}
	verb := more
	if c.People == 1 {
		verb = one
	}
	fmt.Fprintf(w, "  %s %s %s%s%s\n", count(c.People, "person", "people"), verb, what, count(c.Records, "record", "records"), c.such())
}

// such names the first samples.
func (c *changeCount) such() string {
	var out []string
	for _, s := range c.Samples[:min(2, len(c.Samples))] {
		out = append(out, fmt.Sprintf("%s (record %s)", firstOf(s.Person.Name, s.Person.ID), s.Record))
	}
	if len(out) == 0 {
		return ""
	}
	return ", such as " + strings.Join(out, ", ")
}

// peopleNamed names a few, and says how many more there are.
func peopleNamed(list []samplePerson) string {
	const named = 5
	var out []string
	for _, p := range list[:min(named, len(list))] {
		out = append(out, firstOf(p.Name, p.ID))
	}
	text := strings.Join(out, ", ")
	if n := len(list) - named; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

func (s *staticRights) line(w io.Writer, who, sign string) {
	var parts []string
	add := func(before string, list []string) {
		if list = slices.Compact(list); len(list) > 0 {
			parts = append(parts, before+strings.Join(list, ", "))
		}
	}
	if s.Place {
		parts = append(parts, "a place in the application")
	}
	if s.API {
		parts = append(parts, "access with personal tokens")
	}
	add("pages ", s.Pages)
	for _, f := range s.Forms {
		var words []string
		for _, a := range f.Actions {
			words = append(words, strings.ReplaceAll(strings.ToLower(a), "_", " "))
		}
		add(f.Form+": possibly ", words)
		add(f.Form+": reading fields ", f.Visible)
		add(f.Form+": changing fields ", f.Writable)
		add(f.Form+": reports ", f.Reports)
	}
	if len(parts) > 0 {
		fmt.Fprintf(w, "  %s %s:\n", sign, who)
		for _, part := range parts {
			fmt.Fprintf(w, "      %s\n", part)
		}
	}
}
