package detect

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// States of an alert, in their order. There is one firing and at most one resolved record of an alert, and updates at most
// once a minute between them.
const (
	Firing   = "firing"
	Update   = "update"
	Resolved = "resolved"
)

// Alert is one record: an alert at one moment of event time, with all that is known then. Alert and StartsAt are its
// identity. Rates are those of what the detector counts: distinct users in 10 s, and events without a user.
type Alert struct {
	Alert     string     `json:"alert"` // kick-storm, spike-<code>, or the name of a limit
	Codes     []int32    `json:"codes"`
	State     string     `json:"state"`
	Severity  string     `json:"severity"`
	Category  string     `json:"category"`
	At        time.Time  `json:"at"` // event time of this record: end of a bucket
	StartsAt  time.Time  `json:"starts_at"`
	FiredAt   time.Time  `json:"fired_at"`         // event time at which it was known
	EndsAt    *time.Time `json:"ends_at"`          // end of the last bucket above the usual; nil until resolved
	Reason    string     `json:"reason,omitempty"` // of the end: quiet or new_level
	Count     int64      `json:"count"`            // events since StartsAt
	Users     int64      `json:"users"`            // distinct, since StartsAt
	Rate      float64    `json:"rate_per_minute"`  // of the last minute; when resolved, the mean
	Usual     float64    `json:"usual_per_minute"`
	Ratio     float64    `json:"ratio"` // Rate to Usual
	Peak      float64    `json:"peak_per_minute"`
	Excess    float64    `json:"excess"`              // counts above the usual since StartsAt
	Clock     string     `json:"clock,omitempty"`     // 10s, 1m or 10m: which one noticed
	Surprise  float64    `json:"surprise,omitempty"`  // −ln of the chance of such a count when nothing is wrong
	Threshold float64    `json:"threshold,omitempty"` // of a limit; Window is its window
	Window    string     `json:"window,omitempty"`
	Recurring bool       `json:"recurring"`      // no worse than three others of the last 24 h
	Kind      string     `json:"kind,omitempty"` // of a kick storm: see the constants
	Storm     *Storm     `json:"storm,omitempty"`
	Why       []Change   `json:"why"`
	TopUsers  []TopUser  `json:"top_users,omitempty"`
	Advice    Text       `json:"advice"`
}

// Storm is what the kicks of a kick storm look like: the numbers behind its kind.
type Storm struct {
	KicksPerUser float64 `json:"kicks_per_user"`
	RepeatShare  float64 `json:"repeat_share"`          // of the kicks, by users with four or more
	GapSeconds   float64 `json:"gap_seconds,omitempty"` // between the kicks of such a user, median; to 10 s
	Devices      int     `json:"devices,omitempty"`     // of such a user, median; 4 means 4 or more
}

// Change is a value that is more frequent inside an alert than before.
type Change struct {
	Field  string  `json:"field"` // version, platform or reason
	Value  string  `json:"value"`
	Share  float64 `json:"share"`  // inside
	Before float64 `json:"before"` // in the day before the alert
	Lift   float64 `json:"lift"`
}

// TopUser is one of the users with most in an alert, Count being the number of 10 s in which the user was seen.
type TopUser struct {
	User  string `json:"user"` // as Options.UserName shows it
	Count int64  `json:"count"`
}

// Text is a text in both languages.
type Text struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// ID returns what all records of one alert share and those of others do not.
func (a *Alert) ID() string { return a.Alert + "@" + a.StartsAt.UTC().Format(time.RFC3339) }

// In shows the times of a in zone.
func (a *Alert) In(zone *time.Location) {
	a.At, a.StartsAt, a.FiredAt = a.At.In(zone), a.StartsAt.In(zone), a.FiredAt.In(zone)
	if a.EndsAt != nil {
		end := a.EndsAt.In(zone)
		a.EndsAt = &end
	}
}

// timeOf returns the start of bucket b.
func timeOf(b int64) time.Time { return time.UnixMilli(b * bucketMillis).UTC() }

// round returns x to so many decimals, and never an infinity, which JSON cannot hold.
func round(x float64, decimals int) float64 {
	scale := [...]float64{1, 10, 100, 1000}[decimals]
	return math.Round(min(max(x, -1e15), 1e15)*scale) / scale
}

// cut shortens s to at most n bytes of valid UTF-8.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// sum32 adds two counts; the greatest value stays.
func sum32(a, b uint32) uint32 {
	if s := a + b; s >= a {
		return s
	}
	return math.MaxUint32
}
