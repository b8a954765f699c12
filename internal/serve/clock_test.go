package serve

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

// wallSet is t as it would be had somebody set the clock of the machine forward by so many seconds: what a time.Time measures
// durations by stays as it is. It relies on the layout that package time describes: flag, 33 bits of seconds, 30 of nanoseconds.
func wallSet(t time.Time, seconds int64) time.Time {
	(*struct{ wall uint64 })(unsafe.Pointer(&t)).wall += uint64(seconds) << 30
	return t
}

// The clock of the machine is set, forth and back, while a file grows whose lines have its times: what is written is counted within
// the time that it always takes, and once.
func TestAClockThatIsSetChangesNothing(t *testing.T) {
	t.Parallel()
	before := time.Now()
	if after := wallSet(before, 3600); after.Sub(before) != 0 || after.Round(0).Sub(before.Round(0)) != time.Hour {
		t.Skip("package time keeps its times in another way")
	}
	dir := t.TempDir()
	input := filepath.Join(dir, "app.log")
	f, err := os.Create(input)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var step atomic.Int64
	now := func() time.Time { return wallSet(time.Now(), step.Load()) }
	x := beginAt(t, filepath.Join(dir, "deltas"), input, nil, nil, now)
	defer x.end()
	written := int64(0)
	for _, seconds := range []int64{0, -3600, 3600, -86400 * 400, 86400 * 400, 0} {
		step.Store(seconds)
		for range 100 {
			written++
			fmt.Fprintf(f, `{"ts":%q,"error":{"type":206,"message":"kicked"},"user":"u_%d"}`+"\n", now().UTC().Format(time.RFC3339Nano), written)
		}
		began := time.Now()
		until(t, fmt.Sprintf("all is counted after the clock was set by %d s", seconds), func() bool { return x.events() == written })
		t.Logf("set by %d s: counted after %.1f s", seconds, time.Since(began).Seconds())
	}
	time.Sleep(flushErrors)
	if got := x.events(); got != written {
		t.Errorf("%d events, want %d", got, written)
	}
	if err := x.Ready(); err != nil {
		t.Errorf("not ready: %v", err)
	}
}
