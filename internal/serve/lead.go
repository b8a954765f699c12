package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/notify"
)

// leading is what a replica has while it sends alerts. It is guarded by Replica.mu, but for the two locks.
type leading struct {
	claim    string // by which this replica leads; "" while it does not
	claims   int    // so far
	notes    int64  // so far
	notifier *notify.Notifier
	takes    bool                    // the notifier is given what comes; else that waits
	handed   int64                   // event time of the newest alert record that it was given, Unix milliseconds
	past     map[string]notify.Stats // counts of the notifiers before it, by name of the sink

	changing sync.Mutex    // who opens or closes a notifier has it
	noting   chan struct{} // who has put something in writes a note: one after the other
}

// How long things may take.
const (
	stopWait   = 3 * time.Second        // the last commit, and what sinks are still to be told, when the process ends
	yieldWait  = 500 * time.Millisecond // what they are still to be told when another replica takes over
	claimAgain = 5 * time.Second        // between two claims, if others claim as well
	noteWait   = 30 * time.Second       // to write down what was told, whoever leads then
)

// lead sends alerts until ctx is done, which wait may then delay. Who claimed last in the log leads: what another replica claims
// ends it, until it claims again.
func (r *Replica) lead(ctx context.Context, wait time.Duration) {
	for ctx.Err() == nil {
		claim, err := r.claim(ctx)
		if err == nil {
			err = r.begin(claim)
		}
		if err != nil && ctx.Err() == nil {
			r.opt.Logger.Error("alerts cannot be sent yet", "err", err)
			r.trouble(err)
			pause(ctx, time.Second)
			continue
		}
		var by string
		deposed := r.until(ctx, func(s *deltalog.State) bool { by = s.Told().By; return by != claim })
		if deposed {
			r.opt.Logger.Warn("another replica sends alerts", "replica", by)
		}
		r.resign(wait)
		if deposed {
			pause(ctx, claimAgain)
		}
	}
}

// claim says in the log that this replica leads, and waits until the log says so.
func (r *Replica) claim(ctx context.Context) (string, error) {
	if !r.turnToNote(ctx) { // what this one told when it led before is to be noted by the claim of then
		return "", ctx.Err()
	}
	<-r.leading.noting
	r.mu.Lock()
	r.leading.claims++
	claim := fmt.Sprintf("%s#%d", r.opt.Name, r.leading.claims)
	r.mu.Unlock()
	note := deltalog.Note{By: claim, Claim: true}
	record, err := note.Encode()
	if err != nil {
		return "", err
	}
	err = r.write(ctx, record, func(s *deltalog.State) bool { return s.Told().By == claim })
	return claim, err
}

// write appends a note, more than once if need be, until the state says that it is settled, or ctx is done.
func (r *Replica) write(ctx context.Context, record []byte, settled func(*deltalog.State) bool) error {
	for {
		err := r.opt.Log.Append(ctx, record)
		if err != nil && ctx.Err() == nil {
			r.opt.Logger.Error("delta log cannot be written, alerts wait", "err", err)
			r.trouble(err)
		}
		soon, cancel := context.WithTimeout(ctx, again)
		ok := r.until(soon, settled) // after an error it may be there, too
		cancel()
		switch {
		case ok:
			return nil
		case ctx.Err() != nil:
			return cmp.Or(err, ctx.Err())
		case errors.Is(err, deltalog.ErrTooLarge):
			return err
		}
	}
}

// begin opens a notifier with what sinks were told, and hands it what came since.
func (r *Replica) begin(claim string) error {
	r.leading.changing.Lock()
	defer r.leading.changing.Unlock()
	var told deltalog.Note
	r.View(func(s *deltalog.State) { told = s.Told() })
	var n *notify.Notifier
	if r.opt.Open != nil {
		var err error
		if n, err = r.opt.Open(told.Told); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leading.claim, r.leading.handed = claim, told.At
	r.take(n)
	return nil
}

// take makes n the notifier, and hands it what the last one was not given.
func (r *Replica) take(n *notify.Notifier) {
	r.retire()
	r.leading.notifier, r.leading.takes = n, true
	handed := r.leading.handed
	for _, a := range r.state.Alerts() {
		if a.At.UnixMilli() > handed {
			r.hand(&a)
		}
	}
}

// retire keeps the counts of the notifier, which has been shut.
func (r *Replica) retire() {
	if r.leading.notifier == nil {
		return
	}
	if r.leading.past == nil {
		r.leading.past = map[string]notify.Stats{}
	}
	for _, s := range r.leading.notifier.Stats() {
		r.leading.past[s.Name] = withPast(s, r.leading.past[s.Name])
	}
	r.leading.notifier = nil
}

// withPast adds the counts of past to those of s.
func withPast(s, past notify.Stats) notify.Stats {
	s.OK += past.OK
	s.Rejected += past.Rejected
	s.Errors += past.Errors
	s.Dropped += past.Dropped
	return s
}

// shut closes the notifier; what sinks were not told yet has until ctx ends. What comes from here on waits for the next one.
func (r *Replica) shut(ctx context.Context) *notify.Notifier {
	r.mu.Lock()
	n := r.leading.notifier
	r.leading.takes = false
	r.mu.Unlock()
	if n == nil {
		return nil
	}
	if err := n.Close(ctx); err != nil {
		r.opt.Logger.Warn("alerts wait to be sent by the next", "err", err)
	}
	return n
}

// resign ends sending.
func (r *Replica) resign(wait time.Duration) {
	r.leading.changing.Lock()
	defer r.leading.changing.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	r.shut(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retire()
	r.leading.claim = ""
}

// reopen sends by what Options.Open now opens, if this replica leads.
func (r *Replica) reopen() error {
	r.leading.changing.Lock()
	defer r.leading.changing.Unlock()
	if r.opt.Open == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopWait)
	defer cancel()
	trial, err := r.opt.Open(nil)
	if err != nil {
		return err
	}
	_ = trial.Close(ctx) // it has nothing to send
	old := r.shut(ctx)
	if old == nil {
		return nil
	}
	next, err := r.opt.Open(old.Snapshot())
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.take(next)
	return nil
}

// Leader says whether this replica sends alerts.
func (r *Replica) Leader() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.leading.claim != "" && r.state.Told().By == r.leading.claim
}

// Leads returns nil if this replica leads still, by all that the log has now: a process that was frozen finds out that another
// one has taken over. It is to be asked before each message to a sink.
func (r *Replica) Leads(ctx context.Context) error {
	if r.opt.Alone {
		return nil
	}
	if err := r.barrier(ctx); err != nil {
		return fmt.Errorf("delta log: %w", err)
	}
	if !r.Leader() {
		return errors.New("another replica leads")
	}
	return nil
}

// alert logs a record and hands it to the notifier, as far as this replica leads.
func (r *Replica) alert(a *detect.Alert) {
	if r.leading.claim == "" {
		return
	}
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
	if r.leading.notifier != nil && r.leading.takes {
		r.leading.notifier.Send(*a)
		r.leading.handed = max(r.leading.handed, a.At.UnixMilli())
	}
}

// Delivered is to be told when a sink has taken something. It returns when the log says so, so that nothing is told twice.
func (r *Replica) Delivered(d notify.Delivery) {
	if d.Err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), noteWait)
	defer cancel()
	if !r.turnToNote(ctx) {
		return
	}
	defer func() { <-r.leading.noting }()
	r.mu.Lock()
	n, claim, at := r.leading.notifier, r.leading.claim, r.leading.handed
	r.leading.notes++
	number := r.leading.notes
	r.mu.Unlock()
	if n == nil {
		return
	}
	note := deltalog.Note{Number: number, Told: n.Snapshot(), At: at, By: claim}
	record, err := note.Encode()
	if err == nil {
		err = r.write(ctx, record, func(s *deltalog.State) bool {
			told := s.Told()
			return told.By != claim || told.Number >= number
		})
	}
	if err != nil {
		r.opt.Logger.Error("what was sent is not noted, and is sent again by whoever is next", "err", err)
	}
}

// Sinks returns the counts of the sinks since Open; none while this replica does not lead. A reload changes none of them.
func (r *Replica) Sinks() []notify.Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.leading.notifier == nil {
		return nil
	}
	all := r.leading.notifier.Stats()
	for i := range all {
		all[i] = withPast(all[i], r.leading.past[all[i].Name])
	}
	return all
}

// turnToNote waits until no note is being written, and until leading.noting is emptied no other is begun. False: ctx was done
// before.
func (r *Replica) turnToNote(ctx context.Context) bool {
	select {
	case r.leading.noting <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}
