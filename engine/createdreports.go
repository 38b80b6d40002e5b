package engine

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// Bounds of created reports.
const (
	// MaxCreatedReports is how many reports of one form can be kept, by all
	// together; MaxOwnReports how many of them by one person.
	MaxCreatedReports = 200
	MaxOwnReports     = 50
	// maxReportName is the length of a name in characters, maxReportBytes that of
	// everything stored of a report.
	maxReportName  = 100
	maxReportBytes = 16 << 10
)

const opReport = "engine.report"

var errReportNotFound = fault.New(fault.NotFound, opReport, "report: not found")

// CreatedReport is a report that somebody made with CREATE_REPORT, as its reader
// sees it (B8). It belongs to the reader's answer and gives no reach.
type CreatedReport struct {
	ID      record.ID
	Form    string
	Number  uint32 // of the form
	Name    string
	Maker   record.ID
	Made    time.Time // in UTC
	Changed time.Time // in UTC; Made until the first change
	// Columns are names of fields; empty for no choice.
	Columns []string
	// Where is the filter as its maker wrote it, with the names of today; nil for
	// none.
	Where   any
	OrderBy []Order
	// MayChange says that the reader may change and delete it.
	MayChange bool
}

// ReportInput is what a report consists of. A nil member of a change leaves what
// is there; of a creation only Name must be given.
type ReportInput struct {
	Name    *string
	Columns *[]string
	Where   *any // plain values as filter.Parse reads them, nil for no filter
	OrderBy *[]Order
}

// reportDoc is what is stored. Fields are numbers, so that a rename keeps them:
// in Where, a key "#17" stands for field 17, and "#5.17" for the records of form 5
// that lead here by field 17.
type reportDoc struct {
	Name    string        `json:"name"`
	Maker   record.ID     `json:"maker"`
	Made    time.Time     `json:"made"`
	Changed time.Time     `json:"changed"`
	Columns []uint32      `json:"columns,omitempty"`
	Where   any           `json:"where,omitempty"`
	OrderBy []reportOrder `json:"orderBy,omitempty"`
}

type reportOrder struct {
	Path       []uint32 `json:"path,omitempty"`
	Field      uint32   `json:"field"`
	Desc       bool     `json:"desc,omitempty"`
	NullsFirst bool     `json:"nullsFirst,omitempty"`
}

// order is a stored key with the numbers of its fields alone.
func (k reportOrder) order() Order {
	out := Order{Field: record.Field{Number: k.Field}, Desc: k.Desc, NullsFirst: k.NullsFirst}
	for _, n := range k.Path {
		out.Path = append(out.Path, record.Field{Number: n})
	}
	return out
}

func stored(k Order) reportOrder {
	out := reportOrder{Field: k.Field.Number, Desc: k.Desc, NullsFirst: k.NullsFirst}
	for _, step := range k.Path {
		out.Path = append(out.Path, step.Number)
	}
	return out
}

func reportTurn(application string, form uint32) string {
	return fmt.Sprintf("%s/%010d", application, form)
}

func reportPrefix(application string, form uint32) string {
	return reportTurn(application, form) + "/"
}

func reportKey(application string, form uint32, id record.ID) string {
	return reportPrefix(application, form) + id.String()
}

// CreatedReports returns the reports of a form that people made and that the
// viewer sees, by name: those that name no field which the viewer does not see.
// NotFound for a form that the viewer cannot view.
func (op *Op) CreatedReports(form uint32) ([]CreatedReport, error) {
	out := []CreatedReport{}
	if f, s, err := op.shape(form); err != nil {
		return nil, err
	} else if !s.View {
		return nil, fault.New(fault.NotFound, opReport, "form %q: not found", f.def.Name)
	}
	err := op.eachReport(form, func(id record.ID, d *reportDoc) error {
		if r, ok := op.seenReport(form, id, d); ok {
			out = append(out, r)
		}
		return nil
	})
	slices.SortFunc(out, func(a, b CreatedReport) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), compareIDs(a.ID, b.ID))
	})
	return out, err
}

// CreatedReport returns one report of a form. NotFound for one that does not
// exist, one of another form, and one that the viewer does not see.
func (op *Op) CreatedReport(form uint32, id record.ID) (CreatedReport, error) {
	r, _, err := op.createdReport(form, id)
	return r, err
}

func (op *Op) createdReport(form uint32, id record.ID) (CreatedReport, *reportDoc, error) {
	b, ok, err := op.r.Doc(spaceReport, reportKey(op.app.def.Name, form, id))
	if err != nil {
		return CreatedReport{}, nil, err
	}
	if !ok {
		return CreatedReport{}, nil, errReportNotFound
	}
	d, err := readReport(b)
	if err != nil {
		return CreatedReport{}, nil, err
	}
	r, ok := op.seenReport(form, id, d)
	if !ok {
		return CreatedReport{}, nil, errReportNotFound
	}
	return r, d, nil
}

func (op *Op) eachReport(form uint32, fn func(record.ID, *reportDoc) error) error {
	prefix := reportPrefix(op.app.def.Name, form)
	c := op.r.Docs(spaceReport, prefix)
	defer c.Close()
	for c.Next() {
		id, err := record.ParseID(strings.TrimPrefix(c.Key(), prefix))
		if err != nil {
			return fault.Wrap(fault.Unavailable, opReport, err, "a created report is damaged")
		}
		d, err := readReport(c.Value())
		if err == nil {
			err = fn(id, d)
		}
		if err != nil {
			return err
		}
	}
	return c.Err()
}

func readReport(b []byte) (*reportDoc, error) {
	d := &reportDoc{}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(d); err != nil {
		return nil, fault.Wrap(fault.Unavailable, opReport, err, "a created report is damaged")
	}
	return d, nil
}

// seenReport is a report as the viewer sees it, false where it is absent for
// them.
func (op *Op) seenReport(form uint32, id record.ID, d *reportDoc) (CreatedReport, bool) {
	s, ok := op.view.Shape().Form(form)
	if !ok || !s.View {
		return CreatedReport{}, false
	}
	r := CreatedReport{
		ID: id, Form: s.Form.Name, Number: form, Name: d.Name, Maker: d.Maker, Made: d.Made, Changed: d.Changed,
		Columns: []string{}, OrderBy: []Order{}, MayChange: s.CreateReport && op.mayHandleOf(d.Maker),
	}
	for _, n := range d.Columns {
		f, ok := op.shownField(form, n)
		if !ok {
			return CreatedReport{}, false
		}
		r.Columns = append(r.Columns, f.Name)
	}
	for _, k := range d.OrderBy {
		key, ok := op.orderKey(form, k.order())
		if !ok {
			return CreatedReport{}, false
		}
		r.OrderBy = append(r.OrderBy, key)
	}
	if d.Where == nil {
		return r, true
	}
	r.Where, ok = renamed(d.Where, form, op.shownName)
	return r, ok
}

// shownField finds a field by number that the viewer's schema shows.
func (op *Op) shownField(form, number uint32) (record.Field, bool) {
	f := op.app.forms[form]
	if f == nil {
		return record.Field{}, false
	}
	x, ok := f.field(number)
	if !ok {
		return record.Field{}, false
	}
	return op.Field(form, x.Name)
}

// joinReport narrows a list to what a created report shows: its filter, as one of
// the viewer's own (P3), and its order where the list has none.
func (op *Op) joinReport(q *List) error {
	r, err := op.CreatedReport(q.Form, q.Created)
	if err != nil {
		return err
	}
	if q.Report != "" {
		return fault.New(fault.Invalid, opReport, "report: a list is of one report")
	}
	if len(q.OrderBy) == 0 {
		q.OrderBy = r.OrderBy
	}
	if r.Where == nil {
		return nil
	}
	e, faults := filter.Parse(r.Where, op.Shown(q.Form), filter.Options{})
	if len(faults) > 0 { // a choice that was taken off the list, places that a decimal lost
		return fault.New(fault.Invalid, opReport, "report: its filter does not fit the definition any more; %s", whereFault(faults[0]))
	}
	if q.Where != nil {
		e = filter.And{e, q.Where}
	}
	q.Where = e
	return nil
}
