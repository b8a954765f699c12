package needle

import (
	"bytes"
	"math"
)

// Lines goes over the lines of one block: it passes those in which there is nothing to look at and counts them in the
// same pass that searches for hits. Positions given to it must not go back. It is used by one goroutine.
//
// On a CPU that has it the pass is a kernel in assembly; elsewhere, and for a search of the caller's, it is its twin in Go.
type Lines struct {
	block []byte
	find  func(b []byte, from int) int
	edges *Edges
	long  int
	least int // bytes for which the kernel is used

	clear int  // no hit stands before it, as far as was asked
	hit   bool // one stands at it
	end   int  // of the line where Skip stopped, if it came that far, or of an earlier one
}

// Edges says for each byte what a line is that begins with it (0) or ends with it (1). Those of an empty line are its line feed.
type Edges [2][256]Edge

// Edge is what the first or last byte makes of a line.
type Edge uint8

// A line is Special if one of its edges is. Dated is for first bytes: special if a T stands ten bytes behind, as in the time
// that a container runtime begins its lines with.
const (
	Plain Edge = iota
	Special
	Dated
)

// special reports whether line, which ends with its line feed, is special.
func (e *Edges) special(line []byte) bool {
	switch e[0][line[0]] | e[1][line[max(len(line)-2, 0)]] {
	case Plain:
		return false
	case Dated:
		return len(line) > 11 && line[10] == 'T'
	}
	return true
}

// NewLines returns a Lines for block. Special lines are those that edges says, and those of long bytes and more. find is
// what searches for hits, nil for Next.
func NewLines(block []byte, find func(b []byte, from int) int, edges *Edges, long int) Lines {
	l := Lines{block: block, find: find, edges: edges, long: long, least: math.MaxInt}
	if find == nil {
		l.find = Next
		if hasKernel {
			l.least = kernelMin
		}
	}
	return l
}

// Skip passes the lines from the one that begins at from up to the first that is special, has a hit, or is not ended by a
// line feed. It returns where that begins, which is the block's end if there is none, and how many lines it passed.
func (l *Lines) Skip(from int) (start, passed int) {
	if len(l.block)-from < l.least {
		return l.skip(from)
	}
	if l.clear < from {
		l.clear, l.hit = from, false
	}
	b, at, start := l.block, from, from
	for {
		var n int
		var why reason
		at, start, n, why = kernel(&b[0], at, len(b), start, l.long, l.edges)
		passed += n
		if why == candidate {
			if at >= l.clear {
				if hit := judgeAt(b, from, at); hit >= 0 {
					l.clear, l.hit = hit, true
					return start, passed
				}
			}
			at++
			continue
		}
		if why == ranOut {
			at = keyStart(b, start, at)
		}
		if at > l.clear {
			l.clear, l.hit = at, false
		}
		if why == ended {
			l.end = at
			return start, passed
		}
		start, n = l.skip(start)
		return start, passed + n
	}
}

// skip is Skip, line by line.
func (l *Lines) skip(from int) (start, passed int) {
	b := l.block
	for start = from; start < len(b); passed++ {
		end := l.End(start)
		if end == len(b) || end-start >= l.long || l.edges.special(b[start:end+1]) || l.Hit(start, end) {
			break
		}
		start = end + 1
	}
	return start, passed
}

// End returns where the line that begins at start ends: at its line feed, or with the block.
func (l *Lines) End(start int) int {
	if l.end < start || start == 0 {
		l.findEnd(start)
	}
	return l.end
}

func (l *Lines) findEnd(start int) {
	l.end = len(l.block)
	if n := bytes.IndexByte(l.block[start:], '\n'); n >= 0 {
		l.end = start + n
	}
}

// Hit reports whether there is a hit in block[start:end].
func (l *Lines) Hit(start, end int) bool { return l.clear < end && l.findHit(start) < end }

// findHit returns the first hit at or behind start, or the block's end.
func (l *Lines) findHit(start int) int {
	if l.clear < start || !l.hit {
		l.clear = l.find(l.block, max(start, l.clear))
		if l.hit = l.clear >= 0; !l.hit {
			l.clear = len(l.block)
		}
	}
	return l.clear
}

// keyStart returns where the key can begin, at or behind start, whose escaped p is at b[at] or behind it.
func keyStart(b []byte, start, at int) int {
	for at > start && (b[at-1] == '\\' || b[at-1] == 'y') {
		at--
	}
	return at
}

// reason is why the kernel stopped.
type reason int

const (
	ranOut    reason = iota // there is no room for another step
	candidate               // at a y or a backslash that may be part of a hit
	ended                   // at the line feed of a special line
)

const (
	kernelStep  = 64
	kernelReach = kernelStep + 9 // a step, and what the kernel reads of a key and its value that begin in it
	kernelMin   = 512            // for less of a block Skip does not begin with the kernel: a record of Kafka is one line
)

// nextKernel is Next by the kernel, and says how far it came: no hit stands before at.
func nextKernel(b []byte, from int) (hit, at int) {
	var why reason
	for at = from; len(b)-at >= kernelReach; at++ {
		at, _, _, why = kernel(&b[0], at, len(b), at, math.MaxInt, &noEdges)
		if why == ranOut {
			break
		}
		if hit = judgeAt(b, from, at); hit >= 0 {
			return hit, at
		}
	}
	return -1, at
}

var noEdges Edges

// judgeAt returns the hit ≥ from of which the kernel found a part at b[at], or -1.
func judgeAt(b []byte, from, at int) int {
	if noise(b, at) {
		return -1
	}
	if hit := judgeEscaped(b, at); hit >= from {
		return hit
	}
	return -1
}
