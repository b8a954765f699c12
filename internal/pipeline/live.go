package pipeline

import (
	"bytes"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/pkg/extract"
)

// Live is the pipeline over inputs that grow: blocks are pushed in as they are read, and events come out at once. It is
// used by one goroutine. Inputs may be many: what is large, the room for a block and what an extractor has, is there once.
type Live struct {
	opt     Options
	total   *aggregate.Tally
	parts   map[int]*part
	extract *extract.Extractor
	room    []byte  // of the cutters, while none reads
	grown   []*part // since the last Settle
}

// maxApart is how many pending bytes an input keeps apart; one with more keeps its room.
const maxApart = 16 << 10

// NewLive returns a Live that adds to total.
func NewLive(total *aggregate.Tally, opt Options) *Live {
	return &Live{opt: opt, total: total, parts: map[int]*part{}, extract: extract.New(opt.Extract)}
}

// Block takes the next bytes of an input. id tells inputs apart, name is shown, lines is how many lines the input had
// before the first block of this run, day the date of clocks that have none. An error of Options.Each ends it.
func (l *Live) Block(id int, name string, data []byte, lines int64, day time.Time) error {
	p := l.parts[id]
	if p == nil {
		p = newPart(&l.opt, name, l.extract)
		p.before, p.day = lines, l.opt.Extract.Day
		if p.day.IsZero() {
			p.day = day
		}
		l.parts[id] = p
	}
	l.begin(p)
	p.cutter.Lend(l.room)
	err := p.cutter.Cut(bytes.NewReader(data), p.document)
	l.room = p.cutter.Release(maxApart)
	p.last = l.extract.Last()
	if err != nil {
		return err
	}
	return p.hand()
}

// begin makes the extractor that of a part, which has something to count from now on.
func (l *Live) begin(p *part) {
	l.extract.Resume(p.day, p.last)
	if !p.grown {
		p.grown = true
		l.grown = append(l.grown, p)
	}
}

// End says that nothing more comes of an input: what is unfinished is taken as it is.
func (l *Live) End(id int) error {
	p := l.parts[id]
	if p == nil {
		return nil
	}
	delete(l.parts, id)
	l.begin(p)
	if err := p.cutter.Flush(p.document); err != nil {
		return err
	}
	if err := p.hand(); err != nil {
		return err
	}
	l.merge(p)
	return nil
}

// merge adds what a part counted to total.
func (l *Live) merge(p *part) {
	p.grown = false
	tally := p.take()
	if l.opt.Piece != nil {
		l.opt.Piece(tally)
	}
	l.total.Merge(tally)
}

// Settle brings total up to date: it then holds all that was processed of the blocks so far, and nothing of what is
// pending (Mark).
func (l *Live) Settle() {
	for _, p := range l.grown {
		if p.grown { // it has not ended
			l.merge(p)
		}
	}
	clear(l.grown)
	l.grown = l.grown[:0]
}

// Take returns what was processed of the blocks since the last call, and begins anew; total is then another.
func (l *Live) Take() *aggregate.Tally {
	l.Settle()
	total := l.total
	l.total = aggregate.New(l.opt.Aggregate)
	return total
}

// Mark says how far an input was processed: the bytes at its end that belong to no document yet, and the lines of this run.
func (l *Live) Mark(id int) (pending, lines int64) {
	p := l.parts[id]
	if p == nil {
		return 0, 0
	}
	return p.cutter.Pending(), p.cutter.Counts().Lines
}

// SetNow moves the bound of times that lie in the future.
func (l *Live) SetNow(now time.Time) {
	l.extract.SetNow(now)
}

// hand gives the records of a part away.
func (p *part) hand() error {
	defer func() { p.found = p.found.empty() }()
	for i := range p.found.records {
		r := &p.found.records[i]
		r.Line += p.before
		r.Event.Candidate = &r.Candidate
		if err := p.opt.Each(r); err != nil {
			return err
		}
	}
	return nil
}
