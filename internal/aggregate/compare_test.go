package aggregate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// counts makes a result of counts by code; 0 is unknown.
func counts(of map[int32]int64) *Result {
	r := &Result{Schema: Schema, Categories: map[string]int64{}}
	for code, n := range of {
		r.Events += n
		if code == 0 {
			r.Unknown.Count = n
			continue
		}
		r.Codes = append(r.Codes, CodeResult{Code: code, Name: "CODE", Count: n})
	}
	return r
}

func TestCompare(t *testing.T) {
	for _, tc := range []struct {
		name     string
		old, new map[int32]int64
		want     []Change
	}{
		{"nothing in either", nil, nil, []Change{}},
		{"the same", map[int32]int64{206: 7}, map[int32]int64{206: 7}, []Change{}},
		{"a code that is new", nil, map[int32]int64{50: 1}, []Change{{Kind: ChangeNew, Code: 50, Name: "CODE", New: 1}}},
		{"a code that is gone", map[int32]int64{50: 1}, nil, []Change{{Kind: ChangeGone, Code: 50, Name: "CODE", Old: 1}}},
		{"unknown values are new", nil, map[int32]int64{0: 3}, []Change{{Kind: ChangeNew, Unknown: true, New: 3}}},
		{"a storm", map[int32]int64{206: 312}, map[int32]int64{206: 7666}, []Change{{Kind: ChangeUp, Code: 206, Name: "CODE", Old: 312, New: 7666}}},
		{"over", map[int32]int64{206: 7666}, map[int32]int64{206: 312}, []Change{{Kind: ChangeDown, Code: 206, Name: "CODE", Old: 7666, New: 312}}},
		{"twice as many of few is chance", map[int32]int64{206: 4}, map[int32]int64{206: 8}, []Change{}},
		{"a fifth more is no news, however sure", map[int32]int64{206: 100_000}, map[int32]int64{206: 120_000}, []Change{}},
		{
			"all kinds in their order",
			map[int32]int64{1: 10, 2: 1000, 3: 10, 4: 10, 6: 100}, map[int32]int64{2: 10, 3: 1000, 4: 500, 5: 1, 6: 101},
			[]Change{
				{Kind: ChangeNew, Code: 5, Name: "CODE", New: 1},
				{Kind: ChangeUp, Code: 3, Name: "CODE", Old: 10, New: 1000},
				{Kind: ChangeUp, Code: 4, Name: "CODE", Old: 10, New: 500},
				{Kind: ChangeDown, Code: 2, Name: "CODE", Old: 1000, New: 10},
				{Kind: ChangeGone, Code: 1, Name: "CODE", Old: 10},
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Compare(counts(tc.old), counts(tc.new))); diff != "" {
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
