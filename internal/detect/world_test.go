package detect_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/pkg/catalog"
)

// monday is when the tests' logs begin: 2026-11-23 00:00 UTC.
var monday = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

var web = catalog.Web()

// world feeds a detector bucket by bucket with what happens.
type world struct {
	t      *testing.T
	d      *detect.Detector
	now    time.Time
	rand   *rand.Rand
	alerts []detect.Alert
	lines  int64
}

func newWorld(t *testing.T, opt detect.Options) *world {
	opt.Catalog = web
	if err := opt.Validate(); err != nil {
		t.Fatal(err)
	}
	return &world{t: t, d: detect.New(opt), now: monday, rand: rand.New(rand.NewPCG(1, 2)), lines: 100}
}

// happening is what a code does for some time: so many users a minute, evenly in each bucket.
type happening struct {
	code      int32
	perMinute int
	users     []uint64 // these, or ever new ones
	devices   bool     // of which each kick shows another
	anonymous bool
	values    []detect.Value
}

// pass lets time pass.
func (w *world) pass(d time.Duration, all ...happening) []detect.Alert {
	w.t.Helper()
	from := len(w.alerts)
	for end := w.now.Add(d); w.now.Before(end); w.now = w.now.Add(10 * time.Second) {
		in := detect.Bucket{Start: w.now.UnixMilli(), Lines: w.lines}
		for _, h := range all {
			n := h.perMinute / 6
			if w.rand.IntN(6) < h.perMinute%6 {
				n++
			}
			if n > 0 {
				in.Cells = append(in.Cells, w.cell(h, n))
			}
		}
		in.Sort()
		w.alerts = append(w.alerts, w.d.Step(in)...)
	}
	return w.alerts[from:]
}

func (w *world) cell(h happening, n int) detect.Cell {
	c := detect.Cell{Code: h.code, Cell: aggregate.Cell{Events: int64(n), Open: true}}
	for _, v := range h.values {
		v.N = v.N * int64(n) / 100
		c.Values = append(c.Values, v)
	}
	if h.anonymous {
		c.Anonymous = int64(n)
		return c
	}
	for i := range n {
		user := w.rand.Uint64()
		if h.users != nil {
			user = h.users[i%len(h.users)]
		}
		c.Hashes = append(c.Hashes, user)
	}
	slices.Sort(c.Hashes)
	c.Hashes = slices.Compact(c.Hashes)
	c.Users = int64(len(c.Hashes))
	for _, user := range c.Hashes {
		k := aggregate.Kick{User: user, Count: 1}
		if h.devices {
			k.Devices = []uint32{uint32(w.rand.IntN(6)) + 1}
		}
		c.Kicks = append(c.Kicks, k)
	}
	return c
}

// states returns "name state" of the records.
func states(alerts []detect.Alert) []string {
	var s []string
	for _, a := range alerts {
		s = append(s, a.Alert+" "+a.State)
	}
	return s
}

// withoutUpdates leaves the firing and resolved records.
func withoutUpdates(alerts []detect.Alert) []detect.Alert {
	return slices.DeleteFunc(slices.Clone(alerts), func(a detect.Alert) bool { return a.State == detect.Update })
}

func toJSON(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func some(n int) []uint64 {
	users := make([]uint64, n)
	for i := range users {
		users[i] = uint64(i+1) * 0x9e3779b97f4a7c15
	}
	return users
}
