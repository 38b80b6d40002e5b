package app

import (
	"sluice/engine"
	"sluice/graph/app"
	"sluice/internal/record"
)

// DefaultBudget is the most that an operation may cost. The cost is the number
// of cells that it may come to: fields times records, where every list counts
// as full and lists within lists multiply.
const DefaultBudget = 250_000

// What fields cost beyond their cell.
const (
	costTotal     = 100  // counting reads the index, not the records
	costAggregate = 1000 // reads the records, or the entries of an index
	costBeyond    = 10
	costCan       = 2
	costMutation  = 100 // for each record
	costType      = 100 // of introspection, per type of the schema
	costCeiling   = 1 << 40
)

// cost is that of writing the set rows times; page is the number of records in
// each of the enclosing connections.
func (r *Run) cost(s *set, rows, page int) int {
	sum := 0
	for i := range s.fields {
		sum += r.fieldCost(s, &s.fields[i], rows, page)
		if sum < 0 || sum > costCeiling {
			return costCeiling
		}
	}
	return sum
}

func (r *Run) fieldCost(s *set, f *field, rows, page int) int {
	switch f.mean.Kind {
	case app.Aggregates:
		return rows*costAggregate + r.cost(f.sub, rows, r.first(f))
	case app.Aggregate:
		return costAggregate + rows*costTotal + r.cost(f.sub, rows, page)
	case app.List, app.Children, app.Members:
		first := r.first(f)
		return rows*(1+first+r.beyond(f)) + r.cost(f.sub, rows, first)
	case app.CreateMany, app.UpdateMany, app.UpdateWhere, app.DeleteWhere:
		return r.severalCost(f)
	case app.PayloadIDs:
		return rows * max(page, 1)
	case app.Nodes, app.Edges, app.GroupNodes, app.ViewerRights, app.MemberNodes, app.PayloadRecords:
		return r.cost(f.sub, min(rows*max(page, 1), costCeiling), page)
	case app.CreatedReports:
		return rows + r.cost(f.sub, rows*engine.MaxCreatedReports*r.reportForms(f), page)
	case app.NodeByID:
		return r.nodeCost(f, 1)
	case app.NodesByID:
		return r.nodeCost(f, r.idsOf(f))
	case app.UsersCell, app.LinksCell:
		return rows + r.cost(f.sub, min(rows*record.MaxRefs, costCeiling), page)
	case app.TotalCount:
		return rows * costTotal
	case app.Comments, app.History, app.Notifications, app.CommentMentions, app.HistoryChanges, app.HistoryComplete, app.PayloadNotices:
		return r.talkCost(f, rows)
	case app.HasPreviousPage:
		return rows * costBeyond
	case app.CanUpdate, app.CanDelete:
		return rows * costCan
	case app.IntroSchema:
		return costType * len(r.schema.AST.Types)
	case app.IntroType:
		return 10 * costType
	case app.Create:
		return costMutation*r.added(f) + r.cost(f.sub, 1, 0)
	case app.Update, app.Upsert, app.ChangeOwner, app.Delete, app.AddComment, app.EditComment, app.DeleteComment, app.MarkRead,
		app.CreateReport, app.UpdateReport, app.DeleteReport:
		return costMutation + r.cost(f.sub, 1, 0)
	}
	if f.sub != nil {
		return rows + r.cost(f.sub, rows, page)
	}
	return rows
}

// beyond is what it costs to say whether records lie behind a window that has an
// end.
func (r *Run) beyond(f *field) int {
	if v, _, err := argument(r.schema.AST, f.node, "before", r.vars); err == nil && v == nil || !f.sub.after {
		return 0
	}
	return costBeyond
}

// first is the page size that the field asks for by first or last, as far as it
// can be read; a wrong one fails when the field is run.
func (r *Run) first(f *field) int {
	size := -1
	for _, name := range []string{"first", "last"} {
		v, _, err := argument(r.schema.AST, f.node, name, r.vars)
		if n, ok := v.(int64); err == nil && ok {
			size = max(size, int(min(max(n, 0), engine.MaxPage)))
		}
	}
	if size < 0 {
		return app.DefaultFirst
	}
	return size
}
