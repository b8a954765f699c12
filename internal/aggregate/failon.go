package aggregate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"imerr-scan/pkg/catalog"
)

// Cond is a condition for --fail-on: terms of which one has to be true.
type Cond struct{ terms []term }

// term is one comparison, such as category=auth>1%.
type term struct {
	text    string
	what    string // code, category, users, events …
	arg     string // 217, auth; "" for the others
	op      string
	limit   float64
	percent bool // of the lines read
}

// quantities are the words that stand alone before the comparison. Those of a baseline need one.
var quantities = []string{"events", "users", "unknown", "broken", "undated", "alerts", "new", "gone", "up", "down"}

var baselineQuantities = []string{"new", "gone", "up", "down"}

// ParseFailOn reads a condition: terms with commas between them, one of which has to be true. A term is a quantity
// (code=217, code=unknown, category=auth, events, users, unknown, broken, undated, alerts, and with a baseline new, gone,
// up, down, the number of codes of which that is true), one of > >= < <= =, and a number. A number with % is a share of the
// lines read.
func ParseFailOn(s string) (Cond, error) {
	var c Cond
	for text := range strings.SplitSeq(s, ",") {
		t, err := parseTerm(strings.TrimSpace(text))
		if err != nil {
			return Cond{}, fmt.Errorf("condition %q: %w", strings.TrimSpace(text), err)
		}
		c.terms = append(c.terms, t)
	}
	return c, nil
}

func parseTerm(text string) (term, error) {
	t := term{text: text}
	rest := text
	for _, key := range []string{"code", "category"} {
		if arg, ok := strings.CutPrefix(text, key+"="); ok {
			t.what, rest = key, arg
		}
	}
	i := strings.IndexAny(rest, "<>=")
	if i < 0 {
		return t, fmt.Errorf("want a comparison such as code=217>0, category=auth>1%% or users>100")
	}
	name := strings.TrimSpace(rest[:i])
	t.op = rest[i : i+1]
	number := rest[i+1:]
	if t.op != "=" && strings.HasPrefix(number, "=") {
		t.op, number = t.op+"=", number[1:]
	}
	if err := t.subject(name); err != nil {
		return t, err
	}
	return t, t.number(strings.TrimSpace(number))
}

// subject takes what stands before the comparison.
func (t *term) subject(name string) error {
	switch t.what {
	case "code":
		if _, err := strconv.ParseInt(name, 10, 32); err != nil && name != "unknown" {
			return fmt.Errorf("code %q: want a number, or unknown", name)
		}
		t.arg = name
	case "category":
		if !slices.Contains(catalog.Categories(), name) && name != "unknown" {
			return fmt.Errorf("category %q: want one of %s, unknown", name, strings.Join(catalog.Categories(), ", "))
		}
		t.arg = name
	default:
		if !slices.Contains(quantities, name) {
			return fmt.Errorf("%q: want code=NUMBER, category=NAME or one of %s", name, strings.Join(quantities, ", "))
		}
		t.what = name
	}
	return nil
}

// number takes what stands after the comparison.
func (t *term) number(s string) error {
	digits, percent := strings.CutSuffix(s, "%")
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || !(n >= 0 && n <= maxCount) {
		return fmt.Errorf("%q: want a number such as 100 or 1%%", s)
	}
	if percent && (t.what == "users" || t.what == "alerts" || slices.Contains(baselineQuantities, t.what)) {
		return fmt.Errorf("%s: want a number; a share is of the lines read, which says nothing here", t.what)
	}
	t.limit, t.percent = n, percent
	return nil
}

// NeedsBaseline says whether a term cannot be decided without an earlier result.
func (c Cond) NeedsBaseline() bool {
	return slices.ContainsFunc(c.terms, func(t term) bool { return slices.Contains(baselineQuantities, t.what) })
}

// Eval returns the first term that is true of r, with the value it found: "code=217>0 (1346)". baseline is the earlier
// result, or nil; without it terms that need one are false.
func (c Cond) Eval(r, baseline *Result) (string, bool) {
	var changes []Change
	if baseline != nil && c.NeedsBaseline() {
		changes = Compare(baseline, r)
	}
	for _, t := range c.terms {
		if baseline == nil && slices.Contains(baselineQuantities, t.what) {
			continue
		}
		n := t.value(r, changes)
		value, shown := float64(n), strconv.FormatInt(n, 10)
		if t.percent {
			value = 100 * float64(n) / float64(max(r.Lines.Read, 1))
			shown = strconv.FormatFloat(value, 'f', 2, 64) + "%"
		}
		if t.holds(value) {
			return fmt.Sprintf("%s (%s)", t.text, shown), true
		}
	}
	return "", false
}

func (t term) value(r *Result, changes []Change) int64 {
	switch t.what {
	case "code":
		return r.countOf(t.arg)
	case "category":
		return r.Categories[t.arg]
	case "events":
		return r.Events
	case "users":
		return r.Users.Distinct
	case "unknown":
		return r.Unknown.Count
	case "broken":
		return r.Lines.Broken
	case "undated":
		return r.Undated
	case "alerts":
		return int64(len(r.Alerts))
	}
	var n int64
	for _, c := range changes {
		if string(c.Kind) == t.what {
			n++
		}
	}
	return n
}

func (t term) holds(value float64) bool {
	switch t.op {
	case ">":
		return value > t.limit
	case ">=":
		return value >= t.limit
	case "<":
		return value < t.limit
	case "<=":
		return value <= t.limit
	}
	return value == t.limit
}

// countOf returns the events of a code, given as its number or as "unknown".
func (r *Result) countOf(code string) int64 {
	if code == "unknown" {
		return r.Unknown.Count
	}
	for _, c := range r.Codes {
		if n, err := strconv.ParseInt(code, 10, 32); err == nil && int64(c.Code) == n {
			return c.Count
		}
	}
	return 0
}
