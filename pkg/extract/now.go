package extract

import "time"

// SetNow moves Options.Now, for inputs that are followed over days.
func (x *Extractor) SetNow(now time.Time) { x.opt.Now = now }
