package deltalog

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/pkg/classify"
	"imerr-scan/pkg/extract"
)

var deltas = flag.Int("deltas", 20_000, "deltas of BenchmarkApply")

// busy makes the deltas of a topic of 16 partitions with 15 errors a second in each: delta i is that of partition i%16 in
// second i/16.
type busy struct {
	r      *rand.Rand
	next   [16]int64
	events int
}

var busyCodes = []int32{206, 206, 206, 206, 217, 1, 2, 101, 102, 300, 301, 303, 500, 501, 504, 601, 605, 700}

func (b *busy) delta(i int) []byte {
	const perSecond = 15
	p, at := i%len(b.next), start+int64(i/len(b.next))*1000
	t := aggregate.New(aggregate.Options{})
	for e := range perSecond {
		entry := web.Lookup(busyCodes[b.r.IntN(len(busyCodes))])
		t.Add(&classify.Event{Code: entry.Code, Entry: entry, Category: entry.Category, Candidate: &extract.Candidate{
			Time: at + int64(e)*1000/perSecond, User: fmt.Sprintf("user_%05d", int(20_000*b.r.Float64()*b.r.Float64())),
			Version: [...]string{"4.9.1", "4.10.0", "4.15.2"}[b.r.IntN(3)], Platform: [...]string{"web", "ios", "android"}[b.r.IntN(3)],
			Device: fmt.Sprint("device_", b.r.IntN(50_000)),
		}})
	}
	const records = 400
	t.Lines(aggregate.WithError, perSecond)
	t.Lines(aggregate.WithoutError, records-perSecond)
	t.Seen(at, records)
	t.Bytes(records * 300)
	b.events += perSecond
	d := Delta{
		Source: Source{"client-logs", int32(p)}, From: b.next[p], To: b.next[p] + records, Records: records,
		Watermark: at + 999, At: at + 1300, End: true, By: "pod-7/8f3c", Counts: t,
	}
	b.next[p] += records
	record, err := d.Encode()
	if err != nil {
		panic(err)
	}
	return record
}

// A start of the service reads the log as this does. ns/op is for all of -deltas.
func BenchmarkApply(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		src := busy{r: rand.New(rand.NewPCG(1, 2))}
		s := NewState(Options{Aggregate: aggregate.Options{Catalog: web}, Detector: detect.Options{Catalog: web}})
		for p := range src.next {
			skip := Skip{Source: Source{"client-logs", int32(p)}, From: NeverSeen, To: 0, Why: WhyStart}
			record, err := skip.Encode()
			if err != nil {
				b.Fatal(err)
			}
			s.Apply(s.Offset(), record)
		}
		var applying time.Duration
		var bytes int
		for done := 0; done < *deltas; {
			batch := make([][]byte, min(10_000, *deltas-done))
			for i := range batch {
				batch[i] = src.delta(done)
				bytes += len(batch[i])
				done++
			}
			b.StartTimer()
			from := time.Now()
			for _, record := range batch {
				if v := s.Apply(s.Offset(), record); v.Kind != Accepted {
					b.Fatal(v)
				}
			}
			applying += time.Since(from)
			b.StopTimer()
		}
		if res := s.Total().Result(aggregate.ResultOptions{}); res.Events != int64(src.events) {
			b.Fatalf("%d events, want %d", res.Events, src.events)
		}
		b.ReportMetric(float64(applying.Nanoseconds())/float64(*deltas), "ns/delta")
		b.ReportMetric(float64(bytes)/float64(*deltas), "bytes/delta")
		b.StartTimer()
	}
}
