package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"sluice/engine"
	"sluice/engine/policy"
	"sluice/graph/app"
	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/filter"
	"sluice/internal/identity"
	"sluice/internal/record"
)

const (
	formCustomer uint32 = 1
	formOrder    uint32 = 2
	formLine     uint32 = 3
	formNote     uint32 = 4
)

func fieldOf(n uint32, name string, t record.Type, target uint32) *definition.Field {
	f := &definition.Field{Field: record.Field{Number: n, Name: name, Type: t, Target: target}}
	switch t {
	case record.Decimal:
		f.Scale = 2
	case record.Choice, record.MultiChoice:
		f.Choices = []string{"new", "in work", "done"}
	}
	return f
}

func sales() *definition.Application {
	order := &definition.Form{Number: formOrder, Name: "Order", Plural: "orders", Fields: []*definition.Field{
		fieldOf(16, "title", record.Text, 0), fieldOf(17, "note", record.LongText, 0), fieldOf(18, "quantity", record.Integer, 0),
		fieldOf(19, "amount", record.Decimal, 0), fieldOf(20, "urgent", record.Boolean, 0), fieldOf(21, "due", record.Date, 0),
		fieldOf(22, "shippedAt", record.DateTime, 0), fieldOf(23, "state", record.Choice, 0), fieldOf(24, "tags", record.MultiChoice, 0),
		fieldOf(25, "assignee", record.User, 0), fieldOf(26, "customer", record.Lookup, formCustomer),
	}}
	order.Fields[0].Required = true
	customer := &definition.Form{Number: formCustomer, Name: "Customer", Plural: "customers", Fields: []*definition.Field{fieldOf(16, "name", record.Text, 0)}}
	line := &definition.Form{Number: formLine, Name: "OrderLine", Plural: "lines", Fields: []*definition.Field{
		fieldOf(16, "order", record.Lookup, formOrder), fieldOf(17, "product", record.Text, 0), fieldOf(18, "count", record.Integer, 0),
	}}
	line.Fields[0].Required, line.ParentField = true, 16
	note := &definition.Form{Number: formNote, Name: "LineNote", Plural: "lineNotes", Fields: []*definition.Field{
		fieldOf(16, "line", record.Lookup, formLine), fieldOf(17, "text", record.Text, 0),
	}}
	note.Fields[0].Required, note.Fields[1].Required, note.ParentField = true, true, 16
	return &definition.Application{Name: "sales", Version: 1, Forms: []*definition.Form{customer, order, line, note},
		Reports: []*definition.Report{{Name: "openOrders", Form: "Order"}}}
}

// fake is an Op over records in memory. It counts its calls, so that tests can
// tell batches from one call for each record.
type fake struct {
	app     *definition.Application
	shape   *policy.Shape
	records map[uint32][]record.Record // by form, in the order of ids
	calls   map[string]int
	fail    map[string]error // by call
	next    uint64
	said    string // by the last mutation of a comment or notification
	reports []engine.CreatedReport
	asked   record.ID // the created report that a list was last asked for
	summed  engine.Aggregation
}

func idOf(form uint32, n uint64) (id record.ID) {
	id[0], id[6], id[8] = byte(form), 0x70, 0x80
	for i := range 7 {
		id[15-i] = byte(n >> (8 * i))
	}
	return id
}

var people = map[record.ID]string{idOf(99, 1): "Ann", idOf(99, 2): "Bob \"B\" \u2028"}

// world has three customers and five orders, of which order n has n lines; order
// 3 belongs to a customer that is out of reach.
func world() *fake {
	a := sales()
	w := &fake{app: a, shape: app.FullShape(a), records: map[uint32][]record.Record{}, calls: map[string]int{}, fail: map[string]error{}, next: 1000}
	for i := range uint64(2) {
		w.put(formCustomer, i+1, map[uint32]record.Value{16: record.String(fmt.Sprintf("Customer %d", i+1))})
	}
	for i := range uint64(5) {
		n := i + 1
		cells := map[uint32]record.Value{16: record.String(fmt.Sprintf("Order %d", n)), 18: record.Int(int64(n)), 19: record.Int(int64(n) * 150)}
		if n < 4 {
			cells[26] = record.Ref(idOf(formCustomer, n))
		}
		if n == 1 {
			cells[17], cells[20] = record.String("a \"note\"\n"), record.Bool(true)
			cells[21], cells[22] = record.Int(0), record.Int(1)
			cells[23], cells[24] = record.String("in work"), record.List("new", "done")
			cells[25] = record.Ref(idOf(99, 2))
		}
		w.put(formOrder, n, cells)
		for k := range n {
			w.put(formLine, n*10+k, map[uint32]record.Value{16: record.Ref(idOf(formOrder, n)), 17: record.String(fmt.Sprintf("P%d.%d", n, k))})
		}
	}
	return w
}

func (w *fake) put(form uint32, n uint64, cells map[uint32]record.Value) record.ID {
	id := idOf(form, n)
	h := record.Header{Version: 1, AddedTime: 1_000_000, ModifiedTime: 2_000_000, Owner: idOf(99, 1), AddedBy: idOf(99, 1)}
	w.records[form] = append(w.records[form], record.Encode(id, h, record.Record{}, cells))
	return id
}

func (w *fake) called(name string) error {
	w.calls[name]++
	return w.fail[name]
}

func (w *fake) redact(form uint32, r record.Record) record.Redacted {
	s, _ := w.shape.Form(form)
	return record.Redact(r, s.Visible, record.FieldSet{})
}

func (w *fake) find(form uint32, id record.ID) (int, bool) {
	i := slices.IndexFunc(w.records[form], func(r record.Record) bool { return r.ID() == id })
	return i, i >= 0
}

// scope names what the shape shows.
type scope struct {
	w    *fake
	form uint32
}

func (s scope) Field(name string) (record.Field, bool) {
	f, _ := s.w.app.FormNumber(s.form)
	x, ok := f.Field(name)
	if !ok {
		return record.Field{}, false
	}
	shape, _ := s.w.shape.Form(s.form)
	return x.Field, shape.Visible.Has(x.Number)
}

func (s scope) Related(f record.Field) (filter.Scope, bool) { return scope{s.w, f.Target}, true }

type reader struct {
	w *fake
	r record.Redacted
}

func (r reader) Get(f *record.Field) record.Value { return r.r.Get(f) }
func (r reader) Related(f *record.Field) (filter.Reader, bool) {
	i, ok := r.w.find(f.Target, r.r.Get(f).Ref())
	if !ok {
		return nil, false
	}
	return reader{r.w, r.w.redact(f.Target, r.w.records[f.Target][i])}, true
}

func (w *fake) Scope(form uint32) filter.Scope { return scope{w, form} }

func (w *fake) List(q engine.List) (*Page, error) {
	if err := w.called("List"); err != nil {
		return nil, err
	}
	w.asked = q.Created
	return w.page(q, func(record.Redacted) bool { return true })
}

func (w *fake) page(q engine.List, keep func(record.Redacted) bool) (*Page, error) {
	var program *filter.Program
	if q.Where != nil {
		program = filter.Compile(q.Where)
	}
	var all []record.Redacted
	for _, rec := range w.records[q.Form] {
		r := w.redact(q.Form, rec)
		if keep(r) && (program == nil || program.Match(reader{w, r}, record.ID{})) {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b record.Redacted) int {
		for _, o := range q.OrderBy {
			x, y := a.Get(&o.Field), b.Get(&o.Field)
			c := x.Compare(y)
			if x.IsNull() != y.IsNull() {
				c = map[bool]int{true: 1, false: -1}[x.IsNull() != o.NullsFirst]
			} else if o.Desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return bytes.Compare(idBytes(a), idBytes(b))
	})
	total := -1
	if q.Total {
		total = len(all)
	}
	from, to := 0, len(all)
	for _, bound := range []struct {
		argument, cursor string
		at               *int
		step             int
	}{{"after", q.After, &from, 1}, {"before", q.Before, &to, 0}} {
		if bound.cursor == "" {
			continue
		}
		i := slices.IndexFunc(all, func(r record.Redacted) bool { return "c"+r.ID().String() == bound.cursor })
		if i < 0 {
			return nil, fault.New(fault.Invalid, "fake", "%s: not a cursor of this list", bound.argument)
		}
		*bound.at = i + bound.step
	}
	p := &Page{Total: total, HasPrevious: q.Previous && from > 0, HasNext: q.Next && to < len(all)}
	n := max(min(q.First, to-from), 0)
	if q.Backward {
		p.HasPrevious, from = p.HasPrevious || to-n > from, to-n
	} else {
		p.HasNext = p.HasNext || from+n < to
	}
	p.Records = all[from : from+n]
	p.Cursor = func(i int) string { return "c" + p.Records[i].ID().String() }
	return p, nil
}

func idBytes(r record.Redacted) []byte {
	id := r.ID()
	return id[:]
}

func (w *fake) Children(lookup record.Field, parents []record.ID, q engine.List) ([]*Page, error) {
	if err := w.called("Children"); err != nil {
		return nil, err
	}
	out := make([]*Page, len(parents))
	for i, id := range parents {
		var err error
		if out[i], err = w.page(q, func(r record.Redacted) bool { return r.Get(&lookup).Ref() == id }); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (w *fake) Get(form uint32, id record.ID) (record.Redacted, bool, error) {
	if err := w.called("Get"); err != nil {
		return record.Redacted{}, false, err
	}
	i, ok := w.find(form, id)
	if !ok {
		return record.Redacted{}, false, nil
	}
	return w.redact(form, w.records[form][i]), true, nil
}

func (w *fake) Links(f *record.Field, recs []record.Redacted) ([]record.Value, error) {
	out := make([]record.Value, len(recs))
	for i, r := range recs {
		out[i] = r.Get(f)
	}
	return out, w.called("Links")
}

func (w *fake) GetMany(form uint32, ids []record.ID) ([]record.Redacted, error) {
	if err := w.called("GetMany"); err != nil {
		return nil, err
	}
	out := make([]record.Redacted, len(ids))
	for i, id := range ids {
		if at, ok := w.find(form, id); ok {
			out[i] = w.redact(form, w.records[form][at])
		}
	}
	return out, nil
}

func (w *fake) Can(_ uint32, a definition.Action, _ record.Redacted) (bool, error) {
	return a == definition.Edit, w.called("Can")
}

func (w *fake) Add(form uint32, d *engine.Draft) (record.ID, error) {
	if err := w.called("Create"); err != nil {
		return record.ID{}, err
	}
	if err := unread(w.app, form, d, "input"); err != nil {
		return record.ID{}, err
	}
	w.next++
	id := w.put(form, w.next, d.Values)
	for _, b := range d.Below {
		f, _ := w.app.FormNumber(b.Form)
		for _, child := range b.Drafts {
			below := &engine.Draft{Values: maps.Clone(child.Values), Below: child.Below}
			below.Values[f.ParentField] = record.Ref(id)
			if _, err := w.Add(b.Form, below); err != nil {
				return id, err
			}
		}
	}
	return id, nil
}

// unread says what could not be read, as the engine does: all of it.
func unread(a *definition.Application, number uint32, d *engine.Draft, at string) error {
	var wrong engine.Problems
	gatherUnread(a, number, d, at, &wrong)
	if len(wrong) == 0 {
		return nil
	}
	return wrong
}

func gatherUnread(a *definition.Application, number uint32, d *engine.Draft, at string, wrong *engine.Problems) {
	f, _ := a.FormNumber(number)
	for _, x := range f.Fields {
		if msg, ok := d.Unread[x.Number]; ok {
			*wrong = append(*wrong, fault.About(fault.Invalid, "fake", at+"."+x.Name, "%s", msg))
		}
	}
	for _, b := range d.Below {
		for i, child := range b.Drafts {
			gatherUnread(a, b.Form, child, fmt.Sprintf("%s.%s[%d]", at, b.Name, i), wrong)
		}
	}
}

func (w *fake) ChangeOwner(form uint32, id, owner record.ID, ifVersion uint32) error {
	i, ok := w.find(form, id)
	switch {
	case !ok:
		return fault.New(fault.NotFound, "fake", "no such record")
	case people[owner] == "":
		return fault.New(fault.Invalid, "fake", "owner: no such user")
	case ifVersion != 0 && ifVersion != w.records[form][i].Version():
		return fault.New(fault.Conflict, "fake", "ifVersion: the record has changed")
	}
	h := w.records[form][i].Header()
	h.Version++
	h.Owner = owner
	w.records[form][i] = record.Encode(id, h, w.records[form][i], nil)
	return w.called("ChangeOwner")
}

func (w *fake) Change(form uint32, id record.ID, d *engine.Draft, ifVersion uint32) error {
	if err := w.called("Update"); err != nil {
		return err
	}
	i, ok := w.find(form, id)
	if !ok {
		return fault.New(fault.NotFound, "fake", "no such record")
	}
	old := w.records[form][i]
	if ifVersion != 0 && ifVersion != old.Version() {
		return fault.New(fault.Conflict, "fake", "ifVersion: the record has changed")
	}
	if err := unread(w.app, form, d, "input"); err != nil {
		return err
	}
	h := old.Header()
	h.Version++
	w.records[form][i] = record.Encode(id, h, old, d.Values)
	return nil
}

func (w *fake) Delete(form uint32, id record.ID, _ uint32) error {
	if err := w.called("Delete"); err != nil {
		return err
	}
	i, ok := w.find(form, id)
	if !ok {
		return fault.New(fault.NotFound, "fake", "no such record")
	}
	w.records[form] = slices.Delete(w.records[form], i, i+1)
	return nil
}

func (w *fake) Name(user record.ID) (string, bool) {
	name, ok := people[user]
	return name, ok
}

var viewer = identity.Viewer{User: idOf(99, 1), DisplayName: "Ann", Kind: identity.Live, Application: "sales", Role: "Rep"}

func (w *fake) schema(t testing.TB) *app.Schema {
	t.Helper()
	s, err := app.NewBuilder(w.app).Build(w.shape)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// prepare reads, validates and prepares a document as the gateway does.
func prepare(t testing.TB, s *app.Schema, text, operation, vars string) (*Run, *Operation, error) {
	t.Helper()
	doc, err := parser.ParseQuery(&ast.Source{Input: text})
	if err != nil {
		return nil, nil, err
	}
	if errs := validator.ValidateWithRules(s.AST, doc, app.Rules()); len(errs) > 0 {
		return nil, nil, errs
	}
	o, gerr := NewDocument(s, doc).Operation(operation)
	if gerr != nil {
		return nil, nil, gerr
	}
	var sent map[string]any
	if vars != "" {
		d := json.NewDecoder(strings.NewReader(vars))
		d.UseNumber()
		if err := d.Decode(&sent); err != nil {
			t.Fatal(err)
		}
	}
	r, gerr := o.Prepare(sent)
	if gerr != nil {
		return nil, nil, gerr
	}
	return r, o, nil
}

// run answers an operation as text: errors, one line each, then data.
func (w *fake) run(t testing.TB, text, vars string) string {
	t.Helper()
	r, o, err := prepare(t, w.schema(t), text, "", vars)
	if err != nil {
		return "refused: " + err.Error()
	}
	req := Request{Viewer: viewer, Op: w}
	var a *Answer
	if o.Mutates() {
		a, err = r.Mutate(context.Background(), w.write)
		if err != nil {
			return "refused: " + err.Error()
		}
	} else {
		a = r.Query(context.Background(), req)
	}
	defer a.Release()
	return w.text(t, a)
}

func (w *fake) text(t testing.TB, a *Answer) string {
	t.Helper()
	if !json.Valid(a.Data) {
		t.Fatalf("not JSON: %s", a.Data)
	}
	var b strings.Builder
	for _, e := range a.Errors {
		fmt.Fprintf(&b, "%s %s: %s", e.Extensions["code"], e.Path, e.Message)
		for _, l := range e.Locations {
			fmt.Fprintf(&b, " (%d:%d)", l.Line, l.Column)
		}
		b.WriteByte('\n')
	}
	return b.String() + string(a.Data)
}

// write is a transaction over the fake: all or nothing. It runs the function
// again while fail["commit"] counts down conflicts.
func (w *fake) write(fn func(Request) error) error {
	before := map[uint32][]record.Record{}
	for form, recs := range w.records {
		before[form] = slices.Clone(recs)
	}
	attempts := cmp.Or(w.calls["conflicts"], 0) + 1
	var err error
	for range attempts {
		w.records = map[uint32][]record.Record{}
		for form, recs := range before {
			w.records[form] = slices.Clone(recs)
		}
		w.next = 1000
		if err = fn(Request{Viewer: viewer, Op: w}); err != nil {
			break
		}
	}
	if err == nil {
		err = w.called("commit")
	}
	if err != nil {
		w.records = before
	}
	return err
}

func (w *fake) Members(q engine.Crowd) (engine.Members, error) {
	if err := w.called("Members"); err != nil {
		return engine.Members{}, err
	}
	var all []*directory.User
	from, to := 0, 0
	for n := range uint64(2) {
		id := idOf(99, n+1)
		if !strings.Contains(people[id], q.Search) {
			continue
		}
		all = append(all, &directory.User{ID: id, DisplayName: people[id]})
		if bytes.Compare(id[:], q.After[:]) <= 0 {
			from = len(all)
		}
		if q.Before.IsZero() || bytes.Compare(id[:], q.Before[:]) < 0 {
			to = len(all)
		}
	}
	start, end := ends(from, to, q.First, q.Backward)
	return engine.Members{Users: all[start:end], Before: start > 0, After: end < len(all)}, nil
}
