package storms

import (
	"slices"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
)

// kick is what a kick storm adds to one bucket.
type kick struct {
	code   int32
	user   uint64
	device uint32 // 0 if none is logged
}

// labelled is a kick storm of known kind: what happens in each of its buckets.
type labelled [][]kick

// makers draw a storm of each kind. Their ranges are wider than those of the acceptance rows.
var makers = map[string]func(s source, devices bool) labelled{
	detect.KindMass: func(s source, devices bool) labelled {
		l := kicksOf(s, mass(s, int(s.logUniform(60, 5000)), s.between(5*Minute, 30*Minute)), 206, devices, 2)
		for _, ks := range l {
			for i := range ks {
				if s.Float64() < 0.15 {
					ks[i].code = 217
				}
			}
		}
		return l
	},
	detect.KindPingPong: func(s source, devices bool) labelled {
		return kicksOf(s, loops(s, int(s.logUniform(5, 400)), s.between(5*Minute, 20*Minute), 5, 40), 206, devices, 2)
	},
	detect.KindSharedAccount: func(s source, devices bool) labelled {
		return kicksOf(s, loops(s, int(s.between(8, 60)), s.between(30*Minute, 90*Minute), 90, 240), 206, devices, int(s.between(4, 8)))
	},
	detect.KindFromAPI: func(s source, devices bool) labelled {
		return kicksOf(s, once(s, int(s.logUniform(50, 2000)), s.between(1, 30)), 217, devices, 1)
	},
	detect.KindPasswordWave: func(s source, devices bool) labelled {
		return kicksOf(s, wave(s, s.logUniform(15, 120), s.between(5*Minute, 20*Minute)), 216, devices, 1)
	},
	detect.KindRemoved: func(s source, devices bool) labelled {
		return kicksOf(s, once(s, int(s.logUniform(50, 2000)), s.between(1, 60)), 207, devices, 1)
	},
	detect.KindLoopUser: func(s source, devices bool) labelled {
		return kicksOf(s, loops(s, int(s.between(1, 2)), s.between(5*Minute, 30*Minute), 5, 12), 206, devices, 2)
	},
	detect.KindMixed: func(s source, devices bool) labelled {
		length := s.between(8*Minute, 20*Minute)
		accounts := int(s.between(10, 40))
		// As many kicks of each: about a kick each 10 s of each account, over the length.
		users := int(float64(accounts) * float64(length) * s.uniform(0.6, 1.2))
		l := kicksOf(s, loops(s, accounts, length, 8, 12), 206, devices, 2)
		for b, ks := range kicksOf(s, mass(s, users, length), 206, devices, 2) {
			l[b] = append(l[b], ks...)
		}
		return l
	},
}

// kicksOf gives kicks a code and one of so many devices of their user.
func kicksOf(s source, in [][]uint64, code int32, devices bool, most int) labelled {
	l := make(labelled, len(in))
	for b, users := range in {
		for _, u := range users {
			k := kick{code: code, user: u}
			if devices {
				k.device = uint32(u>>32)&0xffffff00 + uint32(s.IntN(most)) + 1
			}
			l[b] = append(l[b], k)
		}
	}
	return l
}

// Kinds returns the labels, in order.
func Kinds() []string {
	kinds := make([]string, 0, len(makers))
	for k := range makers {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	return kinds
}

// RunKinds lets the detector tell the kind of n storms of a label, each a day after the last or the beginning, over a
// background of kicks; half of the logs have devices, some log a kick several times, of some
// users the id is never logged. It returns
// how often which kind was told in the end, and "" for a storm without an alert.
func RunKinds(label string, seed uint64, n int) map[string]int {
	told := map[string]int{}
	for i := range n {
		s := newSource(seed, uint64(i)+1)
		told[tellKind(s, makers[label](s, i%2 == 0), i%2 == 0, label != detect.KindLoopUser)]++
	}
	return told
}

func tellKind(s source, l labelled, devices, nameless bool) string {
	g := &background{source: newSource(s.Uint64(), 1), rate: s.logUniform(0.05, 10) / Minute, scatter: Scatter(s.IntN(3))}
	anonymous := 0.0
	if nameless && s.IntN(3) == 0 {
		anonymous = 0.1
	}
	copies := s.between(1, 3)
	d := detect.New(detect.Options{})
	kind := ""
	for b := int64(0); b < Day+int64(len(l))+10*Minute; b++ {
		var all []kick
		for range g.at(b, 1) {
			k := kick{code: 206, user: g.Uint64()}
			if devices {
				k.device = uint32(g.Uint64())
			}
			all = append(all, k)
		}
		if i := b - Day; i >= 0 && i < int64(len(l)) {
			all = append(all, l[i]...)
		}
		in := detect.Bucket{Start: (origin + b) * 10_000, Lines: 1000, Cells: cellsOf(all, anonymous, copies)}
		for _, a := range d.Step(in) {
			if b >= Day && a.State == detect.Resolved {
				if kind == "" || kind == detect.KindLoopUser {
					kind = a.Kind
				}
			}
		}
	}
	return kind
}

// cellsOf counts kicks as a tally does.
func cellsOf(all []kick, anonymous float64, copies int64) []detect.Cell {
	slices.SortFunc(all, func(a, b kick) int {
		switch {
		case a.code != b.code:
			return int(a.code - b.code)
		case a.user < b.user:
			return -1
		case a.user > b.user:
			return 1
		}
		return 0
	})
	var cells []detect.Cell
	for _, k := range all {
		if len(cells) == 0 || cells[len(cells)-1].Code != k.code {
			cells = append(cells, detect.Cell{Code: k.code, Cell: aggregate.Cell{Open: true}})
		}
		c := &cells[len(cells)-1]
		c.Events += copies
		if float64(k.user>>40)/(1<<24) < anonymous {
			c.Anonymous += copies
			continue
		}
		if n := len(c.Hashes); n > 0 && c.Hashes[n-1] == k.user {
			c.Kicks[n-1].Count += copies
			continue
		}
		c.Users++
		c.Hashes = append(c.Hashes, k.user)
		var dev []uint32
		if k.device != 0 {
			dev = []uint32{k.device}
		}
		c.Kicks = append(c.Kicks, aggregate.Kick{User: k.user, Count: copies, Devices: dev})
	}
	return cells
}
