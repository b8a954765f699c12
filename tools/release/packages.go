package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// places are where a system looks for what goes with the binary. zsh differs.
var places = map[string]string{
	"README.md": "/usr/share/doc/imerr-scan/README.md", "CHANGELOG.md": "/usr/share/doc/imerr-scan/CHANGELOG.md",
	"imerr-rules.yaml": "/usr/share/doc/imerr-scan/imerr-rules.yaml", "imerr-scan.1": "/usr/share/man/man1/imerr-scan.1.gz",
	"imerr-scan.service": "/usr/lib/systemd/system/imerr-scan.service", "completions/imerr-scan.bash": "/usr/share/bash-completion/completions/imerr-scan",
	"completions/imerr-scan.fish": "/usr/share/fish/vendor_completions.d/imerr-scan.fish",
}

var zshPlaces = map[string]string{"deb": "/usr/share/zsh/vendor-completions/_imerr-scan", "rpm": "/usr/share/zsh/site-functions/_imerr-scan"}

// firstConfig is what /etc/imerr-scan/config.yaml says after the first installation.
const firstConfig = "deploy/systemd/config.yaml"

// packages makes the deb and the rpm of a Linux platform. They run no scripts: the unit brings its own user, and is enabled by
// whoever wants it.
func (r *release) packages(p platform, docs []file) error {
	for _, kind := range []string{"deb", "rpm"} {
		list, err := r.packingList(p, kind, docs)
		if err != nil {
			return err
		}
		cmd := program("go", "run", nfpm, "package", "--config", list, "--packager", kind, "--target", r.out)
		cmd.Env = append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.time.Unix()))
		if err := quiet(cmd); err != nil {
			return err
		}
	}
	return nil
}

// packingList writes nfpm's configuration, and the files it names, and returns its path.
func (r *release) packingList(p platform, kind string, docs []file) (string, error) {
	dir := filepath.Join(r.work, p.arch+"_"+kind)
	var list strings.Builder
	fmt.Fprintf(&list, `name: imerr-scan
arch: %s
platform: linux
version: %s
release: "1"
section: utils
priority: optional
maintainer: imerr-scan maintainers <maintainers@imerr-scan.invalid>
description: |
  finds the errors of the Agora / Easemob IM SDK in logs
  and says what they mean: counts, alerts and metrics from files,
  pipes and Kafka.
mtime: %s
rpm:
  buildhost: localhost
contents:
`, p.arch, r.version, r.time.Format(time.RFC3339))
	add := func(source, place, mode, kind string) {
		fmt.Fprintf(&list, "  - {src: %q, dst: %q, type: %q, file_info: {mode: %s, mtime: %q}}\n", source, place, kind, mode, r.time.Format(time.RFC3339))
	}
	add(r.binary(p), "/usr/bin/imerr-scan", "0755", "")
	add(firstConfig, "/etc/imerr-scan/config.yaml", "0644", "config|noreplace")
	for _, f := range docs {
		place, data := places[f.name], f.data
		if f.name == "completions/_imerr-scan" {
			place = zshPlaces[kind]
		}
		if place == "" {
			continue
		}
		if strings.HasSuffix(place, ".gz") {
			var err error
			if data, err = gzipped(data); err != nil {
				return "", err
			}
		}
		source := filepath.Join(dir, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(source), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(source, data, 0o644); err != nil {
			return "", err
		}
		add(source, place, "0644", "")
	}
	name := filepath.Join(dir, "nfpm.yaml")
	return name, os.WriteFile(name, []byte(list.String()), 0o644)
}
