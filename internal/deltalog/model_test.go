package deltalog

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/classify"
	"imerr-scan/pkg/extract"
)

var schedules = flag.Int("schedules", 100, "random schedules of TestModel")

var web = catalog.Web()

var start = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC).UnixMilli()

// source is a partition of a topic: record i is one event, of user i, a second after the one before; its first records may
// be gone.
type source struct {
	Source
	first, end int64
}

// tally is what the records [from, to) add up to.
func (s *source) tally(from, to int64) *aggregate.Tally {
	t := aggregate.New(aggregate.Options{})
	for i := from; i < to; i++ {
		entry := web.Lookup(206)
		t.Add(&classify.Event{Code: 206, Entry: entry, Category: entry.Category, Candidate: &extract.Candidate{
			Time: start + 1000*i, User: fmt.Sprintf("%s-%d", s, i),
		}})
		t.Lines(aggregate.WithError, 1)
	}
	return t
}

// owner is a process that believes that a source is its own.
type owner struct {
	state *State
	held  []byte // a delta written, or about to be, that may be written again
}

// catchUp applies what the log has that the owner has not seen.
func (o *owner) catchUp(log [][]byte) {
	for o.state.Offset() < int64(len(log)) {
		o.state.Apply(o.state.Offset(), log[o.state.Offset()])
	}
}

// prepare makes the next delta from what the owner knows, which may be old.
func (o *owner) prepare(r *rand.Rand, s *source) {
	next := o.state.Next(s.Source)
	var err error
	switch {
	case next < s.first:
		skip := Skip{Source: s.Source, From: next, To: s.first, Why: WhyRetention}
		if next == NeverSeen {
			skip.Why = WhyStart
		}
		o.held, err = skip.Encode()
	default:
		to := min(next+r.Int64N(20), s.end)
		d := Delta{Source: s.Source, From: next, To: to, Records: to - next, Watermark: start + 1000*to, At: start + 1000*to, End: to == s.end}
		if to > next {
			d.Counts = s.tally(next, to)
		}
		o.held, err = d.Encode()
	}
	if err != nil {
		panic(err)
	}
}

func newModelState() *State {
	return NewState(Options{Aggregate: aggregate.Options{Catalog: web}, Detector: detect.Options{Catalog: web}})
}

// Owners that do not know of each other, are thought dead and wake, lose the answer to a write, write twice or too late: every
// record is counted once, and whoever reads the log, from its beginning or from a base, holds the same state.
func TestModel(t *testing.T) {
	n := *schedules
	if testing.Short() {
		n = min(n, 20)
	}
	for seed := range n {
		if !t.Run(fmt.Sprint("schedule ", seed), func(t *testing.T) { schedule(t, uint64(seed)) }) {
			return
		}
	}
}

func schedule(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	var sources []*source
	for p := range 1 + r.IntN(3) {
		sources = append(sources, &source{Source: Source{"client-logs", int32(p)}, end: 50 + r.Int64N(100)})
	}
	var log, delayed [][]byte
	owners := make([]*owner, 2+r.IntN(4))
	for i := range owners {
		owners[i] = &owner{state: newModelState()}
	}
	for range 150 {
		o, s := owners[r.IntN(len(owners))], sources[r.IntN(len(sources))]
		switch r.IntN(12) {
		case 0, 1, 2: // as it should be: read the log, write, see it written
			o.catchUp(log)
			o.prepare(r, s)
			log = append(log, o.held)
			o.catchUp(log)
		case 3, 4: // a zombie: writes from what it knew long ago
			o.prepare(r, s)
			log = append(log, o.held)
		case 5: // writes again, because the answer was lost
			if o.held != nil {
				log = append(log, o.held)
			}
		case 6: // the write is under way, and arrives later
			o.catchUp(log)
			o.prepare(r, s)
			delayed = append(delayed, o.held)
		case 7:
			if len(delayed) > 0 {
				i := r.IntN(len(delayed))
				log = append(log, delayed[i])
				delayed = append(delayed[:i], delayed[i+1:]...)
			}
		case 8: // retention takes records away that may not have been counted
			s.first = max(s.first, min(s.end, s.first+r.Int64N(10)))
		case 9: // a base, written by anybody, from any point it has reached
			base, err := o.state.Base()
			if err != nil {
				t.Fatal(err)
			}
			log = append(log, base...)
		case 10: // a process dies and a new one starts from the newest base
			o.state, o.held = restart(t, log), nil
		case 11:
			log = append(log, []byte(`{"v":1,"t":"later"}`), []byte(`{"v":99,"t":"delta","from":0}`), []byte("\x00garbage"))
		}
	}
	log = append(log, delayed...)
	last := owners[0]
	for _, s := range sources { // one owner finishes
		for last.catchUp(log); last.state.Next(s.Source) < s.end; last.catchUp(log) {
			last.prepare(r, s)
			log = append(log, last.held)
		}
	}
	want := expected(t, log, sources)
	var same []byte
	for i, o := range append(owners, &owner{state: newModelState()}, &owner{state: restart(t, log)}) {
		o.catchUp(log)
		got, err := o.state.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			same = got
		} else if !bytes.Equal(got, same) {
			t.Fatalf("reader %d holds another state than the first", i)
		}
	}
	res := last.state.Total().Result(aggregate.ResultOptions{})
	if res.Events != want || res.Users.Distinct != want || res.Lines.WithError != want {
		t.Fatalf("counted %d events of %d users on %d lines, want %d of each", res.Events, res.Users.Distinct, res.Lines.WithError, want)
	}
}

// expected returns how many records there are, without those that retention took before they were counted: the sum of the
// skips that were accepted, which the oracle finds by following next alone.
func expected(t *testing.T, log [][]byte, sources []*source) int64 {
	var sum int64
	for _, s := range sources {
		next, skipped := int64(NeverSeen), int64(0)
		for _, record := range log {
			w, err := decode(record)
			if err != nil || w.Source != s.Name || w.Partition != s.Partition || w.From != next {
				continue
			}
			switch {
			case w.Type == typeSkip:
				skipped += w.To - max(w.From, 0)
				next = w.To
			case w.Type == typeDelta && w.To > w.From:
				next = w.To
			}
		}
		if next != s.end {
			t.Fatalf("%s: next is %d, want %d", s, next, s.end)
		}
		sum += s.end - skipped
	}
	return sum
}

// restart is a process that starts with what the log says.
func restart(t *testing.T, log [][]byte) *State {
	var f Finder
	for _, record := range log {
		f.See(record)
	}
	s := newModelState()
	if state, offset, ok := f.Found(); ok {
		if err := s.UnmarshalBinary(state); err != nil {
			t.Fatal(err)
		}
		if s.Offset() != offset {
			t.Fatalf("base of %d holds the state before %d", offset, s.Offset())
		}
	}
	return s
}
