package metrics

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/notify"
	"imerr-scan/internal/serve"
	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/classify"
	"imerr-scan/pkg/extract"
)

// scrape returns what a scrape gets, without the metrics of the process.
func scrape(m *Metrics, now Now) map[string]string {
	var b bytes.Buffer
	m.Write(&b, &now)
	samples := map[string]string{}
	for line := range strings.Lines(b.String()) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "} "); ok && strings.HasPrefix(line, "imerr_") {
			samples[name+"}"] = value
		} else if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.HasPrefix(line, "imerr_") {
			samples[name] = value
		}
	}
	return samples
}

func kicks(n int) *aggregate.Result {
	t := aggregate.New(aggregate.Options{})
	for i := range n {
		e := catalog.Web().Lookup(206)
		t.Add(&classify.Event{Code: 206, Entry: e, Category: e.Category, Reason: []string{"other_device_login", "nobody\nknows"}[i%2], Candidate: &extract.Candidate{}})
		t.Lines(aggregate.WithError, 1)
	}
	t.Add(&classify.Event{Category: "unknown", Value: `1305"}`, Candidate: &extract.Candidate{}})
	return t.Result(aggregate.ResultOptions{NoMerge: true})
}

const kicked = `imerr_errors_total{code="206",name="WEBIM_CONNCTION_USER_LOGIN_ANOTHER_DEVICE",category="auth"}`

func TestCountersBeginAtZeroAndOnlyRise(t *testing.T) {
	m := New(catalog.Web(), Build{Version: "1.0.0"})
	before := scrape(m, Now{})
	codes := 0
	for name, value := range before {
		if strings.HasPrefix(name, "imerr_errors_total{") {
			codes++
			if value != "0" {
				t.Errorf("%s = %s before anything was counted", name, value)
			}
		}
	}
	if codes != 70+16+1 {
		t.Errorf("%d codes from the start, want the 86 documented and public ones, and unknown", codes)
	}
	m.Read("kafka")
	m.Counted("kafka", kicks(3))
	m.Counted("kafka", kicks(4))
	after := scrape(m, Now{})
	for name, want := range map[string]string{
		kicked: "7", `imerr_errors_total{code="unknown",name="",category="unknown"}`: "2",
		`imerr_reasons_total{code="206",reason="other_device_login"}`: "4", `imerr_reasons_total{code="206",reason="other"}`: "3",
		`imerr_lines_total{input="kafka",result="with_error"}`: "7", "imerr_events_total": "9", "imerr_undated_events_total": "9",
	} {
		if after[name] != want {
			t.Errorf("%s = %q, want %s", name, after[name], want)
		}
	}
}

func TestAlertStateFollowsTheAlert(t *testing.T) {
	before := detect.Alert{Alert: "any-kick", Severity: "warning", State: detect.Update}
	if got := scrape(New(catalog.Web(), Build{}), Now{Leader: true, Alerts: []detect.Alert{before}}); got[`imerr_alert_state{alert="any-kick",severity="warning"}`] != "2" {
		t.Error("an alert that fired in an earlier life of the service is not shown as firing")
	}
	m := New(catalog.Web(), Build{})
	const storm = `imerr_alert_state{alert="kick-storm",severity="critical"}`
	if got := scrape(m, Now{Leader: true})[storm]; got != "0" {
		t.Errorf("before any alert %s = %q, want 0", storm, got)
	}
	a := detect.Alert{Alert: "kick-storm", Severity: "critical", State: detect.Firing}
	m.Alerted(&a)
	if got := scrape(m, Now{Leader: true, Alerts: []detect.Alert{a}})[storm]; got != "2" {
		t.Errorf("while it fires %s = %q, want 2", storm, got)
	}
	a.State = detect.Resolved
	m.Alerted(&a)
	got := scrape(m, Now{Leader: true, Alerts: []detect.Alert{a}})
	if got[storm] != "0" || got[`imerr_alert_transitions_total{alert="kick-storm",to="resolved"}`] != "1" {
		t.Errorf("after its end %s = %q, transitions %q; want 0 and 1", storm, got[storm], got[`imerr_alert_transitions_total{alert="kick-storm",to="resolved"}`])
	}
}

// sample is a line of the text format with nothing in it that some reader stumbles over.
var sample = regexp.MustCompile(`^[a-z_]+(\{([a-z_]+="[a-zA-Z0-9_.:/+ -]*",?)*\})? -?[0-9.e+Inf-]+$`)

func TestHostileNamesStayHarmlessAndSeriesAreBounded(t *testing.T) {
	m := New(catalog.Web(), Build{Version: "1\n2", Revision: `"`, Go: "\u200b\x00"})
	for i := range 3 * maxAlerts {
		m.Alerted(&detect.Alert{Alert: fmt.Sprintf("limit \"%d\"\n\u202e{}", i), Severity: "warn\\ing", State: detect.Firing})
	}
	m.Counted("files", kicks(2))
	var b bytes.Buffer
	m.Write(&b, &Now{
		Leader: true, Users: map[int32]int64{206: 3}, Watermark: 1, LastEvent: time.UnixMilli(5),
		Vitals: serve.Vitals{Lost: 1, Verdicts: map[deltalog.Kind]int64{deltalog.Accepted: 1}},
		Sinks:  []notify.Stats{{Name: "a\"b\n"}}, Reload: Reload{OK: true, At: time.Unix(7, 0)},
	})
	help := map[string]int{}
	for line := range strings.Lines(b.String()) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, text, _ := strings.Cut(name, " ")
			if help[name]++; help[name] > 1 || text == "" {
				t.Errorf("HELP of %s stands there twice, or is empty", name)
			}
			continue
		}
		if !strings.HasPrefix(line, "# TYPE ") && !sample.MatchString(line) && strings.HasPrefix(line, "imerr_") {
			t.Errorf("not a plain sample: %q", line)
		}
	}
	if n := strings.Count(b.String(), "\nimerr_alert_state{"); n > maxAlerts {
		t.Errorf("%d series of alerts, want at most %d", n, maxAlerts)
	}
	usual := New(catalog.Web(), Build{})
	usual.Read("kafka")
	usual.Read("files")
	usual.Counted("kafka", kicks(2))
	usual.Delayed([]float32{0.1, 5, -3})
	if n := len(scrape(usual, Now{Users: map[int32]int64{206: 1}})); n > 600 {
		t.Errorf("%d series, want at most 600", n)
	}
}

func TestDocumentationListsEveryMetric(t *testing.T) {
	docs, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range families {
		if !strings.Contains(string(docs), "`"+name+"`") {
			t.Errorf("docs/metrics.md does not list %s", name)
		}
	}
	for _, name := range regexp.MustCompile("`(imerr_[a-z_]+)`").FindAllStringSubmatch(string(docs), -1) {
		if _, ok := families[name[1]]; !ok {
			t.Errorf("docs/metrics.md lists %s, which there is not", name[1])
		}
	}
	m := New(catalog.Web(), Build{})
	m.Counted("files", kicks(2))
	for name := range scrape(m, Now{Watermark: 1, LastEvent: time.UnixMilli(1)}) {
		name, _, _ = strings.Cut(name, "{")
		if base, ok := histogram(name); ok {
			name = base
		}
		if _, ok := families[name]; !ok {
			t.Errorf("%s has no text for HELP", name)
		}
	}
}
