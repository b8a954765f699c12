package serve

import (
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/deltalog/filelog"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/kafka"
	"imerr-scan/internal/kafka/kafkatest"
	"imerr-scan/internal/pipeline"

	"go.uber.org/goleak"
)

var (
	deltas = flag.Int("deltas", 10_000, "deltas in the log of BenchmarkOpen")
	events = flag.Int("events", 5, "errors in each of them")
)

// From a log to a replica that holds what it says: the log of a topic of 16 partitions, of which each has some errors a second,
// with all the fields that they can have. Of -deltas 1000000 this is the start after a day and a night without a base, and the one
// that finds a base and as many deltas as there may be until the next.
func BenchmarkOpen(b *testing.B) {
	opt := Options{
		Name: "test", Logger: slog.New(slog.DiscardHandler),
		State: deltalog.Options{Aggregate: aggregate.Options{Catalog: web}, Detector: detect.Options{Catalog: web}},
	}
	open := func(b *testing.B, log deltalog.Log, deltas int) {
		opt := opt
		opt.Log = log
		for b.Loop() {
			r, err := Open(b.Context(), opt)
			if err != nil {
				b.Fatal(err)
			}
			if n := r.state.Total().Result(aggregate.ResultOptions{}).Events; n != int64(deltas**events) {
				b.Fatalf("%d events, want %d", n, deltas**events)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(deltas), "ns/delta")
	}
	both := func(b *testing.B, log deltalog.Log) {
		w := writer{r: rand.New(rand.NewPCG(1, 2)), log: log}
		w.write(b, *deltas)
		b.Run("without a base", func(b *testing.B) { open(b, log, *deltas) })
		opt := opt
		opt.Log = log
		r, err := Open(b.Context(), opt)
		if err != nil {
			b.Fatal(err)
		}
		records, err := r.state.Base()
		if err != nil {
			b.Fatal(err)
		}
		if err := log.Append(b.Context(), records...); err != nil {
			b.Fatal(err)
		}
		const more = 50_000
		w.write(b, more)
		b.Run("from a base", func(b *testing.B) { open(b, log, *deltas+more) })
	}
	b.Run("file", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "deltas")
		log, err := filelog.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		defer log.Close()
		both(b, log)
		if info, err := os.Stat(path); err == nil {
			b.Logf("%d deltas, %d MiB", *deltas, info.Size()>>20)
		}
	})
	b.Run("kafka", func(b *testing.B) {
		broker := kafkatest.Fake(b)
		cluster, err := kafka.New(kafka.Options{Brokers: broker.Plain})
		if err != nil {
			b.Fatal(err)
		}
		defer cluster.Close()
		log, err := cluster.OpenLog(b.Context(), "deltas", kafka.LogOptions{Create: true})
		if err != nil {
			b.Fatal(err)
		}
		defer log.Close()
		both(b, log)
	})
}

// writer writes the deltas: delta i is that of partition i%16 in second i/16.
type writer struct {
	r    *rand.Rand
	log  deltalog.Log
	done int
}

func (w *writer) write(b *testing.B, n int) {
	const partitions, records = 16, 400
	codes := []int{206, 206, 206, 206, 217, 1, 2, 101, 102, 300, 301, 303, 500, 501, 504, 601, 605, 700}
	values := pipeline.NewValues("client-logs", pipeline.Options{Catalog: web, Aggregate: aggregate.Options{Catalog: web}})
	var batch [][]byte
	for end := w.done + n; w.done < end; w.done++ {
		p, from := w.done%partitions, int64(w.done/partitions)*records
		at := time.Date(2026, 11, 23, 10, 0, w.done/partitions, 0, time.UTC)
		for e := range *events {
			line := fmt.Appendf(nil, `{"ts":%q,"user":"user_%05d","deviceId":"d%d","sdk_version":"4.%d.0","platform":%q,"error":{"type":%d,"message":"m"}}`,
				at.Add(time.Duration(e)*time.Second/time.Duration(*events)).Format(time.RFC3339Nano), int(20_000*w.r.Float64()*w.r.Float64()), w.r.IntN(50_000),
				w.r.IntN(3), [...]string{"web", "ios", "android"}[w.r.IntN(3)], codes[w.r.IntN(len(codes))])
			if err := values.Value(line, at, int64(e)); err != nil {
				b.Fatal(err)
			}
		}
		delta := deltalog.Delta{
			Source: deltalog.Source{Name: "client-logs", Partition: int32(p)}, From: from, To: from + records, Records: records,
			Watermark: at.UnixMilli(), At: at.UnixMilli() + 300, End: true, By: "pod-7/8f3c", Counts: values.Take(),
		}
		if from == 0 {
			delta.From = deltalog.NeverSeen
		}
		record, err := delta.Encode()
		if err != nil {
			b.Fatal(err)
		}
		if batch = append(batch, record); len(batch) == 500 || w.done == end-1 {
			if err := w.log.Append(b.Context(), batch...); err != nil {
				b.Fatal(err)
			}
			batch = nil
		}
	}
}

// TestMain fails if a goroutine outlives the tests.
func TestMain(m *testing.M) {
	kafkatest.BeFake()
	goleak.VerifyTestMain(m)
}
