package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"imerr-scan/pkg/catalog"
)

// version, revision and date are set by the linker in releases; otherwise the build information serves.
var version, revision, date string

// build is what a binary knows of itself.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Date     string `json:"date"`
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	Catalog  string `json:"catalog"`
	Codes    int    `json:"codes"`
}

func readBuild() build {
	b := build{Version: version, Revision: revision, Date: date, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		if b.Version == "" && info.Main.Version != "" && info.Main.Version != "(devel)" {
			b.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision" && b.Revision == "":
				b.Revision = s.Value[:min(len(s.Value), 7)]
			case s.Key == "vcs.time" && b.Date == "":
				b.Date = s.Value[:min(len(s.Value), 10)]
			}
		}
	}
	if b.Version == "" {
		b.Version = "dev"
	}
	return b
}

// withCatalog adds the catalog that is built in.
func (b build) withCatalog() build {
	c := catalog.Web()
	b.Catalog, b.Codes = c.Platform()+"-"+c.Version(), c.Len()
	return b
}

// versionLine is the answer to --version.
func versionLine() string {
	b := readBuild().withCatalog()
	detail := b.Go + ", " + b.OS + "/" + b.Arch
	if b.Date != "" {
		detail = b.Date + ", " + detail
	}
	if b.Revision != "" {
		detail = b.Revision + ", " + detail
	}
	return fmt.Sprintf("imerr-scan %s (%s), catalog %s (%d codes)", b.Version, detail, b.Catalog, b.Codes)
}

func newVersion(env *environ) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print version and catalog",
		Args:  cobra.NoArgs,

		Annotations: map[string]string{ownConfig: "yes"},
		RunE: func(*cobra.Command, []string) error {
			switch output {
			case "text":
				_, err := fmt.Fprintln(env.stdout, versionLine())
				return err
			case "json":
				enc := json.NewEncoder(env.stdout)
				enc.SetIndent("", "  ")
				return enc.Encode(readBuild().withCatalog())
			}
			return usage("", "-o %q: want text or json", output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	complete(cmd, "output", "text", "json")
	return cmd
}
