package deltalog

import (
	"sync"

	"imerr-scan/internal/aggregate"
)

// replay is what a log that is read at once goes through, on three cores if there are so many: one takes records apart, one goes
// by the rule, one adds up. Its results are those of Apply, one record after the other.
type replay struct {
	entries chan decoded
	adding  sync.WaitGroup        // of what was counted and is not in total yet
	totals  chan *aggregate.Tally // what is to be added to it
	spare   chan *aggregate.Tally // room for counts; what was taken from it comes back
}

// ahead is how many deltas are on their way at most; largeBytes is from where on one goes alone, since it may take megabytes.
const (
	ahead      = 128
	largeBytes = 64 << 10
)

// Replay applies the records that read gives, as Apply does. told is called for each in turn, in another goroutine.
func (s *State) Replay(read func(apply func(offset int64, record []byte) error) error, told func(Verdict)) error {
	r := &replay{
		entries: make(chan decoded, ahead),
		totals:  make(chan *aggregate.Tally, ahead),
		spare:   make(chan *aggregate.Tally, ahead),
	}
	for range ahead {
		r.spare <- aggregate.New(s.opt.Aggregate)
	}
	s.replay = r
	defer func() { s.replay = nil }()
	var working sync.WaitGroup
	working.Go(func() {
		defer close(r.totals)
		for e := range r.entries {
			v := s.take(e)
			if len(v.Counts) == 0 { // else it was handed on
				r.spare <- e.counts
			}
			told(v)
		}
	})
	working.Go(func() {
		for part := range r.totals {
			s.total.Merge(part)
			r.adding.Done()
			r.spare <- part
		}
	})
	err := read(func(offset int64, record []byte) error {
		if len(record) > largeBytes {
			r.alone(decoded{counts: aggregate.New(s.opt.Aggregate)}, offset, record)
			return nil
		}
		e := decoded{counts: <-r.spare}
		e.read(offset, record)
		r.entries <- e
		return nil
	})
	close(r.entries)
	working.Wait()
	return err
}

// alone applies a record when all before it have been, and waits until it has been, too.
func (r *replay) alone(e decoded, offset int64, record []byte) {
	var idle [ahead]*aggregate.Tally
	for i := range idle {
		idle[i] = <-r.spare
	}
	e.read(offset, record)
	r.entries <- e
	<-r.spare
	for _, counts := range idle {
		r.spare <- counts
	}
}

// add hands part to who adds up.
func (r *replay) add(part *aggregate.Tally) {
	r.adding.Add(1)
	r.totals <- part
}
