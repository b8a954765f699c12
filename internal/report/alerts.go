package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/pkg/catalog"
)

// SetAlerts puts alerts into a result, as -o json shows them, with times in zone.
func SetAlerts(res *aggregate.Result, alerts []detect.Alert, zone *time.Location) {
	res.Alerts = make([]json.RawMessage, 0, len(alerts))
	for _, a := range alerts {
		a.In(zone)
		if raw, err := json.Marshal(&a); err == nil { // it fails for numbers that are none, which an alert does not have
			res.Alerts = append(res.Alerts, raw)
		}
	}
}

// Alerts returns the alerts of a result; what is none is left out.
func Alerts(res *aggregate.Result) []detect.Alert {
	var list []detect.Alert
	for _, raw := range res.Alerts {
		var a detect.Alert
		if json.Unmarshal(raw, &a) == nil && a.Alert != "" {
			list = append(list, a)
		}
	}
	return list
}

// AlertJSON writes an alert record as a line of JSON.
func AlertJSON(w io.Writer, a *detect.Alert) error {
	raw, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = w.Write(append(raw, '\n'))
	return err
}

// AlertLine says an alert in one line, for a log or a terminal: when, how bad, what, how much.
func AlertLine(a *detect.Alert, cat *catalog.Catalog, lang catalog.Lang) string {
	s := &screen{cat: cat, lang: lang}
	state := map[string]string{
		detect.Firing: s.say("firing", "告警"), detect.Update: s.say("still firing", "仍在告警"), detect.Resolved: s.say("resolved", "已恢复"),
	}[a.State]
	return fmt.Sprintf("%s  %s %s  %s%s", a.At.Format(time.DateTime), s.severity(a.Severity), state, s.alertName(a), s.colon()+s.alertNumbers(a))
}

// alerts writes the section of alerts: each with its span, size and cause.
func (s *screen) alerts() {
	list := Alerts(s.res)
	if len(list) == 0 {
		return
	}
	title := s.say("ALERTS", "告警")
	if !s.opt.Sent {
		title += s.say(" (none was sent)", "（未发送）")
	}
	s.section(title)
	shown := s.worst(list)
	days := severalDays(shown)
	spanWidth, levelWidth := 0, 0
	for i := range shown {
		spanWidth = max(spanWidth, width(s.alertSpan(&shown[i], days)))
		levelWidth = max(levelWidth, width(s.severity(shown[i].Severity)))
	}
	indent := spanWidth + 2 + levelWidth + 2
	room := min(s.opt.Width, 128) - 2 - indent
	for i := range shown {
		a := &shown[i]
		head := padRight(s.alertSpan(a, days), spanWidth) + "  " + s.bySeverity(a.Severity)(padRight(s.severity(a.Severity), levelWidth)) + "  "
		lines := s.alertLines(a, max(room, 24))
		if room < 24 { // the text stands below
			fmt.Fprintln(s, "  "+strings.TrimRight(head, " "))
			head = ""
			lines = s.alertLines(a, s.opt.Width-6)
			indent = 4
		}
		for j, line := range lines {
			if j > 0 || head == "" {
				head = spaces(indent)
			}
			fmt.Fprintln(s, strings.TrimRight("  "+head+line, " "))
		}
	}
}

// worst returns the alerts that a screen has room for, in order of time: half as many as codes, the most severe.
func (s *screen) worst(list []detect.Alert) []detect.Alert {
	byTime := func(a, b detect.Alert) int { return a.StartsAt.Compare(b.StartsAt) }
	slices.SortStableFunc(list, byTime)
	most := (s.opt.Top + 1) / 2
	if s.opt.Top == 0 || len(list) <= most {
		return list
	}
	shown := slices.Clone(list)
	slices.SortStableFunc(shown, func(a, b detect.Alert) int {
		return cmp.Or(catalog.SeverityRank(b.Severity)-catalog.SeverityRank(a.Severity), cmp.Compare(b.Users, a.Users))
	})
	shown = shown[:most]
	slices.SortStableFunc(shown, byTime)
	s.text("  "+s.say(plural(int64(len(list)-most), "+ %d less severe one  (--top 0)", "+ %d less severe ones  (--top 0)"), "另有 %d 条较轻的（--top 0）", len(list)-most), s.ink.dim)
	return shown
}

// alertLines are what is said of an alert, wrapped: how much, then why.
func (s *screen) alertLines(a *detect.Alert, room int) []string {
	lines := wrap(s.alertName(a)+s.colon()+s.alertNumbers(a), room)
	if why := s.alertWhy(a); why != "" {
		lines = append(lines, wrap(why, room)...)
	}
	return lines
}

func (s *screen) colon() string { return s.say(": ", "：") }

// alertName is what an alert is called: kick storm 206/217.
func (s *screen) alertName(a *detect.Alert) string {
	var codes []string
	for i, code := range a.Codes {
		if i == 6 {
			codes = append(codes, "…")
			break
		}
		codes = append(codes, strconv.Itoa(int(code)))
	}
	list := strings.Join(codes, "/")
	switch {
	case a.Alert == detect.KickStorm:
		return strings.TrimSpace(s.say("kick storm ", "踢下线风暴 ") + list)
	case strings.HasPrefix(a.Alert, "spike-") && len(a.Codes) == 1:
		return strings.TrimSpace(s.say("spike of ", "突增 ") + list + " " + shortName(s.entry(a.Codes[0]).Name))
	}
	return clean(a.Alert, 64) + " (" + list + ")"
}

// alertNumbers says how much it was, beside what is usual.
func (s *screen) alertNumbers(a *detect.Alert) string {
	rate, word := a.Rate, s.say("%s/min", "每分钟 %s 次")
	if a.State == detect.Resolved && a.Peak > 0 {
		rate, word = a.Peak, s.say("peak %s/min", "峰值每分钟 %s 次")
	}
	parts := []string{fmt.Sprintf(word, quantity(rate))}
	switch {
	case a.Threshold > 0:
		parts = append(parts, s.say("limit %s in %s", "限值 %s / %s", quantity(a.Threshold), shortSpan(a.Window)))
	case a.Usual < 0.05:
		parts = append(parts, s.say("usually next to none", "平时几乎没有"))
	default:
		parts = append(parts, s.say("usually %s (%s×)", "平时 %s（%s 倍）", quantity(a.Usual), quantity(rate/a.Usual)))
	}
	parts = append(parts, s.say(plural(a.Count, "%s event", "%s events"), "共 %s 次", grouped(a.Count)))
	if a.Users > 0 {
		parts = append(parts, s.say(plural(a.Users, "%s user", "%s users"), "%s 位用户", grouped(a.Users)))
	}
	return strings.Join(parts, s.say(", ", "，"))
}

// shortSpan is a duration without its zeros: 10m, not 10m0s.
func shortSpan(d string) string {
	d = clean(d, 16)
	for _, zero := range []string{"m0s", "h0m"} {
		if rest, ok := strings.CutSuffix(d, zero); ok {
			d = rest + zero[:1]
		}
	}
	return d
}

// alertWhy says what kind of storm it was and what changed.
func (s *screen) alertWhy(a *detect.Alert) string {
	var parts []string
	if kind := detect.KindMeaning(a.Kind); kind.EN != "" {
		text := s.pick(kind)
		if a.Storm != nil && a.Storm.KicksPerUser > 0 {
			text += s.say(" (%s per user)", "（人均 %s 次）", quantity(a.Storm.KicksPerUser))
		}
		parts = append(parts, text)
	}
	for _, w := range a.Why {
		parts = append(parts, s.alertChange(&w))
	}
	if len(a.TopUsers) > 0 && (a.Kind == detect.KindPingPong || a.Kind == detect.KindSharedAccount) {
		var users []string
		for _, u := range a.TopUsers[:min(3, len(a.TopUsers))] {
			users = append(users, clean(u.User, 32))
		}
		parts = append(parts, s.say("most: ", "最多：")+strings.Join(users, s.say(", ", "、")))
	}
	if a.Recurring {
		parts = append(parts, s.say("as high three times before within 24 h", "24 小时内已有三次同样规模"))
	}
	return strings.Join(parts, s.say("; ", "；"))
}

func (s *screen) pick(t detect.Text) string { return catalog.Text{ZH: t.ZH, EN: t.EN}.In(s.lang) }

func (s *screen) alertChange(w *detect.Change) string {
	field := clean(w.Field, 16)
	if s.lang == catalog.ZH {
		field = map[string]string{"version": "版本", "platform": "平台", "reason": "原因"}[w.Field]
	}
	value := cut(clean(w.Value, 64), 32)
	if w.Before > 0 {
		return s.say("%.0f%% from %s %s (before: %.0f%%)", "%.0f%% 来自%s %s（此前 %.0f%%）", 100*w.Share, field, value, 100*w.Before)
	}
	return s.say("%.0f%% from %s %s (before: none)", "%.0f%% 来自%s %s（此前没有）", 100*w.Share, field, value)
}

var severityWords = map[string][2]string{
	"info": {"INFO", "提示"}, "warning": {"WARN", "警告"}, "error": {"ERROR", "错误"}, "critical": {"CRIT", "严重"},
}

func (s *screen) severity(severity string) string {
	words, ok := severityWords[severity]
	if !ok {
		return clean(severity, 16)
	}
	return s.say(words[0], words[1])
}

// alertSpan is from when to when; the days too, if they are not all one.
func (s *screen) alertSpan(a *detect.Alert, days bool) string {
	layout := time.TimeOnly
	if days {
		layout = "01-02 15:04:05"
	}
	end := s.say("open", "未结束")
	if a.EndsAt != nil {
		end = a.EndsAt.Format(layout)
		if days && a.EndsAt.Format(time.DateOnly) == a.StartsAt.Format(time.DateOnly) {
			end = a.EndsAt.Format(time.TimeOnly)
		}
	}
	return a.StartsAt.Format(layout) + " → " + end
}

func severalDays(list []detect.Alert) bool {
	first := list[0].StartsAt.Format(time.DateOnly)
	for i := range list {
		if list[i].StartsAt.Format(time.DateOnly) != first || list[i].EndsAt != nil && list[i].EndsAt.Format(time.DateOnly) != first {
			return true
		}
	}
	return false
}

// quantity shows one decimal below ten.
func quantity(x float64) string {
	if x < 9.95 {
		return strings.TrimSuffix(strconv.FormatFloat(x, 'f', 1, 64), ".0")
	}
	return grouped(int64(x + 0.5))
}

// plainAlerts writes the alerts as comments of the form for a pipe.
func (s *screen) plainAlerts() {
	for _, a := range Alerts(s.res) {
		var codes []string
		for _, code := range a.Codes {
			codes = append(codes, strconv.Itoa(int(code)))
		}
		end := "open"
		if a.EndsAt != nil {
			end = a.EndsAt.Format(time.RFC3339)
		}
		var line strings.Builder
		fmt.Fprintf(&line, "# alert: %s codes=%s severity=%s starts=%s ends=%s count=%d users=%d peak_per_min=%.1f usual_per_min=%.1f",
			plainCell(a.Alert), strings.Join(codes, ","), plainCell(a.Severity), a.StartsAt.Format(time.RFC3339), end, a.Count, a.Users, a.Peak, a.Usual)
		if a.Kind != "" {
			line.WriteString(" kind=" + plainCell(a.Kind))
		}
		for _, w := range a.Why {
			fmt.Fprintf(&line, " %s=%s:%.0f%%:before=%.0f%%", plainCell(w.Field), plainCell(w.Value), 100*w.Share, 100*w.Before)
		}
		s.line("%s", line.String())
	}
}

// mdAlerts writes the alerts for an issue, a chat or a wiki.
func (s *screen) mdAlerts() {
	list := Alerts(s.res)
	if len(list) == 0 {
		return
	}
	s.line("")
	s.line("### %s", s.say("Alerts", "告警"))
	s.line("")
	days := severalDays(list)
	for i := range list {
		a := &list[i]
		text := s.alertSpan(a, days) + " " + s.severity(a.Severity) + " " + s.alertName(a) + s.colon() + s.alertNumbers(a)
		if why := s.alertWhy(a); why != "" {
			text += s.say(". ", "。") + why
		}
		s.line("- %s", mdText(text))
	}
}
