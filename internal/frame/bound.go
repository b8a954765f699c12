package frame

import (
	"bytes"
	"io"
)

// Bound returns the first offset ≥ off at which a record can start, so that a file divided at bounds gives the same
// documents as a whole one: a line that is not indented, is no closer and stands inside no split line. It returns size if
// there is none. It depends on the bytes near off alone. Errors are r's.
//
// A file that has no such line within 1 MiB behind off is divided at the line there that is indented least, as between the
// elements of a long pretty-printed array. Where that is inside a document, or MaxDocument is more than 1 MiB, the
// document may be cut apart.
func Bound(r io.ReaderAt, off, size int64) (int64, error) {
	b := bounds{r: r, size: size, max: DefaultMaxDocument, docker: dockerPart}
	return b.find(off)
}

// bounds is a search for a bound.
type bounds struct {
	r      io.ReaderAt
	size   int64
	max    int64
	docker int
}

func (b *bounds) find(off int64) (int64, error) {
	if off <= 0 {
		return 0, nil
	}
	from, err := b.lineStart(off)
	if err != nil || from >= b.size {
		return b.size, err
	}
	for n := int64(2 << 10); ; n *= 8 {
		n = min(n, 2*b.max)
		at, err := b.search(from, n)
		if at >= 0 || err != nil {
			return at, err
		}
	}
}

// lineStart returns where the first line at or behind off > 0 begins.
func (b *bounds) lineStart(off int64) (int64, error) {
	for n, at := int64(1<<10), off-1; at < b.size; n = 64 << 10 {
		text, err := b.read(at, at+n)
		if err != nil {
			return 0, err
		}
		if k := bytes.IndexByte(text, '\n'); k >= 0 {
			return at + int64(k) + 1, nil
		}
		at += int64(len(text))
	}
	return b.size, nil
}

// search looks for a bound in the n bytes from a line start on; -1 means that it takes more of them to tell.
func (b *bounds) search(from, n int64) (int64, error) {
	text, err := b.read(from, from+n)
	if err != nil {
		return 0, err
	}
	whole, final := from+int64(len(text)) >= b.size, n >= 2*b.max
	best, bestIndent := int64(-1), 0
	var before *splits
	for at := from; len(text) > 0; {
		line, rest, ended := bytes.Cut(text, []byte("\n"))
		if !ended && !whole && !final {
			return -1, nil
		}
		if at-from > b.max {
			break
		}
		indent, body := measure(line)
		if len(body) > 0 && !closes(body) {
			if indent == 0 {
				quiet, err := b.quiet(&before, at, line)
				if quiet || err != nil {
					return at, err
				}
			}
			if best < 0 || indent < bestIndent {
				best, bestIndent = at, indent
			}
		}
		if before != nil {
			before.see(line, b.docker)
		}
		at, text = at+int64(len(line))+1, rest
	}
	switch {
	case len(text) == 0 && whole:
		return b.size, nil
	case len(text) == 0 && !final:
		return -1, nil
	case best >= 0:
		return best, nil
	}
	return from, nil
}

// quiet reports whether no split line is open before the line at offset at.
func (b *bounds) quiet(before **splits, at int64, line []byte) (bool, error) {
	p, ok := parsePart(line, b.docker, true)
	if !ok {
		return true, nil
	}
	if *before == nil {
		*before = new(splits)
		start := max(0, at-b.max-1)
		text, err := b.read(start, at)
		if err != nil {
			return false, err
		}
		if start > 0 {
			_, text, _ = bytes.Cut(text, []byte("\n"))
		}
		for len(text) > 0 {
			line, rest, _ := bytes.Cut(text, []byte("\n"))
			(*before).see(line, b.docker)
			text = rest
		}
	}
	pair := (*before)[p.stream&^1:][:2]
	return !pair[0] && !pair[1], nil
}

// splits says which streams a split line is open in.
type splits [streams]bool

func (s *splits) see(line []byte, docker int) {
	p, ok := parsePart(line, docker, true)
	if !ok {
		*s = splits{}
		return
	}
	pair := *s
	*s = splits{}
	copy(s[p.stream&^1:][:2], pair[p.stream&^1:])
	s[p.stream] = p.partial
}

// read returns the bytes from from to to, or to the end of the file.
func (b *bounds) read(from, to int64) ([]byte, error) {
	text := make([]byte, max(0, min(to, b.size)-from))
	n, err := b.r.ReadAt(text, from)
	switch {
	case n == len(text):
		return text, nil
	case err == io.EOF: // it has become shorter
		b.size = from + int64(n)
		return text[:n], nil
	}
	return nil, err
}
