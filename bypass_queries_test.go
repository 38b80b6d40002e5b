package main

import (
	"fmt"
	"testing"
)

// nodeAttacks try a field that finds records by id alone; own is one of eve's.
func nodeAttacks(guess, own string) []attack {
	out := []attack{
		names("B05", `{`+own+`{...on Folder{@}}}`, "secret"),
		names("B05", `{`+own+`{...on Node{...on Folder{related{@}}}}}`, "ssn"),
		names("B05", `{`+own+`{...on @{id}}}`, "Ledger"),
		{class: "B22", send: `{` + guess + `{id}}`, right: "<half>", wrong: "<absent>"},
		{class: "B15", send: `{` + guess + `{id __typename}}`, right: "<gone>", wrong: "<absent>", told: true},
		{class: "B15", send: `{` + guess + `{id}}`, right: "<bob>", wrong: "<absent>", told: true},
	}
	for _, name := range []string{"<bobs>", "<bobsSheet>", "<ledger>"} {
		out = append(out, attack{class: "B15", send: `{` + guess + `{id __typename ...on Folder{title} ...on Sheet{name}}}`, right: name, wrong: "<absent>"})
	}
	return append(out, attack{class: "B19", by: func(t *testing.T, v *vault) {
		for _, name := range []string{"eves", "shared", "bobs", "half", "other", "gone"} {
			id := v.values[name]
			a := v.ask("eve", fmt.Sprintf(`{folder(id:%q){id} node(id:%q){id} nodes(ids:[%q]){id}}`, id, id, id))
			if one := a.at("folder.id"); a.at("node.id") != one || fmt.Sprint(a.at("nodes")) != fmt.Sprint(map[bool]any{true: []any{nil}, false: []any{map[string]any{"id": one}}}[one == nil]) {
				t.Errorf("%s: %+v", name, a.Data)
			}
		}
	}})
}
