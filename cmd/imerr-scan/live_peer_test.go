//go:build peers

package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"imerr-scan/internal/report"
)

// tmux is a terminal that can be looked at, with a server of its own.
type tmux struct {
	t    *testing.T
	sock string
	dir  string
}

// openTmux starts tmux, Debian's package of that name, with a shell in dir.
func openTmux(t *testing.T, dir string, width, height int) *tmux {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Fatal("tmux is not installed: apt-get install tmux")
	}
	x := &tmux{t: t, sock: filepath.Join(t.TempDir(), "tmux"), dir: dir}
	x.do("-f", "/dev/null", "new-session", "-d", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height), "-c", dir,
		"env PATH="+dir+":$PATH PS1='ready> ' LC_ALL=C.UTF-8 IMERR_TZ=Asia/Shanghai IMERR_CONFIG=none NO_COLOR= bash --norc")
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", x.sock, "kill-server").Run() })
	x.waitFor("ready>")
	return x
}

func (x *tmux) do(args ...string) string {
	x.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-u", "-S", x.sock}, args...)...).CombinedOutput()
	if err != nil {
		x.t.Fatalf("tmux %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimRight(string(out), "\n")
}

// press sends keys by the names that tmux has for them; run sends a command line.
func (x *tmux) press(keys ...string) { x.t.Helper(); x.do(append([]string{"send-keys"}, keys...)...) }

func (x *tmux) run(command string) {
	x.t.Helper()
	x.do("send-keys", "-l", command)
	x.press("Enter")
}

// shown is what is on the terminal, a string for each row.
func (x *tmux) shown() []string { x.t.Helper(); return strings.Split(x.do("capture-pane", "-p"), "\n") }

func (x *tmux) waitFor(text string) {
	x.t.Helper()
	waitUntil(x.t, fmt.Sprintf("%q on\n%s", text, strings.Join(x.shown(), "\n")), func() bool { return strings.Contains(strings.Join(x.shown(), "\n"), text) })
}

// clean checks that the program has left: the screen that was there before, a cursor, lines that wrap.
func (x *tmux) clean() {
	x.t.Helper()
	waitUntil(x.t, "the shell's screen", func() bool {
		return x.do("display-message", "-p", "#{alternate_on} #{cursor_flag} #{wrap_flag}") == "0 1 1"
	})
}

// pid is that of the live view: the process of its name on the terminal (proc_pid_stat(5)).
func (x *tmux) pid() int {
	x.t.Helper()
	var tty syscall.Stat_t
	if err := syscall.Stat(x.do("display-message", "-p", "#{pane_tty}"), &tty); err != nil {
		x.t.Fatal(err)
	}
	processes, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is one
	for _, file := range processes {
		var pid, parent, group, session, device int
		var state string
		data, _ := os.ReadFile(file) // it may have ended
		id, rest, ok := strings.Cut(string(data), " (imerr-scan) ")
		if _, err := fmt.Sscan(rest, &state, &parent, &group, &session, &device); !ok || err != nil || uint64(device) != tty.Rdev {
			continue
		}
		pid, _ = strconv.Atoi(id)
		return pid
	}
	x.t.Fatal("no imerr-scan on the terminal")
	return 0
}

// stormLog is a log of the last hour with a storm that goes on: next to nothing, then 120 kicks a minute for four minutes, of a new version.
func stormLog(t *testing.T, dir string) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "app.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	now := time.Now()
	for at := now.Add(-time.Hour); at.Before(now.Add(-4 * time.Minute)); at = at.Add(20 * time.Second) {
		fmt.Fprintf(f, `{"ts":"%s","level":"info","msg":"sent"}`+"\n", at.Format(time.RFC3339))
		if at.Unix()%300 < 20 {
			kickTo(f, at, 509, "5.2.9")
		}
	}
	for at := now.Add(-4 * time.Minute); at.Before(now); at = at.Add(500 * time.Millisecond) {
		kickTo(f, at, 206, "5.3.0")
	}
	return f
}

func kickTo(f *os.File, at time.Time, code int, version string) {
	fmt.Fprintf(f, `{"ts":"%s","user":{"id":"u%d"},"app":{"ver":"%s","platform":"web"},"error.type":%d}`+"\n", at.Format(time.RFC3339Nano), at.UnixNano(), version, code)
}

// keepStorming goes on with the storm until the test ends.
func keepStorming(t *testing.T, f *os.File) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				kickTo(f, time.Now(), 206, "5.3.0")
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-done })
}

// wellFormed waits for a live view that fills the terminal: title above, keys below, no row wider than it.
func (x *tmux) wellFormed(width, height int, want ...string) {
	x.t.Helper()
	var rows []string
	problem := ""
	waitUntil(x.t, "a live view that fills the terminal", func() bool {
		rows = x.shown()
		problem = ""
		switch {
		case len(rows) != height:
			problem = fmt.Sprintf("%d rows", len(rows))
		case !strings.HasPrefix(rows[0], " imerr-scan  LIVE"):
			problem = "no title"
		case !strings.HasSuffix(rows[height-1], "quit"):
			problem = "no keys"
		}
		for _, r := range rows {
			if report.Width(r) > width {
				problem = fmt.Sprintf("%d columns: %q", report.Width(r), r)
			}
		}
		for _, w := range want {
			if !strings.Contains(strings.Join(rows, "\n"), w) {
				problem = fmt.Sprintf("no %q", w)
			}
		}
		return problem == ""
	})
	if problem != "" {
		x.t.Errorf("%dx%d: %s on\n%s", width, height, problem, strings.Join(rows, "\n"))
	}
}

func TestARealTerminalShowsAStorm(t *testing.T) {
	for _, size := range [][2]int{{60, 18}, {80, 24}, {120, 30}, {200, 50}} {
		t.Run(fmt.Sprint(size[0]), func(t *testing.T) {
			dir := t.TempDir()
			binary(t, dir)
			keepStorming(t, stormLog(t, dir))
			x := openTmux(t, dir, size[0], size[1])
			x.run("imerr-scan -f app.log")
			x.wellFormed(size[0], size[1], "▶ 206", "kick storm 206", "firing", "CRIT")
			row := regexp.MustCompile(`▶ 206  \S+ +(?:auth +)?([0-9,]+)`)
			waitUntil(t, "a rate that grows", func() bool {
				m := row.FindStringSubmatch(strings.Join(x.shown(), "\n"))
				return m != nil && len(m[1]) > 3 // a thousand a minute
			})
			x.press("Enter")
			x.wellFormed(size[0], size[1], "Meaning", "isFixedDeviceId")
			x.press("G")
			x.wellFormed(size[0], size[1], "ALERT CRIT", "5.3.0")
			x.press("Escape")
			x.wellFormed(size[0], size[1], "sort: rate")
			x.press("s", "c")
			x.wellFormed(size[0], size[1], "sort: count", "category: auth")
			x.press("p")
			waitUntil(t, "a pause", func() bool { return strings.Contains(x.shown()[0], "PAUSED") })
			before := strings.Join(x.shown(), "\n")
			time.Sleep(1200 * time.Millisecond)
			if after := strings.Join(x.shown(), "\n"); after != before {
				t.Errorf("paused, and changed:\n%s\n%s", before, after)
			}
			x.press("q")
			x.clean()
			x.waitFor("NEXT")
		})
	}
}

func TestARealTerminalIsResizedDuringAStorm(t *testing.T) {
	dir := t.TempDir()
	binary(t, dir)
	keepStorming(t, stormLog(t, dir))
	x := openTmux(t, dir, 120, 30)
	x.run("imerr-scan -f app.log")
	x.wellFormed(120, 30, "▶ 206")
	for _, size := range [][2]int{{60, 18}, {200, 50}, {80, 24}, {61, 10}, {120, 30}} {
		x.do("resize-window", "-x", strconv.Itoa(size[0]), "-y", strconv.Itoa(size[1]))
		x.wellFormed(size[0], size[1], "▶ 206")
	}
	for i := range 40 { // faster than it is painted
		x.do("resize-window", "-x", strconv.Itoa(60+i*3), "-y", strconv.Itoa(50-i))
	}
	x.wellFormed(60+39*3, 11, "▶ 206")
	x.press("q")
	x.clean()
}

// TestARealTerminalIsAsBefore: stty says the same before and after, whatever ended the live view, and the shell that was there is seen.
func TestARealTerminalIsAsBefore(t *testing.T) {
	for _, tc := range []struct {
		name string
		end  func(x *tmux)
	}{
		{"q", func(x *tmux) { x.press("q") }},
		{"Ctrl-C", func(x *tmux) { x.press("C-c") }},
		{"SIGTERM", func(x *tmux) { _ = syscall.Kill(x.pid(), syscall.SIGTERM) }},
		{"SIGINT", func(x *tmux) { _ = syscall.Kill(x.pid(), syscall.SIGINT) }},
		{"SIGHUP", func(x *tmux) { _ = syscall.Kill(x.pid(), syscall.SIGHUP) }},
		{"SIGQUIT", func(x *tmux) { _ = syscall.Kill(x.pid(), syscall.SIGQUIT) }},
		{"SIGPIPE does nothing, then q", func(x *tmux) {
			_ = syscall.Kill(x.pid(), syscall.SIGPIPE)
			time.Sleep(300 * time.Millisecond)
			x.wellFormed(80, 24, "▶ 206")
			x.press("q")
		}},
		{"stopped and continued from outside, then q", func(x *tmux) {
			pid := x.pid()
			_ = syscall.Kill(pid, syscall.SIGSTOP)
			time.Sleep(300 * time.Millisecond)
			_ = syscall.Kill(pid, syscall.SIGCONT)
			x.press("s")
			x.wellFormed(80, 24, "sort: count")
			x.press("q")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.name == "SIGHUP" && signal.Ignored(syscall.SIGHUP) {
				t.Skip("whoever started the tests does without this signal (nohup)")
			}
			dir := t.TempDir()
			binary(t, dir)
			keepStorming(t, stormLog(t, dir))
			// A script, since a shell that reads lines would mend the settings by itself. Ctrl-C reaches it too, and it goes on.
			script := "trap : INT\nstty -g > before\nimerr-scan -f app.log 2> stderr\necho \"status $?\"\nstty -g > after\necho over\n"
			if err := os.WriteFile(filepath.Join(dir, "s.sh"), []byte(script), 0o600); err != nil {
				t.Fatal(err)
			}
			x := openTmux(t, dir, 80, 24)
			x.run("echo what was here; sh s.sh")
			x.wellFormed(80, 24, "▶ 206")
			tc.end(x)
			x.clean()
			x.waitFor("over")
			before, err1 := os.ReadFile(filepath.Join(dir, "before"))
			after, err2 := os.ReadFile(filepath.Join(dir, "after"))
			if err1 != nil || err2 != nil || len(before) < 10 || string(before) != string(after) {
				t.Errorf("stty -g was %q, is %q; %v %v", before, after, err1, err2)
			}
			if all := x.do("capture-pane", "-p", "-S", "-"); !strings.Contains(all, "what was here") {
				t.Errorf("what was there is gone:\n%s", all)
			}
		})
	}
}

// TestARealTerminalIsLentToTheShell: Ctrl-Z gives the terminal back, fg takes it again, as often as one likes.
func TestARealTerminalIsLentToTheShell(t *testing.T) {
	dir := t.TempDir()
	binary(t, dir)
	keepStorming(t, stormLog(t, dir))
	x := openTmux(t, dir, 80, 24)
	x.run("stty -g > before; imerr-scan -f app.log")
	for range 3 {
		x.wellFormed(80, 24, "▶ 206")
		x.press("C-z")
		x.clean()
		x.waitFor("Stopped")
		x.run("clear; stty -g | cmp - before && echo as\" before\"")
		x.waitFor("as before")
		x.run("clear; fg")
	}
	x.wellFormed(80, 24, "▶ 206")
	x.press("q")
	x.clean()
	x.waitFor("NEXT")
	x.run("clear; stty -g | cmp - before && echo as\" before\"")
	x.waitFor("as before")
}

// TestARealTerminalIsNotMovedByALog: what stands in a log does nothing to the terminal.
func TestARealTerminalIsNotMovedByALog(t *testing.T) {
	dir := t.TempDir()
	binary(t, dir)
	f := stormLog(t, dir)
	for _, text := range []string{`\u001b]2;owned\u0007`, `\u001b[2J\u001b[5;5H`, `\u009b2J`, `\u202egnp`, strings.Repeat("界", 5000), `\u001b[?1049l`} {
		for _, code := range []string{"217", `"` + text + `"`} {
			fmt.Fprintf(f, `{"ts":"%s","user":"%[2]s","version":"%[2]s","platform":"%[2]s","message":"%[2]s","error.type":%[3]s}`+"\n",
				time.Now().Format(time.RFC3339), text, code)
		}
	}
	x := openTmux(t, dir, 100, 40)
	title := x.do("display-message", "-p", "#{pane_title}")
	x.run("imerr-scan -f app.log")
	x.wellFormed(100, 40, "▶ 206", "217", "not in catalog")
	x.press("Down", "Enter")
	x.wellFormed(100, 40, "VERSIONS", "]2;owned")
	if got := x.do("display-message", "-p", "#{alternate_on} #{pane_title}"); got != "1 "+title {
		t.Errorf("the log moved the terminal: %q, was %q", got, title)
	}
	x.press("q")
	x.clean()
}

// TestARealTerminalWithTheLogInAPipe: keys come from the terminal all the same, and Ctrl-C ends writer and reader.
func TestARealTerminalWithTheLogInAPipe(t *testing.T) {
	dir := t.TempDir()
	binary(t, dir)
	keepStorming(t, stormLog(t, dir))
	x := openTmux(t, dir, 80, 24)
	x.run("tail -n +1 -f app.log | imerr-scan -f -")
	x.wellFormed(80, 24, "▶ 206")
	x.press("s")
	x.wellFormed(80, 24, "sort: count")
	x.press("C-c")
	x.clean()
	x.waitFor("NEXT")
	x.run("clear; jobs; echo no\" job\"")
	x.waitFor("no job")
}
