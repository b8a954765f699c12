package aggregate

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"pgregory.net/rapid"

	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/classify"
	"imerr-scan/pkg/extract"
)

// start is when the tests' logs begin: 2026-11-23 06:00 UTC, the start of a cell at levels 0 to 4.
var start = time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC).UnixMilli()

// op is one thing that happens to a Tally.
type op func(*Tally)

func apply(t *Tally, ops []op) *Tally {
	for _, o := range ops {
		o(t)
	}
	return t
}

// event is an event as classify would make it.
type event struct {
	code              int32 // 0: unknown
	value             string
	millis            int64
	user, device      string
	version, platform string
	reason            string
	inner             int32
	shape             uint8
}

var entries = map[int32]*catalog.Entry{}

func init() {
	for _, code := range []int32{206, 207, 216, 217, 1, 39, 509, -1} {
		entries[code] = &catalog.Entry{
			Code: code, Name: fmt.Sprintf("CODE_%d", code), Category: "auth", Topic: "kick", Tier: "documented", Severity: "error",
		}
	}
}

func (e event) classified() *classify.Event {
	c := &classify.Event{
		Code: e.code, Entry: entries[e.code], Category: "auth", Reason: e.reason, Value: e.value,
		Inner: e.inner, HasInner: e.inner != 0,
		Candidate: &extract.Candidate{
			Time: e.millis, User: e.user, Device: e.device, Version: e.version, Platform: e.platform, Shape: extract.Shape(e.shape),
		},
	}
	if c.Entry == nil {
		c.Code, c.Category = 0, "unknown"
	}
	return c
}

func add(e event) op { return func(t *Tally) { t.Add(e.classified()) } }

// named returns "" or one of n names with the prefix.
func named(prefix string, n int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		if i := rapid.IntRange(0, n).Draw(t, prefix); i > 0 {
			return prefix + strconv.Itoa(i)
		}
		return ""
	})
}

// events draws an event; times lie within spread.
func events(users int, spread time.Duration) *rapid.Generator[event] {
	return rapid.Custom(func(t *rapid.T) event {
		e := event{
			code:     rapid.SampledFrom([]int32{206, 206, 217, 1, 39, 509, -1, 0}).Draw(t, "code"),
			user:     named("user_", users).Draw(t, "user"),
			device:   named("web_", 12).Draw(t, "device"),
			version:  named("5.", 5).Draw(t, "version"),
			platform: named("p", 3).Draw(t, "platform"),
			reason:   named("r", 3).Draw(t, "reason"),
			inner:    rapid.SampledFrom([]int32{0, 0, 17, 500, -2}).Draw(t, "inner"),
			shape:    uint8(rapid.IntRange(0, 4).Draw(t, "shape")),
		}
		if rapid.IntRange(0, 9).Draw(t, "dated") > 0 {
			e.millis = start + rapid.Int64Range(0, spread.Milliseconds()).Draw(t, "millis")
		}
		if e.code == 0 {
			e.value = named("13", 9).Draw(t, "value")
		}
		return e
	})
}

// ops draws what a log may do to a Tally.
func ops(users int, spread time.Duration) *rapid.Generator[[]op] {
	one := rapid.Custom(func(t *rapid.T) op {
		n := rapid.Int64Range(0, 5).Draw(t, "n")
		switch rapid.IntRange(0, 12).Draw(t, "kind") {
		case 0:
			class := Class(rapid.IntRange(0, int(classes)-1).Draw(t, "class"))
			return func(t *Tally) { t.Lines(class, n) }
		case 1:
			return func(t *Tally) { t.Bytes(n); t.Success(n); t.Filtered(n); t.Late(n) }
		case 2:
			path := named("ctx.", 5).Draw(t, "path")
			return func(t *Tally) { t.Hint(path, n+1) }
		case 3:
			millis := start + rapid.Int64Range(0, spread.Milliseconds()).Draw(t, "millis")
			return func(t *Tally) { t.Seen(millis, n) }
		}
		return add(events(users, spread).Draw(t, "event"))
	})
	return rapid.SliceOfN(one, 0, 120)
}

// divide cuts ops into parts and merges the tallies of the parts in order, in a random tree.
func divide(t *rapid.T, ops []op, lim limits) *Tally {
	var parts []*Tally
	for rest := ops; len(rest) > 0; {
		n := rapid.IntRange(1, len(rest)).Draw(t, "part")
		parts = append(parts, apply(newTally(Options{}, lim), rest[:n]))
		rest = rest[n:]
	}
	for len(parts) > 1 {
		i := rapid.IntRange(0, len(parts)-2).Draw(t, "merge")
		parts[i].Merge(parts[i+1])
		parts = slices.Delete(parts, i+1, i+2)
	}
	if len(parts) == 0 {
		return newTally(Options{}, lim)
	}
	return parts[0]
}

// failer is what tests, fuzz targets and rapid have in common.
type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
	Errorf(string, ...any)
}

func encoded(t failer, tally *Tally) []byte {
	t.Helper()
	b, err := tally.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
