package main

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/page"
	"imerr-scan/internal/pipeline"
	"imerr-scan/internal/report"
)

// checkOutput refuses what -o cannot do, before anything is read.
func (s *scanFlags) checkOutput(env *environ) error {
	switch {
	case s.output == "html" && len(s.by) > 0:
		return usage("-o text, json, csv or markdown", "-o html: not with --by")
	case s.output == "html" && isTTY(env.stdout):
		return usage("-o html > report.html", "-o html: a terminal cannot show it")
	case s.incident == "":
	case s.output != "markdown" || len(s.by) > 0:
		return usage("-o markdown --incident "+shellQuote(s.incident), "--incident is a form of -o markdown, and not with --by")
	case s.noAlerts:
		return usage("", "--incident: it is one of the alerts that --no-alerts leaves out")
	}
	return nil
}

// print writes the answer in the form asked for.
func (sc *scan) print(res *aggregate.Result, a answer) error {
	opt := sc.textOptions(a)
	switch {
	case sc.output == "ndjson": // the events were the answer
		return nil
	case sc.groups != nil:
		return sc.printGroups(opt)
	case sc.output == "json":
		return report.JSON(sc.out, res)
	case sc.output == "csv":
		return report.CSV(sc.out, res)
	case sc.output == "prom":
		b := readBuild()
		return report.Prom(sc.out, res, sc.cat, report.PromBuild{Revision: b.Revision, Go: b.Go})
	case sc.output == "html":
		return page.Report(sc.out, res, page.Options{Lang: sc.env.lang, Zone: sc.env.zone, Catalog: sc.cat, Input: a.input, Plain: sc.pii == "plain"})
	case sc.incident != "":
		err := report.Incident(sc.out, res, sc.cat, sc.incident, opt)
		if errors.Is(err, report.ErrNoAlert) {
			return usage("", "--%v", err)
		}
		return err
	case sc.output == "markdown":
		if err := report.Markdown(sc.out, res, sc.cat, opt); err != nil || sc.old == nil {
			return err
		}
		fmt.Fprintln(sc.out)
		return report.ChangeMarkdown(sc.out, aggregate.Compare(sc.old, res), opt)
	}
	if err := report.Text(sc.out, res, sc.cat, opt); err != nil || sc.old == nil {
		return err
	}
	fmt.Fprintln(sc.out)
	return report.ChangeText(sc.out, aggregate.Compare(sc.old, res), opt)
}

func (sc *scan) textOptions(a answer) report.TextOptions {
	screen := isTTY(sc.env.stdout) || sc.env.color()
	top := sc.top
	if top < 0 && screen {
		top = 10
	}
	if !screen {
		a.took = 0 // the same input gives the same bytes
	}
	return report.TextOptions{
		Width:   sc.env.columns(),
		Plain:   !screen,
		Color:   sc.env.color(),
		Lang:    sc.env.lang,
		Top:     max(top, 0),
		Input:   a.input,
		Again:   a.again,
		Elapsed: a.took,
		Sent:    sc.sent,
	}
}

// printGroups writes the answer to --by.
func (sc *scan) printGroups(opt report.TextOptions) error {
	g := report.Group{Keys: sc.groups.Keys()}
	for _, row := range sc.groups.Rows(sc.pii) {
		r := report.GroupRow{Values: row.Keys, Count: row.Count, Users: -1}
		if row.Users != nil {
			r.Users = row.Users.Distinct
		}
		if row.Other {
			r.Values = make([]string, len(g.Keys))
			r.Values[0] = "(other)"
		}
		g.Rows = append(g.Rows, r)
	}
	switch sc.output {
	case "json":
		return g.JSON(sc.out)
	case "csv":
		return g.CSV(sc.out)
	case "markdown":
		return g.Markdown(sc.out, opt)
	case "prom":
		return usage("-o text, json, csv or markdown", "-o prom: not with --by")
	}
	return g.Text(sc.out, sc.cat, opt)
}

// printEvent writes one event as a line of JSON.
func (sc *scan) printEvent(r *pipeline.Record) error {
	c := &r.Candidate
	e := report.Event{
		Known:    r.Entry != nil,
		Code:     r.Code,
		Value:    r.Value,
		Category: r.Category,
		Reason:   r.Reason,
		Message:  c.Message,
		User:     aggregate.ShowUser(c.User, sc.pii),
		Version:  c.Version,
		Platform: c.Platform,
		Source:   r.Source,
		Line:     r.Line,
		Shape:    c.Shape.String(),
		Inner:    r.Inner,
		HasInner: r.HasInner,
	}
	if e.Message == "" {
		e.Message = c.Reason
	}
	if r.Entry != nil {
		e.Name, e.Topic = r.Entry.Name, r.Entry.Topic
	}
	if c.Time != 0 {
		e.Time = time.UnixMilli(c.Time).In(sc.env.zone)
	}
	sc.line = report.AppendEvent(sc.line[:0], &e)
	_, err := sc.out.Write(sc.line)
	return err
}

// summary writes the state of things to stderr, as SIGUSR1 asks.
func (sc *scan) summary(total *aggregate.Tally, a answer) {
	opt := sc.textOptions(a)
	opt.Plain, opt.Color = !isTTY(sc.env.stderr), false
	_ = report.Text(sc.env.stderr, sc.result(total), sc.cat, opt) // there is nobody to tell
}

// again quotes the arguments for a next command; "" if the input cannot be read again.
func again(args []string) string {
	var out []string
	for _, a := range args {
		if a == "-" {
			return ""
		}
		out = append(out, shellQuote(a))
	}
	if len(out) > 3 {
		out = append(out[:3], "…")
	}
	return strings.Join(out, " ")
}

// shellQuote quotes an argument if a shell would take it apart.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./,:@%+=", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	if runtime.GOOS == "windows" {
		return `"` + s + `"`
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
