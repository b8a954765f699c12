// Package serve is a replica of the service: it reads a delta log, counts what it is given to read into it, and tells of the
// alerts that come of it. It joins pipeline, deltalog and notify for a process that does not end.
//
// Words: a replica is one process; it follows the log for its whole life; a barrier is the end of the log at some moment, which
// is waited for; a delta is committed when it was read back from the log and found accepted, never when a write was
// answered; the leader is the replica that sends alerts, the last that claimed it in the log.
//
//	r, err := serve.Open(ctx, opt)            // holds what the log says
//	err = r.Run(ctx, r.Files(args, popt), r.Topics(cluster, topt, popt))
//
// It knows no configuration, no HTTP and no metrics: Options and View are what these need.
package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/kafka"
	"imerr-scan/internal/notify"
)

// Options says what a replica works with. Log, State, Name and Logger are required.
type Options struct {
	Log    deltalog.Log
	State  deltalog.Options
	Name   string       // of this process, in the log; no other, before or beside it, has the same
	Logger *slog.Logger // of what happens; nothing of a log line goes into it
	Now    func() time.Time
	// Alone says that the log is no other replica's: this one leads all the time.
	Alone bool
	// Open begins to send alerts, and goes on from what sinks were told; Delivered must be its Notified, Leads its Gate. nil: never.
	Open func(told []byte) (*notify.Notifier, error)
	// Accepted is told what each delta of this replica that was accepted added up to, Alerted of each alert record while this
	// replica leads; both with the lock of View held. Delayed is told, for the events of an accepted delta, how many seconds
	// after their times they were read. All may be nil.
	Accepted func(deltalog.Verdict)
	Alerted  func(*detect.Alert)
	Delayed  func(seconds []float32)
	// BaseEvery is how often the leader writes the whole state into the log; 0 means 10 min. It does so sooner if the log has
	// grown by BaseRecords since; 0 means 50,000.
	BaseEvery   time.Duration
	BaseRecords int64
}

// Replica is one process of the service. Its methods are safe for concurrent use.
type Replica struct {
	opt Options

	mu       sync.Mutex
	state    *deltalog.State
	moved    chan struct{} // closed and replaced at each record that is applied
	verdicts map[deltalog.Kind]int64
	newer    bool  // it was said that the log holds records of a newer version
	unbased  int64 // records of the log since its last base
	leading  leading
	health   health
}

// Open reads the log and returns a replica that holds its state. Run makes it go on.
func Open(ctx context.Context, opt Options) (*Replica, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.BaseEvery == 0 {
		opt.BaseEvery = 10 * time.Minute
	}
	if opt.BaseRecords == 0 {
		opt.BaseRecords = 50_000
	}
	state, unbased, err := load(ctx, opt)
	if err != nil {
		return nil, err
	}
	r := &Replica{opt: opt, state: state, moved: make(chan struct{}), verdicts: map[deltalog.Kind]int64{}, unbased: unbased}
	r.health.fresh = opt.Now()
	r.leading.noting = make(chan struct{}, 1)
	return r, nil
}

// Load returns the state that a log holds, without taking part in it.
func Load(ctx context.Context, log deltalog.Log, opt deltalog.Options) (*deltalog.State, error) {
	state, _, err := load(ctx, Options{Log: log, State: opt, Logger: slog.New(slog.DiscardHandler)})
	return state, err
}

// look is how many records at the end of a log are searched for a base at first.
const look = 4096

// patience is how often a log is asked that does not answer at the start, a second apart.
const patience = 20

// load makes a state of the newest complete base and of the records after what it holds. unbased is how many records the log has
// since its last base.
func load(ctx context.Context, opt Options) (state *deltalog.State, unbased int64, err error) {
	first, end, err := opt.Log.Bounds(ctx)
	for tries := 1; err != nil && tries < patience && pause(ctx, time.Second); tries++ { // a broker may be on its way back
		first, end, err = opt.Log.Bounds(ctx)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("delta log: %w", err)
	}
	state = deltalog.NewState(opt.State)
	from := first
	for back := int64(look); ; back *= 8 {
		var f deltalog.Finder
		begin := max(first, end-back)
		if _, err := opt.Log.Read(ctx, begin, false, func(_ int64, record []byte) error { f.See(record); return nil }); err != nil {
			return nil, 0, fmt.Errorf("delta log: %w", err)
		}
		if image, offset, ok := f.Found(); ok && offset >= first {
			if err := state.UnmarshalBinary(image); err != nil {
				return nil, 0, fmt.Errorf("delta log: %w", err)
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
	var verdicts [deltalog.Broken + 1]int64
	var broken error
	err = state.Replay(func(apply func(int64, []byte) error) error {
		_, err := opt.Log.Read(ctx, from, false, apply)
		return err
	}, func(v deltalog.Verdict) {
		verdicts[v.Kind]++
		if unbased++; v.Base {
			unbased = 0
		}
		if broken == nil {
			broken = v.Err
		}
	})
	if err != nil {
		return nil, 0, fmt.Errorf("delta log: %w", err)
	}
	if n := verdicts[deltalog.Broken]; n > 0 && from == first && verdicts[deltalog.Accepted]+verdicts[deltalog.Skipped]+verdicts[deltalog.Noted] == 0 {
		return nil, 0, fmt.Errorf("%w: %d records, of which none is a delta: %w", ErrForeign, n, broken)
	}
	return state, unbased, nil
}

// ErrForeign says that what was given as a delta log holds something else.
var ErrForeign = errors.New("not a delta log of imerr-scan")

// View calls f with the state, which f must not keep.
func (r *Replica) View(f func(*deltalog.State)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(r.state)
}

// Run follows the log, leads, and writes bases, as long as all of works run: when one returns, or ctx is done, the others are
// stopped, which have a moment to commit what is in hand. The error is the first of theirs.
func (r *Replica) Run(ctx context.Context, works ...func(context.Context) error) error {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	lead, resign := context.WithCancel(life)
	defer resign()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var following, leading sync.WaitGroup
	var gone error
	following.Go(func() {
		if gone = r.follow(life); gone != nil {
			stop()
		}
	})
	following.Go(func() { r.tend(life) })
	if r.opt.Alone {
		leading.Go(func() { r.lead(lead, stopWait) })
	}
	err := together(ctx, works)
	resign()
	leading.Wait()
	end()
	following.Wait()
	return cmp.Or(gone, err)
}

// together runs works until one of them returns.
func together(ctx context.Context, works []func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make(chan error, len(works))
	for _, work := range works {
		go func() { errs <- work(ctx) }()
	}
	var first error
	for range works {
		err := <-errs
		cancel()
		if first == nil && !errors.Is(err, context.Canceled) {
			first = err
		}
	}
	return first
}

// follow applies what the log has, until ctx is done. An error says that the log has not what comes next: the process was frozen
// for longer than the log keeps records, or it is another log. A new process knows what to do with what there is.
func (r *Replica) follow(ctx context.Context) error {
	var from int64
	r.View(func(s *deltalog.State) { from = s.Offset() })
	for {
		next, err := r.opt.Log.Read(ctx, from, true, r.apply)
		if ctx.Err() != nil {
			return nil
		}
		if _, gone := errors.AsType[*kafka.OutOfRangeError](err); gone {
			return fmt.Errorf("delta log: %w", err)
		}
		from = next
		r.trouble(err)
		r.opt.Logger.Error("delta log cannot be read", "err", err)
		if !pause(ctx, time.Second) {
			return nil
		}
	}
}

// apply takes one record of the log.
func (r *Replica) apply(offset int64, record []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.state.Apply(offset, record)
	r.verdicts[v.Kind]++
	r.health.applied(r.state.Offset())
	if r.unbased++; v.Base {
		r.unbased = 0
	}
	switch {
	case v.Newer && !r.newer:
		r.newer = true
		r.opt.Logger.Warn("delta log holds records of a newer version: they are ignored", "offset", offset)
	case v.Kind == deltalog.Broken:
		r.opt.Logger.Warn("delta log holds a record that is none", "offset", offset, "err", v.Err)
	case v.Lost > 0 && v.By == r.opt.Name:
		r.health.lost += v.Lost
		r.opt.Logger.Error("records were gone before they were counted", "source", v.Source.String(), "records", v.Lost)
	case v.Kind == deltalog.Accepted && v.By == r.opt.Name && r.opt.Accepted != nil:
		r.opt.Accepted(v)
	}
	for i := range v.Alerts {
		r.alert(&v.Alerts[i])
	}
	close(r.moved)
	r.moved = make(chan struct{})
	return nil
}

// until waits until ok, which is asked with the lock held each time that a record was applied. False: ctx was done before.
func (r *Replica) until(ctx context.Context, ok func(*deltalog.State) bool) bool {
	for {
		r.mu.Lock()
		done, moved := ok(r.state), r.moved
		r.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return false
		}
	}
}

// barrier waits until everything was applied that the log has now.
func (r *Replica) barrier(ctx context.Context) error {
	_, end, err := r.opt.Log.Bounds(ctx)
	if err != nil {
		return err
	}
	if !r.until(ctx, func(s *deltalog.State) bool { return s.Offset() >= end }) {
		return ctx.Err()
	}
	return nil
}

// Reload goes on with other settings of the detector, and sends by what Options.Open now opens. Counts, cells and alerts stay;
// if Open fails, so does everything else. It may be called while Run runs.
func (r *Replica) Reload(settings detect.Options) error {
	if err := r.reopen(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.Configure(settings)
}

// tend asks for the end of the log, and writes bases as long as this replica leads.
func (r *Replica) tend(ctx context.Context) {
	last := r.opt.Now()
	for pause(ctx, time.Second) {
		r.look(ctx)
		if !r.baseDue(r.opt.Now().Sub(last)) {
			continue
		}
		last = r.opt.Now()
		if err := r.base(ctx); err != nil && ctx.Err() == nil {
			r.opt.Logger.Error("no base written: the next start reads more of the log", "err", err)
		}
	}
}

// baseDue says whether this replica is to write a base, so long after its last one or after it began. How much the log has grown
// is what replicas that never live for long have in common.
func (r *Replica) baseDue(since time.Duration) bool {
	if !r.Leader() {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return since >= r.opt.BaseEvery || since >= baseAgain && r.unbased >= r.opt.BaseRecords
}

// baseAgain is after how long a base is written again that was not seen in the log.
const baseAgain = 10 * time.Second

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
	var offset, next int64
	r.View(func(s *deltalog.State) { offset = s.Offset() })
	for {
		err := r.opt.Log.Append(ctx, record)
		switch {
		case err == nil:
		case ctx.Err() != nil, errors.Is(err, deltalog.ErrTooLarge):
			return false, err
		default:
			r.opt.Logger.Error("delta log cannot be written, counting waits", "source", source.String(), "err", err)
			r.trouble(err)
			if !pause(ctx, time.Second) {
				return false, ctx.Err()
			}
		}
		soon, cancel := context.WithTimeout(ctx, again)
		decided := r.until(soon, func(s *deltalog.State) bool {
			next = s.Next(source)
			return next != from || to == from && s.Offset() > offset // nobody waits for a tick to be accepted
		})
		cancel()
		if decided {
			return next == to, nil
		}
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
	}
}

// skip commits that next of a source moves without counting.
func (r *Replica) skip(ctx context.Context, source deltalog.Source, from, to int64, why string) (accepted bool, err error) {
	s := deltalog.Skip{Source: source, From: from, To: to, Why: why, By: r.opt.Name}
	record, err := s.Encode()
	if err != nil {
		return false, err
	}
	return r.commit(ctx, source, from, to, record)
}

// again is after how long a record that does not come back is written once more.
const again = 2 * time.Second

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

// errRefused says that somebody else wrote for our source, so that we have to go on from where the log is.
var errRefused = errors.New("delta refused: another writer was first")
