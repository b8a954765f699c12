package report

import "imerr-scan/pkg/catalog"

// What package screen shares with the summary, so that a text looks the same in both.

// Width is the number of terminal columns of s.
func Width(s string) int { return width(s) }

// Cut shortens s to w terminal columns; an … at its end says that something is missing.
func Cut(s string, w int) string { return cut(s, w) }

// Wrap breaks s into lines of at most w columns, at spaces and between Chinese characters.
func Wrap(s string, w int) []string { return wrap(s, w) }

// Sparkline draws slots in at most w columns, scaled to the highest; · is a column without an event.
func Sparkline(slots []int64, w int) string { return sparkline(slots, w) }

// Bytes writes a number of bytes: 512.4 MiB.
func Bytes(n int64) string { return size(n) }

// Quantity writes a rate: one decimal below ten.
func Quantity(x float64) string { return quantity(x) }

// ShortName is the name of a code without what all names begin with.
func ShortName(name string) string { return shortName(name) }

// SeverityWord is a severity in few letters: CRIT.
func SeverityWord(severity string, lang catalog.Lang) string {
	return (&screen{lang: lang}).severity(severity)
}
