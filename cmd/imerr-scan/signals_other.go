//go:build !unix

package main

import "os"

// summarySignals ask for a summary so far; there are none here.
var summarySignals []os.Signal
