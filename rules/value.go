package rules

import (
	"encoding/binary"

	"sluice/internal/record"
)

// AppendValue appends a value as a rule is given it: the same for equal values, for no
// others, and never the beginning of another's. What is stored rests on it: it does not
// change.
func AppendValue(b []byte, v record.Value) []byte {
	b = append(b, byte(v.Kind()))
	switch v.Kind() {
	case record.KindBool:
		if v.Bool() {
			return append(b, 1)
		}
		return append(b, 0)
	case record.KindInt:
		b = binary.BigEndian.AppendUint64(b, uint64(v.Int()))
	case record.KindText:
		b = appendSized(b, v.Text())
	case record.KindRef:
		id := v.Ref()
		b = append(b, id[:]...)
	case record.KindList:
		items := v.List()
		b = binary.AppendUvarint(b, uint64(len(items)))
		for _, item := range items {
			b = appendSized(b, item)
		}
	case record.KindNull:
	}
	return b
}

func appendSized(b, text []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}
