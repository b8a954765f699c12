package classify_test

import (
	"testing"

	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/classify"
	"imerr-scan/pkg/extract"
)

var benchDocs = []struct{ name, doc string }{
	{"kick", `{"time":"2026-11-23T06:00:04Z","level":"error","error":{"type":206,"message":"the user is already logged on another device"},"user":{"id":"u_1"}}`},
	{"limit", `{"time":"2026-11-23T06:00:04Z","level":"error","error":{"type":50,"message":"some other limit of which the table knows nothing"}}`},
	{"unknown", `{"error":{"type":1305,"message":"x"}}`},
	{"nested", `{"error":{"type":1,"message":"login failed","data":{"type":17,"message":"Server is busy."}}}`},
}

func BenchmarkClassify(b *testing.B) {
	for _, d := range benchDocs {
		b.Run(d.name, func(b *testing.B) {
			doc := extract.New(extract.Options{Now: now}).Extract([]byte(d.doc))
			c := classify.New(catalog.Web())
			b.ReportAllocs()
			for b.Loop() {
				c.Classify(doc.Candidates)
			}
		})
	}
}

// BenchmarkDocument is extract and classify together: what a line with an error costs.
func BenchmarkDocument(b *testing.B) {
	for _, d := range benchDocs {
		b.Run(d.name, func(b *testing.B) {
			s := newScanner()
			line := []byte(d.doc)
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				s.c.Classify(s.x.Extract(line).Candidates)
			}
		})
	}
}

func TestErrorsSeenBeforeAllocateNothing(t *testing.T) {
	s := newScanner()
	if n := testing.AllocsPerRun(100, func() {
		for _, d := range benchDocs {
			s.c.Classify(s.x.Extract([]byte(d.doc)).Candidates)
		}
	}); n > float64(len(benchDocs)) { // the conversions above, and nothing else
		t.Errorf("%v allocations for %d documents, want none of ours", n, len(benchDocs))
	}
}
