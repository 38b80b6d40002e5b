package definition

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sluice/internal/record"
)

// namePattern is a form of names and how to say it.
type namePattern struct {
	re   *regexp.Regexp
	says string
}

var (
	applicationName = namePattern{regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`), "a letter, then up to 63 letters, digits, - or _"}
	formName        = namePattern{regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,63}$`), "an upper-case letter, then up to 63 letters or digits"}
	fieldName       = namePattern{regexp.MustCompile(`^[a-z][A-Za-z0-9]{0,63}$`), "a lower-case letter, then up to 63 letters or digits"}
)

// name reads a member that is a name of the given form, "" where it is not.
func (r *resolver) name(o object, key string, p namePattern) string {
	if !o.has(key) {
		return ""
	}
	s, ok := r.textOf(o.members[key], MaxSource)
	if ok && !p.re.MatchString(s) {
		r.fail(o.of(key), "expected %s", p.says)
		return ""
	}
	return s
}

// title reads the name of a role, set or rule, and reports one that seen holds.
func (r *resolver) title(o object, seen map[string]bool) string {
	if !r.require(o, "name") {
		return ""
	}
	v := o.members["name"]
	s, ok := r.textOf(v, MaxSource)
	switch {
	case !ok:
		return ""
	case s == "" || strings.TrimSpace(s) != s || strings.ContainsAny(s, "\n\t") || utf8.RuneCountInString(s) > maxTitle:
		r.fail(v.at, "expected a name of 1 to %d characters on one line, without spaces around it", maxTitle)
		return ""
	case seen[s]:
		r.fail(v.at, "the name %s is taken", strconv.Quote(s))
		return ""
	}
	seen[s] = true
	return s
}

// reservedFields are names that every type of a form has, that filters give a
// meaning of their own, or that GraphQL does not take as the value of an enum.
var reservedFields = []string{"id", "owner", "version", "addedBy", "addedTime", "modifiedBy", "modifiedTime",
	"and", "or", "not", "isNull", "true", "false", "null", "viewerCanUpdate", "viewerCanDelete", "comments", "history"}

// reservedQueries are fields of Query that belong to no form, and id, which
// stands beside the record in the payload of a mutation.
var reservedQueries = []string{"createdReports", "id", "me", "members", "node", "nodes"}

// reservedTypes are the types that do not depend on a form.
var reservedTypes = strings.Fields(`Query Mutation Subscription Node PageInfo User Viewer Record String Int Float Boolean ID
	Decimal Long Date Time DateTime Duration PhoneNumber URL JSON Any Void Upload File Image Cursor Comment CommentConnection CommentEdge
	History HistoryEntry HistoryConnection HistoryEdge UserConnection UserEdge ComponentRights ComponentKind ViewerKind Direction Nulls
	ChangeKind Reset FileFilter TextFilter SearchableTextFilter ChoiceFilter MultiChoiceFilter BooleanFilter IntFilter LongFilter DecimalFilter DateFilter DateTimeFilter
	TimeFilter DurationFilter AutoNumberFilter IDListFilter JSONFilter UserFilter IDFilter CreatedReport CreatedReportFilter CreatedReportOrder CreatedReportPayload
	CalendarUnit AggregateFunction ValueAggregate ValueAggregateHaving LongAggregate LongAggregateHaving DecimalAggregate DecimalAggregateHaving
	TextAggregate TextAggregateHaving AutoNumberAggregateHaving BooleanAggregate BooleanAggregateHaving DateAggregate DateAggregateHaving DateTimeAggregate DateTimeAggregateHaving
	TimeAggregate TimeAggregateHaving DurationAggregate DurationAggregateHaving`)

// ownTypes are the types that the schema makes of a form, % standing for its
// name, ^ for its plural with a capital letter.
var ownTypes = strings.Fields(`% %Filter %LookupFilter %ManyFilter %MultiLookupFilter %Order %OrderField %Connection %Edge Create%Input Create%NestedInput Update%Input Upsert%Input
	Create%Payload Update%Payload Change%OwnerPayload Delete%Payload Upsert%Payload %Aggregate %AggregateConnection %AggregateGroup
	%AggregateKey %AggregateField %AggregateBy %AggregateHaving %AggregateOrder ReportOf%Column CreateReportOf%Input UpdateReportOf%Input %Change
	%UniqueField Create^Payload Update^Payload Update^ByIdInput Update^ByIdPayload Delete^Payload`)

// checkNames reports names that would meet in the schema.
func (r *resolver) checkNames() {
	r.checkFormNames()
	r.checkTypeNames()
	r.checkQueryNames()
	for _, f := range r.app.Forms {
		r.checkFieldNames(f)
	}
	r.checkReverseNames()
}

func (r *resolver) checkFormNames() {
	seen := map[string]bool{}
	for _, f := range r.app.Forms {
		if f.Name != "" && seen[f.Name] {
			r.fail(r.nameAt(f), "another form has %s", r.thisName(f, f.Name))
		}
		seen[f.Name] = true
	}
}

func (r *resolver) checkTypeNames() {
	taken := map[string]string{}
	for _, t := range reservedTypes {
		taken[t] = ""
	}
	reported := map[[2]string]bool{}
	for _, f := range r.app.Forms {
		for _, pattern := range ownTypes {
			t := strings.Replace(pattern, "%", f.Name, 1)
			if f.Plural != "" {
				t = strings.Replace(t, "^", strings.ToUpper(f.Plural[:1])+f.Plural[1:], 1)
			}
			other, is := taken[t]
			switch {
			case f.Name == "" || other == f.Name || reported[[2]string{f.Name, other}]:
			case is && other == "":
				r.fail(r.nameAt(f), "the schema has a type %s of its own; rename the form", t)
			case is:
				r.fail(r.nameAt(f), "the forms %s and %s would both have a type %s; rename one", other, r.called(f, f.Name), t)
			default:
				taken[t] = f.Name
				continue
			}
			reported[[2]string{f.Name, other}] = true
		}
	}
}

// checkQueryNames keeps the fields of Query apart: a form under its name with a
// small first letter, its plural, its aggregate, and the reports.
func (r *resolver) checkQueryNames() {
	taken := map[string]string{}
	for _, q := range reservedQueries {
		taken[q] = "a field of every schema"
	}
	claim := func(name, what string, at *place) bool {
		if name == "" {
			return false
		}
		if other, is := taken[name]; is {
			if other != what { // else reported as two forms or reports of one name
				r.fail(at, "%s would be %q in queries, which is %s; rename one", what, name, other)
			}
			return false
		}
		taken[name] = what
		return true
	}
	for _, f := range r.app.Forms {
		if f.Name != "" {
			claim(strings.ToLower(f.Name[:1])+f.Name[1:], "the form "+r.called(f, f.Name), r.nameAt(f))
		}
		if f.Plural != "" {
			claim(f.Plural, "the plural of "+f.Name, r.at[f].of("plural"))
			claim(f.Plural+"Aggregate", "the aggregate of "+f.Name, r.at[f].of("plural"))
		}
	}
	for _, p := range r.app.Reports {
		if !p.Default && claim(p.Name, "the report "+r.called(p, p.Name), r.nameAt(p)) {
			claim(p.Name+"Aggregate", "the aggregate of the report "+p.Name, r.nameAt(p))
		}
	}
	for _, f := range r.app.Forms {
		for _, name := range f.Aliases {
			claim(lowerFirst(name), "the old name "+name+" of "+f.Name, r.at[f].of("aliases"))
			if lowerFirst(name) == name {
				claim(name+"Aggregate", "the aggregate of the old name "+name, r.at[f].of("aliases"))
			}
		}
	}
	for _, p := range r.app.Reports {
		for _, name := range p.Aliases {
			claim(name, "the old name "+name+" of "+p.Name, r.at[p].of("aliases"))
			claim(name+"Aggregate", "the aggregate of the old name "+name, r.at[p].of("aliases"))
		}
	}
}

// thisName says "this name", or which name a label gives.
func (r *resolver) thisName(part any, name string) string {
	if r.derived[part] == "" {
		return "this name"
	}
	return "the name " + r.called(part, name)
}

func (r *resolver) checkFieldNames(f *Form) {
	seen := map[string]*Field{}
	for _, x := range f.Fields {
		at := r.nameAt(x)
		switch other := seen[x.Name]; {
		case x.Name == "":
		case slices.Contains(reservedFields, x.Name):
			r.fail(at, "%s is a name of the house; choose another", r.called(x, x.Name))
		case other != nil && (r.derived[x] != "" || r.derived[other] != ""):
			r.fail(at, "two fields of %s would be named alike: %s and %s; give one a name", f.Name, r.called(other, x.Name), r.called(x, x.Name))
		case other != nil:
			r.fail(at, "another field of %s has this name", f.Name)
		}
		seen[x.Name] = x
	}
}

// checkReverseNames keeps the connections from a form to those that look it up
// apart from its fields and from each other: they are named by the child's
// plural, or by plural, "By" and the lookup where a child has several.
func (r *resolver) checkReverseNames() {
	taken := map[*Form]map[string]string{}
	for _, f := range r.app.Forms {
		taken[f] = map[string]string{}
		for _, x := range f.Fields {
			taken[f][x.Name] = "a field of " + f.Name
		}
		for _, name := range reservedFields {
			taken[f][name] = "a name of the house"
		}
	}
	for _, child := range r.app.Forms {
		claimed := map[string]bool{}
		for _, x := range child.Fields {
			target, ok := r.target(x)
			if !ok || child.Plural == "" || x.Name == "" {
				continue
			}
			for _, name := range []string{child.Plural, child.Plural + "By" + strings.ToUpper(x.Name[:1]) + x.Name[1:]} {
				mine := "the connection to " + child.Name
				other, is := taken[target][name]
				if is && other != mine && !claimed[target.Name+name] {
					r.fail(r.at[child].of("plural"), "the lookup %s would give %s a field %q, which is %s; rename the plural or the other",
						x.Name, target.Name, name, other)
				}
				claimed[target.Name+name] = true
				if !is {
					taken[target][name] = mine
				}
			}
		}
	}
	for _, f := range r.app.Forms {
		r.checkAliases(f, taken[f])
	}
}

// field returns the form's own or system field that a text in the document
// names.
func (r *resolver) field(f *Form, name string, at *place) (*Field, bool) {
	x, ok := f.Field(name)
	if !ok || name == "" {
		r.fail(at, "form %s has no field %s", f.Name, strconv.Quote(shorten(name)))
		return nil, false
	}
	return x, true
}

// fieldsOf names the user fields of a form, for messages.
func fieldsOf(f *Form, types ...record.Type) string {
	var names []string
	for _, x := range f.Fields {
		if slices.Contains(types, x.Type) {
			names = append(names, x.Name)
		}
	}
	if len(names) == 0 {
		return fmt.Sprintf("%s has none", f.Name)
	}
	return "one of " + strings.Join(names, ", ")
}
