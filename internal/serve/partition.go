package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/kafka"
	"imerr-scan/internal/pipeline"
)

// Bounds of a delta of a partition, beside the times in files.go.
const (
	flushRecords = 100_000
	flushSize    = 1 << 20 // as Tally.Size has it
	leastSize    = 16 << 10
	lookRecords  = 256       // between two looks at the size,
	lookBytes    = 256 << 10 // or so many bytes
)

// tail is the reading of one partition from where the log is. It has one delta in flight at most.
type tail struct {
	*topics
	ctx    context.Context // of the generation
	p      kafka.Partition
	source deltalog.Source
	size   int // at which a delta is committed

	values   *pipeline.Values
	marks    markSet
	arrived  int64     // the newest time of a record, Unix milliseconds
	records  int64     // in hand
	from, to int64     // in hand
	unseen   int       // bytes since the last look at the size
	flying   []byte    // the record that is being committed: then values holds nothing of what is in hand
	last     time.Time // of the last commit
	now      time.Time // of the last fetch
	atEnd    bool      // the last fetch reached the end
}

// partition reads a partition until ctx is done.
func (t *topics) partition(ctx context.Context, a kafka.Assigned) {
	tail := &tail{topics: t, ctx: ctx, p: a.Partition, source: sourceOf(a.Partition), size: flushSize}
	for ctx.Err() == nil {
		goOn, err := tail.run(a)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			tail.trouble(err)
			pause(ctx, time.Second)
		}
		if !goOn {
			<-ctx.Done()
		}
	}
}

func (t *tail) trouble(err error) {
	t.Replica.opt.Logger.Warn("kafka partition is not read, will be tried again", "partition", t.p.String(), "err", err)
	t.note(t.p, func(at *progress) { at.trouble = err })
	t.mu.Lock()
	defer t.mu.Unlock()
	t.health.troubles++
}

// run reads from where the log is. It returns when that has moved without us, when something has to be decided, or when ctx is
// done; false means that there is nothing more to do.
func (t *tail) run(a kafka.Assigned) (goOn bool, err error) {
	if err := t.barrier(t.ctx); err != nil {
		return true, fmt.Errorf("delta log: %w", err)
	}
	var next int64
	t.View(func(s *deltalog.State) { next = s.Next(t.source) })
	if next == deltalog.NeverSeen {
		first, err := t.start(t.ctx, a)
		if err != nil {
			return true, err
		}
		return true, t.skip(t.ctx, t.p, deltalog.NeverSeen, first, deltalog.WhyStart)
	}
	t.reset(next)
	reading, stop := context.WithCancel(t.ctx)
	defer stop()
	go t.guard(reading, stop)
	err = t.cluster.Read(reading, t.p, next, kafka.Reader{
		Record: t.record, Fetched: t.fetched, Trouble: t.trouble, Times: true,
	})
	var gone *kafka.OutOfRangeError
	switch {
	case t.over.Err() != nil:
		return true, t.finish()
	case errors.Is(err, errRefused):
		t.Replica.opt.Logger.Info("kafka partition was counted by another replica, and is read again from there", "partition", t.p.String())
		return true, nil
	case errors.Is(err, deltalog.ErrTooLarge) && t.size > leastSize:
		t.size /= 2
		return true, nil
	case errors.As(err, &gone) && gone.Lost():
		return true, t.skip(t.ctx, t.p, gone.Next, gone.First, deltalog.WhyRetention)
	case errors.As(err, &gone):
		return t.truncated(t.ctx, t.p, gone)
	case errors.Is(err, context.Canceled) && t.ctx.Err() == nil:
		return true, errors.New("stands still: read over another connection")
	}
	return true, err
}

// guard ends a reading that stands still.
func (t *tail) guard(reading context.Context, stop func()) {
	for pause(reading, watchEvery) {
		if t.stalled(t.p) {
			stop()
		}
	}
}

// reset drops what is in hand, and begins at next.
func (t *tail) reset(next int64) {
	opt := t.topics.values
	t.marks = markSet{delays: t.marks.delays[:0]}
	opt.Each = t.marks.see
	t.values = pipeline.NewValues(t.p.String(), opt)
	t.setNow()
	t.from, t.to, t.records, t.arrived, t.last, t.atEnd, t.unseen, t.flying = next, next, 0, 0, t.now, false, 0, nil
}

// setNow looks at the clock, once for all that is read at once.
func (t *tail) setNow() {
	t.now = t.Replica.opt.Now()
	t.marks.now = t.now.UnixMilli()
	t.values.SetNow(t.now)
}

// record takes a record.
func (t *tail) record(r kafka.Record) error {
	t.to = r.Offset + 1
	t.records++
	if !r.Time.IsZero() {
		t.arrived = max(t.arrived, min(r.Time.UnixMilli(), t.now.UnixMilli()))
	}
	if err := t.values.Value(r.Value, r.Time, r.Offset); err != nil {
		return err
	}
	t.unseen += len(r.Value)
	look := t.records%lookRecords == 0 || t.unseen >= lookBytes
	if look {
		t.unseen = 0
	}
	if t.records >= flushRecords || look && t.values.Size() >= t.size {
		t.atEnd = false
		return t.flush(t.ctx)
	}
	return nil
}

// fetched is called when all was given of what a broker sent.
func (t *tail) fetched(next, end int64) error {
	t.to = max(t.to, next)
	t.setNow()
	t.atEnd = next >= end
	if !t.due() {
		return nil
	}
	return t.flush(t.ctx)
}

func (t *tail) due() bool {
	since := t.now.Sub(t.last)
	return since >= flushTick || since >= flushErrors && t.marks.events > 0 || t.values.Size() >= t.size
}

// finish commits what is in hand when the process is to end.
func (t *tail) finish() error {
	if t.to == t.from {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), stopWait)
	defer cancel()
	t.atEnd = false
	return t.flush(ctx)
}

// flush commits what is in hand. What was begun and not decided is gone on with: the same record, once more.
func (t *tail) flush(ctx context.Context) error {
	if t.flying == nil {
		record, err := t.encode()
		if err != nil {
			return err
		}
		t.flying = record
	}
	accepted, err := t.commit(ctx, t.source, t.from, t.to, t.flying)
	if err != nil {
		return err
	}
	if !accepted {
		return errRefused
	}
	t.delayed(&t.marks)
	now := t.Replica.opt.Now()
	t.note(t.p, func(at *progress) { at.next, at.moved = t.to, now })
	t.from, t.flying, t.records, t.last = t.to, nil, 0, now
	return nil
}

// encode takes what is in hand into a record of the log: a tick, if there is nothing but time.
func (t *tail) encode() ([]byte, error) {
	d := deltalog.Delta{
		Source: t.source, From: t.from, To: t.to, Records: t.records, Watermark: t.watermark(),
		At: t.now.UnixMilli(), End: t.atEnd, By: t.Replica.opt.Name,
	}
	if counts := t.values.Take(); d.To > d.From {
		d.Counts = counts
	}
	return d.Encode()
}

// watermark is the event time up to which the partition is believed complete: that of the events, or without any that of the
// records.
func (t *tail) watermark() int64 {
	return cmp.Or(t.marks.millis(), t.arrived)
}
