package httpd

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluice/engine"
	"sluice/internal/identity"
	"sluice/rules"
)

var (
	sampleLine = regexp.MustCompile(`^([a-z_]+)(?:\{(.*)\})? (\S+)$`)
	labelText  = regexp.MustCompile(`^([a-z]+)="((?:[^"\\\n]|\\["\\n])*)"(,|$)`)
)

// parsed reads the text format: the value of each sample by its name and labels. It
// holds the text to the format: every family has its two lines, and is there once.
func parsed(t interface{ Fatalf(string, ...any) }, text string) map[string]float64 {
	out, families, family, kind := map[string]float64{}, map[string]bool{}, "", ""
	unescape := strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\"`, `"`)
	for line := range strings.Lines(text) {
		line, whole := strings.CutSuffix(line, "\n")
		if !whole {
			t.Fatalf("the text ends within a line: %q", line)
		}
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			family, _, _ = strings.Cut(rest, " ")
			if families[family] {
				t.Fatalf("family %s is there twice", family)
			}
			families[family] = true
			continue
		}
		if rest, ok := strings.CutPrefix(line, "# TYPE "+family+" "); ok {
			if kind = rest; kind != counter && kind != gauge && kind != summary {
				t.Fatalf("%q", line)
			}
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("not a sample: %q", line)
		}
		name := m[1]
		if kind == summary {
			name = strings.TrimSuffix(strings.TrimSuffix(name, "_sum"), "_count")
		}
		if name != family || kind == counter && !strings.HasSuffix(name, "_total") {
			t.Fatalf("%q in family %s, a %s", line, family, kind)
		}
		key := m[1]
		for rest := m[2]; rest != ""; {
			l := labelText.FindStringSubmatch(rest)
			if l == nil {
				t.Fatalf("labels %q", rest)
			}
			key += fmt.Sprintf(" %s=%q", l[1], unescape.Replace(l[2]))
			rest = rest[len(l[0]):]
		}
		v, err := strconv.ParseFloat(m[3], 64)
		if _, twice := out[key]; err != nil || twice {
			t.Fatalf("%q: %v, twice: %v", line, err, twice)
		}
		out[key] = v
	}
	return out
}

// TestLabelsComeBack: whatever a name is made of, it is read as it was written and
// ends no line and no label.
func TestLabelsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfNDistinct(rapid.StringOfN(rapid.RuneFrom([]rune("a\"\\\n{},= é\u2028n")), 0, 12, -1), 1, 5, rapid.ID).Draw(t, "values")
		x := &exposition{}
		x.begin("a_total", counter, "Text.")
		for i, v := range values {
			x.sample(float64(i)*1e9, label{"one", v}, label{"two", "x"})
		}
		got := parsed(t, string(x.buf))
		for i, v := range values {
			if n, ok := got[fmt.Sprintf("a_total one=%q two=\"x\"", v)]; !ok || n != float64(i)*1e9 {
				t.Fatalf("%q: %v in %q", v, n, x.buf)
			}
		}
	})
}

// TestRulesAreExposed: each rule with its counts, those beyond the bound as one, and
// a line that says how many they are.
func TestRulesAreExposed(t *testing.T) {
	m := engine.RuleMeters{
		Rules: []engine.RuleMeter{{Tenant: identity.Tenant{1}, Application: "sales", Rule: "same-team", RuleCounts: engine.RuleCounts{
			Questions: 1, Records: 2, Refused: 3, Granted: 4, Kept: 5, Fuel: 6, Waited: 7 * time.Second, Ran: 8500 * time.Millisecond,
			Faults: [rules.FaultKinds]int64{rules.FaultTrap: 9},
		}}},
		Others: engine.RuleCounts{Records: 10}, Folded: 11, KeptBytes: 12,
	}
	x := &exposition{}
	exposeRules(x, m)
	got := parsed(t, string(x.buf))
	at := fmt.Sprintf(" organization=%q application=\"sales\" rule=\"same-team\"", identity.Tenant{1})
	other := ` organization="other" application="other" rule="other"`
	for key, want := range map[string]float64{
		"sluice_rule_questions_total" + at: 1, "sluice_rule_records_total" + at: 2, "sluice_rule_refused_total" + at: 3,
		"sluice_rule_granted_total" + at: 4, "sluice_rule_kept_total" + at: 5, "sluice_rule_fuel_total" + at: 6,
		"sluice_rule_wait_seconds_total" + at: 7, "sluice_rule_run_seconds_total" + at: 8.5,
		"sluice_rule_faults_total" + at + ` kind="trap"`: 9, "sluice_rule_records_total" + other: 10,
		"sluice_rules_folded": 11, "sluice_rule_kept_bytes": 12,
	} {
		if v, ok := got[key]; !ok || v != want {
			t.Errorf("%s: %v, %v", key, v, ok)
		}
		delete(got, key)
	}
	for key, v := range got {
		if !strings.HasSuffix(key, other) || v != 0 {
			t.Errorf("also %s: %v", key, v)
		}
	}
}

// TestTrafficIsCountedByRoute: however many addresses clients ask for, the series are
// those of the routes; a handler that panics is counted and ends its request.
func TestTrafficIsCountedByRoute(t *testing.T) {
	now := time.Unix(0, 0)
	traffic := newTraffic(func() time.Time { now = now.Add(time.Second); return now })
	mux := http.NewServeMux()
	mux.HandleFunc("GET /apps/{application}/x", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("application") == "7" {
			w.WriteHeader(http.StatusTeapot)
		}
		w.(http.Flusher).Flush()
	})
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	h := traffic.counted(mux)
	for i := range 20 {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, fmt.Sprintf("/apps/%d/x", i), nil))
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, fmt.Sprintf("/none/%d", i), nil))
	}
	func() {
		defer func() { _ = recover() }()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/panic", nil))
	}()
	x := &exposition{}
	traffic.write(x)
	got := parsed(t, string(x.buf))
	const of = "sluice_http_request_seconds"
	for key, want := range map[string]float64{
		of + `_count route="/apps/{application}/x" status="2xx"`: 19, of + `_sum route="/apps/{application}/x" status="2xx"`: 19,
		of + `_count route="/apps/{application}/x" status="4xx"`: 1, of + `_count route="none" status="4xx"`: 20,
		of + `_count route="/panic" status="aborted"`: 1, "sluice_http_requests_running": 0,
	} {
		if v, ok := got[key]; !ok || v != want {
			t.Errorf("%s: %v, %v", key, v, ok)
		}
	}
	if len(got) != 2*4+3 {
		t.Errorf("%d samples: %v", len(got), got)
	}
}

// TestMetricsAreForTheMachine: a page that reaches the listener under a name of its
// own reads nothing, and there is nothing else on it.
func TestMetricsAreForTheMachine(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:9464": true, "[::1]:9464": true, "localhost:0": true, "127.8.9.1:1": true,
		"0.0.0.0:9464": false, ":9464": false, "[::]:9464": false, "10.0.0.1:9464": false, "example.com:9464": false, "127.0.0.1": false, "localhost.evil.example:1": false, "": false,
	} {
		if got := IsLoopback(addr); got != want {
			t.Errorf("%q: %v", addr, got)
		}
	}
}
