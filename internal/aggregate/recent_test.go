package aggregate

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// cellsOf returns what a detector would be given, from a time on.
func cellsOf(t *Tally, from int64) map[int32][]Cell {
	all := map[int32][]Cell{}
	for _, code := range t.Codes() {
		for c := range t.Cells(code, from) {
			all[code] = append(all[code], c)
		}
	}
	for c := range t.SeenLines(from) {
		all[0] = append(all[0], c)
	}
	return all
}

func TestRecentHoldsTheCellsFromATimeOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := apply(New(Options{}), ops(20, 10*time.Minute).Draw(t, "ops"))
		before := encoded(t, whole)
		from := start + rapid.Int64Range(-60_000, 660_000).Draw(t, "from")
		recent := whole.Recent(from)
		if diff := cmp.Diff(cellsOf(whole, from), cellsOf(recent, 0), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("cells (-whole +recent):\n%s", diff)
		}
		again := New(Options{})
		if err := again.UnmarshalBinary(encoded(t, recent)); err != nil {
			t.Errorf("state of recent cells: %v", err)
		}
		recent.Merge(apply(New(Options{}), ops(20, 10*time.Minute).Draw(t, "later")))
		if !bytes.Equal(before, encoded(t, whole)) {
			t.Error("taking recent cells, and merging others into them, changed the whole")
		}
	})
}

func TestRecentCellsOfPartsAreThoseOfTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := apply(New(Options{}), ops(20, 10*time.Minute).Draw(t, "a"))
		b := apply(New(Options{}), ops(20, 10*time.Minute).Draw(t, "b"))
		from := start + rapid.Int64Range(0, 600_000).Draw(t, "from")
		parts := a.Recent(from)
		parts.Merge(b.Recent(from))
		a.Merge(b)
		if diff := cmp.Diff(cellsOf(a, from), cellsOf(parts, 0), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("cells (-whole +parts):\n%s", diff)
		}
	})
}

func TestForgetDropsOldCellsAndKeepsTotals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := apply(New(Options{CellWidth: time.Minute}), ops(20, 10*time.Minute).Draw(t, "ops"))
		events, before := whole.Result(ResultOptions{}).Events, start+rapid.Int64Range(-60_000, 660_000).Draw(t, "before")
		want := cellsOf(whole, before)
		whole.Forget(before)
		if diff := cmp.Diff(want, cellsOf(whole, 0), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("cells (-want +left):\n%s", diff)
		}
		if got := whole.Result(ResultOptions{}).Events; got != events {
			t.Errorf("events = %d after forgetting cells, want %d", got, events)
		}
		if err := New(Options{}).UnmarshalBinary(encoded(t, whole)); err != nil {
			t.Errorf("state: %v", err)
		}
		for _, cells := range cellsOf(whole, 0) {
			for _, c := range cells {
				if c.Start%60_000 != 0 {
					t.Errorf("cell begins at %d: want whole minutes", c.Start)
				}
			}
		}
	})
}

func TestUserNameOfTopUserAndOfOthers(t *testing.T) {
	tally := apply(New(Options{}), []op{add(event{code: 206, millis: start, user: "u_10233"})})
	if got := tally.UserName(hashUser("u_10233")); got != "u_***3" {
		t.Errorf("UserName of a top user = %q, want it masked", got)
	}
	if got, want := tally.UserName(1), shortHash(1); got != want {
		t.Errorf("UserName of another = %q, want %q", got, want)
	}
}

// What a live detector is given of a part is the same, whether the part's cells are copied first or not; and a part that was
// read in the room of another is that part.
func TestRecentCellsMergeAsTheyAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lim := rapid.SampledFrom([]limits{defaultLimits, {cells: 5, users: 250, topUsers: 3, split: 2, pending: 3, traits: 9}}).Draw(t, "limits")
		want, got := newTally(Options{}, lim), newTally(Options{}, lim)
		room := newTally(Options{}, lim)
		for range rapid.IntRange(1, 4).Draw(t, "parts") {
			part := encoded(t, apply(newTally(Options{}, lim), ops(30, time.Hour).Draw(t, "part")))
			from := start + rapid.Int64Range(-1, 3600).Draw(t, "from")*1000
			copied := newTally(Options{}, lim)
			if err := copied.UnmarshalBinary(part); err != nil {
				t.Fatal(err)
			}
			want.Merge(copied.Recent(from))
			if err := room.Load(part); err != nil {
				t.Fatal(err)
			}
			got.MergeRecent(room, from)
			if !bytes.Equal(encoded(t, room), part) {
				t.Fatal("the part changed")
			}
			if !bytes.Equal(encoded(t, got), encoded(t, want)) {
				t.Fatal("another tally than of the copied cells")
			}
			if rapid.IntRange(0, 3).Draw(t, "damaged") == 0 {
				if room.Load(part[:len(part)-1]) == nil || !room.Empty() {
					t.Fatal("a damaged part was accepted, or is there in part")
				}
			}
		}
	})
}

// Who was in several cells counts once; whom a cell could not tell apart, as it is counted there.
func TestUsersSinceAreThoseOfTheCells(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := New(Options{})
		whole.bounds.cellUsers = rapid.SampledFrom([]int{2, 5, maxCellUsers}).Draw(t, "users of a cell")
		apply(whole, ops(40, 10*time.Minute).Draw(t, "ops"))
		from := start + rapid.Int64Range(-60_000, 660_000).Draw(t, "from")
		want := map[int32]int64{}
		for _, code := range whole.Codes() {
			seen := map[uint64]bool{}
			want[code] = 0
			for c := range whole.Cells(code, from) {
				for _, h := range c.Hashes {
					seen[h] = true
				}
				want[code] += c.Users - int64(len(c.Hashes))
			}
			want[code] += int64(len(seen))
		}
		if diff := cmp.Diff(want, whole.UsersSince(from)); diff != "" {
			t.Errorf("(-cells +users):\n%s", diff)
		}
	})
}
