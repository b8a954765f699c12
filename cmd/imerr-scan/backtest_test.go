package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"imerr-scan/internal/detect"
	"imerr-scan/tools/corpusgen/corpus"
)

// kindOf is what the detector calls the kick storms that a generated day is labelled with.
var kindOf = map[string]string{
	"mass": detect.KindMass, "ping_pong": detect.KindPingPong, "shared_account": detect.KindSharedAccount,
	"from_api": detect.KindFromAPI, "password_wave": detect.KindPasswordWave,
}

// Fourteen generated days, a file each, of which every third has storms: backtest finds each labelled storm, calls it by
// its kind, and raises not more than a handful of others.
func TestBacktestOverFourteenDays(t *testing.T) {
	days := 14
	if testing.Short() {
		days = 4
	}
	dir := t.TempDir()
	zone := time.FixedZone("", 8*3600)
	start := time.Date(2026, 11, 9, 0, 0, 0, 0, zone)
	var storms []corpus.Storm
	var lines int64
	for n := range days {
		opt := corpus.Options{Kind: "day", Size: 4 << 20, Seed: uint64(n + 1), Start: start.AddDate(0, 0, n)}
		if n%3 == 1 { // at another time each: what comes daily is a job, and usual
			opt.Storms, opt.Start = corpus.StormKinds(), opt.Start.Add(time.Duration(n)*time.Hour)
		}
		var log bytes.Buffer
		truth, err := corpus.Write(&log, opt)
		if err != nil {
			t.Fatal(err)
		}
		lines += truth.Lines
		storms = append(storms, truth.Storms...)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("day-%02d.log", n)), log.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	backtest := func(args ...string) string {
		var out, errs bytes.Buffer
		args = append([]string{"backtest", "--config", "none", "--tz", "Asia/Shanghai"}, args...)
		if status := run(append(args, dir), os.Stdin, &out, &errs); status != 0 {
			t.Fatalf("exit status %d: %s", status, errs.String())
		}
		return out.String()
	}
	var got struct {
		Alerts  []detect.Alert
		Closest []detect.Miss
	}
	if err := json.Unmarshal([]byte(backtest("-o", "json")), &got); err != nil {
		t.Fatal(err)
	}
	used := make([]bool, len(got.Alerts))
	right, labelled := 0, 0
	for _, s := range storms {
		i := slices.IndexFunc(got.Alerts, func(a detect.Alert) bool {
			end := a.At
			if a.EndsAt != nil {
				end = *a.EndsAt
			}
			return a.StartsAt.Before(s.EndsAt) && s.StartsAt.Before(end) && slices.Contains(a.Codes, int32(s.Codes[0]))
		})
		if i < 0 {
			t.Errorf("%s of %d users at %s: no alert", s.Kind, s.Users, s.StartsAt.Format(time.DateTime))
			continue
		}
		used[i] = true
		a := got.Alerts[i]
		if late := a.FiredAt.Sub(s.StartsAt); late > 10*time.Minute {
			t.Errorf("%s at %s: known %v later", s.Kind, s.StartsAt.Format(time.DateTime), late)
		}
		if want := kindOf[s.Kind]; want != "" {
			labelled++
			if a.Kind == want {
				right++
			} else {
				t.Logf("%s at %s is called %q", s.Kind, s.StartsAt.Format(time.DateTime), a.Kind)
			}
		}
		if s.Version != "" && !slices.ContainsFunc(a.Why, func(c detect.Change) bool { return c.Value == s.Version }) {
			t.Errorf("%s at %s: why = %+v, want version %s", s.Kind, s.StartsAt.Format(time.DateTime), a.Why, s.Version)
		}
	}
	if labelled == 0 || 100*right < 95*labelled {
		t.Errorf("the kind of %d of %d kick storms is right, want 95%%", right, labelled)
	}
	others := 0
	for i, a := range got.Alerts {
		related := slices.ContainsFunc(storms, func(s corpus.Storm) bool {
			return !a.StartsAt.Before(s.StartsAt.Add(-5*time.Minute)) && a.StartsAt.Before(s.EndsAt.Add(5*time.Minute))
		})
		if !used[i] && !related && a.Severity != "info" {
			others++
			t.Logf("no storm: %s at %s, %.1f/min", a.Alert, a.StartsAt.In(zone).Format(time.DateTime), a.Peak)
		}
	}
	if others > days {
		t.Errorf("%d alerts of no storm in %d days", others, days)
	}
	t.Logf("%d lines, %d storms, %d of %d kinds right, %d other alerts", lines, len(storms), right, labelled, others)

	text := backtest()
	for _, want := range []string{"nothing was sent", "ALERT ", "kick-storm "} {
		if !strings.Contains(text, want) {
			t.Errorf("the text of backtest lacks %q", want)
		}
	}
	calm := backtest("--detector-min-count", "100000")
	if !strings.Contains(calm, "No alert would have fired.") || !strings.Contains(calm, "too few (min_count)") && len(got.Alerts) > 0 && strings.Contains(calm, "SILENT") {
		t.Errorf("with min_count 100000:\n%s", calm)
	}
}
