//go:build !purego

package needle

import "golang.org/x/sys/cpu"

var hasKernel = cpu.X86.HasAVX2 && cpu.X86.HasBMI1

// kernel goes over block[at:end], of which line is where at's line begins, and stops at the first candidate or special
// line. It returns at which y, backslash or line feed it stopped, where the line of that begins, and how many lines it passed.
// It stops for reason ranOut where fewer than kernelReach bytes are left. It reads nothing outside block[:end].
//
//go:noescape
func kernel(block *byte, at, end, line, long int, edges *Edges) (stop, start, passed int, why reason)
