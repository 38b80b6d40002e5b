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
	Notifications
	CreatedReports
	NodeByID
	NodesByID
	// Fields of Subscription, and of what it tells.
	Changes
	ChangeKind
	ChangeID
	ChangeRecord
	ChangeToken
	// Fields of Mutation.
	Create
	Update
	ChangeOwner
	Delete
	CreateMany
	UpdateWhere
	UpdateMany
	DeleteWhere
	Upsert
	AddComment
	EditComment
	DeleteComment
	MarkRead
	CreateReport
	UpdateReport
	DeleteReport
	// Fields of a record.
	RecordID
	RecordVersion
	Cell
	UserCell
	FileCell
	LookupCell
	// UsersCell and LinksCell are lists of people, and of the records that a
	// multi-lookup leads to.
	UsersCell
	LinksCell
	Children
	CanUpdate
	CanDelete
	Comments
	History
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
	// Aggregates of a list and of a connection, their groups and values.
	Aggregates
	Aggregate
	GroupNodes
	GroupPageInfo
	GroupTotal
	GroupKey
	GroupCell
	GroupUser
	GroupLookup
	RecordCount
	FieldAggregate
	ValueCount
	ValueCountDistinct
	ValueSum
	ValueAvg
	ValueMin
	ValueMax
	// Fields of a mutation's payload.
	PayloadID
	PayloadRecord
	PayloadIDs
	PayloadCount
	PayloadRecords
	PayloadCreated
	// Fields of a created report, of its order, and of the payload of what changes
	// one.
	ReportID
	ReportName
	ReportForm
	ReportColumns
	ReportWhere
	ReportOrderBy
	ReportMaker
	ReportMade
	ReportChanged
	ReportMayChange
	OrderKeyField
	OrderKeyDirection
	OrderKeyNulls
	ReportPayloadID
	ReportPayload
	// Fields of File.
	FileID
	FileName
	FileType
	FileSize
	FileHash
	FileURL
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
	// Fields of a comment.
	CommentID
	CommentText
	CommentAuthor
	CommentTime
	CommentEdited
	CommentMentions
	CommentCanEdit
	CommentCanDelete
	// Fields of a history entry and of a change of a cell.
	HistoryVersion
	HistoryTime
	HistoryActor
	HistoryKind
	HistoryChanges
	HistoryComplete
	ChangeField
	ChangeBefore
	ChangeAfter
	// Fields of a notification.
	NoticeID
	NoticeTime
	NoticeRead
	NoticeActor
	NoticeKind
	NoticeForm
	NoticeRecord
	NoticeComment
	// Fields of payloads about comments and notifications.
	PayloadComment
	PayloadNotices
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
