package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The suite of faults: the real binary, and what systems do to it. docs/reliability.md says which test tries what; some were there
// before and stand with what they test. `make faults` runs them at full size.

var faultsFull = flag.Bool("faults-full", false, "run the faults at full size: a quarter of an hour")

// atSize returns how much of something a run has.
func atSize(little, full int) int {
	if *faultsFull {
		return full
	}
	return little
}

// TestFaultsAreTriedWhereTheDocumentSays keeps the table of docs/reliability.md from pointing at nothing, and each test of this suite in it.
func TestFaultsAreTriedWhereTheDocumentSays(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## Faults\n")
	if !ok {
		t.Fatal("no section Faults")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	named := map[string]bool{}
	for _, name := range regexp.MustCompile("`(Test[A-Z][A-Za-z0-9]*)`").FindAllStringSubmatch(section, -1) {
		named[name[1]] = true
	}
	sources := testSources(t)
	for name := range named {
		if !strings.Contains(sources, "func "+name+"(") {
			t.Errorf("there is no %s", name)
		}
	}
	for _, name := range regexp.MustCompile(`func (TestFaults?[A-Z][A-Za-z0-9]*)\(`).FindAllStringSubmatch(sources, -1) {
		if !named[name[1]] && name[1] != t.Name() {
			t.Errorf("%s is in no row", name[1])
		}
	}
}
