package app

import (
	"sluice/engine"
	"sluice/internal/definition"
	"sluice/internal/filter"
	"sluice/internal/record"
)

// Op is what running an operation needs of the engine, see [engine.Op]. Records
// are valid until the operation ends.
type Op interface {
	Scope(form uint32) filter.Scope
	List(q engine.List) (*Page, error)
	Children(lookup record.Field, parents []record.ID, q engine.List) ([]*Page, error)
	Aggregate(q engine.Aggregation) (*Groups, error)
	AggregateChildren(lookup record.Field, parents []record.ID, q engine.Aggregation) ([]*Groups, error)
	Get(form uint32, id record.ID) (record.Redacted, bool, error)
	Links(f *record.Field, recs []record.Redacted) ([]record.Value, error)
	GetMany(form uint32, ids []record.ID) ([]record.Redacted, error)
	Can(form uint32, a definition.Action, r record.Redacted) (bool, error)
	Add(form uint32, d *engine.Draft) (record.ID, error)
	Change(form uint32, id record.ID, d *engine.Draft, ifVersion uint32) error
	ChangeOwner(form uint32, id, owner record.ID, ifVersion uint32) error
	Delete(form uint32, id record.ID, ifVersion uint32) error
	Bulk
	CreatedReports(form uint32) ([]engine.CreatedReport, error)
	CreatedReport(form uint32, id record.ID) (engine.CreatedReport, error)
	CreateReport(form uint32, in engine.ReportInput) (record.ID, error)
	UpdateReport(form uint32, id record.ID, in engine.ReportInput) error
	DeleteReport(form uint32, id record.ID) error
	// Members offers people to somebody who may name them.
	Members(q engine.Crowd) (engine.Members, error)
	Talk
	// Name returns the display name of a user, false for one who is not there.
	Name(user record.ID) (string, bool)
}

// Page is one page of a list.
type Page struct {
	Records     []record.Redacted
	HasNext     bool
	HasPrevious bool
	Total       int // -1 unless asked for
	Cursor      func(i int) string
}

// Over returns the engine's operation as an Op.
func Over(op *engine.Op) Op { return over{op} }

type over struct{ *engine.Op }

func (o over) List(q engine.List) (*Page, error) {
	p, err := o.Op.List(q)
	if err != nil {
		return nil, err
	}
	return pageOf(p), nil
}

func (o over) Children(lookup record.Field, parents []record.ID, q engine.List) ([]*Page, error) {
	pages, err := o.Op.Children(lookup, parents, q)
	if err != nil {
		return nil, err
	}
	out := make([]*Page, len(pages))
	for i, p := range pages {
		out[i] = pageOf(p)
	}
	return out, nil
}

func pageOf(p *engine.Page) *Page {
	return &Page{Records: p.Records, HasNext: p.HasNext, HasPrevious: p.HasPrevious, Total: p.Total, Cursor: p.Cursor}
}

func (o over) Name(user record.ID) (string, bool) {
	u, ok := o.People().User(user)
	if !ok {
		return "", false
	}
	return u.DisplayName, true
}
