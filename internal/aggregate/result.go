package aggregate

import (
	"encoding/json"
	"time"
)

// Schema is the version of the result's form. Keys never change their meaning inside a version.
const Schema = "imerr-scan/result/v1"

// Result is everything a run knows, ready to be shown; -o json writes it as it is. Merge carries what another run needs
// to add this one to its own.
type Result struct {
	Schema     string            `json:"schema"`
	Version    string            `json:"version"`
	Catalog    CatalogInfo       `json:"catalog"`
	Span       Span              `json:"span"`
	Validated  bool              `json:"validated"`
	Lines      Lines             `json:"lines"`
	Bytes      int64             `json:"bytes"`
	Events     int64             `json:"events"`
	Success    int64             `json:"success"`
	Undated    int64             `json:"undated"`
	Late       int64             `json:"late"`
	Filtered   int64             `json:"filtered"` // events left out by --code and the like
	Users      Distinct          `json:"users"`
	Codes      []CodeResult      `json:"codes"` // by count, descending, then by code; only what occurred
	Unknown    Unknown           `json:"unknown"`
	Categories map[string]int64  `json:"categories"`
	TopUsers   []UserResult      `json:"top_users"`
	Shapes     map[string]int64  `json:"shapes"`
	Hints      []Hint            `json:"hints"`
	Timeline   Timeline          `json:"timeline"`
	Alerts     []json.RawMessage `json:"alerts"`
	Errors     []InputError      `json:"errors"`
	Merge      json.RawMessage   `json:"merge,omitempty"`
}

// CatalogInfo names the catalog that gave the codes their meaning.
type CatalogInfo struct {
	Platform string `json:"platform"`
	Version  string `json:"version"`
	Entries  int    `json:"entries"`
}

// Span is the first and last event time, both nil without a dated event.
type Span struct {
	First *time.Time `json:"first"`
	Last  *time.Time `json:"last"`
}

// Lines is the accounting of the lines read: Read is the sum of the others.
type Lines struct {
	Read         int64 `json:"read"`
	WithError    int64 `json:"with_error"`
	WithoutError int64 `json:"without_error"`
	Broken       int64 `json:"broken"`
	TooLong      int64 `json:"too_long"`
	Foreign      int64 `json:"foreign"`
	Empty        int64 `json:"empty"`
}

// Distinct is a number of distinct users; Error is the relative standard error when it is not exact.
type Distinct struct {
	Distinct int64   `json:"distinct"`
	Exact    bool    `json:"exact"`
	Error    float64 `json:"error,omitempty"`
}

// CodeResult is one code of the catalog.
type CodeResult struct {
	Code          int32            `json:"code"`
	Name          string           `json:"name"`
	Category      string           `json:"category"`
	Topic         string           `json:"topic"`
	Tier          string           `json:"tier"`
	Severity      string           `json:"severity"`
	Count         int64            `json:"count"`
	Users         Distinct         `json:"users"`
	First         *time.Time       `json:"first"`
	Last          *time.Time       `json:"last"`
	PeakPerMinute int64            `json:"peak_per_minute"`
	Reasons       map[string]int64 `json:"reasons"`
	Versions      map[string]int64 `json:"versions"`
	Platforms     map[string]int64 `json:"platforms"`
	Inner         map[string]int64 `json:"inner"`
	SplitError    map[string]int64 `json:"split_error,omitempty"` // "versions": a value there may have up to this many more, which "other" has
	Timeline      []int64          `json:"timeline"`              // events per slot of Result.Timeline
	Samples       []Sample         `json:"samples,omitempty"`
}

// Sample is one document in which a code was found, cleaned and cut.
type Sample struct {
	Src  string `json:"src"` // file:line
	Text string `json:"text"`
}

// Unknown counts values that are in no catalog, the most frequent first.
type Unknown struct {
	Count  int64          `json:"count"`
	Error  int64          `json:"error,omitempty"` // a value may have up to this many more
	Values []UnknownValue `json:"values"`          // the 64 most frequent
}

// UnknownValue is a value as it was written, cleaned and cut to 64 bytes.
type UnknownValue struct {
	Value string     `json:"value"`
	Count int64      `json:"count"`
	First *time.Time `json:"first"`
}

// UserResult is one of the users with the most events.
type UserResult struct {
	User       string           `json:"user"` // masked, or as ResultOptions.PII says
	Count      int64            `json:"count"`
	Error      int64            `json:"error,omitempty"`       // Count may be too high by this much (Space-Saving)
	Codes      map[string]int64 `json:"codes"`                 // "206": 838
	Devices    int              `json:"devices"`               // distinct; 8 means 8 or more
	Pattern    string           `json:"pattern"`               // ping_pong, shared_account, ""
	GapSeconds float64          `json:"gap_seconds,omitempty"` // mean time between two kicks of the loop; without one, between all
}

// Hint is a path that held something near a code: seen Count times, never counted as an error.
type Hint struct {
	Path  string `json:"path"`
	Count int64  `json:"count"`
}

// Timeline is the division of the span into at most 2,880 slots: one minute wide, doubled until the span fits.
type Timeline struct {
	Start       *time.Time `json:"start"`
	SlotSeconds int64      `json:"slot_seconds"`
	Slots       int        `json:"slots"`
}

// InputError is an input that could not be read, wholly or from some point on.
type InputError struct {
	Source string `json:"source"`
	Error  string `json:"error"`
}

// ResultOptions is what a Result shows beyond the counts.
type ResultOptions struct {
	Version string         // of the program
	Zone    *time.Location // of the times shown; nil means UTC
	PII     string         // mask (default), hash, plain or drop: how user ids appear
	Top     int            // users shown; 0 means 10, less than 0 all that are known
	NoMerge bool           // leave Merge out
}
