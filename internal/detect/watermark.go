package detect

import (
	"slices"
	"time"
)

const (
	farAhead    = 5 * 60_000 // ms
	newestTimes = 8
	mostOfThem  = 5
	leftBehind  = 5 * 60_000 // ms
	endAfter    = time.Minute
)

// Watermark is the event time up to which one source is believed complete. It follows the times of events but no single
// clock: a time more than 5 min ahead moves it only if most of the newest times are. It is plain data: a copy is a
// snapshot, its JSON a state. The zero value has seen nothing.
type Watermark struct {
	Millis  int64   `json:"millis"`           // Unix milliseconds; 0 until eight times were seen
	Newest  []int64 `json:"newest,omitempty"` // before that the times seen; then, of the last eight, 0 for those not far ahead
	IdleFor int64   `json:"idle_for,omitempty"`
}

// See takes the time of an event, in Unix milliseconds, in the order in which events come.
func (w *Watermark) See(millis int64) {
	if millis <= 0 {
		return
	}
	w.IdleFor = 0
	if w.Millis == 0 {
		if w.Newest = append(w.Newest, millis); len(w.Newest) == newestTimes {
			w.Settle()
		}
		return
	}
	far := millis > w.Millis+farAhead
	if !far {
		w.Millis = max(w.Millis, millis)
		if len(w.Newest) == 0 {
			return // nobody was far ahead lately
		}
	}
	w.remember(millis, far)
}

// remember keeps which of the last eight were far ahead, and believes them if they are most.
func (w *Watermark) remember(millis int64, far bool) {
	if !far {
		millis = 0
	}
	if len(w.Newest) == newestTimes {
		w.Newest = slices.Delete(w.Newest, 0, 1)
	}
	w.Newest = append(w.Newest, millis)
	var ahead []int64
	for _, t := range w.Newest {
		if t > w.Millis+farAhead {
			ahead = append(ahead, t)
		}
	}
	switch {
	case len(ahead) >= mostOfThem:
		w.Millis = lowerMedian(ahead)
		w.Newest = nil
	case len(ahead) == 0:
		w.Newest = nil
	}
}

// Settle begins with the times seen so far, if there are fewer than eight: a source has ended, or paused.
func (w *Watermark) Settle() {
	if w.Millis == 0 && len(w.Newest) > 0 {
		w.Millis = lowerMedian(w.Newest)
		w.Newest = nil
	}
}

// Idle says that a live source was waited on for so long without an event: its time goes on. d is to be measured by a
// steady clock, not as a difference of times of day. For a replay to be the same it must be written down like an event.
func (w *Watermark) Idle(d time.Duration) {
	w.IdleFor = min(w.IdleFor+max(d.Milliseconds(), 0), 1<<50)
	if w.Millis > 0 {
		w.Millis += max(d.Milliseconds(), 0)
	}
}

// lowerMedian returns the middle one of some times, of two the earlier.
func lowerMedian(times []int64) int64 {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[(len(sorted)-1)/2]
}

// Closed returns the time up to which buckets are closed that stay open for lateness: what Feed and Advance ask for.
// It is 0 as long as nothing is.
func Closed(watermark int64, lateness time.Duration) int64 {
	return max(0, (watermark-lateness.Milliseconds())/bucketMillis*bucketMillis)
}

// Late says whether an event of that time comes after its bucket was closed, so that the detector will not see it.
func Late(millis, watermark int64, lateness time.Duration) bool {
	return millis > 0 && millis/bucketMillis*bucketMillis+bucketMillis <= Closed(watermark, lateness)
}

// Watermarks joins those of several sources: the least, without the sources that are at their end for a minute, and
// without those more than 5 min behind the middle one, which come back when they have caught up. It never goes back. It is
// plain data, as Watermark is; the zero value has no source.
type Watermarks struct {
	Millis  int64                 `json:"millis"`
	Sources map[string]*Watermark `json:"sources,omitempty"`
}

// Source returns the watermark of a source, which the caller moves before asking for Time.
func (ws *Watermarks) Source(name string) *Watermark {
	w := ws.Sources[name]
	if w == nil {
		if ws.Sources == nil {
			ws.Sources = map[string]*Watermark{}
		}
		w = &Watermark{}
		ws.Sources[name] = w
	}
	return w
}

// Remove forgets a source that is gone for good.
func (ws *Watermarks) Remove(name string) { delete(ws.Sources, name) }

// Time returns the event time up to which all sources are believed complete, in Unix milliseconds; 0 before any is.
func (ws *Watermarks) Time() int64 {
	times, begun := ws.times()
	if !begun || len(times) == 0 {
		return ws.Millis
	}
	for _, t := range times {
		if t >= middle(times)-leftBehind {
			ws.Millis = max(ws.Millis, t)
			break
		}
	}
	return ws.Millis
}

// times returns those of the sources that count, ascending. begun is false while one has begun and nobody knows where.
func (ws *Watermarks) times() (times []int64, begun bool) {
	var idle []int64
	for _, w := range ws.Sources {
		switch {
		case w.Millis == 0 && w.IdleFor < endAfter.Milliseconds():
			return nil, false
		case w.Millis == 0:
		case w.IdleFor >= endAfter.Milliseconds():
			idle = append(idle, w.Millis)
		default:
			times = append(times, w.Millis)
		}
	}
	if len(times) == 0 {
		times = idle // all are at their end, and time goes on
	}
	slices.Sort(times)
	return times, true
}

// middle returns the middle one of ascending times, of two the later: one source ahead of many does not make these late.
func middle(times []int64) int64 { return times[len(times)/2] }

// Behind returns the names of the sources that are left out because they are too far behind, ascending: their events are late.
func (ws *Watermarks) Behind() []string {
	times, _ := ws.times()
	if len(times) == 0 {
		return nil
	}
	var names []string
	for name, w := range ws.Sources {
		if w.Millis > 0 && w.IdleFor < endAfter.Milliseconds() && w.Millis < middle(times)-leftBehind {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
