package engine

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// spaceUpload holds a document for each file that was uploaded and is not in a
// record yet, below its uploader; spaceContent holds the content of all files,
// in chunks.
const (
	spaceUpload  storage.Space = 27
	spaceContent storage.Space = 28
)

const (
	// fileChunk is how many bytes one document of content has, less in the last.
	// A reader of one has its rights asked again for each.
	fileChunk = 256 << 10
	// chunksAtOnce is how many of them one transaction of an upload writes.
	chunksAtOnce = 8
	// MaxUploads is how many files one person may have uploaded to an application
	// without putting them into a record.
	MaxUploads = 100
	// UploadTime is how long a file waits to be put into a record.
	UploadTime = 24 * time.Hour
	// maxFileName bounds the name of a file, in bytes.
	maxFileName = 255
)

const opFile = "engine.file"

// ImageTypes are the types that a field of type image takes, and that are shown
// by a browser instead of being saved. SVG is not among them: it holds scripts.
var ImageTypes = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// upload is what is known of a file that waits for its record.
type upload struct {
	Form        uint32    `json:"form"`
	Field       uint32    `json:"field"`
	Name        string    `json:"name"`
	ContentType string    `json:"contentType"`
	Size        int64     `json:"size"`
	Hash        []byte    `json:"hash,omitempty"` // nil until all of it is there
	Chunks      int       `json:"chunks"`         // at most, until then
	Expires     time.Time `json:"expires"`
}

func uploadPrefix(application string, user record.ID) string {
	return application + "/" + user.String() + "/"
}

func contentKey(application string, file record.ID, chunk int) string {
	return fmt.Sprintf("%s/%s/%06d", application, file, chunk)
}

// FileMeta is what an uploader says of a file.
type FileMeta struct {
	Name        string
	ContentType string
}

// Upload keeps a file for a field of type file or image, until the same person
// puts it into that field of a record by its id. It reads body to its end, at
// most the field's MaxSize bytes of it. NotFound for a form or field that the
// person may not write, whether it exists or not; Limit for a body that is too
// large and for more than MaxUploads files that wait; Invalid for a name or type
// that the field does not take. A file that is not put into a record within
// UploadTime is gone.
func (e *Engine) Upload(ctx context.Context, p identity.Principal, application, form, field string, meta FileMeta, body io.Reader) (record.Attachment, error) {
	u := &uploading{e: e, p: p, ctx: ctx, application: application, meta: meta}
	if err := u.begin(form, field); err != nil {
		return record.Attachment{}, err
	}
	err := u.receive(body)
	if err == nil {
		err = u.finish()
	}
	if err != nil {
		u.discard()
		return record.Attachment{}, err
	}
	return u.file, nil
}

// uploading is an upload under way.
type uploading struct {
	e           *Engine
	ctx         context.Context
	p           identity.Principal
	application string
	meta        FileMeta

	doc    upload
	file   record.Attachment
	max    int64
	accept []string
}

func (u *uploading) key() string { return uploadPrefix(u.application, u.p.User) + u.file.ID.String() }

// begin checks the rights and announces the file: what announces it knows which
// chunks there can be, so that they are found when nothing more is heard.
func (u *uploading) begin(form, field string) error {
	return u.e.Write(u.ctx, u.p, u.application, "upload", func(op *Op) error {
		f, x, err := op.fileField(form, field)
		if err != nil {
			return err
		}
		u.max, u.accept = x.MaxSize, x.Accept
		if u.meta, err = checkFileMeta(u.meta, u.accept); err != nil {
			return err
		}
		if err := op.dropExpired(); err != nil {
			return err
		}
		u.file = record.Attachment{ID: op.write.id(), Name: u.meta.Name, ContentType: u.meta.ContentType}
		u.doc = upload{
			Form: f.def.Number, Field: x.Number, Name: u.meta.Name, ContentType: u.meta.ContentType,
			Chunks: int((u.max + fileChunk - 1) / fileChunk), Expires: op.write.now.Add(UploadTime),
		}
		return u.put(op)
	})
}

func (u *uploading) put(op *Op) error {
	b, err := json.Marshal(u.doc)
	if err != nil {
		return err
	}
	return op.txn.PutSecret(spaceUpload, u.key(), b)
}

// fileField finds a field of a file that the viewer may write in some record.
// Form and field that do not exist, and those that may not be written, are the
// same error.
func (op *Op) fileField(formName, field string) (*form, *definition.Field, error) {
	absent := fault.New(fault.NotFound, opFile, "field: no such field of a file")
	def, ok := op.app.def.Form(formName)
	if !ok {
		return nil, nil, absent
	}
	f, shape, err := op.shape(def.Number)
	if err != nil {
		return nil, nil, absent
	}
	x, ok := def.Field(field)
	if !ok || !x.Type.IsFile() || !shape.Writable.Has(x.Number) || !shape.Create && !shape.CreateNested && !shape.Edit {
		return nil, nil, absent
	}
	return f, x, nil
}

// checkFileMeta refuses names that are paths or hold control characters, and
// types that the field does not take.
func checkFileMeta(m FileMeta, accept []string) (FileMeta, error) {
	m.ContentType = strings.ToLower(m.ContentType)
	bad := strings.IndexFunc(m.Name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '/' || r == '\\' || r == '\ufffd' }) >= 0
	if m.Name == "" || len(m.Name) > maxFileName || bad {
		return m, fault.New(fault.Invalid, opFile, "name: expected the name of a file, 1 to %d bytes without slashes and control characters", maxFileName)
	}
	if len(accept) > 0 && !accepts(accept, m.ContentType) {
		return m, fault.New(fault.Invalid, opFile, "type: this field takes files of type %s", strings.Join(accept, ", "))
	}
	return m, nil
}

func accepts(accept []string, media string) bool {
	for _, a := range accept {
		if group, any := strings.CutSuffix(a, "*"); a == media || any && strings.HasPrefix(media, group) {
			return true
		}
	}
	return false
}

// receive reads the content and stores it, some chunks in each transaction.
func (u *uploading) receive(body io.Reader) error {
	hash, batch := sha256.New(), make([][]byte, 0, chunksAtOnce)
	var size int64
	first := true
	for n := 0; ; {
		chunk := make([]byte, fileChunk)
		got, err := io.ReadFull(io.LimitReader(body, u.max-size+1), chunk)
		chunk, size = chunk[:got], size+int64(got)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return err
		}
		if size > u.max {
			return fault.New(fault.Limit, opFile, "the file has more than %d bytes, the most that this field takes", u.max)
		}
		if first {
			if err := checkContent(u.file.ContentType, chunk); err != nil {
				return err
			}
			first = false
		}
		hash.Write(chunk)
		if got > 0 {
			batch = append(batch, chunk)
		}
		last := got < fileChunk
		if len(batch) > 0 && (last || len(batch) == chunksAtOnce) {
			if err := u.store(n, batch); err != nil {
				return err
			}
			n, batch = n+len(batch), batch[:0]
		}
		if last {
			u.file.Size = size
			hash.Sum(u.file.Hash[:0])
			return nil
		}
	}
}

// checkContent refuses an image that is none of its type, by its first bytes.
// What is no image is sent as a download and never shown, whatever it holds.
func checkContent(media string, head []byte) error {
	if len(head) == 0 {
		return fault.New(fault.Invalid, opFile, "the file is empty")
	}
	if strings.HasPrefix(media, "image/") && !slices.Contains(ImageTypes, media) {
		return fault.New(fault.Invalid, opFile, "type: images are of type %s", strings.Join(ImageTypes, ", "))
	}
	if slices.Contains(ImageTypes, media) && !looksLike(media, head) {
		return fault.New(fault.Invalid, opFile, "the content is no image of type %s", media)
	}
	return nil
}

// looksLike reports whether content begins as an image of the type does.
func looksLike(media string, head []byte) bool {
	begins := func(s string) bool { return strings.HasPrefix(string(head[:min(len(head), 16)]), s) }
	switch media {
	case "image/png":
		return begins("\x89PNG\r\n\x1a\n")
	case "image/jpeg":
		return begins("\xff\xd8\xff")
	case "image/gif":
		return begins("GIF87a") || begins("GIF89a")
	case "image/webp":
		return begins("RIFF") && len(head) >= 12 && string(head[8:12]) == "WEBP"
	}
	return false
}

func (u *uploading) store(from int, chunks [][]byte) error {
	return u.e.Write(u.ctx, u.p, u.application, "upload", func(op *Op) error {
		if _, ok, err := op.r.Doc(spaceUpload, u.key()); err != nil || !ok {
			return op.or(orGone(err))
		}
		for i, c := range chunks {
			if err := op.txn.PutSecret(spaceContent, contentKey(u.application, u.file.ID, from+i), c); err != nil {
				return err
			}
		}
		return nil
	})
}

func orGone(err error) error {
	if err != nil {
		return err
	}
	return fault.New(fault.Conflict, opFile, "the upload was given up; begin again")
}

// finish makes the file one that can be put into a record.
func (u *uploading) finish() error {
	return u.e.Write(u.ctx, u.p, u.application, "upload", func(op *Op) error {
		if _, ok, err := op.r.Doc(spaceUpload, u.key()); err != nil || !ok {
			return op.or(orGone(err))
		}
		u.doc.Size, u.doc.Hash, u.doc.Chunks = u.file.Size, u.file.Hash[:], chunksOf(u.file.Size)
		return u.put(op)
	})
}

// discard takes back what an upload stored that did not come to its end. Where
// that fails too, the chunks go when the upload expires.
func (u *uploading) discard() {
	if u.file.ID.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), 10*time.Second)
	defer cancel()
	_ = u.e.Write(ctx, u.p, u.application, "upload", func(op *Op) error {
		return op.dropUpload(u.key(), u.doc.Chunks)
	})
}

func chunksOf(size int64) int { return int((size + fileChunk - 1) / fileChunk) }

// dropUpload deletes a file that waits, with its content.
func (op *Op) dropUpload(key string, chunks int) error {
	id, err := record.ParseID(key[strings.LastIndexByte(key, '/')+1:])
	if err != nil {
		return fault.Wrap(fault.Unavailable, opFile, err, "an upload is damaged")
	}
	if err := op.dropContent(id, chunks); err != nil {
		return err
	}
	return op.txn.PutSecret(spaceUpload, key, nil)
}

func (op *Op) dropContent(file record.ID, chunks int) error {
	for i := range chunks {
		if err := op.txn.PutSecret(spaceContent, contentKey(op.app.def.Name, file, i), nil); err != nil {
			return err
		}
	}
	return nil
}

// dropExpired deletes a few of the viewer's files that waited too long, and
// refuses one more where too many wait.
func (op *Op) dropExpired() error {
	c := op.r.Docs(spaceUpload, uploadPrefix(op.app.def.Name, op.principal.User))
	expired, waiting := map[string]int{}, 0
	for c.Next() {
		var doc upload
		if err := json.Unmarshal(c.Value(), &doc); err != nil {
			c.Close()
			return fault.Wrap(fault.Unavailable, opFile, err, "an upload is damaged")
		}
		switch {
		case !op.write.now.After(doc.Expires):
			waiting++
		case len(expired) < 3: // their chunks have to fit the transaction
			expired[c.Key()] = doc.Chunks
		}
	}
	err := c.Err()
	c.Close()
	if err != nil {
		return err
	}
	if waiting >= MaxUploads {
		return fault.New(fault.Limit, opFile, "%d of your files wait to be put into a record, the most that may; use them, or wait until they expire", waiting)
	}
	for _, key := range slices.Sorted(maps.Keys(expired)) {
		if err := op.dropUpload(key, expired[key]); err != nil {
			return err
		}
	}
	return nil
}
