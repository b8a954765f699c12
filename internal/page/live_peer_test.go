//go:build peers

package page_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/page"
	"imerr-scan/internal/report"
	"imerr-scan/internal/web"
	"imerr-scan/pkg/catalog"
)

// service is one that has counted the sample day until now, and counts on as it is fed.
type service struct {
	mu     sync.Mutex
	res    *aggregate.Result
	alerts []detect.Alert
}

func newService(t *testing.T, res *aggregate.Result) *service {
	t.Helper()
	now := time.Now().In(res.Timeline.Start.Location())
	shift := now.Truncate(time.Minute).Sub(res.Timeline.Start.Add(time.Duration(res.Timeline.Slots-1) * time.Minute))
	for _, at := range []**time.Time{&res.Timeline.Start, &res.Span.First, &res.Span.Last} {
		moved := (*at).Add(shift)
		*at = &moved
	}
	for i := range res.Codes { // room for what comes while the test runs
		res.Codes[i].Timeline = append(res.Codes[i].Timeline, make([]int64, 60)...)
	}
	res.Timeline.Slots += 60
	res.Alerts = nil
	return &service{res: res}
}

// feed counts n events of the most frequent code now.
func (s *service) feed(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	c := &s.res.Codes[0]
	c.Timeline[int(now.Sub(*s.res.Timeline.Start)/time.Minute)] += n
	c.Count += n
	s.res.Events += n
	s.res.Span.Last = &now
}

// fire begins an alert of that name.
func (s *service) fire(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now().In(s.res.Timeline.Start.Location())
	s.alerts = append(s.alerts, detect.Alert{
		Alert: name, Codes: []int32{206, 217}, State: detect.Firing, Severity: "critical", At: now, StartsAt: now, FiredAt: now, Count: 50, Users: 40, Rate: 50,
		Why: []detect.Change{{Field: "version", Value: name, Share: 0.9, Before: 0.1}}, Kind: detect.KindMass,
	})
}

func (s *service) Result() *aggregate.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := *s.res
	r.Codes = append([]aggregate.CodeResult(nil), s.res.Codes...)
	for i := range r.Codes {
		r.Codes[i].Timeline = append([]int64(nil), r.Codes[i].Timeline...)
	}
	report.SetAlerts(&r, append([]detect.Alert(nil), s.alerts...), s.res.Timeline.Start.Location())
	return &r
}

func (s *service) Ready() error           { return nil }
func (s *service) Alerts() []detect.Alert { return nil }
func (s *service) Metrics(io.Writer)      {}
func (s *service) Reload() error          { return nil }

// start answers at address until the function it returns is called; an empty one is any free one.
func start(t *testing.T, src web.Source, address string) (url string, stop func()) {
	t.Helper()
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	h := web.Handler(web.Options{Source: src, Page: page.Options{Catalog: catalog.Web(), Input: "app.log"}, Logger: quiet})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- web.Serve(ctx, l, h, quiet) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return "http://" + l.Addr().String() + "/", stop
}

// until waits for a piece of JavaScript to give something.
func (b *browser) until(js, want string) {
	b.t.Helper()
	got := ""
	for range 600 {
		if got = b.eval(js); got == want {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.t.Fatalf("after 30 s %s = %q, want %q", js, got, want)
}

// stayed checks that nothing was complained of, and nothing asked of others than url. While the service is away a browser says
// that it could not be reached.
func (b *browser) stayed(url string, away bool) {
	b.t.Helper()
	for _, m := range b.seen {
		switch m.Method {
		case "Runtime.consoleAPICalled", "Runtime.exceptionThrown":
			b.t.Errorf("%s: %s", m.Method, m.Params)
		case "Log.entryAdded":
			if !away || !strings.Contains(string(m.Params), `"source":"network"`) {
				b.t.Errorf("%s: %s", m.Method, m.Params)
			}
		case "Network.requestWillBeSent":
			var p struct{ Request struct{ URL string } }
			if err := json.Unmarshal(m.Params, &p); err != nil {
				b.t.Fatal(err)
			}
			if u := p.Request.URL; !strings.HasPrefix(u, url) && !strings.HasPrefix(u, "data:,") {
				b.t.Errorf("the page asked for %s", u)
			}
		}
	}
	b.seen = nil
}

const (
	connection = `document.getElementById("connection").className`
	fact       = `document.querySelectorAll("#summary dd")[%d].textContent.trim()`
	inAll      = `document.querySelectorAll("#code-206 td")[7].textContent`
	firing     = `document.querySelectorAll("#summary dd")[2].textContent`
)

func TestARealBrowserWatchesAStorm(t *testing.T) {
	s := newService(t, day(t))
	url, stop := start(t, s, "")
	b := openBrowser(t)
	b.size(1200, 900)
	b.open(url)
	b.until(connection, "state is-on")
	b.want(shownTitle, "IM errors, live")
	b.want(`document.getElementById("connection").innerText`, "live")
	b.want(firing, "0")
	b.want(`document.title`, "IM errors, live")
	b.want(scrollsWide, "false")
	b.want(`document.querySelectorAll("figure.range").length + " " + [...document.querySelectorAll("figure.range")].filter(function (f) { return f.offsetParent }).length`, "3 1")

	t.Log("what the reader chose stays when sections are replaced")
	b.eval(`document.querySelector("#timeline-6h-table summary").click()`)
	b.eval(`document.querySelectorAll(".sortable th button")[0].click()`) // by code, descending
	b.want(firstCode, "704")
	b.eval(`document.querySelectorAll(".sortable th button")[9].focus()`)
	b.eval(`document.getElementById("codes").setAttribute("data-old", "yes")`)
	before := b.eval(inAll)
	s.feed(100)
	b.until(`document.querySelector("#codes[data-old]")`, "<nil>")
	if after := b.eval(inAll); after == before {
		t.Errorf("206 was %s before and after", before)
	}
	b.want(firstCode, "704")
	b.want(`document.querySelector(".sortable th").getAttribute("aria-sort")`, "descending")
	b.want(`document.getElementById("timeline-6h-table").open`, "true")
	b.want(`document.activeElement.closest("th").cellIndex`, b.eval(`document.querySelectorAll(".sortable th button")[9].closest("th").cellIndex`))
	b.shot("live")

	t.Log("a storm")
	for i := range 5 {
		s.feed(200)
		b.until(fmt.Sprintf(fact, 4), fmt.Sprint(report.Grouped(913+200*int64(i+1))))
	}
	s.fire("kick-storm")
	b.until(firing, "1")
	b.want(`document.title`, "(1) IM errors, live")
	b.want(`document.querySelector("#alert-1 h3").innerText.includes("kick storm 206/217")`, "true")
	b.want(`document.querySelector("#code-206 .mark").textContent.startsWith("▲")`, "true")
	b.want(`document.querySelectorAll(".range-6h .band").length`, "1")

	t.Log("hours, by style alone")
	b.eval(`document.getElementById("range-1h").click()`)
	b.want(`document.querySelector(".range-1h").offsetParent !== null && document.querySelector(".range-6h").offsetParent === null`, "true")

	t.Log("a pause, to read")
	b.eval(`document.getElementById("pause").click()`)
	b.want(connection, "state is-held")
	held := b.eval(fmt.Sprintf(fact, 4))
	s.feed(1)
	at := b.eval(`document.querySelector("#status time").textContent`)
	time.Sleep(2500 * time.Millisecond)
	b.want(fmt.Sprintf(fact, 4), held)
	b.want(`document.querySelector("#status time").textContent`, at)
	b.eval(`document.getElementById("pause").click()`)
	b.until(fmt.Sprintf(fact, 4), "1,914")
	b.stayed(url, false)

	t.Log("the service starts anew")
	stop()
	b.until(connection, "state is-off")
	_, stop = start(t, s, strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/"))
	b.until(connection, "state is-on")
	s.feed(6)
	b.until(fmt.Sprintf(fact, 4), "1,920")
	b.stayed(url, true)

	t.Log("the page of a code, and back")
	b.eval(`document.querySelector("#code-206 a").click()`)
	b.until(`location.pathname + " " + document.readyState`, "/codes/206 complete")
	b.want(`document.querySelector("h1").innerText`, "206 USER_LOGIN_ANOTHER_DEVICE")
	b.want(`document.querySelector(".range-1h").offsetParent !== null`, "true") // remembered
	b.want(scrollsWide, "false")
	b.shot("live_code")
	b.eval(`document.querySelector('header a[href="../"]').click()`)
	b.until(`location.pathname + " " + (document.getElementById("connection") || {}).className`, "/ state is-on")

	t.Log("a phone")
	b.size(360, 740)
	b.until("innerWidth", "360")
	b.want(scrollsWide, "false")
	b.shot("live_phone")
	b.stayed(url, true)
	stop()
}

func TestARealBrowserReadsALivePageWithoutJavaScript(t *testing.T) {
	url, _ := start(t, newService(t, day(t)), "")
	b := openBrowser(t)
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	b.open(url)
	b.want(shownTitle, "IM errors, live")
	b.want(`document.querySelector("noscript").innerText.includes("reload it")`, "true")
	b.want(`document.getElementById("pause").hidden && document.getElementById("connection").hidden`, "true")
	b.eval(`document.getElementById("lang-zh").focus()`)
	b.key(" ", "Space", 32, " ")
	b.want(shownTitle, "IM 错误（实时）")
	b.open(url + "codes/217")
	b.want(`document.querySelector("h1").innerText`, "217 USER_KICKED_BY_OTHER_DEVICE")
	b.stayed(url, false)
}

func TestARealBrowserAndHostileNamesThatCome(t *testing.T) {
	b := openBrowser(t)
	for _, name := range []string{
		`</script><script>document.title = "owned"</script>`, `"><img src=x onerror="document.title='owned'">`,
		"\u202e" + strings.Repeat("<b onclick=x>", 700), `<svg onload="document.title='owned'">`,
	} {
		s := newService(t, hostile(t, name))
		s.res.Codes[0].Code = 206
		url, stop := start(t, s, "")
		b.open(url)
		b.until(connection, "state is-on")
		b.eval(`document.getElementById("who").setAttribute("data-old", "yes")`)
		s.mu.Lock()
		s.res.TopUsers[0].Count++
		s.mu.Unlock()
		s.fire(name)
		b.until(`document.querySelector("#who[data-old]")`, "<nil>")
		b.until(firing, "1")
		b.want(`document.title`, "(1) IM errors, live")
		b.want(`document.querySelectorAll("img, b, main script").length`, "0")
		b.want(scrollsWide, "false")
		b.open(url + "codes/206")
		b.want(`document.title.startsWith("206 ")`, "true")
		b.want(`document.querySelectorAll("img, b, main script").length`, "0")
		b.stayed(url, false)
		stop()
	}
}
