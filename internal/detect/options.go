package detect

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"imerr-scan/pkg/catalog"
)

// KickStorm is the name of the one family: codes 206, 207, 216 and 217, whose alerts are one incident.
const KickStorm = "kick-storm"

// Options sets how a detector decides. The zero value is the default; a field that is zero takes the value beside it.
type Options struct {
	FalseAlarmsPerWeek float64       // 1: the budget of the whole detector; 0.1 is calmer
	MinCount           int           // 10: counts above the usual
	MinUsers           int           // 3: fewer are one account in a loop, and not published
	ResolveAfter       time.Duration // 5m of calm end an alert
	AdoptAfter         time.Duration // 2h after which an alert becomes the usual
	AllowedLateness    time.Duration // 60s that a bucket stays open behind the watermark
	Overrides          []Override
	Limits             []Limit

	Catalog  *catalog.Catalog         // gives severity, category and advice; nil leaves them out
	UserName func(hash uint64) string // how a user is shown; nil shows a short hash
}

// Override changes the settings of some codes. A field that is zero changes nothing; of several that fit the last wins.
type Override struct {
	Codes              []int32
	Family             string // kick-storm, or "" if Codes says which
	Off                bool   // no alerts of these codes
	Severity           string
	FalseAlarmsPerWeek float64
	MinCount           int
	MinUsers           int
	ResolveAfter       time.Duration
	AdoptAfter         time.Duration
}

// Limit is a plain threshold: so many events, or so many distinct users, of some codes together within a window.
type Limit struct {
	Name     string        // of the alert
	Codes    []int32       // none means all
	Window   time.Duration // 10s … 24h, in steps of 10s
	Events   int64         // this, or
	Users    int64         // this, at most 4,096
	Severity string        // "" means warning
}

const (
	bucket           = bucketMillis * time.Millisecond
	fleet            = 70    // codes that share the budget of false alarms
	weekBuckets      = 60480 // 10 s of a week
	maxLimitUsers    = 4096
	maxLimits        = 256
	maxLimitWindow   = 24 * time.Hour
	publishAllowance = 2 // counts above the usual that may be missing when the busiest users are left out
)

// WithDefaults returns o with every zero field set, except those of Overrides, Limits, Catalog and UserName.
func (o Options) WithDefaults() Options {
	o.FalseAlarmsPerWeek = or(o.FalseAlarmsPerWeek, 1)
	o.MinCount = or(o.MinCount, 10)
	o.MinUsers = or(o.MinUsers, 3)
	o.ResolveAfter = or(o.ResolveAfter, 5*time.Minute)
	o.AdoptAfter = or(o.AdoptAfter, 2*time.Hour)
	o.AllowedLateness = or(o.AllowedLateness, time.Minute)
	return o
}

func or[T comparable](x, otherwise T) T {
	var zero T
	if x == zero {
		return otherwise
	}
	return x
}

// Mistake is one thing wrong with Options, and where: "limits[2].window".
type Mistake struct {
	Field string
	Text  string // what stands there, and what would be right
}

func (m *Mistake) Error() string { return m.Field + ": " + m.Text }

// Validate returns nil or all mistakes joined, each a *Mistake.
func (o Options) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, &Mistake{field, fmt.Sprintf(format, args...)})
	}
	o.settings().validate("", bad)
	if o.AllowedLateness < 0 || o.AllowedLateness > time.Hour {
		bad("allowed_lateness", "%s: want 0s … 1h", o.AllowedLateness)
	}
	for i, v := range o.Overrides {
		v.validate(fmt.Sprintf("overrides[%d].", i), bad)
	}
	names := map[string]bool{}
	if len(o.Limits) > maxLimits {
		bad("limits", "%d: want at most %d", len(o.Limits), maxLimits)
	}
	for i, l := range o.Limits {
		at := fmt.Sprintf("limits[%d].", i)
		l.validate(at, bad)
		if names[l.Name] {
			bad(at+"name", "%q stands there twice: an alert is known by its name", l.Name)
		}
		names[l.Name] = true
	}
	return errors.Join(errs...)
}

// settings are what Options and Override have in common.
func (o Options) settings() Override {
	return Override{
		FalseAlarmsPerWeek: o.FalseAlarmsPerWeek, MinCount: o.MinCount, MinUsers: o.MinUsers,
		ResolveAfter: o.ResolveAfter, AdoptAfter: o.AdoptAfter, Family: KickStorm,
	}
}

func (v Override) validate(at string, bad func(field, format string, args ...any)) {
	switch {
	case v.Family == "" && len(v.Codes) == 0:
		bad(at+"codes", "neither codes nor family: want one of them")
	case v.Family != "" && len(v.Codes) > 0:
		bad(at+"family", "codes and family: want one of them")
	case v.Family != "" && v.Family != KickStorm:
		bad(at+"family", "%q is no family: want %q", v.Family, KickStorm)
	}
	if n := v.FalseAlarmsPerWeek; n != 0 && !(n >= 0.001 && n <= 1000) {
		bad(at+"false_alarms_per_week", "%g: want 0.001 … 1000", n)
	}
	if n := v.MinCount; n != 0 && (n < 3 || n > 1_000_000) {
		bad(at+"min_count", "%d: want 3 … 1000000", n)
	}
	if n := v.MinUsers; n != 0 && (n < 1 || n > 1000) {
		bad(at+"min_users", "%d: want 1 … 1000", n)
	}
	if d := v.ResolveAfter; d != 0 && (d < time.Minute || d > 24*time.Hour) {
		bad(at+"resolve_after", "%s: want 1m … 24h", d)
	}
	if d := v.AdoptAfter; d != 0 && (d < 20*time.Minute || d > 30*24*time.Hour) {
		bad(at+"adopt_after", "%s: want 20m … 720h", d)
	}
	validateSeverity(at, v.Severity, bad)
}

func (l Limit) validate(at string, bad func(field, format string, args ...any)) {
	switch {
	case l.Name == "":
		bad(at+"name", "missing: an alert is known by its name")
	case strings.Trim(l.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" || len(l.Name) > 64:
		bad(at+"name", "%.80q: want at most 64 letters, digits, - _ .", l.Name)
	case l.Name == KickStorm || strings.HasPrefix(l.Name, spikePrefix):
		bad(at+"name", "%q is the name of an alert of ours: want another", l.Name)
	}
	if l.Window < bucket || l.Window > maxLimitWindow || l.Window%bucket != 0 {
		bad(at+"window", "%s: want 10s … 24h in steps of 10s", l.Window)
	}
	switch {
	case l.Events < 0 || l.Users < 0:
		bad(at+"events", "want a number above 0")
	case l.Events == 0 && l.Users == 0:
		bad(at+"events", "neither events nor users: want one of them")
	case l.Events > 0 && l.Users > 0:
		bad(at+"users", "events and users: want one of them")
	case l.Users > maxLimitUsers:
		bad(at+"users", "%d: want at most %d", l.Users, maxLimitUsers)
	}
	validateSeverity(at, l.Severity, bad)
}

func validateSeverity(at, severity string, bad func(field, format string, args ...any)) {
	if severity != "" && !slices.Contains(catalog.Severities(), severity) {
		bad(at+"severity", "%q: want %s", severity, strings.Join(catalog.Severities(), ", "))
	}
}

// paramsOf returns the settings of a code.
func (o *Options) paramsOf(code int32) *params {
	v := o.settings()
	for _, over := range o.Overrides {
		if over.Family == KickStorm && isKick(code) || slices.Contains(over.Codes, code) {
			v = v.with(over)
		}
	}
	return &params{
		threshold:    ln(fleet * (clocks + 1) * weekBuckets / v.FalseAlarmsPerWeek),
		minCount:     float64(v.MinCount),
		minUsers:     v.MinUsers,
		resolveAfter: buckets(v.ResolveAfter),
		adoptAfter:   buckets(v.AdoptAfter),
		severity:     v.Severity,
		off:          v.Off,
	}
}

func (v Override) with(o Override) Override {
	return Override{
		Off:                v.Off || o.Off,
		Severity:           or(o.Severity, v.Severity),
		FalseAlarmsPerWeek: or(o.FalseAlarmsPerWeek, v.FalseAlarmsPerWeek),
		MinCount:           or(o.MinCount, v.MinCount),
		MinUsers:           or(o.MinUsers, v.MinUsers),
		ResolveAfter:       or(o.ResolveAfter, v.ResolveAfter),
		AdoptAfter:         or(o.AdoptAfter, v.AdoptAfter),
	}
}

// buckets returns how many buckets cover d.
func buckets(d time.Duration) int64 { return int64(math.Ceil(float64(d) / float64(bucket))) }
