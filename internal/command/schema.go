package command

import (
	"context"
	"net/http"
	"net/url"
)

var schemaPrintCommand = &command{
	name: "schema print", summary: "print the schema of an application",
	usage: "-application NAME [-json] [-as EMAIL | -set NAME]",
	help: `
Prints the schema of an application as it is for whoever asks: what they may not
use is not in it. As text of GraphQL, or as the answer to an introspection query,
which is what code generators read.

An admin can print it -as somebody else, a live or portal user or a developer;
admins and developers can print that of the holders of a permission set.

Examples:
  sluice schema print -application sales
  sluice schema print -application sales -json
  sluice schema print -application sales -as bob@acme.example
  sluice schema print -application sales -set Sales`,
	run: runSchemaPrint,
}

func runSchemaPrint(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	asJSON := fs.Bool("json", false, "print the answer to an introspection query")
	as := fs.String("as", "", "`EMAIL` of the person whose schema is printed")
	set := fs.String("set", "", "`NAME` of the permission set whose schema is printed")
	if err := c.parse(fs, args, 0, "application"); err != nil {
		return err
	}
	if *as != "" && *set != "" {
		return badUsage("%s: -as and -set say the same in two ways; give one", c.name)
	}
	if err := r.beginSignedIn(); err != nil {
		return err
	}
	path := "/apps/" + url.PathEscape(*application) + "/schema.graphql"
	if *asJSON {
		path = "/apps/" + url.PathEscape(*application) + "/schema.json"
	}
	for name, value := range map[string]string{"as": *as, "set": *set} {
		if value != "" {
			path += "?" + url.Values{name: {value}}.Encode()
		}
	}
	status, answer, err := r.exchange(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return r.unexpected(status, answer)
	}
	_, err = env.Stdout.Write(answer)
	return err
}
