package kafka

import (
	"testing"
	"time"
)

// Of a busy partition the time of one record in 64 is read, of one at rest that of each; when the pace changes, 64 records at
// most have a time that is older than they are.
func TestClock(t *testing.T) {
	var c clock
	start := time.Unix(1_800_000_000, 0)
	step := func(at time.Time) (read bool) {
		if c.due() {
			c.read(at)
			return true
		}
		return false
	}
	at, read, off := start, 0, 0
	for range 10_000 { // a record each 5 ms
		at = at.Add(5 * time.Millisecond)
		if step(at) {
			read++
		}
		if d := at.Sub(c.last); d < 0 || d > evenPace {
			off++
		}
	}
	if read > 10_000/mostStride+10 || off > 0 {
		t.Errorf("busy: the time of %d of 10,000 records was read, %d were off by more than a second", read, off)
	}
	read, off = 0, 0
	for range 1000 { // one each minute
		at = at.Add(time.Minute)
		if step(at) {
			read++
		}
		if at != c.last {
			off++
		}
	}
	if off > mostStride || read < 1000-mostStride {
		t.Errorf("at rest: %d of 1,000 records have the time of another, %d were read", off, read)
	}
	off = 0
	for i := range 1000 { // two producers whose clocks are an hour apart
		own := at.Add(time.Duration(i%2) * time.Hour)
		step(own)
		if own != c.last {
			off++
		}
	}
	if off > 2 {
		t.Errorf("two clocks: %d records have the time of another", off)
	}
}
