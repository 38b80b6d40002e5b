package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"sluice/console"
	"sluice/internal/demo"
	"sluice/internal/httpd"
)

var demoCommand = &command{
	name: "demo", summary: "serve a demo organization with its playground",
	usage: "[-data DIR] [-addr HOST:PORT]",
	help: `
Serves the organization Zylker with the application sales: ten personas of every
kind, a few thousand made-up records, sharing rules and two custom rules. The
first start fills the directory; later starts keep what is there. Sign-ins are
printed and written to DIR/demo.json.

Everybody who can reach the address can be any persona: do not put real data in.

Examples:
  sluice demo
  sluice demo -data /tmp/zylker -addr 127.0.0.1:9000`,
	run: runDemo,
}

func runDemo(ctx context.Context, env *Env, c *command, args []string) error {
	fs := c.flags(env)
	data := fs.String("data", "data", "data `DIR`ectory, made and filled if it does not exist")
	addr := fs.String("addr", "127.0.0.1:8080", "`HOST:PORT` to listen on; port 0 takes a free one")
	if err := c.parse(fs, args, 0); err != nil {
		return err
	}
	l, err := net.Listen("tcp", *addr) // first: an address in use is known before anything is filled
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	db := filepath.Join(*data, "db")
	if err := fill(ctx, env, db); err != nil {
		return err
	}
	var sheet *demo.Sheet
	s, err := open(ctx, env, db, httpd.Options{Personas: func() []console.Persona { return sheet.Console() }})
	if err != nil {
		return err
	}
	defer s.close()
	sheetFile := filepath.Join(*data, "demo.json")
	sheet, err = demo.SignIn(ctx, s.Directory, "http://"+l.Addr().String(), readSheet(sheetFile))
	if err != nil {
		return err
	}
	if err := writeSheet(sheetFile, sheet); err != nil {
		return err
	}
	printSheet(env.Stdout, sheet, sheetFile)
	return errors.Join(httpd.Serve(ctx, l, s), s.close())
}

// fill makes the demo's database beside its place and moves it there when it is
// complete, so that an interrupted first start begins anew.
func fill(ctx context.Context, env *Env, db string) error {
	switch _, err := os.Stat(db); {
	case err == nil:
		return nil
	case !os.IsNotExist(err):
		return err
	}
	partial := db + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	fmt.Fprintln(env.Stdout, "Filling the demo:")
	s, err := open(ctx, env, partial, httpd.Options{})
	if err != nil {
		return err
	}
	err = demo.Seed(ctx, s.Engine, s.Directory, func(step string) { fmt.Fprintf(env.Stdout, "  %s\n", step) })
	if err = errors.Join(err, s.close()); err != nil {
		return fmt.Errorf("filling the demo: %w", err)
	}
	return os.Rename(partial, db)
}

// readSheet returns the sheet of an earlier start, nil for none: its tokens are
// used again while they stand.
func readSheet(file string) *demo.Sheet {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var s demo.Sheet
	if json.Unmarshal(b, &s) != nil {
		return nil
	}
	return &s
}

func writeSheet(file string, s *demo.Sheet) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	partial := file + ".partial"
	if err := os.WriteFile(partial, append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(partial, file)
}

func printSheet(w io.Writer, s *demo.Sheet, file string) {
	fmt.Fprintf(w, "\nSluice demo: organization %s\n\n  Playground   %s\n  Management   %s\n", demo.Organization, s.Playground, s.Management)
	for name, url := range s.Applications {
		fmt.Fprintf(w, "  Application  %s  %s\n", name, url)
	}
	fmt.Fprint(w, "\nPick a persona in the playground, or send its token as Authorization: Bearer TOKEN.\n\n")
	t := newTable(w, "  NAME", "E-MAIL", "KIND", "ROLE", "SET", "TOKEN")
	for _, p := range s.Personas {
		t.row("  "+p.Name, p.Email, p.Kind, dash(p.Role), dash(p.PermissionSet), dash(p.Token))
	}
	_ = t.flush()
	fmt.Fprintf(w, "\nEverybody's password: %s\nThis sheet is in %s. Stop with Ctrl-C.\n", demo.Password, file)
}

func dash(s string) string {
	if strings.TrimSpace(s) == "" {
		return "-"
	}
	return s
}
