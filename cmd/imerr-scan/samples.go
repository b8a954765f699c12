package main

import (
	"fmt"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/pipeline"
	"imerr-scan/internal/report"
)

// samples keeps the first documents of each code, cleaned and cut.
type samples struct {
	per  int
	seen map[int32][]aggregate.Sample
}

func newSamples(per int) *samples { return &samples{per: per, seen: map[int32][]aggregate.Sample{}} }

// sampleBytes is how much of a document is shown.
const sampleBytes = 2048

func (s *samples) add(r *pipeline.Record) {
	if r.Entry == nil || len(s.seen[r.Code]) >= s.per {
		return
	}
	text := r.Text[:min(len(r.Text), sampleBytes)]
	s.seen[r.Code] = append(s.seen[r.Code], aggregate.Sample{
		Src:  fmt.Sprintf("%s:%d", r.Source, r.Line),
		Text: report.Clean(string(text)),
	})
}

// fill puts the samples into res.
func (s *samples) fill(res *aggregate.Result) {
	for i := range res.Codes {
		res.Codes[i].Samples = s.seen[res.Codes[i].Code]
	}
}
