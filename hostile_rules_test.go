package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/rules"
)

// Rule modules that mean harm, uploaded over HTTP by the developer while another
// persona reads without pause and garbage collections are forced, which a guest
// that does not return would hold up.

// guest is a module that can be taken apart: its functions are sluice_buf,
// sluice_decide and a third, () → ().
type guest struct {
	buf, decide, third string // code without locals and with its end
	locals             string // of the third
	start              bool   // runs the third at the start
	extra              int    // more empty functions
}

func vec(items ...string) string { return count(len(items)) + strings.Join(items, "") }

func count(n int) string { return string(binary.AppendUvarint(nil, uint64(n))) }

func sized(s string) string { return count(len(s)) + s }

func part(id byte, content string) string { return string(rune(id)) + sized(content) }

const (
	wasmHead = "\x00asm\x01\x00\x00\x00"
	answerOK = "\x41\x00\x0b" // i32.const 0 end
	endless  = "\x03\x40\x0c\x00\x0b"
	// everybody fills the grants of the batch with 1: view.
	everybody = "\x20\x00\x28\x02\x18" + "\x41\x01" + "\x20\x00\x28\x02\x04" + "\xfc\x0b\x00" + answerOK
)

func (g guest) build() []byte {
	functions := []string{"\x00", "\x00", "\x01"}
	bodies := []string{
		sized("\x00" + or(g.buf, "\x41\x80\x08\x0b")), // i32.const 1024
		sized("\x00" + or(g.decide, answerOK)),
		sized(or(g.locals, "\x00") + or(g.third, "\x0b")),
	}
	for range g.extra {
		functions, bodies = append(functions, "\x01"), append(bodies, sized("\x00\x0b"))
	}
	out := wasmHead +
		part(1, vec("\x60\x01\x7f\x01\x7f", "\x60\x00\x00")) +
		part(3, vec(functions...)) +
		part(5, vec("\x01\x02\x10")) +
		part(7, vec(sized("memory")+"\x02\x00", sized("sluice_buf")+"\x00\x00", sized("sluice_decide")+"\x00\x01"))
	if g.start {
		out += part(8, "\x02")
	}
	return []byte(out + part(10, vec(bodies...)))
}

// localsBomb is the whole of a small module: one function that declares fifty
// million locals.
const localsBomb = wasmHead + "\x01\x04\x01\x60\x00\x00" + "\x03\x02\x01\x00" + "\x0a\x0b\x01\x09\x01" + "\x80\xe1\xeb\x17" + "\x7f\x01\x01\x0b"

const hostileManifest = `{"abi":1,"form":"Order","effect":"share","grant":"view","viewer":[],"record":[{"name":"status","type":"choice"}]}`

// outcome is what becomes of a module.
type outcome int

const (
	refused outcome = iota // at upload
	denies                 // runs, faults, and grants nothing
	grants                 // runs and shows every order: that the others deny is their own doing
)

var hostileModules = []struct {
	name   string
	module []byte
	want   outcome
}{
	{"well-behaved", guest{decide: everybody}.build(), grants},

	{"not WASM", []byte("#!/bin/sh\nrm -rf /\n"), refused},
	{"head alone", []byte(wasmHead), refused},
	{"cut", guest{}.build()[:60], refused},
	{"larger than modules may be", append(guest{}.build(), part(0, sized("x")+strings.Repeat("\x00", 300<<10))...), refused},
	{"too many functions", guest{extra: 1000}.build(), refused},
	{"locals bomb", []byte(localsBomb), refused},
	{"locals bomb in a rule", guest{locals: "\x01\x80\xe1\xeb\x17\x7e"}.build(), refused},
	{"blocks bomb", guest{third: strings.Repeat("\x02\x40\x0b", 5000) + "\x0b"}.build(), refused},
	{"sets the fuel", guest{decide: "\x42\xff\x00\x24\x00" + answerOK}.build(), refused},
	{"sets the depth", guest{decide: "\x41\x00\x24\x01" + answerOK}.build(), refused},
	{"sets a far global", guest{decide: "\x41\x00\x24\x64" + answerOK}.build(), refused},
	{"calls what is not its own", guest{decide: "\x41\x7f\x10\x03\x1a" + answerOK}.build(), refused},
	{"an unknown instruction", guest{decide: "\xff" + answerOK}.build(), refused},
	{"the type does not hold", guest{decide: "\x42\x00\x0b"}.build(), refused},

	{"loop", guest{decide: endless + answerOK}.build(), denies},
	{"loop after granting", guest{decide: everybody[:len(everybody)-len(answerOK)] + endless + answerOK}.build(), denies},
	{"loop at the start", guest{third: endless + "\x0b", start: true}.build(), refused},
	{"loop in sluice_buf", guest{buf: endless + "\x41\x80\x08\x0b"}.build(), refused},
	{"trap", guest{decide: "\x00" + answerOK}.build(), denies},
	{"trap at the start", guest{third: "\x00\x0b", start: true}.build(), refused},
	{"trap after granting", guest{decide: everybody[:len(everybody)-len(answerOK)] + "\x00" + answerOK}.build(), denies},
	{"recursion", guest{decide: "\x10\x02" + answerOK, third: "\x10\x02\x0b"}.build(), denies},
	{"recursion of decide", guest{decide: "\x20\x00\x10\x01\x0b"}.build(), denies},
	{"memory without end", guest{decide: "\x03\x40\x41\x01\x40\x00\x1a\x0c\x00\x0b" + answerOK}.build(), denies},
	{"reads outside", guest{decide: "\x41\x7f\x28\x02\x00\x0b"}.build(), denies},
	{"buffer outside", guest{buf: "\x41\x80\x80\x80\x08\x0b"}.build(), refused},
	{"grants too much", guest{decide: strings.Replace(everybody, "\x41\x01", "\x41\x03", 1)}.build(), denies},
	{"a status of its own", guest{decide: everybody[:len(everybody)-len(answerOK)] + "\x41\x07\x0b"}.build(), denies},
}

func TestHostileModules(t *testing.T) {
	d := theDemo(t)
	const rule = "same-team-open-orders"
	bound := ""
	for _, r := range d.manage(t, "mei", `{ruleModules(application:"sales"){rules{name module active}}}`).list("ruleModules.rules") {
		if r := r.(map[string]any); r["name"] == rule && r["active"] == true {
			bound = r["module"].(string)
		}
	}
	if bound == "" {
		t.Fatalf("the demo has no active rule %s", rule)
	}
	use := func(hash string) answer {
		a := d.graphql(t, managePath, "mei", fmt.Sprintf(`mutation{bindRuleModule(application:"sales",rule:%q,module:%q){rule{module}} activateRule(application:"sales",rule:%q){rule{active}}}`, rule, hash, rule))
		return a
	}
	t.Cleanup(func() {
		if a := use(bound); a.code() != "" {
			t.Errorf("the rule was not put back: %+v", a)
		}
	})
	orders := func() int { return d.ok(t, "nora", `{orders(first:0){totalCount}}`).count("orders.totalCount") }
	all := d.ok(t, "priya", `{orders(first:0){totalCount}}`).count("orders.totalCount")
	with := orders()
	d.manage(t, "mei", `mutation{deactivateRule(application:"sales",rule:%q){rule{active}}}`, rule)
	without := orders()
	if without >= with || with >= all {
		t.Fatalf("nora sees %d orders without the rule, %d with it, of %d", without, with, all)
	}
	r := d.readers(t)
	for _, c := range hostileModules {
		t.Run(c.name, func(t *testing.T) {
			hash, refusal := d.upload(t, c.module)
			switch {
			case (refusal != "") != (c.want == refused):
				t.Fatalf("upload: %q", refusal)
			case c.want == refused && (!strings.HasPrefix(refusal, "module: ") || strings.Contains(refusal, "manifest")):
				t.Errorf("upload: %q", refusal)
			case c.want != refused:
				if a := use(hash); a.code() != "" {
					t.Fatalf("%+v", a)
				}
				want := map[outcome]int{denies: without, grants: all}[c.want]
				if got := orders(); got != want {
					t.Errorf("nora sees %d orders, expected %d", got, want)
				}
			}
			r.meanwhile(t)
		})
	}
}

// upload sends a module as the developer and returns its hash, or why it was
// refused.
func (d *demoServer) upload(t *testing.T, module []byte) (hash, refusal string) {
	t.Helper()
	if whole, err := rules.Embed(module, []byte(hostileManifest)); err == nil {
		module = whole
	}
	status, b := d.do(t, call{method: "PUT", path: "/apps/sales/rules/hostile", token: d.tokens["mei"], contentType: "application/wasm", body: string(module)})
	var got struct {
		Hash string
		answer
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatalf("%d %s", status, b)
	}
	if status == http.StatusOK && len(got.Hash) == 64 {
		return got.Hash, ""
	}
	if status != http.StatusBadRequest || got.code() != "BAD_USER_INPUT" {
		t.Errorf("%d %s", status, b)
	}
	return "", got.Errors[0].Message
}

// readers are personas who ask the same all the time and must always get the
// same answer, and forced garbage collections.
type readers struct {
	answers map[string]*atomic.Int64
	turns   atomic.Int64 // of the collector
}

// readers starts them; they end with the test.
func (d *demoServer) readers(t *testing.T) *readers {
	t.Helper()
	r := &readers{answers: map[string]*atomic.Int64{"felix": {}, "ines": {}}}
	query := map[string]string{
		"felix": `{orders(first:50 orderBy:[{field:amount}]){totalCount nodes{id number amount customer{name}}}}`,
		"ines":  `{suppliers(first:100){totalCount nodes{id name contactEmail}}}`,
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	t.Cleanup(func() { cancel(); all.Wait() })
	all.Go(func() {
		pause := time.NewTicker(20 * time.Millisecond)
		defer pause.Stop()
		for ctx.Err() == nil {
			runtime.GC()
			r.turns.Add(1)
			<-pause.C
		}
	})
	for who, n := range r.answers {
		c := call{token: d.tokens[who], body: asked(query[who])}
		_, first := d.do(t, c)
		all.Go(func() {
			for ctx.Err() == nil {
				if status, b := d.do(t, c); status != http.StatusOK || !bytes.Equal(b, first) {
					t.Errorf("%s read something else: %d %.300s", who, status, b)
					return
				}
				n.Add(1)
			}
		})
	}
	return r
}

// meanwhile holds that every reader and the collector still get their turn.
func (r *readers) meanwhile(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(liveTime) // who is held up is so for good, and who is not may be on a busy machine
	turns := map[string]*atomic.Int64{"the collector": &r.turns}
	maps.Copy(turns, r.answers)
	for name, n := range turns {
		for was := n.Load(); n.Load() < was+2; runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Fatalf("%s is held up", name)
			}
		}
	}
}
