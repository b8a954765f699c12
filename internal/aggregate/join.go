package aggregate

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"imerr-scan/pkg/catalog"
)

// mergeVersion is that of the form of the key "merge"; the tally in it has its own.
const mergeVersion = 1

// mergePart is the key "merge" of a result.
type mergePart struct {
	Version int    `json:"v"`
	Tally   []byte `json:"tally"` // as MarshalBinary writes it
}

// part returns what another run needs to add this one, a mergePart. It holds no more of user ids than pii shows, and hashes.
func (t *Tally) part(pii string) json.RawMessage {
	tally := t.encode(pii)
	raw := make([]byte, 0, 32+base64.StdEncoding.EncodedLen(len(tally)))
	raw = fmt.Appendf(raw, `{"v":%d,"tally":"`, mergeVersion)
	raw = base64.StdEncoding.AppendEncode(raw, tally)
	return append(raw, `"}`...)
}

// ErrNoMerge says that a result was saved without what is needed to add it to others.
var ErrNoMerge = errors.New("result cannot be merged: save it with -o json")

// ParseResult reads a result that was written as JSON. It checks the schema, but not whether numbers agree.
func ParseResult(data []byte) (*Result, error) {
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("read result: %w", err)
	}
	if head.Schema != Schema {
		return nil, fmt.Errorf("read result: schema %.40q: want %q", head.Schema, Schema)
	}
	var r Result
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("read result: %w", err)
	}
	return &r, nil
}

// FromResult returns the Tally that r was made of, so that results of several runs merge as their parts would have. Codes
// are named as in r, and where it has no name by cat, which may be nil. It fails with ErrNoMerge, or if the merge part was
// damaged. Alerts, samples and errors of r are not part of a Tally.
func FromResult(r *Result, cat *catalog.Catalog) (*Tally, error) {
	if len(r.Merge) == 0 {
		return nil, ErrNoMerge
	}
	var part mergePart
	if err := json.Unmarshal(r.Merge, &part); err != nil {
		return nil, fmt.Errorf("read merge part: %w", err)
	}
	if part.Version != mergeVersion {
		return nil, fmt.Errorf("read merge part: version %d: want %d", part.Version, mergeVersion)
	}
	t := New(Options{Catalog: cat})
	if err := t.UnmarshalBinary(part.Tally); err != nil {
		return nil, err
	}
	for _, c := range r.Codes {
		if k := t.codes[c.Code]; k != nil && c.Name != "" {
			k.entry = &catalog.Entry{
				Code: c.Code, Name: c.Name, Category: c.Category, Topic: c.Topic, Tier: c.Tier, Severity: c.Severity,
			}
		}
	}
	return t, nil
}
