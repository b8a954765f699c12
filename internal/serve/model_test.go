package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/kafka"
	"imerr-scan/internal/notify"
	"imerr-scan/internal/pipeline"
	"imerr-scan/pkg/extract"
)

var (
	schedules = flag.Int("schedules", 20, "random schedules of TestModel")
	firstSeed = flag.Int("schedule", 0, "number of the first of them")
	showStory = flag.Bool("story", false, "say what happened in schedules that fail")
)

// Replicas run over a log, a group and partitions in memory, in a time that passes when all wait for it. Generations change and
// overlap, two own one partition, processes are frozen for longer than their session, killed, stopped and begun; answers of
// the log are lost, its records come late, twice or not at all; log and partitions are away, lose their beginning, have
// holes. In the end every record is counted once, in all states alike, and every alert was told.
func TestModel(t *testing.T) {
	n := *schedules
	if testing.Short() {
		n = min(n, 3)
	}
	for seed := *firstSeed; seed < *firstSeed+n; seed++ {
		if !t.Run(fmt.Sprint("schedule ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newWorld(t, uint64(seed)).play() })
		}) {
			return
		}
	}
}

// Times of the model's group and log.
const (
	session    = 10 * time.Second
	logTimeout = 5 * time.Second
)

// world is all that replicas share.
type world struct {
	t     *testing.T
	began time.Time
	tasks sync.WaitGroup // what is still to happen: records on their way into the log, ends of processes

	turn chan struct{} // who has put something in makes a generation

	mu         sync.Mutex
	r          *rand.Rand
	log        [][]byte // all there ever was; nil: nothing is there
	first      int64    // offset of the first that is still there
	changed    chan struct{}
	logBack    time.Time // until then the log does not answer
	calm       bool      // nothing goes wrong any more
	partitions []*modelPartition
	procs      []*proc // all there ever were
	generation int32
	told       map[string][]time.Time // when a firing was told
	excuses    []excuse               // for telling it again
	slept      int                    // processes for longer than the log keeps its records
	trace      []string
}

// excuse is a time in which what was told before may be told again: who leads was frozen, or killed, or another led as well, or
// the log did not take what it wrote about it.
type excuse struct{ from, to time.Time }

// excuse begins one, which ends when done is called. w.mu is held.
func (w *world) excuse() (done func()) {
	i := len(w.excuses)
	w.excuses = append(w.excuses, excuse{from: time.Now(), to: time.Now().Add(time.Hour)})
	return func() { w.excuses[i].to = time.Now() }
}

// modelPartition is a partition of the topic.
type modelPartition struct {
	kafka.Partition
	records []kafka.Record // by offset; without a value: a hole
	first   int64
	back    time.Time // until then it does not answer
}

func newWorld(t *testing.T, seed uint64) *world {
	const date = 9826 * 24 * time.Hour // of 2026-11-26; a bubble begins in 2000, and an event of then has no time
	time.Sleep(date)
	w := &world{t: t, began: time.Now(), r: rand.New(rand.NewPCG(seed, 2)), changed: make(chan struct{}), turn: make(chan struct{}, 1), told: map[string][]time.Time{}}
	for id := range 1 + w.r.IntN(4) {
		w.partitions = append(w.partitions, &modelPartition{Partition: kafka.Partition{Topic: "client-logs", ID: id}})
	}
	return w
}

func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trace = append(w.trace, fmt.Sprintf("%7.2fs ", time.Since(w.began).Seconds())+fmt.Sprintf(format, args...))
}

func (w *world) intN(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.r.IntN(n)
}

// some returns a random time up to most.
func (w *world) some(most time.Duration) time.Duration { return time.Duration(w.intN(int(most))) }

// chance is true once in n times, as long as things go wrong.
func (w *world) chance(n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.calm && w.r.IntN(n) == 0
}

// play lets things happen for some minutes, then heals everything, and looks at what came of it.
func (w *world) play() {
	defer func() {
		if w.t.Failed() && *showStory {
			w.t.Log("\n" + strings.Join(w.trace, "\n"))
		}
	}()
	w.produce(20, stormCodes[0])
	for range 1 + w.intN(4) {
		w.begin()
	}
	for end := time.Now().Add(2*time.Minute + w.some(4*time.Minute)); time.Now().Before(end); {
		time.Sleep(w.some(4 * time.Second))
		w.produce(w.intN(8), stormCodes[0])
		if w.intN(2) == 0 {
			w.happen()
		}
	}
	w.heal()
	for i := range 40 {
		time.Sleep(w.some(time.Second))
		w.produce(w.intN(10), stormCodes[0])
		if i == 20 {
			w.regroup("nobody is to wait", true) // who was first in a partition leaves it to who was second
		}
	}
	w.waitFor("everything is counted", 3*time.Minute, w.drained)
	time.Sleep(4 * time.Minute) // alerts end
	for _, p := range w.running() {
		w.stop(p)
	}
	w.tasks.Wait()
	w.judge()
}

// happen lets one thing go wrong, or change.
func (w *world) happen() {
	running := w.running()
	some := func() *proc { return running[w.intN(len(running))] }
	partition := w.partitions[w.intN(len(w.partitions))]
	switch w.intN(13) {
	case 0, 1:
		w.rebalance("somebody asked")
	case 2, 3:
		w.freeze(some(), time.Second+w.some(30*time.Second))
	case 4:
		w.kill(some())
	case 5:
		if len(running) > 1 {
			w.stop(some())
		}
	case 6, 7:
		if len(running) < 5 {
			w.begin()
		}
	case 8, 9: // a storm
		w.produce(100+w.intN(200), stormCodes[w.intN(len(stormCodes))])
	case 10:
		w.mu.Lock()
		w.logBack = time.Now().Add(time.Duration(w.r.IntN(int(12 * time.Second))))
		w.mu.Unlock()
		w.note("the log is away")
	case 11:
		w.mu.Lock()
		partition.back = time.Now().Add(time.Duration(w.r.IntN(int(20 * time.Second))))
		if w.r.IntN(2) == 0 {
			partition.first = min(partition.first+w.r.Int64N(60), int64(len(partition.records)))
		}
		w.mu.Unlock()
		w.note("%s is away, and begins at %d", partition, partition.first)
	case 12:
		w.cut()
	}
	if len(w.running()) == 0 {
		w.begin()
	}
}

// heal ends all that goes wrong, and sees to it that somebody is there.
func (w *world) heal() {
	w.note("healed")
	w.mu.Lock()
	w.calm = true
	w.logBack = time.Time{}
	for _, p := range w.partitions {
		p.back = time.Time{}
	}
	w.mu.Unlock()
	for _, p := range w.running() {
		w.thaw(p)
	}
	w.begin()
	w.rebalance("healed")
}

// stormCodes are the codes that come in storms, of which each has a limit.
var stormCodes = []int32{206, 217, 500, 101, 700}

// produce adds errors of a code, and other records.
func (w *world) produce(n int, code int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for range n {
		p := w.partitions[w.r.IntN(len(w.partitions))]
		record := kafka.Record{Offset: int64(len(p.records)), Time: time.Now()}
		switch w.r.IntN(10) {
		case 0: // a hole
		case 1, 2:
			record.Value = []byte(`{"level":"info","msg":"all is well"}`)
		default:
			record.Value = fmt.Appendf(nil, `{"ts":%q,"error":{"type":%d,"message":"oh"},"user":"u_%d_%d"}`,
				time.Now().UTC().Format(time.RFC3339Nano), code, p.ID, record.Offset)
		}
		p.records = append(p.records, record)
	}
}

// errors returns how many of the records [from, to) of a partition are errors.
func (p *modelPartition) errors(from, to int64) (n int64) {
	for _, r := range p.records[max(from, 0):to] {
		if bytes.Contains(r.Value, []byte(`"error"`)) {
			n++
		}
	}
	return n
}

// cut takes records off the front of the log, as retention does: only what a base holds that stays, whoever has read it or not.
func (w *world) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	var f deltalog.Finder
	for _, record := range w.log[w.first:] {
		f.See(record)
	}
	_, off, ok := f.Found()
	if ok && off > w.first {
		w.first += w.r.Int64N(off - w.first + 1)
		w.trace = append(w.trace, fmt.Sprint("the log begins at ", w.first))
	}
}

// state returns what the whole log says, and the errors that are to be in it: all but those that skips passed over. each is
// told of each record.
func (w *world) state(each func(deltalog.Verdict)) (s *deltalog.State, want int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s = deltalog.NewState(modelState())
	for _, p := range w.partitions {
		want += p.errors(0, int64(len(p.records)))
	}
	for _, record := range w.log {
		before := map[*modelPartition]int64{}
		for _, p := range w.partitions {
			before[p] = s.Next(sourceOf(p.Partition))
		}
		v := s.Apply(s.Offset(), record)
		for _, p := range w.partitions {
			if now := s.Next(sourceOf(p.Partition)); v.Kind == deltalog.Skipped && now != before[p] {
				want -= p.errors(before[p], now)
			}
		}
		each(v)
	}
	return s, want
}

// drained says whether all records are counted.
func (w *world) drained() bool {
	s, _ := w.state(func(deltalog.Verdict) {})
	return !slices.ContainsFunc(w.partitions, func(p *modelPartition) bool {
		return s.Next(sourceOf(p.Partition)) != int64(len(p.records))
	})
}

func (w *world) waitFor(what string, most time.Duration, ok func() bool) {
	for end := time.Now().Add(most); !ok(); time.Sleep(time.Second) {
		if time.Now().After(end) {
			w.t.Errorf("not within %s: %s", most, what)
			return
		}
	}
}

// judge compares what there is with what there should be.
func (w *world) judge() {
	counted := map[string]int64{}
	var firings []string
	s, want := w.state(func(v deltalog.Verdict) {
		if v.Kind == deltalog.Accepted {
			counted[v.By] += eventsIn(w.t, v)
		}
		for _, a := range v.Alerts {
			if a.State == detect.Firing {
				firings = append(firings, a.ID())
			}
		}
	})
	res := s.Total().Result(aggregate.ResultOptions{NoMerge: true})
	if res.Events != want || res.Users.Exact && res.Users.Distinct != want {
		w.t.Errorf("counted %d events of %d users, want %d of each", res.Events, res.Users.Distinct, want)
	}
	same, err := s.MarshalBinary()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range w.procs {
		if p.replica == nil {
			continue
		}
		said := p.accepted
		if said > counted[p.name] || said < counted[p.name] && !p.gone {
			w.t.Errorf("%s was told that %d events of its were accepted, and %d were", p.name, said, counted[p.name])
		}
		p.replica.View(func(s *deltalog.State) {
			for o := s.Offset(); o < int64(len(w.log)); o++ {
				s.Apply(o, w.log[o])
			}
			if state, err := s.MarshalBinary(); err != nil || !bytes.Equal(state, same) {
				w.t.Errorf("%s holds another state than the log (%v)", p.name, err)
			}
		})
	}
	again := 0
	for _, id := range firings {
		told := w.told[id]
		if len(told) == 0 {
			w.t.Errorf("nobody was told of %s", id)
			continue
		}
		left := slices.Clone(w.excuses)
		for i, at := range told[1:] {
			again++
			n := len(left)
			for j, e := range left {
				if !e.from.After(at) && !e.to.Before(told[i]) {
					left = slices.Delete(left, j, j+1)
					break
				}
			}
			if len(left) == n {
				w.t.Errorf("%s was told at %s and again at %s, and who leads was neither frozen nor killed", id, told[i].Sub(w.began), at.Sub(w.began))
			}
		}
	}
	w.t.Logf("%d events, %d records of the log, %d replicas, of which %d slept for longer than it keeps, %d firings, %d told again",
		want, len(w.log), len(w.procs), w.slept, len(firings), again)
}

func eventsIn(t *testing.T, v deltalog.Verdict) int64 {
	part := aggregate.New(aggregate.Options{})
	if err := part.UnmarshalBinary(v.Counts); err != nil {
		t.Error(err)
	}
	return part.Result(aggregate.ResultOptions{NoMerge: true}).Events
}

func modelState() deltalog.Options {
	var limits []detect.Limit
	for _, code := range stormCodes {
		limits = append(limits, detect.Limit{Name: fmt.Sprint("many-", code), Codes: []int32{code}, Window: 10 * time.Second, Events: 50})
	}
	return deltalog.Options{Aggregate: aggregate.Options{Catalog: web}, Detector: detect.Options{Catalog: web, Limits: limits}}
}

// proc is a process: a replica, and what stands between it and the world.
type proc struct {
	w    *world
	name string
	stop context.CancelFunc
	over chan struct{} // closed when it has ended
	dead chan struct{} // closed when it was killed

	// Guarded by world.mu.
	replica  *Replica
	frozen   chan struct{} // closed when it goes on; nil: it runs
	thawed   func()        // what else happens then
	gone     bool          // it was killed or stopped before the end
	accepted int64

	// Of the group.
	member   bool
	assigned *kafka.Generation  // not taken yet
	offered  chan struct{}      // closed and replaced when there is something to take
	leave    context.CancelFunc // ends the generation that it is in; nil: it is in none
	leads    bool               // in the generation that it is in, or was in last
}

// begin starts a process.
func (w *world) begin() {
	ctx, stop := context.WithCancel(context.Background())
	p := &proc{w: w, stop: stop, over: make(chan struct{}), dead: make(chan struct{}), offered: make(chan struct{})}
	w.mu.Lock()
	p.name = fmt.Sprint("replica-", len(w.procs)+1)
	w.procs = append(w.procs, p)
	w.mu.Unlock()
	w.note("%s begins", p.name)
	w.tasks.Go(func() {
		defer close(p.over)
		defer stop()
		p.run(ctx)
	})
}

func (p *proc) run(ctx context.Context) {
	var r *Replica
	for r == nil {
		var err error
		if r, err = Open(ctx, Options{
			Log: (*modelLog)(p), Name: p.name, State: modelState(), Logger: slog.New(slog.DiscardHandler), Open: p.open,
			BaseEvery: 40 * time.Second, BaseRecords: 150, Accepted: p.count,
		}); ctx.Err() != nil {
			return
		} else if err != nil { // the process ends, and is begun again by what looks after it
			p.w.note("%s cannot begin: %v", p.name, err)
			pause(ctx, time.Second)
		}
	}
	p.w.mu.Lock()
	p.replica = r
	p.w.mu.Unlock()
	popt := pipeline.Options{Catalog: web, Aggregate: aggregate.Options{Catalog: web}, Extract: extract.Options{Zone: time.UTC}}
	topt := TopicOptions{Group: kafka.GroupOptions{ID: "model", Topics: []string{"client-logs"}}}
	err := r.Run(ctx, r.Topics((*modelCluster)(p), topt, popt))
	if _, gone := errors.AsType[*kafka.OutOfRangeError](err); gone { // it has slept for too long, and another takes its place
		p.w.note("%s: %v", p.name, err)
		p.w.mu.Lock()
		p.gone = true
		p.w.slept++
		p.w.mu.Unlock()
		p.w.begin()
	} else if err != nil && p.pass() == nil {
		p.w.t.Errorf("%s: %v", p.name, err)
	}
}

// count is told what was accepted. The lock of the replica is held.
func (p *proc) count(v deltalog.Verdict) {
	if n := eventsIn(p.w.t, v); !p.killed() {
		p.accepted += n
	}
}

func (p *proc) open(told []byte) (*notify.Notifier, error) {
	return notify.New(notify.Options{
		Catalog: web, State: told, Notified: p.replica.Delivered, Gate: p.replica.Leads,
		Sinks: []notify.Sink{{Kind: "ndjson", Path: "-", Writer: p}},
	})
}

// Write is the sink.
func (p *proc) Write(b []byte) (int, error) {
	if err := p.pass(); err != nil {
		return 0, err
	}
	p.w.mu.Lock()
	for line := range bytes.Lines(b) {
		var a detect.Alert
		if err := json.Unmarshal(line, &a); err != nil {
			p.w.t.Errorf("told %q: %v", line, err)
		}
		if a.State == detect.Firing {
			p.w.told[a.ID()] = append(p.w.told[a.ID()], time.Now())
		}
		p.w.trace = append(p.w.trace, fmt.Sprintf("%7.2fs %s tells of %s %s", time.Since(p.w.began).Seconds(), p.name, a.State, a.ID()))
	}
	p.w.mu.Unlock()
	return len(b), p.pass()
}

// running returns the processes that were neither stopped nor killed.
func (w *world) running() (all []*proc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.procs {
		if !p.gone {
			all = append(all, p)
		}
	}
	return all
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (p *proc) killed() bool { return closed(p.dead) }
func (p *proc) ended() bool  { return closed(p.over) || p.killed() }

var errKilled = errors.New("killed")

// pass lets nothing through to the world, or back, from a process that is frozen, or was killed.
func (p *proc) pass() error {
	for {
		p.w.mu.Lock()
		frozen := p.frozen
		p.w.mu.Unlock()
		switch {
		case p.killed():
			return errKilled
		case frozen == nil:
			return nil
		}
		select {
		case <-frozen:
		case <-p.dead:
		}
	}
}

// freeze stops a process for a while, of which the group may think that it is dead.
func (w *world) freeze(p *proc, d time.Duration) {
	w.mu.Lock()
	if p.frozen != nil {
		w.mu.Unlock()
		return
	}
	p.frozen = make(chan struct{})
	if p.leads {
		p.thawed = w.excuse()
	}
	w.mu.Unlock()
	w.note("%s is frozen for %s", p.name, d)
	w.tasks.Go(func() {
		if d > session {
			time.Sleep(session)
			w.rebalance(p.name + " is silent")
			time.Sleep(d - session)
		} else {
			time.Sleep(d)
		}
		w.thaw(p)
		time.Sleep(w.some(3 * time.Second))
		w.rebalance(p.name + " is back")
	})
}

func (w *world) thaw(p *proc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.frozen != nil {
		close(p.frozen)
		p.frozen = nil
		if p.thawed != nil {
			p.thawed()
			p.thawed = nil
		}
		w.trace = append(w.trace, p.name+" goes on")
	}
}

func (w *world) kill(p *proc) {
	w.mu.Lock()
	if p.gone {
		w.mu.Unlock()
		return
	}
	if p.leads {
		w.excuse()()
	}
	p.gone = true
	close(p.dead)
	w.mu.Unlock()
	w.note("%s is killed", p.name)
	p.stop()
	w.tasks.Go(func() {
		time.Sleep(session)
		w.rebalance(p.name + " is dead")
	})
}

// stop ends a process as one should. It has 10 s, unless it is frozen or the log is away.
func (w *world) stop(p *proc) {
	w.note("%s is stopped", p.name)
	w.mu.Lock()
	p.gone = true
	disturbed := p.frozen != nil || time.Now().Before(w.logBack)
	w.mu.Unlock()
	p.stop()
	stopped := time.Now()
	w.tasks.Go(func() {
		<-p.over
		w.mu.Lock()
		disturbed = disturbed || stopped.Before(w.logBack)
		w.mu.Unlock()
		if took := time.Since(stopped); took > 10*time.Second && !disturbed && !p.killed() {
			w.t.Errorf("%s took %s to stop", p.name, took)
		}
		w.rebalance(p.name + " has left")
	})
}

// modelLog is the log as a process sees it.
type modelLog proc

func (l *modelLog) Append(ctx context.Context, records ...[]byte) error {
	p := (*proc)(l)
	w := p.w
	if err := l.call(ctx); err != nil {
		l.excuse(records)
		if w.chance(4) && !p.killed() && ctx.Err() == nil {
			l.lately(records)
		}
		return err
	}
	switch lost := errors.New("the answer is lost"); {
	case w.chance(25):
		l.append(records)
		return l.fail(ctx, lost)
	case w.chance(25):
		l.excuse(records)
		return l.fail(ctx, errors.New("no connection"))
	case w.chance(25):
		l.excuse(records)
		l.lately(records)
		return l.fail(ctx, lost)
	case w.chance(25):
		l.append(records)
		l.append(records[:w.intN(len(records)+1)])
	default:
		l.append(records)
	}
	if err := p.pass(); err != nil {
		return err
	}
	return ctx.Err()
}

func (l *modelLog) append(records [][]byte) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if l.w.r.IntN(20) == 0 {
		l.w.log = append(l.w.log, nil)
	}
	l.w.log = append(l.w.log, records...)
	close(l.w.changed)
	l.w.changed = make(chan struct{})
}

// excuse notes that the log does not take a note.
func (l *modelLog) excuse(records [][]byte) {
	if bytes.Contains(records[0], []byte(`"t":"note"`)) {
		l.w.mu.Lock()
		defer l.w.mu.Unlock()
		l.w.excuse()()
	}
}

// lately appends records some time later, whatever has become of the process.
func (l *modelLog) lately(records [][]byte) {
	records = slices.Clone(records)
	d := l.w.some(30 * time.Second)
	l.w.note("a record of %s comes in %s", l.name, d)
	l.w.tasks.Go(func() {
		time.Sleep(d)
		l.append(records)
	})
}

// fail takes some time to return err.
func (l *modelLog) fail(ctx context.Context, err error) error {
	pause(ctx, l.w.some(logTimeout))
	if err := (*proc)(l).pass(); err != nil {
		return err
	}
	return err
}

// call brings a question to the log, which takes a moment; while the log is away it fails after some time.
func (l *modelLog) call(ctx context.Context) error {
	p := (*proc)(l)
	if err := p.pass(); err != nil {
		return err
	}
	if !pause(ctx, l.w.some(20*time.Millisecond)) {
		return ctx.Err()
	}
	if err := p.pass(); err != nil {
		return err
	}
	if l.away() {
		return l.fail(ctx, errors.New("no broker answers"))
	}
	return nil
}

func (l *modelLog) away() bool {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	return time.Now().Before(l.w.logBack)
}

func (l *modelLog) Bounds(ctx context.Context) (first, end int64, err error) {
	if err := l.call(ctx); err != nil {
		return 0, 0, err
	}
	l.w.mu.Lock()
	first, end = l.w.first, int64(len(l.w.log))
	l.w.mu.Unlock()
	return first, end, (*proc)(l).pass()
}

func (l *modelLog) Read(ctx context.Context, from int64, wait bool, apply func(int64, []byte) error) (int64, error) {
	p, until := (*proc)(l), int64(-1)
	for {
		if err := p.pass(); err != nil {
			return from, err
		}
		if ctx.Err() != nil {
			return from, ctx.Err()
		}
		l.w.mu.Lock()
		first, end, changed := l.w.first, int64(len(l.w.log)), l.w.changed
		var batch [][]byte
		if from >= first && from < end {
			batch = l.w.log[from:min(end, from+1+l.w.r.Int64N(50))]
		}
		l.w.mu.Unlock()
		if until < 0 {
			until = end
		}
		switch {
		case l.away():
			pause(ctx, time.Second)
			continue
		case from < first:
			return from, &kafka.OutOfRangeError{Next: from, Bounds: kafka.Bounds{First: first, End: end}}
		case !wait && from >= until:
			return from, nil
		case len(batch) == 0:
			select {
			case <-changed:
				pause(ctx, l.w.some(50*time.Millisecond))
			case <-ctx.Done():
			}
			continue
		}
		for _, record := range batch {
			if err := p.pass(); err != nil {
				return from, err
			}
			if err := apply(from, record); err != nil {
				return from, err
			}
			from++
		}
	}
}

// modelCluster is Kafka as a process sees it.
type modelCluster proc

// rebalance makes a new generation of those that speak, when they have left the last one, as Kafka does; or without waiting.
func (w *world) rebalance(why string) { w.regroup(why, w.intN(4) == 0) }

func (w *world) regroup(why string, hasty bool) {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	for end := time.Now().Add(session); !hasty && !w.dissolved() && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.generation++
	members := w.members()
	w.trace = append(w.trace, fmt.Sprintf("%7.2fs generation %d of %d, because %s", time.Since(w.began).Seconds(), w.generation, len(members), why))
	if len(members) == 0 {
		return
	}
	for _, p := range w.procs {
		if p.leave != nil && p.leads && !p.killed() { // two lead for a while
			w.excuses = append(w.excuses, excuse{time.Now(), time.Now().Add(session)})
		}
	}
	w.r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	for i, p := range members {
		p.assigned = &kafka.Generation{ID: w.generation, Leader: i == 0}
		if i == 0 {
			w.trace = append(w.trace, p.name+" is to lead")
		}
	}
	for _, x := range w.partitions {
		owners := 1
		if w.r.IntN(4) == 0 {
			owners = min(2, len(members))
		}
		i := w.r.IntN(len(members))
		for range owners {
			g := members[i%len(members)].assigned
			g.Partitions = append(g.Partitions, kafka.Assigned{Partition: x.Partition, Committed: -1})
			i++
		}
	}
	for _, p := range members {
		if p.leave != nil { // it hears of it a little later
			leave, late := p.leave, time.Duration(w.r.IntN(int(3*time.Second)))
			w.tasks.Go(func() { time.Sleep(late); leave() })
		}
		close(p.offered)
		p.offered = make(chan struct{})
	}
}

// members returns those of the group that speak. w.mu is held.
func (w *world) members() (all []*proc) {
	for _, p := range w.procs {
		if p.member && p.frozen == nil && !p.ended() && !p.gone {
			all = append(all, p)
		}
	}
	return all
}

// dissolved tells the members to leave the generation, and says whether they have; those that are to end among them.
func (w *world) dissolved() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := true
	for _, p := range w.procs {
		if p.leave != nil && p.frozen == nil && !p.ended() {
			p.leave()
			all = false
		}
	}
	return all
}

func (c *modelCluster) Join(ctx context.Context, _ kafka.GroupOptions, hold func(context.Context, *kafka.Generation) error) error {
	p, w := (*proc)(c), c.w
	w.mu.Lock()
	p.member = true
	w.mu.Unlock()
	w.tasks.Go(func() { w.rebalance(p.name + " has come") })
	for {
		if err := p.pass(); err != nil {
			return err
		}
		w.mu.Lock()
		g, offered := p.assigned, p.offered
		inner, leave := context.WithCancel(ctx)
		if g != nil {
			p.assigned, p.leave, p.leads = nil, leave, g.Leader
		}
		w.mu.Unlock()
		if g == nil {
			leave()
			select {
			case <-offered:
			case <-ctx.Done():
				return ctx.Err()
			}
			continue
		}
		err := c.hold(ctx, inner, g, hold)
		leave()
		w.mu.Lock()
		p.leave = nil
		w.mu.Unlock()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

// hold is a generation, which a replica must leave in time, unless its life is to end: then it has more for a last commit.
func (c *modelCluster) hold(life, ctx context.Context, g *kafka.Generation, hold func(context.Context, *kafka.Generation) error) error {
	var over time.Time
	defer context.AfterFunc(ctx, func() {
		c.w.mu.Lock()
		defer c.w.mu.Unlock()
		if c.frozen == nil {
			over = time.Now()
		}
	})()
	err := hold(ctx, g)
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if c.frozen == nil && !over.IsZero() && c.w.calm && life.Err() == nil && time.Since(over) > 2*time.Second {
		c.w.t.Errorf("%s was in generation %d for %s after its end", c.name, g.ID, time.Since(over))
	}
	return err
}

func (c *modelCluster) find(p kafka.Partition) *modelPartition {
	i := slices.IndexFunc(c.w.partitions, func(x *modelPartition) bool { return x.Partition == p })
	return c.w.partitions[i]
}

func (c *modelCluster) Offsets(ctx context.Context, partitions ...kafka.Partition) (map[kafka.Partition]kafka.Bounds, error) {
	if err := (*proc)(c).pass(); err != nil {
		return nil, err
	}
	if !pause(ctx, c.w.some(20*time.Millisecond)) {
		return nil, ctx.Err()
	}
	c.w.mu.Lock()
	all := map[kafka.Partition]kafka.Bounds{}
	var err error
	for _, p := range partitions {
		if x := c.find(p); time.Now().Before(x.back) {
			err = errors.New("no leader")
		} else {
			all[p] = kafka.Bounds{First: x.first, End: int64(len(x.records))}
		}
	}
	c.w.mu.Unlock()
	return all, errors.Join(err, (*proc)(c).pass())
}

func (c *modelCluster) OffsetAt(context.Context, kafka.Partition, time.Time) (int64, error) {
	return 0, errors.New("nobody asks")
}

func (c *modelCluster) Read(ctx context.Context, p kafka.Partition, from int64, r kafka.Reader) error {
	x := c.find(p)
	for {
		if err := (*proc)(c).pass(); err != nil {
			return err
		}
		if !pause(ctx, 10*time.Millisecond+c.w.some(400*time.Millisecond)) {
			return ctx.Err()
		}
		c.w.mu.Lock()
		first, end, away := x.first, int64(len(x.records)), time.Now().Before(x.back)
		var batch []kafka.Record
		if from >= first && from < end {
			batch = x.records[from:min(end, from+1+c.w.r.Int64N(100))]
		}
		c.w.mu.Unlock()
		switch {
		case away:
			r.Trouble(errors.New("no leader"))
			pause(ctx, time.Second)
			continue
		case from < first || from > end:
			return &kafka.OutOfRangeError{Partition: p, Next: from, Bounds: kafka.Bounds{First: first, End: end}}
		}
		for _, record := range batch {
			if err := (*proc)(c).pass(); err != nil {
				return err
			}
			if record.Value != nil {
				if err := r.Record(record); err != nil {
					return err
				}
			}
			from = record.Offset + 1
		}
		if err := r.Fetched(from, end); err != nil {
			return err
		}
	}
}
