package definition

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// TestNamesOfLabels says what labels become.
func TestNamesOfLabels(t *testing.T) {
	for label, want := range map[string]string{
		"Order lines": "orderLines", "Größe (cm)": "groesseCm", "VAT number": "vatNumber", "Number of VAT": "numberOfVat", "  a-b_c ": "aBC",
		"Straße": "strasse", "Ångström": "aangstroem", "Łódź": "lodz", "Çağrı": "cagri", "don't": "dont", "o\u0308l": "oel", "Öl": "oel", "e\u0301te\u0301": "ete",
		"Customer's e-mail": "customersEMail", "orderID": "orderID", "100 %": "", "数量": "", "Имя": "", "—": "", "A1 b2": "a1B2", "ÜBER": "ueber",
	} {
		words, ok := wordsOf(label)
		got := ""
		if ok {
			got = lowerFirst(camel(words))
		}
		if got != want {
			t.Errorf("%q becomes %q, want %q", label, got, want)
		}
	}
	for word, want := range map[string]string{"lines": "line", "companies": "company", "boxes": "box", "addresses": "address", "bus": "bus", "analysis": "analysis",
		"glass": "glass", "churches": "church", "ties": "tie", "news": "new", "person": "person", "gas": "gas"} {
		if got := singular(word); got != want {
			t.Errorf("the singular of %s is %s, want %s", word, got, want)
		}
	}
	for word, want := range map[string]string{"line": "lines", "company": "companies", "box": "boxes", "address": "addresses", "day": "days", "y": "ys", "branch": "branches"} {
		if got := plural(word); got != want {
			t.Errorf("the plural of %s is %s, want %s", word, got, want)
		}
	}
}

// TestLabelsAreDeterministic: equal labels give equal names, and every name that
// is given is one that a document could hold.
func TestLabelsAreDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		label := rapid.String().Draw(t, "label")
		words, ok := wordsOf(label)
		again, too := wordsOf(strings.Clone(label))
		if ok != too || ok && camel(words) != camel(again) {
			t.Fatal("two names of one label")
		}
		if name := lowerFirst(camel(words)); ok && utf8.RuneCountInString(name) <= maxName && !fieldName.re.MatchString(name) {
			t.Fatalf("%q becomes %q", label, name)
		}
	})
}

// TestLabels: a document with labels alone is the one with the names written out.
func TestLabels(t *testing.T) {
	labels := mustResolve(t, []byte(`
application: a
forms:
  - label: Order lines
    fields:
      - {label: "Größe (cm)", type: integer, required: true, aliases: [size]}
      - {label: Total, type: formula, expression: "groesseCm * 2"}
  - {label: Company, aliases: [Firm, firms], fields: [{name: x, label: "The X", description: Of it., type: text}]}
reports:
  - {label: Big ones, form: OrderLine, criteria: {groesseCm: {gt: 5}}, aliases: [large]}
`), context(nil))
	names := mustResolve(t, []byte(`
application: a
forms:
  - name: OrderLine
    plural: orderLines
    description: Order lines
    fields:
      - {name: groesseCm, description: "Größe (cm)", type: integer, required: true, aliases: [size]}
      - {name: total, description: Total, type: formula, expression: "groesseCm * 2"}
  - {name: Company, plural: companies, description: Company, aliases: [Firm, firms], fields: [{name: x, description: Of it., type: text}]}
reports:
  - {name: bigOnes, description: Big ones, form: OrderLine, criteria: {groesseCm: {gt: 5}}, aliases: [large]}
`), context(nil))
	labels.Source, names.Source = "", ""
	a, err := Marshal(labels)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := Marshal(names); err != nil || string(a) != string(b) {
		t.Errorf("%v\n%s\n%s", err, a, b)
	}
	checkStored(t, labels)
}

// TestNamedAndAliased: a request finds a field by both names, the document by its
// own alone.
func TestNamedAndAliased(t *testing.T) {
	a := mustResolve(t, []byte("application: a\nforms: [{name: Order, plural: orders, fields: [{name: title, type: text, required: true, aliases: [subject]}]}]\n"), context(nil))
	f := a.Forms[0]
	x, ok := f.Named("subject")
	if y, found := f.Named("title"); !ok || !found || x != y {
		t.Error("the names lead to two fields")
	}
	if _, ok := f.Field("subject"); ok {
		t.Error("a set or criteria could name an old name")
	}
	if _, ok := f.Named("other"); ok {
		t.Error("a name that no field had")
	}
	if old := x.Aliased("subject"); old.Name != "subject" || old.Number != x.Number || old.Required || old.Deprecated != "renamed to title" || x.Name != "title" {
		t.Errorf("%+v", old)
	}
}
