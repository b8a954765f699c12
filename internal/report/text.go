package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/pkg/catalog"
)

// TextOptions sets how Text writes. The zero value is a screen of 80 columns, in English, without colour, showing all.
type TextOptions struct {
	Width   int  // columns of the screen; 0 means 80
	Plain   bool // the form for a pipe: one table, nothing cut, stable columns, no colour, keys in English
	Color   bool // not with Plain
	Lang    catalog.Lang
	Top     int           // codes shown, and half as many users; 0 means all
	Input   string        // what was read, for the head: "stdin", "app.log", "3 inputs"
	Again   string        // arguments that name the input in a next command, quoted for a shell; "" if it cannot be read again
	Elapsed time.Duration // of the run; 0 leaves it out
	Sent    bool          // alerts went to somebody while they were found
}

// Text writes res for people: on a screen the summary, in a pipe a table. cat explains the codes; it may be nil.
//
// Rules of the screen: below 104 columns the percentages go, then names are cut; below 80 the sparkline goes; below 60
// only code, name and count remain. From 140 on the meaning stands beside the name. Every line fits the width.
func Text(w io.Writer, res *aggregate.Result, cat *catalog.Catalog, opt TextOptions) error {
	if opt.Width <= 0 {
		opt.Width = 80
	}
	opt.Width = max(opt.Width, 20)
	s := &screen{printer: printer{w: w}, ink: ink(opt.Color && !opt.Plain), opt: opt, res: res, cat: cat, lang: opt.Lang}
	if opt.Plain {
		s.plain()
		return s.err
	}
	s.title()
	if res.Events == 0 {
		s.nothing()
	} else {
		s.totals()
		s.codes()
		s.categories()
		s.users()
		s.samples()
		s.alerts()
		s.todo()
	}
	s.input()
	s.next()
	return s.err
}

// screen is one summary being written.
type screen struct {
	printer
	ink  ink
	opt  TextOptions
	res  *aggregate.Result
	cat  *catalog.Catalog
	lang catalog.Lang
}

// say formats the text of the screen's language. Indexed verbs let the two order their arguments as they need.
func (s *screen) say(en, zh string, args ...any) string {
	format := catalog.Text{EN: en, ZH: zh}.In(s.lang)
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

// plural chooses the English form for n.
func plural(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// entry is what the catalog knows of code, never nil.
func (s *screen) entry(code int32) *catalog.Entry {
	if s.cat != nil {
		if e := s.cat.Lookup(code); e != nil {
			return e
		}
	}
	return &catalog.Entry{Code: code}
}

// text writes one line, cut to the width, without spaces at its end. It may hold no colour; paint it with color.
func (s *screen) text(line string, color func(string) string) {
	line = strings.TrimRight(cut(line, s.opt.Width), " ")
	if color != nil {
		line = color(line)
	}
	fmt.Fprintln(s, line)
}

func (s *screen) title() {
	info := s.res.Catalog
	parts := []string{strings.TrimSpace(clean("imerr-scan "+s.res.Version, 64))}
	if info.Entries > 0 {
		parts = append(parts, clean(s.say("catalog %s-%s (%d codes)", "码表 %s-%s（%d 个码）", info.Platform, info.Version, info.Entries), 80))
	}
	if s.opt.Input != "" {
		parts = append(parts, clean(s.opt.Input, cleanLimit))
	}
	s.text(strings.Join(parts, " · "), s.ink.dim)
	s.line("")
}

// totals writes the numbers of the run: what was read on the left, what was found on the right.
func (s *screen) totals() {
	left := []string{s.readLine(), s.spanLine()}
	numbers := []string{grouped(s.res.Events), grouped(s.res.Users.Distinct)}
	share := ""
	if s.res.Lines.Read > 0 {
		share = s.say("  (%s of lines)", "（占行数 %s）", percent(s.res.Lines.WithError, s.res.Lines.Read))
	}
	found := []string{s.say(plural(s.res.Events, " error", " errors"), " 个错误") + share,
		s.say(plural(s.res.Users.Distinct, " user affected", " users affected"), " 位用户受影响") + s.usersError()}
	if s.res.Users.Distinct == 0 {
		numbers[1], found[1] = "–", s.say(" no user ids found (--field user=…)", " 未找到用户 ID（--field user=…）")
	}
	leftWidth := max(width(left[0]), width(left[1]))
	numberWidth := max(width(numbers[0]), width(numbers[1]))
	room := s.opt.Width - 2 - leftWidth - numberWidth - max(width(found[0]), width(found[1]))
	for i := range left {
		if room < 2 {
			s.text("  "+numbers[i]+found[i], s.ink.bold)
			continue
		}
		gap := min(room, max(4, 48-leftWidth-numberWidth))
		s.line("  %s%s%s%s", padRight(left[i], leftWidth), spaces(gap), s.ink.bold(padLeft(numbers[i], numberWidth)), found[i])
	}
	if room < 2 {
		s.text("  "+left[0], nil)
		s.text("  "+left[1], nil)
	}
}

// readLine is how much was read: lines, bytes, time.
func (s *screen) readLine() string {
	parts := []string{s.say(plural(s.res.Lines.Read, "%s line", "%s lines"), "%s 行", grouped(s.res.Lines.Read))}
	if s.res.Bytes > 0 {
		parts = append(parts, size(s.res.Bytes))
	}
	if s.opt.Elapsed > 0 {
		parts = append(parts, s.took(s.opt.Elapsed))
	}
	return strings.Join(parts, "   ")
}

func (s *screen) took(d time.Duration) string {
	switch {
	case d < 100*time.Millisecond:
		return s.say("%.2f s", "%.2f 秒", d.Seconds())
	case d < time.Minute:
		return s.say("%.1f s", "%.1f 秒", d.Seconds())
	}
	d = d.Round(time.Second)
	return s.say("%d min %d s", "%d 分 %d 秒", int(d/time.Minute), int(d%time.Minute/time.Second))
}

// spanLine is the time of the first and the last event; the date of the last only as far as it is another.
func (s *screen) spanLine() string {
	first, last := s.res.Span.First, s.res.Span.Last
	if first == nil || last == nil {
		return s.say("no event carries a time", "事件都没有时间")
	}
	layout := "15:04:05 -07:00"
	switch {
	case first.Year() != last.Year():
		layout = "2006-01-02 15:04:05 -07:00"
	case first.YearDay() != last.YearDay():
		layout = "01-02 15:04:05 -07:00"
	}
	if first.Equal(*last) {
		return first.Format("2006-01-02 15:04:05 -07:00")
	}
	return first.Format("2006-01-02 15:04:05") + " → " + last.Format(layout)
}

func (s *screen) usersError() string {
	if u := s.res.Users; !u.Exact && u.Distinct > 0 && u.Error > 0 {
		return fmt.Sprintf(s.say(" (±%.2g%%)", "（±%.2g%%）"), u.Error*100)
	}
	return ""
}

// codeColumns is the layout of the table of codes for a width.
type codeColumns struct {
	code, name, category, count, percent, users, spark, peak, meaning int // 0: left out
}

func (s *screen) codeColumns(shown []aggregate.CodeResult, marks []string) codeColumns {
	w := s.opt.Width
	c := codeColumns{code: 4, name: 4, count: width(s.say("COUNT", "次数"))}
	for i := range shown {
		c.code = max(c.code, len(strconv.Itoa(int(shown[i].Code))))
		c.name = max(c.name, width(shortName(shown[i].Name)))
		c.count = max(c.count, len(grouped(shown[i].Count)))
		c.users = max(c.users, width(usersCell(shown[i].Users)))
		c.category = max(c.category, width(clean(shown[i].Category, 16)))
		c.peak = max(c.peak, width(marks[i]))
	}
	c.count = max(c.count, len(grouped(s.restCount(len(shown)))), len(grouped(s.res.Unknown.Count)))
	c.category = max(c.category, width(s.say("CATEGORY", "类别")))
	c.users = max(c.users, width(s.say("USERS", "用户")))
	if c.peak > 0 {
		c.peak = max(c.peak, 4)
	}
	if w < 60 {
		c.category, c.users, c.peak = 0, 0, 0
	}
	for _, wide := range s.wideNames(len(shown)) { // they reach over category
		c.name = max(c.name, width(wide)-c.category-min(c.category, 2))
	}
	if w >= 104 {
		c.percent = 5
	}
	if tl := s.res.Timeline; w >= 80 && tl.Start != nil && tl.Slots > 0 {
		c.spark = min(24, w-68)
		if w >= 120 {
			c.spark = min(36, 24+(w-120)*3/5)
		}
		c.spark = min(c.spark, max(tl.Slots, 5))
	}
	rest := w - 2 - c.sum() + c.name
	if w >= 140 && rest-c.name-2 >= 24 {
		c.meaning = rest - c.name - 2
	}
	c.name = min(c.name, max(rest, 8))
	return c
}

// sum is the width of all columns with two spaces between.
func (c codeColumns) sum() int {
	n := -2
	for _, w := range []int{c.code, c.name, c.category, c.count, c.percent, c.users, c.spark, c.peak, c.meaning} {
		if w > 0 {
			n += w + 2
		}
	}
	return n
}

// codes writes the table of codes, the most frequent first.
func (s *screen) codes() {
	shown := s.res.Codes
	if s.opt.Top > 0 && len(shown) > s.opt.Top {
		shown = shown[:s.opt.Top]
	}
	marks := make([]string, len(shown))
	for i := range shown {
		marks[i] = findPeak(shown[i].Timeline).mark(s.lang)
	}
	c := s.codeColumns(shown, marks)
	s.line("")
	if len(shown) > 0 {
		s.row(c, codeRow{
			code: s.say("CODE", "代码"), name: s.say("NAME", "名称"), category: s.say("CATEGORY", "类别"), count: s.say("COUNT", "次数"),
			percent: "%", users: s.say("USERS", "用户"), spark: scale(s.res.Timeline, c.spark), peak: s.say("PEAK", "峰值"),
			meaning: s.say("MEANING", "含义"), all: s.ink.dim,
		})
	}
	for i := range shown {
		r := &shown[i]
		s.row(c, codeRow{
			code: strconv.Itoa(int(r.Code)), name: shortName(r.Name), category: clean(r.Category, 16), count: grouped(r.Count),
			percent: share(r.Count, s.res.Events), users: usersCell(r.Users), spark: sparkline(r.Timeline, c.spark), peak: marks[i],
			meaning: clean(s.entry(r.Code).Meaning.In(s.lang), cleanLimit), severity: r.Severity,
		})
	}
	if len(s.res.Codes) > len(shown) {
		sum := s.restCount(len(shown))
		s.row(c, codeRow{name: s.restName(len(shown)), wideName: true, count: grouped(sum), percent: share(sum, s.res.Events), all: s.ink.dim})
	}
	if u := s.res.Unknown; u.Count > 0 {
		s.row(c, codeRow{code: "?", name: s.unknownName(), wideName: true, count: grouped(u.Count), percent: share(u.Count, s.res.Events), severity: "error"})
	}
}

// wideNames are those of the rows below the n codes shown.
func (s *screen) wideNames(n int) []string {
	var names []string
	if len(s.res.Codes) > n {
		names = append(names, s.restName(n))
	}
	if s.res.Unknown.Count > 0 {
		names = append(names, s.unknownName())
	}
	return names
}

func (s *screen) restName(n int) string {
	return s.say("+ %d more codes  (--top 0)", "另有 %d 个代码（--top 0）", len(s.res.Codes)-n)
}

// restCount is the number of events of the codes after the first n.
func (s *screen) restCount(n int) int64 {
	var sum int64
	for _, r := range s.res.Codes[min(n, len(s.res.Codes)):] {
		sum += r.Count
	}
	return sum
}

// unknownName names the most frequent values that are in no catalog.
func (s *screen) unknownName() string {
	var parts []string
	for i, v := range s.res.Unknown.Values {
		if i == 3 {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, fmt.Sprintf("%s (%s×)", quoteValue(v.Value), grouped(v.Count)))
	}
	if len(parts) == 0 {
		return s.say("not in catalog", "码表未收录")
	}
	return s.say("not in catalog: ", "码表未收录：") + strings.Join(parts, ", ")
}

// quoteValue shows a value as it was written: as it is if it is a number or a word, else in quotes.
func quoteValue(v string) string {
	v = clean(v, 64)
	if v == "" || strings.ContainsAny(v, ` ,()"`) {
		return strconv.Quote(v)
	}
	return v
}

// codeRow is one row of the table of codes.
type codeRow struct {
	code, name, category, count, percent, users, spark, peak, meaning string

	wideName bool                // name reaches over category
	severity string              // of the code, for its colour
	all      func(string) string // colour of the whole row
}

func (s *screen) row(c codeColumns, r codeRow) {
	nameWidth := c.name
	if r.wideName && c.category > 0 {
		nameWidth += 2 + c.category
	}
	same := func(t string) string { return t }
	all := same
	code, peak, spark := s.bySeverity(r.severity), s.ink.yellow, s.ink.cyan
	if r.all != nil {
		all, code, peak, spark = r.all, same, same, same
	}
	line := "  " + code(padLeft(r.code, c.code)) + "  " + padRight(cut(r.name, nameWidth), nameWidth)
	if c.category > 0 && !r.wideName {
		line += "  " + padRight(r.category, c.category)
	}
	line += "  " + padLeft(r.count, c.count)
	if c.percent > 0 {
		line += "  " + padLeft(r.percent, c.percent)
	}
	tail := ""
	add := func(w int, cell string, painted string) {
		if w > 0 {
			tail += "  "
			if strings.TrimSpace(cell) != "" {
				line += tail + painted
				tail = ""
			} else {
				tail += spaces(w)
			}
		}
	}
	if c.users > 0 {
		add(c.users, r.users, padLeft(r.users, c.users))
	}
	if c.spark > 0 {
		add(c.spark, r.spark, spark(r.spark)+spaces(c.spark-width(r.spark)))
	}
	if c.peak > 0 {
		add(c.peak, r.peak, peak(r.peak)+spaces(c.peak-width(r.peak)))
	}
	if c.meaning > 0 {
		add(c.meaning, r.meaning, cut(r.meaning, c.meaning))
	}
	fmt.Fprintln(s, all(strings.TrimRight(line, " ")))
}

func (s *screen) bySeverity(severity string) func(string) string {
	switch severity {
	case "critical":
		return func(t string) string { return s.ink.paint("1;31", t) }
	case "error":
		return s.ink.yellow
	}
	return func(t string) string { return t }
}

// shortName leaves out the prefix that most names share.
func shortName(name string) string {
	name = clean(name, 80)
	for _, prefix := range []string{"WEBIM_CONNCTION_", "WEBIM_"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" {
			return rest
		}
	}
	return name
}

// usersCell is a number of users; ~ says that it is an estimate.
func usersCell(u aggregate.Distinct) string {
	switch {
	case u.Distinct == 0:
		return "-"
	case u.Exact:
		return grouped(u.Distinct)
	}
	return "~" + grouped(u.Distinct)
}

// share is part of whole in percent, without the sign.
func share(part, whole int64) string {
	if whole <= 0 {
		return "-"
	}
	p := 100 * float64(part) / float64(whole)
	if part > 0 && p < 0.05 {
		return "<0.1"
	}
	return fmt.Sprintf("%.1f", p)
}

// percent is part of whole with the sign, to two decimals below ten.
func percent(part, whole int64) string {
	if whole <= 0 {
		return "-"
	}
	p := 100 * float64(part) / float64(whole)
	switch {
	case part > 0 && p < 0.005:
		return "<0.01%"
	case p < 10:
		return fmt.Sprintf("%.2f%%", p)
	}
	return fmt.Sprintf("%.1f%%", p)
}

// section opens a part of the screen.
func (s *screen) section(title string) {
	s.line("")
	s.text("  "+title, s.ink.bold)
}

var categoryNames = map[string]string{
	"auth": "鉴权", "messaging": "消息", "group": "群组", "chatroom": "聊天室", "quota": "额度", "general": "通用", "unknown": "未知",
}

// categoryLabel is the key of a category, as --category takes it, and its Chinese name beside it.
func (s *screen) categoryLabel(key string) string {
	if name := categoryNames[key]; s.lang == catalog.ZH && name != "" {
		return padRight(clean(key, 16), 9) + " " + name
	}
	return clean(key, 16)
}

// categories writes a bar for each category that occurred, if there are several.
func (s *screen) categories() {
	type category struct {
		key   string
		count int64
	}
	var list []category
	for _, key := range slices.Sorted(maps.Keys(s.res.Categories)) {
		if n := s.res.Categories[key]; n > 0 {
			list = append(list, category{key, n})
		}
	}
	if len(list) < 2 {
		return
	}
	slices.SortStableFunc(list, func(a, b category) int { return cmp.Compare(b.count, a.count) })
	labelWidth, countWidth := 0, 0
	for _, c := range list {
		labelWidth = max(labelWidth, width(s.categoryLabel(c.key)))
		countWidth = max(countWidth, len(grouped(c.count)))
	}
	barWidth := min(40, s.opt.Width-2-labelWidth-2-2-countWidth-2-6)
	s.section(s.say("CATEGORY", "类别"))
	for _, c := range list {
		line := "  " + padRight(s.categoryLabel(c.key), labelWidth) + "  "
		if s.opt.Width >= 60 && barWidth >= 10 {
			drawn := bar(c.count, list[0].count, barWidth)
			line += s.ink.cyan(drawn) + spaces(barWidth-width(drawn)) + "  "
		}
		line += padLeft(grouped(c.count), countWidth)
		if s.opt.Width >= 60 {
			line += "  " + padLeft(share(c.count, s.res.Events)+"%", 6)
		}
		fmt.Fprintln(s, line)
	}
}

// bar draws n of most in w columns, to an eighth of a column.
func bar(n, most int64, w int) string {
	if n <= 0 || most <= 0 {
		return ""
	}
	eighths := max(int(float64(n)/float64(most)*float64(w)*8+0.5), 1)
	line := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		line += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return line
}

// users writes the users with the most events.
func (s *screen) users() {
	shown := s.res.TopUsers
	if half := (s.opt.Top + 1) / 2; s.opt.Top > 0 && len(shown) > half {
		shown = shown[:half]
	}
	if len(shown) == 0 || shown[0].Count < 2 {
		return
	}
	t := table{right: []bool{false, true, false, true, false}}
	t.head = []string{s.say("TOP AFFECTED USERS", "受影响最多的用户"), s.say("EVENTS", "事件"), s.say("CODES", "代码"), s.say("DEVICES", "设备"), s.say("PATTERN", "模式")}
	for i := range shown {
		u := &shown[i]
		count := grouped(u.Count)
		if u.Error > 0 {
			count = "≤" + count
		}
		t.add(cut(clean(u.User, 64), 28), count, topCodes(u.Codes, 2), strconv.Itoa(u.Devices), s.pattern(u))
	}
	switch w := s.opt.Width; {
	case w < 60:
		t.keep(0, 1)
	case w < 80:
		t.keep(0, 1, 2, 4)
	}
	s.line("")
	t.screen(s, "  ", s.opt.Width, s.ink)
}

// topCodes lists the n codes a user met most: 206×838 39×3.
func topCodes(codes map[string]int64, n int) string {
	var parts []string
	for i, kv := range byCount(codes) {
		if i == n {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, fmt.Sprintf("%s×%d", clean(kv.key, 16), kv.count))
	}
	return strings.Join(parts, " ")
}

// pattern says in words what happens to a user.
func (s *screen) pattern(u *aggregate.UserResult) string {
	switch u.Pattern {
	case "ping_pong":
		if u.GapSeconds > 0 && u.GapSeconds <= 60 {
			return s.say("ping-pong, every %s", "互踢，约 %s一次", s.gap(u.GapSeconds))
		}
		return s.say("ping-pong", "互踢")
	case "shared_account":
		return s.say("shared account", "多人共用")
	}
	codes := byCount(u.Codes)
	if len(codes) > 0 && codes[0].count*5 >= u.Count*4 && s.topic(codes[0].key) == "rate" {
		return s.say("sends too fast", "发送过快")
	}
	return clean(u.Pattern, 32)
}

// topic is that of a code of the result.
func (s *screen) topic(code string) string {
	for i := range s.res.Codes {
		if strconv.Itoa(int(s.res.Codes[i].Code)) == code {
			return s.res.Codes[i].Topic
		}
	}
	return ""
}

func (s *screen) gap(seconds float64) string {
	switch {
	case seconds < 2:
		return s.say("%.1f s", "%.1f 秒", seconds)
	case seconds < 120:
		return s.say("%.0f s", "%.0f 秒", seconds)
	case seconds < 7200:
		return s.say("%.0f min", "%.0f 分钟", seconds/60)
	}
	return s.say("%.0f h", "%.0f 小时", seconds/3600)
}

// keyCount is one pair of a map.
type keyCount struct {
	key   string
	count int64
}

// byCount is a map in the order of its counts, the highest first, then by key.
func byCount(m map[string]int64) []keyCount {
	list := make([]keyCount, 0, len(m))
	for key, count := range m {
		list = append(list, keyCount{key, count})
	}
	slices.SortFunc(list, func(a, b keyCount) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.key, b.key))
	})
	return list
}

// samples writes the documents kept of each code.
func (s *screen) samples() {
	opened := false
	for i := range s.res.Codes {
		r := &s.res.Codes[i]
		if len(r.Samples) == 0 {
			continue
		}
		if !opened {
			s.section(s.say("SAMPLES", "样例"))
			opened = true
		}
		s.text(fmt.Sprintf("  %4d  %s", r.Code, shortName(r.Name)), nil)
		for _, sample := range r.Samples {
			src := clean(sample.Src, cleanLimit)
			room := s.opt.Width - 8 - width(src) - 2
			if room < 30 {
				s.text("        "+src, s.ink.dim)
				s.text("        "+clean(sample.Text, sampleLimit), nil)
				continue
			}
			fmt.Fprintln(s, "        "+s.ink.dim(src)+"  "+cut(clean(sample.Text, sampleLimit), room))
		}
	}
}

// sampleLimit bounds a document that is shown, in runes.
const sampleLimit = 2048
