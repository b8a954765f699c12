package aggregate

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMask(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"one character", "a", "***"},
		{"a Chinese name", "张敏", "***"},
		{"three characters", "abc", "a***"},
		{"five characters", "12345", "1***"},
		{"six characters", "vip_张敏", "vi***敏"},
		{"the usual", "u_10233", "u_***3"},
		{"a phone number", "13812345678", "13***78"},
		{"an address", "someone@example.com", "so***om"},
		{"broken UTF-8", "\xff\xfe123456", "\uFFFD***6"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := mask(tc.in); got != tc.want {
				t.Errorf("mask(%q) = %q, want %q", tc.in, got, tc.want)
			}
		})
	}
}

// kicked is a tally in which user was kicked at each of the seconds, by devices in turn.
func kicked(user string, devices int, seconds ...int64) *Tally {
	t := New(Options{})
	for i, s := range seconds {
		t.Add(event{code: 206, user: user, device: "web_" + strconv.Itoa(i%devices), millis: start + 1000*s}.classified())
	}
	return t
}

func TestPatternOfAUser(t *testing.T) {
	for _, tc := range []struct {
		name    string
		tally   *Tally
		pattern string
		gap     float64
	}{
		{"two devices log in over and over", kicked("u", 2, 0, 8, 16, 24, 32), "ping_pong", 8},
		{"in another order", kicked("u", 2, 32, 0, 16, 8, 24), "ping_pong", 8},
		{"once a minute", kicked("u", 3, 0, 60, 120, 180, 240), "ping_pong", 60},
		{"less often", kicked("u", 2, 0, 61, 122, 183, 244), "", 61},
		{"four kicks only", kicked("u", 2, 0, 8, 16, 24), "", 8},
		{"four people with one account", kicked("u", 4, 0, 8, 16, 24, 32), "shared_account", 8},
		{"kicked once", kicked("u", 1, 5), "", 0},
		{"uneven gaps", kicked("u", 1, 0, 1, 2, 3, 10), "ping_pong", 2.5},
		{"once in the morning, a loop at noon", kicked("u", 2, 0, 20000, 20008, 20016, 20024, 20032), "ping_pong", 8},
		{"four times a day, a week long", kicked("u", 2, 0, 20000, 40000, 60000, 90000, 110000, 130000, 150000), "", 21428.6},
		{"one kick logged six times", kicked("u", 1, 7, 7, 7, 7, 7, 7), "", 0},
		{"four devices, kicked once", kicked("u", 4, 0), "", 0},
		{"four people, a few times a day", kicked("u", 4, 0, 5000, 9000, 13000, 20000), "shared_account", 5000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := tc.tally.Result(ResultOptions{}).TopUsers[0]
			if got.Pattern != tc.pattern || got.GapSeconds != tc.gap {
				t.Errorf("pattern %q, gap %v s; want %q, %v s", got.Pattern, got.GapSeconds, tc.pattern, tc.gap)
			}
		})
	}
	t.Run("kicks without a time", func(t *testing.T) {
		tally := New(Options{})
		for range 9 {
			tally.Add(event{code: 206, user: "u"}.classified())
		}
		if got := tally.Result(ResultOptions{}).TopUsers[0]; got.Pattern != "" {
			t.Errorf("pattern %q, but nobody knows the gaps", got.Pattern)
		}
		for i := range 4 {
			tally.Add(event{code: 206, user: "u", device: strconv.Itoa(i)}.classified())
		}
		if got := tally.Result(ResultOptions{}).TopUsers[0]; got.Pattern != patternShared {
			t.Errorf("pattern %q of four devices", got.Pattern)
		}
	})
	t.Run("other errors on four devices", func(t *testing.T) {
		tally := New(Options{})
		for i := range 9 {
			tally.Add(event{code: 39, user: "u", device: strconv.Itoa(i), millis: start}.classified())
		}
		if got := tally.Result(ResultOptions{}).TopUsers[0]; got.Pattern != "" {
			t.Errorf("pattern %q, but nobody was kicked", got.Pattern)
		}
	})
}

func TestTimeline(t *testing.T) {
	const minute = int64(60_000)
	for _, tc := range []struct {
		name  string
		spans []int64 // minutes after start, an event each
		slot  int64   // seconds
		slots int
		start int64 // minutes after start
	}{
		{"nothing", nil, 0, 0, 0},
		{"one event", []int64{3}, 60, 1, 3},
		{"two days less a minute", []int64{0, 2879}, 60, 2880, 0},
		{"two days and a minute", []int64{0, 2880}, 120, 1441, 0},
		{"a start inside a slot", []int64{3, 4000}, 120, 2000, 2},
		{"a month", []int64{0, 43200}, 16 * 60, 2701, -8},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tally := New(Options{})
			for _, m := range tc.spans {
				tally.Add(event{code: 39, millis: start + m*minute}.classified())
			}
			r := tally.Result(ResultOptions{})
			if r.Timeline.SlotSeconds != tc.slot || r.Timeline.Slots != tc.slots {
				t.Fatalf("%d slots of %d s, want %d of %d s", r.Timeline.Slots, r.Timeline.SlotSeconds, tc.slots, tc.slot)
			}
			if tc.spans == nil {
				return
			}
			if got := r.Timeline.Start.UnixMilli(); got != start+tc.start*minute {
				t.Errorf("starts %v, want %d min", r.Timeline.Start, tc.start)
			}
			want := make([]int64, tc.slots)
			for _, m := range tc.spans {
				want[(m-tc.start)*60/tc.slot]++
			}
			if diff := cmp.Diff(want, r.Codes[0].Timeline); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPeakIsThatOfAMinuteOfTheClock(t *testing.T) {
	tally := New(Options{})
	for _, s := range []int64{50, 55, 59, 60, 61, 62, 63, 119, 120} {
		tally.Add(event{code: 39, millis: start + 1000*s}.classified())
	}
	if got := tally.Result(ResultOptions{}).Codes[0].PeakPerMinute; got != 5 {
		t.Errorf("peak %d, want 5", got)
	}
}

func TestSplitsBeyondTheirBound(t *testing.T) {
	tally := New(Options{})
	const versions = 300
	for i := range versions {
		for range 1 + i/100*50 {
			tally.Add(event{code: 206, version: "v" + strconv.Itoa(i)}.classified())
		}
	}
	c := tally.Result(ResultOptions{}).Codes[0]
	var sum int64
	for _, n := range c.Versions {
		sum += n
	}
	if sum != c.Count {
		t.Errorf("versions add up to %d, the code to %d", sum, c.Count)
	}
	if len(c.Versions) != 65 || c.Versions["other"] == 0 {
		t.Errorf("%d versions, %d of them other", len(c.Versions), c.Versions["other"])
	}
	if e := c.SplitError["versions"]; e == 0 || e > c.Count/65 {
		t.Errorf("error %d of %d", e, c.Count)
	}
	if _, stated := c.SplitError["platforms"]; stated {
		t.Error("platforms state an error, but there are none")
	}
}

func TestUsersBeyondTheirBound(t *testing.T) {
	tally := New(Options{})
	const users = 5000
	for i := range users {
		tally.Add(event{code: 206, user: "u" + strconv.Itoa(i)}.classified())
		if i%2 == 0 {
			tally.Add(event{code: 206, user: "heavy"}.classified())
		}
	}
	r := tally.Result(ResultOptions{Top: 3})
	if r.Users.Exact || r.Users.Error != sketchError || r.Users.Distinct < 4800 || r.Users.Distinct > 5200 {
		t.Errorf("users %+v, want about 5001", r.Users)
	}
	top := r.TopUsers[0]
	if len(r.TopUsers) != 3 || top.Count-top.Error > 2500 || top.Count < 2500 || top.Error > 7500/1025 {
		t.Errorf("heaviest of %d: %+v, want 2500", len(r.TopUsers), top)
	}
}

func TestOddTimes(t *testing.T) {
	for _, tc := range []struct {
		name    string
		millis  int64
		undated int64
	}{
		{"none", 0, 1},
		{"before the epoch", -5, 1},
		{"the first that counts", 1, 0},
		{"beyond the year 2650", 1 << 62, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tally := New(Options{})
			tally.Add(event{code: 39, millis: tc.millis}.classified())
			if r := tally.Result(ResultOptions{}); r.Undated != tc.undated || r.Events != 1 {
				t.Errorf("undated %d of %d, want %d", r.Undated, r.Events, tc.undated)
			}
		})
	}
}

func TestLinesAddUp(t *testing.T) {
	tally := New(Options{})
	for c := range classes {
		tally.Lines(c, int64(c)+1)
	}
	l := tally.Result(ResultOptions{}).Lines
	if l.Read != 21 || l.Sum() != l.Read {
		t.Errorf("%+v: read %d, want 21", l, l.Read)
	}
}

// TestResultKeys pins the keys of imerr-scan/result/v1: none may go or change its meaning.
func TestResultKeys(t *testing.T) {
	tally := New(Options{})
	tally.Add(event{
		code: 206, user: "u_10233", device: "web_1", version: "5.3.0", platform: "web", reason: "kicked", inner: 17, millis: start + 4000,
	}.classified())
	tally.Add(event{value: "1305", millis: start + 65_000}.classified())
	tally.Lines(WithError, 2)
	tally.Hint("ctx.error.type", 412)
	r := tally.Result(ResultOptions{Version: "1.0.0", Zone: time.FixedZone("", 8*3600), NoMerge: true})
	r.Shapes = map[string]int64{"flat": 2} // the words are extract's
	got, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if json.Unmarshal(got, &a) != nil || json.Unmarshal([]byte(wantResult), &b) != nil {
		t.Fatal("no JSON")
	}
	if diff := cmp.Diff(b, a); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

func TestNothingIsNoNull(t *testing.T) {
	r := New(Options{}).Result(ResultOptions{NoMerge: true})
	got, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	// Only times may be missing.
	rest := strings.NewReplacer(`"first":null`, "", `"last":null`, "", `"start":null`, "").Replace(string(got))
	if strings.Contains(rest, "null") {
		t.Errorf("a list or an object is null: %s", got)
	}
}

const wantResult = `{
 "schema":"imerr-scan/result/v1","version":"1.0.0","catalog":{"platform":"","version":"","entries":0},
 "span":{"first":"2026-11-23T14:00:04+08:00","last":"2026-11-23T14:01:05+08:00"},"validated":false,
 "lines":{"read":2,"with_error":2,"without_error":0,"broken":0,"too_long":0,"foreign":0,"empty":0},
 "bytes":0,"events":2,"success":0,"undated":0,"late":0,"filtered":0,
 "users":{"distinct":1,"exact":true},
 "codes":[{"code":206,"name":"CODE_206","category":"auth","topic":"kick","tier":"documented","severity":"error","count":1,
  "users":{"distinct":1,"exact":true},"first":"2026-11-23T14:00:04+08:00","last":"2026-11-23T14:00:04+08:00","peak_per_minute":1,
  "reasons":{"kicked":1},"versions":{"5.3.0":1},"platforms":{"web":1},"inner":{"17":1},"timeline":[1]}],
 "unknown":{"count":1,"values":[{"value":"1305","count":1,"first":"2026-11-23T14:01:05+08:00"}]},
 "categories":{"auth":1,"messaging":0,"group":0,"chatroom":0,"quota":0,"general":0,"unknown":1},
 "top_users":[{"user":"u_***3","count":1,"codes":{"206":1},"devices":1,"pattern":""}],
 "shapes":{"flat":2},"hints":[{"path":"ctx.error.type","count":412}],
 "timeline":{"start":"2026-11-23T14:00:00+08:00","slot_seconds":60,"slots":1},
 "alerts":[],"errors":[]}`
