package detect

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
)

// The state is a magic word, a version, the detector, and a checksum. Numbers are varints, lists begin with their length,
// times are bucket numbers. It holds ids of users as hashes only. It depends on what the detector has seen and on nothing
// else, so that equal detectors give equal bytes.
const (
	stateMagic   = "imdet"
	stateVersion = 1
)

// ErrForeignState says that bytes are no state of a detector, or were damaged.
var ErrForeignState = errors.New("detector state: not one, or damaged")

// StateVersionError says that a state was written by a program of another version.
type StateVersionError struct{ Version int }

func (e *StateVersionError) Error() string {
	return fmt.Sprintf("detector state: version %d: this program reads %d; start without it, and the usual is learned anew within a day",
		e.Version, stateVersion)
}

// MarshalBinary returns the state. It never fails.
func (d *Detector) MarshalBinary() ([]byte, error) {
	w := &writer{buf: append([]byte(stateMagic), stateVersion)}
	w.bool(d.started)
	w.int(d.next)
	if d.started {
		w.detector(d)
	}
	return binary.LittleEndian.AppendUint32(w.buf, crc32.ChecksumIEEE(w.buf)), nil
}

// UnmarshalBinary makes d, which must be new, go on where the state was taken. Its options may differ from those of then:
// alerts that are firing go on by the new ones, and a limit that was changed starts anew. The error is ErrForeignState or a
// *StateVersionError; d is then as new as before.
func (d *Detector) UnmarshalBinary(data []byte) error {
	head := len(stateMagic)
	if len(data) < head+1+4 || string(data[:head]) != stateMagic {
		return ErrForeignState
	}
	if v := int(data[head]); v != stateVersion {
		return &StateVersionError{v}
	}
	body, sum := data[:len(data)-4], binary.LittleEndian.Uint32(data[len(data)-4:])
	if crc32.ChecksumIEEE(body) != sum {
		return ErrForeignState
	}
	r := &reader{buf: body[head+1:]}
	fresh := New(d.opt)
	fresh.started = r.bool()
	fresh.next = r.bucket()
	if fresh.started {
		r.detector(fresh)
	}
	if r.bad || len(r.buf) > 0 {
		return ErrForeignState
	}
	*d = *fresh
	return nil
}

func (w *writer) detector(d *Detector) {
	w.level(d.lines)
	w.int(d.empty)
	w.bool(d.inGap)
	w.uint(d.gaps)
	w.profile(&d.all)
	w.series(d.blank)
	w.uint(uint64(len(d.series)))
	for _, s := range d.series {
		w.series(s)
	}
	w.uint(uint64(len(d.incidents)))
	for _, inc := range d.incidents {
		w.incident(inc)
	}
	w.uint(uint64(len(d.peaks)))
	for _, name := range sortedKeys(d.peaks) {
		w.text(name)
		w.uint(uint64(len(d.peaks[name])))
		for _, p := range d.peaks[name] {
			w.int(p.end)
			w.int(p.perMinute)
		}
	}
	w.uint(uint64(len(d.limits)))
	for _, l := range d.limits {
		w.limit(l)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

const maxStateCodes = 4096

func (r *reader) detector(d *Detector) {
	d.lines = r.level()
	d.empty = r.int(maxBucket)
	d.inGap = r.bool()
	d.gaps = r.uint(math.MaxUint64)
	r.profile(&d.all)
	d.blank = r.series(d.next)
	for range r.length(maxStateCodes) {
		s := r.series(d.next)
		if n := len(d.series); n > 0 && s.code <= d.series[n-1].code {
			r.bad = true
		}
		d.series = append(d.series, s)
	}
	for range r.length(maxStateCodes) {
		inc := r.incident(d.next)
		d.incidents = append(d.incidents, inc)
		for _, m := range inc.members {
			s := d.find(m.code)
			if s == nil || m.open && (!s.firing || !s.published) {
				r.bad = true
				return
			}
			if m.open {
				s.ev = m.ev
			}
		}
	}
	for range r.length(maxStateCodes) {
		name := r.text(64)
		for range r.length(keptPeaks) {
			d.peaks[name] = append(d.peaks[name], peak{r.bucket(), r.int(math.MaxInt64)})
		}
	}
	for range r.length(maxLimits) {
		r.limit(d)
	}
	for _, s := range append([]*series{d.blank}, d.series...) {
		r.check(!s.firing || s.ev != nil)
		if !s.asleep {
			d.awake++
		}
	}
	for _, l := range d.limits {
		if !l.idle() {
			d.awake++
		}
	}
}

func (w *writer) series(s *series) {
	w.int(int64(s.code))
	w.int(s.now)
	for _, b := range []int64{s.born, s.learned, s.lastHot, s.lastGap, s.lastY} {
		w.int(s.now + 1 - b)
	}
	w.bool(s.asleep)
	w.level(s.local)
	w.level(s.daily)
	w.level(s.near)
	for k := range s.clocks {
		w.clock(&s.clocks[k])
	}
	w.clock(&s.edge)
	for b := max(s.born, s.now-ringLen+1); b <= s.now; b++ {
		w.past(s.at(b))
	}
	w.memory(&s.memory)
	w.int(s.seen)
	w.recent(&s.recent)
	w.profile(&s.profile)
	w.bool(s.firing)
	if !s.firing {
		return
	}
	for _, n := range []int64{s.onset, s.since, s.hot, s.quiet, int64(s.clock)} {
		w.int(n)
	}
	w.float(s.frozen)
	w.float(s.score)
	w.bool(s.published)
	if !s.published {
		w.evidence(s.ev)
	}
}

func (r *reader) series(next int64) *series {
	s := &series{}
	s.code = int32(r.signed(math.MinInt32, math.MaxInt32))
	s.now = r.signed(-1, maxBucket)
	for _, b := range []*int64{&s.born, &s.learned, &s.lastHot, &s.lastGap, &s.lastY} {
		*b = s.now + 1 - r.int(maxBucket)
	}
	s.asleep = r.bool()
	r.check(s.learned > s.now-ringLen && s.learned >= s.born && s.born >= 0)
	if s.asleep {
		r.check(s.now+1 == (next-1)-(next-1)%slotBuckets)
	} else {
		r.check(s.now+1 == next)
	}
	s.local, s.daily, s.near = r.level(), r.level(), r.level()
	r.check((s.local.n == 0) == (s.daily.n == 0))
	for k := range s.clocks {
		r.clock(&s.clocks[k], clockBuckets[k])
	}
	r.clock(&s.edge, edgeBuckets)
	if r.bad {
		return s
	}
	for b := max(s.born, s.now-ringLen+1); b <= s.now; b++ {
		*s.at(b) = r.past()
	}
	s.addUp()
	r.memory(&s.memory)
	s.lookUp(s.now - s.now%slotBuckets)
	s.seen = r.int(slotBuckets)
	r.recent(&s.recent, s.now)
	r.profile(&s.profile)
	if s.firing = r.bool(); !s.firing {
		return s
	}
	s.onset, s.since, s.hot = r.bucket(), r.bucket(), r.bucket()
	r.check(s.onset <= s.since && s.since <= s.now && s.hot <= s.now && s.onset >= s.born)
	s.quiet = r.int(maxBucket)
	s.clock = int(r.int(edge))
	s.frozen, s.score = r.float(), r.float()
	r.check(s.frozen > 0)
	if s.published = r.bool(); !s.published {
		s.ev = r.evidence()
	}
	return s
}

// addUp sets the sums of the clocks by the ring.
func (s *series) addUp() {
	sum := func(n int64) (sum int64) {
		for b := max(s.born, s.now-n+1); b <= s.now; b++ {
			sum += int64(s.at(b).y)
		}
		return sum
	}
	for k := range s.clocks {
		s.clocks[k].sum = sum(clockBuckets[k])
	}
	s.edge.sum = sum(edgeBuckets)
}

func (w *writer) past(x *past) {
	w.uint(uint64(x.y))
	w.uint(uint64(x.events))
	w.uint(uint64(x.users))
	w.float(x.forecast)
	w.float(x.near)
	w.bool(x.skip)
	w.bool(x.gap)
}

func (r *reader) past() past {
	return past{
		y: uint32(r.uint(math.MaxUint32)), events: uint32(r.uint(math.MaxUint32)), users: uint32(r.uint(math.MaxUint32)),
		forecast: r.float(), near: r.float(), skip: r.bool(), gap: r.bool(),
	}
}

func (w *writer) level(l level) {
	w.float(l.s)
	w.float(l.n)
}

func (r *reader) level() level {
	l := level{s: r.float(), n: r.float()}
	r.check(l.s >= 0 && l.n >= 0)
	return l
}

func (w *writer) clock(c *clock) {
	for _, x := range []float64{c.blockY, c.blockF, c.q, c.d, c.b} {
		w.float(x)
	}
	w.int(c.blockN)
	w.int(c.max)
}

func (r *reader) clock(c *clock, size int64) {
	for _, x := range []*float64{&c.blockY, &c.blockF, &c.q, &c.d, &c.b} {
		*x = r.float()
	}
	c.blockN = r.int(size - 1)
	c.max = r.int(math.MaxInt64)
	r.check(c.d >= 0 && c.b >= 0)
}

// memory writes runs of equal counts, or where that is no shorter each count. Silent codes have long runs, busy ones none.
func (w *writer) memory(m *dayMemory) {
	for k := range clocks {
		var runs writer
		for i := 0; i < memorySlots; {
			run := 1
			for i+run < memorySlots && m[i+run][k] == m[i][k] {
				run++
			}
			runs.count16(m[i][k])
			runs.uint(uint64(run))
			i += run
		}
		plain := len(runs.buf) >= 2*memorySlots
		w.bool(plain)
		if !plain {
			w.buf = append(w.buf, runs.buf...)
			continue
		}
		for i := range m {
			w.count16(m[i][k])
		}
	}
}

func (w *writer) count16(c count16) { w.buf = binary.LittleEndian.AppendUint16(w.buf, uint16(c)) }

func (r *reader) count16() count16 {
	if b := r.bytes(2); b != nil {
		return count16(binary.LittleEndian.Uint16(b))
	}
	return 0
}

func (r *reader) memory(m *dayMemory) {
	for k := range clocks {
		plain := r.bool()
		for i := 0; i < memorySlots && !r.bad; {
			c, run := r.count16(), 1
			if !plain {
				run = int(r.uint(uint64(memorySlots - i)))
				r.check(run > 0)
			}
			for ; run > 0; run-- {
				m[i][k] = c
				i++
			}
		}
	}
}

func (w *writer) recent(q *recent) {
	w.int(q.first)
	w.int(q.end - q.first)
	for b := q.first; b < q.end; b++ {
		w.uint(uint64(q.remembered(b)))
	}
	for _, user := range q.users.list() {
		w.hash(user)
	}
	w.bool(q.known.len() > 0)
	if q.known.len() == 0 {
		return
	}
	for _, n := range q.known.list() {
		w.uint(uint64(n))
	}
	for _, dev := range q.devices.list() {
		w.device(dev)
	}
}

func (r *reader) recent(q *recent, now int64) {
	q.first = r.bucket()
	q.end = q.first + r.int(ringLen)
	r.check(q.end <= now+1)
	users := 0
	for b := q.first; b < q.end && !r.bad; b++ {
		n := r.uint(recentUsers)
		q.counts[b&(ringLen-1)] = uint16(n)
		users += int(n)
	}
	r.check(users <= recentUsers)
	if r.bad {
		return
	}
	for range users {
		q.users.push(r.hash())
	}
	if !r.bool() {
		return
	}
	devices := 0
	for range users {
		n := r.uint(keptDevices)
		q.known.push(uint8(n))
		devices += int(n)
	}
	for range min(devices, recentDevices) {
		q.devices.push(r.device())
	}
	r.check(devices <= recentDevices && users > 0)
}

func (w *writer) profile(p *profile) {
	w.int(p.minute)
	if p.minute == 0 {
		return
	}
	for _, hot := range p.hot {
		w.bool(hot)
	}
	for f := range p.fields {
		w.tally(&p.fields[f].total)
		w.uint(uint64(len(p.fields[f].values)))
		for i := range p.fields[f].values {
			w.text(p.fields[f].values[i].text)
			w.tally(&p.fields[f].values[i].tally)
		}
	}
}

func (r *reader) profile(p *profile) {
	if p.minute = r.int(maxBucket); p.minute == 0 {
		return
	}
	for i := range p.hot {
		p.hot[i] = r.bool()
	}
	for f := range p.fields {
		x := &p.fields[f]
		r.tally(&x.total)
		for range r.length(keptValues) {
			s := share{text: r.text(maxValueBytes)}
			r.tally(&s.tally)
			r.check(len(x.values) == 0 || x.values[len(x.values)-1].text < s.text)
			x.values = append(x.values, s)
		}
	}
}

func (w *writer) tally(t *tally) {
	w.float(t.before)
	for _, n := range t.lately {
		w.uint(uint64(n))
	}
}

func (r *reader) tally(t *tally) {
	t.before = r.float()
	r.check(t.before >= 0)
	for i := range t.lately {
		t.lately[i] = uint32(r.uint(math.MaxUint32))
	}
}

func (w *writer) evidence(e *evidence) {
	w.int(e.events)
	w.int(e.count)
	w.int(e.anonymous)
	w.float(e.expected)
	w.users(&e.users)
	w.uint(uint64(len(e.sample)))
	for _, k := range e.sample {
		w.hash(k.user)
		w.int(k.buckets)
		w.int(k.first)
		w.int(k.last - k.first)
		w.uint(uint64(len(k.devices)))
		for _, dev := range k.devices {
			w.device(dev)
		}
	}
	w.uint(uint64(len(e.busiest)))
	for _, b := range e.busiest {
		w.hash(b.user)
		w.int(b.buckets)
		w.int(b.extra)
	}
	for f := range e.changes {
		x := &e.changes[f]
		w.int(x.inside)
		w.float(x.before)
		w.uint(uint64(len(x.values)))
		for _, v := range x.values {
			w.text(v.text)
			w.int(v.inside)
			w.float(v.before)
		}
	}
}

// maxStateCount keeps sums of counts away from overflow.
const maxStateCount = 1 << 53

func (r *reader) evidence() *evidence {
	e := &evidence{events: r.int(maxStateCount), count: r.int(maxStateCount), anonymous: r.int(maxStateCount), expected: r.float()}
	r.check(e.anonymous <= e.count)
	r.users(&e.users)
	for range r.length(sampleUsers) {
		k := kicked{user: r.hash(), buckets: r.int(maxBucket), first: r.bucket()}
		k.last = k.first + r.int(maxBucket)
		for range r.length(keptDevices) {
			k.devices = append(k.devices, r.device())
		}
		r.check(len(e.sample) == 0 || e.sample[len(e.sample)-1].user < k.user)
		r.check(ascends(k.devices))
		e.sample = append(e.sample, k)
	}
	for range r.length(busiestUsers) {
		e.busiest = append(e.busiest, busy{user: r.hash(), buckets: r.int(maxBucket), extra: r.int(maxBucket)})
	}
	for f := range e.changes {
		x := &e.changes[f]
		x.inside, x.before = r.int(maxStateCount), r.float()
		for range r.length(keptValues) {
			v := weighed{text: r.text(maxValueBytes), inside: r.int(maxStateCount), before: r.float()}
			r.check(len(x.values) == 0 || x.values[len(x.values)-1].text < v.text)
			x.values = append(x.values, v)
		}
	}
	return e
}

func ascends[T cmp.Ordered](x []T) bool {
	for i := 1; i < len(x); i++ {
		if x[i-1] >= x[i] {
			return false
		}
	}
	return true
}

func (w *writer) users(u *userSet) {
	w.bool(u.registers != nil)
	if u.registers != nil {
		w.buf = append(w.buf, u.registers...)
		return
	}
	w.uint(uint64(len(u.exact)))
	for _, user := range u.exact {
		w.hash(user)
	}
}

func (r *reader) users(u *userSet) {
	if r.bool() {
		u.registers = slices.Clone(r.bytes(registerCount))
		for _, x := range u.registers {
			r.check(x <= 64-registerBits+1)
		}
		return
	}
	for range r.length(maxExact) {
		u.exact = append(u.exact, r.hash())
	}
	r.check(ascends(u.exact))
}

func (w *writer) incident(inc *incident) {
	w.text(inc.name)
	for _, n := range []int64{inc.onset, inc.firedAt, inc.end, inc.peak, inc.recorded, inc.told, int64(inc.clock)} {
		w.int(n)
	}
	w.text(inc.reason)
	w.float(inc.score)
	w.uint(uint64(len(inc.members)))
	for _, m := range inc.members {
		w.int(int64(m.code))
		w.bool(m.open)
		w.float(m.frozen)
		w.evidence(m.ev)
	}
}

func (r *reader) incident(next int64) *incident {
	inc := &incident{name: r.text(64)}
	for _, n := range []*int64{&inc.onset, &inc.firedAt, &inc.end} {
		*n = r.bucket()
	}
	inc.peak, inc.recorded, inc.told = r.int(maxStateCount), r.bucket(), r.int(maxStateCount)
	inc.clock = int(r.int(edge))
	r.check(inc.onset <= inc.firedAt && inc.firedAt < next)
	inc.reason = r.text(16)
	inc.score = r.float()
	open := false
	for range r.length(4) {
		m := &member{code: int32(r.signed(math.MinInt32, math.MaxInt32)), open: r.bool(), frozen: r.float(), ev: r.evidence()}
		r.check(alertName(m.code) == inc.name && m.frozen > 0)
		r.check(len(inc.members) == 0 || inc.members[len(inc.members)-1].code < m.code)
		inc.members = append(inc.members, m)
		open = open || m.open
	}
	r.check(open)
	return inc
}

func (w *writer) limit(l *limit) {
	w.text(l.Name)
	w.uint(uint64(len(l.Codes)))
	for _, c := range l.Codes {
		w.int(int64(c))
	}
	w.int(l.window)
	w.int(l.Events)
	w.int(l.Users)
	w.uint(uint64(len(l.counts)))
	for _, c := range l.counts {
		w.int(c.b)
		w.int(c.n)
	}
	w.uint(uint64(len(l.users)))
	for _, u := range l.users {
		w.int(u.bucket)
		w.hash(u.user)
	}
	w.bool(l.firing)
	if !l.firing {
		return
	}
	for _, n := range []int64{l.onset, l.since, l.hot, l.quiet, l.peak, l.recorded, l.told} {
		w.int(n)
	}
	w.evidence(&l.ev)
}

// limit reads the state of a limit and gives it to the one of d that is the same.
func (r *reader) limit(d *Detector) {
	l := &limit{}
	l.Name = r.text(64)
	for range r.length(maxStateCodes) {
		l.Codes = append(l.Codes, int32(r.signed(math.MinInt32, math.MaxInt32)))
	}
	l.window, l.Events, l.Users = r.int(maxBucket), r.int(math.MaxInt64), r.int(maxLimitUsers)
	for range r.length(int(maxLimitWindow / bucket)) {
		c := counted{r.bucket(), r.int(maxStateCount)}
		r.check(len(l.counts) == 0 || l.counts[len(l.counts)-1].b < c.b)
		l.counts = append(l.counts, c)
		l.sum += c.n
	}
	for range r.length(maxLimitUsers) {
		l.users = append(l.users, sighting{bucket: r.bucket(), user: r.hash()})
	}
	if l.firing = r.bool(); l.firing {
		l.onset, l.since, l.hot, l.quiet = r.bucket(), r.bucket(), r.bucket(), r.int(maxBucket)
		l.peak, l.recorded, l.told = r.int(maxStateCount), r.bucket(), r.int(maxStateCount)
		l.ev = *r.evidence()
	}
	for i, now := range d.limits {
		if now.Name == l.Name && slices.Equal(now.Codes, l.Codes) && now.window == l.window && now.Events == l.Events && now.Users == l.Users {
			l.Limit, l.threshold = now.Limit, now.threshold
			d.limits[i] = l
		}
	}
}
