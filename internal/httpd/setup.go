package httpd

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"sync"

	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/storage"
)

// setup lets whoever reads the server's log make the first organization, once:
// the code is made when a server starts without any.
type setup struct {
	directory *directory.Directory

	mu   sync.Mutex // held for the whole of a setup, so that there is one
	code string     // guarded by mu; empty when there is an organization
}

func newSetup(s *storage.Store, d *directory.Directory) (*setup, error) {
	tenants, err := s.Tenants()
	if err != nil {
		return nil, err
	}
	out := &setup{directory: d}
	if len(tenants) == 0 {
		out.code = rand.Text()
	}
	return out, nil
}

func (s *setup) pending() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.code
}

// SetupRequest is the body of POST /setup.
type SetupRequest struct {
	Code         string `json:"code"`
	Organization string `json:"organization"`
	Email        string `json:"email"`
	Name         string `json:"name"`
	Password     string `json:"password"`
}

func (s *setup) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	var q SetupRequest
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		answer(w, http.StatusBadRequest, "expected a JSON object with code, organization, email, name and password")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.code == "" || subtle.ConstantTimeCompare([]byte(s.code), []byte(q.Code)) != 1 {
		answer(w, http.StatusForbidden, "code: not the code that this server printed when it started, or it was used already")
		return
	}
	u := directory.NewUser{Email: q.Email, DisplayName: q.Name, Password: q.Password}
	if _, _, err := s.directory.CreateOrganization(r.Context(), q.Organization, u); err != nil {
		status := http.StatusUnprocessableEntity
		if fault.KindOf(err) == fault.Internal {
			status = http.StatusInternalServerError
		}
		answer(w, status, fault.Message(err))
		return
	}
	s.code = ""
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]string{"organization": q.Organization})
}

func answer(w http.ResponseWriter, status int, message string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": message})
}
