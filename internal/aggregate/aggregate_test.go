package aggregate

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestPartsInOrderMakeTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := ops(30, 10*time.Minute).Draw(t, "ops")
		lim := defaultLimits
		lim.pending = rapid.IntRange(1, 50).Draw(t, "pending")
		whole := encoded(t, apply(New(Options{}), ops))
		if got := encoded(t, divide(t, ops, lim)); !bytes.Equal(got, whole) {
			t.Fatalf("parts differ from the whole:\n% x\n% x", got, whole)
		}
	})
}

func TestOrderOfEventsIsIrrelevant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := ops(30, time.Hour).Draw(t, "ops")
		whole := encoded(t, apply(New(Options{}), ops))
		if got := encoded(t, apply(New(Options{}), rapid.Permutation(ops).Draw(t, "order"))); !bytes.Equal(got, whole) {
			t.Fatalf("another order gives another tally")
		}
	})
}

// exact counts events the plain way, with maps.
type exact struct {
	count    map[string]int64 // by code, "unknown", "code/version/5.1" …
	users    map[string]map[string]bool
	cells    map[string]*exactCell // code/start of the cell
	byUser   map[string]int64
	minutes  map[string]int64 // code/minute
	undated  int64
	first    int64
	last     int64
	shapes   map[string]int64
	eventsOf map[string]map[string]int64 // user → code → events
}

type exactCell struct {
	events, anon int64
	users        map[string]bool
	kicks        map[string]int64
	devices      map[string]map[string]bool
	last         map[string]int64
}

func exactly(events []event) *exact {
	x := &exact{
		count: map[string]int64{}, users: map[string]map[string]bool{}, cells: map[string]*exactCell{}, byUser: map[string]int64{},
		minutes: map[string]int64{}, shapes: map[string]int64{}, eventsOf: map[string]map[string]int64{},
	}
	for _, e := range events {
		code := "unknown"
		if e.code != 0 {
			code = strconv.Itoa(int(e.code))
		}
		x.count[code]++
		x.shapes[fmt.Sprint(e.classified().Candidate.Shape)]++
		for split, value := range map[string]string{"version": e.version, "platform": e.platform, "reason": e.reason, "value": e.value} {
			if value != "" || split == "value" {
				x.count[code+"/"+split+"/"+value]++
			}
		}
		if e.inner != 0 {
			x.count[code+"/inner/"+strconv.Itoa(int(e.inner))]++
		}
		if e.user != "" {
			x.byUser[e.user]++
			put(x.users, code, e.user)
			put(x.users, "", e.user)
			if x.eventsOf[e.user] == nil {
				x.eventsOf[e.user] = map[string]int64{}
			}
			x.eventsOf[e.user][code]++
		}
		if e.millis == 0 {
			x.undated++
			continue
		}
		if x.first == 0 || e.millis < x.first {
			x.first = e.millis
		}
		x.last = max(x.last, e.millis)
		x.minutes[fmt.Sprint(code, "/", e.millis/60_000)]++
		id := fmt.Sprint(code, "/", e.millis/bucketMillis*bucketMillis)
		c := x.cells[id]
		if c == nil {
			c = &exactCell{users: map[string]bool{}, kicks: map[string]int64{}, devices: map[string]map[string]bool{}, last: map[string]int64{}}
			x.cells[id] = c
		}
		c.events++
		if e.user == "" {
			c.anon++
			continue
		}
		c.users[e.user] = true
		c.kicks[e.user]++
		c.last[e.user] = max(c.last[e.user], e.millis)
		if e.device != "" {
			put(c.devices, e.user, e.device)
		}
	}
	return x
}

func put(m map[string]map[string]bool, k, v string) {
	if m[k] == nil {
		m[k] = map[string]bool{}
	}
	m[k][v] = true
}

func TestResultAgainstPlainMaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(events(30, 3*time.Hour), 0, 200).Draw(t, "events")
		tally := New(Options{})
		for _, e := range events {
			tally.Add(e.classified())
		}
		x, r := exactly(events), tally.Result(ResultOptions{Top: -1})

		equal(t, "events", r.Events, int64(len(events)))
		equal(t, "undated", r.Undated, x.undated)
		equal(t, "users", r.Users, Distinct{Distinct: int64(len(x.users[""])), Exact: true})
		equal(t, "unknown", r.Unknown.Count, x.count["unknown"])
		equal(t, "shapes", r.Shapes, x.shapes)
		if x.first > 0 {
			equal(t, "first", r.Span.First.UnixMilli(), x.first)
			equal(t, "last", r.Span.Last.UnixMilli(), x.last)
		}
		seen := r.Unknown.Count
		for _, v := range r.Unknown.Values {
			equal(t, "value "+v.Value, v.Count, x.count["unknown/value/"+v.Value])
		}
		for _, c := range r.Codes {
			code := strconv.Itoa(int(c.Code))
			seen += c.Count
			equal(t, code, c.Count, x.count[code])
			equal(t, code+" users", c.Users, Distinct{Distinct: int64(len(x.users[code])), Exact: true})
			for split, got := range map[string]map[string]int64{"version": c.Versions, "platform": c.Platforms, "reason": c.Reasons, "inner": c.Inner} {
				for value, n := range got {
					equal(t, code+" "+split+" "+value, n, x.count[code+"/"+split+"/"+value])
				}
			}
			var peak, dated int64
			for id, n := range x.minutes {
				if bytes.HasPrefix([]byte(id), []byte(code+"/")) {
					peak, dated = max(peak, n), dated+n
				}
			}
			equal(t, code+" peak", c.PeakPerMinute, peak)
			var sum int64
			for _, n := range c.Timeline {
				sum += n
			}
			equal(t, code+" timeline", sum, dated)
			equal(t, code+" slots", len(c.Timeline), r.Timeline.Slots)
		}
		equal(t, "sum of codes and unknown", seen, int64(len(events)))
		equal(t, "number of top users", len(r.TopUsers), len(x.byUser))
		for _, u := range r.TopUsers {
			equal(t, "error of a top user", u.Error, 0)
		}
		topUsers(t, tally, x)
		cellsAgree(t, tally, x)
	})
}

func equal[T any](t failer, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// topUsers compares what is known of the users with plain maps, by hash.
func topUsers(t failer, tally *Tally, x *exact) {
	for user, n := range x.byUser {
		it := tally.top.find(hashUser(user))
		equal(t, user, it.n, n)
		codes := map[string]int64{}
		for _, c := range it.v.codes {
			codes[codeName(c.code)] = c.n
		}
		equal(t, user+" codes", codes, x.eventsOf[user])
	}
}

// cellsAgree compares the cells, with what they know of users and kicks, with plain maps.
func cellsAgree(t failer, tally *Tally, x *exact) {
	n := 0
	for _, code := range tally.Codes() {
		last := int64(0)
		for c := range tally.Cells(code, 0) {
			n++
			want := x.cells[fmt.Sprint(code, "/", c.Start)]
			if want == nil || c.Start <= last {
				t.Fatalf("cell of %d at %d: unexpected", code, c.Start)
			}
			last = c.Start
			equal(t, "events of a cell", c.Events, want.events)
			equal(t, "anonymous events of a cell", c.Anonymous, want.anon)
			equal(t, "users of a cell", c.Users, int64(len(want.users)))
			var hashes []uint64
			for user := range want.users {
				hashes = append(hashes, hashUser(user))
			}
			slices.Sort(hashes)
			if !c.Open || !slices.Equal(c.Hashes, hashes) {
				t.Fatalf("hashes of a cell differ")
			}
			if isKick(code) {
				kicksAgree(t, c, want)
			}
		}
	}
	known := 0
	for id := range x.cells {
		if !bytes.HasPrefix([]byte(id), []byte("unknown")) {
			known++
		}
	}
	equal(t, "number of cells", n, known)
}

func kicksAgree(t failer, c Cell, want *exactCell) {
	equal(t, "users kicked", len(c.Kicks), len(want.kicks))
	for user, n := range want.kicks {
		i, found := slices.BinarySearch(c.Hashes, hashUser(user))
		if !found {
			t.Fatalf("a kicked user is missing")
		}
		k := c.Kicks[i]
		devices := slices.Collect(maps.Keys(want.devices[user]))
		equal(t, "kicks", k.Count, n)
		equal(t, "last kick", k.Last, want.last[user])
		equal(t, "devices", len(k.Devices), min(len(devices), maxDevices))
	}
}

// tight are limits that any test can break.
var tight = limits{cells: 20, users: 300, topUsers: 8, split: 4, pending: 7}

func newTight() *Tally {
	t := newTally(Options{}, tight)
	t.bounds.cellUsers = 5
	return t
}

// divideEvents is divide for tight tallies.
func divideEvents(t *rapid.T, events []event) *Tally {
	total := newTight()
	for rest := events; len(rest) > 0; {
		n := rapid.IntRange(1, len(rest)).Draw(t, "part")
		part := newTight()
		for _, e := range rest[:n] {
			part.Add(e.classified())
		}
		total.Merge(part)
		rest = rest[n:]
	}
	return total
}

func TestCellsBeyondTheirBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(events(60, 40*time.Minute), 50, 250).Draw(t, "events")
		whole := newTight()
		for _, e := range events {
			whole.Add(e.classified())
		}
		parts := divideEvents(t, events)
		w, p := whole.CellWidth(), parts.CellWidth()
		equal(t, "width of the cells", p, w)
		held := 0
		parts.each(func(s *series) { held += s.held() })
		if held > tight.users || parts.cells() > tight.cells {
			t.Fatalf("%d bytes of users in %d cells", held, parts.cells())
		}
		type id struct {
			code  int32
			start int64
		}
		truth := map[id]*exactCell{}
		for _, e := range events {
			if e.code == 0 || e.millis == 0 {
				continue
			}
			k := id{e.code, e.millis / w.Milliseconds() * w.Milliseconds()}
			if truth[k] == nil {
				truth[k] = &exactCell{users: map[string]bool{}}
			}
			truth[k].events++
			if e.user == "" {
				truth[k].anon++
			} else {
				truth[k].users[e.user] = true
			}
		}
		for _, code := range parts.Codes() {
			for c := range parts.Cells(code, 0) {
				want := truth[id{code, c.Start}]
				equal(t, "events", c.Events, want.events)
				equal(t, "anonymous", c.Anonymous, want.anon)
				distinct := int64(len(want.users))
				if c.Users < distinct || c.Users > want.events-want.anon {
					t.Fatalf("%d users, but %d are distinct in %d events", c.Users, distinct, want.events-want.anon)
				}
				if c.Open && distinct <= 5 && c.Users != distinct {
					t.Fatalf("open cell with %d users, but there are %d", c.Users, distinct)
				}
				delete(truth, id{code, c.Start})
			}
		}
		equal(t, "cells that are missing", len(truth), 0)
	})
}

func TestWhichCellsGiveUpDoesNotDependOnTheParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(events(60, 40*time.Minute), 50, 250).Draw(t, "events")
		loose := tight
		loose.cells = math.MaxInt
		build := func() *Tally { return newTally(Options{}, loose) }
		whole, total := build(), build()
		for _, e := range events {
			whole.Add(e.classified())
		}
		for rest := events; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "part")
			part := build()
			for _, e := range rest[:n] {
				part.Add(e.classified())
			}
			total.Merge(part)
			rest = rest[n:]
		}
		whole.flush()
		equal(t, "floor", total.bounds.floor, whole.bounds.floor)
		for _, code := range total.Codes() {
			from := int64(total.bounds.floor) * bucketMillis
			a, b := slices.Collect(whole.Cells(code, from)), slices.Collect(total.Cells(code, from))
			unname(a)
			unname(b)
			equal(t, "open cells", b, a)
		}
	})
}

// unname adds the values of each field up: which of them have a name depends on which are the heaviest.
func unname(cells []Cell) {
	for i := range cells {
		var sums [fields]int64
		for _, v := range cells[i].Values {
			sums[v.Field] += v.N
		}
		cells[i].Values = nil
		for f, n := range sums {
			cells[i].Values = append(cells[i].Values, Value{Field: Field(f), N: n})
		}
	}
}

// TestHeavyAgainstExactCounts holds for any tree of merges of any parts.
func TestHeavyAgainstExactCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 6
		keys := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) int32 {
			return int32(min(rapid.IntRange(0, 60).Draw(t, "a"), rapid.IntRange(0, 60).Draw(t, "b")))
		}), 1, 400).Draw(t, "keys")
		var parts []*heavy[int32, none]
		truth, total := map[int32]int64{}, int64(0)
		for rest := keys; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "part")
			h := newHeavy[int32, none](limit)
			for _, k := range rest[:n] {
				h.add(k, 1)
				truth[k]++
				total++
			}
			parts, rest = append(parts, &h), rest[n:]
		}
		for len(parts) > 1 {
			i := rapid.IntRange(0, len(parts)-2).Draw(t, "merge")
			parts[i].merge(parts[i+1], nil)
			parts = slices.Delete(parts, i+1, i+2)
		}
		h := parts[0]
		h.prune()
		equal(t, "total", h.total, total)
		if h.missed > total/(limit+1) {
			t.Fatalf("missed %d of %d", h.missed, total)
		}
		if len(truth) <= limit && h.missed != 0 {
			t.Fatalf("missed %d though all fit", h.missed)
		}
		if len(h.items) > limit {
			t.Fatalf("%d items", len(h.items))
		}
		for k, n := range truth {
			it := h.find(k)
			switch {
			case it == nil && n > h.missed:
				t.Fatalf("%d was lost with %d counts, missed %d", k, n, h.missed)
			case it != nil && (n < it.n || n > it.n+it.miss):
				t.Fatalf("%d: %d counts are not in %d…%d", k, n, it.n, it.n+it.miss)
			}
		}
	})
}

func TestUserSetDependsOnTheSetAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{10, maxExactUsers, maxExactUsers + 1, 9000}).Draw(t, "n")
		var whole userSet
		parts := make([]userSet, rapid.IntRange(1, 4).Draw(t, "parts"))
		seed := rapid.Uint64().Draw(t, "seed")
		for i := range n {
			h := hashUser("user" + strconv.Itoa(i))
			whole.add(h)
			parts[(uint64(i)*seed>>7)%uint64(len(parts))].add(h)
			if i%3 == 0 {
				parts[0].add(h)
			}
		}
		var merged userSet
		for i := range parts {
			merged.merge(&parts[len(parts)-1-i])
		}
		a, b := &writer{}, &writer{}
		a.users(&whole)
		b.users(&merged)
		if !bytes.Equal(a.buf, b.buf) {
			t.Fatalf("merged set differs from the whole")
		}
		got := merged.distinct()
		equal(t, "exact", got.Exact, n <= maxExactUsers)
		if e := math.Abs(float64(got.Distinct)/float64(n) - 1); e > 5*got.Error {
			t.Fatalf("%d users counted as %d", n, got.Distinct)
		}
	})
}

// TestSizeIsThatOfTheHeap: a part is handed on by its Size, so that must not be much less than what it takes.
func TestSizeIsThatOfTheHeap(t *testing.T) {
	for _, tc := range []struct {
		name string
		of   func(i int) event
	}{
		{"each event at another time", func(i int) event { return event{code: 39, millis: start + int64(i)*bucketMillis} }},
		{"each of another user", func(i int) event { return event{code: 39, millis: start + int64(i), user: "u" + strconv.Itoa(i)} }},
		{"kicks of many devices", func(i int) event {
			return event{code: 206, millis: start + int64(i*7919%40_000)*60_000, user: "u" + strconv.Itoa(i%2000), device: strconv.Itoa(i)}
		}},
		{"each with another version", func(i int) event {
			return event{code: 39, millis: start + int64(i)*bucketMillis, version: "5." + strconv.Itoa(i)}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			tally := New(Options{})
			for i := range 40_000 {
				tally.Add(tc.of(i).classified())
			}
			size := tally.Size()
			runtime.GC()
			runtime.ReadMemStats(&after)
			runtime.KeepAlive(tally)
			took := int(after.HeapAlloc) - int(before.HeapAlloc)
			t.Logf("%d bytes taken, %d said", took, size)
			if 2*size < took {
				t.Errorf("%d bytes taken, %d said", took, size)
			}
		})
	}
}
