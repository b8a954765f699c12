// Command release builds what is published of a version: static binaries for six platforms in archives with manual and
// completions, deb and rpm packages, an SBOM for each binary, and the checksums of all.
//
//	go run ./tools/release -version 1.0.0 -out dist
//
// The same commit and the same Go give the same bytes, on any machine and in any folder: paths and build ids are left out, and
// every time in an archive is that of the commit. nfpm and cyclonedx-gomod, which make packages and SBOMs, are built from
// pinned versions by `go run` and are no dependencies of the product.
package main

import (
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	nfpm      = "github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.1" // later ones need modules that not every proxy has
	cyclonedx = "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0"
)

// platform is what a binary is built for.
type platform struct{ os, arch string }

var platforms = []platform{
	{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"},
}

// release is a version that is being built.
type release struct {
	version  string
	revision string // seven digits of the commit
	time     time.Time
	out      string // where results go
	work     string // where binaries and packing lists stand until the end
}

func main() {
	version := flag.String("version", "", "of the release, such as 1.0.0 (required)")
	out := flag.String("out", "dist", "folder for the results; must be empty or missing")
	only := flag.String("only", "", "build one binary, such as linux/amd64, and nothing else")
	flag.Parse()
	if err := run(*version, *out, *only); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// versions are those that packages, tags of images and file names can all bear.
var versions = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(-[0-9a-z.]+)?$`)

func run(version, out, only string) error {
	if !versions.MatchString(version) {
		return fmt.Errorf("version %q: want one such as 1.0.0 or 1.1.0-rc.1", version)
	}
	if old, err := os.ReadDir(out); err == nil && len(old) > 0 {
		return fmt.Errorf("%s is not empty", out)
	}
	r, err := newRelease(version, out)
	if err != nil {
		return err
	}
	defer os.RemoveAll(r.work)
	if only != "" {
		goos, arch, _ := strings.Cut(only, "/")
		return r.build(platform{goos, arch}, filepath.Join(out, "imerr-scan"))
	}
	return r.all()
}

// newRelease reads which commit this is, and makes the folders.
func newRelease(version, out string) (*release, error) {
	head, err := output("git", "log", "-1", "--format=%h %ct", "--abbrev=7")
	if err != nil {
		return nil, err
	}
	changed, err := output("git", "status", "--porcelain", "--untracked-files=no")
	if err != nil {
		return nil, err
	}
	revision, seconds, _ := strings.Cut(strings.TrimSpace(head), " ")
	if changed != "" {
		revision += "-dirty"
	}
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("time of the commit: %w", err)
	}
	work, err := os.MkdirTemp("", "imerr-release")
	if err != nil {
		return nil, err
	}
	out, err = filepath.Abs(out)
	if err != nil {
		return nil, err
	}
	return &release{version: version, revision: revision, time: time.Unix(unix, 0).UTC(), out: out, work: work}, os.MkdirAll(out, 0o755)
}

func (r *release) all() error {
	for _, p := range platforms {
		if err := r.build(p, r.binary(p)); err != nil {
			return err
		}
	}
	docs, err := r.docs()
	if err != nil {
		return err
	}
	for _, p := range platforms {
		if err := r.archive(p, docs); err != nil {
			return err
		}
		if err := r.sbom(p); err != nil {
			return err
		}
		if p.os == "linux" {
			if err := r.packages(p, docs); err != nil {
				return err
			}
		}
	}
	return r.checksums()
}

// build makes the static binary of a platform.
func (r *release) build(p platform, to string) error {
	fmt.Fprintf(os.Stderr, "build %s/%s\n", p.os, p.arch)
	values := fmt.Sprintf("-s -w -buildid= -X main.version=%s -X main.revision=%s -X main.date=%s", r.version, r.revision, r.time.Format(time.DateOnly))
	cmd := program("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", values, "-o", to, "./cmd/imerr-scan")
	cmd.Env = append(os.Environ(), "GOOS="+p.os, "GOARCH="+p.arch, "CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0", "GOWORK=off")
	return visible(cmd)
}

// binary is where the binary of a platform stands until the end.
func (r *release) binary(p platform) string {
	name := "imerr-scan"
	if p.os == "windows" {
		name += ".exe"
	}
	return filepath.Join(r.work, p.os+"_"+p.arch, name)
}

// file is what goes into an archive or a package.
type file struct {
	name string // in an archive, with slashes
	mode int64
	data []byte
}

// docs are the files that go with every binary; manual and completions are asked of one that runs here.
func (r *release) docs() ([]file, error) {
	here := r.binary(platform{runtime.GOOS, runtime.GOARCH})
	if _, err := os.Stat(here); err != nil {
		return nil, fmt.Errorf("releases are built on one of the platforms they are for: %w", err)
	}
	var docs []file
	for _, name := range []string{"README.md", "CHANGELOG.md"} {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		docs = append(docs, file{name, 0o644, data})
	}
	for name, args := range map[string][]string{
		"imerr-scan.1": {"kit", "man"}, "imerr-scan.service": {"kit", "systemd"}, "imerr-rules.yaml": {"kit", "prometheus"},
		"completions/imerr-scan.bash": {"completion", "bash"}, "completions/_imerr-scan": {"completion", "zsh"},
		"completions/imerr-scan.fish": {"completion", "fish"}, "completions/imerr-scan.ps1": {"completion", "powershell"},
	} {
		text, err := output(here, args...)
		if err != nil {
			return nil, err
		}
		docs = append(docs, file{name, 0o644, []byte(text)})
	}
	slices.SortFunc(docs, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return docs, nil
}

// sbom lists the modules that a binary was linked from, as the binary itself says.
func (r *release) sbom(p platform) error {
	text, err := output("go", "run", cyclonedx, "bin", "-json", "-std", "-noserial", "-notimestamp", "-version", "v"+r.version, r.binary(p))
	if err != nil {
		return err
	}
	bom, err := impersonal([]byte(text))
	if err != nil {
		return fmt.Errorf("SBOM of %s/%s: %w", p.os, p.arch, err)
	}
	return os.WriteFile(filepath.Join(r.out, r.name(p)+".cdx.json"), bom, 0o644)
}

// impersonal takes from an SBOM the checksums of the tool that wrote it, which differ from machine to machine.
func impersonal(text []byte) ([]byte, error) {
	var bom map[string]any
	if err := json.Unmarshal(text, &bom); err != nil {
		return nil, err
	}
	metadata, _ := bom["metadata"].(map[string]any)
	tools, _ := metadata["tools"].([]any)
	for _, tool := range tools {
		if tool, ok := tool.(map[string]any); ok {
			delete(tool, "hashes")
		}
	}
	return json.MarshalIndent(bom, "", " ")
}

// name is that of the archive of a platform, without its ending.
func (r *release) name(p platform) string {
	return "imerr-scan_" + r.version + "_" + p.os + "_" + p.arch
}

// checksums writes SHA256SUMS, as sha256sum -c reads it.
func (r *release) checksums() error {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(r.out, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(data), e.Name())
	}
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), []byte(sums.String()), 0o644)
}

// program is a command that runs to its end; Ctrl-C reaches it as it reaches us.
func program(name string, args ...string) *exec.Cmd {
	return exec.Command(name, args...) //nolint:noctx // see above
}

// output runs a program and returns what it printed.
func output(name string, args ...string) (string, error) {
	cmd := program(name, args...)
	cmd.Env = append(os.Environ(), "IMERR_CONFIG=none", "LC_ALL=C")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", cmd, err)
	}
	return string(out), nil
}

// visible runs a program that speaks to whoever builds.
func visible(cmd *exec.Cmd) error {
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", cmd, err)
	}
	return nil
}

// quiet runs a program and shows what it said only if it fails.
func quiet(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}
