package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"imerr-scan/internal/aggregate"
)

// Change is what became of one code, or of one value in no catalog, since an earlier result.
type Change struct {
	Kind     string `json:"kind"` // new, gone, up, down
	Code     string `json:"code"` // number, or the value as written
	Name     string `json:"name"`
	Category string `json:"category"`
	Before   int64  `json:"before"`
	After    int64  `json:"after"`
	// Ratio of the counts, or of the counts per hour if Rated; 0 for new and gone.
	Ratio float64 `json:"ratio"`
	Rated bool    `json:"rated"`
}

// Compare tells what changed from before to after: what is new, gone, more or less. Up and down mean a change by half at
// least that chance does not explain (four standard deviations of the difference of two Poisson counts). If both results
// have a span of an hour or more, counts per hour are compared, so that six hours can be held against a day.
func Compare(before, after *aggregate.Result) []Change {
	scale, rated := spanRatio(before, after)
	old, now := changeCounts(before), changeCounts(after)
	var out []Change
	for code, c := range now {
		b, there := old[code]
		c.Rated = rated
		switch {
		case !there:
			c.Kind = "new"
		default:
			c.Before = b.After
			expected := float64(c.Before) * scale
			c.Ratio = float64(c.After) / expected
			spread := math.Sqrt(float64(c.After) + expected*scale)
			switch diff := float64(c.After) - expected; {
			case c.Ratio >= 1.5 && diff >= 4*spread:
				c.Kind = "up"
			case c.Ratio <= 1/1.5 && -diff >= 4*spread:
				c.Kind = "down"
			default:
				continue
			}
		}
		out = append(out, c)
	}
	for code, b := range old {
		if _, there := now[code]; !there {
			b.Kind, b.Before, b.After, b.Rated = "gone", b.After, 0, rated
			out = append(out, b)
		}
	}
	kinds := []string{"new", "up", "down", "gone"}
	slices.SortFunc(out, func(a, b Change) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)),
			cmp.Compare(max(b.After, b.Before), max(a.After, a.Before)), cmp.Compare(a.Code, b.Code))
	})
	return out
}

// spanRatio is the length of after's span in that of before, 1 if one of them is too short to tell.
func spanRatio(before, after *aggregate.Result) (ratio float64, rated bool) {
	length := func(s aggregate.Span) time.Duration {
		if s.First == nil || s.Last == nil {
			return 0
		}
		return s.Last.Sub(*s.First)
	}
	b, a := length(before.Span), length(after.Span)
	if b < time.Hour || a < time.Hour {
		return 1, false
	}
	return float64(a) / float64(b), true
}

// changeCounts is each code of res that occurred, as a Change with only After.
func changeCounts(res *aggregate.Result) map[string]Change {
	counts := map[string]Change{}
	for i := range res.Codes {
		if r := &res.Codes[i]; r.Count > 0 {
			code := strconv.Itoa(int(r.Code))
			counts[code] = Change{Code: code, Name: r.Name, Category: r.Category, After: r.Count}
		}
	}
	for _, v := range res.Unknown.Values {
		if _, known := counts[v.Value]; !known && v.Count > 0 {
			counts[v.Value] = Change{Code: v.Value, Category: "unknown", After: v.Count}
		}
	}
	return counts
}

// ChangeText writes the changes as a table for people, or for a pipe.
func ChangeText(w io.Writer, changes []Change, opt TextOptions) error {
	p := printer{w: w}
	if opt.Plain {
		t := table{head: []string{"change", "code", "name", "category", "before", "after", "ratio"}, right: []bool{false, false, false, false, true, true, true}}
		for _, c := range changes {
			t.add(c.Kind, plainCell(c.Code), plainCell(c.Name), plainCell(c.Category), strconv.FormatInt(c.Before, 10), strconv.FormatInt(c.After, 10), changeRatio(c, "-"))
		}
		t.write(&p, "")
		return p.err
	}
	s := screen{ink: ink(opt.Color), opt: opt, lang: opt.Lang}
	if s.opt.Width <= 0 {
		s.opt.Width = 80
	}
	p.line("")
	title := s.say("SINCE THE BASELINE", "与基线相比")
	if len(changes) > 0 && changes[0].Rated {
		title += s.say("  (× of events per hour)", "（× 为每小时次数之比）")
	}
	p.line("  %s", s.ink.bold(cut(title, s.opt.Width-2)))
	if len(changes) == 0 {
		p.line("  %s", s.say("nothing new, gone, up or down", "没有新增、消失、上升或下降"))
		return p.err
	}
	t := table{right: []bool{false, true, false, true, false, true, true}}
	for _, c := range changes {
		t.add(s.changeKind(c.Kind), quoteValue(c.Code), cut(shortName(c.Name), 32), grouped(c.Before), "→", grouped(c.After), changeRatio(c, ""))
	}
	t.screen(&p, "  ", s.opt.Width, s.ink)
	return p.err
}

func (s *screen) changeKind(kind string) string {
	switch kind {
	case "new":
		return s.say("new", "新增")
	case "gone":
		return s.say("gone", "消失")
	case "up":
		return s.say("up", "上升")
	case "down":
		return s.say("down", "下降")
	}
	return clean(kind, 16)
}

func changeRatio(c Change, none string) string {
	if c.Ratio == 0 {
		return none
	}
	if c.Ratio < 10 {
		return fmt.Sprintf("%.2f×", c.Ratio)
	}
	return fmt.Sprintf("%.0f×", c.Ratio)
}
