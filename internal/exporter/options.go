package exporter

import (
	"encoding/json"
	"io"
	"net/url"
	"strings"

	"sluice/engine"
	"sluice/internal/fault"
	"sluice/internal/record"
)

// Format is how records are written. The zero Format is CSV.
type Format string

// The formats.
const (
	CSV    Format = "csv"    // RFC 4180, UTF-8, the first line names the columns
	NDJSON Format = "ndjson" // a JSON object on each line
)

// Options say what to export and how. The zero Options export every field of a
// form that the viewer sees as CSV.
type Options struct {
	Format Format `json:"format"`
	// Columns are fields, or lookup.field for a field of the record that a lookup
	// leads to; none for those of the report, else all of the form's own.
	Columns []string `json:"columns,omitempty"`
	// Where is a filter in the language of queries, nil for none.
	Where any `json:"where,omitempty"`
	// OrderBy is field, field:desc or either with :nullsFirst behind it.
	OrderBy []string `json:"orderBy,omitempty"`
	// Report is one of the definition, by name, or a created one, by id.
	Report string `json:"report,omitempty"`
	// Null is the text that stands for a cell without value in CSV.
	Null string `json:"null,omitempty"`
}

const (
	opOptions  = "exporter.options"
	maxColumns = 1000 // as imports have
	maxNull    = 64   // bytes
)

// ParseOptions reads the query parameters format, columns, where, orderBy,
// report and null, each at most once. Unknown parameters are an error.
func ParseOptions(q url.Values) (*Options, error) {
	o := &Options{Format: CSV}
	for name, values := range q {
		if len(values) != 1 || values[0] == "" {
			return nil, fault.New(fault.Invalid, opOptions, "%s: expected one value", known(name))
		}
		if err := o.set(name, values[0]); err != nil {
			return nil, err
		}
	}
	if o.Null != "" && o.Format != CSV {
		return nil, fault.New(fault.Invalid, opOptions, "null: is for format csv")
	}
	return o, nil
}

var parameters = []string{"format", "columns", "where", "orderBy", "report", "null"}

// known keeps the names of unknown parameters out of messages.
func known(name string) string {
	for _, p := range parameters {
		if p == name {
			return name
		}
	}
	return "a parameter"
}

func (o *Options) set(name, value string) error {
	switch name {
	case "format":
		if o.Format = Format(value); o.Format != CSV && o.Format != NDJSON {
			return fault.New(fault.Invalid, opOptions, "format: expected csv or ndjson")
		}
	case "columns":
		if o.Columns = strings.Split(value, ","); len(o.Columns) > maxColumns {
			return fault.New(fault.Limit, opOptions, "columns: at most %d", maxColumns)
		}
	case "orderBy":
		if o.OrderBy = strings.Split(value, ","); len(o.OrderBy) > engine.MaxOrder {
			return fault.New(fault.Limit, opOptions, "orderBy: at most %d keys", engine.MaxOrder)
		}
	case "where":
		return o.setWhere(value)
	case "report":
		o.Report = value
	case "null":
		if o.Null = value; len(value) > maxNull || strings.ContainsAny(value, "'\"\r\n") || record.Guard(value, "") != value {
			return fault.New(fault.Invalid, opOptions, "null: expected a short text like NULL")
		}
	default:
		return fault.New(fault.Invalid, opOptions, "there is no such parameter; expected %s", strings.Join(parameters, ", "))
	}
	return nil
}

func (o *Options) setWhere(text string) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	err := d.Decode(&o.Where)
	if err == nil {
		_, err = d.Token()
	}
	if err != io.EOF || o.Where == nil {
		return fault.New(fault.Invalid, opOptions, "where: expected a filter as JSON")
	}
	return nil
}
