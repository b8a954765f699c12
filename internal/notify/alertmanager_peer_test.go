//go:build peers

package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imerr-scan/internal/detect"
	"imerr-scan/pkg/catalog"
)

// TestARealAlertmanagerHearsOfTheStormAndOfItsEnd runs Debian's prometheus-alertmanager, whose receiver is a server of ours.
func TestARealAlertmanagerHearsOfTheStormAndOfItsEnd(t *testing.T) {
	heard := make(chan hook, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var h hook
		if err := json.Unmarshal(body, &h); err != nil {
			t.Errorf("%v in %s", err, body)
		}
		heard <- h
	}))
	defer receiver.Close()
	one, two := startAlertmanager(t, receiver.URL), startAlertmanager(t, receiver.URL)

	n, err := New(Options{
		Catalog: catalog.Web(), Labels: map[string]string{"cluster": "bj1"}, Page: "http://imerr-scan:20617/",
		Sinks: []Sink{{Kind: "alertmanager", URL: one, URLs: []Secret{two}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now().Add(-time.Minute).Truncate(10 * time.Second)
	firing := storm()
	firing.StartsAt, firing.At = start, start.Add(20*time.Second)
	n.Send(firing)
	var prints []string
	for range 2 {
		h := <-heard
		if h.Status != "firing" || len(h.Alerts) != 1 || !h.Alerts[0].StartsAt.Equal(start) {
			t.Fatalf("heard %+v, want the firing since %s", h, start)
		}
		want := labelsOf(&firing, map[string]string{"cluster": "bj1"})
		if diff := cmp.Diff(want, h.Alerts[0].Labels); diff != "" {
			t.Errorf("labels (-want +got):\n%s", diff)
		}
		prints = append(prints, h.Alerts[0].Fingerprint)
		if got := h.Alerts[0].Fingerprint; got != fingerprintOfAlertmanager {
			t.Errorf("Alertmanager's fingerprint is %s, ours %s", got, fingerprintOfAlertmanager)
		}
	}
	end := start.Add(50 * time.Second)
	over := firing
	over.State, over.At, over.EndsAt = detect.Resolved, end, &end
	n.Send(over)
	for i := range 2 {
		h := <-heard
		if h.Status != "resolved" || len(h.Alerts) != 1 || !h.Alerts[0].StartsAt.Equal(start) || h.Alerts[0].Fingerprint != prints[i] {
			t.Fatalf("heard %+v, want the end of what fired since %s", h, start)
		}
	}
	if err := n.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if s := n.Stats()[0]; s.OK != 4 || s.Rejected+s.Errors != 0 {
		t.Errorf("stats %+v, want 4 messages taken", s)
	}
}

func startAlertmanager(t *testing.T, receiver string) Secret {
	t.Helper()
	program, err := exec.LookPath("prometheus-alertmanager")
	if err != nil {
		t.Skip("apt-get install prometheus-alertmanager")
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "alertmanager.yml")
	text := fmt.Sprintf("route: {receiver: us, group_wait: 200ms, group_interval: 500ms, repeat_interval: 1h, group_by: [alertname]}\n"+
		"receivers: [{name: us, webhook_configs: [{url: %q, send_resolved: true}]}]\n", receiver)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := port.Addr().String()
	port.Close()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--config.file="+conf, "--storage.path="+dir, "--web.listen-address="+address, "--cluster.listen-address=")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait(); log.Close() })
	for range 100 {
		if ready(t.Context(), "http://"+address+"/-/ready") {
			return Secret("http://" + address)
		}
		time.Sleep(100 * time.Millisecond) // a program of others: there is nothing else to wait for
	}
	said, _ := os.ReadFile(log.Name())
	t.Fatalf("alertmanager is not ready after 10 s:\n%s", said)
	return ""
}

func ready(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
