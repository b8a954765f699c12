package aggregate

import (
	"cmp"
	"slices"
)

// heavy keeps the keys that were counted most, at most limit of them, with what is known of each (Space-Saving in the
// mergeable form of Agarwal et al. 2012). It is exact, in any order of merging, as long as no more than limit keys occur.
// Beyond that, for N counts in all:
//
//   - n of an item was counted while the key was kept; before, at most miss more: n ≤ true ≤ n+miss;
//   - a key that is not kept has a true count of at most missed;
//   - missed ≤ N/(limit+1), so a key with more than that many counts is never lost.
type heavy[K cmp.Ordered, V any] struct {
	limit  int
	items  []*item[K, V]     // in no order
	index  map[K]*item[K, V] // of items, once they are more than few
	total  int64             // N
	missed int64

	last *item[K, V]   // that was found or added last, or nil
	free []*item[K, V] // pruned, to be used again
}

// item is what is known of one key.
type item[K cmp.Ordered, V any] struct {
	key     K
	n, miss int64
	v       V
}

// few is how many items are found by looking at each: the part of a second has one or two versions, not hundreds.
const few = 8

// slack is how many times limit may be held between two prunings, so that the cost of one is shared by many keys.
const slack = 3

func newHeavy[K cmp.Ordered, V any](limit int) heavy[K, V] { return heavy[K, V]{limit: limit} }

// find returns the item of k, or nil.
func (h *heavy[K, V]) find(k K) *item[K, V] {
	if h.last != nil && h.last.key == k {
		return h.last
	}
	if h.index != nil {
		it := h.index[k]
		if it != nil {
			h.last = it
		}
		return it
	}
	for _, it := range h.items {
		if it.key == k {
			h.last = it
			return it
		}
	}
	return nil
}

// add counts n of k and returns its item, which is valid until the next call.
func (h *heavy[K, V]) add(k K, n int64) *item[K, V] {
	it := h.find(k)
	if it == nil {
		if len(h.items) >= slack*h.limit {
			h.prune()
		}
		it = h.fresh(k)
		it.miss = h.missed
	}
	it.n += n
	h.total += n
	return it
}

// fresh returns an empty item of a key that is not there.
func (h *heavy[K, V]) fresh(k K) *item[K, V] {
	var it *item[K, V]
	if n := len(h.free); n > 0 {
		it, h.free = h.free[n-1], h.free[:n-1]
		*it = item[K, V]{key: k}
	} else {
		it = &item[K, V]{key: k}
	}
	h.items = append(h.items, it)
	switch {
	case h.index != nil:
		h.index[k] = it
	case len(h.items) > few:
		h.index = make(map[K]*item[K, V], 2*few)
		for _, it := range h.items {
			h.index[it.key] = it
		}
	}
	h.last = it
	return it
}

// worthKeeping says whether the room of a set or a map is kept when it is made empty. All of it has to be cleared, so what was
// taken for much more than was used is let go.
func worthKeeping(room, used int) bool { return room <= 128 || room <= 16*used }

// clear makes h empty, and keeps the room if that is worth it.
func (h *heavy[K, V]) clear() {
	if !worthKeeping(len(h.items)+len(h.free), len(h.items)) {
		*h = newHeavy[K, V](h.limit)
		return
	}
	h.free = append(h.free, h.items...)
	h.items, h.last, h.total, h.missed = h.items[:0], nil, 0, 0
	clear(h.index)
}

// merge adds o, which stays as it is. unite adds what is known of a key in o to what is known in h.
func (h *heavy[K, V]) merge(o *heavy[K, V], unite func(into, from *V)) {
	if o.missed > 0 {
		for _, it := range h.items {
			if o.find(it.key) == nil {
				it.miss = sum(it.miss, o.missed)
			}
		}
	}
	for _, from := range o.items {
		into, miss := h.find(from.key), from.miss
		if into == nil {
			into, miss = h.fresh(from.key), sum(from.miss, h.missed)
		}
		into.n, into.miss = sum(into.n, from.n), sum(into.miss, miss)
		if unite != nil {
			unite(&into.v, &from.v)
		}
	}
	h.total, h.missed = sum(h.total, o.total), sum(h.missed, o.missed)
	if len(h.items) > slack*h.limit {
		h.prune()
	}
}

// clone returns a copy. unite is as in merge.
func (h *heavy[K, V]) clone(unite func(into, from *V)) heavy[K, V] {
	c := newHeavy[K, V](h.limit)
	c.merge(h, unite)
	return c
}

// prune keeps the limit heaviest. The weight of the first that goes is taken off everybody, which is what bounds missed.
func (h *heavy[K, V]) prune() {
	if len(h.items) <= h.limit {
		return
	}
	selectFirst(h.items, h.limit, (*item[K, V]).heavier)
	gone := h.items[h.limit:]
	for _, it := range gone {
		h.missed = max(h.missed, it.n+it.miss)
		delete(h.index, it.key)
	}
	h.free = append(h.free, gone...)
	clear(gone)
	h.items, h.last = h.items[:h.limit], nil
}

// heavier is the order of keeping: by weight, of equal ones by key.
func (it *item[K, V]) heavier(than *item[K, V]) bool {
	if a, b := it.n+it.miss, than.n+than.miss; a != b {
		return a > b
	}
	return it.key < than.key
}

// selectFirst brings the n first of list to its front, in no order, without sorting all of it. No two of list are equal, and n is less
// than its length. At its worst it takes as many steps as the square of that.
func selectFirst[T any](list []T, n int, before func(a, b T) bool) {
	for len(list) > 12 {
		mid, last := len(list)/2, len(list)-1
		// the median of three goes to the end, to be compared with
		if before(list[mid], list[0]) {
			list[mid], list[0] = list[0], list[mid]
		}
		if before(list[last], list[mid]) {
			list[last], list[mid] = list[mid], list[last]
			if before(list[mid], list[0]) {
				list[mid], list[0] = list[0], list[mid]
			}
		}
		list[mid], list[last] = list[last], list[mid]
		front := 0
		for i := range last {
			if before(list[i], list[last]) {
				list[front], list[i] = list[i], list[front]
				front++
			}
		}
		list[front], list[last] = list[last], list[front]
		switch {
		case n <= front:
			list = list[:front]
		case n > front+1:
			list, n = list[front+1:], n-front-1
		default:
			return
		}
	}
	slices.SortFunc(list, func(a, b T) int {
		if before(a, b) {
			return -1
		}
		return 1
	})
}

// sorted returns the items in the order of by, equal ones by key.
func (h *heavy[K, V]) sorted(by func(a, b *item[K, V]) int) []*item[K, V] {
	all := slices.Clone(h.items)
	slices.SortFunc(all, func(a, b *item[K, V]) int {
		if by != nil {
			if c := by(a, b); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.key, b.key)
	})
	return all
}

// maxCount is where counts stop growing: no number of events comes near it, and hostile ones cannot overflow.
const maxCount = 1 << 53

// sum adds two counts.
func sum(a, b int64) int64 { return min(a+b, maxCount) }

// sum32 adds two counts of a cell.
func sum32(a, b uint32) uint32 {
	if s := a + b; s >= a {
		return s
	}
	return ^uint32(0)
}
