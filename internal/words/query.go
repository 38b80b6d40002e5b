package words

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
)

// Bounds of a query.
const (
	// MaxQuery is how long a query may be, in bytes.
	MaxQuery = 1000
	// MaxWords is how many words it may have.
	MaxWords = 32
)

// Query is a parsed query. It is read only and safe for concurrent use. The zero
// Query matches nothing.
type Query struct{ items []Item }

// Item is a part of a query that must be found: its words next to each other.
type Item struct {
	Words  []string // at least one
	Prefix bool     // the last word need only begin like that
}

// Items returns what must be found; read only.
func (q Query) Items() []Item { return q.items }

// Parse reads a query. The error says what was expected, for whoever wrote it,
// and fits behind the name of an argument.
func Parse(s string) (Query, error) {
	if len(s) > MaxQuery {
		return Query{}, fmt.Errorf("expected at most %d bytes, got %d", MaxQuery, len(s))
	}
	var q Query
	for n := 0; ; {
		part, quoted, rest, err := cut(s)
		if err != nil {
			return Query{}, err
		}
		if part == "" && rest == "" {
			break
		}
		it, err := item(part, quoted)
		if err != nil {
			return Query{}, err
		}
		if s = rest; len(it.Words) == 0 {
			continue // a sign between spaces
		}
		if n += len(it.Words); n > MaxWords {
			return Query{}, fmt.Errorf("expected at most %d words", MaxWords)
		}
		q.items = append(q.items, it)
	}
	if len(q.items) == 0 {
		return Query{}, fmt.Errorf("expected at least one word")
	}
	return q, nil
}

// cut takes the first item off a query.
func cut(s string) (part string, quoted bool, rest string, err error) {
	s = strings.TrimLeftFunc(s, unicode.IsSpace)
	if after, ok := strings.CutPrefix(s, `"`); ok {
		part, rest, ok = strings.Cut(after, `"`)
		if !ok {
			return "", false, "", fmt.Errorf(`expected a second " that ends the phrase`)
		}
		return part, true, rest, nil
	}
	end := strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '"' })
	if end < 0 {
		end = len(s)
	}
	return s[:end], false, s[end:], nil
}

func item(part string, quoted bool) (Item, error) {
	it := Item{}
	if !quoted {
		part, it.Prefix = strings.CutSuffix(part, "*")
	}
	for _, w := range Of([]byte(part)) {
		it.Words = append(it.Words, string(w))
	}
	if !quoted && strings.Contains(part, "*") || it.Prefix && len(it.Words) == 0 {
		return it, fmt.Errorf("expected * at the end of a word only")
	}
	return it, nil
}

// Match reports whether each item is found in at least one of the texts. It
// takes time in proportion to the texts and the words of the query.
func (q Query) Match(texts ...[]byte) bool {
	missing := append(make([]Item, 0, len(q.items)), q.items...)
	for _, text := range texts {
		if len(missing) == 0 || len(text) == 0 {
			continue
		}
		have := Of(text)
		left := missing[:0]
		for _, it := range missing {
			if !it.in(have) {
				left = append(left, it)
			}
		}
		missing = left
	}
	return len(q.items) > 0 && len(missing) == 0
}

// in reports whether the item's words follow each other in a text's.
func (it Item) in(have [][]byte) bool {
	for i := 0; i+len(it.Words) <= len(have); i++ {
		if it.at(have[i:]) {
			return true
		}
	}
	return false
}

func (it Item) at(have [][]byte) bool {
	last := len(it.Words) - 1
	for i, w := range it.Words {
		if string(have[i]) != w && (i != last || !it.Prefix || !bytes.HasPrefix(have[i], []byte(w))) {
			return false
		}
	}
	return true
}
