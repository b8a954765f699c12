package frame

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// doc is a Document that lasts.
type doc struct {
	Data        string
	Offset      int64
	Line, Lines int64
	TooLong     bool
}

// cutAll cuts in, read in pieces of at most n bytes (0: at once).
func cutAll(t testing.TB, c *Cutter, in string, n int) ([]doc, Counts) {
	t.Helper()
	var docs []doc
	emit := func(d Document) error {
		docs = append(docs, doc{string(d.Data), d.Offset, d.Line, d.Lines, d.TooLong})
		return nil
	}
	if err := c.Cut(pieces{strings.NewReader(in), n}, emit); err != nil {
		t.Fatalf("Cut: %v", err)
	}
	if err := c.Flush(emit); err != nil {
		t.Fatalf("Flush: %v", err)
	}
	if p := c.Pending(); p != 0 {
		t.Errorf("Pending after Flush = %d, want 0", p)
	}
	return docs, c.Counts()
}

type pieces struct {
	r io.Reader
	n int
}

func (p pieces) Read(b []byte) (int, error) {
	if p.n > 0 && len(b) > p.n {
		b = b[:p.n]
	}
	return p.r.Read(b)
}

const kick = `{"error":{"type":206,"message":"x"}}`

func TestCut(t *testing.T) {
	cri := func(stream, tag, text string) string {
		return "2026-11-23T06:00:04.123456789Z " + stream + " " + tag + " " + text + "\n"
	}
	tests := []struct {
		name, in string
		want     []string // data; "line+lines data" is checked where it matters, below
		lines    string   // "line+lines" of the documents
		empty    int64
	}{
		{name: "nothing", in: ""},
		{name: "lines without a hit", in: "a\nb\n\n"},
		{name: "a line", in: "x\n" + kick + "\ny\n", want: []string{kick}, lines: "1+1"},
		{name: "no line end at the end", in: "x\n" + kick, want: []string{kick}, lines: "1+1"},
		{name: "CRLF, BOM, NUL", in: "\xef\xbb\xbf" + kick + "\r\n\x00\x00" + kick + "\x00\r\n\x00\r\n", want: []string{kick, kick}, lines: "0+1 1+1", empty: 1},
		{
			name: "pretty-printed, one after the other",
			in:   "{\n  \"a\": {\n    \"type\": 206\n  }\n}\n{\n  \"a\": 1\n}\n{\n\n\t\"type\": 206\n}\n",
			want: []string{"{\n  \"a\": {\n    \"type\": 206\n  }\n}", "{\n\n\t\"type\": 206\n}"}, lines: "0+5 8+4",
		},
		{
			name: "pretty-printed in a text log",
			in:   "12:00 start\n12:01 kicked {\n  type: 206,\n  data: [\n    1\n  ]\n}\n12:02 end\n",
			want: []string{"12:01 kicked {\n  type: 206,\n  data: [\n    1\n  ]\n}"}, lines: "1+6",
		},
		{
			name: "hit in the opener", in: "x type=206 {\n  \"a\": 1\n}\ny\n",
			want: []string{"x type=206 {\n  \"a\": 1\n}"}, lines: "0+3",
		},
		{
			name: "pretty-printed, cut off by the next record", in: "{\n  \"type\": 206,\n\n2026 next\n",
			want: []string{"{\n  \"type\": 206,"}, lines: "0+2", empty: 1,
		},
		{
			name: "brace on its own line", in: "{\n  \"error\":\n  {\n    \"type\": 206\n  }\n}\n",
			want: []string{"{\n  \"error\":\n  {\n    \"type\": 206\n  }\n}"}, lines: "0+6",
		},
		{
			name: "pretty array of records", in: "[\n  {\n    \"type\": 206\n  },\n  {\n    \"a\": 1\n  },\n  {\n    \"type\": 217\n  }\n]\n",
			want: []string{"{\n    \"type\": 206\n  }", "{\n    \"type\": 217\n  }"}, lines: "1+3 7+3",
		},
		{
			name: "pretty array, } and { on one line", in: "[\n  {\n    \"type\": 206\n  }, {\n    \"type\": 217\n  }\n]\n",
			want: []string{"{\n    \"type\": 206\n  }", "{\n    \"type\": 217\n  }"}, lines: "1+2 3+3",
		},
		{
			name: "array with a record on each line", in: "[\n" + kick + ",\n" + kick + "\n]\n",
			want: []string{kick, kick}, lines: "1+1 2+1",
		},
		{
			name: "array that begins and ends on record lines", in: "[" + kick + ",\n" + kick + ",\n" + kick + "]\n",
			want: []string{kick, kick, kick}, lines: "0+1 1+1 2+1",
		},
		{name: "comma first", in: kick + "\n, " + kick + "\n", want: []string{kick, kick}, lines: "0+1 1+1"},
		{name: "array of one", in: "[" + kick + "]\n", want: []string{"[" + kick + "]"}, lines: "0+1"},
		{
			name: "stack trace with members",
			in:   "Error: kicked\n    at f (a.js:1)\n    at g (b.js:2) {\n  type: 206,\n  data: {}\n}\nnext\n",
			want: []string{"at g (b.js:2) {\n  type: 206,\n  data: {}\n}"}, lines: "2+4",
		},
		{name: "indented text", in: "trace:\n  at x\n  type=206\n", want: []string{"type=206"}, lines: "2+1"},
		{
			name: "CRI parts", in: cri("stdout", "P", `{"error":{"ty`) + cri("stdout", "P", `pe":20`) + cri("stdout", "F", `6}}`),
			want: []string{strings.TrimSuffix(cri("stdout", "F", `{"error":{"type":206}}`), "\n")}, lines: "0+3",
		},
		{
			name: "CRI parts of two streams",
			in: cri("stdout", "P", `{"error":{"ty`) + cri("stderr", "P", `{"error":{"type"`) + cri("stderr", "F", `:217}}`) +
				cri("stdout", "F", `pe":206}}`),
			want: []string{
				strings.TrimSuffix(cri("stderr", "F", `{"error":{"type":217}}`), "\n"),
				strings.TrimSuffix(cri("stdout", "F", `{"error":{"type":206}}`), "\n"),
			}, lines: "1+2 0+2",
		},
		{
			name: "CRI part whose rest never comes", in: cri("stdout", "P", `type=206`) + "other\n",
			want: []string{strings.TrimSuffix(cri("stdout", "F", "type=206"), "\n")}, lines: "0+1",
		},
		{name: "CRI, hit across the parts only by the head", in: cri("stdout", "P", `type`) + cri("stdout", "F", `s=206`)},
		{name: "CRI with more tags", in: cri("stdout", "P:x", "type") + cri("stdout", "F", "=206"),
			want: []string{strings.TrimSuffix(cri("stdout", "F:x", "type=206"), "\n")}, lines: "0+2"},
		{name: "CRI lines that are whole", in: cri("stdout", "F", kick) + cri("stderr", "F", "x"),
			want: []string{strings.TrimSuffix(cri("stdout", "F", kick), "\n")}, lines: "0+1"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			docs, counts := cutAll(t, New(Options{}), tc.in, 0)
			var data []string
			var lines []string
			for _, d := range docs {
				data = append(data, d.Data)
				lines = append(lines, fmt.Sprintf("%d+%d", d.Line, d.Lines))
				if at := strings.Index(tc.in[d.Offset:], strings.SplitN(d.Data, "\n", 2)[0]); at != 0 && !strings.Contains(tc.name, "CRI") {
					t.Errorf("document %q is not at its offset %d", d.Data, d.Offset)
				}
			}
			if diff := cmp.Diff(tc.want, data); diff != "" {
				t.Errorf("documents (-want +got):\n%s", diff)
			}
			if got := strings.Join(lines, " "); got != tc.lines {
				t.Errorf("lines %s, want %s", got, tc.lines)
			}
			if counts.Bytes != int64(len(tc.in)) {
				t.Errorf("bytes %d, want %d", counts.Bytes, len(tc.in))
			}
			if tc.empty != counts.Empty && tc.name != "lines without a hit" {
				t.Errorf("empty %d, want %d", counts.Empty, tc.empty)
			}
		})
	}
}

// docker splits what an app writes in one line at 16 KiB.
func TestCutDockerParts(t *testing.T) {
	line := func(stream, log string) string {
		return `{"log":"` + log + `","stream":"` + stream + `","time":"2026-11-23T06:00:04Z"}` + "\n"
	}
	first := `{\"pad\":\"` + strings.Repeat("x", 16<<10) + `\",\"error\":{\"ty`
	in := line("stdout", `short\n`) + line("stdout", first) + line("stderr", `other\n`) + line("stdout", `pe\":206}}\n`) +
		line("stdout", strings.Repeat("y", 17<<10)+`\n`) + line("stdout", `type=217\n`)
	want := []string{line("stdout", first+`pe\":206}}\n`), line("stdout", `type=217\n`)}
	docs, _ := cutAll(t, New(Options{}), in, 0)
	if len(docs) != 2 {
		t.Fatalf("%d documents, want 2", len(docs))
	}
	for i := range want {
		if docs[i].Data+"\n" != want[i] {
			t.Errorf("document %d: %.300q", i, docs[i].Data)
		}
	}
	if docs[0].Line != 1 || docs[0].Lines != 2 || docs[0].Offset != int64(strings.Index(in, "\n")+1) {
		t.Errorf("joined line: line %d+%d at %d", docs[0].Line, docs[0].Lines, docs[0].Offset)
	}
}

func TestCutTooLong(t *testing.T) {
	long := strings.Repeat("x", 300)
	tests := []struct {
		name, in string
		want     string // line+lines data
		empty    int64
	}{
		{name: "long line", in: "a\n" + long + `"type":206` + "\ntype=1\n", want: "1+1 TOO LONG|2+1 type=1"},
		{name: "long line without an end", in: "a\n" + long, want: "1+1 TOO LONG"},
		{name: "hole of NULs, then a line", in: strings.Repeat("\x00", 1000) + "type=1\nx\n", want: "0+1 type=1"},
		{name: "hole of NULs", in: strings.Repeat("\x00", 1000), empty: 1},
		{name: "long array on a line", in: "[" + strings.Repeat(`{"a":"]}\"{"},`, 20) + ` {"type":206},` + long + `,{"type":"[\\"}]` + "\ntype=1\n",
			want: `0+1 {"type":206}|0+1 TOO LONG|0+1 {"type":"[\\"}|1+1 type=1`},
		{name: "objects without commas", in: strings.Repeat(`{"a":[1,{}]}`, 20) + `{"type":206}{"type":217}x`, want: `0+1 {"type":206}|0+1 {"type":217}`},
		{name: "long element", in: `[{"type":1,"a":"` + long + `"},{"type":2}]`, want: `0+1 TOO LONG|0+1 {"type":2}`},
		{name: "cut-off element", in: "[" + strings.Repeat(`{"a":0},`, 30) + `{"type":206`, want: `0+1 {"type":206`},
		{
			name: "long pretty document: the next inner ones count",
			in:   "{\n  \"type\": 1,\n  \"records\": [\n" + strings.Repeat("    {\n      \"type\": 206\n    },\n", 9) + "  ]\n}\nx\n",
			want: `1+1 "type": 1,` + strings.Repeat("|", 1) + strings.Join(func() (s []string) {
				for i := range 9 {
					s = append(s, fmt.Sprintf("%d+3 {\n      \"type\": 206\n    }", 3+3*i))
				}
				return s
			}(), "|"),
		},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			for _, n := range []int{0, 1, 7} {
				docs, counts := cutAll(t, New(Options{MaxDocument: 200}), tc.in, n)
				var got []string
				for _, d := range docs {
					if d.TooLong {
						d.Data = "TOO LONG"
					}
					got = append(got, fmt.Sprintf("%d+%d %s", d.Line, d.Lines, d.Data))
				}
				if got := strings.Join(got, "|"); got != tc.want {
					t.Errorf("pieces of %d: documents\n%s\nwant\n%s", n, got, tc.want)
				}
				if counts.Empty != tc.empty {
					t.Errorf("empty %d, want %d", counts.Empty, tc.empty)
				}
			}
		})
	}
}

func TestCutErrors(t *testing.T) {
	broken := errors.New("broken")
	emit := func(Document) error { return nil }
	c := New(Options{})
	if err := c.Cut(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)), emit); !errors.Is(err, broken) {
		t.Errorf("error of the reader: %v", err)
	}
	if got := c.Counts(); got.Lines != 1 || c.Pending() != 1 {
		t.Errorf("after an error: %+v, pending %d", got, c.Pending())
	}
	if err := New(Options{}).Cut(strings.NewReader(kick+"\n"), func(Document) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("error of emit: %v", err)
	}
	if err := New(Options{}).Cut(idle{}, emit); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a reader that gives nothing: %v", err)
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestCutAll(t *testing.T) {
	in := "text\n\n[\n  {\n    \"a\": 1\n  },\n  2\n]\n"
	docs, _ := cutAll(t, New(Options{All: true}), in, 0)
	var got []string
	for _, d := range docs {
		got = append(got, d.Data)
	}
	if diff := cmp.Diff([]string{"text", "{\n    \"a\": 1\n  }", "2"}, got); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

// No input may take more than a multiple of its size in time, or of MaxDocument in memory.
func TestCutHostile(t *testing.T) {
	size := 16 << 20
	if testing.Short() {
		size = 4 << 20
	}
	deep := new(bytes.Buffer)
	for i := 0; deep.Len() < 1<<20; i++ {
		fmt.Fprintf(deep, "%s{\n", strings.Repeat(" ", i))
	}
	tests := map[string]string{
		"hits":                               "\"type\": 206,\n",
		"indented hits":                      " type:1\n",
		"openers":                            "{\n",
		"openers, indented":                  "  x {\n",
		"deeper and deeper":                  deep.String(),
		"deep, then hits":                    deep.String() + strings.Repeat(strings.Repeat(" ", 1500)+"type:1\n", 2000),
		"closers":                            "  }\n",
		"brackets":                           "[",
		"open brackets":                      "[{",
		"quotes":                             "[\"",
		"backslashes":                        `[\`,
		"NUL":                                "\x00",
		"empty lines":                        "\n",
		"CRI parts":                          "2026-11-23T06:00:04.123456789Z stdout P type=206\n",
		"CRI part, then other":               "2026-11-23T06:00:04.123456789Z stdout P type=206\n" + strings.Repeat("2026-11-23T06:00:04.123456789Z stderr F type=206\n", 30000),
		"an open document, then empty lines": "{\n type=206\n" + strings.Repeat("\n", 2<<20),
		"docker":                             `{"log":"` + strings.Repeat(`\"`, 9000) + "\"}\n",
	}
	for name, unit := range tests {
		t.Run(name, func(t *testing.T) {
			c := New(Options{})
			r := io.LimitReader(&repeat{unit: unit}, int64(size))
			n := 0
			if err := c.Cut(r, func(Document) error { n++; return nil }); err != nil {
				t.Fatal(err)
			}
			if err := c.Flush(func(Document) error { return nil }); err != nil {
				t.Fatal(err)
			}
			held := cap(c.buf) + cap(c.text) + 32*cap(c.nest.found) + 64*cap(c.nest.stack)
			if held > 24<<20 {
				t.Errorf("holds %d KiB: buffer %d, text %d, found %d, stack %d", held>>10, cap(c.buf), cap(c.text), cap(c.nest.found), cap(c.nest.stack))
			}
		})
	}
}

// A line of any length, from a pipe that gives little at a time, is passed over in constant memory.
func TestCutEndlessLine(t *testing.T) {
	for _, unit := range []string{"x", `{"type":206},`, `[{"a":"`, "\x00"} {
		c := New(Options{})
		if err := c.Cut(pieces{io.LimitReader(&repeat{unit: unit}, 64<<20), 64 << 10}, func(Document) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if len(c.buf) > 4<<20 {
			t.Errorf("%q over and over: buffer of %d KiB", unit, len(c.buf)>>10)
		}
		if got := c.Counts(); got.Lines != 0 {
			t.Errorf("%q over and over: %+v", unit, got)
		}
	}
}

// A line without an end that a runtime splits is passed over in constant memory, too, and the other stream's line, which is open
// all the while, is not held back by it.
func TestCutEndlessSplitLine(t *testing.T) {
	docker := func(stream, log string) string { return `{"log":"` + log + `","stream":"` + stream + `"}` + "\n" }
	for name, lines := range map[string][2]string{
		"docker": {docker("stderr", strings.Repeat("z", 17<<10)+" type=206"), docker("stdout", strings.Repeat("x", 17<<10))},
		"CRI":    {criHead + "stderr P type=206\n", criHead + "stdout P " + strings.Repeat("x", 16<<10) + "\n"},
	} {
		c, found := New(Options{}), 0
		endless := io.LimitReader(&repeat{unit: lines[1]}, 64<<20)
		in := io.MultiReader(io.LimitReader(&repeat{unit: lines[1]}, int64(70*len(lines[1]))), strings.NewReader(lines[0]), endless)
		err := c.Cut(pieces{in, 64 << 10}, func(d Document) error {
			if !d.TooLong {
				found++
			}
			return nil
		})
		if err != nil || found != 1 || len(c.buf) > 4<<20 {
			t.Errorf("%s: %v, the other line was found %d times, buffer of %d KiB", name, err, found, len(c.buf)>>10)
		}
	}
}

// repeat is a reader of one text over and over.
type repeat struct {
	unit string
	at   int
}

func (r *repeat) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) {
		k := copy(b[n:], r.unit[r.at:])
		n += k
		if r.at += k; r.at == len(r.unit) {
			r.at = 0
		}
	}
	return n, nil
}

func TestCutAllocatesNothing(t *testing.T) {
	in := []byte(strings.Repeat(strings.Repeat("{\"level\":\"info\",\"type\":\"txt\"}\n", 50)+kick+"\n{\n  \"type\": 206\n}\n", 100))
	c, r := New(Options{}), bytes.NewReader(nil)
	emit := func(Document) error { return nil }
	n := testing.AllocsPerRun(10, func() {
		r.Reset(in)
		if c.Cut(r, emit) != nil || c.Flush(emit) != nil {
			t.Error("cut failed")
		}
	})
	if n != 0 {
		t.Errorf("allocations: %v, want 0", n)
	}
}
