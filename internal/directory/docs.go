package directory

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"sluice/internal/identity"
	"sluice/internal/record"
	"sluice/storage"
)

// Keys of documents. SpaceOrganization of the system scope holds one document
// per organization name; of a tenant, one under organizationKey. SpaceUser holds
// people by id, addresses that are taken, and who is super admin; the last two
// are guards: point reads of them are what makes them unique. SpaceCredential
// holds password hashes by user, credentials by id, and the ids of a user's
// credentials.
const (
	organizationKey = "self"
	superAdminKey   = "super"
)

func userKey(id record.ID) string       { return "u/" + id.String() }
func emailKey(email string) string      { return "e/" + email }
func passwordKey(user record.ID) string { return "p/" + user.String() }
func credentialKey(id string) string    { return "c/" + id }
func holderPrefix(user record.ID) string {
	return "h/" + user.String() + "/"
}
func holderKey(user record.ID, id string) string { return holderPrefix(user) + id }
func placePrefix(user record.ID) string          { return user.String() + "/" }
func placeKey(user record.ID, application string) string {
	return placePrefix(user) + application
}

type organizationDoc struct {
	Name   string `json:"name,omitempty"`
	Tenant string `json:"tenant,omitempty"` // hex
}

type userDoc struct {
	Email  string        `json:"email"`
	Name   string        `json:"name"`
	Admin  identity.Kind `json:"admin,omitempty"`
	Status Status        `json:"status"`
	// Generation counts what ends all credentials of the user at once:
	// deactivation and a new password. A credential of an older generation is
	// dead.
	Generation uint64 `json:"generation,omitempty"`
	// Withheld are the tools that an admin does not hold, by application.
	Withheld map[string]identity.ToolSet `json:"withheld,omitempty"`
}

func (d *userDoc) user(id record.ID) *User {
	return &User{ID: id, Email: d.Email, DisplayName: d.Name, Admin: d.Admin, Status: d.Status, Withheld: d.Withheld}
}

type assignmentDoc struct {
	Kind          identity.Kind       `json:"kind"`
	Role          string              `json:"role,omitempty"`
	PermissionSet string              `json:"set,omitempty"`
	Attributes    map[string]valueDoc `json:"attributes,omitempty"`
	Tools         identity.ToolSet    `json:"tools,omitempty"`
}

type credentialDoc struct {
	User       record.ID           `json:"user"`
	Kind       identity.Credential `json:"kind"`
	Label      string              `json:"label,omitempty"`
	Sum        []byte              `json:"sum"` // SHA-256 of the token
	Generation uint64              `json:"generation,omitempty"`
	Created    time.Time           `json:"created"`
	Expires    time.Time           `json:"expires"`
}

// valueDoc is a record.Value as JSON: exactly one member, none for null.
type valueDoc struct {
	Bool *bool      `json:"b,omitempty"`
	Int  *int64     `json:"i,omitempty"`
	Text *[]byte    `json:"t,omitempty"`
	Ref  *record.ID `json:"r,omitempty"`
	List *[][]byte  `json:"l,omitempty"`
}

func newValueDoc(v record.Value) (d valueDoc) {
	switch v.Kind() {
	case record.KindBool:
		b := v.Bool()
		d.Bool = &b
	case record.KindInt:
		n := v.Int()
		d.Int = &n
	case record.KindText:
		t := append([]byte{}, v.Text()...)
		d.Text = &t
	case record.KindRef:
		r := v.Ref()
		d.Ref = &r
	case record.KindList:
		l := append([][]byte{}, v.Clone().List()...)
		d.List = &l
	}
	return d
}

func (d valueDoc) value() record.Value {
	switch {
	case d.Bool != nil:
		return record.Bool(*d.Bool)
	case d.Int != nil:
		return record.Int(*d.Int)
	case d.Text != nil:
		return record.Bytes(*d.Text)
	case d.Ref != nil:
		return record.Ref(*d.Ref)
	case d.List != nil:
		items := make([]string, len(*d.List))
		for i, b := range *d.List {
			items[i] = string(b)
		}
		return record.List(items...)
	}
	return record.Value{}
}

func newAssignmentDoc(a *Assignment) *assignmentDoc {
	d := &assignmentDoc{Kind: a.Kind, Role: a.Role, PermissionSet: a.PermissionSet, Tools: a.Tools}
	for name, v := range a.Attributes {
		if !v.IsNull() {
			if d.Attributes == nil {
				d.Attributes = map[string]valueDoc{}
			}
			d.Attributes[name] = newValueDoc(v)
		}
	}
	return d
}

func (d *assignmentDoc) assignment(key string) (*Assignment, error) {
	user, application, ok := strings.Cut(key, "/")
	id, err := record.ParseID(user)
	if !ok || err != nil || user != id.String() {
		return nil, errDamagedKey
	}
	a := &Assignment{User: id, Application: application, Kind: d.Kind, Role: d.Role, PermissionSet: d.PermissionSet, Tools: d.Tools}
	for name, v := range d.Attributes {
		if a.Attributes == nil {
			a.Attributes = make(map[string]record.Value, len(d.Attributes))
		}
		a.Attributes[name] = v.value()
	}
	return a, nil
}

var errDamagedKey = errors.New("directory: damaged key")

// get reads a document into out.
func get(r storage.Reader, s storage.Space, key string, out any) (bool, error) {
	b, ok, err := r.Doc(s, key)
	if err != nil || !ok {
		return false, err
	}
	if err := json.Unmarshal(b, out); err != nil {
		return false, damaged(s, err)
	}
	return true, nil
}

// put writes a document and its change.
func put(t *storage.Txn, s storage.Space, key string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return t.PutDoc(s, key, b)
}

// putSecret writes a document of SpaceCredential, which stays out of the change
// log: the log outlives the secret. A nil b deletes.
func putSecret(t *storage.Txn, key string, b []byte) error {
	return t.PutSecret(SpaceCredential, key, b)
}

func parseTenant(s string) (identity.Tenant, error) {
	var t identity.Tenant
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(t) {
		return t, fmt.Errorf("directory: damaged organization document")
	}
	return identity.Tenant(b), nil
}
