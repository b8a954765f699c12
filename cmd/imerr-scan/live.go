package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"imerr-scan/internal/screen"
)

// The pace of a live view. A picture costs the run that is shown at most a twentieth of its time, and the terminal none: who
// counts leaves a snapshot and goes on, and one that is not drawn yet is not followed by another.
const (
	frameEvery = 250 * time.Millisecond
	frameShare = 20
	rateOver   = 5 * time.Second // lines and bytes per second are those of so long
)

// liveView shows a run on the terminal while it goes on.
type liveView struct {
	term   *terminal
	screen *screen.Screen
	notes  *notes
	quit   func() // ends the run

	snapshots  chan *screen.Snapshot // one has room
	done, gone chan struct{}
	ending     sync.Once

	next   time.Time // no snapshot before it
	passed []reading // of the last rateOver
}

// reading is how much was read at some time.
type reading struct {
	at           time.Time
	lines, bytes int64
}

// newLiveView takes the terminal. Whoever writes to stderr then writes to the notes of the view.
func (sc *scan) newLiveView(opt screen.Options, quit func()) (*liveView, error) {
	t, err := openTerminal()
	if err != nil {
		return nil, err
	}
	v := &liveView{
		term: t, screen: screen.New(opt), quit: quit, notes: &notes{to: sc.env.stderr, held: isTTY(sc.env.stderr), seen: true},
		snapshots: make(chan *screen.Snapshot, 1), done: make(chan struct{}), gone: make(chan struct{}),
	}
	sc.env.stderr = v.notes
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, screenSignals...)
	if err := t.enter(); err != nil {
		t.close()
		signal.Stop(signals)
		return nil, err
	}
	go v.run(signals)
	return v, nil
}

// close gives the terminal back, and says what there was to say meanwhile. It may be called again.
func (v *liveView) close() {
	v.ending.Do(func() {
		close(v.done)
		v.term.unblock()
		<-v.gone
		v.notes.release()
	})
}

// due says whether it is time for a snapshot.
func (v *liveView) due(now time.Time) bool { return len(v.snapshots) == 0 && !now.Before(v.next) }

// show leaves a snapshot to be drawn. took is what it cost to make.
func (v *liveView) show(s *screen.Snapshot, lines, bytes int64, took time.Duration) {
	v.next = s.At.Add(max(frameEvery, frameShare*took))
	v.passed = append(v.passed, reading{s.At, lines, bytes})
	for len(v.passed) > 2 && s.At.Sub(v.passed[1].at) >= rateOver {
		v.passed = v.passed[1:]
	}
	if first := v.passed[0]; s.At.After(first.at) {
		over := s.At.Sub(first.at).Seconds()
		s.Lines, s.Bytes = float64(lines-first.lines)/over, float64(bytes-first.bytes)/over
	}
	s.Notes = v.notes.last()
	select {
	case v.snapshots <- s:
	default:
	}
}

// run draws until the view is closed or left. However it ends, the terminal is as it was before.
func (v *liveView) run(signals chan os.Signal) {
	defer close(v.gone)
	defer v.term.close()
	defer signal.Stop(signals)
	typed := v.term.keys(v.done)
	tick := time.NewTicker(time.Second) // a size that changed without a word
	defer tick.Stop()
	var shown []string
	for {
		again := false
		select {
		case <-v.done:
			return
		case s := <-v.snapshots:
			v.screen.Show(s)
		case keys := <-typed:
			switch v.screen.Press(keys...) {
			case screen.DrawAll:
				again = true
			case screen.Stop:
				again = v.term.suspend() == nil
			case screen.Quit:
				v.term.leave()
				v.quit()
				return
			case screen.Kill:
				v.term.leave()
				interruptAll()
				return
			}
		case s := <-signals:
			switch s {
			case os.Interrupt, syscall.SIGTERM: // the run ends by itself
				return
			case syscall.SIGHUP, syscall.SIGQUIT:
				v.term.leave()
				dieOf(s)
				return
			}
			again = v.term.enter() == nil // we were stopped and go on, or have another size
		case <-tick.C:
		}
		if again {
			shown = nil
		}
		v.screen.Resize(v.term.size())
		lines := v.screen.Lines()
		if err := v.term.write(screen.Paint(shown, lines)); err != nil {
			v.quit() // nobody is there
			return
		}
		shown = lines
	}
}

// notes is stderr while a view has the terminal: lines are kept for it, and written when it ends. If stderr leads elsewhere they
// are written there at once.
type notes struct {
	mu   sync.Mutex
	to   io.Writer
	held bool // to is the terminal
	seen bool // a view shows them
	kept []string
}

// maxNotes is how many lines are kept, maxNote how long they may be.
const (
	maxNotes = 50
	maxNote  = 500
)

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.held || !n.seen {
		if _, err := n.to.Write(p); err != nil || !n.seen {
			return len(p), err
		}
	}
	for line := range strings.Lines(string(p)) {
		line = strings.TrimRight(line, "\n")
		n.kept = append(n.kept, line[:min(len(line), maxNote)])
	}
	n.kept = n.kept[max(len(n.kept)-maxNotes, 0):]
	return len(p), nil
}

// last is the newest line.
func (n *notes) last() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.kept[max(len(n.kept)-1, 0):]...)
}

// release writes what was held back, and lets through what comes.
func (n *notes) release() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.held {
		for _, line := range n.kept {
			fmt.Fprintln(n.to, line)
		}
	}
	n.seen, n.kept = false, nil
}
