package engine

import (
	"fmt"
	"sync"
	"testing"

	"sluice/internal/definition"
	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/record"
	"sluice/storage"
)

// owned is what is stored about a record, as the super admin reads it.
type owned struct {
	owner, addedBy, rep record.ID
	version             uint32
}

func (h *house) owned(form string, id record.ID) (o owned) {
	h.t.Helper()
	h.read("super", func(op *Op) {
		rec, ok, err := op.r.Record(op.app.forms[h.form(form).Number].store, id)
		must(h.t, err)
		if !ok {
			h.t.Fatal("no such record")
		}
		o = owned{owner: rec.Owner(), addedBy: rec.Header().AddedBy, version: rec.Version()}
		if form == "Deal" {
			o.rep = rec.Get(h.field("Deal", "rep")).Ref()
		}
	})
	return o
}

// changed counts the entries of the change log that an operation made to
// records.
func (h *house) changed(operation string) (n int) {
	h.t.Helper()
	h.read("super", func(op *Op) {
		c := op.r.Changes(0)
		defer c.Close()
		for c.Next() {
			if ch := c.Change(); ch.Meta.Operation == operation && ch.Form != 0 {
				n++
			}
		}
		must(h.t, c.Err())
	})
	return n
}

// estate is what rep leaves: deals of every kind of ownership, customers, a line.
func (h *house) estate() (mine map[record.ID]string, others map[record.ID]string) {
	mine, others = map[record.ID]string{}, map[record.ID]string{}
	for i := range 5 {
		mine[h.add("rep", "Deal", cell{"title": fmt.Sprint(i)})] = "Deal"
		mine[h.add("rep", "Customer", cell{"name": fmt.Sprint(i)})] = "Customer"
	}
	given := h.add("admin", "Deal", cell{"title": "given to rep", "rep": h.id["rep"]})
	mine[given] = "Deal"
	mine[h.add("rep", "Line", cell{"deal": given, "product": "p"})] = "Line"
	others[h.add("admin", "Deal", cell{"title": "the admin's"})] = "Deal"
	others[h.add("rep2", "Deal", cell{"title": "rep2's"})] = "Deal"
	others[h.add("rep", "Deal", cell{"title": "given away", "rep": h.id["clerk"]})] = "Deal"
	return mine, others
}

func TestE5_ReassignmentGivesEveryRecordOnce(t *testing.T) {
	h := newHouse(t)
	mine, others := h.estate()
	before := map[record.ID]owned{}
	for id, form := range mine {
		before[id] = h.owned(form, id)
	}
	for id, form := range others {
		before[id] = h.owned(form, id)
	}
	job, err := h.e.Reassign(t.Context(), h.as["admin"], "", h.id["rep"], h.id["rep2"])
	must(t, err)
	if !job.Done || job.Moved != len(mine) || job.Kept != 0 {
		t.Errorf("%+v, of %d", job, len(mine))
	}
	for id, form := range mine {
		was, is := before[id], h.owned(form, id)
		if is.owner != h.id["rep2"] || is.addedBy != was.addedBy || is.version != was.version+1 || form == "Deal" && is.rep != h.id["rep2"] {
			t.Errorf("%s: %+v, was %+v", form, is, was)
		}
		if h.sees("rep", form, id) || !h.sees("rep2", form, id) && form != "Line" {
			t.Errorf("%s: reach does not follow the owner", form)
		}
	}
	for id, form := range others {
		if is := h.owned(form, id); is != before[id] {
			t.Errorf("another's %s: %+v, was %+v", form, is, before[id])
		}
	}
	if n := h.changed("reassignRecords"); n != len(mine) {
		t.Errorf("%d entries in the change log for %d records", n, len(mine))
	}
	again, err := h.e.Reassign(t.Context(), h.as["admin"], "", h.id["rep"], h.id["rep2"])
	must(t, err)
	if !again.Done || again.Moved != 0 || h.changed("reassignRecords") != len(mine) {
		t.Errorf("asked again: %+v", again)
	}
}

// TestE5_DeletionWithReassignmentSurvivesCrashes ends the server after every
// number of transactions: whoever asks again goes on where it was, no record
// moves twice, and the user goes last.
func TestE5_DeletionWithReassignmentSurvivesCrashes(t *testing.T) {
	for crash := 0; ; crash++ {
		h := newHouse(t)
		mine, _ := h.estate()
		before := map[record.ID]owned{}
		for id, form := range mine {
			before[id] = h.owned(form, id)
		}
		want := Reassignment{From: h.id["rep"], To: h.id["rep2"], Delete: true}
		must(t, h.d.SetActive(t.Context(), h.as["admin"], h.id["rep"], false))
		job, err := h.e.startReassign(t.Context(), h.as["admin"], want)
		must(t, err)
		for range crash {
			job, err = h.e.reassignStep(t.Context(), h.as["admin"], h.id["rep"], 2)
			must(t, err)
		}
		ended := job.Done
		h.e, err = New(h.e.o) // a new process
		must(t, err)
		if !ended {
			jobs, err := h.e.Reassignments(t.Context(), h.as["admin"])
			must(t, err)
			if len(jobs) != 1 || jobs[0].Moved != job.Moved || jobs[0].Done {
				t.Fatalf("after %d chunks: %+v, stored %+v", crash, job, jobs)
			}
			to := h.id["rep2"]
			job, err = h.e.DeleteUser(t.Context(), h.as["admin"], h.id["rep"], &to)
			must(t, err)
		}
		if !job.Done || job.Moved != len(mine) {
			t.Fatalf("crash after %d chunks: %+v, of %d", crash, job, len(mine))
		}
		for id, form := range mine {
			if is := h.owned(form, id); is.owner != h.id["rep2"] || is.version != before[id].version+1 || is.addedBy != before[id].addedBy {
				t.Errorf("crash after %d chunks: %s: %+v, was %+v", crash, form, is, before[id])
			}
		}
		people, err := h.d.People(t.Context(), h.as["admin"])
		must(t, err)
		if _, there := people.User(h.id["rep"]); there {
			t.Errorf("crash after %d chunks: the user is there", crash)
		}
		if n := h.changed("reassignRecords"); n != len(mine) {
			t.Errorf("crash after %d chunks: %d entries in the change log", crash, n)
		}
		if ended {
			if crash < len(mine)/2 {
				t.Errorf("%d chunks of two records, of %d records", crash, len(mine))
			}
			return
		}
	}
}

func TestE5_WhoMayReassignAndToWhom(t *testing.T) {
	h := newHouse(t)
	h.add("rep", "Deal", cell{"title": "a"})
	rep, foreign := h.id["rep"], record.NewID(h.e.o.Now())
	_, outsider, err := h.d.CreateOrganization(t.Context(), "globex", directory.NewUser{Email: "x@globex.io", DisplayName: "X", Password: password})
	must(t, err)
	_, err = h.e.Reassign(t.Context(), h.as["admin"], "", rep, foreign)
	absent := denied(t, err, fault.Invalid)
	_, err = h.e.Reassign(t.Context(), h.as["admin"], "", rep, outsider)
	if said := denied(t, err, fault.Invalid); said != absent {
		t.Errorf("somebody of another organization: %q, nobody: %q", said, absent)
	}
	must(t, h.d.SetActive(t.Context(), h.as["admin"], h.id["clerk"], false))
	for _, to := range []string{"rep", "clerk", "nobody"} {
		_, err = h.e.Reassign(t.Context(), h.as["admin"], "", rep, h.id[to])
		denied(t, err, fault.Invalid)
		id := h.id[to]
		_, err = h.e.DeleteUser(t.Context(), h.as["admin"], rep, &id)
		denied(t, err, fault.Invalid)
	}
	for _, who := range []string{"rep", "manager", "dev", "nobody"} {
		_, err = h.e.Reassign(t.Context(), h.as[who], "crm", rep, h.id["rep2"])
		denied(t, err, fault.Forbidden)
		_, err = h.e.Reassignments(t.Context(), h.as[who])
		denied(t, err, fault.Forbidden)
		to := h.id["rep2"]
		_, err = h.e.DeleteUser(t.Context(), h.as[who], h.id["mia"], &to)
		denied(t, err, fault.Forbidden)
		_, err = h.e.DeleteUser(t.Context(), h.as[who], h.id["mia"], nil)
		denied(t, err, fault.Forbidden)
	}
	_, err = h.e.Reassign(t.Context(), h.as["admin"], "none", rep, h.id["rep2"])
	denied(t, err, fault.NotFound)
	h.read("rep", func(op *Op) { // and nothing of it has switched anybody off
		if len(h.listed(op, "Deal", nil)) != 1 {
			t.Error("a refused reassignment moved something")
		}
	})
	// Records of somebody of another organization are none of ours.
	job, err := h.e.Reassign(t.Context(), h.as["admin"], "", outsider, h.id["rep2"])
	if must(t, err); !job.Done || job.Moved != 0 {
		t.Errorf("%+v", job)
	}
	// An admin is a member everywhere; a deleted user's records can still be given.
	_, err = h.e.DeleteUser(t.Context(), h.as["admin"], rep, nil)
	must(t, err)
	job, err = h.e.Reassign(t.Context(), h.as["super"], "crm", rep, h.id["admin"])
	if must(t, err); !job.Done || job.Moved != 1 {
		t.Errorf("%+v", job)
	}
}

// TestE5_RightsAreCheckedPerChunk takes rights away in the middle: the next chunk
// fails, and somebody who has the right goes on.
func TestE5_RightsAreCheckedPerChunk(t *testing.T) {
	h := newHouse(t)
	mine, _ := h.estate()
	ctx, rep, to := t.Context(), h.id["rep"], h.id["rep2"]
	must(t, h.d.SetActive(ctx, h.as["admin"], rep, false))
	_, err := h.e.startReassign(ctx, h.as["admin"], Reassignment{From: rep, To: to, Delete: true})
	must(t, err)
	step := func(who string) error {
		_, err := h.e.reassignStep(ctx, h.as[who], rep, 2)
		return err
	}
	must(t, step("admin"))
	must(t, h.d.DemoteAdmin(ctx, h.as["super"], h.id["admin"]))
	denied(t, step("admin"), fault.Forbidden)
	must(t, h.d.RevokeCredentials(ctx, h.as["super"], h.id["admin"]))
	denied(t, step("admin"), fault.Unauthenticated)
	must(t, h.d.SetActive(ctx, h.as["super"], to, false))
	denied(t, step("super"), fault.Invalid)
	must(t, h.d.SetActive(ctx, h.as["super"], to, true))
	must(t, h.d.SetActive(ctx, h.as["super"], rep, true))
	denied(t, step("super"), fault.Conflict)
	job, err := h.e.DeleteUser(ctx, h.as["super"], rep, &to) // switches off again and goes on
	if must(t, err); !job.Done || job.Moved != len(mine) {
		t.Errorf("%+v, of %d", job, len(mine))
	}
}

// TestG1_ReassignmentUncoversNothing: what an admin hides stays theirs, whoever
// asks, and no number tells of it.
func TestG1_ReassignmentUncoversNothing(t *testing.T) {
	h, shut, open := newHideout(t)
	h.hide("boss", "Deal", isShut)
	boss, to := h.id["boss"], h.id["peer"]
	job, err := h.e.Reassign(t.Context(), h.as["admin"], "", boss, to)
	if must(t, err); !job.Done || job.Moved != 1 || job.Kept != 0 {
		t.Errorf("by an admin: %+v", job)
	}
	_, err = h.e.DeleteUser(t.Context(), h.as["admin"], boss, &to)
	denied(t, err, fault.Forbidden)
	job, err = h.e.DeleteUser(t.Context(), h.as["super"], boss, &to)
	if must(t, err); !job.Done || job.Moved != 0 || job.Kept != 0 {
		t.Errorf("with the deletion: %+v", job)
	}
	if h.owned("Deal", open).owner != to || h.owned("Deal", shut).owner != boss {
		t.Error("the wrong deal moved")
	}
	delete(h.as, "boss")
	for _, who := range []string{"admin", "peer", "dev", "all", "chief", "super"} {
		if h.sees(who, "Deal", shut) != (who == "super") {
			t.Errorf("%s and the hidden deal of a deleted admin", who)
		}
	}
	must(t, h.unhide("super", "Deal", "boss"))
	job, err = h.e.Reassign(t.Context(), h.as["super"], "crm", boss, to)
	if must(t, err); job.Moved != 1 || h.owned("Deal", shut).owner != to {
		t.Errorf("after the filter was lifted: %+v", job)
	}
}

// TestG1_CallsTellNothingHidden: one call is enough, however many records are
// hidden from the one who asks.
func TestG1_CallsTellNothingHidden(t *testing.T) {
	h, _, _ := newHideout(t)
	number := h.form("Deal").Number
	title, _ := h.form("Deal").Field("title")
	for range reassignChunks + 1 {
		must(t, h.write("boss", func(op *Op) error {
			for range reassignChunk {
				if _, err := op.Create(number, map[uint32]record.Value{title.Number: record.Bytes([]byte("x"))}); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	h.hide("boss", "Deal", cell{})
	job, err := h.e.Reassign(t.Context(), h.as["admin"], "", h.id["boss"], h.id["peer"])
	if must(t, err); !job.Done || job.Moved != 0 || job.Kept != 0 {
		t.Errorf("%+v", job)
	}
}

// TestE5_TwoAdminsReassignAtOnce: whoever else goes on with a reassignment, each
// record moves once and is counted once.
func TestE5_TwoAdminsReassignAtOnce(t *testing.T) {
	h := newHouse(t)
	mine, _ := h.estate()
	_, err := h.e.startReassign(t.Context(), h.as["admin"], Reassignment{From: h.id["rep"], To: h.id["rep2"]})
	must(t, err)
	var wg sync.WaitGroup
	for _, who := range []string{"admin", "super"} {
		wg.Go(func() {
			for {
				job, err := h.e.reassignStep(t.Context(), h.as[who], h.id["rep"], 2)
				if job.Done && err == nil {
					return
				}
				if err != nil && fault.KindOf(err) != fault.Conflict {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	jobs, err := h.e.Reassignments(t.Context(), h.as["admin"])
	must(t, err)
	if len(jobs) != 1 || !jobs[0].Done || jobs[0].Moved != len(mine) {
		t.Errorf("%+v, of %d", jobs, len(mine))
	}
	for id, form := range mine {
		if is := h.owned(form, id); is.owner != h.id["rep2"] || is.version != 2 {
			t.Errorf("%s: %+v", form, is)
		}
	}
}

// TestE5_BegunAnewStartsAtTheBeginning: a reassignment to somebody else forgets
// how far the one before came, and a call that still had that one in mind does
// not move it on.
func TestE5_BegunAnewStartsAtTheBeginning(t *testing.T) {
	h := newHouse(t)
	mine, _ := h.estate()
	rep := h.id["rep"]
	_, err := h.e.startReassign(t.Context(), h.as["admin"], Reassignment{From: rep, To: h.id["rep2"]})
	must(t, err)
	stale, err := h.e.reassignStep(t.Context(), h.as["admin"], rep, 4)
	must(t, err)
	job, err := h.e.startReassign(t.Context(), h.as["super"], Reassignment{From: rep, To: h.id["clerk"]})
	if must(t, err); job.Moved != 0 || job.At != "" {
		t.Errorf("%+v", job)
	}
	_, err = h.e.reassignEnd(t.Context(), h.as["admin"], stale)
	denied(t, err, fault.Conflict)
	job, err = h.e.Reassign(t.Context(), h.as["admin"], "", rep, h.id["clerk"])
	if must(t, err); !job.Done || job.Moved != len(mine)-stale.Moved {
		t.Errorf("%+v, of %d", job, len(mine))
	}
}

// TestE5_DeletionAfterAll: somebody whose records are being given away can be
// deleted at once; the rest keeps the id, and can still be given.
func TestE5_DeletionAfterAll(t *testing.T) {
	h := newHouse(t)
	mine, _ := h.estate()
	rep, to := h.id["rep"], h.id["rep2"]
	_, err := h.e.startReassign(t.Context(), h.as["admin"], Reassignment{From: rep, To: to})
	must(t, err)
	job, err := h.e.reassignStep(t.Context(), h.as["admin"], rep, 2)
	must(t, err)
	if job.Done || job.Moved != 2 {
		t.Fatalf("%+v", job)
	}
	_, err = h.e.DeleteUser(t.Context(), h.as["admin"], rep, nil)
	must(t, err)
	jobs, err := h.e.Reassignments(t.Context(), h.as["admin"])
	must(t, err)
	if len(jobs) != 1 || !jobs[0].Done || jobs[0].Moved != 2 {
		t.Errorf("%+v", jobs)
	}
	_, err = h.e.DeleteUser(t.Context(), h.as["admin"], rep, &to)
	denied(t, err, fault.NotFound)
	job, err = h.e.Reassign(t.Context(), h.as["admin"], "", rep, to)
	if must(t, err); !job.Done || job.Moved != len(mine)-2 {
		t.Errorf("%+v, of %d", job, len(mine))
	}
}

// TestE5_UniqueOwnerFieldKeeps: a record whose new owner holds the value of a
// unique owner field already stays, and is counted: who asks sees it.
func TestE5_UniqueOwnerFieldKeeps(t *testing.T) {
	h := newHouse(t)
	out, err := h.e.Apply(t.Context(), h.as["admin"], []byte(`
application: desks
forms:
  - name: Desk
    plural: desks
    fields: [{name: label, type: text}, {name: holder, type: user, recordOwner: true, unique: true}]
roles: [{name: CEO}]
`), false)
	must(t, err)
	if len(out.Faults) > 0 {
		t.Fatal(out.Faults)
	}
	var desk *definition.Form
	desk, _ = out.Application.Form("Desk")
	holder, _ := desk.Field("holder")
	for _, who := range []string{"admin", "super"} {
		must(t, h.e.Write(t.Context(), h.as["admin"], "desks", "test", func(op *Op) error {
			_, err := op.Create(desk.Number, map[uint32]record.Value{holder.Number: record.Ref(h.id[who])})
			return err
		}))
	}
	job, err := h.e.Reassign(t.Context(), h.as["super"], "desks", h.id["admin"], h.id["super"])
	if must(t, err); !job.Done || job.Moved != 0 || job.Kept != 1 {
		t.Errorf("%+v", job)
	}
}

// TestReassignmentReadsTheOwnerIndex: what it costs follows what is owned, not
// what is stored.
func TestReassignmentReadsTheOwnerIndex(t *testing.T) {
	cost := func(others int) storage.Stats {
		h := newHouse(t)
		for i := range others {
			h.add("clerk", "Deal", cell{"title": fmt.Sprint(i)})
		}
		h.add("rep", "Deal", cell{"title": "one"})
		var s storage.Stats
		must(t, h.write("admin", func(op *Op) error {
			job := Reassignment{From: h.id["rep"], To: h.id["rep2"]}
			err := op.reassignChunk(&job, "crm", 100)
			s = op.Stats()
			return err
		}))
		return s
	}
	if few, many := cost(1), cost(60); few != many {
		t.Errorf("beside 1 record of another %+v, beside 60 %+v", few, many)
	}
}
