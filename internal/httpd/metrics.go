package httpd

import (
	"context"
	"errors"
	"net"
	"net/http"
	"runtime"
	"runtime/metrics"
	"time"

	"sluice/engine"
	"sluice/rules"
)

// MetricsPath is where ServeMetrics answers.
const MetricsPath = "/metrics"

// Metrics serves the counts of the process in the text format of Prometheus. They
// are of all organizations and name their rules: it is for whoever runs the server,
// on a listener of its own, and no part of ServeHTTP. It takes requests that name
// the machine itself as their host, so that no page in a browser on it can read them.
func (s *Service) Metrics() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+MetricsPath, func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(r.Host) {
			http.Error(w, "metrics are for this machine: use its loopback address", http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", expositionType)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(s.exposed())
	})
	return mux
}

// ServeMetrics answers requests for h on l until ctx ends. It closes l.
func ServeMetrics(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// IsLoopback reports whether a host with a port is the machine itself.
func IsLoopback(hostPort string) bool {
	_, _, err := net.SplitHostPort(hostPort)
	return err == nil && isLoopback(hostPort)
}

func isLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (s *Service) exposed() []byte {
	x := &exposition{}
	s.traffic.write(x)
	x.begin("sluice_storage_readable", gauge, "1 while storage can be read.")
	x.sample(map[bool]float64{true: 1}[s.store.Readable() == nil])
	exposeRules(x, s.Engine.RuleMeters())
	exposeRuntime(x, s.began)
	return x.buf
}

// ruleFamilies are the metrics of custom rules but faults.
var ruleFamilies = []struct {
	name, kind, help string
	of               func(c *engine.RuleCounts) float64
}{
	{"sluice_rule_questions_total", counter, "Calls of a module.", func(c *engine.RuleCounts) float64 { return float64(c.Questions) }},
	{"sluice_rule_records_total", counter, "Records that a module was asked about.", func(c *engine.RuleCounts) float64 { return float64(c.Records) }},
	{"sluice_rule_granted_total", counter, "Records that a SHARE shared, a RESTRICT let through, or of which a MASK hid nothing.", func(c *engine.RuleCounts) float64 { return float64(c.Granted) }},
	{"sluice_rule_refused_total", counter, "Calls that ended their query, whose fuel or time was spent.", func(c *engine.RuleCounts) float64 { return float64(c.Refused) }},
	{"sluice_rule_kept_total", counter, "Uses of kept answers in place of questions.", func(c *engine.RuleCounts) float64 { return float64(c.Kept) }},
	{"sluice_rule_fuel_total", counter, "Fuel spent.", func(c *engine.RuleCounts) float64 { return float64(c.Fuel) }},
	{"sluice_rule_wait_seconds_total", counter, "Time that questions waited for their turn and for fuel of the organization.", func(c *engine.RuleCounts) float64 { return c.Waited.Seconds() }},
	{"sluice_rule_run_seconds_total", counter, "Time that questions took beside waiting, loading of modules included.", func(c *engine.RuleCounts) float64 { return c.Ran.Seconds() }},
}

// exposeRules writes a series for each rule that is counted apart and one for the
// others.
func exposeRules(x *exposition, m engine.RuleMeters) {
	all := append(m.Rules, engine.RuleMeter{RuleCounts: m.Others})
	for _, f := range ruleFamilies {
		x.begin(f.name, f.kind, f.help)
		for i := range all {
			x.sample(f.of(&all[i].RuleCounts), ruleLabels(m, i)...)
		}
	}
	x.begin("sluice_rule_faults_total", counter, "Records about which a rule went wrong, by kind.")
	for i := range all {
		for kind, n := range all[i].Faults {
			if n > 0 {
				x.sample(float64(n), append(ruleLabels(m, i), label{"kind", rules.FaultKind(kind).String()})...)
			}
		}
	}
	x.begin("sluice_rules_folded", gauge, "Rules without series of their own, at most 4,096: those of rule=\"other\" are their sum.")
	x.sample(float64(m.Folded))
	x.begin("sluice_rule_kept_bytes", gauge, "Memory that kept answers take, about.")
	x.sample(float64(m.KeptBytes))
}

// ruleLabels name the series at i; behind the last rule stand the others.
func ruleLabels(m engine.RuleMeters, i int) []label {
	if i == len(m.Rules) {
		return []label{{"organization", "other"}, {"application", "other"}, {"rule", "other"}}
	}
	r := &m.Rules[i]
	return []label{{"organization", r.Tenant.String()}, {"application", r.Application}, {"rule", r.Rule}}
}

// runtimeFamilies are metrics of the process, by their names in runtime/metrics
// without the slash in front.
var runtimeFamilies = []struct{ source, name, kind, help string }{
	{"sched/goroutines:goroutines", "go_goroutines", gauge, "Goroutines."},
	{"memory/classes/heap/objects:bytes", "go_heap_objects_bytes", gauge, "Memory of objects, dead ones that were not collected yet included."},
	{"memory/classes/total:bytes", "go_memory_bytes", gauge, "Memory that the runtime has mapped; memory of modules and of storage is mapped beside it."},
	{"gc/cycles/total:gc-cycles", "go_gc_cycles_total", counter, "Garbage collections."},
}

func exposeRuntime(x *exposition, began time.Time) {
	x.begin("sluice_info", gauge, "1; the version of Go that built the server.")
	x.sample(1, label{"go", runtime.Version()})
	x.begin("process_start_time_seconds", gauge, "When the process began, in seconds since 1970.")
	x.sample(float64(began.UnixMilli()) / 1000)
	samples := make([]metrics.Sample, len(runtimeFamilies))
	for i, f := range runtimeFamilies {
		samples[i].Name = "/" + f.source
	}
	metrics.Read(samples)
	for i, f := range runtimeFamilies {
		if samples[i].Value.Kind() == metrics.KindUint64 {
			x.begin(f.name, f.kind, f.help)
			x.sample(float64(samples[i].Value.Uint64()))
		}
	}
}
