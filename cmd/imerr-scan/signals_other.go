//go:build !unix

package main

import "os"

// summarySignals ask for a summary so far; there are none here.
var summarySignals []os.Signal

// reloadSignals ask a service to read its configuration anew; there are none here.
var reloadSignals []os.Signal
