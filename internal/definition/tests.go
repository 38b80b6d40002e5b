package definition

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/filter"
)

// Bounds of permission tests.
const (
	MaxTests        = 500
	MaxTestSentence = 1000 // characters
)

// Test is a permission test: a sentence about who may do what, which is held
// against the tenant's own people and records.
//
// "can" says that every person of Who may do Verb on every record that matches
// Where, or with Some that each of them may on at least one. "cannot" says that
// none of them may on any such record, or with Some that for each of them there
// is one on which they may not.
type Test struct {
	Text   string // as written, on one line, with a filter that stands beside it as JSON
	Line   int    // of the document, from 1
	Who    Subject
	Cannot bool
	Verb   Verb
	// Form is what Verb is about, and Field with [See] and [Change]; Target is the
	// page or report of [OpenPage] and [OpenReport], which name no form.
	Form, Field, Target string `json:",omitempty"`
	// Where is a filter over the form's own fields, read on true cells; VIEWER is
	// the person tested. Nil matches every record. Of a test about no record it is
	// nil.
	Where map[string]any `json:",omitempty"`
	Some  bool           `json:",omitempty"`
}

// OfRecords reports whether the test is about records of Form.
func (t *Test) OfRecords() bool { return t.Verb >= ViewRecord && t.Verb <= ChangeCell }

// SubjectKind says whom a test is about. The zero SubjectKind is nobody.
type SubjectKind uint8

// The kinds of subjects. Their numbers are stored.
const (
	NoSubject  SubjectKind = iota
	OfRole                 // the holders of Role, and of Set where it is given
	OfSet                  // the holders of Set, which is no portal set
	OfPortal               // the portal users who hold Set
	OfUser                 // the one person with Address
	Developers             // the developers of the application
	Everyone               // all live and portal users of the application
)

// Subject is whom a test is about.
type Subject struct {
	Kind               SubjectKind
	Role, Set, Address string `json:",omitempty"`
}

// Verb is what a test asks whether somebody may do. The zero Verb is nothing.
type Verb uint8

// The verbs. Their numbers are stored.
const (
	NoVerb Verb = iota
	ViewRecord
	EditRecord
	DeleteRecord
	ExportRecord
	CommentRecord  // write comments
	CommentsRecord // read comments
	HistoryRecord
	SeeCell
	ChangeCell
	CreateRecord
	OpenPage
	OpenReport
)

// readTests reads the permission tests: sentences, or objects of a sentence and
// a filter.
func (r *resolver) readTests(o object) {
	for _, v := range r.items(o, "tests", MaxTests, "a list of sentences such as \"role sales-rep can view Order where owner is VIEWER\"") {
		if t := r.readTest(v); t != nil {
			r.app.Tests = append(r.app.Tests, t)
		}
	}
}

func (r *resolver) readTest(v value) *Test {
	text, where := v, value{}
	if r.kind(v) == "object" {
		to, ok := r.object(v, "test", "where")
		if !ok || !r.require(to, "test") {
			return nil
		}
		text, where = to.members["test"], to.members["where"]
	}
	if !r.expect(text, "str", "a sentence, or {test: a sentence, where: a filter}") {
		return nil
	}
	source, ok := r.textOf(text, MaxTestSentence)
	if !ok {
		return nil
	}
	if strings.TrimSpace(source) == "" {
		r.fail(text.at, "expected a sentence")
		return nil
	}
	s := &sentence{r: r, at: text.at, words: cut(source)}
	t := s.read(where.n != nil)
	if s.failed {
		return nil
	}
	t.Text, t.Line = strings.Join(strings.Fields(source), " "), v.n.Line
	if where.n != nil {
		if t.Where = r.whereOf(t, where); t.Where != nil {
			b, err := json.Marshal(t.Where)
			if err != nil {
				r.fail(where.at, "expected a filter")
			}
			t.Text += " where " + string(b)
		}
	}
	return t
}

// whereOf reads the filter that stands beside a sentence.
func (r *resolver) whereOf(t *Test, v value) map[string]any {
	f, ok := r.app.Form(t.Form)
	if !ok || !t.OfRecords() {
		r.fail(v.at, "only a test about records has a where")
		return nil
	}
	return r.filterOf(v, f)
}

// Expr returns the filter of the test, ready to compile: everything where it has
// none, and nil, which matches nothing, where the filter no longer fits the form.
func (t *Test) Expr(form *Form) filter.Expr {
	if t.Where == nil {
		return filter.And{}
	}
	e, faults := filter.Parse(t.Where, formScope{form}, filter.Options{AllowViewer: true})
	if len(faults) > 0 {
		return nil
	}
	return e
}

// String names the subject as a sentence does.
func (s Subject) String() string {
	switch s.Kind {
	case OfRole:
		if s.Set != "" {
			return "role " + s.Role + " with set " + s.Set
		}
		return "role " + s.Role
	case OfSet:
		return "set " + s.Set
	case OfPortal:
		return "portal set " + s.Set
	case OfUser:
		return "user " + s.Address
	case Developers:
		return "developers"
	case Everyone:
		return "everyone"
	}
	return "nobody"
}

// now says what something is called that a sentence names by its old name, as an
// end of a message; nothing where the document renames nothing of that name.
func (r *resolver) now(was string, forms []*Form, fields []*Field) string {
	if was == "" {
		return ""
	}
	for _, f := range forms {
		if r.renamed[f] == was {
			return "; it is named " + f.Name + " now"
		}
	}
	if i := slices.IndexFunc(fields, func(x *Field) bool { return r.renamed[x] == was }); i >= 0 {
		return "; it is named " + fields[i].Name + " now"
	}
	return ""
}

func quotedShort(s string) string { return strconv.Quote(shorten(s)) }
