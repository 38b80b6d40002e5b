package sandbox

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"sluice/internal/fault"
)

// reader reads a binary with a sticky error: after the first failure every read
// returns zero, and loops end when err is set.
type reader struct {
	b   []byte
	i   int
	err error
	// place is what errors are about, such as "function 12"; empty for the module.
	place string
}

func (r *reader) fail(format string, args ...any) {
	if r.err != nil {
		return
	}
	what := fmt.Sprintf(format, args...)
	if r.place != "" {
		what = r.place + ": " + what
	}
	r.err = fault.New(fault.Invalid, "sandbox", "module: %s", what)
}

// over fails because the place has more of something than the limit, and says what to
// change.
func (r *reader) over(n int64, what string, limit int) {
	if r.err != nil {
		return
	}
	subject := r.place
	if subject == "" {
		subject = "it"
	}
	r.err = fault.New(fault.Invalid, "sandbox", "module: %s has %s %s, the limit is %s%s", subject, thousands(n), what, thousands(int64(limit)), adviceOn(r.place, what))
}

// thousands writes a number of 0 or more with commas.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// more reports whether bytes are left to read.
func (r *reader) more() bool { return r.err == nil && r.i < len(r.b) }

func (r *reader) u8() byte {
	if r.err != nil {
		return 0
	}
	if r.i >= len(r.b) {
		r.fail("it ends too early")
		return 0
	}
	r.i++
	return r.b[r.i-1]
}

// zero reads a byte that the format reserves and that must be 0.
func (r *reader) zero(what string) {
	if r.u8() != 0 {
		r.fail("%s: expected index 0", what)
	}
}

// u32 reads an unsigned LEB128 of 32 bits.
func (r *reader) u32() uint32 {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		c := r.u8()
		v |= uint64(c&0x7f) << shift
		if c >= 0x80 {
			continue
		}
		if v>>32 != 0 {
			break
		}
		return uint32(v)
	}
	r.fail("a number does not fit 32 bits")
	return 0
}

// signed reads a signed LEB128 of the given bits, 32, 33 or 64.
func (r *reader) signed(bits int) int64 {
	var v int64
	for shift := 0; shift < bits; shift += 7 {
		c := r.u8()
		v |= int64(c&0x7f) << shift
		if c >= 0x80 {
			continue
		}
		if left := bits - shift; left < 7 {
			// The last byte: its unused bits must repeat the sign.
			if top := int8(c<<1) >> left; top != 0 && top != -1 {
				break
			}
		}
		if shift+7 < 64 && c&0x40 != 0 {
			v |= -1 << (shift + 7)
		}
		return v
	}
	r.fail("a number does not fit %d bits", bits)
	return 0
}

// bytes returns n bytes, borrowed.
func (r *reader) bytes(n uint32) []byte {
	if r.err == nil && uint64(n) > uint64(len(r.b)-r.i) {
		r.fail("it ends too early")
	}
	if r.err != nil {
		return nil
	}
	r.i += int(n)
	return r.b[r.i-int(n) : r.i : r.i]
}

// count reads the length of a vector and holds it to limit.
func (r *reader) count(what string, limit int) int {
	n := r.u32()
	if uint64(n) > uint64(limit) {
		r.over(int64(n), what, limit)
		return 0
	}
	return int(n)
}

func (r *reader) name() string {
	b := r.bytes(uint32(r.count("bytes in a name", maxName)))
	if !utf8.Valid(b) {
		r.fail("a name is not UTF-8")
	}
	return string(b)
}

// index reads an index into a space of n entries.
func (r *reader) index(what string, n int) int {
	i := r.u32()
	if r.err == nil && uint64(i) >= uint64(n) {
		r.fail("%s %d does not exist", what, i)
	}
	if r.err != nil {
		return 0
	}
	return int(i)
}

// end fails when the section was longer than what it holds.
func (r *reader) end(what string) {
	if r.more() {
		r.fail("%s: bytes after the end", what)
	}
}
