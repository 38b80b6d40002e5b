package definition

import (
	"slices"
	"strconv"
)

// Bounds of pages.
const (
	MaxPages        = 200
	MaxPageDocument = 32 << 10 // characters
)

// pageActionWords are the actions on a page.
var pageActionWords = []string{"ACCESS"}

// Page is a stored query that permission sets may open. It runs under the rights
// of whoever opens it, never under those of who wrote it. Its document is text
// here: what it says in GraphQL is checked by whoever can read GraphQL.
type Page struct {
	Name        string
	Label       string // for people; the name where the definition gives none
	Description string
	Document    string
}

// Page returns the page of that name.
func (a *Application) Page(name string) (*Page, bool) {
	for _, p := range a.Pages {
		if p.Name == name {
			return p, true
		}
	}
	return nil, false
}

// LineOf returns the line of the source where the steps lead, such as "pages",
// a page's name and "document"; that of the longest part that is there, 0 where
// the source writes none of it.
func (a *Application) LineOf(steps ...string) int { return newLines(a.Source).of(steps) }

func (r *resolver) readPages(o object) {
	seen := map[string]bool{}
	for _, v := range r.items(o, "pages", MaxPages, "a list of pages") {
		po, ok := r.object(v, "name", "label", "description", "document")
		if !ok {
			continue
		}
		r.require(po, "name", "document")
		p := &Page{
			Name: r.name(po, "name", fieldName), Label: r.text(po, "label", maxTitle),
			Description: r.text(po, "description", maxText), Document: r.text(po, "document", MaxPageDocument),
		}
		if p.Name != "" && seen[p.Name] {
			r.fail(po.of("name"), "another page has this name")
		}
		if p.Label == "" {
			p.Label = p.Name
		}
		seen[p.Name] = true
		r.app.Pages = append(r.app.Pages, p)
	}
}

// readSetPages reads which pages a set opens. A page that is listed without an
// action is not opened, as a report is not.
func (r *resolver) readSetPages(so object, s *PermissionSet) {
	if !so.has("pages") {
		return
	}
	o, _ := r.object(so.members["pages"])
	for _, name := range o.order {
		if _, ok := r.app.Page(name); !ok {
			r.fail(o.of(name), "there is no page %s", strconv.Quote(shorten(name)))
			continue
		}
		if len(r.actions(o, name, Access, pageActionWords)) > 0 {
			s.Pages = append(s.Pages, name)
		}
	}
	slices.Sort(s.Pages)
}
