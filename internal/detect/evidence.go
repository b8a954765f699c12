package detect

import (
	"cmp"
	"slices"
)

// evidence is what an alert knows of one of its codes since the onset: whom it met and what they had in common.
type evidence struct {
	events    int64
	count     int64 // distinct users per bucket, and events without a user: what the detector counts
	anonymous int64 // of count
	expected  float64
	users     userSet
	sample    []kicked // of a kick code: the users with the least hashes, ascending
	busiest   []busy
	changes   contrast
}

// kicked is one user of the sample.
type kicked struct {
	user    uint64
	buckets int64 // in which the user was kicked; one kick may be logged three times
	first   int64 // bucket
	last    int64
	devices []uint32 // ascending, at most keptDevices
}

// busy is one of the users seen in most buckets (Space-Saving): between buckets−extra and buckets.
type busy struct {
	user           uint64
	buckets, extra int64
}

const (
	sampleUsers  = 192
	busiestUsers = 16
)

// add takes a bucket of which usual was to be expected.
func (e *evidence) add(x past, usual float64) {
	e.events += int64(x.events)
	e.count += int64(x.y)
	e.anonymous += int64(x.y - min(x.y, x.users))
	e.expected += usual
}

// see takes the users of a bucket.
func (e *evidence) see(s sighting, kick bool) {
	e.users.add(s.user)
	e.addBusy(busy{user: s.user, buckets: 1})
	if kick {
		e.addKicked(kicked{user: s.user, buckets: 1, first: s.bucket, last: s.bucket, devices: s.devices})
	}
}

func (e *evidence) addKicked(k kicked) {
	i, found := slices.BinarySearchFunc(e.sample, k.user, func(k kicked, user uint64) int { return cmp.Compare(k.user, user) })
	switch {
	case found:
		old := &e.sample[i]
		old.buckets += k.buckets
		old.first, old.last = min(old.first, k.first), max(old.last, k.last)
		for _, d := range k.devices {
			if j, known := slices.BinarySearch(old.devices, d); !known && len(old.devices) < keptDevices {
				old.devices = slices.Insert(old.devices, j, d)
			}
		}
		return
	case len(e.sample) == sampleUsers && i == sampleUsers:
		return
	case len(e.sample) == sampleUsers:
		e.sample = e.sample[:sampleUsers-1]
	}
	k.devices = slices.Clone(k.devices[:min(len(k.devices), keptDevices)])
	e.sample = slices.Insert(e.sample, i, k)
}

func (e *evidence) addBusy(b busy) {
	least := -1
	for i := range e.busiest {
		o := &e.busiest[i]
		if o.user == b.user {
			o.buckets += b.buckets
			o.extra += b.extra
			return
		}
		if least < 0 || o.buckets < e.busiest[least].buckets {
			least = i
		}
	}
	if len(e.busiest) < busiestUsers {
		e.busiest = append(e.busiest, b)
		return
	}
	o := &e.busiest[least]
	*o = busy{user: b.user, buckets: o.buckets + b.buckets, extra: o.buckets + b.extra}
}

// merge adds o, which stays as it is.
func (e *evidence) merge(o *evidence) {
	e.events += o.events
	e.count += o.count
	e.anonymous += o.anonymous
	e.expected += o.expected
	e.users.merge(&o.users)
	for _, k := range o.sample {
		e.addKicked(k)
	}
	for _, b := range o.busiest {
		e.addBusy(b)
	}
	e.changes.merge(&o.changes)
}

// top returns the users seen in most buckets, at most n, the busiest first; only those of whom it is sure.
func (e *evidence) top(n int) []busy {
	all := slices.DeleteFunc(slices.Clone(e.busiest), func(b busy) bool { return b.buckets-b.extra < 2 })
	slices.SortFunc(all, func(a, b busy) int {
		return cmp.Or(cmp.Compare(b.buckets-b.extra, a.buckets-a.extra), cmp.Compare(a.user, b.user))
	})
	return all[:min(n, len(all))]
}
