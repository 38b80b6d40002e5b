package httpd

import (
	"strconv"
	"strings"
	"time"
)

// expositionType is the media type of the text format of Prometheus.
const expositionType = "text/plain; version=0.0.4; charset=utf-8"

// exposition writes metrics in the text format of Prometheus, version 0.0.4: all
// samples of a family stand together behind its two lines.
type exposition struct {
	buf    []byte
	family string
}

// The types of families.
const (
	counter = "counter"
	gauge   = "gauge"
	summary = "summary"
)

// label is a name and its value, which may be any text.
type label struct{ name, value string }

// begin opens a family. Names are those of Prometheus; help is one line.
func (x *exposition) begin(name, kind, help string) {
	x.family = name
	x.buf = append(x.buf, "# HELP "+name+" "+help+"\n# TYPE "+name+" "+kind+"\n"...)
}

// sample writes one value of the open family.
func (x *exposition) sample(value float64, labels ...label) { x.part("", value, labels) }

// part writes a value of the open family under its name with an ending, as
// summaries have them.
func (x *exposition) part(ending string, value float64, labels []label) {
	x.buf = append(x.buf, x.family...)
	x.buf = append(x.buf, ending...)
	for i, l := range labels {
		x.buf = append(x.buf, "{,"[min(i, 1)])
		x.buf = append(x.buf, l.name...)
		x.buf = append(x.buf, '=', '"')
		x.buf = append(x.buf, escaped.Replace(strings.ToValidUTF8(l.value, "\uFFFD"))...)
		x.buf = append(x.buf, '"')
	}
	if len(labels) > 0 {
		x.buf = append(x.buf, '}')
	}
	x.buf = append(x.buf, ' ')
	x.buf = strconv.AppendFloat(x.buf, value, 'g', -1, 64)
	x.buf = append(x.buf, '\n')
}

// escaped is how a value of a label is written.
var escaped = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// summary writes how often something happened and how long that took in all.
func (x *exposition) summary(count int64, took time.Duration, labels ...label) {
	x.part("_sum", took.Seconds(), labels)
	x.part("_count", float64(count), labels)
}
