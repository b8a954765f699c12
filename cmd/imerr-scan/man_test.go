package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// The manual has every verb and every flag, and roff finds in it no request that is not ours.
func TestTheManualIsWholeAndOnlyOurs(t *testing.T) {
	root := newRoot(&environ{})
	text := manPage(root)
	for _, verb := range verbs(root) {
		if !strings.Contains(text, "\n.SS \""+verb.Name()) {
			t.Errorf("no %s", verb.Name())
		}
		verb.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && !strings.Contains(text, roff("--"+f.Name)) {
				t.Errorf("no --%s of %s", f.Name, verb.Name())
			}
		})
	}
	ours := []string{".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".br", ".nf", ".fi", ".ad", ".nh"}
	for line := range strings.Lines(text) {
		if first, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(line, ".") && !slices.Contains(ours, first) || strings.HasPrefix(line, "'") {
			t.Errorf("roff would take for a request: %s", line)
		}
	}
}

func TestTextDoesNotBecomeRoff(t *testing.T) {
	for in, want := range map[string]string{
		"--fail-on": `\-\-fail\-on`, `a\nb`: `a\enb`, ".so /etc/passwd": `\&.so /etc/passwd`, "a\n.b\n'c": "a\n\\&.b\n\\&'c", "'x": `\&'x`,
	} {
		if got := roff(in); got != want {
			t.Errorf("roff(%q) = %q, want %q", in, got, want)
		}
	}
}
