//go:build peers && unix

package main

import "testing"

// All recipes are run, with the real DuckDB too.
func TestARealDuckDBRunsTheRecipes(t *testing.T) {
	recipes(t, func(string) bool { return true })
}
