package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/notify"
	"imerr-scan/internal/pipeline"
)

// watch looks for alerts in a run that goes on. Until all that was there at its beginning is read, it only gathers: files
// that are read one after the other would otherwise come too late for each other.
type watch struct {
	detector *detect.Detector
	marks    detect.Watermarks
	open     *aggregate.Tally // cells that the detector has not taken
	history  detect.History
	lateness time.Duration
	fresh    map[string]bool // sources with an event since the last tick
	last     time.Time       // tick
	late     int64           // events that came after their bucket was closed, not yet in the total
}

func newWatch(detector *detect.Detector, opt detect.Options) *watch {
	return &watch{
		detector: detector, open: aggregate.New(aggregate.Options{}), lateness: opt.WithDefaults().AllowedLateness,
		fresh: map[string]bool{}, last: time.Now(),
	}
}

// see takes the time of an event, in the order of events.
func (w *watch) see(r *pipeline.Record) error {
	if at := r.Candidate.Time; at != 0 && r.Entry != nil {
		w.marks.Source(r.Source).See(at)
		w.fresh[r.Source] = true
		if at < w.detector.Next() {
			w.late++
		}
	}
	return nil
}

// piece takes what was counted.
func (w *watch) piece(t *aggregate.Tally) { w.open.Merge(t.Recent(w.detector.Next())) }

// tick says that everything there was has been read: time goes on where nothing comes. It returns the alert records due.
func (w *watch) tick(now time.Time) []detect.Alert {
	gone := now.Sub(w.last)
	w.last = now
	for _, name := range slices.Sorted(maps.Keys(w.marks.Sources)) {
		mark := w.marks.Source(name)
		mark.Settle()
		if !w.fresh[name] {
			mark.Idle(gone)
		}
	}
	clear(w.fresh)
	return w.feed(detect.Closed(w.marks.Time(), w.lateness))
}

// feed gives the detector the buckets that end by until.
func (w *watch) feed(until int64) []detect.Alert {
	if until < w.detector.Next() {
		return nil
	}
	records := w.detector.Feed(w.open, until)
	w.open = w.open.Recent(w.detector.Next())
	w.history.Add(records...)
	return records
}

// watchState is what is kept of a watch beside detector and cells.
type watchState struct {
	Marks   detect.Watermarks `json:"marks"`
	History detect.History    `json:"history"`
}

// The sections of a state file.
const (
	tallySection    = "tally"
	detectorSection = "detector"
	openSection     = "open"
	watchSection    = "watch"
	notifySection   = "notify"
)

// save adds what is needed to go on to the sections of a state file.
func (w *watch) save(sections map[string][]byte) (err error) {
	if sections[detectorSection], err = w.detector.MarshalBinary(); err != nil {
		return err
	}
	if sections[openSection], err = w.open.MarshalBinary(); err != nil {
		return err
	}
	sections[watchSection], err = json.Marshal(watchState{w.marks, w.history})
	return err
}

// restore goes on where save left off. A state without alerts begins anew.
func (w *watch) restore(sections map[string][]byte) error {
	if sections[detectorSection] == nil {
		return nil
	}
	var s watchState
	err := errors.Join(
		w.detector.UnmarshalBinary(sections[detectorSection]),
		w.open.UnmarshalBinary(sections[openSection]),
		json.Unmarshal(sections[watchSection], &s),
	)
	w.marks, w.history = s.Marks, s.History
	return err
}

// sinks sends alerts to where the configuration says, and tells of failures on stderr, the same only once.
type sinks struct {
	*notify.Notifier
	names []string
}

// closeWait is how long a run that ends waits for its sinks.
const closeWait = 5 * time.Second

// openSinks starts the notifier; nil if no sink is configured. A sink that writes to stdout is left out: alerts are there.
func (e *environ) openSinks(state []byte) (*sinks, error) {
	opt := e.conf.Notify
	opt.Sinks = slices.DeleteFunc(slices.Clone(opt.Sinks), func(s notify.Sink) bool { return s.Kind == "ndjson" && s.Path == "-" })
	if len(opt.Sinks) == 0 {
		return nil, nil
	}
	var mu sync.Mutex
	said := map[string]string{}
	opt.State = state
	opt.Notified = func(d notify.Delivery) {
		mu.Lock()
		defer mu.Unlock()
		text := ""
		if d.Err != nil {
			text = d.Err.Error()
		}
		if text != said[d.Sink] && text != "" {
			fmt.Fprintf(e.stderr, "imerr-scan: alert not sent, will be tried again: %s\n", oneLine(text))
		}
		said[d.Sink] = text
	}
	n, err := notify.New(opt)
	if err != nil {
		e.tell(err)
		return nil, &exitError{status: exitUsage}
	}
	s := &sinks{Notifier: n}
	for _, one := range n.Stats() {
		s.names = append(s.names, one.Name)
	}
	return s, nil
}

func (s *sinks) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	return s.Close(ctx)
}
