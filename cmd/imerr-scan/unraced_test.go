//go:build !race

package main

// raced says that the race detector is in this binary, which multiplies its memory.
const raced = false
