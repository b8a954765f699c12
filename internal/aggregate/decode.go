package aggregate

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/axiomhq/hyperloglog"
)

// EncodingError says where the encoding of a Tally is not one.
type EncodingError struct {
	Offset int    // byte at which reading stopped
	What   string // "number 70000: want at most 16384"
}

func (e *EncodingError) Error() string {
	return fmt.Sprintf("read tally: byte %d: %s", e.Offset, e.What)
}

// UnmarshalBinary makes t what MarshalBinary wrote. It accepts nothing that MarshalBinary would not write again, byte for
// byte, takes memory in proportion to data only, and keeps no part of data. The error is an *EncodingError; t is unchanged
// then.
// t's Options stay as they are; names of users are kept as they were saved.
func (t *Tally) UnmarshalBinary(data []byte) error {
	fresh := newTally(t.opt, t.lim)
	fresh.bounds.cellUsers = t.bounds.cellUsers
	if err := fresh.Load(data); err != nil {
		return err
	}
	*t = *fresh
	return nil
}

// Load is UnmarshalBinary in the room that t has taken already, for who reads one encoding after the other. After an error t is
// empty.
func (t *Tally) Load(data []byte) error {
	t.Reset()
	r := &reader{data: data}
	t.decode(r)
	if r.err == nil && r.at < len(data) {
		r.fail("%d bytes too many", len(data)-r.at)
	}
	if r.err != nil {
		t.Reset()
	}
	return r.err
}

// maxCodes is how many codes an encoding may have: more than any catalog. minCodeBytes is what one takes at least.
const (
	maxCodes     = 16384
	minCodeBytes = 19
)

func (t *Tally) decode(r *reader) {
	if v := r.byte(); v != EncodingVersion {
		r.fail("version %d: want %d", v, EncodingVersion)
	}
	for i := range t.lines {
		t.lines[i] = r.count()
	}
	t.bytes = r.count()
	t.success = r.count()
	t.filtered = r.count()
	t.undated = r.count()
	t.late = r.count()
	t.bounds.level = uint8(r.uint(maxLevel))
	t.bounds.floor = int32(r.uint(math.MaxInt32))
	t.traitFloor = int32(r.uint(math.MaxInt32))
	r.require(t.bounds.floor == math.MaxInt32 || t.bounds.floor == align(t.bounds.floor, t.bounds.level), "floor inside a cell")
	r.require(t.traitFloor == math.MaxInt32 || t.traitFloor == align(t.traitFloor, t.bounds.level), "floor inside a cell")

	last := int64(math.MinInt32)
	for i := range r.list(maxCodes, minCodeBytes) {
		number := last + int64(r.uint(math.MaxUint32))
		if number > math.MaxInt32 || i > 0 && number == last {
			r.fail("code out of order or range")
			return
		}
		last = number
		k := t.code(int32(number))
		k.decode(r, &t.bounds)
		r.traits(&k.traits, t.traitFloor, t.bounds.level)
	}
	t.unknown.decode(r)
	r.users(&t.users)
	readHeavy(r, &t.top, r.hash, func(u *userInfo) { u.decode(r) })
	readHeavy(r, &t.shapes, r.key, nil)
	readHeavy(r, &t.hints, r.key, nil)
	r.series(&t.seen, &t.bounds)
}

func (c *code) decode(r *reader, b *bounds) {
	c.count = r.positive()
	c.span = r.span()
	r.users(&c.users)
	readHeavy(r, &c.reasons, r.key, nil)
	readHeavy(r, &c.versions, r.key, nil)
	readHeavy(r, &c.platforms, r.key, nil)
	readHeavy(r, &c.inner, r.int32, nil)
	r.series(&c.series, b)
}

func (u *unknown) decode(r *reader) {
	u.count = r.count()
	u.span = r.span()
	readHeavy(r, &u.values, r.text, func(s *span) { *s = r.span() })
}

func (u *userInfo) decode(r *reader) {
	kind := r.uint(namePlain)
	u.plain = kind == namePlain
	if kind != nameNone {
		u.name = r.key()
	}
	last := int64(math.MinInt32)
	u.codes = u.codeRoom[:0]
	for i := range r.list(maxCodes, 2) {
		code := last + int64(r.uint(unknownCode-math.MinInt32))
		r.require(code > last || i == 0, "code of a user out of order")
		r.require(code <= math.MaxInt32 || code == unknownCode, "code of a user out of range")
		last = code
		u.codes = append(u.codes, codeCount{code, r.positive()})
	}
	u.known = r.list(maxDevices, 4)
	for i := range u.devices() {
		u.room[i] = r.device()
	}
	r.require(ascend(u.devices()), "devices of a user out of order")
	u.kicks.decode(r)
}

func (k *kickTimes) decode(r *reader) {
	k.level = uint8(r.uint(maxKickLevel))
	last := int64(-1)
	k.slots = k.room[:0]
	for range r.list(maxKickSlots, 3) {
		s := stretch{span: r.span(), n: r.positive()}
		slot := k.slotOf(s.span.first)
		r.require(s.span.first > 0, "kicks without a time")
		r.require(slot > last && slot == k.slotOf(s.span.last), "kicks out of order, or of two slots")
		last = slot
		k.slots = append(k.slots, s)
	}
	r.require(k.level == 0 || len(k.slots) > maxKickSlots/2, "slots of kicks wider than needed")
}

// ascend says whether each value is greater than the one before, the first than zero.
func ascend[T cmp.Ordered](list []T) bool {
	var last T
	for _, v := range list {
		if v <= last {
			return false
		}
		last = v
	}
	return true
}

// reader takes values off data. After the first error it returns zero values and reads no more.
type reader struct {
	data []byte
	at   int
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = &EncodingError{Offset: r.at, What: fmt.Sprintf(format, args...)}
	}
}

func (r *reader) require(ok bool, what string) {
	if !ok {
		r.fail("%s", what)
	}
}

// take returns the next n bytes, nil if there are fewer.
func (r *reader) take(n int) []byte {
	if r.err != nil || n > len(r.data)-r.at {
		r.fail("cut off")
		return nil
	}
	r.at += n
	return r.data[r.at-n : r.at]
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// uint reads a number from 0 to max, in its shortest form.
func (r *reader) uint(max uint64) uint64 {
	if r.err != nil {
		return 0
	}
	n, size := binary.Uvarint(r.data[r.at:])
	switch {
	case size <= 0:
		r.fail("number cut off or too long")
		return 0
	case size > 1 && r.data[r.at+size-1] == 0:
		r.fail("number not in its shortest form")
		return 0
	case n > max:
		r.fail("number %d: want at most %d", n, max)
		return 0
	}
	r.at += size
	return n
}

func (r *reader) count() int64 { return int64(r.uint(maxCount)) }

// positive reads a count that is not zero.
func (r *reader) positive() int64 {
	n := r.count()
	r.require(n > 0, "count of zero")
	return n
}

func (r *reader) int32() int32 {
	u := r.uint(math.MaxUint32)
	return int32(u>>1) ^ -int32(u&1)
}

func (r *reader) hash() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) device() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// list reads the length of a list and returns it, 0 if it is greater than max or than what can follow, size bytes each.
func (r *reader) list(max, size int) int {
	n := r.uint(uint64(max))
	if n > uint64((len(r.data)-r.at)/size) {
		r.fail("list of %d: cut off", n)
		return 0
	}
	return int(n)
}

func (r *reader) text() string {
	b := r.take(int(r.uint(maxKeyBytes)))
	r.require(utf8.Valid(b), "text is not UTF-8")
	return string(b)
}

// key reads a text that is not empty.
func (r *reader) key() string {
	s := r.text()
	r.require(s != "", "empty text")
	return s
}

func (r *reader) span() span {
	const maxMillis = math.MaxInt32 * bucketMillis
	var s span
	if s.first = int64(r.uint(maxMillis)); s.first != 0 {
		s.last = s.first + int64(r.uint(uint64(maxMillis-s.first)))
	}
	return s
}

// sketchHeader is how a dense sketch of 2^14 registers begins.
var sketchHeader = [8]byte{2, 14, 0, 0, 0, 0, 0x40, 0}

func (r *reader) users(s *userSet) {
	if r.uint(usersSketch) == usersSketch {
		b := r.take(len(sketchHeader) + 1<<14)
		if b == nil {
			return
		}
		s.sketch = hyperloglog.NewNoSparse()
		if err := s.sketch.UnmarshalBinary(b); err != nil || [8]byte(b) != sketchHeader {
			r.fail("sketch is not one of 2^14 registers")
		}
		return
	}
	var last uint64
	for range r.list(maxExactUsers, 8) {
		h := r.hash()
		r.require(h > last, "users out of order")
		s.add(h)
		last = h
	}
}

func readHeavy[K cmp.Ordered, V any](r *reader, h *heavy[K, V], key func() K, rest func(*V)) {
	h.total = r.count()
	h.missed = r.count()
	var last K
	var n int64
	for i := range r.list(slack*h.limit, 3) {
		k := key()
		it := h.fresh(k)
		it.n, it.miss = r.positive(), r.count()
		if rest != nil {
			rest(&it.v)
		}
		n = sum(n, it.n)
		if r.require(i == 0 || k > last, "keys out of order"); r.err != nil {
			return
		}
		if r.require(sum(it.n, it.miss) >= h.missed && it.miss <= h.missed, "item against its bounds"); r.err != nil {
			return
		}
		last = k
	}
	r.require(n <= h.total, "items are more than their total")
}

// maxCells is how many cells one code may have in an encoding.
const maxCells = 4_000_000

func (r *reader) series(s *series, b *bounds) {
	n := r.list(maxCells, 4)
	s.cells = slices.Grow(s.cells, n)
	last, users := int64(0), 0
	for i := range n {
		last += int64(r.uint(math.MaxInt32))
		c := cell{
			bucket: int32(min(last, math.MaxInt32)),
			events: uint32(r.uint(math.MaxUint32)),
			users:  uint32(r.uint(math.MaxUint32)),
			anon:   uint32(r.uint(math.MaxUint32)),
		}
		r.require(last < math.MaxInt32 && (i == 0 || c.bucket > s.cells[i-1].bucket), "cells out of order or range")
		r.require(c.bucket == align(c.bucket, b.level), "cell that is not aligned")
		r.require(c.events > 0 && c.users <= c.events && c.anon <= c.events, "cell with more users than events")
		if r.err != nil {
			return
		}
		s.cells = append(s.cells, c)
		users += b.known(c)
	}
	if users > (len(r.data)-r.at)/8 {
		r.fail("%d users: cut off", users)
		return
	}
	s.users = slices.Grow(s.users, users)
	for _, c := range s.cells {
		from := len(s.users)
		for range b.known(c) {
			s.users = append(s.users, r.hash())
		}
		r.require(ascend(s.users[from:]), "users of a cell out of order")
	}
	if s.kick {
		r.kicks(s, users)
	}
}

func (r *reader) kicks(s *series, users int) {
	devices := 0
	if users > (len(r.data)-r.at)/3 {
		r.fail("%d kicks: cut off", users)
		return
	}
	s.kicks = slices.Grow(s.kicks, users)
	for range users {
		k := kick{n: uint32(r.uint(math.MaxUint32)), last: uint32(r.uint(math.MaxUint32)), devices: uint8(r.uint(maxDevices))}
		r.require(k.n > 0, "user without a kick")
		s.kicks = append(s.kicks, k)
		devices += int(k.devices)
	}
	if devices > (len(r.data)-r.at)/4 {
		r.fail("%d devices: cut off", devices)
		return
	}
	s.devices = slices.Grow(s.devices, devices)
	for _, k := range s.kicks {
		from := len(s.devices)
		for range k.devices {
			s.devices = append(s.devices, r.device())
		}
		r.require(ascend(s.devices[from:]), "devices of a cell out of order")
	}
}
