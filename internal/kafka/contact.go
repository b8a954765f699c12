package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/metadata"
)

// Versions of what we ask by ourselves; brokers from 0.11 to 4.x know them.
const (
	apiVersionsVersion = 0
	metadataVersion    = 4 // the first that can forbid that asking for a topic makes it
)

// Check makes contact as far as is needed to read topics as a member of group, and returns one sentence about the first
// thing that is wrong: the address, TLS on one side only, certificates, name and password, a topic that is missing, rights,
// a leader that cannot be reached from here. Nothing is created. A broker that the others name and that does not answer may
// be on its way back: it is waited for, 20 s at most.
func (c *Cluster) Check(ctx context.Context, group string, topics ...string) error {
	return c.patiently(ctx, func() error { return c.check(ctx, group, topics) })
}

// patiently asks again while a broker is away that the others name.
func (c *Cluster) patiently(ctx context.Context, ask func() error) error {
	end := time.Now().Add(4 * c.opt.Timeout)
	for {
		err := ask()
		var away *awayError
		if err == nil || !errors.As(err, &away) || time.Now().After(end) || !sleep(ctx, leastPause) {
			return err
		}
	}
}

// awayError says that a broker does not answer, although another one named it.
type awayError struct{ error }

func (e *awayError) Unwrap() error { return e.error }

// away makes an awayError of one that is no answer of a broker, or one that says "later".
func away(err error) error {
	var code kafka.Error
	var topic *TopicError
	if err == nil || errors.As(err, &topic) || errors.As(err, &code) && !code.Temporary() {
		return err
	}
	return &awayError{err}
}

func (c *Cluster) check(ctx context.Context, group string, topics []string) error {
	response, err := c.metadata(ctx, topics...)
	if err != nil {
		return err
	}
	for _, t := range response.Topics {
		if err := c.checkTopic(ctx, response, t); err != nil {
			return err
		}
	}
	return away(c.checkGroup(ctx, group, topics))
}

// checkTopic reads at the end of one partition of each leader.
func (c *Cluster) checkTopic(ctx context.Context, response *metadata.Response, t metadata.ResponseTopic) error {
	if t.ErrorCode != 0 {
		return c.explainTopic(t.Name, kafka.Error(t.ErrorCode))
	}
	asked := map[int32]bool{}
	for _, p := range t.Partitions {
		if p.LeaderID < 0 || asked[p.LeaderID] {
			continue // without a leader is a passing state, and Read waits for one
		}
		asked[p.LeaderID] = true
		if err := c.checkRead(ctx, Partition{t.Name, int(p.PartitionIndex)}); err != nil {
			return away(c.explainLeader(response, t.Name, p.LeaderID, err))
		}
	}
	return nil
}

func (c *Cluster) checkRead(ctx context.Context, p Partition) error {
	conn, err := c.leader(ctx, p)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(c.opt.Timeout))
	end, err := conn.ReadLastOffset()
	if err != nil {
		return err
	}
	if _, err := conn.Seek(end, kafka.SeekAbsolute|kafka.SeekDontCheck); err != nil {
		return err
	}
	batch := conn.ReadBatchWith(kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: fetchBytes, MaxWait: time.Millisecond})
	if err := batch.Close(); err != nil && !errors.Is(err, kafka.RequestTimedOut) && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

func (c *Cluster) explainLeader(response *metadata.Response, topic string, leader int32, err error) error {
	if code, ok := errors.AsType[kafka.Error](err); ok {
		return c.explainTopic(topic, code)
	}
	address := fmt.Sprintf("number %d", leader)
	for _, b := range response.Brokers {
		if b.NodeID == leader {
			address = fmt.Sprintf("%s:%d", b.Host, b.Port)
		}
	}
	return fmt.Errorf("kafka: topic %s is kept by broker %s, which cannot be reached from here (the address is what that broker calls itself, advertised.listeners): %w",
		topic, address, err)
}

// explainTopic says in a sentence what an error code of a topic means.
func (c *Cluster) explainTopic(topic string, err error) error {
	switch {
	case errors.Is(err, kafka.UnknownTopicOrPartition):
		return fmt.Errorf("kafka: there is no topic %s: %w", topic, err)
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		return fmt.Errorf("kafka: user %s may not read topic %s, or it is missing: give the user Read and Describe on it: %w", c.user(), topic, err)
	case errors.Is(err, kafka.InvalidTopic):
		return fmt.Errorf("kafka: %q is no name of a topic: %w", topic, err)
	}
	return fmt.Errorf("kafka: topic %s: %w", topic, err)
}

func (c *Cluster) checkGroup(ctx context.Context, group string, topics []string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*c.opt.Timeout) // a new cluster makes its topic of offsets first
	defer cancel()
	request := &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{}}
	for _, t := range topics {
		request.Topics[t] = []int{0}
	}
	for {
		response, err := c.client.OffsetFetch(ctx, request)
		if err == nil {
			err = response.Error
		}
		var code kafka.Error
		switch {
		case err == nil, errors.Is(err, kafka.GroupIdNotFound): // it begins with its first member
			return nil
		case errors.Is(err, kafka.GroupAuthorizationFailed):
			return fmt.Errorf("kafka: user %s may not join group %s: give the user Read on it: %w", c.user(), group, err)
		case !errors.As(err, &code) || !code.Temporary() || !sleep(ctx, 200*time.Millisecond):
			return fmt.Errorf("kafka: group %s: %w", group, err)
		}
	}
}

// metadata asks one broker after the other what there is to know of topics, and makes none (kafka.Conn might). The error
// is a sentence about the first broker that did not answer.
func (c *Cluster) metadata(ctx context.Context, topics ...string) (*metadata.Response, error) {
	var first error
	for _, broker := range c.opt.Brokers {
		response, err := c.metadataOf(ctx, broker, topics)
		if err == nil {
			return response, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if first == nil {
			first = fmt.Errorf("kafka: broker %s: %w", broker, err)
		}
	}
	return nil, first
}

func (c *Cluster) metadataOf(ctx context.Context, broker string, topics []string) (*metadata.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*c.opt.Timeout)
	defer cancel()
	var raw net.Conn // below kafka.Conn, once that has said who we are
	dialer := *c.dialer
	dialer.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		var err error
		raw, err = c.dialBounded(ctx, network, address)
		return raw, err
	}
	conn, err := dialer.DialContext(ctx, "tcp", broker)
	if err != nil {
		return nil, c.explain(ctx, broker, err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(c.opt.Timeout))
	if _, err := conn.ApiVersions(); err != nil {
		return nil, c.explain(ctx, broker, err)
	}
	_ = raw.SetDeadline(time.Now().Add(c.opt.Timeout))
	answer, err := protocol.RoundTrip(raw, metadataVersion, 1, c.opt.ClientID, &metadata.Request{TopicNames: append([]string{}, topics...)})
	if err != nil {
		if c.opt.SASL == nil && hungUp(err) {
			return nil, fmt.Errorf("it hangs up on who does not say who he is: set kafka.sasl, with a user and a password: %w", err)
		}
		return nil, c.explain(ctx, broker, err)
	}
	response, ok := answer.(*metadata.Response)
	if !ok || len(response.Topics) != len(topics) {
		return nil, errors.New("answered something else than what was asked")
	}
	return response, nil
}

// dial connects, with TLS if that is wanted. It is the one way in which connections are made.
func (c *Cluster) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if c.tls == nil {
		return conn, nil
	}
	config := c.tls
	if config.ServerName == "" {
		config = config.Clone()
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, &handshakeError{err}
	}
	return secure, nil
}

// dialBounded is dial for kafka.Conn, which may wait for ever.
func (c *Cluster) dialBounded(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	bounded := &boundedConn{Conn: conn, bound: c.opt.Timeout}
	return bounded, bounded.SetDeadline(time.Time{})
}

// handshakeError is an error of the TLS handshake.
type handshakeError struct{ error }

func (e *handshakeError) Unwrap() error { return e.error }

// boundedConn never waits for ever: where kafka-go sets no deadline (SASL), there is one all the same.
type boundedConn struct {
	net.Conn
	bound time.Duration
}

func (b *boundedConn) limit(t time.Time) time.Time {
	if t.IsZero() {
		return time.Now().Add(b.bound)
	}
	return t
}

func (b *boundedConn) SetDeadline(t time.Time) error      { return b.Conn.SetDeadline(b.limit(t)) }
func (b *boundedConn) SetReadDeadline(t time.Time) error  { return b.Conn.SetReadDeadline(b.limit(t)) }
func (b *boundedConn) SetWriteDeadline(t time.Time) error { return b.Conn.SetWriteDeadline(b.limit(t)) }

// explain makes a sentence of an error of first contact. Where both sides may speak of different things it asks the broker
// once more, in the other way, without saying who we are.
func (c *Cluster) explain(ctx context.Context, broker string, err error) error {
	var dns *net.DNSError
	var handshake *handshakeError
	switch {
	case errors.As(err, &dns):
		return fmt.Errorf("there is no host of that name: %w", err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nobody listens there: %w", err)
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		return fmt.Errorf("it refuses the user or the password (user %s, %s): %w", c.user(), c.opt.SASL.Mechanism, err)
	case errors.Is(err, kafka.UnsupportedSASLMechanism):
		return fmt.Errorf("it does not offer %s: choose another kafka.sasl.mechanism: %w", c.opt.SASL.Mechanism, err)
	case errors.Is(err, kafka.IllegalSASLState):
		return fmt.Errorf("it asks for no user on this port: remove kafka.sasl, or use the port that does: %w", err)
	case errors.As(err, &handshake):
		return c.explainHandshake(ctx, broker, handshake.error)
	case strings.Contains(err.Error(), "remote error: tls: "): // TLS 1.3: what the broker thinks of our certificate comes later
		return fmt.Errorf("it does not accept our certificate, or wants one: set kafka.tls.cert and key: %w", err)
	case c.tls == nil && ctx.Err() == nil && c.speaksTLS(ctx, broker):
		return fmt.Errorf("it speaks TLS on that port, and we do not: set kafka.tls: %w", err)
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %s: a firewall, another kind of server, or a broker that hangs: %w", c.opt.Timeout, err)
	case hungUp(err):
		return fmt.Errorf("it hung up: perhaps no Kafka broker, or one that is starting: %w", err)
	}
	return err
}

func (c *Cluster) explainHandshake(ctx context.Context, broker string, err error) error {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("its certificate is signed by an authority that is not known here: set kafka.tls.ca: %w", err)
	case errors.As(err, &host):
		return fmt.Errorf("its certificate is for another name: set kafka.tls.server_name, or use a name that it has: %w", err)
	case errors.As(err, &invalid):
		return fmt.Errorf("its certificate is not valid: %w", err)
	case c.speaksPlain(ctx, broker):
		return fmt.Errorf("it speaks no TLS on that port: remove kafka.tls, or use the port that does: %w", err)
	case strings.Contains(err.Error(), "remote error: tls: "):
		return fmt.Errorf("it does not accept our certificate, or wants one: set kafka.tls.cert and key: %w", err)
	}
	return fmt.Errorf("no TLS came about: %w", err)
}

// speaksTLS says whether something answers a TLS handshake; whose certificate it has is not asked, and nothing is told.
func (c *Cluster) speaksTLS(ctx context.Context, broker string) bool {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", broker)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(c.opt.Timeout))
	err = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx) //nolint:gosec // only asks whether it is TLS
	return err == nil || strings.Contains(err.Error(), "remote error: tls: ")
}

// speaksPlain says whether a Kafka broker answers in the clear.
func (c *Cluster) speaksPlain(ctx context.Context, broker string) bool {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", broker)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(c.opt.Timeout))
	_, err = protocol.RoundTrip(conn, apiVersionsVersion, 1, c.opt.ClientID, &apiversions.Request{})
	return err == nil
}

func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
