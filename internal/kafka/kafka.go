// Package kafka is the door to Kafka, and the only one: it reads partitions of topics, shares them among replicas, and keeps
// the delta log in a topic. It stands at both ends of the way of a log line: before frame, which gets the values, and below
// deltalog, whose records it keeps.
//
// Words: a partition has records at ascending offsets, with holes; its end is the offset that the next record will have; a
// generation is a time in which the group does not change and each partition has one owner.
//
//	c, err := kafka.New(kafka.Options{Brokers: []string{"kafka-1:9092"}})
//	err = c.Check(ctx, "imerr", "client-logs")          // one sentence for whatever is wrong
//	log, err := c.OpenLog(ctx, "imerr-log", kafka.LogOptions{Create: true})
//	err = c.Join(ctx, kafka.GroupOptions{ID: "imerr", Topics: topics, Log: "imerr-log"}, hold)
//	err = c.Read(ctx, partition, from, kafka.Reader{Record: count})
//
// It counts nothing and decides nothing about offsets: where to begin, and what a gap means, is the caller's affair.
package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// defaultTimeout bounds every question to a broker.
const defaultTimeout = 5 * time.Second

// Options says how to reach a cluster. Brokers is required.
type Options struct {
	Brokers  []string // host:port; any of them can name the others
	TLS      *TLS     // nil: in the clear
	SASL     *SASL    // nil: without a name
	ClientID string   // for the broker's logs; "" is imerr-scan
	Timeout  time.Duration
}

// TLS says whom to trust and who we are. The texts are PEM, not names of files.
type TLS struct {
	CA         string // "": the authorities of the system
	Cert, Key  string // both or none
	ServerName string // "": the host of the broker's address
	Insecure   bool   // accept any certificate; for trying out
}

// SASL is a name and a password.
type SASL struct {
	Mechanism string // PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	User      string
	Password  string
}

// Partition names a partition of a topic.
type Partition struct {
	Topic string
	ID    int
}

func (p Partition) String() string { return fmt.Sprintf("%s/%d", p.Topic, p.ID) }

// Cluster is a Kafka cluster. Its methods are safe for concurrent use. It holds connections for Offsets alone, which Close
// releases.
type Cluster struct {
	opt       Options
	tls       *tls.Config // nil: in the clear
	dialer    *kafka.Dialer
	transport *kafka.Transport
	client    *kafka.Client
}

// New checks opt, and connects to nothing yet. No error holds a secret.
func New(opt Options) (*Cluster, error) {
	if len(opt.Brokers) == 0 {
		return nil, errors.New("kafka: no brokers: want host:port")
	}
	for _, b := range opt.Brokers {
		if host, port, err := net.SplitHostPort(b); err != nil || host == "" || port == "" {
			return nil, fmt.Errorf("kafka: broker %q: want host:port", b)
		}
	}
	if opt.Timeout <= 0 {
		opt.Timeout = defaultTimeout
	}
	if opt.ClientID == "" {
		opt.ClientID = "imerr-scan"
	}
	config, err := opt.TLS.config()
	if err != nil {
		return nil, err
	}
	mechanism, err := opt.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	c := &Cluster{opt: opt, tls: config}
	c.dialer = &kafka.Dialer{ClientID: opt.ClientID, Timeout: opt.Timeout, DialFunc: c.dialBounded, SASLMechanism: mechanism}
	c.transport = &kafka.Transport{
		ClientID: opt.ClientID, DialTimeout: opt.Timeout, Dial: c.dial, SASL: mechanism, MetadataTTL: 5 * time.Second,
	}
	c.client = &kafka.Client{Addr: kafka.TCP(opt.Brokers...), Timeout: opt.Timeout, Transport: c.transport}
	return c, nil
}

// Close releases idle connections.
func (c *Cluster) Close() { c.transport.CloseIdleConnections() }

func (t *TLS) config() (*tls.Config, error) {
	if t == nil {
		return nil, nil //nolint:nilnil // no TLS is no mistake
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: t.ServerName,
		InsecureSkipVerify: t.Insecure, //nolint:gosec // the user asked for it by name
	}
	if t.CA != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(t.CA)) {
			return nil, errors.New("kafka: tls: ca holds no certificate in PEM")
		}
	}
	if (t.Cert == "") != (t.Key == "") {
		return nil, errors.New("kafka: tls: cert and key belong together, one of them is missing")
	}
	if t.Cert != "" {
		pair, err := tls.X509KeyPair([]byte(t.Cert), []byte(t.Key))
		if err != nil {
			return nil, fmt.Errorf("kafka: tls: cert and key: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func (s *SASL) mechanism() (sasl.Mechanism, error) {
	if s == nil {
		return nil, nil //nolint:nilnil // no SASL is no mistake
	}
	if s.User == "" || s.Password == "" {
		return nil, errors.New("kafka: sasl: want a user and a password")
	}
	switch strings.ToUpper(s.Mechanism) {
	case "PLAIN":
		return plain.Mechanism{Username: s.User, Password: s.Password}, nil
	case "SCRAM-SHA-256":
		return s.scram(scram.SHA256)
	case "SCRAM-SHA-512":
		return s.scram(scram.SHA512)
	}
	return nil, fmt.Errorf("kafka: sasl: mechanism %q: want PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", s.Mechanism)
}

// scram prepares name and password, of which some characters are not allowed (RFC 4013). The library's error could quote them.
func (s *SASL) scram(algorithm scram.Algorithm) (sasl.Mechanism, error) {
	m, err := scram.Mechanism(algorithm, s.User, s.Password)
	if err != nil {
		return nil, errors.New("kafka: sasl: user or password holds a character that SCRAM does not allow")
	}
	return m, nil
}

// any asks the brokers one after the other until one answers.
func (c *Cluster) any(ctx context.Context, ask func(broker string) error) error {
	var err error
	for _, broker := range c.opt.Brokers {
		if err = ask(broker); err == nil || ctx.Err() != nil || !fleeting(err) {
			return err
		}
	}
	return err
}

// leader connects to the leader of a partition. Every later call on the connection has until deadlines set by the caller.
func (c *Cluster) leader(ctx context.Context, p Partition) (*kafka.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	var conn *kafka.Conn
	err := c.any(ctx, func(broker string) (err error) {
		conn, err = c.dialer.DialLeader(ctx, "tcp", broker, p.Topic, p.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// fleeting says whether another broker, or the same one later, may answer otherwise.
func fleeting(err error) bool {
	var code kafka.Error
	return !errors.As(err, &code) || code.Temporary() || code == kafka.UnknownTopicOrPartition
}

// Bounds are the offset of the first record that is still there, and of the next one to come.
type Bounds struct{ First, End int64 }

// Offsets returns the bounds of partitions, for lag. A partition whose leader did not answer is left out; the error is then
// that of one of them, beside what was found.
func (c *Cluster) Offsets(ctx context.Context, partitions ...Partition) (map[Partition]Bounds, error) {
	request := &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{}}
	for _, p := range partitions {
		request.Topics[p.Topic] = append(request.Topics[p.Topic], kafka.FirstOffsetOf(p.ID), kafka.LastOffsetOf(p.ID))
	}
	ctx, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	response, err := c.client.ListOffsets(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("kafka: offsets: %w", err)
	}
	found := map[Partition]Bounds{}
	for topic, answers := range response.Topics {
		for _, a := range answers {
			p := Partition{topic, a.Partition}
			if a.Error != nil {
				err = fmt.Errorf("kafka: offsets of %s: %w", p, a.Error)
				continue
			}
			found[p] = Bounds{First: a.FirstOffset, End: a.LastOffset}
		}
	}
	return found, err
}

// OffsetAt returns the offset of the first record of a partition that is not older than at, its end if there is none.
func (c *Cluster) OffsetAt(ctx context.Context, p Partition, at time.Time) (int64, error) {
	conn, err := c.leader(ctx, p)
	if err != nil {
		return 0, fmt.Errorf("kafka: %s: %w", p, err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(c.opt.Timeout))
	offset, err := conn.ReadOffset(at)
	if err == nil && offset < 0 {
		offset, err = conn.ReadLastOffset()
	}
	if err != nil {
		return 0, fmt.Errorf("kafka: %s: offset at %s: %w", p, at.Format(time.RFC3339), err)
	}
	return offset, nil
}
