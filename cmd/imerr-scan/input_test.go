package main

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/pipeline"
	"imerr-scan/internal/source"
	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/extract"
)

// inputDoc is the document whose tables, below "Odd and hostile input", are what this file tests.
var inputDoc = filepath.Join("..", "..", "docs", "input.md")

// inputRow is a row of its tables: what is given, and what it gives.
type inputRow struct {
	class, name, notation string
	data                  []byte
	want                  inputAnswer // of a file, and of what says nothing else
	topic                 inputAnswer // of a value of a topic
	why                   string      // topic differs from want
}

// inputAnswer is what an input gives, as the document writes it.
type inputAnswer struct{ events, lines string }

// inputPaths are the ways by which bytes come in. A document may say why a topic is different; the others are the same.
var inputPaths = []struct {
	name string
	read func(t *testing.T, data []byte, opt pipeline.Options) (tally *aggregate.Tally, refused string)
}{
	{"file", readAsFile},
	{"pipe", readAsPipe},
	{"blocks that grow", readAsBlocks},
	{"topic", readAsValue},
}

// TestInputs holds docs/input.md to what the program does with each row of its tables, by every path. -update writes the answers
// there: read them before keeping them.
func TestInputs(t *testing.T) {
	text, err := os.ReadFile(inputDoc)
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	written := eachInput(t, string(text), func(row inputRow) inputRow {
		rows++
		got := row
		t.Run(row.class+"/"+row.name, func(t *testing.T) { got = tryInput(t, row) })
		return got
	})
	if rows < 200 {
		t.Errorf("%d rows, want the more than 200 that were there", rows)
	}
	if *update {
		if err := os.WriteFile(inputDoc, []byte(written), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// tryInput reads a row's bytes by every path and returns the row as it is in truth.
func tryInput(t *testing.T, row inputRow) inputRow {
	start := time.Now()
	for _, path := range inputPaths {
		opt := pipeline.Options{Catalog: catalog.Web(), Aggregate: aggregate.Options{Catalog: catalog.Web()}, Extract: extract.Options{Now: inputNow, Day: inputNow}}
		var events []string
		opt.Each = func(r *pipeline.Record) error { events = append(events, inputEvent(r)); return nil }
		tally, refused := path.read(t, row.data, opt)
		got := inputAnswer{strings.Join(events, ", "), inputLines(t, tally, refused)}
		want := row.want
		if path.name == "topic" {
			want = row.topic
		}
		switch {
		case got == want:
		case *update && path.name == "file":
			row.want, row.topic = got, got
		case *update && path.name == "topic":
			row.topic, row.why = got, cmp.Or(row.why, "because …")
		default:
			t.Errorf("%s: %q\n\tgives %q\n\twant  %q", path.name, cut(row.data), got, want)
		}
	}
	if took := time.Since(start); took > time.Minute { // a second is what it should be; machines are busy
		t.Errorf("took %v", took)
	}
	return row
}

var inputNow = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func cut(b []byte) []byte { return b[:min(len(b), 300)] }

// inputEvent is an event as the document writes it.
func inputEvent(r *pipeline.Record) string {
	s := strconv.Itoa(int(r.Code))
	if r.Entry == nil {
		s = fmt.Sprintf("unknown %q", r.Value)
	}
	if ms := r.Candidate.Time; ms != 0 {
		s += " at " + time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999Z07:00")
	}
	return s
}

// inputLines are the classes of the lines, as the document writes them, checked against each other.
func inputLines(t *testing.T, tally *aggregate.Tally, refused string) string {
	res := tally.Result(aggregate.ResultOptions{NoMerge: true})
	if l := res.Lines; l.Sum() != l.Read {
		t.Errorf("lines: %+v", l)
	}
	var out []string
	add := func(n int64, class string) {
		if n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, class))
		}
	}
	add(res.Lines.WithError, "with error")
	add(res.Lines.WithoutError, "without")
	add(res.Lines.Broken, "broken")
	add(res.Lines.TooLong, "too long")
	add(res.Lines.Foreign, "foreign")
	add(res.Lines.Empty, "empty")
	add(res.Success, "success")
	if refused != "" {
		out = append(out, refused)
	}
	return strings.Join(out, ", ")
}

func scanItems(t *testing.T, args []string, opt pipeline.Options) (*aggregate.Tally, string) {
	t.Helper()
	items, problems := source.Expand(args)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	opt.Workers, opt.PartSize = 2, 64<<10
	total := aggregate.New(opt.Aggregate)
	var head headOf
	failed, err := pipeline.Scan(t.Context(), sources(items, &head), total, opt)
	if err != nil {
		t.Fatal(err)
	}
	refused := ""
	for _, f := range failed {
		refused += strings.TrimPrefix(f.Error, f.Source+": ")
	}
	return total, refused
}

func inputFile(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.log")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readAsFile(t *testing.T, data []byte, opt pipeline.Options) (*aggregate.Tally, string) {
	return scanItems(t, []string{inputFile(t, data)}, opt)
}

func readAsPipe(t *testing.T, data []byte, opt pipeline.Options) (*aggregate.Tally, string) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	old := os.Stdin
	os.Stdin = r
	defer func() { os.Stdin = old }()
	done := make(chan error, 1)
	go func() {
		_, err := w.Write(data)
		done <- cmp.Or(w.Close(), err)
	}()
	tally, refused := scanItems(t, []string{"-"}, opt)
	_ = r.Close()
	if err := <-done; err != nil && refused == "" {
		t.Error(err)
	}
	return tally, refused
}

// readAsBlocks is a file as -f and serve take it, in blocks whose bounds mean nothing.
func readAsBlocks(t *testing.T, data []byte, opt pipeline.Options) (*aggregate.Tally, string) {
	items, _ := source.Expand([]string{inputFile(t, data)})
	in, err := source.OpenContext(t.Context(), items[0])
	total := aggregate.New(opt.Aggregate)
	if err != nil {
		return total, strings.TrimPrefix(err.Error(), items[0].Name+": ")
	}
	defer in.Close()
	text, err := io.ReadAll(in.Reader)
	if err != nil {
		t.Fatal(err)
	}
	live := pipeline.NewLive(total, opt)
	for block := range slices.Chunk(text, max(7, len(text)/500)) {
		if err := live.Block(1, "app.log", block, 0, inputNow); err != nil {
			t.Fatal(err)
		}
	}
	if err := live.End(1); err != nil {
		t.Fatal(err)
	}
	live.Settle()
	return total, ""
}

func readAsValue(t *testing.T, data []byte, opt pipeline.Options) (*aggregate.Tally, string) {
	v := pipeline.NewValues("logs/0", opt)
	if err := v.Value(data, time.Time{}, 7); err != nil {
		t.Fatal(err)
	}
	return v.Take(), ""
}

// eachInput calls try with each row of the document's tables and returns the document with what it answers.
func eachInput(t *testing.T, text string, try func(inputRow) inputRow) string {
	t.Helper()
	const head = "## Odd and hostile input\n"
	before, tables, ok := strings.Cut(text, head)
	if !ok {
		t.Fatalf("%s has no section %q", inputDoc, head)
	}
	var out strings.Builder
	out.WriteString(before + head)
	class, rest := "", false
	for line := range strings.Lines(tables) {
		if name, ok := strings.CutPrefix(line, "### "); ok {
			class = strings.TrimSpace(name)
		}
		rest = rest || strings.HasPrefix(line, "## ")
		cells := inputCells(line)
		if rest || class == "" || len(cells) != 5 || cells[0] == "case" || strings.HasPrefix(cells[0], "---") {
			out.WriteString(line)
			continue
		}
		row := inputRow{class: class, name: cells[0], notation: cells[1]}
		row.data = []byte(unwritten(t, strings.Trim(strings.Trim(cells[1], "`"), " ")))
		row.want = inputAnswer{unquoted(cells[2]), cells[3]}
		row.topic = row.want
		if cells[4] != "" {
			answer, why, _ := strings.Cut(cells[4], " (")
			row.why = strings.TrimSuffix(why, ")")
			row.topic.events, row.topic.lines, _ = strings.Cut(answer, "; ")
			row.topic.events = unquoted(row.topic.events)
		}
		out.WriteString(writtenRow(try(row)))
	}
	return out.String()
}

// inputCells are the cells of a row of a table in Markdown; a bar in one is written \|.
func inputCells(line string) []string {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "|") {
		return nil
	}
	const bar = "\uf7ff"
	cells := strings.Split(strings.ReplaceAll(strings.Trim(line, "|"), `\|`, bar), "|")
	for i := range cells {
		cells[i] = strings.ReplaceAll(strings.TrimSpace(cells[i]), bar, "|")
	}
	return cells
}

// quotedValue is an unknown value as %q writes it; the document has it between backquotes.
var quotedValue = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

func unquoted(cell string) string {
	return regexp.MustCompile("`("+quotedValue.String()+")`").ReplaceAllString(cell, "$1")
}

func writtenRow(row inputRow) string {
	events := func(s string) string {
		return quotedValue.ReplaceAllStringFunc(s, func(v string) string { return "`" + v + "`" })
	}
	topic := ""
	if row.topic != row.want {
		topic = fmt.Sprintf("%s; %s (%s)", events(row.topic.events), row.topic.lines, row.why)
	}
	cells := []string{row.name, row.notation, events(row.want.events), row.want.lines, topic}
	for i := range cells {
		cells[i] = strings.ReplaceAll(cells[i], "|", `\|`)
	}
	return strings.TrimRight("| "+strings.Join(cells, " | "), " ") + " |\n"
}

// unwritten turns the notation of the document into bytes: ␊ and the like are control characters, ‹ff fe› bytes in hexadecimal,
// ‹x × 100› a hundred x, ‹UTF-16LE: …› its text in that encoding. They nest.
func unwritten(t *testing.T, s string) string {
	t.Helper()
	var out strings.Builder
	for s != "" {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r >= '␀' && r <= '␟':
			out.WriteByte(byte(r - '␀'))
		case r == '␡':
			out.WriteByte(0x7f)
		case r == '‹':
			n = closing(s)
			if n < 0 {
				t.Fatalf("‹ without › in %q", s)
			}
			out.WriteString(group(t, s[len("‹"):n-len("›")]))
		default:
			out.WriteString(s[:n])
		}
		s = s[n:]
	}
	return out.String()
}

// closing is where the group that s begins with ends.
func closing(s string) int {
	depth := 0
	for i, r := range s {
		switch r {
		case '‹':
			depth++
		case '›':
			if depth--; depth == 0 {
				return i + len("›")
			}
		}
	}
	return -1
}

var (
	repeated = regexp.MustCompile(`(?s)^(.*) × (\d+)$`)
	hexBytes = regexp.MustCompile(`^[0-9a-f]{2}( [0-9a-f]{2})*$`)
)

func group(t *testing.T, s string) string {
	t.Helper()
	if text, ok := strings.CutPrefix(s, "UTF-16LE: "); ok {
		return asUTF16(unwritten(t, text), false)
	}
	if text, ok := strings.CutPrefix(s, "UTF-16BE: "); ok {
		return asUTF16(unwritten(t, text), true)
	}
	if m := repeated.FindStringSubmatch(s); m != nil {
		n, err := strconv.Atoi(m[2])
		if err != nil {
			t.Fatal(err)
		}
		return strings.Repeat(unwritten(t, m[1]), n)
	}
	if !hexBytes.MatchString(s) {
		t.Fatalf("‹%s› means nothing", s)
	}
	var out []byte
	for f := range strings.FieldsSeq(s) {
		b, err := strconv.ParseUint(f, 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, byte(b))
	}
	return string(out)
}

func asUTF16(s string, big bool) string {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return string(out)
}

// TestNothingGetsOut prints the rows below Injection and Encodings in every form, ids plain, out of a file with a hostile name: what
// comes out is text that means nothing to a terminal, a spreadsheet, a page, a scrape or a reader of lines.
func TestNothingGetsOut(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such names there")
	}
	text, err := os.ReadFile(inputDoc)
	if err != nil {
		t.Fatal(err)
	}
	eachInput(t, string(text), func(row inputRow) inputRow {
		if row.class != "Injection" && (row.class != "Encodings" || testing.Short()) {
			return row
		}
		t.Run(row.class+"/"+row.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "=1+\x1b[2J\u202e\nimerr-scan: <b>|`.log")
			if err := os.WriteFile(file, row.data, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, form := range []struct {
				output string
				check  func(t *testing.T, out string)
			}{
				{"text", checkShown}, {"json", checkJSONOut}, {"ndjson", checkNDJSON}, {"csv", checkCSVOut}, {"markdown", checkMarkdownOut}, {"html", checkHTMLOut}, {"prom", checkPromOut},
			} {
				var out, errs bytes.Buffer
				args := []string{"--config", "none", "--lang", "en", "--pii", "plain", "--no-alerts", "-o", form.output, file}
				if form.output == "text" || form.output == "json" {
					args = append(args, "--samples", "2")
				}
				if status := run(args, os.Stdin, &out, &errs); status != exitDone && status != exitUsage {
					t.Errorf("%s: status %d", form.output, status)
				}
				form.check(t, out.String())
				checkShown(t, errs.String())
				if n := strings.Count(errs.String(), "\nimerr-scan: "); n > 0 {
					t.Errorf("%s: a line of its own in %q", form.output, errs.String())
				}
			}
		})
		return row
	})
}

// checkShown fails for a rune that is not shown as itself.
func checkShown(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && r != ' ' && (!unicode.IsPrint(r) || r == 0x1b) {
			t.Fatalf("%U in %.600q", r, text)
		}
	}
}

func checkJSONOut(t *testing.T, out string) {
	t.Helper()
	checkShown(t, out)
	var v map[string]any
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Errorf("%v in %s", err, out)
	}
}

func checkNDJSON(t *testing.T, out string) {
	t.Helper()
	checkShown(t, out)
	for line := range strings.Lines(out) {
		var event struct {
			Code *int
			Src  string
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil || event.Src == "" || event.Code != nil && *event.Code != 206 && *event.Code != 217 {
			t.Errorf("%v in %s", err, line)
		}
	}
}

func checkCSVOut(t *testing.T, out string) {
	t.Helper()
	checkShown(t, out)
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	for _, cell := range slices.Concat(rows...) {
		if _, err := strconv.ParseFloat(cell, 64); err != nil && cell != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(strings.TrimSpace(cell))[0]) {
			t.Errorf("a formula: %q", cell)
		}
	}
}

func checkMarkdownOut(t *testing.T, out string) {
	t.Helper()
	checkShown(t, out)
	if strings.ContainsAny(out, "<>`") || strings.Contains(out, "](") {
		t.Errorf("not inert: %s", out)
	}
}

// dataScript is the result within the page, as JSON.
var dataScript = regexp.MustCompile(`(?s)<script[^>]*type="application/json".*?</script>`)

func checkHTMLOut(t *testing.T, out string) {
	t.Helper()
	for _, bait := range []string{"<script>alert", "<b>|", "</script><!--", "href=\"javascript:", "\x1b", "\u202e"} {
		if strings.Contains(out, bait) {
			t.Errorf("%q is in the page", bait)
		}
	}
	if page := dataScript.ReplaceAllString(out, ""); len(page) == len(out) || strings.Contains(page, "' onload='") {
		t.Error("quotes are as they were, or the page has no data")
	}
}

var promLine = regexp.MustCompile(`^(# (HELP|TYPE) [a-z_]+ .*|[a-z_]+(\{([a-z_]+="([^"\\]|\\["\\n])*",?)*\})? -?[0-9.e+]+)$`)

func checkPromOut(t *testing.T, out string) {
	t.Helper()
	checkShown(t, out)
	for line := range strings.Lines(out) {
		if line = strings.TrimSuffix(line, "\n"); !promLine.MatchString(line) || strings.HasPrefix(line, `imerr_errors_total{code="217"`) && !strings.HasSuffix(line, " 0") && !strings.HasSuffix(line, " 1") {
			t.Errorf("no sample: %q", line)
		}
	}
}

// TestSecurityNamesTestsThatThereAre keeps docs/security.md from pointing at nothing.
func TestSecurityNamesTestsThatThereAre(t *testing.T) {
	top := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(top, "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	sources := testSources(t)
	names := regexp.MustCompile("`((?:Test|Fuzz)[A-Z][A-Za-z0-9]*)`").FindAllStringSubmatch(string(text), -1)
	if len(names) < 30 {
		t.Errorf("%d tests named, want more", len(names))
	}
	for _, name := range names {
		if !strings.Contains(sources, "func "+name[1]+"(") {
			t.Errorf("there is no %s", name[1])
		}
	}
}

// testSources is the text of all tests of the project.
func testSources(t *testing.T) string {
	t.Helper()
	var sources strings.Builder
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		sources.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sources.String()
}
