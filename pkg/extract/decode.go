package extract

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// decode appends the string whose escaped content is raw to dst. Escapes of JSON and of JavaScript (\', \x41) are known;
// an escape cut off at the end is dropped, a lone surrogate becomes U+FFFD, bad UTF-8 stays as it is.
func decode(dst, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		raw = raw[i+1:]
		if len(raw) == 0 {
			return dst
		}
		c := raw[0]
		raw = raw[1:]
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u', 'x':
			r, n, ok := hexRune(c, raw)
			if !ok {
				return dst
			}
			raw = raw[n:]
			if utf16.IsSurrogate(r) {
				lo, n, ok := rune(0), 0, len(raw) >= 2 && raw[0] == '\\' && raw[1] == 'u'
				if ok {
					lo, n, ok = hexRune('u', raw[2:])
				}
				if r = utf16.DecodeRune(r, lo); ok && r != utf8.RuneError {
					raw = raw[2+n:]
				} else {
					r = utf8.RuneError
				}
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
	}
}

// hexRune reads the digits of \u0000 or \x00.
func hexRune(c byte, raw []byte) (r rune, n int, ok bool) {
	n = 4
	if c == 'x' {
		n = 2
	}
	if len(raw) < n {
		return 0, 0, false
	}
	for _, d := range raw[:n] {
		h := hexDigit(d)
		if h < 0 {
			return 0, 0, false
		}
		r = r<<4 | rune(h)
	}
	return r, n, true
}

// clean returns b as valid UTF-8 on one line without control characters, at most limit bytes long and cut between characters. It
// may use dst.
func clean(dst, b []byte, limit int) []byte {
	dst = dst[:0]
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		b = b[n:]
		if r == '\n' || r == '\t' || r == '\r' {
			r = ' '
		}
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			r = utf8.RuneError
		}
		if len(dst)+utf8.RuneLen(r) > limit {
			break
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}
