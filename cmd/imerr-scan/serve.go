package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/deltalog/filelog"
	"imerr-scan/internal/notify"
	"imerr-scan/internal/pipeline"
	"imerr-scan/internal/serve"
	"imerr-scan/pkg/extract"
)

// serveFlags are the flags of the verb serve.
type serveFlags struct {
	state  string
	fields []string
	format string
}

// newServe is the verb that does not end: counts that survive crashes, alerts that are sent once.
func newServe(env *environ) *cobra.Command {
	var s serveFlags
	cmd := &cobra.Command{
		Use:   "serve --state FILE LOG...",
		Short: "Follow logs as a service: counts survive crashes, an alert is sent once",
		Long: `serve follows files as they grow and rotate and counts every event once, over kill -9 at any moment: what was counted
and how far each file was read stand in one log of deltas (--state). Alerts go to the sinks of the configuration. SIGTERM
and Ctrl-C end it within ten seconds; nothing is told "resolved" by that.`,
		Example:               `  imerr-scan serve --state /var/lib/imerr-scan/deltas --config imerr-scan.yaml /var/log/app/`,
		Args:                  cobra.MinimumNArgs(1),
		DisableFlagsInUseLine: true,
		RunE: func(_ *cobra.Command, args []string) error {
			return s.run(env, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.state, "state", "", "file of the delta log: counts, positions, alerts (required)")
	f.StringArrayVar(&s.fields, "field", nil, "where to look, as in a scan: code=ctx.error.type, user=…")
	f.StringVar(&s.format, "log-format", "text", "form of the own log on stderr: text or json")
	f.String("pii", "mask", "user ids in alerts: mask, hash, plain or drop")
	detectorFlags(cmd)
	complete(cmd, "log-format", "text", "json")
	return cmd
}

// logger writes the own log of the service.
func (s *serveFlags) logger(env *environ) (*slog.Logger, error) {
	switch s.format {
	case "text":
		return slog.New(slog.NewTextHandler(env.stderr, nil)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(env.stderr, nil)), nil
	}
	return nil, usage("", "--log-format %q: want text or json", s.format)
}

func (s *serveFlags) run(env *environ, args []string) error {
	logger, err := s.logger(env)
	if err != nil {
		return err
	}
	if s.state == "" {
		return usage("--state /var/lib/imerr-scan/deltas", "serve needs a file for its delta log")
	}
	fields, find, err := parseFields(env.conf.Fields, s.fields)
	if err != nil {
		return err
	}
	log, err := filelog.Open(s.state)
	if err != nil {
		return usage("", "--state: %v", plainError(err))
	}
	defer log.Close()
	ctx, stop := interrupts(context.Background(), false)
	defer stop()

	cat := env.conf.Catalog
	counting := aggregate.Options{Plain: env.conf.PII == "plain", Catalog: cat}
	host, _ := os.Hostname() // a name for people; empty does no harm
	replica, err := serve.Open(ctx, serve.Options{
		Log: log, Logger: logger, Name: fmt.Sprintf("%s/%d", host, os.Getpid()), Now: time.Now,
		State: deltalog.Options{Aggregate: counting, Detector: env.conf.Detector},
	})
	if err != nil {
		return usage("move it away to start anew", "--state: %v", err)
	}
	opt := env.conf.Notify
	opt.State = replica.Told()
	opt.Notified = func(d notify.Delivery) {
		replica.Delivered(d)
		if d.Err != nil {
			logger.Warn("alert not sent, will be tried again", "sink", d.Sink, "err", d.Err)
			return
		}
		logger.Info("notified", "sink", d.Sink, "alerts", d.Alerts, "took", d.Took)
	}
	for i := range opt.Sinks {
		if one := &opt.Sinks[i]; one.Kind == "ndjson" && one.Path == "-" {
			one.Writer = env.stdout
		}
	}
	notifier, err := notify.New(opt)
	if err != nil {
		env.tell(err)
		return &exitError{status: exitUsage}
	}
	build := readBuild()
	logger.Info("imerr-scan starting", "version", build.Version, "catalog", cat.Platform()+"-"+cat.Version(), "codes", cat.Len(),
		"config", orDefaults(env.input.File), "state", s.state, "sinks", len(opt.Sinks))
	err = replica.Run(ctx, notifier, func(ctx context.Context) error {
		return replica.Files(ctx, args, pipeline.Options{
			Catalog: cat, Extract: extract.Options{Fields: fields, Zone: env.zone, Now: time.Now()}, Aggregate: counting, Needle: find,
		})
	})
	if err != nil {
		return err
	}
	logger.Info("imerr-scan stopped")
	return nil
}
