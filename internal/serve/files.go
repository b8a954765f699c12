package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/pipeline"
	"imerr-scan/internal/source"
)

// files is the source that all followed files together are. Its positions are bytes, in the order in which they were read.
var files = deltalog.Source{Name: "files"}

// When what is in hand is committed.
const (
	flushErrors = time.Second      // since the last time, with an error in hand
	flushTick   = 10 * time.Second // since the last time, without one
	flushBytes  = 8 << 20          // of input
)

// stopWait is how long the last commit of a run that ends may take.
const stopWait = 3 * time.Second

// Files follows what args name and commits what they hold, until ctx is done or, with nothing but pipes, they have ended.
// What is in hand then is committed.
func (r *Replica) Files(ctx context.Context, args []string, opt pipeline.Options) error {
	for {
		err := r.read(ctx, args, opt)
		if !errors.Is(err, errRefused) {
			return err
		}
		r.opt.Logger.Warn("files are read again from where the log is", "err", err)
	}
}

// reading is a run of Files.
type reading struct {
	*Replica
	live     *pipeline.Live
	follower *source.Follower
	bytes    int64 // given to the pipeline since the last commit; the end of an input counts as one
	to       int64 // next, when all of it is committed
	last     time.Time
	began    time.Time
	end      bool // all that is there has been read
	settled  bool // all that was there at the start has been read
}

func (r *Replica) read(ctx context.Context, args []string, opt pipeline.Options) error {
	rd := &reading{Replica: r, last: r.opt.Now(), began: r.opt.Now()}
	var from source.State
	var saved []byte
	r.View(func(s *deltalog.State) { rd.to, saved = s.Next(files), s.Position(files) })
	if rd.to == deltalog.NeverSeen {
		skip := deltalog.Skip{Source: files, From: deltalog.NeverSeen, To: 0, Why: deltalog.WhyStart}
		record, err := skip.Encode()
		if err != nil {
			return err
		}
		switch ok, err := r.commit(ctx, files, skip.From, skip.To, record); {
		case err != nil:
			return err
		case !ok:
			return errRefused
		}
		rd.to = 0
	}
	if len(saved) > 0 {
		if err := json.Unmarshal(saved, &from); err != nil {
			return fmt.Errorf("positions of files: %w", err)
		}
	}
	var marks markSet
	opt.Each = marks.see
	rd.live = pipeline.NewLive(aggregate.New(opt.Aggregate), opt)
	rd.follower = source.Follow(args, from, source.FollowOptions{})
	defer rd.follower.Close()
	for {
		ev, err := rd.follower.Next(ctx)
		if ctx.Err() != nil || errors.Is(err, io.EOF) {
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWait)
			defer cancel()
			return rd.commit(stop, &marks, true)
		}
		if err != nil {
			return err
		}
		if err := rd.event(ev); err != nil {
			return err
		}
		if err := rd.commit(ctx, &marks, false); err != nil {
			if ctx.Err() != nil {
				return nil // what was in hand is read again
			}
			return err
		}
	}
}

// event takes what the follower gave.
func (rd *reading) event(ev source.Event) error {
	switch ev.Kind {
	case source.Block:
		now := rd.opt.Now()
		rd.live.SetNow(now)
		rd.bytes += int64(len(ev.Data))
		rd.end = false
		return rd.live.Block(ev.ID, ev.Name, ev.Data, ev.Lines, now)
	case source.End:
		rd.bytes++ // it may complete a line without an end, and a tick counts nothing
		return rd.live.End(ev.ID)
	case source.Idle:
		rd.end, rd.settled = true, true
	case source.Note:
		rd.opt.Logger.Info("input", "note", ev.Err)
	case source.Problem:
		rd.opt.Logger.Error("input cannot be read", "err", ev.Err)
	}
	return nil
}

// clock is the time of day by which a source that is at its end goes on, in Unix milliseconds. It runs steadily from the
// beginning: a clock that is set changes nothing.
func (rd *reading) clock(now time.Time) int64 { return rd.began.Add(now.Sub(rd.began)).UnixMilli() }

// due says whether what is in hand is to be committed.
func (rd *reading) due(marks *markSet) bool {
	since := rd.opt.Now().Sub(rd.last)
	switch {
	case rd.bytes >= flushBytes, since >= flushTick:
		return true
	case since >= flushErrors:
		return marks.events > 0
	}
	return false
}

// commit writes a delta if it is due, or a tick if there is nothing but time.
func (rd *reading) commit(ctx context.Context, marks *markSet, last bool) error {
	if !last && !rd.due(marks) {
		return nil
	}
	if last && rd.bytes == 0 {
		return nil
	}
	now := rd.opt.Now()
	counts := rd.live.Take()
	positions, err := json.Marshal(rd.follower.State(func(id int) source.Mark {
		pending, lines := rd.live.Mark(id)
		return source.Mark{Pending: pending, Lines: lines}
	}))
	if err != nil {
		return err
	}
	d := deltalog.Delta{
		Source: files, From: rd.to, To: rd.to + rd.bytes, Records: rd.bytes, At: rd.clock(now),
		End: rd.end && !last, By: rd.opt.Name, Position: positions,
	}
	if rd.settled { // files that are read one after the other are not late for each other
		d.Watermark = marks.millis()
	}
	if rd.bytes > 0 {
		d.Counts = counts
	}
	record, err := d.Encode()
	if err != nil {
		return err
	}
	ok, err := rd.Replica.commit(ctx, files, d.From, d.To, record)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%w: wanted %d", errRefused, d.To)
	}
	rd.to, rd.bytes, rd.last, marks.events = d.To, 0, now, 0
	return nil
}
