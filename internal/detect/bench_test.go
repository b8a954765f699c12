package detect_test

import (
	"testing"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/tools/benchdetect/storms"
)

// BenchmarkWeek is a week of 70 codes, from rare to 10,000 a minute, users included. The goal is less than a second.
func BenchmarkWeek(b *testing.B) {
	week := make([]detect.Bucket, storms.Week)
	fleet := storms.NewFleet(1, storms.Week)
	users := make([]uint64, 4096)
	for i := range users {
		users[i] = uint64(i+1) * 0x9e3779b97f4a7c15 >> 1
	}
	for i := range week {
		in := detect.Bucket{Start: int64(i+1) * 10_000, Lines: 1000}
		for code, c := range fleet.Codes {
			if y := c.Count(int64(i)); y > 0 {
				from := min(i%2048, 4096-int(min(y, 2048)))
				in.Cells = append(in.Cells, detect.Cell{Code: int32(code), Cell: aggregate.Cell{
					Events: y, Users: y, Open: true, Hashes: users[from : from+int(min(y, 2048))],
				}})
			}
		}
		week[i] = in
	}
	b.ReportAllocs()
	for b.Loop() {
		d := detect.New(detect.Options{})
		for _, in := range week {
			d.Step(in)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/storms.Week/70, "ns/code/bucket")
}
