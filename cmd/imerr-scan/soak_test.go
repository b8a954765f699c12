//go:build linux

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
	"imerr-scan/internal/detect"
	"imerr-scan/internal/kafka/kafkatest"
	"imerr-scan/pkg/catalog"
)

var soakFor = flag.Duration("soak", 5*time.Second, "how long TestSoak writes: 1h is its full size")

// What a soak is made of. A short one does the same things at the least distance that makes sense.
const (
	soakPartitions = 4
	soakRate       = 2000 // lines a second, half of them into the file, half into the topic
	soakErrors     = 20   // one line of so many is an error
	soakHistory    = 20 * time.Minute
	soakStorm      = time.Minute     // is how long one lasts
	soakStormRest  = 4 * time.Minute // from one to the next
	soakStormRate  = 22              // errors more a second
)

// What a service may take, and by how much the last quarter may be above the second. Resident memory follows the limit that serve sets to the
// garbage collector, and would hide a leak for a long time; the least heap of a quarter is about what is live. That grows still in these 30
// minutes of an hour: 100 errors a second bring 100 hashes of users (8 bytes, up to 4 MiB, which the 20 minutes before and an hour do not
// reach) and 85 codes a cell each 10 s (16 bytes), 1.7 MB together; values of versions are at their bound by then. The rest of
// soakHeapGrowth is scatter: the least of 5 minutes was 29 to 39 MiB in an hour, without a direction.
const (
	soakMost       = 128 << 10        // KiB resident
	soakGrowth     = 12 << 10         // KiB resident
	soakHeapGrowth = 8 << 10          // KiB
	soakGrowthFew  = 5                // descriptors, goroutines
	soakSettles    = 10 * time.Minute // of a shorter run the memory says only that it is bounded
	soakLingers    = 10 * time.Second // that a rotated file stays open after its last byte
)

// A service reads a topic and a file for a long time, at an even pace, while the file is rotated, the configuration changes and is broken,
// scrapers and viewers come and go, storms pass, and of three sinks one works: what it takes stays as it is, each line counts once, and each
// alert is told once.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("a quarter of a minute")
	}
	t.Parallel()
	dir := t.TempDir()
	k := &soak{
		t: t, dir: dir, last: *soakFor, rnd: rand.New(rand.NewPCG(1, 2)), codes: map[int32]int64{}, told: map[string][]string{},
		conf: filepath.Join(dir, "conf.yaml"), w: &writer{t: t, path: filepath.Join(dir, "app.log")}, done: make(chan struct{}),
	}
	for _, e := range catalog.Web().Entries() {
		if e.Code != 0 && (e.Tier == "documented" || e.Tier == "sdk_public") {
			k.known = append(k.known, e.Code)
		}
	}
	k.run()
}

// soak is a run.
type soak struct {
	t       *testing.T
	dir     string
	last    time.Duration
	rnd     *rand.Rand
	known   []int32 // codes that come
	conf    string
	sinks   [3]string // addresses: works, fails, is not there
	w       *writer
	s       *served
	samples []soakSample
	done    chan struct{} // closed when the load is over

	// What was written.
	lines, errors, unknown int64
	codes                  map[int32]int64
	storms                 int
	stormUser              int

	rotations, reloads, refused, scrapes, viewers, frames int

	mu     sync.Mutex
	told   map[string][]string // summaries by state and identity, at the sink that works
	taken  int                 // messages there
	failed int                 // messages that the sink refused that fails
}

// soakSample is what a process takes at a moment.
type soakSample struct{ rss, peak, heap, fds, goroutines int } // the first three in KiB; peak is of rss since the start

func (k *soak) run() {
	t := k.t
	broker := kafkatest.Fake(t)
	broker.Create(t, kafkaTopic, soakPartitions, nil)
	defer k.listen()()
	k.configure(0)
	token := filepath.Join(k.dir, "token")
	if err := os.WriteFile(token, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	k.w.open()
	k.history(time.Now())
	bin := binary(t, k.dir)
	start := func(name string) *served {
		return consume(t, bin, k.dir, name, broker, "--config", k.conf, "--reload-token-file", token, k.w.path)
	}
	k.s = start("said")
	waitUntil(t, "what was there is counted, and the topic is read", func() bool {
		_, status := k.s.get("/readyz")
		return status == http.StatusOK && k.counted()
	})
	var busy sync.WaitGroup
	for _, work := range []func(){k.reload, k.scrape, k.view, k.sample} {
		busy.Go(work)
	}
	began := time.Now()
	func() {
		defer busy.Wait()
		defer close(k.done)
		k.load(broker.Producer(t))
	}()
	took := time.Since(began)
	waitUntil(t, "every line is counted", k.counted)
	k.check()
	k.checkAlerts()
	k.s.want(`imerr_notifications_total{sink="works",result="ok"}`, fmt.Sprint(k.messages())) // of one process, over all reloads
	k.checkSamples(took)
	k.s.stop()
	k.s = start("again")
	waitUntil(t, "another process knows all", func() bool { return k.counted() && k.s.metric("imerr_leader") == "1" })
	k.check()
	k.checkAlerts() // of which none is told again
	k.s.stop()
}

// every calls do again and again until the load is over: as often as it is to happen in an hour, and not more often than least says.
func (k *soak) every(inAnHour int, least time.Duration, do func(n int)) {
	ticks := time.NewTicker(max(k.last/time.Duration(inAnHour), least))
	defer ticks.Stop()
	for n := 0; ; n++ {
		select {
		case <-ticks.C:
			do(n)
		case <-k.done:
			return
		}
	}
}

// listen starts the sinks, and returns what ends them.
func (k *soak) listen() func() {
	works := httptest.NewServer(http.HandlerFunc(k.take))
	over := make(chan struct{})
	fails := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		k.mu.Lock()
		k.failed++
		hangs := k.failed%3 == 0
		k.mu.Unlock()
		if hangs {
			select {
			case <-r.Context().Done():
			case <-over:
			}
		}
		w.WriteHeader(http.StatusInternalServerError)
	}))
	k.sinks = [3]string{works.URL, fails.URL, "http://" + freeAddress(k.t)}
	return func() { close(over); works.Close(); fails.Close() }
}

// take is the sink that works.
func (k *soak) take(_ http.ResponseWriter, r *http.Request) {
	var message struct {
		Alerts []struct {
			Status              string
			StartsAt            time.Time
			Labels, Annotations map[string]string
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
		k.t.Error(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.taken++
	for _, a := range message.Alerts {
		id := a.Status + " " + identity(a.Labels["alertname"]+a.Labels["code"], a.StartsAt)
		k.told[id] = append(k.told[id], a.Annotations["summary"])
	}
}

func (k *soak) messages() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.taken
}

// configure writes a configuration; each n makes another.
func (k *soak) configure(n int) {
	k.write(fmt.Sprintf(`detector: {resolve_after: 1m, allowed_lateness: 10s}
limits: [{name: quota, codes: [50, 509], window: 10s, events: 150}, {name: always, window: 1m, events: 2000}]
links: {page: "https://imerr.example.org/%d"}
sinks: [{kind: webhook, name: works, url: %q}, {kind: webhook, name: fails, url: %q}, {kind: webhook, name: gone, url: %q}]
`, n, k.sinks[0], k.sinks[1], k.sinks[2]))
}

func (k *soak) write(conf string) {
	if err := os.WriteFile(k.conf, []byte(conf), 0o600); err != nil {
		k.t.Error(err)
	}
}

// history writes what was before into the file: the same errors, and a storm of kicks and one of quota that are over.
func (k *soak) history(now time.Time) {
	var b strings.Builder
	for at := now.Add(-soakHistory); at.Before(now); at = at.Add(time.Second) {
		for i := range soakRate / soakErrors {
			k.fault(&b, at.Add(time.Duration(i)*time.Second*soakErrors/soakRate))
		}
		if ago := now.Sub(at); ago < 270*time.Second && ago >= 210*time.Second {
			for range soakStormRate {
				k.storm(&b, at, true)
				k.storm(&b, at, false)
			}
		}
	}
	k.storms = 2
	if _, err := k.w.f.WriteString(b.String()); err != nil {
		k.t.Fatal(err)
	}
}

// load writes at an even pace, and rotates.
func (k *soak) load(p *kafkatest.Producer) {
	const tick = 10 * time.Millisecond
	ticks, begin, sent, storming := int(k.last/tick), time.Now(), 0, 0
	rotate := k.rotation()
	next := rotate
	rotated := map[string]time.Time{}
	var inFile, one strings.Builder
	send := func(n int) {
		if n%2 == 0 {
			inFile.WriteString(one.String())
		} else {
			p.Send(kafkaTopic, n/2%soakPartitions, []byte(strings.TrimSuffix(one.String(), "\n")))
		}
		one.Reset()
	}
	for i := range ticks {
		now, since := time.Now(), time.Since(begin)
		for want := soakRate * i / int(time.Second/tick); sent < want; sent++ {
			if k.rnd.IntN(soakErrors) == 0 {
				k.fault(&one, now)
			} else {
				k.ordinary(&one, now)
			}
			send(sent)
		}
		if in := since % soakStormRest; in >= 2*time.Minute && in < 2*time.Minute+soakStorm && since-in+soakStormRest < k.last {
			if storming == 0 {
				k.storms++
			}
			for want := 1 + int((in-2*time.Minute).Seconds()*soakStormRate); storming < want; storming++ {
				k.storm(&one, now, since/soakStormRest%2 == 0)
				send(storming)
			}
		} else {
			storming = 0
		}
		k.append(&inFile)
		if since >= next {
			next += rotate
			k.rotations++
			k.w.rotate(k.rotations)
			rotated[fmt.Sprintf("%s.%d", k.w.path, k.rotations)] = now
		}
		maps.DeleteFunc(rotated, func(file string, at time.Time) bool { return now.Sub(at) > time.Minute && os.Remove(file) == nil })
		time.Sleep(time.Until(begin.Add(time.Duration(i+1) * tick)))
	}
	p.Flush()
}

// rotation is how long a file is written before it is rotated.
func (k *soak) rotation() time.Duration { return max(k.last/120, time.Second/2) }

// append writes in two pieces, so that the reader meets unfinished lines.
func (k *soak) append(b *strings.Builder) {
	text := b.String()
	cut := k.rnd.IntN(len(text) + 1)
	for _, piece := range []string{text[:cut], text[cut:]} {
		if _, err := k.w.f.WriteString(piece); err != nil {
			k.t.Fatal(err)
		}
	}
	b.Reset()
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

func (k *soak) ordinary(b *strings.Builder, at time.Time) {
	k.lines++
	switch user := k.rnd.IntN(200_000); k.rnd.IntN(3) {
	case 0:
		fmt.Fprintf(b, `{"ts":%q,"level":"info","msg":"message delivered","user":"u_%d","body":{"type":"txt","bytes":12}}`+"\n", stamp(at), user)
	case 1:
		fmt.Fprintf(b, `{"ts":%q,"level":"info","msg":"pong","user":"u_%d","net":{"type":"4g","rtt":%d}}`+"\n", stamp(at), user, user%300)
	default:
		fmt.Fprintf(b, "%s INFO im.gateway session of u_%d goes on\n", stamp(at), user)
	}
}

// fault writes an error: of any known code, now and then an unknown one, of one of many users, versions, devices.
func (k *soak) fault(b *strings.Builder, at time.Time) {
	if k.rnd.IntN(50) == 0 {
		k.unknown++
		k.record(b, at, fmt.Sprintf(`"V%d"`, k.rnd.IntN(10_000)), k.rnd.IntN(200_000))
		return
	}
	code := k.known[k.rnd.IntN(len(k.known))]
	k.codes[code]++
	k.record(b, at, fmt.Sprint(code), k.rnd.IntN(200_000))
}

// storm writes a kick or an error of quota, each of another user.
func (k *soak) storm(b *strings.Builder, at time.Time, kicks bool) {
	code := []int32{509, 50}[k.stormUser/7%2]
	if kicks {
		code = []int32{206, 206, 206, 206, 206, 217}[k.stormUser%6]
	}
	k.codes[code]++
	k.stormUser++
	k.record(b, at, fmt.Sprint(code), 1_000_000+k.stormUser)
}

func (k *soak) record(b *strings.Builder, at time.Time, code string, user int) {
	k.lines++
	k.errors++
	platform := []string{"web", "miniprogram", "uniapp"}[user%3]
	fmt.Fprintf(b, `{"ts":%q,"level":"error","user":"u_%d","device":"d_%x","platform":%q,"version":"5.%d.%d","error":{"type":%s,"message":"m"}}`+"\n",
		stamp(at), user, user*7, platform, user%4, user%30, code)
}

// reload changes the configuration: broken, mended, by the signal and over HTTP.
func (k *soak) reload() {
	const ok = "imerr_config_last_reload_successful"
	k.every(180, time.Second/2, func(n int) {
		broken, signal := n%2 == 0, n%4 == 1 || n%4 == 2
		want := "1"
		if broken {
			want = "0"
			k.refused++
			k.write([]string{"detector: {min_cuont: 5}\n", "sinks: [{kind: pigeon}]\n", "limits: [\n"}[n/2%3])
		} else {
			k.reloads++
			k.configure(n)
		}
		if signal {
			_ = k.s.cmd.Process.Signal(syscall.SIGHUP)
		} else if status := k.askReload(); (status == http.StatusOK) == broken {
			k.t.Errorf("reload %d, broken %v: status %d", n, broken, status)
		}
		k.s.want(ok, want)
	})
	if k.reloads < k.refused { // so that the next process starts
		k.configure(0)
	}
}

func (k *soak) askReload() int {
	r, err := http.NewRequestWithContext(k.t.Context(), http.MethodPost, "http://"+k.s.address+"/-/reload", nil)
	if err != nil {
		k.t.Error(err)
		return 0
	}
	r.Header.Set("Authorization", "Bearer s3cret")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		k.t.Error(err)
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

func (k *soak) scrape() {
	paths := []string{
		"/metrics", "/api/v1/summary", "/metrics", "/api/v1/codes", "/metrics", "/api/v1/codes/206", "/metrics", "/api/v1/alerts", "/readyz", "/",
	}
	k.every(1440, time.Second/10, func(n int) {
		path := paths[n%len(paths)]
		if body, status := k.s.get(path); status != http.StatusOK {
			k.t.Errorf("%s: %d %.200s", path, status, body)
		}
		k.scrapes++
	})
}

// view opens the live page's stream for a while, again and again.
func (k *soak) view() {
	k.every(60, time.Second, func(int) {
		resp, err := http.Get("http://" + k.s.address + "/api/v1/stream")
		if err != nil {
			k.t.Error(err)
			return
		}
		leaves := time.AfterFunc(max(k.last/240, time.Second/2), func() { resp.Body.Close() })
		defer leaves.Stop()
		seen, _ := io.ReadAll(resp.Body) // until the viewer leaves
		if n := strings.Count(string(seen), "\nevent: "); n > 0 {
			k.frames += n
			k.viewers++
		} else {
			k.t.Errorf("a viewer saw %q", cut(seen))
		}
	})
}

func (k *soak) sample() {
	k.every(360, time.Second/10, func(n int) {
		var m soakSample
		proc := fmt.Sprintf("/proc/%d/", k.s.cmd.Process.Pid)
		status, err := os.ReadFile(proc + "status")
		if err == nil {
			_, peak, _ := strings.Cut(string(status), "VmHWM:")
			_, now, _ := strings.Cut(peak, "VmRSS:")
			_, err = fmt.Sscan(now, &m.rss)
			_, perr := fmt.Sscan(peak, &m.peak)
			err = firstError(err, perr)
		}
		if err == nil {
			var open []os.DirEntry
			open, err = os.ReadDir(proc + "fd")
			m.fds = len(open)
		}
		if err == nil {
			body, _ := k.s.get("/metrics")
			_, err = fmt.Sscan(metricOf(body, "go_goroutines")+" "+metricOf(body, "go_memstats_heap_alloc_bytes"), &m.goroutines, &m.heap)
			m.heap >>= 10
		}
		if err != nil {
			k.t.Error(err)
			return
		}
		if k.samples = append(k.samples, m); n%30 == 29 {
			k.t.Logf("%s: %+v", time.Now().Format(time.TimeOnly), m)
		}
	})
}

// summary is what the service says.
func (k *soak) summary() (res aggregate.Result) {
	body, _ := k.s.get("/api/v1/summary")
	_ = json.Unmarshal([]byte(body), &res) // it is asked again
	return res
}

func (k *soak) counted() bool { return k.summary().Lines.Read == k.lines }

// check compares what the service says with what was written.
func (k *soak) check() {
	k.t.Helper()
	res := k.summary()
	want := aggregate.Lines{Read: k.lines, WithError: k.errors, WithoutError: k.lines - k.errors}
	if res.Lines != want || res.Events != k.errors || res.Unknown.Count != k.unknown {
		k.t.Errorf("lines %+v, events %d, unknown %d, want %+v, %d, %d", res.Lines, res.Events, res.Unknown.Count, want, k.errors, k.unknown)
	}
	got := map[int32]int64{}
	for _, c := range res.Codes {
		got[c.Code] = c.Count
	}
	for _, code := range slices.Sorted(maps.Keys(k.codes)) {
		if got[code] != k.codes[code] {
			k.t.Errorf("code %d: counted %d, written %d", code, got[code], k.codes[code])
		}
	}
	if len(got) != len(k.codes) {
		k.t.Errorf("%d codes counted, %d written", len(got), len(k.codes))
	}
}

// checkAlerts compares what the service says of alerts with what the sink was told that works.
func (k *soak) checkAlerts() {
	var alerts []detect.Alert
	over := func() (n int) {
		body, _ := k.s.get("/api/v1/alerts")
		alerts = nil
		_ = json.Unmarshal([]byte(body), &alerts)
		for _, a := range alerts {
			if a.State == detect.Resolved && (a.Alert == detect.KickStorm || a.Alert == "quota") {
				n++
			}
		}
		return n
	}
	if !waitQuietly(func() bool { return over() == k.storms }) {
		k.t.Errorf("%d alerts of %d storms are over:", over(), k.storms)
		for _, a := range alerts {
			k.t.Logf("%s %s %s, since %v until %v", a.State, a.Alert, a.Kind, a.StartsAt, a.EndsAt)
		}
	}
	waitUntil(k.t, "all is told", func() bool { return k.s.metric(`imerr_notifications_queued{sink="works"}`) == "0" })
	over()
	k.mu.Lock()
	defer k.mu.Unlock()
	due := map[string]bool{}
	for _, a := range alerts {
		if a.Kind == detect.KindLoopUser {
			continue
		}
		id, state := identity(a.Alert, a.StartsAt), a.State
		due[detect.Firing+" "+id] = true // if it was not over before it could be told
		if state == detect.Resolved {
			due[detect.Resolved+" "+id] = true
		} else {
			state = detect.Firing
		}
		if len(k.told[state+" "+id]) == 0 {
			k.t.Errorf("%s %s was not told", state, id)
		}
	}
	for id, told := range k.told {
		most := 1
		if strings.HasPrefix(id, detect.Firing+" kickstorm ") {
			most = 2 // its kind is known later
		}
		if len(told) > most || len(slices.Compact(slices.Sorted(slices.Values(told)))) < len(told) || !due[id] {
			k.t.Errorf("%s: told %q, due %v", id, told, due[id])
		}
	}
	if k.failed == 0 {
		k.t.Error("the sink that fails was asked for nothing")
	}
}

// checkSamples says what the process took, and whether it stayed so.
func (k *soak) checkSamples(took time.Duration) {
	if len(k.samples) < 8 {
		k.t.Logf("%d samples on a slow machine say nothing", len(k.samples))
		if k.last >= soakSettles {
			k.t.Fail()
		}
		return
	}
	growth, heapGrowth := soakGrowth, soakHeapGrowth
	if k.last < soakSettles {
		growth, heapGrowth = soakMost, soakMost
	}
	var figures strings.Builder
	for _, one := range []struct {
		name   string
		of     func(soakSample) int
		least  bool // of a quarter, not the median
		growth int
		most   int
	}{
		{"KiB resident", func(m soakSample) int { return m.rss }, false, growth, soakMost},
		{"at its peak", func(m soakSample) int { return m.peak }, false, soakMost, soakMost},
		{"KiB of heap, least", func(m soakSample) int { return m.heap }, true, heapGrowth, soakMost},
		{"descriptors", func(m soakSample) int { return m.fds }, false, soakGrowthFew + int(soakLingers/k.rotation()), 100},
		{"goroutines", func(m soakSample) int { return m.goroutines }, false, soakGrowthFew, 200},
	} {
		var values, quarters []int
		for _, m := range k.samples {
			values = append(values, one.of(m))
		}
		for q := range 4 {
			quarter := slices.Sorted(slices.Values(values[len(values)*q/4 : len(values)*(q+1)/4]))
			if one.least {
				quarters = append(quarters, quarter[0])
			} else {
				quarters = append(quarters, quarter[len(quarter)/2])
			}
		}
		peak := slices.Max(values)
		fmt.Fprintf(&figures, "; %s %v, at most %d", one.name, quarters, peak)
		if raced && one.most == soakMost {
			continue // memory is not that of the program
		}
		if quarters[3] > quarters[1]+one.growth || peak > one.most {
			k.t.Errorf("%s: quarters %v, peak %d; want growth of at most %d, and at most %d", one.name, quarters, peak, one.growth, one.most)
		}
	}
	k.t.Logf("%.0f s, %s s of CPU: %d lines, %d errors of %d codes, %d unknown, %d late", took.Seconds(), k.s.metric("process_cpu_seconds_total"),
		k.lines, k.errors, len(k.codes), k.unknown, k.summary().Late)
	k.t.Logf("%d rotations, %d configurations taken, %d refused, %d scrapes, %d viewers saw %d sections; %d storms, %d messages of alerts, "+
		"%d tries at the sink that fails", k.rotations, k.reloads, k.refused, k.scrapes, k.viewers, k.frames, k.storms, len(k.told), k.failed)
	k.t.Logf("by quarters: %s", strings.TrimPrefix(figures.String(), "; "))
}
