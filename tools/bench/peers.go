package main

import (
	"bytes"
	"os/exec"
	"strconv"
	"strings"
)

// peer is a command that is measured.
type peer struct {
	name string
	argv []string // the log's path is added
	// events reads the number of errors out of what the command printed; nil if it answers an easier question.
	events func(out []byte) int64
	slow   bool // takes its turn in the first slowRounds only
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
