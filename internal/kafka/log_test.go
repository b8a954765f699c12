package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/kafka/kafkatest"

	"github.com/segmentio/kafka-go"
)

var _ deltalog.Log = (*Log)(nil)

func TestLogTopic(t *testing.T) {
	t.Parallel()
	logTopic(t, kafkatest.Fake(t))
}

func logTopic(t *testing.T, b *kafkatest.Broker) {
	c := plainly(t, b)
	bootstrap := "--bootstrap-server " + strings.Join(b.Plain, ",")
	openLog := func(t *testing.T, topic string, opt LogOptions) *Log {
		t.Helper()
		l, err := c.OpenLog(t.Context(), topic, opt)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	t.Run("made with what a log needs, once", func(t *testing.T) {
		openLog(t, "made-log", LogOptions{Create: true})
		openLog(t, "made-log", LogOptions{Create: true})
		got := b.Configs(t, b.Plain, "made-log")
		for key, want := range map[string]string{"cleanup.policy": "delete", "retention.ms": "172800000", "message.timestamp.type": "LogAppendTime"} {
			if got[key] != want {
				t.Errorf("%s is %q, want %q", key, got[key], want)
			}
		}
	})
	t.Run("missing, and not to be made", func(t *testing.T) {
		_, err := c.OpenLog(t.Context(), "absent-log", LogOptions{})
		want(t, err, "is missing", "kafka-topics.sh "+bootstrap+" --create --topic absent-log --partitions 1 --replication-factor ", "--config cleanup.policy=delete", "--config retention.ms=172800000")
		var e *TopicError
		if !errors.As(err, &e) || !errors.Is(err, kafka.UnknownTopicOrPartition) {
			t.Errorf("%T", err)
		}
	})
	t.Run("two partitions", func(t *testing.T) {
		b.Create(t, "two-log", 2, nil)
		_, err := c.OpenLog(t.Context(), "two-log", LogOptions{Create: true})
		want(t, err, "has 2 partitions", "kafka-topics.sh "+bootstrap+" --delete --topic two-log")
	})
	for _, policy := range []string{"compact", "compact,delete"} {
		t.Run(policy, func(t *testing.T) {
			topic := "log-" + strings.ReplaceAll(policy, ",", "-")
			b.Create(t, topic, 1, map[string]string{"cleanup.policy": policy})
			_, err := c.OpenLog(t.Context(), topic, LogOptions{Create: true})
			want(t, err, "cleanup.policy="+policy, "kafka-configs.sh "+bootstrap+" --alter --entity-type topics --entity-name "+topic+" --add-config cleanup.policy=delete")
		})
	}
	t.Run("a user who may not make it", func(t *testing.T) {
		guest := open(t, Options{Brokers: b.SASL, SASL: &SASL{"SCRAM-SHA-256", kafkatest.Guest, kafkatest.GuestPassword}})
		_, err := guest.OpenLog(t.Context(), "guest-log", LogOptions{Create: true})
		want(t, err, "guest-log", kafkatest.Guest)
	})
	t.Run("what is appended is read, whole and in order", func(t *testing.T) {
		l := openLog(t, "rw-log", LogOptions{Create: true})
		var all [][]byte
		for i := range 40 {
			all = append(all, bytes.Repeat([]byte{byte('a' + i%26)}, 1+i*3000))
		}
		if err := l.Append(t.Context(), all[:1]...); err != nil {
			t.Fatal(err)
		}
		if err := l.Append(t.Context(), all[1:]...); err != nil { // 2.3 MB: three writes
			t.Fatal(err)
		}
		if first, end, err := l.Bounds(t.Context()); first != 0 || end != 40 || err != nil {
			t.Errorf("bounds %d to %d, %v", first, end, err)
		}
		var got [][]byte
		next, err := l.Read(t.Context(), 0, false, keep(&got, 0))
		if next != 40 || err != nil || !slices.EqualFunc(got, all, bytes.Equal) {
			t.Errorf("%d records, next %d, %v", len(got), next, err)
		}
		got = nil
		if next, err := l.Read(t.Context(), 38, false, keep(&got, 38)); next != 40 || err != nil || len(got) != 2 {
			t.Errorf("from 38: %d records, next %d, %v", len(got), next, err)
		}
		if next, err := l.Read(t.Context(), 40, false, keep(&got, 40)); next != 40 || err != nil || len(got) != 2 {
			t.Errorf("from the end: %d records, next %d, %v", len(got), next, err)
		}
	})
	t.Run("waiting for what comes", func(t *testing.T) {
		l := openLog(t, "wait-log", LogOptions{Create: true})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		seen := make(chan int64)
		done := make(chan error, 1)
		go func() {
			_, err := l.Read(ctx, 0, true, func(offset int64, _ []byte) error { seen <- offset; return nil })
			done <- err
		}()
		for i := range int64(3) {
			if err := l.Append(t.Context(), []byte("delta")); err != nil {
				t.Fatal(err)
			}
			if got := <-seen; got != i {
				t.Errorf("offset %d, want %d", got, i)
			}
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Read = %v", err)
		}
	})
	t.Run("an error of who reads ends it", func(t *testing.T) {
		l := openLog(t, "rw-log", LogOptions{})
		next, err := l.Read(t.Context(), 0, true, func(offset int64, _ []byte) error {
			if offset == 7 {
				return errEnough
			}
			return nil
		})
		if next != 7 || !errors.Is(err, errEnough) {
			t.Errorf("next %d, %v", next, err)
		}
	})
	t.Run("a record that retention took", func(t *testing.T) {
		b.DeleteRecords(t, "rw-log", 0, 10)
		_, err := openLog(t, "rw-log", LogOptions{}).Read(t.Context(), 3, false, func(int64, []byte) error { return nil })
		var gone *OutOfRangeError
		if !errors.As(err, &gone) || !gone.Lost() || gone.First != 10 {
			t.Errorf("Read = %v", err)
		}
	})
	t.Run("a record that is too large for the topic", func(t *testing.T) {
		noise := make([]byte, 3<<20)
		for i := range noise {
			noise[i] = byte(i * i >> 3 * 7)
		}
		b.Create(t, "small-log", 1, map[string]string{"max.message.bytes": "1000"})
		l := openLog(t, "small-log", LogOptions{})
		if err := l.Append(t.Context(), noise); !errors.Is(err, deltalog.ErrTooLarge) {
			t.Errorf("Append = %v", err)
		}
		if err := l.Append(t.Context(), []byte("small")); err != nil {
			t.Errorf("after it: %v", err)
		}
	})
}

func want(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("error %v, want %q in it", err, p)
		}
	}
}

func keep(got *[][]byte, from int64) func(int64, []byte) error {
	next := from
	return func(offset int64, record []byte) error {
		if offset != next {
			return fmt.Errorf("offset %d, want %d", offset, next)
		}
		next++
		*got = append(*got, record)
		return nil
	}
}

func TestBrokerThatIsKilledAndFrozen(t *testing.T) {
	t.Parallel()
	outage(t, kafkatest.Fake(t))
}

// outage kills, restarts and freezes the brokers while a partition is read and a log is followed and written: whoever reads
// sees each record once and goes on by himself.
func outage(t *testing.T, b *kafkatest.Broker) {
	b.Create(t, "client-logs", 1, nil)
	c := open(t, Options{Brokers: b.Plain, Timeout: 2 * time.Second})
	log, err := c.OpenLog(t.Context(), "imerr-log", LogOptions{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read, followed := make(chan int64, 1000), make(chan int64, 1000)
	done := make(chan error, 2)
	go func() {
		done <- c.Read(ctx, Partition{"client-logs", 0}, 0, Reader{Record: func(r Record) error { read <- r.Offset; return nil }})
	}()
	go func() {
		_, err := log.Read(ctx, 0, true, func(offset int64, _ []byte) error { followed <- offset; return nil })
		done <- err
	}()
	expect := func(what string, from <-chan int64, want int64) {
		t.Helper()
		select {
		case got := <-from:
			if got != want {
				t.Fatalf("%s: offset %d, want %d", what, got, want)
			}
		case <-time.After(60 * time.Second):
			t.Fatalf("%s: offset %d never came", what, want)
		}
	}
	var n, m int64
	both := func(when string) {
		t.Helper()
		b.Produce(t, "client-logs", 0, "zstd", []byte("x"))
		expect("read "+when, read, n)
		n++
		eventually(t, func() error { return log.Append(t.Context(), []byte("delta")) })
		_, end, err := log.Bounds(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for ; m < end; m++ { // a write that was answered by nobody may be there twice
			expect("followed "+when, followed, m)
		}
	}
	both("at first")
	for i := range b.Plain {
		b.Kill(i)
		if len(b.Plain) > 1 {
			both(fmt.Sprintf("while broker %d is dead", i))
		}
		b.Start(t, i)
		both(fmt.Sprintf("after broker %d was killed", i))
		b.Freeze(i)
		time.Sleep(3 * time.Second) // longer than the timeout: connections break
		b.Thaw(i)
		both(fmt.Sprintf("after broker %d was frozen", i))
	}
	cancel()
	for range 2 {
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("reading ended with %v", err)
		}
	}
}
