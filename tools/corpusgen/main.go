// Command corpusgen writes logs of an app that uses the IM SDK, and beside each the truth about it: how often every code
// was written. It is seeded: the same arguments give the same bytes on every machine.
//
//	corpusgen -kind sparse -size 512MiB -out sparse.log      # and sparse.truth.json
//	corpusgen -kind day -size 64MiB -start 2026-11-23T00:00:00+08:00 -out day.log
//
// Package corpus says what each kind holds.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"imerr-scan/tools/corpusgen/corpus"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "corpusgen:", err)
		os.Exit(2)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("corpusgen", flag.ContinueOnError)
	var (
		kind    = flags.String("kind", "sparse", "one of "+strings.Join(corpus.Kinds(), ", "))
		size    = flags.String("size", "512MiB", "about how much to write; for day: background traffic without the storms")
		seed    = flags.Uint64("seed", 1, "another seed gives another log")
		start   = flags.String("start", "2026-11-23T00:00:00+08:00", "time of the first line, RFC 3339")
		errs    = flags.Int("errors", 0, "SDK errors per 1,000 background lines; 0 means the kind's own share")
		storms  = flags.String("storms", strings.Join(corpus.StormKinds(), ","), "day: the storms, separated by commas; empty for none")
		percent = flags.Int("storm-size", 100, "day: users in a storm, in percent of the usual")
		out     = flags.String("out", "", "file to write; the truth goes to the same name with .truth.json (required)")
	)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" {
		return fmt.Errorf("-out is missing: name the file to write")
	}
	bytes, err := parseSize(*size)
	if err != nil {
		return err
	}
	first, err := time.Parse(time.RFC3339, *start)
	if err != nil {
		return fmt.Errorf("-start %q: want a time such as 2026-11-23T00:00:00+08:00", *start)
	}
	opt := corpus.Options{Kind: *kind, Size: bytes, Seed: *seed, Start: first, ErrorsPerMille: *errs, StormPercent: *percent}
	if *storms != "" {
		opt.Storms = strings.Split(*storms, ",")
	}
	return writeBoth(*out, opt)
}

// writeBoth writes the log to path and then its truth beside it, so that a truth stands only beside a finished log.
func writeBoth(path string, opt corpus.Options) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	truth, err := corpus.Write(w, opt)
	if err == nil {
		err = w.Flush()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	text, err := json.MarshalIndent(truth, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(corpus.TruthPath(path), append(text, '\n'), 0o644)
}

// parseSize reads a number of bytes such as 4096, 64KiB, 16MiB or 1GiB.
func parseSize(s string) (int64, error) {
	digits, unit := s, int64(1)
	for suffix, n := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if rest, ok := strings.CutSuffix(s, suffix); ok {
			digits, unit = rest, n
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 || n > (1<<62)/unit {
		return 0, fmt.Errorf("size %q: want bytes such as 4096, 64KiB, 16MiB or 1GiB", s)
	}
	return n * unit, nil
}
