package filelog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imerr-scan/internal/deltalog"
)

var _ deltalog.Log = (*Log)(nil)

func open(t *testing.T, path string) *Log {
	t.Helper()
	l, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // twice does no harm
	return l
}

func add(t *testing.T, l *Log, records ...string) {
	t.Helper()
	var raw [][]byte
	for _, r := range records {
		raw = append(raw, []byte(r))
	}
	if err := l.Append(t.Context(), raw...); err != nil {
		t.Fatal(err)
	}
}

// content returns all records with their offsets.
func content(t *testing.T, l *Log) []string {
	t.Helper()
	first, _, _ := l.Bounds(t.Context())
	var got []string
	if _, err := l.Read(t.Context(), first, false, func(offset int64, record []byte) error {
		got = append(got, fmt.Sprintf("%d=%s", offset, record))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRecordsOutliveTheProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path)
	add(t, l, "a", "", "c")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, path)
	add(t, l, "d")
	if diff := cmp.Diff([]string{"0=a", "1=", "2=c", "3=d"}, content(t, l)); diff != "" {
		t.Error(diff)
	}
}

func TestARecordThatACrashCutOffIsDroppedWhereverItWasCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path)
	add(t, l, "first", "second")
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	whole := fi.Size()
	add(t, l, "third")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := whole; size < int64(len(data)); size++ {
		if err := os.WriteFile(path, data[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, path)
		add(t, l, "again")
		if diff := cmp.Diff([]string{"0=first", "1=second", "2=again"}, content(t, l)); diff != "" {
			t.Errorf("cut to %d of %d bytes:\n%s", size, len(data), diff)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDamageInTheMiddleIsAnErrorAndChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path)
	add(t, l, "first", "second", "third")
	_ = l.Close()
	data, _ := os.ReadFile(path)
	data[headerSize+frameSize] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "damaged at byte 18: move it away") {
		t.Errorf("damaged log: %v", err)
	}
	after, _ := os.ReadFile(path)
	if !cmp.Equal(data, after) {
		t.Error("a damaged log was changed")
	}
	if err := os.WriteFile(path, []byte("a log of quite another kind\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "no log of this program") {
		t.Errorf("foreign file: %v", err)
	}
}

func TestADamagedLengthIsNoEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path)
	add(t, l, "a", "b", "c", "d")
	_ = l.Close()
	data, _ := os.ReadFile(path)
	data[headerSize+frameSize+1+3] ^= 0x40 // high byte of the length of the second record
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "damaged at byte 31: move it away") {
		t.Errorf("a length that was damaged: %v", err)
	}
	if after, _ := os.ReadFile(path); !cmp.Equal(data, after) {
		t.Error("the log was changed")
	}
}

func TestZerosOfAPowerFailureAreDropped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path)
	add(t, l, "a")
	_ = l.Close()
	f, _ := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	_, _ = f.Write(make([]byte, 80))
	_ = f.Close()
	l, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := content(t, l); len(got) != 1 {
		t.Errorf("80 zero bytes after a power failure became %d records", len(got)-1)
	}
}

func TestASecondProcessIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path)
	if _, err := Open(path); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Errorf("second opening: %v, want one that names the file and says that it is in use", err)
	}
	_ = l.Close()
	open(t, path)
}

func TestCompactKeepsOffsets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, path)
	add(t, l, "a", "b", "c", "d")
	if err := l.Compact(2); err != nil {
		t.Fatal(err)
	}
	add(t, l, "e")
	want := []string{"2=c", "3=d", "4=e"}
	if diff := cmp.Diff(want, content(t, l)); diff != "" {
		t.Errorf("after compaction:\n%s", diff)
	}
	_ = l.Close()
	l = open(t, path)
	if diff := cmp.Diff(want, content(t, l)); diff != "" {
		t.Errorf("opened again:\n%s", diff)
	}
	if _, err := l.Read(t.Context(), 1, false, nil); err == nil || !strings.Contains(err.Error(), "record 1 is gone, the first is 2") {
		t.Errorf("reading what is gone: %v", err)
	}
	if files, _ := filepath.Glob(path + ".*"); len(files) != 1 {
		t.Errorf("files beside the log: %v, want only the lock", files)
	}
}

func TestReadWaitsForWhatComes(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "log"))
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan string)
	done := make(chan error)
	go func() {
		_, err := l.Read(ctx, 0, true, func(_ int64, r []byte) error { got <- string(r); return nil })
		done <- err
	}()
	for _, want := range []string{"a", "b"} {
		add(t, l, want)
		select {
		case r := <-got:
			if r != want {
				t.Errorf("read %q, want %q", r, want)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("a record that was written is not read")
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("reading ended with %v", err)
	}
}

// A crash in the middle of Compact leaves a file beside the log; the next start does without it.
func TestWhatACrashLeftOfCompactIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deltas")
	if err := os.WriteFile(path+newSuffix, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := os.Stat(path + newSuffix); err == nil {
		t.Error("it is still there")
	}
}
