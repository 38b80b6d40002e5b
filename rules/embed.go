package rules

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"sluice/internal/fault"
)

// ManifestSection is the name of the custom section that holds the manifest.
const ManifestSection = "sluice.manifest"

const wasmHeader = "\x00asm\x01\x00\x00\x00"

// Embed returns a copy of module with manifest, a JSON document, appended as
// its custom section. The manifest must be valid and the module must not have
// another one; a module that already holds these very bytes is returned as it
// is. The module itself is not checked.
func Embed(module, manifest []byte) ([]byte, error) {
	if _, err := ParseManifest(manifest); err != nil {
		return nil, err
	}
	old, found, err := findManifest(module)
	if err != nil {
		return nil, err
	}
	if found && bytes.Equal(old, manifest) {
		return bytes.Clone(module), nil
	}
	if found {
		return nil, fault.New(fault.Invalid, "rules.Embed", "module: it holds another manifest already")
	}
	body := binary.AppendUvarint(nil, uint64(len(ManifestSection)))
	body = append(append(body, ManifestSection...), manifest...)
	out := append(bytes.Clone(module), 0)
	return append(binary.AppendUvarint(out, uint64(len(body))), body...), nil
}

// ReadManifest returns the manifest that module holds. The rest of the module
// is not checked. No manifest, or two, is an error of kind Invalid.
func ReadManifest(module []byte) (*Manifest, error) {
	src, found, err := findManifest(module)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fault.New(fault.Invalid, "rules", "module: no manifest in it and none beside it; expected the custom section %q, which `sluice rule build` writes, and `sluice rule push -manifest FILE`", ManifestSection)
	}
	return ParseManifest(src)
}

// findManifest walks the section headers and returns the manifest's bytes,
// borrowed.
func findManifest(module []byte) (src []byte, found bool, err error) {
	if !bytes.HasPrefix(module, []byte(wasmHeader)) {
		return nil, false, fault.New(fault.Invalid, "rules", "module: expected a WebAssembly module of version 1")
	}
	for rest := module[len(wasmHeader):]; len(rest) > 0; {
		id := rest[0]
		body, next, ok := block(rest[1:])
		if !ok {
			return nil, false, fault.New(fault.Invalid, "rules", "module: it ends inside a section")
		}
		rest = next
		if id != 0 {
			continue
		}
		name, content, ok := block(body)
		if !ok || !utf8.Valid(name) {
			return nil, false, fault.New(fault.Invalid, "rules", "module: a custom section without a name")
		}
		if string(name) != ManifestSection {
			continue
		}
		if found {
			return nil, false, fault.New(fault.Invalid, "rules", "module: it holds two manifests")
		}
		src, found = content, true
	}
	return src, found, nil
}

// block reads a length (LEB128, 32 bits in at most 5 bytes) and as many bytes.
func block(b []byte) (content, rest []byte, ok bool) {
	n, k := binary.Uvarint(b)
	if k <= 0 || k > 5 || n > uint64(len(b)-k) {
		return nil, nil, false
	}
	return b[k : k+int(n)], b[k+int(n):], true
}
