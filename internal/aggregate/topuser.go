package aggregate

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// userInfo is what is known of one of the users with the most events, since the time it was kept. It is not copied.
type userInfo struct {
	name      string // masked, or as it was if plain; "" if the run was to drop names
	plain     bool
	codes     []codeCount // ascending by code; in codeRoom as long as it fits
	codeRoom  [3]codeCount
	known     int // devices known
	room      [maxDevices]uint32
	kicks     int64 // that have a time
	firstKick int64 // Unix milliseconds, if kicks > 0
	lastKick  int64
}

// codeCount is how often a user met a code.
type codeCount struct {
	code int64 // unknownCode stands for all values that are in no catalog
	n    int64
}

const unknownCode = 1 << 32

// maxNameBytes is how much of a plain id is kept.
const maxNameBytes = 128

func (u *userInfo) addCode(code, n int64) {
	i, found := slices.BinarySearchFunc(u.codes, code, func(c codeCount, code int64) int { return cmp.Compare(c.code, code) })
	if !found {
		if u.codes == nil {
			u.codes = u.codeRoom[:0]
		}
		u.codes = slices.Insert(u.codes, i, codeCount{code: code})
	}
	u.codes[i].n = sum(u.codes[i].n, n)
}

// devices returns the hashes of the user's devices, ascending.
func (u *userInfo) devices() []uint32 { return u.room[:u.known] }

func (u *userInfo) addDevice(d uint32) { u.known = len(addDevice(u.devices(), d)) }

func (u *userInfo) addKicks(n, first, last int64) {
	if n == 0 {
		return
	}
	if u.kicks == 0 || first < u.firstKick {
		u.firstKick = first
	}
	if u.kicks == 0 || last > u.lastKick {
		u.lastKick = last
	}
	u.kicks = sum(u.kicks, n)
}

// unite adds what from knows of the same user. A plain name wins over a masked one, a masked one over none.
func (u *userInfo) unite(from *userInfo) {
	if u.name == "" || from.plain && !u.plain {
		u.name, u.plain = from.name, from.plain
	}
	for _, c := range from.codes {
		u.addCode(c.code, c.n)
	}
	for _, d := range from.devices() {
		u.addDevice(d)
	}
	u.addKicks(from.kicks, from.firstKick, from.lastKick)
}

// Patterns of a user, in the words of UserResult.Pattern.
const (
	patternPingPong = "ping_pong"
	patternShared   = "shared_account"
)

// gapSeconds is the mean time between two kicks, 0 if there were not two.
func (u *userInfo) gapSeconds() float64 {
	if u.kicks < 2 {
		return 0
	}
	gap := float64(u.lastKick-u.firstKick) / float64(u.kicks-1) / 100
	return float64(int64(gap+0.5)) / 10
}

// pattern says what the user's kicks look like: two devices that log in by themselves over and over, or several people
// with one account.
func (u *userInfo) pattern() string {
	switch {
	case u.known >= 4:
		return patternShared
	case u.kicks >= 5 && u.gapSeconds() <= 60, u.kicks >= 20 && u.gapSeconds() <= 72*60:
		return patternPingPong // the second: twenty a day, of which a kick hours before the loop keeps the mean high
	}
	return ""
}

// mask hides most of an id but leaves enough to recognise one that is already known: "u_10233" is "u_***3", "张敏" is
// "***". At least half of the characters go, and how many is not said.
func mask(id string) string {
	n := utf8.RuneCountInString(id)
	head, tail := min(2, n/3), 0
	switch {
	case n >= 10:
		tail = 2
	case n >= 6:
		tail = 1
	}
	from, to := 0, len(id)
	for range head {
		_, size := utf8.DecodeRuneInString(id[from:])
		from += size
	}
	for range tail {
		_, size := utf8.DecodeLastRuneInString(id[:to])
		to -= size
	}
	return strings.ToValidUTF8(id[:from]+"***"+id[to:], "\uFFFD")
}

// shortHash is how --pii hash shows a user: a name that stays the same over runs. It keeps nobody from trying ids.
func shortHash(h uint64) string {
	s := strconv.FormatUint(h, 16)
	return strings.Repeat("0", 16-len(s)) + s[:max(0, len(s)-4)]
}

// cut shortens s to at most n bytes of valid UTF-8.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
