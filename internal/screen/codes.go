package screen

import (
	"fmt"
	"strconv"
	"strings"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/report"
)

// layout says how wide the columns of the table of codes are; 0 leaves one out.
type layout struct {
	code, name, category, minute, usual, ratio, users, count, spark, state, meaning int
}

// layout fits the columns into the width: what is happening now has room first.
func (s *Screen) layout() layout {
	w := s.width
	c := layout{code: 4, minute: 6, users: 6, count: 9, state: 5}
	longest := 4
	for i := range s.rows {
		c.code = max(c.code, len(strconv.Itoa(int(s.rows[i].Code))))
		longest = max(longest, report.Width(report.ShortName(s.rows[i].Name)))
		c.users = max(c.users, report.Width(users(s.rows[i].Users)))
		c.minute = max(c.minute, report.Width(report.Grouped(s.rows[i].minute)))
		c.count = max(c.count, report.Width(report.Grouped(s.rows[i].Count)))
	}
	switch {
	case w >= 110:
		c.spark = 30
	case w >= 80:
		c.spark = 15
	case w >= 60:
		c.spark = 10
	}
	if w >= 80 {
		c.usual, c.ratio = 6, 5
	}
	if w < 96 {
		c.count = 0
	}
	if w >= 120 {
		c.category = 9
	}
	if w < 40 {
		c.users = 0
	}
	rest := w - c.sum()
	c.name = min(longest, max(rest-2, 4))
	if more := rest - c.name - 4; more >= 24 {
		c.meaning = more
	}
	return c
}

// sum is the width of the columns with two spaces before each.
func (c layout) sum() (n int) {
	for _, w := range []int{c.code, c.name, c.category, c.minute, c.usual, c.ratio, c.users, c.count, c.spark, c.state, c.meaning} {
		if w > 0 {
			n += w + 2
		}
	}
	return n
}

// codeLines draws the table of codes with its head, in so many rows.
func (s *Screen) codeLines(room int) []string {
	if len(s.rows) == 0 {
		text := s.say("no error yet", "尚无错误")
		if s.category != "" {
			text = s.say("none of this category", "此类别没有错误")
		}
		return s.draw([]line{s.codesTitle(layout{}), line{}.add(plain, "  %s", text)}, room)
	}
	c := s.layout()
	out := s.draw([]line{s.codesTitle(c), s.codesHead(c)}, room)
	unknown := s.unknownLine()
	room -= len(out) + len(unknown)
	at := max(s.at(), 0)
	s.top = max(min(max(s.top, at-room+1), at, len(s.rows)-room), 0)
	for i := s.top; i < min(s.top+room, len(s.rows)); i++ {
		over := ""
		if i == at {
			over = invert
		}
		out = append(out, strings.TrimRight(s.codeRow(&s.rows[i], c, i == at).draw(s.width, s.opt.Color, over), " "))
	}
	return append(out, s.draw(unknown, max(room, 0)+len(unknown))...)
}

// codesTitle says how the table is sorted, what is in it, and what a column of the sparkline is.
func (s *Screen) codesTitle(c layout) line {
	l := line{}.add(dim, " %s", s.say("CODES", "错误码")).add(plain, "  %s", fmt.Sprintf(s.say("sort: %s", "排序：%s"), orders[s.order].name.In(s.opt.Lang)))
	if s.category != "" {
		l = l.add(cyan, "  %s", fmt.Sprintf(s.say("category: %s", "类别：%s"), report.Clean(s.category)))
	}
	if n := len(s.rows); n > 0 {
		l = l.add(dim, "  %d/%d", max(s.at(), 0)+1, n)
	}
	if c.spark > 0 {
		l = l.add(dim, "  %s", fmt.Sprintf(s.say("1 column = %d s", "1 列 = %d 秒"), int(lately.Seconds())/c.spark))
	}
	if !s.now.Until.Equal(s.now.At) {
		l = l.add(yellow, "  %s", s.say("until ", "截至 ")+s.now.Until.In(s.opt.Zone).Format("01-02 15:04:05"))
	}
	return l
}

func (s *Screen) codesHead(c layout) line {
	cells := s.cells(c, false, cellTexts{
		code: s.say("CODE", "码"), name: s.say("NAME", "名称"), category: s.say("CATEGORY", "类别"), minute: s.say("/MIN", "每分钟"),
		usual: s.say("USUAL", "平时"), ratio: "×", users: s.say("USERS", "用户"), count: s.say("COUNT", "次数"),
		spark: pad(s.sparkHead(c), c.spark), state: s.say("STATE", "状态"), meaning: s.say("MEANING", "含义"),
	})
	for i := range cells {
		cells[i].sgr = dim
	}
	return cells
}

func (s *Screen) sparkHead(c layout) string {
	if head := s.say("LAST 15 MIN", "最近 15 分钟"); report.Width(head) <= c.spark {
		return head
	}
	return s.say("15 MIN", "15 分钟")
}

// cellTexts are the cells of a row.
type cellTexts struct {
	code, name, category, minute, usual, ratio, users, count, spark, state, meaning string
	severity                                                                        string
}

func (s *Screen) cells(c layout, cursor bool, t cellTexts) line {
	mark := "  "
	if cursor {
		mark = " ▶"
	}
	l := line{}.add(plain, "%s%s", mark, padLeft(t.code, c.code))
	put := func(sgr, text string, w int, right bool) {
		switch {
		case w == 0:
		case right:
			l = l.add(sgr, "  %s", padLeft(text, w))
		default:
			l = l.add(sgr, "  %s", pad(text, w))
		}
	}
	color := plain
	if t.state != "" {
		color = severityColor(t.severity)
	}
	put(color, t.name, c.name, false)
	put(plain, t.category, c.category, false)
	put(bold, t.minute, c.minute, true)
	put(plain, t.usual, c.usual, true)
	put(color, t.ratio, c.ratio, true)
	put(plain, t.users, c.users, true)
	put(plain, t.count, c.count, true)
	put(cyan, padLeft(t.spark, c.spark), c.spark, false)
	put(color, t.state, c.state, false)
	put(dim, t.meaning, c.meaning, false)
	return l
}

func (s *Screen) codeRow(r *code, c layout, cursor bool) line {
	t := cellTexts{
		code: strconv.Itoa(int(r.Code)), name: report.ShortName(r.Name), category: report.Clean(r.Category), severity: r.level,
		minute: report.Grouped(r.minute), usual: usualText(r.usual), ratio: ratioText(r), users: users(r.Users), count: report.Grouped(r.Count),
		spark: report.Sparkline(r.slots, c.spark),
	}
	if r.level != "" {
		t.state = report.SeverityWord(r.level, s.opt.Lang)
	}
	if e := s.entry(r.Code); e != nil {
		t.meaning = e.Meaning.In(s.opt.Lang)
	}
	return s.cells(c, cursor, t)
}

func usualText(x float64) string {
	switch {
	case x < 0:
		return "–"
	case x > 0 && x < 0.05:
		return "<0.1"
	}
	return report.Quantity(x)
}

// ratioText is how many times the usual comes in now; nothing if there is no usual.
func ratioText(r *code) string {
	switch x := float64(r.minute) / r.usual; {
	case r.usual <= 0 || r.minute == 0:
		return ""
	case x > 999:
		return "999+"
	default:
		return report.Quantity(x)
	}
}

// users is a number of users; ~ says that it is an estimate.
func users(u aggregate.Distinct) string {
	switch {
	case u.Distinct == 0:
		return "–"
	case !u.Exact:
		return "~" + report.Grouped(u.Distinct)
	}
	return report.Grouped(u.Distinct)
}

// unknownLine says what is in no catalog, on at most one line.
func (s *Screen) unknownLine() []line {
	u := s.now.result.Unknown
	if u.Count == 0 || s.category != "" {
		return nil
	}
	var values []string
	for _, v := range u.Values[:min(len(u.Values), 5)] {
		values = append(values, fmt.Sprintf("%s (%s×)", report.Clean(v.Value), report.Grouped(v.Count)))
	}
	return []line{line{}.add(yellow, "     ?").add(plain, "  %s%s", s.say("not in catalog: ", "不在码表中："), strings.Join(values, ", "))}
}
