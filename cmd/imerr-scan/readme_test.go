package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// readmes are the README in each language, with the locale of its readers.
var readmes = []struct{ file, locale string }{{"README.md", "en_US.UTF-8"}, {"README.zh-CN.md", "zh_CN.UTF-8"}}

// TestReadme runs the commands in the README's console blocks and compares what they print with what stands there.
// -update writes it there.
func TestReadme(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh")
	}
	bin, top := t.TempDir(), samplesCopy(t)
	binary(t, bin)
	for _, r := range readmes {
		t.Run(r.file, func(t *testing.T) { checkReadme(t, r.file, r.locale, bin, top) })
	}
}

func checkReadme(t *testing.T, name, locale, bin, top string) {
	t.Helper()
	file := filepath.Join("..", "..", name)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```console\n(.*?)```")
	got := block.ReplaceAllFunc(text, func(b []byte) []byte {
		body := string(block.FindSubmatch(b)[1])
		var out strings.Builder
		out.WriteString("```console\n")
		for line := range strings.Lines(body) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				out.WriteString(line)
				out.WriteString(console(t, bin, top, locale, strings.TrimSpace(command)))
			}
		}
		out.WriteString("```")
		return []byte(out.String())
	})
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if masked(got) != masked(text) {
		t.Errorf("%[1]s shows other output than its commands print; see the difference with\n\tgo test ./cmd/imerr-scan -run TestReadme -update && git diff %[1]s", name)
	}
}

// TestReadmesAreInStep holds the READMEs together: section by section they have the same commands, code, links, rows and items, so
// that what is new in one is missed in the other.
func TestReadmesAreInStep(t *testing.T) {
	var outlines [][]string
	for _, r := range readmes {
		text, err := os.ReadFile(filepath.Join("..", "..", r.file))
		if err != nil {
			t.Fatal(err)
		}
		outlines = append(outlines, outline(string(text)))
	}
	if diff := cmp.Diff(outlines[0], outlines[1]); diff != "" {
		t.Errorf("%s and %s are out of step (-first +second):\n%s", readmes[0].file, readmes[1].file, diff)
	}
}

// outline is what a README has in any language, a line for each thing: headings by their level, commands, rows, items, code, links.
func outline(text string) []string {
	var out, spans []string
	flush := func() { // the order of words is another in each language
		slices.Sort(spans)
		out, spans = append(out, spans...), nil
	}
	prose := strings.Builder{}
	words := func() {
		for _, m := range regexp.MustCompile("(?s)`([^`]+)`|\\]\\(([^)]+)\\)").FindAllStringSubmatch(prose.String(), -1) {
			if !strings.HasPrefix(m[2], "README") { // each links to the other
				spans = append(spans, "  code "+strings.Join(strings.Fields(m[1]), " ")+" link "+m[2])
			}
		}
		prose.Reset()
		flush()
	}
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch fence := strings.HasPrefix(line, "```"); {
		case fence:
			words()
			inside = !inside
			out = append(out, line)
		case inside && strings.HasPrefix(line, "$ "):
			out = append(out, line)
		case inside: // what a command prints is in its own language
		case strings.HasPrefix(line, "    "):
			code, _, _ := strings.Cut(line, " #")
			out = append(out, strings.TrimSpace(code))
		case strings.HasPrefix(line, "#"):
			words()
			out = append(out, line[:strings.IndexByte(line, ' ')])
		case strings.HasPrefix(line, "|"), strings.HasPrefix(line, "- "):
			words()
			out = append(out, line[:1])
			prose.WriteString(line + "\n")
		default:
			prose.WriteString(line + "\n")
		}
	}
	words()
	return out
}

// samplesCopy returns a folder with a copy of the sample logs as they were written on one day: clocks without a date are of the
// day of their file, which a checkout makes anew.
func samplesCopy(t *testing.T) string {
	t.Helper()
	top := t.TempDir()
	if err := os.CopyFS(filepath.Join(top, "testdata"), os.DirFS("../../testdata")); err != nil {
		t.Fatal(err)
	}
	written := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	err := filepath.WalkDir(top, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(path, written, written))
	})
	if err != nil {
		t.Fatal(err)
	}
	return top
}

// console runs a command at the top of the project as on a terminal of 100 columns and returns its output without colour.
func console(t *testing.T, bin, top, locale, command string) string {
	t.Helper()
	screen := "1"
	if strings.Contains(command, "|") || strings.Contains(command, "-o ") {
		screen = ""
	}
	cmd := exec.Command("sh", "-c", strings.ReplaceAll(command, "go run ./cmd/imerr-scan", "imerr-scan"))
	cmd.Dir = top
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "COLUMNS=100", "CLICOLOR_FORCE="+screen, "NO_COLOR=",
		"LC_ALL="+locale, "IMERR_TZ=Asia/Shanghai", "IMERR_CONFIG=none")
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s: %v", command, err)
	}
	return string(regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAll(out, nil))
}

// masked hides what differs from run to run and from build to build: times and the version.
func masked(b []byte) string {
	b = regexp.MustCompile(`imerr-scan \S+ ·`).ReplaceAll(b, []byte("imerr-scan VERSION ·"))
	b = regexp.MustCompile(`[0-9.]+ (s|秒) +`).ReplaceAll(b, []byte("N $1 "))
	return string(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")))
}
