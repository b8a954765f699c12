package extract

import "bytes"

// maxUnwrap is how deep strings within strings are unwrapped.
const maxUnwrap = 3

// readText reads a line, or what an envelope held in its stead, from offset i to end: JSON as it is, JSON in text,
// key=value pairs. Envelopes of text (CRI, syslog …) are taken off first.
func (x *Extractor) readText(r *record, i, end int) {
	i, end = x.trim(i, end)
	if i == end {
		return
	}
	if c := x.buf[i]; c != '{' {
		if e, at := x.textEnvelope(r, i, end); e != nil {
			r = e
			if i, end = x.trim(at, end); i == end {
				return
			}
		}
	}
	rest, outer := false, r
	for x.buf[i] == '{' || x.buf[i] == '[' {
		from := i
		if r, i = x.readDocuments(outer, i, end); i == end {
			return
		}
		rest = rest || i > from
		if x.buf[i] != recordSeparator { // which begins a document also where the one before has no end
			break
		}
		if i = skipBlank(x.buf[:end], i); i == end {
			return
		}
	}
	x.readMixed(r, i, end, rest)
}

// trim drops what trimEdges does at both ends.
func (x *Extractor) trim(i, end int) (int, int) {
	from, to := trimEdges(x.buf[i:end])
	return i + from, i + to
}

// readDocuments reads JSON texts that follow each other from i on and returns where they end, and the record to which
// the rest belongs.
func (x *Extractor) readDocuments(r *record, i, end int) (*record, int) {
	for count := 0; ; count++ {
		back := x.mark()
		root, next, st := x.read(i, end)
		switch st {
		case tooDeep:
			x.doc.TooDeep = true
			return r, end
		case bad:
			if r.shape == Fluentd { // fluent-bit's stdout writes as Ruby does: {"type"=>206}
				if root, next, st := x.readInspect(i, end, true); st == good && next == end {
					e := x.newRecord(r, root)
					x.readRecord(e)
					return r, end
				}
			}
			if !looksJSON(x.buf[i:end]) {
				x.work -= next - i
				return r, i
			}
			x.doc.Broken = true
			if root, _, st := x.read(i, next); st == cutOff { // what stands before the fault is as good as cut off there
				r = x.readCut(r, root)
			}
			return r, next
		case cutOff:
			if !looksJSON(x.buf[i:end]) {
				x.nodes = x.nodes[:root]
				return r, i
			}
			x.doc.Broken = true
			x.readCut(r, root)
			return r, end
		}
		x.doc.Text = false
		e := x.newRecord(r, root)
		x.nextRecord(e, count == 0)
		i = skipBlank(x.buf[:end], next)
		more := i < end && (x.buf[i] == '{' || x.buf[i] == '[' || x.buf[i] == ',')
		if e.shape == Flat {
			switch {
			case count > 0 || more:
				e.shape = Multi
			case bytes.IndexByte(x.raw(root), '\n') >= 0:
				e.shape = Pretty
			}
		}
		x.readRecord(e)
		if i < end {
			x.rewind(back)
		}
		if more && x.buf[i] == ',' {
			i = skipSpace(x.buf[:end], i+1)
		}
		if i >= end {
			return r, end
		}
		if c := x.buf[i]; c != '{' && c != '[' {
			return r, i
		}
	}
}

// looksJSON says whether b, which begins with a bracket, can hardly be anything else than JSON: "[ERROR] …" can.
func looksJSON(b []byte) bool {
	i := skipSpace(b, 1)
	if i >= len(b) {
		return true
	}
	switch c := b[i]; c {
	case '"':
		return true
	case '}':
		return b[0] == '{'
	case '{', '[', ']':
		return b[0] == '['
	}
	return false
}

// readCut reads what is left of a document whose end is missing. Strings in it are taken apart only if it is certain
// that nobody's words stand in them: what would say so may be in the missing part.
func (x *Extractor) readCut(r *record, root int32) *record {
	was := x.cut
	x.cut = true
	defer func() { x.cut = was }()
	e := x.newRecord(r, root)
	e.plain = true
	if first := x.nodes[root].child; x.is(first, text) && x.nodes[first].flags&cut != 0 && string(x.key(first)) == "log" {
		x.readInner(e, first, -1) // docker's json-file, cut in its first member
		return e
	}
	x.readRecord(e)
	return e
}

// readMixed reads text that may hold JSON, util.inspect's form of it, and key=value pairs, in one pass. rest says that
// JSON, perhaps a broken one, stood before it on the line.
func (x *Extractor) readMixed(r *record, start, end int, rest bool) {
	if b := x.buf[start:end]; bytes.IndexByte(b, '=') < 0 && bytes.IndexByte(b, '{') < 0 && bytes.IndexByte(b, '\n') < 0 {
		return
	}
	x.cost += end - start
	base := x.newRecord(r, 0)
	base.before, base.beforeEnd = start, end
	base.plain = true
	if base.shape == Flat {
		base.shape = TextJSON
		if x.sdkLog(start, end) {
			base.shape = SDKLog
		}
	}
	m := mixed{outer: r, base: base, start: start, end: end, rest: rest}
	for i := start; i < end; {
		switch c := x.buf[i]; {
		case c == '{' || c == '[':
			i = x.mixedPiece(&m, i)
		case letter(c) || c == '_' || c == '@':
			i = x.mixedWord(&m, i)
		default:
			if c >= 0x80 {
				m.pairs.words++
			}
			i++
		}
	}
	if m.pairs.hot != 0 && !x.doc.TooDeep {
		x.readPairs(&m)
	}
}

// mixed is a text that is being read.
type mixed struct {
	outer, base *record // around the text; the text
	start, end  int
	rest        bool // JSON stood before it
	pieces      int  // of JSON or inspect, so far
	records     int  // of them that were records
	pairs       pairs
}

// mixedPiece reads the JSON or inspect at i, if there is some, and returns where to go on.
func (x *Extractor) mixedPiece(m *mixed, i int) int {
	if i > m.start && x.buf[i-1] == '"' && x.doc.Broken {
		return i + 1 // what a broken string quotes
	}
	back := x.mark()
	root, next, st, inspect := x.readPiece(i, m.end)
	switch {
	case x.doc.TooDeep:
		return m.end
	case root == 0:
		return i + 1
	}
	if m.pieces++; m.pieces == 1 {
		m.base.beforeEnd = i
		if level := levelIn(x.buf[m.start:min(i, m.start+maxLevelText)]); level != NoLevel {
			m.base.level = level
		}
	}
	if x.nodes[root].flags&hot != 0 || x.nodes[root].kind == object {
		x.readPieceRecord(m, root, i, next, st, inspect)
	}
	x.rewind(back)
	return max(next, i+1)
}

// maxLevelText is how far a level is looked for in the text before a record.
const maxLevelText = 1024

// readPieceRecord reads the record that was found in a text from i to next.
func (x *Extractor) readPieceRecord(m *mixed, root int32, i, next int, st status, inspect bool) {
	e := x.newRecord(m.base, root)
	x.nextRecord(e, m.records == 0 && !m.rest)
	m.records++
	if inspect && e.shape == TextJSON {
		e.shape = Inspect
	}
	if !inspect {
		if st == good {
			x.doc.Text = false
		} else if i == m.start {
			x.doc.Broken = true
		}
		if st == good && skipSpace(x.buf[:m.end], next) == m.end && x.isLogRecord(root) {
			e.plain = m.outer.plain
		}
	}
	was := x.cut
	x.cut = was || st == cutOff
	x.readRecord(e)
	x.cut = was
}

// mixedWord reads the word at i, and its value if it is a key; it returns where to go on.
func (x *Extractor) mixedWord(m *mixed, i int) int {
	word, b := i, x.buf[:m.end]
	for i < len(b) && (letter(b[i]) || b[i]-'0' <= 9 || b[i] == '_' || b[i] == '.' || b[i] == '-' || b[i] == '@') {
		i++
	}
	if i < len(b) && b[i] == '=' && (word == m.start || blank(b[word-1]) || b[word-1] == ',' || b[word-1] == '(') {
		return x.addPair(&m.pairs, word, i, m.end, false)
	}
	if i+1 < len(b) && b[i] == ':' && b[i+1] == ' ' && x.indented(m.start, word) {
		return x.addPair(&m.pairs, word, i, m.end, true)
	}
	m.pairs.words++
	return i
}

// indented says whether only blanks stand between offset i and the line feed before it, as before the members that
// pino-pretty and bunyan write below a line of text.
func (x *Extractor) indented(start, i int) bool {
	at := i
	for at > start && (x.buf[at-1] == ' ' || x.buf[at-1] == '\t') {
		at--
	}
	return at < i && at > start && x.buf[at-1] == '\n'
}

// readPiece reads JSON, or util.inspect's form of it, at i. Root is 0 if there is none. What was read in vain is
// charged to x.work, so that hostile text costs linear time.
func (x *Extractor) readPiece(i, end int) (root int32, next int, st status, inspect bool) {
	if x.work <= 0 {
		return 0, i, bad, false
	}
	if looksJSON(x.buf[i:min(end, i+64)]) || x.buf[i] == '[' && i+1 < end && x.buf[i+1]-'0' <= 9 {
		root, next, st = x.read(i, end)
		switch st {
		case good:
			return root, next, st, false
		case cutOff:
			if looksJSON(x.buf[i:end]) {
				return root, next, st, false
			}
			x.nodes = x.nodes[:root]
		case tooDeep:
			x.doc.TooDeep = true
			return 0, i, st, false
		}
		x.work -= next - i
	}
	if x.buf[i] != '{' {
		return 0, i, bad, false
	}
	root, next, st = x.readInspect(i, end, false)
	x.cost += next - i
	if root != 0 {
		if st == cutOff {
			x.work -= next - i
		}
		return root, next, st, true
	}
	x.work -= next - i
	return 0, i, bad, false
}

// isLogRecord says whether the object behind a text is itself a logger's record (behind a pod's name, say): it has a
// level of warn or worse, or a time, and no lower level.
func (x *Extractor) isLogRecord(root int32) bool {
	if x.nodes[root].kind != object {
		return false
	}
	var v view
	x.look(root, &v)
	switch x.levelOf(&v) {
	case WarnUp:
		return true
	case BelowWarn:
		return false
	}
	t := x.moment(v.best[fieldTime])
	return t != moment{}
}

// sdkLog says whether the text is a line of the SDK's saved log: a locale date, a colon, arguments.
func (x *Extractor) sdkLog(i, end int) bool {
	b := x.buf[i:end]
	if len(b) < 12 || bytes.IndexByte(b[:6], '/') < 0 {
		return false
	}
	_, n := readTime(b, x.zone, x.opt.Now)
	return n > 0 && n+1 < len(b) && b[n] == ':' && b[n+1] == ' '
}
