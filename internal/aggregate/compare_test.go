package aggregate

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// counts makes a result of counts by code; 0 is unknown, as the one value 1305.
func counts(of map[int32]int64) *Result {
	r := &Result{Schema: Schema, Categories: map[string]int64{}}
	for code, n := range of {
		r.Events += n
		if code == 0 {
			r.Unknown = Unknown{Count: n, Values: []UnknownValue{{Value: "1305", Count: n}}}
			continue
		}
		r.Codes = append(r.Codes, CodeResult{Code: code, Name: "CODE", Category: "auth", Count: n})
	}
	return r
}

// lasting gives a result a span.
func lasting(d time.Duration, r *Result) *Result {
	first, last := time.UnixMilli(start), time.UnixMilli(start).Add(d)
	r.Span = Span{First: &first, Last: &last}
	return r
}

func TestCompare(t *testing.T) {
	type is = map[int32]int64
	change := func(kind ChangeKind, code string, before, after int64, ratio float64) Change {
		return Change{Kind: kind, Code: code, Name: "CODE", Category: "auth", Before: before, After: after, Ratio: ratio}
	}
	for _, tc := range []struct {
		name          string
		before, after is
		want          []Change
	}{
		{"nothing in either", nil, nil, nil},
		{"the same", is{206: 7}, is{206: 7}, nil},
		{"a code that is new", nil, is{50: 1}, []Change{change(ChangeNew, "50", 0, 1, 0)}},
		{"a code that is gone", is{50: 1}, nil, []Change{change(ChangeGone, "50", 1, 0, 0)}},
		{"a code of no events is none", is{50: 0}, is{51: 0}, nil},
		{"a storm", is{206: 320}, is{206: 7680}, []Change{change(ChangeUp, "206", 320, 7680, 24)}},
		{"over", is{206: 8000}, is{206: 320}, []Change{change(ChangeDown, "206", 8000, 320, 0.04)}},
		{"three times as many of few is chance", is{206: 4}, is{206: 12}, nil},
		{"a third more is no news, however sure", is{206: 100_000}, is{206: 133_000}, nil},
		{
			"all kinds in their order",
			is{1: 10, 2: 1000, 3: 10, 4: 10, 6: 100}, is{2: 10, 3: 1000, 4: 500, 5: 1, 6: 101},
			[]Change{
				change(ChangeNew, "5", 0, 1, 0), change(ChangeUp, "3", 10, 1000, 100), change(ChangeUp, "4", 10, 500, 50),
				change(ChangeDown, "2", 1000, 10, 0.01), change(ChangeGone, "1", 10, 0, 0),
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Compare(counts(tc.before), counts(tc.after))
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompareTimesOfDifferentLength(t *testing.T) {
	a, b := map[int32]int64{206: 400}, map[int32]int64{206: 1600}
	for _, tc := range []struct {
		name          string
		before, after time.Duration
		ratio         float64 // 0: no change
		rated         bool
	}{
		{"six hours and a day", 6 * time.Hour, 24 * time.Hour, 0, false},
		{"a day each", 24 * time.Hour, 24 * time.Hour, 4, true},
		{"a day and six hours", 24 * time.Hour, 6 * time.Hour, 16, true},
		{"half an hour says nothing", 30 * time.Minute, 24 * time.Hour, 4, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Compare(lasting(tc.before, counts(a)), lasting(tc.after, counts(b)))
			switch {
			case tc.ratio == 0 && len(got) > 0:
				t.Errorf("changes: %+v, want none", got)
			case tc.ratio != 0 && (len(got) != 1 || got[0].Ratio != tc.ratio || got[0].Rated != tc.rated):
				t.Errorf("changes: %+v, want a ratio of %v, rated: %t", got, tc.ratio, tc.rated)
			}
		})
	}
	if got := Compare(counts(a), lasting(time.Hour, counts(b))); len(got) != 1 || got[0].Rated {
		t.Errorf("without a time: %+v", got)
	}
}

// TestChanceIsNoChange compares counts of equal rates, the later ones of a quarter of the time.
func TestChanceIsNoChange(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	poisson := func(mean float64) int64 {
		n := int64(0)
		for left := r.ExpFloat64(); left < mean; left += r.ExpFloat64() {
			n++
		}
		return n
	}
	wrong := 0
	for range 20_000 {
		mean := math.Exp(r.Float64() * 6)
		c := Change{Before: max(poisson(mean), 1), After: max(poisson(mean/4), 1)}
		if c.judge(0.25) {
			wrong++
		}
	}
	if wrong > 20 {
		t.Errorf("%d of 20,000 codes that did not change are up or down", wrong)
	}
}

func TestCompareValuesInNoCatalog(t *testing.T) {
	values := func(count int64, of ...UnknownValue) *Result {
		return &Result{Unknown: Unknown{Count: count, Values: of}}
	}
	some := func(value string, n int64) UnknownValue { return UnknownValue{Value: value, Count: n} }
	for _, tc := range []struct {
		name          string
		before, after *Result
		want          []string
	}{
		{"one by one", values(12, some("1305", 5), some("777", 7)), values(15, some("1305", 5), some("778", 10)), []string{"new 778", "gone 777"}},
		{"many more of one", values(5, some("777", 5)), values(500, some("777", 500)), []string{"up 777"}},
		{"perhaps hidden before", values(1000, some("777", 5)), values(9, some("778", 9)), []string{"gone 777"}},
		{"perhaps hidden now", values(9, some("778", 9)), values(1000, some("777", 5)), []string{"new 777"}},
		{"in the catalog of the later one", values(3, some("1305", 3)), counts(map[int32]int64{1305: 3}), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, c := range Compare(tc.before, tc.after) {
				got = append(got, string(c.Kind)+" "+c.Code)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFailOn(t *testing.T) {
	r := counts(map[int32]int64{206: 7666, 217: 1346, 0: 37, 500: 2})
	r.Lines = Lines{Read: 100_000, WithError: 9000, Broken: 212}
	r.Categories = map[string]int64{"auth": 9012, "unknown": 37}
	r.Users = Distinct{Distinct: 3911}
	r.Alerts = nil
	before := counts(map[int32]int64{206: 312, 500: 500, 40: 3})
	for _, tc := range []struct{ cond, want string }{
		{"code=217>0", "code=217>0 (1346)"},
		{"code=217>1346", ""},
		{"code=217>=1346", "code=217>=1346 (1346)"},
		{"code=28>0", ""},
		{"code=28=0", "code=28=0 (0)"},
		{"code=28<1", "code=28<1 (0)"},
		{"code=28<=0", "code=28<=0 (0)"},
		{"code=unknown>36", "code=unknown>36 (37)"},
		{"code=206>1%", "code=206>1% (7.67%)"},
		{"category=auth>1%", "category=auth>1% (9.01%)"},
		{"category=auth>9.5%", ""},
		{"category=quota>0", ""},
		{"users>100", "users>100 (3911)"},
		{"events>9050", "events>9050 (9051)"},
		{"unknown>0", "unknown>0 (37)"},
		{"broken>0.1%", "broken>0.1% (0.21%)"},
		{"alerts>0", ""},
		{"new>0", "new>0 (2)"},
		{"up>0", "up>0 (1)"},
		{"down=1", "down=1 (1)"},
		{"gone>0", "gone>0 (1)"},
		{" code=28>0 , users > 100 ", "users > 100 (3911)"},
	} {
		t.Run(tc.cond, func(t *testing.T) {
			c, err := ParseFailOn(tc.cond)
			if err != nil {
				t.Fatal(err)
			}
			if got, is := c.Eval(r, before); got != tc.want || is != (tc.want != "") {
				t.Errorf("Eval = %q, %t, want %q", got, is, tc.want)
			}
		})
	}
}

func TestFailOnWithoutABaseline(t *testing.T) {
	for cond, needs := range map[string]bool{"new>0": true, "users>1,gone=0": true, "users>1,code=206>0": false} {
		c, err := ParseFailOn(cond)
		if err != nil {
			t.Fatal(err)
		}
		if c.NeedsBaseline() != needs {
			t.Errorf("%s needs a baseline: %t", cond, !needs)
		}
		if got, is := c.Eval(counts(nil), nil); is {
			t.Errorf("%s is true of nothing: %q", cond, got)
		}
	}
}

func TestFailOnMistakes(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"", `condition "": want a comparison such as code=217>0`},
		{"code=217", "want a comparison"},
		{"users>100,", `condition "": want a comparison`},
		{"code=kick>0", `code "kick": want a number, or unknown`},
		{"code=>0", `code "": want a number`},
		{"category=auht>0", `category "auht": want one of auth, messaging`},
		{"lines>0", `"lines": want code=NUMBER, category=NAME or one of events`},
		{"users>", `"": want a number such as 100 or 1%`},
		{"users>-1", `"-1": want a number`},
		{"users>NaN", `"NaN": want a number`},
		{"users>Inf", `"Inf": want a number`},
		{"users==1", `"=1": want a number`},
		{"users>>1", `">1": want a number`},
		{"users>1%", "users: want a number; a share"},
		{"new>1%", "new: want a number; a share"},
	} {
		t.Run(tc.in, func(t *testing.T) {
			if _, err := ParseFailOn(tc.in); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("ParseFailOn(%q): %v, want %q", tc.in, err, tc.want)
			}
		})
	}
}
