package command

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

var documentsPushCommand = &command{
	name: "documents push", summary: "register the documents of a manifest",
	usage: "-application NAME -f FILE",
	help: `
Registers the GraphQL documents of a manifest, all of them or none: a JSON object
of documents by id, as Relay's compiler and graphql-codegen write it, or an Apollo
manifest. Each is checked against the whole definition. What is registered already
stays. For admins and the application's developers.

Examples:
  sluice documents push -application sales -f persisted-documents.json
  sluice documents push -application sales -f - < manifest.json`,
	run: runDocumentsPush,
}

func runDocumentsPush(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	file := fs.String("f", "", "`FILE` with the manifest, - for standard input")
	if err := r.start(args, 0, "application", "f"); err != nil {
		return err
	}
	manifest, err := readInput(env, *file)
	if err != nil {
		return err
	}
	var out struct {
		Documents, Added int
		Faults           []struct {
			ID, Message string
			Line        int
		}
	}
	status, answer, err := r.exchange(ctx, http.MethodPut, documentsPath(*application), "application/json", manifest)
	if err != nil {
		return err
	}
	if status != http.StatusOK && status != http.StatusUnprocessableEntity || json.Unmarshal(answer, &out) != nil {
		return r.unexpected(status, answer)
	}
	for _, f := range out.Faults {
		fmt.Fprintf(env.Stderr, "%s: %s:%d: %s\n", *file, f.ID, f.Line, f.Message)
	}
	if len(out.Faults) > 0 {
		return fmt.Errorf("%s: documents are faulty (%d), nothing was registered", *file, len(out.Faults))
	}
	fmt.Fprintf(env.Stdout, "Registered %d documents, %d of them new.\n", out.Documents, out.Added)
	return nil
}

func documentsPath(application string) string {
	return "/apps/" + url.PathEscape(application) + "/documents"
}

var documentsListCommand = &command{
	name: "documents list", summary: "list registered documents",
	usage: "-application NAME",
	help: `
Lists the registered documents of an application by id. For admins and the
application's developers.

Examples:
  sluice documents list -application sales`,
	run: runDocumentsList,
}

func runDocumentsList(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	if err := r.start(args, 0, "application"); err != nil {
		return err
	}
	status, answer, err := r.exchange(ctx, http.MethodGet, documentsPath(*application), "", nil)
	if err != nil {
		return err
	}
	var out struct {
		Documents []struct {
			ID, SHA256 string
			Size       int
			Uploaded   time.Time
		}
	}
	if status != http.StatusOK || json.Unmarshal(answer, &out) != nil {
		return r.unexpected(status, answer)
	}
	t := newTable(env.Stdout, "ID", "BYTES", "REGISTERED", "SHA256")
	for _, d := range out.Documents {
		t.row(d.ID, d.Size, d.Uploaded.Format(time.RFC3339), d.SHA256)
	}
	return t.flush()
}

var documentsRemoveCommand = &command{
	name: "documents remove", summary: "take registered documents back",
	usage: "-application NAME -id ID [-id ID]...",
	help: `
Removes registered documents: from the next request on there is none of that id.
For admins and the application's developers.

Examples:
  sluice documents remove -application sales -id customerNames
  sluice documents remove -application sales -id one -id other`,
	run: runDocumentsRemove,
}

func runDocumentsRemove(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	var ids texts
	fs.Var(&ids, "id", "`ID` of a document; may be repeated")
	if err := r.start(args, 0, "application", "id"); err != nil {
		return err
	}
	for _, id := range ids {
		status, answer, err := r.exchange(ctx, http.MethodDelete, documentsPath(*application)+"/"+url.PathEscape(id), "", nil)
		if err != nil {
			return err
		}
		if status != http.StatusOK {
			return fmt.Errorf("%s: %w", id, r.unexpected(status, answer))
		}
		fmt.Fprintf(env.Stdout, "Removed %s.\n", id)
	}
	return nil
}
