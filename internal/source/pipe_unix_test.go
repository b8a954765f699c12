//go:build unix

package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
)

func fifo(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFifoInFolderIsNotOpened(t *testing.T) {
	tree(t, "d/a.log")
	fifo(t, "d/pipe")
	for _, args := range [][]string{{"d"}, {"d/*"}} {
		names, errs, skipped := expand(args...)
		if len(names) != 1 || errs != nil || len(skipped) != 1 || skipped[0] != "d/pipe: not a file" {
			t.Error(args, names, errs, skipped)
		}
	}
}

// A file that turned into a FIFO between Expand and Open must not keep the run waiting.
func TestFileTurnsFifo(t *testing.T) {
	tree(t, "d/a.log")
	items, _ := Expand([]string{"d"})
	os.Remove("d/a.log")
	fifo(t, "d/a.log")
	if _, err := Open(items[0]); err == nil || err.Error() != "d/a.log: not a file any more" {
		t.Error(err)
	}
}

func TestFifoByNameIsRead(t *testing.T) {
	tree(t)
	fifo(t, "pipe")
	done := make(chan error)
	go func() {
		w, err := os.OpenFile("pipe", os.O_WRONLY, 0)
		if err == nil {
			_, err = io.WriteString(w, kick)
			err = errors.Join(err, w.Close())
		}
		done <- err
	}()
	items, errs := Expand([]string{"pipe"})
	if len(items) != 1 || errs != nil || items[0].Size != -1 {
		t.Fatal(items, errs)
	}
	text, _, at, err := read(t, "pipe")
	if text != kick || at || err != nil {
		t.Errorf("%q, ReaderAt %v, %v", text, at, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestWaitingForAPipeEndsWithContext(t *testing.T) {
	tree(t)
	fifo(t, "pipe")
	t.Run("for its writer", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		_, err := OpenContext(ctx, Item{Name: "pipe", Path: "pipe"})
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Run("for its bytes", func(t *testing.T) {
		hold, err := os.OpenFile("pipe", os.O_RDWR, 0) // a writer that writes one line and stays
		if err != nil {
			t.Fatal(err)
		}
		defer hold.Close()
		ctx, cancel := context.WithCancel(t.Context())
		io.WriteString(hold, kick)
		in, err := OpenContext(ctx, Item{Name: "pipe", Path: "pipe"})
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		b := make([]byte, 1000)
		if n, err := in.Reader.Read(b); string(b[:n]) != kick || err != nil {
			t.Fatalf("%q, %v", b[:n], err)
		}
		go cancel()
		if _, err := in.Reader.Read(b); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// stdin as the shell hands it over: a pipe of our own process stands for it.
func TestStdinPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	old := os.Stdin
	os.Stdin = r
	defer func() { os.Stdin = old }()
	io.WriteString(w, kick)
	w.Close()
	items, errs := Expand([]string{"-", "-"})
	if len(items) != 1 || errs != nil || items[0].Name != "stdin" || items[0].Path != "" {
		t.Fatal(items, errs)
	}
	in, err := Open(items[0])
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(in.Reader)
	if string(b) != kick || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}

// A log that was truncated under its writer begins with NULs also when it comes through a pipe; a device gives them for ever.
func TestHoleThroughAPipe(t *testing.T) {
	tree(t)
	fifo(t, "pipe")
	want := strings.Repeat("\x00", 3*headBytes) + kick
	go func() {
		if w, err := os.OpenFile("pipe", os.O_WRONLY, 0); err == nil {
			io.WriteString(w, want)
			w.Close()
		}
	}()
	if text, _, _, err := read(t, "pipe"); text != want || err != nil {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	if _, err := os.Stat("/dev/zero"); err == nil {
		if _, err := Open(Item{Name: "zero", Path: "/dev/zero"}); !errors.Is(err, ErrNotText) {
			t.Error(err)
		}
	}
}

func TestStdinFileIsReadFromWhereItStands(t *testing.T) {
	path := write(t, "x", "first\nsecond\n")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.Seek(6, io.SeekStart)
	old := os.Stdin
	os.Stdin = f
	defer func() { os.Stdin = old }()
	in, err := Open(Item{Name: "stdin"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(in.Reader)
	if string(b) != "second\n" || err != nil || in.ReaderAt != nil {
		t.Errorf("%q, %v, ReaderAt %v", b, err, in.ReaderAt != nil)
	}
}

func TestFollowPipes(t *testing.T) {
	tree(t, "app.log")
	fifo(t, "pipe")
	w, err := os.OpenFile("pipe", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("to the end", func(t *testing.T) {
		c := newConsumer(t, []string{"pipe"}, Snapshot{}, FollowOptions{Block: 7})
		defer c.f.Close()
		var want []string
		for i := range 100 {
			want = append(want, fmt.Sprint(i))
			fmt.Fprintln(w, i)
			c.step()
		}
		for len(c.counts) == 0 { // the pipe is open on our side too
			c.step()
		}
		w.Close()
		for {
			ev, err := c.f.Next(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			c.handle(ev)
		}
		c.check(want)
		if len(c.open) != 0 {
			t.Error("no End")
		}
	})
	t.Run("Close while the writer is silent", func(t *testing.T) {
		w, err := os.OpenFile("pipe", os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		c := newConsumer(t, []string{"app.log", "pipe"}, Snapshot{}, FollowOptions{})
		io.WriteString(w, "one\n")
		for c.counts["one"] == 0 || c.counts[strings.TrimSpace(kick)] == 0 {
			c.step()
		}
		if n := len(c.f.State(c.mark).Files); n != 1 {
			t.Errorf("%d positions, want that of the file", n)
		}
		c.f.Close() // waits for the goroutine
	})
	t.Run("Close while there is no writer", func(t *testing.T) {
		c := newConsumer(t, []string{"pipe"}, Snapshot{}, FollowOptions{})
		c.step()
		c.f.Close()
	})
}
