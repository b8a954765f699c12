package main

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/spf13/cobra"

	"imerr-scan/internal/aggregate"
)

func newReport(env *environ) *cobra.Command {
	var s scanFlags
	cmd := &cobra.Command{
		Use:   "report RESULT.json...",
		Short: "Merge saved results (-o json) of several hosts or days and print them",
		Long: `report merges results that "imerr-scan -o json" saved: counts add up, users are united. The answer is the one a
single scan of all the logs would have given.`,
		Example:               `  imerr-scan report hosts/*.json`,
		Args:                  cobra.MinimumNArgs(1),
		DisableFlagsInUseLine: true,
		RunE: func(_ *cobra.Command, args []string) error {
			return s.report(env, args)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&s.output, "output", "o", "text", "text, json, csv, markdown or prom")
	f.IntVar(&s.top, "top", -1, "rows of a table, 0 for all (default 10 on a terminal, all elsewhere)")
	f.StringVar(&s.baseline, "baseline", "", "saved result (-o json) to compare with")
	f.StringVar(&s.failOn, "fail-on", "", "exit with 1 if true: code=217>0,category=auth>1%,users>100,new>0")
	f.BoolVar(&s.noAlerts, "no-alerts", false, "look for no spikes")
	complete(cmd, "output", "text", "json", "csv", "markdown", "prom")
	return cmd
}

// report merges saved results and prints the whole.
func (s *scanFlags) report(env *environ, files []string) error {
	if s.output == "ndjson" {
		return usage("", "-o ndjson: a saved result holds no single events")
	}
	s.maxDoc = "1MiB"
	sc, err := s.prepare(env)
	if err != nil {
		return err
	}
	total := aggregate.New(sc.opt.Aggregate)
	var failed []aggregate.InputError
	for _, file := range files {
		res, err := readResult(file)
		if err != nil {
			failed = append(failed, aggregate.InputError{Source: file, Error: err.Error()})
			continue
		}
		part, err := aggregate.FromResult(res, sc.cat)
		if err != nil {
			failed = append(failed, aggregate.InputError{Source: file, Error: err.Error()})
			continue
		}
		total.Merge(part)
		sc.validate = sc.validate || res.Validated
		failed = append(failed, res.Errors...)
	}
	name := files[0]
	if len(files) > 1 {
		name = fmt.Sprintf("%d results", len(files))
	}
	if err := sc.finish(total, failed, answer{input: name}); !errors.Is(err, syscall.EPIPE) {
		return err
	}
	return nil
}
