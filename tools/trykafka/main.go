// Command trykafka is a Kafka to try the service with: a broker in memory that listens on 127.0.0.1:9092 and forgets everything when
// it ends, and a topic client-logs, which holds the last calm hour of the log of an app, and into which a kick storm breaks.
// It needs nothing but Go, and is not for production.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	port := flag.Int("port", 9092, "to listen on")
	topic := flag.String("topic", "client-logs", "to write into; it has two partitions")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *port, *topic); err != nil {
		fmt.Fprintln(os.Stderr, "trykafka:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, port int, topic string) error {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.SeedTopics(2, topic))
	if err != nil {
		return err
	}
	defer cluster.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic(topic))
	if err != nil {
		return err
	}
	defer client.Close()
	now := time.Now()
	for at := now.Add(-time.Hour); at.Before(now); at = at.Add(time.Second) { // a kick a minute
		client.Produce(ctx, kgo.SliceRecord(line(at, rand.IntN(60) == 0)), nil)
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "trykafka: %s, topic %s; stop it with Ctrl-C\n", cluster.ListenAddrs()[0], topic)
	for tick := time.NewTicker(50 * time.Millisecond); ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case <-tick.C:
			client.Produce(ctx, kgo.SliceRecord(line(time.Now(), rand.IntN(5) == 0)), nil)
		}
	}
	return nil
}

// line is a line of log, perhaps that of a kick.
func line(at time.Time, kick bool) []byte {
	ts, user := at.Format(time.RFC3339Nano), rand.IntN(5000)
	if !kick {
		return fmt.Appendf(nil, `{"ts":%q,"level":"info","svc":"im-web","msg":"message delivered","user":"u_%d"}`, ts, user)
	}
	return fmt.Appendf(nil, `{"ts":%q,"level":"error","svc":"im-web","app_version":"5.3.0","user":"u_%d","error":{"type":206,"message":"the user is already logged on another device"}}`, ts, user)
}
