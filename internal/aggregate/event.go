package aggregate

import (
	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/classify"
	"imerr-scan/pkg/extract"
)

// Event is what a Tally counts of one event, hashed already: the work that can be done before the events come together. It
// is valid for good. It holds the user's id as it was, which a Tally does not.
type Event struct {
	user     uint64
	traits   uint64
	time     int64          // Unix milliseconds, 0 if none
	entry    *catalog.Entry // nil for an unknown code
	code     int32
	inner    int32
	device   uint32
	shape    extract.Shape
	hasInner bool

	name, value, reason, version, platform string
}

// EventOf returns what a Tally counts of e.
func EventOf(e *classify.Event) Event {
	c := e.Candidate
	return Event{
		user: hashUser(c.User), device: hashDevice(c.Device), traits: traitsOf(c.Version, c.Platform, e.Reason),
		time: c.Time, entry: e.Entry, code: e.Code, inner: e.Inner, hasInner: e.HasInner, shape: c.Shape,
		name: c.User, value: e.Value, reason: e.Reason, version: c.Version, platform: c.Platform,
	}
}

// Size returns about how many bytes e takes.
func (e *Event) Size() int {
	const fixed = 128
	return fixed + len(e.name) + len(e.value) + len(e.version) + len(e.platform)
}
