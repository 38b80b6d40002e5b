package gateway

import (
	"fmt"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"sluice/engine"
	graphapp "sluice/graph/app"
	"sluice/internal/definition"
)

// CheckPages says what is wrong with the pages of a definition: documents that
// are not one query within RegisteredLimits, or that name what the definition
// does not have; and which sets open a page that asks for more than their
// holders may use.
func CheckPages(app *definition.Application, shapes engine.Shapes) ([]definition.Fault, []definition.Finding) {
	b := graphapp.NewBuilder(app)
	schema, err := b.Build(shapes.Full)
	if err != nil {
		return []definition.Fault{{Path: "pages", Msg: err.Error()}}, nil
	}
	var faults []definition.Fault
	for i, p := range app.Pages {
		for _, e := range pageErrors(schema.AST, p) {
			faults = append(faults, definition.Fault{
				Line: app.LineOf("pages", p.Name, "document"), Path: fmt.Sprintf("pages[%d].document", i), Msg: inPage(e),
			})
		}
	}
	if len(faults) > 0 {
		return faults, nil
	}
	return nil, unusablePages(app, b, shapes)
}

func unusablePages(app *definition.Application, b *graphapp.Builder, shapes engine.Shapes) (out []definition.Finding) {
	for _, set := range app.Sets {
		shape, ok := shapes.Of(set.Name)
		if !ok || len(shape.Pages) == 0 || set.Name == definition.WriteSet {
			continue
		}
		schema, err := b.Build(shape)
		if err != nil {
			continue // what clashes in a part clashes in the whole
		}
		for _, p := range shape.Pages {
			errs := pageErrors(schema.AST, p)
			if len(errs) == 0 {
				continue
			}
			out = append(out, definition.Finding{
				Kind: definition.PageUnusable, Severity: definition.Warning,
				Line: app.LineOf("permissionSets", set.Name, "pages", p.Name), Path: "permissionSets." + set.Name + ".pages." + p.Name,
				Msg: fmt.Sprintf("the page fails for every holder: %s", inPage(errs[0])),
				Fix: "let the set see what the page asks for, take it out of the page, or take ACCESS away",
			})
		}
	}
	return out
}

// pageErrors checks the document of a page against a schema.
func pageErrors(schema *ast.Schema, p *definition.Page) gqlerror.List {
	doc, errs := RegisteredLimits.Parse(p.Document)
	if errs != nil {
		return errs
	}
	if len(doc.Operations) != 1 || doc.Operations[0].Operation != ast.Query {
		return gqlerror.List{gqlerror.Errorf("expected one query and nothing else to run")}
	}
	return Validate(schema, doc)
}

// inPage is a message with its place in the document of the page.
func inPage(e *gqlerror.Error) string {
	if i := slices.IndexFunc(e.Locations, func(l gqlerror.Location) bool { return l.Line > 0 }); i >= 0 {
		return fmt.Sprintf("line %d of the document: %s", e.Locations[i].Line, e.Message)
	}
	return e.Message
}
