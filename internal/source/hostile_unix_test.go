//go:build unix

package source

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What an archive is called says nothing.
func TestNamesOfArchivesMeanNothing(t *testing.T) {
	for _, tc := range []struct{ name, stored, encoding string }{
		{"app.log", packGzip(t, kick), "gzip"}, {"app.log.gz", kick, ""}, {"app.zst", packXz(t, kick), "xz"}, {"app.tar.gz", packZstd(t, kick), "zstd"},
	} {
		if text, encoding, _, err := read(t, write(t, tc.name, tc.stored)); text != kick || encoding != tc.encoding || err != nil {
			t.Errorf("%s: %q, %q, %v", tc.name, text, encoding, err)
		}
	}
}

// A header of gzip may hold 64 KiB beside a name and a comment without end.
func TestLongHeadersOfGzip(t *testing.T) {
	packed := packGzip(t, kick)
	extra := binary.LittleEndian.AppendUint16(nil, 65535)
	extra = append(extra, bytes.Repeat([]byte{'x'}, 65535)...)
	const flagExtra, flagName = 4, 8
	t.Run("extra", func(t *testing.T) {
		text, _, _, err := read(t, write(t, "x", packed[:3]+string(rune(flagExtra))+packed[4:10]+string(extra)+packed[10:]))
		if text != kick || err != nil {
			t.Errorf("%q, %v", text, err)
		}
	})
	t.Run("a name of 100 kB, which no file system has", func(t *testing.T) {
		_, _, _, err := read(t, write(t, "x", packed[:3]+string(rune(flagName))+packed[4:10]+strings.Repeat("n", 100_000)+"\x00"+packed[10:]))
		if err == nil || err.Error() != "x: gzip damaged: invalid header" {
			t.Error(err)
		}
	})
}

// Names may hold anything but a slash; they are found, read and told as they are: who prints them makes them harmless.
func TestHostileNames(t *testing.T) {
	names := []string{"\n.log", "-rf.log", "\x1b[2J.log", "\xff\xfe.log", "a b\t.log", "$(x)`y`.log", "*[?].log", "日志.log", strings.Repeat("n", 251) + ".log"}
	tree(t, "d/")
	for _, name := range names {
		if err := os.WriteFile(filepath.Join("d", name), []byte(kick), 0o600); err != nil {
			t.Skip(err) // a file system with rules of its own
		}
	}
	items, errs := Expand([]string{"d"})
	if len(items) != len(names) || errs != nil {
		t.Fatal(len(items), errs)
	}
	for _, it := range items {
		in, err := Open(it)
		if err != nil {
			t.Errorf("%q: %v", it.Name, err)
			continue
		}
		if text, err := io.ReadAll(in.Reader); string(text) != kick || err != nil {
			t.Errorf("%q: %q, %v", it.Name, text, err)
		}
		in.Close()
	}
}

func TestLinksInACircleAndSockets(t *testing.T) {
	tree(t, "d/a.log", "d/x.log -> y.log", "d/y.log -> x.log", "loop -> loop")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", "d/socket.log")
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	names, errs, skipped := expand("d")
	if len(names) != 1 || errs != nil || len(skipped) != 3 {
		t.Error(names, errs, skipped)
	}
	names, errs, _ = expand("loop", "d/socket.log") // named
	if len(names) != 0 || len(errs) != 2 || !strings.HasPrefix(errs[0], "loop: ") || errs[1] != "d/socket.log: is a socket" {
		t.Error(names, errs)
	}
}

// A file that is written, cut or deleted while it is read gives what was there, and no error that is none.
func TestFileChangesWhileItIsRead(t *testing.T) {
	path := write(t, "app.log", strings.Repeat(kick, 1000))
	in, err := Open(Item{Name: "app.log", Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	b := make([]byte, 5000)
	n, err := io.ReadFull(in.Reader, b)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(f, "more\n")
	f.Close()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(in.Reader)
	if want := strings.Repeat(kick, 1000) + "more\n"; err != nil || string(b[:n])+string(rest) != want {
		t.Errorf("%d bytes, want %d; %v", n+len(rest), len(want), err)
	}
	t.Run("cut", func(t *testing.T) {
		path := write(t, "app.log", strings.Repeat(kick, 1000))
		in, err := Open(Item{Name: "app.log", Path: path})
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(in.Reader); err != nil || !strings.HasPrefix(strings.Repeat(kick, 1000), string(text)) {
			t.Errorf("%d bytes, %v", len(text), err)
		}
		if n, err := in.ReaderAt.ReadAt(make([]byte, 100), 10_000); n != 0 || err != io.EOF {
			t.Errorf("behind the end: %d, %v", n, err)
		}
	})
}
