package source

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"
)

// headLen is how many first bytes tell one file from another, besides the inode. Fewer if the file is shorter.
const headLen = 1024

// phase is where a generation is in its life.
type phase uint8

const (
	asleep phase = iota // from an earlier run, its file not met in this one
	sought              // unfinished; its file is looked for among the neighbours
	live                // its file is open
	piped               // read by a goroutine from a pipe
	ended               // read; End waits to be given out
	done                // read and given out
)

// generation is the content of a file from one rotation to the next, under whatever name and however compressed.
type generation struct {
	id      int
	name    string // as shown
	path    string // absolute, of the target
	kin     string // of its file's names
	phase   phase
	known   bool // was there before us and is not read
	lost    bool // sought from an earlier run: it is worth a word if it is not found
	packed  bool // an archive or another encoding: does not grow, offsets are of the text inside
	held    bool // a target's file; else it was rotated away
	ready   bool // there may be more to read
	idle    int  // polls without a byte
	ino     uint64
	sum     uint64 // checksum of the first sumLen bytes of the text
	sumLen  int
	head    []byte // those bytes, while the file is open
	offset  int64  // up to which the text was given out
	lines   int64  // before where this run began
	modTime time.Time

	file    *os.File
	fi      fs.FileInfo
	text    io.Reader // of an archive; skip bytes of it were given out in an earlier run
	textErr error
	skip    int64
	decoder decoder
}

// rank is the order in which generations are read.
func (g *generation) rank() int {
	switch {
	case g.packed:
		return 0
	case !g.held:
		return 1
	}
	return 2
}

// release closes the file.
func (g *generation) release() {
	if g.file != nil {
		g.decoder.Close()
		g.file.Close()
	}
	g.file, g.text, g.head, g.ready = nil, nil, nil, false
}

// open takes the candidate's file over: from now on it is read, from offset.
func (g *generation) open(c *candidate) {
	g.file, g.fi, g.ino, g.packed = c.file, c.fi, c.ino(), c.format != plainText
	g.modTime, g.kin = c.fi.ModTime(), c.kin
	g.head = bytes.Clone(c.head[:g.sumLen])
	g.phase, g.idle, g.ready, g.skip = live, 0, true, g.offset
	g.text, g.textErr, g.decoder = nil, nil, decoder{}
	c.file = nil
	g.learn(c.head)
}

// learn makes the first bytes of the text known, which begin with those known before.
func (g *generation) learn(b []byte) {
	if len(b) > len(g.head) {
		g.head = append(g.head, b[len(g.head):]...)
		g.sum, g.sumLen = xxhash.Sum64(g.head), len(g.head)
	}
}

// errReplaced is a file that was truncated, and perhaps written anew, under its generation.
var errReplaced = errors.New("truncated")

// read gives out what comes next.
func (g *generation) read(ctx context.Context, b []byte) (int, error) {
	if g.packed {
		return g.unpack(ctx, b)
	}
	n, err := g.file.ReadAt(b, g.offset)
	if n == 0 {
		return 0, err
	}
	// Looked at after the read: bytes of a later generation can stand at this offset only if that one's head was there
	// before them.
	if !g.intact() {
		return 0, errReplaced
	}
	g.offset += int64(n)
	g.idle = 0
	return n, nil
}

// intact says whether the file still begins with the generation's head and reaches to where it was read.
func (g *generation) intact() bool {
	fi, err := g.file.Stat()
	if err != nil || fi.Size() < g.offset {
		return false
	}
	var b [headLen]byte
	n, _ := g.file.ReadAt(b[:], 0)
	if !bytes.HasPrefix(b[:n], g.head) {
		return false
	}
	g.learn(b[:n]) // before it is given out: a copy has to be known as one
	return true
}

// unpack reads the text of an archive.
func (g *generation) unpack(ctx context.Context, b []byte) (int, error) {
	if g.text == nil {
		r := io.NewSectionReader(g.file, 0, 1<<62)
		head, err := readHead(r, true)
		if err != nil {
			return 0, err
		}
		format, err := sniff(head, false)
		if err != nil {
			return 0, err
		}
		if g.text, err = g.decoder.decode(&joined{head: head, r: r}, format); err != nil {
			return 0, err
		}
	}
	for ctx.Err() == nil && g.textErr == nil {
		var n int
		n, g.textErr = g.text.Read(b)
		cut := min(int64(n), g.skip)
		g.skip -= cut
		if n = copy(b, b[cut:n]); n > 0 {
			g.offset += int64(n)
			return n, nil
		}
	}
	return 0, cmp.Or(ctx.Err(), g.textErr)
}

// candidate is a file that was met and may be some generation's.
type candidate struct {
	path   string
	real   string // absolute, links resolved
	kin    string
	file   *os.File
	fi     fs.FileInfo
	format format
	head   []byte // of the text inside
	sums   map[int]uint64
}

// meet opens an item and looks at its first bytes.
func meet(it Item, path string) (*candidate, error) {
	real := realPath(path)
	c := &candidate{path: path, real: real, kin: kinOf(real), sums: map[int]uint64{}}
	f, err := openItem(context.Background(), it)
	if err != nil {
		return nil, err
	}
	c.file = f
	if err := c.look(it); err != nil {
		f.Close()
		return nil, err
	}
	return c, nil
}

func (c *candidate) look(it Item) error {
	var err error
	if c.fi, err = c.file.Stat(); err != nil {
		return err
	}
	if !c.fi.Mode().IsRegular() {
		return errors.New("not a file")
	}
	raw := io.NewSectionReader(c.file, 0, 1<<62)
	head, err := readHead(raw, true)
	if err != nil {
		return err
	}
	if it.found() && ours().Match(head) {
		return ErrNotText
	}
	if c.format, err = sniff(head, false); err != nil {
		return err
	}
	c.head = head[:min(len(head), headLen)]
	if c.format == plainText {
		return nil
	}
	var d decoder
	defer d.Close()
	text, err := d.decode(&joined{head: head, r: raw}, c.format)
	if err != nil {
		return err
	}
	b := make([]byte, headLen)
	n, err := io.ReadFull(text, b)
	c.head = b[:n]
	if n == 0 && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// longer says that the candidate has more text than there is in the generation's file: then it is no copy of it.
func (c *candidate) longer(g *generation) bool {
	fi, err := g.file.Stat()
	size := c.fi.Size()
	if c.format != plainText {
		size = int64(len(c.head))
	}
	return err == nil && !g.packed && size > fi.Size()
}

// realPath resolves links, as far as there are files.
func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

func (c *candidate) close() {
	if c.file != nil {
		c.file.Close()
	}
}

func (c *candidate) ino() uint64 { return fileIno(c.fi) }

// sum is the checksum of the first n bytes.
func (c *candidate) sum(n int) uint64 {
	s, ok := c.sums[n]
	if !ok {
		s = xxhash.Sum64(c.head[:n])
		c.sums[n] = s
	}
	return s
}

// likeness is how a candidate and a generation go together.
type likeness uint8

const (
	other  likeness = iota
	blank           // the same inode, of a generation that was empty: worth little once nobody holds the file open
	unsure          // perhaps a copy that is still being made: look again
	moved           // same text in another file: copied, compressed
	same            // same text in the same file
)

// compare says whether the candidate holds the generation's text. Few bytes prove little: then the file must be the
// same, or at least be named like a rotated one of the same log.
func (c *candidate) compare(g *generation) likeness {
	sameFile := c.ino() == g.ino && g.ino != 0
	related := sameFile || c.path == g.path || c.kin == g.kin
	switch {
	case g.sumLen == 0:
		if sameFile && g.phase != done {
			return blank
		}
		return other
	case len(c.head) < g.sumLen:
		if related && !sameFile && c.path != g.path && bytes.HasPrefix(g.head, c.head) && g.phase == live {
			return unsure
		}
		return other
	case c.sum(g.sumLen) != g.sum:
		return other
	case c.format == plainText && c.fi.Size() < g.offset: // truncated and begun alike, or a copy under way
		if related && !sameFile && c.path != g.path {
			return unsure
		}
		return other
	case sameFile:
		return same
	case g.sumLen == headLen:
		return moved
	case !related:
		return other
	case (g.phase == done || g.phase == ended) && len(c.head) != g.sumLen:
		return other
	case g.phase == live && !g.packed && !g.intact(): // truncated a moment ago
		return unsure
	case g.phase == live && c.longer(g):
		return other
	case g.phase == live && c.path == g.path:
		// A new file at the path that begins as the old one did: a fixed first line.
		return other
	}
	return moved
}

// match returns the generation whose text the candidate holds.
func (f *Follower) match(c *candidate) (*generation, likeness) {
	var best *generation
	how := other
	for _, g := range f.gens {
		if g.phase == piped {
			continue
		}
		l := c.compare(g)
		if l > how || l == how && l != other && (g.sumLen > best.sumLen || g.sumLen == best.sumLen && g.phase < best.phase) {
			best, how = g, l
		}
	}
	return best, how
}

// maxDone bounds how many generations that are done are remembered: of growing files, which are rotated away for good
// some day, and of archives, which may stay.
const (
	maxDone        = 1024
	maxDoneArchive = 65536
)

// forget drops what was done long ago.
func (f *Follower) forget() {
	var count [2]int
	drop := map[*generation]bool{}
	for _, g := range slices.Backward(f.gens) {

		if g.phase != done {
			continue
		}
		kind, limit := 0, maxDone
		if g.packed {
			kind, limit = 1, maxDoneArchive
		}
		if count[kind]++; count[kind] > limit || g.path == "" {
			drop[g] = true
		}
	}
	if len(drop) == 0 {
		return
	}
	kept := f.gens[:0]
	for _, g := range f.gens {
		if !drop[g] {
			kept = append(kept, g)
		}
	}
	clear(f.gens[len(kept):])
	f.gens = kept
}
