package serve

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/deltalog/filelog"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/notify"
	"imerr-scan/internal/pipeline"
	"imerr-scan/internal/source"
)

// within runs work in a replica that follows a new log, and returns the replica when work is done.
func within(t *testing.T, work func(context.Context, *Replica)) *Replica {
	t.Helper()
	l, err := filelog.Open(filepath.Join(t.TempDir(), "deltas"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	r, err := Open(t.Context(), Options{
		Log: l, Name: "test", Logger: slog.New(slog.DiscardHandler), Alone: true,
		State: deltalog.Options{Aggregate: aggregate.Options{Catalog: web}, Detector: detect.Options{Catalog: web}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := r.Run(ctx, func(ctx context.Context) error { work(ctx, r); return nil }); err != nil {
		t.Fatal(err)
	}
	return r
}

// A file is rotated away whose last line has no end. Its bytes were committed as not yet processed; what completes the line
// is the end of the file, which has no bytes.
func TestTheLastLineOfARotatedFileCountsWithoutItsEnd(t *testing.T) {
	r := within(t, func(ctx context.Context, r *Replica) {
		var marks markSet
		follower := source.Follow(nil, source.State{}, source.FollowOptions{})
		defer follower.Close()
		popt := pipeline.Options{Catalog: web, Aggregate: aggregate.Options{Catalog: web}, Each: marks.see}
		rd := &reading{
			Replica: r, source: deltalog.Source{Name: FilesName}, to: deltalog.NeverSeen, known: map[int]bool{}, began: time.Now(), follower: follower,
			live: pipeline.NewLive(aggregate.New(aggregate.Options{}), popt),
		}
		for _, ev := range []source.Event{
			{Kind: source.Block, ID: 1, Name: "app.log", Data: []byte(`{"error":{"type":206,"message":"kicked"}}`)},
			{Kind: source.End, ID: 1, Name: "app.log"},
		} {
			if err := rd.event(ev, &marks); err != nil {
				t.Fatal(err)
			}
			if err := rd.commit(ctx, &marks, true); err != nil {
				t.Fatal(err)
			}
		}
	})
	r.View(func(s *deltalog.State) {
		if n := s.Total().Result(aggregate.ResultOptions{}).Events; n != 1 {
			t.Errorf("%d events, want the one of the line without an end", n)
		}
	})
}

// Between the making of a delta and its commit another writer was first: it is refused, and nobody waits for it.
func TestCommitSeesThatAnotherWriterWasFirst(t *testing.T) {
	partition := deltalog.Source{Name: "client-logs"}
	within(t, func(ctx context.Context, r *Replica) {
		for _, c := range []struct {
			to       int64
			accepted bool
		}{{7, true}, {10, false}} {
			record, err := (&deltalog.Skip{Source: partition, From: deltalog.NeverSeen, To: c.to, Why: deltalog.WhyStart}).Encode()
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := r.commit(ctx, partition, deltalog.NeverSeen, c.to, record); ok != c.accepted || err != nil {
				t.Errorf("commit of [never seen, %d): accepted %t (%v), want %t", c.to, ok, err, c.accepted)
			}
		}
	})
}

// A program of a later version writes into the log as well: that is said once, also if other records were passed over before.
func TestRecordsOfALaterVersionAreSaidOnce(t *testing.T) {
	var said bytes.Buffer
	r := within(t, func(_ context.Context, r *Replica) {
		r.mu.Lock()
		r.opt.Logger = slog.New(slog.NewTextHandler(&said, nil))
		r.mu.Unlock()
		for i, record := range []string{`{"v":1,"t":"base","of":2}`, `{"v":99,"t":"delta"}`, `{"v":1,"t":"wish"}`} {
			if err := r.apply(int64(i), []byte(record)); err != nil {
				t.Error(err)
			}
		}
	})
	if n := strings.Count(said.String(), "newer version"); n != 1 {
		t.Errorf("said %d times, want once: %s (%v)", n, said.String(), r.Vitals().Verdicts)
	}
}

// losing is a log that says it wrote the first record of each kind, and did not.
type losing struct {
	deltalog.Log
	lost map[string]bool
}

func (l *losing) Append(ctx context.Context, records ...[]byte) error {
	for _, kind := range []string{`"claim":true`, `"t":"note"`, `"t":"skip"`} {
		if bytes.Contains(records[0], []byte(kind)) && !l.lost[kind] {
			l.lost[kind] = true
			return nil
		}
	}
	return l.Log.Append(ctx, records...)
}

// What counts is what is read back: a claim, a note and a skip that were written into the void are written again.
func TestWhatDoesNotComeBackIsWrittenAgain(t *testing.T) {
	l, err := filelog.Open(filepath.Join(t.TempDir(), "deltas"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	log := &losing{Log: l, lost: map[string]bool{}}
	open := func(told []byte) (*notify.Notifier, error) {
		return notify.New(notify.Options{Catalog: web, State: told, Sinks: []notify.Sink{{Kind: "ndjson", Path: "-", Writer: io.Discard}}})
	}
	r, err := Open(t.Context(), Options{
		Log: log, Name: "test", Logger: slog.New(slog.DiscardHandler), Alone: true, Open: open,
		State: deltalog.Options{Aggregate: aggregate.Options{Catalog: web}, Detector: detect.Options{Catalog: web}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err = r.Run(ctx, func(ctx context.Context) error {
		until(t, "the replica leads", r.Leader)
		r.Delivered(notify.Delivery{})
		r.View(func(s *deltalog.State) {
			if n := s.Told().Number; n != 1 {
				t.Errorf("a delivery returned when the log held note %d, want 1", n)
			}
		})
		_, err := r.skip(ctx, deltalog.Source{Name: "client-logs"}, deltalog.NeverSeen, 7, deltalog.WhyStart)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(log.lost) != 3 {
		t.Errorf("lost %v, want one of each", log.lost)
	}
}
