// Package aggregate adds events up: totals, users, cells of event time, accounting of lines. Everything it holds merges,
// so the answer does not depend on how the input was divided. It is the fifth stop of a log line.
package aggregate

import (
	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/classify"
)

// Class is what became of a line. Every line gets exactly one.
type Class uint8

const (
	WithoutError Class = iota
	WithError
	Broken
	TooLong
	Foreign
	Empty
)

// Tally is what a part of the input added up to. Tallies of parts merge into that of the whole. It is used by one goroutine.
type Tally struct{}

// New returns an empty Tally.
func New(cat *catalog.Catalog) *Tally { return &Tally{} }

// Add counts one event. user is hashed; its name is kept only while it is among the users with the most events.
func (t *Tally) Add(e *classify.Event) {}

// Lines counts n lines of class c.
func (t *Tally) Lines(c Class, n int64) {}

// Bytes counts n bytes read.
func (t *Tally) Bytes(n int64) {}

// Success, Filtered and Hint count what is no event.
func (t *Tally) Success(n int64)           {}
func (t *Tally) Filtered(n int64)          {}
func (t *Tally) Hint(path string, n int64) {}

// Merge adds o, the part of the input that follows, to t. o is not used afterwards.
func (t *Tally) Merge(o *Tally) {}

// MarshalBinary and UnmarshalBinary are the one encoding of a Tally: state files, saved results and Kafka deltas use it.
func (t *Tally) MarshalBinary() ([]byte, error)    { return nil, nil }
func (t *Tally) UnmarshalBinary(data []byte) error { return nil }

// Result returns what the tally knows. It changes nothing.
func (t *Tally) Result(opt ResultOptions) *Result { return &Result{Schema: Schema} }
