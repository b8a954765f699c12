package page_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/page"
	"imerr-scan/pkg/catalog"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// day is the result of the sample day, testdata/logs/day/app.log, as -o json saved it, with samples.
func day(t testing.TB) *aggregate.Result {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "day.json"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := aggregate.ParseResult(data)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func render(t testing.TB, res *aggregate.Result, opt page.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := page.Report(&b, res, opt); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func options(lang catalog.Lang) page.Options {
	return page.Options{Lang: lang, Catalog: catalog.Web(), Input: "app.log"}
}

func TestSampleDayInBothLanguages(t *testing.T) {
	for name, lang := range map[string]catalog.Lang{"en": catalog.EN, "zh": catalog.ZH} {
		t.Run(name, func(t *testing.T) {
			got := render(t, day(t), options(lang))
			file := filepath.Join("testdata", "day_"+name+".html.golden")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("%s differs (-want +got); go test ./internal/page -update rewrites it\n%s", file, diff)
			}
		})
	}
}

// crowded is a day on which so many codes of the catalog occur in every minute, in so many versions, with so many alerts.
func crowded(t testing.TB, codes, versions, alerts int) *aggregate.Result {
	res := day(t)
	alert := res.Alerts[0]
	for len(res.Alerts) < alerts {
		res.Alerts = append(res.Alerts, alert)
	}
	res.Codes = nil
	for _, e := range catalog.Web().Entries()[:codes] {
		c := aggregate.CodeResult{
			Code: e.Code, Name: e.Name, Category: e.Category, Topic: e.Topic, Tier: e.Tier, Severity: e.Severity, Count: 1440000,
			Users: aggregate.Distinct{Distinct: 100000, Error: 0.008}, First: res.Span.First, Last: res.Span.Last,
			PeakPerMinute: 2000, Versions: map[string]int64{}, Platforms: map[string]int64{}, Timeline: make([]int64, res.Timeline.Slots),
		}
		for i := range versions {
			c.Versions[fmt.Sprintf("5.%d.0-build.%d", i, 100*i)] = int64(1000 + i)
		}
		for i := range c.Timeline {
			c.Timeline[i] = int64(500 + (i*7919+int(e.Code)*31)%977)
		}
		res.Codes = append(res.Codes, c)
		res.Events += c.Count
	}
	return res
}

func TestSizeOfADay(t *testing.T) {
	for _, tc := range []struct {
		name  string
		res   *aggregate.Result
		limit int
	}{
		{"sample day", day(t), 500 << 10},
		{"bad day: 50 codes in every minute, 12 versions, 12 alerts", crowded(t, 50, 12, 12), 500 << 10},
		{"worst day: every code in every minute, 64 versions, 100 alerts", crowded(t, catalog.Web().Len(), 64, 100), 2 << 20},
	} {
		size := len(render(t, tc.res, options(catalog.ZH)))
		t.Logf("%s: %d KiB", tc.name, size>>10)
		if size > tc.limit {
			t.Errorf("%s: %d KiB, want at most %d", tc.name, size>>10, tc.limit>>10)
		}
	}
}

var (
	asksNetwork = regexp.MustCompile(`(?i)\bsrc=|url\(|@import|<(?:img|iframe|object|embed|base|audio|video)\b|fetch\(|XMLHttpRequest|EventSource|WebSocket|sendBeacon|import\(`)
	hrefs       = regexp.MustCompile(`(?i)href="([^"]*)"`)
)

func TestNothingAsksTheNetwork(t *testing.T) {
	html := render(t, day(t), options(catalog.EN))
	words := regexp.MustCompile(`>[^<>]*<`).ReplaceAllString(numbersElement.ReplaceAllString(html, ""), "><") // texts may name a WebSocket
	for _, own := range []string{"style.css", "script.js"} {
		code, err := os.ReadFile(own)
		if err != nil {
			t.Fatal(err)
		}
		words += string(code)
	}
	if found := asksNetwork.FindString(words); found != "" {
		t.Errorf("the page holds %q", found)
	}
	for _, m := range hrefs.FindAllStringSubmatch(html, -1) {
		if !strings.HasPrefix(m[1], "#") && m[1] != "data:," {
			t.Errorf("the page links to %q", m[1])
		}
	}
	if !strings.Contains(html, "default-src &#39;none&#39;") {
		t.Error("the page has no policy that forbids the network")
	}
}

func TestEveryLinkHasATarget(t *testing.T) {
	html := render(t, day(t), options(catalog.EN))
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(html, -1) {
		if ids[m[1]] {
			t.Errorf("two elements have the id %q", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range hrefs.FindAllStringSubmatch(html, -1) {
		if id, ok := strings.CutPrefix(m[1], "#"); ok && !ids[id] {
			t.Errorf("#%s leads nowhere", id)
		}
	}
	for _, m := range regexp.MustCompile(`aria-labelledby="([^"]+)"`).FindAllStringSubmatch(html, -1) {
		if !ids[m[1]] {
			t.Errorf("aria-labelledby %s names nothing", m[1])
		}
	}
}

// plainNames are values to which the page has words of its own.
var plainNames = append(append(catalog.Categories(), catalog.Severities()...), "", "unknown", "no", "kick-storm", "version", "platform", "reason",
	"ping_pong", "shared_account", "loop_user", "mass", "mixed", "pending", "from_api", "password_wave", "removed")

var numbersElement = regexp.MustCompile(`(?s)<script type="application/json" id="result">(.*?)</script>`)

func TestNumbersReadBackAsTheResult(t *testing.T) {
	res := day(t)
	found := numbersElement.FindStringSubmatch(render(t, res, options(catalog.EN)))
	if found == nil {
		t.Fatal("no numbers in the page")
	}
	got, err := aggregate.ParseResult([]byte(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	if got.Events != res.Events || got.Lines != res.Lines || got.Users != res.Users || len(got.Codes) != len(res.Codes) || len(got.Alerts) != len(res.Alerts) {
		t.Errorf("events, lines, users, codes, alerts: %d %v %v %d %d, want %d %v %v %d %d", got.Events, got.Lines, got.Users, len(got.Codes),
			len(got.Alerts), res.Events, res.Lines, res.Users, len(res.Codes), len(res.Alerts))
	}
	for i := range res.Codes {
		var sum, want int64
		for _, n := range got.Codes[i].Timeline {
			sum += n
		}
		for _, n := range res.Codes[i].Timeline {
			want += n
		}
		if sum != want || len(got.Codes[i].Timeline) != got.Timeline.Slots {
			t.Errorf("code %d: %d events in %d slots, want %d in %d", got.Codes[i].Code, sum, len(got.Codes[i].Timeline), want, got.Timeline.Slots)
		}
	}
}

func TestSamplesWithPlainIdsStayOut(t *testing.T) {
	res := day(t)
	sample := res.Codes[0].Samples[0].Text
	user := regexp.MustCompile(`u_\d+`).FindString(sample)
	if user == "" {
		t.Fatalf("the sample %s names no user", sample)
	}
	if html := render(t, res, options(catalog.EN)); strings.Contains(html, user) {
		t.Errorf("the page shows %s, who stands in a sample", user)
	}
}

// hostile puts s wherever a log, or a saved result of somebody else, can put a text.
func hostile(t testing.TB, s string) *aggregate.Result {
	res := day(t)
	res.Version, res.Catalog.Platform, res.Catalog.Version = s, s, s
	one := map[string]int64{s: 5}
	res.Shapes, res.Categories = one, one
	res.Hints = []aggregate.Hint{{Path: s, Count: 1}}
	res.Errors = []aggregate.InputError{{Source: s, Error: s}}
	res.Unknown = aggregate.Unknown{Count: 5, Values: []aggregate.UnknownValue{{Value: s, Count: 5}}}
	res.TopUsers = []aggregate.UserResult{{User: s, Count: 5, Codes: one, Pattern: s}}
	c := &res.Codes[0]
	c.Code = 123456 // in no catalog
	c.Name, c.Category, c.Topic, c.Tier, c.Severity = s, s, s, s, s
	c.Reasons, c.Versions, c.Platforms, c.Inner = one, one, one, one
	alert := map[string]any{
		"alert": s, "codes": []int{123456}, "state": s, "severity": s, "category": s, "at": "2026-11-23T10:00:00Z", "starts_at": "2026-11-23T09:00:00Z",
		"fired_at": "2026-11-23T09:00:00Z", "kind": s, "window": s, "threshold": 3, "reason": s, "why": []map[string]any{{"field": s, "value": s, "share": 1}},
		"top_users": []map[string]any{{"user": s, "count": 1}}, "advice": map[string]string{"zh": s, "en": s},
	}
	raw, err := json.Marshal(alert)
	if err != nil {
		t.Fatal(err)
	}
	res.Alerts = []json.RawMessage{raw}
	return res
}

func TestHostileNamesAreInert(t *testing.T) {
	tags := regexp.MustCompile(`<[a-zA-Z/!][^>]*>`)
	plain := tagCounts(tags, render(t, hostile(t, "x"), options(catalog.EN)))
	for _, tc := range []struct{ name, in string }{
		{"script", `<script>alert(1)</script>`},
		{"end of the numbers", `</script><script>alert(1)</script><!--`},
		{"attribute", `" onmouseover="alert(1)" x="`},
		{"single quotes", `' onload='alert(1)`},
		{"template", `{{.}} ${alert(1)}`},
		{"link", `javascript:alert(1)`},
		{"marks of direction", "abc\u202e\u2066txt.exe\u200b"},
		{"line separators", "a\u2028b\u2029c\x00\x1b[31m"},
		{"bad UTF-8", "a\xff\xfeb"},
		{"10 kB", strings.Repeat("<b>😀", 1400)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := hostile(t, tc.in)
			opt := options(catalog.EN)
			opt.Input = tc.in
			html := render(t, res, opt)
			if diff := cmp.Diff(plain, tagCounts(tags, html)); diff != "" {
				t.Errorf("the elements of the page changed (-harmless +hostile)\n%s", diff)
			}
			inert(t, html)
			if len(html) > 700<<10 {
				t.Errorf("the page has %d KiB", len(html)>>10)
			}
		})
	}
}

// inert checks that a page holds nothing that hides or reorders text, and numbers that can be read.
func inert(t *testing.T, html string) {
	t.Helper()
	for _, r := range html {
		if r == '\u202e' || r == '\u2066' || r == '\u200b' || r == '\u2028' || r == '\u2029' || r == 0 || r == 0x1b {
			t.Fatalf("the page holds %U", r)
		}
	}
	if found := numbersElement.FindStringSubmatch(html); found == nil || !json.Valid([]byte(found[1])) {
		t.Error("the numbers are no JSON")
	}
}

// No name, whatever it is, adds an element to the page or takes one away.
func FuzzNamesAreInert(f *testing.F) {
	tags := regexp.MustCompile(`<[a-zA-Z/!][^>]*>`)
	opt := options(catalog.EN)
	opt.Catalog = nil
	small := func(t testing.TB, name string) *aggregate.Result { // most of a page is the same every time
		res := hostile(t, name)
		res.Codes, res.Timeline.Slots = res.Codes[:1], 10
		return res
	}
	plain := tagCounts(tags, render(f, small(f, "x"), opt))
	f.Add(`</script><script>alert(1)</script>`)
	f.Add(`"'><b onclick=x>&lt;`)
	f.Add("a\u202e\xff\x00{{.}}")
	f.Fuzz(func(t *testing.T, name string) {
		if slices.Contains(plainNames, name) {
			t.Skip("a word that the page knows, or none")
		}
		html := render(t, small(t, name), opt)
		inert(t, html)
		if diff := cmp.Diff(plain, tagCounts(tags, html)); diff != "" {
			t.Errorf("the elements of the page changed (-harmless +%q)\n%s", name, diff)
		}
	})
}

// tagCounts counts elements by their tag without what a name may fill in.
func tagCounts(tags *regexp.Regexp, html string) map[string]int {
	counts := map[string]int{}
	values := regexp.MustCompile(`"[^"]*"`)
	for _, tag := range tags.FindAllString(html, -1) {
		counts[values.ReplaceAllString(tag, `""`)]++
	}
	return counts
}

func TestResultsThatMakeNoSense(t *testing.T) {
	for name, damage := range map[string]func(*aggregate.Result){
		"nothing at all":     func(r *aggregate.Result) { *r = aggregate.Result{} },
		"no slots":           func(r *aggregate.Result) { r.Timeline.Slots = 0 },
		"negative slots":     func(r *aggregate.Result) { r.Timeline.Slots = -5 },
		"too many slots":     func(r *aggregate.Result) { r.Timeline.Slots = math.MaxInt },
		"endless slots":      func(r *aggregate.Result) { r.Timeline.SlotSeconds = math.MaxInt64 },
		"widest slots":       func(r *aggregate.Result) { r.Timeline.SlotSeconds = 1e6; r.Timeline.Slots = 2880 },
		"no start":           func(r *aggregate.Result) { r.Timeline.Start = nil },
		"one slot":           func(r *aggregate.Result) { r.Timeline.Slots = 1 },
		"start in year 1":    func(r *aggregate.Result) { r.Timeline.Start = &time.Time{} },
		"greatest counts":    func(r *aggregate.Result) { fill(r, math.MaxInt64) },
		"negative counts":    func(r *aggregate.Result) { fill(r, math.MinInt64) },
		"alerts are numbers": func(r *aggregate.Result) { r.Alerts = []json.RawMessage{[]byte("1"), []byte(`{"alert":"x"}`)} },
		"one code many times": func(r *aggregate.Result) {
			for len(r.Codes) < 5000 {
				r.Codes = append(r.Codes, r.Codes[0])
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			res := day(t)
			damage(res)
			html := render(t, res, options(catalog.ZH))
			if strings.Contains(html, "NaN") || strings.Contains(html, "Inf") || !strings.HasSuffix(strings.TrimSpace(html), "</html>") {
				t.Error("the page is broken")
			}
		})
	}
}

func fill(r *aggregate.Result, n int64) {
	for i := range r.Codes {
		c := &r.Codes[i]
		c.Count, c.PeakPerMinute, c.Users.Distinct = n, n, n
		for j := range c.Timeline {
			c.Timeline[j] = n
		}
		for k := range c.Versions {
			c.Versions[k] = n
		}
	}
	r.Events, r.Lines.Read, r.Lines.WithError = n, n, n
}

func TestSectionsMakeThePage(t *testing.T) {
	p, err := page.New(day(t), options(catalog.EN))
	if err != nil {
		t.Fatal(err)
	}
	var whole bytes.Buffer
	if err := p.Write(&whole); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{page.Summary, page.Timeline, page.Codes, page.Who, page.Why, page.Quality, page.Numbers} {
		var b bytes.Buffer
		if err := p.Section(&b, name); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(b.String(), `<section id="`+name+`"`) || !strings.Contains(whole.String(), b.String()) {
			t.Errorf("section %s is no part of the page: %.60s", name, b.String())
		}
	}
	if err := p.Section(io.Discard, "none"); err == nil {
		t.Error("a section that is none was written")
	}
}

func TestPageDoesNotChangeTheResult(t *testing.T) {
	res := day(t)
	before, _ := json.Marshal(res)
	render(t, res, options(catalog.EN))
	if after, _ := json.Marshal(res); !bytes.Equal(before, after) {
		t.Error("the result changed")
	}
}

// pairs are the colours of the style that have to be told apart, with the least contrast of WCAG 2.2 AA: 4.5 for text (1.4.3),
// 3 for what is drawn (1.4.11).
func TestContrastIsAA(t *testing.T) {
	style, err := os.ReadFile("style.css")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`(?s)\{([^{}]*--bg:[^}]*)\}`).FindAllStringSubmatch(string(style), -1)
	if len(blocks) != 5 {
		t.Fatalf("%d blocks of colours, want 5: light, dark, each chosen by hand, print", len(blocks))
	}
	for i, block := range blocks {
		colour := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z]+): (#[0-9a-f]{6})`).FindAllStringSubmatch(block[1], -1) {
			colour[m[1]] = m[2]
		}
		check := func(least float64, front string, back ...string) {
			for _, b := range back {
				if got := contrast(colour[front], colour[b]); got < least {
					t.Errorf("block %d: %s on %s has contrast %.2f, want %.1f", i, front, b, got, least)
				}
			}
		}
		for _, text := range []string{"fg", "soft", "link", "info", "warning", "error", "critical"} {
			check(4.5, text, "bg", "panel")
		}
		for _, drawn := range catalog.Categories() {
			check(3, drawn, "bg")
		}
		check(3, "messaging", "track") // bars
	}
}

func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(colour string) float64 {
	n, err := strconv.ParseUint(colour[1:], 16, 32)
	if err != nil {
		panic(err)
	}
	part := func(shift int) float64 {
		c := float64(n>>shift&255) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}

func ExampleReport() {
	res := &aggregate.Result{Schema: aggregate.Schema, Version: "1.0.0"}
	var file bytes.Buffer
	if err := page.Report(&file, res, page.Options{Lang: catalog.ZH, Catalog: catalog.Web()}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(strings.SplitN(file.String(), "\n", 3)[1])
	// Output: <html lang="zh-CN">
}

func BenchmarkReport(b *testing.B) {
	res := crowded(b, catalog.Web().Len(), 64, 40)
	opt := options(catalog.EN)
	b.ReportAllocs()
	for b.Loop() {
		if err := page.Report(io.Discard, res, opt); err != nil {
			b.Fatal(err)
		}
	}
}
