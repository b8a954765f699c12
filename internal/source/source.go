// Package source turns arguments (files, folders, globs, stdin) into inputs, takes compression and encodings off, and
// follows files over rotations. It is the first stop of a log line.
package source

import (
	"io"
	"time"
)

// Item is one input that an argument named.
type Item struct {
	Name string // as shown to the user: the path as given, or "stdin"
	Path string // "" for stdin
	Size int64  // as stored; -1 if unknown
}

// Input is an opened Item.
type Input struct {
	Item
	ModTime  time.Time
	Reader   io.Reader   // decompressed, decoded to UTF-8; always set
	ReaderAt io.ReaderAt // set if the bytes are as stored (no compression, no other encoding), so that parts may be read at once
	Encoding string      // "", gzip, zstd, xz, bzip2, lz4, utf-16
}

// Close releases the input.
func (in *Input) Close() error { return nil }

// Expand turns arguments into items: files as they are, folders walked, quoted globs matched, "-" as stdin. Order: as given,
// inside a folder or glob by name. What cannot be read is an error of its own and does not keep the rest away.
func Expand(args []string) ([]Item, []error) { return nil, nil }

// Open opens an item, looks at its first bytes and takes the encoding off.
func Open(it Item) (*Input, error) { return nil, nil }
