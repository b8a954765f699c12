package corpus

import (
	"slices"
	"time"
)

// Storm is the label of one storm: what the detector should find, and what it should call it.
type Storm struct {
	Kind     string    `json:"kind"`  // of StormKinds
	Codes    []int     `json:"codes"` // that make it
	StartsAt time.Time `json:"starts_at"`
	EndsAt   time.Time `json:"ends_at"` // of its last event
	Events   int       `json:"events"`
	Users    int       `json:"users"`
	Version  string    `json:"version,omitempty"` // that nearly all its users have
}

// minute is how the plans below count.
const minute = 60_000 // ms

// A plan says when and how big a storm is, and how its events are made.
type plan struct {
	kind     string
	at       int // minutes after the start of the log
	users    int // at 100 %
	least    int // users at any percentage: fewer would be no storm
	version  string
	generate func(g *gen, p plan, start int64, users []string) []happening
}

// plans are the storms of a day, in their order.
var plans = []plan{
	{kind: "shared_account", at: 8*60 + 10, users: 8, least: 4, generate: (*gen).sharedAccount},
	{kind: "mass", at: 10*60 + 31, users: 2400, least: 60, version: newRelease, generate: (*gen).massKick},
	{kind: "ping_pong", at: 14*60 + 5, users: 12, least: 4, generate: (*gen).pingPong},
	{kind: "from_api", at: 16*60 + 40, users: 600, least: 40, generate: (*gen).kickedFromAPI},
	{kind: "password_wave", at: 18*60 + 20, users: 450, least: 40, generate: (*gen).passwordWave},
	{kind: "quota_burst", at: 20*60 + 48, users: 1000, least: 40, generate: (*gen).quotaBurst},
}

// StormKinds returns the kinds of storms a day can have.
func StormKinds() []string {
	var kinds []string
	for _, p := range plans {
		kinds = append(kinds, p.kind)
	}
	return kinds
}

// storms makes the events of all storms asked for, in the order of time, and labels them.
func (g *gen) storms(users int) []happening {
	var all []happening
	for _, p := range plans {
		if !slices.Contains(g.opt.Storms, p.kind) {
			continue
		}
		start := g.opt.Start.UnixMilli() + int64(p.at)*minute + int64(g.rand.n(minute))
		count := min(max(p.users*g.opt.StormPercent/100, p.least), users)
		events := p.generate(g, p, start, g.differentUsers(count, users))
		slices.SortStableFunc(events, byTime)
		g.label(p, events)
		all = append(all, events...)
	}
	slices.SortStableFunc(all, byTime)
	return all
}

// label adds the storm to the truth. Follow-up errors (39 after a kick) belong to it, but do not make it.
func (g *gen) label(p plan, events []happening) {
	s := Storm{Kind: p.kind, Version: p.version, StartsAt: g.date(events[0].at)}
	users := map[string]bool{}
	for _, ev := range events {
		users[ev.user] = true
		if ev.err.code == closed.code {
			continue
		}
		if !slices.Contains(s.Codes, ev.err.code) {
			s.Codes = append(s.Codes, ev.err.code)
		}
		s.Events++
		s.EndsAt = g.date(ev.at)
	}
	slices.Sort(s.Codes)
	s.Users = len(users)
	g.truth.Storms = append(g.truth.Storms, s)
}

func (g *gen) date(ms int64) time.Time { return time.UnixMilli(ms).In(g.opt.Start.Location()) }

// differentUsers picks count of n users. The first is always one with a Chinese name.
func (g *gen) differentUsers(count, n int) []string {
	picked := []string{userName(7)}
	seen := map[string]bool{picked[0]: true}
	for len(picked) < count {
		if u := userName(g.rand.n(n)); !seen[u] {
			seen[u] = true
			picked = append(picked, u)
		}
	}
	return picked
}

// massKick: a release logs in twice, so that everybody who updates is kicked once or twice within a quarter of an hour.
// Some then try to send without a connection.
func (g *gen) massKick(_ plan, start int64, users []string) (events []happening) {
	for _, u := range users {
		at := start + int64(min(g.rand.n(15*minute), g.rand.n(15*minute))) // most of them early
		version := newRelease
		if g.rand.perMille(20) {
			version = "" // their usual one
		}
		for range 1 + g.rand.n(10)/7 {
			err := kicked
			if g.rand.perMille(150) {
				err = kickedByAPI
			}
			events = append(events, happening{at: at, user: u, err: err, version: version})
			if g.rand.perMille(250) {
				events = append(events, happening{at: at + int64(g.rand.between(500, 9000)), user: u, err: closed, version: version})
			}
			at += int64(g.rand.between(20_000, 90_000))
		}
	}
	return events
}

// pingPong: two devices of each user log in again by themselves whenever the other has kicked them.
func (g *gen) pingPong(_ plan, start int64, users []string) (events []happening) {
	for _, u := range users {
		gap := g.rand.between(5_000, 15_000)
		at, end := start+int64(g.rand.n(30_000)), start+int64(g.rand.between(7, 12))*minute
		for device := 0; at < end; device = 1 - device {
			events = append(events, happening{at: at, user: u, err: kicked, device: device})
			at += int64(gap*9/10 + g.rand.n(gap/5))
		}
	}
	return events
}

// sharedAccount: several people use one login, each kicking the one before.
func (g *gen) sharedAccount(_ plan, start int64, users []string) (events []happening) {
	for _, u := range users {
		devices := g.rand.between(4, 7)
		end := start + 60*minute
		for at := start + int64(g.rand.n(minute)); at < end; at += int64(g.rand.between(60_000, 240_000)) {
			events = append(events, happening{at: at, user: u, err: kicked, device: g.rand.n(devices)})
		}
	}
	return events
}

// kickedFromAPI: a job signs many users out through the console or the REST interface within half a minute.
func (g *gen) kickedFromAPI(_ plan, start int64, users []string) (events []happening) {
	for _, u := range users {
		events = append(events, happening{at: start + int64(g.rand.n(30_000)), user: u, err: kickedByAPI})
	}
	return events
}

// passwordWave: passwords leaked, or a campaign asked to change them; a stream that swells and ebbs.
func (g *gen) passwordWave(_ plan, start int64, users []string) (events []happening) {
	for _, u := range users {
		at := start + int64(g.rand.n(9*minute)+g.rand.n(9*minute))
		events = append(events, happening{at: at, user: u, err: passwordChanged})
	}
	return events
}

// quotaBurst: the monthly active users of the app are used up, and who logs in from then on is refused, until the log ends.
func (g *gen) quotaBurst(_ plan, start int64, users []string) (events []happening) {
	length := g.opt.Start.UnixMilli() + dayMinutes*minute - start
	for _, u := range users {
		events = append(events, happening{at: start + int64(g.rand.n(int(length))), user: u, err: activeUsersUsed})
	}
	return events
}
