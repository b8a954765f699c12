// Package source turns arguments (files, folders, globs, stdin) into inputs, takes compression and encodings off, and
// follows files over rotations. It is the first stop of a log line: bytes as stored in, blocks of UTF-8 out.
//
//	items, errs := source.Expand([]string{"logs", "old/**/*.gz", "-"})
//	for _, it := range items {
//		in, err := source.OpenContext(ctx, it)
//		…read in.Reader, or parts of in.ReaderAt…
//	}
//
// An item is what an argument named or a folder held; an input is an opened item; a generation is the content of a
// followed file between two rotations (follow.go). What is in the bytes is nobody's business here: nothing is parsed,
// cut or counted, and only the first bytes of an input are looked at.
package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"
)

// Item is one input that an argument named.
type Item struct {
	Name string // as shown to the user: the path as given, or "stdin"
	Path string // "" for stdin
	Size int64  // as stored; -1 if unknown

	root, rel string // of what was found in a folder: it is opened by rel and never leaves root
}

// found says that nobody named the item: it lay in a folder.
func (it Item) found() bool { return it.root != "" }

// Input is an opened Item. It is used by one goroutine, ReaderAt by several.
type Input struct {
	Item
	ModTime  time.Time
	Reader   io.Reader   // decompressed, decoded to UTF-8; always set
	ReaderAt io.ReaderAt // set if the bytes are as stored (no compression, no other encoding), so that parts may be read at once
	Encoding string      // "", gzip, zstd, xz, bzip2, lz4, tar, utf-16; several from the outermost in, such as gzip+utf-16

	close []func() error
}

// Close releases the input. Nothing may be read afterwards.
func (in *Input) Close() error {
	var err error
	for _, v := range slices.Backward(in.close) {
		err = errors.Join(err, v())
	}
	in.close = nil
	return err
}

// Error is an input that could not be read, wholly or from some point on. Err is its cause: errors.Is finds
// fs.ErrNotExist, fs.ErrPermission, io.ErrUnexpectedEOF (a cut-off archive), ErrNotText and the error of a done context.
type Error struct {
	Name string // of the item
	Err  error  // without the name
}

func (e *Error) Error() string { return e.Name + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrNotText is the cause when the first bytes of an input are those of a program, a picture or the like.
var ErrNotText = errors.New("not text")

// wrap names the input in err, once, and takes the system call and the path off it.
func wrap(name string, err error) error {
	var named *Error
	if err == nil || errors.As(err, &named) {
		return err
	}
	return &Error{Name: name, Err: plain(err)}
}

// plain is the reason within a file error, without operation and path.
func plain(err error) error {
	pe, ok := errors.AsType[*fs.PathError](err)
	switch {
	case !ok:
		return err
	case tooMany(pe.Err):
		return fmt.Errorf("%w: raise the limit (ulimit -n)", pe.Err)
	}
	return pe.Err
}

// tooMany says that nothing more can be opened at the moment, whatever it is.
func tooMany(err error) bool { return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) }

// Open is OpenContext without an end.
func Open(it Item) (*Input, error) { return OpenContext(context.Background(), it) }

// OpenContext opens an item, looks at its first bytes and takes the encoding off. Its errors, and those of Input.Reader
// other than io.EOF, are of type *Error. When ctx is done, reading ends with ctx's error; on a pipe this also ends a
// Read that waits, as far as the system allows it (everywhere but a redirected stdin on Windows).
func OpenContext(ctx context.Context, it Item) (*Input, error) {
	in := &Input{Item: it}
	err := in.open(ctx)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		in.Close()
		return nil, wrap(it.Name, err)
	}
	in.Reader = &reader{ctx: ctx, r: in.Reader, name: it.Name}
	return in, nil
}

func (in *Input) open(ctx context.Context) error {
	f, err := openItem(ctx, in.Item)
	if err != nil {
		return err
	}
	if f != os.Stdin {
		in.close = append(in.close, f.Close)
	}
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	if fi.IsDir() {
		return errors.New("is a directory")
	}
	in.ModTime = fi.ModTime()
	start := int64(0)
	if fi.Mode().IsRegular() {
		in.Size = fi.Size()
		start, err = f.Seek(0, io.SeekCurrent) // stdin may have been read by another before
		if err != nil {
			return err
		}
	} else {
		in.Size, in.ModTime = -1, time.Time{}
		widenPipe(f)
		stop := context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })
		in.close = append(in.close, func() error { stop(); return nil })
	}
	head, err := readHead(f, fi.Mode().IsRegular())
	if err != nil {
		return err
	}
	format, err := sniff(head, fi.Mode()&fs.ModeDevice != 0)
	if err != nil {
		return err
	}
	in.Reader = &joined{head: head, r: f}
	if format == plainText {
		if fi.Mode().IsRegular() && start == 0 {
			in.ReaderAt = f
		}
		return nil
	}
	d := decoder{}
	in.Reader, err = d.decode(in.Reader, format)
	in.close = append(in.close, d.Close)
	in.Encoding = d.names()
	return err
}

// openItem opens what the item names. What was found in a folder is opened below that folder and must be a file; what
// was named may be anything that can be read, and a FIFO waits for its writer until ctx is done.
func openItem(ctx context.Context, it Item) (*os.File, error) {
	switch {
	case it.Path == "":
		return openStdin()
	case !it.found():
		return openNamed(ctx, it.Path)
	}
	root, err := os.OpenRoot(it.root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.OpenFile(it.rel, os.O_RDONLY|nonBlock, 0)
	if err != nil {
		return nil, err
	}
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		f.Close()
		return nil, errors.Join(err, errors.New("not a file any more"))
	}
	return f, nil
}

// headBytes is how much of an input is looked at before it is read.
const headBytes = 4096

// readHead reads the first bytes. Of a pipe it takes what comes at once, if that is a line or enough to tell the formats
// apart, so that a slow writer's first line does not wait for its second.
func readHead(r io.Reader, regular bool) ([]byte, error) {
	head := make([]byte, headBytes)
	n := 0
	for n < len(head) && (regular || n < 16 && !bytes.Contains(head[:n], []byte("\n"))) {
		m, err := r.Read(head[n:])
		n += m
		if err == io.EOF {
			break
		}
		if err != nil {
			return head[:n], err
		}
	}
	return head[:n], nil
}

// joined reads head, then r. Once head is read, large reads go to r as they are.
type joined struct {
	head []byte
	r    io.Reader
}

func (j *joined) Read(b []byte) (int, error) {
	if len(j.head) > 0 {
		n := copy(b, j.head)
		j.head = j.head[n:]
		return n, nil
	}
	return j.r.Read(b)
}

// reader ends with ctx and names the input in its errors.
type reader struct {
	ctx  context.Context // of OpenContext: a Reader has no place for one
	r    io.Reader
	name string
	err  error
}

func (r *reader) Read(b []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if err := r.ctx.Err(); err != nil {
		return 0, wrap(r.name, err)
	}
	n, err := r.r.Read(b)
	switch {
	case err == nil:
		return n, nil
	case err == io.EOF:
		r.err = io.EOF
	case r.ctx.Err() != nil:
		r.err = wrap(r.name, r.ctx.Err())
	default:
		r.err = wrap(r.name, err)
	}
	return n, r.err
}

// notText says why an input is not read: "not text (first bytes 7f 45 4c 46), skipped".
func notText(head []byte) error {
	return fmt.Errorf("%w (first bytes % x), skipped", ErrNotText, head[:min(4, len(head))])
}
