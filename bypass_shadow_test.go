package main

import "testing"

// shadowAttacks are made on modules that run beside those that decide.
var shadowAttacks = map[string][]attack{
	"manage Query.ruleShadow": append(barred(`{ruleShadow(application:"vault",rule:"@"){rule compared samples{record}}}`, "notes-covered", "notes-coverez"),
		attack{class: "B15", send: `{ruleShadow(application:"@",rule:"x"){rule}}`, right: "sales", wrong: "salez", code: "NOT_FOUND", told: true},
		attack{class: "B03", send: `{ruleShadow(application:"vault",rule:"@"){compared more less}}`, right: "notes-covered", wrong: "notes-coverez", code: "FORBIDDEN"},
	),
	"manage Mutation.shadowRule": append(barred(`mutation{shadowRule(application:"vault",rule:"@",module:"x"){shadow{rule}}}`, "notes-covered", "notes-coverez"),
		attack{class: "B15", send: `mutation{shadowRule(application:"@",rule:"x",module:"x"){shadow{rule}}}`, right: "sales", wrong: "salez", code: "NOT_FOUND", told: true},
		attack{class: "B08", by: shadowsNothing},
	),
	"manage Mutation.unshadowRule": barred(`mutation{unshadowRule(application:"vault",rule:"@"){shadow{rule}}}`, "notes-covered", "notes-coverez"),
}

// shadowsNothing: who was refused has begun nothing.
func shadowsNothing(t *testing.T, v *vault) {
	if a := v.must("ann", managePath, `{ruleShadow(application:"vault",rule:"notes-covered"){rule}}`); a.at("ruleShadow") != nil {
		t.Errorf("something runs beside the rule: %+v", a.Data)
	}
}
