package engine

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"sluice/internal/fault"
)

// registered asks for a document as somebody with a place in the application.
func (h *house) registered(id string) (text string, ok bool) {
	h.t.Helper()
	h.read("rep", func(op *Op) {
		var err error
		text, ok, err = op.Registered(id)
		must(h.t, err)
	})
	return text, ok
}

// TestA6DocumentsAreKept: who defines the application registers its documents,
// within bounds, all of one call or none; one id stands for one text.
func TestA6DocumentsAreKept(t *testing.T) {
	h := newHouse(t)
	put := func(who string, docs ...NewDocument) (int, error) {
		return h.e.PutDocuments(t.Context(), h.as[who], "crm", docs)
	}
	kind := func(err error) fault.Kind {
		if err == nil {
			return 0
		}
		return fault.KindOf(err)
	}
	if n, err := put("dev", NewDocument{"a", "{a}"}, NewDocument{"b", "{b}"}); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	for _, c := range []struct {
		who  string
		docs []NewDocument
		want fault.Kind
	}{
		{"admin", []NewDocument{{"a", "{a}"}}, 0},
		{"rep", []NewDocument{{"x", "{a}"}}, fault.Forbidden},
		{"admin", []NewDocument{{"x", "{x}"}, {"a", "{other}"}}, fault.Conflict},
		{"admin", []NewDocument{{"x", "{x}"}, {"x", "{y}"}}, fault.Conflict},
		{"admin", []NewDocument{{"x", ""}}, fault.Limit},
		{"admin", []NewDocument{{"x", strings.Repeat("x", MaxDocumentText+1)}}, fault.Limit},
		{"admin", []NewDocument{{"page:x", "{x}"}}, fault.Invalid},
		{"admin", []NewDocument{{strings.Repeat("x", MaxDocumentID+1), "{x}"}}, fault.Invalid},
		{"admin", make([]NewDocument, 1), fault.Invalid},
	} {
		if _, err := put(c.who, c.docs...); kind(err) != c.want {
			t.Errorf("%s %.60v: %v", c.who, c.docs, err)
		}
	}
	for id, want := range map[string]string{"a": "{a}", HashPrefix + DocumentHash("{b}"): "{b}", DocumentHash("{a}"): "{a}", "x": "", "": "", "page:a": "", HashPrefix: "", HashPrefix + "a": ""} {
		if text, ok := h.registered(id); text != want || ok != (want != "") {
			t.Errorf("%q is %q", id, text)
		}
	}
	for part := range 3 {
		many := make([]NewDocument, MaxDocumentPush)
		for i := range many {
			many[i] = NewDocument{fmt.Sprintf("many-%d-%d", part, i), "{many}"}
		}
		many[0].ID = "a"
		many[0].Text = "{a}"
		_, err := put("admin", many...)
		if want := map[bool]fault.Kind{true: fault.Limit}[part == 2]; kind(err) != want {
			t.Errorf("push %d: %v", part, err)
		}
	}
	if _, err := put("admin", make([]NewDocument, MaxDocumentPush+1)...); err == nil {
		t.Error("more than a push takes")
	}
	docs, err := h.e.Documents(t.Context(), h.as["dev"], "crm")
	if err != nil || len(docs) != MaxDocuments || docs[0].ID != "a" || docs[0].Hash != DocumentHash("{a}") || docs[0].Size != 3 {
		t.Errorf("%d documents, %v", len(docs), err)
	}
	if _, err := h.e.Documents(t.Context(), h.as["rep"], "crm"); kind(err) != fault.Forbidden {
		t.Error(err)
	}
	if err := h.e.RemoveDocument(t.Context(), h.as["rep"], "crm", "a"); kind(err) != fault.Forbidden {
		t.Error(err)
	}
}

// TestDocumentsAreChangedOneAfterAnother: a text that goes with its last id while
// another id begins to stand for it is there for that one.
func TestDocumentsAreChangedOneAfterAnother(t *testing.T) {
	h := newHouse(t)
	for round := range 20 {
		old, next := fmt.Sprintf("old%d", round), fmt.Sprintf("next%d", round)
		text := fmt.Sprintf("{a%d}", round)
		_, err := h.e.PutDocuments(t.Context(), h.as["dev"], "crm", []NewDocument{{old, text}})
		must(t, err)
		var both sync.WaitGroup
		errs := make([]error, 2)
		both.Go(func() { errs[0] = h.e.RemoveDocument(t.Context(), h.as["dev"], "crm", old) })
		both.Go(func() { _, errs[1] = h.e.PutDocuments(t.Context(), h.as["admin"], "crm", []NewDocument{{next, text}}) })
		both.Wait()
		must(t, errs[0])
		must(t, errs[1])
		if got, ok := h.registered(next); !ok || got != text {
			t.Fatalf("round %d: %q %v", round, got, ok)
		}
		if _, ok := h.registered(old); ok {
			t.Fatalf("round %d: the removed id stands for a text", round)
		}
	}
}
