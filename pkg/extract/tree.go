package extract

import (
	"encoding/binary"
	"math/bits"
)

// tree holds the JSON values of one document as nodes in one slice. It is filled in one pass over the bytes, without
// recursion, so that depth costs nothing and no text is read twice; gjson would read each level anew (docs/decisions/0003).
//
// Spans are offsets into buf, which begins with the document; strings that were unwrapped are decoded behind it, so that
// nodes of all levels share one space of offsets.
type tree struct {
	buf      []byte
	nodes    []node // nodes[0] stands for "none"
	open     []open
	maxDepth int
	hotKey   []byte // last part of Options.Fields["code"], "" if not set
	cost     int    // bytes and nodes passed since reset: tests see that it stays linear
}

type kind uint8

const (
	none kind = iota
	object
	array
	text   // a string
	number // a JSON number
	other  // true, false, and what has no meaning to us
	null
)

const (
	keyEscaped  = 1 << iota // the key holds a backslash
	textEscaped             // the string does
	hot                     // a key type, or a string that may hold one, is here or below
	cut                     // the end of the document fell into it
	single                  // a string in single quotes (util.inspect)
)

// node is a value with its key. Strings and keys are spans without their quotes.
type node struct {
	key, keyEnd uint32
	val, end    uint32
	child, next int32 // first child, next sibling; 0 if none
	kind        kind
	flags       uint8
}

// open is a container whose end was not seen yet.
type open struct {
	node, last int32
	elements   int
}

// status is how reading a value ended.
type status uint8

const (
	good    status = iota
	cutOff         // valid as far as it goes; the end is missing
	bad            // not JSON
	tooDeep        // nested beyond maxDepth
)

// reset starts a new document.
func (t *tree) reset(doc []byte) {
	t.buf = append(t.buf[:0], doc...)
	t.nodes = append(t.nodes[:0], node{})
	t.cost = 0
}

// release gives the memory of an exceptional document back.
func (t *tree) release() {
	const keepNodes, keepBytes = 1 << 14, 1 << 18
	if cap(t.nodes) > keepNodes {
		t.nodes = nil
	}
	if cap(t.buf) > keepBytes {
		t.buf = nil
	}
}

func (t *tree) key(n int32) []byte { return t.buf[t.nodes[n].key:t.nodes[n].keyEnd] }
func (t *tree) raw(n int32) []byte { return t.buf[t.nodes[n].val:t.nodes[n].end] }

func (t *tree) is(n int32, k kind) bool { return n != 0 && t.nodes[n].kind == k }

// read reads the JSON value that begins at i, up to the offset end at most. It returns its node and the offset behind
// it; if the value is bad, no node and the offset of the fault. Of a value that is cut off the complete members remain,
// and a string at the cut, flagged.
func (t *tree) read(i, end int) (root int32, next int, st status) {
	root, next, st = t.readValue(i, end)
	t.cost += next - i
	return root, next, st
}

func (t *tree) readValue(i, end int) (root int32, next int, st status) {
	b := t.buf[:end]
	t.open = t.open[:0]
	root = int32(len(t.nodes))
	var key, keyEnd int
	var flags uint8
	for {
		// A value begins here.
		i = skipSpace(b, i)
		if i >= end {
			return t.cutAt(root, end)
		}
		c := b[i]
		switch {
		case c == '"':
			stop, esc, st := scanString(b, i+1)
			if st == bad {
				return t.fail(root, stop)
			}
			f := flags
			if esc {
				f |= textEscaped
			}
			if i+1 < stop && (b[i+1] == '{' || b[i+1] == '[') {
				f |= hot
			}
			if st == cutOff {
				t.add(node{key: uint32(key), keyEnd: uint32(keyEnd), val: uint32(i + 1), end: uint32(end), kind: text, flags: f | cut})
				return t.cutAt(root, end)
			}
			t.add(node{key: uint32(key), keyEnd: uint32(keyEnd), val: uint32(i + 1), end: uint32(stop), kind: text, flags: f})
			i = stop + 1
		case c == '{' || c == '[':
			if len(t.open) >= t.maxDepth {
				return t.abandon(root, i, tooDeep)
			}
			k, closer := object, byte('}')
			if c == '[' {
				k, closer = array, ']'
			}
			n := t.add(node{key: uint32(key), keyEnd: uint32(keyEnd), val: uint32(i), kind: k, flags: flags})
			t.open = append(t.open, open{node: n})
			i = skipSpace(b, i+1)
			if i >= end {
				return t.cutAt(root, end)
			}
			if b[i] != closer {
				if k == array {
					key, keyEnd, flags = 0, 0, 0
					continue
				}
				var st status
				if key, keyEnd, flags, i, st = t.readKey(b, i); st != good {
					return t.stop(root, i, st)
				}
				continue
			}
			i++
			t.close(i)
		case c == '-' || c-'0' <= 9:
			stop, st := scanNumber(b, i)
			if st == bad {
				return t.fail(root, stop)
			}
			if stop == end && len(t.open) > 0 {
				return t.cutAt(root, end) // more digits may have followed
			}
			if st == cutOff {
				return t.fail(root, stop)
			}
			t.addScalar(node{key: uint32(key), keyEnd: uint32(keyEnd), val: uint32(i), end: uint32(stop), kind: number, flags: flags})
			i = stop
		default:
			k, word := other, "true"
			switch c {
			case 'f':
				word = "false"
			case 'n':
				k, word = null, "null"
			}
			stop := i
			for stop < end && stop-i < len(word) && b[stop] == word[stop-i] {
				stop++
			}
			if stop-i < len(word) {
				if stop == end && stop > i {
					return t.cutAt(root, end)
				}
				return t.fail(root, stop)
			}
			t.addScalar(node{key: uint32(key), keyEnd: uint32(keyEnd), val: uint32(i), end: uint32(stop), kind: k, flags: flags})
			i = stop
		}
		// A value has ended at i: close what closes, and go on to the next.
		for more := false; !more; {
			if len(t.open) == 0 {
				return root, i, good
			}
			i = skipSpace(b, i)
			if i >= end {
				return t.cutAt(root, end)
			}
			top := &t.open[len(t.open)-1]
			inObject := t.nodes[top.node].kind == object
			switch {
			case b[i] == ',':
				top.elements++
				i++
				more = true
				key, keyEnd, flags = 0, 0, 0
				if inObject {
					var st status
					if key, keyEnd, flags, i, st = t.readKey(b, skipSpace(b, i)); st != good {
						return t.stop(root, i, st)
					}
				}
			case inObject && b[i] == '}', !inObject && b[i] == ']':
				i++
				t.close(i)
			default:
				return t.fail(root, i)
			}
		}
	}
}

// readKey reads `"key":` at i.
func (t *tree) readKey(b []byte, i int) (key, keyEnd int, flags uint8, next int, st status) {
	if i >= len(b) {
		return 0, 0, 0, i, cutOff
	}
	if b[i] != '"' {
		return 0, 0, 0, i, bad
	}
	stop, esc, st := scanString(b, i+1)
	if st != good {
		return 0, 0, 0, stop, st
	}
	key, keyEnd = i+1, stop
	flags = t.keyFlags(b[key:keyEnd], esc)
	i = skipSpace(b, stop+1)
	if i >= len(b) {
		return 0, 0, 0, i, cutOff
	}
	if b[i] != ':' {
		return 0, 0, 0, i, bad
	}
	return key, keyEnd, flags, i + 1, good
}

// keyFlags says whether a key may be a type, in any spelling.
func (t *tree) keyFlags(key []byte, escaped bool) uint8 {
	if escaped {
		return keyEscaped | hot
	}
	if n := len(key); n >= 4 && key[n-1] == 'e' && key[n-2] == 'p' && key[n-3] == 'y' && key[n-4] == 't' {
		return hot
	}
	if len(t.hotKey) > 0 && string(key) == string(t.hotKey) {
		return hot
	}
	return 0
}

// addScalar adds a number, literal or null. Of a long array of them only the first two are kept: they say what it is.
func (t *tree) addScalar(n node) {
	if k := len(t.open); k > 0 && t.open[k-1].elements >= 2 && t.nodes[t.open[k-1].node].kind == array {
		return
	}
	t.add(n)
}

// add appends n as the last child of the innermost open container.
func (t *tree) add(n node) int32 {
	id := int32(len(t.nodes))
	t.nodes = append(t.nodes, n)
	if k := len(t.open); k > 0 {
		top := &t.open[k-1]
		if top.last == 0 {
			t.nodes[top.node].child = id
		} else {
			t.nodes[top.last].next = id
		}
		top.last = id
		t.nodes[top.node].flags |= n.flags & hot
	}
	return id
}

// close ends the innermost container before offset i.
func (t *tree) close(i int) {
	k := len(t.open) - 1
	n := t.open[k].node
	t.nodes[n].end = uint32(i)
	t.open = t.open[:k]
	if k > 0 {
		t.nodes[t.open[k-1].node].flags |= t.nodes[n].flags & hot
	}
}

func (t *tree) stop(root int32, i int, st status) (int32, int, status) {
	if st == cutOff {
		return t.cutAt(root, i)
	}
	return t.fail(root, i)
}

// cutAt closes all that is open at the end of the text.
func (t *tree) cutAt(root int32, end int) (int32, int, status) {
	if int(root) == len(t.nodes) {
		return 0, end, bad
	}
	for len(t.open) > 0 {
		t.nodes[t.open[len(t.open)-1].node].flags |= cut
		t.close(end)
	}
	return root, end, cutOff
}

func (t *tree) fail(root int32, i int) (int32, int, status) { return t.abandon(root, i, bad) }

func (t *tree) abandon(root int32, i int, st status) (int32, int, status) {
	t.nodes = t.nodes[:root]
	t.open = t.open[:0]
	return 0, i, st
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// scanString returns the offset of the quote that ends the string whose content begins at i; if st is bad, of the fault.
func scanString(b []byte, i int) (stop int, escaped bool, st status) {
	for {
		for i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			q, s := w^(ones*'"'), w^(ones*'\\')
			hit := ((q-ones)&^q | (s-ones)&^s | (w-ones*0x20)&^w) & highs
			if hit != 0 {
				i += bits.TrailingZeros64(hit) >> 3
				break
			}
			i += 8
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= 0x20 {
			i++
		}
		switch {
		case i >= len(b):
			return len(b), escaped, cutOff
		case b[i] == '"':
			return i, escaped, good
		case b[i] != '\\':
			return i, escaped, bad
		}
		escaped = true
		if i+1 >= len(b) {
			return len(b), true, cutOff
		}
		switch b[i+1] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			i += 2
		case 'u':
			for k := i + 2; k < i+6; k++ {
				if k >= len(b) {
					return len(b), true, cutOff
				}
				if hexDigit(b[k]) < 0 {
					return k, true, bad
				}
			}
			i += 6
		default:
			return i, true, bad
		}
	}
}

// scanNumber returns the offset behind the JSON number at i. A number that ends where digits have to follow is cutOff at
// the end of b and bad elsewhere.
func scanNumber(b []byte, i int) (int, status) {
	short := func(i int) (int, status) {
		if i >= len(b) {
			return i, cutOff
		}
		return i, bad
	}
	if b[i] == '-' {
		i++
	}
	if i >= len(b) || b[i]-'0' > 9 {
		return short(i)
	}
	if b[i] == '0' {
		i++
	} else {
		i = skipDigits(b, i)
	}
	if i < len(b) && b[i] == '.' {
		i++
		if i >= len(b) || b[i]-'0' > 9 {
			return short(i)
		}
		i = skipDigits(b, i)
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if i >= len(b) || b[i]-'0' > 9 {
			return short(i)
		}
		i = skipDigits(b, i)
	}
	return i, good
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

func hexDigit(c byte) int {
	switch {
	case c-'0' <= 9:
		return int(c - '0')
	case c-'a' <= 5:
		return int(c-'a') + 10
	case c-'A' <= 5:
		return int(c-'A') + 10
	}
	return -1
}
