package aggregate

import (
	"slices"

	"github.com/axiomhq/hyperloglog"
	"github.com/cespare/xxhash/v2"
)

// maxExactUsers is how many users a set knows one by one.
const maxExactUsers = 4096

// sketchError is the relative standard error of a set that is not exact: 1.04/√16384.
const sketchError = 0.008

// hashUser is the one place where a plain id becomes a hash, the same in every run and on every machine. 0 means no user.
func hashUser(id string) uint64 {
	if id == "" {
		return 0
	}
	return max(xxhash.Sum64String(id), 1)
}

// hashDevice tells a user's devices apart; a collision among the few of one user is one in 10^8. 0 means none.
func hashDevice(id string) uint32 {
	if id == "" {
		return 0
	}
	return max(uint32(xxhash.Sum64String(id)>>32), 1)
}

// userSet counts distinct hashes: exactly up to maxExactUsers, then by HyperLogLog with 2^14 registers. The sketch is dense
// from its first moment, and begins when the set outgrows the bound, whichever way it got there; so a set depends on what
// was added, never on the order or on how parts were merged. The zero value is empty.
type userSet struct {
	table  []uint64 // open addressing, 0 is free; at most ¾ full
	n      int
	sketch *hyperloglog.Sketch // not nil once the set is not exact
	last   uint64
}

func (s *userSet) add(h uint64) {
	if h == s.last {
		return
	}
	s.last = h
	if s.sketch != nil {
		s.sketch.InsertHash(h)
		return
	}
	if 4*(s.n+1) > 3*len(s.table) {
		s.grow()
	}
	if !insert(s.table, h) {
		return
	}
	if s.n++; s.n > maxExactUsers {
		s.toSketch()
	}
}

// insert puts h into table and returns whether it is new. There is room for it.
func insert(table []uint64, h uint64) bool {
	mask := uint64(len(table) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		switch table[i] {
		case 0:
			table[i] = h
			return true
		case h:
			return false
		}
	}
}

func (s *userSet) grow() {
	old := s.table
	s.table = make([]uint64, max(8, 2*len(old)))
	for _, h := range old {
		if h != 0 {
			insert(s.table, h)
		}
	}
}

func (s *userSet) toSketch() {
	s.sketch = hyperloglog.NewNoSparse()
	for _, h := range s.table {
		if h != 0 {
			s.sketch.InsertHash(h)
		}
	}
	s.table, s.n = nil, 0
}

// clear makes s empty, and keeps the room if that is worth it.
func (s *userSet) clear() {
	if !worthKeeping(len(s.table), s.n) {
		s.table = nil
	}
	clear(s.table)
	s.n, s.sketch, s.last = 0, nil, 0
}

// merge adds o, which stays as it is.
func (s *userSet) merge(o *userSet) {
	if o.sketch == nil {
		for _, h := range o.table {
			if h != 0 {
				s.add(h)
			}
		}
		return
	}
	if s.sketch == nil {
		s.toSketch()
	}
	_ = s.sketch.Merge(o.sketch) // both have the same precision
}

// distinct returns the number of users.
func (s *userSet) distinct() Distinct {
	if s.sketch != nil {
		return Distinct{Distinct: int64(s.sketch.Estimate()), Error: sketchError}
	}
	return Distinct{Distinct: int64(s.n), Exact: true}
}

// size returns about how many bytes s takes.
func (s *userSet) size() int {
	if s.sketch != nil {
		return 1 << 14
	}
	return 16 * s.n // the table is half full
}

// hashes returns the users of an exact set, ascending.
func (s *userSet) hashes() []uint64 {
	all := make([]uint64, 0, s.n)
	for _, h := range s.table {
		if h != 0 {
			all = append(all, h)
		}
	}
	slices.Sort(all)
	return all
}
