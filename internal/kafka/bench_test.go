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

	"imerr-scan/internal/kafka/kafkatest"

	"github.com/segmentio/kafka-go"
)

// The CPU time of one record out of a backlog of 313 bytes each, with the search that most records end at, beside kafka-go's
// usual loop. Compare cpu-ns/record of runs made in turn (-count).
func BenchmarkBacklog(b *testing.B) {
	const records = 200_000
	broker := kafkatest.Fake(b)
	pad := strings.Repeat("p", 260)
	for _, codec := range []string{"none", "lz4", "zstd"} {
		broker.Create(b, codec, 1, nil)
		for from := 0; from < records; from += 20_000 {
			var values [][]byte
			for i := range 20_000 {
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
	ways := map[string]func(topic string, times bool) int{
		"FetchMessage": func(topic string, _ bool) int {
			r := kafka.NewReader(kafka.ReaderConfig{Brokers: broker.Plain, Topic: topic, MaxBytes: fetchBytes, MaxWait: fetchWait})
			defer r.Close()
			hits := 0
			for range records {
				m, err := r.FetchMessage(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				if bytes.Contains(m.Value, needle) {
					hits++
				}
			}
			return hits
		},
		"Read": func(topic string, times bool) int {
			hits, seen := 0, 0
			err := c.Read(context.Background(), Partition{topic, 0}, 0, Reader{Times: times, Record: func(r Record) error {
				if bytes.Contains(r.Value, needle) {
					hits++
				}
				if seen++; seen == records {
					return errEnough
				}
				return nil
			}})
			if !errors.Is(err, errEnough) {
				b.Fatal(err)
			}
			return hits
		},
	}
	for _, codec := range []string{"none", "lz4", "zstd"} {
		for _, way := range []struct {
			name, kind string
			times      bool
		}{{"FetchMessage", "FetchMessage", false}, {"Read", "Read", false}, {"ReadWithTimes", "Read", true}} {
			b.Run(codec+"/"+way.name, func(b *testing.B) {
				before := cpu(b)
				for b.Loop() {
					ways[way.kind](codec, way.times)
				}
				b.ReportMetric(float64(cpu(b)-before)/float64(b.N)/records, "cpu-ns/record")
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
