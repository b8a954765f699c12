//go:build unix

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/config"
	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/kafka/kafkatest"
)

// chaosSize is what a run goes through.
type chaosSize struct {
	records  int
	last     time.Duration // of the load
	kills    int           // of replicas, as kill -9 does
	freezes  int           // of replicas, longer than a session
	outages  int           // kills of a broker
	scale    []int         // replicas, one after the other
	limits   int           // alerts that fire in each cycle
	cycle    time.Duration // from one storm to the next
	leastDue int           // alerts
}

var (
	chaosSeed = flag.Uint64("chaos-seed", 1, "of what is killed when")
	chaosFull = flag.Bool("chaos-full", false, "run TestChaos at full size: a quarter of an hour")
)

var (
	littleChaos = chaosSize{records: 20_000, last: 40 * time.Second, kills: 4, freezes: 1, outages: 1, scale: []int{3}, limits: 12, cycle: 60 * time.Second, leastDue: 10}
	fullChaos   = chaosSize{
		records: 1_000_000, last: 14 * time.Minute, kills: 24, freezes: 9, outages: 4, scale: []int{3, 1, 5, 2},
		limits: 252, cycle: 95 * time.Second, leastDue: 2000,
	}
)

// Replicas are killed and frozen, brokers are killed, the fleet grows and shrinks, while records come without a pause: each
// is counted once, each alert is told, and who stops in peace does so within ten seconds.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute")
	}
	t.Parallel()
	size := littleChaos
	if *chaosFull {
		size = fullChaos
	}
	runChaos(t, kafkatest.Fake(t), size)
}

// chaos is a run.
type chaos struct {
	t      *testing.T
	size   chaosSize
	broker *kafkatest.Broker
	rnd    *rand.Rand
	bin    string
	dir    string
	conf   string

	replicas []*served
	started  int
	leaders  int // kills and pauses of a leader

	mu    sync.Mutex
	told  map[string]int // firing messages by identity
	since time.Time
}

func runChaos(t *testing.T, b *kafkatest.Broker, size chaosSize) {
	dir := t.TempDir()
	c := &chaos{t: t, size: size, broker: b, rnd: rand.New(rand.NewPCG(*chaosSeed, 0)), dir: dir, bin: binary(t, dir), told: map[string]int{}, since: time.Now()}
	sink := httptest.NewServer(http.HandlerFunc(c.take))
	defer sink.Close()
	c.configure(sink.URL)
	b.Create(t, kafkaTopic, 4, nil)
	c.scaleTo(size.scale[0])
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		c.load()
	}()
	c.disturb(loaded)
	<-loaded
	end := time.Now()
	waitUntil(t, "everything is counted", c.drained)
	t.Logf("drained %.1f s after the load", time.Since(end).Seconds())
	waitUntil(t, "time has passed the last event by what may be late", func() bool {
		return c.most("imerr_watermark_timestamp_seconds") > float64(end.Unix()+20)
	})
	waitUntil(t, "every alert is told", func() bool { return c.most(`imerr_notifications_queued{sink="webhook"}`) == 0 })
	c.check()
}

// configure writes the configuration: limits that fire in each cycle, and the sink.
func (c *chaos) configure(url string) {
	var b strings.Builder
	fmt.Fprintf(&b, "detector: {resolve_after: 1m, allowed_lateness: 10s}\nsinks: [{kind: webhook, url: %q}]\nlimits:\n", url)
	for i := range c.size.limits {
		fmt.Fprintf(&b, "- {name: limit-%d, codes: [%d], window: 10s, events: %d}\n", i, stormCodes[i%len(stormCodes)], 5+i/len(stormCodes))
	}
	c.conf = filepath.Join(c.dir, "conf.yaml")
	if err := os.WriteFile(c.conf, []byte(b.String()), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// stormCodes come in storms, calmCodes between them.
var (
	stormCodes = []int{39, 40, 50, 56, 101, 102, 103, 219, 500, 501, 502, 503, 504, 505, 507, 508, 509, 602, 603, 604, 605, 606, 607, 702, 704, 705, 999}
	calmCodes  = []int{1, 2, 3}
)

// take is the sink.
func (c *chaos) take(w http.ResponseWriter, r *http.Request) {
	var message struct {
		Alerts []struct {
			Status   string
			StartsAt time.Time
			Labels   map[string]string
		}
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &message)
	}
	if err != nil {
		c.t.Errorf("the sink was given %q: %v", body, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range message.Alerts {
		if a.Status == "firing" {
			c.told[identity(a.Labels["alertname"], a.StartsAt)]++
		} else if id := identity(a.Labels["alertname"], a.StartsAt); c.told[id] == 0 {
			c.told[id] = 1 // came and went before it could be told: one message says both
		}
	}
}

// identity is the same for limit-1 in the log and ImerrLimit1 at a sink.
func identity(name string, at time.Time) string {
	name = strings.TrimPrefix(strings.ToLower(strings.ReplaceAll(name, "-", "")), "imerr")
	return fmt.Sprint(name, " ", at.UnixMilli())
}

// load writes the records, at an even pace: a third are errors, of all codes while a storm lasts.
func (c *chaos) load() {
	p := c.broker.Producer(c.t)
	const tick = 10 * time.Millisecond
	ticks := int(c.size.last / tick)
	begin := time.Now()
	sent := 0
	for i := range ticks {
		for want := c.size.records * (i + 1) / ticks; sent < want; sent++ {
			p.Send(kafkaTopic, sent%4, c.record(sent, time.Since(begin)))
		}
		time.Sleep(time.Until(begin.Add(time.Duration(i+1) * tick)))
	}
	p.Flush()
	c.t.Logf("%d records in %.0f s", sent, time.Since(begin).Seconds())
}

func (c *chaos) record(n int, since time.Duration) []byte {
	at := time.Now().UTC().Format(time.RFC3339Nano)
	if n%3 > 0 {
		return fmt.Appendf(nil, `{"ts":%q,"level":"info","svc":"im-gateway","msg":"message delivered","type":"txt","n":%d}`, at, n)
	}
	codes := calmCodes
	if since%c.size.cycle > 5*time.Second && since%c.size.cycle < 20*time.Second {
		codes = stormCodes
	}
	return fmt.Appendf(nil, `{"ts":%q,"level":"error","svc":"im-gateway","error":{"type":%d,"message":"m"},"user":"u_%d","n":%d}`,
		at, codes[n/3%len(codes)], n%5000, n)
}

// disturb does harm until the load is over, at random moments, in random order.
func (c *chaos) disturb(loaded <-chan struct{}) {
	var harm []func()
	for range c.size.kills {
		harm = append(harm, c.kill)
	}
	for range c.size.freezes {
		harm = append(harm, c.freeze)
	}
	for range c.size.outages {
		harm = append(harm, c.outage)
	}
	c.rnd.Shuffle(len(harm), func(i, k int) { harm[i], harm[k] = harm[k], harm[i] })
	stages := len(c.size.scale)
	for i, do := range harm {
		if k := i * stages / len(harm); i > 0 && k != (i-1)*stages/len(harm) {
			c.scaleTo(c.size.scale[k])
		}
		due := c.since.Add(c.size.last * time.Duration(i+1) / time.Duration(len(harm)+1))
		select {
		case <-time.After(time.Until(due)):
		case <-loaded:
		}
		do()
	}
}

func (c *chaos) scaleTo(n int) {
	for len(c.replicas) < n {
		c.replicas = append(c.replicas, c.start())
	}
	for len(c.replicas) > n {
		last := c.replicas[len(c.replicas)-1]
		c.replicas = c.replicas[:len(c.replicas)-1]
		c.stop(last)
	}
	c.say("%d replicas", n)
}

func (c *chaos) say(format string, args ...any) {
	c.t.Logf("%6.1f s "+format, append([]any{time.Since(c.since).Seconds()}, args...)...)
}

func (c *chaos) start() *served {
	c.started++
	return consume(c.t, c.bin, c.dir, fmt.Sprint("replica-", c.started), c.broker, "--config", c.conf)
}

// stop ends a replica in peace.
func (c *chaos) stop(s *served) {
	began := time.Now()
	s.stop()
	if took := time.Since(began); took > 10*time.Second {
		c.t.Errorf("SIGTERM took %v, want at most 10 s", took)
	}
}

func (c *chaos) victim() int {
	if !c.broker.Real { // who dies while it joins stays a member of the fake's group for ever
		waitUntil(c.t, "all are members", func() bool {
			return !slices.ContainsFunc(c.replicas, func(s *served) bool { _, status := s.get("/readyz"); return status != 200 })
		})
	}
	i := c.rnd.IntN(len(c.replicas))
	if c.rnd.IntN(2) == 0 { // half of the time it is the leader
		if k := slices.IndexFunc(c.replicas, func(s *served) bool { return s.metric("imerr_leader") == "1" }); k >= 0 {
			i = k
		}
	}
	if c.replicas[i].metric("imerr_leader") == "1" {
		c.leaders++
	}
	return i
}

func (c *chaos) kill() {
	i := c.victim()
	s := c.replicas[i]
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	c.say("kill -9 of a replica")
	time.Sleep(time.Duration(c.rnd.IntN(1000)) * time.Millisecond)
	c.replicas[i] = c.start()
}

func (c *chaos) freeze() {
	s := c.replicas[c.victim()]
	long := 12*time.Second + time.Duration(c.rnd.IntN(6000))*time.Millisecond
	c.say("a replica stands still for %.1f s", long.Seconds())
	_ = s.cmd.Process.Signal(syscall.SIGSTOP)
	time.Sleep(long)
	_ = s.cmd.Process.Signal(syscall.SIGCONT)
}

func (c *chaos) outage() {
	i := c.rnd.IntN(len(c.broker.Plain))
	c.say("kill -9 of broker %d", i)
	c.broker.Kill(i)
	time.Sleep(2 * time.Second)
	c.broker.Start(c.t, i)
}

// drained says whether every partition is owned, and counted to its end.
func (c *chaos) drained() bool {
	owned := 0
	for _, s := range c.replicas {
		body, _ := s.get("/metrics")
		for line := range strings.Lines(body) {
			if strings.HasPrefix(line, "imerr_kafka_lag{") && strings.HasSuffix(line, " 0\n") {
				owned++
			}
		}
	}
	return owned == 4
}

// most returns the greatest value of a metric among the replicas, 0 if none has it.
func (c *chaos) most(name string) float64 {
	most := 0.0
	for _, s := range c.replicas {
		var v float64
		if _, err := fmt.Sscan(s.metric(name), &v); err == nil {
			most = max(most, v)
		}
	}
	return most
}

// minute is one code in one minute.
type minute struct {
	code int32
	at   int64
}

// check compares what the log and the replicas say with what is in the topic.
func (c *chaos) check() {
	truth, records := map[minute]int64{}, int64(0)
	c.broker.Records(c.t, kafkaTopic, func(_ int, _ int64, value []byte) {
		records++
		var r struct {
			TS    time.Time
			Error *struct{ Type int32 }
		}
		if err := json.Unmarshal(value, &r); err != nil {
			c.t.Fatalf("%q: %v", value, err)
		}
		if r.Error != nil {
			truth[minute{r.Error.Type, r.TS.UnixMilli() / 60_000}]++
		}
	})
	if records < int64(c.size.records) { // more, if the broker forgot in a crash what it had of a producer
		c.t.Errorf("the topic holds %d records, want %d", records, c.size.records)
	}
	state, due := c.replay()
	counted := map[minute]int64{}
	for _, code := range state.Total().Codes() {
		for cell := range state.Total().Cells(code, 0) {
			counted[minute{code, cell.Start / 60_000}] += cell.Events
		}
	}
	var lost, doubled int64
	for m := range maps.Keys(truth) {
		lost += max(0, truth[m]-counted[m])
	}
	for m := range maps.Keys(counted) {
		doubled += max(0, counted[m]-truth[m])
	}
	res := state.Total().Result(aggregate.ResultOptions{NoMerge: true})
	if lost+doubled > 0 || res.Lines.Read != records {
		c.t.Errorf("of %d records lost %d, doubled %d; lines %d", records, lost, doubled, res.Lines.Read)
	}
	for _, s := range c.replicas {
		var summary struct{ Events int64 }
		body, _ := s.get("/api/v1/summary")
		if err := json.Unmarshal([]byte(body), &summary); err != nil || summary.Events != res.Events {
			c.t.Errorf("a replica says %d events (%v), the log %d", summary.Events, err, res.Events)
		}
	}
	missing, repeated := 0, 0
	c.mu.Lock()
	for id := range due {
		missing += max(0, 1-c.told[id])
		repeated += max(0, c.told[id]-1)
	}
	for id := range c.told {
		if !due[id] {
			c.t.Errorf("told of %s, which the log does not have", id)
		}
	}
	c.mu.Unlock()
	if missing > 0 || repeated > c.leaders || len(due) < c.size.leastDue {
		c.t.Errorf("of %d alerts (want at least %d) missing %d, repeated %d (want at most %d)", len(due), c.size.leastDue, missing, repeated, c.leaders)
	}
	c.t.Logf("%d records, %d events: lost %d, doubled %d; %d alerts: missing %d, repeated %d with %d kills and pauses of a leader",
		records, res.Events, lost, doubled, len(due), missing, repeated, c.leaders)
	if c.t.Failed() {
		c.explain()
	}
	for _, s := range c.replicas {
		c.stop(s)
	}
}

// explain shows what the replicas say, for whoever looks for the reason.
func (c *chaos) explain() {
	for _, s := range c.replicas {
		ready, _ := s.get("/readyz")
		said, _ := os.ReadFile(s.said)
		lines := strings.Split(string(said), "\n")
		c.t.Logf("%s: %s\n%s", filepath.Base(s.said), ready, strings.Join(lines[max(0, len(lines)-40):], "\n"))
	}
}

// replay applies the log by itself, and returns what fired.
func (c *chaos) replay() (*deltalog.State, map[string]bool) {
	data, err := os.ReadFile(c.conf)
	if err != nil {
		c.t.Fatal(err)
	}
	conf, err := config.Load(config.Input{File: c.conf, Data: data, ReadFile: config.ReadFile})
	if err != nil {
		c.t.Fatal(err)
	}
	state := deltalog.NewState(deltalog.Options{Aggregate: aggregate.Options{Catalog: conf.Catalog}, Detector: conf.Detector})
	due := map[string]bool{}
	verdicts := map[deltalog.Kind]int{}
	c.broker.Records(c.t, "imerr-scan-log", func(_ int, offset int64, value []byte) {
		v := state.Apply(offset, value)
		verdicts[v.Kind]++
		for i := range v.Alerts {
			if a := &v.Alerts[i]; a.State == "firing" && a.Kind != "loop_user" {
				due[identity(a.Alert, a.StartsAt)] = true
			}
		}
	})
	c.t.Logf("the log: %v", verdicts)
	return state, due
}
