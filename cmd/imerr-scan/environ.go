package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"imerr-scan/pkg/catalog"
)

// environ is the world around a verb: streams, environment variables, and the flags that all verbs share.
type environ struct {
	stdin          *os.File
	stdout, stderr io.Writer
	getenv         func(string) string

	langFlag, colorFlag, zoneFlag    string
	platformFlag, catalogFlag, width string

	lang catalog.Lang
	zone *time.Location
}

func (e *environ) flags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVar(&e.langFlag, "lang", "", "language of the texts: zh or en (default: by the locale)")
	f.StringVar(&e.colorFlag, "color", "auto", "colour: auto, always or never")
	f.StringVar(&e.zoneFlag, "tz", "Local", "time zone of times without one, and of the times shown: Asia/Shanghai, UTC, Local")
	f.StringVar(&e.platformFlag, "platform", "web", "which SDK's meaning a number has: web, android or ios")
	f.StringVar(&e.catalogFlag, "catalog", "", "file that adds or overrides entries of the catalog")
	complete(root, "lang", "zh", "en")
	complete(root, "color", "auto", "always", "never")
	complete(root, "platform", "web", "android", "ios")
}

// complete offers fixed values to the shell.
func complete(cmd *cobra.Command, flag string, values ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// setup reads environment variables for flags that were not given, and checks the shared flags.
func (e *environ) setup(cmd *cobra.Command) error {
	var err error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := "IMERR_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		v := e.getenv(name)
		if f.Changed || v == "" || err != nil || f.Name == "help" || f.Name == "version" {
			return
		}
		if serr := cmd.Flags().Set(f.Name, v); serr != nil {
			err = usage("", "environment variable %s=%q: %v", name, v, serr)
		}
	})
	if err != nil {
		return err
	}
	switch e.langFlag {
	case "zh":
		e.lang = catalog.ZH
	case "en":
		e.lang = catalog.EN
	case "":
		e.lang = localeLang(e.getenv)
	default:
		return usage("", "--lang %q: want zh or en", e.langFlag)
	}
	switch e.colorFlag {
	case "auto", "always", "never":
	default:
		return usage("", "--color %q: want auto, always or never", e.colorFlag)
	}
	if e.zone, err = time.LoadLocation(e.zoneFlag); err != nil {
		return usage("--tz Asia/Shanghai, --tz UTC or --tz Local", "--tz %q: unknown time zone", e.zoneFlag)
	}
	return nil
}

// localeLang is Chinese if the first locale variable that is set begins with zh.
func localeLang(getenv func(string) string) catalog.Lang {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := getenv(name); v != "" {
			if strings.HasPrefix(v, "zh") {
				return catalog.ZH
			}
			return catalog.EN
		}
	}
	return catalog.EN
}

// load returns the catalog that --platform and --catalog name.
func (e *environ) load() (*catalog.Catalog, error) {
	c, err := catalog.Load(e.platformFlag)
	if err != nil {
		return nil, usage("", "--platform %q: %v", e.platformFlag, err)
	}
	if e.catalogFlag == "" {
		return c, nil
	}
	f, err := os.Open(e.catalogFlag)
	if err != nil {
		return nil, usage("", "--catalog: %v", plainError(err))
	}
	defer f.Close()
	c, err = c.Overlay(f, e.catalogFlag)
	if err != nil {
		fmt.Fprintln(e.stderr, err)
		return nil, usage("", "--catalog %s: not used, see above", e.catalogFlag)
	}
	return c, nil
}

// isTTY says whether a stream is a terminal.
func isTTY(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// color says whether stdout gets colour: flag, then NO_COLOR, CLICOLOR_FORCE, TERM, then whether it is a terminal.
func (e *environ) color() bool {
	switch {
	case e.colorFlag == "always":
		return true
	case e.colorFlag == "never", e.getenv("NO_COLOR") != "":
		return false
	case e.getenv("CLICOLOR_FORCE") != "" && e.getenv("CLICOLOR_FORCE") != "0":
		return true
	}
	return isTTY(e.stdout) && e.getenv("TERM") != "dumb"
}

// columns is the width of the terminal, else COLUMNS, else 80.
func (e *environ) columns() int {
	if f, ok := e.stdout.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			return w
		}
	}
	if w, err := strconv.Atoi(e.getenv("COLUMNS")); err == nil && w > 0 {
		return min(w, 1000)
	}
	return 80
}

// plainError takes the operation off a file error: "app.log: permission denied".
func plainError(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w", pe.Path, pe.Err)
	}
	return err
}

// workers is the number of goroutines for -j 0.
func workers(j int) int {
	if j > 0 {
		return j
	}
	return min(runtime.GOMAXPROCS(0), 8)
}
