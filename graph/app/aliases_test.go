package app

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"sluice/engine/policy"
	"sluice/internal/definition"
)

// renamed is the application orders after a few renames, with deprecations.
func renamed() *definition.Application {
	a := orders()
	order := a.Forms[1]
	order.Aliases = []string{"Deal", "deals"}
	order.Fields[0].Aliases = []string{"subject"}                                         // title, required
	order.Fields[1].Aliases, order.Fields[1].Deprecated = []string{"remark"}, "use title" // note
	order.Fields[11].Aliases = []string{"client"}                                         // customer
	a.Forms[2].Deprecated = "lines go away"
	a.Reports[3].Aliases, a.Reports[3].Description, a.Reports[3].Deprecated = []string{"openDeals"}, "What is to be done.", "use orders"
	return a
}

func renamedSchema(t *testing.T, cut func(*policy.Shape)) *Schema {
	t.Helper()
	shape := FullShape(renamed())
	cut(shape)
	s, err := NewBuilder(renamed()).Build(shape)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestGoldenOfAliases holds what a schema with old names has more than one
// without, and differently.
func TestGoldenOfAliases(t *testing.T) {
	got := sdl(renamedSchema(t, func(*policy.Shape) {}))
	file := filepath.Join("testdata", "aliases.graphqls")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the schema is not that of %s; go test ./graph/app -update writes it anew", file)
	}
	plain := strings.Split(sdl(build(t, FullShape(orders()))), "\n")
	for _, line := range strings.Split(got, "\n") {
		deprecated := strings.Contains(line, "@deprecated(")
		if required := strings.HasPrefix(line, "  title: String"); !deprecated && !required && !known(line) && !slices.Contains(plain, line) {
			t.Errorf("new and not deprecated: %s", line)
		}
	}
}

// known are lines that are new and not deprecated: a description, and arguments
// of fields that are written line by line.
func known(line string) bool {
	return strings.Contains(line, "What is to be done.") || strings.Contains(line, "(where: OrderFilter,")
}

// TestB3_AliasIsThereWithItsField: an old name is in exactly the places that have
// the new one, whatever the shape, and nowhere when the field is hidden.
func TestB3_AliasIsThereWithItsField(t *testing.T) {
	pairs := map[string]string{"subject": "title", "remark": "note", "client": "customer", "deal": "order", "deals": "orders", "openDeals": "openOrders",
		"dealsAggregate": "ordersAggregate", "openDealsAggregate": "openOrdersAggregate", "dealChanges": "orderChanges",
		"createDeal": "createOrder", "updateDeal": "updateOrder", "deleteDeal": "deleteOrder", "changeDealOwner": "changeOrderOwner",
		"createDeals": "createOrders", "updateDeals": "updateOrders", "updateDealsById": "updateOrdersById", "deleteDeals": "deleteOrders",
		"createReportOfDeal": "createReportOfOrder", "updateReportOfDeal": "updateReportOfOrder", "deleteReportOfDeal": "deleteReportOfOrder"}
	found := map[string]bool{}
	for name, cut := range map[string]func(*policy.Shape){
		"full":  func(*policy.Shape) {},
		"title": func(s *policy.Shape) { without(shapeOf(s, formOrder), 16) },
		"note":  func(s *policy.Shape) { without(shapeOf(s, formOrder), 17) },
		"reads": func(s *policy.Shape) {
			f := shapeOf(s, formOrder)
			f.Create, f.CreateNested, f.Edit, f.Delete, f.CreateReport, f.Reports = false, false, false, false, false, nil
		},
		"no customers": func(s *policy.Shape) { s.Forms = s.Forms[1:] },
		"no orders":    func(s *policy.Shape) { s.Forms = []*policy.FormShape{s.Forms[0]} },
	} {
		s := renamedSchema(t, cut)
		for _, d := range s.AST.Types {
			names := members(d)
			for old, now := range pairs {
				if strings.Contains(d.Name, "OrderLine") || old == "client" && (strings.Contains(d.Name, "Customer") || d.Name == "Query") {
					continue // the new name stands there for another field
				}
				if has, wants := slices.Contains(names, old), slices.Contains(names, now) && aliasable(d, now); has != wants {
					t.Errorf("%s: %s has %s: %v, and %s: %v", name, d.Name, old, has, now, wants)
				} else if has {
					found[old] = true
				}
			}
		}
	}
	for old := range pairs {
		if !found[old] {
			t.Errorf("%s is nowhere: the test proves nothing", old)
		}
	}
}

// aliasable leaves out what is named after the form and is no root field, and
// aggregates and the columns of reports, which have the new names alone.
func aliasable(d *ast.Definition, name string) bool {
	root := d.Name == "Query" || d.Name == "Mutation" || d.Name == "Subscription"
	if strings.Contains(d.Name, "Aggregate") || strings.HasPrefix(d.Name, "ReportOf") {
		return root
	}
	return root || !slices.Contains([]string{"order", "orders"}, name)
}

func members(d *ast.Definition) (names []string) {
	for _, f := range d.Fields {
		names = append(names, f.Name)
	}
	for _, v := range d.EnumValues {
		names = append(names, v.Name)
	}
	return names
}
