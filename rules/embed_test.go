package rules

import (
	"bytes"
	"testing"

	"sluice/internal/fault"
)

const emptyModule = "\x00asm\x01\x00\x00\x00"

func TestEmbed(t *testing.T) {
	module, err := Embed([]byte(emptyModule), []byte(goodManifest))
	if err != nil {
		t.Fatal(err)
	}
	m, err := ReadManifest(module)
	if err != nil || m.Form != "Order" {
		t.Fatalf("%+v, %v", m, err)
	}
	again, err := Embed(module, []byte(goodManifest))
	if err != nil || !bytes.Equal(again, module) {
		t.Errorf("the same manifest again: %v", err)
	}
	if _, err = Embed(module, []byte(goodMask)); fault.KindOf(err) != fault.Invalid {
		t.Errorf("another manifest: %v", err)
	}
	if _, err = Embed([]byte(emptyModule), []byte("{}")); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a bad manifest: %v", err)
	}
	other, err := Embed([]byte(emptyModule), []byte(goodMask))
	if err != nil || HashOf(other) == HashOf(module) {
		t.Errorf("the manifest is not part of the hash: %v", err)
	}
}

func TestReadManifestRefuses(t *testing.T) {
	section := "\x00" + "\x14" + "\x0f" + ManifestSection + "null"
	for name, module := range map[string]string{
		"nothing":         "",
		"not a module":    "hello, world",
		"no manifest":     emptyModule,
		"cut":             emptyModule + "\x00\x20\x03",
		"length too long": emptyModule + "\x00\x80\x80\x80\x80\x80\x00",
		"name beyond":     emptyModule + "\x00\x01\x09",
		"name not UTF-8":  emptyModule + "\x00\x02\x01\xff",
		"not a manifest":  emptyModule + section,
		"two manifests":   emptyModule + section + section,
	} {
		if _, err := ReadManifest([]byte(module)); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadManifest(f *testing.F) {
	good, err := Embed([]byte(emptyModule), []byte(goodManifest))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, module []byte) {
		if _, err := ReadManifest(module); err != nil && fault.KindOf(err) != fault.Invalid {
			t.Fatal(err)
		}
	})
}
