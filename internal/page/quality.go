package page

import "imerr-scan/internal/aggregate"

// quality says how good the input was: every line in a class, every event accounted for, what was near.
type quality struct {
	Lines     []qualityRow
	Read      int64
	Sound     bool // the classes add up
	Validated bool
	Events    []qualityRow
	Unknown   []unknownRow
	Shapes    []qualityRow
	Hints     []aggregate.Hint
	Errors    []aggregate.InputError
}

type qualityRow struct {
	Name  text
	Count int64
	Share string
}

type unknownRow struct {
	Value string
	Count int64
	First stamp
}

func (v *view) newQuality() quality {
	l := v.res.Lines
	q := quality{Read: l.Read, Sound: l.Sum() == l.Read, Validated: v.res.Validated}
	for _, row := range []qualityRow{
		{Name: tr("with an error", "有错误"), Count: l.WithError},
		{Name: tr("without an error", "无错误"), Count: l.WithoutError},
		{Name: tr("broken", "损坏"), Count: l.Broken},
		{Name: tr("too long", "过长"), Count: l.TooLong},
		{Name: tr("foreign (HTTP, RPC or database errors)", "非 IM 错误（HTTP、RPC、数据库）"), Count: l.Foreign},
		{Name: tr("empty", "空行"), Count: l.Empty},
	} {
		row.Share = percent(row.Count, l.Read)
		q.Lines = append(q.Lines, row)
	}
	q.Events = []qualityRow{
		{Name: tr("events counted", "计入的事件"), Count: v.res.Events},
		{Name: tr("of these with a code in no catalog", "其中代码不在码表中"), Count: v.res.Unknown.Count},
		{Name: tr("of these without a time (in no timeline, seen by no alert)", "其中没有时间（不在时间线中，不参与告警）"), Count: v.res.Undated},
		{Name: tr("of these later than allowed (not seen by an alert)", "其中迟到（不参与告警）"), Count: v.res.Late},
		{Name: tr("success records, not counted", "成功记录，未计入"), Count: v.res.Success},
		{Name: tr("left out by filters", "被过滤条件排除"), Count: v.res.Filtered},
	}
	for _, u := range v.res.Unknown.Values {
		q.Unknown = append(q.Unknown, unknownRow{u.Value, u.Count, v.at(u.First)})
	}
	for _, kv := range byCount(v.res.Shapes, maxList) {
		q.Shapes = append(q.Shapes, qualityRow{Name: same(kv.key), Count: kv.count})
	}
	q.Hints, q.Errors = v.res.Hints, v.res.Errors
	return q
}
