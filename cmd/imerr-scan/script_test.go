package main

import (
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite what the scripts expect")

// TestMain lets the scripts run this very binary as imerr-scan.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"imerr-scan": main})
}

// TestScripts runs testdata/script/*.txtar: input, command, stdout, stderr and status in one file each.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
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
