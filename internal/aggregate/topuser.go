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
	name     string // masked, or as it was if plain; "" if the run was to drop names
	plain    bool
	codes    []codeCount // ascending by code; in codeRoom as long as it fits
	codeRoom [3]codeCount
	known    int // devices known
	room     [maxDevices]uint32
	kicks    kickTimes
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
	u.kicks.merge(&from.kicks)
}

// Patterns of a user, in the words of UserResult.Pattern.
const (
	patternPingPong = "ping_pong"
	patternShared   = "shared_account"
)

const (
	minLoopKicks = 5
	maxLoopGap   = 60.0 // seconds, mean: people do not log in again that fast
	minDevices   = 4    // of an account that several people share
)

// pattern says what the user's kicks look like: two devices that log in by themselves over and over, or several people
// with one account, though these may be in a loop, too. gap is the mean time between the kicks of the loop in seconds;
// without one, between all of them, 0 if there were not two.
func (u *userInfo) pattern() (pattern string, gap float64) {
	loop := u.kicks.loop()
	gap = loop.gapSeconds()
	if loop.n >= minLoopKicks && gap > 0 && gap <= maxLoopGap { // at one moment: one kick, logged over and over
		pattern = patternPingPong
	} else {
		gap = u.kicks.whole().gapSeconds()
	}
	if u.known >= minDevices && u.kicked() >= minLoopKicks {
		pattern = patternShared
	}
	return pattern, gap
}

// kicked returns how often the user was kicked, whether there is a time or not.
func (u *userInfo) kicked() int64 {
	var n int64
	for _, c := range u.codes {
		if c.code != unknownCode && isKick(int32(c.code)) {
			n = sum(n, c.n)
		}
	}
	return n
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
