package extract

import "bytes"

// maxValue is how many bytes of a value as written are kept.
const maxValue = 64

// judgeNumber decides a JSON number on its digits, never through a float: 206, 206.0 and 2.06e2 are 206. ok is false if
// it is not whole or does not fit int32.
func judgeNumber(b []byte) (code int32, ok bool) {
	negative := b[0] == '-'
	if negative {
		b = b[1:]
	}
	exp := 0
	if e := bytes.IndexAny(b, "eE"); e >= 0 {
		exp = exponent(b[e+1:])
		b = b[:e]
	}
	var v int64           // the digits up to the last that is not 0
	digits, zeros := 0, 0 // of v; zeros that follow them
	for i, d := range b {
		switch {
		case d == '.':
			exp -= len(b) - i - 1
		case d == '0':
			zeros++
		default:
			if digits > 0 {
				digits += zeros
			}
			if digits++; digits > 10 {
				return 0, false
			}
			for ; zeros > 0 && v > 0; zeros-- {
				v *= 10
			}
			zeros = 0
			v = v*10 + int64(d-'0')
		}
	}
	if v == 0 {
		return 0, true
	}
	exp += zeros
	if exp < 0 || exp > 10 {
		return 0, false
	}
	for ; exp > 0; exp-- {
		v *= 10
	}
	if negative {
		v = -v
	}
	if v != int64(int32(v)) {
		return 0, false
	}
	return int32(v), true
}

// exponent reads what follows the e of a number; beyond a billion it stays there, which no document can make up for.
func exponent(b []byte) int {
	negative := b[0] == '-'
	if negative || b[0] == '+' {
		b = b[1:]
	}
	v := 0
	for _, d := range b {
		if v < 1e9 {
			v = v*10 + int(d-'0')
		}
	}
	if negative {
		return -v
	}
	return v
}

// judgeString decides a decoded string. keep is false for what can be no SDK code wherever it stands: a name with a
// lower-case letter in it, and a string with one as its first or second character.
func judgeString(b []byte) (kind Kind, code int32, keep bool) {
	if code, ok := decimal(b); ok {
		return Number, code, true
	}
	if len(b) == 0 {
		return Other, 0, true
	}
	lower, name, letters := false, true, true
	for i, c := range b {
		switch {
		case 'a' <= c && c <= 'z':
			if i < 2 {
				return 0, 0, false
			}
			lower = true
		case 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_':
		case c == '.', c == '$', c == ':':
			letters = false
		default:
			letters, name = false, false
		}
		if !name && i >= 1 {
			break
		}
	}
	switch {
	case name && lower:
		return 0, 0, false
	case letters && (b[0]-'0' > 9):
		return Name, 0, true
	}
	return Other, 0, true
}

// decimal reads a string of decimal digits as JSON would write them, optional minus, nothing around, that fits int32.
func decimal(b []byte) (int32, bool) {
	d := b
	if len(d) > 0 && d[0] == '-' {
		d = d[1:]
	}
	if len(d) == 0 || len(d) > 10 || d[0] == '0' && len(d) > 1 || skipDigits(d, 0) != len(d) {
		return 0, false
	}
	return judgeNumber(b)
}
