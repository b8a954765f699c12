package detect

import (
	"fmt"
	"slices"
	"strconv"

	"imerr-scan/pkg/catalog"
)

const spikePrefix = "spike-"

// alertName returns the name of alerts of a code.
func alertName(code int32) string {
	if isKick(code) {
		return KickStorm
	}
	return spikePrefix + strconv.Itoa(int(code))
}

// incident is an alert that was published and is not resolved yet.
type incident struct {
	name     string
	onset    int64 // bucket, and firedAt; they never change
	firedAt  int64
	end      int64 // last hot bucket of the members that are over
	reason   string
	peak     int64 // per minute
	recorded int64 // bucket of the last record
	told     int64 // count in it
	clock    int
	score    float64
	members  []*member // ascending by code
}

// member is one code of an incident.
type member struct {
	code   int32
	open   bool
	frozen float64
	ev     *evidence
}

// peak is how high an incident went that ended in bucket end.
type peak struct{ end, perMinute int64 }

const (
	dayBuckets  = 8640
	keptPeaks   = 32
	updateEvery = 6 // buckets
	topUsers    = 5
	crowdUsers  = 20
)

// publish takes a firing series into the incident of its name.
func (d *Detector) publish(s *series, b int64) {
	s.published, s.raised = true, true
	name := alertName(s.code)
	inc := d.incident(name)
	if inc == nil {
		inc = &incident{name: name, onset: s.onset, firedAt: b, clock: s.clock, score: s.score}
		d.incidents = append(d.incidents, inc)
	}
	i, found := slices.BinarySearchFunc(inc.members, s.code, func(m *member, code int32) int { return int(int64(m.code) - int64(code)) })
	if found {
		m := inc.members[i]
		m.open, m.frozen = true, s.frozen
		m.ev.merge(s.ev)
		s.ev = m.ev
	} else {
		inc.members = slices.Insert(inc.members, i, &member{code: s.code, open: true, frozen: s.frozen, ev: s.ev})
	}
	inc.peak = max(inc.peak, s.peakSince(s.onset))
	if inc.firedAt == b && len(inc.members) == 1 {
		d.record(inc, Firing, b)
	}
}

func (d *Detector) incident(name string) *incident {
	for _, inc := range d.incidents {
		if inc.name == name {
			return inc
		}
	}
	return nil
}

// peakSince returns the greatest count of a minute that ends in bucket first or later, as far as the ring goes.
func (s *series) peakSince(first int64) int64 {
	most, sum := int64(0), int64(0)
	from := max(first-minuteBuckets+1, s.born, s.now-ringLen+1)
	for b := from; b <= s.now; b++ {
		sum += int64(s.at(b).y)
		if old := b - minuteBuckets; old >= from {
			sum -= int64(s.at(old).y)
		}
		if b >= first {
			most = max(most, sum)
		}
	}
	return most
}

// end notes that a series resolved.
func (d *Detector) end(s *series, did change, b int64) {
	defer func() { s.published, s.ev = false, nil }()
	reason, last := "quiet", s.hot
	if did == resolvedNewLevel {
		reason, last = "new_level", b
	}
	if !s.published {
		d.loopUser(s, reason, last, b)
		return
	}
	inc := d.incident(alertName(s.code))
	for _, m := range inc.members {
		if m.code == s.code {
			m.open = false
		}
	}
	inc.end, inc.reason = max(inc.end, last), reason
}

// loopUser records an alert that was never published: one or two accounts in a loop.
func (d *Detector) loopUser(s *series, reason string, last, b int64) {
	inc := &incident{
		name: alertName(s.code), onset: s.onset, firedAt: s.since, end: last, reason: reason, peak: s.peakSince(s.onset),
		clock: s.clock, score: s.score, members: []*member{{code: s.code, frozen: s.frozen, ev: s.ev}},
	}
	a := d.alert(inc, Resolved, b)
	a.Kind, a.Severity = KindLoopUser, "info"
	a.Advice = d.advice(KindLoopUser, a.Codes)
	d.out = append(d.out, a)
}

// tend brings the open incidents up to bucket b.
func (d *Detector) tend(b int64) {
	for _, inc := range d.incidents {
		open, count, now := false, int64(0), int64(0)
		for _, m := range inc.members {
			count += m.ev.count
			if m.open {
				open = true
				now += d.find(m.code).clocks[1].sum
			}
		}
		inc.peak = max(inc.peak, now)
		switch {
		case !open:
			d.record(inc, Resolved, b)
			d.peaks[inc.name] = keepPeak(d.peaks[inc.name], peak{inc.end, inc.peak}, b)
		case b-inc.recorded >= updateEvery && count != inc.told:
			d.record(inc, Update, b)
		}
	}
	d.incidents = slices.DeleteFunc(d.incidents, func(inc *incident) bool {
		return !slices.ContainsFunc(inc.members, func(m *member) bool { return m.open })
	})
}

func keepPeak(all []peak, p peak, b int64) []peak {
	all = slices.DeleteFunc(append(all, p), func(p peak) bool { return p.end <= b-dayBuckets })
	return all[max(0, len(all)-keptPeaks):]
}

// recurring says whether three incidents of the last 24 h were about as high.
func (d *Detector) recurring(inc *incident, b int64) bool {
	var heights []int64
	for _, p := range d.peaks[inc.name] {
		if p.end > b-dayBuckets {
			heights = append(heights, p.perMinute)
		}
	}
	if len(heights) < 3 {
		return false
	}
	slices.Sort(heights)
	return float64(inc.peak) <= 1.2*float64(heights[len(heights)-3])
}

// record writes an alert record.
func (d *Detector) record(inc *incident, state string, b int64) {
	inc.recorded, inc.told = b, 0
	for _, m := range inc.members {
		inc.told += m.ev.count
	}
	d.out = append(d.out, d.alert(inc, state, b))
}

// alert returns what is known of an incident at the end of bucket b.
func (d *Detector) alert(inc *incident, state string, b int64) Alert {
	a := Alert{
		Alert: inc.name, State: state, At: timeOf(b + 1), StartsAt: timeOf(inc.onset), FiredAt: timeOf(inc.firedAt + 1),
		Peak: float64(inc.peak), Clock: clockNames[inc.clock], Surprise: round(inc.score, 1), Recurring: d.recurring(inc, b),
	}
	var all evidence
	byCode := map[int32]counts{}
	usual, now := 0.0, 0.0
	for _, m := range inc.members {
		a.Codes = append(a.Codes, m.code)
		all.merge(m.ev)
		byCode[m.code] = counts{float64(m.ev.count), float64(m.ev.count) - m.ev.expected}
		usual += float64(minuteBuckets * m.frozen)
		if m.open {
			now += float64(d.find(m.code).clocks[1].sum)
		}
	}
	if state == Resolved {
		end := timeOf(inc.end + 1)
		a.EndsAt, a.Reason = &end, inc.reason
		now = float64(all.count) / (float64(inc.end-inc.onset+1) / minuteBuckets)
	}
	a.Count, a.Users = all.events, min(all.users.count(), all.count-all.anonymous)
	a.Rate, a.Usual, a.Ratio = round(now, 1), round(usual, 3), round(now/usual, 1)
	a.Excess = round(float64(all.count)-all.expected, 1)
	a.Why = all.changes.why(d.everyone(inc.onset), a.Users+all.anonymous)
	a.TopUsers = d.topUsers(&all)
	a.Category, a.Severity = d.weigh(a.Codes)
	if inc.name == KickStorm {
		a.Kind = KindPending
		if b-inc.onset+1 >= kindAfter || state == Resolved {
			p := kindOf(&all, byCode)
			a.Kind = p.kind
			if p.kind == KindMass && a.Users < crowdUsers && state != Resolved {
				a.Kind = KindPending // ten users once each may be the beginning of anything
			}
			a.Storm = &Storm{round(p.kicksPer, 1), round(p.repeatShare, 2), round(p.gap, 0), p.devices}
		}
	}
	a.Advice = d.advice(a.Kind, a.Codes)
	return a
}

var clockNames = [clocks + 1]string{"10s", "1m", "10m", "3m"}

// everyone returns what all codes together were like before an onset.
func (d *Detector) everyone(onset int64) *contrast {
	hot := d.all.hot
	c := d.all.open(onset)
	d.all.hot = hot
	return &c
}

func (d *Detector) topUsers(e *evidence) []TopUser {
	var users []TopUser
	for _, b := range e.top(topUsers) {
		name := fmt.Sprintf("%012x", b.user>>16)
		if d.opt.UserName != nil {
			name = d.opt.UserName(b.user)
		}
		users = append(users, TopUser{User: name, Count: b.buckets - b.extra})
	}
	return users
}

// weigh returns the category of the first code and the greatest severity of all.
func (d *Detector) weigh(codes []int32) (category, severity string) {
	order := catalog.Severities()
	severity, category = "warning", "unknown"
	rank := -1
	for i, code := range codes {
		s := ""
		if e := d.entry(code); e != nil {
			s = e.Severity
			if i == 0 {
				category = e.Category
			}
		}
		s = or(d.paramsOf(code).severity, s)
		if r := slices.Index(order, s); r > rank {
			rank, severity = r, s
		}
	}
	return category, severity
}

func (d *Detector) entry(code int32) *catalog.Entry {
	if d.opt.Catalog == nil {
		return nil
	}
	return d.opt.Catalog.Lookup(code)
}

// advice says what a kind means, and what to do about the code that comes first.
func (d *Detector) advice(kind string, codes []int32) Text {
	t := kindAdvice[kind]
	if len(codes) == 0 {
		return t
	}
	if e := d.entry(codes[0]); e != nil {
		t.ZH = join(t.ZH, e.Next.ZH, "")
		t.EN = join(t.EN, e.Next.EN, " ")
	}
	return t
}

func join(a, b, space string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + space + b
}

// kindAdvice is what each kind means.
var kindAdvice = map[string]Text{
	KindFromAPI: {
		EN: "The console or a REST call signed these users out. Who ran it, or which job?",
		ZH: "由控制台或 REST 接口踢下线：确认是谁执行的、是否为定时任务。",
	},
	KindPasswordWave: {
		EN: "Passwords were changed: a campaign, a reset, or a leak?",
		ZH: "密码被修改：是运营活动、批量重置，还是泄露？",
	},
	KindRemoved: {
		EN: "Accounts were deleted: which batch job did it?",
		ZH: "账号被删除：确认是哪个批处理任务。",
	},
	KindLoopUser: {
		EN: "One or two accounts are in a loop.",
		ZH: "仅一两个账号在循环触发。",
	},
	KindSharedAccount: {
		EN: "Several people use one login. Look at the accounts below.",
		ZH: "多人共用同一账号：请查看下列账号。",
	},
	KindPingPong: {
		EN: "Two devices of an account log in again by themselves and sign each other out.",
		ZH: "同一账号的两台设备自动重登、互相踢下线。",
	},
	KindMass: {
		EN: "Many users once or twice each: a release, the multi-device setting, or a takeover of accounts. Look at version and platform.",
		ZH: "大面积用户各被踢一两次：检查新版本、多设备登录设置或账号被盗；请看版本与平台的变化。",
	},
	KindMixed: {
		EN: "No single pattern: look at the numbers.",
		ZH: "没有单一模式：请看具体数字。",
	},
}
