package engine

import (
	"fmt"
	"strings"

	"sluice/internal/definition"
)

// maxNamed bounds the names that a refusal lists.
const maxNamed = 20

// someOf lists names for a refusal.
func someOf(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	if more := len(names) - maxNamed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), more)
	}
	return strings.Join(names, ", ")
}

func fieldNames(form *definition.Form) string {
	names := make([]string, len(form.Fields))
	for i, f := range form.Fields {
		names[i] = f.Name
	}
	return someOf(names)
}

func formNames(def *definition.Application) string {
	names := make([]string, len(def.Forms))
	for i, f := range def.Forms {
		names[i] = f.Name
	}
	return someOf(names)
}

func roleNames(def *definition.Application) string {
	names := make([]string, len(def.Roles))
	for i, r := range def.Roles {
		names[i] = r.Name
	}
	return someOf(names)
}

// setNames lists the permission sets of portal users, or of the others.
func setNames(def *definition.Application, portal bool) string {
	var names []string
	for _, s := range def.Sets {
		if s.Portal == portal {
			names = append(names, s.Name)
		}
	}
	return someOf(names)
}

func attributeNames(def *definition.Application) string {
	names := make([]string, len(def.Attributes))
	for i := range def.Attributes {
		names[i] = def.Attributes[i].Name
	}
	return someOf(names)
}
