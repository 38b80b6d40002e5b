package importer

import (
	"net/url"
	"strings"
	"time"
	_ "time/tzdata" // zones are those of the release, on every machine
	"unicode/utf8"

	"sluice/internal/fault"
)

// Options say how a file is to be read. The zero Options read a file with
// commas whose columns are named like the fields.
type Options struct {
	// Null is a text that stands for null in every column, such as NULL; empty
	// for none. An empty cell is left out, so that the field's default applies.
	Null string `json:"null,omitempty"`
	// TimeZone is the IANA name of the zone of date-times that name none.
	TimeZone string `json:"timeZone,omitempty"`
	// Delimiter is one character, or "tab"; empty for a comma.
	Delimiter string `json:"delimiter,omitempty"`
	// ID is the column that identifies a row: its field is unique, and every row
	// has a value there.
	ID string `json:"id,omitempty"`
	// Map gives columns their field, "column" → "field" or "lookup.uniqueField".
	Map map[string]string `json:"map,omitempty"`
	// Lookup gives lookup fields the unique field of the target that their cells
	// hold.
	Lookup map[string]string `json:"lookup,omitempty"`
	// Address makes sign-in addresses of the cells of a column: the text with *
	// where the cell goes.
	Address map[string]string `json:"address,omitempty"`
	// Ignore are columns that are not read.
	Ignore []string `json:"ignore,omitempty"`
	// Exported says that the file is one of an export: texts are taken from behind
	// the ' that guards them.
	Exported bool `json:"exported,omitempty"`

	zone  *time.Location
	comma rune
}

const opOptions = "importer.options"

// ParseOptions reads the query parameters null, timeZone, delimiter, id and
// exported, once each, and map, lookup, address (name=value) and ignore, any number of times.
// Unknown parameters are an error.
func ParseOptions(q url.Values) (*Options, error) {
	o := &Options{}
	for name, values := range q {
		if err := o.set(name, values); err != nil {
			return nil, err
		}
	}
	return o, o.check()
}

func (o *Options) set(name string, values []string) error {
	single := map[string]*string{"null": &o.Null, "timeZone": &o.TimeZone, "delimiter": &o.Delimiter, "id": &o.ID}
	pairs := map[string]*map[string]string{"map": &o.Map, "lookup": &o.Lookup, "address": &o.Address}
	if to, ok := single[name]; ok {
		if len(values) != 1 || values[0] == "" {
			return fault.New(fault.Invalid, opOptions, "%s: expected one value", name)
		}
		*to = values[0]
		return nil
	}
	if to, ok := pairs[name]; ok {
		return setPairs(to, name, values)
	}
	if name == "exported" {
		if len(values) != 1 || values[0] != "true" {
			return fault.New(fault.Invalid, opOptions, "exported: expected true")
		}
		o.Exported = true
		return nil
	}
	if name != "ignore" {
		return fault.New(fault.Invalid, opOptions, "%s: no such parameter", name)
	}
	o.Ignore = values
	return nil
}

func setPairs(to *map[string]string, name string, values []string) error {
	*to = map[string]string{}
	for _, v := range values {
		i := strings.LastIndexByte(v, '=')
		if name == "address" {
			i = strings.IndexByte(v, '=')
		}
		if i <= 0 || i == len(v)-1 {
			return fault.New(fault.Invalid, opOptions, "%s: expected name=value", name)
		}
		if _, twice := (*to)[v[:i]]; twice {
			return fault.New(fault.Invalid, opOptions, "%s: %s stands twice", name, v[:i])
		}
		(*to)[v[:i]] = v[i+1:]
	}
	return nil
}

// check resolves what is held as text.
func (o *Options) check() error {
	o.comma = ','
	if o.Delimiter == "tab" {
		o.comma = '\t'
	} else if o.Delimiter != "" {
		r, n := utf8.DecodeRuneInString(o.Delimiter)
		if n != len(o.Delimiter) || strings.ContainsRune("\"\r\n\uFFFD", r) {
			return fault.New(fault.Invalid, opOptions, "delimiter: expected one character other than a quote, or tab")
		}
		o.comma = r
	}
	if o.TimeZone != "" {
		zone, err := time.LoadLocation(o.TimeZone)
		if err != nil || o.TimeZone == "Local" {
			return fault.New(fault.Invalid, opOptions, "timeZone: expected a name of the IANA database, like Europe/Berlin")
		}
		o.zone = zone
	}
	for _, template := range o.Address {
		if strings.Count(template, "*") != 1 {
			return fault.New(fault.Invalid, opOptions, "address: expected a text with one * where the cell goes")
		}
	}
	return nil
}
