package aggregate

import (
	"math"
	"math/bits"
	"slices"
	"time"
)

// Recent returns a new Tally of the cells of t that begin at or after from (Unix milliseconds): what a live detector has not
// taken yet. It has no users beyond those of the cells and no totals but those of its cells' codes. t keeps all.
func (t *Tally) Recent(from int64) *Tally {
	t.flush()
	first := firstCell(from, t.bounds.level)
	r := newTally(t.opt, t.lim)
	r.bounds, r.traitFloor = t.bounds, t.traitFloor
	for number, c := range t.codes {
		cells := c.series.after(first, &t.bounds)
		if len(cells.cells) == 0 {
			continue
		}
		k := r.code(number)
		k.entry, k.series = c.entry, cells
		k.count = cells.count()
		k.traits.all = slices.Clone(c.traits.all[c.traits.search(first):])
		k.reasons = c.reasons.clone(nil)
		k.versions = c.versions.clone(nil)
		k.platforms = c.platforms.clone(nil)
	}
	r.seen = t.seen.after(first, &t.bounds)
	return r
}

// MergeRecent adds the cells of o that begin at or after from to t, as Merge(o.Recent(from)) does, at less cost. o stays as it
// is.
func (t *Tally) MergeRecent(o *Tally, from int64) {
	t.flush()
	o.flush()
	first := firstCell(from, o.bounds.level)
	if t.bounds.level != o.bounds.level || t.bounds.floor < o.bounds.floor || t.traitFloor < o.traitFloor || first < t.bounds.floor {
		t.Merge(o.Recent(from)) // their cells cannot be merged as they are
		return
	}
	for number, c := range o.codes {
		begin := c.series.from(first, &o.bounds)
		if begin.cell == len(c.series.cells) {
			continue
		}
		cells := c.series.between(begin, c.series.end())
		k := t.code(number)
		if k.entry == nil {
			k.entry = c.entry
		}
		k.count = sum(k.count, cells.count())
		k.series.merge(cells, &t.bounds)
		k.traits.merge(c.traits.all[c.traits.search(first):], t.traitFloor)
		k.reasons.merge(&c.reasons, nil)
		k.versions.merge(&c.versions, nil)
		k.platforms.merge(&c.platforms, nil)
	}
	t.seen.merge(o.seen.between(o.seen.from(first, &o.bounds), o.seen.end()), &t.bounds)
	t.limit()
}

// EventsBefore returns how many events lie in cells that begin before millis (Unix milliseconds), of all codes.
func (t *Tally) EventsBefore(millis int64) (n int64) {
	t.flush()
	for _, c := range t.codes {
		for _, x := range c.series.cells {
			if int64(x.bucket)*bucketMillis >= millis {
				break
			}
			n += int64(x.events)
		}
	}
	return n
}

// UsersSince returns for each code how many distinct users had it in the cells that begin at or after from (Unix milliseconds),
// with events whose user could not be told apart any more.
func (t *Tally) UsersSince(from int64) map[int32]int64 {
	t.flush()
	users := make(map[int32]int64, len(t.codes))
	var table []uint64
	for number, c := range t.codes {
		begin := c.series.from(firstCell(from, 0), &t.bounds)
		known := c.series.users[begin.user:]
		n := -int64(len(known))
		for _, x := range c.series.cells[begin.cell:] {
			n += int64(x.users)
		}
		size := 1 << bits.Len(uint(2*len(known)))
		if len(table) < size {
			table = make([]uint64, size)
		}
		clear(table[:size])
		for _, h := range known {
			if insert(table[:size], h) {
				n++
			}
		}
		users[number] = n
	}
	return users
}

// Forget drops the cells that begin before millis (Unix milliseconds). Totals stay.
func (t *Tally) Forget(before int64) {
	t.flush()
	first := firstCell(before, t.bounds.level)
	for _, c := range t.codes {
		c.series = c.series.after(first, &t.bounds)
		c.traits.all = slices.Clone(c.traits.all[c.traits.search(first):])
	}
	t.seen = t.seen.after(first, &t.bounds)
}

// Last returns the time of the last event of a code, in Unix milliseconds; 0 without a dated one.
func (t *Tally) Last(number int32) int64 {
	if c := t.codes[number]; c != nil {
		return c.span.last
	}
	return 0
}

// UserName returns how the user with that hash is shown: the name that is kept, if it is among those with the most events
// (masked, unless Options.Plain), else a short form of the hash.
func (t *Tally) UserName(hash uint64) string {
	if it := t.top.find(hash); it != nil && it.v.name != "" {
		return it.v.name
	}
	return shortHash(hash)
}

// firstCell returns the first cell that begins at or after millis.
func firstCell(millis int64, level uint8) int32 {
	bucket, rest, ok := bucketOf(max(millis, 1))
	if !ok {
		return math.MaxInt32
	}
	if rest > 0 && millis > 0 && bucket < math.MaxInt32 {
		bucket++
	}
	return alignUp(bucket, level)
}

// count returns how many events are in the cells.
func (s *series) count() (n int64) {
	for _, x := range s.cells {
		n = sum(n, max(int64(x.events), 1))
	}
	return n
}

// after returns a copy of the cells at or after bucket.
func (s *series) after(bucket int32, b *bounds) series {
	from := s.from(bucket, b)
	part := s.between(from, s.end())
	return series{
		kick: s.kick, cells: slices.Clone(part.cells), users: slices.Clone(part.users),
		kicks: slices.Clone(part.kicks), devices: slices.Clone(part.devices),
	}
}

// levelOf returns the least level at which cells are as wide as d.
func levelOf(d time.Duration) uint8 {
	level := uint8(0)
	for level < maxLevel && time.Duration(width(level))*bucketMillis*time.Millisecond < d {
		level++
	}
	return level
}
