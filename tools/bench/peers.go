package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// peer is a command that is measured.
type peer struct {
	name string
	argv []string // {log} in it stands for the log's path; where it is nowhere, the path is added
	// events reads the number of errors out of what the command printed; nil if it answers an easier question.
	events func(out []byte) int64
	slow   bool // takes its turn in the first slowRounds only
}

// command returns what is run on a log.
func (p peer) command(log string) []string {
	argv := slices.Clone(p.argv)
	named := false
	for i, arg := range argv {
		argv[i] = strings.ReplaceAll(arg, "{log}", log)
		named = named || argv[i] != arg
	}
	if !named {
		argv = append(argv, log)
	}
	return argv
}

// slowRounds is enough for those that take tens of times as long as the others.
const slowRounds = 3

const inPython = `
import collections, json, sys
n = collections.Counter()
for line in open(sys.argv[1], "rb"):
    try:
        e = json.loads(line).get("error")
    except ValueError:
        continue
    if isinstance(e, dict) and "type" in e:
        n[e["type"]] += 1
print(sum(n.values()))
`

// inSQL counts what DuckDB's own reader of JSON lines finds at error.type, with one thread.
const inSQL = `SET threads TO 1; SELECT count(*) FROM read_ndjson_objects('{log}', ignore_errors=true) WHERE (json -> '$.error.type') IS NOT NULL`

// mtailProgram is the file that build writes inMtail to.
const mtailProgram = "errors.mtail"

// inMtail is the usual program for mtail: a pattern on each line.
const inMtail = `counter errors by type
/"error":\{[^{}]*"type":(?P<type>-?\d+)/ {
  errors[$type]++
}
`

// peers returns what is installed of those to be measured on a kind of corpus, ours first, and the names of the rest.
func (b *bench) peers(kind string) (found []peer, missing []string) {
	ours := []string{b.program("imerr-scan"), "-j", "1", "--no-alerts", "-o", "json"}
	switch kind {
	case "gzip", "zstd":
		return []peer{{"imerr-scan -j 1 --no-alerts", ours, eventsOfJSON, false}, {"the decoder alone", []string{b.program("discard")}, nil, false}}, nil
	case "pipe":
		through := func(argv ...string) []string {
			return []string{"sh", "-c", `cat "$0" | ` + strings.Join(argv, " ") + " -"}
		}
		return []peer{{"cat | imerr-scan -j 1 --no-alerts", through(ours...), eventsOfJSON, false}, {"cat | a reader that discards", through(b.program("discard")), nil, false}}, nil
	}
	for _, p := range []peer{
		{"imerr-scan -j 1 --no-alerts", ours, eventsOfJSON, false},
		{"imerr-scan", []string{b.program("imerr-scan"), "-o", "json"}, eventsOfJSON, false},
		{"wc -l", []string{"wc", "-l"}, nil, false},
		{`rg -c '"error"'`, []string{"rg", "-c", `"error"`}, nil, false},
		{`grep -c '"error"'`, []string{"grep", "-c", `"error"`}, nil, false},
		{"Scanner + gjson (toy)", []string{b.program("toy")}, firstNumber, false},
		{"python3 json", []string{"python3", "-c", inPython}, firstNumber, true},
		{"DuckDB, one thread", []string{"duckdb", "-csv", "-c", inSQL}, lastNumber, true},
		{"mtail", []string{"mtail", "--one_shot", "--progs", filepath.Join(b.dir, mtailProgram), "--logs"}, valuesOfMtail, true},
		{"jq", []string{"jq", "-c", `.error?.type? // empty`}, countLines, true},
	} {
		if _, err := exec.LookPath(p.argv[0]); err != nil {
			missing = append(missing, p.argv[0])
			continue
		}
		found = append(found, p)
	}
	return found, missing
}

func firstNumber(out []byte) int64 {
	n, err := strconv.ParseInt(string(bytes.TrimSpace(out)), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// lastNumber reads the last of some lines.
func lastNumber(out []byte) int64 {
	out = bytes.TrimSpace(out)
	return firstNumber(out[bytes.LastIndexByte(out, '\n')+1:])
}

// valuesOfMtail adds up the values of the counters that mtail prints.
func valuesOfMtail(out []byte) int64 {
	var counters map[string][]struct {
		LabelValues []struct{ Value struct{ Value int64 } }
	}
	if err := json.Unmarshal(out, &counters); err != nil {
		return -1
	}
	var n int64
	for _, c := range counters["errors"] {
		for _, v := range c.LabelValues {
			n += v.Value.Value
		}
	}
	return n
}

func countLines(out []byte) int64 { return int64(bytes.Count(out, []byte("\n"))) }

// eventsOfJSON reads the events of a result; they were checked code by code before.
func eventsOfJSON(out []byte) int64 {
	_, rest, ok := bytes.Cut(out, []byte(`"events":`))
	if !ok {
		return -1
	}
	end := bytes.IndexAny(rest, ",}")
	return firstNumber(rest[:max(end, 0)])
}
