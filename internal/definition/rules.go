package definition

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"sluice/internal/record"
)

var (
	levelWords  = []string{"READ", "READ_WRITE", "READ_WRITE_DELETE"}
	effectWords = []string{"SHARE", "RESTRICT", "MASK"}

	profileWords = []string{"LEAN", "GO"}
)

// String returns the name that definitions use, such as "READ_WRITE".
func (l Level) String() string {
	if l >= Read && l <= ReadWriteDelete {
		return levelWords[l-Read]
	}
	return "NONE"
}

// String returns the name that definitions use, such as "GO".
func (p Profile) String() string {
	if int(p) < len(profileWords) {
		return profileWords[p]
	}
	return "NONE"
}

// String returns the name that definitions use, such as "SHARE".
func (e Effect) String() string {
	if e >= Share && e <= Mask {
		return effectWords[e-Share]
	}
	return "NONE"
}

func (r *resolver) readSharing(o object) {
	seen := map[string]bool{}
	for _, v := range r.items(o, "sharingRules", MaxRules, "a list of sharing rules") {
		so, ok := r.object(v, "name", "form", "from", "criteria", "field", "to", "level")
		if !ok {
			continue
		}
		s := &SharingRule{Name: r.title(so, seen)}
		r.app.Sharing = append(r.app.Sharing, s)
		if r.require(so, "form", "level") {
			s.Level = Level(r.oneOf(so, "level", levelWords...))
		}
		f, ok := r.form(so, "form")
		if ok {
			s.Form = f.Name
		}
		r.readSubject(so, s, f)
	}
}

// readSubject reads whose records a rule shares, and with whom.
func (r *resolver) readSubject(so object, s *SharingRule, f *Form) {
	sources := 0
	for _, key := range []string{"from", "criteria", "field"} {
		if so.has(key) {
			sources++
		}
	}
	if sources != 1 {
		r.fail(so.at, "expected exactly one of from, criteria, field")
	}
	s.From = r.group(so, "from")
	if f != nil {
		s.Criteria = r.criteria(so, f)
		s.Field = r.audience(so, f)
	}
	switch {
	case !so.has("field"):
		r.require(so, "to")
	case so.has("to"):
		r.fail(so.of("to"), "a rule by field shares with those whom the field names: leave to out")
	}
	s.To = r.group(so, "to")
}

// audience reads the user field of a field rule.
func (r *resolver) audience(so object, f *Form) string {
	if !so.has("field") {
		return ""
	}
	name := r.text(so, "field", maxName)
	for _, x := range f.Fields {
		if x.Name == name && (x.Type == record.User || x.Type == record.Users) {
			return name
		}
	}
	r.fail(so.of("field"), "expected a field of type user or users: %s", fieldsOf(f, record.User, record.Users))
	return ""
}

func (r *resolver) group(so object, key string) (g Group) {
	if !so.has(key) {
		return g
	}
	o, ok := r.object(so.members[key], "user", "role", "roleAndSubordinates")
	if !ok {
		return g
	}
	if len(o.order) != 1 {
		r.fail(o.at, "expected exactly one of user, role, roleAndSubordinates")
		return g
	}
	what := o.order[0]
	name := r.text(o, what, 254)
	switch {
	case name == "":
	case what == "user":
		r.user(name, o.of(what))
		g.User = name
	case r.role(name, o.of(what)):
		g = Group{Role: name, Subordinates: what == "roleAndSubordinates"}
	}
	return g
}

func (r *resolver) role(name string, at *place) bool {
	if r.roles[name] == nil {
		r.fail(at, "there is no role %s%s", strconv.Quote(shorten(name)), nearest(name, r.knownRoles()))
		return false
	}
	return true
}

// unmaskable are the fields that no rule can hide (H5).
var unmaskable = []string{"id", "version", "addedTime", "modifiedTime"}

func (r *resolver) readCustom(o object) {
	seen := map[string]bool{}
	for _, v := range r.items(o, "customRules", MaxRules, "a list of custom rules") {
		co, ok := r.object(v, "name", "form", "effect", "maxLevel", "fields", "roles", "sets", "users", "bindsAdmins", "profile")
		if !ok {
			continue
		}
		c := &CustomRule{Name: r.title(co, seen)}
		r.app.Custom = append(r.app.Custom, c)
		if r.require(co, "form", "effect") {
			c.Effect = Effect(r.oneOf(co, "effect", effectWords...))
		}
		f, ok := r.form(co, "form")
		if ok {
			c.Form = f.Name
		}
		c.Fields = r.texts(co, "fields", 64)
		c.BindsAdmins = r.flag(co, "bindsAdmins", false)
		if n := r.oneOf(co, "profile", profileWords...); n > 0 {
			c.Profile = Profile(n - 1)
		}
		r.checkEffect(co, c, f)
		r.readConcerned(co, c)
	}
}

// checkEffect holds a rule to the caps that its effect has.
func (r *resolver) checkEffect(co object, c *CustomRule, f *Form) {
	caps := map[string]Effect{"maxLevel": Share, "fields": Mask, "bindsAdmins": Restrict}
	for _, key := range []string{"maxLevel", "fields", "bindsAdmins"} {
		if effect := caps[key]; co.has(key) && c.Effect != NoEffect && c.Effect != effect {
			r.fail(co.of(key), "only a rule of effect %s has %s", effect, key)
		}
	}
	if c.Effect == Share && r.require(co, "maxLevel") {
		c.MaxLevel = Level(r.oneOf(co, "maxLevel", levelWords...))
	}
	if c.Effect == Mask && r.require(co, "fields") && len(c.Fields) == 0 {
		r.fail(co.of("fields"), "expected between 1 and 64 fields")
	}
	for _, name := range c.Fields {
		if f == nil {
			break
		}
		if _, ok := r.field(f, name, co.of("fields")); ok && slices.Contains(unmaskable, name) {
			r.fail(co.of("fields"), "%s cannot be masked", name)
		}
	}
}

// readConcerned reads whom a rule concerns. A list that is there but empty is a
// fault: it would concern everyone.
func (r *resolver) readConcerned(co object, c *CustomRule) {
	c.Roles = r.texts(co, "roles", MaxRoles)
	c.Sets = r.texts(co, "sets", MaxSets)
	c.Users = r.texts(co, "users", MaxRoles)
	for _, key := range []string{"roles", "sets", "users"} {
		if n := co.members[key].n; n != nil && n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
			r.fail(co.of(key), "expected at least one; leave %s out to concern all", key)
		}
	}
	for _, name := range c.Roles {
		r.role(name, co.of("roles"))
	}
	for _, name := range c.Sets {
		if _, ok := r.app.Set(name); !ok {
			r.fail(co.of("sets"), "there is no permission set %s", strconv.Quote(shorten(name)))
		}
	}
	for _, address := range c.Users {
		r.user(address, co.of("users"))
	}
}
