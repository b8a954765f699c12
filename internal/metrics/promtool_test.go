//go:build peers

package metrics

import (
	"bytes"
	"os/exec"
	"testing"
	"time"

	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/notify"
	"imerr-scan/internal/serve"
	"imerr-scan/pkg/catalog"
)

// Prometheus' own tool (package prometheus) reads what a scrape gets and finds nothing to complain of.
func TestPromtoolAcceptsTheMetrics(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool is not installed: apt-get install prometheus")
	}
	m := New(catalog.Web(), Build{Version: "1.0.0", Revision: "a1b2c3d", Go: "go1.26"})
	m.Read("kafka")
	m.Counted("kafka", kicks(5))
	m.Delayed([]float32{0.2, 90})
	m.Alerted(&detect.Alert{Alert: "kick-storm", Severity: "critical", State: detect.Firing})
	var b bytes.Buffer
	m.Write(&b, &Now{
		Users: map[int32]int64{206: 3}, Watermark: 1_795_000_000_000, LastEvent: time.Now(), Sinks: []notify.Stats{{Name: "dingtalk", OK: 1}}, Ready: true, Leader: true,
		Vitals: serve.Vitals{
			Lost: 1, Verdicts: map[deltalog.Kind]int64{deltalog.Accepted: 1},
			Kafka: &serve.Group{Lags: []serve.Lag{{Topic: "client-logs", Partition: 3, Next: 7, End: 9}}, Generations: 2},
		},
	})
	cmd := exec.Command(promtool, "check", "metrics")
	cmd.Stdin = &b
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}
