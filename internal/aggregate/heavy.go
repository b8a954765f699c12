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
	items  map[K]*item[V]
	total  int64 // N
	missed int64

	lastKey K
	last    *item[V]   // of lastKey, or nil
	free    []*item[V] // pruned, to be used again
}

// item is what is known of one key.
type item[V any] struct {
	n, miss int64
	v       V
}

// slack is how many times limit may be held between two prunings, so that the cost of one is shared by many keys.
const slack = 3

func newHeavy[K cmp.Ordered, V any](limit int) heavy[K, V] { return heavy[K, V]{limit: limit} }

// find returns the item of k, or nil.
func (h *heavy[K, V]) find(k K) *item[V] {
	if h.last != nil && h.lastKey == k {
		return h.last
	}
	it := h.items[k]
	if it != nil {
		h.lastKey, h.last = k, it
	}
	return it
}

// add counts n of k and returns its item, which is valid until the next call.
func (h *heavy[K, V]) add(k K, n int64) *item[V] {
	it := h.find(k)
	if it == nil {
		if len(h.items) >= slack*h.limit {
			h.prune()
		}
		if h.items == nil {
			h.items = make(map[K]*item[V])
		}
		it = h.fresh()
		it.miss = h.missed
		h.items[k] = it
		h.lastKey, h.last = k, it
	}
	it.n += n
	h.total += n
	return it
}

// fresh returns an empty item.
func (h *heavy[K, V]) fresh() *item[V] {
	n := len(h.free)
	if n == 0 {
		return new(item[V])
	}
	it := h.free[n-1]
	h.free = h.free[:n-1]
	*it = item[V]{}
	return it
}

func (h *heavy[K, V]) drop(k K) {
	h.free = append(h.free, h.items[k])
	delete(h.items, k)
}

// merge adds o, whose items it takes over. unite adds what is known of a key in o to what is known in h.
func (h *heavy[K, V]) merge(o *heavy[K, V], unite func(into, from *V)) {
	for k, it := range h.items {
		if _, both := o.items[k]; !both {
			it.miss = sum(it.miss, o.missed)
		}
	}
	if h.items == nil && len(o.items) > 0 {
		h.items = make(map[K]*item[V], len(o.items))
	}
	for k, from := range o.items {
		into := h.items[k]
		if into == nil {
			from.miss = sum(from.miss, h.missed)
			h.items[k] = from
			continue
		}
		into.n, into.miss = sum(into.n, from.n), sum(into.miss, from.miss)
		if unite != nil {
			unite(&into.v, &from.v)
		}
	}
	h.total, h.missed = sum(h.total, o.total), sum(h.missed, o.missed)
	if len(h.items) > h.limit {
		h.prune()
	}
	h.free = nil
}

// entry is an item with its key, for sorting.
type entry[K cmp.Ordered, V any] struct {
	key K
	*item[V]
}

// clone returns a copy. What a key's V points to is shared.
func (h *heavy[K, V]) clone() heavy[K, V] {
	c := heavy[K, V]{limit: h.limit, total: h.total, missed: h.missed}
	for k, it := range h.items {
		if c.items == nil {
			c.items = make(map[K]*item[V], len(h.items))
		}
		same := *it
		c.items[k] = &same
	}
	return c
}

// prune keeps the limit heaviest. The weight of the first that goes is taken off everybody, which is what bounds missed.
func (h *heavy[K, V]) prune() {
	if len(h.items) <= h.limit {
		return
	}
	weights := make([]int64, 0, len(h.items))
	for _, it := range h.items {
		weights = append(weights, it.n+it.miss)
	}
	slices.Sort(weights)
	first := len(weights) - h.limit // index of the least that stays
	least := weights[first]
	equal := make([]K, 0, 16) // of them those with the least keys stay
	for k, it := range h.items {
		switch w := it.n + it.miss; {
		case w < least:
			h.drop(k)
		case w == least:
			equal = append(equal, k)
		}
	}
	if surplus := len(h.items) - h.limit; surplus > 0 {
		slices.Sort(equal)
		for _, k := range equal[len(equal)-surplus:] {
			h.drop(k)
		}
	}
	h.missed = max(h.missed, weights[first-1])
	h.last = nil
}

// sorted returns the items in the order of by, equal ones by key.
func (h *heavy[K, V]) sorted(by func(a, b entry[K, V]) int) []entry[K, V] {
	all := make([]entry[K, V], 0, len(h.items))
	for k, it := range h.items {
		all = append(all, entry[K, V]{k, it})
	}
	slices.SortFunc(all, func(a, b entry[K, V]) int {
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
