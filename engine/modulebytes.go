package engine

import (
	"slices"
	"strconv"

	"sluice/internal/definition"
	"sluice/internal/fault"
	"sluice/rules"
	"sluice/storage"
)

// A module of the Go profile is longer than a document may be: its bytes stand in
// several, the first where those of others stand.
func modulePartKey(application, hash string, part int) string {
	key := moduleBytesKey(application, hash)
	if part == 0 {
		return key
	}
	return key + "/" + strconv.Itoa(part)
}

// putModuleBytes keeps the bytes of a module, all in one transaction.
func putModuleBytes(txn *storage.Txn, application, hash string, module []byte) error {
	part := 0
	for b := range slices.Chunk(module, storage.MaxValue) {
		if err := txn.PutSecret(spaceModule, modulePartKey(application, hash, part), b); err != nil {
			return err
		}
		part++
	}
	return nil
}

// readModuleBytes returns size bytes of a module, the caller's, and nil when some
// of them are not there: a module is whole or missing.
func readModuleBytes(r storage.Reader, application, hash string, size int) ([]byte, error) {
	var out []byte
	for part := 0; part == 0 || len(out) < size; part++ {
		b, ok, err := r.Doc(spaceModule, modulePartKey(application, hash, part))
		if err != nil || !ok || part > 0 && len(b) == 0 {
			return nil, err
		}
		out = append(out, b...)
	}
	return out, nil
}

// permitsModule refuses a module whose profile no custom rule of the definition
// permits, before anything is compiled. A manifest that cannot be read is left to
// the check of the module, which says so.
func permitsModule(def *definition.Application, module []byte) error {
	m, err := rules.ReadManifest(module)
	asks := err == nil && m.Profile != rules.Lean
	if !asks || slices.ContainsFunc(def.Custom, func(c *definition.CustomRule) bool { return permits(c, m) }) {
		return nil
	}
	return fault.New(fault.Invalid, "engine.UploadModule", "module: its profile is %s, which no custom rule of application %s permits: write profile: %s at the rule in the definition and apply it", m.Profile, def.Name, profileWord(m.Profile))
}

// permits reports whether a rule takes modules of the manifest's profile.
func permits(rule *definition.CustomRule, m *rules.Manifest) bool {
	return m.Profile == rules.Lean || m.Profile == rules.Go && rule.Profile == definition.ProfileGo
}

func profileWord(p rules.Profile) definition.Profile {
	if p == rules.Go {
		return definition.ProfileGo
	}
	return definition.ProfileLean
}
