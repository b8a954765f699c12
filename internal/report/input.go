package report

import (
	"fmt"
	"strings"
)

// This file says how good the input was: every line accounted for, what was near and not counted, what to try.

// nothing is the answer when no event was found, or none is left: what was near comes next to it.
func (s *screen) nothing() {
	s.text("  "+s.nothingFound(), s.ink.bold)
	for _, hint := range s.hints() {
		for _, line := range wrap(hint, s.opt.Width-2) {
			s.line("  %s", line)
		}
	}
}

// nothingFound says in one sentence that nothing was found, and where.
func (s *screen) nothingFound() string {
	l := s.res.Lines
	switch {
	case s.res.Filtered > 0:
		return s.say("no event is left: the filters leave out all %s", "没有剩下的事件：过滤条件排除了全部 %s 个", grouped(s.res.Filtered))
	case l.Read == 0:
		return s.say("no lines read", "没有读到任何行")
	case s.res.Validated:
		return s.say("no error.type in %s lines (%s JSON)", "%s 行中没有 error.type（其中 JSON %s 行）", grouped(l.Read), grouped(l.Read-l.Empty-l.Broken-l.TooLong))
	}
	return s.say(plural(l.Read, "no error.type in %s line", "no error.type in %s lines"), "%s 行中没有 error.type", grouped(l.Read))
}

// input writes the accounting under the label INPUT.
func (s *screen) input() {
	label := s.say("INPUT", "输入")
	indent := max(width(label), 7)
	room := min(s.opt.Width, 128) - 4 - indent
	s.line("")
	parts := s.inputParts()
	if s.res.Events > 0 {
		parts = append(parts, s.hintParts()...)
	}
	for _, part := range parts {
		for i, line := range s.flow(part.facts, room) {
			head := spaces(indent)
			if label != "" {
				head = s.ink.bold(padRight(label, indent))
				label = ""
			}
			if i == 0 && part.alarm {
				line = s.ink.red(line)
			} else {
				line = s.ink.dim(line)
			}
			fmt.Fprintln(s, "  "+head+"  "+line)
		}
	}
}

// flow sets facts one after the other, with · between, on lines of at most room columns; a fact is broken only if it is
// longer than a line.
func (s *screen) flow(facts []string, room int) []string {
	var lines []string
	line := ""
	for _, fact := range facts {
		switch {
		case line != "" && width(line)+3+width(fact) <= room:
			line += " · " + fact
			continue
		case line != "":
			lines = append(lines, line)
		}
		pieces := wrap(fact, room)
		lines = append(lines, pieces[:len(pieces)-1]...)
		line = pieces[len(pieces)-1]
	}
	return append(lines, line)
}

// inputPart is a group of facts that begins on a line of its own.
type inputPart struct {
	facts []string
	alarm bool
}

func (s *screen) inputParts() []inputPart {
	var parts []inputPart
	for _, facts := range [][]string{s.lineFacts(), s.eventFacts()} {
		if len(facts) > 0 {
			parts = append(parts, inputPart{facts: facts})
		}
	}
	for i := range s.res.Errors {
		if i == 5 {
			parts = append(parts, inputPart{facts: []string{s.say("and %d more", "另有 %d 个", len(s.res.Errors)-i)}, alarm: true})
			break
		}
		parts = append(parts, inputPart{facts: []string{s.say("could not read: ", "无法读取：") + s.inputError(i)}, alarm: true})
	}
	return parts
}

// lineFacts accounts for every line, and says whether lines without an error were looked at or only searched.
func (s *screen) lineFacts() []string {
	l := s.res.Lines
	facts := []string{s.say(plural(l.Read, "%s line", "%s lines"), "%s 行", grouped(l.Read))}
	add := func(n int64, en, zh string) {
		if n > 0 {
			facts = append(facts, s.say(en, zh, grouped(n)))
		}
	}
	add(l.WithError, "%s with an error", "有错误 %s")
	switch {
	case l.WithoutError == 0:
	case s.res.Validated:
		add(l.WithoutError, "%s without (each one parsed)", "无错误 %s（逐行解析过）")
	default:
		add(l.WithoutError, "%s without (searched, not parsed: --validate)", "无错误 %s（只搜索，未逐行解析：--validate）")
	}
	add(l.Broken, "%s broken", "损坏 %s")
	add(l.TooLong, "%s too long", "过长 %s")
	add(l.Foreign, "%s foreign (HTTP, RPC or database errors)", "非 IM 错误 %s（HTTP、RPC、数据库）")
	add(l.Empty, "%s empty", "空行 %s")
	return facts
}

// eventFacts says how events were found and what is not among them.
func (s *screen) eventFacts() []string {
	var facts []string
	if s.res.Events > 0 {
		var shapes []string
		for i, kv := range byCount(s.res.Shapes) {
			if i == 5 {
				shapes = append(shapes, "…")
				break
			}
			shapes = append(shapes, clean(kv.key, 32)+" "+grouped(kv.count))
		}
		if len(shapes) > 0 {
			facts = append(facts, s.say("shapes: ", "形态：")+strings.Join(shapes, s.say(", ", "，")))
		}
	}
	add := func(n int64, en, zh string) {
		if n > 0 {
			facts = append(facts, s.say(en, zh, grouped(n)))
		}
	}
	add(s.res.Undated, plural(s.res.Undated, "%s event without a time", "%s events without a time"), "无时间的事件 %s")
	add(s.res.Late, "%s events late", "迟到的事件 %s")
	if s.res.Events > 0 {
		add(s.res.Filtered, "%s events left out by filters", "被过滤的事件 %s")
	}
	add(s.res.Success, "%s successes (type 0)", "成功标记 %s（type 0）")
	return facts
}

// inputError names an input that could not be read, and why.
func (s *screen) inputError(i int) string {
	e := s.res.Errors[i]
	if e.Source == "" || strings.HasPrefix(e.Error, e.Source) {
		return clean(e.Error, cleanLimit)
	}
	return clean(e.Source, cleanLimit) + ": " + clean(e.Error, cleanLimit)
}

// hints are the paths seen most of what was near, as sentences.
func (s *screen) hints() []string {
	var out []string
	for i := range s.res.Hints[:min(len(s.res.Hints), 3)] {
		out = append(out, s.hint(i))
	}
	return out
}

func (s *screen) hintParts() []inputPart {
	var parts []inputPart
	for _, hint := range s.hints() {
		parts = append(parts, inputPart{facts: []string{hint}})
	}
	return parts
}

// hint names a path that held something near a code, and the flag that would count it.
func (s *screen) hint(i int) string {
	h := s.res.Hints[i]
	text := s.say(plural(h.Count, "nearest: %q in %s line, not counted", "nearest: %q in %s lines, not counted"), "最接近的：%q，%s 行，未计入", clean(h.Path, 80), grouped(h.Count))
	if arg, ok := shellWord(h.Path); ok {
		text += " →\u00a0--field\u00a0code=" + arg
	}
	return text
}

// shellWord quotes s for a POSIX shell; it fails for what could not be typed as it is.
func shellWord(s string) (string, bool) {
	if s == "" || len(s) > 80 || clean(s, 80) != s {
		return "", false
	}
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/") == "" {
		return s, true
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'", true
}

// next writes the one command that leads on.
func (s *screen) next() {
	command := s.nextCommand()
	if command == "" {
		return
	}
	label := s.say("NEXT", "下一步")
	fmt.Fprintln(s, "  "+s.ink.bold(padRight(label, max(width(s.say("INPUT", "输入")), 7)))+"  "+cut(command, s.opt.Width-11))
}

// nextCommand is the explanation of what matters most; where nothing or only unknown values were found, the doctor.
func (s *screen) nextCommand() string {
	if items := s.advise(); len(items) > 0 && items[0].codes != unknownLabel && s.res.Unknown.Count*2 <= s.res.Events {
		return fmt.Sprintf("imerr-scan explain %d", items[0].lead)
	}
	if s.opt.Again != "" && s.res.Filtered == 0 && s.res.Lines.Read > 0 {
		return "imerr-scan doctor " + clean(s.opt.Again, cleanLimit)
	}
	return ""
}
