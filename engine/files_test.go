package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"sluice/internal/fault"
	"sluice/internal/record"
)

// newArchive is a house whose deals hold files.
func newArchive(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	h.redefined(false, "      - {name: title, type: text, required: true, indexed: true}",
		"      - {name: title, type: text, required: true, indexed: true}\n      - {name: scan, type: file, maxSize: 3000000}\n      - {name: memo, type: file, accept: [\"text/*\"]}")
	return h
}

func (h *house) upload(who, field string, body io.Reader) (record.Attachment, error) {
	return h.e.Upload(h.t.Context(), h.as[who], "crm", "Deal", field, FileMeta{Name: "a.txt", ContentType: "text/plain"}, body)
}

func (h *house) kept(content []byte) record.Attachment {
	h.t.Helper()
	a, err := h.upload("rep", "scan", bytes.NewReader(content))
	must(h.t, err)
	return a
}

// contents counts what is stored of files: those that wait, and chunks.
func (h *house) contents() (waiting, chunks int) {
	h.read("admin", func(op *Op) {
		c := op.r.Docs(spaceUpload, "")
		for c.Next() {
			waiting++
		}
		c.Close()
		c = op.r.Docs(spaceContent, "")
		for c.Next() {
			chunks++
		}
		c.Close()
	})
	return waiting, chunks
}

func (h *house) download(who string, at FileAt) ([]byte, error) {
	a, err := h.e.OpenFile(h.t.Context(), h.as[who], at)
	if err != nil {
		return nil, err
	}
	var out []byte
	for int64(len(out)) < a.Size {
		part, from, err := h.e.FileChunk(h.t.Context(), h.as[who], at, int64(len(out)))
		if err != nil {
			return out, err
		}
		out = append(out, part[int64(len(out))-from:]...)
	}
	return out, nil
}

// TestFileRoundTrip: what was uploaded is what is read, whatever its length and
// however it arrives.
func TestFileRoundTrip(t *testing.T) {
	h := newArchive(t)
	id := h.add("rep", "Deal", cell{"title": "a"})
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(rapid.IntRange(1, 2000), rapid.SampledFrom([]int{fileChunk - 1, fileChunk, fileChunk + 1, 2 * fileChunk, chunksAtOnce*fileChunk + 5, 3_000_000})).Draw(t, "size")
		content := bytes.Repeat([]byte{byte(n), byte(n >> 8), 3, 5, 7}, n/5+1)[:n]
		var body io.Reader = bytes.NewReader(content)
		if rapid.Bool().Draw(t, "slowly") {
			body = iotest.HalfReader(body)
		}
		a, err := h.upload("rep", "scan", body)
		if err != nil || a.Size != int64(n) {
			t.Fatal(a, err)
		}
		if err := h.update("rep", "Deal", id, cell{"scan": a.ID}); err != nil {
			t.Fatal(err)
		}
		got, err := h.download("manager", FileAt{"crm", "Deal", id, "scan", a.ID})
		if err != nil || !bytes.Equal(got, content) {
			t.Fatalf("%d of %d bytes, %v", len(got), n, err)
		}
		if waiting, chunks := h.contents(); waiting != 0 || chunks != chunksOf(a.Size) {
			t.Fatalf("%d files wait, %d chunks stay of %d", waiting, chunks, chunksOf(a.Size))
		}
	})
	must(t, h.remove("rep", "Deal", id))
	if waiting, chunks := h.contents(); waiting != 0 || chunks != 0 {
		t.Errorf("after the record: %d files wait, %d chunks", waiting, chunks)
	}
}

// TestUploadThatFailsLeavesNothing: a body that breaks off or is too large.
func TestUploadThatFailsLeavesNothing(t *testing.T) {
	h := newArchive(t)
	cut := errors.New("cut off")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	leaving := iotest.ErrReader(cut)
	for name, body := range map[string]io.Reader{
		"cut off":   io.MultiReader(bytes.NewReader(make([]byte, 2_500_000)), leaving),
		"too large": bytes.NewReader(make([]byte, 3_000_001)),
		"empty":     bytes.NewReader(nil),
	} {
		if a, err := h.e.Upload(ctx, h.as["rep"], "crm", "Deal", "scan", FileMeta{Name: "a", ContentType: "text/plain"}, body); err == nil {
			t.Errorf("%s: kept as %+v", name, a)
		}
		if waiting, chunks := h.contents(); waiting != 0 || chunks != 0 {
			t.Errorf("%s: %d files wait, %d chunks", name, waiting, chunks)
		}
	}
	_, err := h.upload("rep", "memo", strings.NewReader("x"))
	must(t, err)
	_, err = h.e.Upload(ctx, h.as["rep"], "crm", "Deal", "memo", FileMeta{Name: "a", ContentType: "application/pdf"}, strings.NewReader("x"))
	denied(t, err, fault.Invalid)
	for _, name := range []string{"", "a/b", `a\b`, "a\nb", "a\xff", strings.Repeat("a", 256)} {
		_, err = h.e.Upload(ctx, h.as["rep"], "crm", "Deal", "memo", FileMeta{Name: name, ContentType: "text/plain"}, strings.NewReader("x"))
		denied(t, err, fault.Invalid)
	}
}

// TestUploadsExpire: a file that is used by nobody makes room again, and cannot
// be used any more.
func TestUploadsExpire(t *testing.T) {
	h := newArchive(t)
	now := time.Now()
	h.e.o.Now = func() time.Time { return now }
	var first record.Attachment
	for i := range MaxUploads {
		a := h.kept([]byte("x"))
		if i == 0 {
			first = a
		}
	}
	_, err := h.upload("rep", "scan", strings.NewReader("x"))
	denied(t, err, fault.Limit)
	if _, err := h.upload("manager", "scan", strings.NewReader("x")); err != nil {
		t.Errorf("another's files count: %v", err)
	}
	now = now.Add(UploadTime + time.Second)
	_, err = h.create("rep", "Deal", cell{"title": "a", "scan": first.ID})
	denied(t, err, fault.Invalid)
	_, before := h.contents()
	h.kept([]byte("x"))
	if _, after := h.contents(); after >= before {
		t.Errorf("%d chunks before, %d after", before, after)
	}
}

// TestP5FileTransferEndsWithTheRight: also between two parts of one file.
func TestP5FileTransferEndsWithTheRight(t *testing.T) {
	h := newArchive(t)
	id := h.add("rep", "Deal", cell{"title": "a", "scan": h.kept(make([]byte, 2*fileChunk)).ID})
	v := h.value("rep", "Deal", id, "scan")
	a, ok := v.Attachment()
	if !ok {
		t.Fatal(v)
	}
	at := FileAt{"crm", "Deal", id, "scan", a.ID}
	_, _, err := h.e.FileChunk(t.Context(), h.as["manager"], at, 0)
	must(t, err)
	h.place("manager", "Clerk", "Sales")
	_, _, err = h.e.FileChunk(t.Context(), h.as["manager"], at, fileChunk)
	denied(t, err, fault.NotFound)
}

// TestP8FileAfterPermission: what is wrong with a file is not told where the
// record may not be written.
func TestP8FileAfterPermission(t *testing.T) {
	h := newArchive(t)
	id := h.add("rep", "Deal", cell{"title": "a"})
	denied(t, h.update("clerk", "Deal", id, cell{"scan": record.ID{1}}), fault.NotFound)
	denied(t, h.update("viewer", "Deal", id, cell{"scan": record.ID{1}}), fault.Forbidden)
	msg := denied(t, h.update("rep", "Deal", id, cell{"scan": record.ID{1}}), fault.Invalid)
	if !strings.Contains(msg, "no such file") {
		t.Errorf("told %q", msg)
	}
}
