// Package filelog keeps a delta log in one local file: for followed files, and for one replica without rights to a topic.
//
// Records are appended and synced; a record that a crash cut off is dropped at the next start, damage anywhere else is an
// error. A second process that opens the same file is refused. Compact drops what a base has made unnecessary.
package filelog

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// The file begins with magic and the offset of its first record; each record is its length, the CRC-32C of that, the CRC-32C
// of its bytes, and its bytes. Without the first sum a damaged length would look like the end of the file.
const (
	magic      = "imerrlog2\n"
	headerSize = len(magic) + 8
	frameSize  = 12
	maxRecord  = 64 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrInUse says that another process has the log open.
var ErrInUse = errors.New("in use by another process")

// Log is an open file. It fulfils deltalog.Log.
type Log struct {
	path string
	lock *os.File // nil in a view
	view bool

	mu    sync.Mutex
	f     *os.File
	first int64   // offset of the first record
	at    []int64 // position of each record in the file, and where the next one goes
	grown chan struct{}
}

// Open opens the log at path, or makes it. The errors name path.
func Open(path string) (*Log, error) {
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(lock); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), lock.Close())
	}
	_ = os.Remove(path + newSuffix) // of a Compact that a crash cut off
	l := &Log{path: path, lock: lock, grown: make(chan struct{})}
	if err := l.load(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return l, nil
}

// newSuffix is that of the file that takes the place of the log.
const newSuffix = ".new"

// View opens the log at path for reading only, though another process writes it: what is there now, and no more.
func View(path string) (*Log, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	l := &Log{path: path, f: f, grown: make(chan struct{}), view: true}
	if err := l.index(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return l, nil
}

// IsLog says whether data, the beginning of a file, is that of a log.
func IsLog(data []byte) bool { return bytes.HasPrefix(data, []byte(magic)) }

// load opens the file, writes its head if it is new, and finds its records.
func (l *Log) load() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	fi, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if fi.Size() < int64(headerSize) { // new, or it was made and never written to
		if err := writeHead(f, 0); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	l.f = f
	if err := l.index(); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", l.path, err), f.Close())
	}
	return nil
}

func writeHead(f *os.File, first int64) error {
	head := binary.LittleEndian.AppendUint64([]byte(magic), uint64(first))
	if _, err := f.WriteAt(head, 0); err != nil {
		return err
	}
	if err := f.Truncate(int64(headerSize)); err != nil {
		return err
	}
	return f.Sync()
}

// index finds the records, and takes one away that was not written whole.
func (l *Log) index() error {
	head := make([]byte, headerSize)
	if _, err := l.f.ReadAt(head, 0); err != nil {
		return err
	}
	if string(head[:len(magic)]) != magic {
		return errors.New("no log of this program")
	}
	l.first = int64(binary.LittleEndian.Uint64(head[len(magic):]))
	fi, err := l.f.Stat()
	if err != nil {
		return err
	}
	r := bufio.NewReaderSize(io.NewSectionReader(l.f, int64(headerSize), fi.Size()-int64(headerSize)), 1<<20)
	pos := int64(headerSize)
	l.at = []int64{pos}
	for {
		n, whole, err := readRecord(r)
		if err != nil {
			return err
		}
		if !whole {
			return l.tail(pos, fi.Size())
		}
		pos += frameSize + n
		l.at = append(l.at, pos)
	}
}

// readRecord passes over the next record: its length, and whether it is whole and as it was written.
func readRecord(r io.Reader) (n int64, whole bool, err error) {
	var frame [frameSize]byte
	if _, err := io.ReadFull(r, frame[:]); err != nil {
		return 0, false, atEnd(err)
	}
	n, ok := length(frame[:])
	if !ok {
		return 0, false, nil
	}
	hash := crc32.New(castagnoli)
	if _, err := io.CopyN(hash, r, n); err != nil {
		return 0, false, atEnd(err)
	}
	return n, hash.Sum32() == binary.LittleEndian.Uint32(frame[8:]), nil
}

// atEnd makes nothing of an error that only says that the file ends.
func atEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// length returns that of the record whose frame this is, and whether it is one. Zeros are none, as power failures leave them.
func length(frame []byte) (int64, bool) {
	n := binary.LittleEndian.Uint32(frame)
	return int64(n), n <= maxRecord && binary.LittleEndian.Uint32(frame[4:]) == crc32.Checksum(frame[:4], castagnoli)
}

// tail decides on what stands at pos and is no whole record: if none follows, a crash cut it off.
func (l *Log) tail(pos, size int64) error {
	const window = 1 << 20
	buf := make([]byte, window+frameSize)
	for at := pos + 1; at+frameSize <= size; at += window {
		n, err := l.f.ReadAt(buf, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		for i := 0; i+frameSize <= n; i++ {
			if _, ok := length(buf[i:]); ok {
				return fmt.Errorf("damaged at byte %d: move it away to start anew", pos)
			}
		}
	}
	return l.cut(pos, size)
}

// cut takes away what stands behind the last whole record.
func (l *Log) cut(pos, size int64) error {
	if pos == size || l.view {
		return nil
	}
	if err := l.f.Truncate(pos); err != nil {
		return err
	}
	return l.f.Sync()
}

// Append writes records and waits until they are on the disk. If it fails, none of them is there, unless the disk lies.
func (l *Log) Append(_ context.Context, records ...[]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var data []byte
	pos := l.at[len(l.at)-1]
	var at []int64
	for _, r := range records {
		if len(r) > maxRecord {
			return fmt.Errorf("%s: record of %d bytes: want at most %d", l.path, len(r), maxRecord)
		}
		data = binary.LittleEndian.AppendUint32(data, uint32(len(r)))
		data = binary.LittleEndian.AppendUint32(data, crc32.Checksum(data[len(data)-4:], castagnoli))
		data = binary.LittleEndian.AppendUint32(data, crc32.Checksum(r, castagnoli))
		data = append(data, r...)
		at = append(at, pos+int64(len(data)))
	}
	_, err := l.f.WriteAt(data, pos)
	if err == nil {
		err = l.f.Sync()
	}
	if err != nil {
		return errors.Join(err, l.f.Truncate(pos))
	}
	l.at = append(l.at, at...)
	close(l.grown)
	l.grown = make(chan struct{})
	return nil
}

// Bounds returns the offsets of the first record and of the next one to come.
func (l *Log) Bounds(context.Context) (first, end int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first, l.end(), nil
}

func (l *Log) end() int64 { return l.first + int64(len(l.at)) - 1 }

// Read gives the records from offset from on to apply, up to the end; with wait it goes on until ctx is done.
func (l *Log) Read(ctx context.Context, from int64, wait bool, apply func(int64, []byte) error) (int64, error) {
	for {
		record, grown, err := l.record(from)
		switch {
		case err != nil:
			return from, err
		case record != nil:
			if err := apply(from, record); err != nil {
				return from, err
			}
			from++
		case !wait:
			return from, nil
		default:
			select {
			case <-grown:
			case <-ctx.Done():
				return from, ctx.Err()
			}
		}
		if ctx.Err() != nil {
			return from, ctx.Err()
		}
	}
}

// record returns the record at an offset, nil if it is still to come, and what is closed when one comes.
func (l *Log) record(offset int64) ([]byte, <-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if offset < l.first {
		return nil, nil, fmt.Errorf("%s: record %d is gone, the first is %d", l.path, offset, l.first)
	}
	if offset >= l.end() {
		return nil, l.grown, nil
	}
	from, to := l.at[offset-l.first]+frameSize, l.at[offset-l.first+1]
	record := make([]byte, to-from)
	if _, err := l.f.ReadAt(record, from); err != nil {
		return nil, nil, err
	}
	return record, nil, nil
}

// Compact drops the records before offset: written beside the file, synced, renamed.
func (l *Log) Compact(before int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if before <= l.first || before > l.end() {
		return nil
	}
	f, err := os.OpenFile(l.path+newSuffix, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	fail := func(err error) error { return errors.Join(err, f.Close(), os.Remove(f.Name())) }
	if err := writeHead(f, before); err != nil {
		return fail(err)
	}
	from, to := l.at[before-l.first], l.at[len(l.at)-1]
	if _, err := io.Copy(io.NewOffsetWriter(f, int64(headerSize)), io.NewSectionReader(l.f, from, to-from)); err != nil {
		return fail(err)
	}
	if err := f.Sync(); err != nil {
		return fail(err)
	}
	if err := os.Rename(f.Name(), l.path); err != nil {
		return fail(err)
	}
	old, moved := l.f, from-int64(headerSize)
	l.at = append([]int64(nil), l.at[before-l.first:]...)
	for i := range l.at {
		l.at[i] -= moved
	}
	l.f, l.first = f, before
	return errors.Join(old.Close(), syncDir(filepath.Dir(l.path)))
}

// Close releases the file.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.view {
		return l.f.Close()
	}
	return errors.Join(l.f.Close(), l.lock.Close())
}
