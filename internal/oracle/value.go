package oracle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode"

	"sluice/internal/record"
)

// fold maps each letter to the least of those that differ from it in case only.
func fold(s string) string {
	return strings.Map(func(c rune) rune {
		least := c
		for o := unicode.SimpleFold(c); o != c; o = unicode.SimpleFold(o) {
			least = min(least, o)
		}
		return least
	}, s)
}

// compare orders two values of one kind: null first, then by number, false
// before true, by bytes, lists item by item.
func compare(a, b record.Value) int {
	switch {
	case a.IsNull() || b.IsNull() || a.Kind() != b.Kind():
		return int(a.Kind()) - int(b.Kind())
	case a.Kind() == record.KindInt:
		return big.NewInt(a.Int()).Cmp(big.NewInt(b.Int()))
	case a.Kind() == record.KindBool:
		return map[bool]int{true: 1}[a.Bool()] - map[bool]int{true: 1}[b.Bool()]
	case a.Kind() == record.KindText:
		return bytes.Compare(a.Text(), b.Text())
	case a.Kind() == record.KindRef:
		x, y := a.Ref(), b.Ref()
		return bytes.Compare(x[:], y[:])
	}
	return slices.CompareFunc(a.List(), b.List(), bytes.Compare)
}

// literal reads a constant of the source as a value of the field.
func literal(f record.Field, src any, r reader) record.Value {
	text, isText := src.(string)
	if !isText {
		text = fmt.Sprint(src)
	}
	switch f.Type {
	case record.Integer, record.Decimal, record.Currency, record.Percent:
		if n, ok := src.(json.Number); ok {
			text = n.String()
		}
		n, ok := new(big.Rat).SetString(text)
		if ok {
			n.Mul(n, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(f.Scale)), nil)))
		}
		if ok && n.IsInt() && n.Num().IsInt64() {
			return record.Int(n.Num().Int64())
		}
	case record.Boolean:
		return record.Bool(src.(bool))
	case record.Date:
		if t, err := time.Parse(time.DateOnly, text); err == nil {
			return record.Int(t.Unix() / 86400) // exact: a date is midnight UTC
		}
	case record.DateTime:
		if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return record.Int(t.UnixMicro())
		}
	case record.Time:
		if t, err := time.Parse("15:04:05", text); err == nil {
			return record.Int(t.Sub(t.Truncate(24 * time.Hour)).Microseconds())
		}
	case record.Duration: // the worlds write whole seconds
		if d, err := time.ParseDuration(strings.ToLower(strings.Replace(text, "PT", "", 1))); err == nil {
			return record.Int(d.Microseconds())
		}
	case record.User, record.Lookup, record.Identity:
		if r.raw && text == "VIEWER" && f.Type == record.User {
			return record.Ref(r.u.ID)
		}
		if id, err := record.ParseID(text); err == nil {
			return record.Ref(id)
		}
	case record.Text, record.LongText, record.Choice, record.Email, record.Phone, record.URL:
		return record.String(src.(string))
	}
	panic(fmt.Sprintf("oracle: %v is no constant of field %s", src, f.Name))
}
