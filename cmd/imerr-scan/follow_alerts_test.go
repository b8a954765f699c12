//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// alertLines are the alert records among lines of JSON.
func alertLines(out []byte) []string {
	var lines []string
	for line := range strings.SplitSeq(string(out), "\n") {
		if strings.HasPrefix(line, `{"alert":`) {
			lines = append(lines, line)
		}
	}
	return lines
}

// A day of storms is followed as it grows, and the run is stopped and started again from its state in the middle of quiet
// times and of storms. The alert records are those of the whole file read at once, each of them once.
func TestFollowedAlertsAreThoseOfTheFile(t *testing.T) {
	dir := t.TempDir()
	bin := binary(t, dir)
	day := "../../testdata/logs/day/app.log"
	data, err := os.ReadFile(day)
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (*exec.Cmd, *bytes.Buffer) {
		var out bytes.Buffer
		cmd := exec.Command(bin, args...)
		cmd.Env = append(os.Environ(), "IMERR_TZ=Asia/Shanghai", "IMERR_CONFIG=none")
		cmd.Stdout, cmd.Stderr = &out, os.Stderr
		return cmd, &out
	}
	cmd, out := run("backtest", "-o", "ndjson", day)
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	want := alertLines(out.Bytes())
	if len(want) < 20 {
		t.Fatalf("%d alert records in the whole file: want storms", len(want))
	}
	log, state := filepath.Join(dir, "app.log"), filepath.Join(dir, "state")
	var got []string
	for piece := range 6 {
		grown := data[:len(data)*(piece+1)/6] // ends within a line
		if err := os.WriteFile(log, grown, 0o600); err != nil {
			t.Fatal(err)
		}
		whole := bytes.LastIndexByte(grown, '\n') + 1
		cmd, out := run("-f", "-q", "--state", state, log)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitUntil(t, "all of it read", func() bool {
			saved, _ := os.ReadFile(state)
			return bytes.Contains(saved, fmt.Appendf(nil, `"offset":%d,`, whole))
		})
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		got = append(got, alertLines(out.Bytes())...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alert records (-file +followed with 5 restarts):\n%s", diff)
	}
	old, err := os.Stat(state)
	if err != nil {
		t.Fatal(err)
	}
	cmd, out = run("-f", "-q", "--state", state, "-o", "json", log)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "a state of its own", func() bool {
		fi, err := os.Stat(state)
		return err == nil && fi.ModTime().After(old.ModTime())
	})
	_ = cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	var res struct{ Alerts []json.RawMessage }
	if err := json.Unmarshal(out.Bytes(), &res); err != nil || len(res.Alerts) != 3 {
		t.Errorf("%d alerts in the summary of the last run, want all 3 (%v)", len(res.Alerts), err)
	}
}
