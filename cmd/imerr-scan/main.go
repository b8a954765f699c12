// Command imerr-scan finds the errors of the Agora / Easemob IM SDK in logs, says what they mean and what to do.
//
// Rules of this command, for every verb: data goes to stdout, everything else to stderr. Exit status: 0 done; 1 a
// --fail-on condition or a comparison said no; 2 usage, configuration, an input that could not be read (the rest is still
// reported), or an output that could not be written; 130 a second interrupt. An error is one line "imerr-scan: …", perhaps a second one "hint: …".
package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"unicode"

	"github.com/spf13/cobra"
)

func main() {
	// With SIGPIPE taken, a closed stdout is an error of the write, and the command can end quietly.
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Exit statuses.
const (
	exitDone        = 0
	exitNo          = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// exitError ends the command with a status; what there was to say has been said if msg is empty.
type exitError struct {
	status int
	msg    string
	hint   string
}

func (e *exitError) Error() string { return e.msg }

// usage is a mistake in the arguments.
func usage(hint, format string, args ...any) error {
	return &exitError{status: exitUsage, msg: fmt.Sprintf(format, args...), hint: hint}
}

// run is main without the process: args in, exit status out.
func run(args []string, stdin *os.File, stdout, stderr io.Writer) int {
	env := &environ{stdin: stdin, stdout: stdout, stderr: stderr, getenv: os.Getenv}
	root := newRoot(env)
	root.SetArgs(negativesLast(args))
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()
	if err == nil {
		return exitDone
	}
	var exit *exitError
	if fault, ok := errors.AsType[*fs.PathError](err); ok && fault.Op == "write" && fault.Path == os.Stdout.Name() {
		if errors.Is(err, syscall.EPIPE) {
			return exitDone // who read it has seen enough
		}
		exit = &exitError{status: exitUsage, msg: "stdout: " + fault.Err.Error(), hint: "run it again: what is there now is not whole"}
		exit.hint = cmp.Or(remedy(err, exit.hint), exit.hint)
	} else if !errors.As(err, &exit) {
		exit = &exitError{status: exitUsage, msg: err.Error(), hint: "imerr-scan --help"}
	}
	if exit.msg != "" {
		fmt.Fprintf(stderr, "imerr-scan: %s\n", oneLine(exit.msg))
	}
	if exit.hint != "" {
		fmt.Fprintf(stderr, "hint: %s\n", exit.hint)
	}
	return exit.status
}

// remedy says what to do about a fault of a file, before then; "" if it is none of those that it knows.
func remedy(err error, then string) string {
	for _, r := range []struct {
		faults []error
		what   string
	}{
		{[]error{syscall.ENOSPC, syscall.EDQUOT}, "make room there and "},
		{[]error{syscall.EFBIG}, "raise the limit of a file's size (ulimit -f) and "},
		{[]error{syscall.EMFILE, syscall.ENFILE}, "raise the limit of open files (ulimit -n) and "},
		{[]error{fs.ErrPermission, syscall.EROFS}, "name a place that may be written to and "},
	} {
		for _, fault := range r.faults {
			if errors.Is(err, fault) {
				return r.what + then
			}
		}
	}
	return ""
}

// oneLine keeps an error message from spreading: what is not shown as itself becomes a space.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}

func newRoot(env *environ) *cobra.Command {
	root := &cobra.Command{
		Use:   "imerr-scan [FLAGS] [FILE|DIR|GLOB|-]...",
		Short: "Find the errors of the Agora / Easemob IM SDK in logs and say what they mean",
		Long: `imerr-scan reads logs of apps built on the Agora / Easemob IM SDK from files, folders or stdin, finds every
error.type in whatever shape the log wraps it, and says what each code means, whose problem it is and what to do.`,
		Example: `  kubectl logs deploy/web | imerr-scan
  imerr-scan app.log 'logs/**/*.gz' --since -3h
  imerr-scan -f app.log
  imerr-scan explain 206`,
		Args:                  cobra.ArbitraryArgs,
		SilenceErrors:         true,
		SilenceUsage:          true,
		DisableFlagsInUseLine: true,
		Version:               "-", // the template below says it, so that it is not worked out at every start
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return env.setup(cmd)
		},
	}
	cobra.AddTemplateFunc("versionLine", versionLine)
	root.SetVersionTemplate("{{versionLine}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(cmd.CommandPath()+" --help", "%v", err)
	})
	env.flags(root)
	addScan(root, env)
	root.AddCommand(newExplain(env), newCatalog(env), newReport(env), newDoctor(env), newBacktest(env), newCheck(env), newNotify(env), newServe(env), newKit(env), newVersion(env))
	root.CompletionOptions.DisableDefaultCmd = false
	return root
}
