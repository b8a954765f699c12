package extract

import "time"

// SetNow moves Options.Now, for inputs that are followed over days.
func (x *Extractor) SetNow(now time.Time) { x.opt.Now = now }

// SetCarried gives the documents that follow the time of what brought them, such as a record of Kafka, in Unix milliseconds:
// it counts as that of an envelope around them. One that can be no time, and 0, is none.
func (x *Extractor) SetCarried(millis int64) { x.carried = x.resolve(moment{ms: millis}, nil) }

// Reset makes x as New(Options) would, with another Day and Before.
func (x *Extractor) Reset(day time.Time, before func() int64) {
	x.opt.Day, x.opt.Before, x.last, x.carried = day, before, 0, 0
}

// Resume makes x as it was when Last returned last, with another Day: documents of several inputs, each in order, may take turns.
func (x *Extractor) Resume(day time.Time, last int64) {
	x.opt.Day, x.opt.Before, x.last, x.carried = day, nil, last, 0
}

// Last returns the last time that x has seen, in Unix milliseconds; 0 without one.
func (x *Extractor) Last() int64 { return x.last }
