package aggregate

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/cespare/xxhash/v2"
)

// Field is what the events of a cell are told apart by, so that an alert can say what changed.
type Field uint8

// The fields of a Value.
const (
	Version Field = iota
	Platform
	Reason
	fields // how many there are
)

// String returns version, platform or reason.
func (f Field) String() string { return [...]string{"version", "platform", "reason"}[min(f, fields-1)] }

// Value is how many events of a cell had a value of a field. Text is empty for all values together that are not among the
// heaviest of the code.
type Value struct {
	Field Field
	Text  string
	N     int64
}

// traits tells the events of a code's cells apart by version, platform and reason: exactly, for each cell at or after
// Tally.traitFloor. It knows the values by hash; their texts are those of the heaviest.
type traits struct {
	all     []trait // by bucket, then key
	pending []trait
}

// trait is how many events of one cell had the same version, platform and reason.
type trait struct {
	bucket int32
	n      uint32
	key    uint64 // hashes of the three, 0 for none, beginning at the bits of fieldShift
}

// Two platforms or reasons of a code are taken for one with a chance of 1 in 260,000, two versions of 1 in 270 million.
var (
	fieldShift = [fields]int{Version: 36, Platform: 18, Reason: 0}
	fieldBits  = [fields]int{Version: 28, Platform: 18, Reason: 18}
)

// traitReach is how far back an event is sorted in at once: logs are nearly in order.
const traitReach = 16

// hashOf returns the part of a key that stands for a text.
func hashOf(f Field, text string) uint64 {
	if text == "" {
		return 0
	}
	return max(xxhash.Sum64String(cut(text, maxKeyBytes))>>(64-fieldBits[f]), 1)
}

// part returns the part of a key that stands for a field.
func (x trait) part(f Field) uint64 { return x.key >> fieldShift[f] & (1<<fieldBits[f] - 1) }

// traitsOf is the key of an event; 0 if it has no version, platform and reason.
func traitsOf(version, platform, reason string) uint64 {
	return hashOf(Version, version)<<fieldShift[Version] | hashOf(Platform, platform)<<fieldShift[Platform] | hashOf(Reason, reason)
}

// add counts an event in the cell that begins at bucket. To be flushed with it, it must come before the observation.
func (s *traits) add(bucket int32, key uint64) {
	if key == 0 {
		return
	}
	x := trait{bucket: bucket, n: 1, key: key}
	i := len(s.pending)
	for ; i > 0 && i > len(s.pending)-traitReach; i-- {
		if order := compareTraits(s.pending[i-1], x); order == 0 {
			s.pending[i-1].n = sum32(s.pending[i-1].n, 1)
			return
		} else if order < 0 {
			break
		}
	}
	s.pending = slices.Insert(s.pending, i, x)
}

func compareTraits(a, b trait) int {
	if a.bucket != b.bucket {
		return cmp.Compare(a.bucket, b.bucket)
	}
	return cmp.Compare(a.key, b.key)
}

// flush sorts what is pending in.
func (s *traits) flush(floor int32) {
	if len(s.pending) == 0 {
		s.pending = nil // as series.flush
		return
	}
	if !slices.IsSortedFunc(s.pending, compareTraits) {
		slices.SortFunc(s.pending, compareTraits)
	}
	s.merge(s.pending, floor)
	s.pending = s.pending[:0]
}

// merge adds sorted ones, of which several may be of the same cell and value. Those before floor are dropped.
func (s *traits) merge(o []trait, floor int32) {
	first, _ := slices.BinarySearchFunc(o, floor, func(x trait, floor int32) int { return cmp.Compare(x.bucket, floor) })
	if o = o[first:]; len(o) == 0 {
		return
	}
	if len(o) <= fewTraits {
		s.insert(o)
		return
	}
	from, _ := slices.BinarySearchFunc(s.all, o[0], compareTraits)
	stay := from
	if 2*stay < len(s.all) {
		stay = 0 // most of them move: all of them do
	}
	into, tail := traits{all: make([]trait, 0, len(s.all)-stay+len(o))}, s.all[from:]
	into.all = append(into.all, s.all[stay:from]...)
	for len(tail) > 0 || len(o) > 0 {
		if len(o) == 0 || len(tail) > 0 && compareTraits(tail[0], o[0]) <= 0 {
			into.append(tail[0])
			tail = tail[1:]
		} else {
			into.append(o[0])
			o = o[1:]
		}
	}
	if stay == 0 {
		s.all = into.all
		return
	}
	s.all = append(s.all[:stay], into.all...)
}

// fewTraits is how many are put in one by one.
const fewTraits = 32

// insert adds some where they belong.
func (s *traits) insert(o []trait) {
	for _, x := range o {
		i, found := slices.BinarySearchFunc(s.all, x, compareTraits)
		if found {
			s.all[i].n = sum32(s.all[i].n, x.n)
			continue
		}
		s.all = slices.Insert(s.all, i, x)
	}
}

// append adds one that comes after all others, or is of the last cell and value.
func (s *traits) append(x trait) {
	if n := len(s.all); n > 0 && compareTraits(s.all[n-1], x) == 0 {
		s.all[n-1].n = sum32(s.all[n-1].n, x.n)
		return
	}
	s.all = append(s.all, x)
}

// size returns about how many bytes s takes.
func (s *traits) size() int { return 16 * (len(s.all) + len(s.pending)) }

// search returns the index of the first value in a cell at or after bucket.
func (s *traits) search(bucket int32) int {
	return sort.Search(len(s.all), func(i int) bool { return s.all[i].bucket >= bucket })
}

func (s *traits) giveUp(floor int32) { s.all = s.all[s.search(floor):] }

func (s *traits) widen(level uint8) {
	old := s.all
	for i := range old {
		old[i].bucket = align(old[i].bucket, level)
	}
	slices.SortFunc(old, compareTraits)
	s.all = old[:0] // what is appended is never more than what was looked at
	for _, x := range old {
		s.append(x)
	}
}

// limitTraits lets the oldest cells give up what they know of values, an eighth more than must be, so that it is seldom done.
func (t *Tally) limitTraits() {
	held := 0
	for _, c := range t.codes {
		held += len(c.traits.all)
	}
	if t.lim.traits == 0 || held <= t.lim.traits {
		return
	}
	surplus := min(held-t.lim.traits+t.lim.traits/8, held)
	floor := sort.Search(math.MaxInt32, func(floor int) bool {
		before := 0
		for _, c := range t.codes {
			before += c.traits.search(int32(floor))
		}
		return before >= surplus
	})
	t.giveUpTraits(alignUp(int32(floor), t.bounds.level))
}

func (t *Tally) giveUpTraits(floor int32) {
	if floor <= t.traitFloor {
		return
	}
	t.traitFloor = floor
	for _, c := range t.codes {
		c.traits.giveUp(floor)
	}
}

// texts are the texts of the heaviest values of each field, by hash. Of two with the same hash it is the lesser.
type texts [fields]map[uint64]string

func (c *code) texts() *texts {
	var all texts
	for f, h := range [fields]*heavy[string, none]{Version: &c.versions, Platform: &c.platforms, Reason: &c.reasons} {
		all[f] = make(map[uint64]string, len(h.items))
		for _, it := range h.items {
			text := it.key
			key := hashOf(Field(f), text)
			if other, taken := all[f][key]; !taken || text < other {
				all[f][key] = text
			}
		}
	}
	return &all
}

// valuesOf returns the values of one cell, field by field; those of a field that have no name come together.
func valuesOf(cell []trait, names *texts) []Value {
	if len(cell) == 0 {
		return nil
	}
	values := make([]Value, 0, 2*fields)
	for f := range fields {
		first := len(values)
	next:
		for _, x := range cell {
			part := x.part(f)
			if part == 0 {
				continue
			}
			text := names[f][part]
			for i := range values[first:] {
				if v := &values[first+i]; v.Text == text {
					v.N += int64(x.n)
					continue next
				}
			}
			values = append(values, Value{Field: f, Text: text, N: int64(x.n)})
		}
	}
	return values
}

func (w *writer) traits(s *traits) {
	w.uint(uint64(len(s.all)))
	last := int32(0)
	for _, x := range s.all {
		w.uint(uint64(x.bucket - last))
		last = x.bucket
		w.hash(x.key)
		w.uint(uint64(x.n))
	}
}

// traits reads what writer.traits wrote.
func (r *reader) traits(s *traits, floor int32, level uint8) {
	last := trait{bucket: -1}
	bucket := int64(0)
	for range r.list(maxCells, 10) {
		bucket += int64(r.uint(math.MaxInt32))
		x := trait{bucket: int32(min(bucket, math.MaxInt32)), key: r.hash(), n: uint32(r.uint(math.MaxUint32))}
		r.require(bucket <= math.MaxInt32 && x.bucket >= floor && x.bucket == align(x.bucket, level), "value outside a cell")
		r.require(compareTraits(last, x) < 0, "value out of order")
		r.require(x.n > 0 && x.key > 0, "value that is none")
		if r.err != nil {
			return
		}
		s.all = append(s.all, x)
		last = x
	}
}
