package detect_test

import (
	"testing"
	"time"

	"imerr-scan/internal/detect"
)

// TestYearsOfSilence: two events seventeen years apart, as one wrong clock makes them, cost no seconds; an event every day in
// each of 100 codes, as in a sparse log of years, costs no minutes.
func TestYearsOfSilence(t *testing.T) {
	skipShort(t)
	began := time.Now()
	w := newWorld(t, detect.Options{})
	w.pass(time.Minute, happening{code: 206, perMinute: 6})
	w.now = w.now.AddDate(17, 0, 0)
	w.pass(time.Minute, happening{code: 206, perMinute: 6})
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("17 years of silence took %v", took)
	} else {
		t.Logf("17 years of silence took %v", took)
	}
	began = time.Now()
	w = newWorld(t, detect.Options{})
	for day := range 365 {
		w.pass(10*time.Second, happening{code: int32(day % 100), perMinute: 6}, happening{code: int32(day%100 + 1), perMinute: 6})
		w.now = w.now.Add(24*time.Hour - 10*time.Second)
	}
	t.Logf("a sparse year took %v", time.Since(began))
	if len(w.alerts) > 0 {
		t.Errorf("alerts: %v", states(w.alerts))
	}
}
