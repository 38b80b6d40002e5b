package world

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"sluice/internal/definition"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/words"
)

var (
	choices = []string{"open", "won", "lost"}
	// Letters that differ by case in more than one way: the long s and the
	// Kelvin sign fold to s and k.
	texts = []string{"a", "A", "ab", "Abc", "b", "risk", "RISK", "ri\u017f\u212a", "zebra", "ä", "Ä", ""}
	// Texts of several words, as many as there are texts of one.
	notes = []string{"red pump", "Red-pump, new", "the pump is red", "risk", "RISK: ri\u017f\u212a", "zebra crossing", "ä Ä", "", "a b", "東京 tower", "pumps", "ab (Abc)"}
)

// templates are the fields that a form may have, besides lookups.
var templates = []definition.Field{
	{Field: record.Field{Name: "title", Type: record.Text}},
	{Field: record.Field{Name: "note", Type: record.LongText}},
	{Field: record.Field{Name: "amount", Type: record.Decimal, Scale: 2}},
	{Field: record.Field{Name: "qty", Type: record.Integer}},
	{Field: record.Field{Name: "done", Type: record.Boolean}},
	{Field: record.Field{Name: "due", Type: record.Date}},
	{Field: record.Field{Name: "at", Type: record.DateTime}},
	{Field: record.Field{Name: "state", Type: record.Choice, Choices: choices}},
	{Field: record.Field{Name: "tags", Type: record.MultiChoice, Choices: choices}},
	{Field: record.Field{Name: "mail", Type: record.Email}},
	{Field: record.Field{Name: "price", Type: record.Currency, Scale: 2}},
	{Field: record.Field{Name: "share", Type: record.Percent, Scale: 1}},
	{Field: record.Field{Name: "starts", Type: record.Time}},
	{Field: record.Field{Name: "effort", Type: record.Duration}},
	{Field: record.Field{Name: "phone", Type: record.Phone}},
	{Field: record.Field{Name: "site", Type: record.URL}},
	{Field: record.Field{Name: "extra", Type: record.JSON}},
	{Field: record.Field{Name: "watchers", Type: record.Users}},
	{Field: record.Field{Name: "assignee", Type: record.User}},
	{Field: record.Field{Name: "helper", Type: record.User}},
}

func (g *gen) forms() {
	names := []string{"Customer", "Order", "Line", "Visit", "Asset", "Claim"}
	next := uint32(g.upTo(1, 5))
	for i := range g.upTo(1, g.size.Forms) {
		f := &definition.Form{Number: next, Name: names[i], Plural: string(names[i][0]|0x20) + names[i][1:] + "s", NextField: record.FirstField}
		next += uint32(g.upTo(1, 3))
		g.w.App.Forms = append(g.w.App.Forms, f)
		for _, t := range templates {
			if g.chance(0.5) {
				g.addField(f, t)
			}
		}
		if len(f.Fields) == 0 {
			g.addField(f, templates[0])
		}
		if g.chance(0.15) {
			g.addField(f, definition.Field{Field: record.Field{Name: "code", Type: record.Text}, Unique: true})
		}
		g.lookups(f, i)
		g.ownerField(f)
		g.formulas(f)
		g.indexes(f)
	}
}

func (g *gen) addField(f *definition.Form, t definition.Field) *definition.Field {
	t.Number = f.NextField
	if g.chance(0.1) {
		t.Number += uint32(g.upTo(1, 3)) // a field was dropped
	}
	f.NextField = t.Number + 1
	t.PII, t.EPHI = t.Target == 0 && g.chance(0.12), t.Target == 0 && g.chance(0.08)
	t.Indexed = g.chance(0.3)
	t.Searchable = t.Type.Wordy() && (uint64(t.Number)+g.w.Seed)%4 > 0
	t.Required = t.Required || !t.Unique && g.chance(0.1)
	f.Fields = append(f.Fields, &t)
	return &t
}

// lookups may make the form a child of an earlier one, and point it to earlier
// forms and to itself.
func (g *gen) lookups(f *definition.Form, place int) {
	link := func(name string, target *definition.Form) definition.Field {
		return definition.Field{Field: record.Field{Name: name, Type: record.Lookup, Target: target.Number}}
	}
	if chain := place > 0 && g.w.App.Forms[place-1].ParentField != 0; chain && g.chance(0.6) || place > 0 && g.chance(0.35) {
		target := g.w.App.Forms[g.IntN(place)]
		if chain && g.chance(0.85) {
			target = g.w.App.Forms[place-1]
		}
		t := link("parent"+target.Name, target)
		t.Parent, t.Required = true, true
		f.ParentField = g.addField(f, t).Number
	}
	if place > 0 && g.chance(0.6) {
		target := g.w.App.Forms[g.IntN(place)]
		g.addField(f, link("some"+target.Name, target))
	}
	if g.chance(0.4) {
		t := link("links", g.w.App.Forms[g.IntN(place+1)])
		t.Type = record.MultiLookup
		g.addField(f, t)
	}
	if g.chance(0.2) {
		g.addField(f, link("twin", f))
	}
}

func (g *gen) ownerField(f *definition.Form) {
	var users []*definition.Field
	for _, field := range f.Fields {
		if field.Type == record.User {
			users = append(users, field)
		}
	}
	if len(users) > 0 && g.chance(0.3) {
		field := pick(g.Rand, users)
		field.RecordOwner, f.OwnerField = true, field.Number
	}
}

func (g *gen) indexes(f *definition.Form) {
	rows := [][]uint32{{record.FieldOwner}}
	for _, field := range f.Fields {
		if field.Type.Refs() {
			rows = append(rows, []uint32{field.Number})
			continue
		}
		if field.Indexed || field.Type == record.Lookup {
			rows = append(rows, []uint32{field.Number}, []uint32{record.FieldOwner, field.Number})
		}
	}
	for _, parts := range rows {
		f.NextIndex++
		f.Indexes = append(f.Indexes, definition.Index{Number: f.NextIndex, Parts: parts})
	}
	for _, field := range f.Fields {
		if field.Searchable {
			f.NextIndex++
			f.Indexes = append(f.Indexes, definition.Index{Number: f.NextIndex, Parts: []uint32{field.Number}, Words: words.Version})
		}
	}
	f.NextIndex++
}

func (g *gen) records() {
	for _, f := range g.w.App.Forms {
		n := g.upTo(0, g.size.Records)
		if g.chance(0.6) {
			n = g.upTo(1, 1+g.size.Records/3)
		}
		for range n {
			g.w.Records[f.Name] = append(g.w.Records[f.Name], &oracle.Record{ID: g.id()})
		}
		oracle.SortRecords(g.w.Records[f.Name])
		for i, r := range g.w.Records[f.Name] {
			g.fill(f, r, i)
		}
	}
}

func (g *gen) fill(f *definition.Form, r *oracle.Record, place int) {
	r.AddedBy, r.ModifiedBy = g.person(), g.person()
	r.AddedTime = int64(g.base)*1000 + g.Int64N(5)*3_600_000_000
	r.ModifiedTime = r.AddedTime + g.Int64N(3)*1_000_001
	r.Version = uint32(g.upTo(1, 4))
	r.Cells = map[string]record.Value{}
	for _, field := range f.Fields {
		v := value(g.Rand, g.w, g.gone, field.Field)
		switch {
		case field.Formula != nil:
			continue
		case field.Unique:
			v = record.String(fmt.Sprintf("%s-%d", pick(g.Rand, texts), place))
		case field.Type == record.User:
			v = record.Ref(g.person())
		}
		if field.Required || g.chance(0.8) {
			r.Cells[field.Name] = v
		}
	}
	r.Owner = r.AddedBy
	if g.chance(0.3) {
		r.Owner = g.person() // it was given to somebody else since
	}
	r.Owner = oracle.Owner(f, r)
}

// value makes a value of the field. A lookup may lead to a record that is gone,
// a user field to a user who is; null only for a lookup to an empty form.
func value(rnd *rand.Rand, w *World, gone []record.ID, f record.Field) record.Value {
	switch f.Type {
	case record.Text:
		return record.String(pick(rnd, texts))
	case record.LongText:
		return record.String(pick(rnd, notes))
	case record.Email:
		return record.String(pick(rnd, []string{"a@example.test", "b@example.test", "a@example.com"}))
	case record.Integer:
		return record.Int(int64(rnd.IntN(6) - 1))
	case record.Decimal, record.Currency, record.Percent:
		return record.Int(int64(rnd.IntN(8)*125 - 200))
	case record.Boolean:
		return record.Bool(rnd.IntN(2) == 0)
	case record.Date:
		return record.Int(int64(rnd.IntN(6) * 4000))
	case record.DateTime:
		return record.Int(1_750_000_000_000_000 + int64(rnd.IntN(6))*500_000)
	case record.Time, record.Duration:
		return record.Int(int64(rnd.IntN(6)) * 3_601_000_000)
	case record.Phone:
		return record.String(pick(rnd, []string{"+4930123456", "+4930123457", "+33123456"}))
	case record.URL:
		return record.String(pick(rnd, []string{"https://example.test/a", "https://example.test/b", "http://example.com"}))
	case record.JSON:
		return record.String(pick(rnd, []string{`{"a":1}`, `[1,2]`, `"x"`}))
	case record.Choice:
		return record.String(pick(rnd, f.Choices))
	case record.MultiChoice:
		var items []string
		for _, c := range f.Choices {
			if rnd.IntN(2) == 0 {
				items = append(items, c)
			}
		}
		return record.List(items...)
	case record.User:
		if rnd.IntN(6) == 0 && len(gone) > 0 {
			return record.Ref(pick(rnd, gone))
		}
		return record.Ref(pick(rnd, w.Users).ID)
	case record.Users, record.MultiLookup:
		one := f
		one.Type = map[record.Type]record.Type{record.Users: record.User, record.MultiLookup: record.Lookup}[f.Type]
		var ids []record.ID
		for range 1 + rnd.IntN(3) {
			if id := value(rnd, w, gone, one).Ref(); !id.IsZero() && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		return record.Refs(ids...)
	case record.Lookup:
		if rows := w.Records[w.FormNumber(f.Target).Name]; len(rows) > 0 && rnd.IntN(12) > 0 {
			return record.Ref(pick(rnd, rows).ID)
		}
		if len(gone) > 0 {
			return record.Ref(pick(rnd, gone)) // the id of nothing in that form
		}
	}
	return record.Value{}
}
