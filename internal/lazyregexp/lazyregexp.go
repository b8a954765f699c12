// Package lazyregexp has regular expressions that are compiled when they are first used, so that a start of the program, which uses
// few of them, does not pay for all.
package lazyregexp

import (
	"regexp"
	"sync"
)

// New returns a function that returns the expression. It panics at its first call if expr is none.
func New(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
