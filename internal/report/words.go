package report

import (
	"imerr-scan/internal/detect"
	"imerr-scan/pkg/catalog"
)

// AlertWords is what is said of an alert in one language, the same on a screen and on a page. The texts are clean, but not
// escaped for any format.
type AlertWords struct {
	Name    string // kick storm 206/217
	Level   string // CRIT
	Numbers string // how much, beside what is usual
	Why     string // its kind and what changed; may be empty
}

// DescribeAlert says what a is, how much and why. cat names its codes and may be nil.
func DescribeAlert(a *detect.Alert, cat *catalog.Catalog, lang catalog.Lang) AlertWords {
	s := &screen{cat: cat, lang: lang}
	return AlertWords{Name: s.alertName(a), Level: s.severity(a.Severity), Numbers: s.alertNumbers(a), Why: s.alertWhy(a)}
}

// PeakMark says in a few characters how the busiest part of slots compares with the usual: ▲87×, ▲new, ▲burst, or nothing
// if there is nothing to say. slots are those of aggregate.CodeResult.Timeline.
func PeakMark(slots []int64, lang catalog.Lang) string { return findPeak(slots).mark(lang) }

// Grouped writes a count with commas: 1,284,310.
func Grouped(n int64) string { return grouped(n) }
