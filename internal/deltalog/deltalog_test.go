package deltalog

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
)

// A program that reads a log which a later one writes too must know what it cannot read by the version of the record alone. So
// that grows with each form of what records hold.
func TestVersionGrowsWithWhatRecordsHold(t *testing.T) {
	tally, err := aggregate.New(aggregate.Options{}).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	detector, err := detect.New(detect.Options{}).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	holds := [3]int{version, int(tally[0]), int(bytes.TrimPrefix(detector, []byte("imdet"))[0])}
	if want := [3]int{1, 2, 1}; holds != want {
		t.Errorf("versions of records, tallies, detectors: %v, want %v, or a greater one of records and a new line here", holds, want)
	}
}

// Records of a later program are ignored by their version alone, whatever else they hold; and nothing waits for them.
func TestRecordsOfALaterProgramAreIgnored(t *testing.T) {
	s := newModelState()
	src := Source{"client-logs", 3}
	apply := func(record string, kind Kind, newer bool) {
		t.Helper()
		if v := s.Apply(s.Offset(), []byte(record)); v.Kind != kind || v.Newer != newer {
			t.Errorf("%s: %v, newer %t (%v); want %v, newer %t", record, v.Kind, v.Newer, v.Err, kind, newer)
		}
	}
	apply(`{"v":2,"t":"delta","src":"client-logs","p":3,"from":-1,"to":7,"c":"Aw=="}`, Ignored, true)
	apply(`{"v":2,"t":"base","off":0,"of":1,"state":"","sum":"0"}`, Ignored, true)
	apply(`{"v":1,"t":"wish","src":"client-logs","p":3,"from":-1,"to":7}`, Ignored, true)
	apply(`{"v":1,"t":"delta","src":"client-logs","p":3,"from":-1,"to":7,"c":"Aw=="}`, Broken, false)
	if next := s.Next(src); next != NeverSeen {
		t.Errorf("next is %d", next)
	}
	apply(`{"v":1,"t":"skip","src":"client-logs","p":3,"from":-1,"to":7,"why":"start"}`, Skipped, false)
	if next := s.Next(src); next != 7 {
		t.Errorf("next is %d, want 7", next)
	}
	var f Finder
	base, err := s.Base()
	if err != nil {
		t.Fatal(err)
	}
	f.See(base[0])
	f.See([]byte(strings.Replace(string(base[0]), `"v":1`, `"v":2`, 1)))
	if _, off, ok := f.Found(); !ok || off != s.Offset() {
		t.Errorf("found %t a base at %d, want that of version 1", ok, off)
	}
}

// A base that is damaged, or mixed of the parts of two, is none.
func TestADamagedBaseIsNotFound(t *testing.T) {
	s, src := newBusyState(4, 12)
	for i := range 100 {
		s.Apply(s.Offset(), src.delta(i))
	}
	parts, err := s.base(1000)
	if err != nil || len(parts) < 3 {
		t.Fatalf("%d parts, %v", len(parts), err)
	}
	found := func(parts [][]byte) bool {
		var f Finder
		for _, part := range parts {
			f.See(part)
		}
		_, _, ok := f.Found()
		return ok
	}
	damaged := slices.Clone(parts)
	w := must(decode(parts[1]))
	w.State[len(w.State)/2] ^= 1
	damaged[1] = must(json.Marshal(&w))
	if !found(parts) || found(damaged) || found(parts[1:]) {
		t.Errorf("found: %v, with a bit of a part changed %v, without the first part %v; want the whole one alone", found(parts), found(damaged), found(parts[1:]))
	}
}
