// Command fuzzkeep takes into testdata/fuzz what fuzzing found worth keeping, so that go test tries it ever after. From the
// root of the module:
//
//	go run ./tools/fuzzkeep            # all targets
//	go run ./tools/fuzzkeep FuzzParse  # those with that name
//
// Go's fuzzer keeps hundreds of inputs for a target in the build cache. Of these the smallest are taken that reach code which
// the target's seeds, and those taken before, do not. Inputs of more than 4 KiB are not taken.
package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const largest = 4 << 10

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fuzzkeep:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, names []string) error {
	cache, err := ask(ctx, "env", "GOCACHE")
	if err != nil {
		return err
	}
	module, err := ask(ctx, "list", "-m")
	if err != nil {
		return err
	}
	targets, err := findTargets()
	if err != nil {
		return err
	}
	for _, t := range targets {
		if len(names) > 0 && !slices.Contains(names, t.name) {
			continue
		}
		t.found = filepath.Join(cache, "fuzz", module, t.dir, t.name)
		if err := t.keep(ctx); err != nil {
			return fmt.Errorf("%s %s: %w", t.dir, t.name, err)
		}
	}
	return nil
}

// ask returns what the go command prints.
func ask(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", args...).Output()
	return strings.TrimSpace(string(out)), err
}

// target is a fuzz target.
type target struct {
	dir, name string // of its package; of its function
	found     string // the folder of the fuzzer's inputs
	binary    string // its test, built to measure coverage
}

var declaration = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(f \*testing\.F\)`)

func findTargets() (targets []target, err error) {
	module := os.DirFS(".")
	err = fs.WalkDir(module, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := fs.ReadFile(module, name)
		for _, m := range declaration.FindAllSubmatch(text, -1) {
			targets = append(targets, target{dir: path.Dir(name), name: string(m[1])})
		}
		return err
	})
	return targets, err
}

// keep measures what each found input reaches, from the smallest on, and takes those that reach more.
func (t *target) keep(ctx context.Context) error {
	entries, err := os.ReadDir(t.found)
	if err != nil {
		fmt.Printf("%s %s: never fuzzed here\n", t.dir, t.name)
		return nil
	}
	scratch, err := os.MkdirTemp("", "fuzzkeep")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	t.binary = filepath.Join(scratch, "test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-cover", "-covermode=set", "-o", t.binary, "./"+t.dir)
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return err
	}
	corpus := filepath.Join(t.dir, "testdata", "fuzz", t.name)
	if err := os.MkdirAll(corpus, 0o755); err != nil {
		return err
	}
	reached := map[string]bool{}
	if _, err := t.reach(ctx, "", reached); err != nil { // the seeds, and what was kept before
		return err
	}
	type input struct {
		name string
		size int64
	}
	var inputs []input
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(corpus, e.Name())); err != nil && info.Size() <= largest {
			inputs = append(inputs, input{e.Name(), info.Size()})
		}
	}
	slices.SortFunc(inputs, func(a, b input) int { return cmp.Or(cmp.Compare(a.size, b.size), cmp.Compare(a.name, b.name)) })
	kept := 0
	for _, in := range inputs {
		path := filepath.Join(corpus, in.name)
		text, err := os.ReadFile(filepath.Join(t.found, in.name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
		more, err := t.reach(ctx, "/^"+in.name+"$", reached)
		if err != nil {
			return fmt.Errorf("%s fails and stays: %w", path, err)
		}
		if more {
			kept++
		} else if err := os.Remove(path); err != nil {
			return err
		}
	}
	_ = os.Remove(corpus) // if nothing is in it
	fmt.Printf("%s %s: %d of %d taken\n", t.dir, t.name, kept, len(inputs))
	return nil
}

// reach runs the target's tests whose names match and adds the blocks of code that they reach. more: some are new.
func (t *target) reach(ctx context.Context, names string, reached map[string]bool) (more bool, err error) {
	profile := t.binary + ".cover"
	cmd := exec.CommandContext(ctx, t.binary, "-test.run", "^"+t.name+"$"+names, "-test.coverprofile", profile)
	cmd.Dir = t.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return false, fmt.Errorf("%w\n%s", err, out)
	}
	f, err := os.Open(profile)
	if err != nil {
		return false, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if block, hit := strings.CutSuffix(lines.Text(), " 1"); hit && !reached[block] {
			reached[block] = true
			more = true
		}
	}
	return more, nil
}
