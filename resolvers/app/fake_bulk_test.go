package app

import (
	"sluice/engine"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/record"
)

func (w *fake) AddMany(form uint32, ds []*engine.Draft) ([]record.ID, error) {
	var wrong engine.Problems
	for _, d := range ds {
		wrong = append(wrong, engine.Each(unread(w.app, form, d, "input"))...)
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	ids := make([]record.ID, len(ds))
	for i, d := range ds {
		var err error
		if ids[i], err = w.Add(form, d); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

func (w *fake) ChangeMany(form uint32, changes []engine.Amendment) error {
	for _, c := range changes {
		if err := w.Change(form, c.ID, c.Draft, c.IfVersion); err != nil {
			return err
		}
	}
	return nil
}

func (w *fake) where(form uint32, where filter.Expr) ([]record.ID, error) {
	p, err := w.page(engine.List{Form: form, Where: where, First: engine.MaxBulk}, func(record.Redacted) bool { return true })
	if err != nil {
		return nil, err
	}
	ids := make([]record.ID, len(p.Records))
	for i, r := range p.Records {
		ids[i] = r.ID()
	}
	return ids, nil
}

func (w *fake) ChangeWhere(form uint32, where filter.Expr, d *engine.Draft) ([]record.ID, error) {
	ids, err := w.where(form, where)
	for i := 0; i < len(ids) && err == nil; i++ {
		err = w.Change(form, ids[i], d, 0)
	}
	return ids, err
}

func (w *fake) DeleteWhere(form uint32, where filter.Expr) ([]record.ID, error) {
	ids, err := w.where(form, where)
	for i := 0; i < len(ids) && err == nil; i++ {
		err = w.Delete(form, ids[i], 0)
	}
	return ids, err
}

func (w *fake) Upsert(form, key uint32, d *engine.Draft) (record.ID, bool, error) {
	v := d.Values[key]
	if v.IsNull() {
		return record.ID{}, false, fault.New(fault.Invalid, "fake", "input: the key is required")
	}
	f, _ := w.app.FormNumber(form)
	fd, _ := f.FieldNumber(key)
	for _, r := range w.records[form] {
		if r.Get(&fd.Field).Equal(v) {
			return r.ID(), false, w.Change(form, r.ID(), d, 0)
		}
	}
	id, err := w.Add(form, d)
	return id, true, err
}
