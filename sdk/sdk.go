// Package sdk holds what the author of a custom rule builds with, embedded: a
// library for each language over the interface sluice.rule/1, and the templates
// of new projects. The files are the ones in this folder; nothing is generated.
package sdk

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed c/sluice_rule.h assemblyscript/sluice.ts go/sluice.go.txt rust/sluice.rs all:templates
var files embed.FS

// Language is one that a rule can be written in.
type Language struct {
	Name    string // as on the command line
	Library string // the file name of its library, beside the source
	Source  string // the file name of the rule's source
	library string // path of the library here
	// Profile is what a module of the language needs of a custom rule.
	Profile string
}

var languages = []Language{
	{"c", "sluice_rule.h", "rule.c", "c/sluice_rule.h", "LEAN"},
	{"assemblyscript", "sluice.ts", "rule.ts", "assemblyscript/sluice.ts", "LEAN"},
	{"rust", "sluice.rs", "rule.rs", "rust/sluice.rs", "LEAN"},
	{"go", "sluice.go", "rule.go", "go/sluice.go.txt", "GO"},
}

// Languages returns all languages, in the order of the documentation. The slice
// is the caller's.
func Languages() []Language { return slices.Clone(languages) }

// Find returns the language of a name.
func Find(name string) (Language, bool) {
	i := slices.IndexFunc(languages, func(l Language) bool { return l.Name == name })
	if i < 0 {
		return Language{}, false
	}
	return languages[i], true
}

// File is one file of a project.
type File struct {
	Name string // without a folder
	Text []byte
}

// Project returns the files of a new project of that name, library included, in
// the order of their names. The name must be one that package authoring takes:
// it stands in the files as it is.
func (l Language) Project(name string) ([]File, error) {
	library, err := files.ReadFile(l.library)
	if err != nil {
		return nil, fmt.Errorf("sdk: no language %q", l.Name)
	}
	out := []File{{l.Library, library}}
	for _, dir := range []string{"templates/all", "templates/" + l.Name} {
		entries, err := fs.ReadDir(files, dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			text, err := files.ReadFile(path.Join(dir, e.Name()))
			if err != nil {
				return nil, err
			}
			f := File{target(e.Name()), []byte(strings.ReplaceAll(string(text), "RULE_NAME", name))}
			// What a language has of its own stands for what all have.
			out = append(slices.DeleteFunc(out, func(o File) bool { return o.Name == f.Name }), f)
		}
	}
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// target is the name of a template's file in a project: a file that would mean
// something in this repository is stored under another name.
func target(name string) string {
	return strings.TrimSuffix(strings.Replace(name, "dot-", ".", 1), ".txt")
}
