package report

import (
	"fmt"
	"io"
	"strings"
)

// Findings is what doctor saw in the beginning of the inputs.
type Findings struct {
	Documents int           `json:"documents"`
	Events    int           `json:"events"`
	Foreign   int           `json:"foreign"`
	Broken    int           `json:"broken"`
	Shapes    []SurveyRow   `json:"shapes"` // of the events, the most frequent first
	Fields    []SurveyField `json:"fields"`
	Near      []SurveyRow   `json:"near"` // paths of values that look like codes and were not counted
}

// SurveyRow is a shape or a path, with the first document it was seen in.
type SurveyRow struct {
	Name    string `json:"name"`
	Count   int    `json:"count"`
	Src     string `json:"src"` // file:line
	Example string `json:"example"`
}

// SurveyField is where a field of the events was found.
type SurveyField struct {
	Name   string   `json:"name"`   // time, user, device, version, platform
	Filled int      `json:"filled"` // events that have it
	Paths  []string `json:"paths"`  // where its values stand, the most frequent first; none for the time and in plain text
}

// Survey writes findings for people.
func Survey(w io.Writer, f *Findings, opt TextOptions) error {
	if opt.Width <= 0 {
		opt.Width = 80
	}
	s := &screen{printer: printer{w: w}, ink: ink(opt.Color), opt: opt, lang: opt.Lang}
	s.line("%s", s.say("%s: %s documents read, %s errors in them", "%s：读取 %s 条，其中错误 %s 个",
		clean(opt.Input, 80), grouped(int64(f.Documents)), grouped(int64(f.Events))))
	if len(f.Shapes) > 0 {
		t := table{head: []string{s.say("SHAPE", "形态"), s.say("ERRORS", "错误"), s.say("EXAMPLE", "示例")}, right: []bool{false, true}}
		for _, r := range f.Shapes {
			t.add(r.Name, grouped(int64(r.Count)), r.Src+": "+r.Example)
		}
		s.line("")
		t.screen(s, "  ", opt.Width, s.ink)
		s.surveyFields(f)
	}
	if len(f.Near) > 0 {
		t := table{head: []string{s.say("NOT COUNTED", "未计入"), s.say("LINES", "行数"), s.say("EXAMPLE", "示例")}, right: []bool{false, true}}
		for _, r := range f.Near {
			t.add(r.Name, grouped(int64(r.Count)), r.Src+": "+r.Example)
		}
		s.line("")
		t.screen(s, "  ", opt.Width, s.ink)
		s.line("  %s", s.say("if these are codes of the SDK:", "如果这些确实是 SDK 错误码："))
		s.line("  imerr-scan %s --field code=%s", opt.Again, quoteArg(f.Near[0].Name))
	}
	for _, n := range []struct {
		count  int
		en, zh string
	}{
		{f.Foreign, "%s look like codes but stand beside http, rpc or database fields: skipped", "%s 个值像错误码，但旁边有 http、rpc 或数据库字段：已跳过"},
		{f.Broken, "%s lines look like JSON and are not", "%s 行形似 JSON 但无法解析"},
	} {
		if n.count > 0 {
			s.line("")
			s.line("  %s", s.say(n.en, n.zh, grouped(int64(n.count))))
		}
	}
	if f.Events == 0 && len(f.Near) == 0 {
		s.line("")
		s.line("  %s", s.say("nothing here looks like an error of the SDK", "没有发现任何像 SDK 错误的内容"))
	}
	return s.err
}

// surveyFields says where the fields of the events were found.
func (s *screen) surveyFields(f *Findings) {
	t := table{head: []string{s.say("FIELD", "字段"), s.say("FILLED", "覆盖率"), s.say("FOUND IN", "取自")}, right: []bool{false, true}}
	for _, r := range f.Fields {
		t.add(r.Name, fmt.Sprintf("%.1f%%", 100*float64(r.Filled)/float64(max(f.Events, 1))), strings.Join(r.Paths, ", "))
	}
	s.line("")
	t.screen(s, "  ", s.opt.Width, s.ink)
}

// quoteArg quotes a path for a shell, if it has to be.
func quoteArg(s string) string {
	if strings.ContainsAny(s, `[]\ '"$&;|<>()*?`+"`") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}
