package main

// ruleLogAttacks are made on what custom rules did: by eve, who holds no tool, and by
// whoever comes from elsewhere.
var ruleLogAttacks = joined(
	map[string][]attack{
		"manage Query.ruleLog":    barred(`{ruleLog(application:"vault",rule:"@"){nodes{id record answer}}}`, "notes-covered", "notes-coverez"),
		"manage Query.ruleReplay": barred(`{ruleReplay(application:"vault",rule:"@",entry:"d-1"){record viewer moduleBytes}}`, "notes-covered", "notes-coverez"),
		"manage Query.ruleStats":  barred(`{ruleStats(application:"vault"){rule asked faults{kind count}}}`, "", ""),
	},
	map[string][]attack{"manage Query.ruleReplay": barred(`{ruleReplay(application:"vault",rule:"notes-covered",entry:"@"){record}}`, "f-1", "f-99999")},
)
