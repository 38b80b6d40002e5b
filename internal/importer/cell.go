package importer

import (
	"encoding/json"
	"strings"
	"time"

	"sluice/engine"
	"sluice/internal/fault"
	"sluice/internal/record"
)

// value reads one cell. given is false for an empty one, which leaves the field
// out.
func (p *plan) value(op *engine.Op, c *column, cell string) (v record.Value, given bool, err error) {
	switch {
	case cell == "":
		return v, false, nil
	case p.o.Null != "" && cell == p.o.Null:
		return v, true, nil
	}
	if p.o.Exported && textual(c.field.Type) {
		cell = record.Unguard(cell, p.o.Null)
	}
	v, err = p.parse(op, c, cell)
	return v, true, err
}

// textual reports whether an export guards the cells of a field.
func textual(t record.Type) bool { return t.Kind() == record.KindText }

func (p *plan) parse(op *engine.Op, c *column, cell string) (record.Value, error) {
	f := &c.field.Field
	switch f.Type {
	case record.Lookup:
		return p.lookup(op, c, cell)
	case record.User:
		return user(op, c, cell)
	case record.Date:
		return record.ParseValue(f, dateOf(cell))
	case record.DateTime:
		text, err := p.dateTimeOf(cell)
		if err != nil {
			return record.Value{}, err
		}
		return record.ParseValue(f, text)
	case record.Decimal, record.Currency, record.Percent:
		return record.ParseValue(f, withoutZeros(cell, int(f.Scale)))
	case record.Boolean:
		return record.ParseValue(f, booleanOf(cell))
	case record.JSON:
		return record.ParseValue(f, json.RawMessage(cell))
	}
	return record.ParseValue(f, cell)
}

// lookup finds the record that a cell names. One that does not exist and one
// out of reach are the same (B7, L2).
func (p *plan) lookup(op *engine.Op, c *column, cell string) (record.Value, error) {
	if c.key == nil {
		return record.ParseValue(&c.field.Field, cell)
	}
	if p.o.Exported && textual(c.key.Type) {
		cell = record.Unguard(cell, p.o.Null)
	}
	key, err := record.ParseValue(c.key, cell)
	if err != nil {
		return record.Value{}, err
	}
	id, ok, err := op.FindUnique(c.field.Target, c.key.Number, key)
	if err == nil && !ok {
		err = fault.New(fault.Invalid, "", "not found: no record whose %s is this", c.key.Name)
	}
	return record.Ref(id), err
}

// user finds the member whom a cell names: by id, which members of the
// application's API offers, or by address where the viewer may.
func user(op *engine.Op, c *column, cell string) (record.Value, error) {
	text := cell
	if c.template != "" {
		text = strings.Replace(c.template, "*", cell, 1)
	}
	id, ok := op.FindMember(text)
	switch {
	case !ok && op.FindsByAddress():
		return record.Value{}, fault.New(fault.Invalid, "", "not found: no active user of the application with this id or sign-in address")
	case !ok:
		return record.Value{}, fault.New(fault.Invalid, "", "not found: no active user of the application with this id")
	}
	return record.Ref(id), nil
}

// dateOf cuts a time of midnight off, which databases put behind dates.
func dateOf(cell string) string {
	const form = "2006-01-02"
	if len(cell) <= len(form) || cell[len(form)] != ' ' && cell[len(form)] != 'T' {
		return cell
	}
	clock, places, _ := strings.Cut(cell[len(form)+1:], ".")
	if (clock == "00:00:00" || clock == "00:00") && strings.Trim(places, "0") == "" && !strings.HasSuffix(cell, ".") {
		return cell[:len(form)]
	}
	return cell
}

// zoneless are the forms of a date-time without zone, places of a second aside.
var zoneless = []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"}

// dateTimeOf gives a date-time without zone the zone of the options. A time that
// the zone skips or has twice is an error: nobody can tell which was meant.
func (p *plan) dateTimeOf(cell string) (string, error) {
	cell = strings.Replace(cell, " ", "T", 1)
	for _, form := range zoneless {
		naive, err := time.Parse(form, cell)
		if err != nil || len(cell) < len(form) {
			continue
		}
		if p.o.zone == nil {
			return "", fault.New(fault.Invalid, "", "the time names no zone: write it with one, like 2006-01-31T15:04:05+01:00, or give the time zone of the file")
		}
		return inZone(naive, p.o.zone)
	}
	return cell, nil
}

func inZone(naive time.Time, zone *time.Location) (string, error) {
	const exact = time.RFC3339Nano
	var found []time.Time
	for _, shift := range []time.Duration{-26 * time.Hour, 26 * time.Hour} {
		_, offset := naive.Add(shift).In(zone).Zone()
		t := naive.Add(-time.Duration(offset) * time.Second)
		_, there := t.In(zone).Zone()
		if there == offset && (len(found) == 0 || !found[0].Equal(t)) {
			found = append(found, t)
		}
	}
	switch len(found) {
	case 0:
		return "", fault.New(fault.Invalid, "", "the time does not exist in %s, whose clocks were put forward over it", zone)
	case 1:
		return found[0].UTC().Format(exact), nil
	}
	return "", fault.New(fault.Invalid, "", "the time exists twice in %s, whose clocks were put back over it; write it with its offset", zone)
}

// withoutZeros cuts zeros off the end of a decimal that has more places than the
// field: 1.5000 is exactly 1.50.
func withoutZeros(cell string, scale int) string {
	whole, places, point := strings.Cut(cell, ".")
	if !point || len(places) <= scale || strings.Trim(places[scale:], "0") != "" {
		return cell
	}
	if scale == 0 {
		return whole
	}
	return whole + "." + places[:scale]
}

// booleanOf reads what databases and spreadsheets write.
func booleanOf(cell string) string {
	switch strings.ToLower(cell) {
	case "1", "true":
		return "true"
	case "0", "false":
		return "false"
	}
	return cell
}
