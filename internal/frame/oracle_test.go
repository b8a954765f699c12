package frame

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imerr-scan/internal/needle"
)

// The oracle has all lines at hand and looks back from each hit, again and again; the Cutter looks forward, once.
type oracle struct {
	in      string
	max     int
	lines   []oracleLine
	barrier []bool // nothing that was open before this line is open behind it
}

type oracleLine struct {
	off, end int
	indent   int
	body     string // "" if empty
}

func newOracle(in string, max int) *oracle {
	o := &oracle{in: in, max: max}
	for off := 0; off < len(in); {
		end := strings.IndexByte(in[off:], '\n') + off
		if end < off {
			end = len(in)
		}
		raw := in[off:end]
		body := strings.Trim(raw, " \t\r\x00")
		o.lines = append(o.lines, oracleLine{off, end, strings.Count(raw[:strings.Index(raw, body)], " "), body})
		off = end + 1
	}
	o.barrier = make([]bool, len(o.lines))
	for i, l := range o.lines {
		open := o.openBefore(i)
		o.barrier[i] = l.body == "" && len(open) > 0 && l.end-o.from(open[len(open)-1]) > max
	}
	return o
}

func (o *oracle) opener(i int) bool { return strings.HasSuffix(o.lines[i].body, "{") || o.bracket(i) }
func (o *oracle) bracket(i int) bool {
	return strings.HasSuffix(o.lines[i].body, "[")
}

func (o *oracle) closer(i int) bool {
	return strings.HasPrefix(o.lines[i].body, "}") || strings.HasPrefix(o.lines[i].body, "]")
}

// previous returns the last line before i that is not empty, or -1.
func (o *oracle) previous(i int) int {
	for i--; i >= 0 && o.lines[i].body == "" && !o.barrier[i]; i-- {
	}
	if i >= 0 && o.barrier[i] {
		return -1
	}
	return i
}

// around returns the openers around line i by indentation alone, innermost first.
func (o *oracle) around(i int) (openers []int) {
	depth := o.lines[i].indent
	for j := o.previous(i); j >= 0 && depth > 0; j = o.previous(j) {
		if o.lines[j].indent < depth {
			depth = o.lines[j].indent
			if o.opener(j) {
				openers = append(openers, j)
			}
		}
	}
	return openers
}

// openBefore returns the openers that are open when line i begins, innermost first, without those given up before.
func (o *oracle) openBefore(i int) (open []int) {
	q := o.previous(i)
	if q < 0 {
		return nil
	}
	all := o.around(q)
	if o.opener(q) {
		all = append([]int{q}, all...)
	}
	for len(all) > 0 {
		outer := all[len(all)-1]
		if o.lines[outer].body != "[" && o.lines[q].end-o.from(outer) <= o.max {
			break
		}
		all = all[:len(all)-1]
	}
	return all
}

// closes returns the opener whose document ends with line i, or -1.
func (o *oracle) closes(i int) int {
	if !o.closer(i) {
		return -1
	}
	at := -1
	for _, j := range o.openBefore(i) {
		if o.lines[j].indent >= o.lines[i].indent {
			at = j
		}
	}
	return at
}

// extent returns the last line of opener i's document, and whether that closes it.
func (o *oracle) extent(i int) (last int, closed bool) {
	last = i
	for j := i + 1; j < len(o.lines) && !o.barrier[j]; j++ {
		if o.lines[j].body == "" {
			continue
		}
		if o.lines[j].indent <= o.lines[i].indent {
			if o.closes(j) == i {
				return j, true
			}
			return last, false
		}
		last = j
	}
	return last, false
}

// from returns where the document of opener i begins.
func (o *oracle) from(i int) int {
	l := o.lines[i]
	if !o.opener(i) || !o.closer(i) {
		return l.off
	}
	return l.off + strings.Index(o.in[l.off:], l.body) + len(l.body) - len(strings.TrimLeft(l.body, "}]"))
}

// document returns the document of line i, in which the needle hit.
func (o *oracle) document(i int) (from, to, first, last int) {
	chain := o.around(i)
	if at := o.closes(i); at >= 0 && !o.opener(i) {
		chain = append([]int{at}, o.around(at)...)
	}
	if o.opener(i) {
		chain = append([]int{i}, chain...)
	}
	for _, j := range slices.Backward(chain) {
		last, closed := o.extent(j)
		to, end := o.lines[last].end, last
		if closed && o.opener(last) {
			to, end = o.from(last), last-1
		}
		if o.lines[j].body != "[" && o.lines[last].end-o.from(j) <= o.max {
			return o.from(j), to, j, end
		}
	}
	return o.from(i), o.lines[i].end, i, i
}

func (o *oracle) docs() (docs []doc, counts Counts) {
	covered := make([]bool, len(o.lines))
	for i, l := range o.lines {
		counts.Lines++
		if needle.Next([]byte(o.in[l.off:l.end]), 0) < 0 {
			continue
		}
		from, to, first, last := o.document(i)
		data, front := tidy([]byte(o.in[from:to]))
		d := doc{Data: string(data), Offset: int64(from + front), Line: int64(first), Lines: int64(last - first + 1)}
		if len(docs) == 0 || docs[len(docs)-1] != d {
			docs = append(docs, d)
		}
		for j := first; j <= last; j++ {
			covered[j] = true
		}
	}
	for i, l := range o.lines {
		if l.body == "" && !covered[i] {
			counts.Empty++
		}
	}
	counts.Bytes = int64(len(o.in))
	return docs, counts
}

var nestedPieces = []string{
	"{\n", "{\n", "[\n", "  \"a\": {\n", "  \"b\": [\n", "    {\n", "    }\n", "    },\n", "  }\n", "  ]\n", "}\n", "]\n", "},\n", "}, {\n", "    }, {\n",
	"  type: 206,\n", "    type: 217,\n", "      \"type\": 1\n", "  1,\n", "    1\n", "type=206\n", "text\n", "\n", "\n", " \n", "x {\n", "  x {\n",
	"type=1 {\n", "  \"type\": {\n", "} type=5\n", "   }\n", " {\n", "  [\n", "  [\n", "\r\n", " type=9",
}

// compose makes a text out of fuzz bytes.
func compose(seed []byte, pieces []string) string {
	var b strings.Builder
	for _, c := range seed {
		b.WriteString(pieces[int(c)%len(pieces)])
	}
	return b.String()
}

func checkOracle(t testing.TB, in string, max int) {
	t.Helper()
	for line := range strings.SplitSeq(in, "\n") {
		if len(line) > max {
			return // of these the oracle knows nothing
		}
	}
	want, counts := newOracle(in, max).docs()
	got, gotCounts := cutAll(t, New(Options{MaxDocument: max}), in, 0)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("max %d, %q: documents (-oracle +got):\n%s", max, in, diff)
	}
	if diff := cmp.Diff(counts, gotCounts); diff != "" {
		t.Fatalf("max %d, %q: counts (-oracle +got):\n%s", max, in, diff)
	}
}

func FuzzCutOracle(f *testing.F) {
	f.Add([]byte("\x00\x0f\x0a"), 60)
	f.Fuzz(func(t *testing.T, seed []byte, max int) {
		if len(seed) > 60 {
			return
		}
		checkOracle(t, compose(seed, nestedPieces), 30+(max&0xff))
	})
}

func TestCutOracle(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range rounds(t, 4000) {
		checkOracle(t, compose(random(rnd, 40), nestedPieces), 30+rnd.IntN(200))
	}
}

func rounds(t *testing.T, n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

func random(rnd *rand.Rand, n int) []byte {
	seed := make([]byte, rnd.IntN(n))
	for i := range seed {
		seed[i] = byte(rnd.IntN(256))
	}
	return seed
}

const criHead = "2026-11-23T06:00:04.123456789Z "

var anyPieces = append([]string{
	criHead + "stdout P type", criHead + "stdout F =206\n", criHead + "stderr P ", criHead + "stderr F type=2\n", criHead + "stdout P a\n",
	`{"log":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa type","stream":"stdout"}` + "\n", `{"log":"=206\n","stream":"stdout"}` + "\n",
	`{"log":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","stream":"stderr"}` + "\n", `{"log":"type=3","stream":"stderr"}` + "\n",
	strings.Repeat("\x00", 50), strings.Repeat("x", 90), "[{", "},{", `{"type":206},`, `{"type":217}`, `"`, `\`, `\"`, "\xef\xbb\xbf", "\x00", "\r\n",
	"    at f (x.js:1) {\n", "    at f\n", strings.Repeat(" ", 40), strings.Repeat("\n", 20), ",",
}, nestedPieces...)

// What is emitted must not depend on how the stream is divided into reads, nor on the size of the buffer.
func FuzzCutPieces(f *testing.F) {
	f.Add([]byte("\x00\x01\x02\x03"), 100, 7)
	f.Fuzz(func(t *testing.T, seed []byte, max, n int) {
		if len(seed) > 200 {
			return
		}
		checkPieces(t, compose(seed, anyPieces), 20+(max&0xff), 1+(n&0x3f))
		checkPieces(t, string(seed), 20+(max&0xff), 1+(n&0x3f))
	})
}

func TestCutPieces(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range rounds(t, 4000) {
		checkPieces(t, compose(random(rnd, 60), anyPieces), 20+rnd.IntN(400), 1+rnd.IntN(60))
	}
}

// Many cutters that take turns with one room, at any moment and with anything pending, cut as each would with its own.
func TestCutInALentRoom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	kept := 0
	for range rounds(t, 2000) {
		max, most := 20+rnd.IntN(400), rnd.IntN(300)
		var room []byte
		type turn struct {
			c    *Cutter
			in   string
			rest string
			docs []doc
		}
		turns := make([]*turn, 1+rnd.IntN(4))
		for i := range turns {
			in := compose(random(rnd, 60), anyPieces)
			turns[i] = &turn{c: newSmall(max, false), in: in, rest: in}
		}
		for left := len(turns); left > 0; {
			u := turns[rnd.IntN(len(turns))]
			n := min(len(u.rest), rnd.IntN(200))
			emit := func(d Document) error {
				u.docs = append(u.docs, doc{string(d.Data), d.Offset, d.Line, d.Lines, d.TooLong})
				return nil
			}
			before := u.c.Pending()
			u.c.Lend(room)
			if err := u.c.Cut(strings.NewReader(u.rest[:n]), emit); err != nil {
				t.Fatal(err)
			}
			pending := u.c.Pending()
			if room = u.c.Release(most); room == nil {
				kept++
			} else if len(u.c.buf) > most {
				t.Fatalf("%d bytes kept apart, want at most %d", len(u.c.buf), most)
			}
			if after := u.c.Pending(); after != pending {
				t.Fatalf("%d bytes pending before, %d after the room was taken (%d before the cut)", pending, after, before)
			}
			if u.rest = u.rest[n:]; n > 0 && u.rest == "" {
				if left--; u.c.Flush(emit) != nil {
					t.Fatal("Flush")
				}
			} else if u.in == "" {
				u.in, u.rest = "\n", "\n"
			}
		}
		for _, u := range turns {
			want, counts := cutAll(t, newSmall(max, false), u.in, 0)
			if diff := cmp.Diff(want, u.docs); diff != "" {
				t.Fatalf("max %d, %q: documents (-own room +lent):\n%s", max, u.in, diff)
			}
			if diff := cmp.Diff(counts, u.c.Counts()); diff != "" {
				t.Fatalf("max %d, %q: counts (-own room +lent):\n%s", max, u.in, diff)
			}
		}
	}
	if kept == 0 {
		t.Error("no cutter ever kept its room")
	}
}

func newSmall(max int, all bool) *Cutter {
	c := New(Options{MaxDocument: max, All: all})
	c.block, c.docker = 64, 60
	return c
}

func checkPieces(t testing.TB, in string, max, n int) {
	t.Helper()
	for _, all := range []bool{false, true} {
		whole := newSmall(max, all)
		whole.block = 1 << 20
		want, wantCounts := cutAll(t, whole, in, 0)
		checkLines(t, in, want, wantCounts)
		small := newSmall(max, all)
		got, gotCounts := cutAll(t, small, in, n)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("max %d, all %v, %q: documents (-whole +pieces of %d):\n%s", max, all, in, n, diff)
		}
		if diff := cmp.Diff(wantCounts, gotCounts); diff != "" {
			t.Fatalf("max %d, all %v, %q: counts (-whole +pieces of %d):\n%s", max, all, in, n, diff)
		}
		if len(small.buf) > 10*(max+64) {
			t.Fatalf("max %d, %q: buffer of %d", max, in, len(small.buf))
		}
	}
}

// checkLines checks the accounting: all lines counted, and none given to two documents, but several documents of one line.
func checkLines(t testing.TB, in string, docs []doc, counts Counts) {
	t.Helper()
	lines := int64(strings.Count(in, "\n"))
	if in != "" && !strings.HasSuffix(in, "\n") {
		lines++
	}
	if counts.Lines != lines || counts.Bytes != int64(len(in)) {
		t.Fatalf("%q: counts %+v, want %d lines, %d bytes", in, counts, lines, len(in))
	}
	sum, open := int64(0), int64(-1)
	for _, d := range docs {
		if d.Line == open && d.Lines == 1 {
			continue
		}
		open = d.Line
		sum += d.Lines
	}
	if sum > counts.Lines-counts.Empty {
		t.Fatalf("%q: documents have %d lines, of %d with %d empty", in, sum, counts.Lines, counts.Empty)
	}
}

// Reading again from Pending after a restart gives what was not given yet.
func TestCutRestart(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range rounds(t, 3000) {
		in := compose(random(rnd, 40), append(nestedPieces, criHead+"stdout P type", criHead+"stdout F =206\n", criHead+"stdout P a\n"))
		want, wantCounts := cutAll(t, New(Options{}), in, 0)
		stop := rnd.IntN(len(in) + 1)
		var got []doc
		first := New(Options{})
		if err := first.Cut(strings.NewReader(in[:stop]), func(d Document) error {
			got = append(got, doc{string(d.Data), d.Offset, d.Line, d.Lines, d.TooLong})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		at := stop - int(first.Pending())
		before := first.Counts()
		rest, counts := cutAll(t, New(Options{}), in[at:], 0)
		for _, d := range rest {
			d.Offset, d.Line = d.Offset+int64(at), d.Line+before.Lines
			got = append(got, d)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q, restarted at %d of %d: documents (-whole +got):\n%s", in, at, stop, diff)
		}
		sum := Counts{before.Bytes + counts.Bytes, before.Lines + counts.Lines, before.Empty + counts.Empty}
		if diff := cmp.Diff(wantCounts, sum); diff != "" {
			t.Fatalf("%q, restarted at %d of %d: counts (-whole +got):\n%s", in, at, stop, diff)
		}
	}
}

// A file divided at bounds gives the same documents as a whole one.
func TestBound(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range rounds(t, 3000) {
		in := compose(random(rnd, 80), slices.Concat(anyPieces[:9], nestedPieces, []string{"    at f (x.js:1) {\n", "\xef\xbb\xbftext\n"}))
		want, wantCounts := cutAll(t, newSmall(1<<20, false), in, 0)
		b := bounds{r: strings.NewReader(in), size: int64(len(in)), max: 1 << 20, docker: 60}
		step := int64(1 + rnd.IntN(200))
		var got []doc
		var sum Counts
		var cuts []int64
		for from := int64(0); from < b.size; {
			to, err := b.find(from + step)
			if err != nil {
				t.Fatal(err)
			}
			docs, counts := cutAll(t, newSmall(1<<20, false), in[from:to], 0)
			for _, d := range docs {
				d.Offset, d.Line = d.Offset+from, d.Line+sum.Lines
				got = append(got, d)
			}
			sum = Counts{sum.Bytes + counts.Bytes, sum.Lines + counts.Lines, sum.Empty + counts.Empty}
			cuts, from = append(cuts, to), to
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q, divided at %v: documents (-whole +got):\n%s", in, cuts, diff)
		}
		if diff := cmp.Diff(wantCounts, sum); diff != "" {
			t.Fatalf("%q, divided at %v: counts (-whole +got):\n%s", in, cuts, diff)
		}
	}
}

func TestBoundOfLongArray(t *testing.T) {
	element := "  {\n    \"error\": {\n      \"type\": 206\n    }\n  },\n"
	in := "[\n" + strings.Repeat(element, 100<<10) + "]\n"
	r := strings.NewReader(in)
	for _, off := range []int64{1, 2, 3, 1 << 20, 2<<20 + 7} {
		at, err := Bound(r, off, int64(len(in)))
		if err != nil || (at-2)%int64(len(element)) != 0 || at < off || at > off+100 {
			t.Errorf("Bound(%d) = %d, %v; want the next element", off, at, err)
		}
	}
	long := strings.Repeat("x", 5<<20) + "\nlast\n"
	if at, err := Bound(strings.NewReader(long), 10, int64(len(long))); at != 5<<20+1 || err != nil {
		t.Errorf("Bound in a long line = %d, %v; want the next line", at, err)
	}
	if at, err := Bound(strings.NewReader(long[:4<<20]), 10, 4<<20); at != 4<<20 || err != nil {
		t.Errorf("Bound in a line without end = %d, %v; want the size", at, err)
	}
}

// Parts of two streams, as the runtime writes them: each app line comes out once and whole.
func TestCutPartsOfTwoStreams(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range rounds(t, 2000) {
		var queue [2][]string
		var want []string
		for s, name := range []string{"stdout", "stderr"} {
			for i := range rnd.IntN(5) {
				text := fmt.Sprintf("type=%d %s", 200+i, strings.Repeat("x", rnd.IntN(30)))
				want = append(want, criHead+name+" F "+strings.TrimSpace(text))
				for len(text) > 0 {
					n, tag := 1+rnd.IntN(len(text)), "P"
					if n == len(text) {
						tag = "F"
					}
					queue[s] = append(queue[s], criHead+name+" "+tag+" "+text[:n]+"\n")
					text = text[n:]
				}
			}
		}
		var in bytes.Buffer
		for len(queue[0])+len(queue[1]) > 0 {
			s := rnd.IntN(2)
			if len(queue[s]) > 0 {
				in.WriteString(queue[s][0])
				queue[s] = queue[s][1:]
			}
		}
		docs, counts := cutAll(t, New(Options{}), in.String(), 0)
		var got []string
		lines := int64(0)
		for _, d := range docs {
			got = append(got, d.Data)
			lines += d.Lines
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q: lines (-want +got):\n%s", in.String(), diff)
		}
		if lines != counts.Lines {
			t.Fatalf("%q: documents have %d lines of %d", in.String(), lines, counts.Lines)
		}
	}
}
