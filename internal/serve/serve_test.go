package serve

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/deltalog/filelog"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/notify"
	"imerr-scan/internal/pipeline"
	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/extract"
)

var web = catalog.Web()

// life is one life of a replica over a log and a file.
type life struct {
	*Replica
	log    *filelog.Log
	sink   io.Writer
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// begin opens a replica and lets it run. Alerts go to the sink that open is asked for, nil to none.
func begin(t *testing.T, log, input string, sink io.Writer, accepted func([]byte)) *life {
	t.Helper()
	return beginAt(t, log, input, sink, accepted, time.Now)
}

// beginAt is begin with a clock.
func beginAt(t *testing.T, log, input string, sink io.Writer, accepted func([]byte), now func() time.Time) *life {
	t.Helper()
	l, err := filelog.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	x := &life{log: l, sink: sink}
	opt := Options{
		Log: l, Name: "test", Logger: slog.New(slog.DiscardHandler), Alone: true, Open: x.open, Now: now,
		State: deltalog.Options{Aggregate: aggregate.Options{Catalog: web}, Detector: detect.Options{Catalog: web}},
	}
	if accepted != nil {
		opt.Accepted = func(v deltalog.Verdict) { accepted(v.Counts) }
	}
	if x.Replica, err = Open(t.Context(), opt); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	x.cancel = cancel
	x.done.Go(func() {
		popt := pipeline.Options{Catalog: web, Aggregate: aggregate.Options{Catalog: web}, Extract: extract.Options{Zone: time.UTC}}
		if err := x.Run(ctx, x.Files(FilesName, []string{input}, popt)); err != nil {
			t.Error(err)
		}
	})
	return x
}

// open begins to send to the sink that x has now.
func (x *life) open(told []byte) (*notify.Notifier, error) {
	sink := x.sink
	if sink == nil {
		sink = io.Discard
	}
	if sink == broken {
		return nil, io.ErrUnexpectedEOF
	}
	return notify.New(notify.Options{
		Catalog: web, State: told, Notified: x.Delivered, Gate: x.Leads, Sinks: []notify.Sink{{Kind: "ndjson", Path: "-", Writer: sink}},
	})
}

// broken is a sink that cannot be opened.
var broken io.Writer = &lines{}

func (x *life) events() int64 {
	var n int64
	x.View(func(s *deltalog.State) { n = s.Total().Result(aggregate.ResultOptions{}).Events })
	return n
}

// end stops the replica, with or without time to commit what is in hand.
func (x *life) end() {
	x.cancel()
	x.done.Wait()
	_ = x.log.Close()
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 1200 {
		if ok() {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("not after 30 s: %s", what)
}

// A file grows while replicas come and go; every event is counted once, and what they told as accepted adds up to it.
func TestFilesAreCountedOnceOverRestarts(t *testing.T) {
	dir := t.TempDir()
	input, log := filepath.Join(dir, "app.log"), filepath.Join(dir, "deltas")
	f, err := os.Create(input)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	written := int64(0)
	write := func(n int) {
		for range n {
			written++
			at := time.Now().UTC().Format(time.RFC3339Nano)
			fmt.Fprintf(f, `{"ts":%q,"error":{"type":206,"message":"kicked"},"user":"u_%d"}`+"\n", at, written)
		}
	}
	var mu sync.Mutex
	told := aggregate.New(aggregate.Options{})
	accepted := func(counts []byte) {
		mu.Lock()
		defer mu.Unlock()
		part := aggregate.New(aggregate.Options{})
		if err := part.UnmarshalBinary(counts); err != nil {
			t.Error(err)
		}
		told.Merge(part)
	}
	lives := 8
	if testing.Short() {
		lives = 3
	}
	for n := range lives {
		x := begin(t, log, input, nil, accepted)
		write(1000)
		time.Sleep(time.Duration(rand.IntN(600)) * time.Millisecond)
		if n%2 == 0 {
			until(t, "something was counted", func() bool { return x.events() > 0 })
		}
		write(rand.IntN(1000))
		if n == lives-1 {
			until(t, "all was counted", func() bool { return x.events() == written })
		}
		x.end()
	}
	x := begin(t, log, input, nil, nil)
	defer x.end()
	if got := x.events(); got != written {
		t.Errorf("the log says %d events, want %d", got, written)
	}
	if got := told.Result(aggregate.ResultOptions{}); got.Events != written || got.Users.Distinct == 0 {
		t.Errorf("%d events were told as accepted, want %d", got.Events, written)
	}
	if v := x.Vitals().Verdicts; v[deltalog.Refused]+v[deltalog.Broken] > 0 {
		t.Errorf("verdicts: %v", v)
	}
}

// lines collects what a sink is given.
type lines struct {
	mu  sync.Mutex
	all []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, p...)
	return len(p), nil
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for i := 0; i+len(text) <= len(l.all); i++ {
		if string(l.all[i:i+len(text)]) == text {
			n++
		}
	}
	return n
}

// A storm is told once, though the replica is stopped and started in the middle of it and after it.
func TestAStormIsToldOnceOverRestarts(t *testing.T) {
	dir := t.TempDir()
	input, log := filepath.Join(dir, "app.log"), filepath.Join(dir, "deltas")
	day, err := os.ReadFile("../../testdata/logs/day/app.log")
	if err != nil {
		t.Fatal(err)
	}
	var told lines
	for i := range 5 { // the storms are told when all has been read, since the log is of the past
		if err := os.WriteFile(input, day[:len(day)*(i+1)/5], 0o600); err != nil {
			t.Fatal(err)
		}
		x := begin(t, log, input, &told, nil)
		began := time.Now().UnixMilli()
		until(t, "all of it counted, and time has passed it", func() bool {
			var at, watermark int64
			x.View(func(s *deltalog.State) { at, watermark = s.Next(deltalog.Source{Name: FilesName}), s.Watermark() })
			return at >= int64(len(day)*(i+1)/5) && watermark >= began
		})
		until(t, "the sink knows all", func() bool { s := x.Sinks(); return len(s) == 1 && s[0].Queued == 0 })
		x.end()
	}
	if firing, resolved := told.count(`"state":"firing"`), told.count(`"state":"resolved"`); firing != resolved || firing == 0 || firing > 5 {
		t.Errorf("told %d firing and %d resolved, want each of the storms once", firing, resolved)
	}
}

func TestABaseShortensTheLog(t *testing.T) {
	dir := t.TempDir()
	input, log := filepath.Join(dir, "app.log"), filepath.Join(dir, "deltas")
	if err := os.WriteFile(input, []byte(`{"ts":"2026-11-23T10:00:00Z","error":{"type":206,"message":"kicked"}}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	x := begin(t, log, input, nil, nil)
	until(t, "the line is counted", func() bool { return x.events() == 1 })
	if err := x.base(t.Context()); err != nil {
		t.Fatal(err)
	}
	first, end, _ := x.log.Bounds(t.Context())
	x.end()
	if first == 0 || end-first > 3 {
		t.Errorf("after a base the log has the records [%d, %d), want the base alone", first, end)
	}
	x = begin(t, log, input, nil, nil)
	defer x.end()
	if x.events() != 1 {
		t.Errorf("%d events after a start from the base, want 1", x.events())
	}
}

// Replicas that live for a minute each write a base all the same, once there is much to read.
func TestABaseIsWrittenWhenTheLogHasGrown(t *testing.T) {
	dir := t.TempDir()
	begins := func(life time.Duration) int64 {
		synctest.Test(t, func(t *testing.T) {
			l, err := filelog.Open(filepath.Join(dir, "deltas"))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			r, err := Open(t.Context(), Options{
				Log: l, Name: "test", Logger: slog.New(slog.DiscardHandler), Alone: true, BaseRecords: 250,
				State: deltalog.Options{Aggregate: aggregate.Options{Catalog: web}, Detector: detect.Options{Catalog: web}},
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), life)
			defer cancel()
			err = r.Run(ctx, func(ctx context.Context) error {
				for i := range 100 {
					skip := deltalog.Skip{Source: deltalog.Source{Name: "other", Partition: int32(i)}, From: deltalog.NeverSeen, To: 1}
					if record, err := skip.Encode(); err != nil || l.Append(ctx, record) != nil {
						t.Error("not written")
					}
				}
				<-ctx.Done()
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		l, err := filelog.Open(filepath.Join(dir, "deltas"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		first, _, err := l.Bounds(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return first
	}
	for i, wantBase := range []bool{false, false, true} {
		if first := begins(time.Minute); first > 0 != wantBase {
			t.Fatalf("after replica %d the log begins at %d; is a base expected: %v", i, first, wantBase)
		}
	}
}

// A reload changes who is told and what a limit is; counts, those of sinks too, alerts and what was told stay. One that fails changes
// nothing.
func TestReloadKeepsCountsAndWhatWasTold(t *testing.T) {
	dir := t.TempDir()
	day, err := os.ReadFile("../../testdata/logs/day/app.log")
	if err != nil {
		t.Fatal(err)
	}
	input := filepath.Join(dir, "app.log")
	if err := os.WriteFile(input, day, 0o600); err != nil {
		t.Fatal(err)
	}
	var before, after lines
	x := begin(t, filepath.Join(dir, "deltas"), input, &before, nil)
	defer x.end()
	until(t, "the day is told", func() bool { return before.count(`"state":"resolved"`) == 3 })
	events := x.events()
	until(t, "what was told is counted", func() bool { return x.Sinks()[0].Queued == 0 })
	sent := x.Sinks()[0].OK
	x.sink = broken
	if err := x.Reload(detect.Options{Catalog: web}); err == nil {
		t.Error("a reload that cannot open its sinks succeeded")
	}
	x.sink = &after
	settings := detect.Options{Catalog: web, Limits: []detect.Limit{{Name: "any", Window: time.Minute, Events: 3}}}
	if err := x.Reload(settings); err != nil {
		t.Fatal(err)
	}
	if err := x.Reload(settings); err != nil {
		t.Fatal(err)
	}
	if got := x.Sinks()[0].OK; got != sent || sent == 0 {
		t.Errorf("%d messages counted after two reloads, %d before", got, sent)
	}
	if got := x.events(); got != events || events == 0 {
		t.Errorf("%d events after the reload, %d before", got, events)
	}
	f, err := os.OpenFile(input, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range 5 {
		at := time.Now().UTC().Format(time.RFC3339Nano)
		fmt.Fprintf(f, `{"ts":%q,"error":{"type":206,"message":"kicked"},"user":"u_%d"}`+"\n", at, i)
	}
	until(t, "what came later is counted", func() bool { return x.events() == events+5 })
	if n := after.count(`"alert":"kick-storm"`); n > 0 {
		t.Errorf("the storms of before were told %d times to the new sinks", n)
	}
}
