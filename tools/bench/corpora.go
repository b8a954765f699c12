package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

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
