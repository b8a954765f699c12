//go:build peers && unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"imerr-scan/internal/kafka/kafkatest"
)

// prom is a real Prometheus (package prometheus), which scrapes each second.
type prom struct {
	t                *testing.T
	address, targets string
}

func startPrometheus(t *testing.T, dir string, targets ...string) *prom {
	t.Helper()
	prometheus, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatal("prometheus is not installed: apt-get install prometheus")
	}
	p := &prom{t: t, address: freeAddress(t), targets: filepath.Join(dir, "targets.json")}
	p.scrape(targets...)
	conf := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("scrape_configs:\n- {job_name: imerr, scrape_interval: 1s, file_sd_configs: [{files: [%q]}]}\n", p.targets)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(prometheus, "--config.file="+conf, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"), "--web.listen-address="+p.address)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return p
}

// scrape makes these the services that are scraped.
func (p *prom) scrape(targets ...string) {
	p.t.Helper()
	list, err := json.Marshal([]map[string][]string{{"targets": targets}})
	if err == nil {
		err = os.WriteFile(p.targets+".new", list, 0o600)
	}
	if err == nil {
		err = os.Rename(p.targets+".new", p.targets)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// query returns the one value of an expression.
func (p *prom) query(expr string) string {
	resp, err := http.Get("http://" + p.address + "/api/v1/query?query=" + url.QueryEscape(expr))
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

func (p *prom) want(expr, value string) {
	p.t.Helper()
	waitUntil(p.t, expr+" = "+value, func() bool { return p.query(expr) == value })
}

// A real Prometheus scrapes a real service, and sums to what was written.
func TestARealPrometheusScrapesTheService(t *testing.T) {
	dir := t.TempDir()
	bin, log := binary(t, dir), filepath.Join(dir, "app.log")
	f, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := startServe(t, bin, dir, "--config", "none", log)
	p := startPrometheus(t, dir, s.address)
	p.want(`sum(imerr_errors_total)`, "0") // scraped before anything was counted
	for user := range 500 {
		fmt.Fprintf(f, `{"ts":%q,"error":{"type":206,"message":"kicked"},"user":"u_%d"}`+"\n", time.Now().UTC().Format(time.RFC3339), user)
	}
	p.want(`sum(imerr_errors_total{code="206"})`, "500")
	if got := p.query(`sum(increase(imerr_errors_total[5m])) > bool 0`); got != "1" {
		t.Errorf("the first events are no increase: %s", got)
	}
	if got := p.query(`up`); got != "1" {
		t.Errorf("up is %s", got)
	}
	s.stop()
}

// Replicas come while a topic is read: what Prometheus sums over them is what is in the topic, one of them is the leader, each
// partition has one owner.
func TestARealPrometheusSumsOverReplicas(t *testing.T) {
	dir := t.TempDir()
	bin, b := binary(t, dir), kafkatest.Fake(t)
	b.Create(t, kafkaTopic, 4, nil)
	sent := 0
	produce := func() {
		for p := range 4 {
			var values [][]byte
			for range 250 {
				values = append(values, kick(sent))
				sent++
			}
			b.Produce(t, kafkaTopic, p, "lz4", values...)
		}
	}
	replicas := []*served{consume(t, bin, dir, "0", b)}
	p := startPrometheus(t, dir, replicas[0].address)
	for range 2 {
		produce()
		p.want(`sum(imerr_errors_total{code="206"})`, fmt.Sprint(sent))
		replicas = append(replicas, consume(t, bin, dir, fmt.Sprint(len(replicas)), b))
		var targets []string
		for _, s := range replicas {
			targets = append(targets, s.address)
		}
		p.scrape(targets...)
		produce() // while they share the partitions anew
		p.want(`count(up == 1)`, fmt.Sprint(len(replicas)))
		p.want(`sum(imerr_errors_total{code="206"})`, fmt.Sprint(sent))
	}
	produce()
	p.want(`sum(imerr_errors_total{code="206"})`, fmt.Sprint(sent))
	p.want(`sum(imerr_lines_total{input="kafka"})`, fmt.Sprint(sent))
	p.want(`sum(imerr_leader)`, "1")
	p.want(`count(imerr_kafka_lag)`, "4")
	p.want(`max(imerr_kafka_lag)`, "0")
	p.want(`count(imerr_alert_state{alert="kick-storm"})`, "1") // the leader's
	for _, s := range replicas {
		s.stop()
	}
}
