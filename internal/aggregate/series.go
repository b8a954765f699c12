package aggregate

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// bucketMillis is the width of a cell at level 0, and the unit in which cells are counted from the epoch.
const bucketMillis = 10_000

// maxLevel is the widest level: cells of about 16 years, of which few enough fit any time.
const maxLevel = 24

// width returns how many buckets a cell covers: 10 s, then 1 min and its doubles.
func width(level uint8) int32 {
	if level == 0 {
		return 1
	}
	return 6 << (level - 1)
}

// align returns the bucket at which the cell of b begins.
func align(b int32, level uint8) int32 { return b - b%width(level) }

// cell is one code in one stretch of time. 16 bytes, because there may be millions.
type cell struct {
	bucket int32  // first bucket it covers
	events uint32 // stays at the greatest value instead of overflowing
	users  uint32 // distinct users; with events whose user could not be told apart any more
	anon   uint32 // events without a user
}

// kick is what an open cell of a kick code knows of one user, beside the hash.
type kick struct {
	n       uint32
	last    uint32 // milliseconds from the cell's start
	devices uint8
}

// maxDevices is how many devices are told apart: of a user, and of a user in a cell.
const maxDevices = 8

// view is one cell with what is known of its users. The slices belong to a series.
type view struct {
	cell
	users   []uint64 // ascending
	kicks   []kick   // one for each user, in a series of kicks
	devices []uint32 // ascending within each user
}

// observation is one event, or several lines, on their way into a series.
type observation struct {
	user   uint64
	bucket int32
	n      uint32
	millis uint32 // from the start of bucket
	device uint32
}

// series is the cells of one code in order of time. Cells at or after bounds.floor are open: their users are known. What
// is known stands in the order of the cells in plain slices, and how much belongs to which cell follows from the cells.
type series struct {
	kick    bool // a series of a kick code: kicks and devices are kept
	cells   []cell
	users   []uint64
	kicks   []kick
	devices []uint32
	pending []observation
}

// clear makes s empty, and keeps the room.
func (s *series) clear() {
	*s = series{kick: s.kick, cells: s.cells[:0], users: s.users[:0], kicks: s.kicks[:0], devices: s.devices[:0]}
}

// bounds is what all series of a Tally share.
type bounds struct {
	cellUsers int   // users that a cell tells apart
	floor     int32 // cells before it have given their users up
	level     uint8 // width of the cells
}

// known returns how many users of c are told apart: open cells have given none up before they were full.
func (b *bounds) known(c cell) int {
	if c.bucket < b.floor {
		return 0
	}
	return min(int(c.users), b.cellUsers)
}

// held returns how many bytes the series takes to tell users apart.
func (s *series) held() int { return 8*len(s.users) + kickBytes*len(s.kicks) + 4*len(s.devices) }

// kickBytes is the size of a kick.
const kickBytes = 12

// size returns about how many bytes s takes.
func (s *series) size() int { return 16*len(s.cells) + s.held() + 24*len(s.pending) }

// flush sorts what is pending into the cells.
func (s *series) flush(b *bounds) {
	if len(s.pending) == 0 {
		s.pending = nil // the room is for the code that has the events now
		return
	}
	slices.SortFunc(s.pending, func(x, y observation) int {
		switch {
		case x.bucket != y.bucket:
			return int(x.bucket - y.bucket) // neither is negative
		case x.user < y.user:
			return -1
		case x.user > y.user:
			return 1
		}
		return 0
	})
	rest := s.pending
	fresh := series{kick: s.kick} // of cells that there are, or that come before them
	for len(rest) > 0 {
		n := 1
		for n < len(rest) && rest[n].bucket == rest[0].bucket {
			n++
		}
		if s.later(rest[0].bucket) {
			break
		}
		fresh.observe(rest[:n], b)
		rest = rest[n:]
	}
	s.merge(&fresh, b)
	for len(rest) > 0 {
		n := 1
		for n < len(rest) && rest[n].bucket == rest[0].bucket {
			n++
		}
		s.observe(rest[:n], b)
		rest = rest[n:]
	}
	s.pending = s.pending[:0]
}

// observe appends the cell that the observations make up. They are of one bucket and sorted by user.
func (s *series) observe(obs []observation, b *bounds) {
	c := cell{bucket: obs[0].bucket}
	open := c.bucket >= b.floor
	kept := 0
	for len(obs) > 0 {
		n := 1
		for n < len(obs) && obs[n].user == obs[0].user {
			n++
		}
		var events uint32
		for _, o := range obs[:n] {
			events = sum32(events, o.n)
		}
		c.events = sum32(c.events, events)
		switch user := obs[0].user; {
		case user == 0:
			c.anon = sum32(c.anon, events)
		case open && kept < b.cellUsers:
			kept++
			c.users++
			s.users = append(s.users, user)
			if s.kick {
				s.observeKicks(obs[:n], events)
			}
		default:
			c.users++
		}
		obs = obs[n:]
	}
	s.cells = append(s.cells, c)
}

// observeKicks appends what the observations say of their one user.
func (s *series) observeKicks(obs []observation, events uint32) {
	k := kick{n: events}
	var devices [maxDevices]uint32
	seen := devices[:0]
	for _, o := range obs {
		k.last = max(k.last, o.millis)
		seen = addDevice(seen, o.device)
	}
	k.devices = uint8(len(seen))
	s.kicks = append(s.kicks, k)
	s.devices = append(s.devices, seen...)
}

// addDevice puts d into the ascending list. Only the maxDevices least are kept, so the order of adding is irrelevant.
func addDevice(list []uint32, d uint32) []uint32 {
	i, found := slices.BinarySearch(list, d)
	switch {
	case d == 0 || found || i == maxDevices:
		return list
	case len(list) == maxDevices:
		list = list[:maxDevices-1]
	}
	return slices.Insert(list, i, d)
}

// merge adds o, which has the same bounds. It takes room for no more than the cells that move.
func (s *series) merge(o *series, b *bounds) {
	if len(o.cells) == 0 {
		return
	}
	y := cursor{s: o, b: b}
	switch {
	case s.later(o.cells[0].bucket):
		s.appendAll(o)
		return
	case len(o.cells) <= fewCells && s.room(o, b):
		s.insert(y, b)
		return
	}
	x := s.from(o.cells[0].bucket, b)
	stay := x
	if 2*stay.cell < len(s.cells) {
		stay = cursor{} // most of them move: all of them do
	}
	into := series{
		kick:    s.kick,
		cells:   make([]cell, 0, len(s.cells)-stay.cell+len(o.cells)),
		users:   make([]uint64, 0, len(s.users)-stay.user+len(o.users)),
		kicks:   make([]kick, 0, max(len(s.kicks)-stay.user, 0)+len(o.kicks)),
		devices: make([]uint32, 0, len(s.devices)-stay.device+len(o.devices)),
	}
	into.appendAll(s.between(stay, x))
	vx, okx := x.next()
	vy, oky := y.next()
	for okx || oky {
		switch {
		case !oky || okx && vx.bucket < vy.bucket:
			into.append(vx)
			vx, okx = x.next()
		case !okx || vy.bucket < vx.bucket:
			into.append(vy)
			vy, oky = y.next()
		default:
			into.unite(vx, vy, b)
			vx, okx = x.next()
			vy, oky = y.next()
		}
	}
	if stay.cell == 0 {
		into.pending = s.pending
		*s = into
		return
	}
	s.truncate(stay)
	s.appendAll(&into)
}

// fewCells is how many cells are merged one by one, where they are.
const fewCells = 4

// room says whether no cell of o makes one of s full.
func (s *series) room(o *series, b *bounds) bool {
	for _, c := range o.cells {
		i := s.search(c.bucket)
		if i < len(s.cells) && s.cells[i].bucket == c.bucket && b.known(s.cells[i])+b.known(c) > b.cellUsers {
			return false
		}
	}
	return true
}

// insert merges the cells from y on, none of which makes one of s full. It moves what comes after them.
func (s *series) insert(y cursor, b *bounds) {
	for v, ok := y.next(); ok; v, ok = y.next() {
		at := s.from(v.bucket, b)
		if at.cell < len(s.cells) && s.cells[at.cell].bucket == v.bucket {
			s.insertUsers(at, v)
			continue
		}
		s.cells = slices.Insert(s.cells, at.cell, v.cell)
		s.users = slices.Insert(s.users, at.user, v.users...)
		if s.kick {
			s.kicks = slices.Insert(s.kicks, at.user, v.kicks...)
			s.devices = slices.Insert(s.devices, at.device, v.devices...)
		}
	}
}

// insertUsers adds v to the cell at a cursor, which is of the same bucket. See unite.
func (s *series) insertUsers(at cursor, v view) {
	c := &s.cells[at.cell]
	c.events, c.anon = sum32(c.events, v.events), sum32(c.anon, v.anon)
	lost := v.cell.users - uint32(len(v.users))
	known := at.b.known(*c)
	user, end, fresh := at.user, at.user+known, uint32(0)
	for i, h := range v.users {
		n, found := slices.BinarySearch(s.users[user:end], h)
		if s.kick {
			for _, k := range s.kicks[user : user+n] {
				at.device += int(k.devices)
			}
		}
		user += n
		if !found {
			s.users = slices.Insert(s.users, user, h)
			end++
			fresh++
		}
		if s.kick {
			if !found {
				s.kicks = slices.Insert(s.kicks, user, kick{})
			}
			n := int(v.kicks[i].devices)
			s.addKicks(user, at.device, v.kicks[i], v.devices[:n])
			v.devices = v.devices[n:]
		}
	}
	c.users = sum32(c.users, sum32(fresh, lost))
}

// addKicks adds what is known of a user to the kicks at user, whose devices begin at device.
func (s *series) addKicks(user, device int, from kick, devices []uint32) {
	k := &s.kicks[user]
	k.n, k.last = sum32(k.n, from.n), max(k.last, from.last)
	var room [maxDevices]uint32
	end := device + int(k.devices)
	all := append(room[:0], s.devices[device:end]...)
	for _, d := range devices {
		all = addDevice(all, d)
	}
	if k.devices = uint8(len(all)); device+len(all) != end || !slices.Equal(all, s.devices[device:end]) {
		s.devices = slices.Replace(s.devices, device, end, all...)
	}
}

// between returns the cells from one cursor to another; they still belong to s.
func (s *series) between(from, to cursor) *series {
	part := &series{kick: s.kick, cells: s.cells[from.cell:to.cell], users: s.users[from.user:to.user]}
	if s.kick {
		part.kicks, part.devices = s.kicks[from.user:to.user], s.devices[from.device:to.device]
	}
	return part
}

// truncate takes the cells from a cursor on away.
func (s *series) truncate(at cursor) {
	s.cells, s.users = s.cells[:at.cell], s.users[:at.user]
	if s.kick {
		s.kicks, s.devices = s.kicks[:at.user], s.devices[:at.device]
	}
}

// appendAll adds the cells of o, which are later than all others.
func (s *series) appendAll(o *series) {
	s.cells = append(s.cells, o.cells...)
	s.users = append(s.users, o.users...)
	s.kicks = append(s.kicks, o.kicks...)
	s.devices = append(s.devices, o.devices...)
}

// later says whether bucket comes after all cells.
func (s *series) later(bucket int32) bool {
	return len(s.cells) == 0 || s.cells[len(s.cells)-1].bucket < bucket
}

// search returns the index of the first cell at or after bucket.
func (s *series) search(bucket int32) int {
	if s.later(bucket) {
		return len(s.cells)
	}
	return sort.Search(len(s.cells), func(i int) bool { return s.cells[i].bucket >= bucket })
}

// append adds a cell that is later than all others.
func (s *series) append(v view) {
	s.cells = append(s.cells, v.cell)
	s.users = append(s.users, v.users...)
	s.kicks = append(s.kicks, v.kicks...)
	s.devices = append(s.devices, v.devices...)
}

// unite appends the cell that x and y make up together. Their users must not lie in s.
//
// If more users are known than a cell may tell apart, those with the least hashes stay; the others are only counted, and
// counted again when they come back. So distinct users ≤ cell.users ≤ events always holds, with equality on the left as
// long as the cell was never full.
func (s *series) unite(x, y view, b *bounds) {
	c := cell{bucket: x.bucket, events: sum32(x.events, y.events), anon: sum32(x.anon, y.anon)}
	lost := sum32(x.cell.users-uint32(len(x.users)), y.cell.users-uint32(len(y.users)))
	from := len(s.users)
	for len(x.users) > 0 || len(y.users) > 0 {
		full := len(s.users)-from == b.cellUsers
		order := -1
		switch {
		case len(x.users) == 0:
			order = 1
		case len(y.users) > 0:
			order = cmp.Compare(x.users[0], y.users[0])
		}
		switch {
		case full:
			lost = sum32(lost, 1)
		case order <= 0:
			s.users = append(s.users, x.users[0])
		default:
			s.users = append(s.users, y.users[0])
		}
		if s.kick {
			s.uniteKicks(&x, &y, order, full)
		}
		if order <= 0 {
			x.users = x.users[1:]
		}
		if order >= 0 {
			y.users = y.users[1:]
		}
	}
	c.users = sum32(uint32(len(s.users)-from), lost)
	s.cells = append(s.cells, c)
}

// uniteKicks takes the kicks of the next user off x (order < 0), y (> 0) or both, and appends them unless full.
func (s *series) uniteKicks(x, y *view, order int, full bool) {
	var k kick
	var room [maxDevices]uint32
	devices := room[:0]
	take := func(v *view) {
		next := v.kicks[0]
		k.n, k.last = sum32(k.n, next.n), max(k.last, next.last)
		for _, d := range v.devices[:next.devices] {
			devices = addDevice(devices, d)
		}
		v.kicks, v.devices = v.kicks[1:], v.devices[next.devices:]
	}
	if order <= 0 {
		take(x)
	}
	if order >= 0 {
		take(y)
	}
	if full {
		return
	}
	k.devices = uint8(len(devices))
	s.kicks = append(s.kicks, k)
	s.devices = append(s.devices, devices...)
}

// cursor reads the cells of a series one after the other.
type cursor struct {
	s                  *series
	b                  *bounds
	cell, user, device int
}

// next returns the next cell, and false if there is none.
func (c *cursor) next() (view, bool) {
	if c.cell == len(c.s.cells) {
		return view{}, false
	}
	v := view{cell: c.s.cells[c.cell]}
	end := c.user + c.b.known(v.cell)
	v.users = c.s.users[c.user:end]
	if c.s.kick {
		v.kicks = c.s.kicks[c.user:end]
		from := c.device
		for _, k := range v.kicks {
			c.device += int(k.devices)
		}
		v.devices = c.s.devices[from:c.device]
	}
	c.cell, c.user = c.cell+1, end
	return v, true
}

// end returns the cursor after all cells.
func (s *series) end() cursor {
	return cursor{cell: len(s.cells), user: len(s.users), device: len(s.devices)}
}

// from returns a cursor at the first cell at or after bucket.
func (s *series) from(bucket int32, b *bounds) cursor {
	c := cursor{s: s, b: b, cell: s.search(bucket), user: len(s.users), device: len(s.devices)}
	for _, later := range s.cells[c.cell:] {
		c.user -= b.known(later)
	}
	if s.kick {
		for _, k := range s.kicks[c.user:] {
			c.device -= int(k.devices)
		}
	}
	return c
}

// giveUp forgets the users of the cells before floor. b still has the floor of before.
func (s *series) giveUp(floor int32, b *bounds) {
	users, devices := 0, 0
	for i := s.search(b.floor); i < len(s.cells) && s.cells[i].bucket < floor; i++ {
		users += b.known(s.cells[i])
	}
	s.users = s.users[users:]
	if s.kick {
		for _, k := range s.kicks[:users] {
			devices += int(k.devices)
		}
		s.kicks, s.devices = s.kicks[users:], s.devices[devices:]
	}
}

// widen makes the cells as wide as level says. b is as before, but for a floor that level does not divide.
func (s *series) widen(level uint8, b *bounds) {
	if s.apart(level) {
		c := cursor{s: s, b: b}
		for i := range s.cells {
			v, _ := c.next()
			s.cells[i].bucket = align(v.bucket, level)
			v.postpone(v.bucket - s.cells[i].bucket)
		}
		return
	}
	old := *s
	*s = series{kick: old.kick, pending: old.pending}
	c := cursor{s: &old, b: b}
	for v, ok := c.next(); ok; v, ok = c.next() {
		start := align(v.bucket, level)
		v.postpone(v.bucket - start)
		v.bucket = start
		if n := len(s.cells); n == 0 || s.cells[n-1].bucket != start {
			s.append(v)
			continue
		}
		last := s.from(start, b)
		one := series{kick: s.kick}
		lv, _ := last.next()
		one.unite(lv, v, b)
		s.truncate(s.from(start, b))
		s.appendAll(&one)
	}
}

// apart says whether no two cells become one at level.
func (s *series) apart(level uint8) bool {
	for i := 1; i < len(s.cells); i++ {
		if align(s.cells[i].bucket, level) == align(s.cells[i-1].bucket, level) {
			return false
		}
	}
	return true
}

// postpone makes the times of kicks such of a cell that begins some buckets earlier.
func (v *view) postpone(buckets int32) {
	for i := range v.kicks {
		v.kicks[i].last = later(v.kicks[i].last, buckets)
	}
}

// later adds buckets to milliseconds. In the widest cells, of more than 49 days, it stays at the greatest value.
func later(millis uint32, buckets int32) uint32 {
	return uint32(min(uint64(millis)+uint64(buckets)*bucketMillis, math.MaxUint32))
}
