// Package classify decides which candidates are errors of the IM SDK: by their place, by their shape, or by a known text.
//
// It is the fourth stop of a log line: extract reports candidates, classify turns them into events with an entry of the
// catalog, a category and a reason. "Unknown" and "foreign" are decided here and nowhere else.
package classify

import (
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
	Hints   []string // paths of candidates that failed
}

// Classifier weighs candidates against one catalog. It is used by one goroutine.
type Classifier struct {
	cat *catalog.Catalog
}

// New returns a Classifier that decides by cat.
func New(cat *catalog.Catalog) *Classifier { return &Classifier{cat: cat} }

// Classify weighs the candidates of one document. The result is valid until the next call.
func (c *Classifier) Classify(candidates []extract.Candidate) Verdict {
	return Verdict{}
}
