package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/pkg/catalog"
)

// Backtest writes when alerts would have fired: a row for each alert, then every stay of it, then what came near. res is
// what was read. The times of alerts are shown as they are; of opt it takes Width, Plain, Color, Lang, Top, Input and Elapsed.
func Backtest(w io.Writer, res *aggregate.Result, alerts []detect.Alert, misses []detect.Miss, cat *catalog.Catalog, opt TextOptions) error {
	if opt.Width <= 0 {
		opt.Width = 80
	}
	opt.Width = max(opt.Width, 40)
	if opt.Plain {
		opt.Width = 160
	}
	s := &screen{printer: printer{w: w}, ink: ink(opt.Color && !opt.Plain), opt: opt, res: res, cat: cat, lang: opt.Lang}
	s.text(s.say("read %s, %s; nothing was sent", "已读 %s，%s；未发送任何告警", strings.ReplaceAll(s.readLine(), "   ", ", "), s.spanLine()), nil)
	s.line("")
	if len(alerts) == 0 {
		s.text(s.say("No alert would have fired.", "不会触发任何告警。"), s.ink.bold)
	} else {
		s.fired(alerts)
		s.stays(alerts)
	}
	s.misses(misses)
	return s.err
}

// fired is one row for each name of alerts.
func (s *screen) fired(alerts []detect.Alert) {
	type row struct {
		name          string
		fired         int
		open, longest time.Duration
		users, count  int64
	}
	var rows []*row
	for i := range alerts {
		a := &alerts[i]
		at := slices.IndexFunc(rows, func(r *row) bool { return r.name == a.Alert })
		if at < 0 {
			at = len(rows)
			rows = append(rows, &row{name: a.Alert})
		}
		r, lasted := rows[at], stay(a)
		r.fired++
		r.open += lasted
		r.longest = max(r.longest, lasted)
		r.users += a.Users
		r.count += a.Count
	}
	slices.SortStableFunc(rows, func(a, b *row) int { return int(b.open.Seconds()) - int(a.open.Seconds()) })
	t := table{
		head: []string{s.say("ALERT", "告警"), s.say("FIRED", "次数"), s.say("OPEN FOR", "总时长"), s.say("LONGEST", "最长"),
			s.say("EVENTS", "事件"), s.say("USERS", "用户")},
		right: []bool{false, true, true, true, true, true},
	}
	for _, r := range rows {
		t.add(clean(r.name, 40), fmt.Sprint(r.fired), s.lasting(r.open), s.lasting(r.longest), grouped(r.count), grouped(r.users))
	}
	t.write(s, "")
}

func stay(a *detect.Alert) time.Duration {
	end := a.At
	if a.EndsAt != nil {
		end = *a.EndsAt
	}
	return end.Sub(a.StartsAt)
}

func (s *screen) lasting(d time.Duration) string {
	d = d.Round(time.Second)
	hours, minutes, seconds := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case hours > 0:
		return s.say("%dh%02dm", "%d时%02d分", hours, minutes)
	case minutes > 0:
		return s.say("%dm%02ds", "%d分%02d秒", minutes, seconds)
	}
	return s.say("%ds", "%d秒", seconds)
}

// stays lists every stay of every alert.
func (s *screen) stays(alerts []detect.Alert) {
	s.line("")
	shown := slices.Clone(alerts)
	slices.SortStableFunc(shown, func(a, b detect.Alert) int { return a.StartsAt.Compare(b.StartsAt) })
	if s.opt.Top > 0 && len(shown) > 3*s.opt.Top {
		shown = shown[len(shown)-3*s.opt.Top:]
		s.text(s.say("… %d earlier ones (--top 0, -o ndjson)", "… 更早的 %d 条（--top 0、-o ndjson）", len(alerts)-len(shown)), s.ink.dim)
	}
	days := severalDays(shown)
	for i := range shown {
		a := &shown[i]
		head := s.alertSpan(a, days) + "  " + s.bySeverity(a.Severity)(s.severity(a.Severity)) + "  "
		indent := width(s.alertSpan(a, days)) + 4 + width(s.severity(a.Severity))
		for _, line := range s.alertLines(a, max(min(s.opt.Width, 160)-indent, 24)) {
			fmt.Fprintln(s, head+line)
			head = spaces(indent)
		}
		s.text(spaces(indent)+s.say("known at %s, %s after its start", "%s 得知，开始后 %s", a.FiredAt.Format(time.TimeOnly), s.lasting(a.FiredAt.Sub(a.StartsAt))), s.ink.dim)
	}
}

var missingWords = map[string][2]string{
	detect.MissingCount:    {"too few (min_count)", "次数不足（min_count）"},
	detect.MissingRatio:    {"less than half more than usual", "未超过平时的 1.5 倍"},
	detect.MissingSurprise: {"could be chance (false_alarms_per_week)", "可能是随机波动（false_alarms_per_week）"},
	detect.MissingUsers:    {"one or two accounts alone (min_users)", "仅一两个账号（min_users）"},
}

// misses lists what did not fire, the nearest first.
func (s *screen) misses(misses []detect.Miss) {
	if len(misses) == 0 {
		return
	}
	s.line("")
	s.text(s.say("SILENT, the closest miss of each", "未触发，各自最接近的一次"), s.ink.bold)
	if s.opt.Top > 0 && len(misses) > s.opt.Top {
		misses = misses[:s.opt.Top]
	}
	t := table{
		head: []string{s.say("ALERT", "告警"), s.say("AT", "时间"), s.say("IN", "时段"), s.say("COUNT", "次数"), s.say("NEEDED", "触发值"),
			s.say("USUAL", "平时"), s.say("MISSING", "未满足")},
		right: []bool{false, false, true, true, true, true, false},
	}
	for _, m := range misses {
		name := m.Alert
		if len(m.Codes) == 1 && m.Alert == detect.KickStorm {
			name = fmt.Sprintf("%s (%d)", m.Alert, m.Codes[0])
		}
		words := missingWords[m.Missing]
		t.add(clean(name, 40), m.At.Format("01-02 15:04:05"), shortSpan(m.Clock), quantity(m.Count), quantity(m.Needed), quantity(m.Usual), s.say(words[0], words[1]))
	}
	t.write(s, "")
}
