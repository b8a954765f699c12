package config

import (
	"fmt"
	"net"
	"strconv"
)

// This file has the keys of the verb serve, but for those of Kafka.

// listen is the address of HTTP.
func (l *loader) listen() *leaf {
	const want = "an address such as :20617 or 127.0.0.1:20617, or none"
	return checked(&l.conf.Listen, want, func(s string) error {
		if _, port, err := net.SplitHostPort(s); s == None || err == nil && isPort(port) {
			return nil
		}
		if isPort(s) {
			return fmt.Errorf("want %s; did you mean %q?", want, ":"+s)
		}
		return fmt.Errorf("want %s", want)
	})
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && strconv.FormatUint(n, 10) == s
}

// state is the file of the delta log.
func (l *loader) state() *leaf {
	v := opt(text(nil, "the path of a file"))
	v.parse = func(name string) string { l.conf.State = l.pathOf("state", name); return "" }
	v.value = nil
	return v
}

func (l *loader) log() section {
	level := oneOf(&l.logLevel, "debug", "info", "warn", "error")
	known := level.parse
	level.parse = func(s string) string {
		problem := known(s)
		if problem == "" {
			_ = l.conf.LogLevel.UnmarshalText([]byte(s)) // it knows the words of above
		}
		return problem
	}
	return section{
		{name: "format", value: oneOf(&l.conf.LogFormat, "text", "json")},
		{name: "level", value: level},
	}
}
