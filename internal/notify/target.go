package notify

import (
	"context"
	"errors"
	"sync"
	"time"

	"imerr-scan/internal/detect"
)

// courier brings the first of the notes to a target, as many as one message can carry, and says how many. It is safe for
// concurrent use.
type courier interface {
	deliver(ctx context.Context, notes []note) (int, *Error)
}

// target is one address of a sink. Its goroutine runs run.
type target struct {
	id       string
	sink     *sink
	courier  courier
	wake     chan struct{}
	jitter   func() float64
	notified func(Delivery)
	gate     func(context.Context) error

	mu       sync.Mutex
	queue    *queue
	bucket   *bucket
	closing  bool
	failures int       // in a row
	resume   time.Time // nothing is sent before
	stats    Stats
}

func (t *target) put(a detect.Alert) {
	t.mu.Lock()
	if !t.closing {
		t.queue.put(a)
	}
	t.mu.Unlock()
	t.rouse()
}

func (t *target) close() {
	t.mu.Lock()
	t.closing = true
	t.mu.Unlock()
	t.rouse()
}

func (t *target) rouse() {
	select {
	case t.wake <- struct{}{}:
	default: // is awake
	}
}

// run sends until t is closed and nothing is left to try, or ctx ends.
func (t *target) run(ctx context.Context) {
	for ctx.Err() == nil {
		notes, wait, done := t.next(time.Now())
		switch {
		case done:
			return
		case len(notes) > 0:
			t.send(ctx, notes)
		default:
			t.sleep(ctx, wait)
		}
	}
}

const longWait = time.Hour

func (t *target) sleep(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-t.wake:
	case <-timer.C:
	}
}

// next returns what the next message should carry, or how long there is nothing to do; done is the end.
//
// As long as there are messages to spare each alert has its own. The last one that is allowed carries all that are left.
func (t *target) next(now time.Time) (notes []note, wait time.Duration, done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	notes, at := t.queue.due(now, t.closing)
	switch {
	case len(notes) == 0 && t.closing:
		return nil, 0, true
	case len(notes) == 0 && at.IsZero():
		return nil, longWait, false
	case len(notes) == 0:
		return nil, max(at.Sub(now), time.Millisecond), false
	case !t.closing && t.resume.After(now):
		return nil, t.resume.Sub(now), false
	}
	left, wait := t.bucket.take(now)
	switch {
	case wait > 0:
		return nil, wait, false
	case left > 0 || t.sink.kind.batch > 1:
		return notes[:min(len(notes), t.sink.kind.batch)], 0, false
	}
	return notes[:min(len(notes), foldLimit)], 0, false
}

func (t *target) send(ctx context.Context, notes []note) {
	if t.gate != nil && t.gate(ctx) != nil {
		t.hold()
		return
	}
	start := time.Now()
	n, err := t.deliver(ctx, notes)
	end := time.Now()
	t.settle(notes[:n], err, end)
	if t.notified == nil {
		return
	}
	d := Delivery{Sink: t.sink.Name, Took: end.Sub(start)}
	for i := range n {
		d.Alerts = append(d.Alerts, notes[i].Alert.Alert)
	}
	if err != nil {
		d.Err = err
	}
	t.notified(d)
}

// gatePause is how long the gate is left alone after it said no.
const gatePause = time.Second

// hold takes back that a message was about to be sent.
func (t *target) hold() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bucket.level++
	t.resume = latest(t.resume, time.Now().Add(gatePause))
	if t.closing {
		t.queue.triedAll()
	}
}

func (t *target) deliver(ctx context.Context, notes []note) (int, *Error) {
	n, err := t.courier.deliver(ctx, notes)
	if err != nil {
		err.Sink = t.sink.Name
	}
	return n, err
}

// settle records how a message with these notes fared. A sink that says no to a message may say yes to another; one that
// does not answer, or says "later", is left in peace as a whole.
func (t *target) settle(notes []note, err *Error, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closing {
		t.queue.tried(notes)
	}
	if err == nil {
		t.failures, t.stats.LastError = 0, ""
		t.stats.OK++
		t.stats.LastOK = now
		t.queue.delivered(notes, now)
		return
	}
	t.stats.LastError = err.Error()
	if err.Result == Rejected {
		t.stats.Rejected++
	} else {
		t.stats.Errors++
	}
	if !err.temporary {
		t.queue.refused(notes, now, t.jitter)
		return
	}
	t.failures++
	t.resume = now.Add(max(pause(t.failures, t.jitter), err.wait))
	if t.closing {
		t.queue.triedAll()
	}
}

// tried keeps notes from being sent once more while closing, but not what came after them.
func (q *queue) tried(notes []note) {
	for i := range notes {
		if e := q.entries[notes[i].id]; e != nil {
			e.lastTry = notes[i].seq
		}
	}
}

func (q *queue) triedAll() {
	for _, e := range q.entries {
		e.lastTry = e.seq
	}
}

// sendNow tries three times, without queue, limits and counts.
func (t *target) sendNow(ctx context.Context, a detect.Alert) error {
	notes := []note{{Alert: a, labels: labelsOf(&a, t.queue.labels), first: &a}}
	for try := 1; ; try++ {
		_, err := t.deliver(ctx, notes)
		switch {
		case err == nil:
			return nil
		case !err.temporary || try == quickTries || err.wait > timeout:
			return err
		}
		timer := time.NewTimer(max(pause(try, t.jitter), err.wait))
		select {
		case <-ctx.Done():
			timer.Stop()
			return errors.Join(err, ctx.Err())
		case <-timer.C:
		}
	}
}

func (t *target) addTo(sum *Stats) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum.OK += t.stats.OK
	sum.Rejected += t.stats.Rejected
	sum.Errors += t.stats.Errors
	sum.Dropped += t.queue.dropped
	sum.Queued += t.queue.waiting()
	if t.stats.LastError != "" {
		sum.LastError = t.stats.LastError
	}
	sum.LastOK = latest(sum.LastOK, t.stats.LastOK)
}

func (t *target) save() []*entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.queue.save()
}

const (
	quickTries = 3
	firstPause = time.Second
	longPause  = 10 * time.Second
	maxPause   = 5 * time.Minute
)

// pause returns how long to wait after the nth failure in a row: about 1 s, 2 s, then 10 s, 20 s … 5 min, each of them
// between half of that and all of it, so that many programs do not come back at once.
func pause(n int, jitter func() float64) time.Duration {
	d := firstPause << min(n-1, quickTries-2)
	if n >= quickTries {
		d = min(longPause<<min(n-quickTries, 10), maxPause)
	}
	return d/2 + time.Duration(jitter()*float64(d/2))
}

// bucket allows burst messages at once and one more each every.
type bucket struct {
	burst float64
	every time.Duration
	level float64
	last  time.Time
}

func newBucket(burst int, every time.Duration) *bucket {
	return &bucket{burst: float64(burst), every: every, level: float64(burst)}
}

// take takes one message and returns how many more are allowed now, or takes none and returns how long to wait.
func (b *bucket) take(now time.Time) (left int, wait time.Duration) {
	if !b.last.IsZero() {
		b.level = min(b.burst, b.level+max(0, float64(now.Sub(b.last))/float64(b.every)))
	}
	b.last = now
	if b.level < 1 {
		return 0, max(time.Duration((1-b.level)*float64(b.every)), time.Millisecond)
	}
	b.level--
	return int(b.level), 0
}
