package gateway

import (
	"encoding/json"
	"strconv"
	"strings"

	"sluice/engine"
	"sluice/internal/definition"
	"sluice/internal/record"
)

// reviewCSV writes a review as RFC 4180 in UTF-8; the first line names the
// columns. Lists of names stand in one cell, with semicolons between.
type reviewCSV struct{}

var reviewColumns = []string{
	"person", "name", "kind", "role", "permissionSet", "form", "visible", "editable", "deletable", "exportable",
	"hiddenFields", "personalData", "personalFields", "healthData", "healthFields", "reasons",
}

func (reviewCSV) media() (mime, extension string) { return mediaCSV, "csv" }

func (reviewCSV) begin(b []byte, _ engine.ReviewHead) []byte {
	return append(append(b, strings.Join(reviewColumns, ",")...), "\r\n"...)
}

func (reviewCSV) row(b []byte, r *engine.ReviewRow) []byte {
	const list = "; "
	for i, cell := range []string{
		r.User.String(), r.DisplayName, r.Kind.String(), r.Role, r.Set, r.Form,
		strconv.Itoa(r.Counts[definition.View]), strconv.Itoa(r.Counts[definition.Edit]),
		strconv.Itoa(r.Counts[definition.Delete]), strconv.Itoa(r.Counts[definition.Export]),
		strings.Join(r.Hidden, list), yesNo(len(r.PII) > 0), strings.Join(r.PII, list),
		yesNo(len(r.EPHI) > 0), strings.Join(r.EPHI, list), strings.Join(reasons(r.Grounds), list),
	} {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendCell(b, record.Guard(cell, ""))
	}
	return append(b, "\r\n"...)
}

func (reviewCSV) end(b []byte, _ int) []byte { return b }

// appendCell quotes a cell where CSV needs it.
func appendCell(b []byte, s string) []byte {
	if !strings.ContainsAny(s, "\",\r\n") && s == strings.TrimSpace(s) {
		return append(b, s...)
	}
	return append(append(append(b, '"'), strings.ReplaceAll(s, `"`, `""`)...), '"')
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// reasons puts into words what gives somebody records.
func reasons(grounds []engine.Ground) []string {
	out := []string{}
	for _, g := range grounds {
		out = append(out, g.Gives()+" ("+g.Statement+")")
	}
	return out
}

// reviewJSON writes a review as one object, which is whole only with its last
// member.
type reviewJSON struct{ rows int }

func (*reviewJSON) media() (mime, extension string) { return mediaJSON, "json" }

func (*reviewJSON) begin(b []byte, h engine.ReviewHead) []byte {
	b = record.AppendJSONString(append(b, `{"application":`...), []byte(h.Application))
	b = strconv.AppendUint(append(b, `,"version":`...), h.Version, 10)
	return append(b, `,"rows":[`...)
}

// reviewObject is a row.
type reviewObject struct {
	Person         string   `json:"person"`
	Name           string   `json:"name"`
	Kind           string   `json:"kind"`
	Role           *string  `json:"role"`
	Set            *string  `json:"permissionSet"`
	Form           string   `json:"form"`
	Visible        int      `json:"visible"`
	Editable       int      `json:"editable"`
	Deletable      int      `json:"deletable"`
	Exportable     int      `json:"exportable"`
	HiddenFields   []string `json:"hiddenFields"`
	PersonalFields []string `json:"personalFields"`
	HealthFields   []string `json:"healthFields"`
	Reasons        []string `json:"reasons"`
}

func (t *reviewJSON) row(b []byte, r *engine.ReviewRow) []byte {
	if t.rows > 0 {
		b = append(b, ',')
	}
	t.rows++
	// Texts, numbers and lists of them have no way to fail.
	object, _ := json.Marshal(&reviewObject{
		Person: r.User.String(), Name: r.DisplayName, Kind: r.Kind.String(), Role: orNull(r.Role), Set: orNull(r.Set), Form: r.Form,
		Visible: r.Counts[definition.View], Editable: r.Counts[definition.Edit],
		Deletable: r.Counts[definition.Delete], Exportable: r.Counts[definition.Export],
		HiddenFields: append([]string{}, r.Hidden...), PersonalFields: append([]string{}, r.PII...), HealthFields: append([]string{}, r.EPHI...),
		Reasons: reasons(r.Grounds),
	})
	return append(append(b, '\n'), object...)
}

func (*reviewJSON) end(b []byte, rows int) []byte {
	return append(strconv.AppendInt(append(b, "\n],\"complete\":"...), int64(rows), 10), "}\n"...)
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
