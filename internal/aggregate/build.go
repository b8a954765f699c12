package aggregate

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"imerr-scan/pkg/catalog"
)

// Result returns what the tally knows. It changes nothing that can be seen: going on afterwards gives the same as without.
func (t *Tally) Result(opt ResultOptions) *Result {
	t.flush()
	r := &Result{
		Schema:     Schema,
		Version:    opt.Version,
		Lines:      t.accounting(),
		Bytes:      t.bytes,
		Events:     t.events(),
		Success:    t.success,
		Undated:    t.undated,
		Late:       t.late,
		Filtered:   t.filtered,
		Users:      t.users.distinct(),
		Codes:      []CodeResult{},
		Categories: map[string]int64{},
		TopUsers:   t.topUsers(opt),
		Shapes:     split(&t.shapes, identity),
		Hints:      []Hint{},
		Alerts:     []json.RawMessage{},
		Errors:     []InputError{},
	}
	whole := t.unknown.span
	for _, c := range t.codes {
		whole.add(c.span.first, c.span.last)
	}
	r.Span = Span{First: at(whole.first, opt.Zone), Last: at(whole.last, opt.Zone)}
	for _, category := range catalog.Categories() {
		r.Categories[category] = 0
	}
	r.Categories["unknown"] = t.unknown.count

	scale := t.scale()
	r.Timeline = scale.timeline(opt.Zone)
	for _, number := range t.Codes() {
		c := t.code(number)
		r.Codes = append(r.Codes, c.result(t, scale, opt.Zone))
		if entry := c.named(t.opt.Catalog); entry.Category != "" {
			r.Categories[entry.Category] += c.count
		}
	}
	slices.SortStableFunc(r.Codes, func(a, b CodeResult) int { return cmp.Compare(b.Count, a.Count) })
	r.Unknown = t.unknown.result(opt.Zone)
	for _, e := range t.hints.heaviest() {
		r.Hints = append(r.Hints, Hint{Path: e.key, Count: e.n})
	}
	if !opt.NoMerge {
		r.Merge = t.part(opt.PII)
	}
	return r
}

// accounting returns the lines by class.
func (t *Tally) accounting() Lines {
	l := Lines{
		WithError:    t.lines[WithError],
		WithoutError: t.lines[WithoutError],
		Broken:       t.lines[Broken],
		TooLong:      t.lines[TooLong],
		Foreign:      t.lines[Foreign],
		Empty:        t.lines[Empty],
	}
	l.Read = l.Sum()
	return l
}

// Sum returns the number of lines in all classes. It equals Read, or the accounting is wrong.
func (l Lines) Sum() int64 {
	return l.WithError + l.WithoutError + l.Broken + l.TooLong + l.Foreign + l.Empty
}

// events returns the number of events: those of the codes and the unknown.
func (t *Tally) events() int64 {
	n := t.unknown.count
	for _, c := range t.codes {
		n = sum(n, c.count)
	}
	return n
}

// named returns what the code means: by the event that brought it, else by cat, else nothing but its number.
func (c *code) named(cat *catalog.Catalog) *catalog.Entry {
	if c.entry != nil {
		return c.entry
	}
	if cat != nil {
		if entry := cat.Lookup(c.code); entry != nil {
			return entry
		}
	}
	return &catalog.Entry{Code: c.code}
}

func (c *code) result(t *Tally, scale scale, zone *time.Location) CodeResult {
	entry := c.named(t.opt.Catalog)
	r := CodeResult{
		Code:          c.code,
		Name:          entry.Name,
		Category:      entry.Category,
		Topic:         entry.Topic,
		Tier:          entry.Tier,
		Severity:      entry.Severity,
		Count:         c.count,
		Users:         c.users.distinct(),
		First:         at(c.span.first, zone),
		Last:          at(c.span.last, zone),
		PeakPerMinute: peakPerMinute(c.series.cells, t.bounds.level),
		Reasons:       split(&c.reasons, identity),
		Versions:      split(&c.versions, identity),
		Platforms:     split(&c.platforms, identity),
		Inner:         split(&c.inner, func(n int32) string { return strconv.Itoa(int(n)) }),
		Timeline:      scale.slots(c.series.cells),
	}
	for name, missed := range map[string]int64{
		"reasons": c.reasons.missed, "versions": c.versions.missed, "platforms": c.platforms.missed, "inner": c.inner.missed,
	} {
		if missed > 0 {
			if r.SplitError == nil {
				r.SplitError = map[string]int64{}
			}
			r.SplitError[name] = missed
		}
	}
	return r
}

func (u *unknown) result(zone *time.Location) Unknown {
	r := Unknown{Count: u.count, Error: u.values.missed, Values: []UnknownValue{}}
	for _, e := range u.values.heaviest() {
		r.Values = append(r.Values, UnknownValue{Value: e.key, Count: e.n, First: at(e.v.first, zone)})
	}
	return r
}

// heaviest returns the limit keys with the greatest sure counts, in that order.
func (h *heavy[K, V]) heaviest() []*item[K, V] {
	all := h.sorted(func(a, b *item[K, V]) int { return cmp.Compare(b.n, a.n) })
	return all[:min(len(all), h.limit)]
}

// split returns the heaviest keys with their sure counts, and what is left as "other", so that the values add up.
func split[K cmp.Ordered](h *heavy[K, none], name func(K) string) map[string]int64 {
	m := make(map[string]int64, len(h.items))
	rest := h.total
	for _, e := range h.heaviest() {
		m[name(e.key)] += e.n
		rest -= e.n
	}
	if rest > 0 {
		m["other"] += rest
	}
	return m
}

func identity(s string) string { return s }

// at returns a time as it is shown, nil for none.
func at(millis int64, zone *time.Location) *time.Time {
	if millis == 0 {
		return nil
	}
	if zone == nil {
		zone = time.UTC
	}
	t := time.UnixMilli(millis).In(zone)
	return &t
}

// peakPerMinute returns the greatest number of events in a minute of the clock; where cells are wider, in one of them,
// divided by its minutes and rounded up.
func peakPerMinute(cells []cell, level uint8) int64 {
	var peak, n int64
	var minute int32
	for _, c := range cells {
		if m := align(c.bucket, max(level, 1)); m != minute {
			n, minute = 0, m
		}
		n += int64(c.events)
		peak = max(peak, n)
	}
	minutes := int64(max(width(level)/6, 1))
	return (peak + minutes - 1) / minutes
}

// maxSlots is how many slots a timeline may have.
const maxSlots = 2880

// scale divides the time from the first to the last cell into slots. They are as wide as cells of a level ≥ 1, and aligned
// to the epoch as they are.
type scale struct {
	level       uint8
	first, last int32 // first bucket of the first and of the last slot
	empty       bool
}

func (t *Tally) scale() scale {
	s := scale{level: max(t.bounds.level, 1), empty: true}
	var from, to int32
	for _, c := range t.codes {
		if n := len(c.series.cells); n > 0 {
			first, last := c.series.cells[0].bucket, c.series.cells[n-1].bucket
			if s.empty {
				from, to, s.empty = first, last, false
			}
			from, to = min(from, first), max(to, last)
		}
	}
	for {
		s.first, s.last = align(from, s.level), align(to, s.level)
		if s.count() <= maxSlots || s.level == maxLevel {
			return s
		}
		s.level++
	}
}

// count returns the number of slots.
func (s scale) count() int {
	if s.empty {
		return 0
	}
	return int((s.last-s.first)/width(s.level)) + 1
}

func (s scale) timeline(zone *time.Location) Timeline {
	if s.empty {
		return Timeline{}
	}
	return Timeline{
		Start:       at(max(int64(s.first)*bucketMillis, 1), zone),
		SlotSeconds: int64(width(s.level)) * bucketMillis / 1000,
		Slots:       s.count(),
	}
}

// slots returns the events of the cells by slot.
func (s scale) slots(cells []cell) []int64 {
	slots := make([]int64, s.count())
	for _, c := range cells {
		slots[(align(c.bucket, s.level)-s.first)/width(s.level)] += int64(c.events)
	}
	return slots
}

func (t *Tally) topUsers(opt ResultOptions) []UserResult {
	all := t.top.sorted(func(a, b *item[uint64, userInfo]) int {
		return cmp.Or(cmp.Compare(b.n+b.miss, a.n+a.miss), cmp.Compare(b.n, a.n))
	})
	top := opt.Top
	if top == 0 {
		top = 10
	}
	if top < 0 {
		top = t.lim.topUsers
	}
	users := []UserResult{}
	for _, e := range all[:min(len(all), top, t.lim.topUsers)] {
		u := UserResult{
			User:    e.v.shown(e.key, opt.PII),
			Count:   e.n + e.miss,
			Error:   e.miss,
			Codes:   make(map[string]int64, len(e.v.codes)),
			Devices: e.v.known,
		}
		u.Pattern, u.GapSeconds = e.v.pattern()
		for _, c := range e.v.codes {
			u.Codes[codeName(c.code)] = c.n
		}
		users = append(users, u)
	}
	return users
}

func codeName(code int64) string {
	if code == unknownCode {
		return "unknown"
	}
	return strconv.FormatInt(code, 10)
}

// shown is how a user appears: as pii says, unless less is known.
func (u *userInfo) shown(hash uint64, pii string) string {
	switch {
	case pii == "drop":
		return ""
	case pii == "hash" || u.name == "":
		return shortHash(hash)
	case u.plain && pii != "plain":
		return mask(u.name)
	}
	return u.name
}
