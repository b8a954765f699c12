package pipeline

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imerr-scan/internal/aggregate"
	"imerr-scan/pkg/extract"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func valueOptions() Options {
	return Options{Catalog: web, Aggregate: aggregate.Options{Catalog: web}, Extract: extract.Options{Now: noon, Day: noon}}
}

// Each line of a log as a record of a topic adds up to what a scan of the log does.
func TestValuesAreTheLinesOfALog(t *testing.T) {
	for _, file := range []string{"real/flat.log", "real/docker.log", "real/ecs-pino.log", "real/noise.log"} {
		data, err := os.ReadFile("../../testdata/logs/" + file)
		if os.IsNotExist(err) {
			t.Fatalf("%s: gone", file)
		}
		total := aggregate.New(valueOptions().Aggregate)
		opt := valueOptions()
		if _, err := Scan(context.Background(), []Source{memory("x", data)}, total, opt); err != nil {
			t.Fatal(err)
		}
		v := NewValues("x", valueOptions())
		for line := range bytes.Lines(data) {
			if err := v.Value(line, time.Time{}, 0); err != nil {
				t.Fatal(err)
			}
		}
		want, got := total.Result(aggregate.ResultOptions{NoMerge: true}), v.Take().Result(aggregate.ResultOptions{NoMerge: true})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: scan (-), values (+):\n%s", file, diff)
		}
		if got.Events == 0 && file != "real/noise.log" {
			t.Errorf("%s: nothing found", file)
		}
	}
}

// Whatever a record holds, it is counted for what it is, and the next one is none the worse.
func TestHostileValues(t *testing.T) {
	const good = `{"error":{"type":206}}`
	for _, tc := range []struct {
		name  string
		value string
		want  aggregate.Lines
		codes map[int32]int64
	}{
		{"null or empty", "", aggregate.Lines{Empty: 1}, nil},
		{"white space", " \t", aggregate.Lines{Empty: 1}, nil},
		{"good", good, aggregate.Lines{WithError: 1}, map[int32]int64{206: 1}},
		{"with a line end", good + "\r\n", aggregate.Lines{WithError: 1}, map[int32]int64{206: 1}},
		{"many lines", good + "\n\nx\n" + strings.Replace(good, "206", "217", 1), aggregate.Lines{WithError: 2, Empty: 1, WithoutError: 1}, map[int32]int64{206: 1, 217: 1}},
		{"pretty-printed", "{\n  \"error\": {\n    \"type\": 206\n  }\n}", aggregate.Lines{WithError: 5}, map[int32]int64{206: 1}},
		{"of a schema registry", "\x00\x00\x00\x00\x07" + good, aggregate.Lines{WithError: 1}, map[int32]int64{206: 1}},
		{"avro", "\x00\x00\x00\x00\x07\x02\x06err\x9c\x03", aggregate.Lines{WithoutError: 1}, nil},
		{"bytes", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xfe", aggregate.Lines{WithoutError: 1}, nil},
		{"bad UTF-8", "{\"x\":\"\xff\xc0\",\"error\":{\"type\":206}}", aggregate.Lines{WithError: 1}, map[int32]int64{206: 1}},
		{"key with escapes", `{"\u0065rror":{"typ\u0065":206}}`, aggregate.Lines{WithError: 1}, map[int32]int64{206: 1}},
		{"deep", `{"error":{"type":206},"x":` + strings.Repeat("[", 5000), aggregate.Lines{Broken: 1}, nil},
		{"huge", `{"error":{"type":206},"x":"` + strings.Repeat("x", 2<<20) + `"}`, aggregate.Lines{TooLong: 1}, nil},
		{"a million line ends", strings.Repeat("\n", 1<<20), aggregate.Lines{Empty: 1 << 20}, nil},
		{"an opened bracket that never closes", "{\n", aggregate.Lines{WithoutError: 1}, nil},
		{"half a CRI line", "2026-11-24T10:00:00Z stdout P {\"error\":", aggregate.Lines{WithoutError: 1}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := NewValues("t/0", valueOptions())
			for _, value := range []string{tc.value, good} {
				if err := v.Value([]byte(value), noon, 7); err != nil {
					t.Fatal(err)
				}
			}
			res := v.Take().Result(aggregate.ResultOptions{NoMerge: true})
			codes := map[int32]int64{206: 1}
			for code, n := range tc.codes {
				codes[code] += n
			}
			tc.want.WithError++
			tc.want.Read = tc.want.WithError + tc.want.WithoutError + tc.want.Broken + tc.want.TooLong + tc.want.Foreign + tc.want.Empty
			if diff := cmp.Diff(tc.want, res.Lines); diff != "" {
				t.Errorf("lines, want (-), got (+):\n%s", diff)
			}
			got := map[int32]int64{}
			for _, c := range res.Codes {
				got[c.Code] = c.Count
			}
			if diff := cmp.Diff(codes, got); diff != "" {
				t.Errorf("codes, want (-), got (+):\n%s", diff)
			}
			if res.Undated != 0 {
				t.Errorf("%d events have no time, although the records have one", res.Undated)
			}
			if again := v.Take(); !again.Empty() {
				t.Error("something is left after Take")
			}
		})
	}
}

// The times of values say when somebody was listening, events or not.
func TestValuesAreSeen(t *testing.T) {
	v := NewValues("t/0", valueOptions())
	for i := range 25 { // 2.5 s apart
		_ = v.Value([]byte("nothing"), noon.Add(time.Duration(i)*2500*time.Millisecond), 0)
	}
	_ = v.Value([]byte("a clock years ahead"), noon.AddDate(5, 0, 0), 0)
	_ = v.Value([]byte("no time"), time.Time{}, 0)
	var lines, cells int64
	for c := range v.Take().SeenLines(0) {
		lines += c.Events
		cells++
	}
	if lines != 25 || cells != 7 {
		t.Errorf("%d lines in %d cells, want 25 in 7", lines, cells)
	}
}

// A value that is too long is so without a hit, too, and by the limit that is set.
func TestValuesHaveALimit(t *testing.T) {
	opt := valueOptions()
	opt.MaxDocument = 100
	v := NewValues("t/0", opt)
	for _, n := range []int{100, 101} {
		if err := v.Value(bytes.Repeat([]byte("x"), n), noon, 0); err != nil {
			t.Fatal(err)
		}
	}
	if got := v.Take().Result(aggregate.ResultOptions{NoMerge: true}).Lines; got.WithoutError != 1 || got.TooLong != 1 {
		t.Errorf("lines %+v, want one without an error and one too long", got)
	}
}
