//go:build peers && unix

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// A storm in a log, with all that kit prints around the service: a real Prometheus with the rules, a real Alertmanager, told by Prometheus
// and by the service itself; both fire, and both resolve.
func TestARealPrometheusAndAlertmanagerTellOfAStorm(t *testing.T) {
	dir := t.TempDir()
	bin, log := binary(t, dir), filepath.Join(dir, "app.log")
	told := tellUs(t)
	alertmanager, prometheus := freeAddress(t), freeAddress(t)
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	peer(t, "prometheus-alertmanager", "--config.file="+write("alertmanager.yml",
		"route: {receiver: us, group_wait: 200ms, group_interval: 500ms, repeat_interval: 1h, group_by: [alertname]}\n"+
			fmt.Sprintf("receivers: [{name: us, webhook_configs: [{url: %q, send_resolved: true}]}]\n", told.URL)),
		"--storage.path="+filepath.Join(dir, "am"), "--web.listen-address="+alertmanager, "--cluster.listen-address=")

	storm := ""
	now := time.Now().UTC()
	add := func(ago time.Duration, user int) {
		storm += fmt.Sprintf(`{"ts":%q,"level":"error","error":{"type":206,"message":"kicked"},"user":"u_%d"}`+"\n", now.Add(-ago).Format(time.RFC3339), user)
	}
	for m := 180; m > 5; m -= 10 {
		add(time.Duration(m)*time.Minute, m)
	}
	for i := range 300 {
		add(210*time.Second-time.Duration(i)*400*time.Millisecond, 1000+i)
	}
	write("app.log", storm)
	s := startServe(t, bin, dir, log, "--config", write("config.yaml",
		fmt.Sprintf("detector: {resolve_after: 1m}\nsinks:\n  - {kind: alertmanager, url: \"http://%s\"}\n", alertmanager)))

	rules, err := exec.Command(bin, "kit", "prometheus").Output()
	if err != nil {
		t.Fatal(err)
	}
	peer(t, "prometheus", "--storage.tsdb.path="+filepath.Join(dir, "tsdb"), "--web.listen-address="+prometheus, "--config.file="+write("prometheus.yml", fmt.Sprintf(
		"global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [%q]\nalerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}\n"+
			"scrape_configs: [{job_name: imerr-scan, static_configs: [{targets: [%q]}]}]\n", write("rules.yaml", string(rules)), alertmanager, s.address)))

	for _, alert := range []string{"ImerrAlertFiring", "ImerrKickStorm"} { // of Prometheus, of the service
		waitUntil(t, alert+" fires", func() bool { return told.status(alert) == "firing" })
	}
	for _, alert := range []string{"ImerrAlertFiring", "ImerrKickStorm"} {
		waitUntil(t, alert+" resolves", func() bool { return told.status(alert) == "resolved" })
	}
	s.stop()
}

// hearer is who Alertmanager tells.
type hearer struct {
	*httptest.Server

	mu   sync.Mutex
	last map[string]string // status by name of the alert
}

func tellUs(t *testing.T) *hearer {
	h := &hearer{last: map[string]string{}}
	h.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var message struct {
			Alerts []struct {
				Status string
				Labels map[string]string
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
			t.Error(err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, a := range message.Alerts {
			h.last[a.Labels["alertname"]] = a.Status
		}
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hearer) status(alert string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last[alert]
}

// peer runs a program of others until the test ends.
func peer(t *testing.T, name string, args ...string) {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not installed: apt-get install %s", name, name)
	}
	cmd := exec.Command(program, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}
