package source

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"
)

const kick = `{"error":{"type":206,"message":"挤下线"}}` + "\n"

// pack puts data into an archive by a writer of its format.
func pack[W io.WriteCloser](t rapid.TB, data string, open func(io.Writer) (W, error)) string {
	t.Helper()
	var buf bytes.Buffer
	w, err := open(&buf)
	if err == nil {
		_, err = io.WriteString(w, data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func packGzip(t rapid.TB, s string) string {
	return pack(t, s, func(w io.Writer) (*gzip.Writer, error) { return gzip.NewWriter(w), nil })
}

func packZstd(t rapid.TB, s string) string {
	return pack(t, s, func(w io.Writer) (*zstd.Encoder, error) { return zstd.NewWriter(w) })
}

func packXz(t rapid.TB, s string) string {
	return pack(t, s, func(w io.Writer) (*xz.Writer, error) { return xz.NewWriter(w) })
}

func packLz4(t rapid.TB, s string) string {
	return pack(t, s, func(w io.Writer) (*lz4.Writer, error) { return lz4.NewWriter(w), nil })
}

func packUTF16(t rapid.TB, s string, e unicode.Endianness, bom unicode.BOMPolicy) string {
	out, err := unicode.UTF16(e, bom).NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func packTar(t rapid.TB, files ...string) string {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for i := 0; i < len(files); i += 2 {
		h := &tar.Header{Name: files[i], Mode: 0o600, Size: int64(len(files[i+1])), Typeflag: tar.TypeReg}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, files[i+1])
	}
	w.Close()
	return buf.String()
}

// kickBzip2 is kick as bzip2 1.0.8 packs it; there is no writer in the standard library.
const kickBzip2 = "QlpoOTFBWSZTWXdPvEgAABBZ2QAQEARRECKC3CoADAQAAFCFgCAAMUaGgAAAMbUNGn6pjTKMTaJDSSPdcAEBrSVNjMoqhHB3CrFd7Ythmblsi7kinChIO6feJAA="

func unbase64(t rapid.TB, s string) string {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// write makes a file in a new folder and returns its path.
func write(t testing.TB, name, data string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// read opens path by name and reads it to its end.
func read(t testing.TB, path string) (text, encoding string, at bool, err error) {
	t.Helper()
	in, err := Open(Item{Name: filepath.Base(path), Path: path})
	if err != nil {
		return "", "", false, err
	}
	defer in.Close()
	b, err := io.ReadAll(in.Reader)
	return string(b), in.Encoding, in.ReaderAt != nil, err
}

func TestOpenTakesEncodingsOff(t *testing.T) {
	long := strings.Repeat(kick, 20000)
	skip := "\x52\x2a\x4d\x18\x03\x00\x00\x00abc"
	tests := []struct {
		name, stored, want, encoding string
		at                           bool
	}{
		{"plain", kick, kick, "", true},
		{"empty", "", "", "", true},
		{"bom", "\ufeff" + kick, "\ufeff" + kick, "", true},
		{"begin lost to copytruncate", strings.Repeat("\x00", 8192) + kick, strings.Repeat("\x00", 8192) + kick, "", true},
		{"a hole where power was lost", "one\n" + strings.Repeat("\x00", 4000) + kick, "one\n" + strings.Repeat("\x00", 4000) + kick, "", true},
		{"all of it a hole", strings.Repeat("\x00", 5000), strings.Repeat("\x00", 5000), "", true},
		{"text in GBK", "\xbc\xb7\xcf\xc2\xcf\xdf {\"error\":{}}\n", "\xbc\xb7\xcf\xc2\xcf\xdf {\"error\":{}}\n", "", true},
		{"colours of a terminal", "\x1b[31merror\x1b[0m\n", "\x1b[31merror\x1b[0m\n", "", true},
		{"text that begins with BZh", "BZhang joined\n", "BZhang joined\n", "", true},
		{"gzip", packGzip(t, long), long, "gzip", false},
		{"gzip of several members", packGzip(t, kick) + packGzip(t, kick), kick + kick, "gzip", false},
		{"gzip of nothing", packGzip(t, ""), "", "gzip", false},
		{"bzip2", unbase64(t, kickBzip2), kick, "bzip2", false},
		{"bzip2 of several streams", strings.Repeat(unbase64(t, kickBzip2), 2), kick + kick, "bzip2", false},
		{"xz", packXz(t, long), long, "xz", false},
		{"xz of several streams, padded", packXz(t, kick) + "\x00\x00\x00\x00" + packXz(t, kick), kick + kick, "xz", false},
		{"zstd", packZstd(t, long), long, "zstd", false},
		{"zstd of several frames", packZstd(t, kick) + skip + packZstd(t, kick), kick + kick, "zstd", false},
		{"zstd after a skippable frame", skip + packZstd(t, kick), kick, "zstd", false},
		{"lz4", packLz4(t, long), long, "lz4", false},
		{"lz4 of several frames", packLz4(t, kick) + packLz4(t, kick), kick + kick, "lz4", false},
		{"lz4 after a skippable frame", skip + packLz4(t, kick), kick, "lz4", false},
		{"utf-16 little endian", packUTF16(t, long, unicode.LittleEndian, unicode.UseBOM), long, "utf-16", false},
		{"utf-16 big endian", packUTF16(t, kick, unicode.BigEndian, unicode.UseBOM), kick, "utf-16", false},
		{"utf-16 without a mark", packUTF16(t, kick, unicode.LittleEndian, unicode.IgnoreBOM), kick, "utf-16", false},
		{"utf-16 big endian without a mark", packUTF16(t, kick, unicode.BigEndian, unicode.IgnoreBOM), kick, "utf-16", false},
		{"utf-16 cut within a character", packUTF16(t, kick, unicode.LittleEndian, unicode.UseBOM) + "a", kick + "\ufffd", "utf-16", false},
		{"gzip of utf-16", packGzip(t, packUTF16(t, kick, unicode.LittleEndian, unicode.UseBOM)), kick, "gzip+utf-16", false},
		{"gzip of gzip", packGzip(t, packGzip(t, kick)), kick, "gzip+gzip", false},
		{"tar", packTar(t, "a.log", "one", "b.log", "two\n"), "one\ntwo\n", "tar", false},
		{"tar in gzip with archives, programs and documents", packGzip(t, packTar(t,
			"README.md", "no", "a.log", "one", "app", "\x7fELF\x02", "empty.log", "", "b.log.gz", packGzip(t, "two\n"), "c.log.zst", packZstd(t, "three"))),
			"one\ntwo\nthree", "gzip+tar", false},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			text, encoding, at, err := read(t, write(t, "x", tc.stored))
			if err != nil {
				t.Fatal(err)
			}
			if text != tc.want {
				t.Errorf("read %d bytes %.80q, want %d bytes %.80q", len(text), text, len(tc.want), tc.want)
			}
			if encoding != tc.encoding || at != tc.at {
				t.Errorf("encoding %q, ReaderAt %v; want %q, %v", encoding, at, tc.encoding, tc.at)
			}
		})
	}
}

func TestCutOffArchives(t *testing.T) {
	var b strings.Builder
	for i := range 8000 {
		fmt.Fprintf(&b, "%d %x\n", i, i*i*7919)
	}
	text, short := b.String(), b.String()[:4000]
	lz4Blocks := pack(t, text, func(w io.Writer) (*lz4.Writer, error) {
		z := lz4.NewWriter(w)
		return z, z.Apply(lz4.BlockSizeOption(lz4.Block64Kb))
	})
	xzBlocks := pack(t, short, func(w io.Writer) (*xz.Writer, error) {
		return xz.WriterConfig{BlockSize: 1000, DictCap: 1 << 16}.NewWriter(w)
	})
	for _, tc := range []struct{ name, stored, whole string }{
		{"gzip", packGzip(t, text), text},
		{"zstd", packZstd(t, text), text},
		{"lz4", lz4Blocks, text},
		{"xz", xzBlocks, short},
		{"bzip2", unbase64(t, kickBzip2), kick},
	} {
		t.Run(tc.name, func(t *testing.T) {
			step := 1 + len(tc.stored)/700
			if testing.Short() {
				step = 1 + len(tc.stored)/100
			}
			for n := 12; n < len(tc.stored); n += step {
				in := Input{Reader: strings.NewReader(tc.stored[:n])}
				format, err := sniff([]byte(tc.stored[:min(n, headBytes)]), false)
				if err != nil {
					t.Fatal(err)
				}
				var got []byte
				d := decoder{}
				in.Reader, err = d.decode(in.Reader, format)
				if err == nil {
					got, err = io.ReadAll(in.Reader)
				}
				d.Close()
				if err == nil {
					t.Fatalf("cut at %d of %d: read as if it were whole", n, len(tc.stored))
				}
				if !errors.Is(err, io.ErrUnexpectedEOF) || err.Error() != tc.name+" cut off; what came before was read" {
					t.Fatalf("cut at %d of %d: %v", n, len(tc.stored), err)
				}
				if !strings.HasPrefix(tc.whole, string(got)) {
					t.Fatalf("cut at %d: read what is not in it, %d bytes", n, len(got))
				}
			}
		})
	}
}

// The name of a file stands in the header of a member, and where it ends nothing tells the end of the input from one of all.
func TestGzipCutOffInTheNameOfAFile(t *testing.T) {
	named := pack(t, kick, func(w io.Writer) (*gzip.Writer, error) {
		z := gzip.NewWriter(w)
		z.Name, z.Comment = "app.log", "of yesterday"
		return z, nil
	})
	for n := 11; n < 10+len("app.log+of yesterday+"); n++ {
		for _, before := range []string{"", kick} {
			stored := named[:n]
			if before != "" {
				stored = packGzip(t, before) + stored
			}
			text, _, _, err := read(t, write(t, "x", stored))
			if !errors.Is(err, io.ErrUnexpectedEOF) || text != before {
				t.Errorf("cut at %d behind %d bytes: %q, %v", n, len(before), text, err)
			}
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	good := packGzip(t, strings.Repeat(kick, 1000))
	bent := []byte(good)
	bent[len(bent)-8] ^= 1 // of the checksum
	hugeXz := []byte(packXz(t, kick))
	hugeXz[12+4] = 40 // dictionary of 4 GiB, in the first block's header
	longXz := []byte(packXz(t, strings.Repeat(kick, 9)))
	longXz[12+12+4] += 16 // length of the first chunk: the library does without what it says
	huge := packZstd(t, kick)
	huge = huge[:4] + "\x00\x98" + huge[6:] // no single segment, window 2^29
	nested := kick
	for range maxLayers + 1 {
		nested = packGzip(t, nested)
	}
	for _, tc := range []struct{ name, stored, want string }{
		{"program", "\x7fELF\x02\x01\x01", "x: not text (first bytes 7f 45 4c 46), skipped"},
		{"a program with holes", "\x01\x02\x03\x04" + strings.Repeat("\x00", 3000) + "abc", "x: not text (first bytes 01 02 03 04), skipped"},
		{"utf-16 behind a line of utf-8", `{"a":1}` + "\n" + packUTF16(t, kick, unicode.LittleEndian, unicode.IgnoreBOM), "x: not text (first bytes 7b 22 61 22), skipped"},
		{"noise", "\x01\x02\x03\x04\x05 abc", "x: not text (first bytes 01 02 03 04), skipped"},
		{"program in gzip", packGzip(t, "\x7fELF\x02\x01\x01"), "x: not text (first bytes 7f 45 4c 46), skipped"},
		{"zip", "PK\x03\x04\x14\x00", "x: a zip archive, skipped: unpack it first, as with unzip -p"},
		{"gzip with a wrong checksum", string(bent), "x: gzip damaged: invalid checksum"},
		{"gzip with something behind it", good + "garbage behind it", "x: gzip damaged: invalid header"},
		{"xz that wants 4 GiB", string(hugeXz), "x: xz needs a window of more than 64 MiB"},
		{"xz with a wrong size in it", string(longXz) + packXz(t, kick), "x: xz damaged: the sizes of its parts do not agree"},
		{"zstd that wants 512 MiB", huge, "x: zstd needs a window of more than 64 MiB"},
		{"archives without end", nested, "x: more than 5 archives within each other (gzip+gzip+gzip+gzip+gzip)"},
		{"tar cut off", packTar(t, "a.log", strings.Repeat(kick, 100))[:1000], "x: tar cut off; what came before was read"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, _, err := read(t, write(t, "x", tc.stored))
			if err == nil || err.Error() != tc.want {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
	t.Run("vanished", func(t *testing.T) {
		_, err := Open(Item{Name: "app.log", Path: filepath.Join(t.TempDir(), "app.log")})
		if !errors.Is(err, fs.ErrNotExist) || err.Error() != "app.log: no such file or directory" {
			t.Error(err)
		}
	})
	t.Run("folder", func(t *testing.T) {
		_, err := Open(Item{Name: "logs", Path: t.TempDir()})
		if err == nil || err.Error() != "logs: is a directory" {
			t.Error(err)
		}
	})
	t.Run("permission", func(t *testing.T) {
		if os.Getuid() == 0 {
			t.Skip("root may read everything")
		}
		path := write(t, "app.log", kick)
		os.Chmod(path, 0)
		if _, err := Open(Item{Name: "app.log", Path: path}); err == nil || err.Error() != "app.log: permission denied" {
			t.Error(err)
		}
	})
}

// A bomb is harmless for memory, as everything is a stream; it has to end when the user says so.
func TestBombEndsWithContext(t *testing.T) {
	bomb := packZstd(t, strings.Repeat("\n", 64<<20))
	path := write(t, "x", strings.Repeat(bomb, 1000)) // 64 GiB
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	in, err := OpenContext(ctx, Item{Name: "x", Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	b := make([]byte, 256<<10)
	for i := 0; err == nil; i++ {
		if i == 10 {
			cancel()
		}
		_, err = in.Reader.Read(b)
	}
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{packGzip(f, kick), packXz(f, kick), packZstd(f, kick), packLz4(f, kick), unbase64(f, kickBzip2),
		packTar(f, "a.log", kick), packUTF16(f, kick, unicode.LittleEndian, unicode.UseBOM)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		format, err := sniff(b[:min(len(b), headBytes)], false)
		if err != nil {
			return
		}
		var d decoder
		defer d.Close()
		r, err := d.decode(bytes.NewReader(b), format)
		if err != nil {
			return
		}
		n, err := io.Copy(io.Discard, io.LimitReader(r, 1<<20))
		if format == plainText && (err != nil || n != int64(min(len(b), 1<<20))) {
			t.Errorf("plain text: %d bytes, %v; want %d", n, err, len(b))
		}
	})
}

// A text packed in two members comes back. Cut off, it gives the begin of the text and an error, unless the cut is between the
// two; with a bit flipped an error, or the text all the same.
func FuzzPacked(f *testing.F) {
	packers := []func(rapid.TB, string) string{ // with little memory, which is what they would spend their time on
		packGzip,
		func(t rapid.TB, s string) string {
			return pack(t, s, func(w io.Writer) (*zstd.Encoder, error) {
				return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<16))
			})
		},
		func(t rapid.TB, s string) string {
			return pack(t, s, func(w io.Writer) (*xz.Writer, error) {
				return xz.WriterConfig{DictCap: 1 << 16, BlockSize: 1000}.NewWriter(w)
			})
		},
		func(t rapid.TB, s string) string {
			return pack(t, s, func(w io.Writer) (*lz4.Writer, error) {
				z := lz4.NewWriter(w)
				return z, z.Apply(lz4.BlockSizeOption(lz4.Block64Kb))
			})
		},
	}
	for i := range packers {
		f.Add([]byte(kick+kick), uint8(i), uint16(len(kick)), uint32(1<<20), uint32(0))
		f.Add([]byte(strings.Repeat(kick, 40)), uint8(i), uint16(7), uint32(90), uint32(0))
		f.Add([]byte(strings.Repeat("a", 5000)), uint8(i), uint16(0), uint32(1<<20), uint32(200))
	}
	f.Fuzz(func(t *testing.T, text []byte, packer uint8, split uint16, cut, flip uint32) {
		if f, err := sniff(text[:min(len(text), headBytes)], false); err != nil || f != plainText || len(text) > 1<<13 {
			return
		}
		pack, at := packers[int(packer)%len(packers)], min(int(split), len(text))
		first := pack(t, string(text[:at]))
		whole := first + pack(t, string(text[at:]))
		stored := []byte(whole[:min(int(cut), len(whole))])
		full, members := text, len(stored) == len(whole)
		if len(stored) == len(first) {
			full, members = text[:at], true
		}
		flipped := flip > 0 && int(flip/8) < len(stored)
		if int(packer)%len(packers) == 1 && flip == 4*8+2 {
			return // a frame that says by now that it has no checksum, and may be cut off just there
		}
		if flipped {
			stored[flip/8] ^= 1 << (flip % 8)
		}
		want, err := sniff([]byte(whole[:min(len(whole), headBytes)]), false)
		if err != nil {
			t.Fatal(err)
		}
		if f, err := sniff(stored[:min(len(stored), headBytes)], false); err != nil || f != want {
			return
		}

		var d decoder
		defer d.Close()
		var got []byte
		r, err := d.decode(bytes.NewReader(stored), want)
		if err == nil {
			got, err = io.ReadAll(r)
		}
		switch {
		case err == nil && !bytes.Equal(got, full):
			t.Errorf("%d of %d bytes, no error", len(got), len(full))
		case !flipped && !bytes.HasPrefix(full, got):
			t.Errorf("%d bytes that are not in it, %v", len(got), err)
		case !flipped && members && err != nil:
			t.Error(err)
		}
	})
}
