package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"imerr-scan/internal/aggregate"
	"imerr-scan/pkg/catalog"
)

// Markdown writes res for an issue, a chat or a wiki: GitHub's tables, in the language of opt; of opt it takes Lang, Top,
// Input and Elapsed. cat may be nil.
func Markdown(w io.Writer, res *aggregate.Result, cat *catalog.Catalog, opt TextOptions) error {
	s := &screen{printer: printer{w: w}, opt: opt, res: res, cat: cat, lang: opt.Lang}
	s.line("## %s", s.mdTitle())
	s.line("")
	if res.Events == 0 {
		s.line("%s", mdText(s.nothingFound()))
	} else {
		s.line("%s  ", mdText(s.spanLine()))
		s.line("%s", mdText(strings.ReplaceAll(s.readLine(), "   ", " · ")))
		s.mdCodes()
		s.mdUsers()
		s.mdAlerts()
		s.mdAdvice()
	}
	s.mdInput()
	return s.err
}

func (s *screen) mdTitle() string {
	title := s.say("IM errors: %s · %s users affected", "IM 错误 %s 个 · 影响 %s 位用户", grouped(s.res.Events), grouped(s.res.Users.Distinct)) + s.usersError()
	if s.opt.Input != "" {
		title += " · " + clean(s.opt.Input, cleanLimit)
	}
	return mdText(title)
}

func (s *screen) mdCodes() {
	shown := s.res.Codes
	if s.opt.Top > 0 && len(shown) > s.opt.Top {
		shown = shown[:s.opt.Top]
	}
	var rows [][]string
	for i := range shown {
		r := &shown[i]
		rows = append(rows, []string{strconv.Itoa(int(r.Code)), r.Name, r.Category, grouped(r.Count), share(r.Count, s.res.Events),
			usersCell(r.Users), mdTime(r.First), mdTime(r.Last), findPeak(r.Timeline).mark(s.lang)})
	}
	if n := len(s.res.Codes) - len(shown); n > 0 {
		sum := s.restCount(len(shown))
		rows = append(rows, []string{"", s.say("+ %d more codes", "另有 %d 个代码", n), "", grouped(sum), share(sum, s.res.Events), "", "", "", ""})
	}
	if u := s.res.Unknown; u.Count > 0 {
		rows = append(rows, []string{"?", s.unknownName(), "unknown", grouped(u.Count), share(u.Count, s.res.Events), "", mdTime(firstUnknown(u)), "", ""})
	}
	s.mdTable([]string{s.say("Code", "代码"), s.say("Name", "名称"), s.say("Category", "类别"), s.say("Count", "次数"), "%", s.say("Users", "用户"),
		s.say("First", "首次"), s.say("Last", "末次"), s.say("Peak", "峰值")}, "rllrrrlll", rows)
}

func mdTime(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format("2006-01-02 15:04:05 -07:00")
}

func (s *screen) mdUsers() {
	var rows [][]string
	for i := range s.res.TopUsers {
		u := &s.res.TopUsers[i]
		if s.opt.Top > 0 && i >= s.opt.Top || u.Count < 2 {
			break
		}
		count := grouped(u.Count)
		if u.Error > 0 {
			count = "≤" + count
		}
		rows = append(rows, []string{u.User, count, topCodes(u.Codes, 3), strconv.Itoa(u.Devices), s.pattern(u)})
	}
	if len(rows) > 0 {
		s.mdTable([]string{s.say("User", "用户"), s.say("Events", "事件"), s.say("Codes", "代码"), s.say("Devices", "设备"), s.say("Pattern", "模式")}, "lrlrl", rows)
	}
}

func (s *screen) mdAdvice() {
	items := s.advise()
	if len(items) == 0 {
		return
	}
	s.line("")
	s.line("### %s", s.say("What to do", "怎么办"))
	s.line("")
	for _, a := range items {
		s.line("- **%s** %s", mdText(a.codes), mdText(a.text))
		for _, check := range a.checks {
			s.line("  - %s", mdText(check))
		}
	}
}

func (s *screen) mdInput() {
	s.line("")
	s.line("### %s", s.say("Input", "输入"))
	s.line("")
	for _, part := range append(s.inputParts(), s.hintParts()...) {
		s.line("- %s", mdText(strings.Join(part.facts, " · ")))
	}
	s.line("- %s", mdText(fmt.Sprintf("imerr-scan %s, %s-%s", s.res.Version, s.res.Catalog.Platform, s.res.Catalog.Version)))
}

// mdTable writes a table with an empty line before it; align has l or r for each column.
func (s *screen) mdTable(head []string, align string, rows [][]string) {
	rule := make([]string, len(head))
	for i := range head {
		rule[i] = "---"
		if align[i] == 'r' {
			rule[i] = "--:"
		}
	}
	s.line("")
	s.line("| %s |", strings.Join(head, " | "))
	s.line("| %s |", strings.Join(rule, " | "))
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = mdText(cell)
		}
		s.line("| %s |", strings.Join(cells, " | "))
	}
}

// Markdown writes the group as a table.
func (g *Group) Markdown(w io.Writer, opt TextOptions) error {
	s := &screen{printer: printer{w: w}, opt: opt, lang: opt.Lang}
	var head []string
	for _, key := range g.Keys {
		head = append(head, mdText(s.keyName(key)))
	}
	var rows [][]string
	for _, r := range g.shown(opt.Top) {
		rows = append(rows, append(g.values(r), grouped(r.Count), share(r.Count, g.total()), g.userCount(r, "")))
	}
	s.mdTable(append(head, s.say("Count", "次数"), "%", s.say("Users", "用户")), strings.Repeat("l", len(g.Keys))+"rrr", rows)
	return s.err
}

// ChangeMarkdown writes the changes as a table.
func ChangeMarkdown(w io.Writer, changes []aggregate.Change, opt TextOptions) error {
	s := &screen{printer: printer{w: w}, opt: opt, lang: opt.Lang}
	s.line("")
	s.line("### %s", s.say("Since the baseline", "与基线相比"))
	if len(changes) == 0 {
		s.line("")
		s.line("%s", s.say("Nothing new, gone, up or down.", "没有新增、消失、上升或下降。"))
		return s.err
	}
	var rows [][]string
	for _, c := range changes {
		rows = append(rows, []string{s.changeKind(c.Kind), quoteValue(c.Code), c.Name, grouped(c.Before), grouped(c.After), changeRatio(c, "")})
	}
	s.mdTable([]string{s.say("Change", "变化"), s.say("Code", "代码"), s.say("Name", "名称"), s.say("Before", "之前"), s.say("Now", "现在"), s.say("Ratio", "倍数")}, "lrlrrr", rows)
	return s.err
}

// mdText cleans a text and takes the meaning from every character that Markdown, HTML or an automatic link would find in
// it. Entities are used, since they mean the same in and outside of tables; _ between letters and digits means nothing
// and stays.
func mdText(text string) string {
	text = clean(strings.ReplaceAll(text, "\u00a0", " "), 1024)
	var b strings.Builder
	var last rune
	for i, r := range text {
		next, _ := utf8.DecodeRuneInString(text[i+utf8.RuneLen(r):])
		switch {
		case r == '_' && isWord(last) && isWord(next), !strings.ContainsRune("\\`*_[]<>|&~#$!", r) && !strings.HasPrefix(text[i:], "://") && !isLinkDot(text, i):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "&#%d;", r)
		}
		last = r
	}
	return b.String()
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// isLinkDot reports whether the byte at i is the dot of www. , which some readers make a link of.
func isLinkDot(text string, i int) bool {
	return text[i] == '.' && i >= 3 && strings.EqualFold(text[i-3:i], "www")
}
