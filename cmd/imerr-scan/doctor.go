package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imerr-scan/internal/frame"
	"imerr-scan/internal/report"
	"imerr-scan/internal/source"
	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/classify"
	"imerr-scan/pkg/extract"
)

func newDoctor(env *environ) *cobra.Command {
	var output string
	var lines int
	var fields []string
	cmd := &cobra.Command{
		Use:   "doctor [FILE|DIR|GLOB|-]...",
		Short: "Say which shapes and fields were found in a log, and what was not counted and why",
		Long: `doctor reads the beginning of the inputs line by line and says in which shapes it found errors, where it took user,
time, version, platform and device from, and which values look like codes but are not counted.`,
		Args:                  cobra.ArbitraryArgs,
		DisableFlagsInUseLine: true,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				if isTTY(env.stdin) {
					return usage("imerr-scan doctor app.log", "no input: name files or folders, or pipe a log in")
				}
				args = []string{"-"}
			}
			if output != "text" && output != "json" {
				return usage("", "-o %q: want text or json", output)
			}
			return doctor(env, args, fields, lines, output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	cmd.Flags().IntVar(&lines, "lines", 20_000, "documents to read in all")
	cmd.Flags().StringArrayVar(&fields, "field", nil, "where to look, as in a scan: code=ctx.error.type, user=…")
	complete(cmd, "output", "text", "json")
	return cmd
}

// doctor looks at the beginning of the inputs and prints what it saw.
func doctor(env *environ, args, fieldFlags []string, lines int, output string) error {
	cat := env.conf.Catalog
	fields, _, err := parseFields(env.conf.Fields, fieldFlags)
	if err != nil {
		return err
	}
	items, problems := source.Expand(args)
	s := newSurvey(cat, extract.Options{Fields: fields, Now: time.Now(), Zone: env.zone}, max(lines, 1))
	ctx, stop := interrupts(context.Background(), false)
	defer stop()
	for _, it := range items {
		if s.full() {
			break
		}
		in, err := source.OpenContext(ctx, it)
		if err == nil {
			// An equal share for each input, so that the first does not hide the others.
			err = s.read(in.Name, in.Reader, max(lines/len(items), 100))
			err = errors.Join(err, in.Close())
		}
		if err != nil && ctx.Err() == nil {
			problems = append(problems, err)
		}
	}
	for _, p := range problems {
		fmt.Fprintf(env.stderr, "imerr-scan: %s\n", oneLine(p.Error()))
	}
	out := bufio.NewWriter(env.stdout)
	f := s.findings()
	if output == "json" {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		err = enc.Encode(f)
	} else {
		err = report.Survey(out, f, report.TextOptions{Width: env.columns(), Color: env.color(), Lang: env.lang, Input: inputName(items, args), Again: again(args)})
	}
	if err = errors.Join(err, out.Flush()); err != nil {
		return err
	}
	if len(problems) > 0 {
		return &exitError{status: exitUsage}
	}
	return nil
}

// survey looks around in documents: what a scan would take, from where, and what it would leave.
type survey struct {
	cat      *catalog.Catalog
	extract  *extract.Extractor
	classify *classify.Classifier
	left     int

	docs, events, foreign, broken int
	shapes                        map[string]*report.SurveyRow
	fields                        map[string]*surveyField
	near                          map[string]*report.SurveyRow
}

// surveyField is where a field of the events was found.
type surveyField struct {
	filled int
	paths  map[string]int
}

var surveyFields = []string{"time", "user", "device", "version", "platform"}

func newSurvey(cat *catalog.Catalog, opt extract.Options, docs int) *survey {
	s := &survey{
		cat: cat, extract: extract.New(opt), classify: classify.New(cat), left: docs,
		shapes: map[string]*report.SurveyRow{}, near: map[string]*report.SurveyRow{}, fields: map[string]*surveyField{},
	}
	for _, name := range surveyFields {
		s.fields[name] = &surveyField{paths: map[string]int{}}
	}
	return s
}

func (s *survey) full() bool { return s.left <= 0 }

var errEnough = errors.New("enough")

// read looks at up to docs documents of one input.
func (s *survey) read(name string, r io.Reader, docs int) error {
	emit := func(d frame.Document) error {
		if docs <= 0 || s.left <= 0 {
			return errEnough
		}
		docs--
		s.left--
		s.document(name, d)
		return nil
	}
	cutter := frame.New(frame.Options{All: true})
	err := cutter.Cut(r, emit)
	if err == nil {
		err = cutter.Flush(emit)
	}
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func (s *survey) document(name string, d frame.Document) {
	s.docs++
	if d.TooLong {
		return
	}
	src := fmt.Sprintf("%s:%d", name, d.Line+1)
	found := s.extract.Extract(d.Data)
	verdict := s.classify.Classify(found.Candidates)
	s.foreign += verdict.Foreign
	if found.Broken && len(verdict.Events) == 0 {
		s.broken++
	}
	for i := range verdict.Events {
		s.event(&verdict.Events[i], src, d.Data)
	}
	if len(verdict.Events) == 0 {
		s.misses(src, d.Data)
	}
}

func (s *survey) event(e *classify.Event, src string, doc []byte) {
	s.events++
	c := e.Candidate
	note(s.shapes, c.Shape.String(), src, doc)
	values := []string{"", c.User, c.Device, c.Version, c.Platform}
	for i, field := range surveyFields {
		f := s.fields[field]
		if field == "time" && c.Time == 0 || field != "time" && values[i] == "" {
			continue
		}
		f.filled++
		if field != "time" {
			extract.Members(doc, func(m extract.Member) bool {
				if m.Text == values[i] {
					f.paths[m.Path]++
					return false
				}
				return true
			})
		}
	}
}

// misses notes values that look like codes: numbers of the catalog under keys that people give to codes.
func (s *survey) misses(src string, doc []byte) {
	extract.Members(doc, func(m extract.Member) bool {
		if likeCode(m.Key) && s.raised(m.Text) {
			note(s.near, m.Path, src, doc)
		}
		return true
	})
}

// likeCode says that a key may hold an error code: type, code, errCode, error_no …
func likeCode(key string) bool {
	key = strings.ToLower(key)
	for _, end := range []string{"type", "code", "errno", "error_no", "errorno", "error"} {
		if strings.HasSuffix(key, end) {
			return key != "statuscode" && key != "status_code"
		}
	}
	return false
}

// raised says that a value is a code which the SDK raises. Small numbers are too common to mean anything.
func (s *survey) raised(text string) bool {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n >= 0 && n < 16 {
		return false
	}
	e := s.cat.Lookup(int32(n))
	return e != nil && e.Raised
}

// note counts a document under a name and keeps the first as the example. There are at most 1,000 names.
func note(rows map[string]*report.SurveyRow, name, src string, doc []byte) {
	row := rows[name]
	if row == nil {
		if len(rows) >= 1000 {
			return
		}
		row = &report.SurveyRow{Name: report.Clean(name), Example: report.Clean(string(doc[:min(len(doc), 400)])), Src: report.Clean(src)}
		rows[name] = row
	}
	row.Count++
}

// findings is what the survey saw, the most frequent first.
func (s *survey) findings() *report.Findings {
	f := &report.Findings{Documents: s.docs, Events: s.events, Foreign: s.foreign, Broken: s.broken, Shapes: ranked(s.shapes), Near: ranked(s.near)}
	for _, name := range surveyFields {
		sf := s.fields[name]
		row := report.SurveyField{Name: name, Filled: sf.filled}
		paths := slices.SortedFunc(maps.Keys(sf.paths), func(a, b string) int {
			return cmp.Or(cmp.Compare(sf.paths[b], sf.paths[a]), cmp.Compare(a, b))
		})
		for _, p := range paths[:min(len(paths), 4)] {
			row.Paths = append(row.Paths, report.Clean(p))
		}
		f.Fields = append(f.Fields, row)
	}
	return f
}

func ranked(rows map[string]*report.SurveyRow) []report.SurveyRow {
	out := []report.SurveyRow{}
	for _, r := range rows {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b report.SurveyRow) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	return out[:min(len(out), 20)]
}
