package page_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/page"
	"imerr-scan/internal/report"
	"imerr-scan/pkg/catalog"

	"github.com/google/go-cmp/cmp"
)

// evening is when the sample day ends.
var evening = time.Date(2026, 11, 23, 23, 55, 30, 0, time.FixedZone("", 8*3600))

func live(t testing.TB, res *aggregate.Result, opt page.Options, now page.Now) *page.Page {
	t.Helper()
	p, err := page.NewLive(res, opt, now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// whole is the page as it is first seen.
func whole(t testing.TB, p *page.Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func section(t testing.TB, p *page.Page, name string) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Section(&b, name); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func ofCode(t testing.TB, p *page.Page, code int32) string {
	t.Helper()
	var b bytes.Buffer
	if known, err := p.WriteCode(&b, code); err != nil || !known {
		t.Fatalf("code %d: known %v, %v", code, known, err)
	}
	return b.String()
}

var anyTag = regexp.MustCompile(`<[^>]*>`)

// words is HTML without its tags, in English.
func words(text string) string {
	text = regexp.MustCompile(`<span lang="zh-CN">[^<]*</span>`).ReplaceAllString(text, "")
	return html.UnescapeString(strings.Join(strings.Fields(anyTag.ReplaceAllString(text, " ")), " "))
}

func TestALivePageIsMadeOfItsSections(t *testing.T) {
	p := live(t, day(t), options(catalog.EN), page.Now{At: evening})
	html := whole(t, p)
	for _, name := range p.Sections() {
		s := section(t, p, name)
		if !strings.HasPrefix(s, `<section id="`+name+`"`) || strings.Count(s, "<section") != 1 {
			t.Errorf("section %s begins %.60q", name, s)
		}
		if !strings.Contains(html, s) {
			t.Errorf("the page does not hold its section %s as it is sent", name)
		}
	}
	if err := p.Section(io.Discard, page.Numbers); err == nil {
		t.Error("a live page has numbers")
	}
	t.Logf("%d KiB, codes %d KiB", len(html)>>10, len(section(t, p, page.Codes))>>10)
}

func TestWhatALivePageSays(t *testing.T) {
	open := detect.Alert{Alert: "kick-storm", Codes: []int32{206, 217}, State: detect.Update, Severity: "critical", At: evening, StartsAt: evening.Add(-time.Hour),
		FiredAt: evening, Count: 157, Users: 120, Rate: 23}
	ended := open
	end := evening.Add(-25 * time.Hour)
	ended.StartsAt, ended.EndsAt = end.Add(-time.Hour), &end
	firing := day(t)
	report.SetAlerts(firing, []detect.Alert{open, ended}, evening.Location())
	forgotten := day(t)
	forgotten.Timeline = aggregate.Timeline{}
	for _, tc := range []struct {
		name string
		res  *aggregate.Result
		now  page.Now
		want []string
		not  []string
	}{
		{"during the storm", day(t), page.Now{At: evening.Add(-13*time.Hour - 20*time.Minute)},
			[]string{"As of 11-23 10:35:30 +08:00", "errors a minute, now 22 in the last hour 125 alerts firing 0", "206 USER_LOGIN_ANOTHER_DEVICE auth critical 15 ▲99+× <0.01 75 437 120"},
			[]string{"newest event", "not ready"}},
		{"the log ended four hours ago", day(t), page.Now{At: evening.Add(4 * time.Hour)},
			[]string{"newest event 11-23 23:54:40 (4 h ago ; shown is the time before it )", "kick storm 206/217"}, nil},
		{"a week ago", day(t), page.Now{At: evening.Add(7 * 24 * time.Hour)}, []string{"(7 d ago ; shown is the time before it )"}, nil},
		{"an alert is firing, another ended yesterday", firing, page.Now{At: evening}, []string{"alerts firing 1", "11-23 22:55:30 → open"}, []string{"11-22 22"}},
		{"a service in trouble", day(t), page.Now{At: evening, Trouble: "delta log: no space left on device"}, []string{"not ready: delta log: no space left on device"}, nil},
		{"nothing counted yet", &aggregate.Result{Schema: aggregate.Schema}, page.Now{At: evening},
			[]string{"As of 11-23 23:55:30 +08:00", "errors a minute, now 0 in the last hour 0", "No alert within a day.", "No event of the last day."}, []string{"ago"}},
		{"what was counted is forgotten", forgotten, page.Now{At: evening.Add(48 * time.Hour)}, []string{"newest event 11-23 23:54:40 (2 d ago )", "errors a minute, now 0 in"}, []string{"shown is"}},
		{"clocks of tomorrow", day(t), page.Now{At: evening.Add(-23 * time.Hour)}, []string{"in the last hour 3"}, []string{"newest event"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := live(t, tc.res, options(catalog.EN), tc.now)
			got := words(section(t, p, page.Status) + section(t, p, page.Summary) + section(t, p, page.Timeline) + section(t, p, page.Codes))
			for _, want := range tc.want {
				if !strings.Contains(got, want) {
					t.Errorf("want %q in %s", want, got)
				}
			}
			for _, not := range tc.not {
				if strings.Contains(got, not) {
					t.Errorf("do not want %q in %s", not, got)
				}
			}
		})
	}
}

// TestTheLastHourIsCountedRight counts by the time of each slot.
func TestTheLastHourIsCountedRight(t *testing.T) {
	res := day(t)
	shown := regexp.MustCompile(`in the last hour ([0-9,]+)`)
	for minutes := -30; minutes < 25*60; minutes += 37 {
		now := res.Timeline.Start.Add(time.Duration(minutes)*time.Minute + 20*time.Second)
		until := now
		if last := *res.Span.Last; now.Sub(last) > 15*time.Minute {
			until = last
		}
		var want int64
		for _, c := range res.Codes {
			for i, n := range c.Timeline {
				begins := res.Timeline.Start.Add(time.Duration(i) * time.Minute)
				if !begins.After(until) && until.Sub(begins) < time.Hour {
					want += n
				}
			}
		}
		got := shown.FindStringSubmatch(words(section(t, live(t, res, options(catalog.EN), page.Now{At: now}), page.Summary)))
		if got == nil || got[1] != strconv.FormatInt(want, 10) {
			t.Errorf("at %v: %v, want %d", now, got, want)
		}
	}
}

func TestPagesOfCodes(t *testing.T) {
	p := live(t, day(t), options(catalog.EN), page.Now{At: evening.Add(-13*time.Hour - 20*time.Minute)})
	for _, tc := range []struct {
		name string
		code int32
		want []string
		not  []string
	}{
		{"one that occurs", 206, []string{"206 USER_LOGIN_ANOTHER_DEVICE", "The account logged in on another device", "a minute, now 15", "Usual causes", "5.3.0", "Alerts within a day",
			"kick storm 206/217", `"message":"the user is already logged on another device"`, "values that may name somebody are left out"}, []string{"did not occur", "CONNECTION_CLOSED:"}},
		{"one that does not", 605, []string{"605 GROUP_NOT_EXIST", "It did not occur.", "Do next"}, []string{"a minute, now", "Alerts within"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := ofCode(t, p, tc.code)
			got := words(text)
			for _, want := range tc.want {
				if !strings.Contains(got, want) {
					t.Errorf("want %q in %s", want, got)
				}
			}
			for _, not := range tc.not {
				if strings.Contains(got, not) {
					t.Errorf("do not want %q in %s", not, got)
				}
			}
			for _, m := range hrefs.FindAllStringSubmatch(text, -1) {
				if !regexp.MustCompile(`^(\.\./(codes/-?\d+)?|data:,|#.*)$`).MatchString(m[1]) {
					t.Errorf("a link to %q", m[1])
				}
			}
		})
	}
	var b bytes.Buffer
	if known, err := p.WriteCode(&b, 123456); known || err != nil || b.Len() > 0 {
		t.Errorf("a code that nobody knows: %v, %v, %d bytes", known, err, b.Len())
	}
}

func TestALivePageAsksForItsStreamAlone(t *testing.T) {
	html := whole(t, live(t, day(t), options(catalog.EN), page.Now{At: evening}))
	for _, m := range hrefs.FindAllStringSubmatch(html, -1) {
		if !regexp.MustCompile(`^(codes/-?\d+|#[a-z0-9-]+|data:,)$`).MatchString(m[1]) {
			t.Errorf("a link to %q", m[1])
		}
	}
	if strings.Contains(html, "http-equiv=\"refresh") || strings.Contains(html, " style=") || regexp.MustCompile(` on[a-z]+="`).MatchString(html) {
		t.Error("the page reloads itself, or holds styles and scripts outside of its policy")
	}
	for name, policy := range map[string]string{"live": page.LivePolicy(), "report": page.Policy()} {
		if !strings.HasPrefix(policy, "default-src 'none'; script-src 'sha256-") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("policy of the %s page: %s", name, policy)
		}
	}
	if strings.Contains(page.Policy(), "connect-src") {
		t.Error("a report may ask the network")
	}
	for _, m := range regexp.MustCompile(`(?s)<(style|script)>(.*?)</(?:style|script)>`).FindAllStringSubmatch(html, -1) {
		sum := sha256.Sum256([]byte(m[2]))
		if want := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(page.LivePolicy(), want) {
			t.Errorf("the policy has no hash of a %s", m[1])
		}
	}
}

func TestHostileNamesAreInertInALivePage(t *testing.T) {
	tags := regexp.MustCompile(`<[a-zA-Z/!][^>]*>`)
	pages := func(s string) string {
		opt := options(catalog.EN)
		opt.Input = s
		p := live(t, hostile(t, s), opt, page.Now{At: evening, Trouble: s})
		return whole(t, p) + ofCode(t, p, 123456)
	}
	plain := tagCounts(tags, pages("x"))
	for _, s := range []string{`<script>alert(1)</script>`, `" onmouseover="alert(1)" x="`, `{{.}} ${alert(1)}`, "abc\u202etxt\x1b[31m", "a\xff\xfeb", strings.Repeat("<b>😀", 1400)} {
		if diff := cmp.Diff(plain, tagCounts(tags, pages(s))); diff != "" {
			t.Errorf("%.40q changes the tags (-x +it):\n%s", s, diff)
		}
	}
}

func BenchmarkLive(b *testing.B) {
	for name, res := range map[string]*aggregate.Result{"sample day": day(b), "bad day": crowded(b, 50, 12, 12)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, err := page.NewLive(res, options(catalog.EN), page.Now{At: evening})
				if err != nil {
					b.Fatal(err)
				}
				for _, name := range p.Sections() {
					if err := p.Section(io.Discard, name); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
