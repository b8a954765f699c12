package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/pipeline"
	"imerr-scan/internal/source"
)

// saveEvery is how often the state is written while there is something new.
const saveEvery = 2 * time.Second

// tail reads the inputs to their end and goes on as they grow, until it is interrupted.
func (sc *scan) tail(ctx context.Context, args []string) error {
	total := aggregate.New(sc.opt.Aggregate)
	var from source.State
	if sc.state != "" {
		var err error
		if from, err = sc.restore(total); err != nil {
			return err
		}
	}
	sc.opt.Each = sc.each()
	live := pipeline.NewLive(total, sc.opt)
	follower := source.Follow(args, from, source.FollowOptions{})
	defer follower.Close()

	asked := make(chan os.Signal, 1)
	if len(summarySignals) > 0 {
		signal.Notify(asked, summarySignals...)
		defer signal.Stop(asked)
	}
	t := tailing{scan: sc, live: live, follower: follower, total: total, saved: time.Now()}
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
		select {
		case <-asked:
			live.Settle()
			sc.summary(total, answer{input: inputName(nil, args)})
		default:
		}
	}
	if err := t.close(); err != nil {
		return err
	}
	if sc.output == "ndjson" {
		if err := sc.out.Flush(); err != nil {
			return err
		}
		if !sc.quiet {
			sc.summary(total, answer{input: inputName(nil, args), again: again(args)})
		}
	}
	return sc.finish(total, t.failed, answer{input: inputName(nil, args), again: again(args)})
}

// tailing is a tail that is running.
type tailing struct {
	*scan
	live     *pipeline.Live
	follower *source.Follower
	total    *aggregate.Tally
	failed   []aggregate.InputError
	saved    time.Time
	fresh    bool         // there is something that is not saved
	settled  bool         // all that was there at the start has been read and saved
	open     map[int]bool // generations that have not ended
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
		if err := t.out.Flush(); err != nil {
			return err
		}
		if !t.settled { // from here on a restart knows what was there before it
			t.settled, t.fresh = true, true
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
	if t.state != "" {
		return t.save()
	}
	for id := range t.open {
		if err := t.live.End(id); err != nil {
			return err
		}
	}
	t.live.Settle()
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
	err = source.WriteSnapshot(t.state, source.Snapshot{State: positions, Sections: map[string][]byte{"tally": counts}})
	if err != nil {
		return &exitError{status: exitUsage, msg: "--state: " + err.Error()}
	}
	t.fresh = false
	return nil
}

// restore reads the state of an earlier run into total; a file that is not there yet is an empty one.
func (sc *scan) restore(total *aggregate.Tally) (source.State, error) {
	snap, err := source.ReadSnapshot(sc.state)
	if errors.Is(err, fs.ErrNotExist) {
		return source.State{}, nil
	}
	if err == nil {
		err = total.UnmarshalBinary(snap.Sections["tally"])
	}
	if err != nil {
		return source.State{}, usage("move it away to start anew", "--state: %v", err)
	}
	return snap.State, nil
}
