package importer

import (
	"bytes"
	"encoding/csv"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluice/internal/fault"
)

func TestDateTimesWithoutZone(t *testing.T) {
	for _, tc := range []struct{ zone, cell, want string }{
		{"", "2026-03-01T09:00:00Z", "2026-03-01T09:00:00Z"},
		{"", "2026-03-01 09:00:00+01:00", "2026-03-01T09:00:00+01:00"},
		{"", "2026-03-01 09:00:00", "names no zone"},
		{"", "2026-03-01", "names no zone"},
		{"", "yesterday", "yesterday"},
		{"UTC", "2026-03-01 09:00:00.000", "2026-03-01T09:00:00Z"},
		{"UTC", "2026-03-01T09:00", "2026-03-01T09:00:00Z"},
		{"Europe/Berlin", "2026-03-01 09:00:00.123456", "2026-03-01T08:00:00.123456Z"},
		{"Europe/Berlin", "2026-07-01", "2026-06-30T22:00:00Z"},
		{"Europe/Berlin", "2026-03-29 01:59:59", "2026-03-29T00:59:59Z"},
		{"Europe/Berlin", "2026-03-29 02:00:00", "does not exist in Europe/Berlin"},
		{"Europe/Berlin", "2026-03-29 02:59:59", "does not exist in Europe/Berlin"},
		{"Europe/Berlin", "2026-03-29 03:00:00", "2026-03-29T01:00:00Z"},
		{"Europe/Berlin", "2026-10-25 01:59:59", "2026-10-24T23:59:59Z"},
		{"Europe/Berlin", "2026-10-25 02:00:00", "exists twice in Europe/Berlin"},
		{"Europe/Berlin", "2026-10-25 02:59:59", "exists twice in Europe/Berlin"},
		{"Europe/Berlin", "2026-10-25 03:00:00", "2026-10-25T02:00:00Z"},
		{"Australia/Lord_Howe", "2026-10-04 02:15:00", "does not exist"},
		{"Pacific/Apia", "2011-12-30 12:00:00", "does not exist"},
	} {
		o := &Options{TimeZone: tc.zone}
		if err := o.check(); err != nil {
			t.Fatal(err)
		}
		got, err := (&plan{o: o}).dateTimeOf(tc.cell)
		if err != nil {
			got = fault.Message(err)
		}
		if !strings.Contains(got, tc.want) {
			t.Errorf("%s in %q: got %s, want %s", tc.cell, tc.zone, got, tc.want)
		}
	}
}

// TestZonesAgreeWithTheClock: whatever time it is in a zone reads back as that
// time, or is one of two.
func TestZonesAgreeWithTheClock(t *testing.T) {
	zones := []string{"Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(0, 4_000_000_000).Draw(t, "seconds"), 0).In(zone)
		naive, _ := time.Parse(time.DateTime, at.Format(time.DateTime))
		got, err := inZone(naive, zone)
		if err != nil {
			if !strings.Contains(fault.Message(err), "exists twice") {
				t.Fatalf("%s: %v", at, err)
			}
			return
		}
		if want := at.UTC().Format(time.RFC3339Nano); got != want {
			t.Fatalf("%s: got %s, want %s", at, got, want)
		}
	})
}

func TestDatesAndDecimals(t *testing.T) {
	for in, want := range map[string]string{
		"1996-07-04": "1996-07-04", "1996-07-04 00:00:00.000": "1996-07-04", "1996-07-04T00:00:00": "1996-07-04", "1996-07-04 00:00": "1996-07-04",
		"1996-07-04 00:00:01": "1996-07-04 00:00:01", "1996-07-04 00:00:00.001": "1996-07-04 00:00:00.001", "1996-07-04 00:00:00Z": "1996-07-04 00:00:00Z",
		"1996-07-04 00:00:00.": "1996-07-04 00:00:00.", "1996-07-04 ": "1996-07-04 ", "": "",
	} {
		if got := dateOf(in); got != want {
			t.Errorf("date %q: %q, want %q", in, got, want)
		}
	}
	for _, tc := range []struct {
		in    string
		scale int
		want  string
	}{
		{"1.5000", 2, "1.50"}, {"1.501", 2, "1.501"}, {"7.000", 0, "7"}, {"1.5", 2, "1.5"}, {"15", 2, "15"}, {".", 0, "."}, {"1.00e2", 1, "1.00e2"}, {"x.000", 0, "x"},
	} {
		if got := withoutZeros(tc.in, tc.scale); got != tc.want {
			t.Errorf("decimal %q of scale %d: %q, want %q", tc.in, tc.scale, got, tc.want)
		}
	}
}

func TestOptions(t *testing.T) {
	for query, says := range map[string]string{
		"null=NULL&timeZone=Europe/Berlin&delimiter=tab&id=a&map=a%3Db.c&map=c%3Dd&lookup=a%3Db&address=a%3Dx*@y%3Dz&ignore=a&ignore=b": "",
		"wrong=1":             "wrong: no such parameter",
		"null=":               "null: expected one value",
		"null=a&null=b":       "null: expected one value",
		"timeZone=Local":      "timeZone: expected a name",
		"timeZone=../passwd":  "timeZone: expected a name",
		"delimiter=ab":        "delimiter: expected one character",
		"delimiter=%22":       "delimiter: expected one character",
		"delimiter=%FF":       "delimiter: expected one character",
		"map=a":               "map: expected name=value",
		"map=%3Da":            "map: expected name=value",
		"map=a%3Db&map=a%3Dc": "map: a stands twice",
		"address=a%3Db":       "address: expected a text with one *",
		"address=a%3D**":      "address: expected a text with one *",
	} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		o, err := ParseOptions(q)
		switch {
		case says == "" && err != nil:
			t.Errorf("%s: %v", query, err)
		case says == "" && (o.Address["a"] != "x*@y=z" || o.Map["a"] != "b.c" || o.comma != '\t' || o.zone == nil || len(o.Ignore) != 2):
			t.Errorf("%s: %+v", query, o)
		case says != "" && (err == nil || !strings.Contains(fault.Message(err), says)):
			t.Errorf("%s: %v, want %s", query, err, says)
		}
	}
}

// TestSheetsReadWhatWritersWrite: cells come back as they were, in chunks of any
// size.
func TestSheetsReadWhatWritersWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(2, 4).Draw(t, "width")
		cell := rapid.StringOf(rapid.RuneFrom([]rune("ab,;\"\n é\t'")))
		want := rapid.SliceOfN(rapid.SliceOfN(cell, width, width), 1, 20).Draw(t, "rows")
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		w.UseCRLF = rapid.Bool().Draw(t, "crlf")
		if err := w.WriteAll(want); err != nil {
			t.Fatal(err)
		}
		s, err := openSheet(&b, ',')
		if err != nil {
			t.Fatal(err)
		}
		got := [][]string{s.header}
		size := rapid.IntRange(1, 7).Draw(t, "size")
		for {
			rows, err := s.read(size)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				if r.bad != "" {
					t.Fatal(r.bad)
				}
				got = append(got, r.cells)
			}
			if len(rows) < size {
				break
			}
		}
		if !slices.EqualFunc(got, want, slices.Equal[[]string]) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// FuzzSheet: any bytes come to an end, each row with its cells or a fault, lines
// ascending.
func FuzzSheet(f *testing.F) {
	for _, seed := range []string{"", "a,b\n1,2\n", "a,b\n1\n\n\"x\ny\",2\n", "a\n\"", "\xEF\xBB\xBFa;b\r\n1;2", "a,b\n1,\"2\"3\n4,5\n", "\xFF\xFEa"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := openSheet(bytes.NewReader(b), ',')
		if err != nil {
			if fault.KindOf(err) == fault.Internal {
				t.Fatal(err)
			}
			return
		}
		line := 0
		for {
			r, last, ok, err := s.next()
			if err != nil {
				t.Fatal(err)
			}
			if ok && (r.line <= line || r.bad == "" && len(r.cells) != len(s.header)) {
				t.Fatalf("row %+v behind line %d", r, line)
			}
			line = r.line
			if last {
				return
			}
		}
	})
}
