package main

// recallAttacks are made on the questions about the past: by eve, who holds no
// tool, and by whoever comes from elsewhere.
var recallAttacks = joined(
	map[string][]attack{
		"manage Query.whoCouldSee": {
			{class: "B01", send: `{whoCouldSee(application:"vault",form:"Folder",record:"<eves>",at:"2026-01-01T00:00:00Z",field:"@"){totalCount}}`, right: "secret", wrong: "secrez", code: "FORBIDDEN"},
			{class: "B03", send: `{whoCouldSee(application:"vault",form:"Folder",record:"<eves>",at:"2026-01-01T00:00:00Z"){totalCount}}`, code: "FORBIDDEN"},
		},
		"manage Query.accessHistory": {
			{class: "B03", send: `{accessHistory(application:"vault",form:"Folder",record:"<eves>",user:"<eve>",from:"2026-01-01T00:00:00Z"){changes{time}}}`, code: "FORBIDDEN"},
		},
	},
	map[string][]attack{"manage Query.whoCouldSee": barred(`{whoCouldSee(application:"vault",form:"Folder",record:"@",at:"2026-01-01T00:00:00Z"){totalCount}}`, "<bobs>", "<absent>")},
	map[string][]attack{"manage Query.whoCouldSee": barred(`{whoCouldSee(application:"vault",form:"@",record:"<eves>",at:"2026-01-01T00:00:00Z"){totalCount}}`, "Ledger", "Ledgez")},
	map[string][]attack{"manage Query.accessHistory": barred(`{accessHistory(application:"vault",form:"Folder",record:"@",user:"<eve>",from:"2026-01-01T00:00:00Z"){changes{time}}}`, "<bobs>", "<absent>")},
	map[string][]attack{"manage Query.accessHistory": barred(`{accessHistory(application:"vault",form:"Folder",record:"<eves>",user:"@",from:"2026-01-01T00:00:00Z"){displayName}}`, "<bob>", "<absent>")},
	map[string][]attack{"manage Query.accessHistory": barred(`{accessHistory(application:"vault",form:"@",record:"<eves>",user:"<eve>",from:"2026-01-01T00:00:00Z"){changes{time}}}`, "Ledger", "Ledgez")},
)
