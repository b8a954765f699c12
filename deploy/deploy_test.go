package deploy

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every rule links to an entry of the runbooks, and every entry belongs to a rule.
func TestEveryRuleHasARunbook(t *testing.T) {
	book, err := os.ReadFile("../docs/runbooks.md")
	if err != nil {
		t.Fatal(err)
	}
	rules := Print("prometheus", Runbooks)
	names := regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllStringSubmatch(rules, -1)
	if len(names) < 8 {
		t.Fatalf("%d rules", len(names))
	}
	for _, n := range names {
		if !strings.Contains(string(book), "\n## "+n[1]+"\n") {
			t.Errorf("docs/runbooks.md has no entry %s", n[1])
		}
		if !strings.Contains(rules, Runbooks+"#"+strings.ToLower(n[1])+"\n") {
			t.Errorf("rule %s links to no runbook of its own", n[1])
		}
	}
	if entries := strings.Count(string(book), "\n## "); entries != len(names) {
		t.Errorf("%d entries for %d rules", entries, len(names))
	}
}

// Rules use only metrics that the documentation of /metrics lists; that it lists what there is is checked where they are.
func TestRulesUseMetricsThatThereAre(t *testing.T) {
	docs, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`imerr_[a-z_]+`).FindAllString(Print("prometheus", Runbooks), -1) {
		if !strings.Contains(string(docs), "`"+name+"`") {
			t.Errorf("the rules use %s, which docs/metrics.md does not list", name)
		}
	}
}

func TestTheAddressOfTheRunbooksIsPutIn(t *testing.T) {
	got := Print("prometheus", "https://wiki/imerr")
	if strings.Contains(got, "example.com") || !strings.Contains(got, "https://wiki/imerr#imerrkickstorm") {
		t.Error("the rules do not link to the address given")
	}
	if Print("../deploy", Runbooks) != "" {
		t.Error("something is printed for a kit that there is not")
	}
}
