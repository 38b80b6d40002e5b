package definition

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"sluice/internal/record"
)

// latin maps letters to what they are written as in names. What it does not have
// and is no ASCII letter has no name.
var latin = func() map[rune]string {
	m := map[rune]string{'ä': "ae", 'ö': "oe", 'ü': "ue", 'ß': "ss", 'æ': "ae", 'ø': "oe", 'å': "aa", 'œ': "oe", 'þ': "th", 'ð': "d", 'ĳ': "ij"}
	for to, from := range map[string]string{
		"a": "àáâãāăą", "c": "çćĉċč", "d": "ďđ", "e": "èéêëēĕėęě", "g": "ĝğġģ", "h": "ĥħ", "i": "ìíîïĩīĭįı", "j": "ĵ", "k": "ķĸ", "l": "ĺļľŀł",
		"n": "ñńņňŉŋ", "o": "òóôõōŏő", "r": "ŕŗř", "s": "śŝşšșſ", "t": "ţťŧț", "u": "ùúûũūŭůűų", "w": "ŵ", "y": "ýÿŷ", "z": "źżž",
	} {
		for _, c := range from {
			m[c] = to
		}
	}
	for c, to := range m {
		if up := unicode.ToUpper(c); up != c && m[up] == "" {
			m[up] = strings.ToUpper(to[:1]) + to[1:]
		}
	}
	return m
}()

// composed joins the letters that some keyboards write as two: the base letter
// and a mark.
var composed = strings.NewReplacer("a\u0308", "ä", "o\u0308", "ö", "u\u0308", "ü", "A\u0308", "Ä", "O\u0308", "Ö", "U\u0308", "Ü", "a\u030a", "å", "A\u030a", "Å")

// wordsOf cuts a label into words of ASCII letters and digits; false where it has
// a letter that cannot be written so.
func wordsOf(label string) (words []string, ok bool) {
	var word []rune
	end := func() {
		if len(word) > 0 {
			words, word = append(words, written(word)), word[:0]
		}
	}
	for _, c := range composed.Replace(label) {
		switch _, known := latin[c]; {
		case known, c < unicode.MaxASCII && (unicode.IsLetter(c) || unicode.IsDigit(c)):
			word = append(word, c)
		case unicode.Is(unicode.Mn, c), c == '\'', c == '’': // an accent, or within a word
		case unicode.IsLetter(c) || unicode.IsDigit(c):
			return nil, false
		default:
			end()
		}
	}
	end()
	return words, len(words) > 0 && !unicode.IsDigit(rune(words[0][0]))
}

// written is a word in ASCII, in small letters where it is all capitals.
func written(word []rune) string {
	small := len(word) > 1 && !slices.ContainsFunc(word, unicode.IsLower)
	var b strings.Builder
	for _, c := range word {
		if small {
			c = unicode.ToLower(c)
		}
		if to, known := latin[c]; known {
			b.WriteString(to)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// camel joins words, each with a capital: "VAT number" is VatNumber.
func camel(words []string) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(strings.ToUpper(w[:1]) + w[1:])
	}
	return b.String()
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// singular and plural know the endings of regular English words; other words have
// a name or a plural that is written out.
func singular(word string) string {
	switch low := strings.ToLower(word); {
	case strings.HasSuffix(low, "ies") && len(low) > 4:
		return word[:len(word)-3] + "y"
	case hasSuffix(low, "sses", "xes", "zes", "ches", "shes"):
		return word[:len(word)-2]
	case strings.HasSuffix(low, "s") && len(low) > 3 && !hasSuffix(low, "ss", "us", "is"):
		return word[:len(word)-1]
	}
	return word
}

func plural(name string) string {
	switch low := strings.ToLower(name); {
	case strings.HasSuffix(low, "y") && len(low) > 1 && !strings.ContainsRune("aeiou", rune(low[len(low)-2])):
		return name[:len(name)-1] + "ies"
	case hasSuffix(low, "s", "x", "z", "ch", "sh"):
		return name + "es"
	}
	return name + "s"
}

func hasSuffix(s string, suffixes ...string) bool {
	return slices.ContainsFunc(suffixes, func(x string) bool { return strings.HasSuffix(s, x) })
}

// labelled returns the words of the label that stands for a missing name, none
// where there is a name or the label gives none, which is a fault.
func (r *resolver) labelled(o object) []string {
	if o.has("name") || !o.has("label") {
		return nil
	}
	label := r.text(o, "label", maxTitle)
	if label == "" {
		return nil
	}
	words, ok := wordsOf(label)
	if name := camel(words); !ok || len(name) > maxName {
		r.fail(o.of("label"), "no name can be made of this label: give a name, %s", fieldName.says)
		return nil
	}
	return words
}

// formNames reads the name and the plural of a form, or makes them of its label:
// the last word in the singular and in the plural.
func (r *resolver) formNames(o object, f *Form) {
	f.Name, f.Plural = r.name(o, "name", formName), r.name(o, "plural", fieldName)
	if words := r.labelled(o); words != nil {
		last := len(words) - 1
		words[last] = singular(words[last])
		f.Name = camel(words)
		r.derived[f] = "name"
	}
	if f.Name != "" && !o.has("plural") && o.has("label") {
		f.Plural = plural(lowerFirst(f.Name))
	}
	if !o.has("label") {
		r.require(o, "name", "plural")
	}
	f.Description = r.describe(o)
}

// fieldNameOf reads the name of a field or report, or makes it of its label.
func (r *resolver) fieldNameOf(o object, of any) string {
	if words := r.labelled(o); words != nil {
		r.derived[of] = "name"
		return lowerFirst(camel(words))
	}
	if !o.has("label") {
		r.require(o, "name")
	}
	return r.name(o, "name", fieldName)
}

// describe reads the description, for which the label stands in.
func (r *resolver) describe(o object) string {
	if !o.has("description") && o.has("label") {
		return r.text(o, "label", maxTitle)
	}
	if o.has("label") {
		r.text(o, "label", maxTitle)
	}
	return r.text(o, "description", maxText)
}

// called says for a message how the document calls a part: by its name, or by the
// label that the name was made of.
func (r *resolver) called(part any, name string) string {
	if r.derived[part] == "" {
		return name
	}
	return fmt.Sprintf("%s (from the label %s)", name, strconv.Quote(shorten(r.at[part].members["label"].n.Value)))
}

// nameAt is where the document says the name of a part.
func (r *resolver) nameAt(part any) *place {
	if r.derived[part] != "" {
		return r.at[part].of("label")
	}
	return r.at[part].of("name")
}

// readAliases reads old names of a field or report, or of a form: its name and
// plural.
func (r *resolver) readAliases(o object, forms bool) []string {
	var out []string
	for _, v := range r.items(o, "aliases", maxAliases, "a list of old names") {
		s, ok := r.textOf(v, maxName)
		switch {
		case !ok:
		case forms && !formName.re.MatchString(s) && !fieldName.re.MatchString(s), !forms && !fieldName.re.MatchString(s):
			r.fail(v.at, "expected an old name: a letter, then up to 63 letters or digits")
		case slices.Contains(out, s):
			r.fail(v.at, "%s stands twice in the list", strconv.Quote(s))
		default:
			out = append(out, s)
		}
	}
	return out
}

// maxAliases bounds the old names of one part.
const maxAliases = 8

// checkAliases keeps the old names of a form's fields apart from everything that
// its types hold.
func (r *resolver) checkAliases(f *Form, taken map[string]string) {
	for _, x := range f.Fields {
		for _, name := range x.Aliases {
			if other, is := taken[name]; is {
				r.fail(r.at[x].of("aliases"), "the old name %s of %s is %s; choose another, or leave it out", name, r.called(x, x.Name), other)
				continue
			}
			taken[name] = "an old name of " + x.Name
		}
	}
}

// Named returns the field that a request means by a name: [Form.Field], or one
// that had the name before and keeps it as an alias.
func (f *Form) Named(name string) (*Field, bool) {
	if x, ok := f.Field(name); ok {
		return x, true
	}
	for _, x := range f.Fields {
		if slices.Contains(x.Aliases, name) {
			return x, true
		}
	}
	return nil, false
}

// Aliased returns the field as a schema shows it under an old name: optional, and
// deprecated in favour of its name.
func (f *Field) Aliased(name string) *Field {
	out := *f
	out.Field = record.Field{Number: f.Number, Name: name, Type: f.Type, Scale: f.Scale, Choices: f.Choices, Target: f.Target,
		Searchable: f.Searchable, Formula: f.Formula}
	out.Aliases, out.Required, out.Deprecated = nil, false, RenamedTo(f.Name)
	return &out
}

// RenamedTo is why an old name is deprecated.
func RenamedTo(name string) string { return "renamed to " + name }
