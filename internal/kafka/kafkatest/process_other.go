//go:build !unix

package kafkatest

import "os"

// Elsewhere processes cannot be stopped; the tests that want it run on Unix.
func freeze(*os.Process) {}
func thaw(*os.Process)   {}
