package screen

import (
	"fmt"
	"strings"
	"time"

	"imerr-scan/internal/detect"
	"imerr-scan/internal/report"
)

// Lines draws the screen: at most as many lines as it has rows, none wider than its columns.
func (s *Screen) Lines() []string {
	head := []line{s.title(), s.input()}
	foot := []line{s.keys()}
	room := s.height - len(head) - len(foot)
	if room < 1 { // a strip: as much of the codes as there is
		head, foot, room = head[:min(1, s.height-1)], nil, max(s.height-1, 1)
	}
	var body []string
	switch {
	case s.help:
		body = s.draw(s.helpLines(), room)
	case s.now == nil:
		body = s.draw([]line{nil, line{}.add(dim, "  %s", s.say("reading …", "读取中…"))}, room)
	case s.detail:
		body = s.scrolled(s.detailLines(), room)
	default:
		body = s.overview(room)
	}
	out := s.draw(head, s.height)
	out = append(out, body...)
	for len(out) < s.height-len(foot) {
		out = append(out, "")
	}
	out = append(out, s.draw(foot, s.height)...)
	return out[:min(len(out), s.height)]
}

// draw draws lines, as many as there is room for.
func (s *Screen) draw(lines []line, room int) []string {
	var out []string
	for _, l := range lines[:min(len(lines), room)] {
		out = append(out, strings.TrimRight(l.draw(s.width, s.opt.Color, ""), " "))
	}
	return out
}

// scrolled draws a part of lines that are more than there is room for.
func (s *Screen) scrolled(lines []line, room int) []string {
	s.scroll = min(s.scroll, max(len(lines)-room, 0))
	return s.draw(lines[s.scroll:], room)
}

// title says what this is, and what time.
func (s *Screen) title() line {
	l := line{}.add(bold, " imerr-scan")
	switch {
	case s.paused:
		l = l.add(yellow, "  %s", s.say("PAUSED", "已暂停"))
	case s.now != nil && s.now.Reading:
		l = l.add(yellow, "  %s", s.say("CATCHING UP", "追赶中"))
	default:
		l = l.add(cyan, "  %s", s.say("LIVE", "实时"))
	}
	clock := ""
	if s.now != nil {
		clock = s.now.At.In(s.opt.Zone).Format("15:04:05 -07:00")
	}
	about := s.opt.Input
	if s.opt.Page != "" {
		about += "  " + s.opt.Page
	}
	room := s.width - l.width() - len(clock) - 5
	if room < 8 {
		return l.add(plain, "  %s", clock)
	}
	return l.add(plain, "  %s", pad(about, room)).add(plain, "  %s", clock)
}

// input says how much is read and how far behind the newest event is: what matters most first, the rest as far as it fits.
func (s *Screen) input() line {
	if s.now == nil {
		return nil
	}
	r := s.now.result
	parts := []string{
		fmt.Sprintf(s.say("%s lines/s", "%s 行/秒"), report.Grouped(int64(s.now.Lines+0.5))),
		fmt.Sprintf("%s/s", report.Bytes(int64(s.now.Bytes+0.5))),
		s.lag(),
		fmt.Sprintf(s.say("%s errors", "%s 个错误"), report.Grouped(r.Events)),
		fmt.Sprintf(s.say("%s users", "%s 位用户"), report.Grouped(r.Users.Distinct)),
		fmt.Sprintf(s.say("%s lines", "%s 行"), report.Grouped(r.Lines.Read)),
		report.Bytes(r.Bytes),
	}
	text := " "
	for i, p := range parts {
		if i > 0 && report.Width(text)+4+report.Width(p) > s.width {
			break
		}
		if i > 0 {
			text += " · "
		}
		text += p
	}
	return line{}.add(dim, "%s", text)
}

// lag is how old the newest event is.
func (s *Screen) lag() string {
	last := s.now.result.Span.Last
	if last == nil {
		return s.say("no event yet", "尚无事件")
	}
	behind := max(s.now.At.Sub(*last), 0)
	var age string
	switch {
	case behind < 10*time.Second:
		age = fmt.Sprintf("%.1f s", behind.Seconds())
	case behind < 2*time.Minute:
		age = fmt.Sprintf("%d s", behind/time.Second)
	case behind < 2*time.Hour:
		age = fmt.Sprintf("%d min", behind/time.Minute)
	case behind < 2*day:
		age = fmt.Sprintf("%d h", behind/time.Hour)
	default:
		age = fmt.Sprintf("%d d", behind/day)
	}
	return fmt.Sprintf(s.say("newest error %s ago", "最新错误 %s 前"), age)
}

// keys is the last line: what there was to say, else the keys.
func (s *Screen) keys() line {
	keys := []string{s.say("↑↓ select", "↑↓ 选择"), s.say("⏎ detail", "⏎ 详情"), s.say("s sort", "s 排序"), s.say("c category", "c 类别"),
		s.say("p pause", "p 暂停"), s.say("? help", "? 帮助"), s.say("q quit", "q 退出")}
	if s.detail {
		keys = []string{s.say("↑↓ scroll", "↑↓ 滚动"), s.say("esc back", "esc 返回"), s.say("p pause", "p 暂停"), s.say("q quit", "q 退出")}
	}
	if s.width < 72 {
		keys = []string{s.say("⏎ detail", "⏎ 详情"), s.say("? help", "? 帮助"), s.say("q quit", "q 退出")}
	}
	return line{}.add(dim, " %s", strings.Join(keys, "  "))
}

func (s *Screen) helpLines() []line {
	rows := [][2]string{
		{"↑ ↓ k j", s.say("select a code; scroll its detail", "选择错误码；滚动详情")},
		{"PgUp PgDn g G", s.say("by half a screen; to the first, the last", "翻半屏；到首、到尾")},
		{"⏎", s.say("detail of the code: meaning, reasons, versions; again or Esc to go back", "详情：含义、原因、版本；再按或 Esc 返回")},
		{"s", s.say("sort by rate, count, users, code", "按速率、次数、用户、错误码排序")},
		{"c", s.say("only one category, the next, all", "只看某一类别、下一类、全部")},
		{"p", s.say("pause the picture; counting goes on", "暂停画面，计数继续")},
		{"q", s.say("quit; the summary follows", "退出并输出汇总")},
	}
	lines := []line{nil}
	for _, r := range rows {
		lines = append(lines, line{}.add(bold, "  %s", pad(r[0], 15)).add(plain, "%s", r[1]))
	}
	lines = append(lines, nil)
	for _, text := range []string{
		s.say("/MIN counts the events of the last minute, USUAL is the mean of the day before the last 15 minutes, × how much more it is now.",
			"“每分钟”是最近一分钟的事件数；“平时”是最近 15 分钟之前一天的均值；× 是现在的倍数。"),
		s.say("Users and counts are those of the whole run. Without this screen: --plain, or a pipe.",
			"用户数与次数为整个运行期间的累计。不用此画面：--plain，或接管道。"),
	} {
		for _, l := range report.Wrap(text, max(s.width-4, 16)) {
			lines = append(lines, line{}.add(dim, "  %s", l))
		}
	}
	return lines
}

// overview draws codes, alerts and notes. Alerts have a third of the room at most, as long as the codes need the rest.
func (s *Screen) overview(room int) []string {
	var notes []line
	if n := s.now.Notes; len(n) > 0 && room > 8 {
		notes = append(notes, line{}.add(yellow, " %s", report.Clean(n[len(n)-1])))
	}
	room -= len(notes)
	alerts := s.alertLines()
	share := min(len(alerts), max(room/3, room-len(s.rows)-3))
	if room < 8 {
		share = 0
	}
	out := s.codeLines(room - share)
	out = append(out, s.draw(alerts, share)...)
	for len(out) < room {
		out = append(out, "")
	}
	return append(out, s.draw(notes, len(notes))...)
}

// alertLines are the alerts, each on a line: those that fire, then the newest.
func (s *Screen) alertLines() []line {
	if len(s.now.alerts) == 0 {
		return nil
	}
	lines := []line{nil, line{}.add(dim, " %s", s.say("ALERTS", "告警"))}
	for i := range s.now.alerts {
		lines = append(lines, s.alertLine(&s.now.alerts[i]))
	}
	return lines
}

func (s *Screen) alertLine(a *detect.Alert) line {
	words := report.DescribeAlert(a, s.opt.Catalog, s.opt.Lang)
	at, color := a.StartsAt.In(s.opt.Zone), severityColor(a.Severity)
	layout := time.TimeOnly
	if at.Format(time.DateOnly) != s.now.At.In(s.opt.Zone).Format(time.DateOnly) {
		layout = "01-02 15:04"
	}
	state := s.say("firing", "告警中")
	if a.EndsAt != nil {
		state, color = s.say("over", "已恢复"), dim
	}
	l := line{}.add(plain, " %s  ", at.Format(layout)).add(color, "%s %s", pad(words.Level, 5), pad(state, 6))
	text := "  " + words.Name
	for _, more := range []string{words.Numbers, words.Why} {
		if more != "" && l.width()+report.Width(text)+20 < s.width {
			text += s.say(": ", "：") + more
		}
	}
	return l.add(plain, "%s", text)
}

func severityColor(severity string) string {
	switch severity {
	case "critical", "error":
		return red
	case "warning":
		return yellow
	}
	return plain
}
