package engine

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"sluice/engine/policy"
	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// claim replaces the ids of uploaded files among values by the files, which are
// then no longer waiting. An id that is not that of a whole file which the viewer
// uploaded for this very field is wrong, whatever it is otherwise; that is said
// where permission does not refuse first (P8). The values given are left alone.
func (op *Op) claim(f *form, shape *policy.FormShape, values map[uint32]record.Value, unread map[uint32]string) (map[uint32]record.Value, map[uint32]string, error) {
	if !slices.ContainsFunc(f.def.Fields, isFile) {
		return values, unread, nil
	}
	out := values
	for _, n := range slices.Sorted(maps.Keys(values)) {
		x, v := f.fields[n], values[n]
		if x == nil || !x.Type.IsFile() || v.IsNull() || !shape.Writable.Has(n) {
			continue
		}
		a, ok, err := op.takeUpload(f, n, v.Ref())
		if err != nil {
			return nil, nil, err
		}
		out = maps.Clone(out)
		if out[n] = (record.Value{}); ok {
			out[n] = a.Value()
			continue
		}
		if unread = maps.Clone(unread); unread == nil {
			unread = map[uint32]string{}
		}
		unread[n] = "no such file; each is uploaded for one field of one record"
	}
	return out, unread, nil
}

// claim takes the files of a revision.
func (c *revision) claim() (err error) {
	c.values, c.unread, err = c.op.claim(c.form, c.shape, c.values, c.unread)
	return err
}

// claim takes the files of a new record.
func (s *sapling) claim(op *Op) error {
	values, unread, err := op.claim(s.form, s.shape, s.draft.Values, s.draft.Unread)
	if err != nil {
		return err
	}
	s.draft = &Draft{Values: values, Unread: unread, Below: s.draft.Below}
	for n, v := range values {
		if x := s.form.fields[n]; x != nil && x.Type.IsFile() {
			s.values[n] = v
		}
	}
	return nil
}

func isFile(x *definition.Field) bool { return x.Type.IsFile() }

// takeUpload is the file that the viewer uploaded for a field; it waits no
// longer once the transaction is committed.
func (op *Op) takeUpload(f *form, field uint32, id record.ID) (record.Attachment, bool, error) {
	if id.IsZero() {
		return record.Attachment{}, false, nil
	}
	key := uploadPrefix(op.app.def.Name, op.principal.User) + id.String()
	b, ok, err := op.r.Doc(spaceUpload, key)
	if err != nil || !ok {
		return record.Attachment{}, false, err
	}
	var u upload
	if err := json.Unmarshal(b, &u); err != nil {
		return record.Attachment{}, false, fault.Wrap(fault.Unavailable, opFile, err, "an upload is damaged")
	}
	a := record.Attachment{ID: id, Name: u.Name, ContentType: u.ContentType, Size: u.Size}
	if u.Form != f.def.Number || u.Field != field || len(u.Hash) != len(a.Hash) || op.write.now.After(u.Expires) {
		return record.Attachment{}, false, nil
	}
	copy(a.Hash[:], u.Hash)
	return a, true, op.txn.PutSecret(spaceUpload, key, nil)
}

// release deletes the content of the files that a record no longer holds; next
// is zero for a record that is deleted. Nothing reads the content of a file but
// through its record, so that it must not outlive its cell.
func (op *Op) release(f *form, old, next record.Record) error {
	for _, x := range f.def.Fields {
		if !x.Type.IsFile() {
			continue
		}
		was, ok := old.Get(&x.Field).Attachment()
		if !ok {
			continue
		}
		if !next.IsZero() {
			if is, ok := next.Get(&x.Field).Attachment(); ok && is.ID == was.ID {
				continue
			}
		}
		if err := op.dropContent(was.ID, chunksOf(was.Size)); err != nil {
			return err
		}
	}
	return nil
}

// File returns what the viewer may read of a file: the one with this id in the
// field of the record. Every other combination is the same NotFound.
func (op *Op) File(formName string, id record.ID, field string, file record.ID) (record.Attachment, error) {
	absent := fault.New(fault.NotFound, opFile, "file: not found")
	def, ok := op.app.def.Form(formName)
	if !ok {
		return record.Attachment{}, absent
	}
	x, ok := def.Field(field)
	if !ok || !x.Type.IsFile() {
		return record.Attachment{}, absent
	}
	r, ok, err := op.Get(def.Number, id)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return record.Attachment{}, err
	}
	if err != nil || !ok {
		return record.Attachment{}, absent
	}
	a, ok := r.Get(&x.Field).Attachment()
	if !ok || a.ID != file {
		return record.Attachment{}, absent
	}
	return a, nil
}

// FileAt says where a file is: in which field of which record.
type FileAt struct {
	Application string
	Form        string
	Record      record.ID
	Field       string
	File        record.ID
}

// OpenFile finds a file for a person, as [Op.File] does.
func (e *Engine) OpenFile(ctx context.Context, p identity.Principal, at FileAt) (record.Attachment, error) {
	op, err := e.Read(ctx, p, at.Application)
	if err != nil {
		return record.Attachment{}, err
	}
	defer op.Close()
	return op.File(at.Form, at.Record, at.Field, at.File)
}

// FileChunk returns the part of a file's content that holds the byte at offset,
// and where in the file it begins. The person's rights are asked again at each
// call: a transfer ends with the right to it. The caller owns the bytes.
func (e *Engine) FileChunk(ctx context.Context, p identity.Principal, at FileAt, offset int64) ([]byte, int64, error) {
	op, err := e.Read(ctx, p, at.Application)
	if err != nil {
		return nil, 0, err
	}
	defer op.Close()
	a, err := op.File(at.Form, at.Record, at.Field, at.File)
	if err != nil {
		return nil, 0, err
	}
	if offset < 0 || offset >= a.Size {
		return nil, 0, fault.New(fault.Internal, opFile, "an offset outside of the file")
	}
	n := offset / fileChunk
	b, ok, err := op.r.Doc(spaceContent, contentKey(at.Application, a.ID, int(n)))
	if err != nil {
		return nil, 0, err
	}
	if want := min(a.Size-n*fileChunk, fileChunk); !ok || int64(len(b)) != want {
		return nil, 0, fault.New(fault.Unavailable, opFile, "the content of this file is damaged")
	}
	return slices.Clone(b), n * fileChunk, nil
}
