// Package extract finds the values of error.type in one document, in whatever shape a logger or a shipper wrapped them.
//
// It is the third stop of a log line: frame cuts bytes into documents, extract reports the candidates in a document,
// classify decides which of them are SDK errors. Extract knows shapes (envelopes, paths, escapes, time forms), not
// meanings: it never asks what 206 is. A candidate carries its evidence, and the rules that weigh it are classify's.
//
// Words: a document is one JSON text or one line of text; a record is what remains of it after known envelopes are
// taken off; a place is the root's "error" or the literal key "error.type".
//
//	x := extract.New(extract.Options{Now: now})
//	for _, c := range x.Extract(line).Candidates {
//		fmt.Println(c.Path, c.Value.Text, c.User)
//	}
//
// It does not join lines, read files or judge codes. docs/input.md lists what is read and where it is looked for.
package extract

import (
	"bytes"
	"hash/maphash"
	"time"
)

// Kind says how the value of a type key was written.
type Kind uint8

const (
	Number Kind = iota + 1 // a JSON number or a string of decimal digits that fits int32: Value.Code holds it
	Name                   // a string of letters, digits and _ without a lower-case letter: perhaps a constant name
	Other                  // anything else that may stand at a place: 0206, " 206", true, [], beyond int32 …
)

// Value is a type as it was written.
type Value struct {
	Kind Kind
	Code int32  // for Number
	Text string // as written, without quotes, cleaned (no control characters, valid UTF-8) and at most 64 bytes
}

// Level is the severity that a record, or a word in the text before it, claims.
type Level uint8

const (
	NoLevel   Level = iota // none found
	BelowWarn              // trace, debug, info, log, notice …
	WarnUp                 // warn, error, fatal, critical …
)

// Candidate is one type value in a document, with all that classify needs to weigh it.
type Candidate struct {
	Value  Value
	Path   string // where it stood, as a dotted path from the record's root, array elements as []: "error.type", "args[].type"
	Shape  Shape
	Record int  // number of the record within the document, from 0
	Parent int  // index of the innermost enclosing candidate in the same slice, or -1
	InData bool // its object is the data of the enclosing candidate

	Place   bool // the root's error, or the literal key error.type (also as an OTLP attribute), or Options.Fields["code"]
	SDKKeys bool // only SDK keys in its object; at a record's root the logger's own may stand beside if Level is WarnUp
	Plain   bool // found in plain text, logfmt or a cut-off document: a place counts for nothing there
	Foreign bool // http, rpc, db, status_code or stack_trace stands in the object or at its root
	Level   Level

	HasMessage bool // message is a string (perhaps empty)
	HasReason  bool // reason, or data.reason, is a string
	HasXHR     bool // xhr is an object
	HasData    bool // data is there, whatever it is
	Message    string
	Reason     string // reason, else data.reason
	AtRoot     bool   // the object is a record's root: a known text may follow a prefix in Message

	User, Device, Version, Platform string // of the record; "" if not found
	Time                            int64  // Unix milliseconds of the record, or of its envelope; 0 if none
}

// Document is what became of one document.
type Document struct {
	Candidates []Candidate // in the order of the text; enclosing before enclosed
	Text       bool        // it holds no valid JSON text
	Broken     bool        // it looks like JSON and is not, be it that its end is missing
	TooDeep    bool        // nested beyond Options.MaxDepth; not read
}

// Options sets where an Extractor looks. The zero value finds fields by itself.
type Options struct {
	// Fields overrides the search: dotted paths for "code", "time", "user", "device", "version", "platform".
	// A path begins at a record's root; a dot inside a key is written \. (ParsePath). "code" names a place besides the
	// usual ones.
	Fields map[string]string
	// Now bounds times: one more than a day after Now is no time. The zero Now sets no upper bound.
	Now time.Time
	// Day supplies the date to clocks without one (the SDK's HH:MM:SS:ms), if nothing before did.
	Day time.Time
	// Before is asked for the last time before the first document, in Unix milliseconds, when a clock without a date comes before
	// any date; 0: none. nil: there was nothing before.
	Before func() int64
	// Zone is that of times written without one; nil means UTC.
	Zone *time.Location
	// MaxDepth is the deepest nesting read; 0 means 1000.
	MaxDepth int
}

// Extractor reads documents one after the other. It keeps the last time seen, for clocks that have no date, and buffers.
// It is used by one goroutine.
type Extractor struct {
	tree
	opt   Options
	zone  *time.Location
	paths [numFields]path
	code  path
	last  int64 // the last time seen

	carried int64 // time of what brought the document

	found      []Candidate
	records    []*record
	used       int // of records
	lastRecord int
	steps      []step
	cut        bool // a document whose end is missing is being read
	doc        Document
	work       int // bytes that may still be read in vain

	seed    maphash.Seed
	strings [1024]string // short ones, each at the place of its hash

	keyScratch, textScratch, pathScratch, cleanScratch, lineScratch []byte
}

// New returns an Extractor. Options.Fields that are no paths are left out; see ParsePath.
func New(opt Options) *Extractor {
	x := &Extractor{opt: opt, zone: opt.Zone, seed: maphash.MakeSeed()}
	if x.zone == time.UTC {
		x.zone = nil
	}
	x.maxDepth = opt.MaxDepth
	if x.maxDepth == 0 {
		x.maxDepth = 1000
	}
	x.setFields(opt.Fields)
	return x
}

// Extract reports the candidates in doc. The result, its slice included, is valid until the next call; strings in it
// stay valid. Doc is not kept.
func (x *Extractor) Extract(doc []byte) Document {
	x.found, x.used, x.lastRecord, x.cut, x.doc = x.found[:0], 0, 0, false, Document{Text: true}
	from, to := trimEdges(doc)
	doc = doc[from:to]
	x.reset(doc)
	x.work = 8*len(doc) + 1<<16
	r := x.newRecord(nil, 0)
	x.readText(r, 0, len(doc))
	if x.doc.TooDeep {
		x.found = x.found[:0]
	}
	x.doc.Candidates = x.found
	if cap(x.found) > 1<<10 {
		x.found = nil // the caller has it
	}
	x.release()
	return x.doc
}

// trimEdges returns where b begins and ends without byte order marks, NUL, white space and the separators of JSON text sequences
// at its edges.
func trimEdges(b []byte) (from, to int) {
	for to = len(b); from < to; {
		switch {
		case blank(b[from]):
			from++
		case blank(b[to-1]):
			to--
		case bytes.HasPrefix(b[from:to], bom):
			from += len(bom)
		case bytes.HasSuffix(b[from:to], bom):
			to -= len(bom)
		default:
			return from, to
		}
	}
	return from, to
}

var bom = []byte("\ufeff")

// recordSeparator begins each document of a JSON text sequence (RFC 7464).
const recordSeparator = 0x1e

func blank(c byte) bool {
	return c <= ' ' && (c == ' ' || c == 0 || c == recordSeparator || c-'\t' <= '\r'-'\t')
}

// skipBlank returns the first offset from i on at which something stands.
func skipBlank(b []byte, i int) int {
	for i < len(b) && blank(b[i]) {
		i++
	}
	return i
}
