package screen

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"imerr-scan/internal/detect"
	"imerr-scan/internal/report"
	"imerr-scan/pkg/catalog"
)

// most is how many values of a kind a detail lists.
const most = 8

// detailLines are all that is known of the chosen code.
func (s *Screen) detailLines() []line {
	i := slices.IndexFunc(s.now.codes, func(c code) bool { return c.Code == s.chosen })
	if i < 0 { // of another snapshot
		return nil
	}
	c, e := &s.now.codes[i], s.entry(s.chosen)
	lines := []line{nil, s.detailHead(c, e), nil}
	lines = append(lines, s.explained(e)...)
	lines = append(lines, s.numbers(c)...)
	for _, part := range []struct {
		title  string
		values map[string]int64
		name   func(string) string
	}{
		{s.say("REASONS", "原因"), c.Reasons, func(id string) string { return s.reason(e, id) }},
		{s.say("VERSIONS", "版本"), c.Versions, nil},
		{s.say("PLATFORMS", "平台"), c.Platforms, nil},
		{s.say("CAUSE INSIDE", "内层错误码"), c.Inner, nil},
	} {
		lines = append(lines, s.split(part.title, part.values, part.name)...)
	}
	for j := range s.now.alerts {
		if a := &s.now.alerts[j]; slices.Contains(a.Codes, c.Code) {
			lines = append(lines, s.alertDetail(a)...)
		}
	}
	return lines
}

func (s *Screen) detailHead(c *code, e *catalog.Entry) line {
	l := line{}.add(bold, " %d  %s", c.Code, report.ShortName(c.Name)).add(dim, "  %s", report.Clean(c.Category))
	if e != nil {
		l = l.add(dim, " · %s · %s", e.Topic, e.Tier)
	}
	if c.level != "" {
		l = l.add(severityColor(c.level), "  %s", report.SeverityWord(c.level, s.opt.Lang))
	}
	return l
}

// explained is what the catalog says.
func (s *Screen) explained(e *catalog.Entry) []line {
	if e == nil {
		return nil
	}
	var lines []line
	for _, one := range []struct {
		label string
		text  catalog.Text
	}{
		{s.say("Meaning", "含义"), e.Meaning}, {s.say("Next step", "下一步"), e.Next}, {s.say("The SDK", "SDK 行为"), e.Behaviour}, {s.say("Note", "备注"), e.Note},
	} {
		lines = append(lines, s.labelled(one.label, one.text.In(s.opt.Lang))...)
	}
	for i, cause := range e.Causes {
		label := ""
		if i == 0 {
			label = s.say("Causes", "常见原因")
		}
		lines = append(lines, s.labelled(label, fmt.Sprintf("%d. %s", i+1, cause.In(s.opt.Lang)))...)
	}
	return lines
}

// labelled is a text beside its label, wrapped.
func (s *Screen) labelled(label, text string) []line {
	if text == "" {
		return nil
	}
	const indent = 14
	if s.width < 40 {
		label = strings.TrimSpace(label + " " + text)
		var lines []line
		for _, l := range report.Wrap(label, max(s.width-2, 8)) {
			lines = append(lines, line{}.add(plain, " %s", l))
		}
		return lines
	}
	var lines []line
	for _, l := range report.Wrap(text, min(s.width-indent-1, 110)) {
		lines = append(lines, line{}.add(dim, " %s", pad(label, indent-1)).add(plain, "%s", l))
		label = ""
	}
	return lines
}

// numbers says how much there is of the code.
func (s *Screen) numbers(c *code) []line {
	now := fmt.Sprintf(s.say("%s in the last minute", "最近一分钟 %s 次"), report.Grouped(c.minute))
	if c.usual >= 0 {
		now += fmt.Sprintf(s.say(", usually %s", "，平时 %s 次"), usualText(c.usual))
	}
	if r := ratioText(c); r != "" {
		now += fmt.Sprintf(s.say(" (%s×)", "（%s 倍）"), r)
	}
	all := fmt.Sprintf(s.say("%s events, %s users, at most %s in a minute", "%s 次，%s 位用户，最高每分钟 %s 次"),
		report.Grouped(c.Count), users(c.Users), report.Grouped(c.PeakPerMinute))
	if c.First != nil && c.Last != nil {
		all += "  " + c.First.In(s.opt.Zone).Format("01-02 15:04:05") + " → " + c.Last.In(s.opt.Zone).Format("01-02 15:04:05")
	}
	lines := []line{nil}
	lines = append(lines, s.labelled(s.say("Now", "现在"), now)...)
	lines = append(lines, s.labelled(s.say("In all", "总计"), all)...)
	return append(lines, s.labelled(s.say("Last 15 min", "最近 15 分钟"), report.Sparkline(c.slots, min(columns, max(s.width-16, 8))))...)
}

// split lists the heaviest values with a bar each.
func (s *Screen) split(title string, counts map[string]int64, name func(string) string) []line {
	type value struct {
		text  string
		count int64
	}
	var list []value
	var sum int64
	for text, n := range counts {
		list = append(list, value{text, n})
		sum += n
	}
	if sum <= 0 {
		return nil
	}
	slices.SortFunc(list, func(a, b value) int { return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.text, b.text)) })
	lines := []line{nil, line{}.add(dim, " %s", title)}
	const bar = 20
	room := max(s.width-bar-22, 12)
	for _, v := range list[:min(len(list), most)] {
		text := report.Clean(v.text)
		if name != nil {
			text = name(text)
		}
		share := float64(v.count) / float64(sum)
		filled := min(int(share*bar+0.5), bar)
		lines = append(lines, line{}.add(plain, "  %s  ", pad(text, min(room, 48))).
			add(cyan, "%s", strings.Repeat("█", filled)).add(dim, "%s", strings.Repeat("·", bar-filled)).
			add(plain, "  %s %5.1f%%", padLeft(report.Grouped(v.count), 8), 100*share))
	}
	if more := len(list) - most; more > 0 {
		lines = append(lines, line{}.add(dim, "  + %d", more))
	}
	return lines
}

// reason is what a reason means, if the catalog knows it.
func (s *Screen) reason(e *catalog.Entry, id string) string {
	if r := e.ReasonByID(id); r != nil {
		return id + s.say(": ", "：") + r.Meaning.In(s.opt.Lang)
	}
	return id
}

// alertDetail is an alert with its numbers, its causes and what to do.
func (s *Screen) alertDetail(a *detect.Alert) []line {
	words := report.DescribeAlert(a, s.opt.Catalog, s.opt.Lang)
	end := s.say("open", "未结束")
	if a.EndsAt != nil {
		end = a.EndsAt.In(s.opt.Zone).Format("15:04:05")
	}
	span := a.StartsAt.In(s.opt.Zone).Format("01-02 15:04:05") + " → " + end
	lines := []line{nil, line{}.add(severityColor(a.Severity), " %s %s", s.say("ALERT", "告警"), words.Level).add(plain, "  %s  %s", words.Name, span)}
	for _, text := range []string{words.Numbers, words.Why, catalog.Text{EN: a.Advice.EN, ZH: a.Advice.ZH}.In(s.opt.Lang)} {
		if text == "" {
			continue
		}
		for _, l := range report.Wrap(report.Clean(text), max(s.width-3, 8)) {
			lines = append(lines, line{}.add(plain, "  %s", l))
		}
	}
	return lines
}
