package detect

import (
	"cmp"
	"math"
	"slices"

	"imerr-scan/internal/aggregate"
)

// Field is what the events of a cell are told apart by.
type Field = aggregate.Field

// Value is how many events of a cell had a value of a field.
type Value = aggregate.Value

// The fields of a Value.
const (
	Version  = aggregate.Version
	Platform = aggregate.Platform
	Reason   = aggregate.Reason
	fields   = Reason + 1
)

const (
	keptValues    = 10 // of a field
	maxValueBytes = 40
	minuteBuckets = 6
	minutes       = 11 // the newest 10 min are told apart from what was before, minute by minute
)

const minuteDecay = 0.999305796626292124974617375141 // a minute of τ 24 h

// shares is what a field's values were before and lately.
type shares struct {
	values []share // by text
	total  tally
}

// share is one value.
type share struct {
	text string
	tally
}

// tally is how often something was seen: before (decayed), and in each of the last minutes.
type tally struct {
	before float64
	lately [minutes]uint32 // minute m at m mod minutes
}

func (t *tally) weight() float64 {
	w := t.before
	for _, n := range t.lately {
		w += float64(n)
	}
	return w
}

// profile is what the events of a code were like: the values of each field, now and in the past day.
type profile struct {
	minute int64         // the newest
	hot    [minutes]bool // of an alert: not to be learned
	fields [fields]shares
}

// add takes the values of bucket b.
func (p *profile) add(b int64, values []Value, firing bool) {
	if len(values) == 0 {
		return
	}
	p.advance(b / minuteBuckets)
	at := p.minute % minutes
	p.hot[at] = p.hot[at] || firing
	for _, v := range values {
		if v.Field >= fields || v.N <= 0 {
			continue
		}
		n := uint32(min(v.N, math.MaxInt32))
		f := &p.fields[v.Field]
		f.total.lately[at] = sum32(f.total.lately[at], n)
		if v.Text == "" {
			continue // one of those that nobody names
		}
		s := f.find(v.Text)
		s.lately[at] = sum32(s.lately[at], n)
	}
}

// find returns the share of a text; a new one takes the place of the least.
func (f *shares) find(text string) *share {
	text = cut(text, maxValueBytes)
	i, found := slices.BinarySearchFunc(f.values, text, func(s share, text string) int { return cmp.Compare(s.text, text) })
	if found {
		return &f.values[i]
	}
	if len(f.values) == keptValues {
		least := 0
		for j := range f.values {
			if f.values[j].weight() < f.values[least].weight() {
				least = j
			}
		}
		f.values = slices.Delete(f.values, least, least+1)
		if least < i {
			i--
		}
	}
	f.values = slices.Insert(f.values, i, share{text: text})
	return &f.values[i]
}

// advance makes minute the newest: what is older than ten minutes becomes what was before, unless it is of an alert.
func (p *profile) advance(minute int64) {
	if p.minute == 0 {
		p.minute = minute
	}
	steps := minute - p.minute
	if steps <= 0 {
		return
	}
	for m := p.minute + 1; m <= p.minute+min(steps, minutes); m++ {
		at := m % minutes
		p.each(func(t *tally) {
			t.before = float64(t.before * minuteDecay)
			if !p.hot[at] {
				t.before += float64(t.lately[at])
			}
			t.lately[at] = 0
		})
		p.hot[at] = false
	}
	if steps > minutes {
		decay := power(minuteDecay, steps-minutes)
		p.each(func(t *tally) { t.before = float64(t.before * decay) })
	}
	p.minute = minute
}

func (p *profile) each(f func(*tally)) {
	for i := range p.fields {
		f(&p.fields[i].total)
		for j := range p.fields[i].values {
			f(&p.fields[i].values[j].tally)
		}
	}
}

// power returns x^n.
func power(x float64, n int64) float64 {
	y := 1.0
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			y = float64(y * x)
		}
		x = float64(x * x)
		if x < tiny {
			x = 0
		}
	}
	return y
}

// contrast sets the values inside an alert against those before it.
type contrast [fields]struct {
	values []weighed // by text
	inside int64
	before float64
}

type weighed struct {
	text   string
	inside int64
	before float64
}

// open begins a contrast at the onset, which may lie some minutes back.
func (p *profile) open(onset int64) contrast {
	var c contrast
	first := onset / minuteBuckets
	for m := max(first, p.minute-minutes+1, 0); m <= p.minute; m++ {
		p.hot[m%minutes] = true
	}
	for i := range p.fields {
		f := &p.fields[i]
		c[i].inside, c[i].before = f.total.split(first, p.minute)
		for _, s := range f.values {
			w := weighed{text: s.text}
			w.inside, w.before = s.split(first, p.minute)
			c[i].values = append(c[i].values, w)
		}
	}
	return c
}

// split returns what was seen from minute first on, and before.
func (t *tally) split(first, now int64) (inside int64, before float64) {
	before = t.before
	for m := max(now-minutes+1, 0); m <= now; m++ {
		if n := t.lately[m%minutes]; m >= first {
			inside += int64(n)
		} else {
			before += float64(n)
		}
	}
	return inside, before
}

// add takes the values of a bucket inside the alert.
func (c *contrast) add(values []Value) {
	for _, v := range values {
		if v.Field < fields && v.N > 0 {
			c[v.Field].inside += v.N
			if v.Text != "" {
				c.find(v.Field, cut(v.Text, maxValueBytes)).inside += v.N
			}
		}
	}
}

func (c *contrast) find(f Field, text string) *weighed {
	x := &c[f]
	i, found := slices.BinarySearchFunc(x.values, text, func(w weighed, text string) int { return cmp.Compare(w.text, text) })
	if found {
		return &x.values[i]
	}
	if len(x.values) >= keptValues {
		least := 0
		for j, w := range x.values {
			if w.inside < x.values[least].inside {
				least = j
			}
		}
		x.values = slices.Delete(x.values, least, least+1)
		if least < i {
			i--
		}
	}
	x.values = slices.Insert(x.values, i, weighed{text: text})
	return &x.values[i]
}

func (c *contrast) merge(o *contrast) {
	for f := range o {
		c[f].inside += o[f].inside
		c[f].before += o[f].before
		for _, w := range o[f].values {
			into := c.find(Field(f), w.text)
			into.inside += w.inside
			into.before += w.before
		}
	}
}

const (
	minBefore     = 20  // counts, below which all codes together say what was usual
	minShare      = 0.3 // of the alert, that a value must have to be named
	minLift       = 1.3
	minDeviations = 4
	maxChanges    = 3
)

// why returns the values that are more frequent inside than before, the most telling first. The events of few users are no
// more telling than these users: independent says how many events may be taken as such.
func (c *contrast) why(all *contrast, independent int64) []Change {
	type scored struct {
		Change
		score float64
	}
	var found []scored
	for f := range c {
		x := &c[f]
		if min(x.inside, independent) < minExplain {
			continue
		}
		before := func(w weighed) (float64, float64) { return w.before, x.before }
		if x.before < minBefore && Field(f) != Reason {
			before = func(w weighed) (float64, float64) { return all.beforeOf(Field(f), w.text), all[f].before }
		}
		for _, w := range x.values {
			n, total := before(w)
			if total < minExplain {
				continue
			}
			inside := float64(w.inside) / float64(x.inside)
			was := n / total
			floor := max(was, 0.5/(total+1))
			lift := inside / floor
			n0 := float64(max(min(x.inside, independent), 1))
			noise := math.Sqrt(float64(floor*(1-floor))*(1/n0+1/total)) + 1e-9
			if inside < minShare || lift < minLift || inside-was < float64(minDeviations*noise) {
				continue
			}
			found = append(found, scored{
				Change{Field: Field(f).String(), Value: w.text, Share: round(inside, 2), Before: round(was, 2), Lift: round(lift, 1)},
				inside * ln(lift),
			})
		}
	}
	slices.SortStableFunc(found, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	changes := []Change{}
	for _, s := range found[:min(len(found), maxChanges)] {
		changes = append(changes, s.Change)
	}
	return changes
}

func (c *contrast) beforeOf(f Field, text string) float64 {
	for _, w := range c[f].values {
		if w.text == text {
			return w.before
		}
	}
	return 0
}
