package page

import (
	"strconv"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/report"
	"imerr-scan/pkg/catalog"
)

// codeRow is a row of the table of codes, with what unfolds below it.
type codeRow struct {
	Code      int32
	Name      string // without the prefix of all names
	Full      string
	Meaning   text
	Category  text
	Severity  text
	Level     string // the severity as a class
	Rank      int    // the severity for sorting
	Count     int64
	Share     string
	Users     string
	UsersSort int64
	Spark     string
	Peak      int64
	Mark      text
	First     stamp
	Last      stamp
	Splits    []split
	Link      string // to what is said of it
	Now       string // in a live page: events per minute now, and usually; in the last hour
	NowSort   int64
	Usual     string
	UsualSort float64
	Rise      string
	Hour      int64
	Explain   *explanation
	Samples   []sampleView
	Masked    bool // the samples are
}

// split is how the events of a code divide by version, platform, reason or inner code.
type split struct {
	Title text
	Field text
	Other bool // the shares of the other codes are known
	Rows  []splitRow
}

type splitRow struct {
	Value text
	Count int64
	Share string
	Other string
	Bar   int // 0 to 100
}

// explanation is what the catalog says of a code.
type explanation struct {
	Next, Behaviour, Note, Actor, Retry text
	Causes                              []text
	Related                             []codeLink
	Source                              string
}

// overall is how the events of all codes divide.
func (v *view) overall() map[string]map[string]int64 {
	all := map[string]map[string]int64{"version": {}, "platform": {}}
	for i := range v.res.Codes {
		add(all["version"], v.res.Codes[i].Versions)
		add(all["platform"], v.res.Codes[i].Platforms)
	}
	return all
}

func (v *view) codes() {
	all := v.overall()
	for i := range v.res.Codes {
		v.Codes = append(v.Codes, v.codeRow(&v.res.Codes[i], all))
	}
	if len(v.Codes) > 0 {
		v.Top = v.Codes[0]
	}
}

func (v *view) codeRow(c *aggregate.CodeResult, all map[string]map[string]int64) *codeRow {
	e := v.entry(c.Code)
	row := &codeRow{
		Code: c.Code, Link: v.link(c.Code), Name: shortName(c.Name), Full: c.Name, Category: word(categoryWords, c.Category),
		Severity: word(severityWords, c.Severity), Level: level(c.Severity), Rank: catalog.SeverityRank(c.Severity),
		Count: c.Count, Share: percent(c.Count, v.res.Events), Users: users(c.Users), UsersSort: c.Users.Distinct,
		Spark: spark(c.Timeline), Peak: c.PeakPerMinute, First: v.at(c.First), Last: v.at(c.Last),
		Mark: both(func(l catalog.Lang) string { return report.PeakMark(c.Timeline[:min(len(c.Timeline), maxSlots)], l) }),
	}
	row.Splits, row.Samples = v.splits(c, e, all), v.samples(c)
	row.Masked = !v.opt.Plain
	if e != nil {
		row.Meaning = e.Meaning
		row.Explain = v.explain(e)
	}
	return row
}

func (v *view) entry(code int32) *catalog.Entry {
	if v.opt.Catalog == nil {
		return nil
	}
	return v.opt.Catalog.Lookup(code)
}

func (v *view) explain(e *catalog.Entry) *explanation {
	x := &explanation{
		Next: e.Next, Behaviour: e.Behaviour, Note: e.Note, Actor: word(actorWords, e.Actor), Retry: word(retryWords, e.Retry),
		Causes: e.Causes, Source: e.Source,
	}
	for _, code := range e.Related {
		x.Related = append(x.Related, codeLink{Code: code, Link: v.link(code), Known: v.Live != nil})
	}
	return x
}

// link is where to read about a code: further down in a report, on a page of its own beside a live page. Links are relative, so
// that a live page works behind a proxy under any path.
func (v *view) link(code int32) string {
	if v.Live != nil {
		return v.Live.root + "codes/" + strconv.Itoa(int(code))
	}
	return "#code-" + strconv.Itoa(int(code))
}

func (v *view) splits(c *aggregate.CodeResult, e *catalog.Entry, all map[string]map[string]int64) []split {
	meaning := func(id string) text {
		if r := e.ReasonByID(id); r != nil && r.Meaning.EN != "" {
			return text{EN: id + ": " + r.Meaning.EN, ZH: id + "：" + r.Meaning.ZH}
		}
		return same(id)
	}
	var out []split
	for _, s := range []struct {
		title, field text
		counts, all  map[string]int64
		label        func(string) text
	}{
		{tr("Reasons", "原因"), tr("reason", "原因"), c.Reasons, nil, meaning},
		{tr("Versions", "版本"), tr("version", "版本"), c.Versions, all["version"], nil},
		{tr("Platforms", "平台"), tr("platform", "平台"), c.Platforms, all["platform"], nil},
		{tr("Inner codes", "内层错误码"), tr("code in its data", "data 中的代码"), c.Inner, nil, nil},
	} {
		if len(s.counts) > 0 {
			out = append(out, split{s.title, s.field, s.all != nil, splitRows(s.counts, s.all, s.label)})
		}
	}
	return out
}

// splitRows lists counts, the greatest first, beside their share in all others.
func splitRows(counts, all map[string]int64, label func(string) text) []splitRow {
	var rows []splitRow
	sum, rest := total(counts), total(all)-total(counts)
	for _, kv := range byCount(counts, maxSplit) {
		row := splitRow{Value: same(kv.key), Count: kv.count, Share: percent(kv.count, sum)}
		if kv.key == "" {
			row.Value = tr("not known", "未知")
		} else if label != nil {
			row.Value = label(kv.key)
		}
		if sum > 0 {
			row.Bar = int(100 * float64(max(kv.count, 0)) / float64(sum))
		}
		if rest > 0 {
			row.Other = percent(all[kv.key]-kv.count, rest)
		}
		rows = append(rows, row)
	}
	return rows
}

// level is a severity as the name of a class: one of the closed set.
func level(severity string) string {
	if catalog.SeverityRank(severity) < 0 {
		return "info"
	}
	return severity
}

const (
	sparkWidth  = 96
	sparkHeight = 20
)

// spark is the path of a sparkline, scaled to its highest part.
func spark(slots []int64) string {
	slots = slots[:min(len(slots), maxSlots)]
	cols := columns(slots, sparkWidth)
	top := 0.0
	for _, c := range cols {
		top = max(top, c)
	}
	if top == 0 {
		return ""
	}
	path := []byte("M0 " + strconv.Itoa(sparkHeight))
	w := float64(sparkWidth) / float64(len(cols))
	last := ""
	for i, c := range cols {
		y := tenth(sparkHeight - c/top*(sparkHeight-1))
		if y != last {
			path = append(path, "H"+tenth(float64(i)*w)+"V"+y...)
			last = y
		}
	}
	return string(path) + "H" + strconv.Itoa(sparkWidth) + "V" + strconv.Itoa(sparkHeight) + "z"
}

// sharesView is a table of values with a title.
type sharesView struct {
	Title text
	Rows  []splitRow
}

func shares(title text, rows []splitRow) sharesView { return sharesView{title, rows} }
