package classify_test

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"imerr-scan/internal/frame"
)

var update = flag.Bool("update", false, "rewrite the table of loggers in docs/input.md")

const (
	realLogs  = "../../testdata/logs/real"
	inputPage = "../../docs/input.md"
	tableTop  = "<!-- loggers: written by go test ./pkg/classify -update -->\n"
	tableEnd  = "<!-- end of loggers -->\n"
)

// least is how many codes of a thousand that are visible as numbers have to be found.
const least = 990

// hardNoise holds records that look like the SDK's errors in all that is written in them: what is found there is the
// price of the rules. It is shown, and not in the sum.
const hardNoise = "../../tools/evidence/noise-hard.log"

// wanted is one error in a log of a real logger.
type wanted struct {
	line    int
	code    string
	visible bool   // the number survived the logger
	form    string // json, inspect, logfmt, otlp, renamed
}

// figures is what was found in one log.
type figures struct {
	logger                                           string
	lines, visible, found, hidden, extra, inner, has int
}

// TestRealLoggers reads what real loggers made of real errors of the SDK (testdata/logs/real, tools/evidence): least
// of the codes that are visible as numbers are found, and nothing else is. The table in docs/input.md is checked.
func TestRealLoggers(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(realLogs, "*.log"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no logs in %s: %v", realLogs, err)
	}
	var all []figures
	sum := figures{logger: "**all**"}
	for _, file := range files {
		f := readReal(t, file)
		sum.lines += f.lines
		sum.visible += f.visible
		sum.found += f.found
		sum.hidden += f.hidden
		sum.extra += f.extra
		all = append(all, f)
	}
	if sum.found*1000 < sum.visible*least {
		t.Errorf("found %d of %d codes that are visible as numbers, want at least %d ‰", sum.found, sum.visible, least)
	}
	if sum.extra > 0 {
		t.Errorf("%d false events, want none", sum.extra)
	}
	checkTable(t, append(all, sum, readReal(t, hardNoise)))
}

func readReal(t *testing.T, file string) figures {
	f := figures{logger: strings.TrimSuffix(filepath.Base(file), ".log")}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want []wanted
	if file != hardNoise {
		want = readWanted(t, strings.TrimSuffix(file, ".log")+".want.tsv")
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	f.lines = len(lines)
	type found struct {
		line int
		code string
	}
	var got []found
	s := newScanner()
	cutter := frame.New(frame.Options{})
	emit := func(d frame.Document) error {
		_, v := s.scan(string(d.Data))
		for _, e := range v.Events {
			code := fmt.Sprint(e.Code)
			if e.Entry == nil {
				code = "unknown " + e.Value
			}
			got = append(got, found{int(d.Line + d.Lines), code})
		}
		return nil
	}
	if err := errors.Join(cutter.Cut(bytes.NewReader(data), emit), cutter.Flush(emit)); err != nil {
		t.Fatal(err)
	}
	// A finding belongs to the record that begins at or before its last line and before the next record.
	for i, w := range want {
		next := len(lines) + 1
		for _, o := range want[i:] {
			if o.line > w.line {
				next = o.line
				break
			}
		}
		k := slices.IndexFunc(got, func(g found) bool { return g.code == w.code && g.line >= w.line && g.line < next })
		switch {
		case w.visible && k >= 0:
			f.visible++
			f.found++
		case w.visible:
			f.visible++
			t.Logf("%s:%d: %s (%s) not found in %s", f.logger, w.line, w.code, w.form, cutTo(lines[w.line-1], 600))
		default:
			f.hidden++
		}
		if k >= 0 {
			got = slices.Delete(got, k, k+1)
		}
	}
	for _, g := range got {
		f.extra++
		t.Logf("%s:%d: false %q", f.logger, g.line, g.code)
	}
	return f
}

func cutTo(s string, n int) string { return s[:min(n, len(s))] }

func readWanted(t *testing.T, file string) (out []wanted) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		c := strings.Split(sc.Text(), "\t")
		if strings.HasPrefix(sc.Text(), "#") || len(c) < 4 {
			continue
		}
		line, err := strconv.Atoi(c[0])
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out = append(out, wanted{line, c[1], c[2] == "yes", c[3]})
	}
	return out
}

// checkTable compares the table in docs/input.md with the figures, or writes it.
func checkTable(t *testing.T, all []figures) {
	var b strings.Builder
	b.WriteString("| logger | lines | codes visible | found | number lost by the logger | false |\n|---|--:|--:|--:|--:|--:|\n")
	for _, f := range all {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d |\n", f.logger, f.lines, f.visible, f.found, f.hidden, f.extra)
	}
	page, err := os.ReadFile(inputPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), tableTop)
	old, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table of loggers", inputPage)
	}
	if *update {
		if err := os.WriteFile(inputPage, []byte(before+tableTop+b.String()+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != b.String() {
		t.Errorf("the table in %s is not that of this build (rewrite it with -update):\n%s", inputPage, b.String())
	}
}
