package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/page"
	"imerr-scan/internal/report"
	"imerr-scan/internal/web"
)

// followed is a run of -f as web shows it. Only the run itself may look at what it counts: who wants to know leaves a question,
// which is answered between two blocks.
type followed struct {
	tail      *tailing
	listener  net.Listener
	questions chan func()
	over      chan struct{} // closed when the run ends
	ready     atomic.Bool   // what was there at the start is read

	mu     sync.Mutex
	result *aggregate.Result // of the last answer
	alerts []detect.Alert
}

// answerWait is how long a question waits for a run that is busy; then the last answer has to do.
const answerWait = 2 * time.Second

// listen opens the address, if one was given. It fails before anything is read.
func (t *tailing) listen(ctx context.Context) error {
	if t.scan.listen == "" || t.scan.listen == "none" {
		return nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", t.scan.listen)
	if err != nil {
		return usage("--listen 127.0.0.1:20617", "--listen: %v", err)
	}
	t.address = "http://" + l.Addr().String() + "/"
	t.shown = &followed{tail: t, listener: l, questions: make(chan func()), over: make(chan struct{})}
	t.shown.answer()
	return nil
}

// serve shows the run over HTTP, and returns what ends that. f may be nil.
func (f *followed) serve(ctx context.Context) func() {
	if f == nil {
		return func() {}
	}
	t := f.tail
	logger := slog.New(slog.NewTextHandler(t.env.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	stop := answerHTTP(ctx, f.listener, web.Options{
		Source: f, Logger: logger,
		Page: page.Options{Lang: t.env.lang, Zone: t.env.zone, Catalog: t.cat, Input: t.input},
	})
	return func() { close(f.over); stop() }
}

// answerOne answers a question, if there is one. It is called by the run; f may be nil.
func (f *followed) answerOne() {
	if f == nil {
		return
	}
	select {
	case answer := <-f.questions:
		answer()
	default:
	}
}

// answer makes the result as a page may show it: user ids masked, whatever the run itself shows.
func (f *followed) answer() {
	t := f.tail
	if t.live != nil {
		t.live.Settle()
	}
	res := t.total.Result(aggregate.ResultOptions{Version: readBuild().Version, Zone: t.env.zone, PII: "mask", NoMerge: true})
	res.Validated = t.validate
	res.Catalog = aggregate.CatalogInfo{Platform: t.cat.Platform(), Version: t.cat.Version(), Entries: t.cat.Len()}
	var alerts []detect.Alert
	if t.watch != nil {
		alerts = shownAlerts(t.watch.history.Alerts, t.pii == "plain", t.env.zone)
	}
	report.SetAlerts(res, alerts, t.env.zone)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.result, f.alerts = res, alerts
}

// ask has the run answer. It gives up when the run is over, or too busy.
func (f *followed) ask() {
	done := make(chan struct{})
	wait := time.NewTimer(answerWait)
	defer wait.Stop()
	select {
	case f.questions <- func() { f.answer(); close(done) }:
	case <-f.over:
		return
	case <-wait.C:
		return
	}
	select {
	case <-done:
	case <-f.over:
	}
}

// Result returns all that was counted.
func (f *followed) Result() *aggregate.Result {
	f.ask()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.result
}

// Alerts returns the newest record of each alert.
func (f *followed) Alerts() []detect.Alert {
	f.ask()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.alerts
}

// Ready says that what was there at the start is still being read, as long as it is.
func (f *followed) Ready() error {
	if !f.ready.Load() {
		return errors.New("what was there at the start is still being read")
	}
	return nil
}

// Metrics writes the counts for a scrape, as -o prom does.
func (f *followed) Metrics(w io.Writer) {
	b := readBuild()
	_ = report.Prom(w, f.Result(), f.tail.cat, report.PromBuild{Revision: b.Revision, Go: b.Go}) // nobody is there to be told
}

// Reload refuses: a run that follows reads its configuration once.
func (f *followed) Reload() error {
	return fmt.Errorf("-f reads its configuration once; serve reads it anew")
}
