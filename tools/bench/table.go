package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// printTable writes what was measured on one corpus, as Markdown. The third column answers "how much more CPU does the
// other one need", the fourth "how far are we from reading the bytes at all".
func printTable(w io.Writer, kind string, c aCorpus, rows []row) {
	ours := median(rows[0].cpu)
	fmt.Fprintf(w, "\n### %s: %s, %.0f MiB, %d lines, %d errors\n\n", kind, filepath.Base(c.path), float64(c.truth.Bytes)/(1<<20), c.truth.Lines, c.truth.Events)
	if kind == c.truth.Kind {
		fmt.Fprintln(w, "counts agree: generator, independent reader, imerr-scan")
	}
	fmt.Fprintln(w)
	fmt.Fprintln(w, "| command | CPU s | CPU ÷ first row | ÷ wc -l | MB/CPU s | wall s | peak MiB | its count |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|---|")
	floor := ownPeak()
	for _, r := range rows {
		cpu := median(r.cpu)
		fmt.Fprintf(w, "| %s | %.3f | %s | %s | %.0f | %.3f | %s | %s |\n", strings.ReplaceAll(r.name, "|", `\|`), cpu.Seconds(),
			ratio(cpu, ours), ratio(cpu, cpuOf(rows, "wc -l")), float64(c.truth.Bytes)/1e6/max(cpu.Seconds(), 0.001),
			median(r.wall).Seconds(), memory(r.peak, floor), r.verdict())
	}
	for _, g := range goals(kind, rows) {
		fmt.Fprintf(w, "\n%s", g)
	}
	fmt.Fprintln(w)
}

func (r row) verdict() string {
	switch {
	case r.wrong != "":
		return "wrong: " + r.wrong
	case r.events == nil:
		return "none: counts lines or matches"
	}
	return "right"
}

// memory in MiB; what is not above the floor cannot be told.
func memory(bytes, floor int64) string {
	switch {
	case bytes == 0:
		return "?"
	case bytes <= floor:
		return fmt.Sprintf("≤ %d", floor>>20)
	}
	return fmt.Sprintf("%d", bytes>>20)
}

func ratio(a, b time.Duration) string {
	if b <= 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", float64(a)/float64(b))
}

// cpuOf returns the median of a command, or 0 if it is not there.
func cpuOf(rows []row, prefix string) time.Duration {
	i := slices.IndexFunc(rows, func(r row) bool { return strings.HasPrefix(r.name, prefix) })
	if i < 0 {
		return 0
	}
	return median(rows[i].cpu)
}

// goal is what imerr-scan may need at most of what a peer needs.
type goal struct {
	peer string  // its name begins so
	most float64 // ours ÷ theirs
	wall bool    // of the clock's time, not of the CPU's
}

// ofOnePercent are the goals where one line of a hundred is an error.
var ofOnePercent = []goal{
	{peer: "wc -l", most: 1.9}, {peer: "rg", most: 1}, {peer: "Scanner", most: 1. / 12},
	{peer: "DuckDB", most: 1. / 12}, {peer: "mtail", most: 1. / 60}, {peer: "jq", most: 1. / 80},
}

// goalsOf are the goals of docs/performance.md by kind of corpus.
var goalsOf = map[string][]goal{
	"sparse": ofOnePercent,
	"noise":  ofOnePercent,
	"long":   {{peer: "wc -l", most: 1.7}, {peer: "rg", most: 1.4}},
	"spaced": {{peer: "wc -l", most: 2}, {peer: "rg", most: 1.3}},
	"dense":  {{peer: "Scanner", most: 1 / 1.5}, {peer: "jq", most: 1. / 15}},
	"gzip":   {{peer: "the decoder", most: 1.25}},
	"zstd":   {{peer: "the decoder", most: 1.25}},
	"pipe":   {{peer: "cat | a reader", most: 1.3, wall: true}},
}

// goals says which goals the figures hold.
func goals(kind string, rows []row) []string {
	const mostMemory = 64 << 20
	ours := rows[0]
	peak := ours.peak
	if len(rows) > 1 && strings.HasPrefix(rows[1].name, "imerr-scan") {
		peak = max(peak, rows[1].peak)
	}
	lines := []string{fmt.Sprintf("- memory at most 64 MiB: %s", held(peak <= mostMemory))}
	for _, g := range goalsOf[kind] {
		what, verdict := "CPU", "not measured"
		i := slices.IndexFunc(rows, func(r row) bool { return strings.HasPrefix(r.name, g.peer) })
		if i >= 0 {
			got := inPairs(ours.cpu, rows[i].cpu)
			if g.wall {
				what, got = "time", inPairs(ours.wall, rows[i].wall)
			}
			verdict = fmt.Sprintf("%s (%.3f)", held(got <= g.most), got)
		}
		lines = append(lines, fmt.Sprintf("- %s at most %.3g × %s: %s", what, g.most, g.peer, verdict))
	}
	return lines
}

// inPairs returns the median of a ÷ b, round by round.
func inPairs(a, b []time.Duration) float64 {
	var ratios []float64
	for i := range min(len(a), len(b)) {
		ratios = append(ratios, float64(a[i])/float64(max(b[i], 1)))
	}
	slices.Sort(ratios)
	return ratios[(len(ratios)-1)/2]
}

func held(yes bool) string {
	if yes {
		return "held"
	}
	return "missed"
}
