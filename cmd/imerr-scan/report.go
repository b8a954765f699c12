package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/deltalog/filelog"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/serve"
)

func newReport(env *environ) *cobra.Command {
	var s scanFlags
	cmd := &cobra.Command{
		Use:   "report RESULT...",
		Short: "Merge saved results (-o json) of several hosts or days, or the delta log of a service, and print them",
		Long: `report merges results that "imerr-scan -o json" saved: counts add up, users are united. The answer is the one a
single scan of all the logs would have given. The delta log of a service (serve --state) can be read while it runs; its alerts
are those that the service raised.`,
		Example:               `  imerr-scan report hosts/*.json`,
		Args:                  cobra.MinimumNArgs(1),
		DisableFlagsInUseLine: true,
		RunE: func(_ *cobra.Command, args []string) error {
			return s.report(env, args)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&s.output, "output", "o", "text", "text, json, csv, markdown, html or prom")
	f.IntVar(&s.top, "top", -1, "rows of a table, 0 for all (default 10 on a terminal, all elsewhere)")
	f.StringVar(&s.baseline, "baseline", "", "saved result (-o json) to compare with")
	f.StringVar(&s.failOn, "fail-on", "", "exit with 1 if true: code=217>0,category=auth>1%,users>100,new>0")
	f.BoolVar(&s.noAlerts, "no-alerts", false, "look for no spikes")
	f.StringVar(&s.incident, "incident", "", "with -o markdown: only this alert, such as kick-storm, as the first half of a post-mortem")
	complete(cmd, "output", "text", "json", "csv", "markdown", "html", "prom")
	return cmd
}

// readDeltas reads the delta log of a service; nil if file is none.
func (sc *scan) readDeltas(file string) (*deltalog.State, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil // said by whoever reads it next
	}
	head := make([]byte, 64)
	n, _ := io.ReadFull(f, head)
	_ = f.Close()
	if !filelog.IsLog(head[:n]) {
		return nil, nil
	}
	log, err := filelog.View(file)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	return serve.Load(context.Background(), log, deltalog.Options{Aggregate: sc.opt.Aggregate, Detector: sc.env.conf.Detector})
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
	var history detect.History
	for _, file := range files {
		if state, err := sc.readDeltas(file); state != nil || err != nil {
			if err != nil {
				failed = append(failed, aggregate.InputError{Source: file, Error: err.Error()})
				continue
			}
			total.Merge(state.Total())
			history.Add(state.Alerts()...)
			sc.history = &history
			continue
		}
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
	return sc.finish(total, failed, answer{input: name})
}
