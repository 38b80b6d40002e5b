package main

import (
	"fmt"
	"slices"
	"testing"
)

// bulkWrites attacks the writes of several records and those by a unique value.
// Folders that eve sees and may not change are among those of every filter that
// takes all of hers.
var bulkWrites = map[string][]attack{
	"app Mutation.createFolders": slices.Concat(systemFields(`mutation{createFolders(input:[{title:"y"},{%s}]){ids}}`), []attack{
		{class: "B15", send: `mutation{createFolders(input:[{title:"x"},{title:"y",related:"@"}]){ids}}`, right: "<bobs>", wrong: "<absent>", code: "BAD_USER_INPUT"},
		{class: "B15", send: `mutation{createFolders(input:[{title:"x"},{title:"y",code:"@"}]){ids}}`, right: "CODE-BOB", wrong: "CODE-EVE", code: "CONFLICT"},
		names("B05", `mutation{createFolders(input:[]){folders{@}}}`, "secret"),
		names("B05", `mutation{createFolders(input:[]){folders{related{@}}}}`, "ssn"),
	}),
	"app Mutation.updateFolders": slices.Concat(writesBy(`mutation{updateFolders(where:{%s},input:{title:"x"}){count ids folders{id title}}}`),
		systemFields(`mutation{updateFolders(where:{id:{eq:"<eves>"}},input:{%s}){ids}}`), []attack{
			{class: "B15", send: `mutation{updateFolders(where:{id:{eq:"@"}},input:{title:"x"}){count ids}}`, right: "<bobs>", wrong: "<absent>"},
			{class: "B15", send: `mutation{updateFolders(where:{id:{eq:"@"}},input:{title:null}){count}}`, right: "<bobs>", wrong: "<absent>", code: "BAD_USER_INPUT"},
			{class: "B15", send: `mutation{updateFolders(where:{id:{in:["@"]}},input:{code:"CODE-EVE"}){count}}`, right: "<bobs>", wrong: "<absent>"},
			{class: "B15", send: `mutation{updateFolders(where:{id:{eq:"<eves>"}},input:{related:"@"}){count}}`, right: "<bobs>", wrong: "<absent>", code: "BAD_USER_INPUT"},
			{class: "B15", send: `mutation{updateFolders(where:{id:{eq:"<eves>"}},input:{note:"@"}){count}}`, right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ", code: "FORBIDDEN"},
			names("B05", `mutation{updateFolders(where:{id:{eq:"<absent>"}},input:{title:"x"}){folders{@}}}`, "secret"),
		}),
	"app Mutation.updateFoldersById": slices.Concat(systemFields(`mutation{updateFoldersById(updates:[{id:"<eves>",input:{%s}}]){ids}}`), []attack{
		{class: "B15", send: `mutation{updateFoldersById(updates:[{id:"<eves>",input:{title:"x"}},{id:"@",input:{title:"x"}}]){ids}}`, right: "<bobs>", wrong: "<absent>", code: "NOT_FOUND"},
		{class: "B15", send: `mutation{updateFoldersById(updates:[{id:"@",input:{title:null,code:"CODE-EVE"},ifVersion:77}]){ids}}`, right: "<bobs>", wrong: "<absent>", code: "NOT_FOUND"},
		{class: "B15", send: `mutation{updateFoldersById(updates:[{id:"<eves>",input:{related:"@"}}]){ids}}`, right: "<bobs>", wrong: "<absent>", code: "BAD_USER_INPUT"},
		{class: "B15", send: `mutation{updateFoldersById(updates:[{id:"<eves>",input:{note:"@"}}]){ids}}`, right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ", code: "FORBIDDEN"},
		{class: "B21", send: `mutation{updateFoldersById(updates:[{id:"<eves>",input:{title:"x"}},{id:"@",input:{title:"x"}}]){ids}}`, right: "<shared>", wrong: "<shared>", code: "FORBIDDEN"},
		names("B05", `mutation{updateFoldersById(updates:[]){folders{@}}}`, "secret"),
	}),
	"app Mutation.deleteFolders": slices.Concat(writesBy(`mutation{deleteFolders(where:{%s}){count ids}}`), []attack{
		{class: "B15", send: `mutation{deleteFolders(where:{id:{eq:"@"}}){count ids}}`, right: "<bobs>", wrong: "<absent>"},
		{class: "B15", send: `mutation{deleteFolders(where:{id:{in:["@","<bobsSheet>"]}}){count ids}}`, right: "<bobs>", wrong: "<absent>"},
	}),
	"app Mutation.upsertFolder": slices.Concat(systemFields(`mutation{upsertFolder(key:code,input:{code:"CODE-NEW",%s}){id}}`), []attack{
		names("B15", `mutation{upsertFolder(key:@,input:{title:"x"}){id}}`, "secret"),
		{class: "B15", send: `mutation{upsertFolder(key:code,input:{title:"x",code:"CODE-NEW",related:"@"}){id}}`, right: "<bobs>", wrong: "<absent>", code: "BAD_USER_INPUT"},
		{class: "B15", send: `mutation{upsertFolder(key:code,input:{code:"CODE-EVE",note:"@"}){id}}`, right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ", code: "FORBIDDEN"},
		{class: "B21", send: `mutation{upsertFolder(key:code,input:{title:"x",code:"@"}){id}}`, right: "SHARED", wrong: "SHARED", code: "FORBIDDEN"},
		{class: "B15", by: upsertIsCreate},
		names("B05", `mutation{upsertFolder(key:code,input:{code:"CODE-BOB"}){folder{@}}}`, "secret"),
	}),
	"app Mutation.createSheets": {
		{class: "B15", send: `mutation{createSheets(input:[{folder:"<eves>",name:"y"},{folder:"@",name:"x"}]){ids}}`, right: "<bobs>", wrong: "<absent>", code: "BAD_USER_INPUT"},
		{class: "B21", send: `mutation{createSheets(input:[{folder:"<eves>",name:"y"},{folder:"@",name:"x"}]){ids}}`, right: "<shared>", wrong: "<shared>", code: "FORBIDDEN"},
		{class: "B14", send: `mutation{createSheets(input:[{folder:"<eves>",name:"x",@:null}]){ids}}`, right: "owner", wrong: "ownez", code: "BAD_USER_INPUT"},
		names("B05", `mutation{createSheets(input:[]){sheets{folder{@}}}}`, "secret"),
	},
	"app Mutation.updateSheets": slices.Concat(sheetsBy(`mutation{updateSheets(where:{%s},input:{name:"x"}){count}}`), []attack{
		{class: "B15", send: `mutation{updateSheets(where:{id:{eq:"<evesSheet>"}},input:{folder:"@"}){count}}`, right: "<bobs>", wrong: "<absent>", code: "BAD_USER_INPUT"},
		{class: "B14", send: `mutation{updateSheets(where:{id:{eq:"<evesSheet>"}},input:{@:null}){count}}`, right: "owner", wrong: "ownez", code: "BAD_USER_INPUT"},
		names("B05", `mutation{updateSheets(where:{id:{eq:"<absent>"}},input:{name:"x"}){sheets{folder{@}}}}`, "secret"),
	}),
	"app Mutation.updateSheetsById": {
		{class: "B15", send: `mutation{updateSheetsById(updates:[{id:"@",input:{name:"x"}}]){ids}}`, right: "<bobsSheet>", wrong: "<absent>", code: "NOT_FOUND"},
		{class: "B15", send: `mutation{updateSheetsById(updates:[{id:"<evesSheet>",input:{folder:"@"}}]){ids}}`, right: "<bobs>", wrong: "<absent>", code: "BAD_USER_INPUT"},
		{class: "B14", send: `mutation{updateSheetsById(updates:[{id:"<evesSheet>",input:{@:null}}]){ids}}`, right: "owner", wrong: "ownez", code: "BAD_USER_INPUT"},
		names("B05", `mutation{updateSheetsById(updates:[]){sheets{folder{@}}}}`, "secret"),
	},
	"app Mutation.deleteSheets":      sheetsBy(`mutation{deleteSheets(where:{%s}){count}}`),
	"app Mutation.createLedgers":     unknownField(`mutation{@(input:[{entry:"x"}]){ids}}`, "createLedgers"),
	"app Mutation.updateLedgers":     unknownField(`mutation{@(where:{id:{eq:"<ledger>"}},input:{entry:"x"}){ids}}`, "updateLedgers"),
	"app Mutation.updateLedgersById": unknownField(`mutation{@(updates:[{id:"<ledger>",input:{entry:"x"}}]){ids}}`, "updateLedgersById"),
	"app Mutation.deleteLedgers":     unknownField(`mutation{@(where:{id:{eq:"<ledger>"}}){ids}}`, "deleteLedgers"),
}

// filtered puts filters into a request; what they match must not depend on the
// guess.
func filtered(send string, list ...attack) []attack {
	for i := range list {
		list[i].send = fmt.Sprintf(send, list[i].send)
	}
	return list
}

// writesBy attacks the filter of a write of folders. Filters that exclude a guess
// take all that eve sees, which she may not change.
func writesBy(send string) []attack {
	return filtered(send,
		attack{class: "B01", send: `secret:{eq:"@"}`, right: "CANARY-S-EVE", wrong: "CANARY-S-XYZ", code: "BAD_USER_INPUT"},
		attack{class: "B01", send: `note:{eq:"@"}`, right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		attack{class: "B01", send: `note:{startsWith:"@"}`, right: "CANARY-N", wrong: "ZZZZZZZZ"},
		attack{class: "B01", send: `code:{eq:"@"}`, right: "CODE-BOB", wrong: "CODE-NIX"},
		names("B01", "@:{isNull:true}", "secret"),
		attack{class: "B13", send: `related:{title:{eq:"@"}}`, right: "CANARY-TITLE", wrong: "CANARY-XXXXX"},
		attack{class: "B13", send: `rivals:{some:{title:{eq:"@"}}}`, right: "CANARY-TITLE", wrong: "CANARY-XXXXX"},
		attack{class: "B13", send: `related:{id:{eq:"@"}}`, right: "<bobs>", wrong: "<absent>"},
		names("B13", "@:{entry:{isNull:false}}", "ledger"),
		attack{class: "B18", send: `not:{note:{eq:"@"}}`, right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ", code: "FORBIDDEN"},
		attack{class: "B18", send: `note:{ne:"@"}`, right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ", code: "FORBIDDEN"},
		attack{class: "B18", send: `note:{isNull:true}`, code: "FORBIDDEN"},
		attack{class: "B18", send: `and:[{}]`, code: "BAD_USER_INPUT"},
		attack{class: "B18", send: ``, code: "BAD_USER_INPUT"},
		attack{class: "B21", send: `title:{eq:"shared"}`, code: "FORBIDDEN"},
	)
}

func sheetsBy(send string) []attack {
	return filtered(send,
		attack{class: "B01", send: `name:{eq:"@"}`, right: "CANARY-SHEET", wrong: "CANARY-XXXXX"},
		attack{class: "B01", send: `folder:{secret:{eq:"@"}}`, right: "CANARY-S-EVE", wrong: "CANARY-S-XYZ", code: "BAD_USER_INPUT"},
		attack{class: "B13", send: `folder:{note:{eq:"@"}}`, right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ"},
		attack{class: "B13", send: `folder:{title:{eq:"@"}}`, right: "CANARY-TITLE", wrong: "CANARY-XXXXX"},
		attack{class: "B15", send: `id:{eq:"@"}`, right: "<bobsSheet>", wrong: "<absent>"},
		attack{class: "B18", send: `not:{folder:{note:{eq:"@"}}}`, right: "CANARY-N-EVE", wrong: "CANARY-N-XYZ", code: "FORBIDDEN"},
		attack{class: "B21", send: `name:{eq:"shared sheet"}`, code: "FORBIDDEN"},
	)
}

// upsertIsCreate: a value that somebody out of reach holds is taken, as for who
// creates a record, and one that a rule masks is none that eve could meet.
func upsertIsCreate(t *testing.T, v *vault) {
	upsert, create := v.ask("eve", `mutation{upsertFolder(key:code,input:{title:"x",code:"CODE-BOB"}){id}}`), v.ask("eve", `mutation{createFolder(input:{title:"x",code:"CODE-BOB"}){id}}`)
	if upsert.code() != "CONFLICT" || create.code() != "CONFLICT" || upsert.Errors[0].Message != create.Errors[0].Message {
		t.Errorf("upsert %+v, create %+v", upsert.Errors, create.Errors)
	}
}
