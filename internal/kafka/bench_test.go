//go:build unix

package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/kafka/kafkatest"
	"imerr-scan/internal/pipeline"
	"imerr-scan/pkg/catalog"

	"github.com/segmentio/kafka-go"
)

// The CPU time of one record out of a backlog of 313 bytes each, one in a hundred an error, beside kafka-go's usual loop: with
// the search alone that most records end at, and with all that serve does, up to a tally. Compare cpu-ns/record of runs made
// in turn (-count).
func BenchmarkBacklog(b *testing.B) {
	const records = 200_000
	broker := kafkatest.Fake(b)
	pad := strings.Repeat("p", 260)
	for _, codec := range []string{"none", "lz4", "zstd"} {
		broker.Create(b, codec, 1, nil)
		for from := 0; from < records; from += 20_000 {
			var values [][]byte
			for i := range 20_000 {
				if i%100 == 0 {
					values = append(values, fmt.Appendf(nil, `{"level":"error","error":{"type":206,"message":"kicked"},"user":"u_%d","text":"%s"}`, i, pad[:200]))
					continue
				}
				values = append(values, fmt.Appendf(nil, `{"level":"info","n":%d,"text":"%s"}`, from+i, pad))
			}
			broker.Produce(b, codec, 0, codec, values...)
		}
	}
	c, err := New(Options{Brokers: broker.Plain})
	if err != nil {
		b.Fatal(err)
	}
	needle := []byte(`"type`)
	hits := 0
	search := func(value []byte, _ time.Time, _ int64) {
		if bytes.Contains(value, needle) {
			hits++
		}
	}
	cat := catalog.Web()
	values := pipeline.NewValues("x", pipeline.Options{Catalog: cat, Aggregate: aggregate.Options{Catalog: cat}})
	count := func(value []byte, at time.Time, offset int64) {
		if err := values.Value(value, at, offset); err != nil {
			b.Fatal(err)
		}
	}
	fetch := func(topic string, do func([]byte, time.Time, int64)) {
		r := kafka.NewReader(kafka.ReaderConfig{Brokers: broker.Plain, Topic: topic, MaxBytes: fetchBytes, MaxWait: fetchWait})
		defer r.Close()
		for range records {
			m, err := r.FetchMessage(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			do(m.Value, m.Time, m.Offset)
		}
	}
	read := func(topic string, times bool, do func([]byte, time.Time, int64)) {
		seen := 0
		err := c.Read(context.Background(), Partition{topic, 0}, 0, Reader{Times: times, Record: func(r Record) error {
			do(r.Value, r.Time, r.Offset)
			if seen++; seen == records {
				return errEnough
			}
			return nil
		}})
		if !errors.Is(err, errEnough) {
			b.Fatal(err)
		}
	}
	for _, codec := range []string{"none", "lz4", "zstd"} {
		for name, loop := range map[string]func(){
			"search/FetchMessage":  func() { fetch(codec, search) },
			"search/Read":          func() { read(codec, false, search) },
			"search/ReadWithTimes": func() { read(codec, true, search) },
			"count/FetchMessage":   func() { fetch(codec, count) },
			"count/ReadWithTimes":  func() { read(codec, true, count) },
		} {
			b.Run(codec+"/"+name, func(b *testing.B) {
				before := cpu(b)
				for b.Loop() {
					loop()
				}
				b.ReportMetric(float64(cpu(b)-before)/float64(b.N)/records, "cpu-ns/record")
				values.Take()
			})
		}
	}
}

// cpu returns what this process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
