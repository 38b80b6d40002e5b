package app

import (
	_ "embed"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"sluice/internal/record"
)

//go:embed common.graphqls
var commonText string

// meanings maps the fields of types to what they stand for.
type meanings map[*ast.FieldDefinition]Meaning

// base is what every schema has: the prelude of the language and the types that
// do not depend on a form. It is made once and read only; like the text that it
// is parsed from it has a test, so that a failure here is a broken build.
var base = makeBase()

type baseTypes struct {
	types      map[string]*ast.Definition
	directives map[string]*ast.DirectiveDefinition
	meanings   meanings
}

func makeBase() *baseTypes {
	doc := validator.PreludeDocument()
	common, err := parser.ParseSchema(&ast.Source{Name: "common.graphqls", Input: commonText})
	if err != nil {
		panic("graph/app: common.graphqls: " + err.Error())
	}
	b := &baseTypes{types: map[string]*ast.Definition{}, directives: map[string]*ast.DirectiveDefinition{}, meanings: meanings{}}
	for _, d := range append(doc.Definitions, common.Definitions...) {
		b.types[d.Name] = d
	}
	for _, d := range doc.Directives {
		if d.Name != "defer" { // nothing here answers incrementally
			b.directives[d.Name] = d
		}
	}
	for typ, fields := range commonMeanings {
		for name, kind := range fields {
			b.meanings[b.types[typ].Fields.ForName(name)] = Meaning{Kind: kind}
		}
	}
	return b
}

var (
	orderedOver = map[string]Kind{"count": ValueCount, "countDistinct": ValueCountDistinct, "min": ValueMin, "max": ValueMax}
	numbersOver = map[string]Kind{"count": ValueCount, "countDistinct": ValueCountDistinct, "sum": ValueSum, "avg": ValueAvg,
		"min": ValueMin, "max": ValueMax}
)

var commonMeanings = map[string]map[string]Kind{
	"User": {"id": UserID, "displayName": UserName},
	"File": {"id": FileID, "name": FileName, "contentType": FileType, "size": FileSize, "sha256": FileHash, "url": FileURL},
	"Viewer": {"id": ViewerID, "displayName": ViewerName, "kind": ViewerKind, "role": ViewerRole,
		"permissionSet": ViewerSet, "application": ViewerApplication, "rights": ViewerRights},
	"ComponentRights": {"component": RightsComponent, "kind": RightsKind, "actions": RightsActions},
	"UserConnection":  {"nodes": MemberNodes, "pageInfo": MemberInfo},
	"CreatedReport": {"id": ReportID, "name": ReportName, "form": ReportForm, "columns": ReportColumns, "where": ReportWhere,
		"orderBy": ReportOrderBy, "maker": ReportMaker, "createdTime": ReportMade, "modifiedTime": ReportChanged, "viewerCanUpdate": ReportMayChange},
	"CreatedReportOrder":   {"field": OrderKeyField, "direction": OrderKeyDirection, "nulls": OrderKeyNulls},
	"CreatedReportPayload": {"id": ReportPayloadID, "report": ReportPayload},
	"PageInfo": {"hasNextPage": HasNextPage, "hasPreviousPage": HasPreviousPage,
		"startCursor": StartCursor, "endCursor": EndCursor},
	"ValueAggregate":    {"count": ValueCount, "countDistinct": ValueCountDistinct},
	"LongAggregate":     numbersOver,
	"DecimalAggregate":  numbersOver,
	"TextAggregate":     orderedOver,
	"BooleanAggregate":  orderedOver,
	"DateAggregate":     orderedOver,
	"DateTimeAggregate": orderedOver,
	"TimeAggregate":     orderedOver,
	"DurationAggregate": numbersOver,
}

// outType names the output type of a cell, inType that of an input, filterType
// the filter input; a lookup is not among them.
func outType(t record.Type) string {
	switch {
	case t == record.Users:
		return "[User!]"
	case t == record.User:
		return "User"
	case t.IsFile():
		return "File"
	}
	return inType(t)
}

func inType(t record.Type) string {
	switch t {
	case record.Integer:
		return "Long"
	case record.Decimal, record.Currency, record.Percent:
		return "Decimal"
	case record.Boolean:
		return "Boolean"
	case record.Date:
		return "Date"
	case record.DateTime:
		return "DateTime"
	case record.Time:
		return "Time"
	case record.Duration:
		return "Duration"
	case record.Phone:
		return "PhoneNumber"
	case record.URL:
		return "URL"
	case record.JSON:
		return "JSON"
	case record.Users, record.MultiLookup:
		return "[ID!]"
	case record.User, record.Lookup, record.Identity, record.File, record.Image:
		return "ID"
	case record.MultiChoice:
		return "[String!]"
	}
	return "String"
}

func filterType(f *record.Field) string {
	switch f.Type {
	case record.Integer:
		if f.Number == record.FieldVersion {
			return "IntFilter"
		}
		return "LongFilter"
	case record.Decimal, record.Currency, record.Percent:
		return "DecimalFilter"
	case record.Boolean:
		return "BooleanFilter"
	case record.Date:
		return "DateFilter"
	case record.DateTime:
		return "DateTimeFilter"
	case record.Time:
		return "TimeFilter"
	case record.Duration:
		return "DurationFilter"
	case record.JSON:
		return "JSONFilter"
	case record.Users, record.MultiLookup:
		return "IDListFilter"
	case record.AutoNumber:
		return "AutoNumberFilter"
	case record.Choice:
		return "ChoiceFilter"
	case record.MultiChoice:
		return "MultiChoiceFilter"
	case record.User:
		return "UserFilter"
	case record.Identity:
		return "IDFilter"
	case record.File, record.Image:
		return "FileFilter"
	}
	if f.Searchable {
		return "SearchableTextFilter"
	}
	return "TextFilter"
}
