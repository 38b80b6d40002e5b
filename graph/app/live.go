package app

import "github.com/vektah/gqlparser/v2/ast"

// changes adds the subscription of a form and the type of what it tells.
func (p *plan) changes(f *Form) {
	own := ast.FieldList{
		f.mean(field("kind", "ChangeKind!"), Meaning{Kind: ChangeKind}),
		f.mean(field("id", "ID!"), Meaning{Kind: ChangeID}),
		described(f.mean(field("token", "String"), Meaning{Kind: ChangeToken}),
			"Resumes behind this event; null where more of what was changed together follows."),
	}
	one := described(field(freeField(lowerFirst(f.Name), own), f.Name), "The record as it is now; null where it was removed.")
	d := object(f.Name+"Change", "A change of a record, as the viewer sees it.", append(own, f.mean(one, Meaning{Kind: ChangeRecord, Form: f.Number})))
	f.defs = append(f.defs, d)
	root := field(lowerFirst(f.Name)+"Changes", d.Name+"!", arg("where", f.Name+"Filter"), arg("resume", "String"))
	described(root, "Changes of the records that the viewer sees and that match; where leads through no lookup. resume is the token of the last event that was received.")
	f.subscription = append(f.subscription, f.mean(root, Meaning{Kind: Changes, Form: f.Number}))
}
