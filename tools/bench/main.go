// Command bench measures imerr-scan beside what people use today. From the root of the module:
//
//	go run ./tools/bench -size 512MiB -rounds 5
//
// It builds the corpora (kept in -dir for the next time), checks that three counts of each agree (the generator's, a slow
// reader's that shares no code with us, and imerr-scan's), and only then lets the commands take turns. The tables, in
// Markdown, go to stdout. docs/performance.md says what the figures mean.
//
// It exits with 1 if counts differ. Missing a goal is printed and fails nothing: that would depend on the machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:])
	switch {
	case errors.Is(err, errCounts):
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	size := flags.String("size", "512MiB", "of a corpus; spaced has half of it, odd an eighth")
	rounds := flags.Int("rounds", 5, "how often each command runs; the median counts")
	kinds := flags.String("kinds", "sparse,noise,spaced,long,dense,odd,gzip,zstd,pipe", "corpora, separated by commas")
	dir := flags.String("dir", filepath.Join("tmp", "bench"), "where programs and corpora are kept")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if _, err := os.Stat("go.mod"); err != nil {
		return fmt.Errorf("run it in the root of the module: %w", err)
	}
	b := bench{dir: *dir, rounds: *rounds}
	if err := b.build(ctx); err != nil {
		return err
	}
	_, missing := b.peers("")
	fmt.Printf("%s, %s/%s, %d CPUs, %d rounds\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), b.rounds)
	if len(missing) > 0 {
		fmt.Printf("not installed, left out: %s\n", strings.Join(missing, ", "))
	}
	for kind := range strings.SplitSeq(*kinds, ",") {
		c, err := b.corpus(ctx, kind, *size)
		if err != nil {
			return err
		}
		if kind == c.truth.Kind { // else it is one that was, in another form
			if err := b.check(ctx, c); err != nil {
				return err
			}
		}
		peers, _ := b.peers(kind)
		rows, err := b.measure(ctx, c, peers)
		if err != nil {
			return err
		}
		printTable(os.Stdout, kind, c, rows)
	}
	return nil
}

// bench is one run.
type bench struct {
	dir    string
	rounds int
}

// program returns the path of one of the programs that build made.
func (b *bench) program(name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	path := filepath.Join(b.dir, "bin", name)
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// build makes imerr-scan as a release does, the programs of the benchmark, and that of mtail.
func (b *bench) build(ctx context.Context) error {
	bin := filepath.Dir(b.program("imerr-scan"))
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin,
		"./cmd/imerr-scan", "./tools/corpusgen", "./tools/bench/reader", "./tools/bench/toy", "./tools/bench/discard")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return os.WriteFile(filepath.Join(b.dir, mtailProgram), []byte(inMtail), 0o600)
}
