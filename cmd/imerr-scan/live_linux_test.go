package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/term"

	"imerr-scan/internal/screen"
)

// init makes of this binary a live view that breaks down, if the environment says so.
func init() {
	where := os.Getenv("LIVE_PANIC")
	if where == "" {
		return
	}
	sc := &scan{scanFlags: &scanFlags{}, env: &environ{stdout: os.Stdout, stderr: os.Stderr}}
	v, err := sc.newLiveView(screen.Options{Input: "app.log"}, func() {})
	if err != nil {
		panic(err)
	}
	defer v.close()
	time.Sleep(200 * time.Millisecond)
	if where == "run" {
		panic("on purpose")
	}
	v.snapshots <- &screen.Snapshot{} // without a result, it cannot be drawn
	select {}
}

// pty is a terminal whose other end is the test: what a program writes and what it made of the settings is seen byte by byte.
type pty struct {
	t             *testing.T
	master, slave *os.File
	before        string // settings

	mu  sync.Mutex
	out bytes.Buffer
}

func ioctl(t *testing.T, f *os.File, request uintptr, arg unsafe.Pointer) {
	t.Helper()
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(arg)); errno != 0 {
		t.Skip("no terminals here: ", errno)
	}
}

// Requests of Linux (ioctl_tty(2)).
const (
	setLock  = 0x40045431
	getPeer  = 0x80045430
	setWidth = 0x5414
)

func openPTY(t *testing.T) *pty {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	var unlocked, number int32
	ioctl(t, master, setLock, unsafe.Pointer(&unlocked))
	ioctl(t, master, getPeer, unsafe.Pointer(&number))
	ioctl(t, master, setWidth, unsafe.Pointer(&[4]uint16{24, 80}))
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &pty{t: t, master: master, slave: slave}
	p.before = p.settings()
	t.Cleanup(func() { master.Close(); slave.Close() })
	return p
}

func (p *pty) settings() string {
	state, err := term.GetState(int(p.slave.Fd()))
	if err != nil {
		p.t.Fatal(err)
	}
	return fmt.Sprintf("%+v", *state)
}

// start runs a command in the foreground of the terminal.
func (p *pty) start(cmd *exec.Cmd) {
	p.t.Helper()
	cmd.Stdout = p.slave
	if cmd.Stdin == nil {
		cmd.Stdin = p.slave
	}
	if cmd.Stderr == nil {
		cmd.Stderr = p.slave
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 1}
	cmd.Env = append(os.Environ(), append([]string{"TERM=xterm-256color", "IMERR_CONFIG=none", "LC_ALL=C.UTF-8"}, cmd.Env...)...)
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = cmd.Process.Kill() })
}

// read takes what comes, as a terminal does.
func (p *pty) read() {
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := p.master.Read(buf)
			p.mu.Lock()
			p.out.Write(buf[:n])
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
}

func (p *pty) written() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

func (p *pty) waitFor(text string) {
	p.t.Helper()
	waitUntil(p.t, fmt.Sprintf("%q", text), func() bool { return strings.Contains(p.written(), text) })
}

// clean checks that the terminal is as it was before.
func (p *pty) clean() {
	p.t.Helper()
	if after := p.settings(); after != p.before {
		p.t.Errorf("settings were %s, are %s", p.before, after)
	}
	waitUntil(p.t, "the other screen", func() bool { return strings.Count(p.written(), screen.Done) > 0 })
	if out := p.written(); strings.LastIndex(out, screen.Begin) > strings.LastIndex(out, screen.Done) {
		p.t.Errorf("the live view was not left: %q", tailOf(out))
	}
}

func ended(t *testing.T, cmd *exec.Cmd) *os.ProcessState {
	t.Helper()
	timer := time.AfterFunc(20*time.Second, func() { t.Error("did not end"); _ = cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait() // the state says it
	return cmd.ProcessState
}

// dayLog is a copy of the sample day.
func dayLog(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile("../../testdata/logs/day/app.log")
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "app.log")
	if err := os.WriteFile(log, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return log
}

// TestTheTerminalIsAsBefore: however a live view ends, the terminal has its settings, its screen and its cursor again.
func TestTheTerminalIsAsBefore(t *testing.T) {
	dir := t.TempDir()
	bin, log := binary(t, dir), dayLog(t, dir)
	for _, tc := range []struct {
		name   string
		key    string
		signal os.Signal
		status string
	}{
		{"q", "q", nil, "exit status 0"},
		{"q in a detail", "\rq", nil, "exit status 0"},
		{"Ctrl-C", "\x03", nil, "exit status 0"},
		{"SIGINT", "", os.Interrupt, "exit status 0"},
		{"SIGTERM", "", syscall.SIGTERM, "exit status 0"},
		{"SIGHUP", "", syscall.SIGHUP, "signal: hangup"},
		{"SIGQUIT", "", syscall.SIGQUIT, "exit status 2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if s, ok := tc.signal.(syscall.Signal); ok && signal.Ignored(s) {
				t.Skip("whoever started the tests does without this signal (nohup)")
			}
			p := openPTY(t)
			p.read()
			cmd := exec.Command(bin, "-f", log)
			p.start(cmd)
			p.waitFor("USER_LOGIN_AN")
			if p.settings() == p.before {
				t.Error("keys are not read one by one")
			}
			if tc.signal != nil {
				_ = cmd.Process.Signal(tc.signal)
			} else if _, err := p.master.WriteString(tc.key); err != nil {
				t.Fatal(err)
			}
			if got := ended(t, cmd).String(); got != tc.status {
				t.Errorf("%s, want %s: %s", got, tc.status, tailOf(p.written()))
			}
			p.clean()
			if tc.status == "exit status 0" {
				waitUntil(t, "a summary after the live view", func() bool {
					_, after, _ := strings.Cut(p.written(), screen.Done)
					return strings.Contains(after, "WHAT TO DO")
				})
			}
		})
	}
}

func TestTheTerminalIsAsBeforeAfterAPanic(t *testing.T) {
	for _, where := range []string{"run", "view"} {
		t.Run(where, func(t *testing.T) {
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			p := openPTY(t)
			p.read()
			cmd := exec.Command(self)
			cmd.Env = []string{"LIVE_PANIC=" + where}
			p.start(cmd)
			if got := ended(t, cmd).String(); got != "exit status 2" {
				t.Errorf("%s: %s", got, p.written())
			}
			p.clean()
			waitUntil(t, "what went wrong, on the screen that was there before", func() bool {
				_, after, _ := strings.Cut(p.written(), screen.Done)
				return strings.Contains(after, "goroutine ")
			})
		})
	}
}

// TestATerminalThatTakesNothing does not keep a run from counting, nor from ending.
func TestATerminalThatTakesNothing(t *testing.T) {
	dir := t.TempDir()
	bin, log, state := binary(t, dir), dayLog(t, dir), filepath.Join(dir, "state")
	p := openPTY(t)
	errs, err := os.Create(filepath.Join(dir, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer errs.Close()
	cmd := exec.Command(bin, "-f", "--state", state, log)
	cmd.Stderr = errs
	p.start(cmd)
	waitUntil(t, "the live view", func() bool { return p.settings() != p.before })
	for range 100 { // nobody reads: some pictures later the terminal is full
		if _, err := p.master.WriteString("\x0c"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	var before time.Time // of the last state
	f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for n := range 3 {
		waitUntil(t, "a newer state", func() bool {
			s, err := os.Stat(state)
			return err == nil && s.ModTime().After(before)
		})
		if s, err := os.Stat(state); err == nil {
			before = s.ModTime()
		}
		fmt.Fprintf(f, `{"ts":"%s","user":"u%d","error.type":206}`+"\n", time.Now().Format(time.RFC3339), n)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	time.Sleep(500 * time.Millisecond)
	p.read() // now it takes the rest
	if got := ended(t, cmd).String(); got != "exit status 0" {
		t.Errorf("%s", got)
	}
	p.clean()
}

// TestNoLiveViewWithout checks that what -f prints where there is no terminal, or none is wanted, are events as ever.
func TestNoLiveViewWithout(t *testing.T) {
	dir := t.TempDir()
	bin, log := binary(t, dir), dayLog(t, dir)
	for _, args := range [][]string{{"--plain"}, {"-o", "ndjson"}, {"-o", "text"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			p := openPTY(t)
			p.read()
			cmd := exec.Command(bin, append(args, "-f", log)...)
			p.start(cmd)
			if args[0] == "--plain" || args[1] == "ndjson" {
				p.waitFor(`"code":206`)
			} else {
				time.Sleep(time.Second)
			}
			_ = cmd.Process.Signal(syscall.SIGTERM)
			if got := ended(t, cmd).String(); got != "exit status 0" {
				t.Errorf("%s", got)
			}
			if strings.Contains(p.written(), "\x1b[?1049h") || p.settings() != p.before {
				t.Errorf("a live view: %.200q", p.written())
			}
		})
	}
}

// TestKeysBesideAPipe: the log comes from stdin, the keys from the terminal.
func TestKeysBesideAPipe(t *testing.T) {
	dir := t.TempDir()
	bin := binary(t, dir)
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p := openPTY(t)
	p.read()
	cmd := exec.Command(bin, "-f", "-")
	cmd.Stdin = in
	p.start(cmd)
	in.Close()
	fmt.Fprintf(out, `{"ts":"%s","user":"u1","error.type":217}`+"\n", time.Now().Format(time.RFC3339))
	p.waitFor("217")
	if _, err := p.master.WriteString("q"); err != nil {
		t.Fatal(err)
	}
	if got := ended(t, cmd).String(); got != "exit status 0" {
		t.Errorf("%s: %s", got, tailOf(p.written()))
	}
	p.clean()
}
