package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"imerr-scan/internal/aggregate"
)

// plain writes the form for a pipe: one row a code, columns that never move, and comments that begin with #. It is for
// awk and grep, so its words are English and no cell holds a space.
func (s *screen) plain() {
	t := table{
		head:  []string{"code", "name", "category", "count", "percent", "users", "first", "last", "peak_per_min"},
		right: []bool{false, false, false, true, true, true, false, false, true},
	}
	shown := s.res.Codes
	if s.opt.Top > 0 && len(shown) > s.opt.Top {
		shown = shown[:s.opt.Top]
	}
	for i := range shown {
		r := &shown[i]
		t.add(strconv.Itoa(int(r.Code)), plainCell(r.Name), plainCell(r.Category), strconv.FormatInt(r.Count, 10), plainPercent(r.Count, s.res.Events),
			strconv.FormatInt(r.Users.Distinct, 10), plainTime(r.First), plainTime(r.Last), strconv.FormatInt(r.PeakPerMinute, 10))
	}
	if u := s.res.Unknown; u.Count > 0 {
		t.add("unknown", "-", "unknown", strconv.FormatInt(u.Count, 10), plainPercent(u.Count, s.res.Events), "-", plainTime(firstUnknown(u)), "-", "-")
	}
	if s.res.Events > 0 {
		t.write(s, "")
	} else {
		s.lang = 0
		s.line("# %s", s.nothingFound())
	}
	s.plainComments(len(shown))
}

// plainComments writes what the table has no room for, one comment a line, the totals last.
func (s *screen) plainComments(shown int) {
	s.lang = 0
	if n := len(s.res.Codes) - shown; n > 0 {
		s.line("# %d more codes with %d events (--top 0)", n, s.restCount(shown))
	}
	for i, v := range s.res.Unknown.Values {
		if i == 10 {
			s.line("# unknown: …")
			break
		}
		s.line("# unknown: %s %d", quoteValue(v.Value), v.Count)
	}
	s.plainAlerts()
	for _, hint := range s.hints() {
		s.line("# %s", strings.ReplaceAll(hint, "\u00a0", " "))
	}
	for i := range s.res.Errors {
		s.line("# could not read: %s", s.inputError(i))
	}
	for i := range s.res.Codes {
		for _, sample := range s.res.Codes[i].Samples {
			s.line("# sample %d %s %s", s.res.Codes[i].Code, clean(sample.Src, cleanLimit), clean(sample.Text, sampleLimit))
		}
	}
	l := s.res.Lines
	totals := fmt.Sprintf("# lines=%d with_error=%d without_error=%d broken=%d too_long=%d foreign=%d empty=%d validated=%t errors=%d users=%d unknown=%d undated=%d late=%d filtered=%d",
		l.Read, l.WithError, l.WithoutError, l.Broken, l.TooLong, l.Foreign, l.Empty, s.res.Validated, s.res.Events, s.res.Users.Distinct,
		s.res.Unknown.Count, s.res.Undated, s.res.Late, s.res.Filtered)
	if s.opt.Elapsed > 0 {
		totals += fmt.Sprintf(" elapsed=%.2fs", s.opt.Elapsed.Seconds())
	}
	s.line("%s", totals)
}

// plainCell is a text without spaces, "-" if empty.
func plainCell(text string) string {
	text = strings.ReplaceAll(clean(text, 80), " ", "_")
	if text == "" {
		return "-"
	}
	return text
}

func plainPercent(part, whole int64) string {
	if whole <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", 100*float64(part)/float64(whole))
}

func plainTime(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Format(time.RFC3339)
}

// firstUnknown is the earliest time of an unknown value.
func firstUnknown(u aggregate.Unknown) *time.Time {
	var first *time.Time
	for _, v := range u.Values {
		if v.First != nil && (first == nil || v.First.Before(*first)) {
			first = v.First
		}
	}
	return first
}
