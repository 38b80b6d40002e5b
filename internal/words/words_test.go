package words

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func texts(ws [][]byte) string {
	var out []string
	for _, w := range ws {
		out = append(out, string(w))
	}
	return strings.Join(out, "|")
}

func TestOf(t *testing.T) {
	for _, c := range []struct{ what, text, want string }{
		{"nothing", "", ""},
		{"signs alone", " -- ... (!) \t\n", ""},
		{"plain", "Red pump, 20 bar", "red|pump|20|bar"},
		{"case", "PUMP Pump pump", "pump|pump|pump"},
		{"joined by signs", "e-mail a.b@zylker.example snake_case P-1/2", "e|mail|a|b|zylker|example|snake|case|p|1|2"},
		{"apostrophes", "can't l’eau", "can|t|l|eau"},
		{"numbers", "3.14 1,000", "3|14|1|000"},
		{"German", "Straße STRASSE Größe Äpfel", "strasse|strasse|grösse|äpfel"},
		{"Greek sigmas", "ΣΊΣΥΦΟΣ σίσυφος", "σίσυφοσ|σίσυφοσ"},
		{"Turkish", "İstanbul", "i̇stanbul"},
		{"combining marks", "Mu\u0308ller Müller", "müller|müller"},
		{"a mark on nothing", "\u0308 x", "x"},
		{"ligatures and widths", "ﬁne Ｗｉｄｅ ｶﾞ ①", "fine|wide|ガ|1"},
		{"soft hyphen and variation", "Donau\u00addampf ❤\ufe0f", "donaudampf|❤"},
		{"Chinese", "東京タワー", "東|京|タワー"},
		{"Japanese", "すし", "す|し"},
		{"Korean", "한국어 책", "한국어|책"},
		{"Korean in parts", norm.NFD.String("한국어"), "한국어"},
		{"Thai", "สวัสดี", "ส|วั|ส|ดี"},
		{"Arabic", "كِتَاب العربية", "كِتَاب|العربية"},
		{"Arabic presentation forms", "\ufe8d\ufedf", "ال"},
		{"Hebrew", "שלום עולם", "שלום|עולם"},
		{"Devanagari", "नमस्ते दुनिया", "नमस्ते|दुनिया"},
		{"emoji", "go 🚀🚀 👩‍🚀 👍🏽 🇩🇪!", "go|🚀|🚀|👩‍🚀|👍🏽|🇩🇪"},
		{"no width", "a\u200bb", "a|b"},
		{"not UTF-8", "a\xffb \xf0\x9f", "a|b"},
	} {
		if got := texts(Of([]byte(c.text))); got != c.want {
			t.Errorf("%s: %q gives %q, want %q", c.what, c.text, got, c.want)
		}
	}
}

func TestTerms(t *testing.T) {
	long := strings.Repeat("ä", 40) // 80 bytes
	got, ok := Terms([]byte("b A b "+long+" "+long+"x"), 3)
	if !ok || texts(got) != "a|b|"+strings.Repeat("ä", 32) {
		t.Errorf("%q, %v", texts(got), ok)
	}
	if _, ok := Terms([]byte("a b c d"), 3); ok {
		t.Error("four words are no more than three")
	}
	if got := Term(strings.Repeat("x", 63) + "ä"); len(got) != 63 {
		t.Errorf("a term ends within a character: %q", got)
	}
}

func TestParse(t *testing.T) {
	for query, want := range map[string]string{
		"red pump":           "red; pump",
		`  "Red  PUMP" x`:    "red|pump; x",
		`a"b c"d`:            "a; b|c; d",
		"pump*":              "pump*",
		"e-ma*":              "e|ma*",
		"東京":                 "東|京",
		"+red -pump AND (x)": "red; pump; and; x",
		`"p* q"`:             "p|q",
		"red - pump":         "red; pump",
		`"" red "!"`:         "red",
	} {
		q, err := Parse(query)
		var items []string
		for _, it := range q.Items() {
			s := strings.Join(it.Words, "|")
			if it.Prefix {
				s += "*"
			}
			items = append(items, s)
		}
		if got := strings.Join(items, "; "); err != nil || got != want {
			t.Errorf("%q is read as %q, %v; want %q", query, got, err, want)
		}
	}
	for query, want := range map[string]string{
		"":                                   "at least one word",
		" -- ":                               "at least one word",
		`""`:                                 "at least one word",
		`"red`:                               `a second "`,
		"p*mp":                               "* at the end of a word only",
		"*":                                  "* at the end of a word only",
		"pump**":                             "* at the end of a word only",
		"-*":                                 "* at the end of a word only",
		strings.Repeat("x", MaxQuery+1):      "at most 1000 bytes",
		strings.Repeat("x ", MaxWords+1):     "at most 32 words",
		strings.Repeat("x-", MaxWords) + "x": "at most 32 words",
	} {
		if q, err := Parse(query); err == nil || !strings.Contains(err.Error(), want) || len(q.Items()) > 0 {
			t.Errorf("%q: %v, want %q", query, err, want)
		}
	}
}

func TestMatch(t *testing.T) {
	title, note := "Red pump for Zylker", "Ships from Tokyo (東京) on Monday"
	for query, want := range map[string]bool{
		"pump":               true,
		"PUMP tokyo":         true, // one word in each
		"pump valve":         false,
		`"red pump"`:         true,
		`"pump red"`:         false,
		`"zylker ships"`:     false, // not across fields
		"pu*":                true,
		"pump*":              true,
		"ump*":               false,
		"ump":                false,
		"東京":                 true,
		"京東":                 false,
		"京":                  true,
		`"from to"`:          false,
		"red-pu*":            true,
		"red-for*":           false,
		"monday ships 東 for": true,
	} {
		q, err := Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.Match([]byte(title), nil, []byte(note)); got != want {
			t.Errorf("%q matches: %v", query, got)
		}
	}
	if (Query{}).Match([]byte("x")) {
		t.Error("no query matches")
	}
}

// TestCanonicalTextIsEqual: how characters are put together does not matter.
func TestCanonicalTextIsEqual(t *testing.T) {
	for _, s := range []string{"Ünïcödé", "한국어 책", "ガギグ", "Ǆungla ﬃ", "ệ ự"} {
		want := texts(Of([]byte(s)))
		for _, f := range []norm.Form{norm.NFC, norm.NFD, norm.NFKC, norm.NFKD} {
			if got := texts(Of(f.Bytes([]byte(s)))); got != want {
				t.Errorf("%q: %q in another form, %q", s, got, want)
			}
		}
	}
}

// FuzzWords: any text gives words within bounds, and each of them is found: alone,
// by its beginning, and all of them in one phrase.
func FuzzWords(f *testing.F) {
	for _, s := range []string{"", "Red pump", "東京 タワー", "👩‍🚀\u200d\u200d", "a\u0300\u0301\u0302", "\xff\xfe", "ﷺ", strings.Repeat("\u0300", 100), "İI", "a'b:c.d_e"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		ws := Of(text)
		if !bytes.Equal(before, text) {
			t.Fatal("the text was written to")
		}
		size := 0
		for _, w := range ws {
			if size += len(w); len(w) == 0 || !utf8.Valid(w) {
				t.Fatalf("the word %q", w)
			}
			if term := Term(string(w)); len(term) > MaxTerm || !bytes.HasPrefix(w, []byte(term)) || !utf8.ValidString(term) {
				t.Fatalf("the term %q of %q", term, w)
			}
		}
		if size > 18*len(text) { // the longest that NFKC makes of a character
			t.Fatalf("%d bytes give words of %d", len(text), size)
		}
		terms, _ := Terms(text, len(text)*18)
		if !slices.IsSortedFunc(terms, bytes.Compare) {
			t.Fatal("terms are not sorted")
		}
		for _, w := range ws {
			one := Query{items: []Item{{Words: []string{string(w)}}}}
			if !one.Match(text) {
				t.Fatalf("%q is not found", w)
			}
			if _, ok := slices.BinarySearchFunc(terms, []byte(Term(string(w))), bytes.Compare); !ok {
				t.Fatalf("%q is no term", w)
			}
		}
		if q, err := Parse(`"` + strings.ReplaceAll(string(text), `"`, " ") + `"`); err == nil && !q.Match(text) {
			t.Fatalf("%q does not find itself", text)
		}
	})
}
