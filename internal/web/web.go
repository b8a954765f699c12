// Package web answers over HTTP what a service knows: metrics for scrapers, health for whoever runs it, results as JSON, and a
// page that is updated while people look at it. It stands in front of serve, metrics and page, and holds nothing itself but the
// newest rendering of the page.
//
// Words: a viewer is a browser that has the page open; a frame is the page at one moment, rendered once for all viewers, at most
// once a second.
//
// Reading needs no password and shows no user id but masked; the one thing that changes something, POST /-/reload, needs a
// token. There is no CORS. Put a proxy in front for TLS and names.
package web

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/page"
	"imerr-scan/internal/report"
)

// Source is what is shown. Its methods are called by several goroutines.
type Source interface {
	Ready() error              // why not, nil if it is
	Result() *aggregate.Result // all that was counted; without what is needed to merge it
	Alerts() []detect.Alert    // the newest record of each
	Metrics(w io.Writer)       // in the text format of Prometheus
	Reload() error             // reads the configuration anew
}

// Options sets what is offered.
type Options struct {
	Source Source
	Page   page.Options // of the page at /; the zero value is in English and explains nothing
	Token  string       // for POST /-/reload; "" refuses it
	Logger *slog.Logger
}

// Handler returns what answers.
func Handler(opt Options) http.Handler {
	mux := http.NewServeMux()
	h := handlers{opt: opt, results: &results{source: opt.Source}}
	h.live = &live{opt: opt.Page, source: opt.Source, results: h.results, places: make(chan struct{}, maxViewers)}
	mux.HandleFunc("GET /{$}", h.index)
	mux.HandleFunc("GET /codes/{code}", h.codePage)
	mux.HandleFunc("GET /api/v1/stream", h.stream)
	mux.HandleFunc("GET /metrics", h.metrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", h.ready)
	mux.HandleFunc("GET /api/v1/summary", h.summary)
	mux.HandleFunc("GET /api/v1/codes", func(w http.ResponseWriter, _ *http.Request) { h.json(w, h.results.get().Codes) })
	mux.HandleFunc("GET /api/v1/codes/{code}", h.code)
	mux.HandleFunc("GET /api/v1/alerts", h.alerts)
	mux.HandleFunc("POST /-/reload", h.reload)
	return http.MaxBytesHandler(guard(mux), 1<<20)
}

// guard sets what every answer has.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

type handlers struct {
	opt     Options
	results *results
	live    *live
}

func text(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func (h *handlers) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	h.opt.Source.Metrics(w)
}

func (h *handlers) ready(w http.ResponseWriter, _ *http.Request) {
	if err := h.opt.Source.Ready(); err != nil {
		text(w, http.StatusServiceUnavailable, err.Error()+"\n")
		return
	}
	text(w, http.StatusOK, "ready\n")
}

func (h *handlers) json(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		h.opt.Logger.Debug("answer not written", "err", err)
	}
}

func (h *handlers) summary(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if err := report.JSON(w, h.results.get()); err != nil {
		h.opt.Logger.Debug("answer not written", "err", err)
	}
}

func (h *handlers) code(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.ParseInt(r.PathValue("code"), 10, 32)
	if err != nil {
		text(w, http.StatusBadRequest, "want the number of a code\n")
		return
	}
	for _, c := range h.results.get().Codes {
		if int64(c.Code) == number {
			h.json(w, c)
			return
		}
	}
	text(w, http.StatusNotFound, fmt.Sprintf("%d did not occur\n", number))
}

func (h *handlers) alerts(w http.ResponseWriter, _ *http.Request) {
	alerts := h.opt.Source.Alerts()
	if alerts == nil {
		alerts = []detect.Alert{}
	}
	h.json(w, alerts)
}

func (h *handlers) reload(w http.ResponseWriter, r *http.Request) {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case h.opt.Token == "":
		text(w, http.StatusForbidden, "no token is configured: send SIGHUP, or start with --reload-token-file\n")
	case !ok || subtle.ConstantTimeCompare([]byte(given), []byte(h.opt.Token)) != 1:
		w.Header().Set("WWW-Authenticate", "Bearer")
		text(w, http.StatusUnauthorized, "wrong token\n")
	default:
		if err := h.opt.Source.Reload(); err != nil {
			text(w, http.StatusUnprocessableEntity, "the old configuration goes on:\n"+err.Error()+"\n")
			return
		}
		text(w, http.StatusOK, "reloaded\n")
	}
}

// stopWait is how long answers under way have when the server stops.
const stopWait = 2 * time.Second

// closingKey is where the context of a request has the channel that is closed when the server stops: who streams must end then.
type closingKey struct{}

func closing(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(closingKey{}).(<-chan struct{})
	return c
}

// Serve answers on l until ctx is done. Answers under way have a moment to end; streams end at once.
func Serve(ctx context.Context, l net.Listener, h http.Handler, logger *slog.Logger) error {
	base := context.WithValue(context.WithoutCancel(ctx), closingKey{}, ctx.Done())
	s := &http.Server{
		BaseContext: func(net.Listener) context.Context { return base },
		Handler:     h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWait)
		defer cancel()
		stopped <- s.Shutdown(last)
	})
	err := s.Serve(l)
	if !errors.Is(err, http.ErrServerClosed) {
		stop()
		return err
	}
	if err := <-stopped; err != nil {
		return s.Close()
	}
	return nil
}
