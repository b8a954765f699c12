// Package corpus writes seeded logs of an app that uses the IM SDK, and the truth about each, counted while writing.
//
// The kinds for measuring speed (lines of about 420 B, 1 % of them SDK errors, 40 % with "error":null, unless said
// otherwise):
//
//	sparse  a quiet log
//	dense   a storm: 50 % errors
//	long    4 KiB of payload with many escapes on each line
//	noise   keys "type" of another meaning on each line: "type":"txt", "type":"4g"
//	spaced  the same with a space after the colon
//	odd     30 % errors in rare shapes (escaped, dotted, deep, quoted …), 20 % decoys that must not count
//
// And one for looks and for the detector:
//
//	day     a day of traffic: a daily wave, background errors, labelled storms (see storm.go)
//
// Only integers decide what is written, and the generator of random numbers is our own, so that the bytes are the same
// with every Go version and on every machine. The frequencies of codes are invented: nobody has published real ones.
package corpus

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Version changes when the bytes for the same options change. It belongs into the names of cached corpora.
const Version = 2

// Options chooses a corpus.
type Options struct {
	Kind           string
	Size           int64 // bytes to write, about; for day the background without the storms
	Seed           uint64
	Start          time.Time // of the first line; its zone is that of all times
	ErrorsPerMille int       // SDK errors per 1,000 background lines; 0 means the kind's own share
	Storms         []string  // day: kinds of storms, of StormKinds
	StormPercent   int       // day: users in a storm in percent of the usual; 0 means 100
}

// Truth is what a log holds, by the rules of the documentation of the input. "Codes" are codes of the catalog.
type Truth struct {
	Kind      string                      `json:"kind"`
	Seed      uint64                      `json:"seed"`
	Bytes     int64                       `json:"bytes"`
	Lines     int64                       `json:"lines"`
	WithError int64                       `json:"with_error"` // lines
	Foreign   int64                       `json:"foreign"`    // lines of another system's errors
	Decoys    int64                       `json:"decoys"`     // lines that look like errors and are none, foreign ones included
	Events    int64                       `json:"events"`
	Success   int64                       `json:"success"` // type 0
	Users     int64                       `json:"users"`   // distinct, with an event
	Codes     map[string]int64            `json:"codes"`
	Unknown   map[string]int64            `json:"unknown"`           // values in no catalog
	Reasons   map[string]map[string]int64 `json:"reasons,omitempty"` // code → reason → count, for texts the SDK is known to write
	Storms    []Storm                     `json:"storms,omitempty"`
}

// profile is what tells the kinds for measuring apart.
type profile struct {
	errorsPerMille int
	payload        int // bytes
	noise, spaced  bool
}

var profiles = map[string]profile{
	"sparse": {errorsPerMille: 10},
	"dense":  {errorsPerMille: 500},
	"long":   {errorsPerMille: 10, payload: 4 << 10},
	"noise":  {errorsPerMille: 10, noise: true},
	"spaced": {errorsPerMille: 10, noise: true, spaced: true},
	"odd":    {errorsPerMille: 300},
	"day":    {errorsPerMille: 14},
}

// Kinds returns the names of the kinds of corpora.
func Kinds() []string { return []string{"sparse", "dense", "long", "noise", "spaced", "odd", "day"} }

// TruthPath returns where the truth about the log at path belongs: app.log → app.truth.json.
func TruthPath(path string) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + ".truth.json"
}

// Write writes a log to w, which should be buffered, and returns the truth about it.
func Write(w io.Writer, opt Options) (Truth, error) {
	p, ok := profiles[opt.Kind]
	if !ok {
		return Truth{}, fmt.Errorf("kind %q: want one of %s", opt.Kind, strings.Join(Kinds(), ", "))
	}
	for _, s := range opt.Storms {
		if !slices.Contains(StormKinds(), s) {
			return Truth{}, fmt.Errorf("storm %q: want some of %s", s, strings.Join(StormKinds(), ", "))
		}
	}
	if opt.ErrorsPerMille > 0 {
		p.errorsPerMille = opt.ErrorsPerMille
	}
	if opt.StormPercent == 0 {
		opt.StormPercent = 100
	}
	g := newGen(w, opt, p)
	switch opt.Kind {
	case "odd":
		g.odd()
	case "day":
		g.day()
	default:
		g.plain()
	}
	g.truth.Users = int64(len(g.users))
	return g.truth, g.err
}

// gen writes lines and counts what it wrote. The first error of the writer ends it.
type gen struct {
	opt   Options
	prof  profile
	rand  rng
	now   int64  // Unix milliseconds of the line being written
	buf   []byte // the line being written
	w     io.Writer
	err   error
	truth Truth
	users map[string]bool
	stamp stamp

	lineHasError, lineIsForeign, lineIsDecoy bool
}

func newGen(w io.Writer, opt Options, p profile) *gen {
	return &gen{
		opt: opt, prof: p, w: w,
		rand: rng(opt.Seed), now: opt.Start.UnixMilli(), stamp: stamp{zone: opt.Start.Location()},
		users: map[string]bool{},
		truth: Truth{Kind: opt.Kind, Seed: opt.Seed, Codes: map[string]int64{}, Unknown: map[string]int64{}, Reasons: map[string]map[string]int64{}},
	}
}

// done says whether enough was written.
func (g *gen) done() bool { return g.err != nil || g.truth.Bytes >= g.opt.Size }

// end writes the line and counts it.
func (g *gen) end() {
	g.buf = append(g.buf, '\n')
	if _, err := g.w.Write(g.buf); err != nil && g.err == nil {
		g.err = err
	}
	g.truth.Lines++
	g.truth.Bytes += int64(len(g.buf))
	switch {
	case g.lineHasError:
		g.truth.WithError++
	case g.lineIsForeign:
		g.truth.Foreign++
	}
	if g.lineIsDecoy {
		g.truth.Decoys++
	}
	g.buf = g.buf[:0]
	g.lineHasError, g.lineIsForeign, g.lineIsDecoy = false, false, false
}

// count notes that the line holds the error e of user.
func (g *gen) count(e sdkError, user string) {
	g.truth.Events++
	g.lineHasError = true
	g.users[user] = true
	code := e.codeString()
	if e.name == "" {
		g.truth.Unknown[code]++
		return
	}
	g.truth.Codes[code]++
	if e.reason != "" {
		if g.truth.Reasons[code] == nil {
			g.truth.Reasons[code] = map[string]int64{}
		}
		g.truth.Reasons[code][e.reason]++
	}
}
