package notify

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"imerr-scan/internal/detect"
	"imerr-scan/pkg/catalog"
)

// composer puts alerts into words, for one target.
type composer struct {
	sink   *Sink
	query  url.Values // of the address
	cat    *catalog.Catalog
	lang   catalog.Lang
	zone   *time.Location
	labels map[string]string
	page   string
	links  []link
	now    time.Time
}

type link struct{ title, url string }

func newComposer(opt *Options, s *Sink, address *url.URL) *composer {
	c := &composer{
		sink: s, query: address.Query(), cat: opt.Catalog, lang: s.language(), zone: opt.Zone, labels: opt.Labels, page: opt.Page,
	}
	for _, l := range []link{
		{c.say("看板", "Dashboard"), opt.Dashboard}, {c.say("实时页面", "Live page"), opt.Page}, {c.say("处理手册", "Runbook"), opt.Runbook},
	} {
		if l.url != "" {
			l.url = markdownURL.Replace(l.url)
			c.links = append(c.links, l)
		}
	}
	return c
}

// markdownURL keeps an address from ending a link of markdown, HTML or Slack.
var markdownURL = strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", `"`, "%22", "|", "%7C", " ", "%20", "\n", "")

// at returns a composer for one message, which is sent now.
func (c *composer) at(now time.Time) *composer {
	d := *c
	d.now = now
	return &d
}

func (c *composer) say(zh, en string) string {
	if c.lang == catalog.ZH {
		return zh
	}
	return en
}

func (c *composer) sayf(zh, en string, args ...any) string {
	return fmt.Sprintf(c.say(zh, en), args...)
}

// message is what people read, without anything of a vendor: a title and lines, the most important first.
type message struct {
	title string
	mood  mood
	lines []string
	more  int // lines that had to be left out
	fold  bool
}

// mood is what the colour of a message says.
type mood int

const (
	info mood = iota
	warning
	serious
	critical
	good
	neutral
)

var moods = map[string]mood{"info": info, "warning": warning, "error": serious, "critical": critical}

var signs = [...]string{info: "🔵", warning: "🟡", serious: "🟠", critical: "🔴", good: "🟢", neutral: "⚪"}

func moodOf(a *detect.Alert) mood {
	switch {
	case a.State == detect.Resolved && a.Reason == newLevel:
		return neutral
	case a.State == detect.Resolved:
		return good
	}
	return moods[a.Severity]
}

// newLevel is the reason of an end that is none: what was unusual is now the usual.
const newLevel = "new_level"

// foldLimit is how many alerts one message may carry.
const foldLimit = 50

// message returns the message for notes: all about one, or a line for each of several.
func (c *composer) message(notes []note) message {
	if len(notes) == 1 {
		return c.single(&notes[0])
	}
	m := message{fold: true, mood: moodOf(&notes[0].Alert)}
	firing := 0
	for i := range notes {
		m.lines = append(m.lines, c.brief(&notes[i]))
		firing += 1 - over(&notes[i].Alert)
	}
	m.title = signs[m.mood] + " " + c.sayf("%d 条告警：%d 条告警中，%d 条已恢复", "%d alerts: %d firing, %d resolved",
		len(notes), firing, len(notes)-firing)
	return m
}

func (c *composer) single(n *note) message {
	m := message{title: c.title(n), mood: moodOf(&n.Alert)}
	if n.State == detect.Resolved {
		m.lines = c.ending(n)
		if !n.unheard() {
			return m
		}
	} else {
		m.lines = c.rates(&n.Alert)
	}
	m.lines = append(m.lines, c.causes(&n.Alert)...)
	if n.State != detect.Resolved {
		m.lines = append(m.lines, c.say("开始 ", "since ")+c.clock(n.StartsAt))
	}
	return m
}

func (c *composer) title(n *note) string {
	mood := moodOf(&n.Alert)
	word := map[string]string{
		"info": c.say("提示", "INFO"), "warning": c.say("警告", "WARNING"), "error": c.say("错误", "ERROR"), "critical": c.say("严重", "CRITICAL"),
	}[n.Severity]
	switch {
	case mood == neutral:
		word = c.say("已成常态", "NEW LEVEL")
	case n.unheard():
		word = c.say("发生过，已恢复", "FIRED AND RESOLVED")
	case mood == good:
		word = c.say("已恢复", "RESOLVED")
	}
	return strings.TrimSpace(signs[mood] + " " + word + " " + c.name(&n.Alert))
}

// name is what an alert is called: 踢下线风暴 206/217.
func (c *composer) name(a *detect.Alert) string {
	codes := c.codes(a.Codes)
	switch {
	case a.Alert == detect.KickStorm:
		return strings.TrimSpace(c.say("踢下线风暴 ", "Kick storm ") + codes)
	case a.Alert == sampleName:
		return c.say("测试消息 ", "Test message ") + codes
	case isSpike(a):
		return strings.TrimSpace(c.say(codes+" 突增 ", "Spike of "+codes+" ") + c.constant(a.Codes[0]))
	}
	return strings.TrimSpace(c.say("超过限值 ", "Over the limit ") + a.Alert + " " + codes)
}

const shownCodes = 6

func (c *composer) codes(codes []int32) string {
	var b strings.Builder
	for i, code := range codes {
		if i == shownCodes {
			b.WriteString("/…")
			break
		}
		if i > 0 {
			b.WriteByte('/')
		}
		b.WriteString(strconv.Itoa(int(code)))
	}
	return b.String()
}

func (c *composer) entry(code int32) *catalog.Entry {
	if c.cat == nil {
		return nil
	}
	return c.cat.Lookup(code)
}

// constant returns the name of a code without what all of them begin with.
func (c *composer) constant(code int32) string {
	e := c.entry(code)
	if e == nil {
		return ""
	}
	return value(strings.TrimPrefix(strings.TrimPrefix(e.Name, "WEBIM_CONNCTION_"), "WEBIM_"))
}

// rates are the lines about how much and how many.
func (c *composer) rates(a *detect.Alert) []string {
	lines := []string{c.rate(a)}
	totals := c.totals(a)
	if a.Storm != nil && a.Storm.KicksPerUser > 0 {
		totals += c.sayf("，人均 %s 次", ", %s per user", number(a.Storm.KicksPerUser))
	}
	return append(lines, totals)
}

func (c *composer) rate(a *detect.Alert) string {
	now := c.sayf("%s 次/分", "%s/min", number(a.Rate))
	switch {
	case a.Threshold > 0:
		return now + c.sayf("，限值为 %s 内 %s", "; the limit is %[2]s in %[1]s", shortWindow(a.Window), number(a.Threshold))
	case a.Usual < 0.05:
		return now + c.say("，平时几乎没有", ", usually next to none")
	case a.Ratio >= 1.05:
		return now + c.sayf("，平时 %s 次/分（%s 倍）", ", usually %s/min (%s×)", number(a.Usual), number(a.Ratio))
	}
	return now + c.sayf("，平时 %s 次/分", ", usually %s/min", number(a.Usual))
}

// shortWindow turns 5m0s into 5m.
func shortWindow(s string) string {
	if rest, ok := strings.CutSuffix(s, "m0s"); ok {
		s = rest + "m"
	}
	if rest, ok := strings.CutSuffix(s, "h0m"); ok {
		s = rest + "h"
	}
	return s
}

func (c *composer) totals(a *detect.Alert) string {
	text := c.sayf("共 %s 次", "%s events", grouped(a.Count))
	if a.Users > 0 {
		text += c.sayf(" · %s 人", " · %s users", grouped(a.Users))
	}
	return text
}

// ending is how long it was and how much it came to.
func (c *composer) ending(n *note) []string {
	end := n.At
	if n.EndsAt != nil {
		end = *n.EndsAt
	}
	lines := []string{c.say("持续 ", "lasted ") + c.span(end.Sub(n.StartsAt)) + " · " + c.totals(&n.Alert)}
	if n.Peak > 0 {
		lines = append(lines, c.sayf("峰值 %s 次/分", "peak %s/min", number(n.Peak)))
	}
	if n.Reason == newLevel {
		lines = append(lines, c.sayf("没有回落：%s 次/分从此视为平时", "it did not go back: %s/min is the usual from now on", number(n.Rate)))
	}
	return append(lines, c.period(n.StartsAt, end))
}

var fieldWords = map[string][2]string{
	"version": {"版本", "version"}, "platform": {"平台", "platform"}, "reason": {"原因", "reason"},
}

// causes are the lines about why, and what to do.
func (c *composer) causes(a *detect.Alert) []string {
	var lines []string
	if words := detect.KindMeaning(a.Kind); words.EN != "" {
		lines = append(lines, c.say("性质：", "kind: ")+c.say(words.ZH, words.EN))
	}
	for i := range a.Why {
		lines = append(lines, c.change(&a.Why[i]))
	}
	if a.Recurring {
		lines = append(lines, c.say("24 小时内已有三次同样规模", "as high three times before within 24 h"))
	}
	if len(a.TopUsers) > 0 && (a.Kind == detect.KindPingPong || a.Kind == detect.KindSharedAccount) {
		lines = append(lines, c.say("最多的用户：", "top users: ")+c.users(a.TopUsers))
	}
	if isSpike(a) {
		lines = append(lines, c.meaning(a.Codes[0])...)
	}
	if advice := c.say(a.Advice.ZH, a.Advice.EN); advice != "" {
		lines = append(lines, c.say("处理：", "to do: ")+advice)
	}
	return append(lines, c.usualCauses(a)...)
}

func (c *composer) change(w *detect.Change) string {
	field := w.Field
	if words, ok := fieldWords[w.Field]; ok {
		field = c.say(words[0], words[1])
	}
	text := c.sayf("%[3]s 来自%[1]s %[2]s", "%[3]s from %[1]s %[2]s", field, w.Value, percent(w.Share))
	if w.Before > 0 {
		return text + c.sayf("（此前 %s，%s 倍）", " (before: %s, %s×)", percent(w.Before), number(w.Lift))
	}
	return text + c.say("（此前没有）", " (before: none)")
}

func (c *composer) users(users []detect.TopUser) string {
	var parts []string
	for _, u := range users {
		parts = append(parts, fmt.Sprintf("%s %d", u.User, u.Count))
	}
	return strings.Join(parts, " · ")
}

func (c *composer) meaning(code int32) []string {
	e := c.entry(code)
	if e == nil {
		return []string{c.sayf("%d 不在错误码表中", "%d is in no catalog", code)}
	}
	return []string{c.say("含义：", "meaning: ") + clean(e.Meaning.In(c.lang), textLimit)}
}

const shownCauses = 3

// usualCauses lists those of the first code, unless the kind of a storm says better.
func (c *composer) usualCauses(a *detect.Alert) []string {
	if len(a.Codes) == 0 || a.Kind != "" && a.Kind != detect.KindPending && a.Kind != detect.KindMixed {
		return nil
	}
	e := c.entry(a.Codes[0])
	if e == nil || len(e.Causes) == 0 {
		return nil
	}
	var parts []string
	for i, cause := range e.Causes[:min(len(e.Causes), shownCauses)] {
		parts = append(parts, string('①'+rune(i))+" "+clean(cause.In(c.lang), textLimit))
	}
	return []string{c.say("常见原因：", "usual causes: ") + strings.Join(parts, " ")}
}

// brief is all that is said of an alert among others.
func (c *composer) brief(n *note) string {
	if n.State == detect.Resolved {
		return c.title(n) + c.say("：", ": ") + c.ending(n)[0]
	}
	return c.title(n) + c.say("：", ": ") + c.rate(&n.Alert) + c.say("，开始 ", ", since ") + c.clock(n.StartsAt)
}

// clock shows a time with its zone: who reads it may sit in another.
func (c *composer) clock(t time.Time) string {
	return t.In(c.zone).Format("2006-01-02 15:04:05 -07:00")
}

// period names the day of the end only if it is another.
func (c *composer) period(start, end time.Time) string {
	start, end = start.In(c.zone), end.In(c.zone)
	if start.Format(time.DateOnly) != end.Format(time.DateOnly) {
		return start.Format(time.DateTime) + " – " + end.Format("2006-01-02 15:04:05 -07:00")
	}
	return start.Format(time.DateTime) + " – " + end.Format("15:04:05 -07:00")
}

func (c *composer) span(d time.Duration) string {
	d = max(d, 0).Round(time.Second)
	hours, minutes, seconds := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case hours > 0:
		return c.sayf("%d 小时 %d 分", "%dh%dm", hours, minutes)
	case minutes > 0:
		return c.sayf("%d 分 %d 秒", "%dm%ds", minutes, seconds)
	}
	return c.sayf("%d 秒", "%ds", seconds)
}

// number shows one decimal below ten, and thousands apart.
func number(x float64) string {
	if x < 9.95 {
		return strings.TrimSuffix(strconv.FormatFloat(x, 'f', 1, 64), ".0")
	}
	return grouped(int64(x + 0.5))
}

func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 0, 64) + "%" }

// fit returns the message for as many of the notes as the size allows, at least one, and how many these are. Of a message
// about one alert, lines are left out at the end, and it says how many.
func (c *composer) fit(notes []note, limit int, size func(message) int) (message, int) {
	for n := len(notes); n > 1; n-- {
		if m := c.message(notes[:n]); size(m) <= limit {
			return m, n
		}
	}
	m := c.message(notes[:1])
	for size(m) > limit && len(m.lines) > 0 {
		m.lines, m.more = m.lines[:len(m.lines)-1], m.more+1
	}
	return m, 1
}

// body returns the lines of m, each as line makes it, with the note of what was left out.
func (c *composer) body(m message, line func(string) string) []string {
	var lines []string
	for _, l := range m.lines {
		lines = append(lines, line(l))
	}
	if m.more > 0 {
		lines = append(lines, line(c.sayf("…另有 %d 行超出长度限制，未显示", "… %d more lines left out: too long for one message", m.more)))
	}
	return lines
}

// markdownLinks returns one line of links, or nothing.
func (c *composer) markdownLinks() []string {
	var parts []string
	for _, l := range c.links {
		parts = append(parts, "["+l.title+"]("+l.url+")")
	}
	if parts == nil {
		return nil
	}
	return []string{strings.Join(parts, " · ")}
}

// keyword returns the line that a robot insists on, unless text has it already.
func (c *composer) keyword(text string) []string {
	if c.sink.Keyword == "" || strings.Contains(text, c.sink.Keyword) {
		return nil
	}
	return []string{clean(c.sink.Keyword, valueLimit)}
}
