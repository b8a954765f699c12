//go:build peers

package page_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imerr-scan/internal/page"
	"imerr-scan/pkg/catalog"
)

var shots = flag.String("shots", "", "directory for screenshots of the page in the browser")

// browser is a headless Chromium, spoken to in its DevTools protocol over a pipe: one JSON message, then a zero byte.
type browser struct {
	t       *testing.T
	in      *os.File
	out     *bufio.Reader
	last    int
	session string
	seen    []message // events
}

type message struct {
	ID     int             `json:"id,omitempty"`
	Method string          `json:"method,omitempty"`
	Params json.RawMessage `json:"params,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  json.RawMessage `json:"error,omitempty"`
}

// openBrowser starts Chromium, Debian's package of that name, with an empty tab.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not installed: apt-get install chromium")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	toChild, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, fromChild, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--headless", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe", "--user-data-dir=" + t.TempDir(), "about:blank"}
	if os.Getuid() == 0 {
		args = append(args, "--no-sandbox") // it refuses to run as root with one
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.ExtraFiles = []*os.File{toChild, fromChild}
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	toChild.Close()
	fromChild.Close()
	b := &browser{t: t, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		b.session = ""
		b.call("Browser.close", nil, nil)
		_ = cmd.Wait() // it ends as it likes, or is killed
		cancel()
		in.Close()
		out.Close()
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

// call sends a command and waits for its answer; events on the way are kept.
func (b *browser) call(method string, params any, result any) {
	b.t.Helper()
	b.last++
	cmd := map[string]any{"id": b.last, "method": method}
	if params != nil {
		cmd["params"] = params
	}
	if b.session != "" {
		cmd["sessionId"] = b.session
	}
	raw, err := json.Marshal(cmd)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.in.Write(append(raw, 0)); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	for {
		m := b.next()
		if m.ID != b.last {
			continue
		}
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				b.t.Fatal(err)
			}
		}
		return
	}
}

func (b *browser) next() message {
	b.t.Helper()
	raw, err := b.out.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("the browser is gone: %v", err)
	}
	var m message
	if err := json.Unmarshal(raw[:len(raw)-1], &m); err != nil {
		b.t.Fatal(err)
	}
	if m.Method != "" {
		b.seen = append(b.seen, m)
	}
	return m
}

// open loads a page and waits until it is there.
func (b *browser) open(url string) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": url}, nil)
	for b.eval("document.readyState + ' ' + (location.href != 'about:blank')") != "complete true" {
		time.Sleep(20 * time.Millisecond)
	}
}

// eval returns what a piece of JavaScript gives, as text.
func (b *browser) eval(js string) string {
	b.t.Helper()
	var got struct {
		Result           struct{ Value any }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{"expression": js, "returnByValue": true}, &got)
	if got.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", js, got.ExceptionDetails)
	}
	return fmt.Sprint(got.Result.Value)
}

func (b *browser) want(js, want string) {
	b.t.Helper()
	if got := b.eval(js); got != want {
		b.t.Errorf("%s = %q, want %q", js, got, want)
	}
}

// key presses and releases a key, as a person without a mouse does.
func (b *browser) key(key, code string, number int, text string) {
	for _, kind := range []string{"keyDown", "keyUp"} {
		p := map[string]any{"type": kind, "key": key, "code": code, "windowsVirtualKeyCode": number}
		if kind == "keyDown" && text != "" {
			p["text"] = text
		}
		b.call("Input.dispatchKeyEvent", p, nil)
	}
}

func (b *browser) size(width, height int) {
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
}

func (b *browser) shot(name string) {
	if *shots == "" {
		return
	}
	var got struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"captureBeyondViewport": b.eval("innerWidth") != "360"}, &got)
	png, err := base64.StdEncoding.DecodeString(got.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*shots, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// quiet checks that nothing was complained of and nothing was asked of the network.
func (b *browser) quiet() {
	b.t.Helper()
	for _, m := range b.seen {
		switch m.Method {
		case "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded":
			b.t.Errorf("%s: %s", m.Method, m.Params)
		case "Network.requestWillBeSent":
			var p struct{ Request struct{ URL string } }
			if err := json.Unmarshal(m.Params, &p); err != nil {
				b.t.Fatal(err)
			}
			if u := p.Request.URL; !strings.HasPrefix(u, "file:") && !strings.HasPrefix(u, "data:,") {
				b.t.Errorf("the page asked for %s", u)
			}
		}
	}
}

func save(t *testing.T, html string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(html), 0o644); err != nil {
		t.Fatal(err)
	}
	return "file://" + file
}

const (
	firstCode   = `document.querySelector(".sortable > tbody th").textContent`
	codeColumn  = `[...document.querySelectorAll(".sortable > tbody > tr:first-child > th")].map(function (c) { return Number(c.textContent) })`
	shownTitle  = `document.querySelector("h1").innerText`
	background  = `getComputedStyle(document.body).backgroundColor`
	tableFits   = `document.querySelector("#codes .scroll").scrollWidth <= document.querySelector("#codes .scroll").clientWidth`
	scrollsWide = `document.documentElement.scrollWidth > innerWidth`
)

func TestARealBrowserShowsAReport(t *testing.T) {
	b := openBrowser(t)
	b.size(1200, 900)
	b.open(save(t, render(t, day(t), options(catalog.EN))))
	b.want(shownTitle, "IM errors 2026-11-23")
	b.want(firstCode, "206")
	b.want(scrollsWide, "false")
	b.want(tableFits, "true")
	b.shot("light")

	t.Log("sort by code, with the mouse and with the keyboard")
	b.eval(`document.querySelector(".sortable th button").click()`)
	b.want(`JSON.stringify(`+codeColumn+`) === JSON.stringify(`+codeColumn+`.sort(function (x, y) { return y - x }))`, "true")
	b.want(`document.querySelector(".sortable th").getAttribute("aria-sort")`, "descending")
	b.eval(`document.querySelector(".sortable th button").focus()`)
	b.key("Enter", "Enter", 13, "\r")
	b.want(firstCode, "-1")
	b.want(`document.querySelectorAll("th[aria-sort]").length + document.querySelector(".sortable th").getAttribute("aria-sort")`, "1ascending")
	b.want(`document.querySelector(".sortable tbody").rows.length`, "2") // its explanation came along

	t.Log("language and colours, remembered when the page is opened again")
	b.eval(`document.getElementById("lang-zh").focus()`)
	b.key(" ", "Space", 32, " ")
	b.want(shownTitle, "IM 错误 2026-11-23")
	b.want(`document.documentElement.lang`, "zh-CN")
	b.want(background, "rgb(255, 255, 255)")
	b.eval(`document.getElementById("theme-dark").click()`)
	b.want(background, "rgb(13, 17, 23)")
	b.call("Page.reload", nil, nil)
	time.Sleep(200 * time.Millisecond) // a reload has no answer that says when
	for b.eval("document.readyState") != "complete" {
		time.Sleep(20 * time.Millisecond)
	}
	b.want(shownTitle, "IM 错误 2026-11-23")
	b.want(background, "rgb(13, 17, 23)")

	t.Log("a link to a code opens its explanation")
	b.eval(`document.querySelector('#why a[href="#code-206"]').click()`)
	for i := 0; i < 100 && b.eval(`document.querySelector("#code-206 details").open`) != "true"; i++ {
		time.Sleep(20 * time.Millisecond)
	}
	b.want(`document.querySelector("#code-206 details").open`, "true")
	b.want(tableFits, "true")
	b.shot("dark_zh")

	t.Log("the numbers")
	b.want(`JSON.parse(document.getElementById("result").textContent).events`, "813")

	t.Log("a phone; paper")
	b.size(360, 740)
	b.want("innerWidth", "360")
	b.want(`document.querySelector("#code-206 .detail").getBoundingClientRect().right <= innerWidth`, "true")
	b.want(scrollsWide, "false")
	b.shot("phone")
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": "print"}, nil)
	b.want(background, "rgb(255, 255, 255)")
	b.want(`getComputedStyle(document.querySelector(".switches")).display`, "none")
	b.quiet()
}

func TestARealBrowserWithoutJavaScript(t *testing.T) {
	b := openBrowser(t)
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	b.open(save(t, render(t, day(t), options(catalog.ZH))))
	b.want(shownTitle, "IM 错误 2026-11-23")
	b.want(`document.querySelectorAll("th button").length`, "0")
	b.eval(`document.getElementById("lang-en").focus()`)
	b.key(" ", "Space", 32, " ")
	b.want(shownTitle, "IM errors 2026-11-23")
	b.eval(`document.getElementById("theme-dark").focus()`)
	b.key(" ", "Space", 32, " ")
	b.want(background, "rgb(13, 17, 23)")
	b.eval(`document.querySelector("#code-206 summary").focus()`)
	b.key("Enter", "Enter", 13, "\r")
	b.want(`document.querySelector("#code-206 details").open`, "true")
	b.quiet()
}

func TestARealBrowserAndHostileNames(t *testing.T) {
	b := openBrowser(t)
	for _, name := range []string{
		`</script><script>document.title = "owned"</script>`, `"><img src=x onerror="document.title='owned'">`,
		"\u202e" + strings.Repeat("<b onclick=x>", 700), `<svg onload="document.title='owned'">`,
	} {
		b.open(save(t, render(t, hostile(t, name), page.Options{Catalog: catalog.Web(), Input: name})))
		b.want(`document.title`, "IM errors 2026-11-23")
		b.want(`document.querySelectorAll("img, b, body > script + script").length`, "0")
		b.want(`JSON.parse(document.getElementById("result").textContent).schema`, "imerr-scan/result/v1")
		b.want(scrollsWide, "false")
	}
	b.quiet()
}

func TestARealBrowserKeepsThePolicy(t *testing.T) {
	b := openBrowser(t)
	html := render(t, day(t), options(catalog.EN))
	b.open(save(t, strings.Replace(html, "</main>", `</main><script>document.title = "owned"</script>`, 1)))
	b.want(`document.title`, "IM errors 2026-11-23")
	b.want(`document.querySelectorAll("th button").length > 0`, "true")
}
