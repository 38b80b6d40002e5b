package command

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sluice/internal/fault"
	"sluice/rules"
	"sluice/rules/authoring"
)

func projectFlag(fs *flag.FlagSet) *string {
	return fs.String("dir", ".", "`DIR` of the project")
}

// subject is a module to test or to time, with its cases.
type subject struct {
	dir, cases, file *string
	module           []byte
	manifest         *rules.Manifest
}

func subjectFlags(fs *flag.FlagSet) *subject {
	return &subject{
		dir:   projectFlag(fs),
		cases: fs.String("cases", "", "`FILE` with the cases (default "+authoring.CasesFile+" of the project)"),
		file:  fs.String("module", "", "`FILE` with a module that holds its manifest (default the project's)"),
	}
}

// read reads the module and its manifest.
func (s *subject) read() (err error) {
	if *s.file != "" {
		s.module, err = authoring.ReadFile(*s.file)
		err = byFlag("module", err)
	} else {
		var p *authoring.Project
		if p, err = openProject(*s.dir); err == nil {
			s.module, err = p.Module()
		}
	}
	if err == nil {
		s.manifest, err = rules.ReadManifest(s.module)
	}
	return err
}

func (s *subject) casesFile() string {
	return firstOf(*s.cases, filepath.Join(*s.dir, authoring.CasesFile))
}

func (s *subject) noCases() bool {
	_, err := os.Stat(s.casesFile())
	return errors.Is(err, fs.ErrNotExist)
}

func (s *subject) readCases() ([]authoring.Case, error) {
	src, err := authoring.ReadFile(s.casesFile())
	if err != nil && *s.cases != "" {
		return nil, byFlag("cases", err)
	}
	if err != nil {
		return nil, err
	}
	cases, err := authoring.ReadCases(src, s.manifest)
	if err != nil {
		return nil, fmt.Errorf("%s%s", s.casesFile(), strings.TrimPrefix(message(err), "cases"))
	}
	return cases, nil
}

// openProject opens the project that -dir names, which is the folder of now unless it
// is given.
func openProject(dir string) (*authoring.Project, error) {
	p, err := authoring.Open(dir)
	if err != nil && dir != "." {
		return nil, byFlag("dir", err)
	}
	return p, err
}

// byFlag is an error about what a flag names; nil for none.
func byFlag(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("-%s: %w", name, said(err))
}

// said is an error in the words for the user: what a fault says without the
// operation, any other as it is.
func said(err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Msg != "" {
		return errors.New(f.Msg)
	}
	return err
}
