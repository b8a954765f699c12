package extract

import "bytes"

// view is what one pass over the members of an object saw. Of equal keys the first counts.
type view struct {
	at      [numKeys]int32   // the member with that key
	best    [numFields]int32 // the member for that field
	rank    [numFields]uint8
	groups  int  // members that may hold fields of their own
	others  bool // keys that are not the SDK's
	strange bool // keys that are neither the SDK's nor a logger's
	foreign bool // http, rpc, db …
	dotted  bool // keys error.x with an x that is not the SDK's
	chat    bool // people's words stand here: from or chatType is among the keys
}

// record is what remains of a document once its envelopes are off, or such an envelope.
type record struct {
	outer   *record // the envelope around it, or the record in whose string it stood
	root    int32   // its object, or 0 for text
	num     int     // Candidate.Record
	shape   Shape
	level   Level
	plain   bool
	foreign bool      // http, rpc … stand in a record around it
	whole   bool      // its root was put together from several objects
	state   walkState // how its root stands in the record around it
	depth   int       // strings unwrapped on the way
	view    view

	before, beforeEnd int // the text before it, with a time perhaps

	filled bool
	fields [numFields]string
	time   int64
}

// newRecord returns a record inside outer, which may be nil.
func (x *Extractor) newRecord(outer *record, root int32) *record {
	if x.used == len(x.records) {
		x.records = append(x.records, new(record))
	}
	r := x.records[x.used]
	x.used++
	*r = record{outer: outer, root: root, state: walkState{parent: -1, root: true}}
	if outer != nil {
		r.num, r.shape, r.level, r.plain, r.depth = outer.num, outer.shape, outer.level, outer.plain, outer.depth
		r.state.parent, r.foreign = outer.state.parent, outer.foreign || outer.view.foreign
	}
	return r
}

// mark is a point to which the extractor can go back when a record is done with: memory then is that of one record, however
// many a document holds.
type mark struct{ used, nodes, bytes int }

func (x *Extractor) mark() mark { return mark{x.used, len(x.nodes), len(x.buf)} }

func (x *Extractor) rewind(m mark) {
	x.used, x.nodes, x.buf = m.used, x.nodes[:m.nodes], x.buf[:m.bytes]
}

// nextRecord gives r a number of its own, unless it is the first to have its envelope's.
func (x *Extractor) nextRecord(r *record, first bool) {
	if !first {
		x.lastRecord++
		r.num = x.lastRecord
	}
}

// look passes over the members of object n.
func (x *Extractor) look(n int32, v *view) {
	*v = view{}
	for m := x.nodes[n].child; m != 0; m = x.nodes[m].next {
		x.cost++
		key := x.plainKey(m)
		k := keyOf(key)
		rank := k.rank
		if k == &unknownKey {
			if k = x.rareKey(key, v); k == &unknownKey {
				v.others, v.strange = true, true
				continue
			}
			rank = 0 // GELF's _version goes before its version
		}
		if k.id != kNone && (k.field == noField || rank != 0) {
			if v.at[k.id] != 0 {
				continue
			}
			v.at[k.id] = m
		}
		if k.role&sdkKey == 0 {
			v.others = true
			if k.role&loggerKey == 0 {
				v.strange = true
			}
		}
		if k.role&foreignKey != 0 {
			v.foreign = true
		}
		if k.role&group != 0 && x.nodes[m].kind == object {
			v.groups++
		}
		if f := k.field; f != noField && (v.best[f] == 0 || rank < v.rank[f]) {
			v.best[f], v.rank[f] = m, rank
		}
	}
	v.chat = v.at[kFrom] != 0 || v.at[kChatType] != 0
}

// rareKey looks at keys that no table can hold: http.x, error.x, and GELF's own with an underscore before.
func (x *Extractor) rareKey(key []byte, v *view) *keyInfo {
	dot := bytes.IndexByte(key, '.')
	if dot > 0 {
		switch string(key[:dot]) {
		case "process", "host", "service", "event", "log", "agent", "container", "cloud", "kubernetes", "ecs", "labels", "thread", "code":
			return &namespaced
		case "http", "rpc", "db":
			v.foreign = true
		case "error", "_error":
			if keyOf(key[dot+1:]).role&sdkKey == 0 && !bytes.HasPrefix(key[dot+1:], []byte("data.")) {
				v.dotted = true
			}
		}
	}
	if len(key) > 1 && key[0] == '_' && key[1] != '_' {
		if k := keyOf(key[1:]); k.field != noField || k.id == kErrorType || k.id == kErrorMessage || k.id == kErrorReason {
			return k
		}
		switch string(key) { // as GELF senders flatten error.type
		case "_error_type":
			return keyOf([]byte("error.type"))
		case "_error_message":
			return keyOf([]byte("error.message"))
		case "_error_reason":
			return keyOf([]byte("error.reason"))
		case "_error_data_reason":
			return keyOf([]byte("error.data.reason"))
		}
	}
	return &unknownKey
}

// namespaced is a key of the Elastic common schema or of OpenTelemetry that says where a record comes from.
var namespaced = keyInfo{role: loggerKey}

// plainKey returns the key of n without escapes. It is valid until the next call.
func (x *Extractor) plainKey(n int32) []byte {
	if x.nodes[n].flags&keyEscaped == 0 {
		return x.key(n)
	}
	x.keyScratch = decode(x.keyScratch[:0], x.key(n))
	return x.keyScratch
}

// plainText returns the text of string n without escapes. It is valid until the next call.
func (x *Extractor) plainText(n int32) []byte {
	if x.nodes[n].flags&textEscaped == 0 {
		return x.raw(n)
	}
	x.textScratch = decode(x.textScratch[:0], x.raw(n))
	return x.textScratch
}

// levelOf returns the level that the record's own members claim.
func (x *Extractor) levelOf(v *view) Level {
	m := v.best[fieldLevel]
	if m == 0 {
		if l := v.at[kLog]; x.is(l, object) { // ECS, nested: "log":{"level":"error"}
			for c := x.nodes[l].child; c != 0; c = x.nodes[c].next {
				if string(x.key(c)) == "level" {
					m = c
				}
			}
		}
	}
	if m == 0 {
		return NoLevel
	}
	b := x.raw(m)
	code, digits := decimal(b)
	switch {
	case digits && v.at[kPriority] == m:
		return priorityLevel(code)
	case digits && v.at[kSeverityNumber] == m: // OTLP: 13 is WARN
		if code >= 13 {
			return WarnUp
		}
		if code > 0 {
			return BelowWarn
		}
		return NoLevel
	case digits && v.at[kLibraryVersion] != 0:
		return levelBits(code)
	case digits:
		return levelNumber(code)
	case x.nodes[m].kind == text:
		return levelWord(bytes.TrimPrefix(b, []byte("SEVERITY_NUMBER_")))
	}
	return NoLevel
}

// readRecord takes the record's root, an object or array, apart.
func (x *Extractor) readRecord(r *record) {
	if x.nodes[r.root].kind == array {
		x.readArray(r)
		return
	}
	x.look(r.root, &r.view)
	if level := x.levelOf(&r.view); level != NoLevel {
		r.level = level
	}
	if x.readEnvelope(r) {
		return
	}
	x.steps = x.steps[:0]
	x.walkObject(r, r.root, &r.view, r.state)
}

// readArray takes the elements of a root array as records, unless it is a console's arguments or fluent-bit's
// [time, record].
func (x *Extractor) readArray(r *record) {
	first := x.nodes[r.root].child
	if first == 0 {
		return
	}
	if x.nodes[first].kind == text {
		if x.forward(r, first) {
			return
		}
		if r.shape == Flat {
			r.shape = Args
		}
		x.walkAlone(r, true)
		return
	}
	if x.fluentBit(r, first) {
		return
	}
	if r.shape == Flat {
		r.shape = Array
	}
	for m, n := first, 0; m != 0; m = x.nodes[m].next {
		if k := x.nodes[m].kind; k != object && (k != array || x.nodes[m].flags&hot == 0) {
			continue
		}
		back := x.mark()
		e := x.newRecord(r, m)
		x.nextRecord(e, n == 0)
		n++
		if x.nodes[m].kind == object {
			x.readRecord(e)
		} else {
			x.walkAlone(e, false)
		}
		x.rewind(back)
	}
}

// walkAlone looks for candidates in a root that is no object.
func (x *Extractor) walkAlone(r *record, args bool) {
	x.steps = x.steps[:0]
	x.walk(r, r.root, walkState{parent: r.state.parent, args: args})
}
