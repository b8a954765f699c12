package extract

// textEnvelope takes off what a runtime or shipper wrote before a line: CRI, syslog, fluentd. It returns a record for it
// and the offset behind it, or nil.
func (x *Extractor) textEnvelope(r *record, i, end int) (*record, int) {
	rd := reader{b: x.buf[:end], i: i}
	e := envelope{start: i}
	switch {
	case rd.peek() == '<' && e.priority(&rd):
		if !e.syslog5424(&rd) && !e.syslog3164(&rd, x, true) {
			return nil, i
		}
	case e.cri(&rd, x):
	case e.fluentBit(&rd):
	case e.fluentd(&rd, x):
	case e.syslog3164(&rd, x, false):
	default:
		return nil, i
	}
	if rd.word("@cee:") {
		rd.spaces()
	}
	rec := x.newRecord(r, 0)
	x.setShape(rec, e.shape)
	if e.level != NoLevel {
		rec.level = e.level
	}
	rec.before, rec.beforeEnd = e.timeAt, e.timeEnd
	return rec, rd.i
}

// envelope is what was found before a line.
type envelope struct {
	start, timeAt, timeEnd int
	shape                  Shape
	level                  Level
}

// time passes over a time and returns false, leaving r where it is, if there is none.
func (e *envelope) time(r *reader, x *Extractor) bool {
	_, n := readTime(r.b[r.i:], x.zone, x.opt.Now)
	e.timeAt, e.timeEnd = r.i, r.i+n
	r.i += n
	return n > 0
}

// token passes over everything up to a blank and returns it.
func (r *reader) token() []byte {
	start := r.i
	for r.i < len(r.b) && !blank(r.b[r.i]) {
		r.i++
	}
	return r.b[start:r.i]
}

// cri reads `2026-11-23T09:00:00.123456789+08:00 stdout F `.
func (e *envelope) cri(r *reader, x *Extractor) bool {
	mark := r.i
	if e.time(r, x) && r.byte(' ') && (r.word("stdout ") || r.word("stderr ")) && (r.byte('F') || r.byte('P')) {
		r.token() // more tags may follow behind colons
		if r.byte(' ') || r.i == len(r.b) {
			e.shape = CRI
			return true
		}
	}
	r.i = mark
	return false
}

// fluentd reads `2026-11-23 09:00:00.123456789 +0800 app.im: {` (stdout) and the same with tabs (file). The record
// follows at once.
func (e *envelope) fluentd(r *reader, x *Extractor) bool {
	mark := r.i
	if e.time(r, x) {
		n := r.i
		switch {
		case r.byte('\t'):
			for r.i < len(r.b) && r.b[r.i] > ' ' {
				r.i++
			}
			if r.byte('\t') && r.peek() == '{' {
				e.shape = Fluentd
				return true
			}
		case n-mark > 6 && (r.b[n-5] == '+' || r.b[n-5] == '-') && r.b[n-6] == ' ' && r.byte(' '):
			tag := r.token()
			if len(tag) > 1 && tag[len(tag)-1] == ':' && levelWord(tag[:len(tag)-1]) == NoLevel && r.byte(' ') && r.peek() == '{' {
				e.shape = Fluentd
				return true
			}
		}
	}
	r.i = mark
	return false
}

// fluentBit reads `[0] app.im: ` before [time, record].
func (e *envelope) fluentBit(r *reader) bool {
	mark := r.i
	if r.byte('[') {
		if _, _, ok := r.number(1, 9); ok && r.word("] ") {
			if tag := r.token(); len(tag) > 1 && tag[len(tag)-1] == ':' && r.byte(' ') && r.peek() == '[' {
				e.shape = Fluentd
				return true
			}
		}
	}
	r.i = mark
	return false
}

// priority reads <34>.
func (e *envelope) priority(r *reader) bool {
	mark := r.i
	r.i++
	if v, _, ok := r.number(1, 3); ok && v < 192 && r.byte('>') {
		e.shape, e.level = Syslog, priorityLevel(int32(v&7))
		return true
	}
	r.i = mark
	return false
}

// syslog5424 reads `1 TIME HOST APP PROCID MSGID SD ` behind the priority.
func (e *envelope) syslog5424(r *reader) bool {
	mark := r.i
	if !r.word("1 ") {
		return false
	}
	e.timeAt = r.i
	for field := range 5 {
		if len(r.token()) == 0 || !r.byte(' ') {
			r.i = mark
			return false
		}
		if field == 0 {
			e.timeEnd = r.i - 1
		}
	}
	if !r.byte('-') {
		for r.byte('[') {
			quoted := false
			for ; r.i < len(r.b); r.i++ {
				if c := r.b[r.i]; c == '\\' {
					r.i++
				} else if c == '"' {
					quoted = !quoted
				} else if c == ']' && !quoted {
					break
				}
			}
			if r.i = min(r.i, len(r.b)); !r.byte(']') {
				r.i = mark
				return false
			}
		}
	}
	r.spaces()
	r.word(string(bom))
	return true
}

// syslog3164 reads `Nov 23 09:00:00 host app[123]: `, as journalctl -o short writes it too. With a full date, as
// rsyslog and journalctl -o short-iso write it, the process id in brackets has to be there unless a priority was.
func (e *envelope) syslog3164(r *reader, x *Extractor, priority bool) bool {
	mark := r.i
	named := letter(r.peek())
	if e.time(r, x) && r.byte(' ') {
		host := r.token()
		if len(host) > 0 && levelWord(host) == NoLevel && host[0] != '{' && host[0] != '[' && r.byte(' ') {
			tag := r.token()
			if n := len(tag); n > 1 && tag[n-1] == ':' && levelWord(tag[:n-1]) == NoLevel {
				if named || priority || n > 3 && tag[n-2] == ']' && tag[n-3]-'0' <= 9 {
					r.byte(' ')
					e.shape = Syslog
					return true
				}
			}
		}
	}
	r.i = mark
	return false
}
