//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// writer appends numbered events to a log without a pause and rotates it, by renaming and by copying and truncating.
type writer struct {
	t      *testing.T
	path   string
	f      *os.File
	lines  int
	events int
}

func (w *writer) open() {
	f, err := os.OpenFile(w.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	w.f = f
}

// generation writes for a while: an event now and then, each of another user, and ordinary lines.
func (w *writer) generation(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		line := fmt.Sprintf(`{"ts":"2026-11-23T10:00:00+08:00","level":"info","msg":"sent","n":%d}`+"\n", w.lines) // no two begin alike
		w.lines++
		if rand.IntN(300) == 0 {
			line = fmt.Sprintf(`{"ts":"2026-11-23T10:00:00+08:00","user":"user-%d","error":{"type":206,"message":"the user is already logged on another device"}}`+"\n", w.events)
			w.events++
		}
		// In two pieces, so that the reader meets unfinished lines.
		cut := rand.IntN(len(line))
		for _, piece := range []string{line[:cut], line[cut:]} {
			if _, err := w.f.WriteString(piece); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// rotate is logrotate's create or copytruncate.
func (w *writer) rotate(n int) {
	to := fmt.Sprintf("%s.%d", w.path, n)
	if n%2 == 0 {
		w.f.Close()
		if err := os.Rename(w.path, to); err != nil {
			w.t.Fatal(err)
		}
		w.open()
		return
	}
	data, err := os.ReadFile(w.path)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err == nil {
		err = w.f.Truncate(0)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestFollowOverRotationsAndKills: a log that is rotated 50 times, in both ways, by a writer that never pauses, while the
// reader is killed by SIGKILL again and again. With --state every event is counted once.
func TestFollowOverRotationsAndKills(t *testing.T) {
	rotations := 50
	if testing.Short() {
		rotations = 10
	}
	dir := t.TempDir()
	bin := binary(t, dir)
	w := &writer{t: t, path: filepath.Join(dir, "app.log")}
	w.open()
	state := filepath.Join(dir, "state")
	var out bytes.Buffer
	said := filepath.Join(t.TempDir(), "stderr")
	errs := func() string {
		data, _ := os.ReadFile(said)
		return string(data)
	}
	stderr, err := os.Create(said)
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	start := func() *exec.Cmd {
		out.Reset()
		cmd := exec.Command(bin, "-f", "-o", "json", "--state", state, w.path)
		cmd.Stdout, cmd.Stderr = &out, stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	cmd := start()
	waitUntil(t, "a first state", func() bool { _, err := os.Stat(state); return err == nil })
	kills := 0
	for n := 1; n <= rotations; n++ {
		w.generation(40 * time.Millisecond)
		w.rotate(n)
		if n%7 == 0 {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			kills++
			w.generation(time.Duration(rand.IntN(30)) * time.Millisecond)
			cmd = start()
		}
	}
	w.generation(10 * time.Millisecond)
	w.f.Close()
	var got string
	waitUntil(t, "every event counted", func() bool {
		if err := cmd.Process.Signal(syscall.SIGUSR1); err != nil {
			return true
		}
		time.Sleep(300 * time.Millisecond)
		got = lastCount(errs())
		return got == fmt.Sprint(w.events)
	})
	_ = cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, tailOf(errs()))
	}
	var res struct {
		Events int64                    `json:"events"`
		Users  struct{ Distinct int64 } `json:"users"`
	}
	if err := json.Unmarshal(out.Bytes(), &res); err != nil {
		t.Fatalf("%v: %q", err, out.String())
	}
	if res.Events != int64(w.events) || w.events < 4000 && res.Users.Distinct != int64(w.events) {
		t.Errorf("%d events of %d users, want %d; %d kills\n%s", res.Events, res.Users.Distinct, w.events, kills, tailOf(errs()))
	}
	t.Logf("%d events over %d rotations and %d kills", res.Events, rotations, kills)
}

// lastCount is the number of events in the last summary on stderr.
func lastCount(s string) string {
	_, after, ok := strings.Cut(s[strings.LastIndex(s, " errors=")+1:], "errors=")
	if !ok {
		return ""
	}
	count, _, _ := strings.Cut(after, " ")
	return count
}

func tailOf(s string) string { return s[max(0, len(s)-2000):] }

func waitUntil(t testing.TB, what string, ok func() bool) {
	t.Helper()
	if !waitQuietly(ok) {
		t.Errorf("not within a minute: %s", what)
	}
}

// waitQuietly waits a minute at most, and returns whether ok.
func waitQuietly(ok func() bool) bool {
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}
