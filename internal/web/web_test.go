package web

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
)

// source is a service with one code and no alert.
type source struct {
	ready, reload error
	reloads       int
}

func (s *source) Ready() error { return s.ready }
func (s *source) Result() *aggregate.Result {
	return &aggregate.Result{Schema: aggregate.Schema, Events: 3, Codes: []aggregate.CodeResult{{Code: 206, Count: 3}}}
}
func (s *source) Alerts() []detect.Alert { return nil }
func (s *source) Metrics(w io.Writer)    { _, _ = io.WriteString(w, "imerr_events_total 3\n") }
func (s *source) Reload() error          { s.reloads++; return s.reload }

func TestAnswers(t *testing.T) {
	away := errors.New("delta log: no space left on device")
	for _, tc := range []struct {
		name, method, path, auth string
		source                   source
		status                   int
		body, kind               string
	}{
		{name: "a scrape", path: "/metrics", status: 200, body: "imerr_events_total 3\n", kind: "text/plain; version=0.0.4; charset=utf-8"},
		{name: "alive, whatever is wrong", path: "/healthz", source: source{ready: away}, status: 200, body: "ok\n"},
		{name: "ready", path: "/readyz", status: 200, body: "ready\n"},
		{name: "not ready, and why", path: "/readyz", source: source{ready: away}, status: 503, body: "delta log: no space left on device\n"},
		{name: "summary", path: "/api/v1/summary", status: 200, body: `"events": 3`, kind: "application/json; charset=utf-8"},
		{name: "codes", path: "/api/v1/codes", status: 200, body: `[{"code":206,`},
		{name: "one code", path: "/api/v1/codes/206", status: 200, body: `{"code":206,`},
		{name: "a code that did not occur", path: "/api/v1/codes/217", status: 404, body: "217 did not occur\n"},
		{name: "a code that is none", path: "/api/v1/codes/%3Cscript%3E", status: 400, body: "want the number of a code\n"},
		{name: "no alerts are an empty list", path: "/api/v1/alerts", status: 200, body: "[]\n"},
		{name: "reload", method: "POST", path: "/-/reload", auth: "Bearer secret", status: 200, body: "reloaded\n"},
		{name: "reload refused", method: "POST", path: "/-/reload", auth: "Bearer secret", source: source{reload: away}, status: 422, body: "the old configuration goes on:\n"},
		{name: "reload without a token", method: "POST", path: "/-/reload", status: 401, body: "wrong token\n"},
		{name: "reload with another", method: "POST", path: "/-/reload", auth: "Bearer secre", status: 401, body: "wrong token\n"},
		{name: "reload by reading", path: "/-/reload", status: 405, body: "Method Not Allowed\n"},
		{name: "a path that is none", path: "/etc/passwd", status: 404, body: "404 page not found\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.method == "" {
				tc.method = "GET"
			}
			r := httptest.NewRequest(tc.method, tc.path, nil)
			r.Header.Set("Authorization", tc.auth)
			r.Header.Set("Origin", "https://elsewhere.example")
			w := httptest.NewRecorder()
			Handler(Options{Source: &tc.source, Token: "secret", Logger: slog.New(slog.DiscardHandler)}).ServeHTTP(w, r)
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.body) {
				t.Errorf("%d %q, want %d with %q", w.Code, w.Body, tc.status, tc.body)
			}
			if tc.kind != "" && w.Header().Get("Content-Type") != tc.kind {
				t.Errorf("content type %q, want %q", w.Header().Get("Content-Type"), tc.kind)
			}
			if w.Header().Get("Access-Control-Allow-Origin") != "" || w.Header().Get("Content-Security-Policy") == "" {
				t.Errorf("headers %v: want no CORS, and a policy", w.Header())
			}
			if reloaded := tc.source.reloads > 0; reloaded != (tc.status == 200 && tc.method == "POST" || tc.status == 422) {
				t.Errorf("%d reloads at status %d", tc.source.reloads, w.Code)
			}
		})
	}
}

func TestReloadWithoutAConfiguredTokenIsRefused(t *testing.T) {
	var s source
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/-/reload", nil)
	r.Header.Set("Authorization", "Bearer ")
	Handler(Options{Source: &s, Logger: slog.New(slog.DiscardHandler)}).ServeHTTP(w, r)
	if w.Code != http.StatusForbidden || s.reloads > 0 {
		t.Errorf("status %d, %d reloads: want 403 and none", w.Code, s.reloads)
	}
}
