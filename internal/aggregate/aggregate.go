// Package aggregate adds events up: totals, users, cells of event time, accounting of lines. It is the fifth stop of a log
// line; what it counted goes on as a Result, to report, and as cells, to detect.
//
// Words: a Tally is what a part of the input added up to; a cell is one code in one stretch of event time, 10 s wide and
// aligned to the epoch; a cell is open while its users are told apart, and has given them up afterwards; a Result is a
// Tally made ready to be shown.
//
// Everything merges: tallies of parts, merged in the order of the input, are the tally of the whole, and MarshalBinary
// gives the same bytes. Memory is bounded, and beyond these bounds there are numbers with stated errors in place of exact
// ones:
//
//   - users of a code, and of all: exact to 4,096, then HyperLogLog. Depends on the set of users alone.
//   - cells: at most 400,000, then they are made wider: 1 min, 2 min, 4 min … Depends on the events alone.
//   - users of cells: at most 4 MiB of hashes, then the oldest cells give theirs up, and 4,096 in one cell. In a cell that gave
//     up or was full, users is between the true number and that of the events; all others are exact.
//   - values of cells (version, platform, reason together): at most 150,000, then the oldest cells give theirs up.
//   - top users (1,024), versions, platforms, reasons, unknown values, hints (64 each): see heavy.
//
// It keeps no samples of documents, and does not know the time of day: events too late for a live detector are for the
// caller to find and for Late to count.
//
//	t := aggregate.New(aggregate.Options{})
//	t.Lines(aggregate.WithError, 1)
//	t.Add(&event)
//	result := t.Result(aggregate.ResultOptions{})
package aggregate

import (
	"fmt"
	"math"
	"strings"
	"time"

	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/classify"
	"imerr-scan/pkg/extract"
)

// Class is what became of a line. Every line gets exactly one.
type Class uint8

const (
	WithoutError Class = iota
	WithError
	Broken
	TooLong
	Foreign
	Empty
	classes // how many there are
)

// Options sets what a Tally keeps. The zero value works.
type Options struct {
	// Plain keeps ids of the top users as they are. Otherwise a Tally holds masked ids and hashes, and nothing that is
	// made of it can show more.
	Plain bool
	// Catalog names codes that came with no event, by UnmarshalBinary; nil leaves them without a name.
	Catalog *catalog.Catalog
	// CellWidth is how wide cells are at least: 0 means 10 s, else 1 min or a double of it. What is merged takes the wider.
	CellWidth time.Duration
}

// limits are the bounds of a Tally. Tests make them small.
type limits struct {
	cells    int // of all codes, before they get wider
	users    int // bytes that open cells take to tell users apart, before the oldest give up
	topUsers int
	split    int // versions, platforms, reasons, inner types of a code; unknown values, hints, shapes
	traits   int // values told apart in cells, before the oldest give up; 0: any number
	pending  int // observations before they are sorted into cells
}

var defaultLimits = limits{cells: 400_000, users: 4 << 20, traits: 150_000, topUsers: 1024, split: 64, pending: 8192}

// maxCellUsers is how many users one cell tells apart.
const maxCellUsers = 4096

// Tally is what a part of the input added up to. Tallies of parts merge into that of the whole. It is used by one goroutine.
type Tally struct {
	opt    Options
	lim    limits
	bounds bounds

	lines    [classes]int64
	bytes    int64
	success  int64
	filtered int64
	undated  int64
	late     int64

	codes   map[int32]*code
	unknown unknown
	users   userSet // of all codes, unknown ones too
	top     heavy[uint64, userInfo]
	shapes  heavy[string, none]
	hints   heavy[string, none]
	seen    series // lines of any kind that have a time, as events without a user
	pending int    // observations in all series

	traitFloor int32 // cells before it have given up what they knew of values

	lastCode   *code
	spare      map[int32]*code // empty, to be used again
	shapeNames []string
}

// none is what is known of a key that is only counted.
type none struct{}

// span is the first and the last of some times, in Unix milliseconds; both 0 without one.
type span struct{ first, last int64 }

func (s *span) add(first, last int64) {
	if first == 0 {
		return
	}
	if s.first == 0 || first < s.first {
		s.first = first
	}
	s.last = max(s.last, last)
}

// code is what is known of one code of the catalog.
type code struct {
	code      int32
	entry     *catalog.Entry // nil if no event brought one
	count     int64
	span      span
	users     userSet
	reasons   heavy[string, none]
	versions  heavy[string, none]
	platforms heavy[string, none]
	inner     heavy[int32, none]
	series    series
	traits    traits
}

// unknown is what is known of values that are in no catalog.
type unknown struct {
	count  int64
	span   span
	values heavy[string, span]
}

// New returns an empty Tally.
func New(opt Options) *Tally { return newTally(opt, defaultLimits) }

func newTally(opt Options, lim limits) *Tally {
	return &Tally{
		opt:     opt,
		lim:     lim,
		bounds:  bounds{cellUsers: maxCellUsers, level: levelOf(opt.CellWidth)},
		codes:   map[int32]*code{},
		spare:   map[int32]*code{},
		unknown: unknown{values: newHeavy[string, span](lim.split)},
		top:     newHeavy[uint64, userInfo](lim.topUsers),
		shapes:  newHeavy[string, none](lim.split),
		hints:   newHeavy[string, none](lim.split),
	}
}

func newCode(number int32, lim limits) *code {
	return &code{
		code:      number,
		reasons:   newHeavy[string, none](lim.split),
		versions:  newHeavy[string, none](lim.split),
		platforms: newHeavy[string, none](lim.split),
		inner:     newHeavy[int32, none](lim.split),
		series:    series{kick: isKick(number)},
	}
}

// isKick says whether the code means that the server ended a login: other device, removed, password changed, API.
func isKick(code int32) bool { return code == 206 || code == 207 || code == 216 || code == 217 }

// Lines counts n lines of class c.
func (t *Tally) Lines(c Class, n int64) { t.lines[c] = sum(t.lines[c], n) }

// Bytes counts n bytes read.
func (t *Tally) Bytes(n int64) { t.bytes = sum(t.bytes, n) }

// Success counts n values that say that nothing went wrong.
func (t *Tally) Success(n int64) { t.success = sum(t.success, n) }

// Filtered counts n events that a filter left out and that were not given to Add.
func (t *Tally) Filtered(n int64) { t.filtered = sum(t.filtered, n) }

// Late counts n events that came too late for the detector. They are given to Add as well.
func (t *Tally) Late(n int64) { t.late = sum(t.late, n) }

// Hint counts n candidates at path that failed.
func (t *Tally) Hint(path string, n int64) { count(&t.hints, path, n) }

// Seen says that n lines of any kind had about the time millis (Unix milliseconds), so that a detector can tell a quiet time
// from one when nobody was listening. Lines without a time are not to be given. It changes no other count.
func (t *Tally) Seen(millis, n int64) {
	bucket, rest, ok := bucketOf(millis)
	if !ok || n <= 0 {
		return
	}
	t.observe(&t.seen, observation{bucket: bucket, millis: rest, n: uint32(min(n, math.MaxUint32))})
}

// Add counts one event. The user's id is hashed; of the users with the most events the masked id is kept, or the plain one
// with Options.Plain. Nothing of e is held on to, except strings that are short.
func (t *Tally) Add(e *classify.Event) {
	x := EventOf(e)
	t.add(&x)
}

// AddAll counts events, in their order, as Add does.
func (t *Tally) AddAll(events []Event) {
	for i := range events {
		t.add(&events[i])
	}
}

func (t *Tally) add(e *Event) {
	if e.user != 0 {
		t.users.add(e.user)
	}
	t.shapes.add(t.shapeName(e.shape), 1)
	bucket, rest, dated := bucketOf(e.time)
	if !dated {
		t.undated++
	}
	if e.entry == nil {
		t.addUnknown(e, dated)
	} else {
		k := t.addCode(e)
		if dated {
			k.span.add(e.time, e.time)
			k.traits.add(align(bucket, t.bounds.level), e.traits)
			t.observe(&k.series, observation{user: e.user, bucket: bucket, millis: rest, n: 1, device: e.device})
		}
	}
	if e.user != 0 {
		t.addUser(e, dated)
	}
}

// bucketOf returns the bucket of a time in Unix milliseconds and the milliseconds from its start. A time before the epoch
// or after the year 2650 is none.
func bucketOf(millis int64) (bucket int32, rest uint32, ok bool) {
	if millis <= 0 || millis >= math.MaxInt32*bucketMillis {
		return 0, 0, false
	}
	return int32(millis / bucketMillis), uint32(millis % bucketMillis), true
}

func (t *Tally) addCode(e *Event) *code {
	k := t.code(e.code)
	if k.entry == nil {
		k.entry = e.entry
	}
	k.count++
	if e.user != 0 {
		k.users.add(e.user)
	}
	count(&k.reasons, e.reason, 1)
	count(&k.versions, e.version, 1)
	count(&k.platforms, e.platform, 1)
	if e.hasInner {
		k.inner.add(e.inner, 1)
	}
	return k
}

// code returns what is known of a code, at first nothing.
func (t *Tally) code(number int32) *code {
	if t.lastCode != nil && t.lastCode.code == number {
		return t.lastCode
	}
	k := t.codes[number]
	if k == nil {
		k = t.freshCode(number)
		t.codes[number] = k
	}
	t.lastCode = k
	return k
}

func (t *Tally) freshCode(number int32) *code {
	if k := t.spare[number]; k != nil { // of the same code, since it needs as much room
		delete(t.spare, number)
		return k
	}
	return newCode(number, t.lim)
}

// Reset makes t empty, and keeps the room that it has taken, as far as it was used.
func (t *Tally) Reset() {
	for _, c := range t.codes {
		c.clear()
	}
	t.codes, t.spare = t.spare, t.codes
	clear(t.codes)
	t.users.clear()
	t.unknown.values.clear()
	t.top.clear()
	t.shapes.clear()
	t.hints.clear()
	t.seen.clear()
	*t = Tally{
		opt: t.opt, lim: t.lim, bounds: bounds{cellUsers: t.bounds.cellUsers, level: levelOf(t.opt.CellWidth)},
		codes: t.codes, spare: t.spare, unknown: unknown{values: t.unknown.values}, users: t.users,
		top: t.top, shapes: t.shapes, hints: t.hints, seen: t.seen, shapeNames: t.shapeNames,
	}
}

func (c *code) clear() {
	c.users.clear()
	c.reasons.clear()
	c.versions.clear()
	c.platforms.clear()
	c.inner.clear()
	c.series.clear()
	c.traits.all, c.traits.pending = c.traits.all[:0], nil
	c.entry, c.count, c.span = nil, 0, span{}
}

func (t *Tally) addUnknown(e *Event, dated bool) {
	t.unknown.count++
	it := addText(&t.unknown.values, e.value, 1)
	if dated {
		t.unknown.span.add(e.time, e.time)
		it.v.add(e.time, e.time)
	}
}

func (t *Tally) addUser(e *Event, dated bool) {
	u := &t.top.add(e.user, 1).v
	if u.name == "" || t.opt.Plain && !u.plain {
		u.name, u.plain = t.name(e.name), t.opt.Plain
	}
	number := int64(unknownCode)
	if e.entry != nil {
		number = int64(e.code)
		if dated && isKick(e.code) {
			u.kicks.add(stretch{span: span{e.time, e.time}, n: 1})
		}
	}
	u.addCode(number, 1)
	u.addDevice(e.device)
}

// name is what is kept of a user's id.
func (t *Tally) name(id string) string {
	if t.opt.Plain {
		return strings.Clone(cut(id, maxNameBytes))
	}
	return mask(id)
}

func (t *Tally) shapeName(shape extract.Shape) string {
	if t.shapeNames == nil {
		t.shapeNames = make([]string, math.MaxUint8+1)
	}
	if t.shapeNames[shape] == "" {
		t.shapeNames[shape] = nameOf(shape)
	}
	return t.shapeNames[shape]
}

// maxKeyBytes is how much is kept of a version, a platform, an unknown value, a path.
const maxKeyBytes = 128

// count adds n of a text that is not empty.
func count(h *heavy[string, none], text string, n int64) {
	if text != "" {
		addText(h, text, n)
	}
}

// addText adds n of a text as it is kept: valid UTF-8, of bounded length, and no part of a longer string. A text that is
// there already is not looked at twice.
func addText[V any](h *heavy[string, V], text string, n int64) *item[string, V] {
	if h.find(text) == nil {
		text = strings.Clone(cut(text, maxKeyBytes))
	}
	return h.add(text, n)
}

// observe takes an observation into s, sooner or later.
func (t *Tally) observe(s *series, o observation) {
	start := align(o.bucket, t.bounds.level)
	o.millis, o.bucket = later(o.millis, o.bucket-start), start
	s.pending = append(s.pending, o)
	if t.pending++; t.pending >= t.lim.pending {
		t.flush()
	}
}

// flush brings everything that is pending into the cells, and the cells into their bounds.
func (t *Tally) flush() {
	if t.pending == 0 {
		return
	}
	t.each(func(s *series) { s.flush(&t.bounds) })
	for _, c := range t.codes {
		c.traits.flush(t.traitFloor)
	}
	t.pending = 0
	t.limit()
}

// each calls f for all series.
func (t *Tally) each(f func(*series)) {
	for _, k := range t.codes {
		f(&k.series)
	}
	f(&t.seen)
}

// limit brings the cells into their bounds.
func (t *Tally) limit() {
	for t.bounds.level < maxLevel && t.cells() > t.lim.cells {
		t.widen(t.bounds.level + 1)
	}
	held := 0
	t.each(func(s *series) { held += s.held() })
	if held > t.lim.users {
		t.giveUp(t.floorFor(held - t.lim.users))
	}
	t.limitTraits()
}

func (t *Tally) cells() int {
	n := 0
	t.each(func(s *series) { n += len(s.cells) })
	return n
}

// Size returns about how many bytes t takes, so that a part can be merged before it is large. It depends on what was added
// alone.
func (t *Tally) Size() int {
	const textItem, userItem = 128, 512 // with their share of a map
	n := userItem*len(t.top.items) + textItem*(len(t.hints.items)+len(t.unknown.values.items)) + t.seen.size()
	for _, c := range t.codes {
		texts := len(c.reasons.items) + len(c.versions.items) + len(c.platforms.items) + len(c.inner.items)
		n += textItem*texts + c.users.size() + c.series.size() + c.traits.size()
	}
	return n
}

// floorFor returns the least floor that frees excess bytes.
func (t *Tally) floorFor(excess int) int32 {
	var open []cursor
	t.each(func(s *series) { open = append(open, s.from(t.bounds.floor, &t.bounds)) })
	floor := t.bounds.floor
	for excess > 0 {
		oldest, found := int32(0), false
		for _, c := range open {
			if c.cell < len(c.s.cells) && (!found || c.s.cells[c.cell].bucket < oldest) {
				oldest, found = c.s.cells[c.cell].bucket, true
			}
		}
		if !found {
			break
		}
		floor = oldest + 1
		for i := range open {
			c := &open[i]
			if c.cell < len(c.s.cells) && c.s.cells[c.cell].bucket == oldest {
				v, _ := c.next()
				excess -= 8*len(v.users) + kickBytes*len(v.kicks) + 4*len(v.devices)
			}
		}
	}
	return alignUp(floor, t.bounds.level)
}

// alignUp returns the first cell that begins at or after b.
func alignUp(b int32, level uint8) int32 {
	if b == align(b, level) {
		return b
	}
	w := int64(width(level))
	return int32(min(int64(align(b, level))+w, math.MaxInt32))
}

// giveUp forgets the users of all cells before floor.
func (t *Tally) giveUp(floor int32) {
	if floor <= t.bounds.floor {
		return
	}
	t.each(func(s *series) { s.giveUp(floor, &t.bounds) })
	t.bounds.floor = floor
}

// widen makes the cells as wide as level says.
func (t *Tally) widen(level uint8) {
	if level <= t.bounds.level {
		return
	}
	t.giveUp(alignUp(t.bounds.floor, level))
	t.each(func(s *series) { s.widen(level, &t.bounds) })
	t.giveUpTraits(alignUp(t.traitFloor, level))
	for _, c := range t.codes {
		c.traits.widen(level)
	}
	t.bounds.level = level
}

// Merge adds o, the part of the input that follows, to t. Afterwards o may be wider than it was, with less of its users; t holds
// nothing of it.
func (t *Tally) Merge(o *Tally) {
	for c := range classes {
		t.Lines(c, o.lines[c])
	}
	t.Bytes(o.bytes)
	t.Success(o.success)
	t.Filtered(o.filtered)
	t.Late(o.late)
	t.undated = sum(t.undated, o.undated)

	if o.knowsCodes() || o.bounds.level > t.bounds.level || o.bounds.floor > t.bounds.floor || o.traitFloor > t.traitFloor {
		t.mergeCodes(o)
	}
	t.unknown.merge(&o.unknown)
	t.users.merge(&o.users)
	t.top.merge(&o.top, (*userInfo).unite)
	t.shapes.merge(&o.shapes, nil)
	t.hints.merge(&o.hints, nil)
}

// knowsCodes says whether there is anything in t besides totals of lines and events.
func (t *Tally) knowsCodes() bool {
	return len(t.codes) > 0 || len(t.seen.cells) > 0 || len(t.seen.pending) > 0
}

// mergeCodes adds what o knows of codes, and of the times of lines.
func (t *Tally) mergeCodes(o *Tally) {
	t.flush()
	o.flush()
	t.widen(o.bounds.level)
	o.widen(t.bounds.level)
	t.giveUp(o.bounds.floor)
	o.giveUp(t.bounds.floor)
	t.giveUpTraits(o.traitFloor)
	for number, from := range o.codes {
		into := t.code(number)
		into.merge(from, &t.bounds)
		into.traits.merge(from.traits.all, t.traitFloor)
	}
	t.seen.merge(&o.seen, &t.bounds)
	t.limit()
}

func (c *code) merge(o *code, b *bounds) {
	if c.entry == nil {
		c.entry = o.entry
	}
	c.count = sum(c.count, o.count)
	c.span.add(o.span.first, o.span.last)
	c.users.merge(&o.users)
	c.reasons.merge(&o.reasons, nil)
	c.versions.merge(&o.versions, nil)
	c.platforms.merge(&o.platforms, nil)
	c.inner.merge(&o.inner, nil)
	c.series.merge(&o.series, b)
}

func (u *unknown) merge(o *unknown) {
	u.count = sum(u.count, o.count)
	u.span.add(o.span.first, o.span.last)
	u.values.merge(&o.values, func(into, from *span) { into.add(from.first, from.last) })
}

// nameOf is the word for a shape.
func nameOf(shape extract.Shape) string { return fmt.Sprint(shape) }
