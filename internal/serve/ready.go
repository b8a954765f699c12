package serve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/kafka"
)

// When a replica is not ready.
const (
	staleAfter = 10 * time.Second // since the log was applied up to what was its end then
	stallAfter = 25 * time.Second // since a partition moved that is not at its end; that it moved is known 5 s late
)

// health is what Ready looks at. It is guarded by Replica.mu.
type health struct {
	fresh time.Time // when the end of the log was asked for up to which it was applied
	asked time.Time // when it was asked for the end that is waited for; zero: nothing is waited for
	end   int64
	log   error // what went wrong with the log last

	behind int64    // bytes of followed files
	late   []string // sources that are left out of the watermark
	lost   int64    // records that this replica passed over because they were gone

	topics      bool // there are topics to read
	member      bool
	group       error // what went wrong with the group last
	generations int64 // since the start
	troubles    int64 // since the start
	partitions  map[kafka.Partition]*progress
}

// progress is how it stands with a partition of this replica.
type progress struct {
	end     int64 // as the broker said last
	next    int64
	moved   time.Time // when next moved, or was at the end
	rebuilt time.Time // when another connection was tried because it had not
	stopped error     // reading it is not gone on with
	trouble error     // what went wrong last
}

// applied notes that the log was applied up to offset.
func (h *health) applied(offset int64) {
	if !h.asked.IsZero() && offset >= h.end {
		h.fresh, h.asked, h.log = h.asked, time.Time{}, nil
	}
}

// look asks for the end of the log.
func (r *Replica) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	at := r.opt.Now()
	_, end, err := r.opt.Log.Bounds(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if late := r.state.Behind(); !slices.Equal(late, r.health.late) {
		r.health.late = late
		r.opt.Logger.Warn("sources far behind the others are not waited for: their events are counted, and late for alerts", "sources", late)
	}
	switch {
	case err != nil:
		r.health.log = err
	case r.health.asked.IsZero():
		r.health.asked, r.health.end = at, end
		r.health.applied(r.state.Offset())
	}
}

// trouble notes what went wrong with the log.
func (r *Replica) trouble(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.health.log = err
}

// Ready returns why the replica is not ready, nil if it is.
func (r *Replica) Ready() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.opt.Now()
	h := &r.health
	var reasons []error
	if age := now.Sub(h.fresh); age > staleAfter {
		reasons = append(reasons, because(fmt.Sprintf("delta log: not read to its end for %s", seconds(age)), h.log))
	}
	if h.topics && !h.member {
		reasons = append(reasons, because("kafka: not in the group", h.group))
	}
	for _, p := range slices.SortedFunc(maps.Keys(h.partitions), comparePartitions) {
		g := h.partitions[p]
		switch age := now.Sub(g.moved); {
		case g.stopped != nil:
			reasons = append(reasons, g.stopped)
		case age > stallAfter:
			reasons = append(reasons, because(fmt.Sprintf("kafka: %s: stands at %d for %s, of %d records", p, g.next, seconds(age), g.end), g.trouble))
		}
	}
	return errors.Join(reasons...)
}

func seconds(d time.Duration) string { return d.Truncate(time.Second).String() }

func because(text string, err error) error {
	if err == nil {
		return errors.New(text)
	}
	return fmt.Errorf("%s: %w", text, err)
}

// Lag is how far counting of a partition is behind.
type Lag struct {
	Topic     string
	Partition int
	Next, End int64
}

// Group is how it stands with Kafka.
type Group struct {
	Lags        []Lag // of the partitions of this replica
	Generations int64 // that this replica was part of since the start
	Troubles    int64 // times that something went wrong and was tried again
}

// Vitals are the figures of a replica that are no counts of events.
type Vitals struct {
	Verdicts map[deltalog.Kind]int64 // records of the log since Open, by what became of them
	LogLag   int64                   // records of the log that are not applied, by its end of a few seconds ago
	Lost     int64                   // source records that this replica passed over since the start because they were gone
	Behind   int64                   // bytes of the followed files that were not counted at the last commit
	LeftOut  int                     // sources so far behind the others that their events are late for alerts
	Kafka    *Group                  // nil if no topics are read
}

// Vitals returns the figures of now.
func (r *Replica) Vitals() Vitals {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := &r.health
	v := Vitals{
		Verdicts: map[deltalog.Kind]int64{}, LogLag: max(0, h.end-r.state.Offset()), Lost: h.lost, Behind: h.behind, LeftOut: len(h.late),
	}
	for _, k := range deltalog.Kinds() {
		v.Verdicts[k] = r.verdicts[k]
	}
	if h.topics {
		v.Kafka = &Group{Generations: h.generations, Troubles: h.troubles}
		for _, p := range slices.SortedFunc(maps.Keys(h.partitions), comparePartitions) {
			if at := h.partitions[p]; at.next >= 0 {
				v.Kafka.Lags = append(v.Kafka.Lags, Lag{p.Topic, p.ID, at.next, max(at.end, at.next)})
			}
		}
	}
	return v
}
