package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"sluice/graph"
	"sluice/internal/fault"
)

// Origins wraps a handler so that pages of the named origins may call it from
// browsers; those of others are refused as before. An origin is scheme, host
// and, where it is not the scheme's own, port: https://app.example. Answers
// name the one origin that asked, never all of them, and never allow cookies:
// credentials are bearer tokens. Invalid for what is no origin; without any the
// handler is returned as it is.
func Origins(h http.Handler, origins []string) (http.Handler, error) {
	for _, o := range origins {
		u, err := url.Parse(o)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Scheme+"://"+strings.ToLower(u.Host) != o {
			return nil, fault.New(fault.Invalid, "gateway.Origins", "origin: expected scheme and host in lower case such as https://app.example, got %q", o)
		}
	}
	if len(origins) == 0 {
		return h, nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		preflight := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
		switch known := slices.Contains(origins, origin); {
		case known && preflight:
			answerPreflight(w, origin)
		case known:
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Expose-Headers", exposedHeaders)
			h.ServeHTTP(w, trusted(r))
		case preflight:
			refuse(http.StatusForbidden, graph.CodeForbidden, "requests from other sites are refused").write(w, mediaJSON)
		default:
			h.ServeHTTP(w, r)
		}
	}), nil
}

const (
	exposedHeaders = "ETag, WWW-Authenticate, " + CostHeader + ", " + replayedHeader + ", " + ViewAsHeader
	preflightTime  = "600" // seconds that a browser may keep the answer
)

func answerPreflight(w http.ResponseWriter, origin string) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, If-None-Match, "+CostHeader+", "+ViewAsHeader)
	h.Set("Access-Control-Max-Age", preflightTime)
	w.WriteHeader(http.StatusNoContent)
}

// trusted is the request as one that is not from another site.
func trusted(r *http.Request) *http.Request {
	c := r.Clone(r.Context())
	c.Header.Del("Origin")
	c.Header.Del("Sec-Fetch-Site")
	return c
}
