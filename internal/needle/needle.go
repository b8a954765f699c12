// Package needle finds, in a block of bytes, the next place that can be an error: a key type, in any of its spellings,
// whose value can be a code. It is the first look at every byte, so it is made to be fast; it may report too much,
// never too little.
package needle

// Next returns the position ≥ from of the next key type in b that can name an error, or -1. The position lies inside the
// key (or its escape). A hit whose look-ahead would pass the end of b is reported.
func Next(b []byte, from int) int { return -1 }
