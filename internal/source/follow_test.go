package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"
)

// now is a clock in which every wait is over at once.
func now(time.Duration) <-chan time.Time {
	c := make(chan time.Time, 1)
	c <- time.Time{}
	return c
}

// consumer does what a pipeline does: it cuts lines, keeps the unfinished one, and saves counts and positions at one time.
type consumer struct {
	t      rapid.TB
	f      *Follower
	open   map[int]*cut
	counts map[string]int
	notes  []string
	names  map[string]bool
}

type cut struct {
	pending []byte
	lines   int64
	next    int64 // offset expected
	base    int64
}

func newConsumer(t rapid.TB, args []string, s Snapshot, opt FollowOptions) *consumer {
	if opt.After == nil {
		opt.After = now
	}
	c := &consumer{t: t, f: Follow(args, s.State, opt), open: map[int]*cut{}, counts: map[string]int{}, names: map[string]bool{}}
	for line := range strings.SplitSeq(string(s.Sections["lines"]), "\n") {
		if line != "" {
			c.counts[line]++
		}
	}
	return c
}

// step handles one event and returns its kind.
func (c *consumer) step() Kind {
	c.t.Helper()
	ev, err := c.f.Next(context.Background())
	if err != nil {
		c.t.Fatal(err)
	}
	c.handle(ev)
	return ev.Kind
}

func (c *consumer) handle(ev Event) {
	c.t.Helper()
	switch ev.Kind {
	case Block:
		g := c.open[ev.ID]
		if g == nil {
			g = &cut{next: ev.Offset, base: ev.Lines}
			c.open[ev.ID] = g
		}
		if ev.Offset != g.next {
			c.t.Fatalf("block of %s at %d, want %d", ev.Name, ev.Offset, g.next)
		}
		g.next += int64(len(ev.Data))
		c.names[ev.Name] = true
		g.pending = append(g.pending, ev.Data...)
		for {
			line, rest, ok := bytes.Cut(g.pending, []byte("\n"))
			if !ok {
				break
			}
			c.counts[string(line)]++
			g.lines++
			g.pending = rest
		}
	case End:
		if g := c.open[ev.ID]; g != nil && len(g.pending) > 0 {
			c.counts[string(g.pending)]++
		}
		delete(c.open, ev.ID)
	case Note, Problem:
		c.notes = append(c.notes, ev.Err.Error())
	}
}

// drain reads until nothing happens over n polls.
func (c *consumer) drain(n int) {
	c.t.Helper()
	for n > 0 {
		if c.step() == Idle {
			n--
		}
	}
}

func (c *consumer) mark(id int) Mark {
	if g := c.open[id]; g != nil {
		return Mark{Pending: int64(len(g.pending)), Lines: g.lines}
	}
	return Mark{}
}

func (c *consumer) snapshot() Snapshot {
	var lines []string
	for line, n := range c.counts {
		for range n {
			lines = append(lines, line)
		}
	}
	return Snapshot{State: c.f.State(c.mark), Sections: map[string][]byte{"lines": []byte(strings.Join(lines, "\n"))}}
}

// check wants each of the lines exactly once.
func (c *consumer) check(want []string) {
	c.t.Helper()
	var lost, doubled, odd []string
	rest := maps.Clone(c.counts)
	for _, line := range want {
		switch n := rest[line]; {
		case n == 0:
			lost = append(lost, line)
		case n > 1:
			doubled = append(doubled, line)
		}
		delete(rest, line)
	}
	for line := range rest {
		odd = append(odd, line)
	}
	if len(lost)+len(doubled)+len(odd) > 0 {
		short := func(s []string) []string { return s[:min(len(s), 5)] }
		c.t.Errorf("of %d lines %d lost %q, %d read twice %q, %d never written %q; notes %q", len(want),
			len(lost), short(lost), len(doubled), short(doubled), len(odd), short(odd), c.notes)
	}
}

// logger is an app's log and what rotates it.
type logger struct {
	t     rapid.TB
	mu    sync.Mutex
	path  string
	f     *os.File
	lines []string
	keep  int // rotated files
}

func newLogger(t testing.TB, path string) *logger {
	l := &logger{t: t, path: path, keep: 1000}
	l.reopen()
	t.Cleanup(func() { l.f.Close() })
	return l
}

func (l *logger) must(err error) {
	if err != nil {
		l.t.Helper()
		l.t.Fatal(err)
	}
}

func (l *logger) reopen() {
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	l.must(err)
	if l.f != nil {
		l.f.Close()
	}
	l.f = f
}

// line writes a line that no other is like.
func (l *logger) line(n int) {
	line := fmt.Sprintf("%06d %s", len(l.lines), strings.Repeat("x", n))
	l.lines = append(l.lines, line)
	_, err := io.WriteString(l.f, line+"\n")
	l.must(err)
}

// shift makes room for a new .1 as logrotate does.
func (l *logger) shift() {
	for i := l.keep; i > 0; i-- {
		for _, ext := range []string{"", ".gz"} {
			err := os.Rename(fmt.Sprintf("%s.%d%s", l.path, i, ext), fmt.Sprintf("%s.%d%s", l.path, i+1, ext))
			if !errors.Is(err, fs.ErrNotExist) {
				l.must(err)
			}
		}
	}
}

func (l *logger) rename() {
	l.shift()
	l.must(os.Rename(l.path, l.path+".1"))
}

func (l *logger) copytruncate() {
	l.shift()
	l.must(copyFile(l.path, l.path+".1"))
	l.must(os.Truncate(l.path, 0))
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	// In pieces, so that a reader can meet the copy while it is made.
	f, err := os.Create(to)
	for len(data) > 0 && err == nil {
		n := min(len(data), 700)
		_, err = f.Write(data[:n])
		data = data[n:]
	}
	return errors.Join(err, f.Close())
}

// compress packs a rotated file as gzip does: beside it, with its time, and then removes it.
func (l *logger) compress(path string) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	l.must(err)
	fi, err := os.Stat(path)
	l.must(err)
	l.must(os.WriteFile(path+".gz", []byte(packGzip(l.t, string(data))), 0o600))
	l.must(os.Chtimes(path+".gz", fi.ModTime(), fi.ModTime()))
	l.must(os.Remove(path))
}

// A writer that never pauses, fifty rotations of a kind, and the reader killed in between again and again.
func TestEveryLineOnceOverRotations(t *testing.T) {
	rotations := 50
	if testing.Short() {
		rotations = 10
	}
	for _, kind := range []string{"rename", "copytruncate", "both"} {
		for _, args := range []string{"app.log", "app.log*", "."} {
			t.Run(kind+" of "+args, func(t *testing.T) {
				tree(t)
				l := newLogger(t, "app.log")
				opt := FollowOptions{Block: 1000, Linger: 20, Poll: time.Millisecond, After: time.After}
				state := filepath.Join(t.TempDir(), "state")
				c := newConsumer(t, []string{args}, Snapshot{}, opt)
				c.drain(1)
				if err := WriteSnapshot(state, c.snapshot()); err != nil {
					t.Fatal(err)
				}
				done := make(chan bool)
				go func() {
					defer close(done)
					rnd := rand.New(rand.NewPCG(1, 2))
					for rotation := range rotations {
						for range 20 + rnd.IntN(200) {
							l.mu.Lock()
							l.line(rnd.IntN(100))
							l.mu.Unlock()
						}
						l.mu.Lock() // copytruncate loses what is written between copy and truncation, whoever reads
						if kind == "rename" || kind == "both" && rotation%2 == 0 {
							l.rename()
							for range rnd.IntN(5) { // until the app reopens its log
								l.line(10)
							}
							l.reopen()
						} else {
							l.copytruncate()
						}
						l.mu.Unlock()
					}
				}()
				rnd := rand.New(rand.NewPCG(3, 4))
				kills := 0
				for running := true; running; {
					select {
					case <-done:
						running = false
					default:
					}
					c.step()
					switch rnd.IntN(40) {
					case 0:
						if err := WriteSnapshot(state, c.snapshot()); err != nil {
							t.Fatal(err)
						}
					case 1:
						// kill -9: what came after the snapshot is forgotten
						c.f.Close()
						saved, err := ReadSnapshot(state)
						if err != nil {
							t.Fatal(err)
						}
						c = newConsumer(t, []string{args}, saved, opt)
						kills++
					}
				}
				c.drain(60)
				c.f.Close()
				c.check(l.lines)
				if kills == 0 && !testing.Short() {
					t.Error("never killed")
				}
			})
		}
	}
}

// run is a reader that is stepped by hand beside a log.
type run struct {
	*consumer
	log   *logger
	args  []string
	saved Snapshot
}

func newRun(t *testing.T, args ...string) *run {
	r := &run{log: &logger{t: t, path: "app.log", keep: 9}, args: args}
	t.Cleanup(func() {
		if r.log.f != nil {
			r.log.f.Close()
		}
		if r.consumer != nil {
			r.f.Close()
		}
	})
	return r
}

func (r *run) start() {
	r.consumer = newConsumer(r.log.t, r.args, r.saved, FollowOptions{Linger: 3, Rescan: 2, Block: 500})
	r.drain(2)
}

// stop saves and ends; kill ends without saving.
func (r *run) stop() { r.saved = r.snapshot(); r.kill() }
func (r *run) kill() { r.f.Close(); r.consumer = nil }

// put writes n lines.
func (r *run) put(n int) {
	if r.log.f == nil {
		r.log.reopen()
	}
	for range n {
		r.log.line(30)
	}
}

func (r *run) rename() { r.log.rename(); r.log.reopen() }

func TestFollow(t *testing.T) {
	tests := []struct {
		name string
		args []string
		do   func(r *run)
		note string
	}{
		{"grows while reading", []string{"app.log"}, func(r *run) { r.put(10); r.start(); r.put(100); r.drain(1); r.put(1) }, ""},
		{"not there yet", []string{"app.log"}, func(r *run) { r.start(); r.put(10) }, "app.log: not there yet; waiting for it"},
		{"folder not there yet", []string{"logs/app.log"}, func(r *run) {
			r.log.path = "logs/app.log"
			r.start()
			os.Mkdir("logs", 0o700)
			r.put(10)
		}, "logs/app.log: not there yet; waiting for it"},
		{"deleted and made anew", []string{"app.log"}, func(r *run) {
			r.put(10)
			r.start()
			r.put(10) // not read yet, but the file is held
			os.Remove("app.log")
			r.put(10) // into the deleted file
			r.drain(2)
			r.log.reopen()
			r.put(10)
			r.drain(8)
			os.Remove("app.log")
			r.drain(8)
			r.log.reopen()
			r.put(10)
		}, "app.log: not there yet; waiting for it"},
		{"renamed, and the app writes on for a while", []string{"app.log"}, func(r *run) {
			r.put(10)
			r.start()
			r.log.rename()
			r.put(5)
			r.drain(9) // longer than Linger, but nothing else is at the path
			r.put(5)
			old := r.log.f
			r.log.f = nil
			r.put(5)
			r.drain(1)
			r.log.f, old = old, r.log.f
			r.put(5)
			r.log.f = old
			r.put(5)
		}, "app.log: not there yet; waiting for it"},
		{"several renames between two polls", []string{"app.log"}, func(r *run) {
			r.put(50)
			r.start()
			for range 5 {
				r.put(50)
				r.rename()
			}
			r.put(50)
		}, ""},
		{"several copytruncates between two polls", []string{"app.log"}, func(r *run) {
			r.put(50)
			r.start()
			for range 5 {
				r.put(50)
				r.log.copytruncate()
			}
			r.put(200) // more than before
		}, ""},
		{"copytruncate of what was empty at the last poll", []string{"app.log"}, func(r *run) {
			r.put(50)
			r.start()
			r.log.copytruncate()
			r.drain(9)
			r.put(50)
			r.log.copytruncate()
		}, ""},
		{"rotated and compressed between two polls", []string{"app.log"}, func(r *run) {
			r.put(50)
			r.start()
			for range 3 {
				r.put(50)
				r.rename()
				r.log.compress("app.log.1")
			}
			r.put(50)
		}, ""},
		{"rotated and compressed while down", []string{"app.log"}, func(r *run) {
			r.put(50)
			r.start()
			r.stop()
			for range 3 {
				r.put(50)
				r.rename()
				r.log.compress("app.log.1")
			}
			r.put(50)
			r.start()
		}, ""},
		{"copytruncated while down", []string{"app.log"}, func(r *run) {
			r.put(50)
			r.start()
			r.stop()
			for range 3 {
				r.put(50)
				r.log.copytruncate()
			}
			r.put(200)
			r.start()
		}, ""},
		{"killed between rotation and save", []string{"app.log"}, func(r *run) {
			r.put(50)
			r.start()
			r.stop()
			r.start()
			r.put(50)
			r.rename()
			r.put(50)
			r.drain(20)
			r.kill()
			r.start()
		}, ""},
		{"rotated away for good while down", []string{"app.log"}, func(r *run) {
			r.put(50)
			r.start()
			r.stop()
			os.Remove("app.log")
			r.log.reopen()
			r.put(50)
			r.start()
		}, "app.log: was rotated away and is not found again; read up to byte 1900"},
		{"killed within a line", []string{"app.log"}, func(r *run) {
			r.put(50)
			r.log.lines = append(r.log.lines, "first half, second half")
			io.WriteString(r.log.f, "first half,")
			r.start()
			r.stop()
			io.WriteString(r.log.f, " second half\n")
			r.start()
		}, ""},
		{"archives first, and after a restart not again", []string{"app.log.*.gz", "app.log"}, func(r *run) {
			for range 3 {
				r.put(50)
				r.rename()
				r.log.compress("app.log.1")
			}
			r.put(50)
			r.start()
			r.drain(3)
			r.stop()
			r.put(50)
			r.rename() // app.log.1.gz is another file now
			r.log.compress("app.log.1")
			r.put(50)
			r.start()
			r.put(50)
			r.rename()
			r.log.compress("app.log.1")
			r.put(50)
		}, ""},
		{"archive read in part before the kill", []string{"app.log.1.gz"}, func(r *run) {
			r.put(500)
			r.rename()
			r.log.compress("app.log.1")
			r.consumer = newConsumer(r.log.t, r.args, r.saved, FollowOptions{Block: 500})
			for range 10 {
				r.step()
			}
			r.stop()
			r.start()
		}, ""},
		{"glob takes new files up", []string{"*.log"}, func(r *run) {
			r.put(50)
			r.start()
			for _, path := range []string{"web.log", "api.log"} {
				r.log.path = path
				r.log.reopen()
				r.put(50)
				r.drain(1)
			}
		}, ""},
		{"glob over rotated files", []string{"app.log*"}, func(r *run) {
			r.put(50)
			r.start()
			for range 4 {
				r.put(50)
				r.rename()
				r.log.compress("app.log.2")
				r.put(50)
				r.drain(1)
				r.log.copytruncate()
				r.put(50)
				r.drain(1)
			}
		}, ""},
		{"every file begins with the same line", []string{"app.log"}, func(r *run) {
			r.put(50)
			r.start()
			for i := range 4 {
				r.rename()
				banner := "=== log opened ==="
				if i > 0 {
					delete(r.counts, banner)
				} else {
					r.log.lines = append(r.log.lines, banner)
				}
				io.WriteString(r.log.f, banner+"\n")
				r.drain(1 + i)
				r.put(10)
				r.drain(9)
			}
		}, ""},
		{"written anew under its name and longer", []string{"app.log"}, func(r *run) {
			r.put(50)
			r.start()
			copyFile("app.log", "new")
			os.Rename("new", "app.log")
			r.log.reopen()
			r.put(50)
			r.drain(20)
			r.put(50)
		}, ""},
		{"link to the log of the day", []string{"current"}, func(r *run) {
			r.put(50)
			os.Symlink("app.log", "current")
			r.start()
			r.put(50)
			r.log.path = "app2.log"
			r.log.reopen()
			os.Remove("current")
			os.Symlink("app2.log", "current")
			r.put(50)
		}, ""},
		{"log behind a link rotates", []string{"current"}, func(r *run) {
			r.put(50)
			os.Symlink("app.log", "current")
			r.start()
			for range 3 {
				r.put(50)
				r.rename()
			}
			r.put(50)
		}, ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			tree(t)
			r := newRun(t, tc.args...)
			tc.do(r)
			r.drain(20)
			r.check(r.log.lines)
			if got := strings.Join(r.notes, "; "); got != tc.note {
				t.Errorf("notes %q, want %q", got, tc.note)
			}
		})
	}
}

// What was rotated away before the first start is not read, whatever happens to it later.
func TestFollowLeavesOldFilesAlone(t *testing.T) {
	tree(t)
	r := newRun(t, "app.log")
	for range 3 {
		r.put(50)
		r.rename()
	}
	r.log.lines = nil
	r.put(50)
	r.start()
	r.rename()
	r.put(50)
	r.drain(1)
	// As kubelet does: compressed late, without the time of the original.
	for _, path := range []string{"app.log.3", "app.log.4"} {
		r.log.compress(path)
		os.Chtimes(path+".gz", time.Now(), time.Now())
	}
	r.rename()
	r.put(50)
	r.drain(3)
	r.stop()
	r.start()
	r.drain(20)
	for i := range 150 {
		if n := r.counts[r.log.lines[i]]; n == 0 {
			t.Errorf("line %d is lost", i)
		}
	}
	if len(r.counts) != 150 {
		t.Errorf("%d lines, want 150", len(r.counts))
	}
}

func TestFollowOfTwoLogsWithLikeNames(t *testing.T) {
	tree(t)
	r := newRun(t, "app.log")
	r.put(50)
	os.WriteFile("app-web.log", []byte("not asked for\n"), 0o600)
	r.start()
	r.rename()
	os.WriteFile("app-api.log", []byte("not asked for\n"), 0o600)
	os.WriteFile("app.log.tmp", []byte("not asked for\n"), 0o600)
	r.put(50)
	r.drain(20)
	r.check(r.log.lines)
}

func TestFollowReportsBadInputOnce(t *testing.T) {
	tree(t)
	good := packGzip(t, strings.Repeat(kick, 1000))
	for name, data := range map[string]string{"app.bin": "\x7fELF\x02", "cut.gz": good[:len(good)-9], "bent.gz": good[:20] + "bent" + good[24:], "wide.log": packUTF16(t, kick, unicode.LittleEndian, unicode.UseBOM)} {
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	os.Mkdir("folder.log", 0o700)
	c := newConsumer(t, []string{"app.bin", "cut.gz", "bent.gz", "wide.log"}, Snapshot{}, FollowOptions{})
	defer c.f.Close()
	c.drain(10)
	want := []string{
		"app.bin: not text (first bytes 7f 45 4c 46), skipped",
		"cut.gz: gzip cut off; what came before was read",
	}
	for _, w := range want {
		n := 0
		for _, note := range c.notes {
			if note == w {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%q said %d times in %q", w, n, c.notes)
		}
	}
	if c.counts[strings.TrimSpace(kick)] == 0 {
		t.Error("nothing read of what could be read")
	}
}

// Anything may happen in any order: what is written is read once.
func TestEveryLineOnceInAnyOrder(t *testing.T) {
	base := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(base, "")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "app.log")
		args := rapid.SampledFrom([][]string{{path}, {path + "*"}, {dir}, {path + ".*.gz", path}}).Draw(t, "args")
		l := &logger{t: t, path: path, keep: 100}
		r := &run{log: l, args: args}
		defer func() { r.f.Close(); l.f.Close() }()
		r.put(1)
		r.start()
		r.saved = r.snapshot()
		late := false
		rename := func() {
			l.rename()
			late = true
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				for range rapid.IntRange(1, 60).Draw(t, "lines") {
					l.line(30)
				}
			},
			"rename": func(t *rapid.T) {
				if !late {
					rename()
				}
			},
			"reopen": func(*rapid.T) { l.reopen(); late = false },
			"rotate": func(t *rapid.T) {
				if !late {
					r.rename()
				}
			},
			"copytruncate": func(*rapid.T) {
				if !late {
					l.copytruncate()
				}
			},
			"compress": func(t *rapid.T) {
				if !late {
					l.compress(fmt.Sprintf("%s.%d", path, rapid.IntRange(1, 3).Draw(t, "file")))
				}
			},
			"read": func(t *rapid.T) {
				for range rapid.IntRange(1, 30).Draw(t, "events") {
					r.step()
				}
			},
			"save": func(*rapid.T) { r.saved = r.snapshot() },
			"kill": func(*rapid.T) { r.kill(); r.start() },
		})
		r.drain(30)
		r.check(l.lines)
	})
}

func TestLinesGoOnAfterRestart(t *testing.T) {
	tree(t)
	r := newRun(t, "app.log")
	r.put(50)
	r.start()
	r.stop()
	r.put(1)
	r.start()
	if len(r.open) != 1 {
		t.Fatalf("%d generations", len(r.open))
	}
	for _, g := range r.open {
		if g.base != 50 || g.lines != 1 {
			t.Errorf("starts after line %d and has %d, want 50 and 1", g.base, g.lines)
		}
	}
}

func TestFollowEndsWithContext(t *testing.T) {
	tree(t, "app.log")
	f := Follow([]string{"app.log"}, State{}, FollowOptions{After: func(time.Duration) <-chan time.Time { return nil }})
	defer f.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var kinds []Kind
	for {
		ev, err := f.Next(ctx)
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			break
		}
		if kinds = append(kinds, ev.Kind); ev.Kind == Idle {
			go cancel()
		}
	}
	if len(kinds) != 2 || kinds[0] != Block || kinds[1] != Idle {
		t.Error(kinds)
	}
}

func TestRotatedName(t *testing.T) {
	for name, want := range map[string]bool{
		"app.log.1": true, "app.log.10.gz": true, "app.log-20261124": true, "app.log-20261124.gz": true, "app.log.2026-11-24": true,
		"app-2026-11-24T10-00-00.000.log": true, "app-2026-11-24T10-00-00.000.log.gz": true, "app__2026-11-24_00-00-00.log": true,
		"app.log.20261124-101112": true, "app.1.log": true, "app.log.gz": true, "app.log.old": true, "app.log.bak": true, "app.log.1.zst": true,
		"app.log": false, "app-web.log": false, "app.log.tmp": false, "app.log.1.gz.tmp": false, "application.log": false, "app.log1": false,
		"app.logs": false, "web.log.1": false, "app.": false, "app.log.gzip": false, "app2.log": false,
	} {
		if got := rotatedName("/var/log/app.log", name); got != want {
			t.Errorf("rotatedName(app.log, %s) = %v", name, got)
		}
	}
	if !rotatedName("messages", "messages-20261124.xz") || rotatedName("messages", "messages2") {
		t.Error("names without extension")
	}
}

func TestFamily(t *testing.T) {
	for _, name := range []string{"app.log", "app.log.1", "app.log.12.gz", "app.log-20261124", "app-2026-11-24T10-00-00.000.log.gz", "app__2026-11-24_00-00-00.log", "app.1.log", "app.log.old"} {
		if got := family("/var/log/" + name); got != "app.log" {
			t.Errorf("family(%s) = %s", name, got)
		}
	}
	for _, name := range []string{"app-web.log", "app2.log", "1.log", "messages", "20261124", ".log"} {
		if got := family(name); got != name {
			t.Errorf("family(%s) = %s", name, got)
		}
	}
}
