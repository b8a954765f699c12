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

	"imerr-scan/internal/config"
	"imerr-scan/pkg/catalog"
)

// environ is the world around a verb: streams, environment variables, and the flags that all verbs share.
type environ struct {
	stdin          *os.File
	stdout, stderr io.Writer
	getenv         func(string) string

	configFlag, colorFlag string

	input config.Input   // what conf was made of
	conf  *config.Config // file, variables and flags together
	lang  catalog.Lang
	zone  *time.Location
}

// flagOf is the flag that sets a fixed key of the configuration, for verbs that have it.
func flagOf(key string) string { return strings.NewReplacer(".", "-", "_", "-").Replace(key) }

func (e *environ) flags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVar(&e.configFlag, "config", "", "configuration file, or none (default: $XDG_CONFIG_HOME/imerr-scan/config.yaml, /etc/imerr-scan/config.yaml)")
	f.String("lang", "auto", "language of the texts: zh, en, or auto: by the locale")
	f.StringVar(&e.colorFlag, "color", "auto", "colour: auto, always or never")
	f.String("tz", "Local", "time zone of times without one, and of the times shown: Asia/Shanghai, UTC, Local")
	f.String("platform", "web", "which SDK's meaning a number has: "+strings.Join(catalog.Platforms(), ", "))
	f.String("catalog", "", "file that adds or overrides entries of the catalog")
	complete(root, "lang", "zh", "en", "auto")
	complete(root, "color", "auto", "always", "never")
	complete(root, "platform", catalog.Platforms()...)
}

// complete offers fixed values to the shell.
func complete(cmd *cobra.Command, flag string, values ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// setup reads environment variables for flags that were not given, and the configuration.
func (e *environ) setup(cmd *cobra.Command) error {
	e.input = config.Input{Env: os.LookupEnv, ReadFile: config.ReadFile}
	keys := map[string]string{} // by flag; the configuration reads their variables
	for _, key := range config.FixedKeys() {
		if key == "state" && cmd.Name() != "serve" {
			continue // of -f it is another file
		}
		keys[flagOf(key)] = key
		if f := cmd.Flags().Lookup(flagOf(key)); f != nil && f.Changed {
			e.input.Flags = append(e.input.Flags, config.Flag{Key: key, Name: "--" + f.Name, Value: f.Value.String()})
		}
	}
	var err error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := "IMERR_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		v := e.getenv(name)
		if f.Changed || v == "" || err != nil || f.Name == "help" || f.Name == "version" || keys[f.Name] != "" {
			return
		}
		if serr := cmd.Flags().Set(f.Name, v); serr != nil {
			err = usage("", "environment variable %s=%q: %v", name, v, serr)
		}
	})
	if err != nil {
		return err
	}
	switch e.colorFlag {
	case "auto", "always", "never":
	default:
		return usage("", "--color %q: want auto, always or never", e.colorFlag)
	}
	if cmd.Annotations[ownConfig] != "" {
		e.conf, err = config.Load(config.Input{Flags: e.input.Flags})
		return err
	}
	return e.configure()
}

// ownConfig marks a verb that does not want the configuration, or asks for it itself.
const ownConfig = "own configuration"

// configure reads the configuration; any mistake in it is told, and ends the command.
func (e *environ) configure() error {
	file, data, err := config.Find(e.configFlag, e.input.Env, e.input.ReadFile)
	if err != nil {
		return usage("--config none goes without a file", "%v", err)
	}
	e.input.File, e.input.Data = file, data
	if e.conf, err = config.Load(e.input); err != nil {
		e.tell(err)
		return &exitError{status: exitUsage}
	}
	e.zone = e.conf.Zone
	switch e.conf.Lang {
	case "zh":
		e.lang = catalog.ZH
	case "en":
		e.lang = catalog.EN
	default:
		e.lang = localeLang(e.getenv)
	}
	return nil
}

// tell writes each of several mistakes on a line of its own.
func (e *environ) tell(err error) {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			e.tell(one)
		}
		return
	}
	fmt.Fprintf(e.stderr, "imerr-scan: %s\n", oneLine(err.Error()))
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
