package command

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
)

var userAddCommand = &command{
	name: "user add", summary: "add a person to the organization",
	usage: "-email ADDRESS -name NAME [-admin] [-password-stdin]",
	help: `
Adds a person. Without a password on standard input or in SLUICE_PASSWORD one is
made and printed, this once.

Examples:
  sluice user add -email bob@acme.example -name "Bob Roe"
  sluice user add -email eve@acme.example -name "Eve Poe" -admin -password-stdin < password.txt`,
	run: runUserAdd,
}

func runUserAdd(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	email := fs.String("email", "", "sign-in `ADDRESS`")
	name := fs.String("name", "", "display `NAME`")
	admin := fs.Bool("admin", false, "an admin instead of an ordinary user")
	stdin := fs.Bool("password-stdin", false, "read the password from standard input")
	if err := r.start(args, 0, "email", "name"); err != nil {
		return err
	}
	password, err := r.password(*stdin)
	if err != nil {
		return err
	}
	made := password == ""
	if made {
		password = rand.Text()
	}
	var out struct {
		AddUser struct{ User struct{ Email string } }
	}
	input := map[string]any{"email": *email, "displayName": *name, "password": password, "admin": *admin}
	if err := r.graphql(ctx, `mutation($i: AddUserInput!) { addUser(input: $i) { user { email } } }`, map[string]any{"i": input}, &out); err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "Added %s.\n", out.AddUser.User.Email)
	if made {
		fmt.Fprintf(env.Stdout, "Password: %s\n", password)
	}
	return nil
}

// userID finds a person by sign-in address.
func (r *remote) userID(ctx context.Context, email string) (string, error) {
	var after any
	for {
		var out struct {
			Users struct {
				Nodes    []struct{ ID, Email string }
				PageInfo struct {
					HasNextPage bool
					EndCursor   string
				}
			}
		}
		err := r.graphql(ctx, `query($s: String!, $a: String) { users(search: $s, first: 200, after: $a) { nodes { id email } pageInfo { hasNextPage endCursor } } }`,
			map[string]any{"s": email, "a": after}, &out)
		if err != nil {
			return "", err
		}
		for _, u := range out.Users.Nodes {
			if strings.EqualFold(u.Email, email) {
				return u.ID, nil
			}
		}
		if !out.Users.PageInfo.HasNextPage {
			return "", errors.New("there is no user with this sign-in address")
		}
		after = out.Users.PageInfo.EndCursor
	}
}

var userAssignCommand = &command{
	name: "user assign", summary: "give a user a place in an application",
	usage: "-application NAME -email ADDRESS|ID {-role ROLE -set SET [-attribute NAME=VALUE ...] | -developer [-tool TOOL ...]}",
	help: `
Gives a user a role and a permission set in an application, or makes them its
developer, with the tools that they may look through others' eyes with (sluice user
grant --help lists them). Attributes and tools that are left out are taken away.

Examples:
  sluice user assign -application sales -email bob@acme.example -role "Sales Rep" -set Sales -attribute team=north
  sluice user assign -application sales -email eve@acme.example -developer
  sluice user assign -application sales -email eve@acme.example -developer -tool EXPLAIN`,
	run: runUserAssign,
}

func runUserAssign(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	email := fs.String("email", "", "sign-in `ADDRESS` or id")
	role := fs.String("role", "", "`ROLE` of the application")
	set := fs.String("set", "", "permission `SET` of the application")
	developer := fs.Bool("developer", false, "make the user a developer of the application")
	var attributes, tools texts
	fs.Var(&attributes, "attribute", "viewer attribute as `NAME=VALUE`; may be repeated")
	fs.Var(&tools, "tool", "`TOOL` of a developer; may be repeated")
	if err := c.parse(fs, args, 0, "application", "email"); err != nil {
		return err
	}
	if *developer && (*role != "" || *set != "" || len(attributes) > 0) {
		return badUsage("user assign: -developer: a developer has no role, set or attributes")
	}
	if !*developer && len(tools) > 0 {
		return badUsage("user assign: -tool: only developers hold tools")
	}
	if !*developer {
		if err := c.required(fs, "role", "set"); err != nil {
			return err
		}
	}
	names, err := toolNames(tools)
	if err != nil {
		return err
	}
	input, err := attributeInput(attributes)
	if err != nil {
		return err
	}
	if err := r.beginSignedIn(); err != nil {
		return err
	}
	id, err := r.person(ctx, "email", *email)
	if err != nil {
		return err
	}
	if *developer {
		err = r.graphql(ctx, `mutation($a: String!, $u: ID!, $t: [Tool!]!) { assignDeveloper(application: $a, user: $u, tools: $t) { user { id } } }`,
			map[string]any{"a": *application, "u": id, "t": names}, nil)
	} else {
		err = r.graphql(ctx, `mutation($a: String!, $u: ID!, $r: String!, $s: String!, $t: [AttributeInput!]!) {
			assignUser(application: $a, user: $u, role: $r, permissionSet: $s, attributes: $t) { user { id } } }`,
			map[string]any{"a": *application, "u": id, "r": *role, "s": *set, "t": input}, nil)
	}
	if err != nil {
		return err
	}
	if *developer {
		fmt.Fprintf(env.Stdout, "%s is a developer of %s and holds the tools: %s\n", *email, *application, listed(names))
		return nil
	}
	fmt.Fprintf(env.Stdout, "%s has a place in %s.\n", *email, *application)
	return nil
}

var userPortalCommand = &command{
	name: "user portal", summary: "give an external person a place in an application",
	usage: "-application NAME -email ADDRESS|ID -set SET [-attribute NAME=VALUE ...]",
	help: `
Gives an external person a portal permission set in an application, and no role.
The built-in set Customer sees every record unless the definition has its own.
Attributes that are left out are emptied.

Examples:
  sluice user portal -application sales -email kim@customer.example -set Partner -attribute region=EMEA`,
	run: runUserPortal,
}

func runUserPortal(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	application := fs.String("application", "", "`NAME` of the application")
	email := fs.String("email", "", "sign-in `ADDRESS` or id")
	set := fs.String("set", "", "portal permission `SET` of the application")
	var attributes texts
	fs.Var(&attributes, "attribute", "viewer attribute as `NAME=VALUE`; may be repeated")
	if err := c.parse(fs, args, 0, "application", "email", "set"); err != nil {
		return err
	}
	input, err := attributeInput(attributes)
	if err != nil {
		return err
	}
	if err := r.beginSignedIn(); err != nil {
		return err
	}
	id, err := r.person(ctx, "email", *email)
	if err != nil {
		return err
	}
	err = r.graphql(ctx, `mutation($a: String!, $u: ID!, $s: String!, $t: [AttributeInput!]!) {
		assignPortalUser(application: $a, user: $u, permissionSet: $s, attributes: $t) { user { id } } }`,
		map[string]any{"a": *application, "u": id, "s": *set, "t": input}, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "%s is a portal user of %s.\n", *email, *application)
	return nil
}

func attributeInput(attributes []string) ([]map[string]string, error) {
	out := []map[string]string{}
	for _, a := range attributes {
		name, value, ok := strings.Cut(a, "=")
		if !ok || name == "" {
			return nil, badUsage("-attribute: expected NAME=VALUE")
		}
		out = append(out, map[string]string{"name": name, "value": value})
	}
	return out, nil
}

var userDeactivateCommand = &command{
	name: "user deactivate", summary: "take all access from a user",
	usage: "-email ADDRESS",
	help: `
Takes all access from a user and ends their sessions and tokens. Role, set and
records stay; sluice user activate gives the access back.

Examples:
  sluice user deactivate -email bob@acme.example`,
	run: func(ctx context.Context, env *Env, c *command, args []string) error {
		return runUserStatus(ctx, env, c, args, "deactivateUser")
	},
}

var userActivateCommand = &command{
	name: "user activate", summary: "give a deactivated user the access back",
	usage: "-email ADDRESS",
	help: `
Gives a deactivated user back what they had. They sign in anew.

Examples:
  sluice user activate -email bob@acme.example`,
	run: func(ctx context.Context, env *Env, c *command, args []string) error {
		return runUserStatus(ctx, env, c, args, "activateUser")
	},
}

func runUserStatus(ctx context.Context, env *Env, c *command, args []string, mutation string) error {
	fs, r := c.client(env)
	email := fs.String("email", "", "sign-in `ADDRESS` or id")
	if err := r.start(args, 0, "email"); err != nil {
		return err
	}
	id, err := r.person(ctx, "email", *email)
	if err != nil {
		return err
	}
	var out map[string]struct{ User struct{ Status string } }
	if err := r.graphql(ctx, `mutation($u: ID!) { `+mutation+`(user: $u) { user { status } } }`, map[string]any{"u": id}, &out); err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "%s is %s.\n", *email, out[mutation].User.Status)
	return nil
}
