package deltalog

import (
	"errors"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
)

// Options sets what a State makes of the counts. They must be the same in all replicas.
type Options struct {
	Detector  detect.Options
	Aggregate aggregate.Options
}

// timeline is how long the totals keep cells, a minute wide.
const timeline = 24 * time.Hour

// maxSources is how many sources a State tells apart.
const maxSources = 10_000

// State is what the log says: how far each source was counted, all counts, what is usual, which alerts are firing. It is used
// by one goroutine.
type State struct {
	opt       Options
	offset    int64 // of the next record
	sources   map[Source]*progress
	total     *aggregate.Tally
	open      *aggregate.Tally // cells that the detector has not taken
	marks     detect.Watermarks
	detector  *detect.Detector
	history   detect.History
	room      decoded // of the record that is applied
	replay    *replay // by which total grows while a log is replayed; else nil
	told      Note    // By is who tells
	forgotten int64   // cells of total before it are gone, Unix milliseconds
}

// progress is how far one source was counted.
type progress struct {
	name     string // of its watermark
	next     int64
	position []byte
}

// NewState returns the state of an empty log.
func NewState(opt Options) *State {
	s := &State{opt: opt, sources: map[Source]*progress{}}
	s.opt.Aggregate.CellWidth = time.Minute
	s.total = aggregate.New(s.opt.Aggregate)
	s.open = aggregate.New(aggregate.Options{})
	s.room.counts = aggregate.New(s.opt.Aggregate)
	s.detector = s.newDetector()
	return s
}

// Kind is what became of a record.
type Kind uint8

// Kinds of a Verdict.
const (
	Accepted Kind = iota // a delta was counted
	Ticked               // a tick moved time
	Refused              // a delta or skip whose From is not next, a note of a replica that another claimed after, or that came late
	Skipped              // a skip moved next
	Noted                // a note was taken
	Ignored              // a base, a record of a newer version or of an unknown type, an offset without a record
	Broken               // not a record: damaged, or somebody else's
)

// Kinds returns all kinds, in their order.
func Kinds() []Kind { return []Kind{Accepted, Ticked, Refused, Skipped, Noted, Ignored, Broken} }

// String returns the word for metrics and logs.
func (k Kind) String() string {
	return [...]string{"accepted", "tick", "refused", "skip", "note", "ignored", "broken"}[min(k, Broken)]
}

// Verdict is what Apply did.
type Verdict struct {
	Kind   Kind
	Source Source         // of a delta, tick or skip
	By     string         // who wrote the record
	Counts []byte         // of an accepted delta, as Tally.MarshalBinary wrote it
	Late   int64          // events of an accepted delta that came too late for the detector
	Lost   int64          // records that a skip passed over because they are gone
	Alerts []detect.Alert // records that came of it
	Newer  bool           // the record is of a newer version of the program
	Base   bool           // the record is the last part of a base
	Err    error          // of Broken
}

// Apply takes the record at offset. Records must come in order; one before Offset changes nothing, and an empty one says that
// nothing is there.
func (s *State) Apply(offset int64, record []byte) Verdict {
	s.room.read(offset, record)
	return s.take(s.room)
}

// decoded is a record with all that can be said of it without the state.
type decoded struct {
	offset   int64
	nothing  bool // there is no record at offset
	w        wire
	err      error            // of the record
	counts   *aggregate.Tally // of a delta
	countErr error            // of the counts
}

// read makes e the record at offset, in the room of counts.
func (e *decoded) read(offset int64, record []byte) {
	*e = decoded{offset: offset, nothing: len(record) == 0, counts: e.counts}
	if e.nothing {
		return
	}
	if e.w, e.err = decode(record); e.err == nil && len(e.w.Counts) > 0 {
		e.countErr = e.counts.Load(e.w.Counts)
	}
}

// take goes by the rule.
func (s *State) take(e decoded) Verdict {
	if e.offset < s.offset {
		return Verdict{Kind: Ignored}
	}
	s.offset = e.offset + 1
	switch {
	case e.nothing:
		return Verdict{Kind: Ignored}
	case errors.Is(e.err, errNewer):
		return Verdict{Kind: Ignored, Newer: true}
	case e.err != nil:
		return Verdict{Kind: Broken, Err: e.err}
	}
	switch e.w.Type {
	case typeDelta:
		return s.delta(&e)
	case typeSkip:
		return s.skip(&e.w)
	case typeNote:
		return s.note(&e.w)
	}
	base := e.w.Type == typeBase
	return Verdict{Kind: Ignored, Newer: !base, Base: base && e.w.Part == e.w.Of-1}
}

func (s *State) note(w *wire) Verdict {
	switch {
	case w.Claim && w.By != s.told.By:
		s.told.By, s.told.Number = w.By, 0
	case w.Claim: // written twice
	case w.By != s.told.By || w.Records <= s.told.Number:
		return Verdict{Kind: Refused, By: w.By}
	default:
		s.told.Told, s.told.At, s.told.Number = w.State, w.At, w.Records
	}
	return Verdict{Kind: Noted, By: w.By}
}

func (s *State) delta(e *decoded) Verdict {
	w := &e.w
	source := Source{w.Source, w.Partition}
	v := Verdict{Kind: Ticked, Source: source, By: w.By}
	if w.From != s.Next(source) || w.To < w.From || s.full(source) {
		v.Kind = Refused
		return v
	}
	if w.To > w.From {
		if e.countErr != nil {
			return Verdict{Kind: Broken, Source: source, Err: e.countErr}
		}
		v.Kind, v.Counts = Accepted, w.Counts
		if len(w.Counts) > 0 {
			v.Late = s.count(e.counts)
		}
		s.progress(source).next = w.To
	} else if w.To == NeverSeen {
		v.Kind = Refused
		return v
	}
	if len(w.Position) > 0 {
		s.progress(source).position = w.Position
	}
	v.Alerts = s.move(source, w)
	return v
}

// count adds what a delta holds, and returns how much of it was late.
func (s *State) count(part *aggregate.Tally) (late int64) {
	next := s.detector.Next()
	late = part.EventsBefore(next)
	part.Late(late)
	s.open.MergeRecent(part, next)
	if s.replay != nil {
		s.replay.add(part)
	} else {
		s.total.Merge(part)
	}
	return late
}

// settled waits until total holds all that was counted, and returns it.
func (s *State) settled() *aggregate.Tally {
	if s.replay != nil {
		s.replay.adding.Wait()
	}
	return s.total
}

// move moves time, and lets the detector take what is complete.
func (s *State) move(source Source, w *wire) []detect.Alert {
	mark := s.marks.Source(s.progress(source).name)
	mark.Newest = nil
	if w.Watermark > mark.Millis {
		mark.Millis = w.Watermark
	}
	if w.End && w.At > mark.Millis {
		mark.Millis = w.At // nothing of before is still to come
	}
	until := detect.Closed(s.marks.Time(), s.opt.Detector.WithDefaults().AllowedLateness)
	if until <= s.detector.Next() {
		return nil
	}
	records := s.detector.Feed(s.open, until)
	s.open = s.open.Recent(s.detector.Next())
	s.history.Add(records...)
	s.forget(until)
	return records
}

// forget drops old cells of the totals once an hour.
func (s *State) forget(until int64) {
	const hour = int64(time.Hour / time.Millisecond)
	if before := (until-timeline.Milliseconds())/hour*hour - hour; before > s.forgotten {
		s.settled().Forget(before)
		s.forgotten = before
	}
}

func (s *State) skip(w *wire) Verdict {
	source := Source{w.Source, w.Partition}
	if w.From != s.Next(source) || w.To < 0 || s.full(source) {
		return Verdict{Kind: Refused, Source: source}
	}
	v := Verdict{Kind: Skipped, Source: source, By: w.By}
	if w.Why == WhyRetention && w.To > w.From {
		v.Lost = w.To - max(w.From, 0)
	}
	s.progress(source).next = w.To
	return v
}

// Configure goes on with other settings of the detector. What it knows, counts and alerts stay.
func (s *State) Configure(settings detect.Options) error {
	known, err := s.detector.MarshalBinary()
	if err != nil {
		return err
	}
	s.opt.Detector = settings
	next := s.newDetector()
	if err := next.UnmarshalBinary(known); err != nil {
		return err
	}
	s.detector = next
	return nil
}

func (s *State) newDetector() *detect.Detector {
	settings := s.opt.Detector
	settings.UserName = func(hash uint64) string { return s.settled().UserName(hash) }
	return detect.New(settings)
}

// full says whether there is no room for another source.
func (s *State) full(source Source) bool {
	return s.sources[source] == nil && len(s.sources) >= maxSources
}

func (s *State) progress(source Source) *progress {
	p := s.sources[source]
	if p == nil {
		p = &progress{name: source.String(), next: NeverSeen}
		s.sources[source] = p
	}
	return p
}

// Offset returns the offset of the next record of the log.
func (s *State) Offset() int64 { return s.offset }

// Next returns where counting goes on in a source, or NeverSeen.
func (s *State) Next(source Source) int64 {
	if p := s.sources[source]; p != nil {
		return p.next
	}
	return NeverSeen
}

// Position returns what the last delta of a source said of where to go on, nil if nothing.
func (s *State) Position(source Source) []byte {
	if p := s.sources[source]; p != nil {
		return p.position
	}
	return nil
}

// Total returns all counts. They belong to s.
func (s *State) Total() *aggregate.Tally { return s.total }

// Alerts returns the newest record of each alert, in the order in which they fired.
func (s *State) Alerts() []detect.Alert { return s.history.Alerts }

// Told returns what the sinks were told, By being who tells: the last that claimed.
func (s *State) Told() Note { return s.told }

// Watermark returns the event time up to which all sources are believed complete, in Unix milliseconds; 0 before any is.
func (s *State) Watermark() int64 { return s.marks.Millis }

// Behind returns the sources whose events are late for the detector, because they are more than 5 min behind the others.
func (s *State) Behind() []string { return s.marks.Behind() }

// UsersSince returns for each code how many distinct users had it in the cells from a time on (Unix milliseconds).
func (s *State) UsersSince(from int64) map[int32]int64 { return s.total.UsersSince(from) }

// LastEvent returns the time of the newest event, zero without one.
func (s *State) LastEvent() time.Time {
	var last int64
	for _, code := range s.total.Codes() {
		last = max(last, s.total.Last(code))
	}
	if last == 0 {
		return time.Time{}
	}
	return time.UnixMilli(last)
}
