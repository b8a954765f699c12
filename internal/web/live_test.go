package web

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/page"
	"imerr-scan/pkg/catalog"
)

// growing is a service that counts on.
type growing struct {
	mu    sync.Mutex
	count int64
	name  string
	asked int // for its result
	ready error
}

func (g *growing) add(n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count += n
}

func (g *growing) Result() *aggregate.Result {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked++
	now := time.Now()
	start := now.Truncate(time.Minute).Add(-2 * time.Minute)
	return &aggregate.Result{
		Schema: aggregate.Schema, Events: g.count, Span: aggregate.Span{First: &start, Last: &now},
		Timeline: aggregate.Timeline{Start: &start, SlotSeconds: 60, Slots: 3},
		Codes: []aggregate.CodeResult{{Code: 206, Name: "KICKED", Category: "auth", Severity: "critical", Count: g.count,
			Timeline: []int64{0, 0, g.count}, Versions: map[string]int64{g.name: 1}}},
	}
}

func (g *growing) builds() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked
}

func (g *growing) Ready() error           { return g.ready }
func (g *growing) Alerts() []detect.Alert { return nil }
func (g *growing) Metrics(io.Writer)      {}
func (g *growing) Reload() error          { return nil }

// pipes is a listener without a network, so that time is that of the test.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// dial opens a connection whose writes wait for their reader.
func (p *pipes) dial() net.Conn {
	mine, theirs := net.Pipe()
	p.conns <- theirs
	return mine
}

// server is a running server of one test, in the time of the test.
type server struct {
	*pipes
	t    *testing.T
	stop func()
}

func serveInTest(t *testing.T, src Source) *server {
	t.Helper()
	s := &server{t: t, pipes: &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	quiet := slog.New(slog.DiscardHandler)
	h := Handler(Options{Source: src, Page: page.Options{Catalog: catalog.Web()}, Logger: quiet})
	go func() { done <- Serve(ctx, s.pipes, h, quiet) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// look opens the stream, as a browser does.
func (s *server) look(gzipped bool) (*http.Response, net.Conn) {
	s.t.Helper()
	c := s.dial()
	head := "GET /api/v1/stream HTTP/1.1\r\nHost: x\r\n"
	if gzipped {
		head += "Accept-Encoding: gzip\r\n"
	}
	if _, err := io.WriteString(c, head+"\r\n"); err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, c
}

// event is one server-sent event, as the standard has a browser read it.
type event struct{ name, data string }

func readEvents(r io.Reader, each func(event)) error {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, 1<<24)
	var e event
	var data []string
	for scanner.Scan() {
		field, value, _ := strings.Cut(scanner.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			e.name = value
		case "data":
			data = append(data, value)
		case "":
			e.data = strings.Join(data, "\n")
			each(e)
			e, data = event{}, nil
		}
	}
	return scanner.Err()
}

// follow collects the names of the events of a stream until it ends.
func follow(r io.Reader) (names func() []string, end <-chan error) {
	var mu sync.Mutex
	var seen []string
	done := make(chan error, 1)
	go func() {
		done <- readEvents(r, func(e event) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, e.name)
		})
	}()
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		list := seen
		seen = nil
		return list
	}, done
}

var sectionNames = []string{"status", "summary", "timeline", "codes", "who", "why", "quality"}

func TestAStreamBringsAllThenWhatChanges(t *testing.T) {
	for _, gzipped := range []bool{false, true} {
		t.Run(fmt.Sprintf("gzip %v", gzipped), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src := &growing{count: 5, name: "5.3.0"}
				s := serveInTest(t, src)
				defer s.stop()
				resp, conn := s.look(gzipped)
				if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" || (resp.Header.Get("Content-Encoding") == "gzip") != gzipped {
					t.Fatalf("%s %v", resp.Status, resp.Header)
				}
				body := io.Reader(resp.Body)
				if gzipped {
					z, err := gzip.NewReader(body)
					if err != nil {
						t.Fatal(err)
					}
					body = z
				}
				names, end := follow(body)
				synctest.Wait()
				if got, want := names(), append([]string{"build"}, sectionNames...); !slices.Equal(got, want) {
					t.Errorf("first %v, want %v", got, want)
				}
				time.Sleep(3 * time.Second)
				synctest.Wait()
				if got := names(); !slices.Equal(got, []string{"status", "status", "status"}) {
					t.Errorf("nothing happened, and there came %v", got)
				}
				src.add(7)
				time.Sleep(time.Second)
				synctest.Wait()
				if got := names(); !slices.Equal(got, []string{"status", "summary", "timeline", "codes", "quality"}) {
					t.Errorf("events came in, and of sections %v", got)
				}
				time.Sleep(3 * time.Minute) // no timeout of the server ends it
				synctest.Wait()
				if got := names(); len(got) < 180 {
					t.Errorf("%d events in three minutes", len(got))
				}
				begin := time.Now()
				s.stop()
				if d := time.Since(begin); d > time.Second {
					t.Errorf("a stream held the server for %v", d)
				}
				if err := <-end; err != nil {
					t.Errorf("the stream ended with %v", err)
				}
				conn.Close()
			})
		})
	}
}

func TestManyViewersCostOneBuild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &growing{count: 1, name: "5.3.0"}
		s := serveInTest(t, src)
		defer s.stop()
		var all []func() []string
		for range 50 {
			resp, conn := s.look(false)
			defer conn.Close()
			names, _ := follow(resp.Body)
			all = append(all, names)
			time.Sleep(37 * time.Millisecond) // they do not come at once
		}
		before := src.builds()
		for range 10 {
			src.add(1)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if n := src.builds() - before; n > 11 {
			t.Errorf("%d results in 10 s", n)
		}
		for i, names := range all {
			if n := len(slices.DeleteFunc(names(), func(name string) bool { return name != "summary" })); n < 10 {
				t.Errorf("viewer %d saw %d summaries in 10 s", i, n)
			}
		}
	})
}

func TestAViewerWhoTakesNothingIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &growing{count: 1, name: "5.3.0"}
		s := serveInTest(t, src)
		defer s.stop()
		for range maxViewers {
			_, conn := s.look(false)
			defer conn.Close()
		}
		resp, conn := s.look(false)
		if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
			t.Errorf("one more than there is room for: %s", resp.Status)
		}
		conn.Close()
		time.Sleep(patience + every)
		synctest.Wait()
		resp, conn = s.look(false)
		if resp.StatusCode != http.StatusOK {
			t.Errorf("after the others were dropped: %s", resp.Status)
		}
		conn.Close()
	})
}

func TestAViewerWhoLeavesMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveInTest(t, &growing{name: "5.3.0"})
		defer s.stop()
		for range 3 * maxViewers {
			resp, conn := s.look(false)
			if resp.StatusCode != http.StatusOK {
				t.Fatal(resp.Status)
			}
			conn.Close()
			synctest.Wait()
		}
	})
}

func TestPages(t *testing.T) {
	for _, tc := range []struct {
		name, path string
		status     int
		body       string
	}{
		{"the page", "/", 200, "<h1>"},
		{"a code that occurred", "/codes/206", 200, "<h1>206 KICKED</h1>"},
		{"a code of the catalog", "/codes/605", 200, "GROUP_NOT_EXIST"},
		{"a code nobody knows", "/codes/123456", 404, "123456 is in no catalog and did not occur\n"},
		{"no code", "/codes/%3Cscript%3E", 400, "want the number of a code\n"},
		{"beyond all numbers", "/codes/99999999999", 400, "want the number of a code\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := &growing{count: 5, name: `</span><script>alert(1)</script>`, ready: errors.New("<b>away</b>")}
			h := Handler(Options{Source: src, Page: page.Options{Catalog: catalog.Web()}, Logger: slog.New(slog.DiscardHandler)})
			ask := func(accept string) *httptest.ResponseRecorder {
				r := httptest.NewRequest("GET", tc.path, nil)
				r.Header.Set("Accept-Encoding", accept)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				return w
			}
			w := ask("")
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.body) {
				t.Fatalf("%d, want %d with %q in %s", w.Code, tc.status, tc.body, w.Body)
			}
			if strings.Contains(w.Body.String(), "<script>alert") || strings.Contains(w.Body.String(), "<b>away") {
				t.Error("a name is not inert")
			}
			policy := w.Header().Get("Content-Security-Policy")
			if !regexp.MustCompile(`^default-src 'none';.* frame-ancestors 'none'$`).MatchString(policy) || strings.Contains(policy, "unsafe") {
				t.Errorf("policy %q", policy)
			}
			if tc.status == 200 && !strings.Contains(policy, "connect-src 'self'") {
				t.Errorf("policy %q forbids the stream", policy)
			}
			if w.Header().Get("Access-Control-Allow-Origin") != "" || w.Header().Get("Cross-Origin-Resource-Policy") != "same-origin" {
				t.Errorf("headers %v", w.Header())
			}
			if refused := ask("br, gzip;q=0.0"); refused.Header().Get("Content-Encoding") != "" {
				t.Error("gzip was refused and is sent")
			}
			packed := ask("br;q=1, gzip ;q=0.5")
			if tc.path == "/" && packed.Header().Get("Content-Encoding") != "gzip" {
				t.Error("gzip is taken and not sent")
			}
			body := packed.Body.Bytes()
			if packed.Header().Get("Content-Encoding") == "gzip" {
				z, err := gzip.NewReader(packed.Body)
				if err != nil {
					t.Fatal(err)
				}
				if body, err = io.ReadAll(z); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(body, w.Body.Bytes()) {
				t.Error("compressed it is another page")
			}
		})
	}
}

func TestAnEventIsReadAsItWasWritten(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"lines", "<p>\na\n\nb</p>", "<p>\na\n\nb</p>"},
		{"the end of an event", "a\n\nevent: codes\ndata: <script>", "a\n\nevent: codes\ndata: <script>"},
		{"other ends of lines", "a\r\rdata: x\r\nb", "adata: x\nb"},
		{"a colon", ": a", ": a"},
		{"nothing", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []event
			if err := readEvents(bytes.NewReader(newMessage("codes", []byte(tc.in)).plain), func(e event) { got = append(got, e) }); err != nil {
				t.Fatal(err)
			}
			if len(got) != 1 || got[0] != (event{"codes", tc.want}) {
				t.Errorf("%q is read as %q", tc.in, got)
			}
		})
	}
}
