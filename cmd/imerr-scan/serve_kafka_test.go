//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
