package gateway

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/identity"
	"sluice/internal/importer"
)

// importJob is a job as clients see it.
type importJob struct {
	ID      string             `json:"id"`
	Form    string             `json:"form"`
	State   engine.ImportState `json:"state"`
	Started time.Time          `json:"started"`
	Rows    int                `json:"rows"`
	Done    int                `json:"done"`
	Removed int                `json:"removed"`
	Left    int                `json:"left"`
}

func jobOf(j *engine.ImportJob) *importJob {
	if j == nil || j.ID == "" {
		return nil
	}
	return &importJob{j.ID, j.Form, j.State, j.Started, j.Rows, j.Done, j.Removed, j.Left}
}

// importLine is one line of the answer to an import or an undo. The last one has
// no progress.
type importLine struct {
	Progress *importer.Progress `json:"progress,omitempty"`
	Job      *importJob         `json:"job,omitempty"`
	Rows     int                `json:"rows,omitempty"`
	Faulty   int                `json:"faulty,omitempty"`
	Faults   []importer.Fault   `json:"faults,omitempty"`
	Error    *importError       `json:"error,omitempty"`
}

type importError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// lines writes an answer while the work goes on. The first line fixes the status
// 200; what happens later is told by the last line.
type lines struct {
	q       *importRequest
	control *http.ResponseController
	begun   bool
}

func (l *lines) progress(p importer.Progress) { l.send(importLine{Progress: &p}) }

func (l *lines) send(line importLine) {
	if !l.begun {
		l.begun = true
		setHeaders(l.q.w, mediaNDJSON)
	}
	b, err := json.Marshal(line)
	if err != nil { // lines are made of texts and numbers
		b = []byte(`{"error":{"code":"INTERNAL","message":"internal error"}}`)
	}
	_ = l.control.SetWriteDeadline(time.Now().Add(lineTime)) // a recorder in a test has none
	_, _ = l.q.w.Write(append(b, '\n'))                      // a client that went away ends the request's context
	_ = l.control.Flush()
}

// end writes the last line. A job that an error stopped is named, so that it can
// be resumed or undone.
func (m *Imports) end(l *lines, result *importer.Result, err error) {
	var line importLine
	if result != nil {
		line = importLine{Job: jobOf(result.Job), Rows: result.Rows, Faulty: result.Faulty, Faults: result.Faults}
	}
	if err != nil {
		code, message := graph.Explain(err)
		line.Error = &importError{code, message}
		if code == graph.CodeInternal || code == graph.CodeUnavailable {
			m.report(l.q.Request, err)
		}
	}
	l.send(line)
}

// slots count running imports, so that neither one organization nor all of them
// fill the server's disk. The zero slots are free.
type slots struct {
	mu  sync.Mutex
	of  map[identity.Tenant]int // guarded by mu
	all int                     // guarded by mu
}

func (s *slots) take(t identity.Tenant) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= maxImports || s.of[t] >= maxTenant {
		return false
	}
	if s.of == nil {
		s.of = map[identity.Tenant]int{}
	}
	s.all++
	s.of[t]++
	return true
}

func (s *slots) give(t identity.Tenant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.of[t]--; s.of[t] == 0 {
		delete(s.of, t)
	}
}
