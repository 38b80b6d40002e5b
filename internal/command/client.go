package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"sluice/internal/fault"
)

// Environment variables that clients read.
const (
	envServer   = "SLUICE_SERVER"
	envToken    = "SLUICE_TOKEN"
	envPassword = "SLUICE_PASSWORD"
)

const (
	defaultServer = "http://127.0.0.1:8080"
	answerTime    = 60 * time.Second // of every request but imports
	maxAnswer     = 16 << 20         // bytes
)

// remote is a running server and the credential to use there.
type remote struct {
	env           *Env
	command       *command
	flags         *flag.FlagSet
	server, token *string // flags, empty where the environment decides
	base          string

	application, rule *string // flags of a command about one rule, else nil
	doing             string  // what the next request is at, for a terminal where it takes long
}

// client begins a command that needs a server and a token: its flags, to which it
// adds its own, and what talks to the server after start.
func (c *command) client(env *Env) (*flag.FlagSet, *remote) {
	fs := c.flags(env)
	r := remoteFlags(env, fs, true)
	r.command, r.flags = c, fs
	return fs, r
}

// start reads the command line, as command.parse does, and looks for the token.
func (r *remote) start(args []string, operands int, required ...string) error {
	if err := r.command.parse(r.flags, args, operands, required...); err != nil {
		return err
	}
	return r.beginSignedIn()
}

// remoteFlags adds the flags that every client command has.
func remoteFlags(env *Env, fs *flag.FlagSet, withToken bool) *remote {
	r := &remote{env: env, token: new(string)}
	r.server = fs.String("server", "", "`URL` of the server (default $"+envServer+" or "+defaultServer+")")
	if withToken {
		r.token = fs.String("token", "", "`TOKEN` to send (default $"+envToken+", which the list of processes does not show)")
	}
	return r
}

// begin checks the flags after parsing.
func (r *remote) begin() error {
	r.base = firstOf(*r.server, r.env.Getenv(envServer), defaultServer)
	u, err := url.Parse(r.base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return badUsage("-server: expected a URL like %s, here or in %s, got %q", defaultServer, envServer, r.base)
	}
	r.base = strings.TrimRight(r.base, "/")
	*r.token = firstOf(*r.token, r.env.Getenv(envToken))
	return nil
}

// beginSignedIn is begin for commands that need a token.
func (r *remote) beginSignedIn() error {
	if err := r.begin(); err != nil {
		return err
	}
	if *r.token == "" {
		return badUsage("-token: a token is required, here or in %s; `sluice token` prints one", envToken)
	}
	return nil
}

func firstOf(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// request sends a body and returns the response; the caller closes it.
func (r *remote) request(ctx context.Context, method, path, contentType string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, r.base+path, body)
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if f, ok := body.(*os.File); ok {
		// The server refuses before the file is sent, not in the middle of it.
		req.Header.Set("Expect", "100-continue")
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			req.ContentLength = info.Size()
		}
	}
	if *r.token != "" {
		req.Header.Set("Authorization", "Bearer "+*r.token)
	}
	// A redirect is not followed: it would carry a body and a token elsewhere.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("-server: %s gave no answer within %s; look whether it did what it was asked before you ask again", r.base, answerTime)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("-server: %s does not answer: %w; is Sluice running there? -server and %s name another address", r.base, errors.Unwrap(err), envServer)
	}
	return resp, nil
}

// exchange sends a body and returns status and answer whole.
func (r *remote) exchange(ctx context.Context, method, path, contentType string, body []byte) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	defer r.waiting()()
	resp, err := r.request(ctx, method, path, contentType, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, fmt.Errorf("the answer of %s was cut off: %w", r.base, err)
	}
	return resp.StatusCode, b, nil
}

// serverError is what the server refused, in its words.
type serverError struct{ code, message string }

func (e *serverError) Error() string {
	if e.code == "UNAUTHENTICATED" {
		return "-token: the server does not take it (UNAUTHENTICATED); it may have expired, `sluice token` prints a new one"
	}
	return fmt.Sprintf("%s (%s)", e.message, e.code)
}

type wireErrors struct {
	Errors []struct {
		Message    string `json:"message"`
		Extensions struct {
			Code string `json:"code"`
		} `json:"extensions"`
	} `json:"errors"`
}

// refusal makes an error of an answer that says what is wrong; nil when it does
// not.
func refusal(body []byte) error {
	var w wireErrors
	_ = json.Unmarshal(body, &w) // what is no JSON says nothing either
	var all []error
	for _, e := range w.Errors {
		all = append(all, &serverError{firstOf(e.Extensions.Code, "INTERNAL"), e.Message})
	}
	if len(all) == 1 {
		return all[0]
	}
	return errors.Join(all...)
}

func (r *remote) unexpected(status int, body []byte) error {
	if err := refusal(body); err != nil {
		return r.byFlags(err)
	}
	return fmt.Errorf("-server: %s answered with status %d and nothing that this program understands; is it a Sluice server?", r.base, status)
}

// graphql runs an operation of the management API and reads its data into out,
// which may be nil.
func (r *remote) graphql(ctx context.Context, query string, variables map[string]any, out any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	status, answer, err := r.exchange(ctx, http.MethodPost, "/graphql", "application/json", body)
	if err != nil {
		return err
	}
	if err := refusal(answer); err != nil {
		return r.withRules(ctx, err)
	}
	var w struct {
		Data json.RawMessage `json:"data"`
	}
	if status != http.StatusOK || json.Unmarshal(answer, &w) != nil || len(w.Data) == 0 {
		return r.unexpected(status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(w.Data, out)
}

// password comes from standard input when the flag says so, else from the
// environment; never from a flag, which the list of processes shows.
func (r *remote) password(fromStdin bool) (string, error) {
	if !fromStdin {
		return r.env.Getenv(envPassword), nil
	}
	b, err := io.ReadAll(io.LimitReader(r.env.Stdin, 4096))
	if err != nil {
		return "", err
	}
	s := strings.TrimRight(string(b), "\r\n")
	if s == "" {
		return "", badUsage("-password-stdin: standard input holds no password")
	}
	return s, nil
}

// needPassword is password, which must be there.
func (r *remote) needPassword(fromStdin bool) (string, error) {
	s, err := r.password(fromStdin)
	if err == nil && s == "" {
		err = badUsage("-password-stdin: a password is required, on standard input with this flag or in %s", envPassword)
	}
	return s, err
}

// texts collects a flag that may be repeated.
type texts []string

func (t *texts) String() string { return strings.Join(*t, ",") }

// Set adds a value.
func (t *texts) Set(s string) error {
	*t = append(*t, s)
	return nil
}

// message is what a fault says, without the operation for the log.
func message(err error) string { return fault.Message(err) }
