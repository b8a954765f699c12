// Package deploy holds the files that surround the service, so that the binary can print those that fit it.
package deploy

import (
	"embed"
	"strings"
)

//go:embed prometheus/rules.yaml prometheus/rules_test.yaml systemd/imerr-scan.service
var files embed.FS

// Runbooks is the address in the rules that stands for where docs/runbooks.md is published.
const Runbooks = "https://example.com/runbooks.md"

// Kinds returns what Print knows.
func Kinds() []string { return []string{"prometheus", "prometheus-tests", "systemd"} }

var paths = map[string]string{
	"prometheus": "prometheus/rules.yaml", "prometheus-tests": "prometheus/rules_test.yaml", "systemd": "systemd/imerr-scan.service",
}

// Print returns a file of one of Kinds, with the address of the runbooks put in; "" for another kind.
func Print(kind, runbooks string) string {
	data, err := files.ReadFile(paths[kind])
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(string(data), Runbooks, runbooks)
}
