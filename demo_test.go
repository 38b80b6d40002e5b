package main

import (
	"context"
	"testing"

	"sluice/internal/demo"
)

// TestDemoStartsAfterChanges: a demo whose people were changed is signed in
// again as far as it can be.
func TestDemoStartsAfterChanges(t *testing.T) {
	d, err := startDemo()
	if err != nil {
		t.Fatal(err)
	}
	omar, ines := d.id(t, "omar"), d.id(t, "ines")
	d.manage(t, "priya", `mutation{deactivateUser(user:%q){user{id}} setPassword(user:%q,password:"another long password"){user{id}}}`, omar, ines)
	sheet, err := demo.SignIn(context.Background(), d.httpd.Directory, d.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range sheet.Personas {
		changed := p.Email == "omar@zylker.example" || p.Email == "ines@zylker.example" || p.Status == "INACTIVE"
		if (p.Token == "") != changed {
			t.Errorf("%s: token %q", p.Email, p.Token)
		}
	}
}
