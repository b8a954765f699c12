// Package serve is a replica of the service: it reads a delta log, counts what it is given to read into it, and tells of the
// alerts that come of it. It joins pipeline, deltalog and notify for a process that does not end.
//
// Words: a replica is one process; it follows the log for its whole life; a delta is committed when it was read back from
// the log and found accepted, never when a write was answered; the leader is the replica that sends alerts (with a log of
// its own, always this one).
//
//	r, err := serve.Open(ctx, opt)            // holds what the log says
//	err = r.Run(ctx, notifier, func(ctx context.Context) error { return r.Files(ctx, args, pipelineOptions) })
//
// It knows no configuration, no HTTP and no metrics: Options.Accepted and View are what these need.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/notify"
)

// Options says what a replica works with. Log, State and Logger are required.
type Options struct {
	Log    deltalog.Log
	State  deltalog.Options
	Name   string       // of this replica, in the log
	Logger *slog.Logger // of what happens; nothing of a log line goes into it
	Now    func() time.Time
	// Accepted is told what each delta of this replica that was accepted added up to, for counters, with the lock of View held.
	Accepted func(counts []byte)
	// Alerted is told of each alert record, with the lock of View held; both may be nil.
	Alerted func(*detect.Alert)
	// BaseEvery is how often the whole state is written into the log; 0 means 10 min.
	BaseEvery time.Duration
}

// Replica is one process of the service. Its methods are safe for concurrent use.
type Replica struct {
	opt Options

	mu       sync.Mutex
	state    *deltalog.State
	moved    chan struct{} // closed and replaced at each record that is applied
	verdicts map[deltalog.Kind]int64
	failed   error // of following the log
	handed   int64 // event time of the newest alert record that was given to the notifier
	notifier *notify.Notifier
	dirty    bool // something was told since the last note
}

// Open reads the log and returns a replica that holds its state. Run makes it go on.
func Open(ctx context.Context, opt Options) (*Replica, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.BaseEvery == 0 {
		opt.BaseEvery = 10 * time.Minute
	}
	r := &Replica{opt: opt, moved: make(chan struct{}), verdicts: map[deltalog.Kind]int64{}}
	state, err := load(ctx, opt)
	if err != nil {
		return nil, err
	}
	r.state = state
	return r, nil
}

// Load returns the state that a log holds, without taking part in it.
func Load(ctx context.Context, log deltalog.Log, opt deltalog.Options) (*deltalog.State, error) {
	return load(ctx, Options{Log: log, State: opt, Logger: slog.New(slog.DiscardHandler)})
}

// look is how many records at the end of a log are searched for a base at first.
const look = 4096

// load makes a state of the newest complete base and of the records after what it holds.
func load(ctx context.Context, opt Options) (*deltalog.State, error) {
	first, end, err := opt.Log.Bounds(ctx)
	if err != nil {
		return nil, fmt.Errorf("delta log: %w", err)
	}
	state := deltalog.NewState(opt.State)
	from := first
	for back := int64(look); ; back *= 8 {
		var f deltalog.Finder
		begin := max(first, end-back)
		if _, err := opt.Log.Read(ctx, begin, false, func(_ int64, record []byte) error { f.See(record); return nil }); err != nil {
			return nil, fmt.Errorf("delta log: %w", err)
		}
		if image, offset, ok := f.Found(); ok && offset >= first {
			if err := state.UnmarshalBinary(image); err != nil {
				return nil, fmt.Errorf("delta log: %w", err)
			}
			from = offset
			break
		}
		if begin == first {
			if first > 0 {
				opt.Logger.Warn("delta log begins after its start and holds no base: counting as from an empty log", "first", first)
			}
			break
		}
	}
	if _, err := opt.Log.Read(ctx, from, false, func(offset int64, record []byte) error {
		state.Apply(offset, record)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("delta log: %w", err)
	}
	return state, nil
}

// View calls f with the state, which f must not keep.
func (r *Replica) View(f func(*deltalog.State)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(r.state)
}

// Verdicts returns how many records of the log became what since Open.
func (r *Replica) Verdicts() map[deltalog.Kind]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[deltalog.Kind]int64{}
	for _, k := range deltalog.Kinds() {
		all[k] = r.verdicts[k]
	}
	return all
}

// Run follows the log, sends alerts through notifier (which may be nil, and is closed at the end) and writes bases, as long as
// work runs. work is what reads; when ctx is done it has a moment to commit what is in hand.
func (r *Replica) Run(ctx context.Context, notifier *notify.Notifier, work func(context.Context) error) error {
	r.handed = r.state.Told().At
	r.lead(notifier)
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { r.follow(life) })
	wg.Go(func() { r.tend(life) })
	err := work(ctx)
	r.mu.Lock()
	notifier = r.notifier // there may have been another
	r.mu.Unlock()
	if notifier != nil {
		last, cancel := context.WithTimeout(life, stopWait)
		if err := notifier.Close(last); err != nil {
			r.opt.Logger.Warn("alerts wait to be sent after the next start", "err", err)
		}
		cancel()
	}
	end()
	wg.Wait()
	return err
}

// follow applies what the log has, until ctx is done.
func (r *Replica) follow(ctx context.Context) {
	var from int64
	r.View(func(s *deltalog.State) { from = s.Offset() })
	for {
		next, err := r.opt.Log.Read(ctx, from, true, r.apply)
		if ctx.Err() != nil {
			return
		}
		from = next
		r.fail(err)
		r.opt.Logger.Error("delta log cannot be read", "err", err)
		if !pause(ctx, time.Second) {
			return
		}
	}
}

func (r *Replica) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = err
}

// apply takes one record of the log.
func (r *Replica) apply(offset int64, record []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.state.Apply(offset, record)
	r.verdicts[v.Kind]++
	r.failed = nil
	switch {
	case v.Newer && r.verdicts[v.Kind] == 1:
		r.opt.Logger.Warn("delta log holds records of a newer version: they are ignored", "offset", offset)
	case v.Kind == deltalog.Broken:
		r.opt.Logger.Warn("delta log holds a record that is none", "offset", offset, "err", v.Err)
	case v.Lost > 0:
		r.opt.Logger.Error("records were gone before they were counted", "source", v.Source.String(), "records", v.Lost)
	case v.Kind == deltalog.Accepted && r.opt.Accepted != nil:
		r.opt.Accepted(v.Counts)
	}
	for i := range v.Alerts {
		r.alert(&v.Alerts[i])
	}
	close(r.moved)
	r.moved = make(chan struct{})
	return nil
}

// alert logs a record and hands it to the notifier.
func (r *Replica) alert(a *detect.Alert) {
	log := r.opt.Logger.With("alert", a.Alert, "codes", a.Codes, "severity", a.Severity, "users", a.Users, "count", a.Count)
	switch a.State {
	case detect.Firing:
		log.Warn("alert firing", "starts_at", a.StartsAt, "rate_per_minute", a.Rate, "usual_per_minute", a.Usual)
	case detect.Resolved:
		log.Info("alert resolved", "starts_at", a.StartsAt, "ends_at", a.EndsAt, "kind", a.Kind, "reason", a.Reason)
	}
	if r.opt.Alerted != nil {
		r.opt.Alerted(a)
	}
	r.hand(a)
}

// hand gives a record to the notifier; without one it waits for the next.
func (r *Replica) hand(a *detect.Alert) {
	if r.notifier != nil {
		r.notifier.Send(*a)
		r.handed = max(r.handed, a.At.UnixMilli())
	}
}

// lead begins to send: what was not handed on yet, and from then on what comes.
func (r *Replica) lead(n *notify.Notifier) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notifier = n
	handed := r.handed
	for _, a := range r.state.Alerts() {
		if a.At.UnixMilli() > handed {
			r.hand(&a)
		}
	}
}

// Reload goes on with other settings of the detector and another notifier, which open makes of what the last one told. Counts,
// cells and alerts stay; if open fails, so does everything else. It may be called while Run runs.
func (r *Replica) Reload(settings detect.Options, open func(told []byte) (*notify.Notifier, error)) error {
	r.mu.Lock()
	old := r.notifier
	r.notifier = nil // what comes now waits
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), stopWait)
	defer cancel()
	trial, err := open(nil)
	if err != nil {
		r.lead(old)
		return err
	}
	_ = trial.Close(ctx) // it has nothing to send
	var told []byte
	if old != nil {
		_ = old.Close(ctx) // the next one goes on with what it did not bring
		told = old.Snapshot()
	}
	next, err := open(told)
	if err != nil {
		return err
	}
	r.mu.Lock()
	err = r.state.Configure(settings)
	r.mu.Unlock()
	r.lead(next)
	return err
}

// Delivered is to be told when a sink has taken something, so that the log says so.
func (r *Replica) Delivered(d notify.Delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dirty = r.dirty || d.Err == nil
}

// tend writes notes and bases.
func (r *Replica) tend(ctx context.Context) {
	last := r.opt.Now()
	for pause(ctx, time.Second) {
		r.note(ctx)
		if r.opt.Now().Sub(last) < r.opt.BaseEvery {
			continue
		}
		last = r.opt.Now()
		if err := r.base(ctx); err != nil && ctx.Err() == nil {
			r.opt.Logger.Error("no base written: the next start reads more of the log", "err", err)
		}
	}
	r.note(context.WithoutCancel(ctx)) // a short write; what was told must not be told again
}

// note writes down what the sinks were told, if there is something new.
func (r *Replica) note(ctx context.Context) {
	r.mu.Lock()
	n, dirty, at := r.notifier, r.dirty, r.handed
	r.dirty = false
	r.mu.Unlock()
	if n == nil || !dirty {
		return
	}
	note := deltalog.Note{Told: n.Snapshot(), At: at, By: r.opt.Name}
	record, err := note.Encode()
	if err == nil {
		err = r.opt.Log.Append(ctx, record)
	}
	if err != nil {
		r.opt.Logger.Error("what was sent is not noted, and is sent again after a restart", "err", err)
		r.mu.Lock()
		r.dirty = true
		r.mu.Unlock()
	}
}

// compacter is a log that can drop what a base made unnecessary.
type compacter interface{ Compact(before int64) error }

// base writes the whole state into the log.
func (r *Replica) base(ctx context.Context) error {
	r.mu.Lock()
	records, err := r.state.Base()
	offset := r.state.Offset()
	r.mu.Unlock()
	if err != nil {
		return err
	}
	for _, record := range records {
		if err := r.opt.Log.Append(ctx, record); err != nil {
			return err
		}
	}
	if c, ok := r.opt.Log.(compacter); ok {
		return c.Compact(offset)
	}
	return nil
}

// commit appends a record that counts [from, to) and waits until it was read back: whether next moved to where the record
// wanted it. from is what the record says, not what next is by now: another writer may have been first.
func (r *Replica) commit(ctx context.Context, source deltalog.Source, from, to int64, record []byte) (accepted bool, err error) {
	var offset int64
	r.View(func(s *deltalog.State) { offset = s.Offset() })
	for {
		if err := r.opt.Log.Append(ctx, record); err != nil && ctx.Err() != nil {
			return false, err
		} else if err != nil {
			r.opt.Logger.Error("delta log cannot be written, counting waits", "err", err)
			r.fail(err)
			if !pause(ctx, time.Second) {
				return false, ctx.Err()
			}
		}
		again := time.After(2 * time.Second)
	wait:
		for {
			r.mu.Lock()
			next, seen, moved := r.state.Next(source), r.state.Offset(), r.moved
			r.mu.Unlock()
			if next != from || to == from && seen > offset { // nobody waits for a tick to be accepted
				return next == to, nil
			}
			select {
			case <-moved:
			case <-again:
				break wait
			case <-ctx.Done():
				return false, ctx.Err()
			}
		}
	}
}

// pause waits, and returns false if ctx ended it.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Ready returns why the replica is not ready, nil if it is.
func (r *Replica) Ready() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed != nil {
		return fmt.Errorf("delta log: %w", r.failed)
	}
	return nil
}

// errRefused says that somebody else wrote for our source, so that we have to go on from where the log is.
var errRefused = errors.New("delta refused: another writer was first")

// Sinks returns the counts of the sinks; after a reload they begin anew.
func (r *Replica) Sinks() []notify.Stats {
	r.mu.Lock()
	n := r.notifier
	r.mu.Unlock()
	if n == nil {
		return nil
	}
	return n.Stats()
}

// Told returns what the log says the sinks were told, for notify.Options.State.
func (r *Replica) Told() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.Told().Told
}
