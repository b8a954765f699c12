package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/page"
	"imerr-scan/internal/report"
	"imerr-scan/internal/screen"
	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/classify"
	"imerr-scan/pkg/extract"
)

// million is a day of a million events: 20 codes, 200,000 users, 12 versions.
func million() (*aggregate.Tally, time.Time) {
	cat, start := catalog.Web(), time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	total := aggregate.New(aggregate.Options{Catalog: cat})
	codes := []int32{206, 39, 217, 509, 507, 512, 28, 704, 606, 50, 1, 2, 17, 40, 221, 505, 602, 216, -1, 3}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range int64(1_000_000) {
		e := cat.Lookup(codes[r.IntN(1+r.IntN(len(codes)))])
		total.Add(&classify.Event{Code: e.Code, Entry: e, Category: e.Category, Candidate: &extract.Candidate{
			User: fmt.Sprint("u_", r.IntN(200_000)), Platform: "web", Version: fmt.Sprintf("5.%d.%d", r.IntN(4), r.IntN(3)), Time: start.UnixMilli() + i*86,
		}})
	}
	return total, start.Add(24 * time.Hour)
}

// BenchmarkMillionEvents is what each view of a million events costs; docs/decisions/0032-live-terminal.md quotes it.
func BenchmarkMillionEvents(b *testing.B) {
	total, now := million()
	result := func() *aggregate.Result { return total.Result(aggregate.ResultOptions{NoMerge: true}) }
	res := result()
	b.Run("result", func(b *testing.B) {
		for b.Loop() {
			result()
		}
	})
	b.Run("text", func(b *testing.B) {
		for b.Loop() {
			_ = report.Text(io.Discard, res, catalog.Web(), report.TextOptions{Width: 100})
		}
	})
	b.Run("html", func(b *testing.B) {
		for b.Loop() {
			_ = page.Report(io.Discard, res, page.Options{Catalog: catalog.Web()})
		}
	})
	b.Run("snapshot", func(b *testing.B) {
		for b.Loop() {
			screen.Take(total, result(), now)
		}
	})
	b.Run("lines", func(b *testing.B) {
		s := screen.New(screen.Options{Catalog: catalog.Web(), Color: true})
		s.Resize(120, 40)
		s.Show(screen.Take(total, res, now))
		for b.Loop() {
			s.Lines()
		}
	})
}
