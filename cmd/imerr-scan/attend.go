package main

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/report"
	"imerr-scan/internal/source"
)

// attend looks after a scan while it runs: a progress line on a terminal, a summary when a signal asks for it. The
// function that it returns ends that and waits for it.
func (sc *scan) attend(total *aggregate.Tally, items []source.Item, start time.Time) func() {
	peek := make(chan func(*aggregate.Tally))
	sc.opt.Peek = peek
	var due atomic.Bool
	sc.opt.Due = func() bool { return due.Load() && due.Swap(false) }
	asked := make(chan os.Signal, 1)
	if len(summarySignals) > 0 {
		signal.Notify(asked, summarySignals...)
	}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		defer signal.Stop(asked)
		bar := sc.progressBar(items)
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		var read int64 // at the last tick
		for {
			select {
			case <-done:
				bar.clear()
				return
			case <-tick.C:
				now := sc.read.Load()
				due.Store(now-read < slowBytes)
				read = now
				bar.show(sc.read.Load(), time.Since(start))
			case <-asked:
				bar.clear()
				shown := make(chan struct{})
				select {
				case peek <- func(t *aggregate.Tally) {
					sc.summary(t, answer{input: "…", took: time.Since(start)})
					close(shown)
				}:
					<-shown
				case <-done:
					return
				}
			}
		}
	}()
	return func() {
		close(done)
		<-gone
	}
}

// slowBytes is from how much input between two ticks on nobody is waited for: parts are full soon enough, and where they end
// must not depend on time, since counts of more users than a tally keeps depend on that.
const slowBytes = 1 << 20

// progressBar is one line on stderr that is written over and over, if stderr is a terminal.
type progressBar struct {
	sc    *scan
	on    bool
	total int64
	shown bool
}

func (sc *scan) progressBar(items []source.Item) *progressBar {
	b := &progressBar{sc: sc, on: !sc.quiet && isTTY(sc.env.stderr) && !(sc.output == "ndjson" && isTTY(sc.env.stdout))}
	for _, it := range items {
		if it.Size < 0 || it.Path == "" || packed(it.Name) {
			b.total = 0 // not known
			break
		}
		b.total += it.Size
	}
	return b
}

// packed says that a file's size tells little of its text.
func packed(name string) bool {
	for _, ext := range []string{".gz", ".bz2", ".xz", ".zst", ".lz4", ".tgz"} {
		if strings.HasSuffix(name, ext) {
			return true
		}
	}
	return false
}

func (b *progressBar) show(read int64, took time.Duration) {
	if !b.on || took < time.Second {
		return
	}
	width := 80
	if f, ok := b.sc.env.stderr.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 1 {
			width = w
		}
	}
	fmt.Fprintf(b.sc.env.stderr, "\r%s\x1b[K", report.Progress{Done: read, Total: b.total, Elapsed: took}.Line(width-1, b.sc.env.lang))
	b.shown = true
}

func (b *progressBar) clear() {
	if b.shown {
		fmt.Fprint(b.sc.env.stderr, "\r\x1b[K")
		b.shown = false
	}
}
