package definition

import (
	"fmt"
	"strconv"
	"strings"

	"sluice/internal/record"
)

// maxPrefix bounds what stands before an auto-number, in characters.
const maxPrefix = 20

// Allotted reports whether the server gives the field its value: requests read it
// and never write it.
func (f *Field) Allotted() bool { return f.Type == record.AutoNumber }

// readNumbering reads prefix and digits of an auto-number. Both may change from
// version to version: what is stored is the number.
func (r *resolver) readNumbering(o object, x *Field) {
	if !x.Allotted() {
		for _, key := range []string{"prefix", "digits"} {
			if o.has(key) {
				r.fail(o.of(key), "only a field of type auto-number has it")
			}
		}
		return
	}
	x.Prefix, x.Digits = r.text(o, "prefix", maxPrefix), r.digits(o)
	if strings.ContainsAny(x.Prefix, "\n\t") {
		r.fail(o.of("prefix"), "expected text on one line")
	}
	if x.Required || x.Unique {
		r.fail(o.at, "every record gets a number of its own: leave required and unique out")
	}
}

func (r *resolver) digits(o object) uint8 {
	if !o.has("digits") {
		return 1
	}
	v := o.members["digits"]
	expected := fmt.Sprintf("a number from 1 to %d", record.MaxDigits)
	if !r.expect(v, "int", expected) {
		return 1
	}
	n, err := strconv.Atoi(v.n.Value)
	if err != nil || n < 1 || n > record.MaxDigits {
		r.fail(v.at, "expected %s", expected)
		return 1
	}
	return uint8(n)
}
