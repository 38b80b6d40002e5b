package app

import (
	"sluice/graph/app"
	"sluice/internal/record"
)

// viewer writes a field of me.
func (x *exec) viewer(f *field) bool {
	v := &x.req.Viewer
	switch f.mean.Kind {
	case app.ViewerID:
		x.b = append(v.User.Append(append(x.b, '"')), '"')
	case app.ViewerName:
		x.text(v.DisplayName)
	case app.ViewerKind:
		x.text(v.Kind.String())
	case app.ViewerRole:
		x.textOrNull(v.Role)
	case app.ViewerSet:
		x.textOrNull(v.PermissionSet)
	case app.ViewerApplication:
		x.text(v.Application)
	case app.ViewerRights:
		rights := x.r.schema.Rights()
		return x.array(len(rights), func(i int) bool {
			return x.object(f.sub, func(g *field) bool { return x.right(g, &rights[i]) })
		})
	default:
		return x.unknown(f)
	}
	return true
}

func (x *exec) right(f *field, r *app.Right) bool {
	switch f.mean.Kind {
	case app.RightsComponent:
		x.text(r.Component)
	case app.RightsKind:
		x.text(r.Kind)
	case app.RightsActions:
		return x.array(len(r.Actions), func(i int) bool {
			x.text(r.Actions[i])
			return true
		})
	default:
		return x.unknown(f)
	}
	return true
}

func (x *exec) textOrNull(s string) {
	if s == "" {
		x.null()
		return
	}
	x.text(s)
}

func appendText(b []byte, s string) []byte {
	return record.AppendJSONString(b, []byte(s))
}
