package main

import "testing"

// rivalAttacks guess by filters over the list of eve's folder, which leads to bob's.
func rivalAttacks(where func(filter string) string) []attack {
	return []attack{
		{class: "B13", send: where(`rivals:{some:{title:{eq:"@"}}}`), right: "CANARY-TITLE", wrong: "CANARY-XXXXX"},
		{class: "B13", send: where(`rivals:{some:{sheets:{some:{name:{eq:"@"}}}}}`), right: "CANARY-SHEET", wrong: "CANARY-XXXXX"},
		{class: "B13", send: where(`folders:{some:{rivals:{some:{id:{eq:"@"}}}}}`), right: "<bobs>", wrong: "<absent>", told: true},
		{class: "B15", send: where(`rivals:{has:"@"}`), right: "<bobs>", wrong: "<absent>"},
		{class: "B18", send: where(`id:{eq:"<eves>"} rivals:{none:{title:{eq:"@"}}}`), right: "CANARY-TITLE", wrong: "CANARY-XXXXX"},
		{class: "B18", send: where(`rivals:{isNull:false every:{title:{eq:"@"}}}`), right: "CANARY-TITLE", wrong: "CANARY-XXXXX"},
		names("B13", where("rivals:{some:{@:{isNull:true}}}"), "secret"),
		names("B13", where("not:{rivals:{every:{rivals:{none:{@:{isNull:true}}}}}}"), "ssn"),
	}
}

// rivalsAreUnseen: a list of which nothing is in reach is null.
func rivalsAreUnseen(t *testing.T, v *vault) {
	a := v.ask("eve", v.put(`{folder(id:"<eves>"){rivals{id title}}}`))
	if len(a.Errors) > 0 || a.at("folder.rivals") != nil || a.at("folder") == nil {
		t.Errorf("a list out of reach: %+v", a)
	}
}
