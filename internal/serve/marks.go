package serve

import (
	"imerr-scan/internal/detect"
	"imerr-scan/internal/pipeline"
)

// markSet follows the times of the events of several inputs.
type markSet struct {
	marks  detect.Watermarks
	events int64 // since the last commit
	delays []float32
	now    int64 // when the block was read that is looked at, Unix milliseconds
}

// see takes an event, in the order of events.
func (m *markSet) see(r *pipeline.Record) error {
	m.events++
	if at := r.Candidate.Time; at != 0 && m.now != 0 {
		m.delays = append(m.delays, float32(m.now-at)/1000)
	}
	if r.Candidate.Time != 0 && r.Entry != nil {
		m.marks.Source(r.Source).See(r.Candidate.Time)
	}
	return nil
}

// millis returns the event time up to which all inputs are believed complete; 0 before any is.
func (m *markSet) millis() int64 {
	for name := range m.marks.Sources {
		m.marks.Source(name).Settle()
	}
	return m.marks.Time()
}
