package main

// permTestAttacks ask permission tests about what eve does not see: of the active
// definition, and of one that she makes up, whose sentences would tell.
var permTestAttacks = map[string][]attack{
	"manage Query.runPermissionTests": append(
		barred(`{runPermissionTests(application:"vault",definition:"application: vault\nforms: []\ntests: ['everyone cannot see Folder.@ on any record']"){tests{verdict}}}`, "secret", "secrez"),
		attack{class: "B09", send: `{runPermissionTests(application:"vault"){tests{verdict counterexamples{user record}} invariants{verdict}}}`, code: "FORBIDDEN"},
		attack{class: "B15", send: `{runPermissionTests(application:"@"){version}}`, right: "sales", wrong: "salez", code: "NOT_FOUND"},
	),
}
