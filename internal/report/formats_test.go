package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"imerr-scan/internal/aggregate"
	"imerr-scan/pkg/catalog"
)

// write returns what f writes.
func write(t testing.TB, f func(*bytes.Buffer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFormats(t *testing.T) {
	cat := catalog.Web()
	build := PromBuild{Revision: "a1b2c3d", Go: "go1.26.8"}
	short := morning()
	short.Codes = short.Codes[:2]
	for i := range short.Codes {
		short.Codes[i].Timeline = short.Codes[i].Timeline[:3]
	}
	for name, f := range map[string]func(*bytes.Buffer) error{
		"csv":         func(b *bytes.Buffer) error { return CSV(b, morning()) },
		"csv_strange": func(b *bytes.Buffer) error { return CSV(b, strange()) },
		"json":        func(b *bytes.Buffer) error { return JSON(b, short) },
		"json_empty":  func(b *bytes.Buffer) error { return JSON(b, &aggregate.Result{Schema: aggregate.Schema}) },
		"prom":        func(b *bytes.Buffer) error { return Prom(b, morning(), cat, build) },
		"prom_empty":  func(b *bytes.Buffer) error { return Prom(b, quiet(), cat, build) },
		"markdown_en": func(b *bytes.Buffer) error { return Markdown(b, morning(), cat, screenOptions) },
		"markdown_zh": func(b *bytes.Buffer) error {
			o := screenOptions
			o.Lang = catalog.ZH
			return Markdown(b, morning(), cat, o)
		},
		"markdown_none": func(b *bytes.Buffer) error { return Markdown(b, quiet(), cat, screenOptions) },
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, write(t, f)) })
	}
}

func TestEventLines(t *testing.T) {
	events := []Event{
		{Time: at("10:31:20").Add(42 * time.Millisecond), Known: true, Code: 206, Name: "WEBIM_CONNCTION_USER_LOGIN_ANOTHER_DEVICE", Category: "auth", Topic: "kick",
			Reason: "kicked", Message: "the user is already logged on another device", User: "u_102**", Version: "5.3.0", Platform: "web",
			Source: "logs/app.log", Line: 4051, Shape: "docker", Inner: 700, HasInner: true},
		{Known: false, Value: "0206", Category: "unknown", User: "张敏", Source: "stdin", Line: 1, Shape: "flat", Message: "a\x1b[2J\"b\\\n\u202e\xff\U000e0041"},
		{Known: true, Code: -4, Name: "REQUEST_ABORT", Category: "general", Topic: "cancel", Source: "a.log", Line: 2, Shape: "args", Message: strings.Repeat("张", 1000)},
	}
	var lines []byte
	for i := range events {
		lines = AppendEvent(lines, &events[i])
	}
	golden(t, "ndjson", string(lines))
}

func TestAppendEventAllocatesNothing(t *testing.T) {
	e := Event{Time: *at("10:31:20"), Known: true, Code: 206, Name: "N", Message: "the user is\nalready logged on \"another device\"", User: "张敏", Source: "a.log", Line: 7}
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { buf = AppendEvent(buf[:0], &e) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func FuzzAppendEvent(f *testing.F) {
	f.Add("u_1", "m\x00\u2028", "a\xff.log")
	f.Fuzz(func(t *testing.T, user, message, source string) {
		user, message, source = user[:min(len(user), 2000)], message[:min(len(message), 2000)], source[:min(len(source), 2000)]
		line := AppendEvent(nil, &Event{User: user, Message: message, Source: source, Line: 3, Value: user})
		visible(t, string(bytes.TrimSuffix(line, []byte("\n"))))
		var got struct{ User, Message, Src, Value string }
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		// encoding/json is the oracle: what it makes of the same text must come back.
		want := struct{ User, Message, Src, Value string }{asJSON(user), asJSON(message), asJSON(source) + ":3", asJSON(user)}
		if got != want {
			t.Fatalf("read back %q, want %q", got, want)
		}
	})
}

// asJSON is s after a way through encoding/json.
func asJSON(s string) string {
	b, _ := json.Marshal(s)
	_ = json.Unmarshal(b, &s)
	return s
}

// visible fails for any rune that is not shown as itself.
func visible(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Fatalf("not UTF-8: %q", text)
	}
	for _, r := range text {
		if r != ' ' && !unicode.IsPrint(r) {
			t.Fatalf("%U in %q", r, text)
		}
	}
}

// hostile puts s in every place of a result that a log can reach, and in some that it cannot.
func hostile(s string, n int64) *aggregate.Result {
	res := morning()
	res.Codes = res.Codes[:3]
	res.Version, res.Catalog.Version = s, s
	r := &res.Codes[0]
	r.Name, r.Category, r.Topic, r.Severity, r.Tier = s, s, s, s, s
	for i := range res.Codes {
		r := &res.Codes[i]
		r.Versions, r.Platforms = map[string]int64{s: 100}, map[string]int64{s + "x": 50}
		r.Reasons, r.Inner = map[string]int64{s: n, "mau": 3}, map[string]int64{s: 9}
		r.Samples = []aggregate.Sample{{Src: s, Text: s}}
	}
	res.Codes[1].Versions = map[string]int64{"5.2": 100}
	res.Unknown.Values = []aggregate.UnknownValue{{Value: s, Count: n}}
	res.Categories = map[string]int64{s: 1, "auth": 2}
	res.TopUsers = []aggregate.UserResult{
		{User: s, Count: 9, Codes: map[string]int64{s: n}, Pattern: "ping_pong"}, {User: s, Count: 8, Pattern: s}, {User: s, Count: 7, Pattern: "shared_account"}}
	res.Shapes = map[string]int64{s: n}
	res.Hints = []aggregate.Hint{{Path: s, Count: n}}
	res.Errors = []aggregate.InputError{{Source: s, Error: s}}
	return res
}

var seeds = []string{
	"\x1b[31mred\x1b]0;title\a", "a|b`c<script>\n| x |", "=HYPERLINK(\"http://evil\")", "-2+3", "\t=1", "@SUM(A1)", "＝1+1", "-4", "-",
	"u\u202etxt", "\xff\xfe", "张敏\u200b\u3164", "\u009b2J", "\\|", "a\\", "\"\n\\", "", "'; rm -rf ~; '", "www.evil.example https://x", "__a__ *b* _c", "\r\nimerr_errors_total 9",
	strings.Repeat("长", 500),
}

func FuzzNothingFromALogEscapes(f *testing.F) {
	for i, s := range seeds {
		f.Add(s, int64(i), uint8(40+10*i))
	}
	cat := catalog.Web()
	f.Fuzz(func(t *testing.T, s string, n int64, w uint8) {
		res := hostile(s, n)
		for _, opt := range []TextOptions{{Width: 20 + int(w)}, {Width: 20 + int(w), Lang: catalog.ZH, Top: 1}, {Plain: true}} {
			opt.Input, opt.Again = s, s
			for _, res := range []*aggregate.Result{res, {Hints: res.Hints, Lines: res.Lines, Errors: res.Errors}} {
				for line := range strings.SplitSeq(write(t, func(b *bytes.Buffer) error { return Text(b, res, cat, opt) }), "\n") {
					visible(t, line)
				}
			}
		}
		checkCSV(t, write(t, func(b *bytes.Buffer) error { return CSV(b, res) }))
		checkMarkdown(t, write(t, func(b *bytes.Buffer) error { return Markdown(b, res, cat, TextOptions{Input: s}) }))
		checkProm(t, write(t, func(b *bytes.Buffer) error { return Prom(b, res, cat, PromBuild{s, s}) }))
		checkJSON(t, res)

		g := Group{Keys: []string{"code", "version"}, Rows: []GroupRow{{Values: []string{s, s}, Count: n, Users: 1}, {Values: []string{s}, Count: 1, Users: -1}}}
		c := []aggregate.Change{{Kind: "up", Code: s, Name: s, Category: s, Ratio: 2}}
		for _, opt := range []TextOptions{{}, {Plain: true}} {
			for line := range strings.SplitSeq(write(t, func(b *bytes.Buffer) error { return g.Text(b, cat, opt) })+
				write(t, func(b *bytes.Buffer) error { return ChangeText(b, c, opt) }), "\n") {
				visible(t, line)
			}
		}
		checkCSV(t, write(t, func(b *bytes.Buffer) error { return g.CSV(b) }))
		checkMarkdown(t, write(t, func(b *bytes.Buffer) error { return g.Markdown(b, TextOptions{}) }))
		checkMarkdown(t, write(t, func(b *bytes.Buffer) error { return ChangeMarkdown(b, c, TextOptions{}) }))
	})
}

// checkCSV reads text back and looks at the first character of each cell as a spreadsheet would.
func checkCSV(t *testing.T, text string) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	for _, row := range rows {
		for _, cell := range row {
			visible(t, cell)
			if _, err := strconv.ParseInt(cell, 10, 64); err == nil {
				continue
			}
			if first, _ := utf8.DecodeRuneInString(strings.TrimSpace(cell)); strings.ContainsRune("=+-@＝＋－＠", first) {
				t.Fatalf("a formula in a cell: %q", cell)
			}
		}
	}
}

// checkMarkdown counts the cells of each table, and looks for characters that would mean something outside of our own.
func checkMarkdown(t *testing.T, text string) {
	t.Helper()
	cells := 0
	for line := range strings.SplitSeq(text, "\n") {
		visible(t, line)
		if strings.ContainsAny(line, "<>`\\") {
			t.Fatalf("unescaped: %q", line)
		}
		n := strings.Count(line, "|")
		if n > 0 && cells > 0 && n != cells {
			t.Fatalf("%d bars, want %d: %q", n, cells, line)
		}
		cells = n
	}
}

// checkProm is a small strict parser of the text exposition format: HELP and TYPE before the samples of a metric, known
// escapes only, no series twice, no line that is anything else.
func checkProm(t *testing.T, text string) map[string]string {
	t.Helper()
	if !strings.HasSuffix(text, "\n") {
		t.Fatal("no line end at the end")
	}
	comment := regexp.MustCompile(`^# (HELP|TYPE) ([a-z_]+) (.+)$`)
	sample := regexp.MustCompile(`^([a-z_]+)(\{(?:[a-z]+="(?:[^"\\]|\\["\\n])*",?)*\})? (-?[0-9.]+)$`)
	series := map[string]string{}
	typed := map[string]bool{}
	var current, helped string
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		visible(t, line)
		if m := comment.FindStringSubmatch(line); m != nil {
			if m[1] == "HELP" {
				helped = m[2]
				continue
			}
			if m[2] != helped || typed[m[2]] {
				t.Fatalf("TYPE without HELP, or twice: %q", line)
			}
			if want := strings.HasSuffix(m[2], "_total"); (m[3] == "counter") != want || m[3] != "counter" && m[3] != "gauge" {
				t.Fatalf("type %s of %s", m[3], m[2])
			}
			typed[m[2]], current = true, m[2]
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("no sample: %q", line)
		}
		if m[1] != current {
			t.Fatalf("%q below TYPE %s", line, current)
		}
		if _, twice := series[m[1]+m[2]]; twice {
			t.Fatalf("series twice: %q", line)
		}
		series[m[1]+m[2]] = m[3]
	}
	return series
}

// checkJSON reads the document back: bad UTF-8 apart, it must be the result.
func checkJSON(t *testing.T, res *aggregate.Result) {
	t.Helper()
	text := write(t, func(b *bytes.Buffer) error { return JSON(b, res) })
	for line := range strings.SplitSeq(text, "\n") {
		visible(t, line)
	}
	got, want := new(aggregate.Result), new(aggregate.Result)
	if err := json.Unmarshal([]byte(text), got); err != nil {
		t.Fatal(err)
	}
	oracle, err := json.Marshal(full(res))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(oracle, want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("read back (-want +got):\n%s", diff)
	}
}

func TestPromHasEveryDocumentedAndPublicCode(t *testing.T) {
	cat := catalog.Web()
	series := checkProm(t, write(t, func(b *bytes.Buffer) error { return Prom(b, morning(), cat, PromBuild{}) }))
	want := 0
	for _, e := range cat.Entries() {
		if e.Tier != "documented" && e.Tier != "sdk_public" {
			continue
		}
		want++
		if _, ok := series[fmt.Sprintf(`imerr_errors_total{code="%d",name="%s",category="%s"}`, e.Code, e.Name, e.Category)]; !ok {
			t.Errorf("code %d is missing", e.Code)
		}
	}
	if want < 86 {
		t.Errorf("%d documented and public codes in the catalog, want 86 at least", want)
	}
	if got := series[`imerr_errors_total{code="unknown",name="",category="unknown"}`]; got != "37" {
		t.Errorf("unknown = %q, want 37", got)
	}
	var lines int64
	for name, v := range series {
		if strings.HasPrefix(name, "imerr_lines_total{") {
			n, _ := strconv.ParseInt(v, 10, 64)
			lines += n
		}
	}
	if want := morning().Lines.Read; lines != want {
		t.Errorf("imerr_lines_total sums to %d, want %d", lines, want)
	}
}

func TestCSVCells(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"-4", "-4"}, {"206", "206"}, {"-4+1", "'-4+1"}, {"=1", "'=1"}, {" =1", "' =1"}, {"+1", "'+1"}, {"@x", "'@x"}, {"\tx", "' x"}, {"\x00=", `'\u0000=`},
		{"＝1", "'＝1"}, {"-", "'-"}, {"a=b", "a=b"}, {"", ""},
	} {
		if got := csvCell(tc.in); got != tc.want {
			t.Errorf("csvCell(%q) = %q, want %q", tc.in, got, tc.want)
		}
	}
}

func TestGroup(t *testing.T) {
	one := Group{Keys: []string{"code"}, Rows: []GroupRow{{Values: []string{"206"}, Count: 7666, Users: 2412}, {Values: []string{"-4"}, Count: 3, Users: 2}, {Values: []string{"unknown"}, Count: 1, Users: -1}}}
	two := Group{Keys: []string{"version", "code"}, Rows: []GroupRow{
		{Values: []string{"5.3.0", "206"}, Count: 7460, Users: 2300}, {Values: []string{"5.3.0", "39"}, Count: 895, Users: 301},
		{Values: []string{"5.2.1", "39"}, Count: 2087, Users: 620}, {Values: []string{"", "206"}, Count: 206, Users: 112}}}
	cat := catalog.Web()
	var b bytes.Buffer
	for _, g := range []*Group{&one, &two} {
		for _, opt := range []TextOptions{{}, {Lang: catalog.ZH, Top: 2}, {Plain: true}} {
			b.WriteString(write(t, func(b *bytes.Buffer) error { return g.Text(b, cat, opt) }) + "--\n")
		}
		b.WriteString(write(t, func(b *bytes.Buffer) error { return g.CSV(b) }) + "--\n")
		b.WriteString(write(t, func(b *bytes.Buffer) error { return g.JSON(b) }) + "--\n")
		b.WriteString(write(t, func(b *bytes.Buffer) error { return g.Markdown(b, TextOptions{}) }) + "--\n")
	}
	b.WriteString(write(t, func(b *bytes.Buffer) error { return new(Group).Text(b, cat, TextOptions{}) }))
	golden(t, "group", b.String())
}

func TestChanges(t *testing.T) {
	before, after := morning(), morning()
	*after.Span.Last = after.Span.First.Add(12 * time.Hour) // twice as long: counts twice as high are the same
	for i := range after.Codes {
		after.Codes[i].Count *= 2
	}
	after.Codes[1].Count *= 3        // 39: up
	after.Codes[3].Count /= 4        // 509: down
	before.Codes = before.Codes[:19] // -1 and 1101 are new
	after.Codes = after.Codes[1:]    // 206 is gone
	after.Codes[3].Count = after.Codes[3].Count * 6 / 5
	after.Unknown.Values[0].Value = "1306"
	got := aggregate.Compare(before, after)
	var kinds []string
	for _, c := range got {
		kinds = append(kinds, fmt.Sprintf("%s %s", c.Kind, c.Code))
	}
	want := []string{"new -1", "new 1306", "new 1101", "up 39", "down 509", "gone 206", "gone 1305"}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	var b bytes.Buffer
	for _, opt := range []TextOptions{{}, {Lang: catalog.ZH}, {Plain: true}} {
		b.WriteString(write(t, func(b *bytes.Buffer) error { return ChangeText(b, got, opt) }) + "--\n")
	}
	b.WriteString(write(t, func(b *bytes.Buffer) error { return ChangeMarkdown(b, got, TextOptions{}) }) + "--\n")
	b.WriteString(write(t, func(b *bytes.Buffer) error { return ChangeText(b, nil, TextOptions{}) }))
	golden(t, "change", b.String())
	if same := aggregate.Compare(after, after); len(same) != 0 {
		t.Errorf("a result compared with itself: %v", same)
	}
}

func TestProgressLine(t *testing.T) {
	for _, tc := range []struct {
		p    Progress
		lang catalog.Lang
		w    int
		want string
	}{
		{Progress{327155712, 537290342, 1250 * time.Millisecond}, catalog.EN, 80, "312.0 MiB of 512.4 MiB  60%  249.6 MiB/s  1 s left"},
		{Progress{327155712, 537290342, 1250 * time.Millisecond}, catalog.ZH, 80, "312.0 MiB / 512.4 MiB  60%  249.6 MiB/s  还需 1 秒"},
		{Progress{1 << 20, 1 << 30, 10 * time.Second}, catalog.EN, 80, "1.0 MiB of 1.0 GiB  0%  102.4 KiB/s  2 h 50 min left"},
		{Progress{Done: 5 << 20, Elapsed: 2 * time.Second}, catalog.EN, 80, "5.0 MiB  2.5 MiB/s"},
		{Progress{Done: 20, Total: 10, Elapsed: time.Second}, catalog.EN, 80, "20 B  20 B/s"}, // the file grew
		{Progress{}, catalog.EN, 80, "0 B"},
		{Progress{327155712, 537290342, 1250 * time.Millisecond}, catalog.EN, 20, "312.0 MiB of 512.4 …"},
	} {
		if got := tc.p.Line(tc.w, tc.lang); got != tc.want {
			t.Errorf("%+v.Line(%d) = %q, want %q", tc.p, tc.w, got, tc.want)
		}
	}
}
