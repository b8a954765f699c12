package kitcheck

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// load reads a Compose file as Compose does: schema, variables, references between its parts.
func load(t *testing.T, dir, text string) *types.Project {
	t.Helper()
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  dir,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, "compose.yaml"), Content: []byte(text)}},
		Environment: types.Mapping{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// The file stands alone: what it puts into the containers is what lies beside it in the sources, byte for byte.
func TestComposeTakesTheFile(t *testing.T) {
	const dir = "../../deploy/compose"
	source, err := os.ReadFile(filepath.Join(dir, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	here, printed := load(t, dir, string(source)), load(t, t.TempDir(), kit(t, "compose"))
	if len(printed.Configs) == 0 || len(printed.Services) != len(here.Services) {
		t.Fatalf("%d configs, %d services, of %d", len(printed.Configs), len(printed.Services), len(here.Services))
	}
	for name, config := range printed.Configs {
		if config.File != "" {
			t.Errorf("%s is not in the file", name)
		}
		want, err := os.ReadFile(here.Configs[name].File)
		if err != nil {
			t.Error(err)
		}
		if config.Content != string(want) {
			t.Errorf("%s is not what lies in %s", name, here.Configs[name].File)
		}
	}
	for name, service := range printed.Services {
		if _, version, ok := strings.Cut(service.Image, ":"); !ok || version == "latest" {
			t.Errorf("%s: image %s says no version", name, service.Image)
		}
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %d is open to the network", name, port.Target)
			}
		}
	}
}
