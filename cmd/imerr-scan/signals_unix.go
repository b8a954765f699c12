//go:build unix

package main

import (
	"os"
	"syscall"
)

// summarySignals ask for a summary so far.
var summarySignals = []os.Signal{syscall.SIGUSR1}

// reloadSignals ask a service to read its configuration anew.
var reloadSignals = []os.Signal{syscall.SIGHUP}
