// Package frame cuts blocks of bytes, whose bounds mean nothing, into documents: lines, lines that a container runtime
// split, and JSON texts that span lines. It is the second stop of a log line. Only documents in which the needle hit are
// cut out; of the rest only lines are counted.
//
// # Words
//
// A line ends with a line feed or with the input. It is empty if it holds only white space, NUL and BOM. An opener is a
// line that ends with { or [, a closer one that begins with } or ].
//
// # Rules
//
// There are no modes and nothing to configure: every line is judged by the same rules, whatever came before.
//
//   - A line is a document, unless one of the rules below says otherwise.
//   - Pretty-printed JSON: an opener, perhaps after other text, and the lines behind it that are indented deeper, up to the
//     first that is not; a closer is the last line of the document, anything else is left out. Of documents in one
//     another the outermost that fits into MaxDocument counts, but the elements of a [ that stands alone on its line are
//     documents of their own. Where a line closes one and opens another (}, {), it is counted with the second. Behind a
//     stack trace ("    at f (x.js:1) {") the members decide how deep the opener stands.
//   - Split lines: parts with tag P of a CRI stream are joined with the next part F of that stream, into one CRI line with
//     the first part's time; and docker's json-file lines of 16 KiB or more whose log has no line end at its end with the
//     next line of that stream. Another kind of line ends what is open.
//   - A line longer than MaxDocument that begins with [ or {, in which objects follow one another, with or without commas:
//     they are the documents. Any other such line is TooLong. White space and NUL before it (the hole that copytruncate
//     leaves) do not count.
//   - A comma behind a document's last bracket is dropped, and so is a bracket of the array that a line begins or ends.
//
// JSON over several lines without indentation, and objects that begin in mid-line (python's pprint, old util.inspect), are not
// put together: each line is a document by itself, and extract sees it as cut off.
package frame

import (
	"bytes"
	"io"

	"imerr-scan/internal/needle"
)

// Document is one text in which the needle hit: a line, a joined line, or a JSON text over several lines.
//
// Several documents can come from one line, if it is longer than MaxDocument. They follow one another with the same Line, each with
// Lines 1, and the line counts once; its class is known when Counts().Lines has passed it. No other lines are given twice.
type Document struct {
	Data    []byte // without the line end; owned by the Cutter and valid until emit returns
	Offset  int64  // of its first byte, from where the Cutter started
	Line    int64  // number of its first line, from 0
	Lines   int64  // how many lines it covers; those of a joined line need not follow one another
	TooLong bool   // longer than Options.MaxDocument: Data is nil and the lines are only to be counted
}

// Counts is what passed through a Cutter. Empty lines inside an emitted document are its lines and not in Empty.
type Counts struct {
	Bytes, Lines, Empty int64
}

// Options sets the limits. The zero value works.
type Options struct {
	MaxDocument int                          // bytes; 0 means DefaultMaxDocument
	Needle      func(b []byte, from int) int // nil means needle.Next; a hit must depend on the bytes of its line alone
	All         bool                         // emit every document, hit or not (--validate, doctor), but brackets alone on a line
}

// DefaultMaxDocument is the limit of a document in bytes, unless Options says otherwise.
const DefaultMaxDocument = 1 << 20

const defaultBlock = 256 << 10 // bytes read at once: stays in L2

// Cutter cuts a stream of blocks. It is used by one goroutine. It holds at most ten times MaxDocument and emits
// the same documents however the stream is divided into reads.
type Cutter struct {
	find   func(b []byte, from int) int // nil means needle.Next
	emit   func(Document) error         // of the current call
	all    bool
	max    int
	block  int
	docker int // least length of a docker line that can be a part

	buf  []byte
	base int64 // offset of buf[0]
	end  int   // buf[:end] was read
	pos  int   // where the first line begins that was not looked at yet
	seen int   // there is no line feed in buf[pos:seen]

	line    int64 // number of the line at pos
	blank   int64 // empty lines before it
	covered int64 // of these, inside documents that were emitted
	emitted int64 // offset behind the last document emitted

	nest  nest
	parts [streams]joined
	open  int // how many of parts are begun
	long  long
	stuck error // of emit: the end of everything
	text  []byte
}

// place is a position in the stream: its offset, and the lines and the empty lines before it.
type place struct{ off, line, blank int64 }

// New returns a Cutter.
func New(opt Options) *Cutter {
	c := &Cutter{find: opt.Needle, all: opt.All, max: opt.MaxDocument, block: defaultBlock, docker: dockerPart}
	if c.all {
		c.find = func(_ []byte, from int) int { return from }
	}
	if c.max <= 0 {
		c.max = DefaultMaxDocument
	}
	c.max = min(c.max, 1<<30) // a span's size is an int32
	return c
}

// Reset makes c as New made it, in the room that it has taken, if that is not much.
func (c *Cutter) Reset() {
	fresh := Cutter{find: c.find, all: c.all, max: c.max, block: c.block, docker: c.docker}
	if len(c.buf) <= 4*c.block {
		fresh.buf = c.buf
	}
	*c = fresh
}

// Cut reads r to its end in blocks and emits the documents in it, the unfinished end excepted: call Flush after the
// last reader. An error of r or of emit ends it and is returned; io.EOF is none. After an error of r Flush may follow,
// after one of emit nothing.
func (c *Cutter) Cut(r io.Reader, emit func(Document) error) error {
	c.emit = emit
	for idle := 0; ; {
		n, err := r.Read(c.room())
		if n > 0 {
			idle = 0
			c.end += n
			if err := c.cut(false); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if idle++; idle == 100 {
			return io.ErrNoProgress
		}
	}
}

// Flush emits what is pending as it is: a last line without a line end, an unfinished document.
func (c *Cutter) Flush(emit func(Document) error) error {
	c.emit = emit
	if err := c.cut(true); err != nil {
		return err
	}
	c.endParts(none)
	c.closeAll()
	c.base += int64(c.end)
	c.pos, c.end, c.seen = 0, 0, 0
	return c.stuck
}

// Pending returns how many bytes at the end of what was read belong to no document yet. Reading again from there after
// a restart loses and doubles nothing, with one exception: once a document behind the first parts of a split line was
// emitted, they are no longer pending, or that document would come twice. Their lines are in Counts then, although the
// joined line is still to come.
func (c *Cutter) Pending() int64 { return c.base + int64(c.end) - c.pending().off }

// Counts returns what was cut so far, without what is pending.
func (c *Cutter) Counts() Counts {
	p := c.pending()
	return Counts{Bytes: p.off, Lines: p.line, Empty: p.blank - c.covered}
}

// pending returns where the first document that is still open begins.
func (c *Cutter) pending() place {
	p := place{c.base + int64(c.pos), c.line, c.blank}
	if c.long.on {
		p.off = c.long.pending(p.off)
	}
	if o := c.nest.bottom(); o != nil && o.begin < p.off {
		p = place{o.begin, o.from.line, o.from.blank}
	}
	for i := range c.parts {
		if j := &c.parts[i]; j.lines > 0 && j.from.off >= c.emitted && j.from.off < p.off {
			p = j.from
		}
	}
	return p
}

// room returns where to read the next block. What is kept is moved to the front when that costs no more than what was
// done with, so a byte is moved once on average however small the reads are.
func (c *Cutter) room() []byte {
	if keep := c.kept(); c.end-keep <= keep && keep > 0 {
		copy(c.buf, c.buf[keep:c.end])
		c.base += int64(keep)
		c.pos, c.end, c.seen = c.pos-keep, c.end-keep, c.seen-keep
	}
	if c.buf == nil {
		c.buf = make([]byte, c.block+c.block/8) // with room for the rest of a line
	}
	if len(c.buf)-c.end < c.block {
		c.buf = append(make([]byte, 0, 2*(c.end+c.block)), c.buf[:c.end]...)
		c.buf = c.buf[:cap(c.buf)]
	}
	return c.buf[c.end : c.end+c.block]
}

// Lend gives c room to read into, which is c's until Release. Without it, or with too little, c makes its own.
func (c *Cutter) Lend(room []byte) {
	if len(c.buf) < c.block && len(room) >= c.end+c.block {
		copy(room, c.buf[:c.end])
		c.buf = room
	}
}

// Release takes c's room away and returns it: for many Cutters of which one reads at a time. What a document may still need is kept
// apart; if that has more than most bytes, c keeps its room and nil is returned, and so it is if the room is too large to be kept.
func (c *Cutter) Release(most int) []byte {
	keep := c.kept()
	if c.end-keep > most {
		return nil
	}
	room := c.buf
	c.buf = append([]byte(nil), room[keep:c.end]...)
	c.base += int64(keep)
	c.pos, c.end, c.seen = c.pos-keep, c.end-keep, c.seen-keep
	if len(c.buf) == 0 {
		c.buf = nil // room makes one that is not too large
	}
	if len(room) > 4*c.block {
		return nil
	}
	return room
}

// kept returns where the bytes begin that a document may still need.
func (c *Cutter) kept() int {
	k := c.base + int64(c.pos)
	if c.long.on {
		k = c.long.kept(k)
	}
	if o := c.nest.bottom(); o != nil {
		k = min(k, o.from.off)
	}
	for i := range c.parts {
		if j := &c.parts[i]; j.lines > 0 {
			k = min(k, j.from.off)
		}
	}
	return int(k - c.base)
}

// cut looks at all whole lines in the buffer, and at the last one too if the stream ends there.
func (c *Cutter) cut(last bool) error {
	for c.stuck == nil {
		if c.long.on {
			if !c.runLong(last) {
				break
			}
			continue
		}
		c.skipLead()
		limit := c.end
		if !last {
			limit = c.whole()
		}
		c.lines(limit)
		if c.long.on {
			continue
		}
		if c.end-c.pos > c.max && c.overlong() {
			continue
		}
		if last && c.long.lead {
			c.count(c.end, true)
		}
		break
	}
	c.seen = c.end
	return c.stuck
}

// whole returns where the last whole line in the buffer ends.
func (c *Cutter) whole() int {
	from := max(c.pos, c.seen)
	b := c.buf[from:c.end]
	if bytes.IndexByte(b, '\n') < 0 { // many times faster than LastIndexByte, if there is none
		return c.pos
	}
	return from + bytes.LastIndexByte(b, '\n') + 1
}

// separator begins each document of a JSON text sequence (RFC 7464); it counts as white space.
const separator = 0x1e

// special marks the bytes at the begin or the end of a line that make it worth a look: white space and NUL (indented or
// empty), the first byte of a BOM, brackets (documents over several lines).
var special = [2][256]bool{
	{'\t': true, ' ': true, 0: true, '\r': true, '\v': true, '\f': true, separator: true, 0xef: true, '[': true, ']': true, '}': true},
	{'\t': true, ' ': true, 0: true, '\r': true, '\v': true, '\f': true, separator: true, '{': true, '[': true},
}

// edges are the bytes at which a line may not be plain: the special ones, the digit that a line of CRI begins with, and
// the line feed of an empty line.
var edges = func() (e needle.Edges) {
	for i := range special {
		for c := range special[i] {
			if special[i][c] {
				e[i][c] = needle.Special
			}
		}
	}
	for c := '0'; c <= '9'; c++ {
		e[0][c] = needle.Dated
	}
	e[0]['\n'] = needle.Special
	return e
}()

// plain reports whether the line b, which is not empty, is surely a document by itself if nothing is open before it.
func (c *Cutter) plain(b []byte) bool {
	last := b[len(b)-1]
	if last == '\r' && len(b) > 1 {
		last = b[len(b)-2]
	}
	return !special[0][b[0]] && !special[1][last] && len(b) < c.docker && !criPartial(b)
}

// lines looks at the lines in buf[pos:limit], up to one that is too long to be looked at as a whole.
func (c *Cutter) lines(limit int) {
	if c.pos == limit {
		return
	}
	b := c.buf[:limit]
	l := needle.NewLines(b, c.find, &edges, min(c.docker, c.max+1))
	for c.pos < limit && c.stuck == nil {
		if c.idle() {
			c.skip(&l)
			if c.blanks(limit); c.pos == limit {
				return
			}
		}
		s, e := c.pos, l.End(c.pos)
		if e-s > c.max && c.overlong() {
			return
		}
		s = c.pos // overlong may have left white space out
		switch {
		case s == e:
			c.empty(s, e)
		case c.idle() && c.plain(b[s:e]):
			if l.Hit(s, e) {
				c.emitLine(s, e)
			}
			c.count(e, false)
		default:
			c.look(s, e, l.Hit(s, e))
		}
	}
}

// skip passes lines that are surely documents by themselves and have no hit.
func (c *Cutter) skip(l *needle.Lines) {
	start, n := l.Skip(c.pos)
	c.pos = start
	c.line += int64(n)
	c.long.lead = c.long.lead && n == 0
}

// blanks passes empty lines, ended in either way, while nothing is open.
func (c *Cutter) blanks(limit int) {
	b, at, n := c.buf[:limit], c.pos, int64(0)
	for at < limit {
		if b[at] == '\r' && at+1 < limit {
			at++
		}
		if b[at] != '\n' {
			break
		}
		at, n = at+1, n+1
		c.pos = at
	}
	c.line, c.blank = c.line+n, c.blank+n
	c.long.lead = c.long.lead && n == 0
}

// idle reports whether nothing is open that the next line could belong to.
func (c *Cutter) idle() bool { return c.open == 0 && c.nest.bottom() == nil }

// hits reports whether b is to be emitted.
func (c *Cutter) hits(b []byte) bool {
	if c.find == nil {
		return needle.Next(b, 0) >= 0
	}
	return c.find(b, 0) >= 0
}

// count passes the line that ends at e.
func (c *Cutter) count(e int, blank bool) {
	c.line++
	if blank {
		c.blank++
	}
	c.pos = min(e+1, c.end)
	c.long.lead = false
}

// look takes a line that may be more, or less, than a document.
func (c *Cutter) look(s, e int, hit bool) {
	indent, body := measure(c.buf[s:e])
	if len(body) == 0 {
		c.empty(s, e)
		return
	}
	if (c.open > 0 || indent == 0 && body[0] <= '9' || e-s >= c.docker) && c.part(s, e) {
		c.count(e, false)
		return
	}
	if c.nest.bottom() == nil && indent == 0 && !opens(body) || !c.nested(s, e, indent, body, hit) {
		if hit && !(c.all && bracket(body)) {
			c.emitLine(s, e)
		}
	}
	c.nest.last = place{c.base + int64(e), c.line + 1, c.blank}
	c.count(e, false)
}

// empty passes an empty line.
func (c *Cutter) empty(s, e int) {
	c.endParts(none)
	if o := c.nest.bottom(); o != nil && c.base+int64(e)-o.from.off > int64(c.max) {
		c.closeAll()
	}
	c.count(e, true)
}

// measure returns what a line holds between white space, and how far that is indented, in bytes.
func measure(line []byte) (indent int, body []byte) {
	for indent < len(line) && (line[indent] == ' ' || line[indent] == '\t') {
		indent++
	}
	if body = line[indent:]; len(body) > 0 && !special[0][body[0]] && body[len(body)-1] > ' ' {
		return indent, body
	}
	indent, body = 0, trimEdges(line)
	for _, b := range line[:frontOf(line, body)] {
		if b == ' ' || b == '\t' {
			indent++
		}
	}
	return indent, body
}

// bracket reports whether a line's body is a bracket of an array, alone.
func bracket(body []byte) bool {
	return string(body) == "[" || string(body) == "]" || string(body) == "],"
}

// trimEdges cuts white space, NUL and BOM off both ends.
func trimEdges(b []byte) []byte {
	for {
		for len(b) > 0 && isSpace(b[0]) {
			b = b[1:]
		}
		if len(b) < 3 || string(b[:3]) != bom {
			break
		}
		b = b[3:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

const bom = "\xef\xbb\xbf"

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0 || c == '\v' || c == '\f' || c == separator
}

// emitLine emits the line buf[s:e].
func (c *Cutter) emitLine(s, e int) {
	c.emitSpan(span{off: c.base + int64(s), line: c.line, size: int32(e - s), lines: 1})
}

// span is a document that was found: size bytes at off, lines lines of which blank are empty.
type span struct {
	off, line          int64
	size, lines, blank int32
}

func newSpan(from, to place) span {
	return span{from.off, from.line, int32(to.off - from.off), int32(to.line - from.line), int32(to.blank - from.blank)}
}

// emitSpan emits a document that lies in the buffer as it is.
func (c *Cutter) emitSpan(s span) {
	c.covered += int64(s.blank)
	at := int(s.off - c.base)
	raw := c.buf[at : at+int(s.size)]
	data, skipped := tidy(raw)
	c.give(Document{Data: data, Offset: s.off + int64(skipped), Line: s.line, Lines: int64(s.lines)}, s.off+int64(s.size))
}

// emitTooLong emits a document that cannot be looked at.
func (c *Cutter) emitTooLong(from place, lines int64, end int64) {
	c.give(Document{Offset: from.off, Line: from.line, Lines: lines, TooLong: true}, end)
}

func (c *Cutter) give(d Document, end int64) {
	if c.stuck == nil {
		c.emitted = max(c.emitted, end)
		c.stuck = c.emit(d)
	}
}

// tidy cuts off what belongs to the document's surroundings: white space, the comma behind it, the bracket of the array
// that begins before it or ends behind it on its line. It returns how many bytes it cut off in front.
func tidy(raw []byte) (data []byte, front int) {
	b := trimEdges(raw)
	if len(b) < 2 {
		return b, frontOf(raw, b)
	}
	comma := false
	if n := len(b); b[n-1] == ',' && (b[n-2] == '}' || b[n-2] == ']') {
		b, comma = b[:n-1], true
	}
	switch n := len(b); {
	case b[0] == '{' && string(b[n-2:]) == "}]":
		b = b[:n-1]
	case comma && string(b[:2]) == "[{" && b[n-1] == '}':
		b = b[1:]
	case b[0] == ',':
		if rest := trimEdges(b[1:]); len(rest) > 0 && rest[0] == '{' {
			b = rest
		}
	}
	return b, frontOf(raw, b)
}

// frontOf returns at which index of raw its part b begins.
func frontOf(raw, b []byte) int { return cap(raw) - cap(b) }
