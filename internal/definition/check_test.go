package definition

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// checkBase has a form, its child, and one that nothing belongs to.
const checkBase = `application: a
forms:
  - name: Order
    plural: orders
    fields:
      - {name: title, type: text, required: true, default: x}
      - {name: tax, type: text, pii: true}
      - {name: code, type: text, unique: true}
      - {name: status, type: choice, choices: [open, done]}
      - {name: amount, type: integer}
      - {name: rep, type: user}
  - name: Line
    plural: lines
    fields:
      - {name: order, type: lookup, to: Order, required: true, parent: true}
      - {name: item, type: lookup, to: Item}
  - name: Item
    plural: items
    fields: [{name: name, type: text}]
`

// checkCase is what gives a finding, and a neighbour that does not.
type checkCase struct {
	kind          Kind
	gives, spares string
	around        Surroundings
	path          string // of the finding, "" for any
}

// allOf writes a set S with everything on Order and what more says.
func allOf(more string) string {
	return `permissionSets: [{name: S, forms: {Order: {actions: [ACCESS], fields: {"*": VISIBLE}}}, reports: {orders: [VIEW, EDIT]}` + more + "}]\n"
}

func reports(criteria string) string {
	return "reports: [{name: some, form: Order, criteria: " + criteria + "}]\n"
}

func custom(more string) string {
	return allOf("") + "customRules: [{name: r, form: Order, " + more + "}]\n"
}

func sharing(more string) string {
	return allOf("") + "sharingRules: [{name: r, form: Order, " + more + "}]\n"
}

const tree3 = "roles: [{name: CEO}, {name: A, reportsTo: CEO, sharePeers: true}, {name: B, reportsTo: A}]\n"

var held = []Holding{{Role: "B", Set: "S", Users: 2}, {Role: "A", Set: "S", Users: 2}, {Role: "CEO", Set: "Read", Users: 1}}

func standings(s Standing) Surroundings {
	return Surroundings{Directory: true, Standing: func(string) Standing { return s }}
}

var checkCases = []checkCase{
	{kind: RequiredUnwritable, path: "permissionSets.S.forms.Line",
		gives:  "permissionSets: [{name: S, forms: {Line: {actions: [ACCESS], fields: {order: READ_ONLY}}}}]\n",
		spares: "permissionSets: [{name: S, forms: {Line: {actions: [ACCESS], fields: {order: VISIBLE}}}}]\n"},
	{kind: RequiredByNobody, path: "forms.Line.fields.order",
		gives: "permissionSets: [{name: S, forms: {Line: {actions: [ACCESS], fields: {order: READ_ONLY}}}}]\n",
		spares: "permissionSets: [{name: S, forms: {Line: {actions: [ACCESS], fields: {order: READ_ONLY}}}}, " +
			"{name: T, forms: {Line: {actions: [ACCESS], fields: {order: VISIBLE}}}}]\n"},
	{kind: ReportsOmitFields,
		gives: "reports: [{name: short, form: Order, columns: [title, rep]}]\n" +
			"permissionSets: [{name: S, forms: {Order: {fields: {title: READ_ONLY, amount: READ_ONLY}}}, reports: {short: [VIEW]}}]\n",
		spares: "reports: [{name: short, form: Order, columns: [title, rep]}, {name: other, form: Order, columns: [amount]}]\n" +
			"permissionSets: [{name: S, forms: {Order: {fields: {title: READ_ONLY, amount: READ_ONLY}}}, reports: {short: [VIEW], other: [VIEW]}}]\n"},
	{kind: PortalSeesAll, path: "permissionSets.P.reports",
		gives:  "permissionSets: [{name: P, portal: true, reports: {orders: [VIEW_ALL]}}]\n",
		spares: "permissionSets: [{name: P, portal: true, reports: {orders: [VIEW]}}]\n"},
	{kind: PersonalDataOfAll,
		gives:  "permissionSets: [{name: S, pii: SHOW, forms: {Order: {fields: {tax: READ_ONLY}}}, reports: {orders: [VIEW_ALL]}}]\n",
		spares: "permissionSets: [{name: S, pii: HIDE, forms: {Order: {fields: {tax: READ_ONLY}}}, reports: {orders: [VIEW_ALL]}}]\n"},
	{kind: PersonalDataInPortal,
		gives:  "permissionSets: [{name: S, portal: true, pii: SHOW, forms: {Order: {fields: {tax: READ_ONLY}}}, reports: {orders: [VIEW]}}]\n",
		spares: "permissionSets: [{name: S, portal: false, pii: SHOW, forms: {Order: {fields: {tax: READ_ONLY}}}, reports: {orders: [VIEW]}}]\n"},
	{kind: PersonalDataWidelyHeld, around: Surroundings{Directory: true, Holdings: []Holding{{Role: "CEO", Set: "S", Users: 20}, {Role: "CEO", Set: "T", Users: 20}}},
		gives:  "permissionSets: [{name: S, pii: SHOW, forms: {Order: {fields: {tax: READ_ONLY}}}, reports: {orders: [VIEW]}}]\n",
		spares: "permissionSets: [{name: R, pii: SHOW, forms: {Order: {fields: {tax: READ_ONLY}}}, reports: {orders: [VIEW]}}]\n"},
	{kind: ReachEmpty, path: "permissionSets.S.reports.orders",
		gives:  "permissionSets: [{name: S, forms: {Order: {fields: {title: READ_ONLY}}}, reports: {orders: [VIEW]}}]\n",
		spares: "permissionSets: [{name: S, forms: {Order: {fields: {title: READ_ONLY}}}, reports: {orders: [VIEW]}}]\n" + tree3},
	{kind: ReachEmpty,
		gives: "permissionSets: [{name: S, forms: {Order: {fields: {title: VISIBLE}}}, reports: {orders: [VIEW, EDIT]}}]\n" +
			"sharingRules: [{name: r, form: Order, from: {role: CEO}, to: {role: CEO}, level: READ}]\n",
		spares: "permissionSets: [{name: S, forms: {Order: {fields: {title: VISIBLE}}}, reports: {orders: [VIEW, EDIT]}}]\n" +
			"sharingRules: [{name: r, form: Order, from: {role: CEO}, to: {role: CEO}, level: READ_WRITE}]\n"},
	{kind: ReachEmpty, path: "permissionSets.S.reports.orders", // portal users have no place in the hierarchy
		gives:  tree3 + "hierarchy: true\npermissionSets: [{name: S, portal: true, forms: {Order: {fields: {title: READ_ONLY}}}, reports: {orders: [VIEW]}}]\n",
		spares: tree3 + "hierarchy: true\npermissionSets: [{name: S, portal: false, forms: {Order: {fields: {title: READ_ONLY}}}, reports: {orders: [VIEW]}}]\n"},
	{kind: ReachEmpty, path: "permissionSets.S.reports.orders", // what a module may share, to its level
		gives: "permissionSets: [{name: S, forms: {Order: {fields: {title: VISIBLE}}}, reports: {orders: [VIEW, EDIT]}}]\n" +
			"customRules: [{name: r, form: Order, effect: SHARE, maxLevel: READ}]\n",
		spares: "permissionSets: [{name: S, forms: {Order: {fields: {title: VISIBLE}}}, reports: {orders: [VIEW, EDIT]}}]\n" +
			"customRules: [{name: r, form: Order, effect: SHARE, maxLevel: READ_WRITE}]\n"},
	{kind: ChildWithoutParent, path: "permissionSets.S.reports.lines",
		gives:  "permissionSets: [{name: S, forms: {Line: {fields: {item: READ_ONLY}}}, reports: {lines: [VIEW]}}]\n",
		spares: "permissionSets: [{name: S, forms: {Line: {fields: {item: READ_ONLY}}}, reports: {lines: [VIEW], orders: [VIEW_ALL]}}]\n"},
	{kind: ChildWithoutParent, path: "permissionSets.S.forms.Line.actions",
		gives:  "permissionSets: [{name: S, forms: {Line: {actions: [ACCESS], fields: {order: VISIBLE}}}, reports: {orders: [VIEW_ALL]}}]\n",
		spares: "permissionSets: [{name: S, forms: {Line: {actions: [ACCESS], fields: {order: VISIBLE}}}, reports: {orders: [MODIFY_ALL]}}]\n"},
	{kind: ChildWithoutParent, path: "permissionSets.S.forms.Line.actions", // added with a new parent (W4)
		gives:  "permissionSets: [{name: S, forms: {Line: {actions: [ACCESS], fields: {order: VISIBLE}}, Order: {fields: {title: VISIBLE}}}}]\n",
		spares: "permissionSets: [{name: S, forms: {Line: {actions: [ACCESS], fields: {order: VISIBLE}}, Order: {actions: [ACCESS], fields: {title: VISIBLE}}}}]\n"},
	{kind: RightWithoutView, path: "permissionSets.S.reports.orders",
		gives:  "permissionSets: [{name: S, reports: {orders: [EXPORT]}}]\n",
		spares: "permissionSets: [{name: S, reports: {orders: [VIEW, EXPORT]}}]\n"},
	{kind: RightWithoutView, path: "permissionSets.S.forms.Order",
		gives:  "permissionSets: [{name: S, forms: {Order: {actions: [CREATE_REPORT]}}}]\n",
		spares: "permissionSets: [{name: S, forms: {Order: {actions: [CREATE_REPORT]}}, reports: {orders: [VIEW]}}]\n"},
	{kind: RightWithoutView, path: "permissionSets.S.forms.Order", // on a report that the set lists
		gives:  "permissionSets: [{name: S, forms: {Order: {actions: [CREATE_REPORT]}}, reports: {orders: [EXPORT]}}]\n",
		spares: "permissionSets: [{name: S, forms: {Order: {actions: [CREATE_REPORT]}}, reports: {orders: [EXPORT, VIEW]}}]\n"},
	{kind: RightWithoutFields,
		gives:  `permissionSets: [{name: S, forms: {Order: {fields: {"*": READ_ONLY}}}, reports: {orders: [VIEW, EDIT]}}]` + "\n",
		spares: `permissionSets: [{name: S, forms: {Order: {fields: {"*": READ_ONLY}}}, reports: {orders: [VIEW]}}]` + "\n"},
	{kind: FormNeverShown,
		gives:  "permissionSets: [{name: S, forms: {Order: {fields: {title: READ_ONLY}}}}]\n",
		spares: "permissionSets: [{name: S, forms: {Order: {fields: {title: READ_ONLY}}}, reports: {orders: [VIEW]}}]\n"},
	{kind: LookupUnreadable, path: "permissionSets.S.forms.Line.fields.item",
		gives:  "permissionSets: [{name: S, forms: {Line: {fields: {item: READ_ONLY}}}, reports: {lines: [VIEW]}}]\n",
		spares: "permissionSets: [{name: S, forms: {Line: {fields: {item: READ_ONLY}}}, reports: {lines: [VIEW], items: [VIEW]}}]\n"},
	{kind: LookupUnfillable, path: "permissionSets.S.forms.Line.fields.item",
		gives:  "permissionSets: [{name: S, forms: {Line: {actions: [ACCESS], fields: {'*': VISIBLE}}}, reports: {orders: [MODIFY_ALL]}}]\n",
		spares: "permissionSets: [{name: S, forms: {Line: {actions: [ACCESS], fields: {'*': VISIBLE}}}, reports: {orders: [MODIFY_ALL], items: [VIEW]}}]\n"},
	{kind: LookupUnreadable, // of a parent, CHILD_WITHOUT_PARENT speaks
		gives:  "permissionSets: [{name: S, forms: {Line: {fields: {item: READ_ONLY}}}, reports: {lines: [VIEW]}}]\n",
		spares: "permissionSets: [{name: S, forms: {Line: {fields: {order: READ_ONLY}}}, reports: {lines: [VIEW]}}]\n"},
	{kind: LookupUnfillable, // a new record may be named
		gives:  "permissionSets: [{name: S, forms: {Line: {actions: [ACCESS], fields: {'*': VISIBLE}}}, reports: {orders: [MODIFY_ALL]}}]\n",
		spares: "permissionSets: [{name: S, forms: {Line: {actions: [ACCESS], fields: {'*': VISIBLE}}, Item: {actions: [ACCESS], fields: {'*': VISIBLE}}}, reports: {orders: [MODIFY_ALL]}}]\n"},
	{kind: PersonalDataInPortal, // without a report nothing is shown
		gives:  "permissionSets: [{name: S, portal: true, pii: SHOW, forms: {Order: {fields: {tax: READ_ONLY}}}, reports: {orders: [VIEW]}}]\n",
		spares: "permissionSets: [{name: S, portal: true, pii: SHOW, forms: {Order: {fields: {tax: READ_ONLY}}}}]\n"},
	{kind: RuleInputWritable, path: "customRules.r", around: Surroundings{Inputs: map[string]Input{"r": {Active: true, Fields: []string{"status"}}}},
		gives: custom("effect: RESTRICT, sets: [S]"), spares: custom("effect: RESTRICT, sets: [Read]")},
	{kind: UniqueMasked, path: "customRules.r.fields.code",
		gives: custom("effect: MASK, fields: [code, amount]"), spares: custom("effect: MASK, fields: [amount]")},
	{kind: CriteriaContradict, path: "reports.some.criteria",
		gives: reports("{status: {eq: open}, and: [{status: {eq: done}}]}"), spares: reports("{status: {in: [open, done]}, and: [{status: {eq: done}}]}")},
	{kind: CriteriaContradict, path: "sharingRules.r.criteria",
		gives:  sharing("criteria: {amount: {gt: 3, lt: 4}}, to: {role: CEO}, level: READ"),
		spares: sharing("criteria: {amount: {gt: 3, lt: 5}}, to: {role: CEO}, level: READ")},
	{kind: CriteriaWritable, path: "reports.some.criteria",
		gives:  reports("{status: {eq: open}}") + allOf("")[:len(allOf(""))-4] + ", some: [VIEW, EDIT]}}]\n",
		spares: reports("{status: {eq: open}}") + allOf("")[:len(allOf(""))-4] + ", some: [VIEW]}}]\n"},
	{kind: SharingWritable, path: "sharingRules.r",
		gives:  sharing("criteria: {status: {eq: open}}, to: {role: CEO}, level: READ"),
		spares: sharing("criteria: {addedTime: {isNull: false}}, to: {role: CEO}, level: READ")},
	{kind: SharingWritable, path: "sharingRules.r",
		gives: sharing("field: rep, level: READ"), spares: strings.Replace(sharing("field: rep, level: READ"), "{\"*\": VISIBLE}", "{rep: READ_ONLY}", 1)},
	{kind: SharingUnopened, path: "sharingRules.r",
		gives:  strings.Replace(sharing("from: {role: CEO}, to: {role: CEO}, level: READ"), "orders: [VIEW, EDIT]", "lines: [VIEW]", 1),
		spares: sharing("from: {role: CEO}, to: {role: CEO}, level: READ")},
	{kind: SharingUnopened, path: "sharingRules.r", around: Surroundings{Directory: true, Holdings: []Holding{{Role: "B", Set: "T", Users: 1}, {Role: "CEO", Set: "S", Users: 1}}},
		gives:  tree3 + sharing("from: {role: CEO}, to: {roleAndSubordinates: A}, level: READ"),
		spares: tree3 + sharing("from: {role: CEO}, to: {roleAndSubordinates: CEO}, level: READ")},
	{kind: SharingLevelUnused,
		gives:  sharing("from: {role: CEO}, to: {role: CEO}, level: READ_WRITE_DELETE"),
		spares: sharing("from: {role: CEO}, to: {role: CEO}, level: READ_WRITE")},
	{kind: SharingSubsumed, path: "sharingRules.r",
		gives:  tree3 + sharing("from: {role: B}, to: {role: A}, level: READ}, {name: wide, form: Order, from: {roleAndSubordinates: A}, to: {role: A}, level: READ_WRITE"),
		spares: tree3 + sharing("from: {role: CEO}, to: {role: A}, level: READ}, {name: wide, form: Order, from: {roleAndSubordinates: A}, to: {role: A}, level: READ_WRITE")},
	{kind: SharingSubsumed, path: "sharingRules.twin",
		gives:  sharing("criteria: {status: {eq: open}}, to: {role: CEO}, level: READ}, {name: twin, form: Order, criteria: {status: {eq: open}}, to: {role: CEO}, level: READ"),
		spares: sharing("criteria: {status: {eq: open}}, to: {role: CEO}, level: READ}, {name: twin, form: Order, criteria: {status: {eq: done}}, to: {role: CEO}, level: READ")},
	{kind: SharingSubsumed, path: "sharingRules.r", // those of a role alone are not all of them
		gives:  tree3 + sharing("from: {role: A}, to: {role: A}, level: READ}, {name: wide, form: Order, from: {role: A}, to: {roleAndSubordinates: A}, level: READ"),
		spares: tree3 + sharing("from: {roleAndSubordinates: A}, to: {role: B}, level: READ}, {name: wide, form: Order, from: {role: A}, to: {role: B}, level: READ")},
	{kind: SharingSubsumed, path: "sharingRules.r", // a lower level is not all
		gives:  sharing("from: {role: CEO}, to: {role: CEO}, level: READ}, {name: wide, form: Order, from: {role: CEO}, to: {role: CEO}, level: READ_WRITE"),
		spares: sharing("from: {role: CEO}, to: {role: CEO}, level: READ_WRITE}, {name: wide, form: Order, from: {role: CEO}, to: {role: CEO}, level: READ")},
	{kind: SharingSubsumed, path: "sharingRules.r", // of two that are equal, the later one
		gives:  strings.Replace(sharing("from: {role: CEO}, to: {role: CEO}, level: READ}, {name: r, form: Order, from: {role: CEO}, to: {role: CEO}, level: READ"), "name: r", "name: q", 1),
		spares: sharing("from: {role: CEO}, to: {role: CEO}, level: READ}, {name: q, form: Order, from: {role: CEO}, to: {role: CEO}, level: READ")},
	{kind: SharingFieldUnfilled,
		gives: strings.Replace(sharing("field: rep, level: READ"), "{\"*\": VISIBLE}", "{rep: READ_ONLY}", 1), spares: sharing("field: rep, level: READ")},
	{kind: RuleInputWritable, path: "customRules.r", around: Surroundings{Inputs: map[string]Input{"r": {Active: true, Fields: []string{"status", "owner"}}}},
		gives: custom("effect: RESTRICT"), spares: strings.Replace(custom("effect: RESTRICT"), "{\"*\": VISIBLE}", "{amount: VISIBLE, status: READ_ONLY}", 1)},
	{kind: RuleConcernsNobody,
		gives:  strings.Replace(custom("effect: RESTRICT, sets: [S]"), "orders: [VIEW, EDIT]", "lines: [VIEW]", 1),
		spares: custom("effect: RESTRICT, sets: [S]")},
	{kind: RuleWithoutModule, around: Surroundings{Inputs: map[string]Input{"r": {}, "q": {Active: true}}},
		gives: custom("effect: RESTRICT"), spares: strings.Replace(custom("effect: RESTRICT"), "name: r", "name: q", 1)},
	{kind: RuleQuarantined, around: Surroundings{Inputs: map[string]Input{"r": {Active: true, Quarantined: true}, "q": {Active: true}}},
		gives: custom("effect: RESTRICT"), spares: strings.Replace(custom("effect: RESTRICT"), "name: r", "name: q", 1)},
	{kind: MaskIdle, path: "customRules.r.fields.tax",
		gives: custom("effect: MASK, fields: [tax, amount]"), spares: custom("effect: MASK, fields: [amount]")},
	{kind: RestrictBindsAdmins,
		gives: custom("effect: RESTRICT, bindsAdmins: true"), spares: custom("effect: RESTRICT")},
	{kind: UserUnknown, path: "sharingRules.r.to",
		gives:  sharing("from: {role: CEO}, to: {user: x@example.com}, level: READ"),
		spares: sharing("from: {role: CEO}, to: {user: ann@example.com}, level: READ")},
	{kind: UserUnknown, path: "customRules.r.users.x@example.com",
		gives: custom("effect: RESTRICT, users: [ann@example.com, x@example.com]"), spares: custom("effect: RESTRICT, users: [ann@example.com]")},
	{kind: UserInactive, path: "sharingRules.r.to", around: standings(InactiveUser),
		gives:  sharing("from: {role: CEO}, to: {user: x@example.com}, level: READ"),
		spares: sharing("from: {user: x@example.com}, to: {role: CEO}, level: READ")},
	{kind: UserWithoutPlace, path: "sharingRules.r.to", around: standings(OutsideUser),
		gives:  sharing("from: {role: CEO}, to: {user: x@example.com}, level: READ"),
		spares: sharing("from: {role: CEO}, to: {role: CEO}, level: READ")},
	{kind: HierarchyOff, gives: tree3, spares: tree3 + "hierarchy: true\n"},
	{kind: RoleUnused, path: "roles.B", around: Surroundings{Holdings: []Holding{{Role: "A", Set: "Read", Users: 1}}},
		gives: tree3, spares: "roles: [{name: CEO}, {name: A, reportsTo: CEO}]\n"},
	{kind: RoleMissing, path: "roles", around: Surroundings{Holdings: []Holding{{Role: "C", Set: "Read", Users: 1}}},
		gives: tree3, spares: strings.ReplaceAll(tree3, "name: B", "name: C")},
	{kind: SetMissing, path: "permissionSets", around: Surroundings{Holdings: []Holding{{Role: "CEO", Set: "T", Users: 1}}},
		gives: allOf(""), spares: strings.Replace(allOf(""), "name: S", "name: T", 1)},
	{kind: SetUnused, path: "permissionSets.S", around: Surroundings{Holdings: []Holding{{Role: "CEO", Set: "T", Users: 1}}},
		gives: allOf(""), spares: strings.Replace(allOf(""), "name: S", "name: T", 1)},
	{kind: PeersAlone, path: "roles.A.sharePeers", around: Surroundings{Directory: true, Holdings: []Holding{{Role: "A", Set: "Read", Users: 1}, {Role: "B", Set: "Read", Users: 1}}},
		gives: tree3, spares: strings.Replace(tree3, "{name: A, reportsTo: CEO, sharePeers: true}", "{name: A, reportsTo: CEO}", 1)},
}

// base returns the document that a case stands in. Some need another form.
func (c *checkCase) base() string {
	if c.kind == LookupUnfillable {
		return strings.Replace(checkBase, "to: Item}", "to: Item, required: true}", 1)
	}
	return checkBase
}

func findings(t testing.TB, source string, around Surroundings) []Finding {
	t.Helper()
	return mustResolve(t, []byte(source), context(nil)).Check(around)
}

func (c *checkCase) find(fs []Finding) *Finding {
	for i := range fs {
		if fs[i].Kind == c.kind && !fs[i].BuiltIn && (c.path == "" || fs[i].Path == c.path) {
			return &fs[i]
		}
	}
	return nil
}

// TestFindings holds each kind of finding to its cause: a document that gives
// it, at a line and with a fix, and a neighbour that does not.
func TestFindings(t *testing.T) {
	// Those of two versions, of pages, of stored records and of too many: tested where they arise.
	seen := map[Kind]bool{PersonalDataNew: true, PersonalDataUnmarked: true, PageUnusable: true, StoredRecords: true, TestsToRun: true, TestVacuous: true, MoreFindings: true}
	for _, c := range checkCases {
		seen[c.kind] = true
		source := c.base() + c.gives
		switch f := c.find(findings(t, source, c.around)); {
		case f == nil:
			t.Errorf("%s is not found in\n%s%v", c.kind, c.gives, findings(t, source, c.around))
		case f.Severity != severities[c.kind] || f.Msg == "" || f.Fix == "" || f.Path == "":
			t.Errorf("%s: %+v", c.kind, f)
		case f.Line == 0 || f.Line > strings.Count(source, "\n"):
			t.Errorf("%s stands in line %d of\n%s", c.kind, f.Line, source)
		}
		if f := c.find(findings(t, c.base()+c.spares, c.around)); f != nil {
			t.Errorf("%s is found in\n%s%v", c.kind, c.spares, f)
		}
	}
	for _, k := range Kinds() {
		if !seen[k.Kind] {
			t.Errorf("no case for %s", k.Kind)
		}
	}
}

// TestFindingsStandInTheirLine: a finding leads to the part that it is about.
func TestFindingsStandInTheirLine(t *testing.T) {
	source := checkBase + `permissionSets:
  - name: S
    forms:
      Line:
        actions: [ACCESS]
        fields:
          order: READ_ONLY
sharingRules:
  - {name: other, form: Order, field: rep, level: READ}
  - name: r
    form: Order
    from: {role: CEO}
    to: {user: x@example.com}
    level: READ
`
	at := func(text string) int { return 1 + strings.Count(source[:strings.Index(source, text)], "\n") }
	want := map[string]int{
		"permissionSets.S.forms.Line": at("      Line:\n        actions"), "forms.Line.fields.order": at("- {name: order,"),
		"sharingRules.r.to": at("    to: {user"), "permissionSets.Customer.reports": 0,
	}
	for _, f := range findings(t, source, Surroundings{}) {
		if line, ok := want[f.Path]; ok {
			if delete(want, f.Path); f.Line != line {
				t.Errorf("%s stands in line %d, want %d", f.Path, f.Line, line)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
}

// TestFixesSettle: writing what a fix says removes the finding, wherever the fix
// is something that a program can write.
func TestFixesSettle(t *testing.T) {
	settled := map[Kind]bool{}
	for _, c := range checkCases {
		source := c.base() + c.gives
		f := c.find(findings(t, source, c.around))
		if f == nil || len(f.edits) == 0 {
			continue
		}
		settled[c.kind] = true
		for _, e := range f.edits {
			source = applyEdit(t, source, e)
		}
		if again := c.find(findings(t, source, c.around)); again != nil {
			t.Errorf("%s: after %q still %v in\n%s", c.kind, f.Fix, again, source)
		}
	}
	for _, k := range []Kind{RequiredUnwritable, ReachEmpty, ChildWithoutParent, RightWithoutView, FormNeverShown, LookupUnreadable, LookupUnfillable, HierarchyOff} {
		if !settled[k] {
			t.Errorf("no fix of %s was tried", k)
		}
	}
}

// applyEdit writes an edit into a document, making what leads to it.
func applyEdit(t *testing.T, source string, e edit) string {
	t.Helper()
	var doc, part yaml.Node
	if err := yaml.Unmarshal([]byte(source), &doc); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(e.text), &part); err != nil {
		t.Fatal(err)
	}
	n := doc.Content[0]
	l := newLines(source)
	for _, step := range e.at {
		next, _ := l.step(n, step)
		if next == nil {
			next = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
			n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: step}, next)
		}
		n = next
	}
	if n.Kind == yaml.SequenceNode {
		n.Content = append(n.Content, part.Content[0])
	} else {
		key, value := part.Content[0].Content[0], part.Content[0].Content[1]
		if at := slices.IndexFunc(n.Content, func(x *yaml.Node) bool { return x.Value == key.Value }); at >= 0 {
			n.Content = slices.Delete(n.Content, at, at+2)
		}
		n.Content = append(n.Content, key, value)
	}
	out, err := yaml.Marshal(&doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestFindingsAreBounded: of too many, the least severe are counted instead.
func TestFindingsAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString(checkBase + "roles:\n  - {name: CEO}\n")
	for i := range 2 * maxFindings {
		fmt.Fprintf(&b, "  - {name: r%d, reportsTo: CEO}\n", i)
	}
	b.WriteString("sharingRules: [{name: r, form: Order, from: {role: CEO}, to: {user: x@example.com}, level: READ}]\n")
	fs := findings(t, b.String(), Surroundings{Holdings: held})
	last := fs[len(fs)-1]
	if len(fs) != maxFindings+1 || last.Kind != MoreFindings || !slices.ContainsFunc(fs, func(f Finding) bool { return f.Kind == UserUnknown }) {
		t.Errorf("%d findings, the last %v", len(fs), last)
	}
}

// TestA6_FindingsAboutPeopleAreForAdmins: what takes the directory to know is not
// told to those who may not open it.
func TestA6_FindingsAboutPeopleAreForAdmins(t *testing.T) {
	for _, c := range checkCases {
		if !c.around.Directory {
			continue
		}
		c.around.Directory = false
		if f := c.find(findings(t, c.base()+c.gives, c.around)); f != nil {
			t.Errorf("a developer is told %v", f)
		}
	}
}

// TestReachOfOwnRecords: a field that names the owner lets anybody own records.
func TestReachOfOwnRecords(t *testing.T) {
	const set = "permissionSets: [{name: S, forms: {Order: {fields: {title: READ_ONLY}}}, reports: {orders: [VIEW]}}]\n"
	owned := strings.Replace(checkBase, "{name: rep, type: user}", "{name: rep, type: user, recordOwner: true}", 1)
	c := &checkCase{kind: ReachEmpty}
	if c.find(findings(t, checkBase+set, Surroundings{})) == nil || c.find(findings(t, owned+set, Surroundings{})) != nil {
		t.Error("the owner field makes no difference")
	}
}
