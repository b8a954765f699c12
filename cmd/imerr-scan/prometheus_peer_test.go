//go:build peers && unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A real Prometheus (package prometheus) scrapes a real service, and sums to what was written.
func TestARealPrometheusScrapesTheService(t *testing.T) {
	prometheus, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatal("prometheus is not installed: apt-get install prometheus")
	}
	dir := t.TempDir()
	bin, log := binary(t, dir), filepath.Join(dir, "app.log")
	f, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := startServe(t, bin, dir, "--config", "none", log)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	conf := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("scrape_configs:\n- job_name: imerr\n  scrape_interval: 1s\n  static_configs:\n  - targets: [%q]\n", s.address)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	peer := exec.Command(prometheus, "--config.file="+conf, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"), "--web.listen-address="+address)
	if err := peer.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = peer.Process.Kill(); _ = peer.Wait() }()
	query := func(expr string) string {
		resp, err := http.Get("http://" + address + "/api/v1/query?query=" + url.QueryEscape(expr))
		if err != nil {
			return err.Error()
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		var answer struct {
			Data struct {
				Result []struct{ Value [2]any }
			}
		}
		if err := json.Unmarshal(body, &answer); err != nil || len(answer.Data.Result) != 1 {
			return string(body)
		}
		return fmt.Sprint(answer.Data.Result[0].Value[1])
	}
	waitUntil(t, "scraped before anything was counted", func() bool { return query(`sum(imerr_errors_total)`) == "0" })
	for user := range 500 {
		fmt.Fprintf(f, `{"ts":%q,"error":{"type":206,"message":"kicked"},"user":"u_%d"}`+"\n", time.Now().UTC().Format(time.RFC3339), user)
	}
	waitUntil(t, "all of them in Prometheus", func() bool { return query(`sum(imerr_errors_total{code="206"})`) == "500" })
	if got := query(`sum(increase(imerr_errors_total[5m])) > bool 0`); got != "1" {
		t.Errorf("the first events are no increase: %s", got)
	}
	if got := query(`up`); got != "1" {
		t.Errorf("up is %s", got)
	}
	s.stop()
}
