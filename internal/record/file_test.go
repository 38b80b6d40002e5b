package record

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func anyAttachment(t *rapid.T) Attachment {
	a := Attachment{
		Name:        rapid.StringN(1, 40, 255).Draw(t, "name"),
		ContentType: rapid.SampledFrom([]string{"image/png", "application/pdf", "text/plain"}).Draw(t, "type"),
		Size:        rapid.Int64Min(0).Draw(t, "size"),
	}
	copy(a.ID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
	copy(a.Hash[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
	return a
}

func TestAttachmentRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := anyAttachment(t)
		if back, ok := a.Value().Attachment(); !ok || back != a {
			t.Fatalf("%+v came back as %+v, %v", a, back, ok)
		}
		var got struct {
			ID                ID
			Name, ContentType string
			Size              json.Number
		}
		text := AppendJSON(nil, &Field{Type: File}, a.Value())
		if err := json.Unmarshal(text, &got); err != nil || got.ID != a.ID || got.ContentType != a.ContentType ||
			got.Name != strings.ToValidUTF8(a.Name, "\ufffd") {
			t.Fatalf("%s: %+v, %v", text, got, err)
		}
	})
}

// TestAttachmentOfOtherValues: only what Value made is a file.
func TestAttachmentOfOtherValues(t *testing.T) {
	whole := Attachment{ID: ID{1}, Name: "a", ContentType: "b", Size: 1}.Value()
	parts := whole.List()
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = string(p)
	}
	for _, v := range []Value{{}, Int(1), Bool(true), String("a"), Ref(ID{1}), List(), List("red"), List(texts[:4]...)} {
		if a, ok := v.Attachment(); ok {
			t.Errorf("%v is a file: %+v", v, a)
		}
	}
	for i, bad := range map[int]string{0: "no id", 3: "-1", 4: strings.Repeat("g", 64)} {
		other := append([]string{}, texts...)
		other[i] = bad
		if a, ok := List(other...).Attachment(); ok {
			t.Errorf("part %d %q: %+v", i, bad, a)
		}
	}
}
