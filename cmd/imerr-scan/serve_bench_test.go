//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"imerr-scan/internal/kafka/kafkatest"
)

// What a record of a topic costs the service, all told: the CPU of the real binary that catches up with a backlog in four partitions,
// and its memory. The broker is a process of its own and is not counted.
//
//	go test -run '^$' -bench ServeBacklog -benchtime 1x ./cmd/imerr-scan
func BenchmarkServeBacklog(b *testing.B) {
	bin := filepath.Join(b.TempDir(), "imerr-scan")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for _, every := range []int{100, 2} {
		for _, codec := range []string{"none", "lz4", "zstd"} {
			b.Run(fmt.Sprintf("errors=%d%%/%s", 100/every, codec), func(b *testing.B) {
				records := 1_000_000 / max(1, 4/every)
				broker := kafkatest.Fake(b)
				broker.Create(b, "client-logs", 4, nil)
				fill(b, broker, codec, records, every)
				for round := 0; b.Loop(); round++ {
					cpu, peak := catchUp(b, bin, broker, fmt.Sprintf("g%d", round), records)
					b.ReportMetric(float64(cpu.Nanoseconds())/float64(records), "cpu-ns/record")
					b.ReportMetric(peak/(1<<20), "peak-MiB")
				}
			})
		}
	}
}

// fill writes records of 420 bytes, one in every of which is an error.
func fill(b *testing.B, broker *kafkatest.Broker, codec string, records, every int) {
	start, batches := time.Now().Add(-time.Hour), [4][][]byte{}
	pad := strings.Repeat("x", 420)
	for i := range records {
		line := fmt.Sprintf(`{"time":%q,"level":"info","msg":"message sent","user":"u_%d","error":null,"pad":"`, start.Add(time.Duration(i)*time.Millisecond).Format(time.RFC3339Nano), i%20_000)
		if i%every == 0 {
			line = strings.Replace(line, "null", fmt.Sprintf(`{"type":%d,"message":"the request was refused"}`, []int{206, 217, 509, 512}[i/every%4]), 1)
		}
		line += pad[:max(0, 418-len(line))] + `"}`
		p := i % 4
		if batches[p] = append(batches[p], []byte(line)); len(batches[p]) == 2000 || i >= records-4 {
			broker.Produce(b, "client-logs", p, codec, batches[p]...)
			batches[p] = nil
		}
	}
}

var counted = regexp.MustCompile(`(?m)^imerr_lines_total\{input="kafka",result="[a-z_]+"\} (\d+)$`)

// catchUp lets a service count all records and returns the CPU that took, its start included, and its greatest memory in bytes.
func catchUp(b *testing.B, bin string, broker *kafkatest.Broker, group string, records int) (cpu time.Duration, peak float64) {
	s := launchServe(b, bin, filepath.Join(b.TempDir(), "said"), "--config", "none", "--kafka-brokers", strings.Join(broker.Plain, ","), "--kafka-topics", "client-logs", "--kafka-group", group)
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		body, _ := s.get("/metrics")
		lines := 0
		for _, m := range counted.FindAllStringSubmatch(body, -1) {
			n, _ := strconv.Atoi(m[1])
			lines += n
		}
		if lines == records {
			break
		}
		if lines > records || time.Now().After(end) {
			said, _ := os.ReadFile(s.said)
			b.Fatalf("%d of %d records counted\n%s", lines, records, said)
		}
	}
	peak, _ = strconv.ParseFloat(s.metric("process_resident_memory_peak_bytes"), 64)
	s.stop()
	return s.cmd.ProcessState.UserTime() + s.cmd.ProcessState.SystemTime(), peak
}
