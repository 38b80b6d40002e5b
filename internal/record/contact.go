package record

import (
	"net/url"
	"strings"
)

// Bounds on URLs, in bytes, and on the digits of a phone number (E.164).
const (
	MaxURL         = MaxText
	maxPhoneDigits = 15
	minPhoneDigits = 4
)

// parsePhone reads an international number, "+" and digits, and drops the visual
// separators of RFC 3966 and spaces: what is stored is the form of E.164.
func parsePhone(src any) (Value, error) {
	if src == nil {
		return Value{}, nil
	}
	if s, ok := src.(string); ok && len(s) <= 64 {
		if number, ok := strings.CutPrefix(s, "+"); ok {
			number = strings.NewReplacer(" ", "", "-", "", ".", "", "(", "", ")", "").Replace(number)
			if n := len(number); n >= minPhoneDigits && n <= maxPhoneDigits && allDigits(number) && number[0] != '0' {
				return String("+" + number), nil
			}
		}
	}
	return Value{}, invalid(`a phone number with its country code, like "+49 30 1234567"`)
}

// parseURL reads an absolute URI of RFC 3986 that a browser may be sent to. One
// of another scheme could run code where it is shown as a link; one with a user
// name pretends to lead elsewhere.
func parseURL(src any) (Value, error) {
	if src == nil {
		return Value{}, nil
	}
	if s, ok := src.(string); ok && len(s) <= MaxURL && !strings.ContainsFunc(s, notInURL) {
		u, err := url.Parse(s)
		if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil {
			return String(s), nil
		}
	}
	return Value{}, invalid(`an absolute URL of at most 1000 bytes with http or https, like "https://example.org/a?b=c"; other letters than ASCII are percent-encoded`)
}

// notInURL reports the characters that RFC 3986 has no place for.
func notInURL(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"<>\\^`{|}", r)
}
