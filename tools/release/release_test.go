package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"
)

var packed = []file{{"x/imerr-scan", 0o755, []byte("binary")}, {"x/README.md", 0o644, []byte("read me")}}

func TestArchivesHoldTheFilesAndTheirModes(t *testing.T) {
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	tgz, err := tarball(packed, at)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(tgz))
	if err != nil {
		t.Fatal(err)
	}
	tarred := tar.NewReader(unpacked)
	for _, want := range packed {
		head, err := tarred.Next()
		if err != nil {
			t.Fatal(err)
		}
		if data, _ := io.ReadAll(tarred); head.Name != want.name || head.Mode != want.mode || !head.ModTime.Equal(at) || !bytes.Equal(data, want.data) {
			t.Errorf("tar has %s %o %s %q", head.Name, head.Mode, head.ModTime, data)
		}
	}
	z, err := zipped(packed, at)
	if err != nil {
		t.Fatal(err)
	}
	zr, err := zip.NewReader(bytes.NewReader(z), int64(len(z)))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range packed {
		if f := zr.File[i]; f.Name != want.name || int64(f.Mode().Perm()) != want.mode || !f.Modified.Equal(at) {
			t.Errorf("zip has %s %o %s", f.Name, f.Mode(), f.Modified)
		}
	}
}

func TestVersionsThatEverythingCanBear(t *testing.T) {
	for version, want := range map[string]bool{"1.0.0": true, "1.1.0-rc.1": true, "": false, "v1.0.0": false, "1.0": false, "1.0.0+x": false, "1.0.0; rm": false} {
		if versions.MatchString(version) != want {
			t.Errorf("%q: %t", version, !want)
		}
	}
}

func TestAnSBOMSaysNothingOfTheMachineThatMadeIt(t *testing.T) {
	made, err := impersonal([]byte(`{"metadata":{"tools":[{"name":"x","version":"v1","hashes":[{"alg":"MD5","content":"1"}]}]},"components":[{"hashes":[1]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(made), "MD5") || !strings.Contains(string(made), `"hashes"`) || !json.Valid(made) {
		t.Errorf("%s", made)
	}
}
