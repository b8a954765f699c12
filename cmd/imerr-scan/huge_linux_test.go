package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imerr-scan/internal/aggregate"
)

// huge writes text again and again, n bytes or a little more.
func huge(w io.Writer, text string, n int) error {
	block := []byte(strings.Repeat(text, 1+(256<<10)/len(text)))
	for ; n > 0; n -= len(block) {
		if _, err := w.Write(block); err != nil {
			return err
		}
	}
	return nil
}

// TestHugeInputs pipes up to a GiB (32 MiB if short) of the worst into the program: it ends, stays within 64 MiB of resident memory, and
// what comes behind counts.
func TestHugeInputs(t *testing.T) {
	if raced {
		t.Skip("memory is not that of the program under the race detector")
	}
	const most = 64 << 10 // KiB
	size := 1 << 30
	if testing.Short() {
		size = 32 << 20
	}
	const good = `{"error":{"type":217}}` + "\n"
	bin := binary(t, t.TempDir())
	for _, tc := range []struct {
		name  string
		write func(w io.Writer) error
		want  aggregate.Lines // -1: some
		codes map[int32]int64
	}{
		{"a line without end", func(w io.Writer) error { return huge(w, "x", size) }, aggregate.Lines{Read: 2, WithError: 1, TooLong: 1}, nil},
		{"a record without end", func(w io.Writer) error {
			_, err := io.WriteString(w, `{"error":{"type":206},"x":"`)
			return firstError(err, huge(w, "x", size))
		}, aggregate.Lines{Read: 2, WithError: 1, TooLong: 1}, nil},
		{"brackets that open", func(w io.Writer) error { return huge(w, "[", size) }, aggregate.Lines{Read: 2, WithError: 1, TooLong: 1}, nil},
		{"keys and keys", func(w io.Writer) error { return huge(w, `"type":206,`, size/4) }, aggregate.Lines{Read: 2, WithError: 1, TooLong: 1}, nil},
		{"line ends", func(w io.Writer) error { return huge(w, "\n", size) }, aggregate.Lines{Read: -1, WithError: 1, Empty: -1}, nil},
		{"a hole", func(w io.Writer) error { return huge(w, "\x00", size) }, aggregate.Lines{Read: 1, WithError: 1}, nil},
		{"an array on a line", func(w io.Writer) error {
			_, err := io.WriteString(w, "[")
			return firstError(err, huge(w, `{"error":{"type":206}},`, size/64))
		}, aggregate.Lines{Read: 2, WithError: 2}, map[int32]int64{206: -1}},
		{"pretty-printed without end", func(w io.Writer) error {
			_, err := io.WriteString(w, "{\n")
			return firstError(err, huge(w, "  \"type\": 206,\n", size/16))
		}, aggregate.Lines{Read: -1, WithError: 1, WithoutError: -1, Empty: 1}, nil},
		{"errors, each of another user, version and value", func(w io.Writer) error {
			for i := range size / 2048 {
				if _, err := fmt.Fprintf(w, `{"time":"2026-11-23T%02d:%02d:%02dZ","user":"u%d","version":"%d","error":{"type":"V%d"}}`+"\n", i%24, i%60, i%59, i, i, i); err != nil {
					return err
				}
			}
			return nil
		}, aggregate.Lines{Read: -1, WithError: -1}, nil},
		{"a bomb", func(w io.Writer) error {
			z := gzip.NewWriter(w)
			err := firstError(huge(z, "\n", size/16), z.Close())
			z.Reset(w) // a second member
			_, werr := io.WriteString(z, good)
			return firstError(err, werr, z.Close())
		}, aggregate.Lines{Read: -1, WithError: 1, Empty: -1}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, peak := feed(t, bin, func(w io.Writer) error {
				err := tc.write(w)
				if tc.name != "a bomb" {
					between := "\n"
					if tc.name == "a hole" || tc.name == "line ends" || strings.HasPrefix(tc.name, "errors") {
						between = ""
					}
					_, werr := io.WriteString(w, between+good)
					err = firstError(err, werr)
				}
				return err
			})
			var res aggregate.Result
			if err := json.Unmarshal(out, &res); err != nil {
				t.Fatalf("%v in %.300s", err, out)
			}
			if res.Lines.Sum() != res.Lines.Read {
				t.Errorf("lines: %+v", res.Lines)
			}
			got := res.Lines
			for _, n := range []struct{ want, got *int64 }{{&tc.want.Read, &got.Read}, {&tc.want.WithError, &got.WithError}, {&tc.want.WithoutError, &got.WithoutError}, {&tc.want.TooLong, &got.TooLong}, {&tc.want.Empty, &got.Empty}} {
				if *n.want == -1 && *n.got > 0 {
					*n.want = *n.got
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("lines, want (-), got (+):\n%s", diff)
			}
			codes := map[int32]int64{217: 1}
			seen := map[int32]int64{}
			for _, c := range res.Codes {
				seen[c.Code] = c.Count
			}
			for code, n := range tc.codes {
				if codes[code] = n; n == -1 {
					codes[code] = seen[code]
				}
			}
			if diff := cmp.Diff(codes, seen); diff != "" {
				t.Errorf("codes, want (-), got (+):\n%s", diff)
			}
			t.Logf("peak %d MiB", peak>>10)
			if peak > most {
				t.Errorf("peak of resident memory %d KiB, want at most %d", peak, most)
			}
		})
	}
}

// TestManyWorkersReadErrorsAloneInBoundedMemory: nothing but errors, each of another user, at times of five years, of ever new versions,
// in files that are read in parts by eight workers, whose findings all have to be merged. Of the 64 MiB that a scan may have, the
// file of the program is 15; this one, with all tests in it, is larger, so that what counts here is memory without a file.
func TestManyWorkersReadErrorsAloneInBoundedMemory(t *testing.T) {
	if raced || testing.Short() {
		t.Skip("memory is not that of the program under the race detector; takes 10 s")
	}
	const most, lines = (64 - 15) << 10, 200_000
	dir := t.TempDir()
	codes := []int{206, 217, 509, 39, 507, 512, 28, -1, 704, 606, 1, 17, 40, 2, 602, 505, 221, 216, 101, 504, 508, 501, 220, 219}
	for name, line := range map[string]func(i int) string{
		"users.log": func(i int) string {
			return fmt.Sprintf(`{"time":%d,"level":"error","user":"user%d_%d","device":"d%d","error":{"type":%d,"message":"x"}}`, 1760000000000+i*50, i, i*7919, i, codes[i%len(codes)])
		},
		"times.log": func(i int) string {
			return fmt.Sprintf(`{"time":%d,"level":"error","user":"user%d_%d","error":{"type":%d,"message":"x"}}`, 1610000000000+i*7919%200_000*788_400, i, i*7919, codes[i*31%len(codes)])
		},
		"versions.log": func(i int) string {
			return fmt.Sprintf(`{"time":%d,"user":"user%d_%d","version":"%d.%d.%d","platform":"p%d","error":{"type":%d,"message":"x"}}`, 1760000000000+i*50, i, i*7919, i%97, i%89, i, i, codes[i%len(codes)])
		},
	} {
		var b bytes.Buffer
		for i := range lines {
			b.WriteString(line(i))
			b.WriteByte('\n')
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bin := binary(t, t.TempDir())
	for _, output := range []string{"json", "ndjson"} {
		cmd := exec.CommandContext(t.Context(), bin, "-j", "8", "-o", output, "--config", "none", "--no-alerts", "-q", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stop := watchStatus(cmd.Process.Pid, "RssAnon:")
		events := 0
		if output == "json" {
			var res aggregate.Result
			if err := json.NewDecoder(out).Decode(&res); err != nil {
				t.Fatal(err)
			}
			events = int(res.Events)
		} else {
			for lines := bufio.NewScanner(out); lines.Scan(); events++ {
			}
		}
		err = cmd.Wait()
		peak := stop()
		if err != nil || events != 3*lines {
			t.Errorf("%s: %v, %d events, want %d", output, err, events, 3*lines)
		}
		if t.Logf("%s: peak %d MiB", output, peak>>10); peak > most {
			t.Errorf("%s: peak of resident memory %d KiB, want at most %d", output, peak, most)
		}
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// feed runs imerr-scan -o json on what write writes and returns what it prints and the peak of its resident memory in KiB.
func feed(t *testing.T, bin string, write func(io.Writer) error) (out []byte, peak int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), bin, "-o", "json", "--config", "none", "--no-alerts", "-q", "-")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { written <- firstError(write(in), in.Close()) }()
	stop := watchPeak(cmd.Process.Pid)
	werr := <-written
	err = cmd.Wait()
	peak = stop()
	if err != nil || werr != nil {
		t.Fatalf("%v, writing: %v\n%s", err, werr, stderr.Bytes())
	}
	return stdout.Bytes(), peak
}

// watchPeak watches a process until stop is called, which returns the peak of its resident memory in KiB.
func watchPeak(pid int) (stop func() int) { return watchStatus(pid, "VmHWM:") }

// watchStatus watches one of the figures in KiB that the kernel has of a process until stop is called, which returns the most.
func watchStatus(pid int, figure string) (stop func() int) {
	ended, watched := make(chan struct{}), make(chan int, 1)
	go func() {
		peak := 0
		for {
			select {
			case <-ended:
				watched <- peak
				return
			case <-time.After(2 * time.Millisecond):
				status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
				if _, after, ok := strings.Cut(string(status), figure); err == nil && ok {
					now := 0
					_, _ = fmt.Sscan(after, &now)
					peak = max(peak, now)
				}
			}
		}
	}()
	return func() int {
		close(ended)
		return <-watched
	}
}
