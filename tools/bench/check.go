package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

var errCounts = errors.New("counts differ")

// counted is what a log holds, according to somebody.
type counted struct {
	lines, withError, foreign, events, success int64
	values                                     map[string]int64 // codes and unknown values
}

// check compares three counts of the corpus.
func (b *bench) check(ctx context.Context, c aCorpus) error {
	want := counted{
		lines: c.truth.Lines, withError: c.truth.WithError, foreign: c.truth.Foreign,
		events: c.truth.Events, success: c.truth.Success, values: maps.Clone(c.truth.Codes),
	}
	maps.Copy(want.values, c.truth.Unknown)
	readers := []struct {
		name string
		read func(context.Context, string) (counted, error)
	}{{"the independent reader", b.readSlowly}, {"imerr-scan", b.scan}}
	for _, r := range readers {
		got, err := r.read(ctx, c.path)
		if err != nil {
			return fmt.Errorf("%s on %s: %w", r.name, c.path, err)
		}
		if diffs := got.differences(want); len(diffs) > 0 {
			return fmt.Errorf("%w on %s: %s against the generator's truth: %s", errCounts, c.path, r.name, strings.Join(diffs, ", "))
		}
	}
	return nil
}

// differences lists where got is not want, the most telling first.
func (got counted) differences(want counted) []string {
	var diffs []string
	note := func(what string, got, want int64) {
		if got != want {
			diffs = append(diffs, fmt.Sprintf("%s %d, not %d", what, got, want))
		}
	}
	note("lines", got.lines, want.lines)
	note("lines with an error", got.withError, want.withError)
	note("foreign lines", got.foreign, want.foreign)
	note("events", got.events, want.events)
	note("successes", got.success, want.success)
	values := maps.Clone(got.values)
	maps.Copy(values, want.values)
	for _, v := range slices.Sorted(maps.Keys(values)) {
		note(v, got.values[v], want.values[v])
	}
	return diffs
}

func (b *bench) readSlowly(ctx context.Context, path string) (counted, error) {
	var r struct {
		Lines, Foreign, Events, Success int64
		WithError                       int64 `json:"with_error"`
		Values                          map[string]int64
	}
	err := runJSON(ctx, &r, b.program("reader"), path)
	return counted{r.Lines, r.WithError, r.Foreign, r.Events, r.Success, r.Values}, err
}

// scan runs imerr-scan -o json and reads what docs/ promises of it, not our types.
func (b *bench) scan(ctx context.Context, path string) (counted, error) {
	var r struct {
		Lines struct {
			Read, Foreign int64
			WithError     int64 `json:"with_error"`
		}
		Events, Success int64
		Codes           []struct{ Code, Count int64 }
		Unknown         struct {
			Values []struct {
				Value string
				Count int64
			}
		}
	}
	if err := runJSON(ctx, &r, b.program("imerr-scan"), "-o", "json", path); err != nil {
		return counted{}, err
	}
	c := counted{r.Lines.Read, r.Lines.WithError, r.Lines.Foreign, r.Events, r.Success, map[string]int64{}}
	for _, e := range r.Codes {
		c.values[strconv.FormatInt(e.Code, 10)] = e.Count
	}
	for _, e := range r.Unknown.Values {
		c.values[e.Value] = e.Count
	}
	return c, nil
}

// runJSON runs a program and decodes what it prints.
func runJSON(ctx context.Context, v any, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(out, v); err != nil {
		return fmt.Errorf("its output is not the JSON it should be: %w", err)
	}
	return nil
}
