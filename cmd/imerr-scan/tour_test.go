//go:build linux

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/pipeline"
	"imerr-scan/internal/report"
	"imerr-scan/internal/screen"
	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/extract"
)

const tour = "docs/tour.md"

// TestTour runs the commands of the tour and compares what they print with what stands there. -update writes it there, as make tour
// does.
func TestTour(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh")
	}
	bin, top := t.TempDir(), samplesCopy(t)
	binary(t, bin)
	log := filepath.Join(top, "app.log")
	if err := errors.Join(os.Rename(filepath.Join(top, "testdata", "logs", "day", "app.log"), log)); err != nil {
		t.Fatal(err)
	}
	checkReadme(t, tour, "en_US.UTF-8", bin, top)
	checkLive(t)
}

// checkLive compares the pictures of the live view with what it shows of the sample day, some minutes into its first storm.
func checkLive(t *testing.T) {
	t.Helper()
	file := filepath.Join("..", "..", tour)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	now := stormSnapshot(t)
	pictures := 0
	block := regexp.MustCompile("(?s)```live( detail)?\n(.*?)```")
	got := block.ReplaceAllFunc(text, func(b []byte) []byte {
		pictures++
		detail := string(block.FindSubmatch(b)[1])
		s := screen.New(screen.Options{Catalog: catalog.Web(), Zone: now.At.Location(), Input: "app.log"})
		s.Resize(100, 24)
		s.Show(now)
		if detail != "" {
			s.Resize(100, 52)
			s.Press(screen.Enter)
		}
		return []byte("```live" + detail + "\n" + strings.Join(s.Lines(), "\n") + "\n```")
	})
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(got) != string(text) || pictures != 2 {
		t.Errorf("%s shows another live view (%d): make tour, and git diff", tour, pictures)
	}
}

// stormSnapshot is what the live view has of the sample day at 10:36:20.
func stormSnapshot(t *testing.T) *screen.Snapshot {
	t.Helper()
	now := time.Date(2026, 11, 23, 10, 36, 20, 0, time.FixedZone("", 8*3600))
	data, err := os.ReadFile("../../testdata/logs/day/app.log")
	if err != nil {
		t.Fatal(err)
	}
	cat := catalog.Web()
	total := aggregate.New(aggregate.Options{Catalog: cat})
	live := pipeline.NewLive(total, pipeline.Options{Catalog: cat, Extract: extract.Options{Now: now, Zone: now.Location()}})
	end := strings.Index(string(data), `{"time":"2026-11-23T10:36:2`)
	if err := errors.Join(live.Block(1, "app.log", data[:end], 0, now), live.End(1)); err != nil {
		t.Fatal(err)
	}
	var h detect.History
	h.Add(detect.New(detect.Options{UserName: total.UserName}).Feed(total, now.Add(-time.Minute).UnixMilli())...)
	res := total.Result(aggregate.ResultOptions{Zone: now.Location(), NoMerge: true})
	report.SetAlerts(res, h.Alerts, now.Location())
	return screen.Take(total, res, now)
}

// TestComparison holds the numbers of docs/comparison.md that are ours against what the command says.
func TestComparison(t *testing.T) {
	text, err := os.ReadFile("../../docs/comparison.md")
	if err != nil {
		t.Fatal(err)
	}
	bin, dir := t.TempDir(), t.TempDir()
	binary(t, bin)
	dayLog(t, dir)
	var want strings.Builder
	for _, m := range regexp.MustCompile(`(?m)^\| (5\.\d\.\d) \| (\d+) \| (\d+) \|$`).FindAllStringSubmatch(string(text), -1) {
		want.WriteString(strings.Join(m[1:], " ") + "\n")
	}
	got := console(t, bin, dir, "en_US.UTF-8", `imerr-scan app.log --code 206,217 --by version | awk 'NR > 1 {print $1, $2, $4}'`)
	if got != want.String() || got == "" {
		t.Errorf("the table says\n%sthe command\n%s", &want, got)
	}
	said := regexp.MustCompile(`"(100% from version [^"]*)"`).FindSubmatch(text)
	summary := strings.Join(strings.Fields(console(t, bin, dir, "en_US.UTF-8", "imerr-scan app.log")), " ")
	if said == nil || !strings.Contains(summary, string(said[1])) {
		t.Errorf("the summary does not say %q: %s", said, summary)
	}
}
