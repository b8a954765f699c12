package source

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const nonBlock = 0

// nearlyLast is of systems with a limit of open files.
func nearlyLast(*os.File) bool { return false }

// fileKey identifies a file by its full path: its number needs a handle.
func fileKey(path string, _ fs.FileInfo) any {
	if full, err := filepath.EvalSymlinks(path); err == nil {
		path = full
	}
	if full, err := filepath.Abs(path); err == nil {
		path = full
	}
	return strings.ToLower(path)
}

func fileIno(fs.FileInfo) uint64 { return 0 }

func deleted(fs.FileInfo) bool { return false }

func openNamed(_ context.Context, path string) (*os.File, error) { return os.Open(path) }
