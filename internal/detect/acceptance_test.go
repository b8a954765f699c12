package detect_test

import (
	"testing"

	"imerr-scan/internal/detect"
	"imerr-scan/tools/benchdetect/storms"
)

// TestAcceptance is a small part of what `go run ./tools/benchdetect` measures: the storms of the table, each over half of the
// backgrounds. So few storms may miss a bound by one.
func TestAcceptance(t *testing.T) {
	skipShort(t)
	var all storms.Score
	for _, row := range storms.Rows() {
		if len(row.Rates) > 2 {
			row.Rates = []float64{row.Rates[0], row.Rates[len(row.Rates)/2]}
		}
		s := row.Run(42, 4, func() []storms.Method { return []storms.Method{storms.NewOurs(detect.Options{}, 1)} })[0]
		t.Logf("%-46s %3d storms: found %5.1f %%, in time %5.1f %%, median %.1f min", row.Name, s.Storms, 100*s.FoundShare(), 100*s.FastShare(), storms.Quantile(s.Delay, 0.5))
		one := 1 / float64(s.Storms)
		if s.FoundShare()+one < row.MustFind || s.FastShare()+one < row.MustBeFast {
			t.Errorf("%s: found %.3f, must %.3f; in time %.3f, must %.3f", row.Name, s.FoundShare(), row.MustFind, s.FastShare(), row.MustBeFast)
		}
		if m := storms.Quantile(s.Delay, 0.5); row.Median > 0 && m > row.Median {
			t.Errorf("%s: median delay %.1f min, must %.1f", row.Name, m, row.Median)
		}
		all.Add(s)
	}
	if m := storms.Quantile(all.Resolve, 0.5); m > 6 {
		t.Errorf("resolved %.1f min after the end, in the median; must 6", m)
	}
	if n := all.EpisodesPer(); n > 1.02 {
		t.Errorf("%.3f alerts a storm, must 1.02", n)
	}
	if q := storms.Quantile(all.Onset, 0.9); q > 3 {
		t.Errorf("onset error %.1f min at 90 %%, must 3", q)
	}
}

// TestQuietFleet: 70 codes on which nothing is wrong, for a week. The bounds leave room for chance: the goal is one false
// alarm a week, and six on the first day.
func TestQuietFleet(t *testing.T) {
	skipShort(t)
	null := storms.RunNull(4242, 1, detect.Options{})
	t.Logf("%d false alarms after day 1 (%v), %d on day 1, %d of jobs", null.Later, null.ByName, null.First, null.FirstJobs)
	if null.Later > 3 || null.First > 10 {
		t.Errorf("%d false alarms after day 1 (%v), %d on day 1", null.Later, null.ByName, null.First)
	}
}

// TestKindsOfLabelledStorms: right, or mixed, rather than wrong.
func TestKindsOfLabelledStorms(t *testing.T) {
	skipShort(t)
	const n = 20
	right, wrong, alerts := 0, 0, 0
	for _, label := range storms.Kinds() {
		told := storms.RunKinds(label, 42, n)
		t.Logf("%-15s %v", label, told)
		alerts += n - told[""]
		right += told[label]
		if wrong += n - told[""] - told[label]; label != detect.KindMixed {
			wrong -= told[detect.KindMixed]
		}
	}
	if float64(right) < 0.95*float64(alerts) || float64(wrong) > 0.03*float64(alerts) {
		t.Errorf("of %d alerts the kind is right for %d and wrong for %d", alerts, right, wrong)
	}
}

// skipShort skips what takes seconds and has no goroutines that could race.
func skipShort(t *testing.T) {
	if testing.Short() {
		t.Skip("measures for seconds")
	}
}
