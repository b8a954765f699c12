package extract

import (
	"testing"
	"time"
)

// A record of Kafka has a time of its own, which holds where the document has none, and gives clocks their date.
func TestTimeOfWhatBroughtADocument(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	carried := time.Date(2026, 11, 24, 0, 0, 2, 0, time.UTC).UnixMilli()
	for _, tc := range []struct {
		name, doc string
		carried   int64
		want      int64
	}{
		{"no time in the document", `{"error":{"type":206}}`, carried, carried},
		{"its own goes before", `{"time":1795449600000,"error":{"type":206}}`, carried, 1795449600000},
		{"text", `login failed {"error":{"type":206,"message":"x"}}`, carried, carried},
		{"the SDK's clock of the day before", `{"time":"23:59:59:950","error":{"type":206}}`, carried, carried - 2050},
		{"a producer's clock that is years ahead is none", `{"error":{"type":206}}`, now.AddDate(3, 0, 0).UnixMilli(), 0},
		{"nor is one that begins at the epoch", `{"error":{"type":206}}`, 1000, 0},
		{"none is said as -1", `{"error":{"type":206}}`, -1, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := New(Options{Now: now})
			x.SetCarried(tc.carried)
			found := x.Extract([]byte(tc.doc)).Candidates
			if len(found) == 0 || found[0].Time != tc.want {
				t.Errorf("%+v, want one at %d", found, tc.want)
			}
		})
	}
}
