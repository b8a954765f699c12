package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
)

// GroupOptions says which group to join. ID and Topics are required.
type GroupOptions struct {
	ID      string
	Topics  []string    // to be read
	Log     string      // the topic of the delta log; who has its partition is the leader. "": nobody is
	Trouble func(error) // is told when joining failed and is tried again; may be nil

	// Session is how long a replica may be silent before its partitions go to others, Heartbeat how often it speaks, Rebalance
	// how long the others wait for it to join; 0 means 10 s, 3 s and 10 s.
	Session, Heartbeat, Rebalance time.Duration
}

// Assigned is a partition to read, and what the group committed for it.
type Assigned struct {
	Partition
	Committed int64 // -1 if nothing was
}

// Generation is what this replica has until the group changes.
type Generation struct {
	ID         int32
	Partitions []Assigned // by topic, then number
	Leader     bool       // has the partition of the log

	generation *kafka.Generation
}

// Commit tells the group how far partitions were counted. It is for the tools that show lag; nothing here depends on it.
func (g *Generation) Commit(next map[Partition]int64) error {
	if g.generation == nil {
		return nil // one that a test made
	}
	offsets := map[string]map[int]int64{}
	for p, offset := range next {
		if offsets[p.Topic] == nil {
			offsets[p.Topic] = map[int]int64{}
		}
		offsets[p.Topic][p.ID] = offset
	}
	return g.generation.CommitOffsets(offsets)
}

// Join is a member of the group until ctx is done, and then leaves it. For each generation it calls hold, whose context ends
// with the generation or with ctx; hold must then return within a second, or the group goes on without this replica. If
// hold returns earlier with an error, so does Join; without one it is called again after the group has changed.
// A group that this user may not join is an error; a broker that is away is trouble, and tried again.
func (c *Cluster) Join(ctx context.Context, opt GroupOptions, hold func(context.Context, *Generation) error) error {
	topics := slices.Clone(opt.Topics)
	if opt.Log != "" {
		topics = append(topics, opt.Log)
	}
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: opt.ID, Brokers: c.opt.Brokers, Dialer: c.dialer,
		Topics:                 topics,
		GroupBalancers:         []kafka.GroupBalancer{kafka.RangeGroupBalancer{}},
		SessionTimeout:         cmp.Or(opt.Session, 10*time.Second),
		HeartbeatInterval:      cmp.Or(opt.Heartbeat, 3*time.Second),
		RebalanceTimeout:       cmp.Or(opt.Rebalance, 10*time.Second),
		Timeout:                c.opt.Timeout,
		JoinGroupBackoff:       time.Second + rand.N(2*time.Second), //nolint:gosec // keeps replicas from joining in step
		WatchPartitionChanges:  true,
		PartitionWatchInterval: 5 * time.Second,
		StartOffset:            kafka.FirstOffset,
	})
	if err != nil {
		return fmt.Errorf("kafka: group %s: %w", opt.ID, err)
	}
	defer c.leave(group)
	for {
		generation, err := group.Next(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			err = fmt.Errorf("kafka: group %s: %w", opt.ID, err)
			if forbidden(err) {
				return fmt.Errorf("%w: give this user Read on the group and Describe on its topics", err)
			}
			if opt.Trouble != nil {
				opt.Trouble(err)
			}
			continue
		}
		if err := during(ctx, generation, newGeneration(generation, opt.Log), hold); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// leaveWait is how long leaving may take.
const leaveWait = 3 * time.Second

// leave leaves the group. One that is just being joined cannot be left before the brokers have answered: then it is left to
// itself after a moment, as the process is to end.
func (c *Cluster) leave(group *kafka.ConsumerGroup) {
	left := make(chan struct{})
	go func() {
		defer close(left)
		_ = group.Close()
	}()
	select {
	case <-left:
	case <-time.After(min(c.opt.Timeout, leaveWait)):
	}
}

// during runs hold as part of the generation, which the group does not leave before hold returned.
func during(ctx context.Context, generation *kafka.Generation, g *Generation, hold func(context.Context, *Generation) error) error {
	done := make(chan error, 1)
	generation.Start(func(over context.Context) {
		inner, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(over, cancel)()
		err := hold(inner, g)
		if inner.Err() != nil {
			err = nil // it was told to stop
		}
		done <- err
		<-over.Done() // returning before would end the generation, and join again instead of leaving
	})
	return <-done
}

func newGeneration(generation *kafka.Generation, log string) *Generation {
	g := &Generation{ID: generation.ID, generation: generation}
	for topic, partitions := range generation.Assignments {
		if topic == log {
			g.Leader = len(partitions) > 0
			continue
		}
		for _, p := range partitions {
			g.Partitions = append(g.Partitions, Assigned{Partition{topic, p.ID}, max(p.Offset, -1)})
		}
	}
	slices.SortFunc(g.Partitions, func(a, b Assigned) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.ID, b.ID))
	})
	return g
}

// forbidden says whether an error will not pass by waiting.
func forbidden(err error) bool {
	for _, code := range []kafka.Error{
		kafka.GroupAuthorizationFailed, kafka.TopicAuthorizationFailed, kafka.SASLAuthenticationFailed,
		kafka.UnsupportedSASLMechanism, kafka.InconsistentGroupProtocol, kafka.InvalidSessionTimeout,
	} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}
