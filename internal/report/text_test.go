package report

import (
	"errors"
	"fmt"
	"pgregory.net/rapid"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"imerr-scan/internal/aggregate"
	"imerr-scan/pkg/catalog"
)

var screenOptions = TextOptions{Top: 10, Input: "app.log", Again: "app.log", Elapsed: 2100 * time.Millisecond}

func text(t *testing.T, res *aggregate.Result, opt TextOptions) string {
	t.Helper()
	var b strings.Builder
	if err := Text(&b, res, catalog.Web(), opt); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextAtEveryWidthAndLanguage(t *testing.T) {
	for _, w := range []int{40, 70, 80, 104, 160} {
		for lang, suffix := range map[catalog.Lang]string{catalog.EN: "en", catalog.ZH: "zh"} {
			t.Run(fmt.Sprintf("%d %s", w, suffix), func(t *testing.T) {
				opt := screenOptions
				opt.Width, opt.Lang = w, lang
				golden(t, fmt.Sprintf("text_%d_%s", w, suffix), text(t, morning(), opt))
			})
		}
	}
}

func TestTextInAPipeIsATableForAwk(t *testing.T) {
	opt := screenOptions
	opt.Plain, opt.Color, opt.Lang = true, true, catalog.ZH
	got := text(t, morning(), opt)
	golden(t, "plain", got)
	for line := range strings.Lines(got) {
		if fields := strings.Fields(line); !strings.HasPrefix(line, "#") && len(fields) != 9 {
			t.Errorf("%d fields in %q, want 9", len(fields), line)
		}
	}
}

func TestColourChangesNoText(t *testing.T) {
	opt := screenOptions
	opt.Width = 104
	plain := text(t, morning(), opt)
	if strings.Contains(plain, "\x1b") {
		t.Error("escape without Color")
	}
	opt.Color = true
	colour := text(t, morning(), opt)
	golden(t, "text_104_colour", colour)
	if got := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(colour, ""); got != plain {
		t.Errorf("without its escapes the coloured text is\n%s\nwant\n%s", got, plain)
	}
}

// quiet is a result in which nothing was found.
func quiet() *aggregate.Result {
	return &aggregate.Result{
		Schema: aggregate.Schema, Version: "1.0.0", Catalog: aggregate.CatalogInfo{Platform: "web", Version: "4.21", Entries: 147},
		Validated: true, Lines: aggregate.Lines{Read: 1000, WithoutError: 998, Broken: 2},
		Hints: []aggregate.Hint{{Path: "err.code", Count: 412}, {Path: "args[].type", Count: 3}},
	}
}

// strange is a result whose only events are in no catalog and carry neither time nor user.
func strange() *aggregate.Result {
	res := quiet()
	res.Validated, res.Hints = false, nil
	res.Lines = aggregate.Lines{Read: 1000, WithError: 5, WithoutError: 995}
	res.Events, res.Undated = 5, 5
	res.Unknown = aggregate.Unknown{Count: 5, Values: []aggregate.UnknownValue{{Value: "99999999999", Count: 3}, {Value: "", Count: 1}, {Value: "true story", Count: 1}}}
	res.Categories = map[string]int64{"unknown": 5}
	res.Shapes = map[string]int64{"flat": 5}
	return res
}

func TestTextOfUnusualResults(t *testing.T) {
	filtered := quiet()
	filtered.Hints, filtered.Filtered, filtered.Validated = nil, 17993, false
	short := morning() // three minutes, two days' span written in full
	short.Timeline.Slots, short.Span.Last = 3, &time.Time{}
	*short.Span.Last = short.Span.First.Add(26 * time.Hour)
	short.Codes = short.Codes[:2]
	for i := range short.Codes {
		short.Codes[i].Timeline = []int64{1, 0, 9}
		short.Codes[i].Samples = []aggregate.Sample{{Src: "app.log:4051", Text: `{"ts":"2026-11-23T06:00:04.12+08:00","error":{"type":206,"message":"kicked"},"user":{"id":"u_10233"}}`}}
	}
	for name, res := range map[string]*aggregate.Result{
		"nothing found": quiet(), "only unknown": strange(), "all filtered": filtered, "three minutes": short, "no input": {Schema: aggregate.Schema},
	} {
		t.Run(name, func(t *testing.T) {
			name := strings.ReplaceAll(name, " ", "_")
			opt := screenOptions
			golden(t, "text_"+name+"_en", text(t, res, opt))
			opt.Lang = catalog.ZH
			golden(t, "text_"+name+"_zh", text(t, res, opt))
			opt.Plain = true
			golden(t, "plain_"+name, text(t, res, opt))
		})
	}
}

func TestNoLineIsWiderThanTheScreen(t *testing.T) {
	for w := 40; w <= 200; w++ {
		for _, lang := range []catalog.Lang{catalog.EN, catalog.ZH} {
			opt := screenOptions
			opt.Width, opt.Lang = w, lang
			for line := range strings.Lines(text(t, morning(), opt)) {
				if n := width(strings.TrimSuffix(line, "\n")); n > w {
					t.Errorf("width %d, lang %d: %d columns: %s", w, lang, n, line)
				}
			}
		}
	}
}

func TestPeakIsMarkedOnlyIfItMeansSomething(t *testing.T) {
	flat := func(n int64) []int64 {
		s := make([]int64, 360)
		for i := range s {
			s[i] = n
		}
		return s
	}
	with := func(s []int64, from, to int, n int64) []int64 {
		for i := from; i < to; i++ {
			s[i] = n
		}
		return s
	}
	for _, tc := range []struct {
		name  string
		slots []int64
		want  string
	}{
		{"storm", with(flat(2), 270, 310, 174), "▲87×"},
		{"far above the usual", with(flat(1), 270, 310, 900), "▲99+×"},
		{"steady", flat(50), ""},
		{"twice the usual", with(flat(10), 270, 310, 20), ""},
		{"a handful", with(flat(0), 270, 271, 5), ""},
		{"from nothing, in the first half", with(flat(0), 20, 24, 30), "▲burst"},
		{"first seen in the last third", with(flat(0), 338, 360, 11), "▲new"},
		{"first seen at the end, few", with(flat(0), 355, 358, 1), ""},
		{"too short a run", []int64{1, 1, 500}, ""},
		{"no times", nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := findPeak(tc.slots).mark(catalog.EN); got != tc.want {
				t.Errorf("mark %q, want %q", got, tc.want)
			}
		})
	}
}

func TestDivideKeepsEveryEvent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slots := rapid.SliceOfN(rapid.Int64Range(0, 1e6), 0, 300).Draw(t, "slots")
		n := rapid.IntRange(1, 100).Draw(t, "n")
		var want, got int64
		for _, v := range slots {
			want += v
		}
		length := 0
		for _, w := range divide(slots, n) {
			got += w.count
			length += w.slots
		}
		if got != want || length != len(slots) {
			t.Fatalf("divide: %d events in %d slots, want %d in %d", got, length, want, len(slots))
		}
		if w := utf8.RuneCountInString(sparkline(slots, n)); w != min(n, len(slots)) {
			t.Fatalf("sparkline of %d slots in %d columns has %d", len(slots), n, w)
		}
	})
}

func TestAdviceBlamesAVersionOnlyIfOtherCodesDoNotShareIt(t *testing.T) {
	opt := screenOptions
	opt.Width = 160
	got := strings.Join(strings.Fields(text(t, morning(), opt)), " ")
	if !strings.Contains(got, "97% of 206 come from version 5.3.0 (other codes: 30%).") {
		t.Error("the release behind the kicks is not named")
	}
	if n := strings.Count(got, "come from version"); n != 1 {
		t.Errorf("%d codes blame a version, want 1: the storm colours the others", n)
	}
}

type shortOfSpace struct{ after int }

func (f *shortOfSpace) Write(b []byte) (int, error) {
	if f.after -= len(b); f.after < 0 {
		return 0, errors.New("no space left on device")
	}
	return len(b), nil
}

func TestAFullDiskIsReported(t *testing.T) {
	res, cat := morning(), catalog.Web()
	for name, write := range map[string]func(*shortOfSpace) error{
		"text":     func(w *shortOfSpace) error { return Text(w, res, cat, screenOptions) },
		"plain":    func(w *shortOfSpace) error { return Text(w, res, cat, TextOptions{Plain: true}) },
		"json":     func(w *shortOfSpace) error { return JSON(w, res) },
		"csv":      func(w *shortOfSpace) error { return CSV(w, res) },
		"markdown": func(w *shortOfSpace) error { return Markdown(w, res, cat, screenOptions) },
		"prom":     func(w *shortOfSpace) error { return Prom(w, res, cat, PromBuild{}) },
	} {
		if write(&shortOfSpace{after: 100}) == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
