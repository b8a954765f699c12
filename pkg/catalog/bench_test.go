package catalog

import "testing"

// Reading the catalog is part of every start, also of `imerr-scan --version`.
func BenchmarkWeb(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(embedded)))
	for b.Loop() {
		Web()
	}
}

func BenchmarkReason(b *testing.B) {
	b.ReportAllocs()
	e := Web().Lookup(50) // has the most
	for b.Loop() {
		e.Reason("Sorry, the monthly active user limit for this app has been reached")
	}
}
