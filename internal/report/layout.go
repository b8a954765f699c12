package report

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// This file holds what every output needs: cleaning of foreign text, widths in terminal columns, tables, colour.

// cleanLimit bounds any text from a log that is shown in one piece, in runes.
const cleanLimit = 256

// marksLimit is the number of combining marks on one letter; more of them would reach into the lines above.
const marksLimit = 4

// clean makes a text from a log fit to be shown: one line, at most limit runes (then …), valid UTF-8, and nothing that
// moves the cursor, reorders or hides text. Tabs and line ends become spaces; other invisible runes are shown as \u202e,
// so that two names that differ still look different, as are combining marks by the dozen. A bad byte is U+FFFD.
func clean(s string, limit int) string {
	if len(s) <= limit && isPlain(s) {
		return s
	}
	var b strings.Builder
	n, marks := 0, 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		if n++; n > limit {
			b.WriteRune('…')
			break
		}
		if marks++; !unicode.IsMark(r) {
			marks = 0
		}
		switch {
		case r == '\t' || r == '\n' || r == '\r' || unicode.Is(unicode.Zs, r):
			b.WriteByte(' ')
		case !unicode.IsPrint(r) && r != 0xFEFF || isBlank(r) || marks > marksLimit:
			fmt.Fprintf(&b, `\u%04x`, r)
		case r == 0xFEFF: // a byte order mark in mid-text says nothing
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isPlain reports whether s is printable ASCII, which nearly all ids and names are.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// isBlank reports whether r counts as a letter or symbol and is drawn as nothing.
func isBlank(r rune) bool {
	switch r {
	case 0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0:
		return true
	}
	return false
}

// columns measures text as terminals do, whatever the locale of this process: ambiguous runes (▁ · ×) take one column.
var columns = runewidth.Condition{StrictEmojiNeutral: true}

// width is the number of terminal columns of s.
func width(s string) int { return columns.StringWidth(s) }

// cut shortens s to w columns; an … at its end says that something is missing.
func cut(s string, w int) string {
	switch {
	case w <= 0:
		return ""
	case width(s) <= w:
		return s
	}
	return columns.Truncate(s, w, "…")
}

// padRight fills s with spaces on its right to w columns; padLeft on its left.
func padRight(s string, w int) string { return s + spaces(w-width(s)) }
func padLeft(s string, w int) string  { return spaces(w-width(s)) + s }

func spaces(n int) string { return strings.Repeat(" ", max(n, 0)) }

// wrap breaks s into lines of at most w columns: at spaces, and between Chinese characters, but never before a mark that
// closes a phrase. A word that is longer than a line is broken. A no-break space holds its neighbours together and is
// written as a space.
func wrap(s string, w int) []string {
	w = max(w, 8)
	var lines []string
	var line strings.Builder
	used := 0
	flush := func() {
		lines = append(lines, strings.TrimRight(strings.ReplaceAll(line.String(), "\u00a0", " "), " "))
		line.Reset()
		used = 0
	}
	for _, word := range words(s) {
		n := width(word)
		if used > 0 && used+width(strings.TrimRight(word, " ")) > w {
			flush()
		}
		for n > w && width(strings.TrimRight(word, " ")) > w {
			head := columns.Truncate(word, w, "")
			if head == "" {
				break
			}
			line.WriteString(head)
			flush()
			word = word[len(head):]
			n = width(word)
		}
		line.WriteString(word)
		used += n
	}
	if line.Len() > 0 || len(lines) == 0 {
		flush()
	}
	return lines
}

// words divides s into pieces between which a line may end. Spaces stay at the end of the piece before them.
func words(s string) []string {
	var out []string
	start := 0
	var last rune
	for i, r := range s {
		if i > start && r != ' ' && (last == ' ' || wide(last) || wide(r)) && !closing(r) && !opening(last) {
			out = append(out, s[start:i])
			start = i
		}
		last = r
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

func wide(r rune) bool { return r >= 0x2E80 && columns.RuneWidth(r) == 2 }
func closing(r rune) bool {
	return strings.ContainsRune("，。、；：？！）」』】》”’…,.;:?!)]}%*", r)
}
func opening(r rune) bool { return strings.ContainsRune("（「『【《“‘([{", r) }

// grouped writes n with separators: 1,284,310.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return sign + b.String()
}

// size writes a number of bytes: 512.4 MiB.
func size(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v := float64(n)
	for _, unit := range []string{"KiB", "MiB", "GiB", "TiB"} {
		v /= 1024
		if v < 1023.95 || unit == "TiB" {
			return fmt.Sprintf("%.1f %s", v, unit)
		}
	}
	panic("unreachable")
}

// ink paints text with terminal colours, or leaves it as it is if false.
type ink bool

func (k ink) paint(sgr, s string) string {
	if !bool(k) || s == "" {
		return s
	}
	return "\x1b[" + sgr + "m" + s + "\x1b[0m"
}

func (k ink) bold(s string) string   { return k.paint("1", s) }
func (k ink) dim(s string) string    { return k.paint("2", s) }
func (k ink) red(s string) string    { return k.paint("31", s) }
func (k ink) yellow(s string) string { return k.paint("33", s) }
func (k ink) cyan(s string) string   { return k.paint("36", s) }

// table is text in columns, aligned by display width, two spaces between them. Nothing in it is cut.
type table struct {
	head  []string
	right []bool // align on the right; a missing one means left
	rows  [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// all is the head, if there is one, and the rows.
func (t *table) all() [][]string {
	if len(t.head) == 0 {
		return t.rows
	}
	return append([][]string{t.head}, t.rows...)
}

// widths is that of each column.
func (t *table) widths() []int {
	var widths []int
	for _, row := range t.all() {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], width(cell))
		}
	}
	return widths
}

// width is that of the whole table.
func (t *table) width() int {
	n := -2
	for _, w := range t.widths() {
		n += w + 2
	}
	return max(n, 0)
}

// write writes the head and the rows, each after indent.
func (t *table) write(w io.Writer, indent string) {
	widths := t.widths()
	for _, row := range t.all() {
		cells := make([]string, len(row))
		for i, cell := range row {
			if i < len(t.right) && t.right[i] {
				cells[i] = padLeft(cell, widths[i])
			} else {
				cells[i] = padRight(cell, widths[i])
			}
		}
		fmt.Fprintln(w, strings.TrimRight(indent+strings.Join(cells, "  "), " "))
	}
}

// printer writes to w until the first error and keeps that.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) Write(b []byte) (int, error) {
	if p.err == nil {
		_, p.err = p.w.Write(b)
	}
	return len(b), nil
}

func (p *printer) line(format string, args ...any) {
	fmt.Fprintf(p, format+"\n", args...)
}

// keep leaves only the columns at the given indexes.
func (t *table) keep(columns ...int) {
	pick := func(row []string) []string {
		var out []string
		for _, i := range columns {
			out = append(out, row[i])
		}
		return out
	}
	right := make([]bool, len(columns))
	for to, from := range columns {
		right[to] = from < len(t.right) && t.right[from]
	}
	t.head, t.right = pick(t.head), right
	for i, row := range t.rows {
		t.rows[i] = pick(row)
	}
}

// screen is write for a screen of w columns: lines are cut to it, the head is dim, and numbers stand on the right.
func (t *table) screen(out io.Writer, indent string, w int, k ink) {
	var b strings.Builder
	t.write(&b, indent)
	for i, line := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
		line = strings.TrimRight(cut(line, w), " ")
		if i == 0 && len(t.head) > 0 {
			line = k.dim(line)
		}
		fmt.Fprintln(out, line)
	}
}

// Clean makes a text from a log fit to be shown: one line, at most 2,048 runes, valid UTF-8, and nothing that moves the
// cursor, reorders or hides text. What is invisible is shown as \u202e; line ends and tabs become spaces.
func Clean(s string) string { return clean(s, sampleLimit) }
