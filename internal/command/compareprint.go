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
    costs { ...c }
    rights { people { id name } gained { ...s } lost { ...s } } } } }
fragment c on RuleCost { rule module decisions faults { kind count } impure outsidePlan outsidePlanRecords measured fuelP50 fuelP99 fuelMax }
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
			Actions        []actionChange
			Fields         []fieldChange
		}
		Rights []struct {
			People       []samplePerson
			Gained, Lost staticRights
		}
		Costs []ruleCost
	}
}

type actionChange struct {
	Action       string
	Gained, Lost changeCount
}

type fieldChange struct {
	Field                                        string
	ReadGained, ReadLost, WriteGained, WriteLost changeCount
}

// alike gives what has the same numbers and samples together, in the order of the
// first of them.
func alike[T any](all []T, of func(*T) (string, *changeCount), show func([]string, *changeCount)) {
	shown := make([]bool, len(all))
	for i := range all {
		if shown[i] {
			continue
		}
		_, n := of(&all[i])
		var names []string
		for k := i; k < len(all); k++ {
			if name, other := of(&all[k]); !shown[k] && reflect.DeepEqual(other, n) {
				shown[k], names = true, append(names, name)
			}
		}
		show(names, n)
	}
}

// listing names fields; those that every record has stand for themselves where they
// come together.
func listing(names []string) string {
	own := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return systemFields[name] })
	if len(names)-len(own) < len(systemFields) {
		return strings.Join(names, ", ")
	}
	return strings.Join(append(own, "and what the server keeps (id, owner, version, times)"), ", ")
}

func fieldsNamed(names []string) string {
	if len(names) == 1 {
		return "the field " + names[0]
	}
	return "the fields " + listing(names)
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
		fmt.Fprintf(w, "NEWLY EXPOSED %s: %s.%s to %s, on %s%s\n", what, x.Form, x.Field, plural(x.Count.People, "person", "people"), plural(x.Count.Records, "record", "records"), x.Count.such())
	}
	if d.Exposes && len(r.Exposed) == 0 {
		fmt.Fprintln(w, "A FIELD IS NO LONGER MARKED as personal data or health information.")
	}
	if len(r.Forms) == 0 && len(r.Rights) == 0 {
		fmt.Fprintf(w, "Nobody gains or loses anything (%s, %s compared).\n", plural(r.People, "person", "people"), plural(r.Records, "record", "records"))
		return
	}
	for i, f := range r.Forms {
		if i > 0 || d.Exposes || len(r.Exposed) > 0 {
			fmt.Fprintln(w)
		}
		note := ""
		if f.Added {
			note = " (new form)"
		} else if f.Dropped {
			note = " (form goes away)"
		}
		fmt.Fprintf(w, "%s%s\n", f.Form, note)
		alike(f.Actions, func(a *actionChange) (string, *changeCount) { return a.Action, &a.Gained }, func(names []string, n *changeCount) {
			n.line(w, "gains", "gain", rightTo(names))
		})
		alike(f.Actions, func(a *actionChange) (string, *changeCount) { return a.Action, &a.Lost }, func(names []string, n *changeCount) {
			n.line(w, "loses", "lose", rightTo(names))
		})
		for _, side := range []struct {
			verb, plural, what string
			of                 func(*fieldChange) *changeCount
		}{
			{"gains", "gain", "reading", func(x *fieldChange) *changeCount { return &x.ReadGained }},
			{"loses", "lose", "reading", func(x *fieldChange) *changeCount { return &x.ReadLost }},
			{"gains", "gain", "changing", func(x *fieldChange) *changeCount { return &x.WriteGained }},
			{"loses", "lose", "changing", func(x *fieldChange) *changeCount { return &x.WriteLost }},
		} {
			alike(f.Fields, func(x *fieldChange) (string, *changeCount) { return x.Field, side.of(x) }, func(names []string, n *changeCount) {
				n.line(w, side.verb, side.plural, side.what+" "+fieldsNamed(names)+" on ")
			})
		}
	}
	if len(r.Rights) > 0 {
		fmt.Fprint(w, map[bool]string{true: "\n"}[len(r.Forms)+len(r.Exposed) > 0]+"Whatever the records are\n")
	}
	for _, s := range r.Rights {
		who := peopleNamed(s.People)
		s.Gained.line(w, who, "+")
		s.Lost.line(w, who, "-")
	}
	fmt.Fprintf(w, "\nCompared: %s, %s.\n", plural(r.People, "person", "people"), plural(r.Records, "record", "records"))
	if d.Outdated {
		fmt.Fprintln(w, "People, definitions or records were changed since: compare again.")
	}
}

// rightTo says what actions are, before a number of records.
func rightTo(actions []string) string {
	words := make([]string, len(actions))
	for i, a := range actions {
		words[i] = firstOf(rightWords[a], strings.ToLower(a))
	}
	text := words[len(words)-1]
	if len(words) > 1 {
		text = strings.Join(words[:len(words)-1], ", ") + " and " + text
	}
	return "the right to " + text + " "
}

var rightWords = map[string]string{
	"VIEW": "see", "READ_COMMENTS": "read comments of", "WRITE_COMMENTS": "comment on", "READ_HISTORY": "read the history of",
}

// formWords are the actions of a set where no record is meant.
var formWords = map[string]string{"ACCESS": "add records", "VIEW": "see", "IMPORT": "import", "CREATE_REPORT": "create reports"}

func (c *changeCount) line(w io.Writer, one, more, what string) {
	if c.Records == 0 {
		return
	}
	verb := more
	if c.People == 1 {
		verb = one
	}
	fmt.Fprintf(w, "  %s %s %s%s%s\n", plural(c.People, "person", "people"), verb, what, plural(c.Records, "record", "records"), c.such())
}

// such names the first samples.
func (c *changeCount) such() string {
	name := func(i int) string { return firstOf(c.Samples[i].Person.Name, c.Samples[i].Person.ID) }
	switch {
	case len(c.Samples) == 0:
		return ""
	case len(c.Samples) == 1:
		return fmt.Sprintf(", such as %s (record %s)", name(0), c.Samples[0].Record)
	case c.Samples[0].Person == c.Samples[1].Person:
		return fmt.Sprintf(", such as %s (records %s, %s)", name(0), c.Samples[0].Record, c.Samples[1].Record)
	}
	return fmt.Sprintf(", such as %s (record %s), %s (record %s)", name(0), c.Samples[0].Record, name(1), c.Samples[1].Record)
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
			parts = append(parts, before+listing(list))
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
			words = append(words, firstOf(formWords[a], strings.ReplaceAll(strings.ToLower(a), "_", " ")))
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
