package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"sluice/internal/effort"
	"sluice/internal/fault"
)

// specFolder returns where the wazero module carries the test modules of a
// version of the WebAssembly specification.
func specFolder(t *testing.T, version string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	dir := filepath.Join(strings.TrimSpace(string(out)), "internal", "integration_test", "spectest", version, "testdata")
	if err == nil {
		_, err = os.Stat(dir)
	}
	switch {
	case err == nil:
		return dir
	case os.Getenv("SLUICE_CI") != "":
		t.Fatalf("the specification's test modules are absent: %v", err)
	}
	t.Skipf("SKIPPED: the specification's test modules are absent, nothing of them was checked: %v", err)
	return ""
}

// specCommand is one command of the specification's test scripts, as JSON.
type specCommand struct {
	Type     string `json:"type"`
	Line     int    `json:"line"`
	Name     string `json:"name"`
	Filename string `json:"filename"`
	Form     string `json:"module_type"`
	Action   struct {
		Type   string      `json:"type"`
		Module string      `json:"module"`
		Field  string      `json:"field"`
		Args   []specValue `json:"args"`
	} `json:"action"`
	Expected []specValue `json:"expected"`
}

type specValue struct {
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"` // a list for vectors
}

// bits returns the value as the engine passes it.
func (v specValue) bits() (bits uint64, ok bool) {
	var text string
	if json.Unmarshal(v.Value, &text) != nil || v.Type == "externref" || v.Type == "funcref" {
		return 0, false
	}
	_, err := fmt.Sscan(text, &bits)
	return bits, err == nil
}

// is reports whether got is the value or, for those that leave the bits open,
// some NaN.
func (v specValue) is(got uint64) bool {
	if want, ok := v.bits(); ok {
		return got == want
	}
	switch v.Type {
	case "f32":
		f := api.DecodeF32(got)
		return f != f
	case "f64":
		f := api.DecodeF64(got)
		return f != f
	}
	return false
}

// specPair is one module of the specification, as it is and metered.
type specPair struct {
	plain, metered api.Module
	memory         bool // there is one
}

// specRun runs one script.
type specRun struct {
	t       *testing.T
	dir     string
	script  string
	runtime [2]wazero.Runtime // plain, metered
	now     *specPair         // the module that actions are for; nil if refused
	named   map[string]*specPair
	tally   *specTally
}

// specTally counts what a version of the specification came to.
type specTally struct {
	modules, accepted, refused int
	invalid                    int
	invoked, equal, limited    int
	odd, taken                 []string // places: results unlike the script's, invalid modules accepted
	reasons                    map[string]int
}

func (s *specRun) read(c *specCommand) []byte {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, c.Filename))
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *specRun) errorf(c *specCommand, format string, args ...any) {
	s.t.Helper()
	s.t.Errorf("%s: %s", s.place(c), fmt.Sprintf(format, args...))
}

func (s *specRun) place(c *specCommand) string { return fmt.Sprintf("%s:%d", s.script, c.Line) }

// module is a valid module: the check refuses it with a reason, or what it
// accepts is valid metered as well and begins as the plain one does.
func (s *specRun) module(c *specCommand) {
	s.now = nil
	s.tally.modules++
	source := s.read(c)
	m, err := parseModule(source)
	if err != nil {
		s.refused(c, err)
		return
	}
	s.tally.accepted++
	before := bytes.Clone(source)
	metered := m.meter()
	if !bytes.Equal(before, source) {
		s.errorf(c, "the metering wrote to its input")
	}
	plain, plainErr := s.instance(0, source)
	after, err := s.instance(1, metered)
	if (plainErr == nil) != (err == nil) {
		s.errorf(c, "plain: %v; metered: %v", plainErr, err)
	}
	if plainErr == nil && err == nil {
		s.now = &specPair{plain, after, m.memories > 0}
		if c.Name != "" {
			s.named[c.Name] = s.now
		}
	}
}

func (s *specRun) refused(c *specCommand, err error) {
	s.tally.refused++
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "module: ") {
		s.errorf(c, "refused without a reason: %v", err)
	}
	s.tally.reasons[specReason(err)]++
}

// instance compiles and starts a module. That the engine takes it is asked
// first: a start that traps is no sign of a broken module.
func (s *specRun) instance(metered int, module []byte) (api.Module, error) {
	compiled, err := s.runtime[metered].CompileModule(bg, module)
	if err != nil {
		return nil, fmt.Errorf("not valid: %w", err)
	}
	mod, err := s.runtime[metered].InstantiateModule(bg, compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil || metered == 0 {
		return mod, err
	}
	refuel(mod)
	if f := mod.ExportedFunction(exportStart); f != nil {
		_, err = f.Call(bg)
	}
	return mod, err
}

// refuel gives a metered module all that the specification's tests may need.
func refuel(mod api.Module) {
	mod.ExportedGlobal(exportFuel).(api.MutableGlobal).Set(1 << 50)
	mod.ExportedGlobal(exportDepth).(api.MutableGlobal).Set(0)
}

// broken is a module that the specification calls malformed or invalid: the
// check or the engine refuses it, metered or not.
func (s *specRun) broken(c *specCommand) {
	if c.Form == "text" {
		return
	}
	s.tally.invalid++
	m, err := parseModule(s.read(c))
	if err != nil {
		return
	}
	if err := compiles(m.meter()); err == nil {
		s.tally.taken = append(s.tally.taken, s.place(c))
	}
}

// action runs an action on both instances and compares all that can be seen.
func (s *specRun) action(c *specCommand) {
	pair := s.now
	if c.Action.Module != "" {
		pair = s.named[c.Action.Module]
	}
	if pair == nil {
		return
	}
	if c.Action.Type == "get" {
		plain, after := pair.plain.ExportedGlobal(c.Action.Field).Get(), pair.metered.ExportedGlobal(c.Action.Field).Get()
		if plain != after || !c.Expected[0].is(after) {
			s.errorf(c, "global %q: plain %d, metered %d", c.Action.Field, plain, after)
		}
		return
	}
	args := make([]uint64, len(c.Action.Args))
	for i, a := range c.Action.Args {
		var ok bool
		if args[i], ok = a.bits(); !ok {
			return // references and vectors, which no accepted module has
		}
	}
	s.tally.invoked++
	refuel(pair.metered)
	plain, plainErr := call(pair.plain.ExportedFunction(c.Action.Field), args)
	after, err := call(pair.metered.ExportedFunction(c.Action.Field), args)
	s.compare(c, pair, plain, plainErr, after, err)
}

// call returns the results without the bits that their types do not have: the
// compiler leaves there what was there.
func call(f api.Function, args []uint64) ([]uint64, error) {
	results, err := f.Call(bg, args...)
	for i, typ := range f.Definition().ResultTypes() {
		if i < len(results) && (typ == api.ValueTypeI32 || typ == api.ValueTypeF32) {
			results[i] = uint64(uint32(results[i]))
		}
	}
	return results, err
}

func (s *specRun) compare(c *specCommand, pair *specPair, plain []uint64, plainErr error, after []uint64, err error) {
	s.t.Helper()
	deep := int64(pair.metered.ExportedGlobal(exportDepth).Get()) > maxStackWeight
	same := slices.Equal(plain, after) && (plainErr == nil) == (err == nil)
	switch {
	case !same && err != nil && plainErr == nil && deep:
		s.tally.limited++ // calls nest deeper than a rule's may
		return
	case !same && !(plainErr == nil && err == nil && nans(c, plain) && nans(c, after)):
		s.errorf(c, "%s: plain %v, %v; metered %v, %v", c.Action.Field, plain, plainErr, after, err)
		return
	}
	if !sameMemory(pair) {
		s.errorf(c, "%s: the memories differ", c.Action.Field)
	}
	if s.asExpected(c, after, err) {
		s.tally.equal++
	} else {
		s.tally.odd = append(s.tally.odd, s.place(c))
	}
}

func (s *specRun) asExpected(c *specCommand, got []uint64, err error) bool {
	if c.Type == "assert_trap" || c.Type == "assert_exhaustion" {
		return err != nil
	}
	if err != nil {
		return false
	}
	return c.Type == "action" || slices.EqualFunc(c.Expected, got, specValue.is)
}

// nans reports whether the script leaves the bits of the results open and they
// are NaNs.
func nans(c *specCommand, got []uint64) bool {
	for i, want := range c.Expected {
		if _, ok := want.bits(); ok || i >= len(got) || !want.is(got[i]) {
			return false
		}
	}
	return len(c.Expected) > 0
}

func sameMemory(p *specPair) bool {
	if !p.memory {
		return true
	}
	plain, _ := p.plain.Memory().Read(0, p.plain.Memory().Size())
	after, _ := p.metered.Memory().Read(0, p.metered.Memory().Size())
	return bytes.Equal(plain, after)
}

// specReason is a refusal without its names and numbers.
func specReason(err error) string {
	var b strings.Builder
	quoted := false
	for _, r := range strings.ReplaceAll(err.Error(), `\"`, "") {
		switch {
		case r == '"':
			quoted = !quoted
		case !quoted && (r < '0' || r > '9'):
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (s *specRun) command(c *specCommand) {
	switch c.Type {
	case "module":
		s.module(c)
	case "assert_invalid", "assert_malformed":
		s.broken(c)
	case "assert_return", "assert_trap", "assert_exhaustion", "action":
		s.action(c)
	case "assert_uninstantiable", "assert_unlinkable":
		s.unusable(c)
	case "register": // imports of other modules are refused
	default:
		s.errorf(c, "a command of unknown type %q", c.Type)
	}
}

// unusable is a valid module that traps as it starts, or asks for imports that
// there are not.
func (s *specRun) unusable(c *specCommand) {
	m, err := parseModule(s.read(c))
	if err != nil {
		return
	}
	if _, err = s.instance(1, m.meter()); err == nil {
		s.errorf(c, "%s was started", c.Filename)
	}
}

func runSpec(t *testing.T, dir, path string, interpreter bool, tally *specTally) {
	t.Helper()
	source, err := os.ReadFile(path)
	var script struct {
		Commands []specCommand `json:"commands"`
	}
	if err = errors.Join(err, json.Unmarshal(source, &script)); err != nil {
		t.Fatal(err)
	}
	s := &specRun{t: t, dir: dir, script: strings.TrimSuffix(filepath.Base(path), ".json"), named: map[string]*specPair{}, tally: tally}
	for i := range s.runtime {
		s.runtime[i] = wazero.NewRuntimeWithConfig(bg, runtimeConfig(interpreter))
		defer s.runtime[i].Close(bg)
	}
	for i := range script.Commands {
		s.command(&script.Commands[i])
	}
}

// specWant is what a version of the specification must come to: at least so
// much, and no other oddities than these.
type specWant struct {
	accepted, invalid, equal int
	// odd are calls whose result is another than the script's, plain as well as
	// metered: memory grows beyond a rule's 16 pages, or a module that was refused
	// for its imports would have written to this one.
	odd []string
	// taken are modules that version 1 calls invalid and version 2 does not.
	taken []string
}

var specWants = map[string]specWant{
	"v1": {accepted: 688, invalid: 1650, equal: 15300,
		odd: strings.Fields(`call:294 call_indirect:574 elem:366 elem:367 elem:379 elem:380 elem:381 linking:172
			linking:178 linking:288 linking:387 linking:388 local_tee:345 memory_grow:45 memory_grow:48`),
		taken: []string{"func:493", "func:497", "type:53", "type:57", "unreached-invalid:539"}},
	"v2": {accepted: 937, invalid: 2865, equal: 19962,
		odd: strings.Fields(`call_indirect:603 elem:598 elem:599 elem:611 elem:612 elem:613 linking:209 linking:215
			linking:275 linking:288 linking:349 linking:406 linking:407 linking:419 linking:452 linking:453
			local_tee:345 memory_grow:45 memory_grow:48`)},
}

// TestSpecification: of the specification's own modules the check accepts none
// that is malformed or invalid, says why it refuses a valid one, and what it
// accepts gives the specified results metered as plain.
func TestSpecification(t *testing.T) {
	for version, want := range specWants {
		t.Run(version, func(t *testing.T) {
			testSpecification(t, version, true, want)
		})
		if effort.Full() {
			t.Run(version+" compiled", func(t *testing.T) {
				testSpecification(t, version, false, want)
			})
		}
	}
}

func testSpecification(t *testing.T, version string, interpreter bool, want specWant) {
	dir := specFolder(t, version)
	scripts, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts in %s: %v", dir, err)
	}
	tally := &specTally{reasons: map[string]int{}}
	for _, path := range scripts {
		runSpec(t, dir, path, interpreter, tally)
	}
	t.Logf("%d modules: %d accepted, %d refused; %d invalid ones refused; %d calls: %d as specified, %d deeper than a rule's may be, %d otherwise",
		tally.modules, tally.accepted, tally.refused, tally.invalid-len(tally.taken), tally.invoked, tally.equal, tally.limited, len(tally.odd))
	for reason, n := range tally.reasons {
		t.Logf("%5d × %s", n, reason)
	}
	if tally.accepted < want.accepted || tally.invalid < want.invalid || tally.equal < want.equal || tally.limited > 0 {
		t.Errorf("expected at least %d modules accepted, %d invalid ones, %d calls as specified, and none stopped for its depth", want.accepted, want.invalid, want.equal)
	}
	if !slices.Equal(tally.odd, want.odd) {
		t.Errorf("results that are not the scripts': %q, expected %q", tally.odd, want.odd)
	}
	if !slices.Equal(tally.taken, want.taken) {
		t.Errorf("invalid modules accepted: %q, expected %q", tally.taken, want.taken)
	}
}
