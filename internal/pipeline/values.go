package pipeline

import (
	"bytes"
	"cmp"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/frame"
	"imerr-scan/pkg/extract"
)

// Values is the pipeline over values that are an input each, as the records of a topic are: a document does not go on in the
// next value. It is used by one goroutine.
type Values struct {
	opt  Options
	part *part

	seen   int64 // values since the last change of bucket
	bucket int64 // of 10 s, of those values
}

// NewValues returns a Values; source is what Record.Source says.
func NewValues(source string, opt Options) *Values {
	return &Values{opt: opt, part: newPart(&opt, source, extract.New(opt.Extract))}
}

// seenMillis is how exactly Tally.Seen is told of the times of values.
const seenMillis = 10_000

// Value takes one value. at is the time that what brought it gives it, zero without one; number is what Record.Line says. An
// error of Options.Each comes back.
func (v *Values) Value(b []byte, at time.Time, number int64) error {
	p := v.part
	carried := int64(0)
	if !at.IsZero() {
		carried = at.UnixMilli()
	}
	v.see(carried)
	if inner := unwrapRegistry(b); len(inner) < len(b) {
		p.tally.Bytes(int64(len(b) - len(inner)))
		b = inner
	}
	switch {
	case len(b) == 0:
		p.tally.Lines(aggregate.Empty, 1)
		return nil
	case v.plain(b):
		p.tally.Bytes(int64(len(b)))
		p.tally.Lines(aggregate.WithoutError, 1)
		return nil
	}
	p.extract.SetCarried(carried)
	if err := p.cutter.Cut(bytes.NewReader(b), p.document); err != nil {
		return err
	}
	if err := p.cutter.Flush(p.document); err != nil {
		return err
	}
	for i := range p.found.records {
		p.found.records[i].Line = number
	}
	return p.hand()
}

// plain says whether b is one line, not empty, in which nothing is to be found: as nearly all are.
func (v *Values) plain(b []byte) bool {
	printable := b[0] > ' ' && b[0] < 0x7f
	return printable && !v.opt.Validate && len(b) <= cmp.Or(v.opt.MaxDocument, frame.DefaultMaxDocument) && bytes.IndexByte(b, '\n') < 0 && v.part.find(b, 0) < 0
}

// see counts values by their times.
func (v *Values) see(millis int64) {
	bucket := millis / seenMillis
	if bucket != v.bucket {
		v.seeAll()
		v.bucket = bucket
	}
	v.seen++
}

func (v *Values) seeAll() {
	if now := v.opt.Extract.Now; v.bucket > 0 && (now.IsZero() || v.bucket*seenMillis < now.Add(24*time.Hour).UnixMilli()) {
		v.part.tally.Seen(v.bucket*seenMillis, v.seen)
	}
	v.seen = 0
}

// unwrapRegistry drops what serializers with a schema registry put before a value: a zero and the number of a schema, which
// has four bytes.
func unwrapRegistry(b []byte) []byte {
	if len(b) > 5 && b[0] == 0 && (b[5] == '{' || b[5] == '[') {
		return b[5:]
	}
	return b
}

// Take returns what was counted since the last call, and begins anew.
func (v *Values) Take() *aggregate.Tally {
	v.seeAll()
	return v.part.take()
}

// Size returns about how many bytes Take would return.
func (v *Values) Size() int { return v.part.tally.Size() }

// SetNow moves the bound of times that lie in the future.
func (v *Values) SetNow(now time.Time) {
	v.opt.Extract.Now = now
	v.part.extract.SetNow(now)
}
