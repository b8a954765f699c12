package detect

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"
	"time"

	"imerr-scan/internal/aggregate"
)

// FuzzState: whatever the bytes are, they are refused or make a detector that works, and writes what it read. The checksum
// is mended, so that the fuzzer gets behind it.
func FuzzState(f *testing.F) {
	opt := Options{Limits: []Limit{{Name: "flood", Window: time.Minute, Events: 5}, {Name: "users", Window: time.Minute, Users: 5}}}
	seed := New(opt)
	f.Add(mustState(seed))
	for b := int64(1000); b < 1500; b++ {
		in := Bucket{Start: b * bucketMillis, Lines: 10}
		for _, code := range []int32{206, 217, 300} {
			c := Cell{Code: code, Cell: aggregate.Cell{Events: 3, Users: 2, Anonymous: 1, Hashes: []uint64{uint64(b), uint64(b) << 8}}}
			if b > 1400 {
				for i := range uint64(30) {
					c.Hashes = append(c.Hashes, uint64(b)<<9+i)
				}
				c.Users = 32
			}
			for range c.Hashes {
				c.Kicks = append(c.Kicks, aggregate.Kick{Devices: []uint32{uint32(b)}})
			}
			c.Values = []Value{{Field: Version, Text: "5.3.0", N: 2}, {Field: Reason, Text: "kicked", N: 2}}
			in.Cells = append(in.Cells, c)
		}
		seed.Step(in)
		if b%250 == 0 {
			f.Add(mustState(seed))
		}
	}
	f.Add(mustState(seed))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4 {
			data = bytes.Clone(data)
			binary.LittleEndian.PutUint32(data[len(data)-4:], crc32.ChecksumIEEE(data[:len(data)-4]))
		}
		d := New(opt)
		if d.UnmarshalBinary(data) != nil {
			return
		}
		if again := New(opt); again.UnmarshalBinary(mustState(d)) != nil {
			t.Fatal("writes what it does not read")
		} else if !bytes.Equal(mustState(again), mustState(d)) {
			t.Fatal("writes it otherwise")
		}
		for i := range int64(100) {
			in := Bucket{Start: (d.next + i%3) * bucketMillis, Lines: i % 5}
			if i%7 < 5 {
				in.Cells = []Cell{{Code: 206, Cell: aggregate.Cell{Events: i, Users: i % 4, Anonymous: i % 50, Hashes: []uint64{uint64(i)}}}}
			}
			d.Step(in)
		}
		mustState(d)
	})
}

func mustState(d *Detector) []byte {
	state, err := d.MarshalBinary()
	if err != nil {
		panic(err)
	}
	return state
}

// TestFeedSpreads: what a wide cell has is spread evenly over its buckets and nothing is lost.
func TestFeedSpreads(t *testing.T) {
	for _, width := range []int64{1, 6, 12} {
		for _, n := range []int64{0, 1, 5, 6, 7, 1000003} {
			cells := []aggregate.Cell{
				{Start: 120_000, Events: n, Users: n, Anonymous: 2 * n, Hashes: []uint64{1, 2}},
				{Start: 120_000 + width*bucketMillis, Events: 1},
			}
			fd := newFeed(206, func(yield func(aggregate.Cell) bool) {
				for _, c := range cells {
					if !yield(c) {
						return
					}
				}
			}, width)
			var sum aggregate.Cell
			hashes := 0
			for i := range width {
				if got := fd.next(); got != 12+i {
					t.Fatalf("next %d, want %d", got, 12+i)
				}
				c := fd.take(width)
				sum.Events, sum.Users, sum.Anonymous = sum.Events+c.Events, sum.Users+c.Users, sum.Anonymous+c.Anonymous
				hashes += len(c.Hashes)
				if c.Events < n/width || c.Events > n/width+1 {
					t.Errorf("width %d: part %d of %d is %d", width, i, n, c.Events)
				}
			}
			if sum.Events != n || sum.Users != n || sum.Anonymous != 2*n || hashes != 2 || fd.next() != 12+width {
				t.Errorf("width %d, n %d: %+v", width, n, sum)
			}
			fd.stop()
		}
	}
}
