package frame

import "bytes"

// long is a line longer than MaxDocument. It is taken piece by piece, so it may have any length.
type long struct {
	on    bool
	lead  bool // the white space in front of the line is left out
	split bool // it begins with a bracket: what follows are the documents; else it is passed over
	from  place

	began    bool // the bracket of the array was seen
	in       bool // inside an element
	over     bool // that is too long
	elem     int64
	depth    int
	str, esc bool
}

// pending returns where the open document begins, if nothing is looked at behind pos.
func (l *long) pending(pos int64) int64 {
	switch {
	case !l.split:
		return l.from.off
	case l.in:
		return l.elem
	}
	return pos
}

// kept returns where the bytes begin that are needed.
func (l *long) kept(pos int64) int64 {
	if l.split && l.in && !l.over {
		return l.elem
	}
	return pos
}

// skipLead leaves out white space at pos, if it is what made the line too long.
func (c *Cutter) skipLead() {
	if !c.long.lead {
		return
	}
	for c.pos < c.end && c.buf[c.pos] != '\n' && isSpace(c.buf[c.pos]) {
		c.pos++
	}
	c.seen = max(c.seen, c.pos)
}

// overlong takes the line at pos, which is longer than MaxDocument as it stands there. It leaves out white space in front and
// reports whether it is still too long; then it is for runLong.
func (c *Cutter) overlong() bool {
	if !c.long.lead {
		c.endParts(none)
		c.closeAll()
		if bytes.HasPrefix(c.buf[c.pos:c.end], []byte(bom)) {
			c.pos += len(bom)
		}
	}
	c.long.lead = true
	c.skipLead()
	stop := c.end
	if n := bytes.IndexByte(c.buf[c.pos:c.end], '\n'); n >= 0 {
		stop = c.pos + n
	}
	if stop-c.pos <= c.max {
		return false
	}
	first := c.buf[c.pos]
	c.long = long{on: true, lead: true, split: first == '[' || first == '{', from: place{c.base + int64(c.pos), c.line, c.blank}}
	return true
}

// runLong goes on with the long line, and reports whether its end was reached.
func (c *Cutter) runLong(last bool) bool {
	stop, ended := c.end, last
	if n := bytes.IndexByte(c.buf[c.pos:c.end], '\n'); n >= 0 {
		stop, ended = c.pos+n, true
	}
	if c.long.split {
		c.elements(c.buf[c.pos:stop], c.base+int64(c.pos))
	}
	c.pos = stop
	if !ended {
		return false
	}
	end := c.base + int64(stop)
	switch {
	case !c.long.split:
		c.emitTooLong(c.long.from, 1, end)
	case c.long.in:
		c.element(end)
	}
	c.nest.last = place{end, c.line + 1, c.blank}
	c.count(stop, false)
	c.long = long{}
	return true
}

// elements goes on with a line of the form [{…},{…},…] or {…}{…}…; b lies at offset off.
func (c *Cutter) elements(b []byte, off int64) {
	l := &c.long
	for i, ch := range b {
		at := off + int64(i)
		switch {
		case l.str:
			switch {
			case l.esc:
				l.esc = false
			case ch == '\\':
				l.esc = true
			case ch == '"':
				l.str = false
			}
		case !l.in:
			c.between(ch, at)
		case ch == '"':
			l.str = true
		case ch == '{' || ch == '[':
			l.depth++
		case ch == '}' || ch == ']':
			if l.depth--; l.depth == 0 {
				c.element(at + 1)
			} else if l.depth < 0 {
				c.element(at)
			}
		case ch == ',' && l.depth == 0:
			c.element(at)
		}
	}
	if l.in && off+int64(len(b))-l.elem > int64(c.max) {
		l.over = true
	}
}

// between takes a byte outside of elements.
func (c *Cutter) between(ch byte, at int64) {
	l := &c.long
	if isSpace(ch) || ch == ',' || ch == ']' {
		return
	}
	if ch == '[' && !l.began {
		l.began = true
		return
	}
	l.began, l.in, l.over, l.elem, l.depth = true, true, false, at, 0
	switch ch {
	case '{', '[':
		l.depth = 1
	case '"':
		l.str = true
	}
}

// element ends the element before offset end.
func (c *Cutter) element(end int64) {
	l := &c.long
	l.in, l.str, l.esc = false, false, false
	if l.over || end-l.elem > int64(c.max) {
		c.emitTooLong(place{l.elem, c.line, c.blank}, 1, end)
		return
	}
	b := c.buf[l.elem-c.base : end-c.base]
	if c.hits(b) {
		c.emitSpan(span{off: l.elem, line: c.line, size: int32(len(b)), lines: 1})
	}
}
