package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/pipeline"
	"imerr-scan/internal/source"
)

// FilesName is the name of the source that all followed files together are. Its positions are bytes, in the order in which
// they were read. A replica that shares its log with others has a source of its own: FilesName, @ and the name of its host.
const FilesName = "files"

// When what is in hand is committed.
const (
	flushErrors = time.Second            // since the last time, with an error in hand
	flushTick   = 10 * time.Second       // since the last time, without one
	flushFresh  = 100 * time.Millisecond // since the last time, with a file of which the log does not know
	flushBytes  = 8 << 20                // of input
	flushRest   = 2 * time.Second        // at most, before the first two: a delta has the positions of all files, which may be thousands
)

// Files returns work that follows what args name and commits what they hold as the source of that name, until its context is
// done or, with nothing but pipes, they have ended. What is in hand then is committed.
func (r *Replica) Files(name string, args []string, opt pipeline.Options) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			err := r.read(ctx, deltalog.Source{Name: name}, args, opt)
			if !errors.Is(err, errRefused) {
				return err
			}
			r.opt.Logger.Warn("files are read again from where the log is", "err", err)
		}
	}
}

// reading is a run of Files.
type reading struct {
	*Replica
	source    deltalog.Source
	live      *pipeline.Live
	follower  *source.Follower
	bytes     int64 // given to the pipeline since the last commit; the end of an input counts as one
	to        int64 // next, when all of it is committed
	last      time.Time
	rest      time.Duration // so much longer the next commit waits: with many files one takes its time
	positions []byte        // of which the log knows
	began     time.Time
	end       bool         // all that is there has been read
	toldEnd   bool         // and the log knows that it has
	settled   bool         // all that was there at the start has been read
	known     map[int]bool // inputs of which the log knows, or fresh says that it does not
	fresh     bool
}

func (r *Replica) read(ctx context.Context, files deltalog.Source, args []string, opt pipeline.Options) error {
	rd := &reading{Replica: r, source: files, known: map[int]bool{}, began: r.opt.Now()}
	var from source.State
	var saved []byte
	r.View(func(s *deltalog.State) { rd.to, saved = s.Next(files), s.Position(files) })
	if rd.to == deltalog.NeverSeen {
		switch ok, err := r.skip(ctx, files, deltalog.NeverSeen, 0, deltalog.WhyStart); {
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
		if err := rd.event(ev, &marks); err != nil {
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
func (rd *reading) event(ev source.Event, marks *markSet) error {
	switch ev.Kind {
	case source.Block:
		now := rd.opt.Now()
		marks.now = now.UnixMilli()
		rd.live.SetNow(now)
		rd.bytes += int64(len(ev.Data))
		rd.end = false
		if !rd.known[ev.ID] { // rotated away before that is known, it would not be found again after a crash
			rd.known[ev.ID], rd.fresh = true, true
		}
		return rd.live.Block(ev.ID, ev.Name, ev.Data, ev.Lines, now)
	case source.End:
		rd.bytes++ // it may complete a line without an end, and a tick counts nothing
		delete(rd.known, ev.ID)
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
	case rd.bytes >= flushBytes, since >= flushTick, rd.fresh && since >= flushFresh+rd.rest:
		return true
	case since >= flushErrors+rd.rest:
		return marks.events > 0 || rd.end && !rd.toldEnd
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
	state := rd.follower.State(func(id int) source.Mark {
		pending, lines := rd.live.Mark(id)
		return source.Mark{Pending: pending, Lines: lines}
	})
	positions, err := json.Marshal(state)
	if err != nil {
		return err
	}
	d := deltalog.Delta{
		Source: rd.source, From: rd.to, To: rd.to + rd.bytes, Records: rd.bytes, At: rd.clock(now),
		End: rd.end && !last, By: rd.opt.Name,
	}
	if !bytes.Equal(positions, rd.positions) {
		d.Position = positions
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
	ok, err := rd.Replica.commit(ctx, rd.source, d.From, d.To, record)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%w: wanted %d", errRefused, d.To)
	}
	rd.behind(state)
	rd.delayed(marks)
	rd.to, rd.bytes, rd.last, rd.fresh, rd.toldEnd = d.To, 0, rd.opt.Now(), false, d.End
	if d.Records > 0 { // a tick may be lost
		rd.positions = positions
	}
	rd.rest = min(4*rd.last.Sub(now), flushRest)
	return nil
}

// behind notes how many bytes of the files are not counted. A file that was rotated away is not looked for.
func (rd *reading) behind(state source.State) {
	var bytes int64
	for _, p := range state.Files {
		if info, err := os.Stat(p.Path); err == nil && !p.Packed && !p.Done {
			bytes += max(0, info.Size()-p.Offset)
		}
	}
	rd.mu.Lock()
	defer rd.mu.Unlock()
	rd.health.behind = bytes
}
