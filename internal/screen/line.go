package screen

import (
	"fmt"
	"strings"

	"imerr-scan/internal/report"
)

// Colours: SGR parameters (ECMA-48, 8.3.117).
const (
	plain  = ""
	bold   = "1"
	dim    = "2"
	invert = "7"
	red    = "31"
	yellow = "33"
	cyan   = "36"
)

// span is a piece of a line in one colour.
type span struct{ sgr, text string }

// line is a row of the terminal before it is cut.
type line []span

func (l line) add(sgr, format string, args ...any) line {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	return append(l, span{sgr, format})
}

// width is the number of columns of l.
func (l line) width() (n int) {
	for _, p := range l {
		n += report.Width(p.text)
	}
	return n
}

// draw writes l in at most w columns. With over, all of the row has that colour.
func (l line) draw(w int, color bool, over string) string {
	var b strings.Builder
	if over != "" && color {
		l = line{{over, pad(l.draw(w, false, ""), w)}}
	}
	for _, p := range l {
		text := report.Cut(p.text, w)
		w -= report.Width(text)
		switch {
		case text == "":
		case p.sgr == "" || !color:
			b.WriteString(text)
		default:
			b.WriteString("\x1b[" + p.sgr + "m" + text + "\x1b[0m")
		}
		if text != p.text {
			break
		}
	}
	return b.String()
}

// pad fills s to w columns, or cuts it; padLeft sets it on the right.
func pad(s string, w int) string {
	s = report.Cut(s, w)
	return s + strings.Repeat(" ", max(w-report.Width(s), 0))
}

func padLeft(s string, w int) string {
	s = report.Cut(s, w)
	return strings.Repeat(" ", max(w-report.Width(s), 0)) + s
}

// Control sequences that a screen begins and ends with: another screen than the one that was there, no cursor, and no line that
// goes on in the next (xterm: 1049, 25, 7).
const (
	Begin = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
	Done  = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
)

// Paint returns what makes of a terminal that shows old one that shows new: the lines that differ. A nil old is one of which
// nothing is known. It writes no line end, so nothing scrolls.
func Paint(old, new []string) string {
	var b strings.Builder
	if old == nil {
		b.WriteString("\x1b[2J")
	}
	for i, l := range new {
		if i >= len(old) || old[i] != l {
			fmt.Fprintf(&b, "\x1b[%d;1H\x1b[2K%s", i+1, l)
		}
	}
	for i := len(new); i < len(old); i++ {
		fmt.Fprintf(&b, "\x1b[%d;1H\x1b[2K", i+1)
	}
	return b.String()
}
