package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	fetchBytes  = 1 << 20                // asked for at once; a broker sends one batch at least, however large
	fetchWait   = 500 * time.Millisecond // how long a broker holds a fetch with nothing to give
	smallBuffer = 16 << 10               // of a partition at rest
	largeBuffer = 64 << 20               // a record above it is read into memory of its own

	leastPause, mostPause = 300 * time.Millisecond, 3 * time.Second

	// refusals is how often a broker must say that an offset is out of range: a new leader may not know its end yet.
	refusals = 3
)

// Record is one record of a partition.
type Record struct {
	Offset int64
	Value  []byte    // of the callee until it returns; nil and empty are the same
	Time   time.Time // zero unless Reader.Times is set; then that of this record or, on a busy partition, of one a little before
}

// Reader is what Read tells. Its functions are called from the goroutine of Read, one at a time.
type Reader struct {
	// Record is given each record in order. Its error ends Read, which returns it as it is.
	Record func(Record) error
	// Fetched is told after each fetch that everything before next was given or was not there (holes, markers of
	// transactions), and where the end was then: next = end means that nothing is to come for now. It may be nil. Its error
	// ends Read as well.
	Fetched func(next, end int64) error
	// Trouble is told each time that reading stopped and is tried again; it may be nil.
	Trouble func(error)
	// Times asks for the times of records. Reading one costs as much as three records without, so that of a record is taken for
	// that of those behind it, up to 64, as long as two that were read one after the other differ by a second at most.
	Times bool
}

// OutOfRangeError says that a partition does not have the offset to read at.
type OutOfRangeError struct {
	Partition Partition
	Next      int64 // that was asked for
	Bounds          // what is there
}

// Lost says whether records were deleted before they were read; else the partition is shorter than what was read of it: it
// was made anew, or a broker lost its end.
func (e *OutOfRangeError) Lost() bool { return e.Next < e.First }

func (e *OutOfRangeError) Error() string {
	if e.Lost() {
		return fmt.Sprintf("kafka: %s: records %d to %d are gone: retention was shorter than the way to here", e.Partition, e.Next, e.First-1)
	}
	return fmt.Sprintf("kafka: %s: it ends at %d, but was read up to %d: the topic was made anew, or a broker lost records", e.Partition, e.End, e.Next)
}

// Read reads a partition from an offset on until ctx is done, and reconnects by itself, for ever: a broker that is down ends
// nothing. It returns the error of a function of r, an *OutOfRangeError, or that of ctx. It stops within a second of ctx,
// unless a function of r does not return.
//
// Markers of transactions are left out, records of aborted transactions are not: they cannot be told apart here.
func (c *Cluster) Read(ctx context.Context, p Partition, from int64, r Reader) error {
	f := &fetcher{c: c, p: p, r: r, next: from}
	defer f.hangUp()
	for pause := leastPause; ; {
		before := f.next
		err := f.run(ctx)
		var stop *stopError
		var gone *OutOfRangeError
		switch {
		case errors.As(err, &stop):
			return stop.error
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &gone):
			return gone
		}
		f.hangUp()
		if r.Trouble != nil {
			r.Trouble(fmt.Errorf("kafka: %s at %d: %w", p, f.next, err))
		}
		if f.next > before {
			pause = leastPause
		}
		if !sleep(ctx, pause/2+rand.N(pause/2)) { //nolint:gosec // spreads retries, guards nothing
			return ctx.Err()
		}
		pause = min(2*pause, mostPause)
	}
}

// stopError carries an error of the caller's own function out of the loop.
type stopError struct{ error }

// fetcher reads one partition. It is used by one goroutine.
type fetcher struct {
	c    *Cluster
	p    Partition
	r    Reader
	next int64 // offset to read at

	conn    *kafka.Conn
	release func() bool // undoes that the end of ctx closes conn
	buf     []byte
	careful bool // read key, value and time of each record: slower, and nothing in it panics on a null value
	refused int  // times in a row that the offset was out of range
	barren  int  // fetches in a row that should have had records
	giving  bool // the caller's function runs: its panic is not ours to recover
	clock   clock
}

// clock knows the time of the records by reading that of some.
type clock struct {
	last   time.Time // of the last record of which it was read
	stride int       // of how many records it holds for
	since  int       // records since then
}

const (
	mostStride = 64
	evenPace   = time.Second // two times that differ by less are of a busy partition
)

// due says whether the time of the next record is to be read.
func (c *clock) due() bool {
	c.since++
	return c.since > c.stride
}

// read takes the time of a record, and goes by it for more records or for fewer.
func (c *clock) read(at time.Time) {
	if d := at.Sub(c.last); d.Abs() <= evenPace {
		c.stride = min(2*max(c.stride, 1), mostStride)
	} else {
		c.stride = 0
	}
	c.last, c.since = at, 0
}

// run connects and fetches until something goes wrong.
func (f *fetcher) run(ctx context.Context) error {
	if f.conn == nil {
		conn, err := f.c.leader(ctx, f.p)
		if err != nil {
			return err
		}
		f.conn = conn
		f.release = context.AfterFunc(ctx, func() { _ = conn.Close() })
	}
	for ctx.Err() == nil {
		end, err := f.fetch()
		if errors.Is(err, kafka.OffsetOutOfRange) {
			err = f.outOfRange(ctx)
		}
		if err != nil {
			return err
		}
		f.refused = 0
		if f.r.Fetched != nil && end != unknown {
			if err := f.r.Fetched(f.next, end); err != nil {
				return &stopError{err}
			}
		}
	}
	return ctx.Err()
}

// hangUp gives the connection up. Its Close does not wait for a batch that panicked and still holds its locks.
func (f *fetcher) hangUp() {
	if f.conn != nil {
		f.release()
		_ = f.conn.Close()
		f.conn = nil
	}
}

// unknown is the end of a partition that did not answer in time, which is not always an error.
const unknown = -1

// fetch asks for the records from next on, gives them to the caller, and returns the end of the partition.
//
// kafka-go v0.4.51 panics on what it cannot decode, among it a null value in Batch.Read; after that its locks are held for
// ever, so the connection is given up and read on carefully.
func (f *fetcher) fetch() (end int64, err error) {
	defer func() {
		if v := recover(); v != nil {
			if f.giving {
				panic(v)
			}
			f.careful = true
			err = fmt.Errorf("the records at %d cannot be decoded: %v", f.next, v)
		}
	}()
	if _, err := f.conn.Seek(f.next, kafka.SeekAbsolute|kafka.SeekDontCheck); err != nil {
		return 0, err
	}
	if err := f.conn.SetDeadline(time.Now().Add(f.c.opt.Timeout)); err != nil {
		return 0, err
	}
	batch := f.conn.ReadBatchWith(kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: fetchBytes, MaxWait: fetchWait})
	if err := batch.Err(); err != nil {
		return unknown, f.idle(batch.Close())
	}
	start := f.next
	f.clock.since = f.clock.stride // the first record of what was fetched has a time of its own
	n, err := f.records(batch)
	end = batch.HighWaterMark()
	if _, ok := errors.AsType[*stopError](err); ok {
		_ = batch.Close()
		return end, err
	}
	if after := batch.Offset(); n > 0 && after > f.next { // without a record, kafka-go's offset after a batch is made up
		if after > end {
			_ = batch.Close()
			return end, fmt.Errorf("a batch says that it goes up to %d, where the partition ends at %d", after-1, end)
		}
		f.next = after // over a hole at its end
	}
	short := errors.Is(err, io.ErrShortBuffer)
	if err := batch.Close(); err != nil && !short {
		if err := f.idle(err); err != nil {
			return end, err
		}
	}
	if short {
		f.grow()
		return end, nil
	}
	if len(f.buf) > fetchBytes {
		f.buf = nil
	}
	return end, f.progress(start, end)
}

// idle is nil for the errors by which kafka-go says that there was nothing.
func (f *fetcher) idle(err error) error {
	if errors.Is(err, kafka.RequestTimedOut) || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// progress finds out that there should have been records and were none: a batch that kafka-go cannot decode, in silence.
func (f *fetcher) progress(start, end int64) error {
	if f.next > start || end <= start {
		f.barren = 0
		return nil
	}
	if f.barren++; f.barren < 3 {
		return nil
	}
	f.barren = 0
	f.careful = true
	return fmt.Errorf("the broker has records up to %d, and none of them can be decoded", end-1)
}

// records gives the records of a batch to the caller and returns how many there were, those not asked for among them.
func (f *fetcher) records(batch *kafka.Batch) (n int, err error) {
	for {
		var record Record
		var marker bool
		if f.careful || f.r.Times && f.clock.due() {
			m, err := batch.ReadMessage()
			if err != nil {
				return n, err
			}
			record = Record{Offset: m.Offset, Value: m.Value}
			f.clock.read(m.Time)
			marker = isMarker(m.Value) && len(m.Key) == 4
		} else {
			if f.buf == nil {
				f.buf = make([]byte, smallBuffer)
			}
			size, err := batch.Read(f.buf)
			if err != nil {
				return n, err
			}
			record = Record{Offset: batch.Offset() - 1, Value: f.buf[:size]}
			marker = isMarker(record.Value)
		}
		if f.r.Times {
			record.Time = f.clock.last
		}
		n++
		if record.Offset < f.next { // a batch begins before the offset that was asked for
			continue
		}
		if !marker {
			if err := f.give(record); err != nil {
				return n, &stopError{err}
			}
		}
		f.next = record.Offset + 1
	}
}

func (f *fetcher) give(record Record) error {
	f.giving = true
	err := f.r.Record(record)
	f.giving = false
	return err
}

// grow makes room for a larger record, up to a bound; beyond it records are read into memory of their own.
func (f *fetcher) grow() {
	if len(f.buf) >= largeBuffer {
		f.careful = true
		return
	}
	f.buf = make([]byte, 4*len(f.buf))
}

// isMarker says whether a value is that of a transaction's marker: version 0 and the coordinator's epoch (KIP-98). kafka-go
// gives them out as records.
func isMarker(value []byte) bool { return len(value) == 6 && value[0] == 0 && value[1] == 0 }

// outOfRange returns an *OutOfRangeError once it is sure, else a passing error. It asks over a connection of its own:
// kafka-go leaves the rest of an answer with an error unread.
func (f *fetcher) outOfRange(ctx context.Context) error {
	conn, err := f.c.leader(ctx, f.p)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(f.c.opt.Timeout))
	first, end, err := conn.ReadOffsets()
	if err != nil {
		return err
	}
	if f.refused++; f.refused < refusals || first <= f.next && f.next <= end {
		return fmt.Errorf("the broker has no offset %d, but %d to %d", f.next, first, end)
	}
	return &OutOfRangeError{Partition: f.p, Next: f.next, Bounds: Bounds{First: first, End: end}}
}

// sleep waits, and returns false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
