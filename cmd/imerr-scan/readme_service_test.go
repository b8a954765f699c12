//go:build unix

package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// The five commands of the README by which somebody with nothing but Go comes to a service that reads Kafka, counts and raises an
// alert: as they stand there, but for the ports, which may be taken on this machine.
func TestReadmeFromNothingToAnAlert(t *testing.T) {
	if testing.Short() {
		t.Skip("more than a minute")
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl")
	}
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)## As a service.*?```sh\n(.*?)```").FindSubmatch(text)
	if block == nil {
		t.Fatal("README.md: no block of sh under As a service")
	}
	commands := strings.Split(strings.TrimSpace(string(block[1])), "\n")
	if len(commands) != 5 {
		t.Fatalf("%d commands, want five", len(commands))
	}
	bin := t.TempDir()
	broker, listen := freeAddress(t), freeAddress(t)
	_, port, err := net.SplitHostPort(broker)
	if err != nil {
		t.Fatal(err)
	}
	shell := func(command string) *exec.Cmd {
		command = strings.NewReplacer(
			"./tools/trykafka", "./tools/trykafka -port "+port, "localhost:9092", broker,
			"imerr-scan serve", "imerr-scan serve --listen "+listen, "localhost:20617", listen,
		).Replace(command)
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = "../.."
		cmd.Env = append(os.Environ(), "GOBIN="+bin, "GOFLAGS=-buildvcs=false", "PATH="+bin+":"+os.Getenv("PATH"), "IMERR_CONFIG=none")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		return cmd
	}
	if out, err := shell(commands[0]).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", commands[0], err, out)
	}
	goesOn := func(command string, ready func() bool) {
		var said bytes.Buffer
		cmd := shell(command)
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			_ = cmd.Wait()
			if t.Failed() {
				t.Logf("%s\n%s", command, said.Bytes())
			}
		})
		waitUntil(t, command+" runs", ready)
	}
	answers := func(address string) func() bool {
		return func() bool {
			conn, err := net.Dial("tcp", address)
			if err == nil {
				conn.Close()
			}
			return err == nil
		}
	}
	goesOn(commands[1], answers(broker))
	goesOn(commands[2], answers(listen))
	shows := func(command, want string) {
		pattern, said := regexp.MustCompile(want), []byte{}
		for range 2 { // an alert is known a minute after its beginning
			if pattern.Match(said) {
				return
			}
			waitQuietly(func() bool { said, _ = shell(command).Output(); return pattern.Match(said) })
		}
		if !pattern.Match(said) {
			t.Errorf("%s prints %q, want %s", command, said, want)
		}
	}
	shows(commands[3], `(?m)^imerr_errors_total\{code="206".*\} [1-9]`)
	shows(commands[4], `"alert":"kick-storm".*"state":"firing"`)
}
