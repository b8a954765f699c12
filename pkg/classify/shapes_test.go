package classify_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/classify"
	"imerr-scan/pkg/extract"
)

var now = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// scanner is the two packages together, as the pipeline uses them.
type scanner struct {
	x *extract.Extractor
	c *classify.Classifier
}

func newScanner() scanner {
	return scanner{extract.New(extract.Options{Now: now, Day: now}), classify.New(catalog.Web())}
}

func (s scanner) scan(doc string) (extract.Document, classify.Verdict) {
	d := s.x.Extract([]byte(doc))
	return d, s.c.Classify(d.Candidates)
}

// codes returns what was found in doc: "206", "unknown 1305".
func (s scanner) codes(doc string) string {
	_, v := s.scan(doc)
	var out []string
	for _, e := range v.Events {
		if e.Category == classify.Unknown {
			out = append(out, "unknown "+e.Value)
			continue
		}
		out = append(out, fmt.Sprint(e.Code))
	}
	return strings.Join(out, " ")
}

// kick is the error object that the SDK gives, in its variety: i chooses.
func kick(i int) string {
	return []string{
		`{"type":206,"message":"the user is already logged on another device"}`,
		`{"type":206,"message":"the user is already logged on another device","data":null}`,
		`{"type": 206, "message": "kicked"}`,
		`{"message":"the user is already logged on another device","type":206}`,
		`{"type":206.0,"message":"x","data":{"error":"kicked","error_description":"…"}}`,
	}[i%5]
}

func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// TestSixteenShapes is the acceptance test of the two packages: ten errors 206 in each of sixteen shapes.
func TestSixteenShapes(t *testing.T) {
	flat := func(i int) string {
		return fmt.Sprintf(`{"time":"2026-11-23T06:00:%02d.120+08:00","level":"error","error":%s,"user":{"id":"u_%d"}}`, i, kick(i), i)
	}
	shapes := []struct {
		name string
		doc  func(i int) string
		want string // in each document
	}{
		{"flat JSON", flat, "206"},
		{"code as string", func(i int) string {
			return strings.NewReplacer("206.0", `"206"`, "206", `"206"`).Replace(flat(i))
		}, "206"},
		{"text before JSON", func(i int) string {
			return fmt.Sprintf(`2026-11-23 06:00:%02d.120 [im] ERROR onError {"error":%s}`, i, kick(i))
		}, "206"},
		{"CRI line", func(i int) string {
			return fmt.Sprintf("2026-11-23T06:00:%02d.120000001+08:00 std%s F %s", i, []string{"out", "err"}[i%2], flat(i))
		}, "206"},
		{"sdklog line", func(i int) string {
			day := []string{"2026/11/23 06:00:04", "11/23/2026, 6:00:04 AM", "2026/11/23 上午6:00:04", "11/23/2026, 6:00:04\u202fAM"}[i%4]
			return fmt.Sprintf("%s: dispatch event: onError %s ", day, kick(i))
		}, "206"},
		{"docker json-file", func(i int) string {
			return fmt.Sprintf(`{"log":%s,"stream":"stdout","time":"2026-11-23T06:00:04.120000001Z"}`, quoted(flat(i)+"\n"))
		}, "206"},
		{"JSON inside message", func(i int) string {
			return fmt.Sprintf(`{"timestamp":"2026-11-23T06:00:04Z","message":%s}`, quoted([]string{"", "im error: "}[i%2]+flat(i)))
		}, "206"},
		{"SDK onLog array", func(i int) string {
			return fmt.Sprintf(`{"time":"6:00:%02d:%d","level":"ERROR","logs":["dispatch event:","onError",%s]}`, i, i, kick(i))
		}, "206"},
		{"array of events", func(i int) string { return "[" + flat(i) + "," + flat(i+1) + "]" }, "206 206"},
		{"two documents on a line", func(i int) string { return flat(i) + []string{"", " "}[i%2] + flat(i) }, "206 206"},
		{"cut-off line", func(i int) string {
			s := flat(i)
			return s[:len(s)-2-i%4]
		}, "206"},
		{"constant name instead of number", func(i int) string {
			return strings.NewReplacer("206.0", `"WEBIM_CONNCTION_USER_LOGIN_ANOTHER_DEVICE"`, "206",
				`"WEBIM_CONNCTION_USER_LOGIN_ANOTHER_DEVICE"`).Replace(flat(i))
		}, "206"},
		{"pretty-printed", func(i int) string {
			return strings.NewReplacer("{", "{\n  ", ",\"", ",\n  \"", "}", "\n}").Replace(flat(i))
		}, "206"},
		{"flat key error.type", func(i int) string {
			return fmt.Sprintf(`{"time":"2026-11-23T06:00:04Z","error.type":%s,"error.message":"kicked","user.id":"u_%d"}`, []string{"206", `"206"`}[i%2], i)
		}, "206"},
		{"OTLP attributes", func(i int) string {
			return fmt.Sprintf(`{"resourceLogs":[{"resource":{"attributes":[]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"1795384804000000000",`+
				`"severityNumber":17,"body":{"stringValue":"im error"},"attributes":[{"key":"error.type","value":%s},`+
				`{"key":"user.id","value":{"stringValue":"u_%d"}}]}]}]}]}`, []string{`{"intValue":"206"}`, `{"stringValue":"206"}`, `{"intValue":206}`}[i%3], i)
		}, "206"},
		{"ten lines, the fourth broken", func(i int) string {
			if i == 3 {
				return strings.Replace(flat(i), `,"user"`, `,,"user"`, 1)
			}
			return flat(i)
		}, "206"},
	}
	s := newScanner()
	found, total := 0, 0
	for _, shape := range shapes {
		n := 10 / len(strings.Fields(shape.want))
		for i := range n {
			doc := shape.doc(i)
			got := s.codes(doc)
			if got != shape.want {
				t.Errorf("%s: %s: found %q, want %q", shape.name, doc, got, shape.want)
			}
			total += len(strings.Fields(shape.want))
			found += min(len(strings.Fields(got)), len(strings.Fields(shape.want)))
		}
	}
	if found != 160 || total != 160 {
		t.Errorf("found %d of %d, want 160 of 160", found, total)
	}
}

// TestFortyTraps are lines that look like errors of the SDK and are none.
func TestFortyTraps(t *testing.T) {
	traps := []struct {
		name string
		doc  func(i int) string
	}{
		{"OpenTelemetry error.type beside http", func(i int) string {
			return []string{
				`{"level":"error","error":{"type":"500"},"http":{"request":{"method":"GET"},"response":{"status_code":500}}}`,
				`{"error":{"type":"500"},"http.request.method":"GET","http.response.status_code":500}`,
				`{"error.type":"500","http.response.status_code":500,"url.path":"/a"}`,
				`{"attributes":[{"key":"error.type","value":{"stringValue":"500"}},{"key":"http.request.method","value":{"stringValue":"GET"}}],"severityNumber":17}`,
				`{"error":{"type":"timeout"},"rpc.system":"grpc"}`,
				`{"error":{"type":"503"},"rpc":{"system":"grpc"}}`,
				`{"error":{"type":"206"},"status_code":206}`,
				`{"error":{"type":"400","status_code":400}}`,
				`{"error":{"type":"1"},"db.system":"mysql"}`,
				`{"error":{"type":"504","stack_trace":"at a"}}`,
			}[i]
		}},
		{"ECS exception names", func(i int) string {
			return fmt.Sprintf(`{"@timestamp":"2026-11-23T06:00:04Z","log.level":"error","ecs.version":"8.10.0","error":{"type":%q,"message":"boom","stack_trace":"…"}}`,
				[]string{"java.lang.NullPointerException", "TypeError", "Error", "timeout", "_OTHER", "KeyError", "app:Oops", "$Proxy1", "e", "java.net.ConnectException"}[i])
		}},
		{"type 206 without a message", func(i int) string {
			return []string{
				`{"type":206,"user":"u_1"}`, `{"type":206}`, `{"level":"info","type":206,"to":"u_2"}`, `{"op":"roster","type":206,"ok":true}`,
				`{"type":206,"message":17}`, `{"type":206,"message":null}`, `{"type":206,"message":{"text":"x"}}`, `{"type":"206","id":"9"}`,
				`{"events":[{"type":206},{"type":401}]}`, `{"level":"error","type":206,"message":"order lost","orderId":7}`,
			}[i]
		}},
		{"chat text that quotes an error", func(i int) string {
			q := quoted(`{"error":{"type":206}}`)
			return []string{
				`{"from":"u_1","to":"u_2","type":"txt","chatType":"singleChat","msg":` + q + `}`,
				`{"from":"u_1","msg":` + quoted(`{"error":{"type":206,"message":"the user is already logged on another device"}}`) + `}`,
				`{"level":"info","event":"chat","text":` + q + `}`,
				`{"level":"info","msg":"u_1 says {\"error\":{\"type\":206}}"}`,
				`{"level":"info","msg":` + q + `}`,
				`{"chatType":"groupChat","body":` + q + `,"type":"txt"}`,
				`{"level":"info","message":"recv","payload":{"from":"u_1","msg":` + q + `}}`,
				`2026-11-23 06:00:04 INFO u_1: {"error":{"type":206}}`,
				`u_1 says {"error":{"type":206}} to me`,
				`2026-11-23 06:00:04 INFO recv {"from":"u_1","chatType":"singleChat","type":"txt","msg":` + q + `}`,
			}[i]
		}},
	}
	s := newScanner()
	counted := 0
	for _, trap := range traps {
		for i := range 10 {
			if got := s.codes(trap.doc(i)); trap.name == "ECS exception names" && i == 4 {
				if got != "" { // _OTHER is OpenTelemetry's; beside a stack trace it is foreign
					t.Errorf("%s: %s: found %q", trap.name, trap.doc(i), got)
				}
			} else if got != "" {
				counted++
				t.Errorf("%s: %s: found %q, want nothing", trap.name, trap.doc(i), got)
			}
		}
	}
	if counted != 0 {
		t.Errorf("%d of 40 traps counted, want none", counted)
	}
}
