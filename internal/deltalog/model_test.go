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

var (
	schedules = flag.Int("schedules", 400, "random schedules of TestModel")
	firstSeed = flag.Int("schedule", 0, "number of the first of them")
)

var web = catalog.Web()

var start = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC).UnixMilli()

// Owners that do not know of each other, are thought dead and wake, lose the answer to a write, write twice or too late, over
// partitions with holes that lose their beginning or are made anew, and over a log that loses its beginning: every record is
// counted once, and whoever reads the log, from its beginning or from a base, holds the same state.
func TestModel(t *testing.T) {
	n := *schedules
	if testing.Short() {
		n = min(n, 50)
	}
	for seed := *firstSeed; seed < *firstSeed+n; seed++ {
		m := newModel(uint64(seed))
		for range 80 {
			m.step()
		}
		if err := m.finish(); err != nil {
			t.Fatalf("schedule %d: %v", seed, err)
		}
	}
}

// model is a log, the partitions that are counted in it, and the processes that do so.
type model struct {
	r       *rand.Rand
	events  bool // records are events of users, as in life; else lines, which cost little
	sources []*source
	owners  []*owner
	log     []entry
	first   int     // offset of the first record of the log that is still there
	delayed []entry // written, and on their way
	claims  int
}

// entry is a record of the log, and what its writer meant.
type entry struct {
	record []byte // nil: nothing is there
	meant  any    // counted, Skip or Note; nil of others
}

// counted is what a delta adds.
type counted struct {
	source   *source
	from, to int64
	sum
}

// sum is how many records there are, and the sum of their marks.
type sum struct{ records, marks int64 }

func (s *sum) add(o sum) { s.records, s.marks = s.records+o.records, s.marks+o.marks }

// source is a partition of a topic. A record has a mark, by which a sum of some tells which they are; 0 is a hole.
type source struct {
	Source
	marks []int64 // by offset
	first int64   // what was before is gone
	anew  bool    // it was made anew at least once
}

func (s *source) end() int64 { return int64(len(s.marks)) }

// produce adds records.
func (s *source) produce(r *rand.Rand, n int) {
	for range n {
		var mark int64
		if r.IntN(8) > 0 {
			mark = 1 + r.Int64N(1<<30)
		}
		s.marks = append(s.marks, mark)
	}
}

func (s *source) sum(from, to int64) (n sum) {
	for _, mark := range s.marks[max(from, 0):max(to, 0)] {
		if mark > 0 {
			n.add(sum{1, mark})
		}
	}
	return n
}

// tally is what the records [from, to) add up to.
func (s *source) tally(from, to int64, events bool) *aggregate.Tally {
	t := aggregate.New(aggregate.Options{})
	n := s.sum(from, to)
	t.Lines(aggregate.WithError, n.records)
	t.Bytes(n.marks)
	for i := from; events && i < to; i++ {
		if s.marks[i] > 0 {
			entry := web.Lookup(206)
			t.Add(&classify.Event{Code: 206, Entry: entry, Category: entry.Category, Candidate: &extract.Candidate{
				Time: start + 1000*i, User: fmt.Sprint(s.marks[i]),
			}})
		}
	}
	return t
}

// owner is a process that believes that it owns every source, and that it leads.
type owner struct {
	state *State
	held  entry // what was written last, which may be written again
	claim string
	notes int64 // of the claim
}

func newModel(seed uint64) *model {
	r := rand.New(rand.NewPCG(seed, 1))
	m := &model{r: r, events: seed%16 == 0}
	for p := range 1 + r.IntN(3) {
		s := &source{Source: Source{Name: "client-logs", Partition: int32(p)}}
		s.produce(r, r.IntN(60))
		m.sources = append(m.sources, s)
	}
	for range 2 + r.IntN(4) {
		m.owners = append(m.owners, &owner{state: newModelState()})
	}
	return m
}

func newModelState() *State {
	return NewState(Options{Aggregate: aggregate.Options{Catalog: web}, Detector: detect.Options{Catalog: web}})
}

func (m *model) write(entries ...entry) { m.log = append(m.log, entries...) }

// step lets one thing happen.
func (m *model) step() {
	r := m.r
	o, s := m.owners[r.IntN(len(m.owners))], m.sources[r.IntN(len(m.sources))]
	switch r.IntN(17) {
	case 0, 1, 2: // as it should be: read the log, write, see it written
		m.catchUp(o)
		m.prepare(o, s)
		m.write(o.held)
		m.catchUp(o)
	case 3, 4: // a zombie: writes from what it knew long ago
		m.prepare(o, s)
		m.write(o.held)
	case 5: // writes again, because the answer was lost
		m.write(o.held)
	case 6: // the write is under way, and arrives later
		m.catchUp(o)
		m.prepare(o, s)
		m.delayed = append(m.delayed, o.held)
	case 7:
		m.arrive()
	case 8, 9:
		s.produce(r, r.IntN(20))
	case 10: // retention takes records away that may not have been counted
		s.first = min(s.end(), s.first+r.Int64N(10))
	case 11: // the partition is made anew, or loses its end
		if r.IntN(8) == 0 {
			s.marks, s.anew = s.marks[:r.Int64N(s.end()+1)], true
			s.first = min(s.first, s.end())
			s.produce(r, r.IntN(10))
		}
	case 12: // a base in parts, written by anybody, from any point it has reached; some parts come late
		for _, part := range must(o.state.base(400)) {
			if r.IntN(12) == 0 {
				m.delayed = append(m.delayed, entry{record: part})
			} else {
				m.write(entry{record: part})
			}
		}
	case 13: // a process dies and a new one starts from the newest base
		*o = owner{state: m.restart()}
	case 14: // who tells says so, and what it told
		m.note(o)
	case 15:
		m.cut()
	case 16:
		for _, record := range []string{`{"v":1,"t":"later"}`, `{"v":99,"t":"delta","from":0}`, "\x00garbage", ""} {
			m.write(entry{record: []byte(record)})
		}
	}
}

// arrive lets a record come that was on its way.
func (m *model) arrive() {
	if n := len(m.delayed); n > 0 {
		i := m.r.IntN(n)
		m.write(m.delayed[i])
		m.delayed = append(m.delayed[:i], m.delayed[i+1:]...)
	}
}

// note claims, or says what was told, as somebody who leads or believes so.
func (m *model) note(o *owner) {
	if o.claim == "" || m.r.IntN(3) == 0 {
		m.claims++
		o.claim, o.notes = fmt.Sprint("claim ", m.claims), 0
		m.writeNote(o, Note{By: o.claim, Claim: true})
		return
	}
	o.notes++
	m.writeNote(o, Note{Number: o.notes, By: o.claim, Told: []byte(fmt.Sprint("told ", m.r.IntN(1000))), At: start + m.r.Int64N(1000)})
}

func (m *model) writeNote(o *owner, n Note) {
	o.held = entry{must(n.Encode()), n}
	if m.r.IntN(4) == 0 {
		m.delayed = append(m.delayed, o.held)
	}
	m.write(o.held)
}

// cut takes records off the front of the log, as retention does: only what a base holds that stays.
func (m *model) cut() {
	var f Finder
	for _, e := range m.log[m.first:] {
		f.See(e.record)
	}
	if _, off, ok := f.Found(); ok && int(off) > m.first {
		m.first += m.r.IntN(int(off) - m.first + 1)
	}
}

// catchUp applies what the log has that the owner has not seen. One that is behind what is left of it can only start anew.
func (m *model) catchUp(o *owner) {
	if o.state.Offset() < int64(m.first) {
		o.state = m.restart()
	}
	again := m.r.Int64N(3) // some that it has seen
	for i := max(o.state.Offset()-again, int64(m.first)); i < int64(len(m.log)); i++ {
		o.state.Apply(i, m.log[i].record)
	}
}

// prepare makes the next record of a source from what the owner knows, which may be old.
func (m *model) prepare(o *owner, s *source) {
	next := o.state.Next(s.Source)
	skip := Skip{Source: s.Source, From: next, To: s.first}
	switch {
	case next == NeverSeen:
		skip.Why = WhyStart
	case next < s.first:
		skip.Why = WhyRetention
	case next > s.end():
		skip.Why = WhyTruncated
		if m.r.IntN(2) == 0 {
			skip.To = s.end()
		}
	default:
		to := min(next+m.r.Int64N(20), s.end())
		n := counted{s, next, to, s.sum(next, to)}
		d := Delta{Source: s.Source, From: next, To: to, Records: n.records, Watermark: start + to, At: start + to, End: to == s.end()}
		if m.events {
			d.Watermark, d.At = start+1000*to, start+1000*to
		}
		if to > next {
			d.Counts = s.tally(next, to, m.events)
		}
		o.held = entry{must(d.Encode()), n}
		return
	}
	o.held = entry{must(skip.Encode()), skip}
}

// finish lets everything arrive and one owner count what is left, and compares all that read the log with what was meant.
func (m *model) finish() error {
	for len(m.delayed) > 0 {
		m.arrive()
	}
	last := m.owners[0]
	for _, s := range m.sources {
		for m.catchUp(last); last.state.Next(s.Source) != s.end(); m.catchUp(last) {
			if len(m.log) > 10_000 {
				return fmt.Errorf("%s is never counted: next is %d of %d", s, last.state.Next(s.Source), s.end())
			}
			m.prepare(last, s)
			m.write(last.held)
		}
	}
	m.write(entry{record: []byte(`{"v":1,"t":"later"}`)}) // the last is not one that a reader may leave out
	readers := append([]*owner{{state: m.restart()}}, m.owners...)
	if m.first == 0 {
		readers = append(readers, &owner{state: newModelState()}, &owner{state: m.replayed()})
	}
	var same []byte
	for i, o := range readers {
		m.catchUp(o)
		switch state := must(o.state.MarshalBinary()); {
		case i == 0:
			same = state
		case !bytes.Equal(state, same):
			return fmt.Errorf("reader %d holds another state than the first", i)
		}
	}
	return m.compare(last.state)
}

// replayed returns the state that the whole log makes at once.
func (m *model) replayed() *State {
	s := newModelState()
	err := s.Replay(func(apply func(int64, []byte) error) error {
		for offset, e := range m.log {
			if err := apply(int64(offset), e.record); err != nil {
				return err
			}
		}
		return nil
	}, func(Verdict) {})
	if err != nil {
		panic(err)
	}
	return s
}

// compare compares a state with what the records of the log were meant to do.
func (m *model) compare(s *State) error {
	want, told, anew := m.truth()
	got := s.Total().Result(aggregate.ResultOptions{NoMerge: true})
	if n := (sum{got.Lines.WithError, got.Bytes}); n != want {
		return fmt.Errorf("counted %d records (marks %d), want %d (%d)", n.records, n.marks, want.records, want.marks)
	}
	if m.events && (got.Events != want.records || !anew && got.Users.Distinct != want.records) {
		return fmt.Errorf("counted %d events of %d users, want %d of each", got.Events, got.Users.Distinct, want.records)
	}
	if t := s.Told(); t.By != told.By || t.Number != told.Number || !bytes.Equal(t.Told, told.Told) || t.At != told.At {
		return fmt.Errorf("told: %v, want %v", t, told)
	}
	if anew {
		return nil
	}
	var all sum // without a partition made anew, every record is counted or was skipped
	for _, s := range m.sources {
		all.add(s.sum(0, s.end()))
		all.add(m.skipped(s))
	}
	if all != want {
		return fmt.Errorf("%d records (marks %d) were to be counted, and %d (%d) are in deltas that count", all.records, all.marks, want.records, want.marks)
	}
	return nil
}

// truth follows the records by what was meant: what counts, and what was told by whom.
func (m *model) truth() (all sum, told Note, anew bool) {
	next := map[Source]int64{}
	for _, s := range m.sources {
		next[s.Source], anew = NeverSeen, anew || s.anew
	}
	for _, e := range m.log {
		switch x := e.meant.(type) {
		case counted:
			if x.from == next[x.source.Source] {
				all.add(x.sum)
				next[x.source.Source] = x.to
			}
		case Skip:
			if x.From == next[x.Source] {
				next[x.Source] = x.To
			}
		case Note:
			switch {
			case x.Claim && x.By != told.By:
				told = Note{By: x.By, Told: told.Told, At: told.At}
			case !x.Claim && x.By == told.By && x.Number > told.Number:
				told = x
			}
		}
	}
	return all, told, anew
}

// skipped returns, negative, the records of a source that skips passed over which count: those that begin where counting was.
func (m *model) skipped(s *source) (n sum) {
	next := int64(NeverSeen)
	for _, e := range m.log {
		switch x := e.meant.(type) {
		case counted:
			if x.source == s && x.from == next {
				next = x.to
			}
		case Skip:
			if x.Source == s.Source && x.From == next {
				gone := s.sum(x.From, x.To)
				n.add(sum{-gone.records, -gone.marks})
				next = x.To
			}
		}
	}
	return n
}

// restart is a process that starts with what the log says.
func (m *model) restart() *State {
	var f Finder
	for _, e := range m.log[m.first:] {
		if e.record != nil {
			f.See(e.record)
		}
	}
	s := newModelState()
	if state, offset, ok := f.Found(); ok {
		if err := s.UnmarshalBinary(state); err != nil {
			panic(err)
		}
		if s.Offset() != offset || offset < int64(m.first) {
			panic(fmt.Sprintf("base of %d holds the state before %d, the log begins at %d", offset, s.Offset(), m.first))
		}
	}
	return s
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
