package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// The promises about resident memory, in KiB: of what reads and ends, and of what follows and serves.
const (
	mostOfScan  = 64 << 10
	mostOfServe = 128 << 10
)

// patience is how long a run may take that does not hang; the machine may be busy.
func patience() time.Duration { return time.Duration(atSize(2, 15)) * time.Minute }

// victim is a run of the real binary to which something is done.
type victim struct {
	t    *testing.T
	cmd  *exec.Cmd
	dir  string
	out  bytes.Buffer // if Stdout is nobody else's
	stop func() int
	peak int // KiB
	late *time.Timer
}

// inflict prepares a run under limits such as "ulimit -n 64", or "".
func inflict(t *testing.T, limits string, args ...string) *victim {
	t.Helper()
	dir := t.TempDir()
	v := &victim{t: t, dir: dir}
	bin := binary(t, dir)
	if limits == "" {
		v.cmd = exec.Command(bin, args...)
	} else {
		v.cmd = exec.Command("/bin/sh", append([]string{"-c", limits + ` && exec "$0" "$@"`, bin}, args...)...)
	}
	v.cmd.Env = append(slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "GOMEMLIMIT=") }),
		"IMERR_CONFIG=none", "IMERR_TZ=UTC", "LC_ALL=C.UTF-8")
	v.cmd.Stdout = &v.out
	said, err := os.Create(filepath.Join(dir, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	v.cmd.Stderr = said
	return v
}

// startIntoPipe starts it and returns the end of its stdout from which can be read.
func (v *victim) startIntoPipe() *os.File {
	v.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		v.t.Fatal(err)
	}
	v.cmd.Stdout = w
	v.start()
	w.Close()
	return r
}

func (v *victim) start() *victim {
	v.t.Helper()
	if err := v.cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	v.stop = watchPeak(v.cmd.Process.Pid)
	v.t.Cleanup(func() { _ = v.cmd.Process.Kill() })
	v.late = time.AfterFunc(patience(), func() {
		v.t.Errorf("hangs: %q", v.cmd.Args)
		_ = v.cmd.Process.Signal(syscall.SIGQUIT)
	})
	return v
}

func (v *victim) said() string {
	data, _ := os.ReadFile(filepath.Join(v.dir, "stderr"))
	return string(data)
}

// end waits for the end of the run and returns its status. A crash or a hang is an error, and so is too much memory.
func (v *victim) end(most int) int {
	v.t.Helper()
	_ = v.cmd.Wait() // the state says it
	v.late.Stop()
	v.peak = v.stop()
	said := v.said()
	if regexp.MustCompile(`(?m)^(panic|fatal error|goroutine \d+|SIG[A-Z]+:)`).MatchString(said) {
		v.t.Errorf("crashed: %s", tailOf(said))
	}
	if v.peak > most && !raced {
		v.t.Errorf("peak of resident memory %d KiB, want at most %d: %q", v.peak, most, v.cmd.Args)
	}
	return v.cmd.ProcessState.ExitCode()
}

// refused checks a run that could not do what it was to do: one sentence says what is wrong, and another what to do.
func (v *victim) refused(most int, what, remedy string) {
	v.t.Helper()
	status, said := v.end(most), v.said()
	want := regexp.MustCompile(`^imerr-scan: [^\n]*` + what + `\nhint: [^\n]*` + remedy + `[^\n]*\n$`)
	if status != exitUsage || !want.MatchString(said) {
		v.t.Errorf("%q: status %d, want 2 and %s: %s", v.cmd.Args, status, want, said)
	}
}

// outcome is what a result says.
type outcome struct {
	Events int
	Bytes  int64
	Lines  struct{ Read int }
	Errors []struct{ Source, Error string }
}

func (v *victim) counted() (c outcome) {
	v.t.Helper()
	if err := json.Unmarshal(v.out.Bytes(), &c); err != nil {
		v.t.Fatalf("%v: %.300q %s", err, v.out.String(), tailOf(v.said()))
	}
	return c
}

// faultLine is an event of its own user.
func faultLine(user string, n int) string {
	const form = `{"ts":"2026-11-23T10:%02d:%02dZ","user":"%s-%d","error":{"type":206,"message":"the user is already logged on another device"}}`
	return fmt.Sprintf(form+"\n", n/60%60, n%60, user, n)
}

func faultLines(user string, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(faultLine(user, i))
	}
	return b.String()
}

func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func add(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(text)
	if err := firstError(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// Disk full.

func TestFaultFullDiskUnderStdout(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log := dayLog(t, dir)
	for _, args := range [][]string{
		{log}, {"-o", "json", log}, {"-o", "ndjson", log}, {"-o", "csv", log}, {"-o", "markdown", log}, {"-o", "html", log}, {"-o", "prom", log},
		{"--by", "code", log}, {"-f", "-o", "ndjson", log}, {"backtest", "-o", "ndjson", log}, {"doctor", log}, {"catalog"}, {"explain", "206"},
		{"kit", "prometheus"}, {"version"},
	} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip("no /dev/full: ", err)
		}
		v := inflict(t, "", args...)
		v.cmd.Stdout = full
		v.start().refused(mostOfScan, "stdout: no space left on device", "make room there and run it again: what is there now is not whole")
		full.Close()
	}
	v := inflict(t, "ulimit -f 8", "-o", "ndjson", log)
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	v.cmd.Stdout = out
	v.start().refused(mostOfScan, "stdout: file too large", `raise the limit of a file's size \(ulimit -f\) and run it again`)
}

// smallDisk mounts a file system of so many KiB, and skips the test where that is not allowed.
func smallDisk(t *testing.T, kib int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("imerr-scan-test", dir, "tmpfs", 0, fmt.Sprintf("size=%dk", kib)); err != nil {
		t.Skip("a small disk cannot be mounted here (it takes root): ", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fillDisk takes all the room of a disk; remove gives it back.
func fillDisk(t *testing.T, disk string) (remove func()) {
	t.Helper()
	f, err := os.Create(filepath.Join(disk, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(f.Name()); err != nil {
			t.Error(err)
		}
	}
}

// A run that cannot save its state ends and says so; the state that was there stands, and with room again each event counts once.
func TestFaultFullDiskUnderAState(t *testing.T) {
	t.Parallel()
	disk, dir := smallDisk(t, 512), t.TempDir()
	log, state := put(t, filepath.Join(dir, "app.log"), faultLines("first", 100)), filepath.Join(disk, "state")
	follow := func() *victim { return inflict(t, "", "-f", "-o", "json", "--state", state, log) }
	v := follow().start()
	waitUntil(t, "a state", func() bool { _, err := os.Stat(state); return err == nil })
	before, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	remove := fillDisk(t, disk)
	add(t, log, faultLines("second", 100))
	v.refused(mostOfServe, "--state: .*no space left on device", "make room there and run it again: it goes on from the last state that was written")
	if after, err := os.ReadFile(state); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the state is another (%v)", err)
	}
	entries, err := os.ReadDir(disk)
	if err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v %v", entries, err)
	}
	remove()
	v = follow().start()
	waitUntil(t, "a newer state", func() bool {
		now, _ := os.ReadFile(state)
		return len(now) > 0 && !bytes.Equal(before, now)
	})
	time.Sleep(500 * time.Millisecond)
	_ = v.cmd.Process.Signal(os.Interrupt)
	if status, c := v.end(mostOfServe), v.counted(); status != exitDone || c.Events != 200 {
		t.Errorf("status %d, %d events, want 200", status, c.Events)
	}
}

// A service whose disk is full counts nothing, says so, and counts what came meanwhile, once, as soon as there is room.
func TestFaultFullDiskUnderAService(t *testing.T) {
	t.Parallel()
	disk, dir := smallDisk(t, 512), t.TempDir()
	log := put(t, filepath.Join(dir, "app.log"), faultLines("first", 100))
	v := inflict(t, "", "serve", "--listen", "none", "--state", filepath.Join(disk, "deltas"), log).start()
	events := func() int { return deltasHold(t, v.cmd.Path, filepath.Join(disk, "deltas")) }
	waitUntil(t, "100 events", func() bool { return events() == 100 })
	remove := fillDisk(t, disk)
	add(t, log, faultLines("second", 1000))
	waitUntil(t, "that it waits", func() bool { return strings.Contains(v.said(), "delta log cannot be written, counting waits") })
	time.Sleep(2500 * time.Millisecond) // it tries again, in vain
	if n := events(); n != 100 {
		t.Errorf("%d events on a full disk, want 100", n)
	}
	remove()
	waitUntil(t, "1100 events", func() bool { return events() == 1100 })
	_ = v.cmd.Process.Signal(syscall.SIGTERM)
	if status := v.end(mostOfServe); status != exitDone {
		t.Errorf("status %d: %s", status, v.said())
	}
	if n := events(); n != 1100 {
		t.Errorf("%d events in the log, want 1100", n)
	}
	inflictFull := inflict(t, "", "serve", "--listen", "none", "--state", filepath.Join(disk, "other"), log)
	fillDisk(t, disk)
	inflictFull.start().refused(mostOfServe, "--state: .*no space left on device", "make room there and start it again")
}

// deltasHold returns how many events another process reads out of a delta log, -1 if it cannot.
func deltasHold(t *testing.T, bin, deltas string) int {
	t.Helper()
	out, err := exec.Command(bin, "--config", "none", "report", "-o", "json", deltas).Output()
	var c outcome
	if err != nil || json.Unmarshal(out, &c) != nil {
		return -1
	}
	return c.Events
}

// Read errors in the middle.

// Inputs that break off are read as far as they go and named in one line each, the others are read, and the status is 2.
func TestFaultReadErrorInTheMiddle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, last := put(t, filepath.Join(dir, "a.log"), faultLines("a", 50)), put(t, filepath.Join(dir, "z.log"), faultLines("z", 50))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	noise := rand.New(rand.NewPCG(1, 1)) // a random text, so that half of the archive is half of the lines
	for i := range 2000 {
		fmt.Fprintf(z, `{"user":"g-%d","x":"%x","error":{"type":217}}`+"\n", i, noise.Uint64())
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	scan := func(t *testing.T, name, cause string, least, most int) {
		t.Helper()
		brokeOff(t, inflict(t, "", "-o", "json", first, name, last).start(), name, cause, least, most)
	}
	t.Run("an input/output error at the begin", func(t *testing.T) { scan(t, "/proc/self/mem", "input/output error", 0, 0) })
	t.Run("a connection that is reset after 200 lines", func(t *testing.T) {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		peer, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		stdin, err := conn.(*net.TCPConn).File()
		if err != nil {
			t.Fatal(err)
		}
		defer stdin.Close()
		v := inflict(t, "", "-o", "json", first, "-", last)
		v.cmd.Stdin = stdin
		v.start()
		if _, err := io.WriteString(peer, faultLines("tcp", 200)); err != nil {
			t.Error(err)
		}
		waitUntil(t, "all of it is taken", func() bool { return unread(t, stdin) == 0 })
		_ = peer.(*net.TCPConn).SetLinger(0) // a reset in place of an end
		peer.Close()
		brokeOff(t, v, "stdin", "connection reset by peer", 200, 200)
	})
	t.Run("an archive that is cut off", func(t *testing.T) {
		scan(t, put(t, filepath.Join(dir, "cut.gz"), packed.String()[:packed.Len()/2]), "gzip cut off", 500, 1500)
	})
	t.Run("an archive that is damaged", func(t *testing.T) {
		damaged := slices.Clone(packed.Bytes())
		for i := range 64 {
			damaged[len(damaged)/2+i] ^= 0xff
		}
		scan(t, put(t, filepath.Join(dir, "bad.gz"), string(damaged)), "gzip", 500, 1999)
	})
	t.Run("no longer there", func(t *testing.T) { scan(t, filepath.Join(dir, "gone.log"), "no such file", 0, 0) })
	t.Run("a writer that dies in a line is an end", func(t *testing.T) {
		fifo := filepath.Join(dir, "fifo")
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		v := inflict(t, "", "-o", "json", first, fifo, last).start()
		writer := exec.Command("/bin/sh", "-c", `cat "$0"; printf '{"user":"torn","error":{"ty'; kill -9 $$`, first)
		out, err := os.OpenFile(fifo, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		writer.Stdout = out
		_ = writer.Run()
		out.Close()
		if status, c := v.end(mostOfScan), v.counted(); status != exitDone || c.Events != 150 || c.Lines.Read != 151 {
			t.Errorf("status %d, %+v, want 150 events of 151 lines: %s", status, c, v.said())
		}
	})
}

// brokeOff checks a scan of 100 events and of an input that broke off after least to most events.
func brokeOff(t *testing.T, v *victim, name, cause string, least, most int) {
	t.Helper()
	status, c := v.end(mostOfScan), v.counted()
	if status != exitUsage || len(c.Errors) != 1 || c.Errors[0].Source != name || !strings.Contains(c.Errors[0].Error, cause) {
		t.Errorf("status %d, errors %v, want 2 and one of %s: %q", status, c.Errors, name, cause)
	}
	if lines := strings.Count(v.said(), "\n"); lines != 1 || !strings.HasPrefix(v.said(), "imerr-scan: "+name+": ") {
		t.Errorf("stderr: %q", v.said())
	}
	if c.Events < 100+least || c.Events > 100+most {
		t.Errorf("%d events, want %d to %d", c.Events, 100+least, 100+most)
	}
}

// unread returns how many bytes a connection has for its reader.
func unread(t *testing.T, f *os.File) int {
	t.Helper()
	const fionread = 0x541b // tcp(7), SIOCINQ
	var n int32
	ioctl(t, f, fionread, unsafe.Pointer(&n))
	return int(n)
}

// Closed stdout, and readers that are slow.

// Who has seen enough closes the pipe: the run ends soon, in silence, with 0.
func TestFaultClosedStdout(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log := put(t, filepath.Join(dir, "app.log"), faultLines("u", atSize(20_000, 500_000)))
	for _, args := range [][]string{
		{"-o", "ndjson", log}, {"-o", "json", log}, {log}, {"-f", "-o", "ndjson", log}, {"backtest", "-o", "ndjson", log}, {"catalog"}, {"kit", "grafana"},
	} {
		v := inflict(t, "", args...)
		r := v.startIntoPipe()
		_, err := bufio.NewReaderSize(r, 16).ReadString('\n')
		if err != nil && args[0] != "backtest" { // it may have nothing to say
			t.Errorf("%q: %v", args, err)
		}
		r.Close()
		if args[0] == "-f" { // it learns of it with the next event
			add(t, log, faultLines("more", 2000))
		}
		if status := v.end(mostOfScan); status != exitDone || v.said() != "" {
			t.Errorf("%q: status %d: %s", args, status, tailOf(v.said()))
		}
	}
}

// A reader that stands still, and then reads slowly, gets all of it in order, and the memory does not grow meanwhile.
func TestFaultSlowReader(t *testing.T) {
	t.Parallel()
	events := atSize(60_000, 1_000_000)
	for _, follow := range []bool{false, true} {
		args := []string{"-o", "ndjson", "--pii", "plain", "--no-alerts", "-q", "-"}
		if follow {
			args = append([]string{"-f"}, args...)
		}
		v := inflict(t, "", args...)
		v.cmd.Stdin, _ = endless(t, events)
		r := v.startIntoPipe()
		time.Sleep(time.Duration(atSize(1, 20)) * time.Second)
		lines := bufio.NewScanner(r)
		n := 0
		for ; lines.Scan(); n++ {
			if want := fmt.Sprintf(`"user":"u-%d"`, n); !strings.Contains(lines.Text(), want) {
				t.Fatalf("line %d is %s", n, lines.Text())
			}
			if n%(events/20) == 0 {
				time.Sleep(20 * time.Millisecond)
			}
		}
		if status := v.end(mostOfScan); status != exitDone || n != events {
			t.Errorf("status %d, %d events, want %d: %s", status, n, events, v.said())
		}
		t.Logf("follow %v: %d events, peak %d MiB", follow, n, v.peak>>10)
	}
}

// endless is a pipe into which n events are written as fast as they are taken; n < 0: without end. taken says how many were, or wait in
// the pipe, which has room for 8,000.
func endless(t *testing.T, n int) (in *os.File, taken *atomic.Int64) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	taken = &atomic.Int64{}
	go func() {
		defer w.Close()
		b := bufio.NewWriterSize(w, 64<<10)
		defer b.Flush()
		for i := 0; i != n; i++ {
			if _, err := b.WriteString(faultLine("u", i)); err != nil {
				return
			}
			taken.Store(int64(i))
		}
	}()
	return r, taken
}

// Kills and signals.

// A log that is written without a pause and rotated is followed with --state by runs that are killed at any moment: in the first
// milliseconds of a start, in the middle of a save, while a file is looked for. Each event counts once.
func TestFaultKillsOfAFollower(t *testing.T) {
	t.Parallel()
	kills := atSize(4, 200)
	dir := t.TempDir()
	w := &writer{t: t, path: filepath.Join(dir, "app.log")}
	w.open()
	state := filepath.Join(dir, "state")
	follow := func() *victim { return inflict(t, "", "-f", "-q", "-o", "json", "--state", state, w.path).start() }
	v := follow()
	waitUntil(t, "a first state", func() bool { _, err := os.Stat(state); return err == nil })
	early := 0
	for n := range kills {
		if n%3 > 0 { // long enough to save, or so short that it is still starting
			w.generation(time.Duration(rand.IntN(atSize(600, 2500))) * time.Millisecond)
		} else {
			early++
			w.generation(time.Duration(rand.IntN(40)) * time.Millisecond)
		}
		if n%4 == 1 {
			w.rotate(n)
		}
		_ = v.cmd.Process.Kill()
		v.end(mostOfServe)
		v = follow()
	}
	w.generation(10 * time.Millisecond)
	w.f.Close()
	waitUntil(t, "a state of all of it", func() bool { return stateHolds(state, w.path) })
	_ = v.cmd.Process.Signal(syscall.SIGTERM)
	status, c := v.end(mostOfServe), v.counted()
	size, lines := written(t, w.path)
	if status != exitDone || c.Events != w.events || c.Lines.Read != lines || c.Bytes != size {
		t.Errorf("status %d, %d events, %d lines, %d bytes, want %d, %d, %d after %d kills", status, c.Events, c.Lines.Read, c.Bytes, w.events, lines, size, kills)
	}
	t.Logf("%d events in %d lines over %d kills, %d of them within 40 ms of a start", c.Events, lines, kills, early)
}

// written returns how much there is of a log, rotated files included.
func written(t *testing.T, log string) (size int64, lines int) {
	t.Helper()
	paths, err := filepath.Glob(log + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		size, lines = size+int64(len(data)), lines+bytes.Count(data, []byte("\n"))
	}
	return size, lines
}

// stateHolds says whether a state file says that a log was read to its end.
func stateHolds(state, log string) bool {
	data, _ := os.ReadFile(state)
	_, data, _ = bytes.Cut(data, []byte("\n"))
	line, _, _ := bytes.Cut(data, []byte("\n"))
	var index struct {
		Positions struct {
			Files []struct {
				Path   string
				Offset int64
				Done   bool
			}
		}
	}
	fi, err := os.Stat(log)
	if err != nil || json.Unmarshal(line, &index) != nil {
		return false
	}
	read := false
	for _, p := range index.Positions.Files {
		read = read || p.Path == log && !p.Done && p.Offset == fi.Size()
	}
	return read
}

// SIGTERM ends whatever reads as fast as it can, within ten seconds, with what it has; a second one ends it at once with 130.
func TestFaultSIGTERMUnderLoad(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		args []string
	}{
		{"scan", []string{"-o", "json", "-"}},
		{"scan of events", []string{"-o", "ndjson", "-"}},
		{"follow", []string{"-f", "-q", "-o", "json", "-"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			v := inflict(t, "", tc.args...)
			in, taken := endless(t, -1)
			v.cmd.Stdin = in
			if tc.name == "scan of events" {
				v.cmd.Stdout = io.Discard
			}
			v.start()
			waitUntil(t, "it reads", func() bool { return taken.Load() > int64(atSize(20_000, 1_000_000)) })
			began := time.Now()
			_ = v.cmd.Process.Signal(syscall.SIGTERM)
			status := v.end(mostOfScan)
			if took := time.Since(began); status != exitDone || took > 10*time.Second {
				t.Errorf("status %d after %v, want 0 within 10 s: %s", status, took, v.said())
			}
			if tc.name != "scan of events" && v.counted().Events < 1000 {
				t.Errorf("%d events", v.counted().Events)
			}
		})
	}
	t.Run("serve", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		w := &writer{t: t, path: filepath.Join(dir, "app.log")}
		w.open()
		defer w.f.Close()
		for range atSize(1, 10) {
			v := inflict(t, "", "serve", "--listen", "none", "--state", filepath.Join(dir, "deltas"), w.path).start()
			waitUntil(t, "it runs", func() bool { return strings.Contains(v.said(), "imerr-scan starting") })
			w.generation(time.Duration(atSize(700, 3000)) * time.Millisecond)
			began := time.Now()
			_ = v.cmd.Process.Signal(syscall.SIGTERM)
			w.generation(100 * time.Millisecond)
			status := v.end(mostOfServe)
			if took := time.Since(began); status != exitDone || took > 10*time.Second || !strings.Contains(v.said(), "imerr-scan stopped") {
				t.Errorf("status %d after %v, want 0 within 10 s: %s", status, took, v.said())
			}
		}
	})
	t.Run("twice", func(t *testing.T) {
		t.Parallel()
		v := inflict(t, "", "-o", "ndjson", "-")
		v.cmd.Stdin, _ = endless(t, -1)
		r, w, err := os.Pipe() // nobody reads, so that it cannot end by itself
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		v.cmd.Stdout = w
		v.start()
		w.Close()
		if _, err := r.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
		_ = v.cmd.Process.Signal(syscall.SIGTERM)
		time.Sleep(500 * time.Millisecond)
		_ = v.cmd.Process.Signal(syscall.SIGTERM)
		if status := v.end(mostOfScan); status != exitInterrupted {
			t.Errorf("status %d, want 130: %s", status, v.said())
		}
	})
}

// Clock steps.

// The clock of whoever writes a log is set, forth and back, by seconds and by years: each event counts, the same in a file and
// followed, and times that can be none are none.
func TestFaultClockStepsInALog(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(4, 2))
	events := atSize(5000, 500_000)
	clock := time.Now().Add(-48*time.Hour - time.Duration(events)*1100*time.Millisecond)
	var b strings.Builder
	for n := range events {
		clock = clock.Add(time.Duration(rnd.IntN(2000)) * time.Millisecond)
		at := clock
		switch n % 50 {
		case 10:
			clock = clock.Add(-time.Hour)
		case 20:
			clock = clock.Add(time.Hour)
		case 30:
			at = time.Unix(int64(n), 0) // 1970, before NTP
		case 40:
			at = clock.AddDate(30, 0, 0)
		}
		fmt.Fprintf(&b, `{"ts":%q,"user":"u-%d","error":{"type":206,"message":"x"}}`+"\n", at.UTC().Format(time.RFC3339Nano), n)
	}
	log := put(t, filepath.Join(t.TempDir(), "app.log"), b.String())
	undated := func(v *victim) (n int) {
		var res struct{ Undated int }
		if err := json.Unmarshal(v.out.Bytes(), &res); err != nil {
			t.Error(err)
		}
		return res.Undated
	}
	v := inflict(t, "", "-o", "json", log).start()
	if status, c := v.end(mostOfScan), v.counted(); status != exitDone || c.Events != events || undated(v) != events/50*2 {
		t.Errorf("status %d, %d events of which %d without a time, want %d and %d", status, c.Events, undated(v), events, events/50*2)
	}
	state := filepath.Join(t.TempDir(), "state")
	v = inflict(t, "", "-f", "-q", "-o", "json", "--state", state, log).start()
	waitUntil(t, "it is read", func() bool { return stateHolds(state, log) })
	_ = v.cmd.Process.Signal(syscall.SIGTERM)
	if status, c := v.end(mostOfServe), v.counted(); status != exitDone || c.Events != events || undated(v) != events/50*2 {
		t.Errorf("followed: status %d, %d events of which %d without a time, want %d and %d", status, c.Events, undated(v), events, events/50*2)
	}
}

// Limits, and many files.

// manyFiles makes files of two events and a line without, in a hundred folders.
func manyFiles(t *testing.T, n int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for i := range n {
		sub := filepath.Join(dir, fmt.Sprintf("%02d", i%100))
		if i < 100 {
			if err := os.Mkdir(sub, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		put(t, filepath.Join(sub, fmt.Sprintf("app-%dx.log", i)), faultLine(fmt.Sprint("a", i), i)+faultLine(fmt.Sprint("b", i), i)+`{"msg":"ok"}`+"\n")
	}
	return dir
}

// Thousands of files are scanned, also by a process that may have few open, followed and served, each event once.
func TestFaultTenThousandFiles(t *testing.T) {
	t.Parallel()
	files := atSize(500, 10_000)
	dir := manyFiles(t, files)
	grown := filepath.Join(dir, "07", "app-7x.log")
	for _, limits := range []string{"", "ulimit -n 16"} {
		v := inflict(t, limits, "-o", "json", dir).start()
		if status, c := v.end(mostOfScan), v.counted(); status != exitDone || c.Events != 2*files || c.Lines.Read != 3*files {
			t.Errorf("%s: status %d, %+v: %s", limits, status, c, tailOf(v.said()))
		}
		t.Logf("scan %s: peak %d MiB, %.1f s of CPU", limits, v.peak>>10, cpu(v.cmd))
	}
	state := filepath.Join(t.TempDir(), "state")
	v := inflict(t, "", "-f", "-q", "-o", "json", "--state", state, dir).start()
	waitLong(t, "all files are read", func() bool { return stateHolds(state, filepath.Join(dir, "99", fmt.Sprintf("app-%dx.log", files-1))) })
	add(t, grown, faultLine("more", 1))
	waitLong(t, "one that has grown is read", func() bool { return stateHolds(state, grown) })
	time.Sleep(500 * time.Millisecond)
	_ = v.cmd.Process.Signal(syscall.SIGTERM)
	if status, c := v.end(mostOfServe), v.counted(); status != exitDone || c.Events != 2*files+1 {
		t.Errorf("followed: status %d, %d events, want %d: %s", status, c.Events, 2*files+1, tailOf(v.said()))
	}
	t.Logf("-f: peak %d MiB, %.1f s of CPU", v.peak>>10, cpu(v.cmd))
	deltas := filepath.Join(t.TempDir(), "deltas")
	v = inflict(t, "", "serve", "--listen", "none", "--state", deltas, dir).start()
	waitLong(t, "all events are counted", func() bool { return deltasHold(t, v.cmd.Path, deltas) == 2*files+1 })
	_ = v.cmd.Process.Signal(syscall.SIGTERM)
	if status := v.end(mostOfServe); status != exitDone {
		t.Errorf("serve: status %d: %s", status, tailOf(v.said()))
	}
	fi, err := os.Stat(deltas)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("serve: peak %d MiB, %.1f s of CPU, delta log of %d MiB", v.peak>>10, cpu(v.cmd), fi.Size()>>20)
}

func cpu(cmd *exec.Cmd) float64 {
	return (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
}

// waitLong waits as long as a run may take.
func waitLong(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience()); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("not within %v: %s", patience(), what)
			return
		}
	}
}

// A process that may have fewer files open than it is to follow says so in one sentence, follows the others, saves its state, and
// reads those that wait as soon as there is room for them.
func TestFaultTooFewDescriptors(t *testing.T) {
	t.Parallel()
	files := atSize(200, 10_000)
	dir := manyFiles(t, files)
	state := filepath.Join(t.TempDir(), "state")
	v := inflict(t, "ulimit -n 64", "-f", "-q", "-o", "json", "--state", state, dir).start()
	waitUntil(t, "it is said", func() bool { return strings.Contains(v.said(), "wait") })
	saved := func() int { data, _ := os.ReadFile(state); return bytes.Count(data, []byte(`"offset":`)) }
	waitUntil(t, "a state", func() bool { return saved() > 20 })
	if n := saved(); n > 48 {
		t.Errorf("%d files of at most 48 are followed: nothing is left for others", n)
	}
	if *faultsFull { // a file that was deleted is let go after ten seconds
		before := saved()
		for i := range 10 {
			if err := os.RemoveAll(filepath.Join(dir, "00", fmt.Sprintf("app-%dx.log", 100*i))); err != nil {
				t.Fatal(err)
			}
		}
		waitUntil(t, "others have their turn", func() bool { return saved() > before+3 })
	}
	_ = v.cmd.Process.Signal(syscall.SIGTERM)
	status, c, said := v.end(mostOfServe), v.counted(), v.said()
	if want := ": this file and others wait, since too many are open: raise the limit (ulimit -n)\n"; status != exitUsage || strings.Count(said, want) != 2 || strings.Count(said, "\n") != 2 {
		t.Errorf("status %d, want 2, and when it happens and with the answer %q: %s", status, want, tailOf(said))
	}
	if c.Events < 60 {
		t.Errorf("%d events", c.Events)
	}
	for n := 12; n >= 8; n-- { // with next to none
		v = inflict(t, fmt.Sprint("ulimit -n ", n), "-o", "json", filepath.Join(dir, "01")).start()
		if v.end(mostOfScan) == exitUsage {
			for line := range strings.Lines(v.said()) {
				if !strings.HasSuffix(line, ": too many open files: raise the limit (ulimit -n)\n") {
					t.Errorf("with %d: %s", n, line)
				}
			}
			return
		}
	}
	t.Error("eight descriptors are enough to scan: docs/reliability.md says otherwise")
}

// A folder that changes.

// Files are made, written, cut, renamed, deleted, and turned into links, folders and FIFOs while their folder is scanned and
// followed. What stands still counts, once, each time, and nothing is said of it; nothing hangs.
func TestFaultFolderThatChanges(t *testing.T) {
	t.Parallel()
	const still, lines = 20, 50
	dir := t.TempDir()
	for i := range still {
		put(t, filepath.Join(dir, fmt.Sprintf("still-%dx.log", i)), faultLines(fmt.Sprint("still", i), lines))
	}
	stop := make(chan struct{})
	var changing sync.WaitGroup
	changes := 0
	changing.Go(func() {
		for r := rand.New(rand.NewPCG(9, 9)); ; changes++ {
			select {
			case <-stop:
				return
			default:
				change(dir, r)
			}
		}
	})
	defer func() {
		close(stop)
		changing.Wait()
		t.Logf("%d changes", changes)
	}()
	stills := func(out []byte) int { return bytes.Count(out, []byte(`"user":"still`)) }
	follower := inflict(t, "", "-f", "-q", "-o", "ndjson", "--pii", "plain", "--no-alerts", dir).start()
	for range atSize(5, 200) {
		v := inflict(t, "", "-o", "ndjson", "--pii", "plain", "--no-alerts", "-q", dir).start()
		status := v.end(mostOfScan)
		if n := stills(v.out.Bytes()); n != still*lines || status != exitDone && v.said() == "" || status > exitUsage {
			t.Errorf("status %d, %d events of files that stand still, want %d: %s", status, n, still*lines, tailOf(v.said()))
		}
		for line := range strings.Lines(v.said()) {
			if !strings.Contains(line, "moving-") {
				t.Errorf("said: %s", line)
			}
		}
	}
	time.Sleep(time.Duration(atSize(1, 30)) * time.Second)
	_ = follower.cmd.Process.Signal(syscall.SIGTERM)
	status := follower.end(mostOfServe)
	if n := stills(follower.out.Bytes()); n != still*lines || status > exitUsage {
		t.Errorf("followed: status %d, %d events of files that stand still, want %d: %s", status, n, still*lines, tailOf(follower.said()))
	}
}

// change does something to a file of a folder, which may fail.
func change(dir string, r *rand.Rand) {
	path := func() string { return filepath.Join(dir, fmt.Sprintf("moving-%dx.log", r.IntN(12))) }
	p := path()
	switch r.IntN(9) {
	case 0:
		_ = os.RemoveAll(p)
	case 1:
		_ = os.Rename(p, path())
	case 2:
		_ = os.Truncate(p, r.Int64N(5000))
	case 3:
		_ = os.RemoveAll(p)
		_ = os.Symlink(filepath.Base(path()), p)
	case 4:
		_ = os.RemoveAll(p)
		_ = syscall.Mkfifo(p, 0o600)
	case 5:
		_ = os.RemoveAll(p)
		_ = os.Mkdir(p, 0o700)
		_ = os.WriteFile(filepath.Join(p, "in.log"), []byte(faultLines("in", 10)), 0o600)
	case 6:
		_ = os.RemoveAll(p)
		_ = os.WriteFile(p, []byte("\x1f\x8b\x08\x00cut off"), 0o600)
	default:
		if fi, err := os.Lstat(p); err != nil || fi.Mode().IsRegular() {
			_ = os.WriteFile(p, []byte(faultLines("moving", r.IntN(100))), 0o600)
		}
	}
}
