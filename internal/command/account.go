package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"sluice/internal/httpd"
)

var setupCommand = &command{
	name: "setup", summary: "make the first organization of a server and its super admin",
	usage: "-code CODE -organization NAME -email ADDRESS -name NAME [-password-stdin]",
	help: `
Makes the first organization of a running server, with the code that the server
printed when it started. The password comes from standard input or from
SLUICE_PASSWORD.

Examples:
  sluice setup -code K3... -organization acme -email ann@acme.example -name "Ann Doe" -password-stdin < password.txt`,
	run: runSetup,
}

func runSetup(ctx context.Context, env *Env, c *command, args []string) error {
	fs := c.flags(env)
	r := remoteFlags(env, fs, false)
	var q httpd.SetupRequest
	fs.StringVar(&q.Code, "code", "", "`CODE` that the server printed")
	fs.StringVar(&q.Organization, "organization", "", "`NAME` of the organization")
	fs.StringVar(&q.Email, "email", "", "sign-in `ADDRESS` of the super admin")
	fs.StringVar(&q.Name, "name", "", "display `NAME` of the super admin")
	stdin := fs.Bool("password-stdin", false, "read the password from standard input")
	if err := c.parse(fs, args, 0, "code", "organization", "email", "name"); err != nil {
		return err
	}
	if err := r.begin(); err != nil {
		return err
	}
	var err error
	if q.Password, err = r.needPassword(*stdin); err != nil {
		return err
	}
	body, err := json.Marshal(q)
	if err != nil {
		return err
	}
	status, answer, err := r.exchange(ctx, http.MethodPost, "/setup", "application/json", body)
	if err != nil {
		return err
	}
	if status != http.StatusCreated {
		var w struct {
			Error string `json:"error"`
		}
		if json.Unmarshal(answer, &w) != nil || w.Error == "" {
			return r.unexpected(status, answer)
		}
		return fmt.Errorf("setup: %s", w.Error)
	}
	fmt.Fprintf(env.Stdout, "Organization %s is made; %s is its super admin. Next: sluice token -organization %s -email %s\n", q.Organization, q.Email, q.Organization, q.Email)
	return nil
}

var tokenCommand = &command{
	name: "token", summary: "sign in and print a session token",
	usage: "-organization NAME -email ADDRESS [-password-stdin]",
	help: `
Signs in and prints the token of a session. The password comes from standard
input or from SLUICE_PASSWORD.

Examples:
  export SLUICE_TOKEN=$(sluice token -organization acme -email ann@acme.example -password-stdin < password.txt)`,
	run: runToken,
}

func runToken(ctx context.Context, env *Env, c *command, args []string) error {
	fs := c.flags(env)
	r := remoteFlags(env, fs, false)
	organization := fs.String("organization", "", "`NAME` of the organization")
	email := fs.String("email", "", "sign-in `ADDRESS`")
	stdin := fs.Bool("password-stdin", false, "read the password from standard input")
	if err := c.parse(fs, args, 0, "organization", "email"); err != nil {
		return err
	}
	if err := r.begin(); err != nil {
		return err
	}
	*r.token = "" // whoever signs in has none, or one that is no good any more
	password, err := r.needPassword(*stdin)
	if err != nil {
		return err
	}
	var out struct{ SignIn struct{ Token string } }
	err = r.graphql(ctx, `mutation($o: String!, $e: String!, $p: String!) { signIn(organization: $o, email: $e, password: $p) { token } }`,
		map[string]any{"o": *organization, "e": *email, "p": password}, &out)
	if e, refused := errors.AsType[*serverError](err); refused && e.code == "UNAUTHENTICATED" {
		return fmt.Errorf("token: %s", e.message)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(env.Stdout, out.SignIn.Token)
	return nil
}

var tokenCreateCommand = &command{
	name: "token create", summary: "make a personal token for programs",
	usage: "-label TEXT [-days N]",
	help: `
Makes a personal token and prints it, this once. It takes the token of a session.

Examples:
  sluice token create -label nightly-import -days 90`,
	run: runTokenCreate,
}

func runTokenCreate(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	label := fs.String("label", "", "`TEXT` that tells what the token is for")
	days := fs.Int("days", 0, "`N` days until it expires; 0 for the server's bound, 365")
	if err := c.parse(fs, args, 0, "label"); err != nil {
		return err
	}
	if *days < 0 {
		return badUsage("token create: -days: expected 0 or more")
	}
	if err := r.beginSignedIn(); err != nil {
		return err
	}
	variables := map[string]any{"label": *label}
	if *days > 0 {
		variables["days"] = *days
	}
	var out struct{ CreateToken struct{ Token string } }
	if err := r.graphql(ctx, `mutation($label: String!, $days: Int) { createToken(label: $label, days: $days) { token } }`, variables, &out); err != nil {
		return err
	}
	fmt.Fprintln(env.Stdout, out.CreateToken.Token)
	return nil
}
