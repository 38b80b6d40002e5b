package formula

import (
	"math"
	"math/big"
	"math/bits"

	"sluice/internal/record"
)

const (
	maxPlaces = 9  // of constants and results
	maxScale  = 18 // on the way
	// divisionScale is the least scale of a quotient.
	divisionScale = 9
)

// powers holds 10^0 to 10^18.
var powers = func() (p [19]int64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

// limit is what no number reaches: 10^38.
var limit = new(big.Int).Exp(big.NewInt(10), big.NewInt(38), nil)

func power(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

func (v val) bigInt() *big.Int {
	if v.big != nil {
		return v.big
	}
	return big.NewInt(v.n)
}

func number(n int64) val { return val{ok: true, n: n} }

// fromBig is null for what is too large.
func fromBig(b *big.Int) val {
	if b.IsInt64() {
		return number(b.Int64())
	}
	if b.CmpAbs(limit) >= 0 {
		return val{}
	}
	return val{ok: true, big: b}
}

func multiply(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	if hi != 0 || lo > math.MaxInt64 {
		return 0, false
	}
	if (a < 0) != (b < 0) {
		return -int64(lo), true
	}
	return int64(lo), true
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// rescale multiplies by 10^by, or divides and rounds half away from zero.
func rescale(v val, by int) val {
	if by == 0 || !v.ok {
		return v
	}
	if v.big == nil && by > 0 && by < len(powers) {
		if n, ok := multiply(v.n, powers[by]); ok {
			return number(n)
		}
	}
	if by > 0 {
		return fromBig(new(big.Int).Mul(v.bigInt(), power(by)))
	}
	if v.big == nil && -by < len(powers) {
		return number(roundSmall(v.n, powers[-by]))
	}
	return fromBig(roundBig(v.bigInt(), power(-by)))
}

// roundSmall divides by a power of ten.
func roundSmall(n, d int64) int64 {
	q, r := n/d, n%d
	switch {
	case r >= d-r && r > 0:
		q++
	case -r >= d+r && r < 0:
		q--
	}
	return q
}

// roundBig divides and rounds half away from zero.
func roundBig(n, d *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(n, d, new(big.Int))
	if r.Lsh(r, 1).CmpAbs(d) >= 0 {
		q.Add(q, big.NewInt(int64(n.Sign()*d.Sign())))
	}
	return q
}

func add(a, b val) val {
	if a.big == nil && b.big == nil {
		if sum := a.n + b.n; (sum > a.n) == (b.n > 0) {
			return number(sum)
		}
	}
	return fromBig(new(big.Int).Add(a.bigInt(), b.bigInt()))
}

func negate(v val) val {
	if v.big == nil && v.n != math.MinInt64 {
		return number(-v.n)
	}
	return fromBig(new(big.Int).Neg(v.bigInt()))
}

func product(a, b val) val {
	if a.big == nil && b.big == nil {
		if n, ok := multiply(a.n, b.n); ok {
			return number(n)
		}
	}
	return fromBig(new(big.Int).Mul(a.bigInt(), b.bigInt()))
}

func compareNumbers(a, b val) int {
	if a.big == nil && b.big == nil {
		switch {
		case a.n < b.n:
			return -1
		case a.n > b.n:
			return 1
		}
		return 0
	}
	return a.bigInt().Cmp(b.bigInt())
}

// aligned evaluates two numbers to the larger of their scales.
func aligned(a, b node, then func(x, y val) val) (eval, int) {
	scale := max(a.scale, b.scale)
	up, down := scale-a.scale, scale-b.scale
	left, right := a.eval, b.eval
	return func(c record.Cells) val {
		x := rescale(left(c), up)
		y := rescale(right(c), down)
		if !x.ok || !y.ok {
			return val{}
		}
		return then(x, y)
	}, scale
}

func sum(a, b node) node {
	e, scale := aligned(a, b, add)
	return node{kind: numberKind, scale: scale, eval: e}
}

func difference(a, b node) node {
	e, scale := aligned(a, b, func(x, y val) val { return add(x, negate(y)) })
	return node{kind: numberKind, scale: scale, eval: e}
}

func times(a, b node) node {
	left, right, scale := a.eval, b.eval, a.scale+b.scale
	down := min(maxScale-scale, 0)
	return node{kind: numberKind, scale: scale + down, eval: func(c record.Cells) val {
		x, y := left(c), right(c)
		if !x.ok || !y.ok {
			return val{}
		}
		return rescale(product(x, y), down)
	}}
}

func quotient(a, b node) node {
	scale := max(divisionScale, a.scale, b.scale)
	left, right, up := a.eval, b.eval, scale+b.scale-a.scale
	return node{kind: numberKind, scale: scale, eval: func(c record.Cells) val {
		x, y := left(c), right(c)
		if !x.ok || !y.ok || y.big == nil && y.n == 0 {
			return val{}
		}
		return fromBig(roundBig(new(big.Int).Mul(x.bigInt(), power(up)), y.bigInt()))
	}}
}

func remainder(a, b node) node {
	e, scale := aligned(a, b, func(x, y val) val {
		if y.big == nil && y.n == 0 {
			return val{}
		}
		return fromBig(new(big.Int).Rem(x.bigInt(), y.bigInt()))
	})
	return node{kind: numberKind, scale: scale, eval: e}
}

// rounded rounds to places with a function of the number and a power of ten.
func rounded(a node, places int, divide func(n, d *big.Int) *big.Int) node {
	if places >= a.scale {
		return a
	}
	inner, d := a.eval, power(a.scale-places)
	return node{kind: numberKind, scale: places, eval: func(c record.Cells) val {
		v := inner(c)
		if !v.ok {
			return v
		}
		return fromBig(divide(v.bigInt(), d))
	}}
}

func floorBig(n, d *big.Int) *big.Int { return new(big.Int).Div(n, d) } // d is positive

func ceilBig(n, d *big.Int) *big.Int {
	return new(big.Int).Neg(new(big.Int).Div(new(big.Int).Neg(n), d))
}
