package serve

import (
	"imerr-scan/internal/detect"
	"imerr-scan/internal/pipeline"
)

// markSet follows the times of the events of one or several inputs.
type markSet struct {
	marks  detect.Watermarks
	events int64     // since the last commit
	delays []float32 // of these, in seconds
	now    int64     // when was read what is looked at, Unix milliseconds
}

// mostDelays is how many delays are kept between two commits.
const mostDelays = 100_000

// delayed tells of the delays of what was committed, and begins anew; what is known of times stays.
func (r *Replica) delayed(m *markSet) {
	if r.opt.Delayed != nil && len(m.delays) > 0 {
		r.opt.Delayed(m.delays)
	}
	m.events, m.delays = 0, m.delays[:0]
}

// see takes an event, in the order of events.
func (m *markSet) see(r *pipeline.Record) error {
	m.events++
	if at := r.Candidate.Time; at != 0 && m.now != 0 && len(m.delays) < mostDelays {
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
