package aggregate

import (
	"math"
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
		for _, x := range cells.cells {
			k.count = sum(k.count, max(int64(x.events), 1))
		}
		k.traits.all = slices.Clone(c.traits.all[c.traits.search(first):])
		k.reasons = c.reasons.clone()
		k.versions = c.versions.clone()
		k.platforms = c.platforms.clone()
	}
	r.seen = t.seen.after(first, &t.bounds)
	return r
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

// after returns a copy of the cells at or after bucket.
func (s *series) after(bucket int32, b *bounds) series {
	from := s.from(bucket, b)
	part := s.between(from, cursor{cell: len(s.cells), user: len(s.users), device: len(s.devices)})
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
