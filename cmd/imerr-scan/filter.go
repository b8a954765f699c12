package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"imerr-scan/internal/pipeline"
	"imerr-scan/pkg/catalog"
)

// filter holds the flags that choose events.
type filter struct {
	codes, categories, users []string
	since, until             string
}

// categories are the values of --category.
var categories = []string{"auth", "messaging", "group", "chatroom", "quota", "general", "unknown"}

// keep returns the choice as a function, nil if everything is wanted. now is what --since -3h counts from.
func (f *filter) keep(cat *catalog.Catalog, now time.Time, zone *time.Location) (func(*pipeline.Record) bool, error) {
	var tests []func(*pipeline.Record) bool
	if len(f.codes) > 0 {
		codes, unknown, err := parseCodes(f.codes, cat)
		if err != nil {
			return nil, err
		}
		tests = append(tests, func(r *pipeline.Record) bool {
			if r.Entry == nil {
				return unknown || slices.Contains(f.codes, r.Value)
			}
			return slices.Contains(codes, r.Code)
		})
	}
	if len(f.categories) > 0 {
		for _, c := range f.categories {
			if !slices.Contains(categories, c) {
				return nil, usage("one of "+strings.Join(categories, ", "), "--category %q: no such category", c)
			}
		}
		tests = append(tests, func(r *pipeline.Record) bool { return slices.Contains(f.categories, r.Category) })
	}
	if len(f.users) > 0 {
		tests = append(tests, func(r *pipeline.Record) bool { return slices.Contains(f.users, r.Candidate.User) })
	}
	for _, bound := range []struct {
		flag, value string
		test        func(t, limit int64) bool
	}{
		{"--since", f.since, func(t, limit int64) bool { return t >= limit }},
		{"--until", f.until, func(t, limit int64) bool { return t < limit }},
	} {
		if bound.value == "" {
			continue
		}
		at, err := parseTime(bound.value, now, zone)
		if err != nil {
			return nil, usage(`RFC 3339, "2026-11-23 10:00", -3h, today or yesterday`, "%s %q: %v", bound.flag, bound.value, err)
		}
		limit := at.UnixMilli()
		tests = append(tests, func(r *pipeline.Record) bool {
			return r.Candidate.Time != 0 && bound.test(r.Candidate.Time, limit)
		})
	}
	if len(tests) == 0 {
		return nil, nil
	}
	return func(r *pipeline.Record) bool {
		for _, test := range tests {
			if !test(r) {
				return false
			}
		}
		return true
	}, nil
}

// parseCodes reads codes as numbers or names; "unknown" stands for whatever the catalog lacks.
func parseCodes(values []string, cat *catalog.Catalog) (codes []int32, unknown bool, err error) {
	for _, v := range values {
		if v == "unknown" {
			unknown = true
			continue
		}
		if n, err := strconv.ParseInt(v, 10, 32); err == nil {
			codes = append(codes, int32(n))
			continue
		}
		e := cat.ByName(v)
		if e == nil {
			return nil, false, usage("imerr-scan catalog lists them", "--code %q: neither a number nor a name of the catalog", v)
		}
		codes = append(codes, e.Code)
	}
	return codes, unknown, nil
}

// parseTime reads a point in time as people write it.
func parseTime(s string, now time.Time, zone *time.Location) (time.Time, error) {
	now = now.In(zone)
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, zone)
	switch s {
	case "now":
		return now, nil
	case "today":
		return midnight, nil
	case "yesterday":
		return midnight.AddDate(0, 0, -1), nil
	}
	if strings.HasPrefix(s, "-") {
		d, err := parseDuration(s[1:])
		return now.Add(-d), err
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return midnight.Add(time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second), nil
		}
	}
	return time.Time{}, fmt.Errorf("no time of a known form")
}

// parseDuration is time.ParseDuration with days: 90s, 5m, 1h30m, 7d.
func parseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil || n < 0 || n > 36500 {
			return 0, fmt.Errorf("want a duration such as 90s, 5m, 1h30m or 7d")
		}
		return time.Duration(n * 24 * float64(time.Hour)), nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("want a duration such as 90s, 5m, 1h30m or 7d")
	}
	return d, nil
}

// parseSize reads 1048576, 512KiB, 64MiB, 1GiB (and KB, MB, GB as powers of 1000).
func parseSize(s string) (int64, error) {
	units := []struct {
		suffix string
		factor int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}, {"", 1}}
	for _, u := range units {
		if digits, ok := strings.CutSuffix(s, u.suffix); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
			if err != nil || n <= 0 || n > (1<<62)/u.factor {
				break
			}
			return n * u.factor, nil
		}
	}
	return 0, fmt.Errorf("want a size such as 1MiB or 1048576")
}
