package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"time"
)

// archive packs the binary of a platform with docs: a zip for Windows, else a tar.gz, in a folder of its name.
func (r *release) archive(p platform, docs []file) error {
	binary := r.binary(p)
	data, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	files := append([]file{{filepath.Base(binary), 0o755, data}}, docs...)
	for i := range files {
		files[i].name = r.name(p) + "/" + files[i].name
	}
	pack, ending := tarball, ".tar.gz"
	if p.os == "windows" {
		pack, ending = zipped, ".zip"
	}
	packed, err := pack(files, r.time)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, r.name(p)+ending), packed, 0o644)
}

// tarball is a tar.gz in which nothing tells who packed it, and when.
func tarball(files []file, at time.Time) ([]byte, error) {
	var tarred bytes.Buffer
	w := tar.NewWriter(&tarred)
	for _, f := range files {
		head := tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.data)), ModTime: at, Format: tar.FormatUSTAR}
		if err := w.WriteHeader(&head); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return gzipped(tarred.Bytes())
}

func gzipped(data []byte) ([]byte, error) {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	err = w.Close()
	return packed.Bytes(), err
}

func zipped(files []file, at time.Time) ([]byte, error) {
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	for _, f := range files {
		head := zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: at}
		head.SetMode(os.FileMode(f.mode))
		member, err := w.CreateHeader(&head)
		if err != nil {
			return nil, err
		}
		if _, err := member.Write(f.data); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return packed.Bytes(), err
}
