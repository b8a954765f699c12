package page

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/report"
	"imerr-scan/pkg/catalog"
)

// A result may come from a file that somebody else wrote. What a page takes from it is bounded, and with it the page.
const (
	maxCodes  = 400
	maxAlerts = 100
	maxUsers  = 50
	maxList   = 64 // hints, errors, shapes, values that are in no catalog
	maxSplit  = 8  // versions, platforms, reasons of a code
	maxName   = 64 // characters of a value from a log

	maxNumbers = 144 // slots of a timeline in the numbers: ten minutes each for a day
)

// view is what the templates show: texts and numbers, ready made.
type view struct {
	Policy   string
	Lang     string
	Title    text
	Input    string
	Version  string
	Catalog  string
	Zone     string
	First    stamp
	Last     stamp
	Events   int64
	Users    string
	UsersErr string
	Nothing  bool
	Top      *codeRow
	Charts   []*chart
	Live     *liveView // nil in a report
	Codes    []*codeRow
	MoreCode int64
	Unknown  aggregate.Unknown
	People   []userRow
	Versions []splitRow
	Platform []splitRow
	Alerts   []*alertView
	MoreAl   int64
	Quality  quality
	Numbers  json.RawMessage

	res     *aggregate.Result
	opt     Options
	zone    *time.Location
	records []detect.Alert
}

// stamp is a time as shown, and for programs and for sorting.
type stamp struct {
	ISO, Show, Short string
	Unix             int64
}

// emptyView is a view without its sections.
func emptyView(res *aggregate.Result, opt Options) *view {
	v := &view{res: bounded(res), opt: opt, zone: zoneOf(res, opt), Lang: "en"}
	if opt.Lang == catalog.ZH {
		v.Lang = "zh-CN"
	}
	v.MoreCode = int64(max(len(res.Codes)-maxCodes, 0))
	return v
}

// take chooses the alerts that are shown.
func (v *view) take(list []detect.Alert) {
	v.records, v.MoreAl = worst(list)
	for i := range v.records {
		boundAlert(&v.records[i])
		v.records[i].In(v.zone)
	}
}

func newView(res *aggregate.Result, opt Options) (*view, error) {
	v := emptyView(res, opt)
	v.Policy = Policy()
	v.take(report.Alerts(res))
	v.head()
	if c := v.wholeChart(); c != nil {
		v.Charts = []*chart{c}
	}
	v.rest()
	err := v.numbers()
	return v, err
}

// rest makes the sections that a report and a live page have in common.
func (v *view) rest() {
	v.codes()
	v.people()
	v.alerts()
	v.Quality = v.newQuality()
}

// bounded returns res without what a page does not show: what merges, and the far end of long lists.
func bounded(res *aggregate.Result) *aggregate.Result {
	r := *res
	r.Merge = nil
	r.Version, r.Catalog.Platform, r.Catalog.Version = clean(r.Version, 40), clean(r.Catalog.Platform, 16), clean(r.Catalog.Version, 40)
	r.Codes = each(r.Codes, maxCodes, func(c *aggregate.CodeResult) {
		c.Name, c.Topic, c.Tier = clean(c.Name, 100), clean(c.Topic, maxName), clean(c.Tier, maxName)
		c.Category, c.Severity = clean(c.Category, maxName), clean(c.Severity, maxName)
		c.Reasons, c.Versions, c.Platforms, c.Inner = heaviest(c.Reasons), heaviest(c.Versions), heaviest(c.Platforms), heaviest(c.Inner)
	})
	r.Unknown.Values = each(r.Unknown.Values, maxList, func(u *aggregate.UnknownValue) { u.Value = clean(u.Value, maxName) })
	r.TopUsers = each(r.TopUsers, maxUsers, func(u *aggregate.UserResult) {
		u.User, u.Pattern, u.Codes = clean(u.User, maxName), clean(u.Pattern, maxName), heaviest(u.Codes)
	})
	r.Hints = each(r.Hints, maxList, func(h *aggregate.Hint) { h.Path = clean(h.Path, 200) })
	r.Errors = each(r.Errors, maxList, func(e *aggregate.InputError) { e.Source, e.Error = clean(e.Source, 200), clean(e.Error, 400) })
	r.Shapes, r.Categories = heaviest(r.Shapes), heaviest(r.Categories)
	return &r
}

// each returns a copy of the first of list, each of them changed.
func each[T any](list []T, most int, change func(*T)) []T {
	list = slices.Clone(list[:min(len(list), most)])
	for i := range list {
		change(&list[i])
	}
	return list
}

// heaviest keeps the maxList values with the most events, with names of bounded length.
func heaviest(counts map[string]int64) map[string]int64 {
	out := make(map[string]int64, min(len(counts), maxList))
	for _, kv := range byCount(counts, maxList) {
		out[clean(kv.key, maxName)] += kv.count
	}
	return out
}

type keyCount struct {
	key   string
	count int64
}

// byCount lists counts, the greatest first, at most so many.
func byCount(counts map[string]int64, most int) []keyCount {
	list := make([]keyCount, 0, len(counts))
	for k, n := range counts {
		list = append(list, keyCount{k, n})
	}
	slices.SortFunc(list, func(a, b keyCount) int { return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.key, b.key)) })
	return list[:min(len(list), most)]
}

func zoneOf(res *aggregate.Result, opt Options) *time.Location {
	switch {
	case opt.Zone != nil:
		return opt.Zone
	case res.Span.First != nil:
		return res.Span.First.Location()
	}
	return time.UTC
}

// worst returns the alerts in order of time, and how many milder ones were left out.
func worst(list []detect.Alert) ([]detect.Alert, int64) {
	slices.SortStableFunc(list, func(a, b detect.Alert) int {
		return cmp.Or(catalog.SeverityRank(b.Severity)-catalog.SeverityRank(a.Severity), cmp.Compare(b.Users, a.Users))
	})
	more := max(len(list)-maxAlerts, 0)
	list = list[:len(list)-more]
	slices.SortStableFunc(list, func(a, b detect.Alert) int { return a.StartsAt.Compare(b.StartsAt) })
	return list, int64(more)
}

func (v *view) at(t *time.Time) stamp {
	if t == nil {
		return stamp{}
	}
	in := t.In(v.zone)
	return stamp{ISO: in.Format(time.RFC3339), Show: in.Format("01-02 15:04:05"), Short: in.Format("01-02 15:04"), Unix: in.Unix()}
}

func (v *view) head() {
	r := v.res
	v.First, v.Last = v.at(r.Span.First), v.at(r.Span.Last)
	v.Title = tr("IM errors", "IM 错误")
	if r.Span.First != nil {
		v.Title.EN += " " + r.Span.First.In(v.zone).Format(time.DateOnly)
		v.Title.ZH += " " + r.Span.First.In(v.zone).Format(time.DateOnly)
		v.Zone = r.Span.First.In(v.zone).Format("-07:00")
	}
	v.Input, v.Version = clean(v.opt.Input, 200), r.Version
	v.Catalog = r.Catalog.Platform + " " + r.Catalog.Version
	v.Events, v.Nothing, v.Unknown = r.Events, r.Events == 0, r.Unknown
	v.Unknown.Values = nil // newQuality shows them
	v.Users = users(r.Users)
	if !r.Users.Exact && r.Users.Error > 0 {
		v.UsersErr = fmt.Sprintf("±%.1f%%", 100*r.Users.Error)
	}
}

func users(d aggregate.Distinct) string {
	if d.Exact || d.Distinct == 0 {
		return count(d.Distinct)
	}
	return "≈" + count(d.Distinct)
}

func percent(n, of int64) string {
	if n <= 0 || of <= 0 {
		return "0%"
	}
	return ratio(float64(n) / float64(of))
}

func ratio(x float64) string {
	switch p := 100 * x; {
	case p > 0 && p < 0.1:
		return "<0.1%"
	case p < 9.95:
		return strconv.FormatFloat(p, 'f', 1, 64) + "%"
	default:
		return strconv.FormatFloat(p, 'f', 0, 64) + "%"
	}
}

// userRow is one of the users with the most events.
type userRow struct {
	User    string
	Count   int64
	Error   int64
	Codes   []keyCountView
	Devices string
	Pattern text
	Gap     string
}

type keyCountView struct{ Key, Count string }

func (v *view) people() {
	for _, u := range v.res.TopUsers {
		row := userRow{User: u.User, Count: u.Count, Error: u.Error, Devices: strconv.Itoa(u.Devices)}
		if u.Devices >= 8 {
			row.Devices = "8+"
		}
		for _, kv := range byCount(u.Codes, 6) {
			row.Codes = append(row.Codes, keyCountView{clean(kv.key, 16), count(kv.count)})
		}
		if u.Pattern != "" {
			row.Pattern = word(patternWords, u.Pattern)
			if u.GapSeconds > 0 {
				row.Gap = strconv.FormatFloat(u.GapSeconds, 'f', 0, 64) + " s"
			}
		}
		v.People = append(v.People, row)
	}
	versions, platforms := map[string]int64{}, map[string]int64{}
	for i := range v.res.Codes {
		add(versions, v.res.Codes[i].Versions)
		add(platforms, v.res.Codes[i].Platforms)
	}
	v.Versions, v.Platform = splitRows(versions, nil, nil), splitRows(platforms, nil, nil)
}

func add(to, from map[string]int64) {
	for k, n := range from {
		to[k] += max(n, 0)
	}
}

func total(counts map[string]int64) (sum int64) {
	for _, n := range counts {
		sum += max(n, 0)
	}
	return sum
}

// numbers is the data as JSON, in the form of -o json. Timelines are coarser, so that 140 codes of a day stay small; their
// slot_seconds says so.
func (v *view) numbers() error {
	r := *v.res
	step := max(1, (clampSlots(r.Timeline.Slots)+maxNumbers-1)/maxNumbers)
	r.Timeline.Slots = (clampSlots(r.Timeline.Slots) + step - 1) / step
	r.Timeline.SlotSeconds *= int64(step)
	r.Codes = slices.Clone(r.Codes)
	for i := range r.Codes {
		r.Codes[i].Samples = nil
		r.Codes[i].Timeline = coarser(r.Codes[i].Timeline, step, r.Timeline.Slots)
	}
	report.SetAlerts(&r, v.records, v.zone)
	var long, short bytes.Buffer
	if err := report.JSON(&long, &r); err != nil {
		return err
	}
	if err := json.Compact(&short, long.Bytes()); err != nil {
		return err
	}
	v.Numbers = bytes.TrimSpace(short.Bytes())
	return nil
}

// coarser adds up step slots each, into n.
func coarser(slots []int64, step, n int) []int64 {
	out := make([]int64, n)
	for i, c := range slots {
		if i/step >= n {
			break
		}
		out[i/step] += c
	}
	return out
}
