package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/config"
	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/deltalog/filelog"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/metrics"
	"imerr-scan/internal/notify"
	"imerr-scan/internal/pipeline"
	"imerr-scan/internal/report"
	"imerr-scan/internal/serve"
	"imerr-scan/internal/web"
	"imerr-scan/pkg/extract"
)

// serveFlags are the flags of the verb serve.
type serveFlags struct {
	state  string
	listen string
	token  string
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
	f.StringVar(&s.listen, "listen", ":20617", "address for /metrics, /healthz, /readyz, /api/v1/; none for no HTTP")
	f.StringVar(&s.token, "reload-token-file", "", "file with the token that POST /-/reload asks for")
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

// service is a run of the verb serve. It is what web shows.
type service struct {
	env     *environ
	logger  *slog.Logger
	replica *serve.Replica
	metrics *metrics.Metrics
	conf    atomic.Pointer[config.Config]

	reloading sync.Mutex // one after the other

	mu     sync.Mutex
	reload metrics.Reload
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
	token, err := readToken(s.token)
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
	asked := make(chan os.Signal, 1) // from here on SIGHUP no longer ends us; it waits until we run
	if len(reloadSignals) > 0 {
		signal.Notify(asked, reloadSignals...)
		defer signal.Stop(asked)
	}

	cat, build := env.conf.Catalog, readBuild()
	v := &service{env: env, logger: logger, reload: metrics.Reload{OK: true, At: time.Now()}}
	v.conf.Store(env.conf)
	v.metrics = metrics.New(cat, metrics.Build{Version: build.Version, Revision: build.Revision, Go: build.Go})
	counting := aggregate.Options{Plain: env.conf.PII == "plain", Catalog: cat}
	host, _ := os.Hostname() // a name for people; empty does no harm
	v.replica, err = serve.Open(ctx, serve.Options{
		Log: log, Logger: logger, Name: fmt.Sprintf("%s/%d", host, os.Getpid()), Now: time.Now,
		State:    deltalog.Options{Aggregate: counting, Detector: env.conf.Detector},
		Accepted: func(counts []byte) { v.count(counts, counting) }, Alerted: v.metrics.Alerted,
	})
	if err != nil {
		return usage("move it away to start anew", "--state: %v", err)
	}
	notifier, err := v.open(v.replica.Told())
	if err != nil {
		env.tell(err)
		return &exitError{status: exitUsage}
	}
	stopHTTP, err := v.listen(ctx, s.listen, token)
	if err != nil {
		return err
	}
	logger.Info("imerr-scan starting", "version", build.Version, "catalog", cat.Platform()+"-"+cat.Version(), "codes", cat.Len(),
		"config", orDefaults(env.input.File), "state", s.state, "sinks", len(env.conf.Notify.Sinks))
	defer v.reloads(asked)()
	env.sdNotify("READY=1")
	err = v.replica.Run(ctx, notifier, func(ctx context.Context) error {
		return v.replica.Files(ctx, args, pipeline.Options{
			Catalog: cat, Extract: extract.Options{Fields: fields, Zone: env.zone, Now: time.Now()}, Aggregate: counting, Needle: find,
		})
	})
	env.sdNotify("STOPPING=1")
	stopHTTP()
	if err != nil {
		return err
	}
	logger.Info("imerr-scan stopped")
	return nil
}

// readToken reads the first line of a file, "" without one.
func readToken(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	data, err := config.ReadFile(file, 4096)
	if err != nil {
		return "", usage("", "--reload-token-file: %v", plainError(err))
	}
	line, _, _ := strings.Cut(string(data), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", usage("", "--reload-token-file %s: its first line is empty", file)
	}
	return line, nil
}

// count takes what an accepted delta holds into the metrics.
func (v *service) count(counts []byte, opt aggregate.Options) {
	part := aggregate.New(opt)
	if err := part.UnmarshalBinary(counts); err == nil { // the log has taken it, so it is one
		v.metrics.Counted(part.Result(aggregate.ResultOptions{NoMerge: true}))
	}
}

// open starts a notifier with the sinks of the configuration that holds.
func (v *service) open(told []byte) (*notify.Notifier, error) {
	opt := v.conf.Load().Notify
	opt.State = told
	opt.Notified = func(d notify.Delivery) {
		v.replica.Delivered(d)
		if d.Err != nil {
			v.logger.Warn("alert not sent, will be tried again", "sink", d.Sink, "err", d.Err)
			return
		}
		v.logger.Info("notified", "sink", d.Sink, "alerts", d.Alerts, "took", d.Took)
	}
	opt.Sinks = slices.Clone(opt.Sinks)
	for i := range opt.Sinks {
		if one := &opt.Sinks[i]; one.Kind == "ndjson" && one.Path == "-" {
			one.Writer = v.env.stdout
		}
	}
	return notify.New(opt)
}

// listen answers over HTTP, and returns what ends that.
func (v *service) listen(ctx context.Context, address, token string) (func(), error) {
	if address == "none" {
		return func() {}, nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, usage("--listen 127.0.0.1:20617, or none", "--listen: %v", err)
	}
	v.logger.Info("http listening", "addr", l.Addr().String(), "paths", "/metrics /healthz /readyz /api/v1/")
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // scrapes are answered to the end
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := web.Serve(ctx, l, web.Handler(web.Options{Source: v, Token: token, Logger: v.logger}), v.logger); err != nil {
			v.logger.Error("http", "err", err)
		}
	}()
	return func() { cancel(); <-done }, nil
}

// reloads reads the configuration anew each time it is asked to, until the function that it returns is called.
func (v *service) reloads(asked <-chan os.Signal) func() {
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-asked:
				_ = v.Reload() // it is logged
			case <-done:
				return
			}
		}
	}()
	return func() { close(done) }
}

// Reload reads the configuration anew: sinks, links, limits and settings of the detector. With any mistake the old one goes on.
// What decides how lines are read holds until the next start.
func (v *service) Reload() error {
	v.reloading.Lock()
	defer v.reloading.Unlock()
	file, data, err := config.Find(v.env.configFlag, v.env.input.Env, v.env.input.ReadFile)
	var conf *config.Config
	if err == nil {
		in := v.env.input
		in.File, in.Data = file, data
		conf, err = config.Load(in)
	}
	if err == nil {
		old := v.conf.Swap(conf)
		if err = v.replica.Reload(conf.Detector, v.open); err != nil {
			v.conf.Store(old)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.reload.OK = err == nil
	if err != nil {
		v.logger.Error("configuration refused, the old one goes on", "file", file, "err", err)
		return err
	}
	v.reload.At = time.Now()
	v.logger.Info("configuration reloaded", "file", orDefaults(file), "sinks", len(conf.Notify.Sinks))
	return nil
}

// Ready says why the service is not ready, nil if it is.
func (v *service) Ready() error { return v.replica.Ready() }

// Result returns all that was counted.
func (v *service) Result() *aggregate.Result {
	var res *aggregate.Result
	v.replica.View(func(s *deltalog.State) {
		res = s.Total().Result(aggregate.ResultOptions{Version: readBuild().Version, Zone: v.env.zone, PII: "mask", NoMerge: true})
		report.SetAlerts(res, s.Alerts(), v.env.zone)
	})
	cat := v.conf.Load().Catalog
	res.Catalog = aggregate.CatalogInfo{Platform: cat.Platform(), Version: cat.Version(), Entries: cat.Len()}
	return res
}

// Alerts returns the newest record of each alert.
func (v *service) Alerts() []detect.Alert {
	var alerts []detect.Alert
	v.replica.View(func(s *deltalog.State) { alerts = slices.Clone(s.Alerts()) })
	for i := range alerts {
		alerts[i].In(v.env.zone)
	}
	return alerts
}

// Metrics writes everything for a scrape.
func (v *service) Metrics(w io.Writer) {
	now := metrics.Now{Ready: v.Ready() == nil, Leader: true, Verdicts: v.replica.Verdicts(), Sinks: v.replica.Sinks()}
	v.replica.View(func(s *deltalog.State) {
		now.Watermark, now.Lost, now.Alerts = s.Watermark(), s.Lost(), slices.Clone(s.Alerts())
		now.Users = s.UsersSince(s.Watermark() - time.Hour.Milliseconds())
		now.LastEvent = s.LastEvent()
	})
	v.mu.Lock()
	now.Reload = v.reload
	v.mu.Unlock()
	v.metrics.Write(w, &now)
}
