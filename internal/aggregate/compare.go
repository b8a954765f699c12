package aggregate

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"
)

// ChangeKind says what became of a code since an earlier result.
type ChangeKind string

// In the order in which changes are listed.
const (
	ChangeNew  ChangeKind = "new"  // did not occur before
	ChangeUp   ChangeKind = "up"   // more by half at least, and more than chance explains
	ChangeDown ChangeKind = "down" // less, likewise
	ChangeGone ChangeKind = "gone" // does not occur any more
)

var changeKinds = []ChangeKind{ChangeNew, ChangeUp, ChangeDown, ChangeGone}

// Change is what became of one code, or of one value that is in no catalog, since an earlier result.
type Change struct {
	Kind     ChangeKind `json:"kind"`
	Code     string     `json:"code"` // the number, or the value as written
	Name     string     `json:"name"`
	Category string     `json:"category"`
	Before   int64      `json:"before"`
	After    int64      `json:"after"`
	// Ratio of the counts, or of the counts per hour if Rated; 0 for what is new or gone.
	Ratio float64 `json:"ratio"`
	Rated bool    `json:"rated"`
}

// Compare tells what changed from before to after, each kind with the greatest counts first. If both have a span of an hour
// or more, counts per hour are compared, so that six hours can be held against a day; else counts, and the two have to be
// of like inputs.
//
// Chance is that of counts of independent events: a difference counts from four standard deviations, since dozens of codes
// are compared and their events are not quite independent. Values in no catalog are compared one by one; one that a result
// does not list is new or gone only if the result lists all that it has.
func Compare(before, after *Result) []Change {
	scale, rated := spanRatio(before, after)
	old, now := changeable(before), changeable(after)
	hiddenBefore, hiddenAfter := before.hidesValues(), after.hidesValues()
	changes := []Change{}
	add := func(c Change) {
		if c.judge(scale) {
			c.Rated = rated
			changes = append(changes, c)
		}
	}
	for code, c := range now {
		was, listed := old[code]
		if listed || !hiddenBefore || c.Category != categoryUnknown {
			c.Before = was.After
			add(c)
		}
	}
	for code, c := range old {
		if _, listed := now[code]; !listed && (!hiddenAfter || c.Category != categoryUnknown) {
			c.Before, c.After = c.After, 0
			add(c)
		}
	}
	slices.SortFunc(changes, func(a, b Change) int {
		return cmp.Or(
			cmp.Compare(slices.Index(changeKinds, a.Kind), slices.Index(changeKinds, b.Kind)),
			cmp.Compare(max(b.After, b.Before), max(a.After, a.Before)),
			cmp.Compare(a.Code, b.Code),
		)
	})
	return changes
}

// spanRatio is the length of after's span in that of before, 1 if one of them is too short to tell.
func spanRatio(before, after *Result) (ratio float64, rated bool) {
	b, a := before.Span.length(), after.Span.length()
	if b < time.Hour || a < time.Hour {
		return 1, false
	}
	return float64(a) / float64(b), true
}

func (s Span) length() time.Duration {
	if s.First == nil || s.Last == nil {
		return 0
	}
	return s.Last.Sub(*s.First)
}

const categoryUnknown = "unknown"

// changeable is what occurred in r by code or value, each as a Change with only After.
func changeable(r *Result) map[string]Change {
	counts := map[string]Change{}
	for _, c := range r.Codes {
		if c.Count > 0 {
			code := strconv.Itoa(int(c.Code))
			counts[code] = Change{Code: code, Name: c.Name, Category: c.Category, After: c.Count}
		}
	}
	for _, v := range r.Unknown.Values {
		if _, known := counts[v.Value]; !known && v.Count > 0 {
			counts[v.Value] = Change{Code: v.Value, Category: categoryUnknown, After: v.Count}
		}
	}
	return counts
}

// hidesValues says whether r had more values in no catalog than it lists.
func (r *Result) hidesValues() bool {
	rest := r.Unknown.Count
	for _, v := range r.Unknown.Values {
		rest -= v.Count
	}
	return rest > 0
}

const (
	clearRatio  = 1.5
	clearSpread = 4 // standard deviations
)

// judge sets Kind and Ratio by the counts, and returns whether they differ. scale is the length of after's span in that of
// before.
func (c *Change) judge(scale float64) bool {
	switch {
	case c.Before == 0:
		c.Kind = ChangeNew
		return true
	case c.After == 0:
		c.Kind = ChangeGone
		return true
	}
	expected := float64(c.Before) * scale
	difference := float64(c.After) - expected
	spread := math.Sqrt(float64(c.After) + expected*scale) // of the difference of After and scale times Before
	c.Ratio = float64(c.After) / expected
	switch clear := math.Abs(difference) >= clearSpread*spread; {
	case clear && c.Ratio >= clearRatio:
		c.Kind = ChangeUp
	case clear && c.Ratio <= 1/clearRatio:
		c.Kind = ChangeDown
	default:
		return false
	}
	return true
}
