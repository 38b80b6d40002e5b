package app

import (
	"encoding/hex"
	"strconv"

	"sluice/graph/app"
	"sluice/internal/record"
)

// file writes a cell that holds a file.
func (x *exec) file(f *field, r *record.Redacted) bool {
	a, ok := r.Get(f.mean.Field).Attachment()
	if !ok {
		return x.null()
	}
	return x.object(f.sub, func(g *field) bool {
		switch g.mean.Kind {
		case app.FileID:
			x.idText(a.ID)
		case app.FileName:
			x.text(a.Name)
		case app.FileType:
			x.text(a.ContentType)
		case app.FileSize:
			x.b = strconv.AppendInt(x.b, a.Size, 10)
		case app.FileHash:
			x.text(hex.EncodeToString(a.Hash[:]))
		case app.FileURL:
			x.text(x.fileURL(f, r.ID(), a.ID))
		default:
			return x.unknown(g)
		}
		return true
	})
}

// fileURL is the path of a file's content. The names in it are letters and digits.
func (x *exec) fileURL(f *field, id, file record.ID) string {
	form, _ := x.r.schema.Form(f.mean.Form)
	return "/apps/" + x.req.Viewer.Application + "/files/" + form.Name + "/" + id.String() + "/" + f.mean.Field.Name + "/" + file.String()
}
