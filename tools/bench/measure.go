package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"time"
)

// row is what was measured of one command on one corpus.
type row struct {
	peer
	cpu, wall []time.Duration // one per round
	peak      int64           // bytes resident, the most of all rounds; 0 if the system does not say
	counted   int64           // errors, if it counts any
	wrong     string          // why its count is no answer, "" if it is right or not asked
}

// measure lets the commands take turns, each round beginning with another one.
func (b *bench) measure(ctx context.Context, c aCorpus, peers []peer) ([]row, error) {
	rows := make([]row, len(peers))
	for i, p := range peers {
		rows[i].peer = p
	}
	if err := intoCache(c.path); err != nil {
		return nil, err
	}
	for round := range b.rounds {
		for i := range rows {
			r := &rows[(i+round)%len(rows)]
			if r.slow && round >= slowRounds {
				continue
			}
			if err := r.once(ctx, c); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

// once runs the command once and adds what it used.
func (r *row) once(ctx context.Context, c aCorpus) error {
	argv := r.command(c.path)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var out bytes.Buffer // a pipe: grep stops at its first match if it writes to the null device
	cmd.Stdout = &out
	began := time.Now()
	err := cmd.Run()
	r.wall = append(r.wall, time.Since(began))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.wrong = ""
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		r.wrong = fmt.Sprintf("stops with status %d", exit.ExitCode()) // jq at text before JSON
	case err != nil:
		return fmt.Errorf("%s: %w", r.name, err)
	case r.events != nil:
		if r.counted = r.events(out.Bytes()); r.counted != c.truth.Events {
			r.wrong = fmt.Sprintf("counts %d of %d", r.counted, c.truth.Events)
		}
	}
	r.cpu = append(r.cpu, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	r.peak = max(r.peak, peakMemory(cmd.ProcessState))
	return nil
}

// intoCache reads the log once, so that no command pays for the disk.
func intoCache(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, f, make([]byte, 256<<10))
	return err
}

// median of some durations; of an even number the lower of the two in the middle.
func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[(len(d)-1)/2]
}
