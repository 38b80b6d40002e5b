package authoring

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"sluice/internal/fault"
	"sluice/rules"
	"sluice/sdk"
)

// The files of a project that the commands look for.
const (
	ManifestFile = "manifest.json"
	CasesFile    = "cases.yaml"
	ModuleFile   = "rule.wasm" // what a build writes, manifest inside
)

const maxFile = 4 << 20 // bytes of cases or of a module that is read

var nameShape = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// CheckName reports whether a project may have that name: the rules that a
// definition may name in the same letters, which is also what files and
// packages may be called.
func CheckName(name string) error {
	if len(name) > 64 || !nameShape.MatchString(name) {
		return invalid("NAME: expected at most 64 small letters, digits and single hyphens, a letter first, like large-orders")
	}
	return nil
}

// New writes a project into dir, which must not exist or be empty, and returns
// the names of its files. A project is whole: it holds its own copy of the
// library.
func New(dir, name string, language sdk.Language) ([]string, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if len(entries) > 0 {
		return nil, invalid("%s: it holds files already; expected a new or an empty folder", dir)
	}
	files, err := language.Project(name)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var names []string
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Text, 0o644); err != nil {
			return nil, err
		}
		names = append(names, f.Name)
	}
	return names, nil
}

// Project is a folder with the source of one rule.
type Project struct {
	Dir      string
	Language sdk.Language
}

// Open finds the project in a folder: its language is that of the source there.
func Open(dir string) (*Project, error) {
	var found []sdk.Language
	var sources []string
	for _, l := range sdk.Languages() {
		sources = append(sources, l.Source)
		if _, err := os.Stat(filepath.Join(dir, l.Source)); err == nil {
			found = append(found, l)
		}
	}
	switch len(found) {
	case 0:
		return nil, invalid("%s: no rule here; expected %s, `sluice rule new` writes one", dir, strings.Join(sources, " or "))
	case 1:
		return &Project{dir, found[0]}, nil
	}
	return nil, invalid("%s: two rules here; expected one of %s", dir, strings.Join(sources, " and "))
}

// Module returns the module that the last build wrote. One that is older than
// its source, or was built with another manifest, is an error: its answers
// would not be those of what the author reads.
func (p *Project) Module() ([]byte, error) {
	path := filepath.Join(p.Dir, ModuleFile)
	built, err := os.Stat(path)
	if err != nil {
		return nil, invalid("%s: there is none yet; run `sluice rule build`", path)
	}
	for _, name := range []string{p.Language.Source, p.Language.Library, ManifestFile} {
		if s, err := os.Stat(filepath.Join(p.Dir, name)); err == nil && s.ModTime().After(built.ModTime()) {
			return nil, invalid("%s has changed since %s was built; run `sluice rule build`", name, ModuleFile)
		}
	}
	return ReadFile(path)
}

// Manifest returns the bytes of the project's manifest, which is valid.
func (p *Project) Manifest() ([]byte, error) {
	b, err := ReadFile(filepath.Join(p.Dir, ManifestFile))
	if fault.KindOf(err) == fault.NotFound {
		return nil, invalid("%s: no such file; a rule needs one, which says what it reads and may answer, and `sluice rule new` writes one with a rule", ManifestFile)
	}
	if err != nil {
		return nil, err
	}
	if _, err := rules.ParseManifest(b); err != nil {
		return nil, invalid("%s: %s", ManifestFile, strings.TrimPrefix(fault.Message(err), "manifest: "))
	}
	return b, nil
}

// ReadFile reads a file of at most 4 MiB.
func ReadFile(path string) ([]byte, error) {
	s, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Wrap(fault.NotFound, "authoring", err, "%s: no such file", path)
	}
	if err != nil {
		return nil, err
	}
	if s.IsDir() || s.Size() > maxFile {
		return nil, invalid("%s: expected a file of at most %d bytes", path, maxFile)
	}
	return os.ReadFile(path)
}

func invalid(format string, args ...any) error {
	return fault.New(fault.Invalid, "authoring", format, args...)
}
