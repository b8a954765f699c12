package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestReadme runs the commands in the README's console blocks and compares what they print with what stands there.
// -update writes it there.
func TestReadme(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh")
	}
	const file = "../../README.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	bin, top := t.TempDir(), samplesCopy(t)
	binary(t, bin)
	block := regexp.MustCompile("(?s)```console\n(.*?)```")
	got := block.ReplaceAllFunc(text, func(b []byte) []byte {
		body := string(block.FindSubmatch(b)[1])
		var out strings.Builder
		out.WriteString("```console\n")
		for line := range strings.Lines(body) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				out.WriteString(line)
				out.WriteString(console(t, bin, top, strings.TrimSpace(command)))
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
		t.Errorf("the README shows other output than its commands print; see the difference with\n\tgo test ./cmd/imerr-scan -run TestReadme -update && git diff README.md")
	}
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
func console(t *testing.T, bin, top, command string) string {
	t.Helper()
	screen := "1"
	if strings.Contains(command, "|") || strings.Contains(command, "-o ") {
		screen = ""
	}
	cmd := exec.Command("sh", "-c", strings.ReplaceAll(command, "go run ./cmd/imerr-scan", "imerr-scan"))
	cmd.Dir = top
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "COLUMNS=100", "CLICOLOR_FORCE="+screen, "NO_COLOR=",
		"LC_ALL=en_US.UTF-8", "IMERR_TZ=Asia/Shanghai", "IMERR_CONFIG=none")
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s: %v", command, err)
	}
	return string(regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAll(out, nil))
}

// masked hides what differs from run to run and from build to build: times and the version.
func masked(b []byte) string {
	b = regexp.MustCompile(`imerr-scan \S+ ·`).ReplaceAll(b, []byte("imerr-scan VERSION ·"))
	b = regexp.MustCompile(`[0-9.]+ s +`).ReplaceAll(b, []byte("N s "))
	return string(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")))
}
