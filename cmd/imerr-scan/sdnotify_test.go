//go:build unix

package main

import (
	"net"
	"path/filepath"
	"testing"
	"time"
)

func TestSystemdIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Skip(err) // the name of the folder may be too long for a socket
	}
	defer l.Close()
	socket := path
	env := &environ{getenv: func(string) string { return socket }}
	env.sdNotify("READY=1")
	_ = l.SetReadDeadline(time.Now().Add(10 * time.Second))
	got := make([]byte, 64)
	n, err := l.Read(got)
	if err != nil || string(got[:n]) != "READY=1" {
		t.Errorf("systemd was told %q (%v), want READY=1", got[:n], err)
	}
	for _, socket = range []string{"", path + "/gone", "@gone"} {
		env.sdNotify("READY=1") // nobody listens: nothing happens
	}
}
