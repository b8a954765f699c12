package aggregate

import (
	"cmp"
	"slices"
)

// ChangeKind says how a code's count differs from that of an earlier result.
type ChangeKind string

// In the order in which changes are listed.
const (
	ChangeNew  ChangeKind = "new"  // did not occur before
	ChangeUp   ChangeKind = "up"   // more than chance explains, and by a quarter at least
	ChangeDown ChangeKind = "down" // less, likewise
	ChangeGone ChangeKind = "gone" // does not occur any more
)

var changeKinds = []ChangeKind{ChangeNew, ChangeUp, ChangeDown, ChangeGone}

// Change is a code whose count differs from that of an earlier result.
type Change struct {
	Kind    ChangeKind `json:"kind"`
	Code    int32      `json:"code"`
	Unknown bool       `json:"unknown,omitempty"` // all values that are in no catalog; Code is 0
	Name    string     `json:"name"`
	Old     int64      `json:"old"`
	New     int64      `json:"new"`
}

// Compare returns what differs between two results: new codes first, then those that went up, down, and away, each kind
// with the greatest difference first. Counts are compared as they are, so the two have to be of like inputs: a day with a
// day, a host with a host. Lines or hours would be no better measure, as inputs that hold only errors show.
//
// Chance is that of counts of independent events: a difference counts from three standard deviations.
func Compare(old, new *Result) []Change {
	changes := []Change{}
	add := func(c Change) {
		if c.Kind = kindOf(c.Old, c.New); c.Kind != "" {
			changes = append(changes, c)
		}
	}
	before := make(map[int32]CodeResult, len(old.Codes))
	for _, c := range old.Codes {
		before[c.Code] = c
	}
	for _, c := range new.Codes {
		add(Change{Code: c.Code, Name: c.Name, Old: before[c.Code].Count, New: c.Count})
		delete(before, c.Code)
	}
	for _, c := range old.Codes {
		if _, gone := before[c.Code]; gone {
			add(Change{Code: c.Code, Name: c.Name, Old: c.Count})
		}
	}
	add(Change{Unknown: true, Old: old.Unknown.Count, New: new.Unknown.Count})
	slices.SortStableFunc(changes, func(a, b Change) int {
		return cmp.Or(
			cmp.Compare(slices.Index(changeKinds, a.Kind), slices.Index(changeKinds, b.Kind)),
			cmp.Compare(max(b.New-b.Old, b.Old-b.New), max(a.New-a.Old, a.Old-a.New)),
			cmp.Compare(a.Code, b.Code),
		)
	})
	return changes
}

// kindOf returns "" if the counts are much the same.
func kindOf(old, new int64) ChangeKind {
	switch {
	case old == new:
		return ""
	case old == 0:
		return ChangeNew
	case new == 0:
		return ChangeGone
	}
	o, n := float64(old), float64(new)
	switch clear := (n-o)*(n-o) > 9*(n+o); {
	case clear && n >= 1.25*o:
		return ChangeUp
	case clear && o >= 1.25*n:
		return ChangeDown
	}
	return ""
}
