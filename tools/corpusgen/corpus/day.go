package corpus

import (
	"cmp"
	"slices"
)

const (
	dayMinutes  = 24 * 60
	bytesOfLine = 250 // about, of a day's lines
)

// wave is how much traffic each hour of the day has.
var wave = [24]int{18, 12, 8, 6, 6, 8, 20, 45, 70, 85, 90, 92, 88, 84, 86, 90, 92, 95, 98, 100, 100, 90, 65, 35}

// happening is one line of a day. err.body is empty for an ordinary line.
type happening struct {
	at      int64 // Unix milliseconds
	user    string
	err     sdkError
	device  int
	version string // "" is the user's usual one
}

func byTime(a, b happening) int { return cmp.Compare(a.at, b.at) }

// day writes minute by minute, so that memory holds one minute and the storms.
func (g *gen) day() {
	lines := int(g.opt.Size / bytesOfLine)
	users := min(max(lines/20, 300), usersOfApp)
	storms := g.storms(users)
	weights := g.weights()
	total := 0
	for _, w := range weights {
		total += w
	}
	for m, weight := range weights {
		// Rounded up or down by chance, and busier or calmer than usual: traffic is not even.
		n := (lines*weight*g.rand.between(75, 125)/100 + g.rand.n(total)) / total
		events := g.background(m, n, users)
		end := g.opt.Start.UnixMilli() + int64(m+1)*minute
		for len(storms) > 0 && storms[0].at < end {
			events = append(events, storms[0])
			storms = storms[1:]
		}
		slices.SortStableFunc(events, byTime)
		for _, ev := range events {
			g.write(ev)
		}
		if g.err != nil {
			return
		}
	}
}

// weights returns the share of each minute, hours flowing into one another.
func (g *gen) weights() []int {
	start := g.opt.Start.Hour()*60 + g.opt.Start.Minute()
	weights := make([]int, dayMinutes)
	for m := range weights {
		hour, minute := (start+m)/60, (start+m)%60
		weights[m] = wave[hour%24]*(60-minute) + wave[(hour+1)%24]*minute
	}
	return weights
}

// background makes n lines of ordinary traffic in minute m.
func (g *gen) background(m, n, users int) []happening {
	start := g.opt.Start.UnixMilli() + int64(m)*minute
	events := make([]happening, n)
	for i := range events {
		ev := happening{at: start + int64(g.rand.n(minute)), user: g.someUser(users)}
		if g.rand.perMille(g.prof.errorsPerMille) {
			ev.err = g.pick()
		}
		events[i] = ev
	}
	return events
}

// write writes one line.
func (g *gen) write(ev happening) {
	isError := ev.err.body != ""
	b := append(g.buf, `{"time":"`...)
	b = g.stamp.append(b, ev.at)
	if isError {
		b = append(b, `","level":"error","logger":"im.client"`...)
	} else {
		b = append(b, `","level":"info","logger":"im.conversation","msg":"`...)
		b = append(b, messages[g.rand.n(len(messages))]...)
		b = append(b, '"')
	}
	g.buf = appendClient(b, ev.user, ev.device, ev.version)
	switch {
	case isError:
		g.buf = append(g.buf, `,"error":`...)
		g.buf = ev.err.appendObject(g.buf, "")
		g.count(ev.err, ev.user)
	case g.rand.n(3) == 0:
		g.otherTypes()
	}
	g.buf = append(g.buf, '}')
	g.end()
}
