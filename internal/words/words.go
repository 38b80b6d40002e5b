package words

import (
	"bytes"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/words"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Version names the rules by which text is cut into words. It changes whenever
// some text may give other words than before, with a new table of Unicode in a
// dependency too: indexes of another version are not read.
const Version = 1

// MaxTerm is the longest term of an index, in bytes. Longer words are found by
// their beginning, and then compared in full.
const MaxTerm = 64

// Of returns the words of a text, in their order. They share memory with each
// other and not with text.
func Of(text []byte) [][]byte {
	var out [][]byte
	for it := words.FromBytes(fold(text)); it.Next(); {
		out = appendParts(out, it.Value())
	}
	return out
}

// Terms returns what an index holds of a text: each word once, cut to MaxTerm,
// in byte order; false where there are more than most of them.
func Terms(text []byte, most int) ([][]byte, bool) {
	terms := Of(text)
	for i, w := range terms {
		terms[i] = []byte(Term(string(w)))
	}
	slices.SortFunc(terms, bytes.Compare)
	terms = slices.CompactFunc(terms, bytes.Equal)
	return terms, len(terms) <= most
}

// Term returns the term that a word is indexed under: its first MaxTerm bytes,
// without a part of a character at the end.
func Term(word string) string {
	if len(word) <= MaxTerm {
		return word
	}
	end := MaxTerm
	for !utf8.RuneStart(word[end]) {
		end--
	}
	return word[:end]
}

// fold returns a text in the one form in which words are compared. It is valid
// UTF-8, and of its own.
func fold(text []byte) []byte {
	if plain(text) {
		return bytes.ToLower(text)
	}
	b := norm.NFKC.Bytes(bytes.ToValidUTF8(text, []byte("\uFFFD")))
	b = bytes.Map(visible, b)
	b = cases.Fold().Bytes(b)
	return norm.NFKC.Bytes(b)
}

func plain(text []byte) bool {
	for _, b := range text {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// visible drops what changes how its neighbours look and not what they are: soft
// hyphens, directions, variation selectors. The joiner of emoji stays, and so
// does the space without width, which parts words.
func visible(r rune) rune {
	const (
		zeroWidthSpace  = '\u200b'
		zeroWidthJoiner = '\u200d'
		graphemeJoiner  = '\u034f'
	)
	switch {
	case r < unicode.MaxLatin1 && r != '\u00ad', r == zeroWidthSpace, r == zeroWidthJoiner:
		return r
	case r == graphemeJoiner, unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r):
		return -1
	}
	return r
}

// appendParts appends what words are in a segment.
func appendParts(dst [][]byte, segment []byte) [][]byte {
	for len(segment) > 0 {
		n := bytes.IndexFunc(segment, begins)
		if n < 0 {
			return dst
		}
		segment = segment[n:]
		end := bytes.IndexFunc(segment, func(r rune) bool { return !continues(r) })
		if end < 0 {
			end = len(segment)
		}
		dst = append(dst, segment[:end:end])
		segment = segment[end:]
	}
	return dst
}

// begins reports whether a word may begin with r.
func begins(r rune) bool {
	return unicode.In(r, unicode.L, unicode.N, unicode.So) && r != utf8.RuneError
}

// continues reports whether r may stand inside a word: what may begin one, marks,
// and the modifiers and joiners of emoji.
func continues(r rune) bool {
	return begins(r) || unicode.Is(unicode.M, r) || r == '\u200d' || '\U0001f3fb' <= r && r <= '\U0001f3ff'
}
