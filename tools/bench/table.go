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
func printTable(w io.Writer, c aCorpus, rows []row) {
	ours := median(rows[0].cpu)
	fmt.Fprintf(w, "\n### %s: %.0f MiB, %d lines, %d errors\n\n", filepath.Base(c.path), float64(c.truth.Bytes)/(1<<20), c.truth.Lines, c.truth.Events)
	fmt.Fprintln(w, "counts agree: generator, independent reader, imerr-scan")
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
	for _, g := range goals(c.truth.Kind, rows) {
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

// goals says which goals of docs/performance.md the figures hold: those of speed on sparse, that of memory everywhere.
func goals(kind string, rows []row) []string {
	const mostMemory = 64 << 20
	lines := []string{fmt.Sprintf("- memory at most 64 MiB: %s", held(max(rows[0].peak, rows[1].peak) <= mostMemory))}
	if kind != "sparse" {
		return lines
	}
	ours := median(rows[0].cpu)
	for _, g := range []struct {
		name, peer string
		most       float64 // ours ÷ theirs
	}{
		{name: "CPU at most 2.2 × rg", peer: "rg", most: 2.2},
		{name: "CPU at most 4.5 × wc -l", peer: "wc -l", most: 4.5},
		{name: "CPU at most 1/5 of Scanner + gjson", peer: "Scanner", most: 1. / 5},
		{name: "CPU at most 1/35 of jq", peer: "jq", most: 1. / 35},
	} {
		verdict := "not measured"
		if theirs := cpuOf(rows, g.peer); theirs > 0 {
			verdict = fmt.Sprintf("%s (%.3f)", held(float64(ours) <= g.most*float64(theirs)), float64(ours)/float64(theirs))
		}
		lines = append(lines, fmt.Sprintf("- %s: %s", g.name, verdict))
	}
	return lines
}

func held(yes bool) string {
	if yes {
		return "held"
	}
	return "missed"
}
