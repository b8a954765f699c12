//go:build !linux

package source

import "os"

func openStdin() (*os.File, error) { return os.Stdin, nil }

func widenPipe(*os.File) {}
