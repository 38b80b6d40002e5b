package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// recalled is who could see a customer at a moment, by id.
func (d *demoServer) recalled(t *testing.T, who, customer string, at time.Time) (ids []string) {
	t.Helper()
	a := d.manage(t, who, `{whoCouldSee(application:"sales" form:"Customer" record:%q at:%q first:1000){totalCount untoldCount definitionVersion nodes{id displayName actions reason{text}}}}`, customer, at.Format(time.RFC3339Nano))
	for _, n := range a.list("whoCouldSee.nodes") {
		n := n.(map[string]any)
		if n["reason"].(map[string]any)["text"] == "" || n["displayName"] == "" || !slices.Contains(n["actions"].([]any), any("VIEW")) {
			t.Errorf("%v", n)
		}
		ids = append(ids, n["id"].(string))
	}
	if len(ids) != a.count("whoCouldSee.totalCount") || a.count("whoCouldSee.untoldCount") != 0 || a.count("whoCouldSee.definitionVersion") < 1 {
		t.Errorf("%v", a.Data)
	}
	return ids
}

// present is who can see a customer now.
func (d *demoServer) present(t *testing.T, who, customer string) (ids []string) {
	t.Helper()
	for _, n := range d.manage(t, who, `{whoCanSee(application:"sales" form:"Customer" record:%q first:1000){nodes{id}}}`, customer).list("whoCanSee.nodes") {
		ids = append(ids, n.(map[string]any)["id"].(string))
	}
	return ids
}

// TestP10RecallIsWhatWhoCanSeeSaid changes what decides about a record, one thing
// after the other, and asks afterwards for each moment: the answer is what
// whoCanSee said then.
func TestP10RecallIsWhatWhoCanSeeSaid(t *testing.T) {
	d := theDemo(t)
	customer := d.ok(t, "ravi", `mutation{createCustomer(input:{name:"Recall House" region:"EMEA"}){customer{id}}}`).at("createCustomer.customer.id").(string)
	ravi := d.id(t, "ravi")
	tess := d.manage(t, "priya", `mutation{addUser(input:{email:"tess@zylker.example" displayName:"Tess Adler" password:"correct horse"}){user{id}}}`).at("addUser.user.id").(string)
	d.manage(t, "priya", `mutation{assignUser(application:"sales" user:%q role:"sales-rep" permissionSet:"sales"){user{id}}}`, tess)
	type said struct {
		at  time.Time
		ids []string
	}
	var all []said
	say := func(what string) {
		t.Helper()
		all = append(all, said{time.Now(), d.present(t, "priya", customer)})
		if n := len(all); n > 1 && slices.Equal(all[n-1].ids, all[n-2].ids) {
			t.Errorf("%s changed nothing", what)
		}
	}
	begin := time.Now()
	say("")
	d.redefine(t, "\nhierarchy: true", "\nhierarchy: false")
	say("the switch of the hierarchy")
	d.ok(t, "priya", `mutation{changeCustomerOwner(id:%q owner:%q){customer{id}}}`, customer, tess)
	say("another owner")
	d.manage(t, "priya", `mutation{deactivateUser(user:%q){user{id}}}`, tess)
	say("a user switched off")
	d.manage(t, "priya", `mutation{activateUser(user:%q){user{id}}}`, tess)
	say("a user switched on")
	for i, s := range all {
		if got := d.recalled(t, "mei", customer, s.at); !slices.Equal(got, s.ids) {
			t.Errorf("moment %d: %v could see it, want %v", i, got, s.ids)
		}
	}
	a := d.manage(t, "priya", `{accessHistory(application:"sales" form:"Customer" record:%q user:%q from:%q){start{exists actions} changes{time byName causes{kind text} access{actions fields}} until pageInfo{hasNextPage}}}`, customer, ravi, begin.Add(-time.Hour).Format(time.RFC3339))
	var kinds []string
	for _, c := range a.list("accessHistory.changes") {
		kinds = append(kinds, c.(map[string]any)["causes"].([]any)[0].(map[string]any)["kind"].(string))
	}
	if !slices.Equal(kinds, []string{"RECORD_CREATED", "OWNER"}) || a.at("accessHistory.start.exists") != false {
		t.Errorf("what became of ravi's access: %v", a.Data)
	}
	d.forgetsNothing(t, customer, begin)
	d.manage(t, "priya", `mutation{deleteUser(user:%q){deleted}}`, tess)
	a = d.manage(t, "mei", `{whoCouldSee(application:"sales" form:"Customer" record:%q at:%q first:1000){nodes{id displayName}}}`, customer, all[4].at.Format(time.RFC3339Nano))
	for _, n := range a.list("whoCouldSee.nodes") {
		if n := n.(map[string]any); (n["id"] == tess) != (n["displayName"] == nil) {
			t.Errorf("%v after tess was deleted", n)
		}
	}
}

// forgetsNothing asks for a record after it was deleted, and for moments at which
// there is nothing to tell.
func (d *demoServer) forgetsNothing(t *testing.T, customer string, begin time.Time) {
	t.Helper()
	before := time.Now()
	was := d.present(t, "priya", customer)
	d.ok(t, "priya", `mutation{deleteCustomer(id:%q){id}}`, customer)
	if got := d.recalled(t, "mei", customer, before); !slices.Equal(got, was) {
		t.Errorf("before it was deleted %v could see it, want %v", got, was)
	}
	for at, words := range map[string]string{
		time.Now().Format(time.RFC3339Nano):                   "did not exist",
		begin.Add(-time.Minute).Format(time.RFC3339Nano):      "did not exist",
		begin.Add(-24 * 365 * time.Hour).Format(time.RFC3339): "the application did not exist",
		time.Now().Add(time.Hour).Format(time.RFC3339):        "future",
		"yesterday": "2026-03-01T09:00:00Z",
	} {
		a := d.graphql(t, managePath, "mei", `{whoCouldSee(application:"sales" form:"Customer" record:"`+customer+`" at:"`+at+`"){totalCount}}`)
		if a.code() != "BAD_USER_INPUT" || !strings.Contains(a.Errors[0].Message, words) {
			t.Errorf("at %s: %+v", at, a)
		}
	}
}

// TestP10RecallOfHiddenRecords: what an admin hides now has no past for others, and
// cannot be told from what never was; their own is told to those who hide.
func TestP10RecallOfHiddenRecords(t *testing.T) {
	d := theDemo(t)
	vera := d.hider(t)
	id := d.ok(t, "vera", `mutation{createCustomer(input:{name:"Hidden Past" region:"EMEA"}){customer{id}}}`).at("createCustomer.customer.id").(string)
	at := time.Now().Format(time.RFC3339Nano)
	d.hide(t, "vera", "Customer", `{name:{eq:"Hidden Past"}}`)
	for _, who := range []string{"jonas", "mei", "priya"} {
		for _, q := range []string{
			`{whoCouldSee(application:"sales" form:"Customer" record:"@" at:"` + at + `"){totalCount}}`,
			`{accessHistory(application:"sales" form:"Customer" record:"@" user:"` + vera + `" from:"` + at + `"){changes{time}}}`,
		} {
			ask := func(record string) string { return d.answerText(t, managePath, who, q, map[string]string{"@": record}) }
			if got, none := ask(id), ask(nobody); strings.ReplaceAll(got, id, nobody) != none || !strings.Contains(none, "NOT_FOUND") {
				t.Errorf("%s: hidden %s, absent %s", who, got, none)
			}
		}
	}
	a := d.manage(t, "vera", `{whoCouldSee(application:"sales" form:"Customer" record:%q at:%q){nodes{id}}}`, id, at)
	if len(a.list("whoCouldSee.nodes")) < 3 {
		t.Errorf("vera is told %v, before she hid it others could see it", a.Data)
	}
}

// TestP10RecallIsForHoldersOfTheTool: nobody else learns anything, and who was
// taken the tool neither; nor is anything told of people from elsewhere.
func TestP10RecallIsForHoldersOfTheTool(t *testing.T) {
	d := theDemo(t)
	customer := d.ok(t, "priya", `{customers(first:1){nodes{id}}}`).at("customers.nodes.0.id").(string)
	at := time.Now().Format(time.RFC3339Nano)
	who := `{whoCouldSee(application:"sales" form:"Customer" record:"` + customer + `" at:"` + at + `"){totalCount}}`
	history := func(user string) string {
		return `{accessHistory(application:"sales" form:"Customer" record:"` + customer + `" user:"` + user + `" from:"` + at + `"){changes{time}}}`
	}
	refused := func(by, code string) {
		t.Helper()
		for _, q := range []string{who, history(d.id(t, "ravi"))} {
			if a := d.graphql(t, managePath, by, q); a.code() != code {
				t.Errorf("%s: %+v", by, a)
			}
		}
	}
	for _, by := range []string{"marta", "felix"} {
		refused(by, "FORBIDDEN")
	}
	mei := d.id(t, "mei")
	d.manage(t, "priya", `mutation{revokeTools(application:"sales" user:%q tools:[RECALL]){user{id}}}`, mei)
	t.Cleanup(func() {
		d.manage(t, "priya", `mutation{grantTools(application:"sales" user:%q tools:[RECALL]){user{id}}}`, mei)
	})
	refused("mei", "FORBIDDEN")
	if a := d.graphql(t, managePath, "jonas", history(nobody)); a.code() != "NOT_FOUND" {
		t.Errorf("of nobody: %+v", a)
	}
}
