package aggregate

import (
	"cmp"
	"encoding/binary"
	"math"
)

// EncodingVersion is that of what MarshalBinary writes, and its first byte. Records of a delta log hold tallies, so their version
// grows with it.
const EncodingVersion = 2

// MarshalBinary returns the one encoding of a Tally, for state files, saved results and Kafka deltas. Equal tallies give
// equal bytes. It holds ids of users as hashes; those of the top users also masked, or plain if Options.Plain says so. What
// the codes mean is not in it. It never fails.
//
// Numbers are varints, those that ascend as differences; hashes are eight bytes, devices four. Lists begin with their
// length and are sorted.
func (t *Tally) MarshalBinary() ([]byte, error) { return t.encode("plain"), nil }

// encode is MarshalBinary with no more of the user ids than pii shows.
func (t *Tally) encode(pii string) []byte {
	t.flush()
	w := &writer{buf: append(make([]byte, 0, t.encodedSize()), EncodingVersion)}
	for _, n := range t.lines {
		w.count(n)
	}
	w.count(t.bytes)
	w.count(t.success)
	w.count(t.filtered)
	w.count(t.undated)
	w.count(t.late)
	w.uint(uint64(t.bounds.level))
	w.uint(uint64(t.bounds.floor))
	w.uint(uint64(t.traitFloor))

	w.uint(uint64(len(t.codes)))
	last := int64(math.MinInt32)
	for _, number := range t.Codes() {
		w.uint(uint64(int64(number) - last))
		last = int64(number)
		t.codes[number].encode(w, &t.bounds)
	}
	w.count(t.unknown.count)
	w.span(t.unknown.span)
	writeHeavy(w, &t.unknown.values, w.text, func(s *span) { w.span(*s) })
	w.users(&t.users)
	writeHeavy(w, &t.top, w.hash, func(u *userInfo) { u.encode(w, pii) })
	writeHeavy(w, &t.shapes, w.text, nil)
	writeHeavy(w, &t.hints, w.text, nil)
	w.series(&t.seen)
	return w.buf
}

// encodedSize returns about how many bytes t takes encoded, so that they are written into one piece of memory.
func (t *Tally) encodedSize() int {
	const item, user = 24, 64 // with their texts
	n := 512 + item*(len(t.unknown.values.items)+len(t.hints.items)) + t.users.encodedSize() + user*len(t.top.items) + t.seen.encodedSize()
	for _, c := range t.codes {
		items := len(c.reasons.items) + len(c.versions.items) + len(c.platforms.items) + len(c.inner.items)
		n += 64 + c.users.encodedSize() + item*items + c.series.encodedSize() + 11*len(c.traits.all)
	}
	return n
}

func (s *series) encodedSize() int {
	return 6*len(s.cells) + 8*len(s.users) + 6*len(s.kicks) + 4*len(s.devices)
}

func (s *userSet) encodedSize() int {
	if s.sketch != nil {
		return s.size()
	}
	return 8 * s.n
}

func (c *code) encode(w *writer, b *bounds) {
	w.count(c.count)
	w.span(c.span)
	w.users(&c.users)
	writeHeavy(w, &c.reasons, w.text, nil)
	writeHeavy(w, &c.versions, w.text, nil)
	writeHeavy(w, &c.platforms, w.text, nil)
	writeHeavy(w, &c.inner, w.int32, nil)
	w.series(&c.series)
	w.traits(&c.traits)
}

// Kinds of a name in the encoding.
const (
	nameNone = iota
	nameMasked
	namePlain
)

func (u *userInfo) encode(w *writer, pii string) {
	name, kind := u.name, nameMasked
	switch {
	case pii == "hash" || pii == "drop" || name == "":
		name, kind = "", nameNone
	case u.plain && pii == "plain":
		kind = namePlain
	case u.plain:
		name = mask(name)
	}
	w.uint(uint64(kind))
	if kind != nameNone {
		w.text(name)
	}
	w.uint(uint64(len(u.codes)))
	last := int64(math.MinInt32)
	for _, c := range u.codes {
		w.uint(uint64(c.code - last))
		last = c.code
		w.count(c.n)
	}
	w.uint(uint64(u.known))
	for _, d := range u.devices() {
		w.device(d)
	}
	u.kicks.encode(w)
}

func (k *kickTimes) encode(w *writer) {
	w.uint(uint64(k.level))
	w.uint(uint64(len(k.slots)))
	for _, s := range k.slots {
		w.span(s.span)
		w.count(s.n)
	}
}

// writer appends values to buf.
type writer struct{ buf []byte }

func (w *writer) uint(n uint64)   { w.buf = binary.AppendUvarint(w.buf, n) }
func (w *writer) count(n int64)   { w.uint(uint64(min(n, maxCount))) }
func (w *writer) int32(n int32)   { w.buf = binary.AppendVarint(w.buf, int64(n)) }
func (w *writer) hash(h uint64)   { w.buf = binary.LittleEndian.AppendUint64(w.buf, h) }
func (w *writer) device(d uint32) { w.buf = binary.LittleEndian.AppendUint32(w.buf, d) }

func (w *writer) text(s string) {
	w.uint(uint64(len(s)))
	w.buf = append(w.buf, s...)
}

func (w *writer) span(s span) {
	w.uint(uint64(s.first))
	if s.first != 0 {
		w.uint(uint64(s.last - s.first))
	}
}

// Kinds of a user set in the encoding.
const (
	usersExact = iota
	usersSketch
)

func (w *writer) users(s *userSet) {
	if s.sketch != nil {
		w.uint(usersSketch)
		w.buf, _ = s.sketch.AppendBinary(w.buf) // fails for a sketch without a precision only
		return
	}
	w.uint(usersExact)
	w.uint(uint64(s.n))
	for _, h := range s.hashes() {
		w.hash(h)
	}
}

// writeHeavy writes the items in the order of their keys. rest writes what is known beside the counts; it may be nil.
func writeHeavy[K cmp.Ordered, V any](w *writer, h *heavy[K, V], key func(K), rest func(*V)) {
	w.count(h.total)
	w.count(h.missed)
	w.uint(uint64(len(h.items)))
	for _, e := range h.sorted(nil) {
		key(e.key)
		w.count(e.n)
		w.count(e.miss)
		if rest != nil {
			rest(&e.v)
		}
	}
}

func (w *writer) series(s *series) {
	w.uint(uint64(len(s.cells)))
	last := int32(0)
	for _, c := range s.cells {
		w.uint(uint64(c.bucket - last))
		last = c.bucket
		w.uint(uint64(c.events))
		w.uint(uint64(c.users))
		w.uint(uint64(c.anon))
	}
	for _, h := range s.users {
		w.hash(h)
	}
	for _, k := range s.kicks {
		w.uint(uint64(k.n))
		w.uint(uint64(k.last))
		w.uint(uint64(k.devices))
	}
	for _, d := range s.devices {
		w.device(d)
	}
}
