package serve

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/deltalog/filelog"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/kafka"
	"imerr-scan/internal/pipeline"
)

// still is a cluster with one partition of which no record can be read: a batch that nobody can decode, a connection on which
// nothing comes.
type still struct {
	reads atomic.Int32
	gone  chan struct{} // closed: the group lets nobody in
}

func (s *still) Join(ctx context.Context, opt kafka.GroupOptions, hold func(context.Context, *kafka.Generation) error) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-s.gone:
			cancel()
		case <-inner.Done():
		}
	}()
	_ = hold(inner, &kafka.Generation{ID: 1, Partitions: []kafka.Assigned{{Partition: kafka.Partition{Topic: "client-logs"}, Committed: 7}}})
	if ctx.Err() == nil {
		opt.Trouble(errors.New("no coordinator"))
	}
	<-ctx.Done()
	return ctx.Err()
}

func (s *still) Read(ctx context.Context, _ kafka.Partition, _ int64, _ kafka.Reader) error {
	s.reads.Add(1)
	<-ctx.Done()
	return ctx.Err()
}

func (s *still) Offsets(_ context.Context, partitions ...kafka.Partition) (map[kafka.Partition]kafka.Bounds, error) {
	return map[kafka.Partition]kafka.Bounds{partitions[0]: {First: 0, End: 100}}, nil
}

func (s *still) OffsetAt(context.Context, kafka.Partition, time.Time) (int64, error) { return 0, nil }

// Nothing stalls in silence: within 30 s without a record the replica says so, and reads over another connection; out of the group
// it says that.
func TestAPartitionThatStandsStillIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := filelog.Open(filepath.Join(t.TempDir(), "deltas"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		r, err := Open(t.Context(), Options{
			Log: l, Name: "test", Logger: slog.New(slog.DiscardHandler), Alone: true,
			State: deltalog.Options{Aggregate: aggregate.Options{Catalog: web}, Detector: detect.Options{Catalog: web}},
		})
		if err != nil {
			t.Fatal(err)
		}
		says := func(want string) {
			t.Helper()
			if err := r.Ready(); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("ready: %v, want %q", err, want)
			}
		}
		cluster := &still{gone: make(chan struct{})}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- r.Run(ctx, r.Topics(cluster, TopicOptions{Group: kafka.GroupOptions{ID: "g", Topics: []string{"client-logs"}}}, pipeline.Options{
				Catalog: web, Aggregate: aggregate.Options{Catalog: web},
			}))
		}()
		time.Sleep(20 * time.Second)
		says("")
		if n := cluster.reads.Load(); n != 1 {
			t.Errorf("read %d times so far, want once", n)
		}
		time.Sleep(10*time.Second + time.Millisecond)
		says("kafka: client-logs/0: stands at 7 for")
		time.Sleep(7 * time.Second)
		if n := cluster.reads.Load(); n < 2 {
			t.Error("no other connection was tried")
		}
		close(cluster.gone)
		time.Sleep(time.Second)
		says("kafka: not in the group: no coordinator")
		if g := r.Vitals().Kafka; g == nil || len(g.Lags) > 0 || g.Generations != 1 {
			t.Errorf("group %+v, want one generation and no lag of a partition that others have", g)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
