package definition

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"sluice/internal/filter"
	"sluice/internal/record"
)

// word is one word of a sentence: as it stands, or the text between quotes.
type word struct {
	text   string
	quoted bool
}

// is reports whether the word is one of the language, not a name in quotes.
func (w word) is(text string) bool { return !w.quoted && w.text == text }

// cut splits a sentence into words. Quotes begin a word that ends with the same
// quote, doubled inside for one; a quote that does not end runs to the end of the
// sentence. Parentheses, commas and comparisons are words of their own.
func cut(s string) []word {
	var out []word
	for s = strings.TrimLeftFunc(s, unicode.IsSpace); s != ""; s = strings.TrimLeftFunc(s, unicode.IsSpace) {
		var n int
		switch c := s[0]; {
		case c == '"' || c == '\'':
			text, rest := unquote(s[1:], s[:1])
			out, s = append(out, word{text, true}), rest
			continue
		case strings.HasPrefix(s, "<=") || strings.HasPrefix(s, ">="):
			n = 2
		case strings.IndexByte("(),<>", c) >= 0:
			n = 1
		default:
			n = strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("(),<>", r) })
			if n < 0 {
				n = len(s)
			}
		}
		out, s = append(out, word{text: s[:n]}), s[n:]
	}
	return out
}

func unquote(s, quote string) (text, rest string) {
	var b strings.Builder
	for {
		part, after, found := strings.Cut(s, quote)
		b.WriteString(part)
		if !found || !strings.HasPrefix(after, quote) {
			return b.String(), after
		}
		b.WriteString(quote)
		s = after[1:]
	}
}

// sentence reads one test. The first fault ends it.
type sentence struct {
	r      *resolver
	at     *place
	words  []word
	next   int
	failed bool
	nodes  int // names and operators of the filter
	depth  int
}

// maxConditionDepth bounds parentheses and nots.
const maxConditionDepth = 15

// fail reports what is wrong with the word at position i, from 0.
func (s *sentence) fail(i int, format string, args ...any) {
	if s.failed {
		return
	}
	s.failed = true
	where := "at the end"
	if i < len(s.words) {
		where = fmt.Sprintf("at %s (word %d)", quotedShort(s.words[i].text), i+1)
	}
	s.r.fail(s.at, "%s: %s", where, fmt.Sprintf(format, args...))
}

func (s *sentence) expected(what string) { s.fail(s.next, "expected %s", what) }

func (s *sentence) peek(text string) bool { return s.next < len(s.words) && s.words[s.next].is(text) }

// take takes the word if it is the next one.
func (s *sentence) take(texts ...string) bool {
	for i, text := range texts {
		if s.next+i >= len(s.words) || !s.words[s.next+i].is(text) {
			return false
		}
	}
	s.next += len(texts)
	return true
}

// any takes the next word, whatever it is; what is said where there is none.
func (s *sentence) any(what string) (word, bool) {
	if s.next >= len(s.words) || !s.words[s.next].quoted && strings.Contains("(),<=>=", s.words[s.next].text) {
		s.expected(what)
		return word{}, false
	}
	s.next++
	return s.words[s.next-1], true
}

// read reads the whole sentence; beside says that its filter stands beside it.
func (s *sentence) read(beside bool) *Test {
	t := &Test{}
	s.subject(t)
	switch {
	case s.failed:
	case s.take("cannot"), s.take("can", "not"):
		t.Cannot = true
	case s.take("can"):
	default:
		s.expected("can or cannot")
	}
	if !s.failed {
		s.action(t)
	}
	if !s.failed && t.OfRecords() {
		s.conditions(t, beside)
	}
	if !s.failed && s.next < len(s.words) {
		switch {
		case !t.OfRecords():
			s.expected("the end of the sentence: it is about no record")
		default:
			s.expected("where, on any record, on every record, on some record, or the end of the sentence")
		}
	}
	return t
}

const subjects = "role, set, portal set, user, developers or everyone"

func (s *sentence) subject(t *Test) {
	first := s.next
	switch {
	case s.take("role"):
		t.Who = Subject{Kind: OfRole, Role: s.name("the name of a role")}
		s.known(first+1, t.Who.Role, s.r.roles[t.Who.Role] != nil, "role")
		if at := s.next + 2; !s.failed && s.take("with", "set") {
			t.Who.Set = s.name("the name of a permission set")
			s.set(at, t.Who.Set, false)
		}
	case s.take("portal", "set"):
		t.Who = Subject{Kind: OfPortal, Set: s.name("the name of a portal set")}
		s.set(first+2, t.Who.Set, true)
	case s.take("set"):
		t.Who = Subject{Kind: OfSet, Set: s.name("the name of a permission set")}
		s.set(first+1, t.Who.Set, false)
	case s.take("user"):
		w, ok := s.any("the sign-in address of a user")
		if !ok {
			return
		}
		t.Who = Subject{Kind: OfUser, Address: w.text}
		if _, err := record.ParseValue(&record.Field{Type: record.Email}, w.text); err != nil {
			s.fail(first+1, "%v", err)
			return
		}
		s.r.user(w.text, s.at)
	case s.take("developers"):
		t.Who.Kind = Developers
	case s.take("everyone"):
		t.Who.Kind = Everyone
	default:
		s.expected(subjects)
	}
}

// name takes a name in quotes, or the words up to can, cannot or with set.
func (s *sentence) name(what string) string {
	if s.next < len(s.words) && s.words[s.next].quoted {
		s.next++
		return s.words[s.next-1].text
	}
	first := s.next
	for s.next < len(s.words) && !s.peek("can") && !s.peek("cannot") {
		if at := s.next; s.take("with", "set") {
			s.next = at
			break
		}
		s.next++
	}
	if first == s.next {
		s.expected(what)
		return ""
	}
	var parts []string
	for _, w := range s.words[first:s.next] {
		parts = append(parts, w.text)
	}
	return strings.Join(parts, " ")
}

func (s *sentence) known(at int, name string, ok bool, what string) {
	if !s.failed && !ok {
		s.fail(at, "there is no %s %s", what, quotedShort(name))
	}
}

// set holds a name to the permission sets.
func (s *sentence) set(at int, name string, portal bool) {
	if s.failed {
		return
	}
	set, ok := s.r.app.Set(name)
	s.known(at, name, ok, "permission set")
	switch {
	case s.failed || set.Portal == portal:
	case portal:
		s.fail(at, "%s is no portal set: write set %s", name, name)
	default:
		s.fail(at, "%s is a portal set: write portal set %s", name, name)
	}
}

// recordVerbs are the verbs that a form follows.
var recordVerbs = []struct {
	words []string
	verb  Verb
}{
	{[]string{"view"}, ViewRecord}, {[]string{"edit"}, EditRecord}, {[]string{"delete"}, DeleteRecord}, {[]string{"export"}, ExportRecord},
	{[]string{"comment", "on"}, CommentRecord}, {[]string{"comment"}, CommentRecord},
	{[]string{"read", "comments", "of"}, CommentsRecord}, {[]string{"read", "comments"}, CommentsRecord},
	{[]string{"read", "history", "of"}, HistoryRecord}, {[]string{"read", "history"}, HistoryRecord},
	{[]string{"create"}, CreateRecord},
}

const verbs = "view, edit, delete, export, comment on, read comments of, read history of, create, see, change, open page or open report"

func (s *sentence) action(t *Test) {
	for _, v := range recordVerbs {
		if s.take(v.words...) {
			t.Verb = v.verb
			s.form(t)
			return
		}
	}
	switch {
	case s.take("see"):
		t.Verb = SeeCell
		s.cell(t)
	case s.take("change"):
		t.Verb = ChangeCell
		s.cell(t)
	case s.take("open", "page"):
		t.Verb = OpenPage
		at := s.next
		if w, ok := s.any("the name of a page"); ok {
			_, found := s.r.app.Page(w.text)
			t.Target = w.text
			s.known(at, w.text, found, "page")
		}
	case s.take("open", "report"):
		t.Verb = OpenReport
		at := s.next
		if w, ok := s.any("the name of a report"); ok {
			_, found := s.r.app.Report(w.text)
			t.Target = w.text
			s.known(at, w.text, found, "report")
		}
	default:
		s.expected(verbs)
	}
}

func (s *sentence) form(t *Test) {
	at := s.next
	w, ok := s.any("the name of a form")
	if !ok {
		return
	}
	if name, field, dotted := strings.Cut(w.text, "."); dotted {
		if _, ok := s.r.app.Form(name); ok {
			s.fail(at, "expected a form; to speak of the field %s write see %s or change %s", shorten(field), shorten(w.text), shorten(w.text))
			return
		}
	}
	s.formNamed(t, at, w.text)
}

func (s *sentence) formNamed(t *Test, at int, name string) *Form {
	f, ok := s.r.app.Form(name)
	if !ok {
		hint := s.r.now(name, s.r.app.Forms, nil)
		for _, f := range s.r.app.Forms {
			if f.Plural == name {
				hint = "; write " + f.Name
			}
		}
		s.fail(at, "there is no form %s%s", quotedShort(name), hint)
		return nil
	}
	t.Form = f.Name
	return f
}

// cell reads Form.field.
func (s *sentence) cell(t *Test) {
	at := s.next
	w, ok := s.any("a field, as Form.field")
	if !ok {
		return
	}
	name, field, dotted := strings.Cut(w.text, ".")
	if !dotted {
		s.fail(at, "expected a field, as %s.field", shorten(w.text))
		return
	}
	f := s.formNamed(t, at, name)
	if f == nil {
		return
	}
	x, ok := s.field(f, at, field)
	if !ok {
		return
	}
	if t.Field = x.Name; t.Verb == ChangeCell && x.Number != 0 && x.Number < record.FirstField && x.Name != "owner" {
		s.fail(at, "nobody changes %s: the server writes it", x.Name)
	}
}

func (s *sentence) field(f *Form, at int, name string) (*Field, bool) {
	x, ok := f.Field(name)
	if !ok {
		s.fail(at, "%s has no field %s%s", f.Name, quotedShort(name), s.r.now(name, nil, f.Fields))
	}
	return x, ok
}

// conditions reads where, and on any, every or some record, in either order.
func (s *sentence) conditions(t *Test, beside bool) {
	f, _ := s.r.app.Form(t.Form)
	ranged := false
	for !s.failed {
		switch {
		case !ranged && s.take("on"):
			ranged = true
			s.quantity(t)
		case t.Where == nil && s.peek("where"):
			if beside {
				s.fail(s.next, "the where stands beside the sentence already")
				return
			}
			s.next++
			at := s.next
			t.Where = s.condition(f)
			s.checkWhere(f, at, t.Where)
		default:
			return
		}
	}
}

// quantity reads any, every or some record. What would mean two things is
// refused.
func (s *sentence) quantity(t *Test) {
	at := s.next
	switch {
	case s.take("any", "record"):
		if !t.Cannot {
			s.fail(at, "after can this may mean every or some: write on every record or on some record")
		}
	case s.take("every", "record"):
		if t.Cannot {
			s.fail(at, "after cannot this may mean any or some: write on any record or on some record")
		}
	case s.take("some", "record"):
		t.Some = true
	default:
		s.expected("any record, every record or some record")
	}
}

// checkWhere holds a condition to the fields' types.
func (s *sentence) checkWhere(f *Form, at int, where map[string]any) {
	if s.failed {
		return
	}
	if _, faults := filter.Parse(where, formScope{f}, filter.Options{AllowViewer: true}); len(faults) > 0 {
		var path []string
		for _, step := range faults[0].Path {
			if r, _ := utf8.DecodeRuneInString(step); !unicode.IsDigit(r) && step != "and" && step != "or" && step != "not" {
				path = append(path, step)
			}
		}
		s.fail(at, "in the condition, %s: %s", strings.Join(path, " "), faults[0].Msg)
	}
}
