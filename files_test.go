package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// transfer sends or fetches the content of a file.
func (d *demoServer) transfer(t *testing.T, who, method, path, media string, body []byte, header ...string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, d.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	req.Header.Set("Authorization", "Bearer "+d.tokens[who])
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, b
}

func (d *demoServer) uploads(t *testing.T, who, name, media string, content []byte) string {
	t.Helper()
	resp, b := d.transfer(t, who, http.MethodPost, "/apps/sales/files/Product/picture?name="+name, media, content)
	var got struct{ ID string }
	if err := json.Unmarshal(b, &got); err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("upload: %d %s", resp.StatusCode, b)
	}
	return got.ID
}

// picture is an image of n bytes, of which nobody looks at more than the first.
func picture(n int) []byte {
	b := bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n]
	copy(b, png)
	return b
}

const productOf = `mutation{createProduct(input:{sku:%q,name:"With a picture",price:"1",picture:%q}){id product{picture{id name contentType size sha256 url}}}}`

// TestFiles goes the way of a picture: uploaded, put into a record, read by those
// who see the record, replaced, and gone with its record.
func TestFiles(t *testing.T) {
	d := theDemo(t)
	content := picture(700_001) // three chunks
	a := d.ok(t, "felix", productOf, "F-1", d.uploads(t, "felix", "lamp%20%C3%A9.png", "image/png", content))
	id, at := a.at("createProduct.id").(string), a.at("createProduct.product.picture.url").(string)
	if a.at("createProduct.product.picture.name") != "lamp é.png" || a.at("createProduct.product.picture.size") != float64(len(content)) {
		t.Fatalf("%+v", a)
	}
	resp, b := d.transfer(t, "ravi", http.MethodGet, at, "", nil)
	if resp.StatusCode != http.StatusOK || !bytes.Equal(b, content) {
		t.Fatalf("ravi reads: %d, %d bytes", resp.StatusCode, len(b))
	}
	for name, want := range map[string]string{
		"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
		"Cache-Control": "private, no-cache", "Content-Disposition": "inline; filename*=utf-8''lamp%20%C3%A9.png", "Vary": "Authorization",
		"Etag": `"` + a.at("createProduct.product.picture.sha256").(string) + `"`,
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if resp, b := d.transfer(t, "ravi", http.MethodGet, at, "", nil, "Range", "bytes=262140-262150"); resp.StatusCode != http.StatusPartialContent || !bytes.Equal(b, content[262140:262151]) {
		t.Errorf("a range over two chunks: %d %q", resp.StatusCode, b)
	}
	if resp, b := d.transfer(t, "ravi", http.MethodGet, at, "", nil, "If-None-Match", resp.Header.Get("Etag")); resp.StatusCode != http.StatusNotModified || len(b) != 0 {
		t.Errorf("unchanged: %d %q", resp.StatusCode, b)
	}
	if resp, _ := d.transfer(t, "ravi", http.MethodHead, at, "", nil); resp.StatusCode != http.StatusOK || resp.ContentLength != int64(len(content)) {
		t.Errorf("HEAD: %d, %d bytes", resp.StatusCode, resp.ContentLength)
	}
	d.ok(t, "felix", `mutation{updateProduct(id:%q,input:{picture:%q}){id}}`, id, d.uploads(t, "felix", "b.png", "image/png", picture(100)))
	if resp, _ := d.transfer(t, "felix", http.MethodGet, at, "", nil); resp.StatusCode != http.StatusNotFound {
		t.Errorf("a picture that was replaced: %d", resp.StatusCode)
	}
	at = d.ok(t, "ravi", `{product(id:%q){picture{url}}}`, id).at("product.picture.url").(string)
	if resp, b := d.transfer(t, "ravi", http.MethodGet, at, "", nil); resp.StatusCode != http.StatusOK || !bytes.Equal(b, picture(100)) {
		t.Errorf("the other picture: %d, %d bytes", resp.StatusCode, len(b))
	}
	d.ok(t, "priya", `mutation{deleteProduct(id:%q){id}}`, id)
	if resp, _ := d.transfer(t, "felix", http.MethodGet, at, "", nil); resp.StatusCode != http.StatusNotFound {
		t.Errorf("a picture of a record that is gone: %d", resp.StatusCode)
	}
}

// TestFilesAreUsedOnce: what was uploaded is for one field of one record, of its
// uploader.
func TestFilesAreUsedOnce(t *testing.T) {
	d := theDemo(t)
	file := d.uploads(t, "felix", "a.png", "image/png", picture(64))
	if a := d.as(t, "priya", productOf, "F-2", file); a.code() != "BAD_USER_INPUT" {
		t.Errorf("another's upload: %+v", a)
	}
	d.ok(t, "felix", productOf, "F-3", file)
	a := d.as(t, "felix", productOf, "F-4", file)
	if a.code() != "BAD_USER_INPUT" || !strings.Contains(a.Errors[0].Message, "input.picture: no such file") {
		t.Errorf("used twice: %+v", a)
	}
	file = d.uploads(t, "felix", "a.png", "image/png", picture(64))
	if a := d.as(t, "felix", `mutation{a:createProduct(input:{sku:"F-5",name:"x",price:"1",picture:%q}){id} b:createProduct(input:{sku:"F-6",name:"x",price:"1",picture:%q}){id}}`, file, file); a.code() != "BAD_USER_INPUT" {
		t.Errorf("used twice in one operation: %+v", a)
	}
	d.ok(t, "felix", productOf, "F-7", file) // the operation that failed took nothing
}

// TestFilesThatAreRefused: what is too large or no picture is not kept.
func TestFilesThatAreRefused(t *testing.T) {
	d := theDemo(t)
	for name, c := range map[string]struct {
		path, media string
		content     []byte
		status      int
	}{
		"too large":        {"Product/picture?name=a.png", "image/png", picture(2<<20 + 1), http.StatusRequestEntityTooLarge},
		"empty":            {"Product/picture?name=a.png", "image/png", nil, http.StatusBadRequest},
		"not of its type":  {"Product/picture?name=a.png", "image/png", []byte("<html>"), http.StatusBadRequest},
		"no picture":       {"Product/picture?name=a.html", "text/html", []byte("<html>"), http.StatusBadRequest},
		"scripts":          {"Product/picture?name=a.svg", "image/svg+xml", []byte("<svg>"), http.StatusBadRequest},
		"a path":           {"Product/picture?name=..%2Fa.png", "image/png", picture(64), http.StatusBadRequest},
		"no name":          {"Product/picture", "image/png", picture(64), http.StatusBadRequest},
		"more than a name": {"Product/picture?name=a.png&x=1", "image/png", picture(64), http.StatusBadRequest},
		"no type":          {"Product/picture?name=a.png", "", picture(64), http.StatusUnsupportedMediaType},
	} {
		if resp, b := d.transfer(t, "felix", http.MethodPost, "/apps/sales/files/"+c.path, c.media, c.content); resp.StatusCode != c.status {
			t.Errorf("%s: %d %s", name, resp.StatusCode, b)
		}
	}
	resp, b := d.transfer(t, "felix", http.MethodPost, "/apps/sales/files/Product/picture?name=a.png", "image/png", picture(2<<20))
	if resp.StatusCode != http.StatusCreated {
		t.Errorf("as large as may be: %d %s", resp.StatusCode, b)
	}
}
