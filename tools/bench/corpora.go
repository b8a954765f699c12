package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"

	"imerr-scan/tools/corpusgen/corpus"
)

// aCorpus is a log on disk and the truth about it.
type aCorpus struct {
	path  string
	truth corpus.Truth
}

// corpus returns the corpus of a kind, written anew if it is not there yet. Its truth is written last, so that it stands
// only beside a finished log.
func (b *bench) corpus(ctx context.Context, kind, size string) (aCorpus, error) {
	switch kind {
	case "pipe":
		return b.corpus(ctx, "noise", size)
	case "gzip", "zstd":
		c, err := b.corpus(ctx, "noise", size)
		if err == nil {
			c.path, err = packed(c.path, kind)
		}
		return c, err
	}
	size, err := sizeOf(kind, size)
	if err != nil {
		return aCorpus{}, err
	}
	c := aCorpus{path: filepath.Join(b.dir, fmt.Sprintf("%s-%s-v%d.log", kind, size, corpus.Version))}
	text, err := os.ReadFile(corpus.TruthPath(c.path))
	if err != nil {
		cmd := exec.CommandContext(ctx, b.program("corpusgen"), "-kind", kind, "-size", size, "-out", c.path)
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return aCorpus{}, fmt.Errorf("corpusgen -kind %s: %w", kind, err)
		}
		if text, err = os.ReadFile(corpus.TruthPath(c.path)); err != nil {
			return aCorpus{}, err
		}
	}
	if err := json.Unmarshal(text, &c.truth); err != nil {
		return aCorpus{}, fmt.Errorf("%s: %w", corpus.TruthPath(c.path), err)
	}
	return c, nil
}

// packed returns the path of the log in a compressed form, which is made if it is not there.
func packed(path, kind string) (string, error) {
	ext := map[string]string{"gzip": ".gz", "zstd": ".zst"}[kind]
	if _, err := os.Stat(path + ext); err == nil {
		return path + ext, nil
	}
	in, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := os.Create(path + ext + ".part")
	if err != nil {
		return "", err
	}
	defer out.Close()
	var w io.WriteCloser = gzip.NewWriter(out)
	if kind == "zstd" {
		if w, err = zstd.NewWriter(out); err != nil {
			return "", err
		}
	}
	_, err = io.Copy(w, in)
	if err = errors.Join(err, w.Close(), out.Close()); err != nil {
		return "", err
	}
	return path + ext, os.Rename(out.Name(), path+ext)
}

// sizeOf makes the corpora smaller that need not be large.
func sizeOf(kind, size string) (string, error) {
	digits := strings.TrimRight(size, "KMGiB")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 {
		return "", fmt.Errorf("size %q: want a size such as 16MiB", size)
	}
	switch unit := size[len(digits):]; kind {
	case "spaced":
		return strconv.Itoa(max(n/2, 1)) + unit, nil
	case "odd":
		return strconv.Itoa(max(n/8, 1)) + unit, nil
	}
	return size, nil
}
