// Package classify decides which candidates are errors of the IM SDK: by their place, by their shape, or by a known text.
//
// It is the fourth stop of a log line: extract reports candidates, classify turns them into events with an entry of the
// catalog, a category and a reason. "Unknown" and "foreign" are decided here and nowhere else.
//
// The rules, of which one suffices (docs/input.md has them with examples):
//
//  1. place: the root's error, or the literal key error.type: any value counts, what no catalog has as unknown;
//  2. object: a code that the SDK raises, with a message, reason or xhr and no keys but the SDK's, at no level below warn;
//  3. text: a code whose message or reason is a known text of that very code.
//
// Where http, rpc, db … stand beside, and in plain text for the first, only the rules that text can satisfy count.
package classify

import (
	"strings"

	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/extract"
)

// Event is a candidate that was accepted as an SDK error.
type Event struct {
	Code      int32
	Entry     *catalog.Entry // nil for an unknown code
	Category  string         // the entry's, or "unknown"
	Reason    string         // a reason's ID, "other" if there is a text but no reason knows it, "" without a text
	Value     string         // the value as written, for an unknown code
	Inner     int32          // the type in its data, the better diagnosis, if HasInner
	HasInner  bool
	Candidate *extract.Candidate
}

// Verdict is what became of one document.
type Verdict struct {
	Events  []Event  // accepted, in the order of the text
	Success int      // type 0 without a known text
	Foreign int      // would have counted, but http, rpc … beside it say that it is no code of ours
	Hints   []string // paths of candidates that failed though their value is a code that the SDK raises
}

// Unknown is the category of events whose code is in no catalog.
const Unknown = "unknown"

// Classifier weighs candidates against one catalog. It is used by one goroutine.
type Classifier struct {
	cat     *catalog.Catalog
	events  []Event
	hints   []string
	eventOf []int32 // of each candidate: the event it became or that encloses it, or -1
}

// New returns a Classifier that decides by cat.
func New(cat *catalog.Catalog) *Classifier { return &Classifier{cat: cat} }

// Classify weighs the candidates of one document. The result is valid until the next call.
func (c *Classifier) Classify(candidates []extract.Candidate) Verdict {
	v := Verdict{}
	c.events, c.hints, c.eventOf = c.events[:0], c.hints[:0], c.eventOf[:0]
	for i := range candidates {
		cand := &candidates[i]
		if cand.Parent >= 0 {
			if outer := c.eventOf[cand.Parent]; outer >= 0 { // the outermost error counts
				c.eventOf = append(c.eventOf, outer)
				c.inner(&c.events[outer], cand)
				continue
			}
		}
		e, fate := c.weigh(cand)
		at := int32(-1)
		switch fate {
		case accepted:
			if at = c.same(&e); at < 0 {
				at = int32(len(c.events))
				c.events = append(c.events, e)
			}
		case success:
			v.Success++
		case foreign:
			v.Foreign++
		case near:
			c.hints = append(c.hints, cand.Path)
		}
		c.eventOf = append(c.eventOf, at)
	}
	v.Events, v.Hints = c.events, c.hints
	return v
}

// fate is what becomes of a candidate.
type fate uint8

const (
	nothing fate = iota
	accepted
	success
	foreign
	near // an SDK code without the evidence for it
)

// weigh applies the three rules.
func (c *Classifier) weigh(cand *extract.Candidate) (Event, fate) {
	e := Event{Candidate: cand, Entry: c.entry(cand.Value)}
	if e.Entry != nil {
		e.Code, e.Category = e.Entry.Code, e.Entry.Category
		known := false
		e.Reason, known = reason(e.Entry, cand)
		if known {
			return e, accepted // rule 3
		}
	}
	place := cand.Place && !cand.Plain
	said := cand.HasMessage || cand.HasReason || cand.HasXHR || wordless(e.Entry, cand)
	sdk := e.Entry != nil && e.Entry.Raised && cand.SDKKeys && said && cand.Level != extract.BelowWarn
	zero := e.Entry != nil && e.Code == 0 || cand.Value.Kind == extract.Number && cand.Value.Code == 0
	switch {
	case !place && !sdk:
		if e.Entry != nil && e.Entry.Raised && !zero && !cand.Foreign {
			return e, near
		}
		return e, nothing
	case zero:
		return e, success
	case cand.Foreign:
		return e, foreign
	case e.Entry == nil:
		e.Code, e.Category, e.Value = cand.Value.Code, Unknown, cand.Value.Text
	}
	return e, accepted
}

// wordless says that a candidate is what the SDK raises with data alone and without a text: a failed upload, whose data is
// the server's answer or the request itself (onFileUploadError of easemob-websdk 4.21.1). So little says something only
// where the record claims to be a warning or worse, or under a key error.
func wordless(e *catalog.Entry, cand *extract.Candidate) bool {
	return e != nil && e.Name == "WEBIM_UPLOADFILE_ERROR" && cand.HasData &&
		(cand.Level == extract.WarnUp || strings.HasSuffix("."+cand.Path, ".error.type"))
}

// entry returns what the catalog says of a value, or nil.
func (c *Classifier) entry(v extract.Value) *catalog.Entry {
	switch v.Kind {
	case extract.Number:
		return c.cat.Lookup(v.Code)
	case extract.Name:
		return c.cat.ByName(v.Text)
	}
	return nil
}

// reason recognises the cause by the message, else by the reason. known says that a text of that very code was found.
func reason(e *catalog.Entry, cand *extract.Candidate) (id string, known bool) {
	if cand.Message == "" && cand.Reason == "" {
		return "", false
	}
	r := (*catalog.Reason)(nil)
	if cand.AtRoot {
		r = e.ReasonAfterPrefix(cand.Message)
	} else {
		r = e.Reason(cand.Message)
	}
	if r == nil {
		r = e.Reason(cand.Reason)
	}
	if r == nil {
		return "other", false
	}
	return r.ID, true
}

// same returns the event of the same record and code that was accepted before, or -1: one record may carry an error
// twice, as OTLP body and attribute, or as Sentry's extra and breadcrumb.
func (c *Classifier) same(e *Event) int32 {
	for i := len(c.events) - 1; i >= 0; i-- {
		o := &c.events[i]
		if o.Candidate.Record != e.Candidate.Record {
			break
		}
		if o.Code == e.Code && o.Entry == e.Entry && o.Value == e.Value {
			return int32(i)
		}
	}
	return -1
}

// inner keeps the type in an event's data.
func (c *Classifier) inner(e *Event, cand *extract.Candidate) {
	if !cand.InData || e.HasInner {
		return
	}
	switch entry := c.entry(cand.Value); {
	case entry != nil:
		e.Inner, e.HasInner = entry.Code, true
	case cand.Value.Kind == extract.Number:
		e.Inner, e.HasInner = cand.Value.Code, true
	}
}
