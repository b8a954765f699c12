package deltalog

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"
)

// parse reads a record as it is written, in a tenth of the time that encoding/json takes: a start reads a
// hundred thousand of them. false says nothing about the record, but that it is for encoding/json to read.
func parse(record []byte) (w wire, ok bool) {
	p := parser{rest: record}
	for first := true; ; first = false {
		if first {
			p.want('{')
		} else if p.next('}') {
			break
		} else {
			p.want(',')
		}
		key := string(p.text())
		p.want(':')
		switch key {
		case "v":
			w.V = int(p.number(math.MaxInt32))
		case "t":
			w.Type = string(p.text())
		case "src":
			w.Source = string(p.text())
		case "p":
			w.Partition = int32(p.number(math.MaxInt32))
		case "from":
			w.From = p.number(math.MaxInt64)
		case "to":
			w.To = p.number(math.MaxInt64)
		case "n":
			w.Records = p.number(math.MaxInt64)
		case "wm":
			w.Watermark = p.number(math.MaxInt64)
		case "at":
			w.At = p.number(math.MaxInt64)
		case "end":
			w.End = p.yes()
		case "claim":
			w.Claim = p.yes()
		case "by":
			w.By = string(p.text())
		case "why":
			w.Why = string(p.text())
		case "c":
			w.Counts = p.base64()
		case "off":
			w.Offset = p.number(math.MaxInt64)
		case "part":
			w.Part = int(p.number(math.MaxInt32))
		case "of":
			w.Of = int(p.number(math.MaxInt32))
		case "state":
			w.State = p.base64()
		case "sum":
			w.Sum = p.sum()
		default:
			p.bad = true
		}
		if p.bad {
			return wire{}, false
		}
	}
	return w, len(p.rest) == 0
}

// parser takes parts off rest. When bad is set it means nothing any more.
type parser struct {
	rest []byte
	bad  bool
}

func (p *parser) next(c byte) bool {
	if len(p.rest) == 0 || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *parser) want(c byte) {
	if !p.next(c) {
		p.bad = true
	}
}

// quoted takes what stands between two quotes.
func (p *parser) quoted() []byte {
	p.want('"')
	end := bytes.IndexByte(p.rest, '"')
	if p.bad || end < 0 {
		p.bad = true
		return nil
	}
	s := p.rest[:end]
	p.rest = p.rest[end+1:]
	return s
}

// text takes a string of printable ASCII without an escape.
func (p *parser) text() []byte {
	s := p.quoted()
	for _, c := range s {
		if c < ' ' || c > '~' || c == '\\' {
			p.bad = true
		}
	}
	return s
}

// number takes a whole number of at most 18 digits, from −greatest to greatest.
func (p *parser) number(greatest int64) (n int64) {
	negative := p.next('-')
	digits := 0
	for digits < len(p.rest) && '0' <= p.rest[digits] && p.rest[digits] <= '9' && digits < 19 {
		n = n*10 + int64(p.rest[digits]-'0')
		digits++
	}
	if digits == 0 || digits == 19 || digits > 1 && p.rest[0] == '0' || n > greatest {
		p.bad = true
	}
	p.rest = p.rest[digits:]
	if negative {
		return -n
	}
	return n
}

func (p *parser) yes() bool {
	if !bytes.HasPrefix(p.rest, []byte("true")) {
		p.bad = true
		return false
	}
	p.rest = p.rest[len("true"):]
	return true
}

// sum takes a number that is written as a text.
func (p *parser) sum() uint64 {
	s := p.text()
	n, err := strconv.ParseUint(string(s), 10, 64)
	if err != nil || s[0] == '0' {
		p.bad = true
	}
	return n
}

func (p *parser) base64() []byte {
	s := p.quoted()
	if bytes.IndexByte(s, '\n') >= 0 || bytes.IndexByte(s, '\r') >= 0 {
		p.bad = true // which the decoder would pass over
		return nil
	}
	b := make([]byte, base64.StdEncoding.DecodedLen(len(s)))
	n, err := base64.StdEncoding.Decode(b, s)
	if err != nil {
		p.bad = true
	}
	return b[:n]
}
