package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"
)

// State is how far a Follower's inputs were read: what a restart needs. It is a value that marshals to JSON.
type State struct {
	Files []Position `json:"files"`
}

// Position is how far one generation of a file was read. It is found again by its inode and by the checksum of its first
// bytes, or by the checksum alone when it was copied or compressed.
type Position struct {
	Path    string    `json:"path"`            // of the input that it was read from, absolute
	Inode   uint64    `json:"inode,omitempty"` // 0 if the system has none
	Sum     uint64    `json:"sum,string"`      // xxhash of the first SumLen bytes of the text
	SumLen  int       `json:"sum_len"`         // at most 1,024
	Offset  int64     `json:"offset"`          // up to where its text is processed, in bytes
	Lines   int64     `json:"lines,omitempty"` // lines up to there
	ModTime time.Time `json:"mod_time"`        // when it was last seen to be written
	Packed  bool      `json:"packed,omitempty"`
	Done    bool      `json:"done,omitempty"`  // processed to its end
	Known   bool      `json:"known,omitempty"` // was there before and is not to be read
}

// Mark is what the consumer of a Follower's blocks says of a generation.
type Mark struct {
	Pending int64 // bytes that it was given and has not processed: frame.Cutter.Pending
	Lines   int64 // lines that it has processed in this run
}

// State returns the positions to be saved. mark is asked for each generation of which the consumer was given bytes and
// not yet the End. What is saved together with these positions, in one file at one time (Snapshot), is neither lost nor
// doubled by a restart from it, wherever the process was killed.
func (f *Follower) State(mark func(id int) Mark) State {
	var s State
	for _, g := range f.gens {
		if g.phase == piped || g.path == "" {
			continue
		}
		p := Position{Path: g.path, Inode: g.ino, Sum: g.sum, SumLen: g.sumLen, Offset: g.offset, Lines: g.lines, ModTime: g.modTime,
			Packed: g.packed, Done: g.phase == done, Known: g.known}
		if g.id != 0 && g.phase != done {
			m := mark(g.id)
			p.Offset -= m.Pending
			p.Lines += m.Lines
		}
		s.Files = append(s.Files, p)
	}
	return s
}

// restored is a generation of an earlier run.
func restored(p Position) *generation {
	g := &generation{name: p.Path, path: p.Path, kin: kinOf(realPath(p.Path)), ino: p.Inode, sum: p.Sum, sumLen: p.SumLen, offset: p.Offset,
		lines: p.Lines, modTime: p.ModTime, packed: p.Packed, known: p.Known}
	if p.Done {
		g.phase = done
	}
	return g
}

// Snapshot is the content of a state file: positions, and what the caller made of the bytes before them.
type Snapshot struct {
	State    State
	Sections map[string][]byte // the caller's, opaque here
}

const (
	snapshotMagic   = "imerr-scan/state/"
	snapshotVersion = 1
	maxSnapshot     = 1 << 30 // bytes
)

// snapshotIndex is the first line of a state file's body; the sections follow it in this order.
type snapshotIndex struct {
	State    State             `json:"positions"`
	Sections []snapshotSection `json:"sections"`
}

type snapshotSection struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
}

// WriteSnapshot replaces the file at path by s, or leaves it as it was: written beside it, synced, renamed. The errors
// name path.
func WriteSnapshot(path string, s Snapshot) error {
	body, err := s.body()
	if err != nil {
		return wrap(path, err)
	}
	return wrap(path, replace(path, sealed(body), body))
}

// body is what parseBody reads.
func (s Snapshot) body() ([]byte, error) {
	index := snapshotIndex{State: s.State, Sections: []snapshotSection{}}
	for _, name := range slices.Sorted(maps.Keys(s.Sections)) {
		index.Sections = append(index.Sections, snapshotSection{name, len(s.Sections[name])})
	}
	body, err := json.Marshal(index)
	if err != nil {
		return nil, err
	}
	body = append(body, '\n')
	for _, sec := range index.Sections {
		body = append(body, s.Sections[sec.Name]...)
	}
	return body, nil
}

// sealed is the line before body.
func sealed(body []byte) []byte {
	return fmt.Appendf(nil, "%sv%d %016x\n", snapshotMagic, snapshotVersion, xxhash.Sum64(body))
}

// replace writes a file so that a crash leaves the old or the new one.
func replace(path string, parts ...[]byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	for _, p := range parts {
		if _, err := f.Write(p); err != nil {
			f.Close()
			return err
		}
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	if d, err := os.Open(dir); err == nil { // so that the name is on the disk too; not every system can
		_ = d.Sync()
		d.Close()
	}
	return nil
}

// ReadSnapshot reads a state file. errors.Is(err, fs.ErrNotExist) says that there is none yet; a file that is no state
// file, was damaged or comes from a newer version is refused, and never overwritten unasked.
func ReadSnapshot(path string) (Snapshot, error) {
	f, err := os.Open(path)
	if err != nil {
		return Snapshot{}, wrap(path, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSnapshot))
	if err != nil {
		return Snapshot{}, wrap(path, err)
	}
	s, err := parseSnapshot(data)
	return s, wrap(path, err)
}

var errDamaged = errors.New("damaged state file: remove it to start anew, and the inputs are read from their begin")

func parseSnapshot(data []byte) (Snapshot, error) {
	rest, ok := bytes.CutPrefix(data, []byte(snapshotMagic+"v"))
	if !ok {
		return Snapshot{}, errors.New("not a state file of imerr-scan")
	}
	head, body, ok := bytes.Cut(rest, []byte("\n"))
	version, sum, sumOK := bytes.Cut(head, []byte(" "))
	v, verr := strconv.Atoi(string(version))
	switch {
	case verr == nil && v > snapshotVersion:
		return Snapshot{}, fmt.Errorf("state file of a newer imerr-scan (version %d, this one knows %d)", v, snapshotVersion)
	case !ok || !sumOK || verr != nil || v != snapshotVersion || string(sum) != fmt.Sprintf("%016x", xxhash.Sum64(body)):
		return Snapshot{}, errDamaged
	}
	return parseBody(body)
}

// parseBody reads what is sealed. It refuses what no Snapshot is written as.
func parseBody(body []byte) (Snapshot, error) {
	line, rest, _ := bytes.Cut(body, []byte("\n"))
	var index snapshotIndex
	if err := json.Unmarshal(line, &index); err != nil {
		return Snapshot{}, errDamaged
	}
	s := Snapshot{State: index.State, Sections: map[string][]byte{}}
	for _, p := range s.State.Files {
		if p.Offset < 0 || p.SumLen < 0 || p.SumLen > headLen || p.Lines < 0 {
			return Snapshot{}, errDamaged
		}
	}
	for _, sec := range index.Sections {
		_, twice := s.Sections[sec.Name]
		if twice || sec.Bytes < 0 || sec.Bytes > len(rest) {
			return Snapshot{}, errDamaged
		}
		s.Sections[sec.Name], rest = rest[:sec.Bytes:sec.Bytes], rest[sec.Bytes:]
	}
	if len(rest) > 0 {
		return Snapshot{}, errDamaged
	}
	return s, nil
}
