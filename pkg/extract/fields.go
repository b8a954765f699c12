package extract

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// earliest is 2010-01-01: what is before is no time of a log (a clock at its epoch, a counter).
const earliest = 1262304000000

// path is a way from a record's root to a member; "" stands for each element of an array.
type path []string

// ParsePath reports what is wrong with a path for Options.Fields. A path is keys joined by dots, such as ctx.error.type
// or items[].code. A dot inside a key is written \. and a backslash \\ ; [] behind a key, or first, stands for the
// elements of an array.
func ParsePath(s string) error {
	_, err := parsePath(s)
	return err
}

func parsePath(s string) (path, error) {
	var p path
	var key strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			if i++; i >= len(s) || s[i] != '.' && s[i] != '\\' {
				return nil, fmt.Errorf("path %q: a backslash stands before a dot or a backslash only", s)
			}
			key.WriteByte(s[i])
		case c == '.', c == '[' && i+1 < len(s) && s[i+1] == ']':
			if key.Len() == 0 && (len(p) == 0 && c == '.' || len(p) > 0 && p[len(p)-1] != "") {
				return nil, fmt.Errorf("path %q: empty key at byte %d", s, i)
			}
			if key.Len() > 0 {
				p = append(p, key.String())
				key.Reset()
			}
			if c == '[' {
				p = append(p, "")
				i++
			}
		default:
			key.WriteByte(c)
		}
	}
	if key.Len() == 0 {
		return nil, fmt.Errorf("path %q: want keys joined by dots, such as ctx.error.type", s)
	}
	return append(p, key.String()), nil
}

// setFields takes Options.Fields.
func (x *Extractor) setFields(paths map[string]string) {
	for name, s := range paths {
		p, err := parsePath(s)
		if err != nil {
			continue
		}
		switch name {
		case "code":
			x.code, x.hotKey = p, []byte(p[len(p)-1])
		case "user":
			x.paths[fieldUser] = p
		case "device":
			x.paths[fieldDevice] = p
		case "version":
			x.paths[fieldVersion] = p
		case "platform":
			x.paths[fieldPlatform] = p
		case "time":
			x.paths[fieldTime] = p
		}
	}
}

// codeMember returns the member of object n that Options.Fields["code"] names, if the object stands where it says.
func (x *Extractor) codeMember(n int32) int32 {
	if len(x.code) == 0 || len(x.steps) != len(x.code)-1 {
		return 0
	}
	for i, s := range x.steps {
		key := x.buf[s.key:s.end]
		if bytes.IndexByte(key, '\\') >= 0 {
			x.keyScratch = decode(x.keyScratch[:0], key)
			key = x.keyScratch
		}
		if s == (step{}) != (x.code[i] == "") || string(key) != x.code[i] {
			return 0
		}
	}
	return x.member(n, x.code[len(x.code)-1])
}

// member returns the first member of n with that key, or 0.
func (x *Extractor) member(n int32, key string) int32 {
	if !x.is(n, object) {
		return 0
	}
	for m := x.nodes[n].child; m != 0; m = x.nodes[m].next {
		x.cost++
		if string(x.plainKey(m)) == key {
			return m
		}
	}
	return 0
}

// lookup follows p from n; of an array it takes the first element.
func (x *Extractor) lookup(n int32, p path) int32 {
	for _, key := range p {
		if key != "" {
			n = x.member(n, key)
		} else if x.is(n, array) {
			n = x.nodes[n].child
		} else {
			return 0
		}
	}
	return n
}

// fill completes what a record says of user, device, version, platform and time, with that of its envelopes where it
// says nothing itself.
func (x *Extractor) fill(r *record) {
	if r.filled {
		return
	}
	r.filled = true
	if r.outer != nil {
		x.fill(r.outer)
		r.fields, r.time = r.outer.fields, r.outer.time
	} else {
		r.time = x.carried
	}
	found := x.fieldMembers(r)
	for f := fieldUser; f <= fieldPlatform; f++ {
		if found[f] != 0 {
			r.fields[f] = x.keep(found[f], maxField)
		}
	}
	if ms := x.timeOf(r); ms != 0 {
		r.time = ms
		x.last = ms
	}
}

// fieldMembers returns the members of r that hold its fields.
func (x *Extractor) fieldMembers(r *record) (found [numFields]int32) {
	inRoot := r.root != 0 && x.nodes[r.root].kind == object
	var weight [numFields]uint8
	for f := fieldUser; f <= fieldPlatform; f++ {
		switch {
		case x.paths[f] != nil:
			found[f], weight[f] = x.scalar(x.lookup(r.root, x.paths[f])), direct
		case inRoot:
			m := x.scalar(r.view.best[f])
			if f == fieldVersion && m == r.view.at[kVersion] && r.view.at[kShortMessage] != 0 {
				m = 0 // GELF's own
			}
			if found[f] = m; m != 0 {
				weight[f] = direct
			}
		}
	}
	if inRoot && (r.view.groups > 0 || r.view.at[kContexts] != 0) {
		x.searchGroups(r.root, &found, &weight)
	}
	return found
}

// How sure a place is to hold a field: the record's root, the sub-object that is named for it, another one.
const (
	elsewhere uint8 = iota + 1
	named
	direct
)

// searchGroups looks for fields in the usual sub-objects of n. What weighs more is kept, then what comes first.
func (x *Extractor) searchGroups(n int32, found *[numFields]int32, weight *[numFields]uint8) {
	for m := x.nodes[n].child; m != 0; m = x.nodes[m].next {
		if x.nodes[m].kind != object {
			continue
		}
		k := keyOf(x.plainKey(m))
		if k.id == kContexts { // Sentry's app, device and os
			x.searchGroups(m, found, weight)
		}
		if k.role&group == 0 {
			continue
		}
		for e := x.nodes[m].child; e != 0; e = x.nodes[e].next {
			if x.scalar(e) == 0 {
				continue
			}
			key := x.plainKey(e)
			f, w := memberField(k.id, key), named
			if f == noField {
				f, w = keyOf(key).field, elsewhere
			}
			if f >= fieldUser && f <= fieldPlatform && w > weight[f] && (w == named || fits(k.id, f)) {
				found[f], weight[f] = e, w
			}
		}
	}
}

// memberField returns the field that a key means only inside the object that is named for it.
func memberField(group keyID, key []byte) field {
	switch group {
	case kUser:
		switch string(key) {
		case "id", "name":
			return fieldUser
		}
	case kDevice:
		switch string(key) {
		case "id":
			return fieldDevice
		case "platform", "os":
			return fieldPlatform
		}
	case kApp:
		switch string(key) {
		case "version", "ver", "app_version":
			return fieldVersion
		case "platform":
			return fieldPlatform
		}
	case kOS:
		switch string(key) {
		case "name", "platform", "type":
			return fieldPlatform
		}
	}
	return noField
}

// fits says whether a key that usually means f does so inside that object: the version of an os is not the app's.
func fits(group keyID, f field) bool {
	switch f {
	case fieldVersion:
		return group != kOS && group != kDevice && group != kUser
	case fieldUser:
		return group != kOS && group != kDevice && group != kService
	}
	return true
}

// scalar returns m if it is a number or a string that says something, else 0.
func (x *Extractor) scalar(m int32) int32 {
	if m == 0 || x.nodes[m].kind != text && x.nodes[m].kind != number || x.nodes[m].end == x.nodes[m].val || x.nodes[m].flags&cut != 0 {
		return 0
	}
	return m
}

// timeOf returns the record's own time in Unix milliseconds, or 0.
func (x *Extractor) timeOf(r *record) int64 {
	if p := x.paths[fieldTime]; p != nil && r.root != 0 {
		return x.resolve(x.moment(x.lookup(r.root, p)), r)
	}
	if r.root != 0 && x.nodes[r.root].kind == object {
		if m := r.view.best[fieldTime]; m != 0 {
			if ms := x.resolve(x.moment(m), r); ms != 0 {
				return ms
			}
			for m := x.nodes[r.root].child; m != 0; m = x.nodes[m].next { // the next best, in the order of the text
				if keyOf(x.plainKey(m)).field == fieldTime {
					if ms := x.resolve(x.moment(m), r); ms != 0 {
						return ms
					}
				}
			}
		}
	}
	if r.beforeEnd > r.before {
		return x.resolve(x.momentIn(x.buf[r.before:r.beforeEnd]), r)
	}
	return 0
}

// moment reads the time in member m; the zero moment is none.
func (x *Extractor) moment(m int32) (t moment) {
	switch {
	case x.is(m, number):
		t.ms, _ = epoch(x.raw(m))
	case x.is(m, text):
		b := bytes.TrimSpace(x.plainText(m))
		var ok bool
		if t.ms, ok = epoch(b); !ok {
			t, _ = readTime(b, x.zone, x.opt.Now)
		}
	}
	return t
}

// momentIn finds the first time in the text before a record.
func (x *Extractor) momentIn(b []byte) moment {
	if len(b) > 256 {
		b = b[:256]
	}
	for i := 0; i+8 <= len(b); i++ {
		if i > 0 {
			if p := b[i-1]; p-'0' <= 9 || letter(p) || p == '.' || p == '-' || p == '/' || p == ':' || p == '_' {
				continue
			}
		}
		if c := b[i]; c-'0' > 9 && (c < 'A' || c > 'Z') {
			continue
		}
		if t, n := readTime(b[i:], x.zone, x.opt.Now); n > 0 {
			return t
		}
	}
	return moment{}
}

// resolve gives a clock its date and refuses what can be no time.
func (x *Extractor) resolve(t moment, r *record) int64 {
	ms := t.ms
	if t.clock {
		if ms = x.dated(t.ms, r.time); ms == 0 {
			return 0
		}
	}
	if ms < earliest || !x.opt.Now.IsZero() && ms > x.opt.Now.UnixMilli()+dayMillis {
		return 0
	}
	return ms
}

// dated gives a clock the date of its envelope, else that of the time before it, else Options.Day. A jump back by more
// than 12 h since the time before means midnight; one forward by more than 23 h, that midnight was already passed.
func (x *Extractor) dated(clock, envelope int64) int64 {
	at := func(ms int64, days int) int64 {
		zone := x.zone
		if zone == nil {
			zone = time.UTC
		}
		y, m, d := time.UnixMilli(ms).In(zone).Date()
		return time.Date(y, m, d+days, 0, 0, 0, 0, zone).UnixMilli() + clock
	}
	if envelope == 0 && x.last == 0 && x.opt.Before != nil {
		x.last, x.opt.Before = x.opt.Before(), nil
	}
	switch {
	case envelope != 0:
		best := at(envelope, 0)
		for _, days := range [2]int{-1, 1} {
			if ms := at(envelope, days); abs(ms-envelope) < abs(best-envelope) {
				best = ms
			}
		}
		return best
	case x.last != 0:
		ms := at(x.last, 0)
		switch {
		case x.last-ms > dayMillis/2:
			return at(x.last, 1)
		case ms-x.last > 23*dayMillis/24:
			return at(x.last, -1)
		}
		return ms
	case !x.opt.Day.IsZero():
		return at(x.opt.Day.UnixMilli(), 0)
	}
	return 0
}

func abs(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}
