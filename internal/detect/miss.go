package detect

import (
	"cmp"
	"slices"
	"time"
)

// Miss is the moment at which a code, or a limit, came nearest to an alert that it did not raise: why nothing was heard.
type Miss struct {
	Alert   string    `json:"alert"`   // that there would have been: spike-<code>, or the name of a limit
	Codes   []int32   `json:"codes"`   // none for a limit on all
	At      time.Time `json:"at"`      // end of the bucket
	Clock   string    `json:"clock"`   // 10s, 1m, 10m, 3m, or the window of a limit: what was counted
	Count   float64   `json:"count"`   // as the detector counts: distinct users in 10 s, and events without one
	Usual   float64   `json:"usual"`   // in that time
	Needed  float64   `json:"needed"`  // the least count that would have fired
	Near    float64   `json:"near"`    // Count to Needed; 1 and more means that only users were missing
	Missing string    `json:"missing"` // which condition failed: count, ratio, surprise, users
}

// The conditions of a Miss.
const (
	MissingCount    = "count"    // min_count above the usual
	MissingRatio    = "ratio"    // half more than the usual
	MissingSurprise = "surprise" // more than chance allows within the budget of false alarms
	MissingUsers    = "users"    // one or two accounts alone were behind it, or a bucket amid minutes that scatter as much
)

// miss is what a series remembers of its nearest miss.
type miss struct {
	near    float64 // how much of the condition that failed was met
	bucket  int64
	clock   int
	y       float64
	usual   float64 // m
	mean, v float64 // that surprise was given
	missing string
}

// closer notes a bucket, of a count y above the mean, in which not all conditions were met, if it is the nearest so far: how
// near is how much of the condition that is furthest from being met. The surprise is only asked for if it can matter.
func (s *series) closer(b int64, clock int, y, usual, mean, v float64, p *params) {
	near, missing := (y-usual)/p.minCount, MissingCount
	if ratio := y / float64(1.5*usual); ratio < near {
		near, missing = ratio, MissingRatio
	}
	// Surprise is less than the square of how many standard deviations y is off, beyond 1.7 of these.
	if off := y - mean; near <= s.miss.near || off*off <= float64(s.miss.near*p.threshold)*(mean+float64(v*mean*mean)) {
		return
	}
	if z := surprise(y, max(mean, 1e-9), v) / p.threshold; z < near {
		near, missing = z, MissingSurprise
	}
	if near > s.miss.near && near < 1 {
		s.miss = miss{near: near, bucket: b, clock: clock, y: y, usual: usual, mean: mean, v: v, missing: missing}
	}
}

// needed returns the least count that would have fired.
func (m *miss) needed(p *params) float64 {
	least := max(m.usual+p.minCount, 1.5*m.usual)
	if float64(int64(least)) < least {
		least = float64(int64(least) + 1)
	}
	enough := func(y float64) bool { return y > m.mean && surprise(y, max(m.mean, 1e-9), m.v) >= p.threshold }
	step := 1.0
	for !enough(least+step) && step < maxCount {
		step *= 2
	}
	if enough(least) {
		return least
	}
	low, high := least, least+step // enough(high), not enough(low)
	for high-low > 1 {
		if mid := float64(int64((low + high) / 2)); enough(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}

// Closest returns for each code and each limit that raised no alert since New how near it came, the nearest first. Codes that
// came nowhere near, with less than half of what was needed, are left out. It is not part of the state.
func (d *Detector) Closest() []Miss {
	var all []Miss
	for _, s := range d.series {
		m, p := s.miss, d.paramsOf(s.code)
		if s.raised || m.near == 0 || p.off {
			continue
		}
		needed := m.y
		if m.missing != MissingUsers {
			needed = m.needed(p)
		}
		one := Miss{
			Alert: alertName(s.code), Codes: []int32{s.code}, At: timeOf(m.bucket + 1), Clock: clockNames[m.clock], Count: m.y,
			Usual: round(m.usual, 1), Needed: needed, Near: round(m.y/needed, 2), Missing: m.missing,
		}
		if one.Near >= 0.5 {
			all = append(all, one)
		}
	}
	for _, l := range d.limits {
		if l.raised || 2*l.most < l.threshold {
			continue
		}
		all = append(all, Miss{
			Alert: l.Name, Codes: l.Codes, At: timeOf(l.mostAt + 1), Clock: l.Window.String(), Count: float64(l.most),
			Needed: float64(l.threshold), Near: round(float64(l.most)/float64(l.threshold), 2), Missing: MissingCount,
		})
	}
	slices.SortStableFunc(all, func(a, b Miss) int { return cmp.Compare(b.Near, a.Near) })
	return all
}
