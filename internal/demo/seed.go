package demo

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"sluice/engine"
	rulesexamples "sluice/examples/rules"
	"sluice/internal/directory"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Definition is the application's definition, as a tenant would apply it.
//
//go:embed sales.yaml
var Definition []byte

// chunk is how many records one transaction of the seed adds. Each word of a
// searchable field is a write of its own.
const chunk = 50

type seeder struct {
	engine    *engine.Engine
	directory *directory.Directory
	progress  func(string)
}

// Seed fills an empty store. It is not resumable: a caller that is interrupted
// throws the store away and begins anew. progress is told each step, for people;
// nil for silence.
func Seed(ctx context.Context, e *engine.Engine, d *directory.Directory, progress func(string)) error {
	if progress == nil {
		progress = func(string) {}
	}
	s := &seeder{engine: e, directory: d, progress: progress}
	s.progress("people of Zylker")
	st, err := s.hire(ctx)
	if err != nil {
		return err
	}
	s.progress("application sales")
	if err := s.apply(ctx, st); err != nil {
		return err
	}
	if err := st.place(ctx, e); err != nil {
		return err
	}
	s.progress("rule modules")
	if err := s.activateRules(ctx, st); err != nil {
		return err
	}
	if err := s.records(ctx, st); err != nil {
		return err
	}
	return st.retire(ctx)
}

// principal signs somebody in.
func (s *seeder) principal(ctx context.Context, tenant identity.Tenant, user record.ID) (identity.Principal, error) {
	token, err := s.directory.OpenSession(ctx, tenant, user)
	if err != nil {
		return identity.Principal{}, err
	}
	return s.directory.Authenticate(ctx, token)
}

func (s *seeder) apply(ctx context.Context, st *staff) error {
	out, err := s.engine.Apply(ctx, st.admin, Definition, false)
	if err != nil {
		return err
	}
	if len(out.Faults) > 0 {
		var lines []string
		for _, f := range out.Faults {
			lines = append(lines, f.String())
		}
		return fmt.Errorf("the demo's definition: %s", strings.Join(lines, "; "))
	}
	return nil
}

// activateRules uploads, binds and activates the example modules.
func (s *seeder) activateRules(ctx context.Context, st *staff) error {
	for _, name := range rulesexamples.Demo() {
		module, err := rulesexamples.Module(name, rulesexamples.C)
		if err != nil {
			return err
		}
		m, err := s.engine.UploadModule(ctx, st.admin, Application, name, module)
		if err != nil {
			return fmt.Errorf("uploading %s: %w", name, err)
		}
		if _, err := s.engine.BindModule(ctx, st.admin, Application, name, m.Hash); err != nil {
			return fmt.Errorf("binding %s: %w", name, err)
		}
		if _, err := s.engine.ActivateRule(ctx, st.admin, Application, name); err != nil {
			return fmt.Errorf("activating %s: %w", name, err)
		}
	}
	return nil
}
