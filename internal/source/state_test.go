package source

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func someSnapshot() Snapshot {
	return Snapshot{
		State: State{Files: []Position{
			{Path: "/var/log/app.log", Inode: 1<<64 - 1, Sum: 1<<64 - 3, SumLen: 1024, Offset: 1 << 40, Lines: 7, ModTime: time.Date(2026, 11, 24, 6, 0, 4, 5, time.UTC)},
			{Path: "/var/log/a\n\xff.gz", Packed: true, Done: true, Known: true},
		}},
		Sections: map[string][]byte{"tally": []byte("\x00\n\xff"), "empty": nil, "detector": []byte("{}")},
	}
}

func TestSnapshotComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	want := someSnapshot()
	for range 2 { // new, then over an old one
		if err := WriteSnapshot(path, want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := ReadSnapshot(path)
	if err != nil {
		t.Fatal(err)
	}
	want.State.Files[1].Path = "/var/log/a\n\ufffd.gz" // JSON has no other bytes; such a file is read anew
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
}

func TestSnapshotRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if _, err := ReadSnapshot(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := WriteSnapshot(path, someSnapshot()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range data { // each cut and each flipped byte
		if _, err := parseSnapshot(data[:i]); err == nil {
			t.Errorf("cut at %d: accepted", i)
		}
		bent := append([]byte(nil), data...)
		bent[i] ^= 0x20
		if s, err := parseSnapshot(bent); err == nil {
			t.Errorf("byte %d flipped: accepted as %v", i, s)
		}
	}
	for text, want := range map[string]string{
		"":               "not a state file of imerr-scan",
		kick:             "not a state file of imerr-scan",
		string(data[1:]): "not a state file of imerr-scan",
		strings.Replace(string(data), "/v1 ", "/v2 ", 1): "state file of a newer imerr-scan (version 2, this one knows 1)",
		string(data[:len(data)-1]):                       "damaged state file: remove it to start anew, and the inputs are read from their begin",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadSnapshot(path); err == nil || err.Error() != path+": "+want {
			t.Errorf("%.30q: %v, want %s", text, err, want)
		}
	}
}

// A folder that is not there or a full disk must leave the old file.
func TestSnapshotThatCannotBeWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gone", "state")
	if err := WriteSnapshot(path, someSnapshot()); err == nil || err.Error() != path+": no such file or directory" {
		t.Error(err)
	}
	// The target is a folder that holds something: the rename fails after the writing.
	path = filepath.Join(t.TempDir(), "state")
	if err := os.MkdirAll(filepath.Join(path, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := WriteSnapshot(path, someSnapshot()); err == nil {
		t.Error("written over a folder")
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
}

// What holds is written again as it was read, and a follower that begins with it has the same positions.
func FuzzParseSnapshot(f *testing.F) {
	for _, s := range []Snapshot{{}, someSnapshot()} {
		body, err := s.body()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte(`{"positions":{"files":[{"path":"a","sum":"1","sum_len":-5,"offset":-1}]},"sections":[{"name":"x","bytes":-1}]}` + "\n"))
	f.Add([]byte(`{"sections":[{"name":"x","bytes":1},{"name":"x","bytes":1}]}` + "\nab"))
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := parseBody(body)
		if err != nil {
			return
		}
		again, err := s.body()
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseBody(again)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(s, got, cmpopts.EquateEmpty()); d != "" {
			t.Error("written and read again:", d)
		}

		fl := Follow(nil, s.State, FollowOptions{After: now})
		defer fl.Close()
		named := slices.DeleteFunc(s.State.Files, func(p Position) bool { return p.Path == "" })
		if d := cmp.Diff(named, fl.State(func(int) Mark { return Mark{} }).Files, cmpopts.EquateEmpty()); d != "" {
			t.Error("a follower that begins with it:", d)
		}
	})
}
