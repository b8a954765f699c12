// Package kafkatest gives tests a Kafka to talk to: a fake one that needs only Go, and the real one for the suites with peers.
// It is not part of the program.
//
// Words: the fake is kfake in a process of its own, so that it can be killed and frozen; the real one is Apache Kafka, fetched
// by Maven. Both offer three ways in: in the clear, with a name and password, and by TLS.
//
//	func TestMain(m *testing.M) { kafkatest.BeFake(); goleak.VerifyTestMain(m) }
//	b := kafkatest.Fake(t)       // b.Plain, b.SASL, b.TLS are addresses
//	b.Create(t, "client-logs", 4, nil)
package kafkatest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

// Names and passwords that every broker knows, with each mechanism. Admin may do all, Guest nothing that was not allowed.
const (
	Admin, AdminPassword = "admin", "admin-secret"
	Guest, GuestPassword = "guest", "guest-secret"
)

// Mechanisms are what SASL offers.
var Mechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}

// Broker is one or several brokers of a cluster, real or fake.
type Broker struct {
	Plain, SASL, TLS []string // addresses of the ways in, one for each broker
	PKI              PKI      // what the TLS way in uses; it wants a client certificate
	Real             bool

	nodes []*node
}

// node is the process of one broker.
type node struct {
	command func() *exec.Cmd
	ready   func(ctx context.Context) error
	cmd     *exec.Cmd
	stdin   io.Closer
	done    chan struct{}
}

const fakeEnv = "IMERR_KAFKATEST_FAKE"

// BeFake is the fake broker, and does not return, if that is what this process was started for. It is to be called first
// in TestMain.
func BeFake() {
	if spec := os.Getenv(fakeEnv); spec != "" {
		if err := beFake([]byte(spec)); err != nil {
			fmt.Fprintln(os.Stderr, "kafkatest:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// fakeSpec is what the fake is told. Each way in is a cluster of its own: kfake has one kind of listener.
type fakeSpec struct {
	Plain, SASL, TLS int // ports
	Dir              string
	PKI              PKI
}

// Fake starts a fake broker, whose data survive Kill. It ends with the test.
func Fake(t testing.TB) *Broker {
	t.Helper()
	ports := freePorts(t, 3)
	spec := fakeSpec{Plain: ports[0], SASL: ports[1], TLS: ports[2], Dir: t.TempDir(), PKI: newPKI(t)}
	encoded, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	b := &Broker{Plain: addresses(ports[:1]), SASL: addresses(ports[1:2]), TLS: addresses(ports[2:3]), PKI: spec.PKI}
	b.nodes = []*node{{
		command: func() *exec.Cmd {
			cmd := exec.Command(os.Args[0], "-test.run=^$") //nolint:gosec,noctx // ourselves; it ends with its standard input
			cmd.Env = append(os.Environ(), fakeEnv+"="+string(encoded))
			cmd.Stderr = os.Stderr
			return cmd
		},
		ready: func(ctx context.Context) error { return listening(ctx, append(append(b.Plain, b.SASL...), b.TLS...)) },
	}}
	b.start(t)
	return b
}

func beFake(encoded []byte) error {
	var spec fakeSpec
	if err := json.Unmarshal(encoded, &spec); err != nil {
		return err
	}
	config, err := spec.PKI.server()
	if err != nil {
		return err
	}
	common := []kfake.Opt{kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(100 * time.Millisecond)}
	secured := []kfake.Opt{kfake.Ports(spec.SASL), kfake.EnableSASL(), kfake.EnableACLs()}
	for _, m := range Mechanisms {
		secured = append(secured, kfake.Superuser(m, Admin, AdminPassword), kfake.User(m, Guest, GuestPassword))
	}
	for _, opts := range [][]kfake.Opt{
		{kfake.Ports(spec.Plain), kfake.DataDir(spec.Dir), kfake.SyncWrites()}, secured, {kfake.Ports(spec.TLS), kfake.TLS(config)},
	} {
		cluster, err := kfake.NewCluster(append(opts, common...)...)
		if err != nil {
			return err
		}
		defer cluster.Close()
	}
	_, err = bufio.NewReader(os.Stdin).ReadByte() // until the test has gone
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (b *Broker) start(t testing.TB) {
	t.Helper()
	t.Cleanup(func() {
		for _, n := range b.nodes {
			n.kill()
		}
	})
	for i := range b.nodes {
		b.launch(t, i)
	}
	for i := range b.nodes {
		b.await(t, i)
	}
}

// Kill ends broker i as kill -9 does.
func (b *Broker) Kill(i int) { b.nodes[i].kill() }

// Start starts broker i again, at its old addresses and with what it had on its disk.
func (b *Broker) Start(t testing.TB, i int) {
	t.Helper()
	b.launch(t, i)
	b.await(t, i)
}

// Freeze stops the process of broker i without ending it; Thaw lets it go on.
func (b *Broker) Freeze(i int) { freeze(b.nodes[i].cmd.Process) }

// Thaw undoes Freeze.
func (b *Broker) Thaw(i int) { thaw(b.nodes[i].cmd.Process) }

func (b *Broker) launch(t testing.TB, i int) {
	t.Helper()
	n := b.nodes[i]
	n.cmd = n.command()
	stdin, err := n.cmd.StdinPipe()
	if err == nil {
		err = n.cmd.Start()
	}
	if err != nil {
		t.Fatalf("broker %d: %v", i, err)
	}
	n.stdin, n.done = stdin, make(chan struct{})
	go func() {
		defer close(n.done)
		_ = n.cmd.Wait()
	}()
}

func (b *Broker) await(t testing.TB, i int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	go func() {
		select {
		case <-b.nodes[i].done:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := b.nodes[i].ready(ctx); err != nil {
		t.Fatalf("broker %d does not start: %v", i, err)
	}
}

func (n *node) kill() {
	if n.cmd == nil || n.cmd.Process == nil {
		return
	}
	_ = n.cmd.Process.Kill()
	<-n.done
	_ = n.stdin.Close()
}

// client is one for setting things up, which does not share code with what is tested. way is b.Plain or b.SASL.
func (b *Broker) client(t testing.TB, way []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	opts = append([]kgo.Opt{kgo.SeedBrokers(way...), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)
	if strings.Join(way, ",") == strings.Join(b.SASL, ",") {
		opts = append(opts, kgo.SASL(plain.Auth{User: Admin, Pass: AdminPassword}.AsMechanism()))
	}
	if strings.Join(way, ",") == strings.Join(b.TLS, ",") {
		config, err := b.PKI.client()
		if err != nil {
			t.Fatal(err)
		}
		opts = append(opts, kgo.DialTLSConfig(config))
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// Ways returns each way in: of a real broker they lead to the same cluster.
func (b *Broker) Ways() [][]string { return [][]string{b.Plain, b.SASL, b.TLS} }

// Create makes a topic, by way of all ways in.
func (b *Broker) Create(t testing.TB, topic string, partitions int, config map[string]string) {
	t.Helper()
	entries := map[string]*string{}
	for k, v := range config {
		entries[k] = &v
	}
	replication := int16(min(3, len(b.nodes)))
	for _, way := range b.Ways() {
		admin := kadm.NewClient(b.client(t, way))
		_, err := admin.CreateTopic(t.Context(), int32(partitions), replication, entries, topic)
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			t.Fatalf("create topic %s at %v: %v", topic, way, err)
		}
	}
}

// Delete removes a topic.
func (b *Broker) Delete(t testing.TB, topic string) {
	t.Helper()
	admin := kadm.NewClient(b.client(t, b.Plain))
	if _, err := admin.DeleteTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	for t.Context().Err() == nil { // a real broker needs a moment
		if topics, err := admin.ListTopics(t.Context()); err == nil && !topics.Has(topic) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// DeleteRecords drops the records of a partition before an offset, as retention does.
func (b *Broker) DeleteRecords(t testing.TB, topic string, partition int, before int64) {
	t.Helper()
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, int32(partition), before, -1)
	admin := kadm.NewClient(b.client(t, b.Plain))
	responses, err := admin.DeleteRecords(t.Context(), offsets)
	if err == nil {
		err = responses.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// AddPartitions makes a topic have so many partitions more.
func (b *Broker) AddPartitions(t testing.TB, topic string, more int) {
	t.Helper()
	responses, err := kadm.NewClient(b.client(t, b.Plain)).CreatePartitions(t.Context(), more, topic)
	if err == nil {
		err = responses.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Configs returns the settings of a topic.
func (b *Broker) Configs(t testing.TB, way []string, topic string) map[string]string {
	t.Helper()
	found, err := kadm.NewClient(b.client(t, way)).DescribeTopicConfigs(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for _, resource := range found {
		for _, c := range resource.Configs {
			settings[c.Key] = c.MaybeValue()
		}
	}
	return settings
}

// Allow gives Guest rights. operation is READ, DESCRIBE …, group or topic the name, the other one is "".
func (b *Broker) Allow(t testing.TB, operation kmsg.ACLOperation, topic, group string) {
	t.Helper()
	builder := kadm.NewACLs().Allow("User:" + Guest).AllowHosts("*").Operations(operation).ResourcePatternType(kmsg.ACLResourcePatternTypeLiteral)
	if topic != "" {
		builder = builder.Topics(topic)
	}
	if group != "" {
		builder = builder.Groups(group)
	}
	results, err := kadm.NewClient(b.client(t, b.SASL)).CreateACLs(t.Context(), builder)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}

// Codecs are those that Kafka has, by name.
var Codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

// Produce appends records to a partition; a nil value is null. codec is a key of Codecs, or "".
func (b *Broker) Produce(t testing.TB, topic string, partition int, codec string, values ...[]byte) {
	t.Helper()
	compression, ok := Codecs[codec]
	if !ok {
		compression = kgo.NoCompression()
	}
	largest := 900 << 10 // what a topic takes that was not told otherwise
	for _, v := range values {
		largest = max(largest, len(v)+1<<10)
	}
	client := b.client(t, b.Plain, kgo.ProducerBatchCompression(compression), kgo.ProducerBatchMaxBytes(int32(largest)), kgo.ProducerLinger(5*time.Millisecond))
	if err := client.ProduceSync(t.Context(), records(topic, partition, values)...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// Producer writes to partitions without a pause between records. It tries again for ever, and writes none twice, whatever
// happens to brokers.
type Producer struct {
	t      testing.TB
	client *kgo.Client
}

// Producer returns one for the time of the test.
func (b *Broker) Producer(t testing.TB) *Producer {
	t.Helper()
	return &Producer{t: t, client: b.client(t, b.Plain, kgo.ProducerLinger(20*time.Millisecond), kgo.ProducerBatchCompression(kgo.Lz4Compression()),
		kgo.MetadataMinAge(250*time.Millisecond), kgo.MaxBufferedRecords(200_000))}
}

// Send hands a record on; it is written when Flush has returned.
func (p *Producer) Send(topic string, partition int, value []byte) {
	p.client.Produce(context.Background(), &kgo.Record{Topic: topic, Partition: int32(partition), Value: value}, func(_ *kgo.Record, err error) {
		if err != nil {
			p.t.Errorf("produce: %v", err)
		}
	})
}

// Flush waits until all is written.
func (p *Producer) Flush() {
	if err := p.client.Flush(p.t.Context()); err != nil {
		p.t.Errorf("flush: %v", err)
	}
}

// Records calls see for each record that a topic has now.
func (b *Broker) Records(t testing.TB, topic string, see func(partition int, offset int64, value []byte)) {
	t.Helper()
	client := b.client(t, b.Plain, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.KeepControlRecords())
	ends, err := kadm.NewClient(client).ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	left := map[int32]int64{} // up to where is to be read
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	for len(left) > 0 {
		fetched := client.PollFetches(t.Context())
		if err := fetched.Err(); err != nil {
			t.Fatal(err)
		}
		fetched.EachRecord(func(r *kgo.Record) {
			if r.Offset < ends[topic][r.Partition].Offset && !r.Attrs.IsControl() {
				see(int(r.Partition), r.Offset, r.Value)
			}
			if r.Offset+1 >= ends[topic][r.Partition].Offset {
				delete(left, r.Partition)
			}
		})
	}
}

// Transact appends records in a transaction, and commits or aborts it: either way one marker more.
func (b *Broker) Transact(t testing.TB, topic string, partition int, commit bool, values ...[]byte) {
	t.Helper()
	client := b.client(t, b.Plain, kgo.TransactionalID(fmt.Sprintf("%s-%d", t.Name(), time.Now().UnixNano())))
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(t.Context(), records(topic, partition, values)...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := client.EndTransaction(t.Context(), kgo.TransactionEndTry(commit)); err != nil {
		t.Fatal(err)
	}
}

func records(topic string, partition int, values [][]byte) []*kgo.Record {
	var all []*kgo.Record
	for _, v := range values {
		all = append(all, &kgo.Record{Topic: topic, Partition: int32(partition), Value: v})
	}
	return all
}

// freePorts returns ports that nobody uses now.
func freePorts(t testing.TB, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		address, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			t.Fatalf("no TCP address: %v", l.Addr())
		}
		ports = append(ports, address.Port)
	}
	return ports
}

func addresses(ports []int) []string {
	var all []string
	for _, p := range ports {
		all = append(all, "127.0.0.1:"+strconv.Itoa(p))
	}
	return all
}

// listening waits until all addresses accept connections.
func listening(ctx context.Context, all []string) error {
	for _, address := range all {
		for {
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
			if err == nil {
				_ = conn.Close()
				break
			}
			if ctx.Err() != nil {
				return err
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nil
}
