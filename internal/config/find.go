package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// None is the name of a file that is not wanted: no file is read.
const None = "none"

// maxFile is the size of the largest configuration, in bytes.
const maxFile = 1 << 20

// Find returns the file to load, its name "" if there is none. Named is what --config or IMERR_CONFIG says: a file that must
// be there, or none. If it is empty, $XDG_CONFIG_HOME/imerr-scan/config.yaml (in ~/.config if the variable is not set) is
// looked for, then /etc/imerr-scan/config.yaml. A file that is there and cannot be read is an error.
func Find(named string, env func(string) (string, bool), readFile func(name string, limit int) ([]byte, error)) (name string, data []byte, err error) {
	switch named {
	case None:
		return "", nil, nil
	case "":
		for _, name := range usual(env) {
			data, err := readFile(name, maxFile)
			switch {
			case err == nil:
				return name, data, nil
			case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
				return "", nil, fmt.Errorf("configuration %s", fileProblem(name, err))
			}
		}
		return "", nil, nil
	}
	if data, err = readFile(named, maxFile); err != nil {
		return "", nil, fmt.Errorf("configuration %s", fileProblem(named, err))
	}
	return named, data, nil
}

// usual returns where a configuration is looked for. A relative XDG_CONFIG_HOME is invalid and ignored, as its specification
// wants.
func usual(env func(string) (string, bool)) []string {
	var names []string
	folder, _ := env("XDG_CONFIG_HOME")
	if !filepath.IsAbs(folder) {
		folder = ""
		if home, _ := env("HOME"); filepath.IsAbs(home) {
			folder = filepath.Join(home, ".config")
		}
	}
	if folder != "" {
		names = append(names, filepath.Join(folder, "imerr-scan", "config.yaml"))
	}
	return append(names, "/etc/imerr-scan/config.yaml")
}

// ReadFile reads a file of at most limit bytes.
func ReadFile(name string, limit int) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(data) > limit {
		return nil, fmt.Errorf("larger than %s", size(limit))
	}
	return data, nil
}

func size(bytes int) string {
	if bytes >= 1<<20 {
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%d KiB", bytes>>10)
}
