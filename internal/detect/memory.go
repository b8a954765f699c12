package detect

import (
	"math"
	"math/bits"
)

const (
	slotBuckets = 60  // a slot of the day memory is 10 min
	daySlots    = 144 // slots of a day
	memoryDays  = 14
	memorySlots = memoryDays * daySlots
)

// count16 is a count rounded up to 11 significant bits, below 2^43, in two bytes: 5 bits of exponent and 11 of mantissa.
// Counts below 2,048 are exact, others at most 0.1 % too great, which is little beside the 2·√c that a promise allows.
type count16 uint16

// unseen marks a slot of which less than half was seen.
const unseen count16 = math.MaxUint16

func pack(n int64) count16 {
	shift := max(bits.Len64(uint64(n))-11, 0)
	mantissa := (n + 1<<shift - 1) >> shift
	if mantissa == 1<<11 {
		mantissa >>= 1
		shift++
	}
	if shift > 30 {
		return unseen - 1
	}
	return count16(shift<<11 | int(mantissa))
}

func (c count16) count() int64 { return int64(c&(1<<11-1)) << (c >> 11) }

// dayMemory keeps, for each slot of the last 14 days, the largest count of each clock in it. Storms are in it as well: what
// happened at this time on most days is usual at this time.
type dayMemory [memorySlots][clocks]count16

// position returns where the slot that begins at bucket b is kept.
func position(b int64) int64 { return (b/slotBuckets%memorySlots + memorySlots) % memorySlots }

// promise returns what the clock may show in the slot that begins at bucket b, by what it showed at this time of earlier
// days: the third largest of the days, or with fewer days the smallest, less what chance may add. known says whether there
// was such a day.
func (m *dayMemory) promise(b int64, clock int) (promise float64, known bool) {
	var largest [3]int64 // descending
	days := 0
	for day := int64(1); day <= memoryDays; day++ {
		from, to := int64(-1), int64(1)
		if day == memoryDays {
			from = 0 // the slot before is that of today by now
		}
		best := int64(-1)
		for near := from; near <= to; near++ {
			at := (b/slotBuckets + near - day*daySlots) % memorySlots
			if at < 0 {
				at += memorySlots
			}
			if c := m[at][clock]; c != unseen {
				best = max(best, c.count())
			}
		}
		if best < 0 {
			continue
		}
		days++
		for i := range largest {
			if best > largest[i] || days == i+1 {
				largest[i], best = best, largest[i]
			}
		}
	}
	if days == 0 {
		return 0, false
	}
	c := float64(largest[min(days, 3)-1])
	if c <= 4 {
		return 0, true
	}
	return c - float64(2*math.Sqrt(c)), true
}
