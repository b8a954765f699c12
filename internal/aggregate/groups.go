package aggregate

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"imerr-scan/pkg/classify"
)

// GroupKeys are what events can be grouped by.
var GroupKeys = []string{"code", "category", "user", "version", "platform", "reason", "hour"}

// maxGroups is how many groups are told apart; events of later ones go to the group of others. maxGroupUsers is how many
// users are, in all groups together; beyond it no group says how many it has.
const (
	maxGroups     = 65_536
	maxGroupUsers = 1_000_000
)

// Groups counts events by one or two of GroupKeys. It is used by one goroutine.
type Groups struct {
	keys   []string
	zone   *time.Location
	groups map[[2]string]*group
	other  group
	held   int // users in all groups

	quarter int64 // of an hour, the last that hourOf was asked for
	hour    string
}

type group struct {
	count int64
	users userSet
	names [2]string // as shown: users masked
}

// Group is one row of Groups.
type Group struct {
	Keys  []string  `json:"keys"`            // values of the keys asked for; "" where an event has none
	Other bool      `json:"other,omitempty"` // what did not fit: Keys are empty
	Count int64     `json:"count"`
	Users *Distinct `json:"users"` // nil if there were too many to tell apart
}

// NewGroups returns empty Groups by one or two keys. Hours are those of zone; nil means UTC.
func NewGroups(keys []string, zone *time.Location) (*Groups, error) {
	if len(keys) < 1 || len(keys) > 2 {
		return nil, fmt.Errorf("group by %s: want one or two keys", strings.Join(keys, ","))
	}
	for _, k := range keys {
		if !slices.Contains(GroupKeys, k) {
			return nil, fmt.Errorf("group by %q: want one of %s", k, strings.Join(GroupKeys, ", "))
		}
	}
	if len(keys) == 2 && keys[0] == keys[1] {
		return nil, fmt.Errorf("group by %s,%s: the same key twice", keys[0], keys[1])
	}
	if zone == nil {
		zone = time.UTC
	}
	return &Groups{keys: keys, zone: zone, groups: map[[2]string]*group{}, quarter: -1}, nil
}

// Keys returns the keys asked for.
func (g *Groups) Keys() []string { return g.keys }

// Add counts one event.
func (g *Groups) Add(e *classify.Event) {
	var id [2]string
	for i, k := range g.keys {
		id[i] = cut(g.value(k, e), maxNameBytes)
	}
	row := g.groups[id]
	switch {
	case row == nil && len(g.groups) < maxGroups:
		for i := range id {
			id[i] = strings.Clone(id[i])
		}
		row = &group{names: id}
		g.groups[id] = row
	case row == nil:
		row = &g.other
	}
	row.count++
	if user := hashUser(e.Candidate.User); user != 0 && g.held <= maxGroupUsers {
		before := row.users.n
		row.users.add(user)
		g.held += max(row.users.n-before, 0)
	}
}

func (g *Groups) value(key string, e *classify.Event) string {
	switch key {
	case "code":
		if e.Entry == nil {
			return "unknown"
		}
		return strconv.Itoa(int(e.Code))
	case "category":
		return e.Category
	case "user":
		return e.Candidate.User
	case "version":
		return e.Candidate.Version
	case "platform":
		return e.Candidate.Platform
	case "reason":
		return e.Reason
	}
	return g.hourOf(e.Candidate.Time)
}

// hourOf names the hour of a time, in a form that sorts: 2026-11-23T10:00+08:00.
func (g *Groups) hourOf(millis int64) string {
	if millis <= 0 {
		return ""
	}
	// A quarter, because there are zones 45 minutes off.
	if quarter := millis / (15 * 60_000); quarter != g.quarter {
		g.quarter, g.hour = quarter, time.UnixMilli(millis).In(g.zone).Format("2006-01-02T15:00Z07:00")
	}
	return g.hour
}

// Rows returns the groups: by the number of events, descending; grouped by two keys, all rows with the same first stand
// together, in the order of its sum; hours stand in order of time. Users appear as pii says (ResultOptions.PII).
func (g *Groups) Rows(pii string) []Group {
	sums := map[string]int64{}
	for id, row := range g.groups {
		sums[id[0]] += row.count
	}
	ids := make([][2]string, 0, len(g.groups))
	for id := range g.groups {
		ids = append(ids, id)
	}
	level := func(i int, a, b [2]string, na, nb int64) int {
		if i < len(g.keys) && g.keys[i] == "hour" {
			return cmp.Compare(a[i], b[i])
		}
		return cmp.Or(cmp.Compare(nb, na), cmp.Compare(a[i], b[i]))
	}
	slices.SortFunc(ids, func(a, b [2]string) int {
		return cmp.Or(level(0, a, b, sums[a[0]], sums[b[0]]), level(1, a, b, g.groups[a].count, g.groups[b].count))
	})
	rows := make([]Group, 0, len(ids)+1)
	for _, id := range ids {
		row := g.groups[id]
		rows = append(rows, Group{Keys: g.shown(row, pii), Count: row.count, Users: g.users(row)})
	}
	if g.other.count > 0 {
		rows = append(rows, Group{Keys: make([]string, len(g.keys)), Other: true, Count: g.other.count, Users: g.users(&g.other)})
	}
	return rows
}

func (g *Groups) users(row *group) *Distinct {
	if g.held > maxGroupUsers {
		return nil
	}
	d := row.users.distinct()
	return &d
}

func (g *Groups) shown(row *group, pii string) []string {
	names := slices.Clone(row.names[:len(g.keys)])
	for i, k := range g.keys {
		if k == "user" && names[i] != "" {
			u := userInfo{name: names[i], plain: true}
			names[i] = u.shown(hashUser(names[i]), pii)
		}
	}
	return names
}
