package detect

import "slices"

// limit is a plain threshold and where it stands.
type limit struct {
	Limit
	window    int64 // buckets
	threshold int64

	counts []counted  // buckets of the window that are not empty, ascending
	sum    int64      // of them
	users  []sighting // the threshold users seen last, ascending by bucket, then user; only if Users is set

	firing   bool
	onset    int64
	since    int64
	hot      int64
	quiet    int64
	peak     int64 // events of a minute
	recorded int64
	told     int64
	ev       evidence

	most, mostAt int64 // value that came nearest, and its bucket; not part of the state, as raised
	raised       bool
}

// counted is how many events bucket b had.
type counted struct{ b, n int64 }

func newLimit(l Limit) *limit {
	l.Severity = or(l.Severity, "warning")
	return &limit{Limit: l, window: int64(l.Window / bucket), threshold: max(l.Events, l.Users)}
}

// idle says whether nothing happens to l before the next event.
func (l *limit) idle() bool { return !l.firing && len(l.counts) == 0 }

func (l *limit) covers(code int32) bool { return len(l.Codes) == 0 || slices.Contains(l.Codes, code) }

// value returns how many events or users the window has.
func (l *limit) value() int64 {
	if l.Users > 0 {
		return int64(len(l.users))
	}
	return l.sum
}

func (d *Detector) stepLimit(l *limit, b int64, cells []Cell) {
	if l.idle() && len(cells) == 0 {
		return
	}
	woke := l.idle()
	var now evidence
	for i := range cells {
		if c := &cells[i]; l.covers(c.Code) {
			now.add(c.past(), 0)
			now.seeAll(b, c)
			now.changes.add(c.Values)
		}
	}
	l.slide(b, now.events)
	if l.Users > 0 {
		l.slideUsers(b, cells)
	}
	over := l.value() >= l.threshold
	if l.value() > l.most {
		l.most, l.mostAt = l.value(), b
	}
	switch {
	case l.firing:
		l.ev.merge(&now)
	case over:
		d.openLimit(l, b)
	}
	if woke && !l.idle() {
		d.awake++
	}
	if l.firing {
		d.tendLimit(l, b, over)
	}
}

// slide moves the window to end with bucket b, which has n events.
func (l *limit) slide(b, n int64) {
	first := 0
	for first < len(l.counts) && l.counts[first].b <= b-l.window {
		l.sum -= l.counts[first].n
		first++
	}
	l.counts = slices.Delete(l.counts, 0, first)
	if n > 0 {
		l.counts = append(l.counts, counted{b, n})
		l.sum += n
	}
}

// slideUsers keeps the users seen last; as many as the threshold asks for are enough to know whether it is reached.
func (l *limit) slideUsers(b int64, cells []Cell) {
	var fresh []uint64
	for i := range cells {
		if l.covers(cells[i].Code) {
			fresh = append(fresh, cells[i].Hashes...)
		}
	}
	slices.Sort(fresh)
	fresh = slices.Compact(fresh)
	l.users = slices.DeleteFunc(l.users, func(s sighting) bool {
		_, again := slices.BinarySearch(fresh, s.user)
		return again || s.bucket <= b-l.window
	})
	for _, user := range fresh {
		l.users = append(l.users, sighting{bucket: b, user: user})
	}
	l.users = slices.Delete(l.users, 0, max(0, len(l.users)-int(l.threshold)))
}

// openLimit begins an alert, with what is still known of the window.
func (d *Detector) openLimit(l *limit, b int64) {
	l.raised = true
	l.firing, l.since, l.hot, l.quiet, l.peak, l.recorded = true, b, b, 0, 0, 0
	l.onset = l.counts[0].b
	l.ev = evidence{events: l.sum}
	for _, s := range d.series {
		if l.covers(s.code) {
			s.recent.since(l.onset, func(x sighting) { l.ev.see(x, false) })
		}
	}
	for _, x := range l.users {
		l.ev.users.add(x.user)
	}
}

// tendLimit writes the records of a limit that is firing.
func (d *Detector) tendLimit(l *limit, b int64, over bool) {
	l.quiet++
	if over {
		l.quiet, l.hot = 0, b
	}
	l.peak = max(l.peak, l.lastMinute(b))
	switch {
	case b == l.since:
		d.recordLimit(l, Firing, b)
	case l.quiet >= buckets(d.opt.ResolveAfter):
		d.recordLimit(l, Resolved, b)
		l.firing, l.ev = false, evidence{}
	case b-l.recorded >= updateEvery && l.ev.events != l.told:
		d.recordLimit(l, Update, b)
	}
}

func (l *limit) lastMinute(b int64) int64 {
	n := int64(0)
	for i := len(l.counts) - 1; i >= 0 && l.counts[i].b > b-minuteBuckets; i-- {
		n += l.counts[i].n
	}
	return n
}

func (d *Detector) recordLimit(l *limit, state string, b int64) {
	l.recorded, l.told = b, l.ev.events
	category := "unknown"
	if len(l.Codes) > 0 {
		category, _ = d.weigh(l.Codes)
	}
	a := Alert{
		Alert: l.Name, Codes: slices.Sorted(slices.Values(l.Codes)), State: state, Severity: l.Severity, Category: category,
		At: timeOf(b + 1), StartsAt: timeOf(l.onset), FiredAt: timeOf(l.since + 1),
		Count: l.ev.events, Users: min(l.ev.users.count(), l.ev.events), Rate: float64(l.lastMinute(b)), Peak: float64(l.peak),
		Threshold: float64(l.threshold), Window: l.Window.String(),
		Why: []Change{}, TopUsers: d.topUsers(&l.ev), Advice: d.advice("", l.Codes),
	}
	if a.Codes == nil {
		a.Codes = []int32{}
	}
	if state == Resolved {
		end := timeOf(l.hot + 1)
		a.EndsAt, a.Reason = &end, "quiet"
		a.Rate = round(float64(l.ev.events)/(float64(l.hot-l.onset+1)/minuteBuckets), 1)
	}
	d.out = append(d.out, a)
}
