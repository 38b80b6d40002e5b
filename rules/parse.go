package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"sluice/internal/fault"
	"sluice/internal/record"
)

var grantNames = [...]string{"", "view", "edit", "delete"}

// ParseManifest reads the JSON form of a manifest and validates it. It is
// strict: an unknown key, a key given twice, a value of another type, anything
// after the object or invalid UTF-8 is an error of kind Invalid.
//
//	{"abi": 1, "form": "Order", "effect": "share", "grant": "view",
//	 "record": [{"name": "amount", "type": "decimal", "scale": 2}],
//	 "viewer": [{"name": "team", "type": "text"}],
//	 "reasons": ["an order of your team"]}
func ParseManifest(src []byte) (*Manifest, error) {
	if len(src) > MaxManifest {
		return nil, fault.New(fault.Invalid, "rules", "manifest: %d bytes, at most %d", len(src), MaxManifest)
	}
	if !utf8.Valid(src) {
		return nil, fault.New(fault.Invalid, "rules", "manifest: expected UTF-8")
	}
	p := parser{json.NewDecoder(bytes.NewReader(src)), src}
	p.dec.UseNumber()
	m, err := p.manifest()
	if err != nil {
		return nil, err
	}
	if _, err := p.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Invalid, "rules", "manifest: expected nothing after the object")
	}
	return m, m.Validate()
}

type parser struct {
	dec *json.Decoder
	src []byte
}

type setter = func(path string) error

func (p parser) manifest() (*Manifest, error) {
	m := &Manifest{}
	err := p.object("", map[string]setter{
		"abi":     func(at string) error { return p.number(at, 1<<30, func(n int) { m.ABI = n }) },
		"form":    func(at string) error { return p.text(at, &m.Form) },
		"effect":  func(at string) error { return p.effect(at, &m.Effect) },
		"grant":   func(at string) error { return p.grant(at, &m.Grant) },
		"record":  func(at string) error { return p.columns(at, &m.Record) },
		"viewer":  func(at string) error { return p.columns(at, &m.Viewer) },
		"mask":    func(at string) error { return p.texts(at, MaxMask, &m.Mask) },
		"profile": func(at string) error { return p.profile(at, &m.Profile) },
		"reasons": func(at string) error { return p.texts(at, MaxReasons, &m.Reasons) },
	})
	return m, err
}

// object reads one object, each known key at most once.
func (p parser) object(path string, keys map[string]setter) error {
	if err := p.delim(path, '{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for p.dec.More() {
		t, err := p.token(path)
		if err != nil {
			return err
		}
		key, _ := t.(string)
		at := join(path, key)
		set, known := keys[key]
		if !known {
			return invalid(join(path, fmt.Sprintf("%.40q", key)), "unknown key; expected one of %s", strings.Join(slices.Sorted(maps.Keys(keys)), ", "))
		}
		if seen[key] {
			return invalid(at, "given twice")
		}
		seen[key] = true
		if err := set(at); err != nil {
			return err
		}
	}
	return p.delim(path, '}')
}

// list reads one array of at most limit items.
func (p parser) list(path string, limit int, item func(path string) error) error {
	if err := p.delim(path, '['); err != nil {
		return err
	}
	for i := 0; p.dec.More(); i++ {
		if i == limit {
			return invalid(path, "at most %d entries", limit)
		}
		if err := item(fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	return p.delim(path, ']')
}

func (p parser) columns(path string, dst *[]Column) error {
	return p.list(path, MaxColumns, func(at string) error {
		var c Column
		err := p.object(at, map[string]setter{
			"name":  func(at string) error { return p.text(at, &c.Name) },
			"type":  func(at string) error { return p.columnType(at, &c.Type) },
			"scale": func(at string) error { return p.number(at, maxScale, func(n int) { c.Scale = uint8(n) }) },
		})
		*dst = append(*dst, c)
		return err
	})
}

func (p parser) texts(path string, limit int, dst *[]string) error {
	return p.list(path, limit, func(at string) error {
		var s string
		err := p.text(at, &s)
		*dst = append(*dst, s)
		return err
	})
}

func (p parser) columnType(path string, dst *record.Type) error {
	var s string
	if err := p.text(path, &s); err != nil {
		return err
	}
	t, ok := record.ParseType(s)
	if !ok {
		return invalid(path, "expected a field type such as text, decimal or date-time, got %.40q", s)
	}
	*dst = t
	return nil
}

func (p parser) effect(path string, dst *Effect) error {
	n, err := p.choice(path, effectNames[:], "share, restrict or mask")
	*dst = Effect(n)
	return err
}

func (p parser) profile(path string, dst *Profile) error {
	n, err := p.choice(path, profileNames[:], "lean or go")
	*dst = Profile(n)
	return err
}

func (p parser) grant(path string, dst *uint8) error {
	n, err := p.choice(path, grantNames[:], "view, edit or delete")
	*dst = uint8(n)
	return err
}

// choice reads one of names and returns its place; the empty name is none.
func (p parser) choice(path string, names []string, expected string) (int, error) {
	var s string
	if err := p.text(path, &s); err != nil {
		return 0, err
	}
	for i, name := range names {
		if s == name && s != "" {
			return i, nil
		}
	}
	return 0, invalid(path, "expected %s, got %.40q", expected, s)
}

func (p parser) text(path string, dst *string) error {
	t, err := p.token(path)
	if err != nil {
		return err
	}
	s, ok := t.(string)
	if !ok {
		return invalid(path, "expected a string")
	}
	*dst = s
	return nil
}

func (p parser) number(path string, limit int64, set func(int)) error {
	t, err := p.token(path)
	if err != nil {
		return err
	}
	n, _ := t.(json.Number)
	i, err := n.Int64()
	if err != nil || i < 0 || i > limit {
		return invalid(path, "expected a whole number from 0 to %d", limit)
	}
	set(int(i))
	return nil
}

func (p parser) delim(path string, want json.Delim) error {
	t, err := p.token(path)
	if err != nil {
		return err
	}
	if t != want {
		return invalid(path, "expected %s", want)
	}
	return nil
}

func (p parser) token(path string) (json.Token, error) {
	t, err := p.dec.Token()
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "rules", err, "manifest: %s: not well-formed JSON in line %d", orRoot(path), p.line())
	}
	return t, nil
}

// line is where the decoder stands, from 1.
func (p parser) line() int {
	return 1 + bytes.Count(p.src[:min(int(p.dec.InputOffset()), len(p.src))], []byte("\n"))
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func orRoot(path string) string {
	if path == "" {
		return "document"
	}
	return path
}

// Marshal returns the JSON form of m: what [ParseManifest] reads back, always
// the same bytes for equal manifests.
func (m *Manifest) Marshal() []byte {
	type column struct {
		Name  string `json:"name"`
		Type  string `json:"type"`
		Scale uint8  `json:"scale,omitempty"`
	}
	columns := func(in []Column) (out []column) {
		for _, c := range in {
			out = append(out, column{c.Name, c.Type.String(), c.Scale})
		}
		return out
	}
	profile := ""
	if m.Profile != Lean {
		profile = m.Profile.String()
	}
	b, err := json.Marshal(struct {
		ABI     int      `json:"abi"`
		Profile string   `json:"profile,omitempty"`
		Form    string   `json:"form"`
		Effect  string   `json:"effect"`
		Grant   string   `json:"grant,omitempty"`
		Record  []column `json:"record,omitempty"`
		Viewer  []column `json:"viewer,omitempty"`
		Mask    []string `json:"mask,omitempty"`
		Reasons []string `json:"reasons,omitempty"`
	}{m.ABI, profile, m.Form, m.Effect.String(), grantNames[min(m.Grant, MaxGrant)], columns(m.Record), columns(m.Viewer), m.Mask, m.Reasons})
	if err != nil {
		return nil // strings and numbers always marshal
	}
	return b
}
