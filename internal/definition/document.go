package definition

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// MaxSource is how long a document may be, in bytes.
const MaxSource = 1 << 20

// maxNesting bounds plain values (criteria, defaults).
const maxNesting = 64

// place is where in the document something stands.
type place struct {
	parent *place
	step   string // ".name" or "[3]"
	line   int
}

func (p *place) path() string {
	var steps []string
	for ; p != nil; p = p.parent {
		steps = append(steps, p.step)
	}
	slices.Reverse(steps)
	return strings.TrimPrefix(strings.Join(steps, ""), ".")
}

// value is a node of the document with its place.
type value struct {
	n  *yaml.Node
	at *place
}

// object is a mapping of the document, read key by key.
type object struct {
	at      *place
	order   []string
	members map[string]value
}

func (o object) has(key string) bool { _, ok := o.members[key]; return ok }

// of returns the place of a member, or of the object where the member is
// missing.
func (o object) of(key string) *place {
	if v, ok := o.members[key]; ok {
		return v.at
	}
	return o.at
}

// document reads the YAML text and gathers faults.
type document struct {
	faults  []Fault
	dropped int
}

func (d *document) fail(at *place, format string, args ...any) {
	if len(d.faults) >= maxFaults {
		d.dropped++
		return
	}
	f := Fault{Msg: fmt.Sprintf(format, args...)}
	if at != nil {
		f.Line, f.Path = at.line, at.path()
	}
	d.faults = append(d.faults, f)
}

// result returns the faults in order of their lines.
func (d *document) result() []Fault {
	fs := sortFaults(d.faults)
	if d.dropped > 0 {
		fs = append(fs, Fault{Msg: fmt.Sprintf("%d more faults are not listed", d.dropped)})
	}
	return fs
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)`)

// parse reads exactly one YAML document.
func (d *document) parse(source []byte) (value, bool) {
	if len(source) > MaxSource {
		d.fail(nil, "the document is longer than %d bytes", MaxSource)
		return value{}, false
	}
	if !utf8.Valid(source) {
		line := 1 + bytes.Count(validPrefix(source), []byte("\n"))
		d.fail(&place{line: line}, "expected UTF-8")
		return value{}, false
	}
	var n, next yaml.Node
	r := yaml.NewDecoder(bytes.NewReader(source))
	switch err := r.Decode(&n); {
	case errors.Is(err, io.EOF):
		d.fail(&place{line: 1}, "the document is empty")
		return value{}, false
	case err != nil:
		d.syntax(err)
		return value{}, false
	}
	switch err := r.Decode(&next); {
	case err == nil:
		d.fail(&place{line: next.Line}, "expected one document, got another after ---")
		return value{}, false
	case !errors.Is(err, io.EOF):
		d.syntax(err)
		return value{}, false
	}
	root := n.Content[0]
	return value{n: root, at: &place{line: root.Line}}, true
}

// validPrefix returns what of b is UTF-8.
func validPrefix(b []byte) []byte {
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size <= 1 {
			return b[:i]
		}
		i += size
	}
	return b
}

// syntax reports what the YAML parser says, at the line that it names.
func (d *document) syntax(err error) {
	m := yamlLine.FindStringSubmatch(err.Error())
	line, _ := strconv.Atoi(m[1])
	d.fail(&place{line: max(line, 1)}, "not YAML: %s", m[2])
}

// kind names what a node is, and reports aliases, anchors and own tags, which
// documents may not have.
func (d *document) kind(v value) string {
	if v.n.Kind == yaml.AliasNode || v.n.Anchor != "" {
		d.fail(v.at, "aliases and anchors are not read: write the value out")
		return "alias"
	}
	switch tag := v.n.ShortTag(); tag {
	case "!!map":
		return "object"
	case "!!seq":
		return "list"
	case "!!str", "!!timestamp":
		return strings.TrimPrefix(tag, "!!")
	case "!!bool", "!!int", "!!float", "!!null":
		return strings.TrimPrefix(tag, "!!")
	default:
		d.fail(v.at, "the tag %s is not read", strconv.Quote(shorten(tag)))
		return "alias"
	}
}

var kindWords = map[string]string{"object": "an object", "list": "a list", "str": "text", "timestamp": "a date (write it in quotes)",
	"bool": "a boolean (to mean text, write it in quotes)", "int": "a number (to mean text, write it in quotes)",
	"float": "a number (to mean text, write it in quotes)", "null": "nothing"}

// expect reports a value of another kind than wanted.
func (d *document) expect(v value, kind, expected string) bool {
	got := d.kind(v)
	if got != kind && got != "alias" {
		d.fail(v.at, "expected %s, got %s", expected, kindWords[got])
	}
	return got == kind
}

// object reads a mapping with the given keys; no keys given allow any. It
// reports duplicate and unknown keys.
func (d *document) object(v value, keys ...string) (object, bool) {
	o := object{at: v.at, members: map[string]value{}}
	expected := "an object"
	if len(keys) > 0 {
		expected += " with the keys " + strings.Join(keys, ", ")
	}
	if !d.expect(v, "object", expected) {
		return o, false
	}
	for i := 0; i+1 < len(v.n.Content); i += 2 {
		k := v.n.Content[i]
		at := &place{parent: v.at, step: "." + shorten(k.Value), line: k.Line}
		switch _, twice := o.members[k.Value]; {
		case k.Kind != yaml.ScalarNode || k.Anchor != "":
			d.fail(&place{parent: v.at, line: k.Line}, "expected plain text as key")
		case twice:
			d.fail(at, "the key %s stands twice", strconv.Quote(shorten(k.Value)))
		case len(keys) > 0 && !slices.Contains(keys, k.Value):
			d.fail(at, "unknown key; expected one of %s", strings.Join(keys, ", "))
		default:
			o.order = append(o.order, k.Value)
			o.members[k.Value] = value{n: v.n.Content[i+1], at: at}
		}
	}
	return o, true
}

// list reads a sequence of at most most items; more are one fault and not read.
// It returns nil with a fault, and an empty list for an empty one.
func (d *document) list(v value, most int, expected string) []value {
	if !d.expect(v, "list", expected) {
		return nil
	}
	if len(v.n.Content) > most {
		d.fail(v.at, "expected at most %d items, got %d", most, len(v.n.Content))
		return nil
	}
	items := make([]value, len(v.n.Content))
	for i, n := range v.n.Content {
		items[i] = value{n: n, at: &place{parent: v.at, step: index(i), line: n.Line}}
	}
	return items
}

func index(i int) string { return "[" + strconv.Itoa(i) + "]" }

// items reads an optional member that is a list.
func (d *document) items(o object, key string, most int, expected string) []value {
	if !o.has(key) {
		return nil
	}
	return d.list(o.members[key], most, expected)
}

// text reads an optional member that is text of at most most characters,
// "" where it is missing or faulty.
func (d *document) text(o object, key string, most int) string {
	if !o.has(key) {
		return ""
	}
	s, ok := d.textOf(o.members[key], most)
	if ok && s == "" {
		d.fail(o.of(key), "expected text that is not empty, or no %s", key)
	}
	return s
}

func (d *document) textOf(v value, most int) (string, bool) {
	if !d.expect(v, "str", "text") {
		return "", false
	}
	s := v.n.Value
	switch {
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unprintable):
		d.fail(v.at, "expected text without control characters")
	case utf8.RuneCountInString(s) > most:
		d.fail(v.at, "expected text of at most %d characters", most)
	default:
		return s, true
	}
	return "", false
}

func unprintable(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }

// texts reads an optional member that is a list of texts without duplicates.
func (d *document) texts(o object, key string, most int) []string {
	var out []string
	seen := map[string]bool{}
	for _, v := range d.items(o, key, most, "a list of texts") {
		s, ok := d.textOf(v, 254)
		switch {
		case ok && seen[s]:
			d.fail(v.at, "%s stands twice in the list", strconv.Quote(shorten(s)))
		case ok:
			out, seen[s] = append(out, s), true
		}
	}
	return out
}

// flag reads an optional member that is true or false.
func (d *document) flag(o object, key string, without bool) bool {
	if !o.has(key) {
		return without
	}
	v := o.members[key]
	return d.expect(v, "bool", "true or false") && strings.EqualFold(v.n.Value, "true")
}

// oneOf reads a member that is one of the words, and returns its position from
// 1, or 0.
func (d *document) oneOf(o object, key string, words ...string) int {
	if !o.has(key) {
		return 0
	}
	return d.word(o.members[key], words...)
}

func (d *document) word(v value, words ...string) int {
	if v.n.Kind != yaml.ScalarNode || v.n.Anchor != "" || !slices.Contains(words, v.n.Value) {
		d.fail(v.at, "expected one of %s", strings.Join(words, ", "))
		return 0
	}
	return slices.Index(words, v.n.Value) + 1
}

// require reports a missing key.
func (d *document) require(o object, keys ...string) bool {
	ok := true
	for _, k := range keys {
		if !o.has(k) {
			d.fail(o.at, "the key %s is missing", k)
			ok = false
		}
	}
	return ok
}

// plain returns a value as JSON would give it. Numbers keep the digits that the
// author wrote.
func (d *document) plain(v value, depth int) any {
	kind := d.kind(v)
	if depth > maxNesting {
		d.fail(v.at, "nested deeper than %d", maxNesting)
		return nil
	}
	switch kind {
	case "object":
		o, _ := d.object(v)
		m := make(map[string]any, len(o.order))
		for _, k := range o.order {
			m[k] = d.plain(o.members[k], depth+1)
		}
		return m
	case "list":
		l := []any{}
		for _, item := range d.list(v, MaxSource, "a list") {
			l = append(l, d.plain(item, depth+1))
		}
		return l
	case "str", "timestamp":
		return v.n.Value
	case "bool":
		return strings.EqualFold(v.n.Value, "true")
	case "int", "float":
		if json.Valid([]byte(v.n.Value)) {
			return json.Number(v.n.Value)
		}
		return v.n.Value // who reads it says what was expected
	}
	return nil
}

// shorten keeps what the author wrote at a length that a message can bear.
func shorten(s string) string {
	if len(s) > 64 {
		return strings.ToValidUTF8(s[:64], "") + "…"
	}
	return s
}
