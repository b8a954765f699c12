package source

import (
	"archive/tar"
	"bufio"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"golang.org/x/text/encoding/unicode"
)

const (
	// maxWindow bounds what a decompressor may keep of its output, in bytes. xz -9 needs 64 MiB and zstd -19 8 MiB;
	// zstd --ultra -22 and --long need more and are refused with that reason.
	maxWindow = 64 << 20

	// maxLayers bounds archives within archives.
	maxLayers = 5

	storedBuffer = 64 << 10 // bytes read at once from a compressed file
)

// decoder takes one layer of encoding after the other off an input.
type decoder struct {
	layers []format // taken off so far, from the outermost in
	close  []func()
}

// names is Input.Encoding.
func (d *decoder) names() string {
	var names []string
	for _, f := range d.layers {
		names = append(names, f.String())
	}
	return strings.Join(names, "+")
}

// Close releases the decompressors.
func (d *decoder) Close() error {
	for _, c := range d.close {
		c()
	}
	d.close = nil
	return nil
}

// decode returns what is inside r, whose outermost layer is f, down to UTF-8 text.
func (d *decoder) decode(r io.Reader, f format) (io.Reader, error) {
	for f != plainText {
		if len(d.layers) == maxLayers {
			return nil, fmt.Errorf("more than %d archives within each other (%s)", maxLayers, d.names())
		}
		d.layers = append(d.layers, f)
		inner, err := d.layer(r, f)
		if err != nil {
			return nil, layerError(f, err)
		}
		r = &layer{r: inner, format: f}
		if f == utf16LE || f == utf16BE || f == tarball {
			return r, nil
		}
		head, err := readHead(r, true)
		if err != nil && len(head) == 0 {
			return nil, err
		}
		inside, serr := sniff(head, false)
		if serr != nil {
			return nil, serr
		}
		r, f = &joined{head: head, r: after(r, err)}, inside
	}
	return r, nil
}

// layer takes one layer off.
func (d *decoder) layer(r io.Reader, f format) (io.Reader, error) {
	switch f {
	case gzipped:
		return newGzip(bufio.NewReaderSize(r, storedBuffer))
	case bzipped:
		return bzip2.NewReader(bufio.NewReaderSize(r, storedBuffer)), nil
	case xzipped:
		return xz.NewReader(&xzGuard{br: bufio.NewReaderSize(r, storedBuffer)})
	case zstdFrames:
		// One goroutine's worth: nothing runs beside the caller, and it costs less CPU than several (perf.md §3).
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		d.close = append(d.close, z.Close)
		return z, nil
	case lz4Frames:
		return lz4.NewReader(bufio.NewReaderSize(r, storedBuffer)), nil
	case tarball:
		m := &members{outer: d.layers, tar: tar.NewReader(r)}
		d.close = append(d.close, func() { m.inner.Close() })
		return m, nil
	case utf16LE:
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Reader(r), nil
	case utf16BE:
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder().Reader(r), nil
	}
	return r, nil
}

// gzipMembers reads members that follow one another. gzip.Reader does so too, but takes one whose end is missing within the
// file name of its header for the end of all.
type gzipMembers struct {
	stored *bufio.Reader
	member *gzip.Reader
}

func newGzip(stored *bufio.Reader) (*gzipMembers, error) {
	member, err := gzip.NewReader(stored)
	if err != nil {
		return nil, unexpected(err)
	}
	member.Multistream(false)
	return &gzipMembers{stored, member}, nil
}

func (g *gzipMembers) Read(b []byte) (int, error) {
	for {
		n, err := g.member.Read(b)
		ended := errors.Is(err, io.EOF)
		switch {
		case n > 0 && ended:
			return n, nil
		case !ended:
			return n, err
		}
		if _, err := g.stored.Peek(1); err != nil {
			return 0, err
		}
		if err := g.member.Reset(g.stored); err != nil {
			return 0, unexpected(err)
		}
		g.member.Multistream(false)
	}
}

// layer names the format in its errors and keeps a decompressor that gives up from taking the process along.
type layer struct {
	r      io.Reader
	format format
}

func (l *layer) Read(b []byte) (n int, err error) {
	defer func() {
		if p := recover(); p != nil {
			n, err = 0, fmt.Errorf("%s: damaged: %v", l.format, p)
		}
	}()
	n, err = l.r.Read(b)
	return n, layerError(l.format, err)
}

// damaged is an error of a layer; it is said once, by the innermost layer.
type damaged struct {
	format format
	err    error
}

func (e *damaged) Error() string {
	switch {
	case errors.Is(e.err, io.ErrUnexpectedEOF):
		return e.format.String() + " cut off; what came before was read"
	case errors.Is(e.err, zstd.ErrWindowSizeExceeded), errors.Is(e.err, errWindow):
		return fmt.Sprintf("%s needs a window of more than %d MiB", e.format, maxWindow>>20)
	}
	reason := strings.TrimPrefix(e.err.Error(), e.format.String()+": ")
	return fmt.Sprintf("%s damaged: %s", e.format, reason)
}

func (e *damaged) Unwrap() error { return e.err }

func layerError(f format, err error) error {
	var d *damaged
	var system *fs.PathError
	if err == nil || errors.Is(err, io.EOF) || errors.As(err, &d) || errors.As(err, &system) {
		return err
	}
	return &damaged{f, err}
}

// after is r, or what is left of it when reading its head met err.
func after(r io.Reader, err error) io.Reader {
	if err != nil {
		return failed{err}
	}
	return r
}

// failed is a Reader that has an error already.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

// members reads the files of a tar archive one after the other, each from the start of a line. What is no text is left
// out, as in a folder.
type members struct {
	outer []format // layers around the members
	tar   *tar.Reader
	inner decoder   // of the member being read
	file  io.Reader // the member being read, nil before the first and between two
	last  byte      // last byte given out
}

func (m *members) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for {
		if m.file == nil {
			if err := m.next(); err != nil {
				return 0, err
			}
			if m.last != 0 && m.last != '\n' {
				m.last = '\n'
				b[0] = '\n'
				return 1, nil
			}
		}
		n, err := m.file.Read(b)
		if n > 0 {
			m.last = b[n-1]
		}
		if err == io.EOF {
			m.file, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// next opens the next member that holds text.
func (m *members) next() error {
	for {
		h, err := m.tar.Next()
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg || !logName(h.Name) {
			continue
		}
		head, err := readHead(m.tar, true)
		if err != nil {
			return err
		}
		f, err := sniff(head, false)
		if err != nil || f == tarball || ours().Match(head) {
			continue
		}
		m.inner.Close()
		m.inner = decoder{layers: slices.Clone(m.outer)}
		r, err := m.inner.decode(&joined{head: head, r: m.tar}, f)
		if err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
		m.file = r
		return nil
	}
}
