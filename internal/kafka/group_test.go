package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"imerr-scan/internal/kafka/kafkatest"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestGroup(t *testing.T) {
	t.Parallel()
	groups(t, kafkatest.Fake(t))
}

// member is one replica, and what it holds.
type member struct {
	cancel context.CancelFunc
	done   chan error

	mu  sync.Mutex
	now *Generation // nil between generations
}

func (m *member) held() *Generation {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

func (m *member) set(g *Generation) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = g
}

func join(t *testing.T, c *Cluster, group string) *member {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	m := &member{cancel: cancel, done: make(chan error, 1)}
	go func() {
		opt := GroupOptions{
			ID: group, Topics: []string{"shared", "other"}, Log: "group-log", Session: 6 * time.Second, Heartbeat: 200 * time.Millisecond,
			Rebalance: time.Second, Trouble: func(err error) { t.Log(err) },
		}
		m.done <- c.Join(ctx, opt, func(ctx context.Context, g *Generation) error {
			m.set(g)
			<-ctx.Done()
			m.set(nil)
			return nil
		})
	}()
	t.Cleanup(func() { m.leave(t) })
	return m
}

func (m *member) leave(t *testing.T) {
	m.cancel()
	if err, ok := <-m.done; ok && !errors.Is(err, context.Canceled) {
		t.Errorf("Join = %v", err)
	}
	select {
	case <-m.done:
	default:
		close(m.done)
	}
}

// shares waits until each of the partitions is held by exactly one of members, in one generation, under one leader.
func shares(t *testing.T, partitions int, members ...*member) {
	t.Helper()
	eventually(t, func() error {
		seen := map[Partition]int{}
		leaders, ids := 0, map[int32]bool{}
		for i, m := range members {
			g := m.held()
			if g == nil {
				return fmt.Errorf("member %d holds nothing", i)
			}
			ids[g.ID] = true
			if g.Leader {
				leaders++
			}
			for _, p := range g.Partitions {
				seen[p.Partition]++
			}
		}
		for p, n := range seen {
			if n != 1 {
				return fmt.Errorf("%s is held %d times", p, n)
			}
		}
		if len(seen) != partitions || leaders != 1 || len(ids) != 1 {
			return fmt.Errorf("%d partitions held, %d leaders, generations %v", len(seen), leaders, ids)
		}
		return nil
	})
}

func groups(t *testing.T, b *kafkatest.Broker) {
	b.Create(t, "shared", 4, nil)
	b.Create(t, "other", 1, nil)
	b.Create(t, "group-log", 1, nil)
	c := plainly(t, b)
	first := join(t, c, "imerr")
	shares(t, 5, first)
	g := first.held()
	want := []Assigned{
		{Partition{"other", 0}, -1}, {Partition{"shared", 0}, -1}, {Partition{"shared", 1}, -1}, {Partition{"shared", 2}, -1}, {Partition{"shared", 3}, -1},
	}
	if !slices.Equal(g.Partitions, want) || !g.Leader {
		t.Errorf("alone it holds %v, leader %v", g.Partitions, g.Leader)
	}
	if err := g.Commit(map[Partition]int64{{"shared", 2}: 17, {"other", 0}: 3}); err != nil {
		t.Errorf("Commit: %v", err)
	}
	t.Run("a second replica", func(t *testing.T) {
		second := join(t, c, "imerr")
		shares(t, 5, first, second)
		second.leave(t)
		shares(t, 5, first)
	})
	t.Run("what was committed is told", func(t *testing.T) {
		if p := first.held().Partitions; p[3] != (Assigned{Partition{"shared", 2}, 17}) || p[0].Committed != 3 {
			t.Errorf("%v", p)
		}
	})
	t.Run("a partition that is added", func(t *testing.T) {
		b.AddPartitions(t, "other", 1)
		shares(t, 6, first)
	})
	t.Run("leaving takes no longer than a moment", func(t *testing.T) {
		third := join(t, c, "imerr")
		begin := time.Now()
		third.leave(t) // while it joins
		if took := time.Since(begin); took > 9*time.Second {
			t.Errorf("it took %s", took)
		}
		shares(t, 6, first)
	})
	t.Run("an error of who holds ends it", func(t *testing.T) {
		err := c.Join(t.Context(), GroupOptions{ID: "fails", Topics: []string{"shared"}, Log: "group-log"},
			func(context.Context, *Generation) error { return errEnough })
		if !errors.Is(err, errEnough) {
			t.Errorf("Join = %v", err)
		}
	})
	t.Run("a group that is not for this user", func(t *testing.T) {
		b.Allow(t, kmsg.ACLOperationRead, "shared", "")
		guest := open(t, Options{Brokers: b.SASL, SASL: &SASL{"PLAIN", kafkatest.Guest, kafkatest.GuestPassword}})
		err := guest.Join(t.Context(), GroupOptions{ID: "forbidden", Topics: []string{"shared"}, Log: "group-log"},
			func(context.Context, *Generation) error { return nil })
		if err == nil || !forbidden(err) {
			t.Errorf("Join = %v", err)
		}
	})
}
