//go:build unix

package main

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"imerr-scan/internal/screen"
)

// hasScreen says that this system has terminals as the live view needs them.
const hasScreen = true

// screenSignals are what a live view has to know of: another size, going on after a stop, and all that ends a process and can
// be noticed.
var screenSignals = []os.Signal{
	syscall.SIGWINCH, syscall.SIGCONT, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT,
}

// terminal is the controlling terminal, which the keys come from even if stdin is a pipe. It is used by one goroutine, but for
// unblock.
type terminal struct {
	f     *os.File
	saved *term.State // as it was at first: what leave makes of it again
	on    bool
}

// openTerminal opens the controlling terminal and keeps its state in mind.
func openTerminal() (*terminal, error) {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	t := &terminal{f: f}
	if err := t.control(func(fd int) (err error) { t.saved, err = term.GetState(fd); return err }); err != nil {
		_ = f.Close()
		return nil, err
	}
	return t, nil
}

// control does something with the descriptor, and leaves it to the poller: os.File.Fd would make reading it block for ever.
func (t *terminal) control(do func(fd int) error) error {
	raw, err := t.f.SyscallConn()
	if err != nil {
		return err
	}
	var done error
	return errors.Join(raw.Control(func(fd uintptr) { done = do(int(fd)) }), done)
}

// enter takes the terminal: every key comes at once and none is a signal, and what was on it is kept for leave. Done again, it
// mends what others did to it meanwhile.
func (t *terminal) enter() error {
	t.on = true
	if err := t.control(func(fd int) error { _, err := term.MakeRaw(fd); return err }); err != nil {
		return err
	}
	return t.write(screen.Begin)
}

// leave gives the terminal back as it was.
func (t *terminal) leave() {
	if !t.on {
		return
	}
	t.on = false
	_ = t.f.SetWriteDeadline(time.Now().Add(time.Second)) // one that takes nothing shall not keep us
	_ = t.write(screen.Done)
	_ = t.control(func(fd int) error { return term.Restore(fd, t.saved) }) // if it is gone there is nothing to restore
	_ = t.f.SetWriteDeadline(time.Time{})
}

// close gives the terminal back; reading ends.
func (t *terminal) close() {
	t.leave()
	_ = t.f.Close()
}

func (t *terminal) write(s string) error {
	_, err := t.f.WriteString(s)
	return err
}

// unblock ends a write that waits for a terminal that takes nothing.
func (t *terminal) unblock() { _ = t.f.SetWriteDeadline(time.Now()) }

// size is that of the terminal, 80 by 24 if it does not say.
func (t *terminal) size() (width, height int) {
	err := t.control(func(fd int) (err error) { width, height, err = term.GetSize(fd); return err })
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}

// keys sends what is typed until the terminal is closed or done is.
func (t *terminal) keys(done <-chan struct{}) <-chan []screen.Key {
	typed := make(chan []screen.Key)
	go func() {
		buf := make([]byte, 256)
		for {
			n, err := t.f.Read(buf)
			if err != nil {
				return
			}
			select {
			case typed <- screen.Keys(buf[:n]):
			case <-done:
				return
			}
		}
	}()
	return typed
}

// suspend does what Ctrl-Z does to the processes in the foreground, which a terminal in our hands leaves to us. It returns when
// the shell lets us go on; where there is nobody to do so, as without a shell, the system does not stop us.
func (t *terminal) suspend() error {
	t.leave()
	_ = syscall.Kill(0, syscall.SIGTSTP)
	time.Sleep(100 * time.Millisecond) // the signal may reach another thread first
	return t.enter()
}

// interruptAll does what Ctrl-C does: every process of the pipe that we are part of is told.
func interruptAll() { _ = syscall.Kill(0, syscall.SIGINT) }

// dieOf ends the process by a signal as if it had not been noticed.
func dieOf(s os.Signal) {
	signal.Reset(s)
	_ = syscall.Kill(os.Getpid(), s.(syscall.Signal))
	time.Sleep(time.Second) // it comes
}
