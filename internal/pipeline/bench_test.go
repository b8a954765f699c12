package pipeline

import (
	"bytes"
	"fmt"
	"testing"

	"imerr-scan/internal/aggregate"
)

// BenchmarkScan reads a log of a busy app from memory: one line in a hundred is an error, and every line has a key type
// of another meaning.
func BenchmarkScan(b *testing.B) {
	var log bytes.Buffer
	for i := range 40_000 {
		if i%100 == 0 {
			fmt.Fprintf(&log, `{"ts":"2026-11-23T10:%02d:%02d+08:00","level":"error","user":"u_%d","app":{"version":"5.3.0","platform":"web"},"error":{"type":206,"message":"the user is already logged on another device"}}`+"\n", i/4000%60, i/100%60, i%997)
			continue
		}
		fmt.Fprintf(&log, `{"ts":"2026-11-23T10:%02d:%02d+08:00","level":"info","msg":"message sent","from":"u_%d","to":"u_%d","chatType":"singleChat","type":"txt","ext":{"trace":"%032x","span":"%016x","region":"cn-shanghai","net":"4g","latency_ms":%d},"ua":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0"}`+"\n", i/4000%60, i/100%60, i%997, i%991, i*7919, i, i%300)
	}
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			b.SetBytes(int64(log.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Scan(b.Context(), []Source{memory("x", log.Bytes())}, aggregate.New(aggregate.Options{}), Options{Catalog: web, Workers: workers}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
