package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"imerr-scan/internal/aggregate"
	"imerr-scan/pkg/catalog"
)

// adviceItems bounds what a summary tells to do: nobody does more at once.
const adviceItems = 4

// advice is what to do about one code, or about the kicks.
type advice struct {
	codes  string   // "206/217"
	text   string   // what happened, to whom
	checks []string // what to look at, the likeliest first
	lead   int32    // the code to explain
}

// advise chooses the codes that matter most and says what to do about them: the kicks together, with a diagnosis from
// their users, and of each other code the catalog's next step.
func (s *screen) advise() []advice {
	var out []advice
	kicks, rest := s.kicks()
	if len(kicks) > 0 {
		out = append(out, s.adviseKicks(kicks))
	}
	for _, r := range rest {
		if len(out) == adviceItems {
			break
		}
		if e := s.entry(r.Code); e.Next.In(s.lang) != "" {
			out = append(out, s.adviseCode(r, e))
		}
	}
	if s.res.Unknown.Count > 0 {
		out = append(out, s.adviseUnknown())
	}
	return out
}

// unknownLabel stands for values that are in no catalog.
const unknownLabel = "?"

// adviseUnknown names the most frequent value that is in no catalog.
func (s *screen) adviseUnknown() advice {
	a := advice{codes: unknownLabel, checks: []string{s.say("A newer SDK, another platform's code (--platform), or one of your own: add it with --catalog\u00a0FILE.",
		"可能来自更新的 SDK、其他平台（--platform）或自有代码：用 --catalog\u00a0FILE 补充。")}}
	platform := clean(cmp.Or(s.res.Catalog.Platform, "web"), 16)
	if len(s.res.Unknown.Values) == 0 {
		a.text = s.say("%s events with codes that are not in the %s catalog.", "%s 个事件的代码不在 %s 码表中。", grouped(s.res.Unknown.Count), platform)
		return a
	}
	v := s.res.Unknown.Values[0]
	first := ""
	if v.First != nil {
		first = s.say(", first %s", "，首次 %s", v.First.Format("01-02 15:04"))
	}
	a.text = s.say(plural(v.Count, "%s is not in the %s catalog (%s event%s).", "%s is not in the %s catalog (%s events%s)."), "%s 不在 %s 码表中（%s 个事件%s）。", quoteValue(v.Value), platform, grouped(v.Count), first)
	return a
}

// kicks parts the codes: those that end a session by a kick, by count, and the others that deserve advice, by weight.
func (s *screen) kicks() (kicks, others []*aggregate.CodeResult) {
	for i := range s.res.Codes {
		r := &s.res.Codes[i]
		switch {
		case r.Topic == "kick":
			kicks = append(kicks, r)
		case r.Severity != "info" || len(s.res.Codes) <= adviceItems:
			others = append(others, r)
		}
	}
	slices.SortStableFunc(others, func(a, b *aggregate.CodeResult) int {
		return cmp.Compare(weight(b), weight(a))
	})
	return kicks, others
}

// weight says how much a code matters: its count, times four for each step of severity, times four if it is new.
func weight(r *aggregate.CodeResult) int64 {
	w := r.Count
	switch r.Severity {
	case "critical":
		w *= 64
	case "error":
		w *= 16
	case "warning":
		w *= 4
	}
	if findPeak(r.Timeline).new {
		w *= 4
	}
	return w
}

// adviseKicks tells the three sources of kicks apart: many users kicked a few times, one user in a loop, one account on
// many devices.
func (s *screen) adviseKicks(kicks []*aggregate.CodeResult) advice {
	lead := kicks[0]
	a := advice{lead: lead.Code}
	var codes []string
	for _, r := range kicks[:min(len(kicks), 4)] {
		codes = append(codes, strconv.Itoa(int(r.Code)))
	}
	a.codes = strings.Join(codes, "/")
	var loops, shared []*aggregate.UserResult
	var accountEvents int64 // kicks of the leading code that single accounts explain
	for i := range s.res.TopUsers {
		u := &s.res.TopUsers[i]
		switch u.Pattern {
		case "ping_pong":
			loops = append(loops, u)
		case "shared_account":
			shared = append(shared, u)
		default:
			continue
		}
		accountEvents += u.Codes[codes[0]]
	}
	accounts := int64(len(loops) + len(shared))
	others := max(lead.Users.Distinct-accounts, 0)
	each := float64(max(lead.Count-accountEvents, 0)) / float64(max(others, 1))
	var parts []string
	switch {
	case lead.Users.Distinct == 0:
		parts = append(parts, s.say("%s kicks, users unknown", "被踢 %s 次，用户未知", grouped(lead.Count)))
	case others > 0:
		parts = append(parts, s.say(plural(others, "%s user kicked %.1f times", "%s users kicked %.1f times each"), "%s 位用户，人均被踢 %.1f 次", s.about(lead.Users)+grouped(others), each))
	}
	if len(loops) > 0 {
		parts = append(parts, s.say("%s in a loop (%s)", "%s陷入互踢循环（%s）", s.people(len(loops)), s.names(loops)))
	}
	if len(shared) > 0 {
		parts = append(parts, s.say("%s on many devices (%s)", "%s在多台设备上登录（%s）", s.accounts(len(shared)), s.names(shared)))
	}
	a.text = strings.Join(parts, s.say(", ", "，")) + s.say(".", "。") + s.concentration(lead)
	mass := others >= 20 && each < 3
	loop := s.say("automatic login after a kick: the SDK does not reconnect by itself, so a loop is the app's own login; on %s go to the login page",
		"被踢后是否自动重登：SDK 不会自行重连，循环只能来自应用自己的登录；收到 %s 应回到登录页", a.codes)
	if len(loops) > 0 && !mass {
		a.checks = append(a.checks, loop)
	}
	if slices.Contains(codes, "206") {
		a.checks = append(a.checks,
			s.say("a release that logs in twice (--by\u00a0version)", "新版本是否重复登录（--by\u00a0version）"),
			s.say("the multi-device setting in the console", "控制台的多设备登录设置"))
	}
	if len(loops) > 0 && mass || len(loops) == 0 && slices.Contains(codes, "206") {
		a.checks = append(a.checks, loop)
	}
	if len(shared) > 0 {
		a.checks = append(a.checks, s.say("who shares these accounts", "哪些人在共用这些账号"))
	}
	for _, extra := range []struct {
		code  string
		check string
	}{
		{"217", s.say("who calls the kick API or signs other devices out", "谁在调用踢下线接口，或在管理后台踢人")},
		{"207", s.say("who deletes users", "谁在删除用户")},
		{"216", s.say("who changes passwords", "谁在修改密码")},
	} {
		if slices.Contains(codes, extra.code) {
			a.checks = append(a.checks, extra.check)
		}
	}
	a.checks = a.checks[:min(len(a.checks), 5)]
	return a
}

func (s *screen) about(u aggregate.Distinct) string {
	if u.Exact {
		return ""
	}
	return s.say("about ", "约 ")
}

func (s *screen) people(n int) string {
	if n == 1 {
		return s.say("1 user", "1 位用户")
	}
	return s.say("%d users", "%d 位用户", n)
}

func (s *screen) accounts(n int) string {
	if n == 1 {
		return s.say("1 account", "1 个账号")
	}
	return s.say("%d accounts", "%d 个账号", n)
}

// names lists the first users.
func (s *screen) names(users []*aggregate.UserResult) string {
	var parts []string
	for i, u := range users {
		if i == 2 {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, cut(clean(u.User, 64), 24))
	}
	return strings.Join(parts, s.say(", ", "、"))
}

// adviseCode gives the meaning of a code, what its messages say, and the catalog's next step.
func (s *screen) adviseCode(r *aggregate.CodeResult, e *catalog.Entry) advice {
	a := advice{codes: strconv.Itoa(int(r.Code)), lead: r.Code}
	known, covered := s.reasons(r, e)
	switch {
	case covered*2 >= r.Count && known != "":
		a.text = s.join(known)
	case known != "":
		a.text = s.join(clean(e.Meaning.In(s.lang), cleanLimit)) + s.gapWord() + s.say("Known causes: %s.", "已知原因：%s。", known)
	default:
		a.text = s.join(clean(e.Meaning.In(s.lang), cleanLimit))
	}
	a.text += s.concentration(r)
	if inner := byCount(r.Inner); len(inner) > 0 {
		a.text += s.gapWord() + s.say("Cause inside: %s.", "内层原因：%s。", s.innerCause(inner[0]))
	}
	a.checks = []string{clean(e.Next.In(s.lang), cleanLimit)}
	return a
}

// join ends a sentence.
func (s *screen) join(text string) string {
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "。") {
		return text
	}
	return text + s.say(".", "。")
}

// gapWord stands between two sentences.
func (s *screen) gapWord() string { return s.say(" ", "") }

func (s *screen) innerCause(kv keyCount) string {
	name := clean(kv.key, 16)
	if n, err := strconv.ParseInt(kv.key, 10, 32); err == nil {
		if e := s.entry(int32(n)); e.Name != "" {
			name += " " + shortName(e.Name)
		}
	}
	return fmt.Sprintf("%s (%s×)", name, grouped(kv.count))
}

// reasons names the causes that the messages of a code gave away, the most frequent first, and how many events they
// cover; "" if none is known.
func (s *screen) reasons(r *aggregate.CodeResult, e *catalog.Entry) (text string, covered int64) {
	var parts []string
	for _, kv := range byCount(r.Reasons) {
		i := slices.IndexFunc(e.Reasons, func(reason catalog.Reason) bool { return reason.ID == kv.key })
		if i < 0 || kv.count == 0 || len(parts) == 2 {
			continue
		}
		meaning := strings.TrimRight(clean(e.Reasons[i].Meaning.In(s.lang), cleanLimit), ".。 ")
		if meaning == "" {
			meaning = clean(kv.key, 64)
		}
		parts = append(parts, s.say("%s (%s×)", "%s（%s 次）", meaning, grouped(kv.count)))
		covered += kv.count
	}
	return strings.Join(parts, s.say("; ", "；")), covered
}

// concentration says which version or platform a code comes from, if it comes from one far more than other codes usually
// do. The usual is the median over the other codes, so that one storm does not colour the rest.
func (s *screen) concentration(r *aggregate.CodeResult) string {
	for _, field := range []struct {
		name   string
		values func(*aggregate.CodeResult) map[string]int64
	}{
		{s.say("version", "版本"), func(c *aggregate.CodeResult) map[string]int64 { return c.Versions }},
		{s.say("platform", "平台"), func(c *aggregate.CodeResult) map[string]int64 { return c.Platforms }},
	} {
		list := byCount(field.values(r))
		if len(list) == 0 {
			continue
		}
		here, enough := part(field.values(r), list[0].key)
		var others []float64
		for i := range s.res.Codes {
			if c := &s.res.Codes[i]; c.Code != r.Code {
				if there, enough := part(field.values(c), list[0].key); enough {
					others = append(others, there)
				}
			}
		}
		if !enough || len(others) < 3 {
			continue
		}
		slices.Sort(others)
		usual := others[len(others)/2]
		if here < 0.6 || here < 1.5*usual { // a smaller lift is not worth a line
			continue
		}
		return s.gapWord() + s.say("%.0f%% of %d come from %s %s (other codes: %.0f%%).", "%[2]d 的 %.0[1]f%% 来自%[3]s %[4]s（其他代码一般为 %.0[5]f%%）。",
			100*here, r.Code, field.name, cut(clean(list[0].key, 64), 24), 100*usual)
	}
	return ""
}

// part is that of one value in all; enough says whether there are the 20 events without which it proves nothing.
func part(values map[string]int64, key string) (part float64, enough bool) {
	var all int64
	for _, n := range values {
		all += n
	}
	return float64(values[key]) / float64(max(all, 1)), all >= 20
}

// todo writes the advice.
func (s *screen) todo() {
	items := s.advise()
	if len(items) == 0 {
		return
	}
	indent := 0
	for _, a := range items {
		indent = max(indent, width(a.codes))
	}
	s.section(s.say("WHAT TO DO", "怎么办"))
	room := min(s.opt.Width, 128) - 4 - indent
	for _, a := range items {
		label := s.ink.bold(padRight(a.codes, indent))
		for _, line := range s.adviceLines(a, room) {
			fmt.Fprintln(s, "  "+label+"  "+line)
			label = spaces(indent)
		}
	}
}

// adviceLines lays one advice out: what happened, then a single step after an arrow, or several with numbers.
func (s *screen) adviceLines(a advice, room int) []string {
	lines := wrap(a.text, room)
	if len(a.checks) == 1 {
		return append(lines, hang("→ ", a.checks[0], room)...)
	}
	line := ""
	for i, check := range a.checks {
		check = fmt.Sprintf("(%d)\u00a0%s", i+1, check)
		if line != "" && width(line)+2+width(check) <= room {
			line += "  " + strings.ReplaceAll(check, "\u00a0", " ")
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		pieces := wrap(check, room)
		lines = append(lines, pieces[:len(pieces)-1]...)
		line = pieces[len(pieces)-1]
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// hang wraps text after mark; later lines begin below the text.
func hang(mark, text string, room int) []string {
	lines := wrap(text, room-width(mark))
	for i := range lines {
		if lines[i] = mark + lines[i]; i == 0 {
			mark = spaces(width(mark))
		}
	}
	return lines
}
