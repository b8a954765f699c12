package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"imerr-scan/internal/kafka/kafkatest"
)

var update = flag.Bool("update", false, "rewrite what the scripts expect")

// TestMain lets the scripts run this very binary as imerr-scan.
func TestMain(m *testing.M) {
	kafkatest.BeFake()
	testscript.Main(leakless{m}, map[string]func(){"imerr-scan": main})
}

// leakless fails if a goroutine outlives the tests.
type leakless struct{ *testing.M }

func (m leakless) Run() int {
	status := m.M.Run()
	if err := goleak.Find(); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	return status
}

// binary returns the path of imerr-scan as users run it, in dir: this test binary under its name.
func binary(t *testing.T, dir string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "imerr-scan")
	if err := os.Symlink(self, bin); err != nil {
		t.Skip(err)
	}
	return bin
}

// TestScripts runs testdata/script/*.txtar: input, command, stdout, stderr and status in one file each.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"cat_append": catAppend, "wait_for": waitFor, "one_document": oneDocument, "at_most": atMost},
		Setup: func(env *testscript.Env) error {
			logs, err := os.Getwd()
			if err != nil {
				return err
			}
			env.Setenv("LOGS", logs+"/../../testdata/logs")
			env.Setenv("LANG", "en_US.UTF-8")
			env.Setenv("IMERR_TZ", "Asia/Shanghai")
			env.Setenv("COLUMNS", "104")
			return nil
		},
	})
}

// catAppend adds the first file to the end of the second.
func catAppend(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.OpenFile(ts.MkAbs(args[1]), os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	_, err = f.WriteString(ts.ReadFile(args[0]))
	ts.Check(err)
	ts.Check(f.Close())
}

// oneDocument checks that a file is one HTML document from its first byte to its last.
func oneDocument(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	whole := strings.HasPrefix(text, "<!DOCTYPE html>\n") && strings.HasSuffix(text, "</html>\n")
	if !whole || strings.Count(text, "<!DOCTYPE") != 1 || strings.Count(text, "</html>") != 1 {
		ts.Fatalf("%s is not one document: it begins %.40q and ends %.40q", args[0], text, text[max(0, len(text)-40):])
	}
}

// atMost checks the size of a file, in bytes.
func atMost(ts *testscript.TestScript, _ bool, args []string) {
	limit, err := strconv.Atoi(args[0])
	ts.Check(err)
	if n := len(ts.ReadFile(args[1])); n > limit {
		ts.Fatalf("%s has %d bytes, want at most %d", args[1], n, limit)
	}
}

// waitFor waits until a file holds a text.
func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	for range 600 {
		data, _ := os.ReadFile(ts.MkAbs(args[0]))
		if strings.Contains(string(data), args[1]) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%s does not hold %q after 30 s", args[0], args[1])
}
