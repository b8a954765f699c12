package aggregate

import "slices"

// kickTimes is when a user was kicked, well enough to find a loop of minutes among the kicks of weeks. Times are put into
// slots of the epoch: a minute wide, doubled for all of the user's slots as soon as there would be more than maxKickSlots.
// That depends on the set of the times alone, so neither their order nor how they came in parts matters. A loop of minutes
// is lost only if there were kicks at some forty other times. The zero value is empty.
// It is not copied.
type kickTimes struct {
	level uint8     // a slot is 2^level minutes wide
	slots []stretch // ascending; one for each slot with kicks; in room as long as they fit
	room  [1]stretch
}

// stretch is kicks from the first to the last of some time.
type stretch struct {
	span span
	n    int64
}

const (
	maxKickSlots   = 41 // and one on the way: 1 KiB
	kickSlotMillis = 60_000
	maxKickLevel   = 24 // 32 years: there are no more than 22 of them
)

// slotOf numbers the slots from the epoch.
func (k *kickTimes) slotOf(millis int64) int64 { return millis / kickSlotMillis >> k.level }

// add adds kicks that lie in one slot.
func (k *kickTimes) add(from stretch) {
	slot := k.slotOf(from.span.first)
	i := len(k.slots) // most kicks are the latest
	for i > 0 && k.slotOf(k.slots[i-1].span.first) > slot {
		i--
	}
	if i > 0 && k.slotOf(k.slots[i-1].span.first) == slot {
		k.slots[i-1].add(from)
		return
	}
	if k.slots == nil {
		k.slots = k.room[:0]
	}
	k.slots = slices.Insert(k.slots, i, from)
	for len(k.slots) > maxKickSlots {
		k.widen(k.level + 1)
	}
}

func (s *stretch) add(o stretch) {
	s.span.add(o.span.first, o.span.last)
	s.n = sum(s.n, o.n)
}

// widen makes the slots as wide as level says.
func (k *kickTimes) widen(level uint8) {
	k.level = level
	kept := k.slots[:0]
	for _, s := range k.slots {
		if n := len(kept); n > 0 && k.slotOf(kept[n-1].span.first) == k.slotOf(s.span.first) {
			kept[n-1].add(s)
			continue
		}
		kept = append(kept, s)
	}
	k.slots = kept
}

// merge adds o, which stays as it is.
func (k *kickTimes) merge(o *kickTimes) {
	if o.level > k.level {
		k.widen(o.level)
	}
	for _, s := range o.slots {
		k.add(s)
	}
}

// maxPauseMillis is how far two slots' kicks may be apart in one loop: an app that is kicked may wait for a minute or two.
const maxPauseMillis = 120_000

// loop returns the kicks of the longest stretch without a pause, by their number; of equal ones the first.
func (k *kickTimes) loop() stretch {
	var best, now stretch
	for _, s := range k.slots {
		if now.n > 0 && s.span.first-now.span.last > maxPauseMillis {
			now = stretch{}
		}
		if now.add(s); now.n > best.n {
			best = now
		}
	}
	return best
}

// whole returns all kicks as one stretch.
func (k *kickTimes) whole() stretch {
	var all stretch
	for _, s := range k.slots {
		all.add(s)
	}
	return all
}

// gapSeconds is the mean time between two kicks, to a tenth; 0 if there were not two.
func (s stretch) gapSeconds() float64 {
	if s.n < 2 {
		return 0
	}
	gap := float64(s.span.last-s.span.first) / float64(s.n-1) / 100
	return float64(int64(gap+0.5)) / 10
}
