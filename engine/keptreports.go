package engine

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// CreateReport keeps a report of a form and returns its id. Forbidden without
// CREATE_REPORT; Invalid for what the viewer could not ask for in a query; Limit
// where there are too many already.
func (op *Op) CreateReport(form uint32, in ReportInput) (record.ID, error) {
	f, err := op.reportForm(form)
	if err != nil {
		return record.ID{}, err
	}
	now := op.write.now.Truncate(time.Millisecond)
	d := &reportDoc{Maker: op.principal.User, Made: now, Changed: now}
	if in.Name == nil {
		return record.ID{}, fault.New(fault.Invalid, opReport, "input.name: a value is required")
	}
	if err := op.fillReport(f, d, in); err != nil {
		return record.ID{}, err
	}
	id := op.write.id()
	if err := op.roomForReport(form, id); err != nil {
		return record.ID{}, err
	}
	return id, op.putReport(form, id, d)
}

// UpdateReport changes what is given of a report. NotFound where it is absent
// for the viewer; Forbidden without CREATE_REPORT, and for the report of
// somebody else unless the viewer is admin or developer.
func (op *Op) UpdateReport(form uint32, id record.ID, in ReportInput) error {
	f, d, err := op.reportToChange(form, id)
	if err != nil {
		return err
	}
	if err := op.fillReport(f, d, in); err != nil {
		return err
	}
	d.Changed = op.write.now.Truncate(time.Millisecond)
	return op.putReport(form, id, d)
}

// DeleteReport removes a report, under the conditions of UpdateReport.
func (op *Op) DeleteReport(form uint32, id record.ID) error {
	if _, _, err := op.reportToChange(form, id); err != nil {
		return err
	}
	return op.txn.PutDoc(spaceReport, reportKey(op.app.def.Name, form, id), nil)
}

func (op *Op) reportToChange(form uint32, id record.ID) (*form, *reportDoc, error) {
	f, err := op.reportForm(form)
	if err != nil {
		return nil, nil, err
	}
	r, d, err := op.createdReport(form, id)
	if err == nil && !r.MayChange {
		err = fault.New(fault.Forbidden, opReport, "not permitted on this report: it is somebody else's")
	}
	return f, d, err
}

// reportForm returns a form that the viewer may keep reports of.
func (op *Op) reportForm(number uint32) (*form, error) {
	f, s, err := op.writable(number)
	if err == nil && !s.CreateReport {
		err = fault.New(fault.Forbidden, opReport, "not permitted to keep reports of %s", f.def.Name)
	}
	return f, err
}

// roomForReport checks the bounds. Reports that name a field which was dropped
// are nobody's any more: they are deleted here. Whoever keeps a report of the
// form takes its turn, so that the count holds: walks alone do not conflict.
func (op *Op) roomForReport(number uint32, next record.ID) error {
	turn := reportTurn(op.app.def.Name, number)
	if _, _, err := op.r.Doc(spaceReport, turn); err != nil {
		return err
	}
	all, own := 0, 0
	var dead []record.ID
	err := op.eachReport(number, func(id record.ID, d *reportDoc) error {
		switch {
		case op.isDead(number, d):
			dead = append(dead, id)
			return nil
		case d.Maker == op.principal.User:
			own++
		}
		all++
		return nil
	})
	if err != nil {
		return err
	}
	if own >= MaxOwnReports || all >= MaxCreatedReports {
		return fault.New(fault.Limit, opReport, "one person can keep %d reports of a form, all together %d; delete some first", MaxOwnReports, MaxCreatedReports)
	}
	for _, id := range dead {
		if err := op.txn.PutDoc(spaceReport, reportKey(op.app.def.Name, number, id), nil); err != nil {
			return err
		}
	}
	return op.txn.PutSecret(spaceReport, turn, next[:])
}

// isDead reports whether a report names a field that nobody can ever see again.
func (op *Op) isDead(number uint32, d *reportDoc) bool {
	gone := func(form, field uint32) bool {
		f := op.app.forms[form]
		if f == nil {
			return true
		}
		_, ok := f.field(field)
		return !ok
	}
	if slices.ContainsFunc(d.Columns, func(n uint32) bool { return gone(number, n) }) ||
		slices.ContainsFunc(d.OrderBy, func(k reportOrder) bool { return op.leadsNowhere(number, k) }) {
		return true
	}
	if d.Where == nil {
		return false
	}
	_, ok := renamed(d.Where, number, func(form uint32, key string) (named, bool) {
		if by, many := wayOf(key); many {
			return named{key: key, form: by.Form, many: true}, !gone(by.Form, by.Lookup.Number)
		}
		n := numberOf(key)
		if gone(form, n) {
			return named{}, false
		}
		return namedField(op.app.forms[form].fields[n], key), true
	})
	return !ok
}

// leadsNowhere reports whether an order key names a field that is not there.
func (op *Op) leadsNowhere(form uint32, k reportOrder) bool {
	for _, n := range append(slices.Clone(k.Path), k.Field) {
		f := op.app.forms[form]
		if f == nil {
			return true
		}
		x, ok := f.field(n)
		if !ok {
			return true
		}
		form = x.Target
	}
	return false
}

func (op *Op) putReport(form uint32, id record.ID, d *reportDoc) error {
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if len(b) > maxReportBytes {
		return fault.New(fault.Limit, opReport, "input: the report has more than %d bytes", maxReportBytes)
	}
	return op.txn.PutDoc(spaceReport, reportKey(op.app.def.Name, form, id), b)
}

// fillReport puts what is given into d, checked against what the viewer sees.
func (op *Op) fillReport(f *form, d *reportDoc, in ReportInput) error {
	if in.Name != nil {
		if d.Name = *in.Name; !titled(d.Name) {
			return fault.New(fault.Invalid, opReport, "input.name: expected 1 to %d characters on one line, without spaces around them", maxReportName)
		}
	}
	if in.Columns != nil {
		if err := op.fillColumns(f, d, *in.Columns); err != nil {
			return err
		}
	}
	if in.OrderBy != nil {
		if err := op.fillOrder(f, d, *in.OrderBy); err != nil {
			return err
		}
	}
	if in.Where == nil {
		return nil
	}
	d.Where = nil
	if *in.Where == nil {
		return nil
	}
	number := f.def.Number
	if _, faults := filter.Parse(*in.Where, op.Shown(number), filter.Options{}); len(faults) > 0 {
		return fault.New(fault.Invalid, opReport, "input.%s", whereFault(faults[0]))
	}
	where, ok := renamed(*in.Where, number, op.storedName)
	if !ok {
		return fault.New(fault.Internal, opReport, "a filter that was read cannot be kept")
	}
	d.Where = where
	return nil
}

func whereFault(w filter.Fault) string {
	return strings.Join(append([]string{"where"}, w.Path...), ".") + ": " + w.Msg
}

func (op *Op) fillColumns(f *form, d *reportDoc, names []string) error {
	d.Columns = nil
	for i, name := range names {
		x, ok := op.Field(f.def.Number, name)
		if !ok || slices.Contains(names[:i], name) {
			return fault.New(fault.Invalid, opReport, "input.columns[%d]: expected each field of %s once at most", i, f.def.Name)
		}
		d.Columns = append(d.Columns, x.Number)
	}
	return nil
}

func (op *Op) fillOrder(f *form, d *reportDoc, keys []Order) error {
	if len(keys) > MaxOrder {
		return fault.New(fault.Limit, opReport, "input.orderBy: %d keys, at most %d are allowed", len(keys), MaxOrder)
	}
	d.OrderBy = nil
	for i, k := range keys {
		key, ok := op.orderKey(f.def.Number, k)
		if !ok {
			return fault.New(fault.Invalid, opReport, "input.orderBy[%d]: not a field that this list can be ordered by", i)
		}
		d.OrderBy = append(d.OrderBy, stored(key))
	}
	return nil
}

// titled reports whether s can be the name of a report.
func titled(s string) bool {
	return s != "" && s == strings.TrimSpace(s) && utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxReportName &&
		!strings.ContainsFunc(s, unicode.IsControl)
}
