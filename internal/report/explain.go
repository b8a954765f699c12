package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"imerr-scan/pkg/catalog"
)

// Explained is an entry to explain, with the reason that a message gave away, if one did.
type Explained struct {
	Entry  *catalog.Entry
	Reason *catalog.Reason
}

// ExplainOptions sets how Explain writes. The zero value is a screen of 80 columns, in English, without colour.
type ExplainOptions struct {
	Lang    catalog.Lang
	Width   int // columns of the screen; 0 means 80
	Color   bool
	Catalog *catalog.Catalog // names related codes and the platform; nil leaves them out
}

// Explain writes a card for each entry: what the code means, who has to act, what to do next. Every line fits the width,
// except commands and texts to be copied, which are never broken.
func Explain(w io.Writer, found []Explained, opt ExplainOptions) error {
	c := newCard(w, opt)
	for i, x := range found {
		if i > 0 {
			c.line("")
		}
		c.write(x)
	}
	return c.err
}

// Candidates writes a line for each entry that a phrase may mean, the likeliest first, and the command that says more.
// At most a screenful is shown.
func Candidates(w io.Writer, found []Explained, opt ExplainOptions) error {
	const most = 15
	c := newCard(w, opt)
	c.line("%s", c.say("%d codes may be meant:", "可能是以下 %d 个错误码：", len(found)))
	var t table
	t.right = []bool{true}
	for _, x := range found[:min(len(found), most)] {
		name := x.Entry.Name
		if c.opt.Width < 100 {
			name = shortName(name)
		}
		if x.Reason != nil {
			name += " / " + x.Reason.ID
		}
		t.add(strconv.Itoa(int(x.Entry.Code)), name, x.Entry.Category, clean(x.Entry.Meaning.In(c.opt.Lang), cleanLimit))
	}
	t.screen(c, "  ", c.opt.Width, c.ink)
	if n := len(found) - most; n > 0 {
		c.line("  %s", c.ink.dim(c.say("… and %d more", "……另有 %d 个", n)))
	}
	if len(found) > 0 {
		c.line("")
		c.line("  imerr-scan explain %s%s", c.platformFlag(), codeArgument(found[0].Entry.Code))
	}
	return c.err
}

// ExplainJSON writes the entries as an array of the objects that CatalogList writes; matched_reason is the ID of the reason
// that a message gave away, if one did. Both languages are in it.
func ExplainJSON(w io.Writer, found []Explained, _ ExplainOptions) error {
	type explained struct {
		catalogEntry
		Matched string `json:"matched_reason,omitempty"`
	}
	out := make([]explained, len(found))
	for i, x := range found {
		out[i].catalogEntry = newCatalogEntry(x.Entry)
		if x.Reason != nil {
			out[i].Matched = x.Reason.ID
		}
	}
	return writeJSON(w, out)
}

// card is one explanation being written: a head, then facts with their label on the left.
type card struct {
	printer
	ink    ink
	opt    ExplainOptions
	labels int // width of the labels
}

func newCard(w io.Writer, opt ExplainOptions) *card {
	if opt.Width <= 0 {
		opt.Width = 80
	}
	opt.Width = max(opt.Width, 40)
	c := &card{printer: printer{w: w}, ink: ink(opt.Color), opt: opt, labels: 14}
	if opt.Lang == catalog.EN {
		c.labels = 16
	}
	return c
}

// say formats the text of the card's language.
func (c *card) say(en, zh string, args ...any) string {
	return fmt.Sprintf(catalog.Text{EN: en, ZH: zh}.In(c.opt.Lang), args...)
}

func (c *card) write(x Explained) {
	e := x.Entry
	c.head(x)
	c.meaning(e)
	c.fact(c.say("Severity", "严重程度"), c.bySeverity(e))
	c.fact(c.say("Who acts", "由谁处理"), c.actor(e.Actor))
	c.fact(c.say("Retry", "能否重试"), c.retry(e.Retry))
	c.fact(c.say("Next step", "下一步"), e.Next.In(c.opt.Lang))
	c.fact(c.say("The SDK itself", "SDK 的行为"), e.Behaviour.In(c.opt.Lang))
	c.list(c.say("Usual causes", "常见原因"), c.causes(e))
	c.fact(c.say("Note", "说明"), e.Note.In(c.opt.Lang))
	c.reasons(x)
	c.list(c.say("Related", "相关错误码"), c.related(e))
	c.list(c.say("Elsewhere", "其他平台"), c.elsewhere(e))
	c.fact(c.say("Source", "出处"), e.Source)
	c.commands(e)
}

// head writes number and name on the left, where the code belongs on the right; on a narrow screen below.
func (c *card) head(x Explained) {
	e := x.Entry
	left := fmt.Sprintf("%d  %s", e.Code, e.Name)
	if x.Reason != nil {
		left += " / " + x.Reason.ID
	}
	right := e.Category + " · " + e.Topic + " · " + c.tier(e.Tier)
	if c.opt.Catalog != nil {
		right += " · " + c.opt.Catalog.Platform()
	}
	if gap := c.opt.Width - width(left) - width(right); gap >= 2 {
		c.line("%s%s%s", c.ink.bold(left), spaces(gap), right)
	} else {
		for _, line := range wrap(left, c.opt.Width) {
			c.line("%s", c.ink.bold(line))
		}
		c.line("  %s", cut(right, c.opt.Width-2))
	}
	if len(e.Aliases) > 0 {
		c.line("  %s", cut(c.say("also called ", "也称 ")+strings.Join(e.Aliases, ", "), c.opt.Width-2))
	}
	c.line("")
}

// meaning writes both languages, the reader's first: they often have to pass it on.
func (c *card) meaning(e *catalog.Entry) {
	first, second := e.Meaning.EN, e.Meaning.ZH
	if c.opt.Lang == catalog.ZH {
		first, second = second, first
	}
	for _, line := range wrap(first, c.opt.Width-2) {
		c.line("  %s", line)
	}
	if second != first {
		for _, line := range wrap(second, c.opt.Width-2) {
			c.line("  %s", c.ink.dim(line))
		}
	}
	c.line("")
}

// fact writes a label and a text beside it, wrapped; nothing for an empty text.
func (c *card) fact(label, text string) {
	if text != "" {
		c.list(label, wrap(text, c.room()))
	}
}

// room is the width of the column beside the labels.
func (c *card) room() int { return c.opt.Width - 2 - c.labels - 2 }

// list writes a label and lines beside it; nothing if there are none.
func (c *card) list(label string, lines []string) {
	for _, line := range lines {
		c.line("  %s%s  %s", c.ink.cyan(label), spaces(c.labels-width(label)), line)
		label = ""
	}
}

func (c *card) tier(tier string) string {
	switch tier {
	case "documented":
		return c.say("documented", "公开文档")
	case "sdk_public":
		return c.say("in the SDK's types", "SDK 类型文件")
	case "sdk_internal":
		return c.say("internal to the SDK", "SDK 内部")
	}
	return c.say("custom", "自定义")
}

func (c *card) bySeverity(e *catalog.Entry) string {
	word := e.Severity
	switch e.Severity {
	case "info":
		word = c.say("info", "提示")
	case "warning":
		word = c.say("warning", "警告")
	case "error":
		word = c.ink.yellow(c.say("error", "错误"))
	case "critical":
		word = c.ink.paint("1;31", c.say("critical", "严重"))
	}
	if !e.Raised {
		word += c.say(" (not raised by the newest SDK examined)", "（所查最新版 SDK 不再抛出）")
	}
	return word
}

func (c *card) actor(actor string) string {
	switch actor {
	case "app_developer":
		return c.say("the app's developers", "应用开发者")
	case "end_user":
		return c.say("the user", "最终用户")
	case "console_admin":
		return c.say("whoever runs the console", "控制台管理员")
	}
	return c.say("the provider of the service", "服务提供方")
}

func (c *card) retry(retry string) string {
	switch retry {
	case "after_backoff":
		return c.say("yes, with growing pauses", "可以，间隔逐次加长")
	case "after_relogin":
		return c.say("only after a new login by the user", "须由用户重新登录之后")
	}
	return c.say("no, it would fail again", "否，重试仍会失败")
}

func (c *card) causes(e *catalog.Entry) []string {
	var out []string
	for i, cause := range e.Causes {
		mark := fmt.Sprintf("%d. ", i+1)
		for _, line := range wrap(cause.In(c.opt.Lang), c.room()-len(mark)) {
			out = append(out, mark+line)
			mark = spaces(len(mark))
		}
	}
	return out
}

// reasons lists the causes within the code with the texts that give them away, or only the one that a message gave away.
func (c *card) reasons(x Explained) {
	if x.Reason != nil {
		c.list(c.say("This message", "本条消息"), c.reason(x.Reason))
		if n := len(x.Entry.Reasons) - 1; n > 0 {
			c.list("", wrap(c.say("(%d more reasons: imerr-scan explain %s)", "（另有 %d 种原因：imerr-scan explain %s）", n, codeArgument(x.Entry.Code)), c.room()))
		}
		return
	}
	label := c.say("By message", "按消息区分")
	for i := range x.Entry.Reasons {
		c.list(label, c.reason(&x.Entry.Reasons[i]))
		label = ""
	}
}

// reason is a cause in words, and below it the text looked for; … stands where a message may say more.
func (c *card) reason(r *catalog.Reason) []string {
	out := wrap(r.ID+c.say(": ", "：")+r.Meaning.In(c.opt.Lang), c.room())
	text := `"` + r.Text + `"`
	if !r.Exact {
		text = `"…` + r.Text + `…"`
	}
	for _, line := range wrap(text, c.room()-2) {
		out = append(out, "  "+c.ink.dim(line))
	}
	return out
}

// relatedCodes bounds how many are shown.
const relatedCodes = 8

// related names the codes that the entry points to, then the others of its category and topic.
func (c *card) related(e *catalog.Entry) []string {
	if c.opt.Catalog == nil {
		return nil
	}
	var codes []int32
	for _, o := range c.opt.Catalog.Entries() {
		if o != e && o.Category == e.Category && o.Topic == e.Topic && o.Raised && !slices.Contains(e.Related, o.Code) {
			codes = append(codes, o.Code)
		}
	}
	codes = append(slices.Clone(e.Related), codes...)
	var out []string
	for _, code := range codes[:min(len(codes), relatedCodes)] {
		if o := c.opt.Catalog.Lookup(code); o != nil {
			out = append(out, cut(fmt.Sprintf("%-4d %s", code, o.Meaning.In(c.opt.Lang)), c.room()))
		}
	}
	if n := len(codes) - relatedCodes; n > 0 {
		out = append(out, c.ink.dim(c.say("and %d more of topic %s", "主题 %[2]s 另有 %[1]d 个", n, e.Topic)))
	}
	return out
}

// elsewhere says on which platforms the number means the same, on which another thing, and where nothing.
func (c *card) elsewhere(e *catalog.Entry) []string {
	var same, out []string
	differs := make(map[string][]string) // name → platforms
	var names []string
	unsure := false
	for _, o := range e.Elsewhere {
		unsure = unsure || o.Unsure
		if o.Same {
			same = append(same, o.Platform)
			continue
		}
		if differs[o.Name] == nil {
			names = append(names, o.Name)
		}
		differs[o.Name] = append(differs[o.Name], o.Platform)
	}
	if len(same) > 0 {
		out = append(out, wrap(strings.Join(same, ", ")+c.say(": the same meaning", "：含义相同"), c.room())...)
	}
	for _, name := range names {
		line := strings.Join(differs[name], ", ") + c.say(": another meaning, ", "：含义不同，") + name
		out = append(out, wrap(line, c.room())...)
	}
	if len(e.Elsewhere) == 0 && c.opt.Catalog != nil {
		return []string{c.say("only on %s", "仅见于 %s", c.opt.Catalog.Platform())}
	}
	if unsure {
		out = append(out, wrap(c.say("(sources contradict each other here)", "（资料互相矛盾，不能确定）"), c.room())...)
	}
	if len(names) > 0 && c.opt.Catalog != nil {
		out = append(out, "imerr-scan explain --platform "+firstDifferent(e)+" "+codeArgument(e.Code))
	}
	return out
}

// firstDifferent is the first platform on which the number means another thing.
func firstDifferent(e *catalog.Entry) string {
	for _, o := range e.Elsewhere {
		if !o.Same {
			return o.Platform
		}
	}
	return ""
}

// commands says where to look in a log next.
func (c *card) commands(e *catalog.Entry) {
	c.line("")
	scan := "imerr-scan app.log " + c.platformFlag() + "--code " + strconv.Itoa(int(e.Code)) + " --by "
	next := [][2]string{
		{"user   ", c.say("few users, many events: a loop", "用户少而次数多：陷入循环")},
		{"version", c.say("one version only: a release", "只有一个版本：与发版有关")},
	}
	if len(e.Reasons) > 1 {
		next = append(next, [2]string{"reason ", c.say("which of the causes above", "属于上面哪一种原因")})
	}
	var lines []string
	for _, n := range next {
		line := scan + n[0]
		if width(line)+2+width(n[1]) <= c.room() {
			line += "  " + n[1]
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	c.list(c.say("Check in a log", "在日志中查看"), lines)
}

func (c *card) platformFlag() string {
	if c.opt.Catalog == nil || c.opt.Catalog.Platform() == "web" {
		return ""
	}
	return "--platform " + c.opt.Catalog.Platform() + " "
}

// codeArgument writes a code so that a command line takes it for no flag.
func codeArgument(code int32) string {
	if code < 0 {
		return "-- " + strconv.Itoa(int(code))
	}
	return strconv.Itoa(int(code))
}
