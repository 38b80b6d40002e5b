package directory

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Status of a user (A9). The zero Status has no access.
type Status uint8

// The statuses. Pending is invited and has no password yet; Confirmed can sign
// in and has no place in an application; Active has one, or administers.
const (
	NoStatus Status = iota
	Pending
	Confirmed
	Active
	Inactive
)

var statusNames = [...]string{"NONE", "PENDING", "CONFIRMED", "ACTIVE", "INACTIVE"}

// String returns the name that the API uses.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return statusNames[NoStatus]
}

// maySignIn reports whether a user of the status may hold credentials.
func (s Status) maySignIn() bool { return s == Confirmed || s == Active }

// User is a person of an organization.
type User struct {
	ID          record.ID
	Email       string // sign-in address, lower case
	DisplayName string
	Admin       identity.Kind // SuperAdmin, Admin, or Nobody for all others
	Status      Status
	// Withheld are the tools that the super admin took from an admin, by
	// application; what is stored of others has no effect. Read only.
	Withheld map[string]identity.ToolSet
}

// NewUser is what it takes to add a person.
type NewUser struct {
	Email       string // printable ASCII, at most 254 bytes; kept in lower case
	DisplayName string // 1 to 100 characters
	// Password is 8 to 1024 bytes; empty leaves the user pending until
	// SetPassword.
	Password string
	Admin    bool // admin instead of an ordinary user (A2)
}

// Bounds of what people are called and sign in with.
const (
	maxEmail    = 254
	maxName     = 100
	minPassword = 8
	maxPassword = 1024
)

// cleanEmail returns the form under which an address is unique. Only ASCII is
// taken: two addresses that look alike must not be two accounts.
func cleanEmail(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > maxEmail {
		return "", false
	}
	for i := range len(s) { // before lower-casing, which makes a letter k of the Kelvin sign
		if s[i] <= ' ' || s[i] > '~' {
			return "", false
		}
	}
	s = strings.ToLower(s)
	a, err := mail.ParseAddress(s)
	return s, err == nil && a.Address == s
}

func (u NewUser) clean() (NewUser, error) {
	email, ok := cleanEmail(u.Email)
	if !ok {
		return u, fault.New(fault.Invalid, "directory.AddUser", "email: expected an address like name@example.com of at most %d ASCII characters", maxEmail)
	}
	name, ok := cleanName(u.DisplayName)
	if !ok {
		return u, fault.New(fault.Invalid, "directory.AddUser", "displayName: expected 1 to %d printable characters", maxName)
	}
	if u.Password != "" {
		if err := checkPassword(u.Password); err != nil {
			return u, err
		}
	}
	u.Email, u.DisplayName = email, name
	return u, nil
}

func cleanName(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if s == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxName {
		return "", false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return "", false
		}
	}
	return s, true
}

func checkPassword(s string) error {
	if len(s) < minPassword || len(s) > maxPassword {
		return fault.New(fault.Invalid, "directory.password", "password: expected %d to %d bytes", minPassword, maxPassword)
	}
	return nil
}
