package main

import "testing"

// quarantineAttacks release rules, and look for what went wrong with them.
var quarantineAttacks = map[string][]attack{
	"manage Mutation.fallbackRule": append(barred(`mutation{fallbackRule(application:"vault",rule:"@",version:1){rule{name fallback{module decides}}}}`, "notes-covered", "notes-coverez"),
		attack{class: "B09", send: `mutation{fallbackRule(application:"vault",rule:"notes-covered",version:1,difference:"@"){rule{name}}}`, right: "<difference>", wrong: "<absent>", code: "FORBIDDEN"},
		attack{class: "B09", send: `mutation{fallbackRule(application:"vault",rule:"@"){rule{name}}}`, right: "notes-covered", wrong: "notes-coverez", code: "FORBIDDEN"},
		attack{class: "B03", send: `{ruleModules(application:"vault"){rules{name fallback{module decides quarantine{records}}}}}`, code: "FORBIDDEN"},
		attack{class: "B03", send: `{ruleVersions(application:"vault",rule:"@"){nodes{fallback standsIn}}}`, right: "notes-covered", wrong: "notes-coverez", code: "FORBIDDEN"},
		attack{class: "B15", send: `mutation{fallbackRule(application:"@",rule:"x",version:1){rule{name}}}`, right: "sales", wrong: "salez", code: "NOT_FOUND", told: true},
		attack{class: "B09", by: namesNoFallback},
	),
	"manage Mutation.releaseRule": append(barred(`mutation{releaseRule(application:"vault",rule:"@"){rule{name quarantine{records}}}}`, "notes-covered", "notes-coverez"),
		attack{class: "B09", send: `mutation{releaseRule(application:"vault",rule:"notes-covered",version:1,difference:"@"){rule{name}}}`, right: "<difference>", wrong: "<absent>", code: "FORBIDDEN"},
		attack{class: "B03", send: `{ruleModules(application:"vault"){rules{name quarantine{since records adders faults{kind count}}}}}`, code: "FORBIDDEN"},
		attack{class: "B03", send: `{ruleVersions(application:"vault",rule:"@"){nodes{quarantine{records adders}}}}`, right: "notes-covered", wrong: "notes-coverez", code: "FORBIDDEN"},
		attack{class: "B15", send: `mutation{releaseRule(application:"@",rule:"x"){rule{name}}}`, right: "sales", wrong: "salez", code: "NOT_FOUND", told: true},
		attack{class: "B09", by: releasesNothing},
	),
}

// namesNoFallback: who is refused leaves no trace in the history of the rule.
func namesNoFallback(t *testing.T, v *vault) {
	const events = `{ruleEvents(application:"vault",rule:"notes-covered"){nodes{number}}}`
	before := len(v.must("ann", managePath, events).list("ruleEvents.nodes"))
	for _, version := range []string{"", ",version:1"} {
		if a := v.manage("eve", `mutation{fallbackRule(application:"vault",rule:"notes-covered"`+version+`){rule{name}}}`); a.code() != "FORBIDDEN" {
			t.Errorf("%+v", a)
		}
	}
	if after := len(v.must("ann", managePath, events).list("ruleEvents.nodes")); after != before {
		t.Errorf("%d events, %d before", after, before)
	}
}

// releasesNothing: who is refused leaves no trace in the history of the rule.
func releasesNothing(t *testing.T, v *vault) {
	const release, events = `mutation{releaseRule(application:"vault",rule:"notes-covered"){rule{name}}}`, `{ruleEvents(application:"vault",rule:"notes-covered"){nodes{number}}}`
	before := len(v.must("ann", managePath, events).list("ruleEvents.nodes"))
	if a := v.manage("eve", release); a.code() != "FORBIDDEN" {
		t.Errorf("%+v", a)
	}
	if after := len(v.must("ann", managePath, events).list("ruleEvents.nodes")); after != before {
		t.Errorf("%d events, %d before", after, before)
	}
}
