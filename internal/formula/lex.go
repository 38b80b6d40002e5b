package formula

import (
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	endToken tokenKind = iota
	nameToken
	numberToken
	textToken
	markToken // an operator or a bracket
)

// token is one word of an expression.
type token struct {
	kind tokenKind
	text string // of a text: what it stands for
	at   int
}

// says names a token for a message.
func (t token) says() string {
	switch t.kind {
	case endToken:
		return "the end"
	case textToken:
		return "a text"
	}
	return t.text
}

var marks = []string{"==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "<", ">", "(", ")", ","}

// lexer cuts an expression into tokens.
type lexer struct {
	rest string
	at   int // characters from 1
}

func (l *lexer) take(n int) string {
	s := l.rest[:n]
	l.at += utf8.RuneCountInString(s)
	l.rest = l.rest[n:]
	return s
}

func (l *lexer) next() (token, error) {
	l.take(len(l.rest) - len(strings.TrimLeft(l.rest, " \t\r\n")))
	at := l.at
	if l.rest == "" {
		return token{at: at}, nil
	}
	switch c := l.rest[0]; {
	case isLetter(c):
		return token{nameToken, l.take(prefix(l.rest, func(c byte) bool { return isLetter(c) || isDigit(c) })), at}, nil
	case isDigit(c):
		return l.number(at)
	case c == '"':
		return l.quoted(at)
	}
	for _, m := range marks {
		if strings.HasPrefix(l.rest, m) {
			l.take(len(m))
			return token{markToken, m, at}, nil
		}
	}
	if l.rest[0] == '=' {
		return token{}, &Error{at, "expected == to compare"}
	}
	return token{}, &Error{at, "expected a field, a constant, an operator or a bracket"}
}

func (l *lexer) number(at int) (token, error) {
	n := prefix(l.rest, isDigit)
	if n < len(l.rest) && l.rest[n] == '.' {
		places := prefix(l.rest[n+1:], isDigit)
		if places == 0 || places > maxPlaces {
			return token{}, &Error{at, "expected 1 to 9 digits behind the point"}
		}
		n += 1 + places
	}
	if n > 18 || n < len(l.rest) && isLetter(l.rest[n]) {
		return token{}, &Error{at, "expected a number of at most 17 digits, like 12 or 0.25"}
	}
	return token{numberToken, l.take(n), at}, nil
}

// quoted reads a text between double quotes; \" and \\ stand for " and \.
func (l *lexer) quoted(at int) (token, error) {
	var text strings.Builder
	for i := 1; i < len(l.rest); i++ {
		switch c := l.rest[i]; c {
		case '"':
			l.take(i + 1)
			return token{textToken, text.String(), at}, nil
		case '\\':
			if i++; i == len(l.rest) || l.rest[i] != '"' && l.rest[i] != '\\' {
				return token{}, &Error{at, `expected \" or \\ behind a backslash in a text`}
			}
			text.WriteByte(l.rest[i])
		default:
			text.WriteByte(c)
		}
	}
	return token{}, &Error{at, `expected " at the end of a text`}
}

func prefix(s string, in func(byte) bool) int {
	for i := range len(s) {
		if !in(s[i]) {
			return i
		}
	}
	return len(s)
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
