//go:build unix

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// served is a service of the real binary.
type served struct {
	t       testing.TB
	cmd     *exec.Cmd
	address string
	said    string // file of its own log
}

// startServe starts a service whose log is a file in dir.
func startServe(t *testing.T, bin, dir string, args ...string) *served {
	t.Helper()
	s := launchServe(t, bin, filepath.Join(dir, "said"), append([]string{"--state", filepath.Join(dir, "deltas")}, args...)...)
	waitUntil(t, "it answers", func() bool { _, status := s.get("/healthz"); return status == 200 })
	return s
}

// launchServe starts a service, whose own log is a file, and does not wait for it.
func launchServe(t testing.TB, bin, said string, args ...string) *served {
	t.Helper()
	s := &served{t: t, address: freeAddress(t), said: said}
	stderr, err := os.OpenFile(said, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	s.cmd = exec.Command(bin, append([]string{"serve", "--listen", s.address}, args...)...)
	s.cmd.Env = append(os.Environ(), "IMERR_TZ=UTC")
	s.cmd.Stderr = stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	return s
}

// freeAddress is one that was free a moment ago.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// get returns an answer, and 0 if there is none.
func (s *served) get(path string) (string, int) {
	resp, err := http.Get("http://" + s.address + path)
	if err != nil {
		return err.Error(), 0
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error(), 0
	}
	return string(body), resp.StatusCode
}

func (s *served) metric(name string) string {
	body, _ := s.get("/metrics")
	return metricOf(body, name)
}

// metricOf returns the value of a metric in a scrape.
func metricOf(body, name string) string {
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(body)
	if m == nil {
		return "no " + name
	}
	return m[1]
}

func (s *served) want(name, value string) {
	s.t.Helper()
	waitUntil(s.t, name+" "+value, func() bool { return s.metric(name) == value })
}

func (s *served) stop() {
	s.t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	if err := s.cmd.Wait(); err != nil {
		said, _ := os.ReadFile(s.said)
		s.t.Errorf("after SIGTERM: %v\n%s", err, said)
	}
}

// What a service shows over HTTP: counters that begin at 0, rise with the log, do not count again what a former life
// counted, and outlive a reload; the state knows all.
func TestServeShowsWhatItCounts(t *testing.T) {
	dir := t.TempDir()
	bin := binary(t, dir)
	log, conf, token, alerts := filepath.Join(dir, "app.log"), filepath.Join(dir, "conf.yaml"), filepath.Join(dir, "token"), filepath.Join(dir, "alerts.ndjson")
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	line := func(user int) string {
		return fmt.Sprintf(`{"ts":%q,"error":{"type":206,"message":"kicked"},"user":"u_%d"}`+"\n", time.Now().UTC().Format(time.RFC3339), user)
	}
	write(log, line(1)+"nothing\n"+line(2))
	write(conf, "lang: en\n")
	write(token, "s3cret\n")
	s := startServe(t, bin, dir, "--config", conf, "--reload-token-file", token, log)
	const kicks = `imerr_errors_total{code="206",name="WEBIM_CONNCTION_USER_LOGIN_ANOTHER_DEVICE",category="auth"}`
	s.want(kicks, "2")
	s.want(`imerr_lines_total{input="files",result="without_error"}`, "1")
	if got := s.metric(`imerr_errors_total{code="605",name="GROUP_NOT_EXIST",category="group"}`); got != "0" {
		t.Errorf("a code that did not occur is %q, want 0 from the start", got)
	}
	s.want(`imerr_affected_users{code="206",window="1h"}`, "2")
	if body, status := s.get("/readyz"); status != 200 {
		t.Errorf("/readyz: %d %s", status, body)
	}
	if body, _ := s.get("/api/v1/codes/206"); !strings.Contains(body, `"count":2`) {
		t.Errorf("/api/v1/codes/206: %s", body)
	}

	reload := func(auth string) int {
		t.Helper()
		r, _ := http.NewRequest(http.MethodPost, "http://"+s.address+"/-/reload", nil)
		r.Header.Set("Authorization", "Bearer "+auth)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := reload("guess"); got != 401 {
		t.Errorf("reload with a wrong token: %d", got)
	}
	write(conf, "langg: en\n")
	if got := reload("s3cret"); got != 422 || s.metric("imerr_config_last_reload_successful") != "0" {
		t.Errorf("reload of a broken file: %d, imerr_config_last_reload_successful %s", got, s.metric("imerr_config_last_reload_successful"))
	}
	write(conf, fmt.Sprintf("limits: [{name: any-kick, codes: [206], window: 1m, events: 5}]\nsinks: [{kind: ndjson, path: %q}]\n", alerts))
	_ = s.cmd.Process.Signal(syscall.SIGHUP)
	s.want("imerr_config_last_reload_successful", "1")
	if got := s.metric(kicks); got != "2" {
		t.Errorf("after a reload %s is %s, want 2", kicks, got)
	}

	f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for user := range 20 {
		fmt.Fprint(f, line(user))
	}
	s.want(kicks, "22")
	s.stop()

	s = startServe(t, bin, dir, "--config", conf, log)
	fmt.Fprint(f, line(99))
	s.want(kicks, "1") // of this process; what the state knows is more
	if body, _ := s.get("/api/v1/codes/206"); !strings.Contains(body, `"count":23`) {
		t.Errorf("/api/v1/codes/206 after a restart: %s", body)
	}
	second := exec.Command(bin, "serve", "--config", "none", "--state", filepath.Join(dir, "deltas"), "--listen", "none", log)
	out, err := second.CombinedOutput()
	if err == nil || second.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "in use by another process") {
		t.Errorf("a second service over the same state: %v %s", err, out)
	}
	s.stop()
}
