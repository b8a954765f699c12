package needle

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// edges are like those that frame gives: brackets, white space, digits.
var edges = func() *Edges {
	e := new(Edges)
	for _, c := range "\n\t \x00[]}" {
		e[0][c] = Special
	}
	for _, c := range "\r {[" {
		e[1][c] = Special
	}
	e[0]['2'] = Dated
	return e
}()

// stop is what a caller sees of one line: how many were passed before it, where it begins and ends, whether it has a hit.
type stop struct {
	passed, start, end int
	hit                bool
}

// walk goes over b as frame does: it skips what can be skipped, looks at the line where that ends, and while something is
// open at each line. step gives the numbers by which it decides.
func walk(l Lines, b []byte, step uint64) (stops []stop) {
	rnd := rand.New(rand.NewPCG(step, 0))
	for pos, open := 0, false; pos < len(b); {
		var s stop
		s.start = pos
		if !open {
			s.start, s.passed = l.Skip(pos)
		}
		s.end = l.End(s.start)
		s.hit = s.start < len(b) && l.Hit(s.start, s.end)
		stops = append(stops, s)
		pos, open = s.end+1, step > 0 && rnd.IntN(4) > 0
	}
	return stops
}

// byHand is what walk must see, from the positions of the hits.
func byHand(b []byte, hits []int, long int, step uint64) (stops []stop) {
	rnd := rand.New(rand.NewPCG(step, 0))
	var s stop
	for pos, open := 0, false; pos < len(b); {
		end := pos + bytes.IndexByte(b[pos:], '\n')
		ended := end >= pos
		if !ended {
			end = len(b)
		}
		s.hit = slices.ContainsFunc(hits, func(hit int) bool { return pos <= hit && hit < end })
		special := edges[0][b[pos]] == Special || edges[1][b[max(pos, end-1)]] == Special ||
			b[pos] == '2' && end-pos > 10 && b[pos+10] == 'T'
		if open || !ended || s.hit || end-pos >= long || special {
			s.start, s.end = pos, end
			stops = append(stops, s)
			s, open = stop{}, step > 0 && rnd.IntN(4) > 0
		} else if s.passed++; end+1 == len(b) {
			s.start, s.end, s.hit = len(b), len(b), false
			stops = append(stops, s)
		}
		pos = end + 1
	}
	return stops
}

// checkLines compares the kernel, its twin and the oracle, which reads regular expressions.
func checkLines(t testing.TB, b []byte, long int, step uint64) {
	t.Helper()
	want := byHand(b, oracle(b), long, step)
	inGo := func(b []byte, from int) int { return next(b, from, from) }
	if got := walk(NewLines(b, inGo, edges, long), b, step); !slices.Equal(got, want) {
		t.Fatalf("%.600q, long %d, step %d: twin %v, want %v", b, long, step, got, want)
	}
	l := NewLines(b, nil, edges, long)
	if hasKernel {
		l.least = kernelReach // short blocks are for the kernel too
	}
	if got := walk(l, b, step); !slices.Equal(got, want) {
		t.Fatalf("%.600q, long %d, step %d: kernel %v, want %v", b, long, step, got, want)
	}
}

// lineFills stand between keys, so that these come at any place of a step, with and without stops in between.
var lineFills = append([]string{
	"x\n", "y\n", "\n\n", "\r\n", "{\n", "}\n", " x\n", "2026\n", "2026-11-23T", "2026-11-23T\n", "2026-11-23\nT", "2026-11-23 T {\n", strings.Repeat("x", 63) + "\n", strings.Repeat("yp", 40), `"type":"txt"`, `"type": "txt"`,
	`"type":"4g"`, `"type": "4g"`, `"type":"\n`, `"type":"'a`, `"type":""a`, "\"type\":\"\na", "\"type\": \na", `"type":x`, `"type": x`, `\u0079pe":2`, `t\u0079pe":2`, `ty\u0070e":2`,
	`ty\\u0070e":2`, "chatType\":2", strings.Repeat("\n", 65), strings.Repeat("k", 200),
}, pieces...)

func fill(seed []byte) []byte {
	var b []byte
	for _, c := range seed {
		b = append(b, lineFills[int(c)%len(lineFills)]...)
	}
	return b
}

func FuzzLines(f *testing.F) {
	f.Add([]byte(sparseLine+"\n"+errorLine+"\n"), 100, uint64(0))
	f.Add([]byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"), 1000, uint64(1))
	f.Fuzz(func(t *testing.T, seed []byte, long int, step uint64) {
		if len(seed) > 300 {
			return
		}
		checkLines(t, seed, long&0xff, step&3)
		checkLines(t, fill(seed), long&0xfff, step&3)
	})
}

func TestLinesRandom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	n := 20000
	if testing.Short() {
		n = 2000
	}
	for range n {
		seed := make([]byte, rnd.IntN(40))
		for i := range seed {
			seed[i] = byte(rnd.IntN(256))
		}
		checkLines(t, fill(seed), 1+rnd.IntN(400), rnd.Uint64N(4))
	}
}

// The kernel must see the same wherever in its steps, and in memory, a line begins, ends, or has its key.
func TestLinesAnyOffset(t *testing.T) {
	buf := make([]byte, 1024)
	for _, text := range []string{`"type":206`, `"type":"txt"`, `"type": "4g"`, `ty\u0070e=1`, `t\u0079pe=1`, "\n\n", "x\n}", "{\nx", "\r\n", "y"} {
		for before := range 140 {
			for _, after := range []int{0, 1, 7, 63, 64, 72, 73, 74, 140} {
				b := append(buf[before%32:before%32], strings.Repeat(".", before)...)
				b = append(append(b, text...), strings.Repeat("z", after)...)
				checkLines(t, b, 1000, 0)
				checkLines(t, append(b, '\n'), 1000, 0)
				checkLines(t, append(b, '\n'), before+1, 0)
			}
		}
	}
}

func TestLinesCount(t *testing.T) {
	b := corpus(100<<10, 0, sparseLine, sparseLine, 1)
	l := NewLines(b, nil, edges, 16<<10)
	if start, passed := l.Skip(0); start != len(b) || passed != bytes.Count(b, []byte("\n")) {
		t.Errorf("Skip passed %d lines up to %d, want %d up to %d", passed, start, bytes.Count(b, []byte("\n")), len(b))
	}
}

func TestLinesAllocateNothing(t *testing.T) {
	b := corpus(64<<10, 0, sparseLine, errorLine, 10)
	if n := testing.AllocsPerRun(5, func() { walk0(b) }); n != 0 {
		t.Errorf("allocations: %v, want 0", n)
	}
}

// walk0 passes over b and stops where it must.
func walk0(b []byte) (lines int) {
	l := NewLines(b, nil, edges, 16<<10)
	for pos := 0; pos < len(b); lines++ {
		start, passed := l.Skip(pos)
		lines += passed
		pos = l.End(start) + 1
	}
	return lines
}

func BenchmarkLines(b *testing.B) {
	for _, bc := range append(benchCases(),
		benchCase{"short lines", bytes.Repeat([]byte("x\n"), benchSize/2)},
		benchCase{"special lines", bytes.Repeat([]byte(" x\n"), benchSize/3)},
	) {
		b.Run(bc.name, func(b *testing.B) {
			b.SetBytes(int64(len(bc.buf)))
			for b.Loop() {
				walk0(bc.buf)
			}
		})
	}
}

func ExampleLines() {
	block := []byte("{\"a\":1}\n{\"type\":\"txt\"}\n{\"error\":{\"type\":206}}\n{}\n")
	l := NewLines(block, nil, new(Edges), len(block))
	start, passed := l.Skip(0)
	end := l.End(start)
	fmt.Printf("passed %d lines; %s, hit %v\n", passed, block[start:end], l.Hit(start, end))
	start, passed = l.Skip(end + 1)
	fmt.Printf("passed %d lines; at the end: %v\n", passed, start == len(block))
	// Output:
	// passed 2 lines; {"error":{"type":206}}, hit true
	// passed 1 lines; at the end: true
}
