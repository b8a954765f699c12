package detect

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"time"

	"imerr-scan/internal/aggregate"
)

// All is a time after every cell.
const All = math.MaxInt64

// MaxCellWidth is how wide cells may be: the widest clock.
const MaxCellWidth = 10 * time.Minute

// Feed takes the cells of t that were not taken yet and end by until (Unix milliseconds), in order of time, and returns the
// alert records. With All it ends at the last cell, of any kind of line, and alerts that are firing then stay so.
//
// Cells that had to be made wider than 10 s are spread evenly over their buckets; cells wider than MaxCellWidth, in which no
// spike can be seen, are not taken.
func (d *Detector) Feed(t *aggregate.Tally, until int64) []Alert {
	if t.CellWidth() > MaxCellWidth {
		return nil
	}
	width := int64(t.CellWidth().Milliseconds()) / bucketMillis
	var all []*feed
	for _, code := range t.Codes() {
		all = append(all, newFeed(code, t.Cells(code, d.Next()), width))
	}
	lines := newFeed(0, t.SeenLines(d.Next()), width)
	defer func() {
		for _, f := range append(all, lines) {
			f.stop()
		}
	}()
	end := until / bucketMillis // buckets before it may be taken
	var out []Alert
	in := Bucket{}
	for {
		b := lines.next()
		for _, f := range all {
			b = min(b, f.next())
		}
		if b >= end {
			break
		}
		in.Start, in.Lines, in.Cells = b*bucketMillis, 0, in.Cells[:0]
		if lines.next() == b {
			in.Lines = lines.take(width).Events
		}
		for _, f := range all {
			if f.next() == b {
				in.Cells = append(in.Cells, Cell{Code: f.code, Cell: f.take(width)})
			}
		}
		out = append(out, d.Step(in)...)
	}
	if until != All {
		out = append(out, d.Advance(until)...)
	}
	return out
}

// feed hands out the cells of a code bucket by bucket.
type feed struct {
	code int32
	pull func() (aggregate.Cell, bool)
	stop func()
	cell aggregate.Cell
	ok   bool
	part int64 // buckets of cell that are taken
}

func newFeed(code int32, cells iter.Seq[aggregate.Cell], width int64) *feed {
	f := &feed{code: code, part: width - 1}
	f.pull, f.stop = iter.Pull(cells)
	f.advance(width)
	return f
}

func (f *feed) advance(width int64) {
	if f.part++; f.part >= width {
		f.cell, f.ok = f.pull()
		f.part = 0
	}
}

// next returns the bucket that comes next, or a very late one.
func (f *feed) next() int64 {
	if !f.ok {
		return math.MaxInt64
	}
	return f.cell.Start/bucketMillis + f.part
}

// take returns what the next bucket has of the cell.
func (f *feed) take(width int64) aggregate.Cell {
	c := f.cell
	part := f.part
	f.advance(width)
	if width == 1 {
		return c
	}
	share := func(n int64) int64 {
		return n/width*(part+1) + n%width*(part+1)/width - n/width*part - n%width*part/width
	}
	c.Events, c.Users, c.Anonymous = share(c.Events), share(c.Users), share(c.Anonymous)
	if part < width-1 {
		c.Hashes, c.Kicks, c.Values = nil, nil, nil
	}
	return c
}

// byCode orders cells.
func byCode(a, b Cell) int { return cmp.Compare(a.Code, b.Code) }

// Sort brings the cells of a bucket into the order that Step wants.
func (b *Bucket) Sort() { slices.SortFunc(b.Cells, byCode) }
