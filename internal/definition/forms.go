package definition

import (
	"strconv"
	"strings"

	"sluice/internal/record"
)

// Bounds of a definition.
const (
	MaxForms      = 500
	MaxFields     = 500 // of one form, dropped ones not counted
	MaxReports    = 2000
	MaxRoles      = 10_000
	MaxSets       = 500
	MaxRules      = 1000    // sharing rules; custom rules likewise
	MaxGrants     = 500_000 // field permissions of all sets
	MaxAttributes = 64
	MaxSearchable = 8 // fields of one form, so that a transaction has room for the words of a record
	MaxChoices    = 1000
	maxName       = 64
	maxTitle      = 100 // names of roles, sets and rules
	maxChoice     = 100
	maxText       = 1000
	defaultScale  = 2
	maxScale      = 9
)

func (r *resolver) readForms(o object) {
	items := r.items(o, "forms", MaxForms, "a list of forms")
	if items != nil && len(items) == 0 {
		r.fail(o.of("forms"), "expected between 1 and %d forms", MaxForms)
	}
	for _, v := range items {
		fo, ok := r.object(v, "name", "plural", "label", "description", "deprecated", "aliases", "fields", "renamedFrom")
		if !ok {
			continue
		}
		r.require(fo, "fields")
		f := &Form{Deprecated: r.text(fo, "deprecated", maxText), Aliases: r.readAliases(fo, true)}
		r.at[f] = fo
		r.formNames(fo, f)
		r.renamed[f] = r.text(fo, "renamedFrom", maxName)
		r.readFields(f, fo)
		r.app.Forms = append(r.app.Forms, f)
	}
	for _, f := range r.app.Forms {
		for _, x := range f.Fields {
			r.checkTarget(x)
		}
	}
	r.linkFormulas()
	r.checkParents()
}

func (r *resolver) readFields(f *Form, fo object) {
	items := r.items(fo, "fields", MaxFields, "a list of fields")
	if items != nil && len(items) == 0 {
		r.fail(fo.of("fields"), "expected between 1 and %d fields", MaxFields)
	}
	var owner, parent *Field
	files, searchable := 0, 0
	for _, v := range items {
		o, ok := r.object(v, "name", "label", "type", "to", "scale", "currency", "prefix", "digits", "choices", "required", "unique", "indexed", "default",
			"min", "max", "minLength", "maxLength", "pattern", "pii", "ephi", "searchable", "recordOwner", "parent", "description", "deprecated",
			"aliases", "renamedFrom", "maxSize", "accept", "expression", "result")
		if !ok {
			continue
		}
		x := r.readField(o)
		f.Fields = append(f.Fields, x)
		if x.Type.IsFile() {
			if files++; files > MaxFileFields {
				r.fail(o.of("type"), "a form has at most %d fields of files", MaxFileFields)
			}
		}
		if x.Searchable {
			if searchable++; searchable == MaxSearchable+1 {
				r.fail(o.of("searchable"), "at most %d fields of a form can be searchable", MaxSearchable)
			}
		}
		r.only(o, "recordOwner", x.RecordOwner, x, &owner)
		r.only(o, "parent", x.Parent, x, &parent)
	}
}

// only reports a second field of a form with a property that one may have.
func (r *resolver) only(o object, key string, set bool, x *Field, first **Field) {
	switch {
	case !set:
	case *first != nil:
		r.fail(o.of(key), "field %s is marked %s already; one field of a form may be", (*first).Name, key)
	default:
		*first = x
	}
}

func (r *resolver) readField(o object) *Field {
	r.require(o, "type")
	x := &Field{
		Description: r.describe(o), Aliases: r.readAliases(o, false), Deprecated: r.text(o, "deprecated", maxText),
		Required: r.flag(o, "required", false), Unique: r.flag(o, "unique", false), Indexed: r.flag(o, "indexed", false),
		PII: r.flag(o, "pii", false), EPHI: r.flag(o, "ephi", false),
		RecordOwner: r.flag(o, "recordOwner", false), Parent: r.flag(o, "parent", false),
	}
	r.at[x] = o
	x.Name = r.fieldNameOf(o, x)
	r.renamed[x] = r.text(o, "renamedFrom", maxName)
	if isFormula(o) {
		r.readFormula(o, x)
		return x
	}
	r.refuseExpression(o)
	r.readType(o, &x.Field, record.Identity-1)
	if x.Type == record.InvalidType {
		return x
	}
	x.Searchable = r.flag(o, "searchable", false)
	r.readCurrency(o, x)
	r.readNumbering(o, x)
	r.readTarget(o, x)
	r.checkProperties(o, x)
	r.readFile(o, x)
	r.readLimits(o, x)
	r.readDefault(o, x)
	return x
}

// typeNames are the types that a form may declare up to last, in order.
func typeNames(last record.Type) (names []string) {
	for t := record.Text; t <= last; t++ {
		names = append(names, t.String())
	}
	return names
}

// readType reads type, scale and choices.
func (r *resolver) readType(o object, f *record.Field, last record.Type) {
	words := typeNames(last)
	if last == record.Identity-1 {
		words = append(words, formulaType)
	}
	f.Type = record.Type(r.oneOf(o, "type", words...))
	if f.Type == record.InvalidType {
		return
	}
	if f.Type.Scaled() {
		f.Scale = r.scale(o)
	} else if o.has("scale") {
		r.fail(o.of("scale"), "only a field of type decimal, currency or percent has a scale")
	}
	if f.Type != record.Choice && f.Type != record.MultiChoice {
		if o.has("choices") {
			r.fail(o.of("choices"), "only a field of type choice or multi-choice has choices")
		}
		return
	}
	r.require(o, "choices")
	f.Choices = r.texts(o, "choices", MaxChoices)
	if o.has("choices") && len(f.Choices) == 0 {
		r.fail(o.of("choices"), "expected between 1 and %d choices", MaxChoices)
	}
	for _, c := range f.Choices {
		if strings.TrimSpace(c) == "" || len(c) > maxChoice {
			r.fail(o.of("choices"), "expected choices of 1 to %d bytes that are not blank", maxChoice)
			return
		}
	}
}

func (r *resolver) scale(o object) uint8 {
	if !o.has("scale") {
		return defaultScale
	}
	v := o.members["scale"]
	if !r.expect(v, "int", "a number from 0 to 9") {
		return defaultScale
	}
	n, err := strconv.Atoi(v.n.Value)
	if err != nil || n < 0 || n > maxScale {
		r.fail(v.at, "expected a number from 0 to %d", maxScale)
		return defaultScale
	}
	return uint8(n)
}

func (r *resolver) readTarget(o object, x *Field) {
	if x.Type.Links() {
		r.require(o, "to")
		r.targets[x] = r.text(o, "to", maxName)
	} else if o.has("to") {
		r.fail(o.of("to"), "only a field of type lookup or multi-lookup leads to a form")
	}
}

func (r *resolver) checkProperties(o object, x *Field) {
	if x.RecordOwner && x.Type != record.User {
		r.fail(o.of("recordOwner"), "only a field of type user may be the record owner")
	}
	if x.Parent && (x.Type != record.Lookup || !x.Required) {
		r.fail(o.of("parent"), "only a required field of type lookup may be the parent")
	}
	if x.Searchable && !x.Type.Wordy() {
		r.fail(o.of("searchable"), "a field of type %s cannot be searchable", x.Type)
	}
	if x.Type.Long() {
		if x.Unique {
			r.fail(o.of("unique"), "a field of type %s cannot be unique", x.Type)
		}
		if x.Indexed {
			r.fail(o.of("indexed"), "a field of type %s cannot be indexed", x.Type)
		}
	}
}

func (r *resolver) readDefault(o object, x *Field) {
	if !o.has("default") {
		return
	}
	v := o.members["default"]
	switch {
	case x.Type == record.User || x.Type == record.Lookup || x.Type.Refs() || x.Type == record.AutoNumber || x.Type.IsFile():
		r.fail(v.at, "a field of type %s has no default", x.Type)
	case x.Unique:
		r.fail(v.at, "a unique field has no default: the second record would conflict")
	default:
		src := r.plain(v, 0)
		parsed, err := record.ParseValue(&x.Field, src)
		if err != nil {
			r.fail(v.at, "%v", err)
		} else if parsed.IsNull() {
			r.fail(v.at, "expected a value; leave default out for none")
		} else if err := x.Check(parsed); err != nil {
			r.fail(v.at, "%v", err)
		}
		x.Default = parsed
	}
}

func (r *resolver) checkTarget(x *Field) {
	if _, ok := r.target(x); !ok && r.targets[x] != "" {
		r.fail(r.at[x].of("to"), "there is no form %q", r.targets[x])
	}
}

// checkParents refuses forms whose parents lead back to them: nothing would
// begin the reach.
func (r *resolver) checkParents() {
	parents := map[*Form]*Field{}
	for _, f := range r.app.Forms {
		for _, x := range f.Fields {
			if x.Parent && parents[f] == nil {
				parents[f] = x
			}
		}
	}
	for _, f := range r.app.Forms {
		at := f
		for range len(r.app.Forms) {
			x := parents[at]
			if x == nil {
				break
			}
			next, ok := r.target(x)
			if !ok {
				break
			}
			if next == f {
				r.fail(r.at[parents[f]].of("parent"), "the parents of form %s lead back to it", f.Name)
				break
			}
			at = next
		}
	}
}

func (r *resolver) readAttributes(o object) {
	seen := map[string]bool{}
	for i, v := range r.items(o, "viewerAttributes", MaxAttributes, "a list of viewer attributes") {
		ao, ok := r.object(v, "name", "type", "choices", "scale")
		if !ok {
			continue
		}
		r.require(ao, "name", "type")
		f := record.Field{Number: uint32(i + 1), Name: r.name(ao, "name", fieldName)}
		if f.Name != "" && seen[f.Name] {
			r.fail(ao.of("name"), "another viewer attribute has this name")
		}
		seen[f.Name] = true
		r.readType(ao, &f, record.User)
		r.app.Attributes = append(r.app.Attributes, f)
	}
}
