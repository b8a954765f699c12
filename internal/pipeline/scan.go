package pipeline

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/frame"
	"imerr-scan/pkg/extract"
)

// Source is an input that ends. Open is called when its turn comes, by one goroutine.
type Source struct {
	Name string
	Open func(context.Context) (*Stream, error)
}

// Stream is an opened Source. Its Reader is used by one goroutine, its ReaderAt by several.
type Stream struct {
	Reader   io.Reader
	ReaderAt io.ReaderAt // of the same bytes, if parts of them may be read at once; else nil
	Size     int64       // for ReaderAt
	ModTime  time.Time   // the day of clocks without a date
	Close    func() error
}

// Scan reads the sources to their end, in order, and adds what they hold to total. Sources that cannot be read, wholly or
// from some point on, are named in the answer and do not keep the rest away. When ctx is done, Scan stops with what was
// read by then in total and returns ctx's error; an error of Options.Each ends it too and is returned.
//
// total belongs to Scan until it returns; Options.Peek shows it in between.
func Scan(ctx context.Context, sources []Source, total *aggregate.Tally, opt Options) ([]aggregate.InputError, error) {
	workCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := max(opt.Workers, 1)
	// A job is handed to order before it is handed to a worker, so the job that is merged next is always being read.
	jobs, order := make(chan *job), make(chan *job, workers+1)
	room, held := make(chan found, workers+1), newBacklog()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			p := newPart(&opt, "", extract.New(opt.Extract))
			for j := range jobs {
				j.run(workCtx, p, held, room)
			}
		})
	}
	wg.Go(func() {
		defer close(order)
		defer close(jobs)
		for _, s := range sources {
			divide(workCtx, s, opt.partSize(), func(j *job) bool {
				select {
				case order <- j:
					jobs <- j
					return true
				case <-workCtx.Done():
					j.end()
					return false
				}
			})
		}
	})
	m := merger{total: total, room: room, held: held, opt: &opt}
	var err error
	for j := range order {
		held.turn(j)
		if err == nil {
			err = m.merge(j)
		}
		if err != nil {
			cancel()
			for b := range j.out { // so that its worker can end
				held.done(b.bytes)
			}
		}
	}
	wg.Wait()
	if err == nil {
		err = ctx.Err()
	}
	return m.errs, err
}

// job is one part of one source, to be read by one worker.
type job struct {
	name     string
	stream   *shared
	from, to int64 // of the ReaderAt; to 0: all of the Reader
	err      error // the source could not be opened or divided
	out      chan batch
}

// batch is a piece of a part's answer.
type batch struct {
	found
	tally *aggregate.Tally // of the lines until here, without the events; nil: more comes of them
	lines int64            // of the part so far, if there is a tally
	err   error
}

// shared is a stream that is closed with its last part.
type shared struct {
	*Stream
	mu   sync.Mutex
	left int
}

func (s *shared) hold() {
	s.mu.Lock()
	s.left++
	s.mu.Unlock()
}

func (s *shared) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left--; s.left == 0 && s.Close != nil {
		_ = s.Close() // it was only read
	}
}

// divide opens a source and gives its parts to yield, in order, until yield returns false.
func divide(ctx context.Context, src Source, partSize int64, yield func(*job) bool) {
	part := func() *job { return &job{name: src.Name, out: make(chan batch, maxBatches)} }
	if ctx.Err() != nil {
		return
	}
	opened, err := src.Open(ctx)
	if err != nil {
		j := part()
		j.err = err
		yield(j)
		return
	}
	stream := &shared{Stream: opened}
	stream.hold()
	defer stream.release()
	if stream.ReaderAt == nil || stream.Size <= partSize {
		j := part()
		j.stream = stream
		stream.hold()
		yield(j)
		return
	}
	for from := int64(0); from < stream.Size && err == nil; {
		j := part()
		j.stream, j.from, j.to = stream, from, stream.Size
		if from+partSize < stream.Size {
			j.to, err = frame.Bound(stream.ReaderAt, from+partSize, stream.Size)
			j.err = err
		}
		stream.hold()
		if !yield(j) {
			return
		}
		from = j.to
	}
}

// run reads the job's part with p and sends what it finds in batches, the last with the error that ended it.
func (j *job) run(ctx context.Context, p *part, held *backlog, room <-chan found) {
	defer j.end()
	if j.err != nil {
		j.out <- batch{err: j.err}
		return
	}
	opt := p.opt
	day := opt.Extract.Day
	if day.IsZero() {
		day = j.stream.ModTime
	}
	send := func(b batch) {
		b.found, p.found = p.found, found{}
		held.add(j, b.bytes)
		j.out <- b
		select {
		case p.found = <-room:
		default:
		}
	}
	p.full = func() { send(batch{}) }
	r := &reader{ctx: ctx, opt: opt, r: j.stream.Reader}
	stretch := opt.partSize()
	var before func() int64
	if j.to > 0 {
		stretch = max(stretch, j.to-j.from) + 1 // it ends by itself
		r.r = io.NewSectionReader(j.stream.ReaderAt, j.from, j.to-j.from)
		before = func() int64 { return lastTime(j.stream.ReaderAt, j.from, day, opt) }
	}
	p.begin(j.name, day, before)
	for {
		r.left, r.soft = stretch, false
		err := p.cutter.Cut(r, p.document)
		done := err != nil || !r.soft
		if done {
			err = errors.Join(err, p.cutter.Flush(p.document))
		}
		b := batch{tally: p.take(), lines: p.counted.Lines}
		if done && ctx.Err() == nil {
			b.err = err
		}
		send(b)
		if done {
			return
		}
	}
}

// What a part finds is handed on as soon as it has maxKept bytes. maxBatches of them may wait, so that all of a part that is half
// errors, some 1.5 MB, is read while the one before it still is.
const (
	maxKept    = 128 << 10
	maxBatches = 16
)

// leadBytes is how far before its beginning a part looks for the date of clocks that have none.
const leadBytes = 256 << 10

// lastTime returns the last time before a part, as an extractor would know it that has read the whole file; 0 without one.
func lastTime(r io.ReaderAt, from int64, day time.Time, opt *Options) int64 {
	ex := opt.Extract
	ex.Day = day
	x := extract.New(ex)
	lead := min(from, leadBytes)
	cutter := frame.New(frame.Options{MaxDocument: opt.MaxDocument, Needle: opt.Needle})
	see := func(doc frame.Document) error {
		if !doc.TooLong {
			x.Extract(doc.Data)
		}
		return nil
	}
	if cutter.Cut(io.NewSectionReader(r, from-lead, lead), see) == nil { // an error comes again when the part is read
		_ = cutter.Flush(see)
	}
	return x.Last()
}

// end says that no more comes of the job.
func (j *job) end() {
	if j.stream != nil {
		j.stream.release()
	}
	close(j.out)
}

// merger puts batches together in the order of the input.
type merger struct {
	total *aggregate.Tally
	room  chan<- found // that was counted and given away, to be used again
	held  *backlog
	opt   *Options
	errs  []aggregate.InputError
	lines int64 // of the source, before the current part
}

func (m *merger) merge(j *job) error {
	if j.from == 0 {
		m.lines = 0
	}
	var lines int64
	for {
		b, ok := m.next(j)
		if !ok {
			m.lines += lines
			return nil
		}
		m.total.AddAll(b.events)
		if b.tally != nil {
			lines = b.lines
			m.total.Merge(b.tally)
		}
		if b.err != nil {
			m.errs = append(m.errs, aggregate.InputError{Source: j.name, Error: b.err.Error()})
		}
		for i := range b.records {
			r := &b.records[i]
			r.Line += m.lines
			r.Event.Candidate = &r.Candidate
			if err := m.opt.Each(r); err != nil {
				m.held.done(b.bytes)
				return err
			}
		}
		m.held.done(b.bytes)
		select {
		case m.room <- b.empty():
		default:
		}
	}
}

// next waits for the job's next batch, and lets those look who ask in the meantime.
func (m *merger) next(j *job) (batch, bool) {
	for {
		select {
		case b, ok := <-j.out:
			return b, ok
		case look := <-m.opt.Peek:
			look(m.total)
		}
	}
}

// reader reads a stretch of a stream. It ends softly, to be gone on with, after left bytes or when Options.Due says that
// somebody waits for what was found.
type reader struct {
	ctx  context.Context
	opt  *Options
	r    io.Reader
	left int64
	soft bool
}

func (r *reader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	if r.soft = r.left <= 0; r.soft {
		return 0, io.EOF
	}
	n, err := r.r.Read(b[:min(int64(len(b)), r.left)])
	r.left -= int64(n)
	if r.opt.Read != nil {
		r.opt.Read(int64(n))
	}
	if r.opt.Due != nil && r.opt.Due() {
		r.left = 0
	}
	return n, err
}
