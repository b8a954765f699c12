package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/page"
)

// Limits of the live page. A viewer is an open stream.
const (
	every      = time.Second     // results are taken and pages rendered no more often, however many look
	maxViewers = 100             // more are told to come back later
	patience   = 5 * time.Second // a viewer that takes no bytes for so long is dropped; it connects again by itself
)

// results takes the result of a source at most once a second, however many ask.
type results struct {
	source Source

	mu sync.Mutex
	at time.Time
	of *aggregate.Result
}

// get returns a result that nobody changes.
func (r *results) get() *aggregate.Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil || time.Since(r.at) >= every {
		r.of = r.source.Result()
		r.at = time.Now()
	}
	return r.of
}

// live is the page of a service: rendered once for all who look.
type live struct {
	opt     page.Options
	source  Source
	results *results
	places  chan struct{} // one for each viewer

	mu   sync.Mutex
	last *frame
}

// frame is the page at one moment. It is not changed.
type frame struct {
	number int64
	at     time.Time
	page   *page.Page
	parts  []part

	once       sync.Once
	html, gzip []byte // of the whole
	err        error
}

// part is a section as viewers get it.
type part struct {
	html    []byte
	event   message
	changed int64 // number of the first frame in which it was so
}

// frame returns the page as it is now, not older than a second.
func (l *live) frame() (*frame, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.last != nil && now.Sub(l.last.at) < every {
		return l.last, nil
	}
	about := page.Now{At: now}
	if err := l.source.Ready(); err != nil {
		about.Trouble = err.Error()
	}
	p, err := page.NewLive(l.results.get(), l.opt, about)
	if err != nil {
		return nil, err
	}
	f := &frame{number: 1, at: now, page: p}
	if l.last != nil {
		f.number = l.last.number + 1
	}
	for i, name := range p.Sections() {
		var b bytes.Buffer
		if err := p.Section(&b, name); err != nil {
			return nil, err
		}
		if l.last != nil && bytes.Equal(l.last.parts[i].html, b.Bytes()) {
			f.parts = append(f.parts, l.last.parts[i])
			continue
		}
		f.parts = append(f.parts, part{html: b.Bytes(), event: newMessage(name, b.Bytes()), changed: f.number})
	}
	l.last = f
	return f, nil
}

// since returns the messages for a viewer who has seen the frame of that number.
func (f *frame) since(seen int64) []message {
	var out []message
	for i := range f.parts {
		if f.parts[i].changed > seen {
			out = append(out, f.parts[i].event)
		}
	}
	return out
}

// whole returns the page as HTML, and compressed.
func (f *frame) whole() (html, squeezed []byte, err error) {
	f.once.Do(func() {
		var plain, packed bytes.Buffer
		f.err = f.page.Write(&plain)
		f.html = plain.Bytes()
		z, _ := gzip.NewWriterLevel(&packed, gzip.BestSpeed) // the level is one
		_, _ = z.Write(f.html)                               // a buffer takes all
		_ = z.Close()
		f.gzip = packed.Bytes()
	})
	return f.html, f.gzip, f.err
}

// index answers with the page.
func (h *handlers) index(w http.ResponseWriter, r *http.Request) {
	f, err := h.live.frame()
	if err != nil {
		h.failed(w, err)
		return
	}
	html, squeezed, err := f.whole()
	if err != nil {
		h.failed(w, err)
		return
	}
	asPage(w)
	w.Header().Set("Vary", "Accept-Encoding")
	if takesGzip(r) {
		w.Header().Set("Content-Encoding", "gzip")
		html = squeezed
	}
	_, _ = w.Write(html) // nobody is there to be told
}

// codePage answers with the page of a code.
func (h *handlers) codePage(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.ParseInt(r.PathValue("code"), 10, 32)
	if err != nil {
		text(w, http.StatusBadRequest, "want the number of a code\n")
		return
	}
	f, err := h.live.frame()
	if err != nil {
		h.failed(w, err)
		return
	}
	var b bytes.Buffer
	known, err := f.page.WriteCode(&b, int32(number))
	switch {
	case err != nil:
		h.failed(w, err)
	case !known:
		text(w, http.StatusNotFound, fmt.Sprintf("%d is in no catalog and did not occur\n", number))
	default:
		asPage(w)
		_, _ = w.Write(b.Bytes())
	}
}

func (h *handlers) failed(w http.ResponseWriter, err error) {
	h.opt.Logger.Error("page not made", "err", err)
	text(w, http.StatusInternalServerError, "the page could not be made; the log says why\n")
}

func asPage(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", page.LivePolicy()+"; frame-ancestors 'none'")
}

// takesGzip says whether a client names gzip among the encodings it takes, and not to refuse it (RFC 9110, 12.5.3).
func takesGzip(r *http.Request) bool {
	for one := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(one, ";")
		if strings.TrimSpace(name) == "gzip" {
			return strings.Trim(weight, " 0.") != "q="
		}
	}
	return false
}

// stream sends a viewer the sections of the page, then each that changes, as server-sent events named for them. All viewers get
// the same bytes; who is slow misses frames, not the newest.
func (h *handlers) stream(w http.ResponseWriter, r *http.Request) {
	l := h.live
	select {
	case l.places <- struct{}{}:
		defer func() { <-l.places }()
	default:
		w.Header().Set("Retry-After", "10")
		text(w, http.StatusServiceUnavailable, "too many viewers\n")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep events back
	if r.Method == http.MethodHead {
		return
	}
	v := newViewer(w, takesGzip(r))
	if v.send([]message{newMessage("build", []byte(page.Build())).withRetry()}) != nil {
		return
	}
	for seen := int64(0); ; {
		f, err := l.frame()
		if err != nil {
			h.opt.Logger.Error("page not made", "err", err)
			return
		}
		if v.send(f.since(seen)) != nil {
			return
		}
		seen = f.number
		if !f.outlive(r.Context()) {
			v.end()
			return
		}
	}
}

// outlive waits until there may be a newer frame; false if the stream is over.
func (f *frame) outlive(ctx context.Context) bool {
	t := time.NewTimer(every - time.Since(f.at))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-closing(ctx):
	}
	return false
}
