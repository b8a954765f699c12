package detect

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// maxBucket is a bucket after all that can be: about the year 8600.
const maxBucket = 1 << 44 / bucketMillis * 12

// writer appends values to buf.
type writer struct{ buf []byte }

func (w *writer) uint(n uint64)   { w.buf = binary.AppendUvarint(w.buf, n) }
func (w *writer) int(n int64)     { w.buf = binary.AppendVarint(w.buf, n) }
func (w *writer) hash(h uint64)   { w.buf = binary.LittleEndian.AppendUint64(w.buf, h) }
func (w *writer) device(d uint32) { w.buf = binary.LittleEndian.AppendUint32(w.buf, d) }
func (w *writer) float(x float64) { w.hash(math.Float64bits(x)) }

func (w *writer) bool(b bool) {
	if b {
		w.buf = append(w.buf, 1)
	} else {
		w.buf = append(w.buf, 0)
	}
}

func (w *writer) text(s string) {
	w.uint(uint64(len(s)))
	w.buf = append(w.buf, s...)
}

// reader takes values off buf. Once something is wrong it is bad, and everything it returns is zero.
type reader struct {
	buf []byte
	bad bool
}

func (r *reader) check(ok bool) { r.bad = r.bad || !ok }

func (r *reader) bytes(n int) []byte {
	if r.bad || n > len(r.buf) {
		r.bad = true
		return nil
	}
	b := r.buf[:n]
	r.buf = r.buf[n:]
	return b
}

func (r *reader) hash() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) device() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) float() float64 {
	x := math.Float64frombits(r.hash())
	if math.IsNaN(x) || math.Abs(x) > 1e100 {
		r.bad = true
		return 0
	}
	return x
}

func (r *reader) bool() bool {
	b := r.bytes(1)
	if b == nil {
		return false
	}
	r.check(b[0] <= 1)
	return b[0] == 1
}

// uint returns a number of at most limit.
func (r *reader) uint(limit uint64) uint64 {
	n, size := binary.Uvarint(r.buf)
	if r.bad || size <= 0 || n > limit {
		r.bad = true
		return 0
	}
	r.buf = r.buf[size:]
	return n
}

// signed returns a number in [least, most].
func (r *reader) signed(least, most int64) int64 {
	n, size := binary.Varint(r.buf)
	if r.bad || size <= 0 || n < least || n > most {
		r.bad = true
		return 0
	}
	r.buf = r.buf[size:]
	return n
}

func (r *reader) int(most int64) int64 { return r.signed(0, most) }
func (r *reader) bucket() int64        { return r.int(maxBucket) }

// length returns the length of a list; each of its elements takes at least a byte.
func (r *reader) length(most int) int { return int(r.uint(uint64(min(most, len(r.buf))))) }

func (r *reader) text(most int) string {
	s := string(r.bytes(r.length(most)))
	r.check(utf8.ValidString(s))
	return s
}
