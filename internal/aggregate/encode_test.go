package aggregate

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/classify"
	"imerr-scan/pkg/extract"
)

func TestEncodingIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		opt := Options{Plain: rapid.Bool().Draw(t, "plain")}
		lim := rapid.SampledFrom([]limits{defaultLimits, {cells: 5, users: 250, topUsers: 3, split: 2, pending: 3}}).Draw(t, "limits")
		before := ops(30, time.Hour).Draw(t, "before")
		after := ops(30, time.Hour).Draw(t, "after")
		written := apply(newTally(opt, lim), before)
		data := encoded(t, written)

		read := newTally(opt, lim)
		if err := read.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(encoded(t, read), data) {
			t.Fatalf("reading and writing changes the encoding")
		}
		apply(written, after)
		apply(read, after)
		if !bytes.Equal(encoded(t, read), encoded(t, written)) {
			t.Fatalf("counting on after a restart gives another tally")
		}
	})
}

// full is a tally with everything in it.
func full(t failer) *Tally {
	t.Helper()
	tally := New(Options{})
	for i := range 300 {
		e := event{
			code: []int32{206, 217, 509, 0, -1}[i%5], value: "1305", millis: start + int64(i)*7_000, user: "u_" + strconv.Itoa(i%20),
			device: "web_" + strconv.Itoa(i%13), version: "5." + strconv.Itoa(i%3), platform: "web", reason: "kicked", inner: int32(i % 2 * 17),
		}
		if i%50 == 0 {
			e.millis = 0
		}
		tally.Add(e.classified())
	}
	tally.Lines(WithError, 300)
	tally.Lines(Broken, 2)
	tally.Hint("ctx.error.type", 4)
	tally.Seen(start, 1000)
	return tally
}

func TestCodesWithNothingButACount(t *testing.T) {
	tally := New(Options{})
	for code := range int32(100) {
		tally.Add(&classify.Event{Code: code, Entry: &catalog.Entry{Code: code}, Candidate: &extract.Candidate{}})
	}
	data := encoded(t, tally)
	if err := New(Options{}).UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	if bare := len(encoded(t, New(Options{}))) + 100*minCodeBytes; len(data) < bare {
		t.Fatalf("%d bytes: a code takes less than %d", len(data), minCodeBytes)
	}
}

func TestCutOffEncodingIsAnError(t *testing.T) {
	data := encoded(t, full(t))
	for n := range data {
		err := New(Options{}).UnmarshalBinary(data[:n])
		var at *EncodingError
		if !errors.As(err, &at) || at.Offset > n {
			t.Fatalf("first %d of %d bytes: %v, want an error at a byte among them", n, len(data), err)
		}
	}
	if err := New(Options{}).UnmarshalBinary(append(data, 0)); err == nil {
		t.Error("a byte too many was accepted")
	}
}

func TestDamagedEncodingLeavesTheTally(t *testing.T) {
	tally := full(t)
	data := encoded(t, tally)
	if err := tally.UnmarshalBinary(data[:len(data)-1]); err == nil {
		t.Fatal("accepted")
	}
	if !bytes.Equal(encoded(t, tally), data) {
		t.Error("the tally changed")
	}
}

func TestListsAreNotBelieved(t *testing.T) {
	w := &writer{buf: []byte{EncodingVersion}}
	for range int(classes) + 5 + 2 {
		w.uint(0)
	}
	w.uint(1) // one code
	w.uint(1)
	w.count(1)
	w.span(span{})
	w.users(&userSet{})
	for range 4 {
		writeHeavy(w, &heavy[string, none]{}, w.text, nil)
	}
	w.uint(maxCells)
	allocs := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if New(Options{}).UnmarshalBinary(w.buf) == nil {
				b.Fatal("accepted")
			}
		}
	})
	if n := allocs.AllocedBytesPerOp(); n > 64<<10 {
		t.Errorf("%d bytes allocated for an encoding of %d", n, len(w.buf))
	}
}

// TestGreatCountsDoNotOverflow merges what a hostile encoding may hold.
func TestGreatCountsDoNotOverflow(t *testing.T) {
	great := func() *Tally {
		tally := New(Options{})
		tally.Lines(Broken, maxCount)
		tally.Hint("a", maxCount)
		for range 3 {
			tally.Seen(start, math.MaxUint32)
		}
		return tally
	}
	tally := great()
	for range 100 {
		tally.Merge(great())
	}
	r := tally.Result(ResultOptions{})
	if r.Lines.Broken != maxCount || r.Hints[0].Count != maxCount {
		t.Errorf("lines %d, hints %d; want %d", r.Lines.Broken, r.Hints[0].Count, int64(maxCount))
	}
	for c := range tally.SeenLines(0) {
		if c.Events != math.MaxUint32 {
			t.Errorf("%d lines seen", c.Events)
		}
	}
	if err := New(Options{}).UnmarshalBinary(encoded(t, tally)); err != nil {
		t.Error(err)
	}
}

// harmless reads data. What is accepted must be what would have been written, and must do no harm afterwards.
func harmless(t failer, data []byte) {
	tally := New(Options{})
	if err := tally.UnmarshalBinary(data); err != nil {
		return
	}
	if again := encoded(t, tally); !bytes.Equal(again, data) {
		t.Fatalf("accepted % x\nbut it writes % x", data, again)
	}
	tally.Result(ResultOptions{Top: -1})
	total := small(t)
	total.Merge(tally)
	total.Add(event{code: 206, user: "u_1", device: "d", millis: start}.classified())
	if err := New(Options{}).UnmarshalBinary(encoded(t, total)); err != nil {
		t.Fatalf("merged with another it is not read back: %v", err)
	}
	total.Result(ResultOptions{})
	for _, code := range total.Codes() {
		_ = slices.Collect(total.Cells(code, 0))
	}
}

// small is a tally with a little of everything in it.
func small(t failer) *Tally {
	t.Helper()
	tally := New(Options{Plain: true})
	for i := range int64(6) {
		tally.Add(event{
			code: []int32{206, 509}[i%2], user: "u_" + strconv.Itoa(int(i)%3), device: "d", millis: start + i*9000,
			version: "5", platform: "web", reason: "r", inner: 17,
		}.classified())
	}
	tally.Add(event{value: "true", user: "u_1"}.classified())
	tally.Hint("ctx.error.type", 4)
	tally.Seen(start, 1000)
	tally.Lines(WithError, 7)
	return tally
}

func TestEachByteDamaged(t *testing.T) {
	wide := newTally(Options{}, limits{cells: 3, users: 50, topUsers: 2, split: 1, pending: 3})
	wide.Merge(small(t))
	for _, tally := range []*Tally{small(t), wide} {
		data := encoded(t, tally)
		for i := range data {
			for _, b := range []byte{0, 1, 0x7f, 0x80, 0xff, data[i] + 1, data[i] - 1} {
				damaged := slices.Clone(data)
				damaged[i] = b
				harmless(t, damaged)
			}
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add(encoded(f, New(Options{})))
	f.Add(encoded(f, small(f)))
	f.Fuzz(func(t *testing.T, data []byte) { harmless(t, data) })
}
