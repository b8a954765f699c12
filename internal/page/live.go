package page

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/report"
)

// Now is what a live page says beside the result.
type Now struct {
	At      time.Time // when the result was taken
	Trouble string    // why the service is not ready; "" if it is
}

// NewLive makes a page of a result that goes on growing, to be shown while it does. It looks at the last day, says what comes in
// now, and sends its reader to a page of each code. Its numbers are not in it: a service has them elsewhere.
func NewLive(res *aggregate.Result, opt Options, now Now) (*Page, error) {
	v := emptyView(res, opt)
	v.Policy = LivePolicy()
	v.Live = &liveView{Build: Build()}
	if opt.Zone == nil && res.Span.First == nil {
		v.zone = now.At.Location()
	}
	v.Live.clock(v, now)
	v.take(v.lately(report.Alerts(res)))
	v.head()
	v.Charts = v.liveCharts(Timeline, v.res.Codes)
	v.rest()
	v.rates()
	return &Page{view: v, sections: liveSections}, nil
}

// WriteCode writes the page of one code: what it means, how much there is of it and why. It returns false, and writes nothing,
// for a code that did not occur and is in no catalog. Only a live page has pages of codes.
func (p *Page) WriteCode(w io.Writer, code int32) (bool, error) {
	v, live := *p.view, *p.view.Live
	live.root = "../"
	v.Live, v.Charts, v.Alerts, v.Codes = &live, nil, nil, nil
	c := codePage{view: &v}
	i := slices.IndexFunc(v.res.Codes, func(r aggregate.CodeResult) bool { return r.Code == code })
	switch e := v.entry(code); {
	case i >= 0:
		v.Charts = v.liveCharts("code", v.res.Codes[i:i+1])
		c.Row = v.codeRow(&v.res.Codes[i], v.overall())
		c.Rate = v.rate(c.Row, v.res.Codes[i].Timeline)
	case e != nil:
		c.Row = v.codeRow(&aggregate.CodeResult{Code: code, Name: e.Name, Category: e.Category, Severity: e.Severity, Tier: e.Tier}, nil)
	default:
		return false, nil
	}
	for i := range v.records {
		if slices.Contains(v.records[i].Codes, code) {
			v.Alerts = append(v.Alerts, v.alertView(i+1, &v.records[i], nil))
		}
	}
	return true, templates().ExecuteTemplate(w, "code", &c)
}

// codePage is the view of one code: of the charts and alerts of its view those of the code.
type codePage struct {
	*view
	Row  *codeRow
	Rate bool // it is known what comes in now
}

// liveView is what only a live page has.
type liveView struct {
	At      stamp
	Zone    string
	Newest  stamp // the newest event, if it is a while ago
	Ago     string
	Back    bool // looked at is the time before the newest event
	Trouble string
	Minute  string // events per minute now
	Hour    int64  // events in the last hour
	Firing  int
	Windows []*window
	Build   string
	until   time.Time // end of what is looked at
	root    string    // from the page to /
}

// window is how far back a chart looks.
type window struct {
	Key     string
	Label   text
	Choice  text
	Checked bool
	length  time.Duration
}

var windows = []*window{
	{Key: "1h", Label: tr("Last hour", "最近 1 小时"), Choice: tr("1 h", "1 小时"), length: time.Hour},
	{Key: "6h", Label: tr("Last 6 hours", "最近 6 小时"), Choice: tr("6 h", "6 小时"), Checked: true, length: 6 * time.Hour},
	{Key: "24h", Label: tr("Last 24 hours", "最近 24 小时"), Choice: tr("24 h", "24 小时"), length: day},
}

const (
	day      = 24 * time.Hour
	current  = 5 * time.Minute  // what comes in "now" is the mean of that
	outdated = 15 * time.Minute // without an event for so long a page looks at the time before, not at nothing
)

// clock decides until when is looked at: now, or the newest event if that is long ago, as when an old log is read.
func (l *liveView) clock(v *view, now Now) {
	l.At, l.Zone, l.Windows = v.at(&now.At), now.At.In(v.zone).Format("-07:00"), windows
	l.Trouble = clean(now.Trouble, 400)
	l.until = now.At
	if last := v.res.Span.Last; last != nil && last.Before(now.At.Add(-outdated)) {
		l.Newest, l.Ago = v.at(last), ago(now.At.Sub(*last))
		if v.hasTimeline() { // otherwise it was forgotten, or has none
			l.until, l.Back = *last, true
		}
	}
}

// ago is a duration in its greatest unit: 3 h.
func ago(d time.Duration) string {
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%d d", d/day)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d min", d/time.Minute)
}

// lately leaves out the alerts that ended before what is looked at.
func (v *view) lately(list []detect.Alert) []detect.Alert {
	from := v.Live.until.Add(-day)
	list = slices.DeleteFunc(list, func(a detect.Alert) bool { return a.EndsAt != nil && a.EndsAt.Before(from) })
	for i := range list {
		if list[i].EndsAt == nil {
			v.Live.Firing++
		}
	}
	return list
}

// recent cuts the last n slots before until out of a timeline, zeros where it has none.
func (v *view) recent(slots []int64, n int) []int64 {
	out := make([]int64, n)
	first := v.end() - n
	for i := range out {
		if j := first + i; j >= 0 && j < len(slots) {
			out[i] = max(slots[j], 0)
		}
	}
	return out
}

// end is the number of the first slot after what is looked at.
func (v *view) end() int {
	past := v.Live.until.Sub(*v.res.Timeline.Start)
	return int(past/v.slot()) + 1
}

// slotsIn is how many slots a time takes, one at least.
func (v *view) slotsIn(d time.Duration) int { return max(int(d/v.slot()), 1) }

// liveCharts draws the codes over each window.
func (v *view) liveCharts(id string, codes []aggregate.CodeResult) []*chart {
	if !v.hasTimeline() {
		return nil
	}
	all := v.byCategory(codes, clampSlots(v.res.Timeline.Slots))
	var charts []*chart
	for _, w := range windows {
		n := v.slotsIn(w.length)
		slots := make([][]int64, len(all))
		for k := range all {
			slots[k] = v.recent(all[k], n)
		}
		start := v.res.Timeline.Start.Add(time.Duration(v.end()-n) * v.slot())
		c := v.newChart(id+"-"+w.Key, slots, start.In(v.zone))
		c.Range = w
		charts = append(charts, c)
	}
	return charts
}

// rates says of each code what comes in now, and puts first what comes most.
func (v *view) rates() {
	if !v.hasTimeline() {
		return
	}
	var now, hour int64
	for i, row := range v.Codes {
		v.rate(row, v.res.Codes[i].Timeline)
		now, hour = now+row.NowSort, hour+row.Hour
	}
	v.Live.Minute, v.Live.Hour = perMinute(now, time.Duration(v.slotsIn(current))*v.slot()), hour
	slices.SortStableFunc(v.Codes, func(a, b *codeRow) int {
		return cmp.Or(cmp.Compare(b.NowSort, a.NowSort), cmp.Compare(b.Hour, a.Hour))
	})
}

// rate says what comes in of one code, if that is known.
func (v *view) rate(row *codeRow, slots []int64) bool {
	if !v.hasTimeline() {
		return false
	}
	n, before := v.slotsIn(current), v.slotsIn(day)
	row.NowSort = total64(v.recent(slots, n))
	row.Now = perMinute(row.NowSort, time.Duration(n)*v.slot())
	row.Hour = total64(v.recent(slots, v.slotsIn(time.Hour)))
	earlier, over := total64(v.recent(slots, before))-row.NowSort, time.Duration(max(before-n, 1))*v.slot()
	row.Usual, row.UsualSort = perMinute(earlier, over), float64(earlier)/over.Minutes()
	row.Rise = rise(row.NowSort, float64(row.NowSort)/(time.Duration(n)*v.slot()).Minutes(), row.UsualSort)
	row.Spark = spark(v.recent(slots, v.slotsIn(6*time.Hour)))
	return true
}

func total64(slots []int64) (sum int64) {
	for _, n := range slots {
		sum += n
	}
	return sum
}

// perMinute is a rate with one decimal below ten, two below one.
func perMinute(n int64, over time.Duration) string {
	rate := float64(max(n, 0)) / over.Minutes()
	switch {
	case rate >= 9.95:
		return count(int64(rate + 0.5))
	case n <= 0:
		return "0"
	case rate < 0.005:
		return "<0.01"
	case rate >= 0.995:
		return strconv.FormatFloat(rate, 'f', 1, 64)
	}
	return strconv.FormatFloat(rate, 'f', 2, 64)
}

// rise marks ten events or more that are three times the usual or more. Alerts are judged elsewhere, with more care.
func rise(n int64, rate, usual float64) string {
	switch {
	case n < 10 || rate < 3*usual:
		return ""
	case rate > 99*usual:
		return "▲99+×"
	}
	return "▲" + strconv.FormatFloat(rate/usual, 'f', 0, 64) + "×"
}
