package needle

import (
	"runtime/debug"
	"syscall"
	"testing"
)

// Blocks that begin and end at the border of a page beside which nothing can be read: one byte too many is a fault.
func TestLinesAtPageBorders(t *testing.T) {
	page := syscall.Getpagesize()
	mem, err := syscall.Mmap(-1, 0, 3*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Munmap(mem) }()
	for _, guard := range [][]byte{mem[:page], mem[2*page:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	inside := mem[page : 2*page]
	for _, text := range []string{"\n", "y", "yp", "typ", `type":"`, `type": "`, `type": "a`, `\u007`, `\u0079pe":1`, "\nx", "ab\n", "x {\n"} {
		for n := len(text); n <= 260; n++ {
			var line []byte
			for len(line) < n {
				line = append(line, text...)
			}
			first, last := inside[:n:n], inside[page-n:]
			copy(first, line)
			checkLines(t, first, 50, 0)
			copy(last, line[len(line)-n:])
			checkLines(t, last, 50, 0)
		}
	}
}
