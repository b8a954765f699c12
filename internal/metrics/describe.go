package metrics

import (
	"bytes"
	"cmp"
	"io"
	"slices"
	"strings"
)

// family is what HELP and TYPE say of a name.
type family struct{ kind, help string }

// families are our own metrics; those of the process are described by what their names say.
var families = map[string]family{
	"imerr_errors_total":                                 {"counter", "Errors of the IM SDK, by code."},
	"imerr_reasons_total":                                {"counter", "Errors by code and cause, as far as the message tells it."},
	"imerr_events_total":                                 {"counter", "Errors of the IM SDK, with those in no catalog."},
	"imerr_lines_total":                                  {"counter", "Lines read, by what became of them; the sum is the number of lines."},
	"imerr_bytes_total":                                  {"counter", "Bytes read, after decompression."},
	"imerr_undated_events_total":                         {"counter", "Events without a usable time."},
	"imerr_success_total":                                {"counter", "Success marks: type 0 without the text of an error."},
	"imerr_affected_users":                               {"gauge", "Distinct users with an error in the window of event time, by code."},
	"imerr_alert_state":                                  {"gauge", "2 while an alert is firing, else 0."},
	"imerr_alert_transitions_total":                      {"counter", "Alerts that fired or resolved."},
	"imerr_notifications_total":                          {"counter", "Messages to a sink, by what came of them; dropped counts alerts."},
	"imerr_notifications_queued":                         {"gauge", "Alerts that wait for a sink."},
	"imerr_watermark_timestamp_seconds":                  {"gauge", "Event time up to which the input is believed complete, Unix."},
	"imerr_last_event_timestamp_seconds":                 {"gauge", "Time of the last event, Unix."},
	"imerr_deltas_total":                                 {"counter", "Records of the delta log that were applied since the start, by verdict."},
	"imerr_lost_records_total":                           {"counter", "Source records that were gone before they were counted."},
	"imerr_late_events_total":                            {"counter", "Events that came too late for the detector; they are in all counts."},
	"imerr_event_delay_seconds":                          {"histogram", "How long after its time an event was read."},
	"imerr_file_behind_bytes":                            {"gauge", "Bytes of followed files that are not counted yet."},
	"imerr_sources_left_out":                             {"gauge", "Partitions so far behind the others that their events are late for alerts."},
	"imerr_log_lag":                                      {"gauge", "Records of the delta log that are not applied yet."},
	"imerr_kafka_lag":                                    {"gauge", "Records of a partition of this replica that are not counted yet."},
	"imerr_kafka_offset":                                 {"gauge", "Offset up to which a partition of this replica was counted."},
	"imerr_kafka_rebalances_total":                       {"counter", "Generations of the consumer group that this replica was part of."},
	"imerr_kafka_errors_total":                           {"counter", "Times that something went wrong with Kafka and was tried again."},
	"imerr_ready":                                        {"gauge", "1 while /readyz says so."},
	"imerr_leader":                                       {"gauge", "1 while this replica sends alerts."},
	"imerr_build_info":                                   {"gauge", "Version of imerr-scan; always 1."},
	"imerr_catalog_info":                                 {"gauge", "Catalog of codes in use; always 1."},
	"imerr_config_last_reload_successful":                {"gauge", "1 if the last reading of the configuration was taken."},
	"imerr_config_last_reload_success_timestamp_seconds": {"gauge", "When a configuration was last taken, Unix."},
}

// describe writes samples with HELP and TYPE before each family. The library gives either none or empty ones.
func describe(w io.Writer, samples []byte) {
	byName := map[string][]string{}
	for line := range strings.Lines(string(samples)) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		name, _, _ := strings.Cut(line, "{")
		name, _, _ = strings.Cut(name, " ")
		byName[name] = append(byName[name], line)
	}
	var names []string
	for name := range byName {
		names = append(names, name)
	}
	slices.Sort(names)
	var out bytes.Buffer
	for _, name := range names {
		if base, ok := histogram(name); ok {
			if strings.HasSuffix(name, "_bucket") {
				head(&out, base, family{"histogram", cmp.Or(families[base].help, sentence(base))})
			}
		} else if f, ok := families[name]; ok {
			head(&out, name, f)
		} else {
			kind := "untyped" // of the runtime: what it is, its name says
			if strings.HasSuffix(name, "_total") {
				kind = "counter"
			}
			head(&out, name, family{kind, sentence(name)})
		}
		for _, line := range byName[name] {
			out.WriteString(line)
		}
	}
	_, _ = w.Write(out.Bytes())
}

// histograms are what the names of histograms begin with.
var histograms = []string{"imerr_event_delay_seconds", "go_sched_latencies", "go_gc_pauses"}

// histogram says whether a name is part of one.
func histogram(name string) (base string, ok bool) {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && slices.ContainsFunc(histograms, func(h string) bool { return strings.HasPrefix(name, h) }) {
			return base, true
		}
	}
	return "", false
}

func head(out *bytes.Buffer, name string, f family) {
	out.WriteString("# HELP " + name + " " + f.help + "\n# TYPE " + name + " " + f.kind + "\n")
}

// sentence makes a help text of a name that says what it is: process_resident_memory_bytes.
func sentence(name string) string {
	words := strings.ReplaceAll(name, "_", " ")
	return strings.ToUpper(words[:1]) + words[1:] + "."
}
