package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Mistake is one thing wrong with a configuration.
type Mistake struct {
	Source string // the file, "environment IMERR_LANG" or "--lang"
	Line   int    // in the file, from 1; 0 elsewhere
	Column int    // in characters, from 1
	Key    string // detector.min_count; "" if the file as a whole is meant
	Text   string // what is wrong, and what to write instead; never a secret
}

// Error gives all of it on one line.
func (m *Mistake) Error() string {
	s := m.Source
	if m.Line > 0 {
		s += ":" + strconv.Itoa(m.Line) + ":" + strconv.Itoa(m.Column)
	}
	if m.Key != "" {
		s += ": " + m.Key
	}
	return s + ": " + m.Text
}

// maxMistakes are told; a file that is no configuration at all has one in every line.
const maxMistakes = 50

// full says whether there are so many mistakes that reading on is of no use.
func (l *loader) full() bool { return len(l.mistakes) >= maxMistakes }

// mistake notes that something is wrong with a key, at its place or that of what it belongs to.
func (l *loader) mistake(key, format string, args ...any) {
	l.mistakeAt(l.placeOf(key), key, format, args...)
}

func (l *loader) mistakeAt(at origin, key, format string, args ...any) {
	l.failed[key] = true
	if l.full() {
		return
	}
	l.mistakes = append(l.mistakes, &Mistake{at.source, at.line, at.column, shortKey(key), fmt.Sprintf(format, args...)})
}

// shortKey makes of a key, in which anything may stand that a file has, one that can be shown.
func shortKey(key string) string {
	const most = 200
	if len(key) > most {
		key = strings.ToValidUTF8(key[:most], "") + "…"
	}
	return printable(key)
}

// complain is a mistake that a package found. Nothing is said twice of one key, and nothing of a part of what is wrong.
func (l *loader) complain(key, text string) {
	if stands, ok := l.alias[key]; ok {
		key = stands
	}
	if l.partial[key] || l.failed[key+"_file"] || l.failed[key+"s"] { // url, url_file and urls stand for each other
		return
	}
	for k := key; k != ""; k = parent(k) {
		if l.failed[k] {
			return
		}
	}
	l.mistake(key, "%s", text)
}

// placeOf returns where key was set, or the nearest thing around it.
func (l *loader) placeOf(key string) origin {
	for k := key; k != ""; k = parent(k) {
		if at, ok := l.where[k]; ok {
			return at
		}
	}
	return l.at(1, 1)
}

// at is a place in the file. A value that is missing at its very end may be said to stand behind it.
func (l *loader) at(line, column int) origin {
	if line > l.lines {
		line, column = l.lines, 1
	}
	return origin{source: l.in.File, line: line, column: column}
}

// parent takes the last step off a key: limits[0].window, limits[0], limits.
func parent(key string) string { return key[:max(0, strings.LastIndexAny(key, ".["))] }

// join puts a name behind the key it belongs to.
func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

// err joins the mistakes in the order of the file; those of variables and flags come behind.
func (l *loader) err() error {
	slices.SortStableFunc(l.mistakes, func(a, b *Mistake) int {
		return cmp.Or(cmp.Compare(min(b.Line, 1), min(a.Line, 1)), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	var errs []error
	for _, m := range l.mistakes {
		errs = append(errs, m)
	}
	if l.full() {
		errs = append(errs, fmt.Errorf("%s: reading stopped after %d mistakes", l.in.File, maxMistakes))
	}
	return errors.Join(append(errs, l.foreign...)...)
}

// fileProblem says why a file could not be read, without the operation that failed.
func fileProblem(name string, err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return fmt.Sprintf("%s: %v", name, err)
}

// quote shows a piece of the file.
func quote(s string) string { return strconv.Quote(clip(s)) }

func clip(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

// didYouMean suggests the one of words that word was probably meant to be; "" if none is near.
func didYouMean(word string, words []string) string {
	if best := closest(word, words); best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return ""
}

func closest(word string, words []string) string {
	word = strings.ToLower(clip(word))
	best, least := "", 1<<30
	for _, s := range words {
		d := distance(word, strings.ToLower(s))
		if len(word) >= 3 && (strings.HasPrefix(s, word) || strings.HasPrefix(word, s)) {
			d = min(d, 1)
		}
		if d < least && d <= max(1, len(s)/3) {
			best, least = s, d
		}
	}
	return best
}

// distance is the number of bytes to insert, delete or change, or neighbours to swap, that make a into b.
func distance(a, b string) int {
	var before []int
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, change)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
