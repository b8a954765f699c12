// Package screen is the live view of a run that goes on: what -f shows on a terminal. It stands beside report at the end of the
// way of a log line, and shares its words: codes by what comes in now, with a sparkline of the last quarter of an hour, alerts,
// how much is read, and one code in detail.
//
//	s := screen.New(screen.Options{Catalog: cat, Input: "app.log"})
//	s.Resize(80, 24)
//	s.Show(screen.Take(total, result, now)) // again and again
//	s.Press(screen.Keys(typed)...)          // says whether to go on
//	out, last = screen.Paint(last, s.Lines())
//
// Words: a snapshot is a run at one moment; a line is one row of the terminal, cut to its width, with its colours.
//
// It is pure: no clock, no terminal, no goroutine; who has these is the command. What a snapshot shows is made when it is taken,
// so that a screen may be drawn by another goroutine than the one that counts. Nothing from a log gets into a line but through
// report.Clean; every line fits the width, and there are never more than the height has room for.
package screen

import (
	"cmp"
	"slices"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/report"
	"imerr-scan/pkg/catalog"
)

// Options sets what does not change while a screen is shown. The zero value works.
type Options struct {
	Catalog *catalog.Catalog // explains the codes; may be nil
	Lang    catalog.Lang
	Zone    *time.Location // of the times shown; nil means UTC
	Color   bool
	Input   string // what is read: app.log
	Page    string // address of the same in a browser; "" if there is none
}

// Snapshot is a run at one moment. It is not changed.
type Snapshot struct {
	At      time.Time // when it was taken
	Until   time.Time // what is looked at ends here: At, or the newest event if an old log is read
	Reading bool      // what was there at the start is still being read
	Lines   float64   // per second, of late
	Bytes   float64   // per second, of late
	Notes   []string  // what there was to say on stderr, newest last

	result *aggregate.Result
	alerts []detect.Alert // those that fire first, the worst of them before the others, then the newest
	codes  []code
}

// code is one row.
type code struct {
	*aggregate.CodeResult
	slots  []int64 // of the last quarter of an hour
	quart  int64   // events in it
	minute int64   // events of the last minute
	usual  float64 // per minute, of the day before the last quarter of an hour; less than 0 if there was none
	level  string  // severity of an alert that fires
}

const (
	columns  = 30 // of a sparkline, at most
	slot     = 30 * time.Second
	lately   = columns * slot
	day      = 24 * time.Hour
	outdated = 15 * time.Minute // without an event for so long the time before it is looked at, not nothing
	bucket   = 10 * time.Second // width of a cell
)

// Take makes a snapshot of what t counted. res is the result of t, with its alerts.
func Take(t *aggregate.Tally, res *aggregate.Result, now time.Time) *Snapshot {
	s := &Snapshot{At: now, Until: now, result: res, alerts: report.Alerts(res)}
	if last := res.Span.Last; last != nil && last.Before(now.Add(-outdated)) {
		s.Until = *last
	}
	slices.SortStableFunc(s.alerts, func(a, b detect.Alert) int {
		return cmp.Or(urgency(&b)-urgency(&a), b.StartsAt.Compare(a.StartsAt))
	})
	end := s.Until.Truncate(bucket).Add(bucket)
	for i := range res.Codes {
		c := code{CodeResult: &res.Codes[i], slots: make([]int64, columns)}
		from := end.Add(-lately)
		for cell := range t.Cells(c.Code, from.UnixMilli()) {
			after := time.UnixMilli(cell.Start).Sub(from)
			if after >= lately { // a clock that runs ahead
				break
			}
			c.slots[after/slot] += cell.Events
			c.quart += cell.Events
			if after >= lately-time.Minute {
				c.minute += cell.Events
			}
		}
		c.usual = usual(res, c.Timeline, from)
		for _, a := range s.alerts {
			if a.EndsAt == nil && slices.Contains(a.Codes, c.Code) && catalog.SeverityRank(a.Severity) > catalog.SeverityRank(c.level) {
				c.level = a.Severity
			}
		}
		s.codes = append(s.codes, c)
	}
	return s
}

// urgency is less than 0 for an alert that is over.
func urgency(a *detect.Alert) int {
	if a.EndsAt != nil {
		return -1
	}
	return max(catalog.SeverityRank(a.Severity), 0)
}

// usual is the mean of a minute in the day before until, as far as the log goes back; less than 0 if it does not.
func usual(res *aggregate.Result, timeline []int64, until time.Time) float64 {
	tl := res.Timeline
	if tl.Start == nil || tl.SlotSeconds <= 0 {
		return -1
	}
	width := time.Duration(tl.SlotSeconds) * time.Second
	to := min(int(until.Sub(*tl.Start)/width), tl.Slots)
	from := max(to-int(day/width), 0)
	minutes := time.Duration(to-from) * width / time.Minute
	if to <= from || minutes < 5 {
		return -1
	}
	var sum int64
	for i := from; i < min(to, len(timeline)); i++ {
		sum += timeline[i]
	}
	return float64(sum) / float64(minutes)
}

// Screen is what is shown, and how the reader wants it. It is used by one goroutine.
type Screen struct {
	opt           Options
	width, height int
	now           *Snapshot // nil before the first
	rows          []code    // of now, chosen and sorted

	order    int // of orders
	category string
	chosen   int32 // code at the cursor
	top      int   // first row that is shown
	detail   bool  // of the chosen code
	scroll   int   // of the detail
	help     bool
	paused   bool
}

// New returns a screen of 80 columns and 24 rows without anything to show.
func New(opt Options) *Screen {
	if opt.Zone == nil {
		opt.Zone = time.UTC
	}
	opt.Input = report.Clean(opt.Input)
	return &Screen{opt: opt, width: 80, height: 24}
}

// Resize says how large the terminal is, in columns and rows.
func (s *Screen) Resize(width, height int) { s.width, s.height = max(width, 1), max(height, 1) }

// Show takes a newer snapshot, unless the reader paused.
func (s *Screen) Show(now *Snapshot) {
	if !s.paused || s.now == nil {
		s.now = now
		s.choose()
	}
}

// orders are what the codes can be sorted by; all but the last put the greatest first.
var orders = []struct {
	name    catalog.Text
	compare func(a, b *code) int
}{
	{catalog.Text{EN: "rate", ZH: "速率"}, func(a, b *code) int {
		return cmp.Or(cmp.Compare(b.minute, a.minute), cmp.Compare(b.quart, a.quart), cmp.Compare(b.Count, a.Count))
	}},
	{catalog.Text{EN: "count", ZH: "次数"}, func(a, b *code) int { return cmp.Compare(b.Count, a.Count) }},
	{catalog.Text{EN: "users", ZH: "用户"}, func(a, b *code) int { return cmp.Compare(b.Users.Distinct, a.Users.Distinct) }},
	{catalog.Text{EN: "code", ZH: "错误码"}, func(*code, *code) int { return 0 }},
}

// choose makes the rows anew. The cursor stays on its code.
func (s *Screen) choose() {
	s.rows = nil
	if s.now == nil {
		return
	}
	for _, c := range s.now.codes {
		if s.category == "" || c.Category == s.category {
			s.rows = append(s.rows, c)
		}
	}
	compare := orders[s.order].compare
	slices.SortFunc(s.rows, func(a, b code) int { return cmp.Or(compare(&a, &b), cmp.Compare(a.Code, b.Code)) })
	if s.at() < 0 && len(s.rows) > 0 && !s.detail {
		s.chosen = s.rows[0].Code
	}
}

// at is the row of the cursor, less than 0 if there is none.
func (s *Screen) at() int {
	return slices.IndexFunc(s.rows, func(c code) bool { return c.Code == s.chosen })
}

// say chooses the text of the screen's language.
func (s *Screen) say(en, zh string) string { return catalog.Text{EN: en, ZH: zh}.In(s.opt.Lang) }

// entry is what the catalog knows of a code, nil if nothing.
func (s *Screen) entry(code int32) *catalog.Entry {
	if s.opt.Catalog == nil {
		return nil
	}
	return s.opt.Catalog.Lookup(code)
}
