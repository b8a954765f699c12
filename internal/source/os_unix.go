//go:build unix

package source

import (
	"context"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// nonBlock keeps the opening of a FIFO from waiting for its writer. On files it does nothing.
const nonBlock = syscall.O_NONBLOCK

// inode is a file's device and number on it.
type inode struct{ dev, ino uint64 }

// fileKey identifies a file whatever its names are.
func fileKey(_ string, fi fs.FileInfo) any {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return inode{uint64(st.Dev), uint64(st.Ino)} //nolint:unconvert // types differ by system
	}
	return nil
}

// fileIno is the number by which a state file remembers a file, 0 if there is none.
func fileIno(fi fs.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Ino) //nolint:unconvert // types differ by system
	}
	return 0
}

// nearlyLast says that an open file took one of the last descriptors that this process may have, a quarter and at most 64: those are
// left to whoever saves a state, answers a request or looks for a rotated file.
func nearlyLast(f *os.File) bool {
	var limit syscall.Rlimit
	conn, err := f.SyscallConn()
	if err != nil || syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return false
	}
	most := uint64(limit.Cur) //nolint:unconvert // types differ by system
	last := false
	_ = conn.Control(func(fd uintptr) { last = uint64(fd) >= most-min(most/4, 64) })
	return last
}

// deleted says that an open file has no name any more.
func deleted(fi fs.FileInfo) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && st.Nlink == 0
}

// openNamed opens a path that was given by name. A FIFO waits for a writer, until ctx is done: then a writer is made up.
func openNamed(ctx context.Context, path string) (*os.File, error) {
	opened := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		for {
			if w, err := os.OpenFile(path, os.O_WRONLY|nonBlock, 0); err == nil {
				w.Close()
			}
			select {
			case <-opened:
				return
			case <-time.After(10 * time.Millisecond): // the reader was not there yet
			}
		}
	})
	defer stop()
	defer close(opened)
	if fi, err := os.Stat(path); err != nil || fi.Mode()&fs.ModeNamedPipe == 0 {
		stop()
	}
	return os.Open(path)
}
