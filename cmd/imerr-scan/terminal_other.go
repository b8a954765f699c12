//go:build !unix

package main

import (
	"errors"
	"os"

	"imerr-scan/internal/screen"
)

// hasScreen says that there is no live view here: -f prints events.
const hasScreen = false

var screenSignals []os.Signal

type terminal struct{}

func openTerminal() (*terminal, error) { return nil, errors.ErrUnsupported }

func (*terminal) enter() error                             { return errors.ErrUnsupported }
func (*terminal) leave()                                   {}
func (*terminal) close()                                   {}
func (*terminal) write(string) error                       { return errors.ErrUnsupported }
func (*terminal) unblock()                                 {}
func (*terminal) size() (width, height int)                { return 80, 24 }
func (*terminal) keys(<-chan struct{}) <-chan []screen.Key { return nil }
func (*terminal) suspend() error                           { return errors.ErrUnsupported }

func interruptAll()   {}
func dieOf(os.Signal) {}
