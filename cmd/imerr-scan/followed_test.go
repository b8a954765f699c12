//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// startFollowing runs -f --listen with the given arguments and returns the address of the page, the log, and what it prints.
func startFollowing(t *testing.T, args ...string) (cmd *exec.Cmd, address, log string, stdout *bytes.Buffer) {
	t.Helper()
	dir := t.TempDir()
	bin := binary(t, dir)
	log = filepath.Join(dir, "app.log")
	if err := os.WriteFile(log, []byte(kickLine("vip_zhangmin", 206)), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout = &bytes.Buffer{}
	cmd = exec.Command(bin, append([]string{"-f", "--listen", "127.0.0.1:0", "--config", "none", filepath.Base(log)}, args...)...)
	cmd.Dir, cmd.Stdout = dir, stdout
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if m := regexp.MustCompile(`a page is at (http://\S+)`).FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, stderr) }()
			return cmd, m[1], log, stdout
		}
	}
	t.Fatal("no page")
	return nil, "", "", nil
}

func kickLine(user string, code int) string {
	return fmt.Sprintf(`{"ts":"%s","user":"%s","error.type":%d}`+"\n", time.Now().Format(time.RFC3339), user, code)
}

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, string(data)
}

func TestAFollowedLogIsAPage(t *testing.T) {
	cmd, address, log, stdout := startFollowing(t, "--pii", "plain")
	status, page := fetch(t, address)
	if status != http.StatusOK || !strings.Contains(page, "<!DOCTYPE html>") || !strings.Contains(page, "app.log") {
		t.Fatalf("%d %.400s", status, page)
	}
	f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for n := range 5 {
		if _, err := f.WriteString(kickLine(fmt.Sprint("vip_lisi", n), 217)); err != nil {
			t.Fatal(err)
		}
	}
	waitUntil(t, "a code that came later", func() bool {
		_, body := fetch(t, address+"api/v1/codes/217")
		var code struct{ Count int }
		return json.Unmarshal([]byte(body), &code) == nil && code.Count == 5
	})
	for path, want := range map[string]string{
		"codes/217": "KICKED_BY_OTHER_DEVICE", "metrics": `imerr_errors_total{code="217"`, "healthz": "ok", "readyz": "ready", "api/v1/alerts": "[",
		"api/v1/summary": `"distinct": 6`,
	} {
		if status, body := fetch(t, address+path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("/%s: %d, want %q in %.300s", path, status, want, body)
		}
	}
	for _, path := range []string{"", "api/v1/summary", "api/v1/codes"} {
		if _, body := fetch(t, address+path); strings.Contains(body, "vip_lisi") || strings.Contains(body, "vip_zhangmin") {
			t.Errorf("/%s shows plain ids: they are for the terminal alone", path)
		}
	}
	resp, err := http.Post(address+"-/reload", "", nil)
	if err != nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("reload: %v %v", resp, err)
	} else {
		resp.Body.Close()
	}
	_ = cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if n := strings.Count(stdout.String(), `"code":217`); n != 5 {
		t.Errorf("%d events of 217 on stdout, want 5: %s", n, stdout)
	}
}

// TestAViewerOfAFollowedLogSeesItGrow: the stream of the page has a section again once something was counted.
func TestAViewerOfAFollowedLogSeesItGrow(t *testing.T) {
	cmd, address, log, _ := startFollowing(t)
	resp, err := http.Get(address + "api/v1/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 4<<20)
	wrote := false
	for lines.Scan() {
		if !wrote && strings.Contains(lines.Text(), "event: codes") {
			wrote = true
			f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = f.WriteString(kickLine("u9", 509)) // the page will tell
			f.Close()
		}
		if strings.Contains(lines.Text(), "MESSAGE_CURRENT_LIMITING") {
			break
		}
	}
	if err := lines.Err(); err != nil || !wrote {
		t.Errorf("wrote %v: %v", wrote, err)
	}
	_ = cmd.Process.Signal(os.Interrupt) // with a viewer still there
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestListenIsRefused(t *testing.T) {
	bin := binary(t, t.TempDir())
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"without -f", []string{"--listen", "127.0.0.1:0", "x.log"}, "--listen is for -f"},
		{"no address", []string{"-f", "--listen", "nowhere", "x.log"}, "--listen: "},
		{"plain without -f", []string{"--plain", "x.log"}, "--plain is for -f"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cmd := exec.Command(bin, append(tc.args, "--config", "none")...)
			out, err := cmd.CombinedOutput()
			if err == nil || cmd.ProcessState.ExitCode() != exitUsage || !strings.Contains(string(out), tc.want) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
