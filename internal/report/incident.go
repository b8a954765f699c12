package report

import (
	"cmp"
	"errors"
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

// Incident writes the first half of a post-mortem in Markdown: what one alert of res was, when, for whom, in which versions,
// why, and what to do; the second half is for people. name is that of an alert, such as kick-storm; of several the worst is
// taken, and kick-storm@2026-11-23T10:31 names one by the beginning of its start, as res shows it. A name that is none is
// ErrNoAlert, with those that are, and nothing is written. Of opt it takes Lang, Input and Again; cat may be nil.
func Incident(w io.Writer, res *aggregate.Result, cat *catalog.Catalog, name string, opt TextOptions) error {
	list := Alerts(res)
	chosen := named(list, name)
	if len(chosen) == 0 {
		return fmt.Errorf("incident %q: %w; %s", clean(name, 64), ErrNoAlert, alertNames(list))
	}
	s := &screen{printer: printer{w: w}, opt: opt, res: res, cat: cat, lang: opt.Lang}
	in := &incident{screen: s, alert: &chosen[0], also: chosen[1:], all: list}
	in.head()
	in.what()
	in.who()
	in.cause()
	in.timeline()
	in.todo()
	in.rest()
	return s.err
}

// ErrNoAlert says that a result has no alert of a name.
var ErrNoAlert = errors.New("no such alert")

// named returns the alerts that name means, the worst first.
func named(list []detect.Alert, name string) []detect.Alert {
	name, start, _ := strings.Cut(name, "@")
	var found []detect.Alert
	for _, a := range list {
		if a.Alert == name && strings.HasPrefix(a.StartsAt.Format(time.RFC3339), start) {
			found = append(found, a)
		}
	}
	slices.SortStableFunc(found, func(a, b detect.Alert) int {
		return cmp.Or(catalog.SeverityRank(b.Severity)-catalog.SeverityRank(a.Severity), cmp.Compare(b.Users, a.Users), cmp.Compare(b.Count, a.Count))
	})
	return found
}

// alertNames lists the names of alerts, each with its start if it is not the only one of its name.
func alertNames(list []detect.Alert) string {
	const most = 20
	if len(list) == 0 {
		return "there is none in this log"
	}
	times := map[string]int{}
	for i := range list {
		times[list[i].Alert]++
	}
	var names []string
	for i := range list {
		if i == most {
			names = append(names, "…")
			break
		}
		names = append(names, incidentName(&list[i], times[list[i].Alert] > 1))
	}
	return "there are " + strings.Join(names, ", ")
}

func incidentName(a *detect.Alert, start bool) string {
	name := clean(a.Alert, 64)
	if start {
		name += "@" + a.StartsAt.Format("2006-01-02T15:04:05")
	}
	return name
}

// incident is one alert as it is written down.
type incident struct {
	*screen
	alert *detect.Alert
	also  []detect.Alert // of the same name
	all   []detect.Alert
}

// heading begins a section whose first part is a table, title one whose first part is not.
func (in *incident) heading(en, zh string) {
	in.line("")
	in.line("## %s", in.say(en, zh))
}

func (in *incident) title(en, zh string) {
	in.heading(en, zh)
	in.line("")
}

func (in *incident) para(text string) { in.line("%s", mdText(text)) }
func (in *incident) item(text string) { in.line("- %s", mdText(text)) }

func (in *incident) head() {
	a := in.alert
	in.line("# %s", mdText(in.say("Incident: ", "事故：")+in.alertName(a)+in.say(", ", "，")+a.StartsAt.Format(time.DateOnly)))
	in.line("")
	source := ""
	if in.opt.Input != "" {
		source = in.say(" from %s", "，来自 %s", clean(in.opt.Input, cleanLimit))
	}
	in.para(in.say("The half that the log knows, written by imerr-scan %s%s. Times are %s. What people saw, decided and did is to be added below.",
		"由 imerr-scan %s 写出的前半部分%s，时间为 %s。人看到、决定和做了什么，请补充在后面。", clean(in.res.Version, 40), source, a.StartsAt.Format("-07:00")))
	for i := range in.also {
		in.line("")
		in.para(in.say("Another one of this name: --incident %s", "另有一次同名告警：--incident %s", incidentName(&in.also[i], true)))
	}
	rows := [][]string{
		{in.say("Severity", "级别"), in.severity(a.Severity)},
		{in.say("Began", "开始"), in.moment(a.StartsAt)},
		{in.say("Known", "发现"), in.say("%s, %s after it began", "%s，开始后 %s", in.moment(a.FiredAt), shortDuration(a.FiredAt.Sub(a.StartsAt)))},
		{in.say("Ended", "结束"), in.ended()},
		{in.say("Users", "用户"), grouped(a.Users)},
		{in.say("Events", "事件"), grouped(a.Count)},
	}
	in.mdTable([]string{"", ""}, "ll", rows)
}

func (in *incident) moment(t time.Time) string { return t.Format(time.DateTime) }

func (in *incident) ended() string {
	a := in.alert
	if a.EndsAt == nil {
		return in.say("not yet at %s", "截至 %s 未结束", in.moment(a.At))
	}
	text := in.say("%s, after %s", "%s，持续 %s", in.moment(*a.EndsAt), shortDuration(a.EndsAt.Sub(a.StartsAt)))
	if a.Reason == "new_level" {
		text += in.say(" (it became the usual)", "（已成为常态）")
	}
	return text
}

func shortDuration(d time.Duration) string { return shortSpan(d.Round(time.Second).String()) }

// codesOf returns the rows of the codes of the alert.
func (in *incident) codesOf() []*aggregate.CodeResult {
	var rows []*aggregate.CodeResult
	for i := range in.res.Codes {
		if slices.Contains(in.alert.Codes, in.res.Codes[i].Code) {
			rows = append(rows, &in.res.Codes[i])
		}
	}
	return rows
}

func (in *incident) what() {
	in.title("What happened", "发生了什么")
	in.para(in.join(in.alertName(in.alert) + in.colon() + in.alertNumbers(in.alert)))
	in.line("")
	for i, code := range in.alert.Codes {
		if i == 8 {
			in.item("…")
			break
		}
		e := in.entry(code)
		in.item(strings.TrimRight(fmt.Sprintf("%d %s%s%s", code, e.Name, in.colon(), e.Meaning.In(in.lang)), " :："))
	}
}

func (in *incident) who() {
	a := in.alert
	in.title("Who, and in which versions", "影响了谁，哪些版本")
	text := in.say(plural(a.Users, "%s user", "%s users"), "%s 位用户", grouped(a.Users))
	if a.Storm != nil && a.Storm.KicksPerUser > 0 {
		text += in.say(", %s kicks each", "，人均被踢 %s 次", quantity(a.Storm.KicksPerUser))
		if a.Storm.GapSeconds > 0 {
			text += in.say("; those in a loop once in %.0f s", "；循环者每 %.0f 秒一次", a.Storm.GapSeconds)
		}
	}
	in.para(in.join(text))
	if len(a.Why) > 0 {
		var rows [][]string
		for _, w := range a.Why[:min(len(a.Why), 8)] {
			rows = append(rows, []string{in.field(w.Field), clean(w.Value, 64), percentOf(w.Share), percentOf(w.Before)})
		}
		in.mdTable([]string{in.say("Field", "字段"), in.say("Value", "取值"), in.say("In the incident", "事故期间"), in.say("The day before", "此前一天")}, "llrr", rows)
	} else {
		in.line("")
		in.para(in.say("No version, platform or reason stands out against the day before.", "与此前一天相比，没有突出的版本、平台或原因。"))
	}
	in.overall()
	if len(a.TopUsers) > 0 {
		var rows [][]string
		for _, u := range a.TopUsers[:min(len(a.TopUsers), 5)] {
			rows = append(rows, []string{clean(u.User, 64), grouped(u.Count)})
		}
		in.mdTable([]string{in.say("Most affected", "影响最大"), in.say("10 s with an error", "出错的 10 秒数")}, "lr", rows)
	}
}

// overall says how the codes divide over the whole log, since the incident's own division is known only where it changed.
func (in *incident) overall() {
	for _, split := range []struct {
		field string
		of    func(*aggregate.CodeResult) map[string]int64
	}{
		{"version", func(c *aggregate.CodeResult) map[string]int64 { return c.Versions }},
		{"platform", func(c *aggregate.CodeResult) map[string]int64 { return c.Platforms }},
	} {
		var all int64
		counts := map[string]int64{}
		for _, c := range in.codesOf() {
			for k, n := range split.of(c) {
				counts[k] += n
				all += n
			}
		}
		var parts []string
		for i, kv := range byCount(counts) {
			if i == 4 {
				parts = append(parts, "…")
				break
			}
			parts = append(parts, fmt.Sprintf("%s %s%%", cmp.Or(cut(clean(kv.key, 64), 32), "?"), share(kv.count, all)))
		}
		if len(parts) > 0 {
			in.line("")
			in.para(in.say("These codes over the whole log by %s: %s", "全部日志中这些代码按%s：%s", in.field(split.field), strings.Join(parts, in.say(", ", "，"))))
		}
	}
}

func (in *incident) field(key string) string {
	if in.lang == catalog.ZH {
		if zh := map[string]string{"version": "版本", "platform": "平台", "reason": "原因"}[key]; zh != "" {
			return zh
		}
	}
	return clean(key, 16)
}

func percentOf(share float64) string { return fmt.Sprintf("%.0f%%", 100*share) }

func (in *incident) cause() {
	in.title("Cause", "原因")
	in.para(in.say("What the numbers say, to be confirmed:", "数字所示，待确认："))
	in.line("")
	why := in.alertWhy(in.alert)
	if why == "" {
		why = in.say("nothing beyond the rise itself", "除了上升本身，没有更多线索")
	}
	in.item(why)
	for _, c := range in.codesOf() {
		e := in.entry(c.Code)
		if text, _ := in.reasons(c, e); text != "" {
			in.item(in.say("%d over the whole log: %s", "%d，全部日志：%s", c.Code, text))
		}
	}
	if len(in.alert.Codes) == 0 {
		return
	}
	lead := in.entry(in.alert.Codes[0])
	if len(lead.Causes) > 0 {
		in.line("")
		in.para(in.say("What %d usually comes from:", "%d 的常见原因：", lead.Code))
		in.line("")
		for _, c := range lead.Causes {
			in.item(c.In(in.lang))
		}
	}
}

func (in *incident) timeline() {
	in.heading("Timeline", "时间线")
	a := in.alert
	type moment struct {
		at   time.Time
		text string
	}
	list := []moment{{a.StartsAt, in.say("above the usual from here on", "从此高于平时")}, {a.FiredAt, in.say("known", "发现")}}
	end := a.At
	if a.EndsAt != nil {
		end = *a.EndsAt
		list = append(list, moment{end, in.say("back to the usual", "恢复平常")})
	}
	if at, count, step := in.busiest(a.StartsAt, end); count > 0 {
		list = append(list, moment{at, in.say(plural(count, "busiest: %s event in %s", "busiest: %s events in %s"), "最多：%[2]s 内 %[1]s 次", grouped(count), shortDuration(step))})
	}
	for i := range in.all {
		b := &in.all[i]
		if b.ID() == a.ID() || b.StartsAt.After(end) || b.EndsAt != nil && b.EndsAt.Before(a.StartsAt) {
			continue
		}
		list = append(list, moment{b.StartsAt, in.say("meanwhile: %s (%s), %s", "同时：%s（%s），%s", in.alertName(b), in.alertSpan(b, false), in.alertNumbers(b))})
	}
	slices.SortStableFunc(list, func(x, y moment) int { return x.at.Compare(y.at) })
	layout := time.TimeOnly
	if list[0].at.Format(time.DateOnly) != end.Format(time.DateOnly) {
		layout = "01-02 15:04:05"
	}
	var rows [][]string
	for _, m := range list[:min(len(list), 40)] {
		rows = append(rows, []string{m.at.Format(layout), m.text})
	}
	in.mdTable([]string{in.say("Time", "时间"), in.say("What", "事件")}, "ll", rows)
	in.bars(a.StartsAt, end)
}

// slots returns the events of the alert's codes by slot of the timeline, and the slot of a time.
func (in *incident) slots() (counts []int64, slot func(time.Time) int, step time.Duration) {
	t := in.res.Timeline
	if t.Start == nil || t.SlotSeconds <= 0 {
		return nil, nil, 0
	}
	counts = make([]int64, min(max(t.Slots, 0), 2880))
	for _, c := range in.codesOf() {
		for i, n := range c.Timeline[:min(len(c.Timeline), len(counts))] {
			counts[i] += n
		}
	}
	step = time.Duration(t.SlotSeconds) * time.Second
	return counts, func(at time.Time) int { return int(at.Sub(*t.Start) / step) }, step
}

// busiest returns the slot with the most events of the alert's codes.
func (in *incident) busiest(from, to time.Time) (at time.Time, count int64, step time.Duration) {
	counts, slot, step := in.slots()
	for i := range counts {
		if i >= slot(from) && i <= slot(to) && counts[i] > count {
			at, count = in.res.Timeline.Start.Add(time.Duration(i)*step), counts[i]
		}
	}
	return at, count, step
}

// bars draws the events from a little before to a little after, in at most so many lines.
func (in *incident) bars(from, to time.Time) {
	const most, wide = 40, 40
	counts, slot, step := in.slots()
	if len(counts) == 0 {
		return
	}
	first, last := slot(from), slot(to)
	margin := max(3, (last-first)/4)
	first, last = max(first-margin, 0), min(last+margin, len(counts)-1)
	if first > last {
		return
	}
	group := (last - first + most) / most
	var top int64
	var sums []int64
	for i := first; i <= last; i += group {
		var sum int64
		for _, n := range counts[i:min(i+group, last+1)] {
			sum += n
		}
		sums, top = append(sums, sum), max(top, sum)
	}
	in.line("")
	in.para(in.say("Events of its codes in %s each:", "每 %s 的事件数：", shortDuration(step*time.Duration(group))))
	in.line("")
	in.line("```text")
	layout := "15:04"
	if step%time.Minute != 0 {
		layout = time.TimeOnly
	}
	if total := step * time.Duration(last-first+1); total > 20*time.Hour {
		layout = "01-02 15:04"
	}
	for i, sum := range sums {
		at := in.res.Timeline.Start.In(from.Location()).Add(time.Duration(first+i*group) * step)
		in.line("%s", strings.TrimRight(fmt.Sprintf("%s %6s %s", at.Format(layout), grouped(sum), bar(sum, max(top, 1), wide)), " "))
	}
	in.line("```")
}

func (in *incident) todo() {
	a := in.alert
	in.title("What to do", "怎么办")
	advice := in.pick(a.Advice)
	if advice != "" {
		in.para(advice)
		in.line("")
	}
	for _, code := range a.Codes[:min(len(a.Codes), 8)] {
		if next := in.entry(code).Next.In(in.lang); next != "" && !strings.Contains(advice, next) {
			in.item(fmt.Sprintf("%d%s%s", code, in.colon(), next))
		}
	}
	if in.opt.Again == "" || len(a.Codes) == 0 {
		return
	}
	var codes []string
	for _, code := range a.Codes {
		codes = append(codes, strconv.Itoa(int(code)))
	}
	until := a.At
	if a.EndsAt != nil {
		until = *a.EndsAt
	}
	in.line("")
	in.para(in.say("To look further:", "继续查看："))
	in.line("")
	in.line("```sh")
	for _, by := range []string{"--by version", "--by user", "-o ndjson"} {
		in.line("imerr-scan %s --code %s --since %s --until %s %s", clean(in.opt.Again, cleanLimit), strings.Join(codes, ","),
			a.StartsAt.Format(time.RFC3339), until.Format(time.RFC3339), by)
	}
	in.line("```")
}

// rest is the half that no log knows.
func (in *incident) rest() {
	in.title("To be written", "待补充")
	for _, q := range [][2]string{
		{"Who noticed first, and how", "谁最先发现，如何发现"},
		{"What users saw; tickets, complaints", "用户看到了什么；工单与投诉"},
		{"What was tried, decided and done, when and by whom", "何时、何人，做了哪些尝试、决定和操作"},
		{"The cause as confirmed", "确认后的原因"},
		{"What will be changed, by whom, until when", "将改什么，由谁，到何时"},
	} {
		in.line("- [ ] %s", in.say(q[0], q[1]))
	}
}
