package notify

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"imerr-scan/internal/detect"
)

// hook is the form in which Alertmanager calls a webhook, version 4. Bridges to other systems read it.
type hook struct {
	Version           string            `json:"version"`
	GroupKey          string            `json:"groupKey"`
	TruncatedAlerts   int               `json:"truncatedAlerts"`
	Status            string            `json:"status"`
	Receiver          string            `json:"receiver"`
	GroupLabels       map[string]string `json:"groupLabels"`
	CommonLabels      map[string]string `json:"commonLabels"`
	CommonAnnotations map[string]string `json:"commonAnnotations"`
	ExternalURL       string            `json:"externalURL"`
	Alerts            []hookAlert       `json:"alerts"`
}

type hookAlert struct {
	Status       string            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"` // zero while firing, as Alertmanager has it
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

func composeWebhook(c *composer, notes []note) (request, int) {
	h := hook{
		Version: "4", Status: detect.Resolved, Receiver: c.sink.Name, ExternalURL: c.page,
		GroupLabels: map[string]string{"alertname": notes[0].labels["alertname"]},
	}
	for i := range notes {
		n := &notes[i]
		a := hookAlert{
			Status: detect.Firing, Labels: n.labels, Annotations: c.annotations(n), StartsAt: n.StartsAt.In(c.zone),
			GeneratorURL: c.page, Fingerprint: fingerprint(n.labels),
		}
		if n.State == detect.Resolved {
			a.Status, a.EndsAt = detect.Resolved, c.end(n).In(c.zone)
		} else {
			h.Status = detect.Firing
		}
		h.Alerts = append(h.Alerts, a)
		h.CommonLabels = common(h.CommonLabels, a.Labels, i == 0)
		h.CommonAnnotations = common(h.CommonAnnotations, a.Annotations, i == 0)
		if n.labels["alertname"] != h.GroupLabels["alertname"] {
			h.GroupLabels = map[string]string{}
		}
	}
	h.GroupKey = "{}:{" + labelText(h.GroupLabels) + "}"
	return request{body: encode(h)}, len(notes)
}

// end is when an alert was over, by event time; never before it began.
func (c *composer) end(n *note) time.Time {
	if n.EndsAt == nil {
		return latest(n.At, n.StartsAt)
	}
	return latest(*n.EndsAt, n.StartsAt)
}

// annotations hold the same words that people get.
func (c *composer) annotations(n *note) map[string]string {
	m := c.single(n)
	notes := map[string]string{"summary": m.title, "description": strings.Join(m.lines, "\n")}
	if len(m.lines) > 0 {
		notes["summary"] += c.say("：", ": ") + m.lines[0]
	}
	for _, l := range c.links {
		switch l.title {
		case c.say("处理手册", "Runbook"):
			notes["runbook_url"] = l.url
		case c.say("看板", "Dashboard"):
			notes["dashboard_url"] = l.url
		}
	}
	return notes
}

// common returns what a and b agree on.
func common(a, b map[string]string, first bool) map[string]string {
	if first {
		return maps.Clone(b)
	}
	maps.DeleteFunc(a, func(k, v string) bool { return b[k] != v })
	return a
}

func labelText(labels map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, fmt.Sprintf("%s=%q", k, labels[k]))
	}
	return strings.Join(parts, ", ")
}

// fingerprint is that of Prometheus: FNV-1a over the sorted names and values, a byte 0xff behind each.
func fingerprint(labels map[string]string) string {
	h := fnv.New64a()
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		_, _ = h.Write([]byte(k + "\xff" + labels[k] + "\xff")) // never fails
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// posted is an alert as POST /api/v2/alerts takes it.
type posted struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// expiry is how long an Alertmanager believes a firing that nobody repeats.
const expiry = 4 * resendEvery

// composeAlertmanager sends no startsAt behind endsAt, which is answered 400, and of two alerts with the same labels only
// the one that began last: to Alertmanager they are one.
func composeAlertmanager(c *composer, notes []note) (request, int) {
	newest := map[string]int{}
	for i := range notes {
		id := labelText(notes[i].labels)
		if j, twice := newest[id]; !twice || notes[j].StartsAt.Before(notes[i].StartsAt) {
			newest[id] = i
		}
	}
	all := []posted{}
	for i := range notes {
		n := &notes[i]
		if newest[labelText(n.labels)] != i {
			continue
		}
		p := posted{
			Labels: n.labels, Annotations: c.annotations(n), GeneratorURL: c.page,
			StartsAt: n.StartsAt, EndsAt: c.now.Add(expiry),
		}
		if n.State == detect.Resolved {
			p.EndsAt = c.now
		}
		if p.StartsAt.After(c.now) {
			p.StartsAt = c.now // the clock of the devices is ahead of ours
		}
		all = append(all, p)
	}
	return request{path: "/api/v2/alerts", body: encode(all)}, len(notes)
}
