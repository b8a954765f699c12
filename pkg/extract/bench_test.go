package extract_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"imerr-scan/pkg/extract"
)

// benchLines are typical lines in which the needle hits.
var benchLines = []struct{ name, line string }{
	{"flat", `{"time":"2026-11-23T06:00:04.123+08:00","level":"error","msg":"im error","pid":4012,"hostname":"web-7d9f-x2","error":{"type":206,"message":"the user is already logged on another device","data":{"error":"kicked"}},"user":{"id":"u_10233"},"app":{"ver":"5.3.0","platform":"web"},"device":{"id":"d_99181"},"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","url":"https://example.org/im/chat?room=88412","ua":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0"}`},
	{"docker", `{"log":"{\"time\":\"2026-11-23T06:00:04.123+08:00\",\"level\":\"error\",\"error\":{\"type\":206,\"message\":\"the user is already logged on another device\"},\"user\":{\"id\":\"u_10233\"},\"app\":{\"ver\":\"5.3.0\"}}\n","stream":"stdout","time":"2026-11-23T06:00:04.123456789Z"}`},
	{"cri", `2026-11-23T06:00:04.123456789Z stdout F {"time":"2026-11-23T06:00:04.123+08:00","level":"error","error":{"type":206,"message":"the user is already logged on another device"},"user":{"id":"u_10233"},"app":{"ver":"5.3.0"}}`},
	{"text_json", `2026-11-23 06:00:04.123 ERROR [im] login failed {"type":206,"message":"the user is already logged on another device"}`},
	{"no_candidate", `{"time":"2026-11-23T06:00:04.123+08:00","level":"info","msg":"send","payload":{"id":"9001","type":"txt","chatType":"singleChat","from":"a","to":"b","msg":"hello"}}`},
}

func BenchmarkExtract(b *testing.B) {
	for _, l := range benchLines {
		b.Run(l.name, func(b *testing.B) {
			x := extract.New(extract.Options{Now: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)})
			line := []byte(l.line)
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				x.Extract(line)
			}
		})
	}
}

// BenchmarkGJSON is what the same line costs with gjson: validated, then asked for what an event needs
// (docs/decisions/0003-evidence-rules.md).
func BenchmarkGJSON(b *testing.B) {
	paths := []string{"error.type", "error.message", "error.reason", "error.data.reason", "time", "level", "user.id", "app.ver", "app.platform", "device.id"}
	line := []byte(benchLines[0].line)
	b.Run("valid", func(b *testing.B) {
		b.SetBytes(int64(len(line)))
		for b.Loop() {
			gjson.ValidBytes(line)
		}
	})
	b.Run("valid and ten paths", func(b *testing.B) {
		b.SetBytes(int64(len(line)))
		b.ReportAllocs()
		for b.Loop() {
			if gjson.ValidBytes(line) {
				gjson.GetManyBytes(line, paths...)
			}
		}
	})
	deep := []byte(strings.Repeat(`{"a":`, 900) + `{"type":206,"message":""}` + strings.Repeat("}", 900))
	b.Run("deep, level by level", func(b *testing.B) {
		b.SetBytes(int64(len(deep)))
		for b.Loop() {
			for v := gjson.ParseBytes(deep); v.IsObject(); {
				next := gjson.Result{}
				v.ForEach(func(_, m gjson.Result) bool { next = m; return true })
				v = next
			}
		}
	})
	b.Run("deep, here", func(b *testing.B) {
		x := extract.New(extract.Options{})
		b.SetBytes(int64(len(deep)))
		for b.Loop() {
			x.Extract(deep)
		}
	})
}
