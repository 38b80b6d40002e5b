package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/engine"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

func TestValuesAreThoseOfTheFile(t *testing.T) {
	k := newDesk(t)
	k.load("sue", "Customer", "\xEF\xBB\xBFcode,name\r\nC1,\"Müller, \"\"Sohn\"\"\r\nund Co\"\r\n", nil)
	if got := k.stored("Customer", "code", "name"); !slices.Equal(got, []string{"C1|Müller, \"Sohn\"\nund Co"}) {
		t.Fatalf("%q", got)
	}
	o := &Options{
		Null: "NULL", TimeZone: "Europe/Berlin", ID: "number", Delimiter: ";", Ignore: []string{"x"},
		Map: map[string]string{"client": "customer"}, Lookup: map[string]string{"customer": "code"}, Address: map[string]string{"rep": "*@example.com"},
	}
	k.load("sue", "Order", strings.Join([]string{
		"number;client;rep;due;at;open;amount;count;tags;status;mail;x",
		`1;C1;ann;1996-07-04 00:00:00.000;1996-07-04 12:00:00.250;;14.5000;-7;"[""a"",""b""]";WON;a@b.example;junk`,
		`2;NULL;NULL;1996-07-04;1996-01-04T12:00:00Z;NULL;NULL;NULL;NULL;NULL;NULL;`,
		`3;;BOB;;1996-01-04;0;1e2;0;[];;;`,
		`4;;;;2026-10-25 01:59:59+02:00;TRUE;-0.01;9223372036854775807;;;;`,
	}, "\n"), o)
	want := []string{
		fmt.Sprintf(`1|%s|1996-07-04|1996-07-04T10:00:00.25Z|true|14.50|-7|["a","b"]|WON|a@b.example`, k.ids["ann"]),
		`2|||1996-07-04|1996-01-04T12:00:00Z|||||||`,
		fmt.Sprintf(`3|%s||1996-01-03T23:00:00Z|false|100.00|0|[]||`, k.ids["bob"]),
		`4|||2026-10-24T23:59:59Z|true|-0.01|9223372036854775807|||`,
	}
	want[1] = `2||1996-07-04|1996-01-04T12:00:00Z||||||`
	if got := k.stored("Order", "number", "rep", "due", "at", "open", "amount", "count", "tags", "status", "mail"); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := k.stored("Order", "customer"); got[0] == "" || got[1] != "" || got[2] != "" {
		t.Errorf("customers: %q", got)
	}
}

func TestAFaultWritesNothing(t *testing.T) {
	k := newDesk(t)
	k.load("sue", "Order", "number,amount\nold,7\n", nil)
	var b strings.Builder
	b.WriteString("number,amount,due,at,customer.code,rep\n")
	rows := map[int]string{
		0:   `"n` + "\n" + `0",x,31.12.2026,2026-01-01 10:00,C9,nobody@example.com`,
		1:   "n1,1",
		250: "n2,250,,,,",
		400: "old,,,,,",
		600: "n600,250.0,,,,",
		698: ",,,,,",
		699: "n699,1.001,,,,",
	}
	for i := range 700 {
		row, ok := rows[i]
		if !ok {
			row = fmt.Sprintf("n%d,,,,,", i)
		}
		b.WriteString(row + "\n")
	}
	r, err := k.run("sue", "Order", b.String(), &Options{ID: "number"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range r.Faults {
		got = append(got, fmt.Sprintf("%d %s: %s", f.Line, f.Column, f.Message))
	}
	want := []string{
		"2 amount: expected a decimal", "2 due: expected a date", "2 at: the time names no zone", "2 customer.code: not found: no record", "2 rep: not found: no active user",
		"4 : the row has 2 columns, the header has 6",
		"253 number: this value is taken by an earlier row",
		"403 number: this value is taken",
		"603 amount: this value is taken by an earlier row",
		"701 number: a value is required",
		"702 amount: expected a decimal",
	}
	if len(got) != len(want) {
		t.Fatalf("got\n%s", strings.Join(got, "\n"))
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("fault %d: got %s, want %s", i, got[i], want[i])
		}
	}
	if r.Rows != 700 || r.Faulty != 7 || r.Job != nil {
		t.Errorf("rows %d, faulty %d, job %v", r.Rows, r.Faulty, r.Job)
	}
	if got := k.stored("Order", "number"); !slices.Equal(got, []string{"old"}) {
		t.Errorf("stored %d orders", len(got))
	}
}

func TestFaultsAreCappedAndCounted(t *testing.T) {
	k := newDesk(t)
	r, err := k.run("sue", "Customer", "code,name\n"+strings.Repeat("x,\n", 1234), nil)
	if err != nil || r.Faulty != 1234 || len(r.Faults) != MaxFaults {
		t.Errorf("%v, %d faulty, %d listed", err, r.Faulty, len(r.Faults))
	}
}

// TestBrokenQuotes: behind a quote that is not closed there are no rows.
func TestBrokenQuotes(t *testing.T) {
	k := newDesk(t)
	for file, line := range map[string]int{"code,name\na,b\nc,\"d\ne,f\n": 3, "code,name\na,b\nc,d\"e\nf,g\n": 3} {
		r, err := k.run("sue", "Customer", file, nil)
		if err != nil || r.Faulty != 1 || r.Faults[0].Line != line || !strings.HasSuffix(r.Faults[0].Message, "the file is not read any further") {
			t.Errorf("%q: %v %+v", file, err, r)
		}
	}
	if n := len(k.stored("Customer", "code")); n != 0 {
		t.Errorf("%d customers", n)
	}
}

// TestB7_TakesImport: ACCESS alone adds records one by one and imports none;
// IMPORT is implied by nothing but being an admin or developer.
func TestB7_TakesImport(t *testing.T) {
	k := newDesk(t)
	file := "code,name\nC1,x\n"
	k.must(k.e.Write(t.Context(), k.as["cat"], "desk", "test", func(op *engine.Op) error {
		f, _ := op.Application().Form("Customer")
		code, _ := f.Field("code")
		name, _ := f.Field("name")
		_, err := op.Create(f.Number, map[uint32]record.Value{code.Number: record.String("by hand"), name.Number: record.String("x")})
		return err
	}))
	if _, err := k.run("cat", "Customer", file, nil); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("with ACCESS alone: %v", err)
	}
	if got := k.stored("Customer", "code"); !slices.Equal(got, []string{"by hand"}) {
		t.Errorf("stored: %q", got)
	}
	k.load("ann", "Customer", file, nil)
	k.load("sue", "Customer", "code,name\nC2,x\n", nil)
	if got := k.stored("Customer", "code"); len(got) != 3 {
		t.Errorf("stored: %q", got)
	}
}

// TestB7_RightsHoldForEachChunk: a right that is taken away in the middle stops
// the import there.
func TestB7_RightsHoldForEachChunk(t *testing.T) {
	k := newDesk(t)
	o := &Options{}
	k.must(o.check())
	r, err := k.im.Run(t.Context(), k.as["ann"], "desk", "Customer", o, strings.NewReader(customers(3*chunkRows)), func(p Progress) {
		if p.Pass == 2 && p.Rows == chunkRows {
			k.must(k.d.Assign(t.Context(), k.as["sue"], directory.Assignment{
				User: k.ids["ann"], Application: "desk", Kind: identity.Live, Role: "Rep", PermissionSet: "Typist",
			}, nil))
		}
	})
	if fault.KindOf(err) != fault.Forbidden || r.Job.Done != chunkRows || len(k.stored("Customer", "code")) != chunkRows {
		t.Errorf("%v, %+v", err, r.Job)
	}
}

func TestColumnsAreCheckedBeforeRows(t *testing.T) {
	k := newDesk(t)
	for _, tc := range []struct {
		who, form, file string
		o               Options
		kind            fault.Kind
		says            string
	}{
		{"sue", "Order", "number,wrong,other\n", Options{}, fault.Invalid, `column "wrong": Order has no field "wrong"; map the column to a field or ignore it; column "other"`},
		{"ann", "Order", "number,secret\n", Options{}, fault.Invalid, `column "secret": Order has no field "secret"`},
		{"ann", "Order", "number,note\n", Options{}, fault.Invalid, "field note is not writable"},
		{"sue", "Order", "number,owner\n", Options{}, fault.Invalid, "owner is a system field"},
		{"sue", "Order", "number,x\n", Options{Map: map[string]string{"x": "addedTime"}}, fault.Invalid, "addedTime is a system field"},
		{"sue", "Order", "number,number\n", Options{}, fault.Invalid, "stands twice"},
		{"sue", "Order", "number,x\n", Options{Map: map[string]string{"x": "number"}}, fault.Invalid, "leads to field number, as column"},
		{"sue", "Order", "count\n", Options{}, fault.Invalid, "no column fills field number"},
		{"sue", "Order", "number,customer.name\n", Options{}, fault.Invalid, "field name of Customer is not unique"},
		{"sue", "Order", "number,customer.wrong\n", Options{}, fault.Invalid, `the target of customer has no field "wrong"`},
		{"sue", "Order", "number,count.code\n", Options{}, fault.Invalid, "only a lookup is followed"},
		{"sue", "Order", "number\n", Options{Ignore: []string{"x"}}, fault.Invalid, `option names column "x"`},
		{"sue", "Order", "number\n", Options{Map: map[string]string{"x": "count"}}, fault.Invalid, `option names column "x"`},
		{"sue", "Order", "number\n", Options{Lookup: map[string]string{"customer": "code"}}, fault.Invalid, "lookup customer: no column"},
		{"sue", "Order", "number,count\n", Options{ID: "count"}, fault.Invalid, `id: column "count" does not fill a unique field`},
		{"sue", "Order", "number,count\n", Options{Address: map[string]string{"count": "*@x"}}, fault.Invalid, "address is for fields of type user"},
		{"sue", "Order", "", Options{}, fault.Invalid, "file: is empty"},
		{"sue", "Order", "\xFF\xFEn\x00", Options{}, fault.Invalid, "this is UTF-16"},
		{"sue", "Order", "a\"b\n", Options{}, fault.Invalid, "file: line 1"},
		{"sue", "Order", strings.Repeat("x,", 1001), Options{}, fault.Limit, "file: has 1002 columns"},
		{"sue", "Wrong", "number\n", Options{}, fault.NotFound, `form "Wrong": not found`},
		{"cat", "Customer", "code\n", Options{}, fault.Forbidden, "not permitted to import into Customer"},
		{"cat", "Order", "number\n", Options{}, fault.Forbidden, "not permitted to import into Order"},
		{"cat", "Line", "number\n", Options{}, fault.NotFound, `form "Line": not found`},
		{"dan", "Order", "number\n", Options{}, fault.NotFound, `application "desk": not found`},
	} {
		_, err := k.run(tc.who, tc.form, tc.file, &tc.o)
		if err == nil || fault.KindOf(err) != tc.kind || !strings.Contains(fault.Message(err), tc.says) {
			t.Errorf("%s %s %.20q: %v, want %s %q", tc.who, tc.form, tc.file, err, tc.kind, tc.says)
		}
		if may := k.im.May(t.Context(), k.as[tc.who], "desk", tc.form); (may != nil) != (tc.kind == fault.NotFound || tc.kind == fault.Forbidden) {
			t.Errorf("%s %s: before the file %v", tc.who, tc.form, may)
		}
	}
}

// TestA5a_AddressesAreTheDirectorys: who does not open the directory and does not
// write the definition names people by id, and learns of no address whether it is
// somebody's.
func TestA5a_AddressesAreTheDirectorys(t *testing.T) {
	k := newDesk(t)
	row := func(who, text string, o *Options) (faults []Fault) {
		t.Helper()
		r, err := k.run(who, "Customer", "code,name,rep\n"+strings.ReplaceAll(text, "@", "-")+who+",N,"+text+"\n", o)
		k.must(err)
		return r.Faults
	}
	var said string
	for _, text := range []string{"bob@example.com", "BOB@example.com", "dan@example.com", "nobody@example.com", "bob", k.ids["dan"].String(), record.NewID(time.Unix(0, 0)).String()} {
		got := row("ann", text, nil)
		if len(got) != 1 || said != "" && got[0].Message != said {
			t.Errorf("ann names %q: %+v, others %q", text, got, said)
			continue
		}
		said = got[0].Message
	}
	if got := row("ann", "bob", &Options{Address: map[string]string{"rep": "*@example.com"}}); len(got) != 1 || got[0].Message != said {
		t.Errorf("by a template: %+v", got)
	}
	if got := row("ann", k.ids["bob"].String(), nil); len(got) != 0 {
		t.Errorf("by id: %+v", got)
	}
	for text, fine := range map[string]bool{"bob@example.com": true, "dan@example.com": false, k.ids["ann"].String(): true} {
		if got := row("sue", text, nil); (len(got) == 0) != fine {
			t.Errorf("the super admin names %q: %+v", text, got)
		}
	}
}

// TestB7_OutOfReachIsNotFound: a customer of somebody else is no other than none,
// and a line goes under no order of somebody else.
func TestB7_OutOfReachIsNotFound(t *testing.T) {
	k := newDesk(t)
	k.load("sue", "Customer", "code,name,rep\nmine,M,ann@example.com\nyours,Y,bob@example.com\n", nil)
	k.load("sue", "Order", "number,rep\n1,ann@example.com\n2,bob@example.com\n", nil)
	r, err := k.run("ann", "Order", "number,customer.code,rep\n3,mine,"+k.ids["bob"].String()+"\n4,yours,"+k.ids["dan"].String()+"\n5,none,zoe@example.com\n", nil)
	if err != nil || r.Faulty != 2 || len(r.Faults) != 4 {
		t.Fatalf("%v %+v", err, r)
	}
	for i := range 2 {
		if a, b := r.Faults[i], r.Faults[2+i]; a.Message != b.Message || a.Column != b.Column {
			t.Errorf("out of reach %+v, absent %+v", a, b)
		}
	}
	r, err = k.run("ann", "Line", "order.number,product\n1,x\n2,x\n9,x\n", nil)
	if err != nil || r.Faulty != 2 || r.Faults[0].Message != r.Faults[1].Message {
		t.Errorf("%v %+v", err, r)
	}
	k.load("ann", "Line", "order.number,product\n1,x\n1,y\n", nil)
}

// customers are n rows.
func customers(n int) string {
	var b strings.Builder
	b.WriteString("code,name\n")
	for i := range n {
		fmt.Fprintf(&b, "C%04d,Customer %d\n", i, i)
	}
	return b.String()
}

// TestKilledAtEveryCommit: whenever the process ends, the job says what is
// stored, resuming stores the rest once, and undoing deletes all of it.
func TestKilledAtEveryCommit(t *testing.T) {
	k := newDesk(t)
	file := customers(4*chunkRows + 17)
	k.load("sue", "Customer", "code,name\nother,kept\n", nil)
	seen := map[int]bool{} // rows that were stored when it was killed
	for commits := int64(0); len(seen) < 6; commits++ {
		r, err := k.runKilled("ann", file, commits)
		if err != nil && !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		if r == nil || r.Job == nil {
			if n := len(k.stored("Customer", "code")); err == nil || n != 1 {
				t.Fatalf("after %d commits: no job, %v, %d stored", commits, err, n)
			}
			continue
		}
		job, found := k.e.Import(t.Context(), k.as["ann"], "desk", r.Job.ID)
		if found != nil {
			t.Fatal(found)
		}
		if n := len(k.stored("Customer", "code")) - 1; n != job.Done || (job.State == engine.ImportRunning) != (err != nil) {
			t.Fatalf("after %d commits: %v, %d stored, the job says %+v", commits, err, n, job)
		}
		if job.State == engine.ImportRunning && !seen[job.Done] {
			k.resume(t, job.ID, file)
		}
		seen[job.Done] = true
		k.undo(t, job.ID)
	}
	if !seen[0] || !seen[chunkRows] || !seen[2*chunkRows] || !seen[3*chunkRows] || !seen[4*chunkRows] {
		t.Errorf("killed at %v", seen)
	}
}

// runKilled imports customers with a driver that dies so many commits after the
// rows were checked.
func (k *desk) runKilled(who, file string, commits int64) (*Result, error) {
	o := &Options{}
	k.must(o.check())
	rows := strings.Count(file, "\n") - 1
	defer k.driver.left.Store(-1)
	return k.im.Run(k.t.Context(), k.as[who], "desk", "Customer", o, strings.NewReader(file), func(p Progress) {
		if p.Pass == 1 && p.Rows == rows {
			k.driver.left.Store(commits)
		}
	})
}

func (k *desk) resume(t *testing.T, id, file string) {
	t.Helper()
	_, err := k.im.Resume(t.Context(), k.as["ann"], "desk", id, strings.NewReader(file+"x,y\n"), func(Progress) {})
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "not the file") {
		t.Fatalf("another file: %v", err)
	}
	first := 0
	r, err := k.im.Resume(t.Context(), k.as["ann"], "desk", id, strings.NewReader(file), func(p Progress) { first = max(first, p.Rows) })
	if err != nil || r.Job.State != engine.ImportDone || first != r.Job.Rows {
		t.Fatalf("resume: %v, %+v", err, r)
	}
	got := k.stored("Customer", "code", "name")[1:]
	want := strings.Split(strings.TrimSpace(strings.ReplaceAll(file, ",", "|")), "\n")[1:]
	if !slices.Equal(got, want) {
		t.Fatalf("resumed: %d rows stored, want %d", len(got), len(want))
	}
	if _, err := k.im.Resume(t.Context(), k.as["ann"], "desk", id, strings.NewReader(file), func(Progress) {}); fault.KindOf(err) != fault.Conflict {
		t.Fatalf("resumed twice: %v", err)
	}
}

// undo is interrupted once, too.
func (k *desk) undo(t *testing.T, id string) {
	t.Helper()
	if _, err := k.e.UndoImport(t.Context(), k.as["bob"], "desk", id, nil); fault.KindOf(err) != fault.NotFound {
		t.Fatalf("somebody else undoes: %v", err)
	}
	k.driver.left.Store(1)
	_, err := k.e.UndoImport(t.Context(), k.as["sue"], "desk", id, nil)
	k.driver.left.Store(-1)
	if err != nil && !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	_, err = k.im.Resume(t.Context(), k.as["sue"], "desk", id, strings.NewReader(""), func(Progress) {})
	if fault.KindOf(err) != fault.Conflict {
		t.Fatalf("resumed while undone: %v", err)
	}
	job, err := k.e.UndoImport(t.Context(), k.as["sue"], "desk", id, nil)
	if err != nil || job.State != engine.ImportUndone || job.Removed != job.Done || job.Left != 0 {
		t.Fatalf("undo: %v, %+v", err, job)
	}
	if got := k.stored("Customer", "code"); !slices.Equal(got, []string{"other"}) {
		t.Fatalf("after the undo %d customers", len(got))
	}
}

// TestUndoTakesTheRightToDelete: who may add may not delete by importing.
func TestUndoTakesTheRightToDelete(t *testing.T) {
	k := newDesk(t)
	r := k.load("ann", "Customer", customers(3), nil)
	if _, err := k.e.UndoImport(t.Context(), k.as["ann"], "desk", r.Job.ID, nil); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("without DELETE: %v", err)
	}
	if n := len(k.stored("Customer", "code")); n != 3 {
		t.Errorf("%d customers are left", n)
	}
	op := func(fn func(*engine.Op) error) {
		t.Helper()
		k.must(k.e.Write(t.Context(), k.as["sue"], "desk", "test", fn))
	}
	op(func(op *engine.Op) error {
		f, _ := op.Application().Form("Customer")
		page, err := op.List(engine.List{Form: f.Number, First: 1})
		if err != nil {
			return err
		}
		return op.Delete(f.Number, page.Records[0].ID(), 0)
	})
	job, err := k.e.UndoImport(t.Context(), k.as["sue"], "desk", r.Job.ID, nil)
	if err != nil || job.Removed != 2 || job.Left != 1 {
		t.Errorf("%v, %+v", err, job)
	}
}

// TestStaysWithinTransactions: rows that are too large for one transaction
// together go into several.
func TestStaysWithinTransactions(t *testing.T) {
	k := newDesk(t)
	var b strings.Builder
	b.WriteString("number,note\n")
	for i := range 120 {
		fmt.Fprintf(&b, "%d,%s\n", i, strings.Repeat("x", 65_000))
	}
	k.load("sue", "Order", b.String(), nil)
	if n := len(k.stored("Order", "number")); n != 120 {
		t.Errorf("%d orders", n)
	}
}

// TestCancelledBetweenChunks: a client that goes away leaves a job to resume.
func TestCancelledBetweenChunks(t *testing.T) {
	k := newDesk(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := &Options{}
	k.must(o.check())
	r, err := k.im.Run(ctx, k.as["ann"], "desk", "Customer", o, strings.NewReader(customers(600)), func(p Progress) {
		if p.Pass == 2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || r.Job.Done != chunkRows || len(k.stored("Customer", "code")) != chunkRows {
		t.Fatalf("%v, %+v", err, r.Job)
	}
}
