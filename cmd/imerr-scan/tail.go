package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/pipeline"
	"imerr-scan/internal/report"
	"imerr-scan/internal/screen"
	"imerr-scan/internal/source"
)

// saveEvery is how often the state is written while there is something new.
const saveEvery = 2 * time.Second

// tail reads the inputs to their end and goes on as they grow, until it is interrupted.
func (sc *scan) tail(ctx context.Context, args []string) error {
	ctx, quit := context.WithCancel(ctx)
	defer quit()
	t := tailing{scan: sc, input: followedName(args), total: aggregate.New(sc.opt.Aggregate), saved: time.Now(), now: time.Now}
	total := t.total
	if !sc.noAlerts {
		t.watch = newWatch(sc.newDetector(total), sc.env.conf.Detector)
		sc.opt.Piece, sc.history = t.watch.piece, &t.watch.history
	}
	var from source.Snapshot
	if sc.state != "" {
		var err error
		if from, err = t.restore(); err != nil {
			return err
		}
	}
	if err := t.listen(ctx); err != nil {
		return err
	}
	t.openView(quit)
	defer t.closeView()
	defer t.shown.serve(ctx)()
	if err := t.openSinks(from.Sections[notifySection]); err != nil {
		return err
	}
	sc.opt.Each = t.each()
	live := pipeline.NewLive(total, sc.opt)
	follower := source.Follow(args, from.State, source.FollowOptions{})
	defer follower.Close()

	asked := make(chan os.Signal, 1)
	if len(summarySignals) > 0 {
		signal.Notify(asked, summarySignals...)
		defer signal.Stop(asked)
	}
	t.live, t.follower = live, follower
	for {
		ev, err := follower.Next(ctx)
		if errors.Is(err, io.EOF) || ctx.Err() != nil {
			break
		}
		if err != nil {
			return err
		}
		if err := t.event(ev); err != nil {
			return err
		}
		t.shown.answerOne()
		t.show()
		select {
		case <-asked:
			live.Settle()
			sc.summary(total, answer{input: t.input})
		default:
		}
	}
	t.closeView()
	if err := t.close(); err != nil {
		return err
	}
	if sc.output == "ndjson" {
		if err := sc.out.Flush(); err != nil {
			return err
		}
		if !sc.quiet {
			sc.summary(total, answer{input: t.input, again: again(args)})
		}
	}
	return sc.finish(total, t.failed, answer{input: t.input, again: again(args)})
}

// tailing is a tail that is running.
type tailing struct {
	*scan
	live     *pipeline.Live
	follower *source.Follower
	total    *aggregate.Tally
	watch    *watch    // nil without alerts
	sinks    *sinks    // nil if none is configured
	view     *liveView // nil if there is none
	shown    *followed // over HTTP; nil if it is not
	input    string    // what is followed
	address  string    // of the page
	now      func() time.Time
	failed   []aggregate.InputError
	saved    time.Time
	fresh    bool         // there is something that is not saved
	settled  bool         // all that was there at the start has been read and saved
	open     map[int]bool // generations that have not ended
}

// openView shows the run on the terminal, if that was asked for and there is one.
func (t *tailing) openView(quit func()) {
	if t.onScreen {
		var err error
		t.view, err = t.newLiveView(screen.Options{
			Catalog: t.cat, Lang: t.env.lang, Zone: t.env.zone, Color: t.env.color(), Input: t.input, Page: t.address,
		}, quit)
		if err == nil {
			return
		}
		t.output = "ndjson" // no terminal to have keys from
	}
	if t.address != "" && !t.quiet {
		fmt.Fprintf(t.env.stderr, "imerr-scan: a page is at %s\n", t.address)
	}
}

func (t *tailing) closeView() {
	if t.view != nil {
		t.view.close()
		t.view = nil
	}
}

// show leaves a snapshot for the live view, if it is time for one.
func (t *tailing) show() {
	if t.view == nil {
		return
	}
	now := time.Now()
	if !t.view.due(now) {
		return
	}
	t.live.Settle()
	res := t.result(t.total)
	s := screen.Take(t.total, res, now)
	s.Reading = !t.settled
	t.view.show(s, res.Lines.Read, res.Bytes, time.Since(now))
}

// followedName is how what is followed is called.
func followedName(args []string) string {
	switch {
	case len(args) == 1 && args[0] == "-":
		return "stdin"
	case len(args) > 1:
		return fmt.Sprintf("%s (+%d)", args[0], len(args)-1)
	}
	return args[0]
}

// event takes what the follower gave.
func (t *tailing) event(ev source.Event) error {
	switch ev.Kind {
	case source.Block:
		if t.open == nil {
			t.open = map[int]bool{}
		}
		t.open[ev.ID], t.fresh = true, true
		t.read.Add(int64(len(ev.Data)))
		now := time.Now()
		t.live.SetNow(now)
		if err := t.live.Block(ev.ID, ev.Name, ev.Data, ev.Lines, now); err != nil {
			return err
		}
	case source.End:
		delete(t.open, ev.ID)
		t.fresh = true
		if err := t.live.End(ev.ID); err != nil {
			return err
		}
	case source.Idle:
		if err := t.look(); err != nil {
			return err
		}
		if err := t.out.Flush(); err != nil {
			return err
		}
		if !t.settled { // from here on a restart knows what was there before it
			t.settled, t.fresh = true, true
			if t.shown != nil {
				t.shown.ready.Store(true)
			}
			return t.save()
		}
	case source.Note:
		if !t.quiet {
			fmt.Fprintf(t.env.stderr, "imerr-scan: %s\n", oneLine(ev.Err.Error()))
		}
	case source.Problem:
		fmt.Fprintf(t.env.stderr, "imerr-scan: %s\n", oneLine(ev.Err.Error()))
		t.failed = append(t.failed, inputError(ev.Name, ev.Err))
	}
	if time.Since(t.saved) < saveEvery {
		return nil
	}
	return t.save()
}

// close takes what is unfinished as it is, unless a later run will go on from there.
func (t *tailing) close() error {
	if t.state == "" {
		for id := range t.open {
			if err := t.live.End(id); err != nil {
				return err
			}
		}
		t.live.Settle()
		if t.watch != nil {
			if err := t.report(t.watch.feed(detect.All)); err != nil {
				return err
			}
		}
	}
	if t.sinks != nil {
		if err := t.sinks.close(); err != nil {
			fmt.Fprintf(t.env.stderr, "imerr-scan: %s\n", oneLine(err.Error()))
		}
		t.fresh = true
	}
	return t.save()
}

// each is what happens to the events one by one.
func (t *tailing) each() func(*pipeline.Record) error {
	each := t.scan.each()
	if t.watch == nil {
		return each
	}
	return func(r *pipeline.Record) error {
		if err := t.watch.see(r); err != nil || each == nil {
			return err
		}
		return each(r)
	}
}

// openSinks starts those of the configuration.
func (t *tailing) openSinks(state []byte) error {
	if t.watch == nil {
		return nil
	}
	var err error
	if t.sinks, err = t.env.openSinks(state); t.sinks != nil && !t.quiet {
		t.sent = true
		fmt.Fprintf(t.env.stderr, "imerr-scan: alerts go to %s\n", strings.Join(t.sinks.names, ", "))
	}
	return err
}

// look finds alerts in what was read so far.
func (t *tailing) look() error {
	if t.watch == nil {
		return nil
	}
	t.live.Settle()
	if t.watch.late > 0 {
		t.total.Late(t.watch.late)
		t.watch.late = 0
	}
	return t.report(t.watch.tick(t.now()))
}

// report tells of alerts as they are found.
func (t *tailing) report(records []detect.Alert) error {
	for i := range records {
		a := &records[i]
		t.fresh = true
		if t.sinks != nil {
			t.sinks.Send(*a)
		}
		switch {
		case t.output == "ndjson":
			b := *a
			b.In(t.env.zone)
			if err := report.AlertJSON(t.out, &b); err != nil {
				return err
			}
		case a.State != detect.Update && !t.quiet && t.view == nil:
			fmt.Fprintf(t.env.stderr, "%s\n", t.alertLine(a))
		}
	}
	return nil
}

// save writes positions and counts in one go, events before them.
func (t *tailing) save() error {
	t.saved = time.Now()
	t.live.Settle()
	if t.state == "" || !t.fresh {
		return nil
	}
	if err := t.out.Flush(); err != nil {
		return err
	}
	counts, err := t.total.MarshalBinary()
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	positions := t.follower.State(func(id int) source.Mark {
		pending, lines := t.live.Mark(id)
		return source.Mark{Pending: pending, Lines: lines}
	})
	sections := map[string][]byte{tallySection: counts}
	if t.watch != nil {
		if err := t.watch.save(sections); err != nil {
			return fmt.Errorf("state: %w", err)
		}
	}
	if t.sinks != nil {
		sections[notifySection] = t.sinks.Snapshot()
	}
	if err := source.WriteSnapshot(t.state, source.Snapshot{State: positions, Sections: sections}); err != nil {
		return &exitError{status: exitUsage, msg: "--state: " + err.Error(), hint: remedy(err, "run it again: it goes on from the last state that was written")}
	}
	t.fresh = false
	return nil
}

// restore reads the state of an earlier run; a file that is not there yet is an empty one.
func (t *tailing) restore() (source.Snapshot, error) {
	snap, err := source.ReadSnapshot(t.state)
	if errors.Is(err, fs.ErrNotExist) {
		return source.Snapshot{}, nil
	}
	if err == nil {
		err = t.total.UnmarshalBinary(snap.Sections[tallySection])
	}
	if err == nil && t.watch != nil {
		err = t.watch.restore(snap.Sections)
	}
	if err != nil {
		return source.Snapshot{}, usage(cmp.Or(remedy(err, "run it again"), "move it away to start anew"), "--state: %v", err)
	}
	return snap, nil
}
