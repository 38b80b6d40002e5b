package rules

import (
	"bytes"
	"strings"
	"testing"

	"sluice/internal/fault"
	"sluice/internal/record"
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

func target() *Target {
	fields := map[string]record.Field{
		"team":   {Number: 16, Name: "team", Type: record.Text},
		"amount": {Number: 17, Name: "amount", Type: record.Decimal, Scale: 2},
		"tags":   {Number: 18, Name: "tags", Type: record.MultiChoice},
		"phone":  {Number: 19, Name: "phone", Type: record.Text},
	}
	form := func(name string) (record.Field, bool) {
		if f, ok := record.SystemField(name); ok {
			return f, true
		}
		f, ok := fields[name]
		return f, ok
	}
	return &Target{
		Form: "Order", Effect: Share, Grant: 2, Record: form,
		Viewer:   func(name string) (record.Field, bool) { f, ok := fields[name]; return f, ok && name == "team" },
		Maskable: func(name string) bool { return name != "amount" },
	}
}

func TestCheck(t *testing.T) {
	parse := func(src string) *Manifest {
		m, err := ParseManifest([]byte(src))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if err := Check(parse(goodManifest), target()); err != nil {
		t.Errorf("good: %v", err)
	}
	mask := func(fields string) string { return `{"abi":1,"form":"Order","effect":"mask","mask":[` + fields + `]}` }
	for _, c := range []struct {
		name, src string
		change    func(*Target)
		want      []string
	}{
		{"form", goodManifest, func(x *Target) { x.Form = "Invoice" }, []string{"form"}},
		{"effect and mask", goodManifest, func(x *Target) { x.Effect = Restrict }, []string{"effect"}},
		{"cap", goodManifest, func(x *Target) { x.Grant = 1 }, []string{"grant"}},
		{"absent", strings.Replace(goodManifest, `"tags"`, `"labels"`, 1), nil, []string{`record[2]: "labels" does not exist`}},
		{"type", strings.Replace(goodManifest, `"multi-choice"`, `"text"`, 1), nil, []string{`record[2]: "tags" is of type multi-choice`}},
		{"scale", strings.Replace(goodManifest, `"scale":2`, `"scale":3`, 1), nil, []string{"scale 2, not 3"}},
		{"two at once", goodManifest, func(x *Target) { x.Form, x.Grant = "Invoice", 0 }, []string{"form", "grant"}},
		{"mask absent", mask(`"fax"`), func(x *Target) { x.Effect = Mask }, []string{`"fax"`}},
		{"mask not allowed", mask(`"amount"`), func(x *Target) { x.Effect = Mask }, []string{`"amount"`}},
		{"mask of a system field", mask(`"phone","version"`), func(x *Target) { x.Effect = Mask }, []string{`"version"`}},
	} {
		x := target()
		if c.change != nil {
			c.change(x)
		}
		err := Check(parse(c.src), x)
		if fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(fault.Message(err), w) {
				t.Errorf("%s: %q, expected %q in it", c.name, fault.Message(err), w)
			}
		}
	}
}
