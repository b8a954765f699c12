package needle

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// The search in Go, for CPUs without the kernel and where too few bytes are left for it. It looks for yp, the rare pair of the
// key's letters, and in escapes for \...7 (\u0079, \u0070), eight positions at a time in one register and 64 at a branch. That
// beats bytes.IndexByte('y') by 1.3 to 2 times, whose calls cost more than their bytes, and depends less on which letters are
// frequent. Escapes cost half the speed, so they are only looked for behind a backslash, which bytes.IndexByte finds ten times
// faster than we read.
const (
	step       = 64   // positions judged at once
	reach      = 8    // bytes behind the last position that its judgement may load
	minStretch = 256  // bytes searched for a backslash, or behind one for escapes, at first: the next hit may be near
	maxStretch = 4096 // and in the end

	ones = 0x0101010101010101
	high = 0x80 * ones
)

// next is Next in Go. No hit but one that begins before from stands before at.
func next(b []byte, start, from int) int {
	for stretch := minStretch; from < len(b); stretch = min(2*stretch, maxStretch) {
		end := min(from+stretch, len(b))
		if k := bytes.IndexByte(b[from:end], '\\'); k >= 0 {
			end = from + k
		}
		if hit := nextPlain(b, from, end); hit >= 0 {
			return hit
		}
		if from = end; from < len(b) && b[from] == '\\' {
			end = min(from+stretch, len(b))
			if hit := nextEscaped(b, start, from, end); hit >= 0 {
				return hit
			}
			from = end
		}
	}
	return -1
}

// nextPlain returns the first hit whose y stands in b[i:end], where no backslash is, or -1.
func nextPlain(b []byte, i, end int) int {
	for ; i < end && i+step+reach <= len(b); i += step {
		s := (*[step + reach]byte)(b[i:])
		m := pair(s[0:])>>7 | pair(s[8:])>>6 | pair(s[16:])>>5 | pair(s[24:])>>4 |
			pair(s[32:])>>3 | pair(s[40:])>>2 | pair(s[48:])>>1 | pair(s[56:])
		for ; m != 0; m &= m - 1 {
			at := i + position(m)
			if noise(b, at) || b[at] != 'y' || !judge(b, at, at+1) {
				continue
			}
			return within(firstPlain(b, i, at), end)
		}
	}
	hit := firstPlain(b, i, end)
	if hit == end {
		return -1
	}
	return hit
}

// firstPlain returns the first hit in b[i:end], one y after the other, or end.
func firstPlain(b []byte, i, end int) int {
	for ; i < end; i++ {
		n := bytes.IndexByte(b[i:end], 'y')
		if n < 0 {
			break
		}
		if i += n; judge(b, i, i+1) {
			return i
		}
	}
	return end
}

// nextEscaped returns the first hit ≥ start of which the y, or the escape of the p, stands in b[i:end], or -1.
func nextEscaped(b []byte, start, i, end int) int {
	for ; i < end && i+step+reach <= len(b); i += step {
		s := (*[step + reach]byte)(b[i:])
		m := (pair(s[0:])|escape(s[0:]))>>7 | (pair(s[8:])|escape(s[8:]))>>6 |
			(pair(s[16:])|escape(s[16:]))>>5 | (pair(s[24:])|escape(s[24:]))>>4 |
			(pair(s[32:])|escape(s[32:]))>>3 | (pair(s[40:])|escape(s[40:]))>>2 |
			(pair(s[48:])|escape(s[48:]))>>1 | (pair(s[56:]) | escape(s[56:]))
		for ; m != 0; m &= m - 1 {
			at := i + position(m)
			if noise(b, at) || judgeEscaped(b, at) < start {
				continue
			}
			return within(firstEscaped(b, start, i, at+1), end)
		}
	}
	return firstEscaped(b, start, i, end)
}

// firstEscaped returns the first hit ≥ start in b[i:end], byte by byte, or -1.
func firstEscaped(b []byte, start, i, end int) int {
	for ; i < end; i++ {
		if hit := judgeEscaped(b, i); hit >= start {
			return hit
		}
	}
	return -1
}

// within returns at, or -1 if the search was to end before: what lies behind is found again by the next one.
func within(at, end int) int {
	if at < end {
		return at
	}
	return -1
}

// position returns where the lowest mark of m stands. m holds eight words of eight positions: bit k of byte j is position
// 8k+j, so the marks do not come in order.
func position(m uint64) int {
	n := bits.TrailingZeros64(m)
	return n&7<<3 | n>>3
}

// pair marks, by the high bit of a byte, the positions in s[:8] at which yp stands. A byte above a mark may be marked too.
func pair(s []byte) uint64 {
	v := (binary.LittleEndian.Uint64(s) ^ 'y'*ones) | (binary.LittleEndian.Uint64(s[1:]) ^ 'p'*ones)
	return (v - ones) &^ v & high
}

// escape does the same for a \ with a 7 four bytes behind it.
func escape(s []byte) uint64 {
	v := (binary.LittleEndian.Uint64(s) ^ '\\'*ones) | (binary.LittleEndian.Uint64(s[4:]) ^ '7'*ones)
	return (v - ones) &^ v & high
}
