// Package pipeline joins the stages: source → frame → extract → classify → aggregate, for inputs that end and for inputs
// that are followed. It owns what no stage may know: how many workers there are, in which order parts are merged, and
// what a line counts as.
//
// Scan divides large files into parts at bounds that depend on the bytes alone, lets workers read parts at the same time,
// and counts and hands on their events in the order of the input. So the answer is the same for any number of workers.
package pipeline

import (
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/frame"
	"imerr-scan/internal/needle"
	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/classify"
	"imerr-scan/pkg/extract"
)

// Record is one event with its place in the input.
type Record struct {
	classify.Event
	Candidate extract.Candidate // what Event.Candidate points to, valid for good
	Source    string            // name of the input
	Line      int64             // first line of its document, from 1
	Text      []byte            // the document, if Options.Text is set; valid for good
}

// Options sets what a run does. Catalog is required.
type Options struct {
	Catalog     *catalog.Catalog
	Extract     extract.Options
	Aggregate   aggregate.Options
	Workers     int                          // 0 means 1
	PartSize    int64                        // bytes of a part of a large file; 0 means 8 MiB
	MaxDocument int                          // bytes; 0 means frame's default
	Needle      func(b []byte, from int) int // nil means frame's default
	Validate    bool                         // parse each line, so that broken counts all that is not JSON
	Keep        func(*Record) bool           // events it refuses are counted as filtered; nil keeps all
	Each        func(*Record) error          // is given the events in the order of the input; nil if nobody wants them
	Text        bool                         // Record.Text is wanted
	Piece       func(*aggregate.Tally)       // is shown by Live what it merges into total, just before; may be nil
	Read        func(bytes int64)            // is told of bytes read, from several goroutines; may be nil

	// Peek is asked while Scan waits: what comes out is called with what was merged so far. Due tells the readers, by true
	// now and then, to hand on what they have; without it a slow pipe is merged only when a part is full. Both may be nil.
	Peek <-chan func(*aggregate.Tally)
	Due  func() bool
}

func (o Options) partSize() int64 {
	if o.PartSize > 0 {
		return o.PartSize
	}
	return 8 << 20
}

// part reads one stretch of one input: bytes in, batches out.
type part struct {
	opt      *Options
	cutter   *frame.Cutter
	extract  *extract.Extractor
	classify *classify.Classifier

	find    func(b []byte, from int) int // the needle
	source  string
	tally   *aggregate.Tally
	found   found
	full    func()       // events are kept apart, and this takes them away when they are maxKept bytes; nil: tally has them
	counted frame.Counts // of the cutter, as far as the tally has them
	classed int64        // lines that have a class other than without_error and empty
	before  int64        // lines of the input before this run read it
	day     time.Time    // of Live: what the extractor has of this part while it is another's
	last    int64
	grown   bool
	open    lineClass // the last document's lines, as long as another document on them may change their class
}

// found is events that were found and wait for whoever puts parts together.
type found struct {
	events  []aggregate.Event // that are not in the part's tally
	records []Record          // for Options.Each
	bytes   int               // about, of both
}

// empty is f for what is found next, in the room that it has taken. Nothing is held on to.
func (f *found) empty() found {
	clear(f.events)
	clear(f.records)
	return found{events: f.events[:0], records: f.records[:0]}
}

// lineClass is the class of the lines of one document.
type lineClass struct {
	line, lines int64
	class       aggregate.Class
}

func newPart(opt *Options, source string, x *extract.Extractor) *part {
	find := opt.Needle
	if find == nil {
		find = needle.Next
	}
	return &part{
		opt:      opt,
		find:     find,
		cutter:   frame.New(frame.Options{MaxDocument: opt.MaxDocument, Needle: opt.Needle, All: opt.Validate}),
		extract:  x,
		classify: classify.New(opt.Catalog),
		source:   source,
		tally:    aggregate.New(opt.Aggregate),
	}
}

// begin makes p that of another stretch, as newPart does, in the room that it has taken. What was counted must have been taken.
func (p *part) begin(source string, day time.Time, before func() int64) {
	p.cutter.Reset()
	p.extract.Reset(day, before)
	p.source, p.counted, p.classed, p.before, p.open = source, frame.Counts{}, 0, 0, lineClass{}
}

// document takes one document on its way from frame to tally.
func (p *part) document(doc frame.Document) error {
	if doc.TooLong {
		p.class(doc, aggregate.TooLong)
		return nil
	}
	if p.opt.Validate && p.find(doc.Data, 0) < 0 && extract.Valid(doc.Data) { // most lines, several times faster
		p.class(doc, aggregate.WithoutError)
		return nil
	}
	found := p.extract.Extract(doc.Data)
	verdict := p.classify.Classify(found.Candidates)
	p.class(doc, classOf(found, verdict, p.opt.Validate))
	if verdict.Success > 0 {
		p.tally.Success(int64(verdict.Success))
	}
	for _, path := range verdict.Hints {
		p.tally.Hint(path, 1)
	}
	for i := range verdict.Events {
		p.event(&verdict.Events[i], doc)
	}
	return nil
}

// event counts one event, unless a filter refuses it.
func (p *part) event(e *classify.Event, doc frame.Document) {
	if p.opt.Keep == nil && p.opt.Each == nil {
		p.count(e)
		return
	}
	all := append(p.found.records, Record{Event: *e, Candidate: *e.Candidate, Source: p.source, Line: doc.Line + 1})
	r := &all[len(all)-1]
	if p.opt.Text {
		r.Text = append([]byte(nil), doc.Data...)
	}
	keep := p.opt.Keep == nil || p.opt.Keep(r)
	if keep && p.opt.Each != nil {
		p.found.bytes += r.size()
	} else {
		all = all[:len(all)-1]
	}
	p.found.records = all
	if !keep {
		p.tally.Filtered(1)
		return
	}
	p.count(e)
}

func (p *part) count(e *classify.Event) {
	if p.full == nil {
		p.tally.Add(e)
		return
	}
	x := aggregate.EventOf(e)
	p.found.events = append(p.found.events, x)
	if p.found.bytes += x.Size(); p.found.bytes >= maxKept {
		p.full()
	}
}

// size is about how many bytes r takes.
func (r *Record) size() int {
	const fixed = 512
	c := &r.Candidate
	return fixed + len(c.Message) + len(c.Reason) + len(c.User) + len(c.Device) + len(c.Version) + len(c.Platform) + len(c.Path) + len(r.Text)
}

// classOf gives a document the first class that fits (docs/result-v1.md, lines).
func classOf(found extract.Document, v classify.Verdict, validate bool) aggregate.Class {
	switch {
	case len(v.Events) > 0:
		return aggregate.WithError
	case found.Broken || found.TooDeep, validate && found.Text:
		return aggregate.Broken
	case v.Foreign > 0:
		return aggregate.Foreign
	}
	return aggregate.WithoutError
}

// rank orders the classes as the accounting does: a line gets the first that fits.
func rank(c aggregate.Class) int {
	switch c {
	case aggregate.WithError:
		return 4
	case aggregate.Broken:
		return 3
	case aggregate.TooLong:
		return 2
	case aggregate.Foreign:
		return 1
	}
	return 0
}

// class notes what the lines of doc count as. Several documents may share a line; they come one after the other.
func (p *part) class(doc frame.Document, c aggregate.Class) {
	if doc.Line == p.open.line && p.open.lines > 0 {
		if rank(c) > rank(p.open.class) {
			p.open.class = c
		}
		return
	}
	p.close()
	p.open = lineClass{line: doc.Line, lines: doc.Lines, class: c}
}

// close counts the lines of the last document.
func (p *part) close() {
	if p.open.lines > 0 && p.open.class != aggregate.WithoutError {
		p.tally.Lines(p.open.class, p.open.lines)
		p.classed += p.open.lines
	}
	p.open = lineClass{}
}

// take returns what was counted since the last call, without events that are kept apart, and starts anew. Lines in which nothing
// was found are counted here.
func (p *part) take() *aggregate.Tally {
	now := p.cutter.Counts()
	if now.Lines > p.open.line { // else more documents may come of this line
		p.close()
	}
	p.tally.Bytes(now.Bytes - p.counted.Bytes)
	empty := now.Empty - p.counted.Empty
	p.tally.Lines(aggregate.Empty, empty)
	without := now.Lines - p.counted.Lines - empty - p.classed
	p.tally.Lines(aggregate.WithoutError, max(without, 0))
	p.counted, p.classed = now, max(-without, 0) // documents may come before their lines are counted
	tally := p.tally
	p.tally = aggregate.New(p.opt.Aggregate)
	return tally
}
