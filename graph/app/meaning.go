package app

import "sluice/internal/record"

// Kind says what a field of the schema stands for. The zero Kind stands for
// nothing: the executor refuses it.
type Kind uint8

// The kinds of fields.
const (
	NoKind Kind = iota
	// Fields of Query.
	SchemaVersion
	Me
	Get
	List
	Members
	// Fields of Mutation.
	Create
	Update
	ChangeOwner
	Delete
	// Fields of a record.
	RecordID
	RecordVersion
	Cell
	UserCell
	LookupCell
	Children
	CanUpdate
	CanDelete
	// Fields of a connection, an edge and the page info.
	Edges
	Nodes
	PageInfo
	TotalCount
	EdgeCursor
	EdgeNode
	HasNextPage
	HasPreviousPage
	StartCursor
	EndCursor
	// Fields of a mutation's payload.
	PayloadID
	PayloadRecord
	// Fields of User, Viewer and ComponentRights.
	UserID
	UserName
	ViewerID
	ViewerName
	ViewerKind
	ViewerRole
	ViewerSet
	ViewerApplication
	ViewerRights
	RightsComponent
	RightsKind
	RightsActions
	// Fields of UserConnection.
	MemberNodes
	MemberInfo
	// Introspection, and __typename everywhere.
	TypeName
	IntroSchema
	IntroType
)

// Meaning is what a field of the schema stands for. Read only.
type Meaning struct {
	Kind Kind
	// Form is the number of the form whose records the field gives, lists or
	// changes.
	Form uint32
	// Field is the cell, or the lookup that leads to the parent in Children.
	Field *record.Field
	// Report is the report that a List shows; empty for the whole reach.
	Report string
}
