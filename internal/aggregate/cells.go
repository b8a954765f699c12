package aggregate

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

// Cell is one code in one stretch of event time, with what a detector needs of it. Its slices are valid until the tally
// changes.
type Cell struct {
	Start     int64 // Unix milliseconds; it lasts for Tally.CellWidth
	Events    int64
	Users     int64 // distinct; with events whose user could not be told apart any more
	Anonymous int64 // events without a user
	Open      bool  // Hashes are known
	Hashes    []uint64
	Kicks     []Kick  // of each of Hashes, for codes 206, 207, 216, 217
	Values    []Value // how many of its events had which version, platform, reason; empty for the oldest of very many cells
}

// Kick is what a user's kicks in one cell were.
type Kick struct {
	User    uint64
	Count   int64
	Last    int64    // Unix milliseconds
	Devices []uint32 // hashes, at most 8
}

// Codes returns the codes of the catalog that occurred, ascending.
func (t *Tally) Codes() []int32 {
	codes := make([]int32, 0, len(t.codes))
	for number := range t.codes {
		codes = append(codes, number)
	}
	slices.Sort(codes)
	return codes
}

// CellWidth returns how long a cell is: 10 s, or if there were too many of these 1 min, 2 min, 4 min …
func (t *Tally) CellWidth() time.Duration {
	t.flush()
	return time.Duration(width(t.bounds.level)) * bucketMillis * time.Millisecond
}

// Cells returns the cells of a code that begin at or after from (Unix milliseconds), in order of time.
func (t *Tally) Cells(code int32, from int64) iter.Seq[Cell] {
	t.flush()
	k := t.codes[code]
	if k == nil {
		return func(func(Cell) bool) {}
	}
	return k.withValues(from, &t.bounds)
}

// withValues iterates over the cells of the code, with their values.
func (c *code) withValues(from int64, b *bounds) iter.Seq[Cell] {
	return func(yield func(Cell) bool) {
		names := c.texts()
		rest := c.traits.all
		first := firstCell(from, 0)
		at, _ := slices.BinarySearchFunc(rest, first, func(x trait, first int32) int { return cmp.Compare(x.bucket, first) })
		rest = rest[at:]
		for cell := range c.series.iterate(from, b) {
			bucket := int32(cell.Start / bucketMillis)
			for len(rest) > 0 && rest[0].bucket < bucket {
				rest = rest[1:]
			}
			n := 0
			for n < len(rest) && rest[n].bucket == bucket {
				n++
			}
			cell.Values = valuesOf(rest[:n], names)
			rest = rest[n:]
			if !yield(cell) {
				return
			}
		}
	}
}

// SeenLines returns the lines that Seen counted as the events of cells, as Cells does.
func (t *Tally) SeenLines(from int64) iter.Seq[Cell] {
	t.flush()
	return t.seen.iterate(from, &t.bounds)
}

func (s *series) iterate(from int64, b *bounds) iter.Seq[Cell] {
	return func(yield func(Cell) bool) {
		c := s.from(firstCell(from, 0), b)
		for v, ok := c.next(); ok; v, ok = c.next() {
			if !yield(v.cellOf(b)) {
				return
			}
		}
	}
}

func (v view) cellOf(b *bounds) Cell {
	c := Cell{
		Start:     int64(v.bucket) * bucketMillis,
		Events:    int64(v.events),
		Users:     int64(v.cell.users),
		Anonymous: int64(v.anon),
		Open:      v.bucket >= b.floor,
		Hashes:    v.users,
	}
	devices := v.devices
	for i, k := range v.kicks {
		c.Kicks = append(c.Kicks, Kick{
			User: v.users[i], Count: int64(k.n), Last: c.Start + int64(k.last), Devices: devices[:k.devices],
		})
		devices = devices[k.devices:]
	}
	return c
}
