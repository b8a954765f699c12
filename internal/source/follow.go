package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Kind says what an Event tells.
type Kind uint8

const (
	Block   Kind = iota // bytes of a generation
	End                 // nothing more comes of this generation: an unfinished last line is a line
	Idle                // everything that was there has been read; comes once a poll
	Note                // worth a word to the user, such as a file that is not there yet
	Problem             // an input could not be read, wholly or from some point on; others go on
)

// Event is what Follower.Next returns.
type Event struct {
	Kind   Kind
	ID     int    // of the generation, for Block and End; never used again for another one
	Name   string // of the input, as given
	Data   []byte // of a Block; valid until the next call of Next
	Offset int64  // of Data within the generation's text, in bytes
	Lines  int64  // lines of the generation before the position from which this run reads it (Mark.Lines of an earlier run)
	Err    error  // of a Note or Problem, an *Error
}

// FollowOptions sets the pace. The zero value works. All waiting is counted in polls, so that tests need no clock.
type FollowOptions struct {
	Poll   time.Duration                        // between two looks at the files; 0 means 250 ms
	After  func(time.Duration) <-chan time.Time // nil means time.After
	Block  int                                  // bytes; 0 means 256 KiB
	Rescan int                                  // polls between two looks for new files in folders and globs; 0 means 4
	Linger int                                  // polls without a byte until a file that was rotated away has ended; 0 means 40
}

func (o FollowOptions) withDefaults() FollowOptions {
	set := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	set(&o.Block, 256<<10)
	set(&o.Rescan, 4)
	set(&o.Linger, 40)
	if o.Poll <= 0 {
		o.Poll = 250 * time.Millisecond
	}
	if o.After == nil {
		o.After = time.After
	}
	return o
}

const (
	// burst is how many blocks are read before the files are looked at again, even if there is always more to read. A
	// short block counts as a sixty-fourth at least.
	burst = 64

	// settle is how many polls in a row the neighbours of a rotated file are searched: a list of a directory in which
	// files are being renamed may lack one.
	settle = 4
)

// Follower reads inputs to their end and goes on as they grow, over rotations of both kinds (rename, copytruncate), over
// deletion and re-creation, and over its own restart. Every byte of a file is given out exactly once, in order within
// the file: see docs/decisions/0005-following-files.md for what that rests on.
//
// It polls and runs in the caller's goroutine, one for each pipe aside. It is used by one goroutine.
type Follower struct {
	opt     FollowOptions
	args    []string
	targets []*target
	byPath  map[string]*target
	gens    []*generation // live ones, those to be found again, and those that are done, oldest first
	queue   []waiting
	said    map[string]bool                     // what was reported, so that it is said once
	listed  map[string]map[string][]fs.DirEntry // in this poll, folders by path, files in them by kin
	buf     []byte
	polls   int
	budget  int  // bytes until the next poll
	full    bool // in this poll, no more files can be opened
	crowded bool // that was said
	idle    bool // Idle was said since the last poll
	nextID  int
	turn    int // whose turn it is among growing files

	files   bool // not only pipes were given
	streams int  // pipes that have not ended
	chunks  chan chunk
	alive   context.Context // until Close; for the goroutines that read pipes
	stop    context.CancelFunc
	pumps   sync.WaitGroup
}

// waiting is an event that waits to be given out, and the generation that it ends.
type waiting struct {
	Event
	ends *generation
}

// target is a path that is followed, whatever file is there.
type target struct {
	item     Item
	path     string // absolute
	real     string // absolute, links resolved, when a file was last there
	kin      string // of real
	named    bool   // by an argument, so that it is waited for; else found in a folder or by a glob
	cur      *generation
	visited  bool      // the neighbours it had at the start are known
	searches int       // polls in which its neighbours are still to be searched
	since    time.Time // neighbours that were written before are none of ours
	passed   stamp     // the file is there, but not to be read
	gone     bool      // there is no file
}

// stamp tells whether a file was touched, without reading it.
type stamp struct {
	ino  uint64
	size int64
	mod  time.Time
}

func stampOf(fi fs.FileInfo) stamp { return stamp{fileIno(fi), fi.Size(), fi.ModTime()} }

// Follow follows what args name: as Expander.Expand has it, but a file that is not there yet is waited for, and folders
// and globs are looked at again and again. from is what State returned in an earlier run, or the zero value.
func Follow(args []string, from State, opt FollowOptions) *Follower {
	f := &Follower{
		opt:    opt.withDefaults(),
		args:   args,
		byPath: map[string]*target{},
		said:   map[string]bool{},
		chunks: make(chan chunk),
	}
	f.alive, f.stop = context.WithCancel(context.Background())
	f.buf = make([]byte, f.opt.Block)
	for _, p := range from.Files {
		f.gens = append(f.gens, restored(p))
	}
	return f
}

// Close releases the files and waits for the goroutines.
func (f *Follower) Close() error {
	f.stop()
	f.pumps.Wait()
	for _, g := range f.gens {
		g.release()
	}
	return nil
}

// Next returns what is next, and waits for it. It ends with ctx's error, or with io.EOF if only pipes were given and all
// of them have ended. What goes wrong with an input is an Event.
func (f *Follower) Next(ctx context.Context) (Event, error) {
	for {
		if err := ctx.Err(); err != nil {
			return Event{}, err
		}
		if ev, ok := f.queued(); ok {
			return ev, nil
		}
		if f.budget > 0 {
			ev, ok, err := f.read(ctx)
			f.budget -= max(len(ev.Data), f.opt.Block/64)
			if ok || err != nil {
				return ev, err
			}
			if len(f.queue) > 0 {
				continue
			}
			if f.streams == 0 && !f.files {
				return Event{}, io.EOF
			}
			if !f.idle {
				f.idle = true
				f.budget = max(f.budget, f.opt.Block)
				return Event{Kind: Idle}, nil
			}
			select {
			case c := <-f.chunks:
				f.budget = max(f.budget, f.opt.Block)
				if ev, ok := f.chunk(c); ok {
					return ev, nil
				}
				continue
			case <-f.opt.After(f.opt.Poll):
			case <-ctx.Done():
				return Event{}, ctx.Err()
			}
		}
		f.poll()
		f.budget, f.idle = burst*f.opt.Block, false
	}
}

// queued takes the oldest event that waits. A generation is done only once its End is given out: until then the caller
// may hold bytes of it.
func (f *Follower) queued() (Event, bool) {
	if len(f.queue) == 0 {
		return Event{}, false
	}
	w := f.queue[0]
	f.queue = f.queue[1:]
	if w.ends != nil {
		w.ends.phase, w.ends.lines = done, 0
		f.forget()
	}
	return w.Event, true
}

// say reports err about an input, the same only once.
func (f *Follower) say(kind Kind, name string, err error) {
	err = wrap(name, err)
	if f.said[err.Error()] {
		return
	}
	if len(f.said) > 10_000 {
		clear(f.said)
	}
	f.said[err.Error()] = true
	f.queue = append(f.queue, waiting{Event: Event{Kind: kind, Name: name, Err: err}})
}

// read gives out the next block: of archives first, then of files that were rotated away, then of growing ones in turn.
func (f *Follower) read(ctx context.Context) (Event, bool, error) {
	select {
	case c := <-f.chunks:
		if ev, ok := f.chunk(c); ok {
			return ev, true, nil
		}
	default:
	}
	for rank := range 3 {
		for i := range f.gens {
			g := f.gens[i]
			if rank == 2 {
				g = f.gens[(i+f.turn)%len(f.gens)]
			}
			if !g.ready || g.rank() != rank {
				continue
			}
			n, err := g.read(ctx, f.buf)
			switch {
			case ctx.Err() != nil:
				return Event{}, false, ctx.Err()
			case n > 0:
				if rank == 2 {
					f.turn++
				}
				return Event{Kind: Block, ID: g.id, Name: g.name, Data: f.buf[:n], Offset: g.offset - int64(n), Lines: g.lines}, true, nil
			}
			g.ready = false
			f.met(g, err)
			if len(f.queue) > 0 {
				return Event{}, false, nil
			}
		}
	}
	return Event{}, false, nil
}

// met handles what ended a generation's reading for now.
func (f *Follower) met(g *generation, err error) {
	switch {
	case errors.Is(err, errReplaced): // the next poll sees it too
	case g.packed:
		if !errors.Is(err, io.EOF) {
			f.say(Problem, g.name, err)
		}
		f.end(g)
	case !errors.Is(err, io.EOF):
		f.say(Problem, g.name, err)
	}
}

// end closes a generation.
func (f *Follower) end(g *generation) {
	g.release()
	if g.id == 0 { // nobody was given anything of it
		g.phase = done
		return
	}
	g.phase = ended
	f.queue = append(f.queue, waiting{Event{Kind: End, ID: g.id, Name: g.name}, g})
}

// poll looks at the files: which are there, which are others now, which have ended.
func (f *Follower) poll() {
	if f.polls%f.opt.Rescan == 0 {
		f.expand()
	}
	f.polls++
	f.full = false
	for _, g := range f.gens {
		f.verify(g)
	}
	f.listed = map[string]map[string][]fs.DirEntry{}
	for _, t := range f.targets {
		f.check(t)
	}
	missing := map[string]bool{}
	for _, g := range f.gens {
		if g.phase == sought {
			missing[g.path] = true
		}
	}
	for _, t := range f.targets {
		f.search(t, missing[t.path])
	}
	f.hold()
	for _, g := range f.gens {
		f.age(g)
	}
}

// age makes a live generation ready to be read again, and ends it when it was rotated away and has been silent for long.
func (f *Follower) age(g *generation) {
	switch g.phase {
	case live:
		g.idle++
		if g.held || g.packed {
			g.idle = 0
		}
		if g.idle > f.opt.Linger {
			f.end(g)
			return
		}
		g.ready = g.ready || g.packed || g.fi.Size() != g.offset
	case sought:
		if g.idle++; g.idle > settle {
			if g.lost {
				f.say(Note, g.name, fmt.Errorf("was rotated away and is not found again; read up to byte %d", g.offset))
			}
			f.end(g)
		}
	}
}

// expand looks for new targets.
func (f *Follower) expand() {
	e := expansion{unread: true, seen: map[any]bool{}}
	for _, arg := range f.args {
		before := len(e.errs)
		items := len(e.items)
		e.arg(arg)
		for _, it := range e.items[items:] {
			f.target(it, it.Path == arg)
		}
		f.files = f.files || arg != "-" && !isPipe(arg)
		for _, err := range e.errs[before:] {
			if !errors.Is(err, fs.ErrNotExist) {
				f.say(Problem, arg, err)
				continue
			}
			f.say(Note, arg, errors.New("not there yet; waiting for it"))
			if !isPattern(arg) {
				f.target(Item{Name: arg, Path: arg, Size: -1}, true)
			}
		}
	}
	if f.polls > 0 {
		f.prune()
	}
}

// target takes an item up, unless it is followed already.
func (f *Follower) target(it Item, named bool) {
	path := it.Path
	if path != "" {
		if abs, err := filepath.Abs(path); err == nil {
			path = abs
		}
	}
	if f.byPath[path] != nil {
		return
	}
	t := &target{item: it, path: path, real: path, kin: kinOf(path), named: named}
	f.byPath[path] = t
	if path == "" || isPipe(path) {
		f.pump(it)
		return
	}
	f.targets = append(f.targets, t)
	f.remember(t)
}

// isPipe says whether a path is read as a stream.
func isPipe(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode()&(fs.ModeNamedPipe|fs.ModeCharDevice) != 0
}

// remember has the files of an earlier run looked for, and those that came and went since.
func (f *Follower) remember(t *target) {
	var last time.Time
	for _, g := range f.gens {
		if g.path != t.path || g.known {
			continue
		}
		t.visited = true
		g.name = t.item.Name
		if g.phase == asleep {
			f.seek(g)
			g.lost = true
			t.from(g.modTime)
		} else if g.modTime.After(last) {
			last = g.modTime
		}
	}
	if t.visited && t.searches == 0 {
		t.from(last)
	}
}

// seek has the file of an unfinished generation looked for. Files that were passed over may be it now.
func (f *Follower) seek(g *generation) {
	g.release()
	g.phase, g.idle = sought, 0
	for _, t := range f.targets {
		if g.kin == t.kin {
			t.passed = stamp{}
		}
	}
}

// prune drops targets that a folder or glob brought and that are gone.
func (f *Follower) prune() {
	kept := f.targets[:0]
	for _, t := range f.targets {
		if t.cur == nil && !t.named {
			if _, err := os.Lstat(t.path); errors.Is(err, fs.ErrNotExist) {
				delete(f.byPath, t.path)
				continue
			}
		}
		kept = append(kept, t)
	}
	clear(f.targets[len(kept):])
	f.targets = kept
}

// chunk is what a pipe gave.
type chunk struct {
	g    *generation
	data []byte
	err  error
}

// pump reads a pipe in a goroutine of its own.
func (f *Follower) pump(it Item) {
	g := &generation{id: f.id(), name: it.Name, phase: piped}
	f.gens = append(f.gens, g)
	f.streams++
	f.pumps.Go(func() {
		send := func(data []byte, err error) bool {
			select {
			case f.chunks <- chunk{g, data, err}:
				return true
			case <-f.alive.Done():
				return false
			}
		}
		in, err := OpenContext(f.alive, it)
		if err != nil {
			send(nil, err)
			return
		}
		defer in.Close()
		// Two buffers: while one is the caller's, the other fills. The channel has no room, so a buffer is sent only when
		// the caller has come back for it and is done with the one before.
		buf, other := make([]byte, f.opt.Block), make([]byte, f.opt.Block)
		for {
			n, err := in.Reader.Read(buf)
			if !send(buf[:n], err) || err != nil {
				return
			}
			buf, other = other, buf
		}
	})
}

// chunk turns what a pipe gave into an event.
func (f *Follower) chunk(c chunk) (Event, bool) {
	if c.err != nil {
		f.streams--
		if !errors.Is(c.err, io.EOF) {
			f.say(Problem, c.g.name, c.err)
		}
		f.end(c.g)
	}
	if len(c.data) == 0 {
		return Event{}, false
	}
	ev := Event{Kind: Block, ID: c.g.id, Name: c.g.name, Data: c.data, Offset: c.g.offset}
	c.g.offset += int64(len(c.data))
	return ev, true
}

func (f *Follower) id() int {
	f.nextID++
	return f.nextID
}
