package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/needle"
	"imerr-scan/internal/pipeline"
	"imerr-scan/internal/report"
	"imerr-scan/internal/source"
	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/extract"
)

// scanFlags are the flags of the default verb.
type scanFlags struct {
	filter
	follow   bool
	output   string
	by       []string
	top      int
	samples  int
	baseline string
	failOn   string
	fields   []string
	jobs     int
	quiet    bool
	state    string
	validate bool
	noAlerts bool
	incident string
	maxDoc   string
	plain    bool
	listen   string
	onScreen bool // -f is shown on the terminal
}

var scanOutputs = []string{"text", "json", "ndjson", "csv", "markdown", "html", "prom"}

func addScan(root *cobra.Command, env *environ) {
	var s scanFlags
	f := root.Flags()
	f.BoolVarP(&s.follow, "follow", "f", false, "go on after the end; files may rotate; a live view on a terminal, events elsewhere")
	f.StringVarP(&s.output, "output", "o", "", strings.Join(scanOutputs, ", ")+" (default text; with -f a live view, or ndjson)")
	f.StringSliceVar(&s.codes, "code", nil, "only these codes, by number or name; unknown for those in no catalog")
	f.StringSliceVar(&s.categories, "category", nil, "only these categories: "+strings.Join(categories, ", "))
	f.StringSliceVar(&s.users, "user", nil, "only these users, by their plain id")
	f.StringVar(&s.since, "since", "", `only events from then on: RFC 3339, "2026-11-23 10:00", -3h, today, yesterday`)
	f.StringVar(&s.until, "until", "", "only events before then")
	f.StringSliceVar(&s.by, "by", nil, "group by "+strings.Join(aggregate.GroupKeys, ", ")+"; two for two levels")
	f.IntVar(&s.top, "top", -1, "rows of a table, 0 for all (default 10 on a terminal, all elsewhere)")
	f.IntVar(&s.samples, "samples", 0, "show so many documents per code")
	f.StringVar(&s.baseline, "baseline", "", "saved result (-o json) to compare with")
	f.StringVar(&s.failOn, "fail-on", "", "exit with 1 if true: code=217>0,category=auth>1%,users>100,new>0")
	f.StringArrayVar(&s.fields, "field", nil, "where to look: code=ctx.error.type, time=…, user=…, device=…, version=…, platform=…")
	f.String("pii", "mask", "user ids in outputs: mask, hash, plain or drop")
	f.IntVarP(&s.jobs, "jobs", "j", 0, "parts read at once (default: one per processor); 1 keeps to one processor")
	f.BoolVarP(&s.quiet, "quiet", "q", false, "no progress, no warnings")
	f.StringVar(&s.state, "state", "", "with -f: file that keeps positions and counts over restarts")
	f.BoolVar(&s.plain, "plain", false, "with -f: no live view, events as into a pipe")
	f.StringVar(&s.listen, "listen", "", "with -f: show the same as a page at this address, such as 127.0.0.1:20617")
	f.BoolVar(&s.validate, "validate", false, "parse each line: what is no JSON counts as broken (three to four times slower)")
	f.BoolVar(&s.noAlerts, "no-alerts", false, "look for no spikes")
	f.StringVar(&s.incident, "incident", "", "with -o markdown: only this alert, such as kick-storm, as the first half of a post-mortem")
	f.StringVar(&s.maxDoc, "max-document", "1MiB", "longest document that is read")
	complete(root, "output", scanOutputs...)
	complete(root, "category", categories...)
	complete(root, "by", aggregate.GroupKeys...)
	complete(root, "pii", "mask", "hash", "plain", "drop")
	_ = root.RegisterFlagCompletionFunc("code", env.completeCodes)
	root.RunE = func(cmd *cobra.Command, args []string) error { return s.run(cmd, env, args) }
}

// memoryLimit is from where on garbage is collected eagerly, in bytes: so that a log of nothing but errors, each of
// another user at another time, stays within 64 MiB of resident memory, of which the program's file has 15.
const memoryLimit = 40 << 20

// scan is a run of the default verb, its flags read and checked.
type scan struct {
	*scanFlags
	env     *environ
	cat     *catalog.Catalog
	now     time.Time
	opt     pipeline.Options
	fail    aggregate.Cond
	old     *aggregate.Result
	groups  *aggregate.Groups
	samples *samples
	pii     string
	history *detect.History // of a run that finds alerts as it goes; nil: they are looked for at the end
	sent    bool            // alerts go to sinks
	out     *bufio.Writer
	line    []byte       // of ndjson, reused
	read    atomic.Int64 // bytes
}

func (s *scanFlags) run(cmd *cobra.Command, env *environ, args []string) error {
	if len(args) == 0 {
		if isTTY(env.stdin) {
			_ = cmd.Usage()
			return &exitError{status: exitUsage, msg: "no input: name files or folders, or pipe a log in"}
		}
		args = []string{"-"}
	}
	limit(env, s.jobs)
	sc, err := s.prepare(env)
	if err != nil {
		return err
	}
	ctx, stop := interrupts(context.Background(), slices.Contains(args, "-"))
	defer stop()
	if s.follow {
		return sc.tail(ctx, args)
	}
	return sc.once(ctx, args)
}

// limit sets memoryLimit, unless the user has set one, and keeps to one processor if there is to be one worker: what it finds is
// counted there, too, and nobody has to be woken.
func limit(env *environ, jobs int) {
	if jobs == 1 {
		runtime.GOMAXPROCS(1)
	}
	if env.getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
		debug.SetGCPercent(400) // below the limit garbage may wait
	}
}

// prepare checks the flags, before anything is read.
func (s *scanFlags) prepare(env *environ) (*scan, error) {
	cat := env.conf.Catalog
	if s.output == "" {
		s.output = "text"
		if s.onScreen = s.follow && !s.plain && hasScreen && len(s.by) == 0 && isTTY(env.stdout) && env.getenv("TERM") != "dumb"; s.follow && !s.onScreen {
			s.output = "ndjson"
		}
	}
	if !slices.Contains(scanOutputs, s.output) {
		return nil, usage("one of "+strings.Join(scanOutputs, ", "), "-o %q: no such output", s.output)
	}
	if err := s.checkOutput(env); err != nil {
		return nil, err
	}
	for name, given := range map[string]bool{"state": s.state != "", "listen": s.listen != "", "plain": s.plain} {
		if given && !s.follow {
			return nil, usage("", "--%s is for -f", name)
		}
	}
	maxDoc, err := parseSize(s.maxDoc)
	if err != nil || maxDoc > 64<<20 {
		return nil, usage("", "--max-document %q: want a size up to 64MiB", s.maxDoc)
	}
	sc := &scan{scanFlags: s, env: env, cat: cat, pii: env.conf.PII, now: time.Now(), out: bufio.NewWriterSize(env.stdout, 64<<10)}
	fields, find, err := parseFields(env.conf.Fields, s.fields)
	if err != nil {
		return nil, err
	}
	sc.opt = pipeline.Options{
		Catalog:     cat,
		Extract:     extract.Options{Fields: fields, Now: sc.now, Zone: env.zone},
		Aggregate:   aggregate.Options{Plain: sc.pii == "plain", Catalog: cat},
		Workers:     workers(s.jobs),
		MaxDocument: int(maxDoc),
		Needle:      find,
		Validate:    s.validate,
		Read:        func(n int64) { sc.read.Add(n) },
	}
	if sc.opt.Keep, err = s.keep(cat, sc.now, env.zone); err != nil {
		return nil, err
	}
	if s.failOn != "" {
		if sc.fail, err = aggregate.ParseFailOn(s.failOn); err != nil {
			return nil, usage("", "--fail-on: %v", err)
		}
		if sc.fail.NeedsBaseline() && s.baseline == "" {
			return nil, usage("--baseline yesterday.json", "--fail-on %q: needs a result to compare with", s.failOn)
		}
	}
	if s.baseline != "" {
		if sc.old, err = readResult(s.baseline); err != nil {
			return nil, usage("save one with -o json", "--baseline: %v", err)
		}
	}
	if len(s.by) > 0 {
		if sc.groups, err = aggregate.NewGroups(s.by, env.zone); err != nil {
			return nil, usage("", "--by: %v", err)
		}
	}
	if s.samples > 0 {
		sc.samples = newSamples(s.samples)
		sc.opt.Text = true
	}
	return sc, nil
}

// parseFields reads --field name=path, which wins over the configuration, and returns the needle that the path of code asks for, nil for the usual one.
func parseFields(configured map[string]string, values []string) (map[string]string, func([]byte, int) int, error) {
	names := []string{"code", "time", "user", "device", "version", "platform"}
	fields := map[string]string{}
	maps.Copy(fields, configured)
	for _, v := range values {
		name, path, ok := strings.Cut(v, "=")
		if !ok || !slices.Contains(names, name) {
			return nil, nil, usage("--field code=ctx.error.type; names: "+strings.Join(names, ", "), "--field %q: want name=path", v)
		}
		if err := extract.ParsePath(path); err != nil {
			return nil, nil, usage("", "--field %s: %v", name, err)
		}
		fields[name] = path
	}
	if path, ok := fields["code"]; ok {
		return fields, needle.ForPath(path), nil
	}
	return fields, nil, nil
}

// once reads the inputs to their end and prints the answer.
func (sc *scan) once(ctx context.Context, args []string) error {
	items, problems := source.Expand(args)
	total := aggregate.New(sc.opt.Aggregate)
	sc.opt.Each = sc.each()
	start := time.Now()
	stop := sc.attend(total, items, start)
	var head headOf
	failed, err := pipeline.Scan(ctx, sources(items, &head), total, sc.opt)
	stop()
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	var unread []aggregate.InputError
	for _, p := range problems {
		unread = append(unread, inputError("", p))
	}
	for i := range failed { // errors of a source carry its name
		failed[i].Error = strings.TrimPrefix(failed[i].Error, failed[i].Source+": ")
	}
	a := answer{input: inputName(items, args), again: again(args), took: time.Since(start)}
	if total.Empty() {
		a.hints = sc.nearMisses(ctx, items, head.kept)
	}
	return sc.finish(total, append(unread, failed...), a)
}

// headOf passes a stream on and keeps its beginning.
type headOf struct {
	r    io.Reader
	kept []byte
}

func (h *headOf) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	if room := 256<<10 - len(h.kept); room > 0 {
		h.kept = append(h.kept, p[:min(n, room)]...)
	}
	return n, err
}

// nearMisses looks for values that are like codes in the beginning of the inputs, when no error was found.
func (sc *scan) nearMisses(ctx context.Context, items []source.Item, stdin []byte) []aggregate.Hint {
	s := newSurvey(sc.cat, extract.Options{Now: sc.now}, 5000)
	for _, it := range items {
		if it.Path == "" {
			_ = s.read(it.Name, bytes.NewReader(stdin), 1000) // what went wrong was said when it was read
			continue
		}
		if in, err := source.OpenContext(ctx, it); err == nil {
			_ = s.read(it.Name, in.Reader, 1000)
			_ = in.Close()
		}
		if s.full() {
			break
		}
	}
	var hints []aggregate.Hint
	for _, row := range ranked(s.near) {
		hints = append(hints, aggregate.Hint{Path: row.Name, Count: int64(row.Count)})
	}
	return hints
}

// sources is how the pipeline opens items. The beginning of stdin, which cannot be read again, is kept in head.
func sources(items []source.Item, head *headOf) []pipeline.Source {
	var out []pipeline.Source
	for _, it := range items {
		out = append(out, pipeline.Source{Name: it.Name, Open: func(ctx context.Context) (*pipeline.Stream, error) {
			in, err := source.OpenContext(ctx, it)
			if err != nil {
				return nil, err
			}
			if it.Path == "" {
				head.r, in.Reader = in.Reader, head
			}
			return &pipeline.Stream{Reader: in.Reader, ReaderAt: in.ReaderAt, Size: in.Size, ModTime: in.ModTime, Close: in.Close}, nil
		}})
	}
	return out
}

// inputError is an error of an input, its name apart from its cause.
func inputError(name string, err error) aggregate.InputError {
	if se, ok := errors.AsType[*source.Error](err); ok {
		return aggregate.InputError{Source: se.Name, Error: se.Err.Error()}
	}
	return aggregate.InputError{Source: name, Error: err.Error()}
}

// each is what happens to the events one by one, nil if nothing does.
func (sc *scan) each() func(*pipeline.Record) error {
	var steps []func(*pipeline.Record) error
	if sc.output == "ndjson" {
		steps = append(steps, sc.printEvent)
	}
	if sc.groups != nil {
		steps = append(steps, func(r *pipeline.Record) error { sc.groups.Add(&r.Event); return nil })
	}
	if sc.samples != nil {
		steps = append(steps, func(r *pipeline.Record) error { sc.samples.add(r); return nil })
	}
	if len(steps) == 0 {
		return nil
	}
	return func(r *pipeline.Record) error {
		for _, step := range steps {
			if err := step(r); err != nil {
				return err
			}
		}
		return nil
	}
}

// answer is what the summary says beside the result.
type answer struct {
	input string        // what was read
	again string        // arguments that name it in a next command
	took  time.Duration // 0 if of no interest
	hints []aggregate.Hint
}

// finish prints the answer and decides the exit status.
func (sc *scan) finish(total *aggregate.Tally, failed []aggregate.InputError, a answer) error {
	for _, f := range failed {
		fmt.Fprintf(sc.env.stderr, "imerr-scan: %s\n", oneLine(f.Source+": "+f.Error))
	}
	res := sc.result(total)
	res.Errors = append(res.Errors, failed...)
	res.Hints = append(res.Hints, a.hints...)
	if err := sc.print(res, a); err != nil {
		return err
	}
	if err := sc.out.Flush(); err != nil {
		return err
	}
	if term, yes := sc.fail.Eval(res, sc.old); yes {
		return &exitError{status: exitNo, msg: "--fail-on: " + term}
	}
	if len(failed) > 0 {
		return &exitError{status: exitUsage}
	}
	return nil
}

// result is what total knows, with what this run adds to it.
func (sc *scan) result(total *aggregate.Tally) *aggregate.Result {
	res := total.Result(aggregate.ResultOptions{
		Version: readBuild().Version,
		Zone:    sc.env.zone,
		PII:     sc.pii,
		Top:     max(sc.top, 10),
		NoMerge: sc.output != "json",
	})
	res.Validated = sc.validate
	res.Catalog = aggregate.CatalogInfo{Platform: sc.cat.Platform(), Version: sc.cat.Version(), Entries: sc.cat.Len()}
	if sc.samples != nil {
		sc.samples.fill(res)
	}
	report.SetAlerts(res, sc.alerts(total), sc.env.zone)
	return res
}

// inputName is how the summary calls the input.
func inputName(items []source.Item, args []string) string {
	switch {
	case len(items) == 1:
		return items[0].Name
	case len(args) == 1:
		return fmt.Sprintf("%s (%d)", args[0], len(items))
	}
	return fmt.Sprintf("%d inputs", len(items))
}

// readResult reads a result that -o json saved.
func readResult(file string) (*aggregate.Result, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, plainError(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 256<<20))
	if err != nil {
		return nil, plainError(err)
	}
	res, err := aggregate.ParseResult(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return res, nil
}
