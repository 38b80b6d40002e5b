package main

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// liveAttacks are on what is told while it happens.
var liveAttacks = map[string][]attack{
	"app Subscription.folderChanges": {
		{class: "B01", by: liveGuess(`subscription{folderChanges(where:{@:{eq:"x"}}){id}}`, "secret", "secrez")},
		{class: "B01", by: maskedIsNoFilter},
		{class: "B13", by: liveGuess(`subscription{folderChanges(where:{related:{title:{eq:"@"}}}){id}}`, "CANARY-TITLE", "CANARZ-TITLE")},
		{class: "B13", by: liveGuess(`subscription{folderChanges(where:{rivals:{some:{title:{eq:"@"}}}}){id}}`, "CANARY-TITLE", "CANARZ-TITLE")},
		{class: "B18", by: liveGuess(`subscription{folderChanges(where:{not:{@:{isNull:true}}}){id}}`, "secret", "secrez")},
		{class: "B05", by: liveGuess(`subscription{folderChanges{id folder{@}}}`, "ssn", "ssz")},
		{class: "B07", by: foldersAreQuiet},
		{class: "B04", by: liveTokensOfOthers},
		{class: "B20", by: liveTokensOfOthers},
		{class: "B23", by: liveEndsWithTheSession},
	},
	"app Subscription.sheetChanges": {
		{class: "B01", by: liveGuess(`subscription{sheetChanges(where:{@:{isNull:true}}){id}}`, "addedBy", "addedBz")},
		{class: "B13", by: liveGuess(`subscription{sheetChanges(where:{folder:{title:{eq:"@"}}}){id}}`, "CANARY-TITLE", "CANARZ-TITLE")},
		{class: "B18", by: liveGuess(`subscription{sheetChanges(where:{not:{@:{isNull:true}}}){id}}`, "addedBy", "addedBz")},
		{class: "B07", by: sheetsAreQuiet},
	},
	"app Subscription.ledgerChanges": {
		{class: "B01", by: liveGuess(`subscription{@(where:{entry:{eq:"x"}}){id}}`, "ledgerChanges", "ledgerChangez")},
		{class: "B13", by: liveGuess(`subscription{@(where:{id:{eq:"x"}}){id}}`, "ledgerChanges", "ledgerChangez")},
		{class: "B18", by: liveGuess(`subscription{@(where:{not:{entry:{isNull:true}}}){id}}`, "ledgerChanges", "ledgerChangez")},
		{class: "B07", by: liveGuess(`subscription{@{id}}`, "ledgerChanges", "ledgerChangez")},
	},
}

func (v *vault) live(t *testing.T, who, query string) *sse {
	t.Helper()
	return v.stream(t, vaultPath, v.tokens[who], query)
}

// liveGuess subscribes with a right and a wrong guess, which must be refused alike.
func liveGuess(send, right, wrong string) func(t *testing.T, v *vault) {
	return func(t *testing.T, v *vault) {
		try := func(guess string) string {
			s := v.live(t, "eve", strings.ReplaceAll(send, "@", guess))
			b, err := io.ReadAll(io.LimitReader(s.resp.Body, 1<<16))
			if err != nil {
				t.Fatal(err)
			}
			if code := parsed(t, b).code(); code != "BAD_USER_INPUT" {
				t.Errorf("%s with %s: %d %s", send, guess, s.resp.StatusCode, b)
			}
			return fmt.Sprint(s.resp.StatusCode, strings.ReplaceAll(string(b), guess, "@"))
		}
		if a, b := try(right), try(wrong); a != b {
			t.Errorf("%s\nright guess %s\nwrong guess %s", send, a, b)
		}
	}
}

// tells fails unless the next event is of a kind and about a record, without a
// secret in it.
func (s *sse) tells(kind, id string) {
	s.t.Helper()
	event, data := s.next()
	if event != "next" || strings.Contains(data, secretMark) || !strings.Contains(data, fmt.Sprintf("%q", kind)) || !strings.Contains(data, id) {
		s.t.Fatalf("%s %s, want %s of %s", event, data, kind, id)
	}
}

// folder adds a folder as somebody; gone deletes it as its adder.
func (v *vault) folder(who, title string) (id string, gone func()) {
	v.t.Helper()
	id = v.must(who, vaultPath, `mutation{createFolder(input:{title:%q}){id}}`, title).at("createFolder.id").(string)
	return id, func() { v.must(who, vaultPath, `mutation{deleteFolder(id:%q){id}}`, id) }
}

// foldersAreQuiet: of what others do with their own, and of cells that eve may not
// see, nothing is told.
func foldersAreQuiet(t *testing.T, v *vault) {
	s := v.live(t, "eve", `subscription{folderChanges{kind id folder{id title note level viewerCanUpdate related{id title} folders{nodes{id title}}}}}`)
	own, gone := v.folder("eve", "quiet")
	s.tells("ADDED", own)
	bobs, bobsGone := v.folder("bob", "CANARY-LIVE")
	v.must("bob", vaultPath, `mutation{updateFolder(id:%q,input:{title:"CANARY-LIVER"}){id}}`, bobs)
	v.must("ann", vaultPath, `mutation{updateFolder(id:%q,input:{secret:"CANARY-S-LIVE",ssn:"CANARY-P-LIVE",note:"CANARY-N-LIVE"}){id}}`, own)
	v.must("ann", vaultPath, `mutation{updateFolder(id:%q,input:{related:%q}){id}}`, own, bobs)
	bobsGone()
	marker, markerGone := v.folder("eve", "marker")
	s.tells("ADDED", marker)
	markerGone()
	s.tells("REMOVED", marker)
	gone()
	s.tells("REMOVED", own)
}

// maskedIsNoFilter: a cell that is masked does not bring a record into a
// subscription.
func maskedIsNoFilter(t *testing.T, v *vault) {
	s := v.live(t, "eve", `subscription{folderChanges(where:{or:[{note:{startsWith:"CANARY"}},{title:{eq:"marker"}}]}){kind id}}`)
	own, gone := v.folder("eve", "quiet")
	v.must("ann", vaultPath, `mutation{updateFolder(id:%q,input:{note:"CANARY-N-LIVE"}){id}}`, own)
	marker, markerGone := v.folder("eve", "marker")
	s.tells("ADDED", marker)
	gone()
	markerGone()
	s.tells("REMOVED", marker)
}

func sheetsAreQuiet(t *testing.T, v *vault) {
	s := v.live(t, "eve", `subscription{sheetChanges{kind id sheet{id name content folder{title}}}}`)
	add := func(who, folder, name string) string {
		return v.must(who, vaultPath, `mutation{createSheet(input:{folder:%q,name:%q}){id}}`, folder, name).at("createSheet.id").(string)
	}
	bobs := add("bob", v.values["bobs"], "CANARY-LIVE")
	v.must("bob", vaultPath, `mutation{updateSheet(id:%q,input:{name:"CANARY-LIVER"}){id}}`, bobs)
	v.must("bob", vaultPath, `mutation{deleteSheet(id:%q){id}}`, bobs)
	own := add("eve", v.values["eves"], "marker")
	s.tells("ADDED", own)
	v.must("eve", vaultPath, `mutation{deleteSheet(id:%q){id}}`, own)
	s.tells("REMOVED", own)
}

// liveTokensOfOthers: a token of bob's is as good as none.
func liveTokensOfOthers(t *testing.T, v *vault) {
	s := v.live(t, "bob", `subscription{folderChanges{token}}`)
	_, gone := v.folder("bob", "CANARY-LIVE")
	_, data := s.next()
	gone()
	token, _ := parsed(t, []byte(data)).at("folderChanges.token").(string)
	if token == "" {
		t.Fatal(data)
	}
	try := func(token string) string {
		s := v.live(t, "eve", fmt.Sprintf(`subscription{folderChanges(resume:%q){id}}`, token))
		b, err := io.ReadAll(io.LimitReader(s.resp.Body, 1<<16))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(s.resp.StatusCode, string(b))
	}
	if a, b := try(token), try("nobody's"); a != b || !strings.Contains(a, "RESET") {
		t.Errorf("another's token: %s, none: %s", a, b)
	}
}

// liveEndsWithTheSession: a session that ends takes its subscriptions with it.
func liveEndsWithTheSession(t *testing.T, v *vault) {
	token := v.must("", managePath, `mutation{signIn(organization:"vault",email:"eve@vault.example",password:"a long password"){token}}`).at("signIn.token").(string)
	s := v.stream(t, vaultPath, token, `subscription{folderChanges{id}}`)
	v.must("", managePath, `mutation{signIn(organization:"vault",email:"eve@vault.example",password:"a long password"){token}}`) // ends nothing
	if a := v.result(t, call{path: managePath, token: token, body: asked(`mutation{signOut{__typename}}`)}); len(a.Errors) > 0 {
		t.Fatalf("%+v", a)
	}
	_, gone := v.folder("eve", "after")
	gone()
	event, data := s.next()
	if event != "next" || parsed(t, []byte(data)).code() != "UNAUTHENTICATED" {
		t.Errorf("%s %s", event, data)
	}
	if event, _ := s.next(); event != "complete" {
		t.Errorf("then %s", event)
	}
}
