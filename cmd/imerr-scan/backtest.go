package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/config"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/pipeline"
	"imerr-scan/internal/report"
	"imerr-scan/internal/source"
)

// newBacktest is the verb that answers: when would it have fired?
func newBacktest(env *environ) *cobra.Command {
	var s scanFlags
	cmd := &cobra.Command{
		Use:   "backtest FILE...",
		Short: "Tell when the alerts would have fired in logs of the past, for how long and for how many users",
		Long: `backtest reads logs to their end and runs the detector over them, with the settings of the configuration and of the
flags. It says when each alert would have fired, how long it would have been open, and for each code that stayed silent
how near it came. Nothing is sent.`,
		Example: `  imerr-scan backtest 'logs/2026-11-*.log.gz'
  imerr-scan backtest --config new.yaml app.log
  imerr-scan backtest --detector-false-alarms-per-week 0.1 -o ndjson app.log`,
		Args:                  cobra.MinimumNArgs(1),
		DisableFlagsInUseLine: true,
		RunE: func(_ *cobra.Command, args []string) error {
			return s.backtest(env, args)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&s.output, "output", "o", "text", "text, json, or ndjson: the alert records alone, in order of event time")
	f.StringSliceVar(&s.codes, "code", nil, "only these codes, by number or name")
	f.StringVar(&s.since, "since", "", `only events from then on: RFC 3339, "2026-11-23 10:00", -3h, today, yesterday`)
	f.StringVar(&s.until, "until", "", "only events before then")
	f.StringArrayVar(&s.fields, "field", nil, "where to look, as in a scan: code=ctx.error.type, user=…")
	f.String("pii", "mask", "user ids in outputs: mask, hash, plain or drop")
	f.IntVarP(&s.jobs, "jobs", "j", 0, "parts read at once (default: one per processor); 1 keeps to one processor")
	detectorFlags(cmd)
	complete(cmd, "output", "text", "json", "ndjson")
	return cmd
}

// detectorFlags adds a flag for each setting of the detector.
func detectorFlags(cmd *cobra.Command) {
	for key, standard := range config.Defaults() {
		if name, ok := strings.CutPrefix(key, "detector."); ok {
			cmd.Flags().String(flagOf(key), standard, "setting "+name+" of the detector")
		}
	}
}

// backtest reads the inputs and prints what the detector makes of them.
func (s *scanFlags) backtest(env *environ, args []string) error {
	output := s.output
	switch output {
	case "text", "json":
		s.output = "text"
	case "ndjson":
	default:
		return usage("text, json or ndjson", "-o %q: no such output", output)
	}
	s.maxDoc, s.top = "1MiB", -1
	limit(env, s.jobs)
	sc, err := s.prepare(env)
	if err != nil {
		return err
	}
	ctx, stop := interrupts(context.Background(), false)
	defer stop()
	items, problems := source.Expand(args)
	total := aggregate.New(sc.opt.Aggregate)
	start := time.Now()
	var head headOf
	failed, err := pipeline.Scan(ctx, sources(items, &head), total, sc.opt)
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	for _, p := range problems {
		failed = append(failed, inputError("", p))
	}
	for _, f := range failed {
		fmt.Fprintf(env.stderr, "imerr-scan: %s\n", oneLine(f.Source+": "+strings.TrimPrefix(f.Error, f.Source+": ")))
	}
	detector := sc.newDetector(total)
	records := detector.Feed(total, detect.All)
	if err := sc.printBacktest(output, total, records, detector.Closest(), answer{input: inputName(items, args), took: time.Since(start)}); err != nil {
		return err
	}
	if len(failed) > 0 {
		return &exitError{status: exitUsage}
	}
	return nil
}

func (sc *scan) printBacktest(output string, total *aggregate.Tally, records []detect.Alert, misses []detect.Miss, a answer) error {
	for i := range records {
		records[i].In(sc.env.zone)
	}
	for i := range misses {
		misses[i].At = misses[i].At.In(sc.env.zone)
	}
	var h detect.History
	h.Add(records...)
	switch output {
	case "ndjson":
		for i := range records {
			if err := report.AlertJSON(sc.out, &records[i]); err != nil {
				return err
			}
		}
		return sc.out.Flush()
	case "json":
		enc := json.NewEncoder(sc.out)
		enc.SetEscapeHTML(false)
		if h.Alerts == nil {
			h.Alerts = []detect.Alert{}
		}
		if misses == nil {
			misses = []detect.Miss{}
		}
		err := enc.Encode(struct {
			Schema  string         `json:"schema"`
			Alerts  []detect.Alert `json:"alerts"`
			Closest []detect.Miss  `json:"closest"`
		}{"imerr-scan/backtest/v1", h.Alerts, misses})
		return errors.Join(err, sc.out.Flush())
	}
	sc.noAlerts = true // the result is only for the head
	if err := report.Backtest(sc.out, sc.result(total), h.Alerts, misses, sc.cat, sc.textOptions(a)); err != nil {
		return err
	}
	return sc.out.Flush()
}
