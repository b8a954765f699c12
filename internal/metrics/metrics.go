// Package metrics shows what a service counts in the text format of Prometheus. It stands behind serve and in front of
// whoever scrapes; docs/metrics.md lists what there is.
//
// Counters of every documented and public code are there from the start, at 0, so that the first event is an increase; they
// never expire. Labels are bounded: codes, causes and categories of the catalog, classes of lines, names of sinks and of
// alerts. Nothing that a log says becomes a label.
package metrics

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/notify"
	"imerr-scan/internal/serve"
	"imerr-scan/pkg/catalog"
)

// Build is what imerr_build_info says.
type Build struct{ Version, Revision, Go string }

// Metrics are the counters of one process. Its methods are safe for concurrent use.
type Metrics struct {
	set   *metrics.Set
	cat   *catalog.Catalog
	delay *metrics.PrometheusHistogram

	mu     sync.Mutex
	alerts map[string]string // severity by name, of those that were seen
}

// Now is what a scrape asks for: the state of things, beside what was counted.
type Now struct {
	serve.Vitals
	Users     map[int32]int64 // distinct in the last hour, by code
	Alerts    []detect.Alert
	Watermark int64     // Unix milliseconds; 0 without one
	LastEvent time.Time // zero without one
	Sinks     []notify.Stats
	Ready     bool
	Leader    bool
	Reload    Reload
}

// Reload is how the last reading of the configuration went.
type Reload struct {
	OK bool
	At time.Time // of the last that was taken
}

// maxAlerts is how many names of alerts become labels: codes of the catalog, the family, limits.
const maxAlerts = 512

// New returns the counters of a process that has counted nothing.
func New(cat *catalog.Catalog, build Build) *Metrics {
	m := &Metrics{set: metrics.NewSet(), cat: cat, alerts: map[string]string{detect.KickStorm: "critical"}}
	for _, e := range cat.Entries() {
		if e.Tier == "documented" || e.Tier == "sdk_public" {
			m.errors(e.Code, e.Name, e.Category)
		}
	}
	m.counter("imerr_errors_total", "code", "unknown", "name", "", "category", "unknown")
	for _, e := range cat.Entries() {
		for _, r := range e.Reasons {
			m.counter("imerr_reasons_total", "code", strconv.Itoa(int(e.Code)), "reason", r.ID)
		}
	}
	for _, name := range []string{"imerr_events_total", "imerr_undated_events_total", "imerr_success_total"} {
		m.counter(name)
	}
	m.counter("imerr_late_events_total", "action", lateAction)
	for _, state := range []string{detect.Firing, detect.Resolved} {
		m.counter("imerr_alert_transitions_total", "alert", detect.KickStorm, "to", state)
	}
	m.delay = m.set.NewPrometheusHistogramExt("imerr_event_delay_seconds", delayBounds)
	m.set.NewGauge(series("imerr_build_info", "version", build.Version, "revision", build.Revision, "goversion", build.Go), one)
	m.set.NewGauge(series("imerr_catalog_info", "platform", cat.Platform(), "version", cat.Version(), "codes", strconv.Itoa(cat.Len())), one)
	return m
}

func one() float64 { return 1 }

// lateAction is what is done with an event that comes too late.
const lateAction = "counted_not_alerted"

// delayBounds are seconds, from what a pipeline takes to what a phone that was offline takes.
var delayBounds = []float64{0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200, 86400}

// Read makes the counters of an input, kafka or files, that is going to be read.
func (m *Metrics) Read(input string) {
	m.counter("imerr_bytes_total", "input", input)
	for _, result := range lineResults {
		m.counter("imerr_lines_total", "input", input, "result", result)
	}
}

// Delayed counts events by how many seconds after their times they were read.
func (m *Metrics) Delayed(seconds []float32) {
	for _, s := range seconds {
		m.delay.Update(max(0, float64(s)))
	}
}

// Late counts events that came too late for the detector.
func (m *Metrics) Late(n int64) {
	m.counter("imerr_late_events_total", "action", lateAction).AddInt64(n)
}

// lineResults are the classes of lines, in the words of the result.
var lineResults = []string{"with_error", "without_error", "broken", "too_long", "foreign", "empty"}

func (m *Metrics) errors(code int32, name, category string) *metrics.Counter {
	return m.counter("imerr_errors_total", "code", strconv.Itoa(int(code)), "name", name, "category", category)
}

func (m *Metrics) counter(name string, labels ...string) *metrics.Counter {
	return m.set.GetOrCreateCounter(series(name, labels...))
}

// series is a name with labels, pairs of name and value.
func series(name string, labels ...string) string {
	if len(labels) == 0 {
		return name
	}
	var b strings.Builder
	b.WriteString(name + "{")
	separator := ""
	for pair := range slices.Chunk(labels, 2) {
		fmt.Fprintf(&b, `%s%s="%s"`, separator, pair[0], label(pair[len(pair)-1]))
		separator = ","
	}
	return b.String() + "}"
}

// label makes of a text one that needs no escapes: the library panics at some, and some scrapers stumble over others.
func label(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("_-.:/+ ", r):
			return r
		}
		return '_'
	}, text[:min(len(text), 128)])
}

// Counted adds what a delta of an input holds that was accepted.
func (m *Metrics) Counted(input string, res *aggregate.Result) {
	for i := range res.Codes {
		c := &res.Codes[i]
		if e := m.cat.Lookup(c.Code); e != nil { // of no other code is there a name
			m.errors(e.Code, e.Name, e.Category).Add(int(c.Count))
		}
		for reason, n := range c.Reasons {
			m.counter("imerr_reasons_total", "code", strconv.Itoa(int(c.Code)), "reason", m.reason(c.Code, reason)).Add(int(n))
		}
	}
	m.counter("imerr_errors_total", "code", "unknown", "name", "", "category", "unknown").Add(int(res.Unknown.Count))
	l := res.Lines
	for i, n := range []int64{l.WithError, l.WithoutError, l.Broken, l.TooLong, l.Foreign, l.Empty} {
		m.counter("imerr_lines_total", "input", input, "result", lineResults[i]).Add(int(n))
	}
	m.counter("imerr_bytes_total", "input", input).Add(int(res.Bytes))
	m.counter("imerr_events_total").Add(int(res.Events))
	m.counter("imerr_undated_events_total").Add(int(res.Undated))
	m.counter("imerr_success_total").Add(int(res.Success))
}

// reason is the word of the catalog for a cause, other if it has none.
func (m *Metrics) reason(code int32, id string) string {
	if e := m.cat.Lookup(code); e != nil {
		for _, r := range e.Reasons {
			if r.ID == id {
				return id
			}
		}
	}
	return "other"
}

// Alerted counts an alert record.
func (m *Metrics) Alerted(a *detect.Alert) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.know(a) && a.State != detect.Update {
		m.counter("imerr_alert_transitions_total", "alert", a.Alert, "to", a.State).Inc()
	}
}

// know gives the name of an alert a series, unless there are too many.
func (m *Metrics) know(a *detect.Alert) bool {
	if _, known := m.alerts[a.Alert]; !known && len(m.alerts) >= maxAlerts {
		return false
	}
	m.alerts[a.Alert] = a.Severity
	return true
}

// Write writes everything, with what is true now, as a scrape wants it.
func (m *Metrics) Write(w io.Writer, now *Now) {
	var b bytes.Buffer
	m.set.WritePrometheus(&b)
	gauges := metrics.NewSet()
	m.gauges(gauges, now)
	gauges.WritePrometheus(&b)
	metrics.WriteProcessMetrics(&b)
	describe(w, b.Bytes())
}

func (m *Metrics) gauges(set *metrics.Set, now *Now) {
	gauge := func(value float64, name string, labels ...string) {
		set.NewGauge(series(name, labels...), func() float64 { return value })
	}
	counter := func(value int64, name string, labels ...string) {
		set.NewCounter(series(name, labels...)).Set(uint64(max(value, 0)))
	}
	if now.Leader { // of several replicas one says what all hold
		for code, n := range now.Users {
			gauge(float64(n), "imerr_affected_users", "code", strconv.Itoa(int(code)), "window", "1h")
		}
		m.alertStates(gauge, now)
		gauge(float64(now.LeftOut), "imerr_sources_left_out")
	}
	if now.Watermark > 0 {
		gauge(float64(now.Watermark)/1000, "imerr_watermark_timestamp_seconds")
	}
	if !now.LastEvent.IsZero() {
		gauge(float64(now.LastEvent.UnixMilli())/1000, "imerr_last_event_timestamp_seconds")
	}
	for kind, n := range now.Verdicts {
		counter(n, "imerr_deltas_total", "verdict", kind.String())
	}
	counter(now.Lost, "imerr_lost_records_total")
	gauge(float64(now.LogLag), "imerr_log_lag")
	gauge(float64(now.Behind), "imerr_file_behind_bytes")
	if k := now.Kafka; k != nil {
		counter(k.Generations, "imerr_kafka_rebalances_total")
		counter(k.Troubles, "imerr_kafka_errors_total")
		for _, l := range k.Lags {
			gauge(float64(l.End-l.Next), "imerr_kafka_lag", "topic", l.Topic, "partition", strconv.Itoa(l.Partition))
			gauge(float64(l.Next), "imerr_kafka_offset", "topic", l.Topic, "partition", strconv.Itoa(l.Partition))
		}
	}
	for _, s := range now.Sinks {
		counter(s.OK, "imerr_notifications_total", "sink", s.Name, "result", "ok")
		counter(s.Rejected, "imerr_notifications_total", "sink", s.Name, "result", "rejected")
		counter(s.Errors, "imerr_notifications_total", "sink", s.Name, "result", "error")
		counter(s.Dropped, "imerr_notifications_total", "sink", s.Name, "result", "dropped")
		gauge(float64(s.Queued), "imerr_notifications_queued", "sink", s.Name)
	}
	gauge(truth(now.Ready), "imerr_ready")
	gauge(truth(now.Leader), "imerr_leader")
	gauge(truth(now.Reload.OK), "imerr_config_last_reload_successful")
	gauge(float64(now.Reload.At.Unix()), "imerr_config_last_reload_success_timestamp_seconds")
}

// alertStates says of each alert that was seen whether it is firing.
func (m *Metrics) alertStates(gauge func(value float64, name string, labels ...string), now *Now) {
	m.mu.Lock()
	defer m.mu.Unlock()
	firing := map[string]bool{}
	for i := range now.Alerts {
		if a := &now.Alerts[i]; a.State != detect.Resolved {
			firing[a.Alert] = true
			m.know(a) // it may have fired in an earlier life
		}
	}
	for name, severity := range m.alerts {
		gauge(2*truth(firing[name]), "imerr_alert_state", "alert", name, "severity", severity)
	}
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
