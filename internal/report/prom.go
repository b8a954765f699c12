package report

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"imerr-scan/internal/aggregate"
	"imerr-scan/pkg/catalog"
)

// PromBuild is what imerr_build_info says beside the version, which a result holds.
type PromBuild struct{ Revision, Go string }

// Prom writes res in the text exposition format 0.0.4, for node_exporter's textfile collector or a push. Every documented
// and public code of cat is there, with 0 if it did not occur, so that a first event is seen as an increase.
//
// The values are those of one run over one input: they are counters only as long as the same growing log is scanned.
func Prom(w io.Writer, res *aggregate.Result, cat *catalog.Catalog, build PromBuild) error {
	p := promWriter{printer{w: w}}
	p.errors(res, cat)

	p.head("imerr_lines_total", "counter", "Lines read, by what became of them; the sum is the number of lines.")
	l := res.Lines
	for _, c := range []struct {
		result string
		n      int64
	}{{"with_error", l.WithError}, {"without_error", l.WithoutError}, {"broken", l.Broken}, {"too_long", l.TooLong}, {"foreign", l.Foreign}, {"empty", l.Empty}} {
		p.sample("imerr_lines_total", c.n, "result", c.result)
	}
	p.single("imerr_bytes_total", "counter", "Bytes read, after decompression.", res.Bytes)
	p.single("imerr_undated_events_total", "counter", "Events without a usable time.", res.Undated)
	p.single("imerr_late_events_total", "counter", "Events later than the allowed lateness.", res.Late)
	p.single("imerr_filtered_events_total", "counter", "Events left out by filters.", res.Filtered)
	p.single("imerr_success_total", "counter", "Success marks: type 0 without the text of an error.", res.Success)
	p.single("imerr_input_errors", "gauge", "Inputs that could not be read, wholly or from some point on.", int64(len(res.Errors)))

	p.head("imerr_affected_users", "gauge", "Distinct users with an error, by code.")
	for i := range res.Codes {
		p.sample("imerr_affected_users", res.Codes[i].Users.Distinct, "code", strconv.Itoa(int(res.Codes[i].Code)))
	}
	p.single("imerr_distinct_users", "gauge", "Distinct users with any error.", res.Users.Distinct)
	p.reasons(res)
	if last := res.Span.Last; last != nil {
		p.head("imerr_last_event_timestamp_seconds", "gauge", "Time of the last event, Unix.")
		p.line("imerr_last_event_timestamp_seconds %s", strconv.FormatFloat(float64(last.UnixMilli())/1000, 'f', -1, 64))
	}
	p.head("imerr_build_info", "gauge", "Version of imerr-scan; always 1.")
	p.sample("imerr_build_info", 1, "version", res.Version, "revision", build.Revision, "goversion", build.Go)
	p.head("imerr_catalog_info", "gauge", "Catalog of codes in use; always 1.")
	p.sample("imerr_catalog_info", 1, "platform", res.Catalog.Platform, "version", res.Catalog.Version, "codes", strconv.Itoa(res.Catalog.Entries))
	return p.err
}

// promWriter writes samples of metrics.
type promWriter struct{ printer }

// errors writes the counts of codes: those that occurred, by number, between the documented and public ones at 0.
func (p *promWriter) errors(res *aggregate.Result, cat *catalog.Catalog) {
	p.head("imerr_errors_total", "counter", "Errors of the IM SDK, by code.")
	seen := map[int32]bool{}
	for i := range res.Codes {
		r := &res.Codes[i]
		if seen[r.Code] {
			continue
		}
		seen[r.Code] = true
		p.code(r.Code, r.Name, r.Category, r.Count)
	}
	if cat != nil {
		for _, e := range cat.Entries() {
			if !seen[e.Code] && (e.Tier == "documented" || e.Tier == "sdk_public") {
				p.code(e.Code, e.Name, e.Category, 0)
			}
		}
	}
	p.sample("imerr_errors_total", res.Unknown.Count, "code", "unknown", "name", "", "category", "unknown")
}

func (p *promWriter) code(code int32, name, category string, n int64) {
	p.sample("imerr_errors_total", n, "code", strconv.Itoa(int(code)), "name", name, "category", category)
}

// reasons writes the causes that occurred; their ids are from the catalog.
func (p *promWriter) reasons(res *aggregate.Result) {
	opened := false
	for i := range res.Codes {
		for _, kv := range byCount(res.Codes[i].Reasons) {
			if !opened {
				p.head("imerr_reasons_total", "counter", "Errors by code and cause, as far as the message tells it.")
				opened = true
			}
			p.sample("imerr_reasons_total", kv.count, "code", strconv.Itoa(int(res.Codes[i].Code)), "reason", kv.key)
		}
	}
}

func (p *promWriter) head(name, kind, help string) {
	p.line("# HELP %s %s", name, help)
	p.line("# TYPE %s %s", name, kind)
}

func (p *promWriter) single(name, kind, help string, n int64) {
	p.head(name, kind, help)
	p.sample(name, n)
}

// sample writes one value; labels are names and values in turn.
func (p *promWriter) sample(name string, n int64, labels ...string) {
	var pairs []string
	for label := range slices.Chunk(labels, 2) {
		pairs = append(pairs, label[0]+`="`+promValue(label[1])+`"`)
	}
	if len(pairs) > 0 {
		name += "{" + strings.Join(pairs, ",") + "}"
	}
	p.line("%s %d", name, n)
}

// promEscapes are all the escapes that the format knows.
var promEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// promValue cleans a label value and escapes it.
func promValue(v string) string { return promEscapes.Replace(clean(v, 128)) }
