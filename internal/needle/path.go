package needle

import (
	"bytes"
	"strings"
)

// ForPath returns a Next for a key of the user's choice: the last key of a dotted path (--field code=ctx.err.code). It
// finds the key as it stands, with no look-ahead and no escapes; beside it the usual keys are found as ever.
func ForPath(path string) func(b []byte, from int) int {
	key := []byte(lastKey(path))
	if len(key) == 0 || string(key) == "type" {
		return Next
	}
	return func(b []byte, from int) int {
		// By windows, so that a rare key is not looked for to the end of the block again at every usual one.
		for ; from < len(b); from += pathWindow {
			at := bytes.Index(b[from:min(len(b), from+pathWindow+len(key)-1)], key)
			to := len(b)
			if at >= 0 {
				to = from + at + len(key)
			} else if from+pathWindow < len(b) {
				to = from + pathWindow + pathReach
			}
			if usual := Next(b[:min(to, len(b))], from); usual >= 0 && (at < 0 || usual < from+at) {
				return usual
			}
			if at >= 0 {
				return from + at
			}
		}
		return -1
	}
}

const (
	pathWindow = 4096
	pathReach  = 64 // what a usual key and the look-ahead at its value may pass the window by
)

// lastKey is the last key of a dotted path; \. is a dot within a key, [] an array's elements.
func lastKey(path string) string {
	path = strings.TrimRight(strings.ReplaceAll(path, "[]", ""), ".")
	start := 0
	for i := 0; i < len(path); i++ {
		switch path[i] {
		case '\\':
			i++
		case '.':
			start = i + 1
		}
	}
	return strings.ReplaceAll(path[start:], `\.`, ".")
}
