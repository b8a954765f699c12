package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
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
	"imerr-scan/internal/kafka"
	"imerr-scan/internal/metrics"
	"imerr-scan/internal/notify"
	"imerr-scan/internal/page"
	"imerr-scan/internal/pipeline"
	"imerr-scan/internal/report"
	"imerr-scan/internal/serve"
	"imerr-scan/internal/web"
	"imerr-scan/pkg/extract"
)

// newServe is the verb that does not end: counts that survive crashes, alerts that are sent once.
func newServe(env *environ) *cobra.Command {
	var fields []string
	cmd := &cobra.Command{
		Use:   "serve [--state FILE] [LOG...]",
		Short: "Read Kafka and logs as a service: counts survive crashes, an alert is sent once",
		Long: `serve reads topics as a member of a group, and follows files as they grow and rotate. It counts every event once, over
kill -9 and rebalances at any moment: what was counted and how far stands in one log of deltas, a topic of its own that all
replicas share (kafka.log_topic) or a file (--state). Alerts go to the sinks of the configuration. SIGTERM and Ctrl-C end it
within ten seconds; nothing is told "resolved" by that.`,
		Example: `  imerr-scan serve --kafka-brokers kafka-1:9092 --kafka-topics client-logs
  imerr-scan serve --state /var/lib/imerr-scan/deltas --config imerr-scan.yaml /var/log/app/`,
		DisableFlagsInUseLine: true,
		RunE: func(_ *cobra.Command, args []string) error {
			return runServe(env, args, fields)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&fields, "field", nil, "where to look, as in a scan: code=ctx.error.type, user=…")
	f.String("pii", "mask", "user ids in alerts: mask, hash, plain or drop")
	for key, standard := range config.Defaults() {
		if text, ok := serviceKeys[key]; ok {
			f.String(flagOf(key), standard, text)
		} else if strings.HasPrefix(key, "kafka.") && !strings.HasSuffix(key, ".password") { // a password on a command line is no secret
			f.String(flagOf(key), standard, "setting "+key+" of the configuration")
		}
	}
	detectorFlags(cmd)
	complete(cmd, "log-format", "text", "json")
	complete(cmd, "log-level", "debug", "info", "warn", "error")
	return cmd
}

// serviceKeys are the keys of the configuration that are flags of serve, beside those of Kafka.
var serviceKeys = map[string]string{
	"state":             "file of the delta log: counts, positions, alerts; without it a topic is",
	"listen":            "address for the page /, /metrics, /healthz, /readyz, /api/v1/; none for no HTTP",
	"reload_token_file": "file with the token that POST /-/reload asks for",
	"log.format":        "form of the own log on stderr: text or json",
	"log.level":         "what is worth a line there: debug, info, warn or error",
	"kafka.brokers":     "brokers of Kafka: host:port, with commas between them",
	"kafka.topics":      "topics to read, with commas between them",
}

// newLogger writes the own log of the service.
func newLogger(env *environ) *slog.Logger {
	opt := &slog.HandlerOptions{Level: env.conf.LogLevel}
	if env.conf.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(env.stderr, opt))
	}
	return slog.New(slog.NewTextHandler(env.stderr, opt))
}

// service is a run of the verb serve. It is what web shows.
type service struct {
	env     *environ
	logger  *slog.Logger
	replica *serve.Replica
	metrics *metrics.Metrics
	conf    atomic.Pointer[config.Config]
	count   aggregate.Options

	reloading sync.Mutex // one after the other

	mu     sync.Mutex
	reload metrics.Reload
}

func runServe(env *environ, args, flagFields []string) error {
	conf, logger := env.conf, newLogger(env)
	if len(args) == 0 && conf.Kafka == nil {
		return usage("--kafka-brokers kafka-1:9092 --kafka-topics client-logs, or the names of logs", "serve needs something to read")
	}
	if conf.State == "" && conf.Kafka == nil {
		return usage("--state /var/lib/imerr-scan/deltas", "serve needs a file for its delta log")
	}
	fields, find, err := parseFields(conf.Fields, flagFields)
	if err != nil {
		return err
	}
	if env.getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(serveMemory)
	}
	ctx, stop := interrupts(context.Background(), false)
	defer stop()
	in, err := openInputs(ctx, conf, logger)
	if err != nil {
		return err
	}
	defer in.close()
	asked := make(chan os.Signal, 1) // from here on SIGHUP no longer ends us; it waits until we run
	if len(reloadSignals) > 0 {
		signal.Notify(asked, reloadSignals...)
		defer signal.Stop(asked)
	}

	cat, build := conf.Catalog, readBuild()
	v := &service{env: env, logger: logger, reload: metrics.Reload{OK: true, At: time.Now()}}
	v.conf.Store(conf)
	v.metrics = metrics.New(cat, metrics.Build{Version: build.Version, Revision: build.Revision, Go: build.Go})
	v.count = aggregate.Options{Plain: conf.PII == "plain", Catalog: cat}
	v.replica, err = serve.Open(ctx, serve.Options{
		Log: in.log, Alone: !in.shared, Name: replicaName(), Logger: logger, Now: time.Now,
		State: deltalog.Options{Aggregate: v.count, Detector: conf.Detector},
		Open:  v.open, Accepted: v.accepted, Alerted: v.metrics.Alerted, Delayed: v.metrics.Delayed,
	})
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return usage(in.mend, "%s: %v", in.name, err)
	}
	trial, err := v.open(nil)
	if err != nil {
		env.tell(err)
		return &exitError{status: exitUsage}
	}
	_ = trial.Close(ctx) // it has nothing to send
	stopHTTP, err := v.listen(ctx, conf.Listen, string(conf.ReloadToken))
	if err != nil {
		return err
	}
	logger.Info("imerr-scan starting", "version", build.Version, "catalog", cat.Platform()+"-"+cat.Version(), "codes", cat.Len(),
		"config", orDefaults(env.input.File), "log", in.name, "sinks", len(conf.Notify.Sinks))
	defer v.reloads(asked)()
	env.sdNotify("READY=1")
	err = v.replica.Run(ctx, v.works(in, args, pipeline.Options{
		Catalog: cat, Extract: extract.Options{Fields: fields, Zone: env.zone, Now: time.Now()}, Aggregate: v.count, Needle: find,
	})...)
	env.sdNotify("STOPPING=1")
	stopHTTP()
	if err != nil {
		return err
	}
	logger.Info("imerr-scan stopped")
	return nil
}

// serveMemory makes the garbage collector work harder before the process is as large as docs/reliability.md says.
const serveMemory = 80 << 20

// inputs are what the service stands on: its log, and the cluster that it reads, if there is one.
type inputs struct {
	log     deltalog.Log
	name    string // of the log
	mend    string // what to do if it is none
	shared  bool   // the log is that of all replicas of a group
	cluster *kafka.Cluster
	closers []func()
}

func (in *inputs) close() {
	for _, one := range slices.Backward(in.closers) {
		one()
	}
}

// openInputs makes first contact. What is wrong there, the user has to mend.
func openInputs(ctx context.Context, conf *config.Config, logger *slog.Logger) (*inputs, error) {
	in := &inputs{}
	if k := conf.Kafka; k != nil {
		var err error
		if in.cluster, err = kafka.New(k.Client); err != nil {
			return nil, usage("", "%v", err)
		}
		in.closers = append(in.closers, in.cluster.Close)
		logger.Debug("kafka is asked", "brokers", k.Client.Brokers, "topics", k.Topics, "group", k.Group)
		if err := in.cluster.Check(ctx, k.Group, k.Topics...); err != nil {
			in.close()
			return nil, usage("", "%v", err)
		}
	}
	if conf.State != "" {
		log, err := filelog.Open(conf.State)
		if err != nil {
			in.close()
			return nil, usage(remedy(err, "start it again"), "--state: %v", plainError(err))
		}
		in.log, in.name, in.mend = log, "--state", "move it away to start anew"
		in.closers = append(in.closers, func() { _ = log.Close() })
		return in, nil
	}
	log, err := in.cluster.OpenLog(ctx, conf.Kafka.LogTopic, conf.Kafka.Log)
	if err != nil {
		in.close()
		return nil, usage("", "%v", err)
	}
	in.log, in.shared, in.name, in.mend = log, true, "topic "+conf.Kafka.LogTopic, "name another topic with kafka.log_topic, which serve makes"
	in.closers = append(in.closers, func() { _ = log.Close() })
	return in, nil
}

// replicaName is the name of this process in the log.
func replicaName() string {
	host, _ := os.Hostname() // a name for people; empty does no harm
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), rand.Text()[:8])
}

// works is what the replica does: it reads topics, and follows files.
func (v *service) works(in *inputs, args []string, opt pipeline.Options) []func(context.Context) error {
	var works []func(context.Context) error
	conf := v.conf.Load()
	name := serve.FilesName
	if in.shared {
		host, _ := os.Hostname()
		name += "@" + host
	}
	if len(args) > 0 {
		v.metrics.Read(inputFiles)
		works = append(works, v.replica.Files(name, args, opt))
	}
	if k := conf.Kafka; k != nil {
		v.metrics.Read(inputKafka)
		topt := serve.TopicOptions{Group: kafka.GroupOptions{ID: k.Group, Topics: k.Topics}, Start: k.Start, OnTruncated: k.OnTruncated}
		if in.shared {
			topt.Group.Log = k.LogTopic
		}
		works = append(works, v.replica.Topics(in.cluster, topt, opt))
	}
	return works
}

// Inputs, as metrics call them.
const (
	inputFiles = "files"
	inputKafka = "kafka"
)

// accepted takes what an accepted delta holds into the metrics.
func (v *service) accepted(d deltalog.Verdict) {
	part := aggregate.New(v.count)
	if err := part.UnmarshalBinary(d.Counts); err != nil {
		return // the log has taken it, so it is one
	}
	input := inputKafka
	if d.Source.Name == serve.FilesName || strings.HasPrefix(d.Source.Name, serve.FilesName+"@") {
		input = inputFiles
	}
	v.metrics.Counted(input, part.Result(aggregate.ResultOptions{NoMerge: true}))
	v.metrics.Late(d.Late)
}

// open starts a notifier with the sinks of the configuration that holds.
func (v *service) open(told []byte) (*notify.Notifier, error) {
	opt := v.conf.Load().Notify
	opt.State, opt.Gate = told, v.replica.Leads
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
	v.logger.Info("http listening", "addr", l.Addr().String(), "paths", "/ /metrics /healthz /readyz /api/v1/")
	return answerHTTP(ctx, l, web.Options{Source: v, Page: v.page(), Token: token, Logger: v.logger}), nil
}

// answerHTTP answers until the function that it returns is called: to the end, whatever ends ctx.
func answerHTTP(ctx context.Context, l net.Listener, opt web.Options) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := web.Serve(ctx, l, web.Handler(opt), opt.Logger); err != nil {
			opt.Logger.Error("http", "err", err)
		}
	}()
	return func() { cancel(); <-done }
}

// page says how the page for people looks.
func (v *service) page() page.Options {
	conf, input := v.conf.Load(), ""
	if k := conf.Kafka; k != nil {
		input = strings.Join(k.Topics, ", ")
	}
	return page.Options{Lang: v.env.lang, Zone: v.env.zone, Catalog: conf.Catalog, Input: input}
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
		if err = v.replica.Reload(conf.Detector); err != nil {
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
		report.SetAlerts(res, v.shown(s.Alerts()), v.env.zone)
	})
	cat := v.conf.Load().Catalog
	res.Catalog = aggregate.CatalogInfo{Platform: cat.Platform(), Version: cat.Version(), Entries: cat.Len()}
	return res
}

// Alerts returns the newest record of each alert.
func (v *service) Alerts() (alerts []detect.Alert) {
	v.replica.View(func(s *deltalog.State) { alerts = v.shown(s.Alerts()) })
	return alerts
}

func (v *service) shown(alerts []detect.Alert) []detect.Alert {
	return shownAlerts(alerts, v.count.Plain, v.env.zone)
}

// shownAlerts returns alerts as a page may show them, with times of a zone: ids are masked, though they be plain elsewhere.
func shownAlerts(alerts []detect.Alert, plain bool, zone *time.Location) []detect.Alert {
	shown := slices.Clone(alerts)
	for i := range shown {
		a := &shown[i]
		if plain {
			a.TopUsers = slices.Clone(a.TopUsers)
			for k := range a.TopUsers {
				a.TopUsers[k].User = aggregate.ShowUser(a.TopUsers[k].User, "mask")
			}
		}
		a.In(zone)
	}
	return shown
}

// Metrics writes everything for a scrape.
func (v *service) Metrics(w io.Writer) {
	now := metrics.Now{
		Vitals: v.replica.Vitals(), Ready: v.Ready() == nil, Leader: v.replica.Leader(), Sinks: v.replica.Sinks(),
	}
	v.replica.View(func(s *deltalog.State) {
		now.Watermark, now.Alerts = s.Watermark(), slices.Clone(s.Alerts())
		now.Users = s.UsersSince(s.Watermark() - time.Hour.Milliseconds())
		now.LastEvent = s.LastEvent()
	})
	v.mu.Lock()
	now.Reload = v.reload
	v.mu.Unlock()
	v.metrics.Write(w, &now)
}
