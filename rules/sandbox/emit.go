package sandbox

import "encoding/binary"

// emitter writes metered bodies. Its indexes are those of what it added.
type emitter struct {
	fuel, depth uint64 // globals
	helper      uint64 // function
	stack       int64  // the most that the call stack may weigh
	floor       uint64 // global: the fuel at which the guest pauses
	pause       uint64 // function
	slice       int64  // fuel between two pauses; 0 for none
}

// function returns the body of f with everything its points ask for.
func (e *emitter) function(f *function) []byte {
	out := make([]byte, 0, len(f.body)+12*len(f.points))
	at := 0
	for _, p := range f.points {
		out = append(out, f.body[at:p.at]...)
		at = p.at
		out = e.point(out, p, int64(f.weight()))
	}
	return append(out, f.body[at:]...)
}

func (e *emitter) point(out []byte, p point, weight int64) []byte {
	switch p.kind {
	case pointCharge:
		if p.cost > 0 {
			out = e.charge(out, int64(p.cost))
		}
	case pointLoop:
		out = e.testFuel(e.charge(out, int64(max(p.cost, 1))))
	case pointEntry:
		out = e.testFuel(e.charge(out, int64(max(p.cost, 1))))
		out = e.testDepth(out)
	case pointEnter:
		out = e.addDepth(out, weight)
	case pointLeave:
		out = e.addDepth(out, -weight)
	case pointBulk:
		out = binary.AppendUvarint(append(out, opCall), e.helper)
	}
	return out
}

// charge writes fuel -= cost.
func (e *emitter) charge(out []byte, cost int64) []byte {
	out = e.get(out, e.fuel)
	out = appendSigned(append(out, 0x42), cost) // i64.const
	out = append(out, 0x7d)                     // i64.sub
	return e.set(out, e.fuel)
}

// testFuel writes: trap if fuel < 0, or pause if fuel < floor, which traps as well.
func (e *emitter) testFuel(out []byte) []byte {
	out = e.get(out, e.fuel)
	if e.slice > 0 {
		out = append(e.get(out, e.floor), 0x53, opIf, 0x40, opCall) // i64.lt_s
		return append(binary.AppendUvarint(out, e.pause), opEnd)
	}
	return append(out, trapBelowZero...)
}

// trapBelowZero is i64.const 0, i64.lt_s, and a trap if so.
var trapBelowZero = []byte{0x42, 0, 0x53, opIf, 0x40, opUnreachable, opEnd}

// pauseHelper returns the body of a function that traps if fuel < 0 and otherwise
// lowers the floor. The host is told before it runs, see [pauses].
func (e *emitter) pauseHelper() []byte {
	out := append(e.get([]byte{0}, e.fuel), trapBelowZero...)
	out = appendSigned(append(e.get(out, e.fuel), 0x42), e.slice)
	out = append(out, 0x7d, 0x42, 0) // i64.sub, i64.const 0
	out = appendSigned(append(e.get(out, e.fuel), 0x42), e.slice)
	out = append(out, 0x55, 0x1b) // i64.gt_s, select
	return append(e.set(out, e.floor), opEnd)
}

// testDepth writes: trap if depth > the limit.
func (e *emitter) testDepth(out []byte) []byte {
	out = e.get(out, e.depth)
	out = appendSigned(append(out, 0x41), e.stack)
	out = append(out, 0x4b) // i32.gt_u
	return append(out, opIf, 0x40, opUnreachable, opEnd)
}

// addDepth writes depth += weight.
func (e *emitter) addDepth(out []byte, weight int64) []byte {
	out = e.get(out, e.depth)
	out = appendSigned(append(out, 0x41), weight)
	out = append(out, 0x6a) // i32.add
	return e.set(out, e.depth)
}

func (e *emitter) get(out []byte, global uint64) []byte {
	return binary.AppendUvarint(append(out, 0x23), global)
}

func (e *emitter) set(out []byte, global uint64) []byte {
	return binary.AppendUvarint(append(out, 0x24), global)
}

// bulkHelper returns the body of a function that takes the length of a bulk
// operation, pays for it and returns it: it stands right before the operation,
// whose length is on top of the stack.
func (e *emitter) bulkHelper() []byte {
	out := e.get([]byte{0}, e.fuel)
	out = append(out, 0x20, 0, 0xad)         // local.get 0, i64.extend_i32_u
	out = append(out, 0x42, bulkShift, 0x88) // i64.const, i64.shr_u
	out = e.set(append(out, 0x7d), e.fuel)   // i64.sub
	out = append(e.testFuel(out), 0x20, 0)   // local.get 0
	return append(out, opEnd)
}

func appendSigned(out []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(out, c)
		}
		out = append(out, c|0x80)
	}
}
