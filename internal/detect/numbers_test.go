package detect

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"imerr-scan/internal/aggregate"
)

// TestSurpriseNeverOverstates compares with the tail summed up term by term.
func TestSurpriseNeverOverstates(t *testing.T) {
	for _, tc := range []struct{ y, mean, v float64 }{
		{10, 0.001, 1}, {10, 0.5, 0.25}, {12, 1.15, 4}, {30, 11.5, 0.01}, {50, 20, 0.04}, {90, 34.5, 0.035},
		{250, 100, 1e-4}, {4000, 1000, 0.05}, {100, 3, 25}, {60000, 20000, 0.02},
	} {
		got, exact := surprise(tc.y, tc.mean, tc.v), -math.Log(tail(tc.y, tc.mean, tc.v))
		if got > exact+1e-6 {
			t.Errorf("surprise(%v, %v, %v) = %v, more than the exact %v", tc.y, tc.mean, tc.v, got, exact)
		}
		if got < exact-0.6 {
			t.Errorf("surprise(%v, %v, %v) = %v, far less than the exact %v", tc.y, tc.mean, tc.v, got, exact)
		}
	}
}

// tail is P(Y ≥ y) for the negative binomial.
func tail(y, mean, v float64) float64 {
	k, sum := 1/v, 0.0
	for n := y; ; n++ {
		a, _ := math.Lgamma(n + k)
		b, _ := math.Lgamma(k)
		c, _ := math.Lgamma(n + 1)
		p := math.Exp(a - b - c + k*math.Log(k/(k+mean)) + n*math.Log(mean/(k+mean)))
		if sum += p; p < sum*1e-14 {
			return sum
		}
	}
}

func TestLogarithms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(1e-9, 1e9).Draw(t, "x")
		if got, want := ln(x), math.Log(x); math.Abs(got-want) > 1e-15*max(1, math.Abs(want)) {
			t.Errorf("ln(%v) = %v, want %v", x, got, want)
		}
		want, _ := math.Lgamma(x)
		if got := logGamma(x); math.Abs(got-want) > 1e-10*max(1, math.Abs(want)) {
			t.Errorf("logGamma(%v) = %v, want %v", x, got, want)
		}
	})
}

// TestTheSameBitsOnEveryMachine pins results that a fused multiply-add or another exp would change.
func TestTheSameBitsOnEveryMachine(t *testing.T) {
	h := uint64(14695981039346656037)
	mix := func(x float64) { h = (h ^ math.Float64bits(x)) * 1099511628211 }
	for i := 1; i < 1000; i++ {
		x := float64(i) * 0.37
		mix(ln(x))
		mix(logGamma(x))
		mix(surprise(10+x, 5+x/3, 0.001*x))
	}
	s, p := newSeries(60), (&Options{}).defaults().paramsOf(1)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 20000 {
		s.step(past{y: uint32(r.IntN(5) + i/500%7)}, i%1000 > 980, p)
		mix(s.local.s)
		mix(s.daily.s)
		mix(s.edge.spread())
		mix(s.clocks[2].q)
	}
	const want = 0x5738460a5b42e074
	if h != want {
		t.Errorf("hash %#x, want %#x: numbers changed, or this machine reckons differently", h, uint64(want))
	}
}

func (o *Options) defaults() *Options {
	d := o.WithDefaults()
	return &d
}

func TestCountsOfTheDayMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 1<<40).Draw(t, "n")
		got := pack(n).count()
		if got < n || float64(got) > float64(n)*1.001 || n < 2048 && got != n {
			t.Errorf("pack(%d).count() = %d", n, got)
		}
		if m := rapid.Int64Range(0, n).Draw(t, "m"); pack(m) > pack(n) {
			t.Errorf("pack(%d) > pack(%d)", m, n)
		}
	})
	if got := pack(1 << 62); got == unseen {
		t.Error("a huge count reads as unseen")
	}
}

// TestPromiseIsTheThirdLargestDay compares with a plain reading of the rule.
func TestPromiseIsTheThirdLargestDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSeries(0)
		days := rapid.IntRange(0, 20).Draw(t, "days")
		slot := rapid.Int64Range(0, daySlots-1).Draw(t, "slot")
		counts := map[int64]int64{} // by slot since the epoch
		now := int64(days)*daySlots + slot
		for i := range now {
			n := rapid.SampledFrom([]int64{-1, 0, 3, 9, 40, 41, 500}).Draw(t, "n")
			counts[i] = n
			s.memory[position(i*slotBuckets)][1] = unseen
			if n >= 0 {
				s.memory[position(i*slotBuckets)][1] = pack(n)
			}
		}
		var best []int64
		for day := int64(1); day <= memoryDays; day++ {
			most := int64(-1)
			for near := int64(-1); near <= 1; near++ {
				if n, ok := counts[now-day*daySlots+near]; ok && (day < memoryDays || near >= 0) {
					most = max(most, n)
				}
			}
			if most >= 0 {
				best = append(best, most)
			}
		}
		slices.Sort(best)
		slices.Reverse(best)
		want := 0.0
		if len(best) > 0 {
			if c := float64(best[min(len(best), 3)-1]); c > 4 {
				want = c - 2*math.Sqrt(c)
			}
		}
		got, known := s.memory.promise(now*slotBuckets, 1)
		if got != want || known != (len(best) > 0) {
			t.Errorf("promise %v, %v; want %v of %v", got, known, want, best)
		}
	})
}

// TestASleepingSeriesIsOneThatStepped: what a series knows after hours of nothing is the same, whether it was moved slot by
// slot or bucket by bucket.
func TestASleepingSeriesIsOneThatStepped(t *testing.T) {
	p := (&Options{}).defaults().paramsOf(1)
	a, b := newSeries(slotBuckets), newSeries(slotBuckets)
	r := rand.New(rand.NewPCG(3, 4))
	feed := func(n int, y func() uint32) {
		for range n {
			x := past{y: y()}
			a.step(x, false, p)
			b.step(x, false, p)
		}
	}
	zero := func() uint32 { return 0 }
	feed(4000, func() uint32 { return uint32(r.IntN(3)) })
	feed(200-int(a.now+1)%slotBuckets+slotBuckets, zero)
	for (a.now+1)%slotBuckets != 0 {
		feed(1, zero)
	}
	if !a.maySleep() {
		t.Fatal("nothing for 30 min and it may not sleep")
	}
	for range 100 {
		for range slotBuckets {
			b.step(past{}, false, p)
		}
		a.sleepSlot(0)
	}
	feed(30, zero)
	for _, x := range []struct {
		name string
		a, b float64
	}{
		{"local", a.local.s, b.local.s}, {"local n", a.local.n, b.local.n}, {"daily", a.daily.s, b.daily.s}, {"daily n", a.daily.n, b.daily.n},
		{"spread 10s", a.clocks[0].spread(), b.clocks[0].spread()}, {"spread 10m", a.clocks[2].spread(), b.clocks[2].spread()},
		{"edge", a.edge.spread(), b.edge.spread()},
	} {
		if math.Abs(x.a-x.b) > 0.02*math.Abs(x.b)+1e-9 {
			t.Errorf("%s: slept %v, stepped %v", x.name, x.a, x.b)
		}
	}
	if a.memory != b.memory {
		t.Error("day memories differ")
	}
}

// TestRecentAgainstLists: who was seen in which of the newest buckets, as far as the bounds allow.
func TestRecentAgainstLists(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r recent
		type seen struct {
			b    int64
			user uint64
		}
		var all []seen
		b := int64(1000)
		for range rapid.IntRange(1, 60).Draw(t, "cells") {
			b += rapid.SampledFrom([]int64{1, 1, 1, 2, 7, 59, 60, 61, 64, 65, 200}).Draw(t, "step")
			n := rapid.SampledFrom([]int{1, 2, 3, 40, recentUsers, recentUsers + 1}).Draw(t, "users")
			users := make([]uint64, n)
			kicks := make([]aggregate.Kick, n)
			for i := range users {
				users[i] = uint64(b)<<20 + uint64(i)
				kicks[i].Devices = []uint32{uint32(users[i])}
				all = append(all, seen{b, users[i]})
			}
			r.add(b, users, kicks)
			got := map[seen]bool{}
			r.since(0, func(s sighting) {
				got[seen{s.bucket, s.user}] = true
				if len(s.devices) > 0 && s.devices[0] != uint32(s.user) {
					t.Fatalf("user %x has the device of another, %x", s.user, s.devices[0])
				}
			})
			if r.users.len() > recentUsers || r.devices.len() > recentDevices || r.known.len() != r.users.len() {
				t.Fatalf("%d users, %d devices", r.users.len(), r.devices.len())
			}
			for _, s := range all {
				if got[s] {
					delete(got, s)
					continue
				}
				if s.b == b && n <= recentUsers {
					t.Fatalf("user %x of the newest bucket is not remembered", s.user)
				}
			}
			if len(got) > 0 {
				t.Fatalf("remembers what nobody said: %v", got)
			}
			small := 0
			for _, s := range all {
				if s.b > b-delay {
					small++
				}
			}
			if small <= recentUsers && r.users.len() != small {
				t.Fatalf("remembers %d of %d users of the last 10 min, which have room", r.users.len(), small)
			}
		}
	})
}

func TestUserSetCounts(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var users []uint64
	for range 60_000 {
		users = append(users, r.Uint64())
	}
	for _, n := range []int{0, 1, 511, 512, 513, 600, 2_000, 10_000, 60_000} {
		var whole, a, b userSet
		for i, u := range users[:n] {
			whole.add(u)
			whole.add(u)
			if i%3 == 0 {
				a.add(u)
			} else {
				b.add(u)
			}
		}
		got := float64(whole.count())
		if n <= maxExact && int(got) != n || math.Abs(got-float64(n)) > 0.06*float64(n) {
			t.Errorf("count() = %v, want about %d", got, n)
		}
		if b.merge(&a); b.count() != whole.count() {
			t.Errorf("parts of %d users count %d, the whole %d", n, b.count(), whole.count())
		}
	}
}
