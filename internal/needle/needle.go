// Package needle finds, in a block of bytes, the next place that can be an error: a key type, in any of its spellings,
// whose value can be a code. It is the first look at every byte, so it is made to be fast; it may report too much,
// never too little.
//
// Spellings: "type": 206, 'type': 206, type: 206 (util.inspect), type=206 (logfmt), any of them after a dot
// (error.type), quotes behind any number of backslashes (JSON in a JSON string), any letter as \u0074 and so on, white
// space around the colon, also written \n or \t. The string "type" or "error.type" without a colon behind it is one too: the
// key of an OTLP attribute, whose value stands elsewhere. The letter before the key must not be of the same word: chatType,
// mimetype and err_type are other keys; error_type, a nested key made flat, is one.
//
// Values: null, and a string with a lower-case letter as its first or second character, are no code, so "type":"txt",
// which stands on every line of a chat log, is no hit; a first \ is an escape and is a hit. All else is: extract knows more.
//
// A hit depends on the bytes of its line alone. What stands on another line than its key is reported unseen, so a block
// that ends in mid-document, or a line looked at by itself, gives the same hits.
//
//	for i := needle.Next(b, 0); i >= 0; i = needle.Next(b, i+1) {
//		// look at the document around b[i]
//	}
//
// Lines does the same for who also needs to know where lines begin and how many there are: one pass for both. Next and Lines
// have a kernel in AVX2 assembly (kernel_amd64.s), chosen at start, and everywhere else Go that sees the same.
package needle

import "encoding/binary"

// Next returns the position ≥ from of the next key type in b that can name an error, or -1. The position is that of the
// key's y, or of the backslash that escapes it. A hit whose look-ahead would pass the end of b, or of its line, is reported.
func Next(b []byte, from int) int {
	at := from
	if hasKernel {
		var hit int
		if hit, at = nextKernel(b, from); hit >= 0 {
			return hit
		}
	}
	return next(b, from, at)
}

// judgeEscaped returns the position of the hit's y if b[at:] is that y, its escape, or the escape of the p behind it; else -1.
func judgeEscaped(b []byte, at int) int {
	switch {
	case b[at] == 'y':
		if judge(b, at, at+1) {
			return at
		}
	case b[at] != '\\' || at+6 > len(b):
	case string(b[at:at+6]) == `\u0079`:
		if judge(b, beforeSlashes(b, at), at+6) {
			return at
		}
	case string(b[at:at+6]) == `\u0070`:
		y := beforeSlashes(b, at) - 1
		if y >= 0 && b[y] == 'y' && judge(b, y, y+1) {
			return y
		}
	}
	return -1
}

// judge reports whether b[y:rest] is the y of a key type whose value can be a code.
func judge(b []byte, y, rest int) bool {
	left, ok := before(b, y)
	if !ok || !apart(b, left) {
		return false
	}
	i := letter(b, rest, 'p', "u0070")
	if i >= 0 {
		i = letter(b, i, 'e', "u0065")
	}
	return i >= 0 && worth(b, i)
}

// noise reports at a glance that b[y:] is no hit: ype":"txt" and words that are not type, most of what a chat log has.
// At least eight bytes follow.
func noise(b []byte, y int) bool {
	if y == 0 || b[y] != 'y' {
		return false
	}
	const (
		quoted = 't' | 'y'<<8 | 'p'<<16 | 'e'<<24 | '"'<<32 | ':'<<40 | '"'<<48
		spaced = quoted&^('"'<<48) | ' '<<48 | '"'<<56
	)
	w := binary.LittleEndian.Uint64(b[y-1:])
	if c := byte(w); c != 't' && c != '4' {
		return true
	}
	if c := byte(w >> 24); c != 'e' && c != '\\' {
		return byte(w>>16) == 'p'
	}
	return w<<8 == quoted<<8 && lower(byte(w>>56)) || w == spaced && lower(b[y+7])
}

// before returns where the t in front of b[y:] begins, with the backslashes of its escape.
func before(b []byte, y int) (int, bool) {
	if y >= 1 && b[y-1] == 't' {
		return y - 1, true
	}
	if y >= 6 && string(b[y-6:y]) == `\u0074` {
		return beforeSlashes(b, y-6), true
	}
	return 0, false
}

// beforeSlashes returns where the run of backslashes that ends with b[at] begins.
func beforeSlashes(b []byte, at int) int {
	for at > 0 && b[at-1] == '\\' {
		at--
	}
	return at
}

// flat is what GELF libraries write in place of a nested key's dot: _error_type.
const flat = "error_"

// apart reports whether the word that begins at b[i] does so: no letter, digit or underscore stands before it, unless that
// ends an escape or is the word error_.
func apart(b []byte, i int) bool {
	if i == 0 || !word(b[i-1]) || i >= len(flat) && string(b[i-len(flat):i]) == flat {
		return true
	}
	switch b[i-1] {
	case 'b', 'f', 'n', 'r', 't':
		if i >= 2 && b[i-2] == '\\' {
			return true
		}
	}
	return unicodeBefore(b, i)
}

func unicodeBefore(b []byte, i int) bool {
	if i < 6 || b[i-6] != '\\' || b[i-5] != 'u' {
		return false
	}
	_, ok := hex4(b[i-4 : i])
	return ok
}

// letter returns the position behind the letter at b[i], plain (c) or escaped (backslashes and code), or -1.
func letter(b []byte, i int, c byte, code string) int {
	if i < len(b) && b[i] == c {
		return i + 1
	}
	u := i
	for u < len(b) && b[u] == '\\' {
		u++
	}
	if end := u + len(code); u > i && end <= len(b) && string(b[u:end]) == code {
		return end
	}
	return -1
}

// worth reports whether what follows the key's letters, from b[i] on, leaves it a key whose value can be a code.
func worth(b []byte, i int) bool {
	u, end := unit(b, i)
	quoted := u == '"' || u == '\''
	if quoted {
		i = end
	}
	u, i = unit(b, pastSpace(b, i))
	switch u {
	case lineEnd:
		return true
	case ':', '=':
		return value(b, pastSpace(b, i), quoted)
	}
	return quoted
}

// value reports whether the value at b[i] can be a code. If its key is not quoted, a word is no JSON and no code.
func value(b []byte, i int, quoted bool) bool {
	u, end := unit(b, i)
	switch {
	case u == lineEnd:
		return true
	case u == '"' || u == '\'':
		return text(b[end:])
	case string(b[i:min(i+4, len(b))]) == "null":
		return false
	}
	return quoted || !lower(b[i])
}

// text reports whether a string that begins with s, behind its opening quote, can be a code.
func text(s []byte) bool {
	if len(s) == 0 {
		return true
	}
	switch s[0] {
	case '\\', '"', '\'', '\n':
		return true
	}
	return !lower(s[0]) && (len(s) == 1 || !lower(s[1]))
}

// lineEnd is the unit behind the last one of a line, or of b.
const lineEnd = -1

// pastSpace returns the position of the first unit at or behind b[i] that is no white space.
func pastSpace(b []byte, i int) int {
	for {
		u, end := unit(b, i)
		if u != ' ' && u != '\t' && u != '\r' && u != '\n' {
			return i
		}
		i = end
	}
}

// unit reads one character at b[i], plain or behind any number of backslashes, and returns the position behind it. An
// escape it does not know is the character itself, \u with bad digits is the u. A line feed that is not escaped ends the line.
func unit(b []byte, i int) (rune, int) {
	start := i
	for i < len(b) && b[i] == '\\' {
		i++
	}
	if i >= len(b) || b[i] == '\n' {
		return lineEnd, i
	}
	c := b[i]
	if i++; i-1 == start {
		return rune(c), i
	}
	switch c {
	case 'n':
		return '\n', i
	case 'r':
		return '\r', i
	case 't':
		return '\t', i
	case 'u':
		if i+4 <= len(b) {
			if r, ok := hex4(b[i : i+4]); ok {
				return r, i + 4
			}
		}
	}
	return rune(c), i
}

// hex4 reads four hexadecimal digits.
func hex4(s []byte) (r rune, ok bool) {
	for _, c := range s {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func lower(c byte) bool { return c-'a' < 26 }

func word(c byte) bool { return c|0x20-'a' < 26 || c-'0' < 10 || c == '_' }
