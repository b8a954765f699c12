package main

import "net"

// sdNotify tells systemd, if it started us as Type=notify: READY=1, STOPPING=1. Nothing depends on it.
func (e *environ) sdNotify(state string) {
	address := e.getenv("NOTIFY_SOCKET")
	if address == "" {
		return
	}
	if address[0] == '@' { // an abstract name
		address = "\x00" + address[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}
