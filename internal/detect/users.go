package detect

import (
	"math/bits"
	"slices"

	"imerr-scan/internal/aggregate"
)

// userSet counts distinct users: exactly up to maxExact, then by HyperLogLog with 4,096 registers, whose standard error is
// 1.6 %. What is in it depends on the users alone, not on their order.
type userSet struct {
	exact     []uint64 // ascending
	registers []uint8  // nil while exact
}

const (
	maxExact      = 512
	registerBits  = 12
	registerCount = 1 << registerBits
)

func (u *userSet) add(user uint64) {
	if u.registers != nil {
		u.register(user)
		return
	}
	i, found := slices.BinarySearch(u.exact, user)
	if found {
		return
	}
	u.exact = slices.Insert(u.exact, i, user)
	if len(u.exact) > maxExact {
		u.sketch()
	}
}

func (u *userSet) sketch() {
	u.registers = make([]uint8, registerCount)
	for _, user := range u.exact {
		u.register(user)
	}
	u.exact = nil
}

func (u *userSet) register(user uint64) {
	r := &u.registers[user>>(64-registerBits)]
	*r = max(*r, uint8(bits.LeadingZeros64(user<<registerBits|1<<(registerBits-1)))+1)
}

func (u *userSet) merge(o *userSet) {
	for _, user := range o.exact {
		u.add(user)
	}
	if o.registers == nil {
		return
	}
	if u.registers == nil {
		u.sketch()
	}
	for i, r := range o.registers {
		u.registers[i] = max(u.registers[i], r)
	}
}

// count returns the number of users (Flajolet et al. 2007).
func (u *userSet) count() int64 {
	if u.registers == nil {
		return int64(len(u.exact))
	}
	const m = float64(registerCount)
	sum, zeros := 0.0, 0.0
	for _, r := range u.registers {
		sum += 1 / float64(uint64(1)<<r)
		if r == 0 {
			zeros++
		}
	}
	estimate := 0.7213 / (1 + 1.079/m) * m * m / sum
	if estimate <= 2.5*m && zeros > 0 {
		estimate = m * ln(m/zeros)
	}
	return max(int64(estimate+0.5), maxExact)
}

// recent remembers who was seen in the newest buckets of a series: what publishing asks for, and what an alert begins with
// when it is noticed some time after its onset. Beyond its bounds the oldest buckets go, and a bucket of a crowd is not
// remembered at all: there, nothing depends on single users.
type recent struct {
	first, end int64           // the buckets remembered
	counts     [ringLen]uint16 // users of a bucket
	users      queue[uint64]   // by bucket, then ascending
	known      queue[uint8]    // of each user, how many devices; kick codes only
	devices    queue[uint32]
}

// queue is a slice that is filled at its end and emptied at its beginning.
type queue[T any] struct {
	all  []T
	head int
}

func (q *queue[T]) push(x ...T) { q.all = append(q.all, x...) }

func (q *queue[T]) drop(n int) {
	if q.head += n; q.head > 512 {
		q.all = q.all[:copy(q.all, q.all[q.head:])]
		q.head = 0
	}
}

func (q *queue[T]) clear()    { q.all, q.head = q.all[:0], 0 }
func (q *queue[T]) list() []T { return q.all[q.head:] }
func (q *queue[T]) len() int  { return len(q.all) - q.head }

// sighting is one user in one bucket.
type sighting struct {
	bucket  int64
	user    uint64
	devices []uint32 // of kick codes only; valid until the next bucket
}

const (
	recentUsers   = 384
	recentDevices = 256
	keptDevices   = 4 // of a user; four are several people
)

// add takes the users of bucket b, which come after those of all others.
func (r *recent) add(b int64, users []uint64, kicks []aggregate.Kick) {
	n := len(users)
	if n > recentUsers {
		n = 0
	}
	if b-r.end >= ringLen || r.users.len() == 0 {
		r.first, r.end, r.counts = b, b, [ringLen]uint16{}
		r.users.clear()
		r.known.clear()
		r.devices.clear()
	}
	for r.first < r.end && (r.first <= b-delay || r.users.len()+n > recentUsers) {
		r.forget()
	}
	for ; r.end < b; r.end++ { // no other bucket has the same place any more
		r.counts[r.end&(ringLen-1)] = 0
	}
	r.counts[b&(ringLen-1)] = uint16(n)
	r.end = b + 1
	r.users.push(users[:n]...)
	if len(kicks) < len(users) {
		return
	}
	for _, k := range kicks[:n] {
		devices := k.Devices[:min(len(k.Devices), keptDevices, recentDevices-r.devices.len())]
		r.known.push(uint8(len(devices)))
		r.devices.push(devices...)
	}
}

// forget drops the first bucket.
func (r *recent) forget() {
	n := int(r.counts[r.first&(ringLen-1)])
	r.users.drop(n)
	if r.known.len() > 0 {
		devices := 0
		for _, k := range r.known.list()[:n] {
			devices += int(k)
		}
		r.known.drop(n)
		r.devices.drop(devices)
	}
	r.first++
}

// since calls see for what is remembered of bucket b and later.
func (r *recent) since(b int64, see func(sighting)) {
	users, known, devices := r.users.list(), r.known.list(), r.devices.list()
	for at := r.first; at < r.end; at++ {
		for range r.counts[at&(ringLen-1)] {
			s := sighting{bucket: at, user: users[0]}
			users = users[1:]
			if len(known) > 0 {
				s.devices, devices = devices[:known[0]], devices[known[0]:]
				known = known[1:]
			}
			if at >= b {
				see(s)
			}
		}
	}
}

// remembered returns how many users of bucket b are.
func (r *recent) remembered(b int64) uint32 {
	if b < r.first || b >= r.end {
		return 0
	}
	return uint32(r.counts[b&(ringLen-1)])
}

// withoutBusiest returns how many of the users and events that the series counted from bucket first to its last are left
// without the n busiest users. A bucket whose users are not all remembered may have had each of these.
func (s *series) withoutBusiest(first int64, n int) (left int64, anyUser bool) {
	users := map[uint64]int64{}
	s.recent.since(first, func(x sighting) { users[x.user]++ })
	counts := make([]int64, 0, len(users))
	for _, c := range users {
		counts = append(counts, c)
	}
	slices.Sort(counts)
	slices.Reverse(counts)
	for b := first; b <= s.now; b++ {
		x := s.at(b)
		left += int64(x.y)
		anyUser = anyUser || x.users > 0
		left -= min(int64(n), int64(x.users-min(x.users, s.recent.remembered(b))))
	}
	for _, c := range counts[:min(n, len(counts))] {
		left -= c
	}
	return left, anyUser
}
