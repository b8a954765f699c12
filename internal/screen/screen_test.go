package screen_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/pipeline"
	"imerr-scan/internal/report"
	"imerr-scan/internal/screen"
	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/extract"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var beijing = time.FixedZone("", 8*3600)

// storm is the sample day up to a few minutes into its kick storm.
func storm(t testing.TB) *screen.Snapshot {
	return taken(t, read(t, filepath.Join("..", "..", "testdata", "logs", "day", "app.log")), time.Date(2026, 11, 23, 10, 36, 20, 0, beijing))
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	log, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// taken is a snapshot of what a log had until now.
func taken(t testing.TB, log []byte, now time.Time) *screen.Snapshot {
	t.Helper()
	cat := catalog.Web()
	total := aggregate.New(aggregate.Options{Catalog: cat})
	live := pipeline.NewLive(total, pipeline.Options{
		Catalog: cat, Extract: extract.Options{Now: now, Zone: beijing, Day: now},
		Keep: func(r *pipeline.Record) bool { return r.Candidate.Time != 0 && r.Candidate.Time < now.UnixMilli() },
	})
	if err := live.Block(1, "app.log", log, 0, now); err != nil {
		t.Fatal(err)
	}
	if err := live.End(1); err != nil {
		t.Fatal(err)
	}
	var h detect.History
	h.Add(detect.New(detect.Options{UserName: total.UserName}).Feed(total, now.Add(-time.Minute).UnixMilli())...)
	res := total.Result(aggregate.ResultOptions{Zone: beijing, NoMerge: true})
	report.SetAlerts(res, h.Alerts, beijing)
	s := screen.Take(total, res, now)
	s.Lines, s.Bytes = 1912.4, 804_000
	return s
}

func open(lang catalog.Lang, color bool) *screen.Screen {
	return screen.New(screen.Options{Catalog: catalog.Web(), Lang: lang, Zone: beijing, Color: color, Input: "app.log"})
}

// golden compares with testdata/name, or writes it.
func golden(t *testing.T, name string, lines []string) {
	t.Helper()
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(read(t, file)), b.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestAStormInEveryWidth(t *testing.T) {
	now := storm(t)
	for _, size := range [][2]int{{30, 10}, {60, 20}, {80, 24}, {120, 30}, {200, 40}} {
		for name, lang := range map[string]catalog.Lang{"en": catalog.EN, "zh": catalog.ZH} {
			t.Run(fmt.Sprintf("%s %dx%d", name, size[0], size[1]), func(t *testing.T) {
				s := open(lang, false)
				s.Resize(size[0], size[1])
				s.Show(now)
				golden(t, fmt.Sprintf("storm_%s_%d", name, size[0]), s.Lines())
			})
		}
	}
}

func TestOneCodeInDetail(t *testing.T) {
	now := storm(t)
	for name, lang := range map[string]catalog.Lang{"en": catalog.EN, "zh": catalog.ZH} {
		t.Run(name, func(t *testing.T) {
			s := open(lang, false)
			s.Resize(100, 46)
			s.Show(now)
			s.Press(screen.Enter)
			golden(t, "detail_"+name, s.Lines())
		})
	}
}

func TestHelp(t *testing.T) {
	s := open(catalog.EN, false)
	s.Show(storm(t))
	s.Press("?")
	golden(t, "help", s.Lines())
}

func TestColours(t *testing.T) {
	s := open(catalog.EN, true)
	s.Show(storm(t))
	golden(t, "colours", s.Lines())
}

// codes are those of the table, from the first that is shown.
func codes(lines []string) (all []string, chosen string) {
	row := regexp.MustCompile(`^ ( |▶) *(-?\d+)  `)
	for _, l := range lines {
		if m := row.FindStringSubmatch(l); m != nil {
			all = append(all, m[2])
			if m[1] == "▶" {
				chosen = m[2]
			}
		}
	}
	return all, chosen
}

func TestKeys(t *testing.T) {
	now := storm(t)
	for _, tc := range []struct {
		name   string
		typed  string
		want   string // in a line
		action screen.Action
	}{
		{"nothing", "", "sort: rate  1/", screen.Draw},
		{"sorted by count", "s", "sort: count", screen.Draw},
		{"sorted by users", "ss", "sort: users", screen.Draw},
		{"around", "ssss", "sort: rate", screen.Draw},
		{"a category", "c", "category: auth", screen.Draw},
		{"the next category", "cc", "category: chatroom", screen.Draw},
		{"down", "\x1b[B", "  2/", screen.Draw},
		{"down and up", "jj\x1bOA", "  2/", screen.Draw},
		{"the last", "G", "sort: rate", screen.Draw},
		{"pause", "p", "PAUSED", screen.Draw},
		{"pause and on", "p ", "LIVE", screen.Draw},
		{"help", "?", "only one category", screen.Draw},
		{"help and away", "?\x1b", "sort: rate", screen.Draw},
		{"detail", "\r", "Next step", screen.Draw},
		{"detail and back", "\r\x1b", "sort: rate", screen.Draw},
		{"detail and back by the same key", "\r\r", "sort: rate", screen.Draw},
		{"quit", "q", "", screen.Quit},
		{"Ctrl-C", "\x03", "", screen.Kill},
		{"Ctrl-Z", "\x1a", "", screen.Stop},
		{"Ctrl-L", "\x0c", "", screen.DrawAll},
		{"quit among others", "sqs", "", screen.Quit},
		{"a key of another kind", "\x1b[15~", "sort: rate  1/", screen.Draw},
		{"bytes that are none", "\xff\x00\x80", "sort: rate  1/", screen.Draw},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := open(catalog.EN, false)
			s.Show(now)
			if got := s.Press(screen.Keys([]byte(tc.typed))...); got != tc.action {
				t.Errorf("action %v, want %v", got, tc.action)
			}
			if got := strings.Join(s.Lines(), "\n"); !strings.Contains(got, tc.want) {
				t.Errorf("want %q in\n%s", tc.want, got)
			}
		})
	}
}

func TestTheCursorStaysOnItsCode(t *testing.T) {
	s := open(catalog.EN, false)
	s.Resize(100, 60)
	s.Show(storm(t))
	s.Press(screen.Down, screen.Down)
	_, before := codes(s.Lines())
	s.Press("s", "s", "s")
	s.Show(storm(t))
	all, after := codes(s.Lines())
	if before == "" || before != after {
		t.Errorf("was on %q, is on %q", before, after)
	}
	numbers := make([]int, len(all))
	for i := range all {
		numbers[i], _ = strconv.Atoi(all[i])
		if i > 0 && numbers[i] < numbers[i-1] {
			t.Errorf("sorted by code: %v", all)
		}
	}
}

func TestAPauseHoldsThePicture(t *testing.T) {
	later := taken(t, read(t, "../../testdata/logs/day/app.log"), time.Date(2026, 11, 23, 18, 0, 0, 0, beijing))
	s := open(catalog.EN, false)
	s.Show(storm(t))
	s.Press("p")
	before := s.Lines()
	s.Show(later)
	if diff := cmp.Diff(before, s.Lines()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	s.Press("p")
	s.Show(later)
	if !strings.Contains(s.Lines()[0], "18:00:00") {
		t.Errorf("after the pause: %s", s.Lines()[0])
	}
}

// TestAnOldLog: of a log whose newest event is long ago the time before that is shown, not nothing.
func TestAnOldLog(t *testing.T) {
	s := open(catalog.EN, false)
	s.Show(taken(t, read(t, "../../testdata/logs/day/app.log"), time.Date(2026, 11, 24, 9, 0, 0, 0, beijing)))
	got := strings.Join(s.Lines(), "\n")
	if !strings.Contains(got, "until 11-23 23:54") || !strings.Contains(got, "newest error 9 h ago") {
		t.Errorf("%s", got)
	}
}

func TestNothingYet(t *testing.T) {
	s := open(catalog.EN, false)
	s.Lines() // before the first snapshot
	s.Press(screen.Enter, screen.Down, "s", "c")
	s.Show(taken(t, nil, time.Date(2026, 11, 23, 10, 0, 0, 0, beijing)))
	if got := strings.Join(s.Lines(), "\n"); !strings.Contains(got, "no error yet") {
		t.Errorf("%s", got)
	}
}

// hostile is a log whose texts want to move the cursor, set the title of the terminal, hide and reorder.
func hostile() []byte {
	var b bytes.Buffer
	for _, text := range []string{
		`\u001b[2J\u001b[1;1H`, `\u001b]0;owned\u0007`, `\u202egnp.exe`, `\u009b31m`, `\r\n$ rm -rf`, strings.Repeat("界", 3000), `\u0000\u0008\u0008`,
		strings.Repeat(`e\u0301\u0301\u0301\u0301\u0301\u0301\u0301`, 50), `\ud83d\udc68\u200d\ud83d\udc69`,
	} {
		for _, code := range []string{"206", `"` + text + `"`} {
			fmt.Fprintf(&b, `{"ts":"2026-11-23T10:35:00+08:00","error.type":%s,"message":"%s","user":"%s","version":"%s","platform":"%s","reason":"%s"}`+"\n",
				code, text, text, text, text, text)
		}
	}
	return b.Bytes()
}

// TestWhateverComesFits: at any size and after any keys the lines fit the terminal and hold nothing that moves its cursor.
func TestWhateverComesFits(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 36, 20, 0, beijing)
	all := []*screen.Snapshot{storm(t), taken(t, hostile(), at), taken(t, nil, at)}
	all[1].Notes = []string{"app.log\x1b[2J: \u202egone"}
	rapid.Check(t, func(t *rapid.T) {
		s := screen.New(screen.Options{
			Catalog: catalog.Web(), Lang: rapid.SampledFrom([]catalog.Lang{catalog.EN, catalog.ZH}).Draw(t, "lang"), Zone: beijing, Input: "a\x1b[2Jb",
		})
		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			width, height := rapid.IntRange(1, 220).Draw(t, "width"), rapid.IntRange(1, 70).Draw(t, "height")
			s.Resize(width, height)
			s.Show(rapid.SampledFrom(all).Draw(t, "snapshot"))
			typed := rapid.StringOf(rapid.SampledFrom([]rune("scpjkgG?\r\x1b "))).Draw(t, "typed")
			s.Press(screen.Keys([]byte(typed))...)
			lines := s.Lines()
			if len(lines) > height {
				t.Fatalf("%d lines in %d rows", len(lines), height)
			}
			for _, l := range lines {
				if report.Width(l) > width {
					t.Fatalf("%d columns in %d: %q", report.Width(l), width, l)
				}
				for _, r := range l {
					if !unicode.IsPrint(r) {
						t.Fatalf("%U in %q", r, l)
					}
				}
			}
		}
	})
}

// TestPaintShowsTheLines holds Paint against a terminal of a few lines of code.
func TestPaintShowsTheLines(t *testing.T) {
	word := rapid.SampledFrom([]string{"", "a", "bb", "界", "206  LOGIN"})
	rapid.Check(t, func(t *rapid.T) {
		shown := map[int]string{3: "what was there before"}
		var old []string
		for range rapid.IntRange(1, 5).Draw(t, "frames") {
			lines := rapid.SliceOfN(word, 0, 6).Draw(t, "lines")
			if lines == nil {
				lines = []string{}
			}
			out := screen.Paint(old, lines)
			if rest, cleared := strings.CutPrefix(out, "\x1b[2J"); cleared {
				clear(shown)
				out = rest
			}
			for _, m := range regexp.MustCompile(`\x1b\[(\d+);1H\x1b\[2K([^\x1b]*)`).FindAllStringSubmatch(out, -1) {
				row, _ := strconv.Atoi(m[1])
				shown[row-1] = m[2]
			}
			for row := range 8 {
				want := ""
				if row < len(lines) {
					want = lines[row]
				}
				if shown[row] != want {
					t.Fatalf("row %d shows %q, want %q", row, shown[row], want)
				}
			}
			old = lines
		}
	})
}

func BenchmarkLines(b *testing.B) {
	s := open(catalog.EN, true)
	s.Resize(200, 60)
	s.Show(storm(b))
	for b.Loop() {
		s.Lines()
	}
}
