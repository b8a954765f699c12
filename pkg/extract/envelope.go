package extract

import "bytes"

// readEnvelope takes r apart if it is an envelope of JSON: docker, fluentd, journald, Loki, OTLP. It returns false if
// r is the application's record, or an envelope that has members of its own to look at; GELF, ECS and Sentry records only get their shape.
func (x *Extractor) readEnvelope(r *record) bool {
	v := &r.view
	at := &v.at
	shape := Flat
	switch {
	case x.is(at[kResourceLogs], array):
		x.setShape(r, OTLP)
		x.readOTLP(r)
		return true
	case x.is(at[kStreams], array):
		x.setShape(r, Loki)
		x.readStreams(r, at[kStreams])
		return true
	case x.is(at[kData], object) && x.is(x.member(at[kData], "result"), array) && x.member(at[kData], "resultType") != 0:
		x.setShape(r, Loki)
		x.readStreams(r, x.member(at[kData], "result"))
		return true
	case x.isOTLPRecord(v):
		x.setShape(r, OTLP)
		x.readOTLPRecord(r, r.root)
		return true
	case x.is(at[kFields], object) && !r.whole:
		x.readRecord(x.logstash(r))
		return true
	case x.is(at[kSource], object) && at[kIndex] != 0: // a hit of Elasticsearch
		x.readRecord(x.newRecord(r, at[kSource]))
		return true
	case x.is(at[kJSON], object) && x.is(x.member(at[kJSON], "log"), text) && v.best[fieldTime] != 0: // filebeat, docker's line decoded
		x.readRecord(x.newRecord(r, at[kJSON]))
		return true
	case x.is(at[kLine], text) && at[kLabels] != 0 && at[kTimestamp] != 0 && !v.chat:
		x.setShape(r, Loki)
		x.fill(r)
		x.fieldsOfLabels(r, at[kLabels])
		x.readInner(r, at[kLine], -1)
		return true
	case at[kJournal] != 0 && (at[kRealtime] != 0 || at[kPriority] != 0):
		shape = Journald
	case x.is(at[kLog], text) && v.best[fieldLevel] == 0 && !v.chat && (at[kStream] != 0 || v.best[fieldTime] != 0 || x.members(r.root) == 1):
		shape = Fluentd
		if x.isDocker(r.root) {
			shape = Docker
		}
	case x.is(at[kShortMessage], text) && at[kVersion] != 0 && at[kHost] != 0:
		shape = GELF
	case x.is(at[kLogs], array) && at[kTime] != 0 && at[kLevel] != 0:
		shape = OnLog
	case at[kEventID] != 0 && (at[kException] != 0 || at[kSDK] != 0 || at[kContexts] != 0):
		shape = Sentry
	case at[kECS] != 0:
		shape = ECS
	}
	if shape != Flat {
		x.setShape(r, shape)
	}
	return false
}

func (x *Extractor) setShape(r *record, s Shape) {
	if r.shape == Flat || r.shape == Multi || r.shape == Pretty || r.shape == Array || r.shape == TextJSON {
		r.shape = s
	}
}

func (x *Extractor) members(n int32) (count int) {
	for m := x.nodes[n].child; m != 0; m = x.nodes[m].next {
		count++
	}
	return count
}

// isDocker says whether the object has the members of docker's json-file only.
func (x *Extractor) isDocker(n int32) bool {
	for m := x.nodes[n].child; m != 0; m = x.nodes[m].next {
		switch string(x.key(m)) {
		case "log", "stream", "time", "attrs":
		default:
			return false
		}
	}
	return true
}

// lineLevel says whether the string of member m is a whole line of log, so that text around JSON is read there: what an
// envelope holds is. So is the message of a record without a level (unwrap): a shipper wrote that, no logger.
func (x *Extractor) lineLevel(r *record, v *view, m int32) bool {
	switch m {
	case v.at[kLog]:
		return r.view.best[fieldLevel] == 0
	case v.at[kJournal]:
		return true
	case v.at[kShortMessage], v.at[kFullMessage]:
		return v.at[kVersion] != 0 && v.at[kHost] != 0
	}
	return false
}

// unwrap reads JSON in the string of member m, if its key is one under which loggers and shippers put it. Nothing is
// unwrapped where people write.
func (x *Extractor) unwrap(r *record, v *view, m int32, s walkState, parent int) {
	if v.chat || r.depth >= maxUnwrap {
		return
	}
	nd := x.nodes[m]
	raw := x.raw(m)
	found := bytes.Contains(raw, []byte{'{'})
	if !found && bytes.IndexByte(raw, '=') < 0 && !bytes.Contains(raw, []byte(`\u00`)) {
		return
	}
	k := keyOf(x.plainKey(m))
	whole := k.role&unwrapAll != 0 || !s.root
	if s.root && (k.role&(unwrapAll|unwrapTail) == 0 || v.at[k.id] != m) {
		return
	}
	if x.cut && (nd.flags&cut != 0 || r.level != WarnUp && !x.lineLevel(r, v, m)) {
		return
	}
	if s.root && (x.lineLevel(r, v, m) || !whole && r.level == NoLevel && !x.cut) {
		x.readInner(r, m, parent)
		return
	}
	back := x.mark()
	i, end := x.decoded(m)
	i, end = x.trim(i, end)
	if i == end {
		return
	}
	e := x.newRecord(r, 0)
	e.depth = r.depth + 1
	e.state = walkState{parent: parent, root: true, cause: s.cause, place: s.root && k.id == kError, inData: parent != s.parent && k.id == kData}
	if e.shape == Flat || e.shape == Multi || e.shape == Pretty || e.shape == Array {
		e.shape = Nested
	}
	if !s.root || !whole && r.level == BelowWarn {
		e.plain = true // somebody may have typed it
	}
	saved := x.steps
	x.steps = x.steps[len(x.steps):]
	x.readTail(e, i, end, whole)
	x.steps = saved
	x.rewind(back)
}

// unwrapArgument reads element m of console arguments, if it is JSON as a whole and an error was logged.
func (x *Extractor) unwrapArgument(r *record, m int32, s walkState) {
	if r.level != WarnUp || r.depth >= maxUnwrap || x.cut {
		return
	}
	back := x.mark()
	i, end := x.decoded(m)
	if i, end = x.trim(i, end); i == end {
		return
	}
	e := x.newRecord(r, 0)
	e.depth, e.plain = r.depth+1, true
	e.state = walkState{parent: s.parent, root: true, cause: s.cause}
	if e.shape == Flat {
		e.shape = Args
	}
	saved := x.steps
	x.steps = x.steps[len(x.steps):]
	x.readTail(e, i, end, true)
	x.steps = saved
	x.rewind(back)
}

// logstash turns a record of logstash's first schema (@fields, @message, @timestamp) into the record in its @fields.
func (x *Extractor) logstash(r *record) *record {
	root := x.synthetic()
	fields := r.view.at[kFields]
	x.nodes[root].child, x.nodes[root].flags = x.nodes[fields].child, x.nodes[fields].flags&hot
	last := x.nodes[root].child
	for last != 0 && x.nodes[last].next != 0 {
		last = x.nodes[last].next
	}
	for m := x.nodes[r.root].child; m != 0; m = x.nodes[m].next {
		if m == fields || x.key(m)[0] != '@' {
			continue
		}
		n := x.nodes[m]
		n.key, n.next = n.key+1, 0
		x.nodes = append(x.nodes, n)
		if id := int32(len(x.nodes) - 1); last == 0 {
			x.nodes[root].child, last = id, id
		} else {
			x.nodes[last].next, last = id, id
		}
		x.nodes[root].flags |= n.flags & hot
	}
	e := x.newRecord(r, root)
	e.whole = true
	return e
}

// readTail reads JSON that is the text from i to end, or stands at its end.
func (x *Extractor) readTail(r *record, i, end int, whole bool) {
	start := i
	if c := x.buf[i]; c == '{' || c == '[' {
		root, next, st := x.read(i, end)
		switch {
		case st == tooDeep:
			x.doc.TooDeep = true
			return
		case st == good && skipSpace(x.buf[:end], next) == end:
			r.root = root
			x.readRecord(r)
			return
		case st != bad:
			x.nodes = x.nodes[:root]
		}
		x.work -= next - i
	}
	if whole {
		return
	}
	for ; i < end; i++ {
		if c := x.buf[i]; c != '{' && c != '[' {
			continue
		}
		mark := len(x.nodes)
		root, next, st, inspect := x.readPiece(i, end)
		if x.doc.TooDeep {
			return
		}
		if root == 0 {
			continue
		}
		if st != good || skipSpace(x.buf[:end], next) != end || inspect && r.level != WarnUp {
			x.nodes = x.nodes[:mark]
			x.work -= next - i
			if st == good {
				i = next - 1
			}
			continue
		}
		if level := levelIn(x.buf[start:min(i, start+maxLevelText)]); level != NoLevel {
			r.level = level
		}
		r.plain = r.plain || inspect || r.level != WarnUp && !x.isLogRecord(root)
		r.before, r.beforeEnd = start, i
		r.root = root
		x.readRecord(r)
		return
	}
}

// decoded returns the span of m's string without escapes.
func (x *Extractor) decoded(m int32) (i, end int) {
	nd := x.nodes[m]
	if nd.flags&textEscaped == 0 {
		return int(nd.val), int(nd.end)
	}
	i = len(x.buf)
	x.cost += int(nd.end - nd.val)
	x.buf = append(x.buf, make([]byte, nd.end-nd.val)...)[:i]
	x.buf = decode(x.buf, x.buf[nd.val:nd.end])
	return i, len(x.buf)
}

// readInner reads the string of member m, a whole line of log in an envelope.
func (x *Extractor) readInner(r *record, m int32, parent int) {
	if r.depth >= maxUnwrap {
		return
	}
	back := x.mark()
	e := x.newRecord(r, 0)
	e.depth = r.depth + 1
	e.state.parent = parent
	if e.shape == Flat || e.shape == Multi || e.shape == Pretty || e.shape == Array {
		e.shape = Nested
	}
	i, end := x.decoded(m)
	saved := x.steps
	x.steps = x.steps[len(x.steps):]
	was, text := x.doc.Broken, x.doc.Text
	x.readText(e, i, end)
	x.doc.Broken, x.doc.Text = was, text
	x.steps = saved
	x.rewind(back)
}

// readStreams reads Loki's streams: labels and [time, line] values, each a record.
func (x *Extractor) readStreams(r *record, streams int32) {
	first := true
	for s := x.nodes[streams].child; s != 0; s = x.nodes[s].next {
		labels := x.member(s, "stream")
		for value := x.nodes[x.member(s, "values")].child; value != 0; value = x.nodes[value].next {
			stamp := x.nodes[value].child
			if !x.is(value, array) || stamp == 0 {
				continue
			}
			line := x.nodes[stamp].next
			if !x.is(line, text) {
				continue
			}
			back := x.mark()
			e := x.newRecord(r, 0)
			x.nextRecord(e, first)
			first = false
			x.fieldsOfLabels(e, labels)
			e.time = x.resolve(x.moment(stamp), e)
			e.filled = true
			x.readInner(e, line, -1)
			x.rewind(back)
		}
	}
}

// fieldsOfLabels takes level, user, version and so on from Loki's labels.
func (x *Extractor) fieldsOfLabels(r *record, labels int32) {
	if !x.is(labels, object) {
		return
	}
	var v view
	x.look(labels, &v)
	if level := x.levelOf(&v); level != NoLevel {
		r.level = level
	}
	for f := fieldUser; f <= fieldPlatform; f++ {
		if m := x.scalar(v.best[f]); m != 0 && x.paths[f] == nil {
			r.fields[f] = x.keep(m, maxField)
		}
	}
}

// forward reads fluentd's forward protocol as JSON, ["tag", time, record] and ["tag", [[time, record], …]], as records.
func (x *Extractor) forward(r *record, tag int32) bool {
	second := x.nodes[tag].next
	if second == 0 {
		return false
	}
	if third := x.nodes[second].next; x.is(second, number) && x.is(third, object) {
		x.timedRecord(r, second, third)
		return true
	}
	entry := x.nodes[second].child
	if !x.is(second, array) || !x.is(entry, array) || !x.is(x.nodes[entry].child, number) {
		return false
	}
	for first := true; entry != 0; entry = x.nodes[entry].next {
		stamp := x.nodes[entry].child
		if !x.is(entry, array) || stamp == 0 || !x.is(x.nodes[stamp].next, object) {
			continue
		}
		back := x.mark()
		e := x.newRecord(r, 0)
		x.nextRecord(e, first)
		first = false
		x.timedRecord(e, stamp, x.nodes[stamp].next)
		x.rewind(back)
	}
	return true
}

// timedRecord reads the record root, of which the shipper says when it was.
func (x *Extractor) timedRecord(r *record, stamp, root int32) {
	x.setShape(r, Fluentd)
	x.fill(r)
	env := x.newRecord(r, 0)
	env.filled, env.fields, env.time = true, r.fields, r.time
	if ms := x.resolve(x.moment(stamp), env); ms != 0 {
		env.time = ms
	}
	x.readRecord(x.newRecord(env, root))
}

// fluentBit reads [time, record] and [[time, metadata], record] as a record.
func (x *Extractor) fluentBit(r *record, first int32) bool {
	second := x.nodes[first].next
	if !x.is(second, object) || x.nodes[second].next != 0 {
		return false
	}
	stamp := first
	if x.is(first, array) {
		stamp = x.nodes[first].child
	}
	if !x.is(stamp, number) {
		return false
	}
	x.timedRecord(r, stamp, second)
	return true
}
