package aggregate

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// kicksAt adds a kick at each of the times, in Unix milliseconds.
func kicksAt(times ...int64) *kickTimes {
	k := new(kickTimes)
	for _, t := range times {
		k.add(stretch{span: span{t, t}, n: 1})
	}
	return k
}

// TestKickTimesAgainstAllTimes sorts all times into the narrowest slots that are few enough.
func TestKickTimesAgainstAllTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spread := rapid.SampledFrom([]int64{60_000, 3_600_000, 100 * 3_600_000, math.MaxInt32*bucketMillis - 1}).Draw(t, "spread")
		times := rapid.SliceOfN(rapid.Int64Range(1, spread), 0, 150).Draw(t, "times")

		var parts []*kickTimes
		for rest := times; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "part")
			parts, rest = append(parts, kicksAt(rest[:n]...)), rest[n:]
		}
		got := new(kickTimes)
		for _, p := range rapid.Permutation(parts).Draw(t, "order") {
			got.merge(p)
		}

		slices.Sort(times)
		want := kickTimes{}
		for ; ; want.level++ {
			want.slots = nil
			for _, at := range times {
				n := len(want.slots)
				if n == 0 || want.slots[n-1].span.first/60_000>>want.level != at/60_000>>want.level {
					want.slots = append(want.slots, stretch{span: span{first: at}})
					n++
				}
				want.slots[n-1].span.last = at
				want.slots[n-1].n++
			}
			if len(want.slots) <= maxKickSlots {
				break
			}
		}
		if diff := cmp.Diff(want, *got, cmp.AllowUnexported(kickTimes{}, stretch{}, span{}), cmpopts.IgnoreFields(kickTimes{}, "room"), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("kicks (-want +got):\n%s", diff)
		}
		w := new(writer)
		got.encode(w)
		r, back := &reader{data: w.buf}, new(kickTimes)
		if back.decode(r); r.err != nil || r.at != len(w.buf) {
			t.Fatalf("encoding of %+v is not read back: %v", got, r.err)
		}
		if diff := cmp.Diff(got, back, cmp.AllowUnexported(kickTimes{}, stretch{}, span{}), cmpopts.IgnoreFields(kickTimes{}, "room"), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("read back (-want +got):\n%s", diff)
		}
	})
}

func TestLoopAmongOtherKicks(t *testing.T) {
	const minute, hour = int64(60_000), int64(3_600_000)
	every := func(from, gap int64, n int) (times []int64) {
		for i := range int64(n) {
			times = append(times, from+i*gap)
		}
		return times
	}
	for _, tc := range []struct {
		name  string
		times []int64
		kicks int64
		gap   float64
	}{
		{"never kicked", nil, 0, 0},
		{"one in the morning and a loop at noon", append(every(start, 0, 1), every(start+6*hour, 8000, 90)...), 90, 8},
		{"two loops: the one with more kicks", append(every(start, 5000, 20), every(start+hour, 10_000, 30)...), 30, 10},
		{"a loop that pauses for less than two minutes", append(every(start, 8000, 20), every(start+4*minute, 8000, 20)...), 40, 10.1},
		{"a loop of a day", every(start, 20_000, 4320), 4320, 20},
		{"a kick each day and a loop of an hour", append(every(start, 24*hour, 25), every(start+9*24*hour+10*minute, 6000, 600)...), 600, 6},
		{"every quarter of an hour", every(start, 15*minute, 40), 1, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := kicksAt(tc.times...).loop()
			if got.n != tc.kicks || got.gapSeconds() != tc.gap {
				t.Errorf("loop of %d kicks, one in %v s; want %d, %v s", got.n, got.gapSeconds(), tc.kicks, tc.gap)
			}
		})
	}
}

func TestKicksThatNobodyWrote(t *testing.T) {
	slots := func(n int) []stretch {
		var all []stretch
		for i := range int64(n) {
			all = append(all, stretch{span: span{start + i*60_000, start + i*60_000 + 5}, n: 2})
		}
		return all
	}
	for _, tc := range []struct {
		name string
		k    kickTimes
		want string
	}{
		{"without a time", kickTimes{slots: []stretch{{n: maxCount}}}, "kicks without a time"},
		{"twice the same slot", kickTimes{slots: append(slots(1), slots(1)...)}, "kicks out of order"},
		{"a stretch over two slots", kickTimes{slots: []stretch{{span{start, start + 60_000}, 2}}}, "of two slots"},
		{"no kick", kickTimes{slots: []stretch{{span{start, start}, 0}}}, "count of zero"},
		{"wide slots, though few", kickTimes{level: 1, slots: slots(1)}, "wider than needed"},
		{"too many", kickTimes{slots: slots(42)}, "want at most 41"},
		{"slots of a century", kickTimes{level: 26}, "want at most 24"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := new(writer)
			tc.k.encode(w)
			r := &reader{data: w.buf}
			new(kickTimes).decode(r)
			if r.err == nil || !strings.Contains(fmt.Sprint(r.err), tc.want) {
				t.Errorf("decode: %v, want %q", r.err, tc.want)
			}
		})
	}
}
