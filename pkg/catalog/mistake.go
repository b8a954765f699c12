package catalog

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Mistake is one thing wrong in a catalog file. Overlay returns all of a file joined; errors.As finds the first.
type Mistake struct {
	File       string
	Line       int // from 1
	Problem    string
	Suggestion string // what to write instead; may be empty
}

// Error gives file, line, problem and suggestion on one line.
func (m *Mistake) Error() string {
	s := fmt.Sprintf("%s:%d: %s", m.File, m.Line, m.Problem)
	if m.Suggestion != "" {
		s += "; " + m.Suggestion
	}
	return s
}

// maxMistakes are told apart; a file that is no catalog at all has one on every line.
const maxMistakes = 50

func join(file string, mistakes []Mistake) error {
	var errs []error
	for i := range mistakes {
		if i == maxMistakes {
			errs = append(errs, fmt.Errorf("%s: %d more mistakes", file, len(mistakes)-i))
			break
		}
		mistakes[i].File = file
		errs = append(errs, &mistakes[i])
	}
	return errors.Join(errs...)
}

// clip cuts a piece of the file down to what fits in a message.
func clip(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

func suggest(s string) string { return fmt.Sprintf("did you mean %q?", clip(s)) }

// closest suggests the member of set that word was probably meant to be, with before and after around it; "" if none is near.
func closest(word string, set []string, before, after string) string {
	word = strings.ToLower(clip(word))
	best, least := "", 1<<30
	for _, s := range set {
		d := distance(word, s)
		if len(word) >= 3 && (strings.HasPrefix(s, word) || strings.HasPrefix(word, s)) {
			d = min(d, 1)
		}
		if d < least && d <= max(1, len(s)/3) {
			best, least = s, d
		}
	}
	if best == "" {
		return ""
	}
	return suggest(before + best + after)
}

// distance is the number of bytes to insert, delete or change, or neighbours to swap, that make a into b.
func distance(a, b string) int {
	var prev2 []int
	prev := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := prev[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(prev[j]+1, row[j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
		}
		prev2, prev = prev, row
	}
	return prev[len(b)]
}
