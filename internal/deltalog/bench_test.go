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

var (
	deltas    = flag.Int("deltas", 20_000, "deltas of BenchmarkApply")
	perSecond = flag.Int("events", 15, "events of each of them")
)

// busy makes the deltas of a topic of n partitions with perSecond errors a second in each: delta i is that of partition i%n in
// second i/n.
type busy struct {
	r         *rand.Rand
	perSecond int
	next      []int64
	events    int
}

var busyCodes = []int32{206, 206, 206, 206, 217, 1, 2, 101, 102, 300, 301, 303, 500, 501, 504, 601, 605, 700}

func (b *busy) delta(i int) []byte {
	p, at := i%len(b.next), start+int64(i/len(b.next))*1000
	t := aggregate.New(aggregate.Options{})
	for e := range b.perSecond {
		entry := web.Lookup(busyCodes[b.r.IntN(len(busyCodes))])
		t.Add(&classify.Event{Code: entry.Code, Entry: entry, Category: entry.Category, Candidate: &extract.Candidate{
			Time: at + int64(e*1000/b.perSecond), User: fmt.Sprintf("user_%05d", int(20_000*b.r.Float64()*b.r.Float64())),
			Version: [...]string{"4.9.1", "4.10.0", "4.15.2"}[b.r.IntN(3)], Platform: [...]string{"web", "ios", "android"}[b.r.IntN(3)],
			Device: fmt.Sprint("device_", b.r.IntN(50_000)),
		}})
	}
	const records = 400
	t.Lines(aggregate.WithError, int64(b.perSecond))
	t.Lines(aggregate.WithoutError, int64(records-b.perSecond))
	t.Seen(at, records)
	t.Bytes(records * 300)
	b.events += b.perSecond
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

// A start of the service reads the log as Replay does, and a replica goes on as Apply does. ns/op is for all of -deltas.
func BenchmarkApply(b *testing.B) {
	b.Run("one by one", func(b *testing.B) {
		benchmarkApply(b, func(s *State, batch [][]byte, told func(Verdict)) {
			for _, record := range batch {
				told(s.Apply(s.Offset(), record))
			}
		})
	})
	b.Run("replay", func(b *testing.B) {
		benchmarkApply(b, func(s *State, batch [][]byte, told func(Verdict)) {
			if err := s.Replay(read(s.Offset(), batch), told); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// read returns how Replay reads records that there are.
func read(offset int64, records [][]byte) func(func(int64, []byte) error) error {
	return func(apply func(int64, []byte) error) error {
		for i, record := range records {
			if err := apply(offset+int64(i), record); err != nil {
				return err
			}
		}
		return nil
	}
}

func newBusyState(partitions, perSecond int) (*State, busy) {
	src := busy{r: rand.New(rand.NewPCG(1, 2)), perSecond: perSecond, next: make([]int64, partitions)}
	s := NewState(Options{Aggregate: aggregate.Options{Catalog: web}, Detector: detect.Options{Catalog: web}})
	for p := range src.next {
		skip := Skip{Source: Source{"client-logs", int32(p)}, From: NeverSeen, To: 0, Why: WhyStart}
		s.Apply(s.Offset(), must(skip.Encode()))
	}
	return s, src
}

func benchmarkApply(b *testing.B, apply func(*State, [][]byte, func(Verdict))) {
	for b.Loop() {
		b.StopTimer()
		s, src := newBusyState(16, *perSecond)
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
			apply(s, batch, func(v Verdict) {
				if v.Kind != Accepted {
					b.Error(v)
				}
			})
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
