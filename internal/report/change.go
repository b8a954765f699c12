package report

import (
	"fmt"
	"io"
	"strconv"

	"imerr-scan/internal/aggregate"
)

// ChangeText writes the changes as a table for people, or for a pipe.
func ChangeText(w io.Writer, changes []aggregate.Change, opt TextOptions) error {
	p := printer{w: w}
	if opt.Plain {
		t := table{head: []string{"change", "code", "name", "category", "before", "after", "ratio"}, right: []bool{false, false, false, false, true, true, true}}
		for _, c := range changes {
			t.add(string(c.Kind), plainCell(c.Code), plainCell(c.Name), plainCell(c.Category), strconv.FormatInt(c.Before, 10), strconv.FormatInt(c.After, 10), changeRatio(c, "-"))
		}
		t.write(&p, "")
		return p.err
	}
	s := screen{ink: ink(opt.Color), opt: opt, lang: opt.Lang}
	if s.opt.Width <= 0 {
		s.opt.Width = 80
	}
	p.line("")
	title := s.say("SINCE THE BASELINE", "与基线相比")
	if len(changes) > 0 && changes[0].Rated {
		title += s.say("  (× of events per hour)", "（× 为每小时次数之比）")
	}
	p.line("  %s", s.ink.bold(cut(title, s.opt.Width-2)))
	if len(changes) == 0 {
		p.line("  %s", s.say("nothing new, gone, up or down", "没有新增、消失、上升或下降"))
		return p.err
	}
	t := table{right: []bool{false, true, false, true, false, true, true}}
	for _, c := range changes {
		t.add(s.changeKind(c.Kind), quoteValue(c.Code), cut(shortName(c.Name), 32), grouped(c.Before), "→", grouped(c.After), changeRatio(c, ""))
	}
	t.screen(&p, "  ", s.opt.Width, s.ink)
	return p.err
}

func (s *screen) changeKind(kind aggregate.ChangeKind) string {
	switch kind {
	case aggregate.ChangeNew:
		return s.say("new", "新增")
	case aggregate.ChangeGone:
		return s.say("gone", "消失")
	case aggregate.ChangeUp:
		return s.say("up", "上升")
	case aggregate.ChangeDown:
		return s.say("down", "下降")
	}
	return clean(string(kind), 16)
}

func changeRatio(c aggregate.Change, none string) string {
	if c.Ratio == 0 {
		return none
	}
	if c.Ratio < 10 {
		return fmt.Sprintf("%.2f×", c.Ratio)
	}
	return fmt.Sprintf("%.0f×", c.Ratio)
}
