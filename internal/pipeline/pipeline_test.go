package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"imerr-scan/internal/aggregate"
	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/extract"
)

var web = catalog.Web()

// memory is a source whose parts may be read at once.
func memory(name string, data []byte) Source {
	return Source{Name: name, Open: func(context.Context) (*Stream, error) {
		return &Stream{Reader: bytes.NewReader(data), ReaderAt: bytes.NewReader(data), Size: int64(len(data))}, nil
	}}
}

// pipe is a source that is read once, in blocks of random size.
func pipe(name string, data []byte, seed uint64) Source {
	return Source{Name: name, Open: func(context.Context) (*Stream, error) {
		return &Stream{Reader: &blocks{data, rand.New(rand.NewPCG(seed, 0))}}, nil
	}}
}

type blocks struct {
	data []byte
	rnd  *rand.Rand
}

func (b *blocks) Read(p []byte) (int, error) {
	if len(b.data) == 0 {
		return 0, io.EOF
	}
	n := min(1+b.rnd.IntN(3000), len(p), len(b.data))
	copy(p, b.data[:n])
	b.data = b.data[n:]
	return n, nil
}

// logs is every sample log of the project, and a mixture of all of them that no part size divides well.
func logs(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	var all []byte
	err := filepath.WalkDir("../../testdata/logs", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".log" {
			return err
		}
		data, err := os.ReadFile(path)
		files[filepath.Base(path)] = data
		all = append(append(all, data...), '\n')
		return err
	})
	if err != nil || len(files) < 20 {
		t.Fatalf("%d sample logs: %v", len(files), err)
	}
	files["all"] = all
	return files
}

// run scans sources and returns the encoded tally and the events as text.
func run(t *testing.T, opt Options, sources ...Source) (tally []byte, events string, errs []aggregate.InputError) {
	t.Helper()
	opt.Catalog = web
	opt.Extract.Now = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	opt.Extract.Day = opt.Extract.Now
	var out strings.Builder
	opt.Each = func(r *Record) error {
		fmt.Fprintf(&out, "%s:%d %d %s %q %d\n", r.Source, r.Line, r.Code, r.Reason, r.Candidate.User, r.Candidate.Time)
		return nil
	}
	total := aggregate.New(opt.Aggregate)
	errs, err := Scan(t.Context(), sources, total, opt)
	if err != nil {
		t.Fatal(err)
	}
	if res := total.Result(aggregate.ResultOptions{}); res.Lines.Sum() != res.Lines.Read {
		t.Errorf("lines: %+v add up to %d", res.Lines, res.Lines.Sum())
	}
	tally, err = total.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return tally, out.String(), errs
}

func TestTheAnswerDoesNotDependOnWorkersPartsOrBlocks(t *testing.T) {
	for name, data := range logs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, wantEvents, _ := run(t, Options{Workers: 1}, memory("x.log", data))
			for _, tc := range []struct {
				name string
				opt  Options
				src  Source
			}{
				{"2 workers, parts of 64 KiB", Options{Workers: 2, PartSize: 64 << 10}, memory("x.log", data)},
				{"8 workers, parts of 4 KiB", Options{Workers: 8, PartSize: 4 << 10}, memory("x.log", data)},
				{"3 workers, parts of 777 B", Options{Workers: 3, PartSize: 777}, memory("x.log", data)},
				{"a pipe in random blocks", Options{Workers: 1}, pipe("x.log", data, 1)},
				{"a pipe, merged every 5 kB", Options{Workers: 2, PartSize: 5000}, pipe("x.log", data, 2)},
			} {
				got, events, _ := run(t, tc.opt, tc.src)
				if events != wantEvents {
					t.Errorf("%s: events differ: %s", tc.name, cmp.Diff(wantEvents, events))
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s: the tally differs", tc.name)
				}
			}
		})
	}
}

func TestLiveGivesWhatScanGives(t *testing.T) {
	for name, data := range logs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, wantEvents, _ := run(t, Options{}, memory("x.log", data))
			var out strings.Builder
			now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
			total := aggregate.New(aggregate.Options{})
			live := NewLive(total, Options{Catalog: web, Extract: extract.Options{Now: now, Day: now}, Each: func(r *Record) error {
				fmt.Fprintf(&out, "%s:%d %d %s %q %d\n", r.Source, r.Line, r.Code, r.Reason, r.Candidate.User, r.Candidate.Time)
				return nil
			}})
			rnd := rand.New(rand.NewPCG(7, 7))
			for rest := data; len(rest) > 0; {
				n := min(1+rnd.IntN(5000), len(rest))
				if err := live.Block(1, "x.log", rest[:n], 0, now); err != nil {
					t.Fatal(err)
				}
				if rnd.IntN(4) == 0 {
					live.Settle()
				}
				rest = rest[n:]
			}
			if err := live.End(1); err != nil {
				t.Fatal(err)
			}
			got, err := total.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			if out.String() != wantEvents {
				t.Error(cmp.Diff(wantEvents, out.String()))
			}
			if !bytes.Equal(got, want) {
				t.Error("the tally differs")
			}
		})
	}
}

// All sample logs grow at once, in turns: each gives what it gives alone, though clocks without a date are in several.
func TestManyGrowingInputsDoNotMix(t *testing.T) {
	now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	type grown struct{ name, rest, got, want string }
	var inputs []*grown
	for name, data := range logs(t) {
		_, want, _ := run(t, Options{}, memory(name, data))
		inputs = append(inputs, &grown{name: name, rest: string(data), want: want})
	}
	byName := map[string]*grown{}
	for _, in := range inputs {
		byName[in.name] = in
	}
	total := aggregate.New(aggregate.Options{})
	live := NewLive(total, Options{Catalog: web, Extract: extract.Options{Now: now, Day: now}, Each: func(r *Record) error {
		byName[r.Source].got += fmt.Sprintf("%s:%d %d %s %q %d\n", r.Source, r.Line, r.Code, r.Reason, r.Candidate.User, r.Candidate.Time)
		return nil
	}})
	rnd := rand.New(rand.NewPCG(8, 8))
	for left := slices.Collect(maps.Keys(byName)); len(left) > 0; {
		i := rnd.IntN(len(left))
		in := byName[left[i]]
		n := min(1+rnd.IntN(30_000), len(in.rest))
		if err := live.Block(slices.Index(inputs, in), in.name, []byte(in.rest[:n]), 0, now); err != nil {
			t.Fatal(err)
		}
		if in.rest = in.rest[n:]; in.rest == "" {
			left = slices.Delete(left, i, i+1)
			if err := live.End(slices.Index(inputs, in)); err != nil {
				t.Fatal(err)
			}
		}
		if rnd.IntN(4) == 0 {
			live.Settle()
		}
	}
	for _, in := range inputs {
		if diff := cmp.Diff(in.want, in.got); diff != "" {
			t.Errorf("%s (-alone +among others):\n%s", in.name, diff)
		}
	}
	live.Settle()
	if res := total.Result(aggregate.ResultOptions{}); res.Lines.Sum() != res.Lines.Read || res.Events == 0 {
		t.Errorf("lines: %+v", res.Lines)
	}
}

// An input that is at its end costs little: thousands are followed at once.
func TestAnInputAtItsEndIsSmall(t *testing.T) {
	live := NewLive(aggregate.New(aggregate.Options{}), Options{Catalog: web})
	line := []byte(`{"error":{"type":206,"message":"x"}}` + "\n" + `{"unfin`)
	const inputs = 2000
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for id := range inputs {
		if err := live.Block(id, "x.log", line, 0, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	live.Settle()
	each := (heap() - before) / inputs
	t.Logf("%d bytes each", each)
	if each > 8<<10 {
		t.Errorf("%d bytes each, want at most 8 KiB", each)
	}
	runtime.KeepAlive(live)
}

// What was settled, and the bytes from the mark on given again to a new Live, is the whole: neither lost nor doubled.
func TestLiveGoesOnFromItsMark(t *testing.T) {
	for name, data := range logs(t) {
		if name == "all" || strings.HasPrefix(name, "sdk") {
			continue // clocks without a date: after a restart they have the day of now, which is right for a log that grows
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, _, _ := run(t, Options{}, memory("x.log", data))
			now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
			rnd := rand.New(rand.NewPCG(3, uint64(len(data))))
			total := aggregate.New(aggregate.Options{})
			opt := Options{Catalog: web, Extract: extract.Options{Now: now, Day: now}}
			at := 0
			for at < len(data) {
				live := NewLive(total, opt) // a new process
				read := at
				for range 1 + rnd.IntN(5) {
					n := min(1+rnd.IntN(20_000), len(data)-read)
					if err := live.Block(1, "x.log", data[read:read+n], 0, now); err != nil {
						t.Fatal(err)
					}
					read += n
				}
				if read == len(data) {
					if err := live.End(1); err != nil {
						t.Fatal(err)
					}
					break
				}
				live.Settle()
				pending, _ := live.Mark(1)
				at = read - int(pending)
			}
			if got, err := total.MarshalBinary(); err != nil || !bytes.Equal(got, want) {
				t.Errorf("the tally differs (%v)", err)
			}
		})
	}
}

func TestUnreadableSourcesDoNotKeepTheRestAway(t *testing.T) {
	kick := []byte(`{"error":{"type":206,"message":"the user is already logged on another device"}}` + "\n")
	gone := Source{Name: "gone.log", Open: func(context.Context) (*Stream, error) { return nil, os.ErrNotExist }}
	torn := Source{Name: "torn.gz", Open: func(context.Context) (*Stream, error) {
		return &Stream{Reader: io.MultiReader(bytes.NewReader(kick), iotest.ErrReader(io.ErrUnexpectedEOF))}, nil
	}}
	_, events, errs := run(t, Options{Workers: 2}, gone, torn, memory("good.log", kick))
	wantEvents := "torn.gz:1 206 other_device_login \"\" 0\ngood.log:1 206 other_device_login \"\" 0\n"
	if diff := cmp.Diff(wantEvents, events); diff != "" {
		t.Error(diff)
	}
	wantErrs := []aggregate.InputError{{Source: "gone.log", Error: "file does not exist"}, {Source: "torn.gz", Error: "unexpected EOF"}}
	if diff := cmp.Diff(wantErrs, errs); diff != "" {
		t.Error(diff)
	}
}

func TestAnErrorOfEachEndsTheScan(t *testing.T) {
	data := bytes.Repeat([]byte(`{"error":{"type":206,"message":"x"}}`+"\n"), 10_000)
	full := errors.New("disk full")
	seen := 0
	_, err := Scan(t.Context(), []Source{memory("a", data), memory("b", data)}, aggregate.New(aggregate.Options{}), Options{
		Catalog: web, Workers: 3, PartSize: 4096,
		Each: func(*Record) error {
			if seen++; seen == 100 {
				return full
			}
			return nil
		},
	})
	if !errors.Is(err, full) || seen != 100 {
		t.Errorf("err %v after %d events, want %v after 100", err, seen, full)
	}
}

func TestACancelledScanKeepsWhatItRead(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	line := []byte(`{"error":{"type":206,"message":"x"}}` + "\n")
	total := aggregate.New(aggregate.Options{})
	endless := Source{Name: "endless", Open: func(context.Context) (*Stream, error) { return &Stream{Reader: &repeat{line: line}}, nil }}
	read := int64(0)
	_, err := Scan(ctx, []Source{endless}, total, Options{Catalog: web, PartSize: 1 << 16, Read: func(n int64) {
		if read += n; read > 1<<20 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("err = %v, want %v", err, context.Canceled)
	}
	if n := total.Result(aggregate.ResultOptions{}).Events; n < 20_000 {
		t.Errorf("%d events after a MiB", n)
	}
}

type repeat struct {
	line []byte
	at   int
}

func (r *repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.line[r.at]
		r.at = (r.at + 1) % len(r.line)
	}
	return len(p), nil
}

func TestAPeekSeesWhatASlowPipeGave(t *testing.T) {
	r, w := io.Pipe()
	peek := make(chan func(*aggregate.Tally))
	total := aggregate.New(aggregate.Options{})
	done := make(chan error)
	go func() {
		_, err := Scan(t.Context(), []Source{{Name: "stdin", Open: func(context.Context) (*Stream, error) { return &Stream{Reader: r}, nil }}},
			total, Options{Catalog: web, Peek: peek, Due: func() bool { return true }})
		done <- err
	}()
	line := `{"error":{"type":206,"message":"x"}}` + "\n"
	for range 3 {
		if _, err := io.WriteString(w, line); err != nil {
			t.Fatal(err)
		}
	}
	// The third line has been taken from the pipe, so the second has been handed on or is about to be.
	seen := make(chan int64, 1)
	for events := int64(0); events < 2; events = <-seen {
		peek <- func(tally *aggregate.Tally) { seen <- tally.Result(aggregate.ResultOptions{}).Events }
	}
	w.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestClasses(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		opt      Options
		want     aggregate.Lines
	}{
		{"an error", `{"error":{"type":206,"message":"x"}}`, Options{}, aggregate.Lines{Read: 1, WithError: 1}},
		{"no error", `{"msg":"ok"}` + "\n" + `plain text`, Options{}, aggregate.Lines{Read: 2, WithoutError: 2}},
		{"empty lines", "\n  \n\r\n", Options{}, aggregate.Lines{Read: 3, Empty: 3}},
		{"broken", `{"error":{"type":4711},,}`, Options{}, aggregate.Lines{Read: 1, Broken: 1}},
		{"an HTTP error", `{"error":{"type":"500"},"http":{"status":500}}`, Options{}, aggregate.Lines{Read: 1, Foreign: 1}},
		{"longer than a document may be", `{"error":{"type":206,"message":"` + strings.Repeat("x", 2000) + `"}}`, Options{MaxDocument: 1000}, aggregate.Lines{Read: 1, TooLong: 1}},
		{"deeper than anything", strings.Repeat(`{"type":{"a":`, 2000) + "1" + strings.Repeat("}}", 2000), Options{}, aggregate.Lines{Read: 1, Broken: 1}},
		{"a document of four lines, one of them blank", "{\n  \"error\": {\n\n    \"type\": 206, \"message\": \"x\"\n  }\n}\n", Options{}, aggregate.Lines{Read: 6, WithError: 6}},
		{"two documents on a line, one of them an error", `{"error":{"type":206,"message":"x"}} {"error":{"type":"500"},"http":{}}`, Options{}, aggregate.Lines{Read: 1, WithError: 1}},
		{"text is broken only if asked", "hello\n{\"a\":1}\n{\"a\":\n", Options{Validate: true}, aggregate.Lines{Read: 3, WithoutError: 1, Broken: 2}},
		{"text around JSON is no broken line", "ts=1 {\"a\":1}\n\n", Options{Validate: true}, aggregate.Lines{Read: 2, WithoutError: 1, Empty: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.opt.Catalog = web
			total := aggregate.New(aggregate.Options{})
			if _, err := Scan(t.Context(), []Source{memory("x", []byte(tc.in))}, total, tc.opt); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, total.Result(aggregate.ResultOptions{}).Lines); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFiltersCountWhatTheyLeaveOut(t *testing.T) {
	data := []byte(`{"error":{"type":206,"message":"x"}}` + "\n" + `{"error":{"type":217,"message":"x"}}` + "\n")
	total := aggregate.New(aggregate.Options{})
	if _, err := Scan(t.Context(), []Source{memory("x", data)}, total, Options{Catalog: web, Keep: func(r *Record) bool { return r.Code == 206 }}); err != nil {
		t.Fatal(err)
	}
	res := total.Result(aggregate.ResultOptions{})
	if res.Events != 1 || res.Filtered != 1 || res.Lines.WithError != 2 {
		t.Errorf("events %d, filtered %d, lines %+v", res.Events, res.Filtered, res.Lines)
	}
}
