package app

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/engine"
	"sluice/internal/fault"
	"sluice/internal/record"
)

var errFakeReport = fault.New(fault.NotFound, "op", "report: not found")

func (w *fake) CreatedReports(form uint32) ([]engine.CreatedReport, error) {
	if err := w.called("CreatedReports"); err != nil {
		return nil, err
	}
	var out []engine.CreatedReport
	for _, r := range w.reports {
		if r.Number == form {
			out = append(out, r)
		}
	}
	return out, nil
}

func (w *fake) at(form uint32, id record.ID) (int, error) {
	i := slices.IndexFunc(w.reports, func(r engine.CreatedReport) bool { return r.ID == id && r.Number == form })
	if i < 0 {
		return i, errFakeReport
	}
	return i, nil
}

func (w *fake) CreatedReport(form uint32, id record.ID) (engine.CreatedReport, error) {
	i, err := w.at(form, id)
	if err != nil {
		return engine.CreatedReport{}, err
	}
	return w.reports[i], nil
}

func (w *fake) CreateReport(form uint32, in engine.ReportInput) (record.ID, error) {
	s, _ := w.shape.Form(form)
	now := time.UnixMilli(1_760_000_000_000).UTC()
	r := engine.CreatedReport{ID: idOf(98, uint64(len(w.reports)+1)), Number: form, Form: s.Form.Name, Maker: idOf(99, 1), Made: now, Changed: now, MayChange: true}
	fillFake(&r, in)
	w.reports = append(w.reports, r)
	return r.ID, w.called("CreateReport")
}

func fillFake(r *engine.CreatedReport, in engine.ReportInput) {
	if in.Name != nil {
		r.Name = *in.Name
	}
	if in.Columns != nil {
		r.Columns = *in.Columns
	}
	if in.Where != nil {
		r.Where = *in.Where
	}
	if in.OrderBy != nil {
		r.OrderBy = *in.OrderBy
	}
}

func (w *fake) UpdateReport(form uint32, id record.ID, in engine.ReportInput) error {
	i, err := w.at(form, id)
	if err == nil {
		fillFake(&w.reports[i], in)
	}
	return err
}

func (w *fake) DeleteReport(form uint32, id record.ID) error {
	i, err := w.at(form, id)
	if err == nil {
		w.reports = slices.Delete(w.reports, i, i+1)
	}
	return err
}

// TestCreatedReports keeps, lists, changes and deletes a report, and hands its id
// to a list.
func TestCreatedReports(t *testing.T) {
	w := world()
	id := idOf(98, 1).String()
	all := `id name form columns where orderBy{field direction nulls} maker{displayName} createdTime modifiedTime viewerCanUpdate __typename`
	what := `"id":"` + id + `","name":"Big","form":"Order","columns":["title","customer"],"where":{"amount":{"gte":"5"}},` +
		`"orderBy":[{"field":"amount","direction":"DESC","nulls":"LAST"},{"field":"title","direction":"ASC","nulls":"FIRST"}],"maker":{"displayName":"Ann"},` +
		`"createdTime":"2025-10-09T08:53:20Z","modifiedTime":"2025-10-09T08:53:20Z","viewerCanUpdate":true,"__typename":"CreatedReport"`
	for _, c := range []struct{ query, vars, want string }{
		{`mutation($w:OrderFilter){createReportOfOrder(input:{name:"Big" columns:[title customer] where:$w orderBy:[{field:amount direction:DESC} {field:title nulls:FIRST}]}){id report{` + all + `}}}`,
			`{"w":{"amount":{"gte":"5"}}}`, `{"createReportOfOrder":{"id":"` + id + `","report":{` + what + `}}}`},
		{`{createdReports{` + all + `}}`, "", `{"createdReports":[{` + what + `}]}`},
		{`{createdReports(form:"Order"){id}}`, "", `{"createdReports":[{"id":"` + id + `"}]}`},
		{`{createdReports(form:"Customer"){id}}`, "", `{"createdReports":[]}`},
		{`{createdReports(form:"Nothing"){id}}`, "", "NOT_FOUND createdReports: form \"Nothing\": not found (1:2)\nnull"},
		{`{orders(report:"` + id + `" first:0){totalCount}}`, "", `{"orders":{"totalCount":5}}`},
		{`{orders(report:"nothing"){totalCount}}`, "", "NOT_FOUND orders: report: not found (1:2)\nnull"},
		{`mutation{updateReportOfOrder(id:"` + id + `" input:{name:"Small" where:null orderBy:null columns:[]}){report{name columns where orderBy{field}}}}`, "",
			`{"updateReportOfOrder":{"report":{"name":"Small","columns":[],"where":null,"orderBy":[]}}}`},
		{`mutation{updateReportOfCustomer(id:"` + id + `" input:{}){id}}`, "", "NOT_FOUND updateReportOfCustomer: report: not found (1:10)\nnull"},
		{`mutation{deleteReportOfOrder(id:"` + id + `"){id report{id}}}`, "", `{"deleteReportOfOrder":{"id":"` + id + `","report":null}}`},
		{`{createdReports{id}}`, "", `{"createdReports":[]}`},
	} {
		if got := w.run(t, c.query, c.vars); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.query, got, c.want)
		}
	}
	if w.asked.String() != id {
		t.Errorf("the list was asked for report %s", w.asked)
	}
	for _, wrong := range []string{`{name:"x" columns:[nothing]}`, `{columns:[title]}`, `{name:"x" where:{nothing:{eq:1}}}`, `{name:"x" orderBy:[{field:nothing}]}`, `{name:"x" orderBy:[{field:customer}]}`} {
		if got := w.run(t, `mutation{createReportOfOrder(input:`+wrong+`){id}}`, ""); !strings.HasPrefix(got, "refused") {
			t.Errorf("%s: %s", wrong, got)
		}
	}
}
