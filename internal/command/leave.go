package command

import (
	"context"
	"fmt"
)

var userDeleteCommand = &command{
	name: "user delete", summary: "delete a person, and give their records away",
	usage: "-email ADDRESS [-reassign-to ADDRESS]",
	help: `
Deletes a person. Places, password, sessions and tokens are gone, and the address
is free again. With -reassign-to the records that they own, in all applications,
are given to an active member first; interrupted, the same command goes on. The
person is switched off at once, so that nothing new becomes theirs. Without it the
records stay with an owner who is not there.

Examples:
  sluice user delete -email bob@acme.example -reassign-to eve@acme.example`,
	run: runUserDelete,
}

func runUserDelete(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	email := fs.String("email", "", "sign-in `ADDRESS` or id")
	heir := fs.String("reassign-to", "", "sign-in `ADDRESS` of who gets the records")
	if err := r.start(args, 0, "email"); err != nil {
		return err
	}
	id, err := r.person(ctx, "email", *email)
	if err != nil {
		return err
	}
	vars := map[string]any{"u": id, "to": nil}
	if *heir != "" {
		if vars["to"], err = r.person(ctx, "reassign-to", *heir); err != nil {
			return err
		}
	}
	for {
		var out struct {
			DeleteUser struct {
				Deleted      bool
				Reassignment *reassignment
			}
		}
		err := r.graphql(ctx, `mutation($u: ID!, $to: ID) { deleteUser(user: $u, reassignTo: $to) { deleted reassignment { state moved kept } } }`, vars, &out)
		if err != nil {
			return err
		}
		out.DeleteUser.Reassignment.print(env)
		if out.DeleteUser.Deleted {
			fmt.Fprintf(env.Stdout, "%s is deleted.\n", *email)
			return nil
		}
	}
}

// reassignment is how far one came.
type reassignment struct {
	State       string
	Moved, Kept int
}

func (r *reassignment) print(env *Env) {
	if r == nil {
		return
	}
	fmt.Fprintf(env.Stdout, "%d records given away", r.Moved)
	if r.Kept > 0 {
		fmt.Fprintf(env.Stdout, ", %d kept: a value is taken", r.Kept)
	}
	fmt.Fprintln(env.Stdout, ".")
}

var userReassignCommand = &command{
	name: "user reassign", summary: "give the records of one person to another",
	usage: "-from ADDRESS -to ADDRESS [-application NAME]",
	help: `
Gives the records that a person owns, in one application or in all, to an active
member. Who added them stays. Records that you do not reach stay where they are.
Interrupted, the same command goes on.

Examples:
  sluice user reassign -from bob@acme.example -to eve@acme.example -application sales`,
	run: runUserReassign,
}

func runUserReassign(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	from := fs.String("from", "", "sign-in `ADDRESS` of the owner")
	to := fs.String("to", "", "sign-in `ADDRESS` of who gets the records")
	application := fs.String("application", "", "`NAME` of the application; all when left out")
	if err := r.start(args, 0, "from", "to"); err != nil {
		return err
	}
	vars := map[string]any{"a": nil}
	if *application != "" {
		vars["a"] = *application
	}
	for name, email := range map[string]string{"from": *from, "to": *to} {
		id, err := r.person(ctx, name, email)
		if err != nil {
			return err
		}
		vars[name[:1]] = id
	}
	for {
		var out struct {
			ReassignRecords struct{ Reassignment *reassignment }
		}
		err := r.graphql(ctx, `mutation($a: String, $f: ID!, $t: ID!) { reassignRecords(application: $a, from: $f, to: $t) { reassignment { state moved kept } } }`, vars, &out)
		if err != nil {
			return err
		}
		job := out.ReassignRecords.Reassignment
		job.print(env)
		if job == nil || job.State == "DONE" {
			return nil
		}
	}
}

var userRevokeCommand = &command{
	name: "user revoke", summary: "end all sessions and tokens of a user",
	usage: "-email ADDRESS",
	help: `
Ends all sessions and personal tokens of a user, who may sign in anew.

Examples:
  sluice user revoke -email bob@acme.example`,
	run: runUserRevoke,
}

func runUserRevoke(ctx context.Context, env *Env, c *command, args []string) error {
	fs, r := c.client(env)
	email := fs.String("email", "", "sign-in `ADDRESS` or id")
	if err := r.start(args, 0, "email"); err != nil {
		return err
	}
	id, err := r.person(ctx, "email", *email)
	if err != nil {
		return err
	}
	if err := r.graphql(ctx, `mutation($u: ID!) { revokeCredentials(user: $u) { user { id } } }`, map[string]any{"u": id}, nil); err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "%s is signed out everywhere.\n", *email)
	return nil
}
