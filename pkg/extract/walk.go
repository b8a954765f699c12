package extract

import (
	"bytes"
	"hash/maphash"
)

// step is a member or, with the zero value, an element on the way from a record's root to a value.
type step struct{ key, end uint32 }

// walkState says where in a record a value stands.
type walkState struct {
	parent int  // the innermost enclosing candidate, or -1
	place  bool // it is the root's error
	root   bool // it is the record's root
	inData bool // it is the data of the enclosing candidate
	cause  bool // it lies under a cause
	fault  bool // it is under error, err, exception, reason or cause
	args   bool // it is the elements of console arguments
}

// walk looks for candidates in value n, in the order of the text. Branches without a type key are not entered.
func (x *Extractor) walk(r *record, n int32, s walkState) {
	switch x.nodes[n].kind {
	case object:
		var v view
		x.look(n, &v)
		x.walkObject(r, n, &v, s)
	case array:
		x.steps = append(x.steps, step{})
		inside := walkState{parent: s.parent, cause: s.cause, fault: s.fault}
		for m := x.nodes[n].child; m != 0; m = x.nodes[m].next {
			switch {
			case x.nodes[m].flags&hot == 0:
			case x.nodes[m].kind <= array:
				x.walk(r, m, inside)
			case s.args && x.nodes[m].kind == text:
				x.unwrapArgument(r, m, inside)
			}
		}
		x.steps = x.steps[:len(x.steps)-1]
	}
}

// walkObject reports the candidates of object n, of which v was seen, and looks into its members.
func (x *Extractor) walkObject(r *record, n int32, v *view, s walkState) {
	parent := s.parent
	if m := x.codeMember(n); m != 0 {
		if i := x.report(r, n, v, m, s, true); i >= 0 {
			x.found[i].Plain = false // the user says that codes stand there
			parent = i
		}
	} else if m := v.at[kType]; m != 0 {
		if i := x.report(r, n, v, m, s, s.place); i >= 0 {
			parent = i
		}
	}
	if m := v.at[kErrorType]; m != 0 {
		if i := x.reportDotted(r, v, m, s); i >= 0 && parent == s.parent {
			parent = i
		}
	}
	seen := keySet{}
	for m := x.nodes[n].child; m != 0; m = x.nodes[m].next {
		nd := &x.nodes[m]
		if nd.kind == text {
			if nd.end-nd.val > 8 && (s.root || s.fault && nd.flags&hot != 0 && !x.shadowed(&seen, n, m)) {
				x.unwrap(r, v, m, s, parent)
			}
			continue
		}
		if nd.flags&hot == 0 || nd.kind > array {
			continue
		}
		if x.shadowed(&seen, n, m) {
			continue
		}
		k := keyOf(x.plainKey(m))
		if v.chat && k.role&chatBody != 0 && (v.at[kChatType] != 0 || v.at[kTo] != 0) {
			continue
		}
		x.steps = append(x.steps, step{nd.key, nd.keyEnd})
		x.walk(r, m, walkState{
			parent: parent,
			place:  s.root && k.id == kError,
			inData: parent != s.parent && k.id == kData,
			cause:  s.cause || k.id == kCause,
			fault:  s.fault || k.role&unwrapAll != 0 || k.id == kCause,
			args:   k.role&arguments != 0 && !v.chat,
		})
		x.steps = x.steps[:len(x.steps)-1]
	}
}

// keySet holds the keys of a large object that were passed.
type keySet struct {
	upTo int32 // member up to which keys are in first
	set  map[string]int32
}

// shadowed says whether a member before m has m's key: of duplicate keys the first counts. It takes linear time for all
// members of an object together.
func (x *Extractor) shadowed(seen *keySet, n, m int32) bool {
	const few = 24
	if seen.set == nil {
		i := 0
		key, escaped := x.key(m), x.nodes[m].flags&keyEscaped != 0
		for e := x.nodes[n].child; e != m; e = x.nodes[e].next {
			x.cost++
			if i++; i > few {
				seen.set = make(map[string]int32)
				seen.upTo = x.nodes[n].child
				break
			}
			if !escaped && x.nodes[e].flags&keyEscaped == 0 {
				if string(x.key(e)) == string(key) {
					return true
				}
			} else if string(x.plainKey(e)) == string(decode(nil, key)) {
				return true
			}
		}
		if seen.set == nil {
			return false
		}
	}
	for e := seen.upTo; e != 0; e = x.nodes[e].next {
		x.cost++
		key := x.plainKey(e)
		if _, ok := seen.set[string(key)]; !ok {
			seen.set[string(key)] = e
		}
		if seen.upTo = x.nodes[e].next; e == m {
			break
		}
	}
	return seen.set[string(x.plainKey(m))] != m
}

// report appends the candidate whose value is member m of object n and returns its index, or -1 if it can be none.
func (x *Extractor) report(r *record, n int32, v *view, m int32, s walkState, place bool) int {
	value, ok := x.value(m, place)
	if !ok {
		return -1
	}
	c := Candidate{
		Value: value, Parent: s.parent, InData: s.inData, Place: place, AtRoot: s.root,
		SDKKeys: !v.others || s.root && !v.strange && r.level == WarnUp,
		Foreign: v.foreign,
	}
	whole := x.nodes[n].flags&cut == 0
	if msg := v.at[kMessage]; x.is(msg, text) && (whole || !s.root || x.nodes[msg].flags&cut == 0) {
		c.HasMessage, c.Message = true, x.keep(msg, maxMessage)
	}
	if m := v.at[kReason]; x.is(m, text) && x.nodes[m].flags&cut == 0 {
		c.HasReason, c.Reason = true, x.keep(m, maxMessage)
	} else if m := x.dataReason(v.at[kData]); m != 0 {
		c.HasReason, c.Reason = true, x.keep(m, maxMessage)
	}
	c.HasData = v.at[kData] != 0
	c.HasXHR = x.is(v.at[kXHR], object) || x.is(v.at[kXHR], text) && string(x.raw(v.at[kXHR])) == "[object XMLHttpRequest]"
	if s.root && r.plain && v.at[kMessage] == 0 && r.level == WarnUp && r.outer != nil && r.outer.root == 0 && r.outer.beforeEnd > r.outer.before {
		// winston and others write the message as the text before: only a known one counts
		c.Message = x.intern(bytes.TrimSpace(x.buf[r.outer.before:r.outer.beforeEnd]), maxMessage)
	}
	shape := Flat
	switch {
	case s.cause:
		shape = Cause
	case len(x.steps) > 0 && x.steps[len(x.steps)-1] == step{}:
		shape = Args
	}
	return x.emit(r, c, m, shape)
}

// dataReason returns the text in an error's data: its reason, else what a REST answer says, error_description or error.
func (x *Extractor) dataReason(data int32) int32 {
	if !x.is(data, object) {
		return 0
	}
	var found [3]int32
	for m := x.nodes[data].child; m != 0; m = x.nodes[m].next {
		i := 0
		switch string(x.plainKey(m)) {
		case "reason":
		case "error_description":
			i = 1
		case "error":
			i = 2
		default:
			continue
		}
		if found[i] == 0 {
			found[i] = m
		}
	}
	for _, m := range found {
		if x.is(m, text) && x.nodes[m].flags&cut == 0 {
			return m
		}
	}
	return 0
}

// reportDotted appends the candidate of the literal key error.type, whose companions are error.message and so on.
func (x *Extractor) reportDotted(r *record, v *view, m int32, s walkState) int {
	value, ok := x.value(m, true)
	if !ok {
		return -1
	}
	c := Candidate{Value: value, Parent: s.parent, Place: true, SDKKeys: !v.dotted, Foreign: v.foreign}
	if m := v.at[kErrorMessage]; x.is(m, text) {
		c.HasMessage, c.Message = true, x.keep(m, maxMessage)
	}
	for _, k := range [2]keyID{kErrorReason, kErrorDataReason} {
		if m := v.at[k]; x.is(m, text) && !c.HasReason {
			c.HasReason, c.Reason = true, x.keep(m, maxMessage)
		}
	}
	return x.emit(r, c, m, Dotted)
}

// emit completes c with what its record says and appends it.
func (x *Extractor) emit(r *record, c Candidate, m int32, shape Shape) int {
	x.fill(r)
	c.Path = x.pathTo(m)
	c.Shape = r.shape
	if c.Shape == Flat {
		c.Shape = shape
	}
	if x.cut {
		c.Shape = CutOff
	}
	c.Record = r.num
	c.Plain = r.plain
	c.Foreign = c.Foreign || r.view.foreign || r.foreign
	c.Level = r.level
	c.User, c.Device, c.Version, c.Platform = r.fields[fieldUser], r.fields[fieldDevice], r.fields[fieldVersion], r.fields[fieldPlatform]
	c.Time = r.time
	x.found = append(x.found, c)
	return len(x.found) - 1
}

// value reads member m as a type. What can be no code, and outside a place all but numbers and names, is not ok.
func (x *Extractor) value(m int32, place bool) (v Value, ok bool) {
	nd := &x.nodes[m]
	if nd.flags&cut != 0 && nd.kind == text {
		return v, false
	}
	b := x.raw(m)
	switch nd.kind {
	case null:
		return v, false
	case number:
		v.Kind = Number
		if v.Code, ok = judgeNumber(b); !ok {
			v.Kind = Other
		}
	case text:
		b = x.plainText(m)
		if v.Kind, v.Code, ok = judgeString(b); !ok {
			return v, false
		}
	default:
		v.Kind = Other
	}
	if v.Kind == Other && !place {
		return v, false
	}
	v.Text = x.intern(b, maxValue)
	return v, true
}

// pathTo returns the dotted path of member m.
func (x *Extractor) pathTo(m int32) string {
	b := x.pathScratch[:0]
	dotted := func(key []byte) {
		if bytes.IndexByte(key, '\\') >= 0 {
			x.keyScratch = decode(x.keyScratch[:0], key)
			key = x.keyScratch
		}
		if len(b) > 0 {
			b = append(b, '.')
		}
		for _, c := range key {
			if (c == '.' || c == '\\') && len(x.steps) > 0 {
				b = append(b, '\\')
			}
			b = append(b, c)
		}
	}
	for _, s := range x.steps {
		if s == (step{}) {
			b = append(b, "[]"...)
			continue
		}
		dotted(x.buf[s.key:s.end])
		if len(b) > maxPath {
			break
		}
	}
	dotted(x.key(m))
	x.pathScratch = b
	return x.intern(b, maxPath)
}

const (
	maxMessage = 4096 // bytes of a message that are kept: known texts are far shorter
	maxField   = 256
	maxPath    = 256
)

// keep returns the text of string m.
func (x *Extractor) keep(m int32, limit int) string { return x.intern(x.plainText(m), limit) }

// intern returns b as a string, clean and at most limit bytes long. Short strings that occur again soon are not allocated again.
func (x *Extractor) intern(b []byte, limit int) string {
	const longest = 64
	if len(b) > longest {
		x.cleanScratch = clean(x.cleanScratch, b, limit)
		return string(x.cleanScratch)
	}
	known := &x.strings[maphash.Bytes(x.seed, b)%uint64(len(x.strings))]
	if *known == string(b) {
		return *known
	}
	x.cleanScratch = clean(x.cleanScratch, b, limit)
	s := string(x.cleanScratch)
	if s == string(b) {
		*known = s
	}
	return s
}
