package source

import (
	"bytes"
	"errors"

	"imerr-scan/internal/lazyregexp"
)

// format is what the first bytes of an input, or of what was inside an archive, say that it is.
type format uint8

const (
	plainText format = iota
	gzipped
	bzipped
	xzipped
	zstdFrames
	lz4Frames
	tarball
	utf16LE
	utf16BE
)

// String is the name within Input.Encoding.
func (f format) String() string {
	return [...]string{"", "gzip", "bzip2", "xz", "zstd", "lz4", "tar", "utf-16", "utf-16"}[f]
}

// magics are the beginnings of formats that can be read, other than tar and text.
var magics = []struct {
	magic  string
	format format
}{
	{"\x1f\x8b\x08", gzipped},
	{"BZh", bzipped},
	{"\xfd7zXZ\x00", xzipped},
	{"\x28\xb5\x2f\xfd", zstdFrames},
	{"\x04\x22\x4d\x18", lz4Frames},
	{"\x02\x21\x4c\x18", lz4Frames}, // the legacy frame of lz4 -l
	{"\xff\xfe", utf16LE},
	{"\xfe\xff", utf16BE},
}

// foreign are beginnings of what is surely no log though it may hold few control characters.
var foreign = []string{
	"\x7fELF", "MZ", "\x89PNG", "\xff\xd8\xff", "GIF8", "RIFF", "%PDF-", "SQLite format 3\x00", "\xca\xfe\xba\xbe",
	"\xcf\xfa\xed\xfe", "\xce\xfa\xed\xfe", "\x00asm", "\xd4\xc3\xb2\xa1", "\x0a\x0d\x0d\x0a",
}

// sniff tells what head, the first bytes of an input, begins. device says that it is a device, which may give zeros without
// end. It returns an error with ErrNotText for what is no log.
func sniff(head []byte, device bool) (format, error) {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) && (m.format != bzipped || isBzip2(head)) {
			return m.format, nil
		}
	}
	switch {
	case skippable(head):
		return afterSkippable(head), nil
	case len(head) >= 262 && string(head[257:262]) == "ustar":
		return tarball, nil
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return 0, errors.New("a zip archive, skipped: unpack it first, as with unzip -p")
	case bytes.HasPrefix(head, []byte("7z\xbc\xaf\x27\x1c")):
		return 0, errors.New("a 7z archive, skipped: unpack it first")
	}
	for _, magic := range foreign {
		if bytes.HasPrefix(head, []byte(magic)) {
			return 0, notText(head)
		}
	}
	if f := wide(head); f != plainText {
		return f, nil
	}
	if !isText(head, device) {
		return 0, notText(head)
	}
	return plainText, nil
}

// isBzip2 tells an archive from a text that begins with BZh: after the level comes the magic of a block or of the end.
func isBzip2(head []byte) bool {
	return len(head) < 10 || head[3] >= '1' && head[3] <= '9' &&
		(string(head[4:10]) == "1AY&SY" || string(head[4:10]) == "\x17\x72\x45\x38\x50\x90")
}

// skippable says that head begins with a skippable frame, which zstd and lz4 share.
func skippable(head []byte) bool {
	return len(head) >= 8 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18"
}

// afterSkippable looks at what follows the skippable frames within head. zstd writes them more often.
func afterSkippable(head []byte) format {
	for skippable(head) {
		size := int64(head[4]) | int64(head[5])<<8 | int64(head[6])<<16 | int64(head[7])<<24
		if size+8 >= int64(len(head)) {
			return zstdFrames
		}
		head = head[8+size:]
	}
	if bytes.HasPrefix(head, []byte("\x04\x22\x4d\x18")) {
		return lz4Frames
	}
	return zstdFrames
}

// wide recognises UTF-16 without a byte order mark: nearly every other byte is NUL, as in JSON with ASCII keys, and the
// bytes between are not; in all of head as in its first line, which tells it from lines of UTF-16 behind others.
func wide(head []byte) format {
	f := widePart(head)
	if first := bytes.IndexByte(head, '\n'); f != plainText && first > 0 && widePart(head[:first]) != f {
		return plainText
	}
	if len(head) < 32 {
		return plainText
	}
	return f
}

func widePart(head []byte) format {
	n := len(head) &^ 1
	var nul [2]int
	for i, b := range head[:n] {
		if b == 0 {
			nul[i&1]++
		}
	}
	switch half := n / 2; {
	case nul[1] > half*2/5 && nul[0] == 0:
		return utf16LE
	case nul[0] > half*2/5 && nul[1] == 0:
		return utf16BE
	}
	return plainText
}

// isText says whether head could be the begin of a log in UTF-8, GBK or another encoding that keeps ASCII: at most one
// byte in twenty, and one more, is a control character. A file that was truncated under its writer begins with NULs, one that
// lost power has them in its middle, so holes do not count.
func isText(head []byte, device bool) bool {
	rest := withoutHoles(head)
	if len(rest) == 0 {
		return !device || len(head) == 0
	}
	control := 0
	for _, b := range rest {
		if b < ' ' && b != '\t' && b != '\n' && b != '\r' && b != '\f' && b != '\b' && b != 0x1b || b == 0x7f {
			control++
		}
	}
	return control <= len(rest)/20+1
}

// withoutHoles is head without the NULs that it begins with and without longer runs of them.
func withoutHoles(head []byte) []byte {
	rest := bytes.TrimLeft(head, "\x00")
	if !bytes.Contains(rest, hole) {
		return rest
	}
	var out []byte
	for part := range bytes.SplitSeq(rest, hole) {
		out = append(out, bytes.Trim(part, "\x00")...)
	}
	return out
}

// hole is as many NULs as no text has: of a file system's block at least this much is left.
var hole = make([]byte, 64)

// ours recognises what imerr-scan itself wrote beside the logs: saved results and state files.
var ours = lazyregexp.New(`^\s*\{\s*"schema"\s*:\s*"imerr-scan/|^imerr-scan/state/`)
