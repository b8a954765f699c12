// Package deploy holds the files that surround the service, so that the binary can print those that fit it: rules and dashboard
// of its metrics, what runs it on a machine, in Kubernetes and in Compose, what Kafka has to allow.
package deploy

import (
	"embed"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

//go:embed compose docker grafana k8s kafka prometheus systemd
var files embed.FS

// Runbooks is the address in the rules that stands for where docs/runbooks.md is published.
const Runbooks = "https://example.com/runbooks.md"

// image is the image's name in the files; its tag stands for the version.
const image = "imerr-scan:dev"

var paths = map[string]string{
	"compose": "compose/compose.yaml", "docker": "docker/Dockerfile", "grafana": "grafana/imerr-scan.json", "k8s": "k8s/imerr-scan.yaml",
	"kafka": "kafka/topics.sh", "prometheus": "prometheus/rules.yaml", "prometheus-tests": "prometheus/rules_test.yaml",
	"systemd": "systemd/imerr-scan.service",
}

// Kinds returns what Print knows, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(paths)) }

// Options are what differs from build to build and from house to house. The zero value leaves the files as they are.
type Options struct {
	Version  string // the image's tag
	Runbooks string // where docs/runbooks.md is published
}

// Print returns a file of one of Kinds, which needs no other; "" for another kind.
func Print(kind string, o Options) string {
	name, ok := paths[kind]
	if !ok {
		return ""
	}
	data, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	text := string(data)
	if kind == "compose" {
		text = inlined(text, path.Dir(name))
	}
	if o.Version != "" {
		text = strings.ReplaceAll(text, image, "imerr-scan:"+strings.ReplaceAll(o.Version, "+", "-")) // no tag has a plus
		text = strings.ReplaceAll(text, "VERSION=dev", "VERSION="+o.Version)
	}
	if o.Runbooks != "" {
		text = strings.ReplaceAll(text, Runbooks, o.Runbooks)
	}
	return text
}

// reference is a config of Compose that stands in a file beside it.
var reference = regexp.MustCompile(`(?m)^    file: (\S+)\n`)

// inlined puts the files a Compose file refers to into it, so that it stands alone. Compose takes $ for a variable, $$ for $.
func inlined(text, dir string) string {
	return reference.ReplaceAllStringFunc(text, func(line string) string {
		data, err := files.ReadFile(path.Join(dir, reference.FindStringSubmatch(line)[1]))
		if err != nil {
			panic(err) // it is embedded
		}
		var b strings.Builder
		b.WriteString("    content: |\n")
		for line := range strings.Lines(strings.ReplaceAll(string(data), "$", "$$")) {
			if line != "\n" {
				b.WriteString("      ")
			}
			b.WriteString(line)
		}
		return b.String()
	})
}
