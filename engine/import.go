package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

const opImport = "engine.import"

// ImportState is where a stored import stands. The zero state is none.
type ImportState string

// The states of an import.
const (
	ImportRunning ImportState = "RUNNING" // or interrupted: it can be resumed
	ImportDone    ImportState = "DONE"
	ImportUndoing ImportState = "UNDOING" // or interrupted: undo goes on
	ImportUndone  ImportState = "UNDONE"
)

// ImportSpec is what an import is about. Digest names the content of its file,
// Options is JSON that whoever reads the file understands.
type ImportSpec struct {
	Form    string          `json:"form"`
	Digest  string          `json:"digest"`
	Options json.RawMessage `json:"options"`
	Rows    int             `json:"rows"`
}

// ImportJob is a stored import: every record that it adds is written in one
// transaction with the progress that it makes. So what the job says is what is
// stored, whenever the process ends.
type ImportJob struct {
	ImportSpec
	ID      string      `json:"id"`
	Number  uint32      `json:"number"` // of the form
	User    record.ID   `json:"user"`
	Started time.Time   `json:"started"`
	State   ImportState `json:"state"`
	Done    int         `json:"done"`    // rows of the file that are stored
	Chunks  int         `json:"chunks"`  // documents with ids of records
	Removed int         `json:"removed"` // records that undo deleted
	Left    int         `json:"left"`    // that it did not find in reach: deleted before, or somebody else's now
}

func importPrefix(application string) string { return application + "/" }

func importKey(application, id string) string { return importPrefix(application) + "j/" + id }

func importIDsKey(application, id string, chunk int) string {
	return fmt.Sprintf("%sc/%s/%08d", importPrefix(application), id, chunk)
}

// MayImport returns the form of that name for somebody who may import into it:
// admins, developers and holders of IMPORT and ACCESS (B7). A form outside the
// viewer's shape is NotFound.
func (op *Op) MayImport(name string) (*definition.Form, error) {
	for _, s := range op.view.Shape().Forms {
		if s.Form.Name != name {
			continue
		}
		if !s.Create || !op.holdsImport(name) {
			return nil, fault.New(fault.Forbidden, opImport, "not permitted to import into %s", name)
		}
		return s.Form, nil
	}
	return nil, fault.New(fault.NotFound, opImport, "form %q: not found", name)
}

func (op *Op) holdsImport(form string) bool {
	v := op.view.Viewer()
	switch v.Kind {
	case identity.SuperAdmin, identity.Admin, identity.Developer:
		return true
	case identity.Live, identity.Portal:
	default:
		return false
	}
	for _, s := range op.app.def.Sets {
		if s.Name == v.PermissionSet {
			p := s.Forms[form]
			return p != nil && slices.Contains(p.Actions, definition.Import) && slices.Contains(p.Actions, definition.Access)
		}
	}
	return false
}

// FindUnique returns the record in VIEW reach whose unique field holds the
// value, as the viewer reads it. A record that does not exist, one out of reach
// and one whose cell is masked are the same false.
func (op *Op) FindUnique(form, field uint32, v record.Value) (record.ID, bool, error) {
	f, shape, err := op.shape(form)
	if err != nil {
		return record.ID{}, false, unlessAbsent(err)
	}
	fd, ok := f.field(field)
	if !ok || !shape.View || !shape.Visible.Has(field) || v.Kind() != fd.Type.Kind() {
		return record.ID{}, false, nil
	}
	i := slices.IndexFunc(f.store.Indexes, func(ix *storage.Index) bool {
		return ix.Unique && !ix.Building && len(ix.Parts) == 1 && ix.Parts[0].Number == field
	})
	if i < 0 {
		return record.ID{}, false, fault.New(fault.Invalid, opImport, "field %s is not unique", fd.Name)
	}
	id, ok, err := op.r.Guarded(f.store, f.store.Indexes[i], v)
	if err != nil || !ok {
		return record.ID{}, false, err
	}
	rec, ok, err := op.Get(form, id)
	if err != nil || !ok || !rec.Get(fd).Equal(v) {
		return record.ID{}, false, err
	}
	return id, true, nil
}

// unlessAbsent drops an error that only says that there is nothing to see.
func unlessAbsent(err error) error {
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	return err
}

// FindMember returns the user whom a text names who may be named in a field of
// this application (A5a): an id, or, from admins and developers, the sign-in
// address. Addresses belong to the directory: whoever else could try them would
// learn who is a member. Everything that names no member is the same false.
func (op *Op) FindMember(text string) (record.ID, bool) {
	if id, err := record.ParseID(text); err == nil {
		return id, op.memberOf(id)
	}
	u, ok := op.people.ByEmail(text)
	if !ok || !op.FindsByAddress() || !op.memberOf(u.ID) {
		return record.ID{}, false
	}
	return u.ID, true
}

// FindsByAddress reports whether the viewer may name people by sign-in address:
// admins, and developers, who name people so in the definition.
func (op *Op) FindsByAddress() bool {
	k := op.view.Viewer().Kind
	return k.Administers() || k == identity.Developer
}

// StartImport stores a job without rows yet.
func (e *Engine) StartImport(ctx context.Context, p identity.Principal, application string, spec ImportSpec) (ImportJob, error) {
	started := e.o.Now().UTC().Truncate(time.Millisecond)
	job := ImportJob{ImportSpec: spec, ID: record.NewID(started).String(), User: p.User, Started: started, State: ImportRunning}
	err := e.Write(ctx, p, application, "import", func(op *Op) error {
		f, err := op.MayImport(spec.Form)
		if err != nil {
			return err
		}
		job.Number = f.Number
		return op.putImport(&job)
	})
	return job, err
}

// ImportChunk runs fn in one transaction that also records its progress. fn adds
// rows of the file from job.Done on and returns how many it went through and the
// ids that it created; like that of Write it may run again. None are the end of
// the file. Conflict for a job that is not running.
func (e *Engine) ImportChunk(ctx context.Context, p identity.Principal, application, id string, fn func(*Op, ImportJob) (int, []record.ID, error)) (ImportJob, error) {
	var job ImportJob
	err := e.Write(ctx, p, application, "import", func(op *Op) error {
		var err error
		if job, err = op.importJob(id); err != nil {
			return err
		}
		if job.State != ImportRunning {
			return fault.New(fault.Conflict, opImport, "import: it is %s, not RUNNING", job.State)
		}
		if err := op.formOfImport(&job); err != nil {
			return err
		}
		rows, ids, err := fn(op, job)
		if err != nil {
			return err
		}
		if rows == 0 || job.Done+rows >= job.Rows {
			job.State = ImportDone
		}
		job.Done += rows
		if len(ids) > 0 {
			if err := op.putImportIDs(&job, job.Chunks, ids); err != nil {
				return err
			}
			job.Chunks++
		}
		return op.putImport(&job)
	})
	return job, err
}

// formOfImport checks that the viewer may still import into the job's form, by
// the name that it has now.
func (op *Op) formOfImport(job *ImportJob) error {
	f, _, err := op.shape(job.Number)
	if err != nil {
		return err
	}
	job.Form = f.def.Name
	_, err = op.MayImport(f.def.Name)
	return err
}

// Import returns a stored import of one's own, or any for admins and developers
// of the application but those of somebody who hides records of the form from
// them; NotFound for every other id.
func (e *Engine) Import(ctx context.Context, p identity.Principal, application, id string) (ImportJob, error) {
	op, err := e.Read(ctx, p, application)
	if err != nil {
		return ImportJob{}, err
	}
	defer op.Close()
	return op.importJob(id)
}

// Imports returns what Import would, all of them, the oldest first.
func (e *Engine) Imports(ctx context.Context, p identity.Principal, application string) ([]ImportJob, error) {
	op, err := e.Read(ctx, p, application)
	if err != nil {
		return nil, err
	}
	defer op.Close()
	c := op.r.Docs(spaceJob, importKey(application, ""))
	defer c.Close()
	out := []ImportJob{}
	for c.Next() {
		job, err := readImport(c.Value())
		if err != nil {
			return nil, err
		}
		if op.mayHandle(&job) {
			out = append(out, job)
		}
	}
	return out, c.Err()
}

func (op *Op) importJob(id string) (ImportJob, error) {
	notFound := fault.New(fault.NotFound, opImport, "import: not found")
	if parsed, err := record.ParseID(id); err != nil || parsed.String() != id {
		return ImportJob{}, notFound
	}
	b, ok, err := op.r.Doc(spaceJob, importKey(op.app.def.Name, id))
	if err != nil {
		return ImportJob{}, err
	}
	if !ok {
		return ImportJob{}, notFound
	}
	job, err := readImport(b)
	if err == nil && !op.mayHandle(&job) {
		err = notFound
	}
	return job, err
}

// mayHandle leaves out jobs whose maker hides records of their form from the
// viewer: what a job says of its rows would tell of those (G1).
func (op *Op) mayHandle(job *ImportJob) bool {
	return op.mayHandleOf(job.User) && !op.hidesFrom(job.User, job.Number)
}

// hidesFrom reports whether a user hides records of a form from the viewer.
func (op *Op) hidesFrom(user record.ID, form uint32) bool {
	v := op.view.Viewer()
	return slices.ContainsFunc(op.app.hides, func(h *hide) bool {
		hides := h.owner == user && h.form.def.Number == form
		return hides && user != v.User && (v.Kind != identity.SuperAdmin || !lapsed(op.people, user))
	})
}

// mayHandleOf reports whether the viewer may deal with what somebody else made
// in the application, or made it.
func (op *Op) mayHandleOf(maker record.ID) bool {
	v := op.view.Viewer()
	return maker == v.User || v.Kind.Administers() || v.Kind == identity.Developer
}

func readImport(b []byte) (ImportJob, error) {
	var job ImportJob
	if err := json.Unmarshal(b, &job); err != nil {
		return job, fault.Wrap(fault.Unavailable, opImport, err, "the import's document is damaged")
	}
	return job, nil
}

func (op *Op) putImport(job *ImportJob) error {
	b, err := json.Marshal(job)
	if err != nil {
		return err
	}
	return op.txn.PutDoc(spaceJob, importKey(op.app.def.Name, job.ID), b)
}

// putImportIDs stores the ids of a chunk; the change log has them with the
// records.
func (op *Op) putImportIDs(job *ImportJob, chunk int, ids []record.ID) error {
	var b []byte
	for _, id := range ids {
		b = append(b, id[:]...)
	}
	return op.txn.PutSecret(spaceJob, importIDsKey(op.app.def.Name, job.ID, chunk), b)
}

func (op *Op) importIDs(job *ImportJob, chunk int) ([]record.ID, error) {
	b, ok, err := op.r.Doc(spaceJob, importIDsKey(op.app.def.Name, job.ID, chunk))
	if err != nil {
		return nil, err
	}
	if !ok || len(b)%len(record.ID{}) != 0 {
		return nil, fault.New(fault.Unavailable, opImport, "the import's list of records is damaged")
	}
	var ids []record.ID
	for part := range slices.Chunk(bytes.Clone(b), len(record.ID{})) {
		ids = append(ids, record.ID(part))
	}
	return ids, nil
}
