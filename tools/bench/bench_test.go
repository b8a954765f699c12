package main

import (
	"strings"
	"testing"
	"time"

	"imerr-scan/tools/corpusgen/corpus"
)

func TestDifferencesAreNamed(t *testing.T) {
	want := counted{lines: 10, withError: 2, events: 2, values: map[string]int64{"206": 1, "217": 1}}
	if diffs := want.differences(want); len(diffs) > 0 {
		t.Errorf("equal counts differ: %q", diffs)
	}
	got := counted{lines: 10, withError: 2, events: 2, values: map[string]int64{"206": 2}}
	text := strings.Join(got.differences(want), ", ")
	if wanted := "206 2, not 1, 217 0, not 1"; text != wanted {
		t.Errorf("differences are %q, want %q", text, wanted)
	}
}

func TestSizeOfACorpus(t *testing.T) {
	tests := []struct{ kind, size, want string }{
		{"sparse", "512MiB", "512MiB"}, {"spaced", "512MiB", "256MiB"}, {"odd", "16MiB", "2MiB"}, {"odd", "4MiB", "1MiB"},
	}
	for _, tc := range tests {
		if got, err := sizeOf(tc.kind, tc.size); err != nil || got != tc.want {
			t.Errorf("sizeOf(%s, %s) = %q, %v, want %q", tc.kind, tc.size, got, err, tc.want)
		}
	}
	if got, err := sizeOf("sparse", "MiB"); err == nil {
		t.Errorf("sizeOf(sparse, MiB) = %q, want an error", got)
	}
}

func TestWhatPeersPrint(t *testing.T) {
	for in, want := range map[string]int64{`{"schema":"x","events": 12,"success":3}`: 12, `{"events":7}`: 7, `{}`: -1, ``: -1} {
		if got := eventsOfJSON([]byte(in)); got != want {
			t.Errorf("eventsOfJSON(%s) = %d, want %d", in, got, want)
		}
	}
	if got := lastNumber([]byte("count_star()\n12\n")); got != 12 {
		t.Errorf("lastNumber = %d, want 12", got)
	}
	const ofMtail = `{"errors":[{"LabelValues":[{"Labels":["206"],"Value":{"Value":48}},{"Labels":["217"],"Value":{"Value":2}}]}],"line_count":[]}`
	if got := valuesOfMtail([]byte(ofMtail)); got != 50 {
		t.Errorf("valuesOfMtail = %d, want 50", got)
	}
	if got := firstNumber([]byte("12\n")); got != 12 {
		t.Errorf("firstNumber = %d, want 12", got)
	}
	if got := countLines([]byte("206\n217\n")); got != 2 {
		t.Errorf("countLines = %d, want 2", got)
	}
}

func TestThePathOfTheLogIsPutInOrAdded(t *testing.T) {
	for want, argv := range map[string][]string{"wc -l a.log": {"wc", "-l"}, "duckdb -c from 'a.log'": {"duckdb", "-c", "from '{log}'"}} {
		if got := strings.Join(peer{argv: argv}.command("a.log"), " "); got != want {
			t.Errorf("%q becomes %q, want %q", argv, got, want)
		}
	}
}

func TestMedian(t *testing.T) {
	if got := median([]time.Duration{9, 1, 5}); got != 5 {
		t.Errorf("median of 9, 1, 5 is %d", got)
	}
	if got := median([]time.Duration{4, 2}); got != 2 {
		t.Errorf("median of 4, 2 is %d", got)
	}
}

func TestTableTellsGoalsHeldMissedAndNotMeasured(t *testing.T) {
	measured := func(name string, cpu time.Duration) row {
		return row{peer: peer{name: name}, cpu: []time.Duration{cpu}, wall: []time.Duration{cpu}, peak: 30 << 20}
	}
	rows := []row{
		measured("imerr-scan -j 1", 100*time.Millisecond), measured("imerr-scan", 110*time.Millisecond),
		measured("wc -l", 50*time.Millisecond), measured("rg -c", 40*time.Millisecond), measured("Scanner", 2*time.Second),
	}
	rows[4].events, rows[4].wrong = countLines, "counts 3 of 4"
	var b strings.Builder
	printTable(&b, "noise", aCorpus{path: "sparse.log", truth: corpus.Truth{Kind: "sparse", Bytes: 100e6, Lines: 9, Events: 4}}, rows)
	for _, part := range []string{
		"| wc -l | 0.050 | 0.50 | 1.00 | 2000 | 0.050 |", "| Scanner | 2.000 | 20.00 | 40.00 |", "wrong: counts 3 of 4",
		"1 × rg: missed (2.500)", "1.9 × wc -l: missed (2.000)", "0.0833 × Scanner: held (0.050)", "0.0125 × jq: not measured", "64 MiB: held",
	} {
		if !strings.Contains(b.String(), part) {
			t.Errorf("the table lacks %q:\n%s", part, b.String())
		}
	}
}
