package demo

import (
	"fmt"
	"strings"

	"sluice/internal/record"
)

var (
	firstWords  = []string{"Alpine", "Baltic", "Cobalt", "Delta", "Evergreen", "Fjord", "Golden", "Harbour", "Iberia", "Juniper", "Keystone", "Lakeside", "Meridian", "Northern", "Orchard", "Pacific", "Quarry", "Riverside", "Summit", "Tundra", "Union", "Vista", "Willow", "Zenith"}
	secondWords = []string{"Interiors", "Hotels", "Clinics", "Libraries", "Studios", "Schools", "Offices", "Galleries", "Kitchens", "Theatres", "Logistics", "Bakeries", "Museums", "Airports"}
	suffixes    = []string{"GmbH", "Ltd", "SA", "Inc", "BV", "AB", "KK", "SpA"}
	cities      = map[string][]string{
		"EMEA": {"Hamburg", "Lyon", "Porto", "Göteborg", "Kraków", "Leeds", "Zürich", "Cairo"},
		"AMER": {"Austin", "Montréal", "Bogotá", "São Paulo", "Denver", "Mérida"},
		"APAC": {"Osaka", "Perth", "Chennai", "Taipei", "Hà Nội", "Auckland"},
	}
	regions    = []string{"EMEA", "EMEA", "EMEA", "AMER", "AMER", "APAC"}
	segments   = []string{"retail", "wholesale", "online", "public"}
	materials  = []string{"Oak", "Birch", "Steel", "Linen", "Walnut", "Glass", "Cork", "Wool"}
	things     = map[string][]string{"lighting": {"Lamp", "Pendant"}, "seating": {"Chair", "Stool", "Bench"}, "storage": {"Shelf", "Cabinet"}, "desks": {"Desk", "Table"}, "audio": {"Speaker", "Panel"}}
	categories = []string{"lighting", "seating", "storage", "desks", "audio"}
	purposes   = []string{"Refit of the lobby", "New reading room", "Replacement chairs", "Spring collection", "Second floor", "Pilot order", "Yearly supply", "Trade fair stand"}
	tasks      = []string{"Call about the late delivery", "Prepare the yearly offer", "Visit the new site", "Check the credit limit", "Collect the samples"}
)

func (a *author) makeCustomers() []*row {
	used := map[string]bool{}
	for len(a.customers) < nCustomers {
		name := pick(a, firstWords) + " " + pick(a, secondWords) + " " + pick(a, suffixes)
		if used[name] {
			continue
		}
		used[name] = true
		region, owner := pick(a, regions), a.seller()
		slug := strings.ToLower(strings.ReplaceAll(name, " ", "-"))
		n := len(a.customers) + 1
		c := map[string]record.Value{
			"name": record.String(name), "email": record.String("office@" + slug + ".example"),
			"phone":     record.String(fmt.Sprintf("+00 555 %03d %04d", a.IntN(1000), a.IntN(10_000))),
			"taxNumber": record.String(fmt.Sprintf("ZY%06d", 100_000+n*7)),
			"region":    record.String(region), "city": record.String(pick(a, cities[region])),
			"creditLimit": record.Int(int64(1+a.IntN(80)) * 50_000), "segments": record.List(a.some(segments)...),
			"accountManager": a.user(owner),
		}
		if a.IntN(5) == 0 {
			c["notes"] = record.String("Prefers to be called in the morning.")
		}
		a.customers = append(a.customers, &row{form: "Customer", cells: c})
	}
	return a.customers
}

// some returns one to three of the texts, in their order.
func (a *author) some(from []string) []string {
	var out []string
	for _, s := range from {
		if len(out) < 3 && a.IntN(2) == 0 {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return from[:1]
	}
	return out
}

func (a *author) makeProducts() []*row {
	for i := range nProducts {
		category := categories[i%len(categories)]
		a.products = append(a.products, &row{form: "Product", cells: map[string]record.Value{
			"sku":      record.String(fmt.Sprintf("Z-%04d", 1000+i)),
			"name":     record.String(fmt.Sprintf("%s %s %d", pick(a, materials), pick(a, things[category]), 10+a.IntN(90))),
			"category": record.String(category), "price": record.Int(int64(1900 + a.IntN(120_000))),
			"discontinued": record.Bool(a.IntN(12) == 0),
		}})
	}
	return a.products
}

func (a *author) makeOrders() []*row {
	var out []*row
	for i := range nOrders {
		seller, customer := a.seller(), pick(a, a.customers)
		day := int64(today - a.IntN(700))
		status := "open"
		if age := today - day; age > 30 {
			status = pick(a, []string{"paid", "paid", "paid", "shipped", "open", "cancelled"})
		}
		c := map[string]record.Value{
			"number": record.String(fmt.Sprintf("SO-%05d", 10_001+i)), "title": record.String(pick(a, purposes)),
			"customer": record.Ref(customer.id), "status": record.String(status),
			"amount": record.Int(int64(5_000 + a.IntN(400_000))), "orderDate": record.Int(day),
			"salesperson": a.user(seller),
		}
		if seller.team != "" {
			c["team"] = record.String(seller.team)
		}
		if status == "shipped" || status == "paid" {
			c["shippedAt"] = record.Int((day+3)*86_400_000_000 + int64(a.IntN(86_400))*1_000_000)
		}
		out = append(out, &row{form: "Order", cells: c})
	}
	return out
}

func (a *author) makeLines(orders []*row) []*row {
	var out []*row
	for _, o := range orders {
		for range 1 + a.IntN(4) {
			p := pick(a, a.products)
			out = append(out, &row{form: "OrderLine", cells: map[string]record.Value{
				"order": record.Ref(o.id), "product": record.Ref(p.id), "quantity": record.Int(int64(1 + a.IntN(24))),
				"unitPrice": p.cells["price"], "discount": record.Int(int64(a.IntN(4)) * 500),
			}})
		}
	}
	return out
}

func (a *author) makeAssignments() []*row {
	var out []*row
	for range nAssignments {
		p := a.seller()
		out = append(out, &row{form: "Assignment", cells: map[string]record.Value{
			"title": record.String(pick(a, tasks)), "customer": record.Ref(pick(a, a.customers).id), "assignee": a.user(p),
			"due": record.Int(int64(today + a.IntN(60))), "done": record.Bool(a.IntN(4) == 0),
		}})
	}
	return out
}

func (a *author) makeSuppliers() []*row {
	var out []*row
	for i := range nSuppliers {
		name := fmt.Sprintf("%s %s", firstWords[i%len(firstWords)], pick(a, []string{"Timber", "Textiles", "Metalworks", "Glassworks", "Electric"}))
		out = append(out, &row{form: "Supplier", cells: map[string]record.Value{
			"name": record.String(name), "country": record.String(pick(a, []string{"Sweden", "Portugal", "Japan", "Canada", "Poland", "Vietnam"})),
			"contactEmail": record.String(fmt.Sprintf("sales%d@suppliers.example", i+1)), "rating": record.Int(int64(1 + a.IntN(5))),
		}})
	}
	return out
}

func (a *author) makeAreas() []*row {
	var out []*row
	for _, region := range []string{"EMEA", "AMER", "APAC"} {
		for _, city := range cities[region] {
			out = append(out, &row{form: "DistributionArea", cells: map[string]record.Value{
				"name": record.String("Greater " + city), "region": record.String(region),
				"postalCodes": record.String(fmt.Sprintf("%d-%d", 10_000+a.IntN(40_000), 50_000+a.IntN(40_000))),
				"active":      record.Bool(a.IntN(9) != 0),
			}})
		}
	}
	return out
}
