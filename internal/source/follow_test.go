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
)

// now is a clock in which every wait is over at once.
func now(time.Duration) <-chan time.Time {
	c := make(chan time.Time, 1)
	c <- time.Time{}
	return c
}

// consumer does what a pipeline does: it cuts lines, keeps the unfinished one, and saves counts and positions at one time.
type consumer struct {
	t      testing.TB
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

func newConsumer(t testing.TB, args []string, s Snapshot, opt FollowOptions) *consumer {
	if opt.After == nil {
		opt.After = now
	}
	c := &consumer{t: t, f: Follow(args, s.State, opt), open: map[int]*cut{}, counts: map[string]int{}, names: map[string]bool{}}
	for _, line := range strings.Split(string(s.Sections["lines"]), "\n") {
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
	t     testing.TB
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
					for rotation := range 50 {
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
				t.Logf("%d lines, %d kills, %d gens, notes %q", len(l.lines), kills, len(c.f.gens), c.notes)
				if kills == 0 {
					t.Error("never killed")
				}
			})
		}
	}
}
