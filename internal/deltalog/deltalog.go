// Package deltalog counts every source record once, over crashes, rebalances and any number of replicas, by one rule over
// one log. It stands beside the way of a log line, between aggregate and whoever serves the numbers.
//
// Words: the log is a sequence of records with ascending offsets that all replicas read; a source is one partition of a
// topic, or a set of followed files, whose records have positions of their own; a delta is what the source records
// [From, To) added up to; next of a source is To of its last accepted delta; a tick is a delta of no records, which moves
// time alone; a skip says that records are gone or not wanted; a base is the whole state, in parts; a note says who was told
// of which alerts; a claim is a note by which a replica becomes the one that tells.
//
// The rule: a delta counts only if its From equals next of its source; any other is refused. A note counts only if it is of
// the replica that claimed last, and later than its others. The order of the log decides, so two owners, repeated writes and processes that were
// thought dead do no harm, and nobody has to be fenced.
//
//	s := deltalog.NewState(opt)
//	verdict := s.Apply(offset, record)     // of every record, in order
//
// A State is a pure function of the log: no clock, no network, no randomness. Log is what a backend must offer; it is not
// implemented here.
package deltalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"imerr-scan/internal/aggregate"
)

// Log is where records are kept: a topic of one partition, or a file. Its methods are safe for concurrent use.
type Log interface {
	// Append writes records, durably and in this order. An error does not say that they were not written: what counts is
	// what is read back.
	Append(ctx context.Context, records ...[]byte) error
	// Bounds returns the offset of the first record that is still there, and the one that the next will have.
	Bounds(ctx context.Context) (first, end int64, err error)
	// Read calls apply for the records from offset from on, up to the end, and returns how far it came. With wait it goes
	// on with records that come, until ctx is done. An error of apply ends it.
	Read(ctx context.Context, from int64, wait bool, apply func(offset int64, record []byte) error) (next int64, err error)
}

// ErrTooLarge is what an error of Append wraps if the records will never be taken, because they are too large.
var ErrTooLarge = errors.New("record too large for the log")

// Source names what is counted: a partition of a topic. Followed files are partition 0 of the source "files".
type Source struct {
	Name      string
	Partition int32
}

func (s Source) String() string { return fmt.Sprintf("%s/%d", s.Name, s.Partition) }

// NeverSeen is next of a source of which no record was counted yet.
const NeverSeen = -1

// Delta is what the records [From, To) of a source added up to.
type Delta struct {
	Source
	From, To  int64
	Records   int64            // less than To−From where offsets have holes
	Watermark int64            // greatest event time so far, Unix milliseconds; 0 without one
	At        int64            // the writer's clock, Unix milliseconds
	End       bool             // the reader stood at the end of the source
	By        string           // who wrote it; for people
	Counts    *aggregate.Tally // nil in a tick
	Position  json.RawMessage  // where to go on, if To does not say it; opaque
}

// Skip moves next without counting: records are gone (retention), not wanted (start), or never were (truncated).
type Skip struct {
	Source
	From, To int64
	Why      string
	By       string // who wrote it
}

// Reasons of a Skip.
const (
	WhyStart     = "start"
	WhyRetention = "retention"
	WhyTruncated = "truncated"
)

// Note says what each sink was told of the alerts. The newest that counts holds.
type Note struct {
	Number int64  // among those of its claim, from 1: one that comes after a later one does not count
	Told   []byte // opaque: what the notifier needs to go on
	At     int64  // event time up to which alert records were handed to it, Unix milliseconds
	By     string
	Claim  bool // By tells from here on: then Told and At are those of before
}

// version is that of the form of records, and of the tallies and detectors in them. A reader ignores records of a greater one: one
// that knew the form but not the tally would take a delta for broken.
const version = 1 + (aggregate.EncodingVersion - 2)

// wire is a record of the log.
type wire struct {
	V    int    `json:"v"`
	Type string `json:"t"`

	Source    string          `json:"src,omitempty"`
	Partition int32           `json:"p,omitempty"`
	From      int64           `json:"from,omitempty"`
	To        int64           `json:"to,omitempty"`
	Records   int64           `json:"n,omitempty"` // of a note its number
	Watermark int64           `json:"wm,omitempty"`
	At        int64           `json:"at,omitempty"`
	End       bool            `json:"end,omitempty"`
	By        string          `json:"by,omitempty"`
	Counts    []byte          `json:"c,omitempty"` // as Tally.MarshalBinary writes it
	Position  json.RawMessage `json:"pos,omitempty"`
	Why       string          `json:"why,omitempty"`

	Offset int64  `json:"off,omitempty"` // base: the state is that before the record at Offset
	Part   int    `json:"part,omitempty"`
	Of     int    `json:"of,omitempty"`
	State  []byte `json:"state,omitempty"`      // of a base; of a note what was told
	Sum    uint64 `json:"sum,omitempty,string"` // of the whole state, before it was divided
	Claim  bool   `json:"claim,omitempty"`
}

// Types of records.
const (
	typeDelta = "delta"
	typeSkip  = "skip"
	typeBase  = "base"
	typeNote  = "note"
)

// Encode returns the record of a delta.
func (d *Delta) Encode() ([]byte, error) {
	w := wire{
		V: version, Type: typeDelta, Source: d.Name, Partition: d.Partition, From: d.From, To: d.To, Records: d.Records,
		Watermark: d.Watermark, At: d.At, End: d.End, By: d.By, Position: d.Position,
	}
	if d.Counts != nil {
		var err error
		if w.Counts, err = d.Counts.MarshalBinary(); err != nil {
			return nil, err
		}
	}
	return json.Marshal(&w)
}

// Encode returns the record of a skip.
func (s *Skip) Encode() ([]byte, error) {
	return json.Marshal(&wire{V: version, Type: typeSkip, Source: s.Name, Partition: s.Partition, From: s.From, To: s.To, Why: s.Why, By: s.By})
}

// Encode returns the record of a note.
func (n *Note) Encode() ([]byte, error) {
	w := wire{V: version, Type: typeNote, By: n.By, Claim: n.Claim}
	if !n.Claim {
		w.State, w.At, w.Records = n.Told, n.At, n.Number
	}
	return json.Marshal(&w)
}

// errNewer says that a record was written by a program of a later version.
var errNewer = errors.New("record of a newer version")

func decode(record []byte) (wire, error) {
	w, ok := parse(record)
	if !ok {
		if err := json.Unmarshal(record, &w); err != nil {
			return w, fmt.Errorf("record of the log: %w", err)
		}
	}
	if w.V > version {
		return w, errNewer
	}
	if w.V < 1 {
		return w, errors.New("record of the log: no version")
	}
	return w, nil
}
