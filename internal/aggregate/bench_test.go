package aggregate

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"imerr-scan/pkg/classify"
)

// traffic is n events as a busy day has them: in time order, give or take some seconds, most users with few events.
func traffic(n, users int, perSecond float64) []*classify.Event {
	r := rand.New(rand.NewPCG(1, 2))
	codes := []int32{206, 206, 206, 217, 39, 39, 509, 1, -1, 0}
	events := make([]*classify.Event, n)
	for i := range events {
		user := int(float64(users) * r.Float64() * r.Float64())
		events[i] = event{
			code: codes[r.IntN(len(codes))], value: "1305", millis: start + int64(float64(i)/perSecond*1000) + r.Int64N(5000),
			user: "u_" + strconv.Itoa(user), device: "web_" + strconv.Itoa(user), version: "5." + strconv.Itoa(r.IntN(4)), platform: "web",
			reason: "kicked", shape: uint8(r.IntN(3)),
		}.classified()
	}
	return events
}

var workloads = []struct {
	name      string
	users     int
	perSecond float64
}{
	{"day", 4_000, 1},
	{"storm", 20_000, 500},
	{"crowd", 1_000_000, 5_000},
}

// BenchmarkAdd is the cost of one event, sorting it into its cell included.
func BenchmarkAdd(b *testing.B) {
	for _, w := range workloads {
		b.Run(w.name, func(b *testing.B) {
			events := traffic(1<<16, w.users, w.perSecond)
			b.ReportAllocs()
			t := New(Options{})
			i := 0
			for b.Loop() {
				if i == len(events) {
					t.flush()
					t, i = New(Options{}), 0
				}
				t.Add(events[i])
				i++
			}
		})
	}
}

// BenchmarkMerge is the cost of merging the part of 16 MiB of a log with 20,000 events into the total.
func BenchmarkMerge(b *testing.B) {
	for _, w := range workloads {
		b.Run(w.name, func(b *testing.B) {
			const perPart = 20_000
			events := traffic(16*perPart, w.users, w.perSecond)
			parts := make([][]byte, 16)
			for i := range parts {
				t := New(Options{})
				for _, e := range events[i*perPart : (i+1)*perPart] {
					t.Add(e)
				}
				parts[i], _ = t.MarshalBinary()
			}
			b.ReportAllocs()
			total := New(Options{})
			i := 0
			for b.Loop() {
				b.StopTimer()
				if i == len(parts) {
					total, i = New(Options{}), 0
				}
				part := New(Options{})
				if err := part.UnmarshalBinary(parts[i]); err != nil {
					b.Fatal(err)
				}
				i++
				b.StartTimer()
				total.Merge(part)
			}
		})
	}
}
