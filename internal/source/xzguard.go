package source

import (
	"bufio"
	"errors"
	"io"
)

// errWindow is an archive that asks for more memory than maxWindow.
var errWindow = errors.New("window too large")

// errSizes is an archive that does not consist of parts of the sizes that it says.
var errSizes = errors.New("the sizes of its parts do not agree")

// xzGuard passes an xz file on and reads along in its structure (the .xz file format, version 1.2.1), because the
// library takes two things from it unasked: the size of the dictionary of each block, up to 4 GiB and allocated at
// once, and an end of the file between two blocks as the end of the stream. What the guard does not understand it
// passes on for the library to refuse, which it does not if only the size of a chunk is wrong: then the end is an error.
type xzGuard struct {
	br    *bufio.Reader
	left  int64 // bytes to pass on before the next step
	state xzState
	check int64 // bytes of the check after each block
	body  int64 // bytes of the block's data or of the index so far
	ints  int64 // numbers of the index still to come, -1 before their count
	value uint64
	shift uint
}

type xzState uint8

const (
	xzStream xzState = iota // before a stream's header, or padding, or the end
	xzBlock                 // before a block's header or the index
	xzChunk                 // before an LZMA2 chunk
	xzIndex                 // in the numbers of the index
	xzOpaque                // lost: passed on as it is
)

func (x *xzGuard) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for x.left == 0 {
		if err := x.step(); err != nil {
			return 0, err
		}
	}
	n, err := x.br.Read(b[:min(int64(len(b)), x.left)])
	x.left -= int64(n)
	if err == io.EOF {
		if err = io.ErrUnexpectedEOF; x.state == xzOpaque {
			err = errSizes
		}
	}
	return n, err
}

// step looks at the next element and sets how many bytes it has.
func (x *xzGuard) step() error {
	if x.state == xzOpaque {
		x.left = 1 << 62
		return nil
	}
	first, err := x.br.Peek(1)
	if err != nil {
		if err == io.EOF && x.state != xzStream {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	switch x.state {
	case xzStream:
		return x.stream()
	case xzBlock:
		if first[0] == 0 {
			x.state, x.left, x.body, x.ints, x.value, x.shift = xzIndex, 1, 1, -1, 0, 0
			return nil
		}
		return x.block((int(first[0]) + 1) * 4)
	case xzChunk:
		return x.chunk(first[0])
	case xzIndex:
		x.index(first[0])
	}
	return nil
}

// checkBytes is the size of the check after a block by its id in the stream's header.
var checkBytes = [16]int64{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}

func (x *xzGuard) stream() error {
	h, _ := x.br.Peek(12)
	switch {
	case len(h) >= 4 && string(h[:4]) == "\x00\x00\x00\x00":
		x.left = 4
	case len(h) == 12 && string(h[:6]) == "\xfd7zXZ\x00":
		x.check, x.left, x.state = checkBytes[h[7]&15], 12, xzBlock
	case len(h) < 12:
		return io.ErrUnexpectedEOF
	default:
		x.state = xzOpaque
	}
	return nil
}

// block reads a block's header for the size of the LZMA2 dictionary.
func (x *xzGuard) block(size int) error {
	h, err := x.br.Peek(size)
	if err != nil {
		return unexpected(err)
	}
	x.left, x.state, x.body = int64(size), xzChunk, 0
	rest := h[2:]
	for _, present := range []byte{h[1] & 0x40, h[1] & 0x80} { // compressed and uncompressed size
		if present != 0 {
			_, rest = varint(rest)
		}
	}
	for range h[1]&3 + 1 {
		var id, props uint64
		id, rest = varint(rest)
		props, rest = varint(rest)
		if props > uint64(len(rest)) {
			break
		}
		if id == 0x21 && props == 1 && dictBytes(rest[0]) > maxWindow {
			return errWindow
		}
		rest = rest[props:]
	}
	return nil
}

// dictBytes is the size of an LZMA2 dictionary by the byte that encodes it.
func dictBytes(b byte) uint64 {
	if b >= 40 {
		return 1<<32 - 1
	}
	return (2 | uint64(b&1)) << (b/2 + 11)
}

// chunk reads the header of an LZMA2 chunk; after the last come padding and check.
func (x *xzGuard) chunk(control byte) error {
	var n int64
	switch {
	case control == 0:
		n = 1
		x.state = xzBlock
	case control <= 2:
		h, err := x.br.Peek(3)
		if err != nil {
			return unexpected(err)
		}
		n = 3 + int64(h[1])<<8 + int64(h[2]) + 1
	case control < 0x80:
		x.state = xzOpaque
		return nil
	default:
		h, err := x.br.Peek(5)
		if err != nil {
			return unexpected(err)
		}
		n = 5 + int64(h[3])<<8 + int64(h[4]) + 1
		if control >= 0xc0 {
			n++ // properties
		}
	}
	x.body += n
	x.left = n
	if control == 0 {
		x.left += -x.body&3 + x.check
	}
	return nil
}

// index reads along in the index, byte by byte: a count, two numbers for each block, padding, check, and the footer.
func (x *xzGuard) index(b byte) {
	x.left = 1
	x.body++
	x.value |= uint64(b&0x7f) << x.shift
	x.shift += 7
	if b >= 0x80 {
		if x.shift > 63 {
			x.state = xzOpaque
		}
		return
	}
	if x.ints < 0 {
		x.ints = int64(min(x.value, 1<<60)) * 2
	} else {
		x.ints--
	}
	x.value, x.shift = 0, 0
	if x.ints == 0 {
		x.left += -x.body&3 + 4 + 12
		x.state = xzStream
	}
}

// varint reads a number of the xz format; what is broken reads as 0.
func varint(b []byte) (uint64, []byte) {
	var v uint64
	for i := 0; i < len(b) && i < 9; i++ {
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return v, b[i+1:]
		}
	}
	return 0, nil
}

// unexpected is the error for an end that comes too early.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
