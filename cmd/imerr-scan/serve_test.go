//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The real binary serves a file that is written without a pause and rotated, and is killed again and again; what it tells at
// the end is every event once.
func TestServeCountsOnceOverRotationsAndKills(t *testing.T) {
	kills := atSize(20, 200)
	if testing.Short() {
		kills = 4
	}
	dir := t.TempDir()
	bin := binary(t, dir)
	w := &writer{t: t, path: filepath.Join(dir, "app.log")}
	w.open()
	deltas := filepath.Join(dir, "deltas")
	said := &bytes.Buffer{}
	start := func() *exec.Cmd {
		said.Reset()
		cmd := exec.Command(bin, "serve", "--config", "none", "--listen", "none", "--state", deltas, w.path)
		cmd.Stderr = said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	cmd := start()
	w.generation(5 * time.Millisecond)
	waitUntil(t, "the log knows the file", func() bool { data, _ := os.ReadFile(deltas); return bytes.Contains(data, []byte("app.log")) })
	for n := range kills {
		w.generation(time.Duration(rand.IntN(1500)) * time.Millisecond)
		if n%3 == 0 {
			w.rotate(n + 1)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		w.generation(time.Duration(rand.IntN(30)) * time.Millisecond)
		cmd = start()
	}
	w.generation(50 * time.Millisecond)
	w.f.Close()
	count := func() string { // what another process reads out of the log
		out, err := exec.Command(bin, "--config", "none", "report", "-o", "json", deltas).Output()
		if err != nil {
			return err.Error()
		}
		var res struct{ Events json.Number }
		if err := json.Unmarshal(out, &res); err != nil {
			return err.Error()
		}
		return res.Events.String()
	}
	var got string
	waitUntil(t, "every event counted", func() bool { got = count(); return got == strconv.Itoa(w.events) })
	began := time.Now()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, said)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("SIGTERM took %v, want at most 10 s", took)
	}
	if !strings.Contains(said.String(), "imerr-scan stopped") {
		t.Errorf("own log: %s", said)
	}
	t.Logf("%s events over %d kills", got, kills)
}
