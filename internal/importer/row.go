package importer

import (
	"crypto/sha256"
	"slices"
	"strings"

	"sluice/engine"
	"sluice/internal/fault"
	"sluice/internal/record"
)

// values reads the cells of a row. faults are what is wrong with it; an error is
// anything else, which ends the import.
func (p *plan) values(op *engine.Op, r *row) (input map[uint32]record.Value, faults []Fault, err error) {
	if r.bad != "" {
		return nil, []Fault{{Line: r.line, Message: r.bad}}, nil
	}
	input = make(map[uint32]record.Value, len(p.columns))
	for i := range p.columns {
		c := &p.columns[i]
		if c.field == nil {
			continue
		}
		v, given, err := p.value(op, c, r.cells[i])
		switch {
		case err != nil && !aboutRow(err):
			return nil, nil, err
		case err != nil:
			faults = append(faults, Fault{r.line, c.name, fault.Message(err)})
		case i == p.id && v.IsNull():
			faults = append(faults, Fault{r.line, c.name, "a value is required: the column identifies rows"})
		case given:
			input[c.field.Number] = v
		}
	}
	return input, faults, nil
}

// add creates the record of a row; faults and errors as values.
func (p *plan) add(op *engine.Op, r *row) (id record.ID, input map[uint32]record.Value, faults []Fault, err error) {
	input, faults, err = p.values(op, r)
	if err != nil || len(faults) > 0 {
		return id, input, faults, err
	}
	if id, err = op.Create(p.form.Number, input); err != nil && aboutRow(err) {
		return id, input, []Fault{p.fault(r.line, err)}, nil
	}
	return id, input, nil, err
}

// aboutRow reports whether an error is about a row and not about the import.
func aboutRow(err error) bool {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict, fault.Forbidden, fault.NotFound:
		return true
	}
	return false
}

// fault gives an error of the engine, which speaks of input.field, the column of
// that field.
func (p *plan) fault(line int, err error) Fault {
	message := fault.Message(err)
	where, what, ok := strings.Cut(message, ": ")
	if !ok {
		return Fault{Line: line, Message: message}
	}
	if where == "input" {
		return Fault{Line: line, Message: what}
	}
	name, ok := strings.CutPrefix(where, "input.")
	if !ok {
		return Fault{Line: line, Message: message}
	}
	for _, c := range p.columns {
		if c.field != nil && c.field.Name == name {
			return Fault{line, c.name, what}
		}
	}
	return Fault{line, name, what}
}

// taken are the values of unique fields in earlier rows: those of earlier
// transactions were given up, and faulty rows are in none.
type taken map[takenKey]struct{}

type takenKey struct {
	field uint32
	value [sha256.Size]byte
}

// each calls fn for each unique value of a row.
func (p *plan) each(input map[uint32]record.Value, fn func(*column, takenKey)) {
	for i := range p.columns {
		c := &p.columns[i]
		if c.field == nil || !c.unique {
			continue
		}
		if v := input[c.field.Number]; !v.IsNull() {
			fn(c, takenKey{c.field.Number, sha256.Sum256(record.AppendText(nil, &c.field.Field, v))})
		}
	}
}

// taken adds to the faults of a row one for each unique value that an earlier row
// has, in the place of what the engine said about that column, and notes the
// row's values in fresh.
func (p *plan) taken(line int, input map[uint32]record.Value, faults []Fault, seen, fresh taken) []Fault {
	p.each(input, func(c *column, k takenKey) {
		_, before := seen[k]
		_, now := fresh[k]
		fresh[k] = struct{}{}
		if before || now {
			faults = slices.DeleteFunc(faults, func(f Fault) bool { return f.Column == c.name })
			faults = append(faults, Fault{line, c.name, "this value is taken by an earlier row"})
		}
	})
	return faults
}
