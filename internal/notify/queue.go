package notify

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"imerr-scan/internal/detect"
	"imerr-scan/pkg/catalog"
)

// queue holds, for one target, the newest record of each alert that is open or of which something is not told. It is used
// under the lock of the target.
type queue struct {
	kind    *kind
	rank    int // of the least severity that is sent
	labels  map[string]string
	limit   int // alerts
	entries map[string]*entry
	seq     uint64
	dropped int64
}

// queueLimit is far above the alerts that can be open at once: one for each code and limit. Beyond it are alerts that came
// and went while the sink was down.
const queueLimit = 1000

// giveUpAfter is how long a sink may refuse an alert that is over.
const giveUpAfter = 24 * time.Hour

// entry is one alert and what the target knows of it.
type entry struct {
	Alert    detect.Alert      `json:"alert"`              // the newest record
	First    *detect.Alert     `json:"first,omitempty"`    // that of the firing, until it is told
	Labels   map[string]string `json:"labels"`             // as they were first: they are its identity elsewhere
	Told     string            `json:"told,omitempty"`     // firing, resolved, or nothing
	Kind     string            `json:"kind,omitempty"`     // that was told
	Severity string            `json:"severity,omitempty"` // that was told
	Fresh    bool              `json:"fresh,omitempty"`    // the newest record was not sent yet

	seq       uint64 // of the newest record
	sent      time.Time
	notBefore time.Time
	rejected  int
	since     time.Time // of the first rejection
	lastTry   uint64    // seq of the record that was tried while closing
}

// note is what a message has to say of one alert: a copy, for use without the lock.
type note struct {
	detect.Alert
	first  *detect.Alert
	told   string
	labels map[string]string
	id     string
	seq    uint64
}

// unheard says whether the alert is over and the target never heard of it.
func (n *note) unheard() bool { return n.State == detect.Resolved && n.told == "" }

func newQueue(k *kind, s *Sink, opt *Options) *queue {
	return &queue{
		kind: k, rank: catalog.SeverityRank(s.MinSeverity), labels: opt.Labels, limit: queueLimit,
		entries: map[string]*entry{},
	}
}

// put takes a record. One of an alert that was never published, or below the least severity, is not for this target.
func (q *queue) put(a detect.Alert) {
	id := a.ID()
	e := q.entries[id]
	switch {
	case e == nil && !q.kind.all && (a.Kind == detect.KindLoopUser || catalog.SeverityRank(a.Severity) < q.rank):
		return
	case e == nil:
		q.makeRoom()
		e = &entry{Labels: labelsOf(&a, q.labels)}
		q.entries[id] = e
	case a.At.Before(e.Alert.At):
		return // a replay after a restart
	}
	if a.State == detect.Firing && e.Told == "" {
		first := a
		e.First = &first
	}
	q.seq++
	e.Alert, e.Fresh, e.seq = a, true, q.seq
}

// makeRoom gives up an alert if there are too many: first one that came and went unheard, then one that is over, then one
// that is open; of several the oldest.
func (q *queue) makeRoom() {
	if len(q.entries) < q.limit {
		return
	}
	worth := func(e *entry) int {
		switch {
		case e.Alert.State != detect.Resolved:
			return 2
		case e.Told != "":
			return 1
		}
		return 0
	}
	victim := ""
	for id, e := range q.entries {
		v := q.entries[victim]
		if v == nil || cmp.Or(cmp.Compare(worth(e), worth(v)), cmp.Compare(e.seq, v.seq)) < 0 {
			victim = id
		}
	}
	delete(q.entries, victim)
	q.dropped++
}

// news says whether e has something to tell, apart from what is only repeated.
func (q *queue) news(e *entry) bool {
	switch {
	case q.kind.all:
		return e.Fresh
	case e.Told == "":
		return true
	case e.Alert.State == detect.Resolved:
		return e.Told != detect.Resolved
	case q.kind.resend > 0:
		return false // says all every time
	}
	known := e.Kind == detect.KindPending && e.Alert.Kind != detect.KindPending
	return known || catalog.SeverityRank(e.Alert.Severity) > catalog.SeverityRank(e.Severity)
}

// at returns when e is due: never, if the second result is false.
func (q *queue) at(e *entry, closing bool) (time.Time, bool) {
	switch {
	case closing:
		return time.Time{}, q.news(e) && e.lastTry != e.seq
	case q.news(e):
		return e.notBefore, true
	case q.kind.resend > 0 && e.Alert.State != detect.Resolved:
		return latest(e.sent.Add(q.kind.resend), e.notBefore), true
	}
	return time.Time{}, false
}

// due returns what is to be sent now, in the order of sending: what fires before what is over, the gravest first; the order
// of arrival where every record is sent. The time is that of the next to become due if none is now.
func (q *queue) due(now time.Time, closing bool) ([]note, time.Time) {
	var notes []note
	var next time.Time
	for id, e := range q.entries {
		at, ever := q.at(e, closing)
		switch {
		case !ever:
		case !at.After(now):
			notes = append(notes, note{e.Alert, e.First, e.Told, e.Labels, id, e.seq})
		case next.IsZero() || at.Before(next):
			next = at
		}
	}
	slices.SortFunc(notes, func(a, b note) int {
		bySeq := cmp.Compare(a.seq, b.seq)
		if q.kind.all {
			return bySeq
		}
		return cmp.Or(
			cmp.Compare(over(&a.Alert), over(&b.Alert)),
			cmp.Compare(catalog.SeverityRank(b.Severity), catalog.SeverityRank(a.Severity)),
			bySeq)
	})
	if q.kind.batch == 1 {
		notes = oldestOfEach(notes)
	}
	return notes, next
}

// oldestOfEach leaves one note of each name, for people: the end of one storm is told before the next storm.
func oldestOfEach(notes []note) []note {
	oldest := map[string]*note{}
	for i := range notes {
		n := &notes[i]
		if o := oldest[n.Alert.Alert]; o == nil || n.StartsAt.Before(o.StartsAt) {
			oldest[n.Alert.Alert] = n
		}
	}
	var kept []note
	for i := range notes {
		if oldest[notes[i].Alert.Alert] == &notes[i] {
			kept = append(kept, notes[i])
		}
	}
	return kept
}

func over(a *detect.Alert) int {
	if a.State == detect.Resolved {
		return 1
	}
	return 0
}

// delivered records that the target took the notes.
func (q *queue) delivered(notes []note, now time.Time) {
	for i := range notes {
		n := &notes[i]
		e := q.entries[n.id]
		if e == nil {
			continue // made room
		}
		e.First, e.sent, e.rejected, e.notBefore = nil, now, 0, time.Time{}
		e.Told, e.Kind, e.Severity = detect.Firing, n.Kind, n.Severity
		if e.seq == n.seq {
			e.Fresh = false
		}
		if n.State == detect.Resolved {
			delete(q.entries, n.id)
		}
	}
}

// refused records that the target said no to the notes: they are tried again after growing pauses.
func (q *queue) refused(notes []note, now time.Time, jitter func() float64) {
	for i := range notes {
		e := q.entries[notes[i].id]
		if e == nil {
			continue
		}
		if e.rejected == 0 {
			e.since = now
		}
		e.rejected++
		e.notBefore = now.Add(pause(e.rejected+quickTries-1, jitter))
		if e.Alert.State == detect.Resolved && now.Sub(e.since) > giveUpAfter {
			delete(q.entries, notes[i].id)
			q.dropped++
		}
	}
}

// waiting returns how many alerts have something to tell.
func (q *queue) waiting() int {
	n := 0
	for _, e := range q.entries {
		if q.news(e) {
			n++
		}
	}
	return n
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// state is the form of a Snapshot: the entries of each target in the order of arrival.
type state map[string][]*entry

const stateVersion = 1

type stateFile struct {
	Version int   `json:"version"`
	Targets state `json:"targets"`
}

func (s state) encode() []byte {
	b, err := json.Marshal(stateFile{stateVersion, s})
	if err != nil {
		panic(err) // our own types hold nothing that JSON has not
	}
	return b
}

func restore(b []byte) (state, error) {
	if len(b) == 0 {
		return nil, nil
	}
	var f stateFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("state of the sinks: %w", err)
	}
	if f.Version != stateVersion {
		return nil, fmt.Errorf("state of the sinks: version %d, this program reads %d", f.Version, stateVersion)
	}
	for _, entries := range f.Targets {
		if slices.Contains(entries, nil) {
			return nil, errors.New("state of the sinks: an alert is null")
		}
	}
	return f.Targets, nil
}

func (q *queue) save() []*entry {
	var all []*entry
	for _, e := range q.entries {
		c := *e
		c.Labels = maps.Clone(e.Labels)
		all = append(all, &c)
	}
	slices.SortFunc(all, func(a, b *entry) int { return cmp.Compare(a.seq, b.seq) })
	return all
}

func (q *queue) restore(all []*entry) {
	for _, e := range all {
		q.makeRoom()
		q.seq++
		e.seq = q.seq
		e.Alert = cleanAlert(e.Alert)
		q.entries[e.Alert.ID()] = e
	}
}
