package main

// permTestAttacks ask permission tests about what eve does not see: of the active
// definition, and of one that she makes up, whose sentences would tell.
var permTestAttacks = map[string][]attack{
	"manage Query.runPermissionTests": {
		{class: "B09", send: `{runPermissionTests(application:"vault"){tests{verdict counterexamples{user record}} invariants{verdict}}}`, code: "FORBIDDEN"},
		{class: "B09", send: madeUp, right: "secret", wrong: "secrez", code: "FORBIDDEN", told: true},
		{class: "B15", send: madeUp, right: "secret", wrong: "secrez", code: "FORBIDDEN", told: true},
		{class: "B15", send: `{runPermissionTests(application:"@"){version}}`, right: "sales", wrong: "salez", code: "NOT_FOUND", told: true},
	},
}

const madeUp = `{runPermissionTests(application:"vault",definition:"application: vault\nforms: []\ntests: ['everyone cannot see Folder.@ on any record']"){tests{verdict}}}`
