package engine

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/definition"
	"sluice/internal/oracle"
	"sluice/internal/record"
	"sluice/internal/world"
	"sluice/storage"
)

// past gives the records of a stage a history and comments. They depend on the
// ids of the records alone, but for what the user may not see: that depends on
// the salt as well.
type past struct {
	user *oracle.User
	salt uint64
}

// dice are the same for the same record and purpose.
func (p *past) dice(r *oracle.Record, what string, salt uint64) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write(append(r.ID[:], what...))
	return rand.New(rand.NewPCG(h.Sum64(), salt))
}

// before is the state of a record before its last change, nil for one that was
// never changed. What policy reads never depends on the salt.
func (p *past) before(s *stage, f *definition.Form, r *oracle.Record) *oracle.Record {
	if r.Version == 1 {
		return nil
	}
	old := r.Copy()
	old.Version--
	policyReads := world.PolicyFields(s.w, f)
	for _, fd := range f.Fields {
		salt := uint64(0)
		if _, readable := oracle.Cell(s.w, p.user, f.Name, r, fd.Name); !readable && !slices.Contains(policyReads, fd.Name) {
			salt = p.salt
		}
		dice := p.dice(r, fd.Name, salt)
		if fd.Unique || fd.Required || fd.Formula != nil || dice.IntN(2) == 0 {
			continue
		}
		if delete(old.Cells, fd.Name); dice.IntN(2) == 0 {
			old.Cells[fd.Name] = someValue(dice, fd, s.w.Users[0].ID)
		}
	}
	old.Owner = oracle.Owner(f, old)
	return old
}

// someValue depends on nothing in the world but that user.
func someValue(dice *rand.Rand, fd *definition.Field, user record.ID) record.Value {
	if fd.Type.Refs() {
		return record.Refs(user)
	}
	switch fd.Type.Kind() {
	case record.KindInt:
		return record.Int(int64(dice.IntN(5)))
	case record.KindBool:
		return record.Bool(dice.IntN(2) == 0)
	case record.KindText:
		if len(fd.Choices) > 0 {
			return record.String(fd.Choices[dice.IntN(len(fd.Choices))])
		}
		return record.String([]string{"before", "a", "b"}[dice.IntN(3)])
	case record.KindRef:
		return record.Ref(user)
	}
	return record.Value{}
}

// comments are those of a record: some that the user may read, or others.
func (p *past) comments(s *stage, f *definition.Form, r *oracle.Record) (out []comment) {
	salt := uint64(0)
	if !oracle.MaySee(s.w, p.user, definition.ReadComments, f.Name, r) {
		salt = p.salt
	}
	dice := p.dice(r, "comments", salt)
	for i := range dice.IntN(4) {
		out = append(out, comment{Author: s.w.Users[dice.IntN(len(s.w.Users))].ID, Time: int64(i + 1), Text: fmt.Sprint("remark ", dice.IntN(1000))})
	}
	return out
}

func commentID(r *oracle.Record, i int) record.ID {
	id := r.ID
	id[15] = byte(i + 1)
	return id
}

// newStageWithPast stores a world with what was before.
func newStageWithPast(tb testing.TB, w *world.World, p *past) *stage {
	tb.Helper()
	s := newStageUnstored(tb, w)
	s.past = p
	s.store()
	for _, f := range w.App.Forms {
		for _, r := range w.Records[f.Name] {
			s.remark(f, r, p.comments(s, f, r))
		}
	}
	return s
}

func (s *stage) remark(f *definition.Form, r *oracle.Record, comments []comment) {
	if len(comments) == 0 {
		return
	}
	s.update(func(txn *storage.Txn) error {
		t := thread{Count: len(comments)}
		for i, c := range comments {
			b, err := json.Marshal(c)
			if err != nil {
				return err
			}
			t.Bytes += len(b)
			if err := txn.PutDoc(spaceComment, commentKey(s.w.App.Name, f.Number, r.ID, commentID(r, i)), b); err != nil {
				return err
			}
		}
		b, err := json.Marshal(t)
		if err != nil {
			return err
		}
		return txn.PutDoc(spaceComment, threadKey(s.w.App.Name, f.Number, r.ID), b)
	})
}

func (s *stage) update(fn func(txn *storage.Txn) error) {
	s.tb.Helper()
	meta := storage.Meta{Operation: "world", Time: time.UnixMicro(1_750_000_000_000_000).UTC()}
	if err := s.tenant.Update(s.tb.Context(), meta, fn); err != nil {
		s.tb.Fatalf("seed %d: %v", s.w.Seed, err)
	}
}

// remarks asks for the comments of many records, page by page.
func remarks(f *definition.Form, ids []record.ID, first int) request {
	return request{ask: func(op *Op) string {
		var b strings.Builder
		for _, id := range ids {
			for q := (Part{First: first, Total: true, Previous: true}); ; {
				pages, err := op.Comments(f.Number, []record.ID{id}, q)
				if b.WriteString(failure(err)); err != nil || pages[0] == nil {
					break
				}
				p := pages[0]
				fmt.Fprintln(&b, id, p.HasNext, p.HasPrevious, p.Total, p.CanWrite)
				for i, c := range p.Comments {
					fmt.Fprintln(&b, p.Cursor(i), c)
				}
				if !p.HasNext || first == 0 {
					break
				}
				q.After = p.Cursor(len(p.Comments) - 1)
			}
		}
		return b.String()
	}}
}

// histories asks for the history of many records, page by page.
func histories(f *definition.Form, ids []record.ID, first int) request {
	return request{ask: func(op *Op) string {
		var b strings.Builder
		for _, id := range ids {
			for q := (Part{First: first, Total: true, Previous: true}); ; {
				pages, err := op.History(f.Number, []record.ID{id}, q, true)
				if b.WriteString(failure(err)); err != nil || pages[0] == nil {
					break
				}
				p := pages[0]
				fmt.Fprintln(&b, id, p.HasNext, p.HasPrevious, p.Total, p.Complete)
				for i, r := range p.Revisions {
					fmt.Fprintln(&b, p.Cursor(i), r.Version, r.Time, r.Actor, r.Created)
					for _, x := range r.Cells {
						fmt.Fprintln(&b, x.Field.Name, show(x.Before), show(x.After))
					}
				}
				if !p.HasNext || first == 0 {
					break
				}
				q.After = p.Cursor(len(p.Revisions) - 1)
			}
		}
		return b.String()
	}}
}

// comparePast holds comments and histories to the oracle: who may read them, and
// that a history shows no cell which the viewer may not read, and of the last
// change of a record that no mask touches every one that they may.
func (s *stage) comparePast(op *Op, u *oracle.User, f *definition.Form) {
	ids := []record.ID{{1}}
	for _, r := range s.w.Records[f.Name] {
		ids = append(ids, r.ID)
	}
	comments, err := op.Comments(f.Number, ids, Part{First: 10})
	must(s.tb, err)
	history, err := op.History(f.Number, ids, Part{First: 10}, false)
	must(s.tb, err)
	if comments[0] != nil || history[0] != nil {
		s.tb.Fatalf("seed %d: %s reads comments or history of no record", s.w.Seed, u.Email)
	}
	for i, r := range s.w.Records[f.Name] {
		may := func(a definition.Action) bool { return oracle.MaySee(s.w, u, a, f.Name, r) }
		if may(definition.ReadComments) != (comments[i+1] != nil) || may(definition.ReadHistory) != (history[i+1] != nil) {
			s.tb.Fatalf("seed %d: %s reads comments %v and history %v of %s %s", s.w.Seed, u.Email, comments[i+1] != nil, history[i+1] != nil, f.Name, r.ID)
		}
		if p := comments[i+1]; p != nil && (p.CanWrite != may(definition.WriteComments) || !s.sameComments(p.Comments, f, r)) {
			s.tb.Fatalf("seed %d: %s reads of %s %s: %+v", s.w.Seed, u.Email, f.Name, r.ID, p)
		}
		if p := history[i+1]; p != nil {
			s.compareHistory(op, u, f, r, p)
		}
	}
}

func (s *stage) sameComments(got []Comment, f *definition.Form, r *oracle.Record) bool {
	return slices.EqualFunc(got, s.past.comments(s, f, r), func(a Comment, b comment) bool { return a.Text == b.Text && a.Author == b.Author })
}

func (s *stage) compareHistory(op *Op, u *oracle.User, f *definition.Form, r *oracle.Record, p *HistoryPage) {
	shown, old := map[string]bool{}, s.past.before(s, f, r)
	for i, rev := range p.Revisions {
		if !rev.Created && len(rev.Cells) == 0 {
			s.tb.Fatalf("seed %d: %s reads in the history of %s %s of a change without cells", s.w.Seed, u.Email, f.Name, r.ID)
		}
		for _, x := range rev.Cells {
			want, readable := oracle.Cell(s.w, u, f.Name, r, x.Field.Name)
			if !readable || i == 0 && rev.Version == r.Version && !x.After.Equal(want) {
				s.tb.Fatalf("seed %d: %s reads in the history of %s %s that %s became %v, it is %v, %v", s.w.Seed, u.Email, f.Name, r.ID, x.Field.Name, x.After, want, readable)
			}
			if old != nil && oracle.Masked(s.w, u, f.Name, old, x.Field.Name) {
				s.tb.Fatalf("seed %d: %s reads in the history of %s %s what a mask covered then: %s", s.w.Seed, u.Email, f.Name, r.ID, x.Field.Name)
			}
			shown[x.Field.Name] = true
		}
	}
	for _, fd := range f.Fields {
		want, readable := oracle.Cell(s.w, u, f.Name, r, fd.Name)
		switch {
		case old == nil || fd.Formula != nil || fd.Type.Links() || len(op.view.Masks(f.Number)) > 0:
		case readable && !want.Equal(old.Cells[fd.Name]) && !shown[fd.Name]:
			s.tb.Fatalf("seed %d: %s does not read in the history of %s %s that %s became %v", s.w.Seed, u.Email, f.Name, r.ID, fd.Name, want)
		}
	}
}

// TestP1_CommentsAndHistoryEqualOracle compares who reads the comments and the
// history of what with the oracle, on random worlds.
func TestP1_CommentsAndHistoryEqualOracle(t *testing.T) {
	prove(t, 150, 8_000, func(t *testing.T, seed uint64) {
		w := world.Random(seed, world.Small)
		s := newStageWithPast(t, w, &past{user: w.Users[0]})
		defer s.close()
		for _, u := range w.Users {
			op := s.op(u)
			for _, f := range w.App.Forms {
				if _, ok := op.view.Shape().Form(f.Number); ok {
					s.comparePast(op, u, f)
				}
			}
			op.Close()
		}
	})
}
