package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

// lineFile writes one record a line. A file is opened for each message, so that it may be rotated or removed at any time.
type lineFile struct {
	path string
	w    io.Writer

	mu   sync.Mutex
	torn bool // the last write ended within a line
}

// newLineFile makes sure that path can be written.
func newLineFile(path string, w io.Writer) (*lineFile, error) {
	if w != nil {
		return &lineFile{w: w}, nil
	}
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode()&(fs.ModeDir|fs.ModeNamedPipe|fs.ModeSocket) != 0:
		return nil, fmt.Errorf("path: %s is no file that can be appended to", path)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		return nil, err
	}
	return &lineFile{path: path}, f.Close()
}

func (f *lineFile) deliver(_ context.Context, notes []note) (int, *Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []byte
	if f.torn {
		lines = append(lines, '\n')
	}
	for i := range notes {
		n := &notes[i]
		if n.first != nil && n.first.State != n.State {
			lines = append(append(lines, encode(n.first)...), '\n')
		}
		lines = append(append(lines, encode(n.Alert)...), '\n')
	}
	if err := f.write(lines); err != nil {
		return len(notes), &Error{Result: Failed, Message: err.Error(), temporary: true}
	}
	return len(notes), nil
}

func (f *lineFile) write(lines []byte) error {
	if f.w != nil {
		return f.append(f.w, lines)
	}
	file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		return err
	}
	return errors.Join(f.append(file, lines), file.Close())
}

func (f *lineFile) append(w io.Writer, lines []byte) error {
	n, err := w.Write(lines)
	if n > 0 {
		f.torn = lines[min(n, len(lines))-1] != '\n'
	}
	return err
}
