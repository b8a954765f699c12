//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"imerr-scan/internal/kafka/kafkatest"
)

// kafkaTopic is what the tests with Kafka read.
const kafkaTopic = "client-logs"

// consume starts a replica that reads a topic and keeps its log in another.
func consume(t *testing.T, bin, dir, name string, b *kafkatest.Broker, args ...string) *served {
	t.Helper()
	args = append([]string{"--kafka-brokers", strings.Join(b.Plain, ","), "--kafka-topics", kafkaTopic}, args...)
	if !strings.Contains(strings.Join(args, " "), "--config") {
		args = append(args, "--config", "none")
	}
	return launchServe(t, bin, filepath.Join(dir, name), args...)
}

func kick(i int) []byte {
	return fmt.Appendf(nil, `{"ts":%q,"error":{"type":206,"message":"kicked"},"user":"u_%d"}`, time.Now().UTC().Format(time.RFC3339Nano), i)
}

// From a topic, on which somebody put all sorts of things, to counts and metrics; another replica takes its share, and a third
// one that starts when all are gone knows everything.
func TestServeReadsTopics(t *testing.T) {
	dir := t.TempDir()
	serveTopics(t, kafkatest.Fake(t), binary(t, dir), dir)
}

func serveTopics(t *testing.T, b *kafkatest.Broker, bin, dir string) {
	b.Create(t, kafkaTopic, 2, map[string]string{"max.message.bytes": "4000000"})
	hostile := [][]byte{
		nil, {}, []byte(" \t\n"), []byte("plain text"), []byte("\xff\xfe\x00\x01"), []byte("{\"error\":{\"type\":206},\"x\":\"\xff\"}"),
		[]byte(`{"\u0065rror":{"typ\u0065":217}}`), []byte("\x00\x00\x00\x00\x2a{\"error\":{\"type\":509}}"),
		[]byte(`{"error":{"type":206},"x":` + strings.Repeat("[", 100_000)),
		[]byte(`{"error":{"type":206},"x":"` + strings.Repeat("y", 2<<20) + `"}`),
		[]byte("{\n \"error\": {\n  \"type\": 206\n }\n}"), []byte(`{"error":{"type":"<script>alert(1)</script>"}}`), []byte(`{"error":{"type":"0206"}}`),
	}
	b.Produce(t, kafkaTopic, 0, "", hostile...)
	b.Produce(t, kafkaTopic, 1, "zstd", kick(1), kick(2), nil, kick(3))
	s := consume(t, bin, dir, "a", b)
	const kicks = `imerr_errors_total{code="206",name="WEBIM_CONNCTION_USER_LOGIN_ANOTHER_DEVICE",category="auth"}`
	s.want(kicks, "5")
	for name, want := range map[string]string{
		`imerr_lines_total{input="kafka",result="empty"}`: "4", `imerr_lines_total{input="kafka",result="too_long"}`: "1",
		`imerr_lines_total{input="kafka",result="broken"}`: "1", `imerr_lines_total{input="kafka",result="without_error"}`: "3",
		`imerr_lines_total{input="kafka",result="with_error"}`:                            "12",
		`imerr_errors_total{code="unknown",name="",category="unknown"}`:                   "1",
		`imerr_kafka_lag{topic="client-logs",partition="0"}`:                              "0",
		`imerr_kafka_offset{topic="client-logs",partition="1"}`:                           "4",
		`imerr_undated_events_total`:                                                      "0",
		`imerr_event_delay_seconds_count`:                                                 "8",
		`imerr_leader`:                                                                    "1",
		`imerr_ready`:                                                                     "1",
		`imerr_errors_total{code="509",name="MESSAGE_CURRENT_LIMITING",category="quota"}`: "1",
	} {
		s.want(name, want)
	}
	if body, status := s.get("/readyz"); status != 200 {
		t.Errorf("/readyz: %d %s", status, body)
	}

	second := consume(t, bin, dir, "b", b)
	waitUntil(t, "each has a partition", func() bool {
		return s.owns() == 1 && second.owns() == 1
	})
	for p := range 2 {
		b.Produce(t, kafkaTopic, p, "", kick(10), kick(11))
	}
	second.want(kicks, "2") // of this process
	s.want(kicks, "7")
	if a, b := s.metric("imerr_leader"), second.metric("imerr_leader"); a == b {
		t.Errorf("imerr_leader %s and %s, want one of them", a, b)
	}
	for _, replica := range []*served{s, second} {
		waitUntil(t, "every replica knows all", func() bool { return replica.count(206) == 9 })
		replica.stop()
	}
	third := consume(t, bin, dir, "c", b)
	waitUntil(t, "it knows all", func() bool { return third.count(206) == 9 })
	if got := third.metric(kicks); got != "0" {
		t.Errorf("%s of a process that counted nothing is %s", kicks, got)
	}
	third.stop()
}

// owns returns how many partitions a replica has.
func (s *served) owns() int {
	body, _ := s.get("/metrics")
	return strings.Count(body, "\nimerr_kafka_lag{")
}

// count returns how often a code was counted, by all that the state knows.
func (s *served) count(code int) int {
	body, _ := s.get(fmt.Sprintf("/api/v1/codes/%d", code))
	var got struct{ Count int }
	_ = json.Unmarshal([]byte(body), &got)
	return got.Count
}

// What happens to topics and brokers while a service reads them.
func TestServeOverWhatHappensToTopics(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute")
	}
	t.Parallel()
	dir := t.TempDir()
	happenings(t, kafkatest.Fake(t), binary(t, dir), dir, 14*time.Second, 3*time.Second)
}

const anyKick = `imerr_errors_total{code="206",name="WEBIM_CONNCTION_USER_LOGIN_ANOTHER_DEVICE",category="auth"}`

func happenings(t *testing.T, b *kafkatest.Broker, bin, dir string, frozen, dead time.Duration) {
	serve := func(topic string, args ...string) *served {
		return consume(t, bin, dir, topic, b, append([]string{"--kafka-topics", topic, "--kafka-group", topic}, args...)...)
	}
	produce := func(topic string, partition, n int) {
		var values [][]byte
		for i := range n {
			values = append(values, kick(i))
		}
		b.Produce(t, topic, partition, "lz4", values...)
	}
	t.Run("retention was shorter than the way to here", func(t *testing.T) {
		b.Create(t, "short", 1, nil)
		produce("short", 0, 10)
		s := serve("short")
		s.want(anyKick, "10")
		s.stop()
		produce("short", 0, 30)
		b.DeleteRecords(t, "short", 0, 33)
		s = serve("short")
		s.want(anyKick, "7")
		s.want("imerr_lost_records_total", "23")
		s.stop()
	})
	t.Run("a topic is made anew", func(t *testing.T) {
		b.Create(t, "anew", 1, nil)
		produce("anew", 0, 10)
		s := serve("anew")
		s.want(anyKick, "10")
		s.stop()
		b.Delete(t, "anew")
		b.Create(t, "anew", 1, nil)
		produce("anew", 0, 4)
		s = serve("anew")
		waitUntil(t, "/readyz says that somebody has to decide", func() bool {
			body, status := s.get("/readyz")
			return status == 503 && strings.Contains(body, "made anew") && strings.Contains(body, "kafka.on_truncated")
		})
		if got := s.metric(anyKick); got != "0" {
			t.Errorf("%s kicks counted of a topic of which it is not known what it holds", got)
		}
		s.stop()
		s = serve("anew", "--kafka-on-truncated", "first")
		s.want(anyKick, "4")
		waitUntil(t, "it is ready", func() bool { _, status := s.get("/readyz"); return status == 200 })
		s.stop()
	})
	t.Run("a partition comes in addition", func(t *testing.T) {
		b.Create(t, "grows", 1, nil)
		s := serve("grows")
		waitUntil(t, "it has the first", func() bool { return s.owns() == 1 })
		b.AddPartitions(t, "grows", 1)
		began := time.Now()
		produce("grows", 1, 5)
		s.want(anyKick, "5")
		t.Logf("read after %.0f s", time.Since(began).Seconds())
		s.stop()
	})
	t.Run("transactions and codecs", func(t *testing.T) {
		b.Create(t, "mixed", 1, nil)
		for codec := range kafkatest.Codecs {
			b.Produce(t, "mixed", 0, codec, kick(1), kick(2))
		}
		b.Transact(t, "mixed", 0, true, kick(1))
		b.Transact(t, "mixed", 0, false, kick(1)) // cannot be told apart: documented
		s := serve("mixed")
		s.want(anyKick, fmt.Sprint(2*len(kafkatest.Codecs)+2))
		s.want(`imerr_kafka_lag{topic="mixed",partition="0"}`, "0")
		s.stop()
	})
	t.Run("counting begins where it was asked for", func(t *testing.T) {
		b.Create(t, "late", 1, nil)
		produce("late", 0, 5)
		s := serve("late", "--kafka-start", "last")
		s.want(`imerr_kafka_offset{topic="late",partition="0"}`, "5")
		produce("late", 0, 2)
		s.want(anyKick, "2")
		s.stop()
	})
	t.Run("a file beside a topic", func(t *testing.T) {
		b.Create(t, "beside", 1, nil)
		produce("beside", 0, 3)
		log := filepath.Join(dir, "beside.log")
		if err := os.WriteFile(log, append(kick(1), '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
		s := serve("beside", log)
		s.want(anyKick, "4")
		s.want(`imerr_lines_total{input="files",result="with_error"}`, "1")
		s.want(`imerr_lines_total{input="kafka",result="with_error"}`, "3")
		s.stop()
		s = serve("beside", log) // the topic knows the position of the file
		produce("beside", 0, 1)
		s.want(anyKick, "1")
		if got := s.count(206); got != 5 {
			t.Errorf("counted %d, want 5", got)
		}
		s.stop()
	})
	t.Run("the broker stands still and then dies", func(t *testing.T) {
		b.Create(t, "away", 1, nil)
		s := serve("away")
		produce("away", 0, 3)
		s.want(anyKick, "3")
		b.Freeze(0)
		began := time.Now()
		waitUntil(t, "/readyz says so", func() bool { _, status := s.get("/readyz"); return status == 503 })
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("/readyz was silent for %v", took)
		}
		body, _ := s.get("/readyz")
		t.Logf("after %.0f s: %s", time.Since(began).Seconds(), strings.TrimSpace(body))
		time.Sleep(frozen - time.Since(began))
		b.Kill(0)
		time.Sleep(dead)
		b.Start(t, 0)
		produce("away", 0, 4)
		began = time.Now()
		s.want(anyKick, "7")
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("counting again after %v, want at most 20 s", took)
		}
		waitUntil(t, "it is ready", func() bool { _, status := s.get("/readyz"); return status == 200 })
		t.Logf("counting again after %.1f s", time.Since(began).Seconds())
		b.Freeze(0)
		defer b.Thaw(0)
		began = time.Now()
		s.stop()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("SIGTERM took %v while the broker stood still, want at most 10 s", took)
		}
		t.Logf("SIGTERM took %.1f s while the broker stood still", time.Since(began).Seconds())
	})
}

// A replica that has 64 partitions to itself, each with a backlog in batches of nearly 1 MiB, stays small.
func TestServeOfManyPartitionsStaysSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute")
	}
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc")
	}
	const partitions, batches, most = 64, 4, 128 << 10 // KiB
	dir := t.TempDir()
	b := kafkatest.Fake(t)
	b.Create(t, kafkaTopic, partitions, map[string]string{"max.message.bytes": "2000000"})
	records := 0
	for p := range partitions {
		for i := range batches {
			var values [][]byte
			for k := range 2200 { // of about 450 bytes
				if k%100 == 0 {
					values = append(values, kick(k))
					continue
				}
				values = append(values, fmt.Appendf(nil, `{"level":"info","n":%d,"text":"%0400d"}`, k, i*p))
			}
			records += len(values)
			b.Produce(t, kafkaTopic, p, []string{"none", "lz4"}[i%2], values...)
		}
	}
	s := consume(t, binary(t, dir), dir, "a", b)
	s.want(`imerr_lines_total{input="kafka",result="without_error"}`, fmt.Sprint(records/100*99))
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	var peak int
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscan(after, &peak); err != nil || peak > most {
		t.Errorf("peak of resident memory %d KiB (%v), want at most %d", peak, err, most)
	}
	t.Logf("%d records of %d partitions: peak %d MiB", records, partitions, peak>>10)
	s.stop()
}

// A topic that cannot hold the log, or is not ours, and a cluster that does not let us in: one sentence, status 2.
func TestServeRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := kafkatest.Fake(t)
	b.Create(t, kafkaTopic, 1, nil)
	b.Create(t, "two", 2, nil)
	b.Create(t, "compacted", 1, map[string]string{"cleanup.policy": "compact"})
	b.Create(t, "other", 1, nil)
	b.Produce(t, "other", 0, "", []byte("a line of log"), []byte(`{"not":"ours"}`))
	bin := binary(t, dir)
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"two partitions", []string{"--kafka-log-topic", "two"}, "has 2 partitions, a log has one; mend it with: kafka-topics.sh"},
		{"compacted", []string{"--kafka-log-topic", "compacted"}, "mend it with: kafka-configs.sh"},
		{"not ours", []string{"--kafka-log-topic", "other"}, "topic other: not a delta log of imerr-scan"},
		{"missing and not to be made", []string{"--kafka-create-log", "false"}, "is missing; mend it with: kafka-topics.sh"},
		{"no such topic", []string{"--kafka-topics", "client-log"}, "there is no topic client-log"},
		{"nobody listens", []string{"--kafka-brokers", "127.0.0.1:1"}, "nobody listens there"},
		{"TLS spoken to plain", []string{"--kafka-tls-enabled", "true"}, "it speaks no TLS on that port"},
		{"plain spoken to TLS", []string{"--kafka-brokers", b.TLS[0]}, "it speaks TLS on that port"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			args := []string{"serve", "--config", "none", "--listen", "none", "--kafka-brokers", b.Plain[0], "--kafka-topics", kafkaTopic}
			cmd := exec.Command(bin, append(args, tc.args...)...)
			cmd.Env = append(os.Environ(), "LC_ALL=en_US.UTF-8")
			out, err := cmd.CombinedOutput()
			if err == nil || cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), tc.want) || strings.Count(string(out), "\n") > 2 {
				t.Errorf("%v\n%s\nwant status 2 and %q", err, out, tc.want)
			}
		})
	}
}
