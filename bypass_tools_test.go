package main

// fillLooks has ann look at bob, and at a record of his.
func (v *vault) fillLooks() {
	v.must("ann", managePath, `{whatCanSee(application:"vault",user:%q){displayName}}`, v.values["bob"])
	v.must("ann", managePath, `{whoCanSee(application:"vault",form:"Folder",record:%q){totalCount}}`, v.values["bobs"])
}

// toolAttacks try the rights to the tools, and what is written down of them.
var toolAttacks = map[string][]attack{
	"manage Mutation.grantTools": append(barred(`mutation{grantTools(application:"vault",user:"@",tools:[EXPLAIN]){user{id}}}`, "<eve>", "<absent>"),
		attack{class: "B09", send: `mutation{grantTools(application:"@",user:"<eve>",tools:[EXPLAIN]){user{id}}}`, right: "sales", wrong: "salez", code: "FORBIDDEN"}),
	"manage Mutation.revokeTools": append(barred(`mutation{revokeTools(application:"vault",user:"@",tools:[EXPLAIN]){user{id}}}`, "<ann>", "<absent>"),
		attack{class: "B09", send: `mutation{revokeTools(application:"@",user:"<ann>",tools:[EXPLAIN]){user{id}}}`, right: "sales", wrong: "salez", code: "FORBIDDEN"}),
	"manage Query.looks": append(append(barred(`{looks(application:"vault",user:"@"){nodes{id}}}`, "<ann>", "<absent>"),
		barred(`{looks(application:"vault",target:"@"){nodes{id}}}`, "<bob>", "<absent>")...),
		attack{class: "B09", send: `{looks(application:"@",tool:EXPLAIN){nodes{id}}}`, right: "sales", wrong: "salez", code: "NOT_FOUND", told: true},
		attack{class: "B04", send: `{looks(application:"vault",after:"@"){nodes{id}}}`, right: "<bobs>", wrong: "<absent>", code: "FORBIDDEN", told: true},
		attack{class: "B04", send: `{looks(application:"vault",last:1,before:"@"){nodes{id}}}`, right: "<bobs>", wrong: "<absent>", code: "FORBIDDEN", told: true}),
	"manage Me.lookedAt": {
		{class: "B09", send: `{me{lookedAt(application:"@"){nodes{id}}}}`, right: "sales", wrong: "salez", code: "NOT_FOUND", told: true},
		{class: "B04", send: `{me{lookedAt(application:"vault",last:1,before:"@"){nodes{id}}}}`, right: "<bobs>", wrong: "<absent>", told: true},
		{class: "B04", send: `{me{lookedAt(application:"vault",after:"@"){nodes{id}}}}`, right: "<bobs>", wrong: "<absent>", told: true},
		noField("B08", `{me{lookedAt(application:"vault"){nodes{user{@}}}}}`, "email"),
	},
}
