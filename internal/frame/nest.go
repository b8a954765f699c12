package frame

import "bytes"

// nest is what is known of pretty-printed JSON at the current line: the openers whose end was not seen yet, each deeper than the one
// before it, and the documents found inside them, in case they turn out to be too long to be documents themselves.
// Both are bounded by what fits into MaxDocument. They are queues that grow and shrink at the end as stacks, so a line costs the
// same whatever was opened before it.
type nest struct {
	stack []opener
	head  int    // stack[:head] were given up
	found []span // in the order of the text; an opener's are those from its first to the next one's first
	last  place  // the end of the last line that was not empty
}

// opener is a line that opens a document.
type opener struct {
	from   place // behind the brackets that its line closes
	begin  int64 // of its line
	end    int64
	indent int
	first  int  // index of its first document in found
	hit    bool // the needle hit in the line, or in the one that closes it
	lone   bool // [ and nothing else: its elements are the documents, if nothing is around it
	trace  bool // at the end of a stack trace: the next line decides how deep it is
}

// bottom returns the outermost opener, or nil.
func (n *nest) bottom() *opener {
	if n.head == len(n.stack) {
		return nil
	}
	return &n.stack[n.head]
}

func (n *nest) top() *opener { return &n.stack[len(n.stack)-1] }

// above returns how deep an opener has to be to lie inside the second one from the top.
func (n *nest) above() int {
	if len(n.stack)-n.head < 2 {
		return -1
	}
	return n.stack[len(n.stack)-2].indent
}

// nested takes the line buf[s:e], which is not empty, and reports whether it is part of a document over several lines,
// or may be.
func (c *Cutter) nested(s, e, indent int, body []byte, hit bool) bool {
	n := &c.nest
	from := place{c.base + int64(s), c.line, c.blank}
	to := place{c.base + int64(e), c.line + 1, c.blank}
	closer, opener := closes(body), opens(body)

	c.settleTrace(indent)
	for n.bottom() != nil && n.top().indent >= indent && !(closer && n.above() < indent) {
		c.close(n.last)
	}
	for o := n.bottom(); o != nil && (o.lone || to.off-o.from.off > int64(c.max)); o = n.bottom() {
		c.giveUp()
	}
	if closer && opener { // }, {
		from.off += int64(frontOf(c.buf[s:e], body) + leadingClosers(body))
		to = from
	}
	if closer && n.bottom() != nil && n.top().indent >= indent {
		if hit && !opener {
			n.found = append(n.found, newSpan(from, to))
		}
		c.close(to)
		if !opener {
			return true
		}
	}
	if opener {
		if string(body) != "[" || n.bottom() != nil {
			c.push(from, s, e, indent, body, hit)
		}
		return true
	}
	if n.bottom() == nil {
		return false
	}
	if hit {
		n.found = append(n.found, newSpan(from, to))
	}
	return true
}

// settleTrace gives an opener at the end of a stack trace the depth that its first member shows.
func (c *Cutter) settleTrace(indent int) {
	n := &c.nest
	if n.bottom() == nil || !n.top().trace {
		return
	}
	o := n.top()
	o.trace = false
	if indent <= o.indent && indent-1 > n.above() {
		o.indent = indent - 1
	}
}

// push opens a document at from, in the line buf[s:e].
func (c *Cutter) push(from place, s, e, indent int, body []byte, hit bool) {
	n := &c.nest
	n.stack = append(n.stack, opener{
		from: from, begin: c.base + int64(s), end: c.base + int64(e), indent: indent, first: len(n.found),
		hit: hit, lone: string(body) == "[", trace: bytes.HasPrefix(body, []byte("at ")),
	})
}

// close ends the innermost opener's document at to: one more that was found, or the one to emit if nothing is around it.
func (c *Cutter) close(to place) {
	n := &c.nest
	o := *n.top()
	n.stack = n.stack[:len(n.stack)-1]
	if o.lone {
		return // its elements are, if they are needed
	}
	hit := o.hit || len(n.found) > o.first
	n.found = n.found[:o.first]
	switch {
	case n.bottom() == nil:
		n.stack, n.head, n.found = n.stack[:0], 0, n.found[:0]
		if hit {
			c.emitSpan(newSpan(o.from, to))
		}
	case hit:
		n.found = append(n.found, newSpan(o.from, to))
	}
}

// giveUp takes the outermost opener for a line like any other and emits what was found inside.
func (c *Cutter) giveUp() {
	n := &c.nest
	o := *n.bottom()
	n.head++
	stop := len(n.found)
	if next := n.bottom(); next != nil {
		stop = next.first
	}
	if o.hit && !o.lone {
		c.emitSpan(span{off: o.from.off, line: o.from.line, size: int32(o.end - o.from.off), lines: 1})
	}
	for _, s := range n.found[o.first:stop] {
		c.emitSpan(s)
	}
	if n.bottom() == nil {
		n.stack, n.head, n.found = n.stack[:0], 0, n.found[:0]
	} else if n.head > len(n.stack)/2 {
		n.compact(stop)
	}
}

// compact drops what was given up from the queues.
func (n *nest) compact(done int) {
	n.stack = n.stack[:copy(n.stack, n.stack[n.head:])]
	n.head = 0
	n.found = n.found[:copy(n.found, n.found[done:])]
	for i := range n.stack {
		n.stack[i].first -= done
	}
}

// closeAll ends all documents over several lines.
func (c *Cutter) closeAll() {
	for c.nest.bottom() != nil {
		c.close(c.nest.last)
	}
}

func opens(body []byte) bool  { c := body[len(body)-1]; return c == '{' || c == '[' }
func closes(body []byte) bool { return body[0] == '}' || body[0] == ']' }

// leadingClosers returns how many closing brackets body begins with.
func leadingClosers(body []byte) int {
	n := 0
	for n < len(body) && (body[n] == '}' || body[n] == ']') {
		n++
	}
	return n
}
