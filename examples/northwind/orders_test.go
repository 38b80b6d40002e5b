package northwind_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// below returns an employee and everybody who reports to them, as the file says.
func below(employees []map[string]string, id string) map[string]bool {
	out := map[string]bool{id: true}
	for grown := true; grown; {
		grown = false
		for _, e := range employees {
			if out[e["reportsTo"]] && !out[e["employeeID"]] {
				out[e["employeeID"]], grown = true, true
			}
		}
	}
	return out
}

func TestEveryoneSeesTheOrdersOfTheirOwnAndBelow(t *testing.T) {
	w := newWorld(t)
	employees, orders, lines := rows(t, "employees.csv"), rows(t, "orders.csv"), rows(t, "order-details.csv")
	for _, e := range employees {
		id := e["employeeID"]
		mine := map[string]bool{}
		for _, o := range orders {
			if below(employees, id)[o["employeeID"]] {
				mine[o["orderID"]] = true
			}
		}
		wantLines := 0
		for _, l := range lines {
			if mine[l["orderID"]] {
				wantLines++
			}
		}
		got := w.as(id, `{orders{totalCount} orderLines{totalCount} customers{totalCount} products{totalCount}}`)
		if count(got, "orders") != len(mine) || count(got, "orderLines") != wantLines {
			t.Errorf("employee %s sees %d orders and %d lines, the files have %d and %d", id, count(got, "orders"), count(got, "orderLines"), len(mine), wantLines)
		}
		if count(got, "customers") != 91 || count(got, "products") != 77 {
			t.Errorf("employee %s sees %d customers and %d products", id, count(got, "customers"), count(got, "products"))
		}
		if want, ok := map[string]int{"5": 42 + 67 + 72 + 43, "2": 830, "6": 67}[id]; ok && len(mine) != want {
			t.Errorf("employee %s has %d orders in the files, expected %d", id, len(mine), want)
		}
	}
	t.Run("cells", w.cells)
	t.Run("refused", w.refused)
	t.Run("undo", w.undo)
}

// cells compares stored values with the file: nothing was bent on the way.
func (w *world) cells(t *testing.T) {
	got := w.as("", `{orders(where:{orderID:{eq:"10250"}}){nodes{orderDate shippedAt freight shipAddress shipRegion customer{companyName} employee{displayName} shipper{companyName}}}}`)
	want := `map[orders:map[nodes:[map[customer:map[companyName:Hanari Carnes] employee:map[displayName:Margaret Peacock] freight:65.83 orderDate:1996-07-08 shipAddress:Rua do Paço, 67 shipRegion:RJ shippedAt:1996-07-12T07:00:00Z shipper:map[companyName:United Package]]]]]`
	if fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
	open := 0
	for _, o := range rows(t, "orders.csv") {
		if o["shippedDate"] == "NULL" {
			open++
		}
	}
	if n := count(w.as("", `{orders(where:{shippedAt:{isNull:true}}){totalCount}}`), "orders"); n != open {
		t.Errorf("%d orders are not shipped, the file has %d", n, open)
	}
}

// refused tries imports that must not write anything.
func (w *world) refused(t *testing.T) {
	order := readme(t, "sluice import")[5]
	admin := w.env["SLUICE_TOKEN"]
	defer func() { w.env["SLUICE_TOKEN"] = admin }()
	for _, tc := range []struct {
		name, token string
		args        []string
		code        int
		says        []string
		lines       int // of standard error that name the file
	}{
		{"again", admin, order, 1, []string{"830 of 830 rows are faulty", "orderID: this value is taken"}, 101},
		{"no column", admin, with(order, "-map", "customerID=customer.customerID"), 1, []string{`column "employeeID": Order has no field "employeeID"`, `column "shipVia"`, `column "shippedDate"`}, 0},
		{"system", admin, with(order, "-map", "customerID=owner"), 1, []string{"owner is a system field"}, 0},
		{"no form", admin, with(order, "-form", "Invoice"), 1, []string{`form "Invoice": not found (NOT_FOUND)`}, 0},
		{"no application", admin, with(order, "-application", "nowhere"), 1, []string{"NOT_FOUND"}, 0},
		{"wrong token", "nonsense", order, 1, []string{"-token: the server does not take it"}, 0},
		{"no token", "", order, 2, []string{"-token: a token is required"}, 0},
		{"employee", w.signIn("5"), order, 1, []string{"not permitted to import into Order (FORBIDDEN)"}, 0},
		{"zone", admin, with(order, "-time-zone", "Mars/Olympus"), 2, []string{"-time-zone: expected a name"}, 0},
		{"no file", admin, with(order, "-f", "nowhere.csv"), 1, []string{"-f: open nowhere.csv"}, 0},
	} {
		w.env["SLUICE_TOKEN"] = tc.token
		_, errs, code := w.run(tc.args...)
		if code != tc.code {
			t.Errorf("%s: exit code %d, want %d", tc.name, code, tc.code)
		}
		for _, says := range tc.says {
			if !strings.Contains(errs, says) {
				t.Errorf("%s: does not say %q:\n%.600s", tc.name, says, errs)
			}
		}
		if n := strings.Count(errs, ".csv:"); tc.lines > 0 && n != tc.lines {
			t.Errorf("%s: names the file %d times, want %d", tc.name, n, tc.lines)
		}
	}
	w.env["SLUICE_TOKEN"] = admin
	if n := count(w.as("", `{orders{totalCount}}`), "orders"); n != 830 {
		t.Errorf("%d orders after refused imports", n)
	}
}

// undo takes the order lines back and nothing else, then the orders.
func (w *world) undo(t *testing.T) {
	list := strings.Split(w.must("import", "list", "-application", "northwind"), "\n")
	orders, lines := strings.Fields(list[len(list)-2]), strings.Fields(list[len(list)-1])
	if len(list) != 1+7 || lines[1] != "OrderLine" || lines[2] != "DONE" || lines[3] != "2155" {
		t.Fatalf("imports: %q", list)
	}
	if out := w.must("import", "undo", "-application", "northwind", "-import", lines[0]); !strings.Contains(out, "2155 records deleted, 0 not found") {
		t.Errorf("undo: %s", out)
	}
	if got := w.as("", `{orders{totalCount} orderLines{totalCount}}`); count(got, "orders") != 830 || count(got, "orderLines") != 0 {
		t.Errorf("after the undo: %v", got)
	}
	w.must("import", "undo", "-application", "northwind", "-import", orders[0])
	w.faulty(t)
	w.must(readme(t, "sluice import")[5]...)
	if n := count(w.as("5", `{orders{totalCount}}`), "orders"); n != 224 {
		t.Errorf("employee 5 sees %d orders after the second import", n)
	}
}

// faulty tries files with bad rows while there are no orders.
func (w *world) faulty(t *testing.T) {
	order := readme(t, "sluice import")[5]
	raw := unquoted(t, "orders.csv")
	for _, tc := range []struct {
		name string
		args []string
		says []string
	}{
		{"unquoted", with(order, "-f", raw), []string{"176 of 830 rows are faulty, nothing was written", raw + ":4: the row has 15 columns, the header has 14"}},
		{"no zone", without(order, "-time-zone"), []string{"809 of 830 rows are faulty", "orders.csv:2: shippedDate: the time names no zone"}},
	} {
		_, errs, code := w.run(tc.args...)
		for _, says := range tc.says {
			if code != 1 || !strings.Contains(errs, says) {
				t.Errorf("%s: exit code %d, does not say %q:\n%.600s", tc.name, code, says, errs)
			}
		}
		if n := strings.Count(errs, "orders.csv:"); n != 101 {
			t.Errorf("%s: names the file %d times, want 100 rows and the sum", tc.name, n)
		}
		if n := count(w.as("", `{orders{totalCount}}`), "orders"); n != 0 {
			t.Errorf("%s: %d orders were written", tc.name, n)
		}
	}
}

// unquoted writes a file as its source has it: without quotes.
func unquoted(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("data", name))
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(out, []byte(strings.ReplaceAll(string(b), `"`, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

// with gives a flag of a command another value.
func with(args []string, name, value string) []string {
	out := slices.Clone(args)
	out[slices.Index(out, name)+1] = value
	return out
}

// without takes a flag and its value away.
func without(args []string, name string) []string {
	i := slices.Index(args, name)
	return slices.Delete(slices.Clone(args), i, i+2)
}
