package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/kafka"
	"imerr-scan/internal/pipeline"
)

// Cluster is what a replica needs of Kafka; *kafka.Cluster is one.
type Cluster interface {
	Join(ctx context.Context, opt kafka.GroupOptions, hold func(context.Context, *kafka.Generation) error) error
	Read(ctx context.Context, p kafka.Partition, from int64, r kafka.Reader) error
	Offsets(ctx context.Context, partitions ...kafka.Partition) (map[kafka.Partition]kafka.Bounds, error)
	OffsetAt(ctx context.Context, p kafka.Partition, at time.Time) (int64, error)
}

// TopicOptions says what is read, and with whom. Group is required.
type TopicOptions struct {
	Group kafka.GroupOptions
	Start Start
	// OnTruncated says where to go on in a partition that is shorter than what was counted of it: one of the values below; "" is
	// TruncatedStop.
	OnTruncated string
}

// Start says where counting begins in a partition of which nothing was counted, here or by the group: at a time, at the end
// (Last), or with the first record.
type Start struct {
	At   time.Time
	Last bool
}

// Values of TopicOptions.OnTruncated.
const (
	TruncatedStop  = "stop" // not at all, until somebody has decided
	TruncatedEnd   = "end"
	TruncatedFirst = "first"
)

// topics is the reading of topics.
type topics struct {
	*Replica
	cluster Cluster
	opt     TopicOptions
	values  pipeline.Options
	over    context.Context // ends when the process is to end
}

// Topics returns work that reads topics as a member of a group and commits what they hold, until its context is done; what is
// in hand then is committed. The replica leads while it has the partition of the log.
func (r *Replica) Topics(cluster Cluster, opt TopicOptions, values pipeline.Options) func(context.Context) error {
	return func(ctx context.Context) error {
		t := &topics{Replica: r, cluster: cluster, opt: opt, values: values, over: ctx}
		r.mu.Lock()
		r.health.topics = true
		r.mu.Unlock()
		opt.Group.Trouble = t.groupTrouble
		err := cluster.Join(ctx, opt.Group, t.hold)
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
}

func (t *topics) groupTrouble(err error) {
	t.Replica.opt.Logger.Warn("kafka group cannot be joined, will be tried again", "err", err)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.health.group = err
	t.health.troubles++
}

// hold reads the partitions of a generation until it is over.
func (t *topics) hold(ctx context.Context, g *kafka.Generation) error {
	t.enter(g)
	defer t.exit(g)
	var wg sync.WaitGroup
	for _, a := range g.Partitions {
		wg.Go(func() { t.partition(ctx, a) })
	}
	if g.Leader {
		wg.Go(func() { t.lead(ctx, yieldWait) })
	}
	wg.Go(func() { t.watch(ctx, g) })
	wg.Wait()
	return nil
}

func (t *topics) enter(g *kafka.Generation) {
	at := map[kafka.Partition]*progress{}
	var names []string
	t.mu.Lock()
	now := t.Replica.opt.Now()
	for _, a := range g.Partitions {
		at[a.Partition] = &progress{next: t.state.Next(sourceOf(a.Partition)), moved: now}
		names = append(names, a.String())
	}
	t.health.member, t.health.group, t.health.partitions = true, nil, at
	t.health.generations++
	t.mu.Unlock()
	t.Replica.opt.Logger.Info("kafka assigned", "group", t.opt.Group.ID, "generation", g.ID, "partitions", strings.Join(names, " "), "leader", g.Leader)
}

func (t *topics) exit(g *kafka.Generation) {
	t.mu.Lock()
	t.health.member, t.health.partitions = false, nil
	t.mu.Unlock()
	if t.over.Err() == nil {
		t.Replica.opt.Logger.Info("kafka rebalance", "group", t.opt.Group.ID, "generation", g.ID)
	}
}

// watch asks for the ends of the partitions, and tells the group how far they were counted.
func (t *topics) watch(ctx context.Context, g *kafka.Generation) {
	var partitions []kafka.Partition
	for _, a := range g.Partitions {
		partitions = append(partitions, a.Partition)
	}
	committed := map[kafka.Partition]int64{}
	for {
		ends, err := t.cluster.Offsets(ctx, partitions...)
		if ctx.Err() != nil {
			return
		}
		next := t.measure(ends, err)
		for p, to := range next {
			if to < 0 || committed[p] == to {
				delete(next, p)
			}
		}
		if len(next) > 0 && g.Commit(next) == nil { // for the tools that show lag; nothing depends on it
			maps.Copy(committed, next)
		}
		if !pause(ctx, watchEvery) {
			return
		}
	}
}

// watchEvery is how often lag is measured.
const watchEvery = 5 * time.Second

// measure notes how far partitions are behind, and returns how far they were counted.
func (t *topics) measure(ends map[kafka.Partition]kafka.Bounds, err error) map[kafka.Partition]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, counted := t.Replica.opt.Now(), map[kafka.Partition]int64{}
	for p, at := range t.health.partitions {
		next := t.state.Next(sourceOf(p))
		bounds, known := ends[p]
		if known {
			at.end = bounds.End
		} else if err != nil {
			at.trouble = cmp.Or(err, at.trouble)
		}
		if next != at.next || known && next >= at.end && at.stopped == nil {
			at.next, at.moved = next, now
		}
		counted[p] = next
	}
	return counted
}

// stalled says whether reading a partition should be begun anew over another connection, which then has its time.
func (t *topics) stalled(p kafka.Partition) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, now := t.health.partitions[p], t.Replica.opt.Now()
	if at == nil || at.stopped != nil || now.Sub(at.moved) <= stallAfter || now.Sub(at.rebuilt) <= stallAfter {
		return false
	}
	at.rebuilt = now
	return true
}

// note changes what is known of a partition.
func (t *topics) note(p kafka.Partition, change func(*progress)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at := t.health.partitions[p]; at != nil {
		change(at)
	}
}

// skip moves next of a partition without counting.
func (t *topics) skip(ctx context.Context, p kafka.Partition, from, to int64, why string) error {
	accepted, err := t.Replica.skip(ctx, sourceOf(p), from, to, why)
	if err == nil && accepted {
		t.Replica.opt.Logger.Info("kafka partition is read from elsewhere", "partition", p.String(), "from", from, "to", to, "why", why)
	}
	return err
}

// start returns where to begin in a partition of which nothing was counted.
func (t *topics) start(ctx context.Context, a kafka.Assigned) (int64, error) {
	start := t.opt.Start
	if a.Committed >= 0 {
		return a.Committed, nil
	}
	if !start.At.IsZero() {
		return t.cluster.OffsetAt(ctx, a.Partition, start.At)
	}
	found, err := t.cluster.Offsets(ctx, a.Partition)
	bounds, ok := found[a.Partition]
	switch {
	case !ok && err == nil:
		return 0, errors.New("no broker says where it begins")
	case !ok:
		return 0, err
	case start.Last:
		return bounds.End, nil
	}
	return bounds.First, nil
}

// truncated decides what to do with a partition that is shorter than what was counted of it; false: it stays as it is.
func (t *topics) truncated(ctx context.Context, p kafka.Partition, gone *kafka.OutOfRangeError) (bool, error) {
	switch t.opt.OnTruncated {
	case TruncatedEnd:
		return true, t.skip(ctx, p, gone.Next, gone.End, deltalog.WhyTruncated)
	case TruncatedFirst:
		return true, t.skip(ctx, p, gone.Next, gone.First, deltalog.WhyTruncated)
	}
	stopped := fmt.Errorf("%w; it is not counted until kafka.on_truncated says where to go on: end or first", gone)
	t.Replica.opt.Logger.Error("kafka partition stopped", "partition", p.String(), "err", stopped)
	t.note(p, func(at *progress) { at.stopped = stopped })
	return false, nil
}

func sourceOf(p kafka.Partition) deltalog.Source {
	return deltalog.Source{Name: p.Topic, Partition: int32(p.ID)}
}

func comparePartitions(a, b kafka.Partition) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.ID, b.ID))
}
