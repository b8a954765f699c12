package catalog

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Reason is a cause within a code, recognised by a text of the SDK or its server.
type Reason struct {
	ID      string // "mau", "kicked" …, unique within the code
	Text    string // the text looked for
	Exact   bool   // the whole text must be equal; otherwise it must contain Text
	Meaning Text
	Source  string // the builds in which the text was found
}

// Reason returns the reason of e that text gives away, or nil. An equal text goes before one that is merely contained,
// a longer before a shorter. Case counts: "Request Timeout" and "request timeout" are different reasons of -1. The same
// text may stand under several codes, so it means nothing without its code. e may be nil. Nothing is allocated.
func (e *Entry) Reason(text string) *Reason { return e.match(text, false) }

// ReasonAfterPrefix is Reason for the message of a record's root, where loggers put words of their own before those of
// the SDK ("send failed: not login"): an exact text may also be the end of the message, if no letter or digit stands
// right before it.
func (e *Entry) ReasonAfterPrefix(text string) *Reason { return e.match(text, true) }

func (e *Entry) match(text string, prefixed bool) *Reason {
	if e == nil || text == "" {
		return nil
	}
	var best *Reason
	for i := range e.Reasons {
		r := &e.Reasons[i]
		if r.Text == text {
			return r
		}
		if best != nil && len(r.Text) <= len(best.Text) {
			continue
		}
		if !r.Exact && strings.Contains(text, r.Text) || r.Exact && prefixed && endsWith(text, r.Text) {
			best = r
		}
	}
	return best
}

// endsWith reports whether tail ends text as words of its own.
func endsWith(text, tail string) bool {
	before, ok := strings.CutSuffix(text, tail)
	if !ok {
		return false
	}
	r, _ := utf8.DecodeLastRuneInString(before)
	return !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// ReasonByID returns the reason with that ID, or nil. e may be nil.
func (e *Entry) ReasonByID(id string) *Reason {
	if e == nil {
		return nil
	}
	for i := range e.Reasons {
		if e.Reasons[i].ID == id {
			return &e.Reasons[i]
		}
	}
	return nil
}
