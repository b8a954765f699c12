package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestFind(t *testing.T) {
	const own, system = "/home/me/.config/imerr-scan/config.yaml", "/etc/imerr-scan/config.yaml"
	home := map[string]string{"HOME": "/home/me"}
	for _, tc := range []struct {
		name, named string
		vars        map[string]string
		files       []string
		want, err   string
	}{
		{"nothing there", "", home, nil, "", ""},
		{"no home", "", nil, []string{system}, system, ""},
		{"in the home", "", home, []string{own, system}, own, ""},
		{"of the system", "", home, []string{system}, system, ""},
		{"XDG_CONFIG_HOME", "", map[string]string{"HOME": "/home/me", "XDG_CONFIG_HOME": "/x"}, []string{"/x/imerr-scan/config.yaml", own}, "/x/imerr-scan/config.yaml", ""},
		{"XDG_CONFIG_HOME without a file", "", map[string]string{"HOME": "/home/me", "XDG_CONFIG_HOME": "/x"}, []string{own, system}, system, ""},
		{"relative XDG_CONFIG_HOME", "", map[string]string{"HOME": "/home/me", "XDG_CONFIG_HOME": "x"}, []string{"x/imerr-scan/config.yaml", own}, own, ""},
		{"home that is a file", "", map[string]string{"HOME": "/file"}, []string{system}, system, ""},
		{"home that may not be read", "", map[string]string{"HOME": "/locked"}, []string{system}, "", "configuration /locked/.config/imerr-scan/config.yaml: permission denied"},
		{"named", "mine.yaml", home, []string{"mine.yaml", own}, "mine.yaml", ""},
		{"named and not there", "mine.yaml", home, []string{own}, "", "configuration mine.yaml: file does not exist"},
		{"none", "none", home, []string{own, "none"}, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := world{files: map[string]string{}, vars: tc.vars}
			for _, f := range tc.files {
				w.files[f] = "# " + f
			}
			read := func(name string, limit int) ([]byte, error) {
				if strings.HasPrefix(name, "/file/") {
					return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOTDIR}
				}
				if strings.HasPrefix(name, "/locked/") {
					return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("permission denied")}
				}
				return w.readFile(name, limit)
			}
			got, data, err := Find(tc.named, w.env, read)
			if err != nil || tc.err != "" {
				if err == nil || err.Error() != tc.err {
					t.Errorf("Find = %v, want %s", err, tc.err)
				}
				return
			}
			if got != tc.want || tc.want != "" && string(data) != "# "+tc.want {
				t.Errorf("Find = %q, %q; want %q", got, data, tc.want)
			}
		})
	}
}

func TestReadFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := ReadFile(name, 5); err != nil || string(data) != "12345" {
		t.Errorf("ReadFile = %q, %v", data, err)
	}
	if data, err := ReadFile(name, 4); err == nil {
		t.Errorf("ReadFile of more than is allowed = %q", data)
	}
	if _, err := ReadFile(name+"x", 4); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadFile of nothing = %v", err)
	}
	if _, err := ReadFile(filepath.Dir(name), 4); err == nil {
		t.Error("a folder is read")
	}
}
