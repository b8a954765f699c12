package detect

import (
	"math/bits"
	"slices"
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
// when it is noticed some time after its onset. Beyond its bounds the oldest go.
type recent struct {
	seen    []sighting // ascending by bucket, then by user
	devices int        // in seen
}

// sighting is one user in one bucket.
type sighting struct {
	bucket  int64
	user    uint64
	devices []uint32 // at most keptDevices, of kick codes only; belongs to the input until kept
}

const (
	recentUsers   = 384
	recentDevices = 256
	keptDevices   = 4 // of a user; four are several people
)

// add takes the users of bucket b, whose devices are those of c.Kicks, if it has them.
func (r *recent) add(b int64, c *Cell) {
	first := 0
	for first < len(r.seen) && (r.seen[first].bucket <= b-delay || len(r.seen)-first+len(c.Hashes) > recentUsers) {
		r.devices -= len(r.seen[first].devices)
		first++
	}
	r.seen = slices.Delete(r.seen, 0, first)
	for i, user := range c.Hashes[:min(len(c.Hashes), recentUsers)] {
		s := sighting{bucket: b, user: user}
		if i < len(c.Kicks) && r.devices < recentDevices {
			s.devices = slices.Clone(c.Kicks[i].Devices[:min(len(c.Kicks[i].Devices), keptDevices)])
			r.devices += len(s.devices)
		}
		r.seen = append(r.seen, s)
	}
}

// since returns the sightings from bucket b on.
func (r *recent) since(b int64) []sighting {
	i, _ := slices.BinarySearchFunc(r.seen, b, func(s sighting, b int64) int { return int(s.bucket - b) })
	return r.seen[i:]
}

// withoutBusiest returns how many of the users and events that the series counted from bucket first to its last are left
// without the n busiest users. A bucket whose users are not all remembered may have had each of these.
func (s *series) withoutBusiest(first int64, n int) (left int64, anyUser bool) {
	users := map[uint64]int64{}
	kept := map[int64]uint32{}
	for _, x := range s.recent.since(first) {
		users[x.user]++
		kept[x.bucket]++
	}
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
		left -= min(int64(n), int64(x.users-min(x.users, kept[b])))
	}
	for _, c := range counts[:min(n, len(counts))] {
		left -= c
	}
	return left, anyUser
}
