package policy_test

import (
	"strings"
	"testing"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/record"
)

type group = definition.Group

func TestF1FromWhomToWhom(t *testing.T) {
	w := newWorld()
	agent, rep := w.address("agent"), w.address("rep")
	for _, c := range []struct {
		name     string
		from, to group
		viewer   string
		want     []string
	}{
		{"role to role", group{Role: "Support"}, group{Role: "Rep"}, "rep", []string{"rep", "support"}},
		{"role to role, all holders", group{Role: "Support"}, group{Role: "Rep"}, "rep2", []string{"rep2", "support"}},
		{"role and below to role", group{Role: "Support", Subordinates: true}, group{Role: "Rep"}, "rep", []string{"rep", "support", "agent"}},
		{"role to role and below", group{Role: "Agent"}, group{Role: "Head", Subordinates: true}, "rep", []string{"rep", "agent"}},
		{"the head of role and below", group{Role: "Agent"}, group{Role: "Head", Subordinates: true}, "head", []string{"head", "rep", "rep2", "agent"}},
		{"outside role and below", group{Role: "Agent"}, group{Role: "Head", Subordinates: true}, "support", []string{"support", "agent"}},
		{"above the receiver", group{Role: "Support"}, group{Role: "Rep"}, "head", []string{"head", "rep", "rep2"}},
		{"below the receiver", group{Role: "Agent"}, group{Role: "Head"}, "rep", []string{"rep"}},
		{"user to role", group{User: agent}, group{Role: "Rep"}, "rep", []string{"rep", "agent"}},
		{"user to user", group{User: agent}, group{User: rep}, "rep", []string{"rep", "agent"}},
		{"user to another user", group{User: agent}, group{User: rep}, "rep2", []string{"rep2"}},
		{"role to user", group{Role: "Support", Subordinates: true}, group{User: rep}, "rep", []string{"rep", "support", "agent"}},
		{"from an unknown user", group{User: "who@x"}, group{Role: "Rep"}, "rep", []string{"rep"}},
		{"to an unknown user", group{Role: "Agent"}, group{User: "who@x"}, "rep", []string{"rep"}},
		{"root and below takes no one without role", group{Role: "CEO", Subordinates: true}, group{Role: "Agent"}, "agent", []string{"ceo", "head", "rep", "rep2", "support", "agent"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld().onOrders(view)
			w.address("agent")
			w.address("rep")
			w.share(definition.SharingRule{From: c.from, To: c.to, Level: definition.Read})
			sees(t, w.live(t, c.viewer), view, c.want...)
		})
	}
}

func TestF1SubordinatesWithoutHierarchy(t *testing.T) {
	w := newWorld().onOrders(view)
	w.app.Hierarchy = false // a rule names a part of the tree, position gives nothing by itself
	w.share(definition.SharingRule{From: group{Role: "Support", Subordinates: true}, To: group{Role: "Rep"}, Level: definition.Read})
	sees(t, w.live(t, "rep"), view, "rep", "support", "agent")
}

func TestF1LevelsNest(t *testing.T) {
	for l, covers := range map[definition.Level]map[definition.Action]bool{
		definition.Read:            {view: true, export: true, readComm: true, writeComm: true, history: true},
		definition.ReadWrite:       {view: true, edit: true, export: true, readComm: true, writeComm: true, history: true},
		definition.ReadWriteDelete: {view: true, edit: true, del: true, export: true, readComm: true, writeComm: true, history: true},
	} {
		for name, rule := range map[string]definition.SharingRule{
			"owner":    {From: group{Role: "Agent"}, To: group{Role: "Rep"}},
			"criteria": {Criteria: map[string]any{}, To: group{Role: "Rep"}},
			"field":    {Field: "assignee"},
		} {
			w := newWorld().onOrders(view, edit, del, export, writeComm, history)
			rule.Level = l
			v := w.share(rule).live(t, "rep")
			s := by("agent", cell(assignee, record.Ref(uid("rep"))))
			t.Run(name, func(t *testing.T) {
				for _, a := range judged {
					can(t, v, order, a, s, covers[a])
				}
			})
		}
	}
}

func TestF1OtherFormsAreNotShared(t *testing.T) {
	w := newWorld().onOrders(view)
	w.share(definition.SharingRule{Form: "Task", From: group{Role: "Agent"}, To: group{Role: "Rep"}, Level: definition.Read})
	sees(t, w.live(t, "rep"), view, "rep")
}

func TestF2CriteriaRules(t *testing.T) {
	w := newWorld().onOrders(view, edit)
	w.share(definition.SharingRule{
		Criteria: map[string]any{"region": map[string]any{"eq": "EMEA"}, "amount": map[string]any{"gte": 10}},
		To:       group{Role: "Rep"}, Level: definition.Read,
	})
	v := w.live(t, "rep")
	emea := cell(region, record.String("EMEA"))
	can(t, v, order, view, by("agent", emea, cell(amount, record.Int(10))), true)
	can(t, v, order, view, by("agent", emea, cell(amount, record.Int(9))), false)
	can(t, v, order, view, by("", emea, cell(amount, record.Int(10))), true)
	can(t, v, order, view, by("agent", emea), false) // comparing with null is false
	can(t, v, order, edit, by("agent", emea, cell(amount, record.Int(10))), false)
	can(t, w.live(t, "support"), order, view, by("ceo", emea, cell(amount, record.Int(10))), false)
}

func TestF2ViewerIsTheReader(t *testing.T) {
	w := newWorld().onOrders(view)
	w.share(definition.SharingRule{
		Criteria: map[string]any{"assignee": map[string]any{"eq": "VIEWER"}},
		To:       group{Role: "CEO", Subordinates: true}, Level: definition.Read,
	})
	s := by("ceo", cell(assignee, record.Ref(uid("agent"))))
	can(t, w.live(t, "agent"), order, view, s, true)
	can(t, w.live(t, "rep"), order, view, s, false)
}

func TestF3FieldRules(t *testing.T) {
	w := newWorld().onOrders(view)
	w.share(definition.SharingRule{Field: "assignee", Level: definition.Read})
	assigned := by("ceo", cell(assignee, record.Ref(uid("rep"))))
	can(t, w.live(t, "rep"), order, view, assigned, true)
	can(t, w.live(t, "rep2"), order, view, assigned, false)
	can(t, w.live(t, "rep"), order, view, by("ceo"), false) // an empty field names nobody
	w = newWorld().onOrders(view)
	w.share(definition.SharingRule{Field: "addedBy", Level: definition.Read})
	w.holds["adder"] = "Rep"
	can(t, w.live(t, "adder"), order, view, by("ceo"), true)
	can(t, w.live(t, "rep"), order, view, by("ceo"), false)
}

func TestF5SmallerOfLevelAndSet(t *testing.T) {
	rule := definition.SharingRule{From: group{Role: "Agent"}, To: group{Role: "Rep"}, Level: definition.ReadWriteDelete}
	for _, c := range []struct {
		given []definition.Action
		want  map[definition.Action]bool
	}{
		{[]definition.Action{view}, map[definition.Action]bool{view: true}},
		{[]definition.Action{view, edit}, map[definition.Action]bool{view: true, edit: true}},
		{[]definition.Action{view, del}, map[definition.Action]bool{view: true, del: true}},
		{nil, nil},
	} {
		v := newWorld().onOrders(c.given...).share(rule).live(t, "rep")
		for _, a := range judged {
			can(t, v, order, a, by("agent"), c.want[a])
		}
	}
	// Without a report of the form nothing is shared, ACCESS notwithstanding.
	w := newWorld().onOrders()
	w.app.Sets[0].Forms["Order"].Actions = []definition.Action{access}
	can(t, w.share(rule).live(t, "rep"), order, view, by("agent"), false)
	// Only what the report shows.
	w = newWorld()
	w.set("s", map[string][]definition.Action{"bigOrders": {view}})
	v := w.share(rule).live(t, "rep")
	can(t, v, order, view, by("agent", cell(amount, record.Int(100))), true)
	can(t, v, order, view, by("agent", cell(amount, record.Int(99))), false)
}

func TestF6AgainstTheTree(t *testing.T) {
	w := newWorld().onOrders(view)
	w.share(definition.SharingRule{From: group{Role: "Head"}, To: group{Role: "Rep"}, Level: definition.Read})
	sees(t, w.live(t, "rep"), view, "rep", "head")
}

func TestCase3AnotherDepartment(t *testing.T) {
	w := newWorld().onOrders(view)
	w.share(definition.SharingRule{From: group{Role: "Agent"}, To: group{Role: "Rep"}, Level: definition.ReadWrite})
	v := w.live(t, "rep")
	sees(t, v, view, "rep", "agent")
	sees(t, v, edit) // the set has VIEW only
}

func TestCase6Assignee(t *testing.T) {
	byField := newWorld().onOrders(view)
	byField.share(definition.SharingRule{Field: "assignee", Level: definition.Read})
	byOwner := newWorld().onOrders(view)
	for name, c := range map[string]struct {
		w *world
		s *subject
	}{
		"field rule":   {byField, by("admin", cell(assignee, record.Ref(uid("rep"))))},
		"record owner": {byOwner, by("rep", cell(assignee, record.Ref(uid("rep"))))},
	} {
		t.Run(name, func(t *testing.T) {
			can(t, c.w.live(t, "rep"), order, view, c.s, true)
			can(t, c.w.live(t, "rep2"), order, view, c.s, false)
			can(t, c.w.live(t, "agent"), order, view, c.s, false)
		})
	}
}

func TestFaultySharingRules(t *testing.T) {
	to, from := group{Role: "Rep"}, group{Role: "Agent"}
	all := map[string]any{}
	const sources, groups = "exactly one of from", "either a user or a role"
	for name, c := range map[string]struct {
		rule definition.SharingRule
		want string
	}{
		"no source":              {definition.SharingRule{To: to, Level: definition.Read}, sources},
		"two sources":            {definition.SharingRule{From: from, Field: "assignee", Level: definition.Read}, sources},
		"owner and criteria":     {definition.SharingRule{From: from, Criteria: all, To: to, Level: definition.Read}, sources},
		"criteria and field":     {definition.SharingRule{Field: "assignee", Criteria: all, Level: definition.Read}, sources},
		"no receiver":            {definition.SharingRule{From: from, Level: definition.Read}, groups},
		"criteria, no receiver":  {definition.SharingRule{Criteria: all, Level: definition.Read}, groups},
		"role and user":          {definition.SharingRule{From: group{Role: "Rep", User: "rep@x"}, To: to, Level: definition.Read}, groups},
		"subordinates of a user": {definition.SharingRule{From: group{User: "rep@x", Subordinates: true}, To: to, Level: definition.Read}, groups},
		"subordinates of nobody": {definition.SharingRule{From: group{Subordinates: true}, To: to, Level: definition.Read}, groups},
		"field with receiver":    {definition.SharingRule{Field: "assignee", To: to, Level: definition.Read}, "whom the field names"},
		"no level":               {definition.SharingRule{From: from, To: to}, "unknown level"},
		"unknown level":          {definition.SharingRule{From: from, To: to, Level: 4}, "unknown level"},
		"unknown role":           {definition.SharingRule{From: group{Role: "Intern"}, To: to, Level: definition.Read}, `role "Intern"`},
		"unknown receiver":       {definition.SharingRule{From: from, To: group{Role: "Intern"}, Level: definition.Read}, `role "Intern"`},
		"unknown field":          {definition.SharingRule{Field: "assigned", Level: definition.Read}, "is not a user field"},
		"not a user field":       {definition.SharingRule{Field: "title", Level: definition.Read}, "is not a user field"},
		"unknown name":           {definition.SharingRule{Criteria: map[string]any{"color": 1}, To: to, Level: definition.Read}, "[color]"},
		"unknown form":           {definition.SharingRule{Form: "Invoice", From: from, To: to, Level: definition.Read}, `form "Invoice"`},
	} {
		w := newWorld().onOrders(view)
		w.address("rep")
		if _, err := policy.Compile(w.share(c.rule).app); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
