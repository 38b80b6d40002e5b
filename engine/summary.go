package engine

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"

	"sluice/internal/record"
)

// AvgPlaces is how many places an average of numbers has beyond those of its
// field.
const AvgPlaces = 4

// summary is what is known of the values of one field in one group.
type summary struct {
	count    int
	sum      wide
	min, max record.Value
	distinct map[string]struct{}
}

// add takes a value that is not null. It is borrowed; what is kept is a copy.
func (s *summary) add(of Functions, v record.Value) {
	s.count++
	if of.Has(Sum) || of.Has(Avg) {
		s.sum = s.sum.plus(v.Int())
	}
	if of.Has(Min) && (s.count == 1 || v.Compare(s.min) < 0) {
		s.min = v.Clone()
	}
	if of.Has(Max) && (s.count == 1 || v.Compare(s.max) > 0) {
		s.max = v.Clone()
	}
}

// avg is the sum divided by the count, with avgPlaces more places, rounded half
// away from zero. It needs a count.
func (s *summary) avg(of *record.Field) wide {
	factor := uint64(1)
	for range avgPlaces(of) {
		factor *= 10
	}
	return s.sum.dividedBy(uint64(s.count), factor)
}

// avgPlaces is how many places an average has beyond those of its field.
// Durations are microseconds, of which there are no parts.
func avgPlaces(f *record.Field) int {
	if f.Type == record.Duration {
		return 0
	}
	return AvgPlaces
}

// wide is an integer of 128 bits in two's complement. 2^63 values of 64 bits
// cannot overflow it, nor can the average of fewer than 2^50 of them.
type wide struct {
	high int64
	low  uint64
}

func wideOf(n int64) wide { return wide{n >> 63, uint64(n)} }

func (w wide) plus(n int64) wide {
	low, carry := bits.Add64(w.low, uint64(n), 0)
	return wide{w.high + n>>63 + int64(carry), low}
}

func (w wide) negated() wide {
	low, borrow := bits.Sub64(0, w.low, 0)
	return wide{-w.high - int64(borrow), low}
}

// dividedBy is w*factor/n, rounded half away from zero.
func (w wide) dividedBy(n, factor uint64) wide {
	negative := w.high < 0
	if negative {
		w = w.negated()
	}
	carry, low := bits.Mul64(w.low, factor)
	high := uint64(w.high)*factor + carry
	qh, rest := high/n, high%n
	ql, rest := bits.Div64(rest, low, n)
	if rest >= n-rest {
		var up uint64
		ql, up = bits.Add64(ql, 1, 0)
		qh += up
	}
	out := wide{int64(qh), ql}
	if negative {
		return out.negated()
	}
	return out
}

// appendSortKey appends 16 bytes that order as the numbers do.
func (w wide) appendSortKey(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(w.high)^1<<63)
	return binary.BigEndian.AppendUint64(dst, w.low)
}

// clamped is the nearest integer of 64 bits.
func (w wide) clamped() int64 {
	switch {
	case w.high == int64(w.low)>>63:
		return int64(w.low)
	case w.high < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}

func (w wide) big() *big.Int {
	n := new(big.Int).Lsh(big.NewInt(w.high), 64)
	return n.Add(n, new(big.Int).SetUint64(w.low))
}

// Number is an exact decimal number of any size: Digits divided by 10^Places.
type Number struct {
	Digits *big.Int
	Places int
}

// AppendText appends the number with all of its places.
func (n Number) AppendText(dst []byte) []byte {
	text := n.Digits.Append(nil, 10)
	if text[0] == '-' {
		dst, text = append(dst, '-'), text[1:]
	}
	if short := n.Places + 1 - len(text); short > 0 { // a digit before the point
		text = append(bytes.Repeat([]byte{'0'}, short), text...)
	}
	whole := len(text) - n.Places
	dst = append(dst, text[:whole]...)
	if n.Places == 0 {
		return dst
	}
	return append(append(dst, '.'), text[whole:]...)
}

// outcome is a group as its reader gets it.
func (a *aggregator) outcome(g *group) Group {
	out := Group{Keys: g.keys, Count: g.count, Values: make([]Values, len(a.q.Measures))}
	for i := range out.Values {
		f, of := &g.measures[i].Field, g.measures[i].Functions
		s, places := &g.summaries[i], places(f)
		v := Values{Count: s.count, CountDistinct: len(s.distinct), Min: s.min, Max: s.max}
		if of.Has(Sum) && s.count > 0 {
			v.Sum = &Number{s.sum.big(), places}
		}
		if of.Has(Avg) && s.count > 0 {
			v.Avg = &Number{s.avg(f).big(), places + avgPlaces(f)}
		}
		out.Values[i] = v
	}
	return out
}

// places is the number of places of a field's numbers.
func places(f *record.Field) int {
	if f.Type.Scaled() {
		return int(f.Scale)
	}
	return 0
}
