package extract_test

import (
	"strconv"
	"strings"
	"testing"

	"imerr-scan/pkg/extract"
)

// TestShapes names the shape of one document each.
func TestShapes(t *testing.T) {
	e := `{"type":206,"message":"kicked"}`
	q := func(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), `"`, `\"`) }
	flat := `{"level":"error","error":` + e + `}`
	for _, tc := range []struct{ name, doc, want string }{
		{"own record", flat, "flat"},
		{"dotted key", `{"error.type":206}`, "dotted"},
		{"text before", `2026-11-23 09:00:00 ERROR im ` + e, "text_json"},
		{"pod's name before", `[pod/im-1/app] ` + flat, "text_json"},
		{"text after", `im: ` + e + ` (3 tries)`, "text_json"},
		{"docker", `{"log":"` + q(flat) + `\n","stream":"stdout","time":"2026-11-23T06:00:04Z"}`, "docker"},
		{"docker with text", `{"log":"ERROR im ` + q(e) + `\n","stream":"stderr","time":"2026-11-23T06:00:04Z"}`, "docker"},
		{"CRI", `2026-11-23T06:00:04.123456789+08:00 stderr F ` + flat, "cri"},
		{"docker in CRI", `2026-11-23T06:00:04.1Z stdout F {"log":"` + q(flat) + `"}`, "cri"},
		{"syslog of 1983", `<11>Nov 23 06:00:04 web-1 im[123]: ` + flat, "syslog"},
		{"syslog of 2009", `<134>1 2026-11-23T06:00:04Z web-1 im 123 - [x@1 a="\"]"][y@2 b="c"] ` + "\ufeff" + flat, "syslog"},
		{"syslog without data", `<134>1 2026-11-23T06:00:04Z web-1 im - - - ` + flat, "syslog"},
		{"journalctl -o short", `Nov 23 06:00:04 web-1 im[123]: ` + flat, "syslog"},
		{"journalctl -o short-iso", `2026-11-23T06:00:04+0800 web-1 im[123]: ` + flat, "syslog"},
		{"CEE", `<11>Nov 23 06:00:04 web-1 im: @cee: ` + flat, "syslog"},
		{"journalctl -o json", `{"PRIORITY":"6","__REALTIME_TIMESTAMP":"1795384804123456","MESSAGE":"` + q(flat) + `"}`, "journald"},
		{"GELF", `{"version":"1.1","host":"h","short_message":"im","timestamp":1795384804.1,"_error_type":206}`, "gelf"},
		{"GELF with JSON", `{"version":"1.1","host":"h","short_message":"im ` + q(e) + `","level":3}`, "gelf"},
		{"Loki push", `{"streams":[{"stream":{"app":"im"},"values":[["1795384804123456789","` + q(flat) + `"]]}]}`, "loki"},
		{"Loki answer", `{"status":"success","data":{"resultType":"streams","result":[{"stream":{},"values":[["1795384804123456789","` + q(flat) + `"]]}]}}`, "loki"},
		{"logcli", `{"labels":{"app":"im"},"line":"` + q(flat) + `","timestamp":"2026-11-23T06:00:04Z"}`, "loki"},
		{"fluentd stdout", `2026-11-23 06:00:04.000000000 +0800 app.im: ` + flat, "fluentd"},
		{"fluentd file", "2026-11-23T06:00:04+08:00\tapp.im\t" + flat, "fluentd"},
		{"fluentd in Kubernetes", `{"log":"` + q(flat) + `","stream":"stdout","kubernetes":{"pod_name":"im"},"@timestamp":"2026-11-23T06:00:04Z"}`, "fluentd"},
		{"fluent-bit stdout", `[3] app.im: [1795384804.123, ` + flat + `]`, "fluentd"},
		{"fluent-bit 2", `[3] app.im: [[1795384804.123, {}], ` + flat + `]`, "fluentd"},
		{"fluent-bit stdout, as Ruby writes it", `[0] app.im: [[1795384804.1, {}], {"level"=>50, "error"=>{"type"=>206, "message"=>"kicked", "data"=>nil}}]`, "fluentd"},
		{"fluent-bit's log, as Ruby writes it", `[0] app.im: [[1795384804.1, {}], {"stream"=>"stdout", "log"=>"ERROR im ` + q(e) + ` x"}]`, "fluentd"},
		{"fluentd forward", `["app.im",1795384804,` + flat + `]`, "fluentd"},
		{"fluentd forward, packed", `["app.im",[[1795384803,{}],[1795384804,` + flat + `]],{"size":2}]`, "fluentd"},
		{"Filebeat", `{"@timestamp":"2026-11-23T06:00:04Z","agent":{"type":"filebeat"},"message":"2026-11-23 ERROR im ` + q(e) + ` user=u"}`, "nested"},
		{"Filebeat with docker's line", `{"@timestamp":"2026-11-23T06:00:04Z","json":{"stream":"stdout","log":"` + q(flat) + `\n"}}`, "docker"},
		{"Vector with logfmt", `{"timestamp":"2026-11-23T06:00:04Z","source_type":"file","message":"level=error error.type=206 error.message=x"}`, "nested"},
		{"a hit of Elasticsearch", `{"_index":"im","_id":"1","_source":` + flat + `}`, "flat"},
		{"logfmt", `time=2026-11-23T06:00:04Z level=error error.type=206 error.message="kicked"`, "logfmt"},
		{"logfmt with JSON", `level=error err="` + q(e) + `"`, "logfmt"},
		{"pino-pretty", "[06:00:04.123] ERROR (7): im\n    error: {\n      \"type\": 206,\n      \"message\": \"kicked\"\n    }", "logfmt"},
		{"in a message", `{"message":"` + q(flat) + `"}`, "nested"},
		{"at the end of a message", `{"level":"error","message":"im ` + q(e) + `"}`, "nested"},
		{"three strings deep", `{"message":"` + q(`{"message":"`+q(`{"msg":"`+q(flat)+`"}`)+`"}`) + `"}`, "nested"},
		{"console arguments", `["im error",` + e + `]`, "args"},
		{"arguments in a record", `{"level":"error","args":["im",` + e + `]}`, "args"},
		{"arguments as strings", `{"level":"error","arguments":["im","` + q(e) + `"]}`, "args"},
		{"cause", `{"level":"error","err":{"message":"login failed","cause":` + e + `}}`, "cause"},
		{"cause of a cause", `{"err":{"message":"a","cause":{"message":"b","cause":` + e + `}}}`, "cause"},
		{"unhandled rejection", `{"event":"unhandledrejection","reason":` + e + `}`, "flat"},
		{"onLog", `{"time":"9:00:00:7","level":"ERROR","logs":["dispatch event:","onError",` + e + `]}`, "onlog"},
		{"sdklog, zh-CN", `2026/11/23 09:00:00: onError ` + e + ` `, "sdklog"},
		{"sdklog, en-US", `11/23/2026, 9:00:00 AM: onError ` + e + ` `, "sdklog"},
		{"mini program", `{"data":{"error":"x"},"header":{},"statusCode":401,"cookies":[],"errMsg":"request:ok","message":"m","type":52}`, "flat"},
		{"OTLP attribute", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[{"key":"error.type","value":{"intValue":"206"}}]}]}]}]}`, "otlp"},
		{"OTLP body", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"kvlistValue":{"values":[{"key":"error","value":{"kvlistValue":{"values":[` +
			`{"key":"type","value":{"intValue":"206"}}]}}}]}}}]}]}]}`, "otlp"},
		{"OTLP body as text", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"` + q(flat) + `"}}]}]}]}`, "otlp"},
		{"OTLP array", `{"resource_logs":[{"scope_logs":[{"log_records":[{"severity_number":17,"body":{"array_value":{"values":[{"string_value":"im"},{"kvlist_value":{"values":[` +
			`{"key":"type","value":{"int_value":"206"}},{"key":"message","value":{"string_value":"k"}}]}}]}},"attributes":[{"key":"e","value":{"kvlist_value":{"values":[` +
			`{"key":"type","value":{"int_value":"206"}}]}}}]}]}]}]}`, "otlp"},
		{"one OTLP record", `{"timeUnixNano":"1795384804123456789","severityNumber":17,"body":{"stringValue":"im"},"attributes":[{"key":"error.type","value":{"intValue":"206"}}]}`, "otlp"},
		{"ECS", `{"@timestamp":"2026-11-23T06:00:04Z","ecs":{"version":"8"},"error":` + e + `}`, "ecs"},
		{"Sentry extra", `{"event_id":"a","exception":{"values":[{"type":"Error","value":"x"}]},"extra":{"__serialized__":` + e + `}}`, "sentry"},
		{"Sentry value", `{"event_id":"a","exception":{"values":[{"type":"Error","value":"` + q(e) + `"}]}}`, "sentry"},
		{"Sentry breadcrumb", `{"event_id":"a","sdk":{},"breadcrumbs":[{"category":"console","data":{"arguments":["im",` + e + `]}}]}`, "sentry"},
		{"array of records", `[` + flat + `]`, "array"},
		{"two documents", flat + `{}`, "multi"},
		{"pretty", "{\n \"error\": {\n  \"type\": 206\n }\n}", "pretty"},
		{"util.inspect", `im error { type: 206, message: 'kicked', data: undefined, f: [Function: f], xhr: XHR [XMLHttpRequest] {} }`, "inspect"},
		{"util.inspect with a class", "ERROR e {\n  type: 206,\n  message: 'kicked',\n  data: TypeError: x\n      at m (a.js:1:1)\n}", "cut_off"},
		{"a cause in util.inspect", "    at async f (a.mjs:36:19) {\n  [cause]: { type: 206, message: 'kicked' }\n}", "inspect"},
		{"Python's repr", `ERROR {'type': 206, 'message': "kicked", 'data': None}`, "inspect"},
		{"cut off", `{"level":"error","error":` + e + `,"user`, "cut_off"},
		{"cut off in docker's string", `{"log":"{\"error\":` + q(e) + `,\"us`, "cut_off"},
		{"a broken rest", `{"error":` + e + `,"user":}`, "cut_off"},
		{"logstash", `{"@fields":{"level":"error","type":206},"@message":"kicked","@timestamp":"2026-11-23T06:00:04Z"}`, "flat"},
		{"BOM, NUL and white space", "\x00\ufeff \t" + flat + "\r\n\x00\x00", "flat"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := extract.New(extract.Options{Now: now, Day: now}).Extract([]byte(tc.doc))
			if len(d.Candidates) == 0 {
				t.Fatalf("no candidate in %s", tc.doc)
			}
			c := d.Candidates[len(d.Candidates)-1]
			if c.Shape.String() != tc.want || c.Value.Code != 206 && c.Value.Code != 52 {
				t.Errorf("%s: %d as %s, want %s", tc.doc, c.Value.Code, c.Shape, tc.want)
			}
		})
	}
}

// TestSequences reads JSON text sequences (RFC 7464): a document that was cut off takes none with it.
func TestSequences(t *testing.T) {
	const e, f = `{"error":{"type":206}}`, `{"error":{"type":217}}`
	for _, tc := range []struct {
		name, doc string
		want      string
	}{
		{"one", "\x1e" + e, "206"}, {"two on a line", "\x1e" + e + "\x1e" + f, "206 217"}, {"one cut off in a number", "\x1e{\"error\":{\"type\":20\x1e" + f, "217"},
		{"one cut off in a string", "\x1e{\"error\":{\"m\":\"x\x1e" + f, "217"}, {"a separator at the end", e + "\x1e", "206"}, {"nothing else", "\x1e\x1e", ""},
		{"other control characters between", e + "\x00" + f + "\v\f" + e, "206 217 206"},
		{"within a text", "im \x1e" + e, ""},
	} {
		var got []string
		for _, c := range extract.New(extract.Options{}).Extract([]byte(tc.doc)).Candidates {
			if !c.Plain {
				got = append(got, strconv.Itoa(int(c.Value.Code)))
			}
		}
		if s := strings.Join(got, " "); s != tc.want {
			t.Errorf("%s: %q gives %s, want %s", tc.name, tc.doc, s, tc.want)
		}
	}
}

// TestDocument says what the lines of a document count as.
func TestDocument(t *testing.T) {
	for _, tc := range []struct {
		name, doc    string
		text, broken bool
	}{
		{"JSON", `{"a":1}`, false, false}, {"two documents", `{"a":1}{"b":2}`, false, false}, {"text", `hello`, true, false},
		{"text with JSON", `hello {"a":1}`, false, false}, {"JSON and text", `{"a":1} hello`, false, false},
		{"brackets in text", `[ERROR] [im] hello {x}`, true, false}, {"time in brackets", `[2026-11-23 09:00:00] hello`, true, false},
		{"cut off", `{"a":1,"b`, true, true}, {"cut off in CRI", `2026-11-23T09:00:00Z stdout F {"a":1,"b`, true, true},
		{"comma twice", `{"a":1,,"b":2}`, true, true}, {"no value", `{"a":}`, true, true}, {"single quotes", `{'type': 206}`, true, false},
		{"bare control character", "{\"a\":\"b\tc\"}", true, true}, {"leading zero", `{"a":0206}`, true, true}, {"empty", ``, true, false},
		{"number", `206`, true, false}, {"lone brace", `{`, true, true},
		{"broken inside a string is not the line's fault", `{"log":"{\"a\":","stream":"stdout"}`, false, false},
	} {
		d := extract.New(extract.Options{}).Extract([]byte(tc.doc))
		if d.Text != tc.text || d.Broken != tc.broken || d.TooDeep {
			t.Errorf("%s: %s: text %v, broken %v; want %v, %v", tc.name, tc.doc, d.Text, d.Broken, tc.text, tc.broken)
		}
	}
}

// TestCutOff keeps complete members and drops a number at the cut.
func TestCutOff(t *testing.T) {
	full := `{"level":"error","error":{"type":206,"message":"kicked"},"a":1}`
	x := extract.New(extract.Options{})
	for n := range len(full) {
		d := x.Extract([]byte(full[:n]))
		want := strings.Index(full, `,"message"`) < n // the comma shows that the number is whole
		if got := len(d.Candidates) == 1; got != want {
			t.Errorf("%s: %d candidates", full[:n], len(d.Candidates))
		}
		for _, c := range d.Candidates {
			if c.Value.Code != 206 || !c.Plain {
				t.Errorf("%s: %+v", full[:n], c)
			}
		}
	}
}

func TestNoCandidateAllocatesNothing(t *testing.T) {
	x := extract.New(extract.Options{Now: now})
	lines := [][]byte{
		[]byte(`{"time":"2026-11-23T06:00:04Z","level":"info","payload":{"type":"txt","chatType":"singleChat","from":"a","msg":"hi"}}`),
		[]byte(`{"log":"{\"type\":\"txt\"}\n","stream":"stdout","time":"2026-11-23T06:00:04Z"}`),
		[]byte(`2026-11-23 09:00:00 INFO im sent {"type":"txt","id":"1"}`),
	}
	if n := testing.AllocsPerRun(100, func() {
		for _, l := range lines {
			x.Extract(l)
		}
	}); n != 0 {
		t.Errorf("%v allocations for lines without a candidate, want none", n)
	}
}
