package config

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestExpand(t *testing.T) {
	vars := map[string]string{"A": "1", "B": "${A}", "EMPTY": "", "_x9": "y"}
	env := func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
	for _, tc := range []struct{ name, in, want, problem string }{
		{"nothing", "abc", "abc", ""},
		{"a variable", "x${A}y", "x1y", ""},
		{"two", "${A}${_x9}", "1y", ""},
		{"an empty one", "a${EMPTY}b", "ab", ""},
		{"what comes out is left alone", "${B}", "${A}", ""},
		{"dollars of a password", "pa$$word$A$", "pa$$word$A$", ""},
		{"escaped", "$${A}", "${A}", ""},
		{"escaped behind a dollar", "$$${A}", "$${A}", ""},
		{"escaped, then not", "$${A}${A}", "${A}1", ""},
		{"escaped without an end", "$${", "${", ""},
		{"unset", "${C}", "", "environment variable C is not set"},
		{"without an end", "${A", "", `"${" without "}": write $${ if no variable is meant`},
		{"no name", "${1}", "", `${…}: want a name of letters, digits and _ between the braces, or $${ if no variable is meant`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got, _, problem := expand(tc.in, env); got != tc.want || problem != tc.problem {
				t.Errorf("expand(%q) = %q, problem %q; want %q, %q", tc.in, got, problem, tc.want, tc.problem)
			}
		})
	}
}

// What scalarNode writes comes back, whatever it is.
func TestTextsComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		label := rapid.StringOfN(rapid.OneOf(rapid.SampledFrom([]rune("${}A'\"#:- \\*&!%@`,[]~\u00a0\u2028\ufeff")), rapid.Rune()), 1, 20, -1).Draw(t, "text")
		if unfit(label, "") != "" {
			t.Skip("refused")
		}
		n := scalarNode(label)
		got, _, problem := expand(n.Value, func(string) (string, bool) { return "", false })
		if got != label || problem != "" {
			t.Fatalf("expand(%q) = %q, %q; want %q", n.Value, got, problem, label)
		}
	})
}

func TestDurationsComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 1<<61).Draw(t, "ns")
		want, _ := parseDuration(fmt.Sprint(n) + "ns")
		got, ok := parseDuration(formatDuration(want))
		if !ok || got != want {
			t.Fatalf("%v is written %q and read %v, %t", want, formatDuration(want), got, ok)
		}
	})
	for in, want := range map[string]string{"300s": "5m", "1h": "1h", "90m": "1h30m", "7d": "168h", "61s": "1m1s", "10s": "10s"} {
		d, _ := parseDuration(in)
		if got := formatDuration(d); got != want {
			t.Errorf("formatDuration(%s) = %s, want %s", in, got, want)
		}
	}
	for _, bad := range []string{"", "5", "0s", "0d", "-5m", "+5m", "5x", "1.5d", "99999d", "9999999h"} {
		if d, ok := parseDuration(bad); ok {
			t.Errorf("parseDuration(%q) = %v, want none", bad, d)
		}
	}
}

// Files that are made to cost memory or time are refused, or are no larger in memory than on disk.
func TestHostileFiles(t *testing.T) {
	var laughs strings.Builder
	laughs.WriteString("a0: &a0 [lol, lol]\n")
	for i := range 60 {
		fmt.Fprintf(&laughs, "a%d: &a%d [*a%d, *a%d]\n", i+1, i+1, i, i)
	}
	fill := func(s string) string { return strings.Repeat(s, maxFile/len(s)) }
	for _, tc := range []struct{ name, in string }{
		{"billion laughs", laughs.String()},
		{"alias in its own anchor", "labels: &a {x: *a}\n"},
		{"brackets", fill("[")},
		{"brackets and line ends", fill("[\n")},
		{"dashes", fill("- ")},
		{"question marks", fill("? ")},
		{"keys", fill("a:\n")},
		{"one key over and over", fill("lang: zh\n")},
		{"elements", "limits:\n" + fill("- a\n")[:maxFile-100]},
		{"elements with a mistake each", "limits: [" + fill("{},")[:maxFile-100] + "]"},
		{"codes", "limits: [{name: a, window: 5m, events: 1, codes: [" + fill("206,")[:maxFile-100] + "]}]"},
		{"wrong codes", "limits:\n" + strings.Repeat("- {name: a, window: 5m, events: 1, codes: ["+strings.Repeat("NO_SUCH_CODE,", 70)+"]}\n", 256)},
		{"labels", "labels: {" + fill("a: b,")[:maxFile-100] + "}"},
		{"one long key", "labels:\n  " + fill("a")[:maxFile-100] + ": b\n"},
		{"one long value", "labels:\n  a: " + fill("b")[:maxFile-100] + "\n"},
		{"one long unknown key", fill("a")[:maxFile-100] + ": b\n"},
		{"variables", "labels:\n  a: " + fill("${TOKEN}")[:maxFile-100] + "\n"},
		{"indents", "labels:\n" + deepIndents()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := testWorld.load(tc.in)
			if err == nil {
				t.Fatal("accepted")
			}
			if n := len(err.Error()); n > 30_000 {
				t.Errorf("the error has %d bytes", n)
			}
			checkMistakes(t, err, tc.in)
		})
	}
}

func deepIndents() string {
	var b strings.Builder
	for i := range 1400 {
		b.WriteString(strings.Repeat(" ", i+1) + "a:\n")
	}
	return b.String()
}
