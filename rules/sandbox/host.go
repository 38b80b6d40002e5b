package sandbox

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"sluice/rules"
)

// What the runtime of Go is told instead of what a system would say.
const (
	hostClock = 946_684_800_000_000_000 // nanoseconds: 2000-01-01T00:00:00Z, always
	hostByte  = 0x5a                    // every byte of randomness
	// mostRandom bytes and mostVectors of output is what one call may ask for: a
	// call has one price.
	mostRandom  = 256
	mostVectors = 16
)

const wasi = "wasi_snapshot_preview1"

// hostFunc is a function that a profile lets a module import.
type hostFunc struct {
	space, name string
	kind        funcType
	run         func(m api.Memory, args []uint64) bool // false traps; the result goes to args[0]
}

func (h *hostFunc) is(space, name string) bool { return h.space == space && h.name == name }

func signature(params, results string) funcType {
	types := strings.NewReplacer("i", string([]byte{typeI32}), "l", string([]byte{typeI64}))
	return funcType{types.Replace(params), types.Replace(results)}
}

var errHost = errors.New("refused by the host")

// leanImports is env.abort, which AssemblyScript uses. It traps.
var leanImports = []hostFunc{{"env", "abort", signature("iiii", ""), func(api.Memory, []uint64) bool { return false }}}

// goImports is what a program of Go that uses neither files nor output imports.
// Each answers the same whenever it is asked, keeps nothing and reads and writes
// the guest's memory within its bounds: time stands still, randomness is one
// byte, there are no arguments and no environment, output is lost.
var goImports = []hostFunc{
	{wasi, "args_get", signature("ii", "i"), done},
	{wasi, "args_sizes_get", signature("ii", "i"), hostNothing},
	{wasi, "clock_time_get", signature("ili", "i"), hostTime},
	{wasi, "environ_get", signature("ii", "i"), done},
	{wasi, "environ_sizes_get", signature("ii", "i"), hostNothing},
	{wasi, "fd_write", signature("iiii", "i"), hostWrite},
	{wasi, "poll_oneoff", signature("iiii", "i"), done},
	{wasi, "proc_exit", signature("i", ""), func(api.Memory, []uint64) bool { return false }},
	{wasi, "random_get", signature("ii", "i"), hostRandom},
	{wasi, "sched_yield", signature("", "i"), done},
}

func importsOf(p rules.Profile) []hostFunc {
	if p == rules.Go {
		return goImports
	}
	return leanImports
}

// done reports success and does nothing.
func done(_ api.Memory, args []uint64) bool {
	args[0] = 0
	return true
}

// hostNothing writes a count and a size of 0.
func hostNothing(m api.Memory, args []uint64) bool {
	return m.WriteUint32Le(uint32(args[0]), 0) && m.WriteUint32Le(uint32(args[1]), 0) && done(m, args)
}

func hostTime(m api.Memory, args []uint64) bool {
	return m.WriteUint64Le(uint32(args[2]), hostClock) && done(m, args)
}

func hostRandom(m api.Memory, args []uint64) bool {
	n := uint32(args[1])
	if n > mostRandom {
		return false
	}
	return m.Write(uint32(args[0]), slices.Repeat([]byte{hostByte}, int(n))) && done(m, args)
}

// hostWrite says that everything was written.
func hostWrite(m api.Memory, args []uint64) bool {
	at, n := uint32(args[1]), uint32(args[2])
	if n > mostVectors {
		return false
	}
	vectors, ok := m.Read(at, n*8)
	if !ok {
		return false
	}
	sum := uint32(0)
	for i := 4; i < len(vectors); i += 8 {
		sum += uint32(vectors[i]) | uint32(vectors[i+1])<<8 | uint32(vectors[i+2])<<16 | uint32(vectors[i+3])<<24
	}
	return m.WriteUint32Le(uint32(args[3]), sum) && done(m, args)
}

// addHost gives the module what its profile lets it import.
func addHost(ctx context.Context, rt wazero.Runtime, p rules.Profile) error {
	imports := importsOf(p)
	b := rt.NewHostModuleBuilder(imports[0].space)
	for i := range imports {
		h := &imports[i]
		call := api.GoModuleFunc(func(_ context.Context, mod api.Module, stack []uint64) {
			if !h.run(mod.Memory(), stack) {
				panic(errHost)
			}
		})
		b.NewFunctionBuilder().WithGoModuleFunction(call, valueTypesOf(h.kind.params), valueTypesOf(h.kind.results)).Export(h.name)
	}
	_, err := b.Instantiate(ctx)
	return err
}

func valueTypesOf(types string) []api.ValueType { return []api.ValueType(types) }

// readImports takes the functions of the profile and names what it refuses.
func (m *module) readImports(s *reader) {
	n := s.u32()
	known := importsOf(m.profile)
	var taken []hostFunc
	for range min(n, uint32(m.limits.imports)+1) { // one more, to name it
		space, name, kind := s.name(), s.name(), s.u8()
		at := slices.IndexFunc(known, func(h hostFunc) bool { return h.is(space, name) })
		if s.err == nil && (kind != kindFunc || at < 0) {
			s.fail("import %.40q.%.40q: %s", space, name, m.instead(space, name))
		}
		m.functions = append(m.functions, s.index("type", len(m.types)))
		m.imported++
		if s.err != nil {
			return
		}
		taken = append(taken, known[at])
	}
	if uint64(n) > uint64(m.limits.imports) {
		s.over(int64(n), "imports", m.limits.imports)
	}
	for i, h := range taken {
		if t := m.types[m.functions[i]]; t != h.kind {
			s.fail("import %s.%s: it is %s, expected %s", h.space, h.name, t, h.kind)
		}
	}
}

// String writes a signature for an error.
func (t funcType) String() string {
	names := map[byte]string{typeI32: "i32", typeI64: "i64", typeF32: "f32", typeF64: "f64"}
	list := func(types string) string {
		out := make([]string, len(types))
		for i := range len(types) {
			out[i] = names[types[i]]
		}
		return "(" + strings.Join(out, ", ") + ")"
	}
	if results := list(t.results); len(t.results) != 1 {
		return list(t.params) + " → " + results
	}
	return list(t.params) + " → " + names[t.results[0]]
}
