package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"imerr-scan/internal/kafka/kafkatest"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"
)

// TestMain fails if a goroutine outlives the tests.
func TestMain(m *testing.M) {
	kafkatest.BeFake()
	goleak.VerifyTestMain(m)
}

func open(t *testing.T, opt Options) *Cluster {
	t.Helper()
	c, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func plainly(t *testing.T, b *kafkatest.Broker) *Cluster {
	t.Helper()
	return open(t, Options{Brokers: b.Plain})
}

func TestOptionsThatCannotWork(t *testing.T) {
	brokers := []string{"127.0.0.1:9092"}
	tests := []struct {
		name string
		opt  Options
		want string
	}{
		{"no broker", Options{}, "no brokers"},
		{"broker without a port", Options{Brokers: []string{"kafka-1"}}, "want host:port"},
		{"unknown mechanism", Options{Brokers: brokers, SASL: &SASL{"GSSAPI", "u", "p"}}, "want PLAIN, SCRAM"},
		{"no password", Options{Brokers: brokers, SASL: &SASL{"PLAIN", "u", ""}}, "a user and a password"},
		{"password that SCRAM forbids", Options{Brokers: brokers, SASL: &SASL{"SCRAM-SHA-256", "u", "secret\u0007"}}, "does not allow"},
		{"authority that is no certificate", Options{Brokers: brokers, TLS: &TLS{CA: "secret"}}, "no certificate"},
		{"certificate without its key", Options{Brokers: brokers, TLS: &TLS{Cert: "secret"}}, "belong together"},
		{"key that is none", Options{Brokers: brokers, TLS: &TLS{Cert: "secret", Key: "secret"}}, "cert and key"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			_, err := New(tc.opt)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("New: %v, want an error with %q", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

func TestFirstContact(t *testing.T) {
	t.Parallel()
	firstContact(t, kafkatest.Fake(t))
}

// firstContact tries what goes wrong the first time, and what must work.
func firstContact(t *testing.T, b *kafkatest.Broker) {
	b.Create(t, "client-logs", 2, nil)
	pki := b.PKI
	ours := &TLS{CA: pki.CA, Cert: pki.ClientCert, Key: pki.ClientKey}
	stateless := "it asks for no user on this port"
	if !b.Real {
		stateless = "refuses the user" // kfake's answer
	}
	nobody := "127.0.0.1:1"
	silent := silence(t)
	tests := []struct {
		name  string
		opt   Options
		topic string
		want  string // "": it works
	}{
		{"in the clear", Options{Brokers: b.Plain}, "", ""},
		{"first broker is down, the second is not", Options{Brokers: append([]string{nobody}, b.Plain...)}, "", ""},
		{"with TLS and a client certificate", Options{Brokers: b.TLS, TLS: ours}, "", ""},
		{"nobody listens", Options{Brokers: []string{nobody}}, "", "nobody listens there"},
		{"no such host", Options{Brokers: []string{"kafka.invalid:9092"}}, "", "no host of that name"},
		{"something that never answers", Options{Brokers: []string{silent}, Timeout: 300 * time.Millisecond}, "", "no answer within 300ms"},
		{"never answers a user", Options{Brokers: []string{silent}, Timeout: 300 * time.Millisecond, SASL: &SASL{"PLAIN", "u", "p"}}, "", "no answer within 300ms"},
		{"topic missing", Options{Brokers: b.Plain}, "nothing-here", "there is no topic nothing-here"},
		{"name no topic can have", Options{Brokers: b.Plain}, "a b", "a b"},
		{"TLS spoken to plain", Options{Brokers: b.Plain, TLS: ours}, "", "speaks no TLS on that port"},
		{"plain spoken to TLS", Options{Brokers: b.TLS}, "", "speaks TLS on that port, and we do not"},
		{"a user and plain spoken to TLS", Options{Brokers: b.TLS, SASL: &SASL{"PLAIN", "u", "p"}}, "", "speaks TLS on that port, and we do not"},
		{"authority unknown", Options{Brokers: b.TLS, TLS: &TLS{CA: kafkatest.OtherCA(t), Cert: pki.ClientCert, Key: pki.ClientKey}}, "", "set kafka.tls.ca"},
		{"certificate for another name", Options{Brokers: b.TLS, TLS: &TLS{CA: pki.CA, Cert: pki.ClientCert, Key: pki.ClientKey, ServerName: "kafka"}}, "", "for another name"},
		{"client certificate missing", Options{Brokers: b.TLS, TLS: &TLS{CA: pki.CA}}, "", "set kafka.tls.cert"},
		{"no user where one is wanted", Options{Brokers: b.SASL}, "", "set kafka.sasl"},
		{"a user where none is wanted", Options{Brokers: b.Plain, SASL: &SASL{"PLAIN", "u", "p"}}, "", stateless},
	}
	for _, m := range kafkatest.Mechanisms {
		tests = append(tests, []struct {
			name  string
			opt   Options
			topic string
			want  string
		}{
			{m, Options{Brokers: b.SASL, SASL: &SASL{m, kafkatest.Admin, kafkatest.AdminPassword}}, "", ""},
			{m + ", wrong password", Options{Brokers: b.SASL, SASL: &SASL{m, kafkatest.Admin, "not-it"}}, "", "refuses the user or the password (user admin, " + m + ")"},
			{m + ", unknown user", Options{Brokers: b.SASL, SASL: &SASL{m, "stranger", "not-it"}}, "", "refuses the user or the password (user stranger"},
			{m + ", no rights", Options{Brokers: b.SASL, SASL: &SASL{m, kafkatest.Guest, kafkatest.GuestPassword}}, "", "user guest may not read topic client-logs"},
		}...)
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			topic := tc.topic
			if topic == "" {
				topic = "client-logs"
			}
			err := open(t, tc.opt).Check(t.Context(), "imerr", topic)
			switch {
			case err == nil && tc.want != "":
				t.Errorf("contact made, want %q", tc.want)
			case err != nil && tc.want == "":
				t.Errorf("no contact: %v", err)
			case err != nil && (!strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "not-it")):
				t.Errorf("it says %q, want %q in one line", err, tc.want)
			}
		})
	}
	t.Run("rights on the topic, none on the group", func(t *testing.T) {
		b.Create(t, "half", 1, nil)
		b.Allow(t, kmsg.ACLOperationDescribe, "half", "")
		c := open(t, Options{Brokers: b.SASL, SASL: &SASL{"PLAIN", kafkatest.Guest, kafkatest.GuestPassword}})
		eventually(t, func() error {
			if err := c.Check(t.Context(), "imerr", "half"); err == nil || !strings.Contains(err.Error(), "may not read topic half") {
				return fmt.Errorf("described only: %w", err)
			}
			return nil
		})
		b.Allow(t, kmsg.ACLOperationRead, "half", "")
		eventually(t, func() error {
			if err := c.Check(t.Context(), "imerr", "half"); err == nil || !strings.Contains(err.Error(), "may not join group imerr") {
				return fmt.Errorf("read, but no group: %w", err)
			}
			return nil
		})
		b.Allow(t, kmsg.ACLOperationRead, "", "imerr")
		eventually(t, func() error { return c.Check(t.Context(), "imerr", "half") })
	})
	t.Run("a topic that was asked for is not made", func(t *testing.T) {
		if err := plainly(t, b).Check(t.Context(), "imerr", "nothing-here"); !errors.Is(err, kafka.UnknownTopicOrPartition) {
			t.Errorf("asked twice: %v", err)
		}
	})
}

// silence accepts connections and says nothing.
func silence(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// eventually tries until it works; the test's own limit of time is the bound.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if err = try(); err == nil {
			return
		}
	}
	t.Fatalf("after 30 s still: %v", err)
}

// numbered returns n values that tell where they stand.
func numbered(from, n int) [][]byte {
	var values [][]byte
	for i := range n {
		values = append(values, fmt.Appendf(nil, `{"n":%d}`, from+i))
	}
	return values
}

// errEnough ends a Read from within.
var errEnough = errors.New("enough")

// readTo reads a partition up to its end, and returns what was given.
func readTo(t *testing.T, c *Cluster, p Partition, from int64, times bool) (got []Record, next int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := c.Read(ctx, p, from, Reader{
		Times: times,
		Record: func(r Record) error {
			r.Value = slices.Clone(r.Value)
			got = append(got, r)
			return nil
		},
		Fetched: func(n, end int64) error {
			if next = n; n >= end {
				return errEnough
			}
			return nil
		},
	})
	if !errors.Is(err, errEnough) {
		t.Fatalf("Read(%s, %d) = %v after %d records", p, from, err, len(got))
	}
	return got, next
}

func values(records []Record) []string {
	var all []string
	for _, r := range records {
		all = append(all, string(r.Value))
	}
	return all
}

func TestReading(t *testing.T) {
	t.Parallel()
	reading(t, kafkatest.Fake(t))
}

func reading(t *testing.T, b *kafkatest.Broker) {
	c := plainly(t, b)
	t.Run("each codec", func(t *testing.T) {
		for codec := range kafkatest.Codecs {
			topic := "codec-" + codec
			b.Create(t, topic, 1, nil)
			b.Produce(t, topic, 0, codec, numbered(0, 1000)...)
			for _, times := range []bool{false, true} {
				got, next := readTo(t, c, Partition{topic, 0}, 0, times)
				if len(got) != 1000 || next != 1000 || string(got[999].Value) != `{"n":999}` || got[999].Offset != 999 {
					t.Errorf("%s: %d records, next %d", codec, len(got), next)
				}
				if got[0].Time.IsZero() == times {
					t.Errorf("%s: time %v with Times %v", codec, got[0].Time, times)
				}
			}
		}
	})
	t.Run("beginning in the middle of a batch", func(t *testing.T) {
		got, next := readTo(t, c, Partition{"codec-zstd", 0}, 517, false)
		if len(got) != 483 || got[0].Offset != 517 || string(got[0].Value) != `{"n":517}` || next != 1000 {
			t.Errorf("%d records from %v, next %d", len(got), got[0], next)
		}
	})
	t.Run("at the end there is nothing", func(t *testing.T) {
		if got, next := readTo(t, c, Partition{"codec-none", 0}, 1000, false); len(got) != 0 || next != 1000 {
			t.Errorf("%d records, next %d", len(got), next)
		}
	})
	t.Run("null, empty, huge and binary values", func(t *testing.T) {
		b.Create(t, "odd", 1, map[string]string{"max.message.bytes": "20000000"})
		huge := []byte(strings.Repeat("x", 3<<20))
		b.Produce(t, "odd", 0, "zstd", []byte("first"), nil, []byte{}, huge, []byte{0, 0, 0, 0, 1, 2, 0xff}, []byte("last"))
		got, next := readTo(t, c, Partition{"odd", 0}, 0, false)
		want := []string{"first", "", "", string(huge), "\x00\x00\x00\x00\x01\x02\xff", "last"}
		if !slices.Equal(values(got), want) || next != 6 {
			t.Errorf("%d records, next %d", len(got), next)
		}
		for i, r := range got {
			if r.Offset != int64(i) {
				t.Errorf("record %d has offset %d", i, r.Offset)
			}
		}
	})
	t.Run("a topic of nulls", func(t *testing.T) {
		b.Create(t, "nulls", 1, nil)
		b.Produce(t, "nulls", 0, "", make([][]byte, 5000)...)
		if got, next := readTo(t, c, Partition{"nulls", 0}, 0, false); len(got) != 5000 || next != 5000 {
			t.Errorf("%d records, next %d", len(got), next)
		}
	})
	t.Run("markers of transactions are left out, aborted records are not", func(t *testing.T) {
		b.Create(t, "tx", 1, nil)
		b.Transact(t, "tx", 0, true, []byte("committed"))
		b.Transact(t, "tx", 0, false, []byte("aborted"))
		b.Produce(t, "tx", 0, "", []byte("plain"))
		b.Transact(t, "tx", 0, true, []byte("last"))
		for _, times := range []bool{false, true} {
			got, next := readTo(t, c, Partition{"tx", 0}, 0, times)
			if want := []string{"committed", "aborted", "plain", "last"}; !slices.Equal(values(got), want) || next != 7 {
				t.Errorf("got %q, next %d; want %q, 7", values(got), next, want)
			}
		}
	})
	t.Run("records that retention took", func(t *testing.T) {
		b.Create(t, "cut", 1, nil)
		for i := range 10 {
			b.Produce(t, "cut", 0, "", numbered(10*i, 10)...)
		}
		b.DeleteRecords(t, "cut", 0, 35)
		err := c.Read(t.Context(), Partition{"cut", 0}, 12, Reader{Record: func(Record) error { return errEnough }, Trouble: func(err error) { t.Log(err) }})
		var gone *OutOfRangeError
		if !errors.As(err, &gone) || !gone.Lost() || gone.First != 35 || gone.Next != 12 || gone.End != 100 {
			t.Fatalf("Read = %v", err)
		}
		if got, next := readTo(t, c, Partition{"cut", 0}, gone.First, false); len(got) != 65 || next != 100 {
			t.Errorf("after it: %d records, next %d", len(got), next)
		}
	})
	t.Run("a topic that was made anew", func(t *testing.T) {
		b.Create(t, "anew", 1, nil)
		b.Produce(t, "anew", 0, "", numbered(0, 50)...)
		b.Delete(t, "anew")
		b.Create(t, "anew", 1, nil)
		b.Produce(t, "anew", 0, "", numbered(0, 5)...)
		err := c.Read(t.Context(), Partition{"anew", 0}, 50, Reader{Record: func(Record) error { return errEnough }, Trouble: func(err error) { t.Log(err) }})
		var gone *OutOfRangeError
		if !errors.As(err, &gone) || gone.Lost() || gone.End != 5 {
			t.Fatalf("Read = %v", err)
		}
	})
	t.Run("offsets, and the one of a time", func(t *testing.T) {
		cut, none := Partition{"cut", 0}, Partition{"codec-none", 0}
		eventually(t, func() error {
			got, err := c.Offsets(t.Context(), cut, none)
			if err != nil || got[cut] != (Bounds{35, 100}) || got[none] != (Bounds{0, 1000}) {
				return fmt.Errorf("offsets %v, %w", got, err)
			}
			return nil
		})
		if at, err := c.OffsetAt(t.Context(), none, time.Now().Add(time.Hour)); err != nil || at != 1000 {
			t.Errorf("in an hour: %d, %v", at, err)
		}
		if at, err := c.OffsetAt(t.Context(), none, time.Now().Add(-time.Hour)); err != nil || at != 0 {
			t.Errorf("an hour ago: %d, %v", at, err)
		}
	})
	t.Run("the caller's panic is the caller's", func(t *testing.T) {
		defer func() {
			if v := recover(); v != "ours" {
				t.Errorf("recovered %v", v)
			}
		}()
		_ = c.Read(t.Context(), Partition{"cut", 0}, 35, Reader{Record: func(Record) error { panic("ours") }})
	})
	t.Run("it stops when it is told to", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		err := c.Read(ctx, Partition{"cut", 0}, 35, Reader{
			Record:  func(Record) error { return nil },
			Fetched: func(next, end int64) error { cancel(); return nil },
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Read = %v", err)
		}
	})
}
