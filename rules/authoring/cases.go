package authoring

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"sluice/internal/record"
	"sluice/rules"
)

// Case is one question to a rule and the answer it must give.
type Case struct {
	Name           string
	Line           int // in the file
	Viewer, Record []record.Value
	Want           rules.Verdict
}

const maxCases = 10_000

// ReadCases reads a YAML list of cases for a rule of that manifest:
//
//   - name: an open order of the team
//     viewer: {team: north}
//     record: {team: north, status: open, amount: 2500.00}
//     expect: {grant: view, reason: 1}
//
// A column that is not named is null. The answer is grant (none, view, edit,
// delete) for a share, keep (in, out) for a restriction and mask (the fields
// that are hidden) for a mask; reason is the number or the text of a reason, and
// fault what goes wrong. What is not expected is denied, without a reason.
// Unknown keys, columns and values are errors with the line.
func ReadCases(src []byte, m *rules.Manifest) ([]Case, error) {
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, invalid("cases: not well-formed YAML: %v", err)
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, invalid("cases: expected one document")
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.SequenceNode || len(doc.Content[0].Content) == 0 {
		return nil, invalid("cases: expected a list of cases, each with name, viewer, record and expect")
	}
	list := doc.Content[0].Content
	if len(list) > maxCases {
		return nil, invalid("cases: %d of them, at most %d", len(list), maxCases)
	}
	out := make([]Case, 0, len(list))
	for _, n := range list {
		c, err := readCase(n, m)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func readCase(n *yaml.Node, m *rules.Manifest) (Case, error) {
	c := Case{Line: n.Line, Viewer: make([]record.Value, len(m.Viewer)), Record: make([]record.Value, len(m.Record))}
	seen, err := each(n, "name, viewer, record, expect", func(key string, v *yaml.Node) (known bool, err error) {
		switch key {
		case "name":
			if v.Kind != yaml.ScalarNode || v.Value == "" {
				return true, at(v, "name: expected a text")
			}
			c.Name = v.Value
		case "viewer":
			return true, readRow(v, "viewer", m.Viewer, c.Viewer)
		case "record":
			return true, readRow(v, "record", m.Record, c.Record)
		case "expect":
			c.Want, err = readWant(v, m)
			return true, err
		default:
			return false, nil
		}
		return true, nil
	})
	if err != nil {
		return c, err
	}
	for _, key := range []string{"name", "expect"} {
		if !slices.Contains(seen, key) {
			return c, at(n, "expected %s", key)
		}
	}
	return c, nil
}

// each calls f for the entries of a mapping, each key at most once.
func each(n *yaml.Node, keys string, f func(key string, v *yaml.Node) (known bool, err error)) (seen []string, err error) {
	if n.Kind != yaml.MappingNode {
		return nil, at(n, "expected a mapping with %s", keys)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		if slices.Contains(seen, key) {
			return nil, at(n.Content[i], "%s: given twice", key)
		}
		seen = append(seen, key)
		known, err := f(key, n.Content[i+1])
		if err != nil {
			return nil, err
		}
		if !known {
			return nil, at(n.Content[i], "%.40q: expected %s", key, keys)
		}
	}
	return seen, nil
}

func readRow(n *yaml.Node, what string, columns []rules.Column, out []record.Value) error {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	keys := "no columns: the manifest has none here"
	if len(names) > 0 {
		keys = strings.Join(names, ", ") + ", the columns of the manifest"
	}
	_, err := each(n, keys, func(key string, v *yaml.Node) (bool, error) {
		i := slices.Index(names, key)
		if i < 0 {
			return false, nil
		}
		value, err := readValue(v, columns[i])
		if err != nil {
			return true, at(v, "%s.%s: %v", what, key, err)
		}
		out[i] = value
		return true, nil
	})
	return err
}

// readValue reads one value in the form that GraphQL takes it, numbers as they
// are written.
func readValue(n *yaml.Node, c rules.Column) (record.Value, error) {
	f := record.Field{Number: record.FirstField, Name: c.Name, Type: c.Type, Scale: c.Scale}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return record.Value{}, nil
	}
	if c.Type == record.JSON {
		var src any
		if err := n.Decode(&src); err != nil {
			return record.Value{}, err
		}
		raw, err := json.Marshal(src)
		if err != nil {
			return record.Value{}, errors.New("expected a JSON value")
		}
		return record.ParseValue(&f, json.RawMessage(raw))
	}
	switch n.Kind {
	case yaml.ScalarNode:
		f.Choices = []string{n.Value}
		return record.ParseValue(&f, n.Value)
	case yaml.SequenceNode:
		items := make([]string, len(n.Content))
		for i, item := range n.Content {
			if item.Kind != yaml.ScalarNode {
				return record.Value{}, errors.New("expected a list of texts")
			}
			items[i] = item.Value
		}
		f.Choices = items
		if c.Type == record.MultiChoice {
			return record.ParseValue(&f, items)
		}
	}
	return record.Value{}, fmt.Errorf("expected one value of type %s", c.Type)
}

var (
	grants = []string{"none", "view", "edit", "delete"}
	keeps  = []string{"out", "in"}
)

func readWant(n *yaml.Node, m *rules.Manifest) (rules.Verdict, error) {
	var want rules.Verdict
	answer := answerKey(m.Effect)
	seen, err := each(n, answer+", reason, fault", func(key string, v *yaml.Node) (bool, error) {
		var err error
		switch {
		case key == answer && m.Effect == rules.Mask:
			want.Visible, err = visible(v, m.Mask)
		case key == answer:
			want.Grant, err = word(v, key, answers(m))
		case key == "reason":
			want.Reason, err = reason(v, m.Reasons)
		case key == "fault":
			var kind uint8
			kind, err = word(v, key, faults())
			want.Fault = rules.FaultKind(kind)
		default:
			return false, nil
		}
		return true, err
	})
	if err == nil && want.Fault != rules.NoFault && len(seen) > 1 {
		return want, at(n, "fault: it stands alone; a rule that fails answers nothing else")
	}
	return want, err
}

// answerKey is the key of an effect's answer.
func answerKey(e rules.Effect) string {
	switch e {
	case rules.Share:
		return "grant"
	case rules.Restrict:
		return "keep"
	}
	return "mask"
}

func answers(m *rules.Manifest) []string {
	if m.Effect == rules.Restrict {
		return keeps
	}
	return grants[:m.Grant+1]
}

func faults() []string {
	var out []string
	for k := rules.NoFault; k < rules.FaultKinds; k++ {
		out = append(out, k.String())
	}
	return out
}

func word(n *yaml.Node, key string, words []string) (uint8, error) {
	i := slices.Index(words, n.Value)
	if n.Kind != yaml.ScalarNode || i < 0 {
		return 0, at(n, "%s: expected %s", key, strings.Join(words, ", "))
	}
	return uint8(i), nil
}

// visible reads the fields that are hidden; the others show.
func visible(n *yaml.Node, mask []string) (uint64, error) {
	bits := ^(^uint64(0) << len(mask))
	if n.Kind != yaml.SequenceNode {
		return 0, at(n, "mask: expected a list of the fields that are hidden, [] for none")
	}
	for _, item := range n.Content {
		i := slices.Index(mask, item.Value)
		if item.Kind != yaml.ScalarNode || i < 0 {
			return 0, at(item, "mask: expected fields of the manifest's mask: %s", strings.Join(mask, ", "))
		}
		bits &^= 1 << i
	}
	return bits, nil
}

func reason(n *yaml.Node, reasons []string) (uint8, error) {
	if n.Kind == yaml.ScalarNode {
		if n.Value == "none" || n.Value == "0" {
			return 0, nil
		}
		for i, text := range reasons {
			if n.Value == text || n.Value == fmt.Sprint(i+1) {
				return uint8(i + 1), nil
			}
		}
	}
	return 0, at(n, "reason: expected none, or the text or the number, 1 to %d, of a reason of the manifest", len(reasons))
}

func at(n *yaml.Node, format string, args ...any) error {
	return invalid("cases:%d: %s", n.Line, fmt.Sprintf(format, args...))
}
