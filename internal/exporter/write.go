package exporter

import (
	"strconv"
	"strings"

	"sluice/internal/record"
)

// maxSafe is the largest integer that every JSON client keeps exactly.
const maxSafe = 1<<53 - 1

// header appends what stands before the records.
func (p *plan) header(b []byte, o *Options) []byte {
	if o.Format != CSV {
		return b
	}
	for i, c := range p.columns {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, c.name...) // names of fields, and a dot
	}
	return append(b, "\r\n"...)
}

// rows appends records, one after the other.
func (p *plan) rows(b []byte, o *Options, records []record.Redacted) ([]byte, error) {
	targets, err := p.targets(records)
	if err != nil {
		return nil, err
	}
	lists, err := p.lists(records)
	if err != nil {
		return nil, err
	}
	write := p.line
	if o.Format == NDJSON {
		write = p.object
	}
	for i := range records {
		b = write(b, o, func(k int) (*record.Field, record.Value) { return p.cell(records, targets, lists, k, i) })
	}
	return b, nil
}

// targets fetches for each column of a lookup what its records lead to, as the
// viewer may see it: nothing where that is out of reach (L1).
func (p *plan) targets(records []record.Redacted) (map[uint32][]record.Redacted, error) {
	out := map[uint32][]record.Redacted{}
	for _, c := range p.columns {
		if c.field.Type != record.Lookup || out[c.field.Number] != nil || len(records) == 0 {
			continue
		}
		ids := make([]record.ID, len(records))
		for i, r := range records {
			ids[i] = r.Get(&c.field).Ref()
		}
		found, err := p.op.GetMany(c.field.Target, ids)
		if err != nil {
			return nil, err
		}
		out[c.field.Number] = found
	}
	return out, nil
}

// lists returns for each column of a multi-lookup what its records lead to in the
// viewer's reach.
func (p *plan) lists(records []record.Redacted) (map[uint32][]record.Value, error) {
	out := map[uint32][]record.Value{}
	for i := range p.columns {
		f := &p.columns[i].field
		if f.Type != record.MultiLookup || out[f.Number] != nil {
			continue
		}
		found, err := p.op.Links(f, records)
		if err != nil {
			return nil, err
		}
		out[f.Number] = found
	}
	return out, nil
}

// cell reads column k of record i.
func (p *plan) cell(records []record.Redacted, targets map[uint32][]record.Redacted, lists map[uint32][]record.Value, k, i int) (*record.Field, record.Value) {
	c := &p.columns[k]
	if c.field.Type == record.MultiLookup {
		return &c.field, lists[c.field.Number][i]
	}
	if c.field.Type != record.Lookup {
		return &c.field, records[i].Get(&c.field)
	}
	target := targets[c.field.Number][i]
	switch {
	case c.of == nil && target.IsZero():
		return &c.field, record.Value{}
	case c.of == nil:
		return &c.field, records[i].Get(&c.field)
	case target.IsZero():
		return c.of, record.Value{}
	}
	return c.of, target.Get(c.of)
}

// line appends a record of CSV. Texts are written byte for byte, so that a line
// break within one stays what it is.
func (p *plan) line(b []byte, o *Options, cell func(int) (*record.Field, record.Value)) []byte {
	for k := range p.columns {
		if k > 0 {
			b = append(b, ',')
		}
		f, v := cell(k)
		text := o.Null
		if !v.IsNull() {
			text = string(record.AppendText(nil, f, v))
			if v.Kind() == record.KindText {
				text = record.Guard(text, o.Null)
			}
		}
		// A line that holds nothing would be no record.
		if strings.ContainsAny(text, "\",\r\n") || text != strings.TrimSpace(text) || text == "" && len(p.columns) == 1 {
			text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
		}
		b = append(b, text...)
	}
	return append(b, "\r\n"...)
}

// object appends a record as a line of JSON.
func (p *plan) object(b []byte, _ *Options, cell func(int) (*record.Field, record.Value)) []byte {
	for k := range p.columns {
		b = append(b, "{,"[min(k, 1)])
		b = record.AppendJSONString(b, []byte(p.columns[k].name))
		b = append(b, ':')
		f, v := cell(k)
		if f.Type == record.Integer && (v.Int() > maxSafe || v.Int() < -maxSafe) {
			b = append(strconv.AppendInt(append(b, '"'), v.Int(), 10), '"')
			continue
		}
		b = record.AppendJSON(b, f, v)
	}
	return append(b, "}\n"...)
}
