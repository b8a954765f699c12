//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

// peakMemory returns the most memory, in bytes, that the process had resident. A child starts as a copy of us, and the
// kernel counts that in: less than our own size cannot be told apart.
func peakMemory(state *os.ProcessState) int64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return maxRSS(usage)
}

// ownPeak is the least that peakMemory can return.
func ownPeak() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return maxRSS(&usage)
}

func maxRSS(usage *syscall.Rusage) int64 {
	if runtime.GOOS == "darwin" {
		return int64(usage.Maxrss) // bytes there
	}
	return int64(usage.Maxrss) << 10 // KiB elsewhere; an int32 on some systems
}
