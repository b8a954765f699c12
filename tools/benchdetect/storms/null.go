package storms

import (
	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
)

// Null is what methods reported of a fleet on which nothing is wrong.
type Null struct {
	First, FirstJobs int // on the first day; of jobs
	Later            int // after it
	Weeks            float64
	ByName           map[string]int // Later, by kind of code
}

// Add adds up.
func (n *Null) Add(o Null) {
	n.First += o.First
	n.FirstJobs += o.FirstJobs
	n.Later += o.Later
	n.Weeks += o.Weeks
	if n.ByName == nil {
		n.ByName = map[string]int{}
	}
	for k, v := range o.ByName {
		n.ByName[k] += v
	}
}

func (n *Null) take(c *Code, fired int64) {
	switch {
	case c.Excused(fired):
	case fired < Day && c.Job:
		n.FirstJobs++
	case fired < Day:
		n.First++
	default:
		n.Later++
		if n.ByName == nil {
			n.ByName = map[string]int{}
		}
		n.ByName[c.Name]++
	}
}

// RunNull lets one detector look at a fleet of 70 codes, as in the product.
func RunNull(seed uint64, weeks int64, opt detect.Options) Null {
	length := weeks * Week
	f := NewFleet(seed, length)
	d := detect.New(opt)
	null := Null{Weeks: float64(length-Day) / Week}
	ids := newSource(seed, 1<<32)
	users := make([]uint64, 1<<16)
	for i := range users {
		users[i] = ids.Uint64()
	}
	in := detect.Bucket{}
	for b := range length {
		in.Start, in.Lines, in.Cells = (origin+b)*10_000, 1000, in.Cells[:0]
		for i, c := range f.Codes {
			y := c.Count(b)
			if y == 0 {
				continue
			}
			cell := detect.Cell{Code: int32(1000 + i), Cell: aggregate.Cell{Events: y, Users: y}}
			if y <= 200 {
				at := ids.Int64N(int64(len(users)) - y)
				cell.Hashes = users[at : at+y]
			}
			in.Cells = append(in.Cells, cell)
		}
		for _, a := range d.Step(in) {
			if a.State == detect.Firing {
				null.take(f.Codes[a.Codes[0]-1000], a.FiredAt.Unix()/10-origin-1)
			}
		}
	}
	return null
}

// RunNullMethods lets methods look at each code of a fleet; make returns one of each.
func RunNullMethods(seed uint64, weeks int64, methods func() []Method) []Null {
	length := weeks * Week
	f := NewFleet(seed, length)
	var nulls []Null
	for _, c := range f.Codes {
		ms := methods()
		if nulls == nil {
			nulls = make([]Null, len(ms))
		}
		for b := range length {
			y := c.Count(b)
			for _, m := range ms {
				m.Step(b, y, nil)
			}
		}
		for i, m := range ms {
			for _, e := range m.Episodes() {
				nulls[i].take(c, e.Fired)
			}
		}
	}
	for i := range nulls {
		nulls[i].Weeks = float64(length-Day) / Week
	}
	return nulls
}
