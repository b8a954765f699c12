package deltalog

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc64"
	"maps"
	"slices"

	"imerr-scan/internal/detect"
)

// partBytes is how much of a state one part of a base holds.
const partBytes = 350 << 10

// maxParts bounds a base: 350 MiB.
const maxParts = 1024

// image is a State as bytes.
type image struct {
	V         int               `json:"v"`
	Offset    int64             `json:"offset"`
	Sources   []sourceImage     `json:"sources"`
	Total     []byte            `json:"total"`
	Open      []byte            `json:"open"`
	Marks     detect.Watermarks `json:"marks"`
	Detector  []byte            `json:"detector"`
	History   detect.History    `json:"history"`
	Told      Note              `json:"told"`
	Forgotten int64             `json:"forgotten"`
}

type sourceImage struct {
	Name      string          `json:"name"`
	Partition int32           `json:"p"`
	Next      int64           `json:"next"`
	Position  json.RawMessage `json:"pos,omitempty"`
}

// MarshalBinary returns the state. The same log gives the same bytes.
func (s *State) MarshalBinary() ([]byte, error) {
	img := image{V: version, Offset: s.offset, Marks: s.marks, History: s.history, Told: s.told, Forgotten: s.forgotten}
	bySource := func(a, b Source) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Partition, b.Partition))
	}
	for _, source := range slices.SortedFunc(maps.Keys(s.sources), bySource) {
		p := s.sources[source]
		img.Sources = append(img.Sources, sourceImage{source.Name, source.Partition, p.next, p.position})
	}
	var err error
	if img.Total, err = s.total.MarshalBinary(); err != nil {
		return nil, err
	}
	if img.Open, err = s.open.MarshalBinary(); err != nil {
		return nil, err
	}
	if img.Detector, err = s.detector.MarshalBinary(); err != nil {
		return nil, err
	}
	return json.Marshal(&img)
}

// UnmarshalBinary makes s, which must be new, what MarshalBinary wrote. After an error s must not be used.
func (s *State) UnmarshalBinary(data []byte) error {
	var img image
	if err := json.Unmarshal(data, &img); err != nil {
		return fmt.Errorf("state of the log: %w", err)
	}
	if img.V != version {
		return fmt.Errorf("state of the log: version %d: want %d", img.V, version)
	}
	err := errors.Join(s.total.UnmarshalBinary(img.Total), s.open.UnmarshalBinary(img.Open), s.detector.UnmarshalBinary(img.Detector))
	if err != nil {
		return fmt.Errorf("state of the log: %w", err)
	}
	for _, p := range img.Sources {
		at := s.progress(Source{p.Name, p.Partition})
		at.next, at.position = p.Next, p.Position
	}
	s.offset, s.marks, s.history, s.told, s.forgotten = img.Offset, img.Marks, img.History, img.Told, img.Forgotten
	return nil
}

var crcTable = crc64.MakeTable(crc64.ECMA)

// Base returns the records of a base: the state, in parts. It replaces all records before Offset.
func (s *State) Base() ([][]byte, error) { return s.base(partBytes) }

func (s *State) base(partBytes int) ([][]byte, error) {
	state, err := s.MarshalBinary()
	if err != nil {
		return nil, err
	}
	parts := slices.Collect(slices.Chunk(state, partBytes))
	if len(parts) > maxParts {
		return nil, fmt.Errorf("base of %d bytes: want at most %d", len(state), maxParts*partBytes)
	}
	var records [][]byte
	for i, part := range parts {
		record, err := json.Marshal(&wire{
			V: version, Type: typeBase, Offset: s.offset, Part: i, Of: len(parts), State: part, Sum: crc64.Checksum(state, crcTable),
		})
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, nil
}

// Finder finds the newest complete base among records that are given to it in order. The zero value has seen none. Of two
// writers whose parts lie between each other's each has its own base.
type Finder struct {
	open  map[baseKey]map[int][]byte
	state []byte
	off   int64
	found bool
}

// headBytes is where the type of a record stands at the latest.
const headBytes = 32

type baseKey struct {
	off int64
	of  int
	sum uint64
}

// See takes a record.
func (f *Finder) See(record []byte) {
	if !bytes.Contains(record[:min(len(record), headBytes)], []byte(typeBase)) {
		return
	}
	w, err := decode(record)
	if err != nil || w.Type != typeBase || w.Of < 1 || w.Of > maxParts || w.Part < 0 || w.Part >= w.Of || f.found && w.Offset < f.off {
		return
	}
	key := baseKey{w.Offset, w.Of, w.Sum}
	if f.open == nil {
		f.open = map[baseKey]map[int][]byte{}
	}
	if f.open[key] == nil {
		if len(f.open) >= 8 { // bases that never became complete
			oldest := slices.MinFunc(slices.Collect(maps.Keys(f.open)), func(a, b baseKey) int { return cmp.Compare(a.off, b.off) })
			delete(f.open, oldest)
		}
		f.open[key] = map[int][]byte{}
	}
	parts := f.open[key]
	parts[w.Part] = w.State
	if len(parts) < w.Of {
		return
	}
	delete(f.open, key)
	var state []byte
	for i := range w.Of {
		state = append(state, parts[i]...)
	}
	if crc64.Checksum(state, crcTable) == w.Sum {
		f.state, f.off, f.found = state, w.Offset, true
	}
}

// Found returns the newest complete base: the state before the record at offset, and whether there is one.
func (f *Finder) Found() (state []byte, offset int64, ok bool) { return f.state, f.off, f.found }
