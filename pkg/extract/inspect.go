package extract

import "bytes"

// readInspect reads an object as Node's util.inspect or Python's repr writes it, at i:
// { type: 206, message: 'kicked', data: [Object] }, or Ruby's inspect: {"type"=>206}. It returns the node and the offset behind it, or no node and the
// offset of the fault. Only what holds a type key is worth reading, unless all is wanted. Of one that cannot be read to its end (the
// stack of an error stands in it) the members before count, as of a document that is cut off.
func (x *Extractor) readInspect(i, end int, all bool) (int32, int, status) {
	mark := len(x.nodes)
	x.open = x.open[:0]
	in := inspector{x: x, b: x.buf[:end]}
	n, next, ok := in.value(i, node{}, 0)
	if ok && (all || x.nodes[n].flags&hot != 0) {
		return n, next, good
	}
	if !ok && len(x.nodes) > mark+1 {
		root, _, _ := x.cutAt(int32(mark), next)
		if x.nodes[root].flags&hot != 0 {
			return root, next, cutOff
		}
	}
	x.open = x.open[:0]
	x.nodes = x.nodes[:mark]
	return 0, max(next, i), bad
}

// inspector reads the form of util.inspect. Depth is bounded: inspect itself stops at 2.
type inspector struct {
	x *Extractor
	b []byte
}

const maxInspectDepth = 16

func (in *inspector) value(i int, n node, depth int) (int32, int, bool) {
	x, b := in.x, in.b
	i = skipSpace(b, i)
	if i >= len(b) || depth > maxInspectDepth {
		return 0, i, false
	}
	switch c := b[i]; {
	case c == '{':
		return in.container(i, n, depth, object, '}')
	case c == '[':
		if stop := bracketed(b, i); stop > 0 {
			return in.named(i, stop, n, depth)
		}
		return in.container(i, n, depth, array, ']')
	case c == '\'' || c == '"' || c == '`':
		stop, esc := closing(b, i+1, c)
		if stop < 0 {
			return 0, len(b), false
		}
		n.kind, n.val, n.end = text, uint32(i+1), uint32(stop)
		if esc {
			n.flags |= textEscaped
		}
		return x.add(n), stop + 1, true
	case c == '-' || c-'0' <= 9:
		stop, st := scanNumber(b, i)
		if st != good || stop < len(b) && (letter(b[stop]) && b[stop] != 'n' || b[stop] == '.') {
			return 0, stop, false
		}
		n.kind, n.val, n.end = number, uint32(i), uint32(stop)
		if stop < len(b) && b[stop] == 'n' { // a BigInt
			n.kind = other
			stop++
		}
		return x.add(n), stop, true
	case letter(c) || c == '_' || c == '$':
		return in.named(i, identifier(b, i), n, depth)
	}
	return 0, i, false
}

// named reads what begins with a word or with words in brackets, which end at stop: undefined, [Object],
// the name of a class before its object, as in `XHR [XMLHttpRequest] {}`.
func (in *inspector) named(i, stop int, n node, depth int) (int32, int, bool) {
	x, b := in.x, in.b
	if next := skipSpace(b, stop); next < len(b) && next > stop && depth <= maxInspectDepth {
		if b[next] == '{' {
			return in.container(next, n, depth, object, '}')
		}
		if b[next] == '[' {
			if end := bracketed(b, next); end > 0 {
				return in.named(i, end, n, depth+1)
			}
		}
	}
	n.kind, n.val, n.end = other, uint32(i), uint32(stop)
	if w := string(b[i:stop]); w == "undefined" || w == "null" || w == "None" {
		n.kind = null
	}
	return x.add(n), stop, true
}

// bracketed returns where [Object], [Function: f], [Circular *1] or [Symbol(x)] at i ends, or 0 if it is an array.
func bracketed(b []byte, i int) int {
	at := skipSpace(b, i+1)
	if at >= len(b) || !letter(b[at]) {
		return 0
	}
	j := bytes.IndexByte(b[at:min(len(b), at+96)], ']')
	if j < 0 || bytes.IndexByte(b[at:at+j], ',') >= 0 {
		return 0
	}
	return at + j + 1
}

// container reads the members up to closer.
func (in *inspector) container(i int, n node, depth int, k kind, closer byte) (int32, int, bool) {
	x, b := in.x, in.b
	n.kind, n.val = k, uint32(i)
	id := x.add(n)
	x.open = append(x.open, open{node: id})
	i = skipSpace(b, i+1)
	for {
		if i >= len(b) {
			return 0, i, false
		}
		if b[i] == closer {
			x.close(i + 1)
			return id, i + 1, true
		}
		m, ok := node{}, true
		if k == object {
			if m, i, ok = in.key(i); !ok {
				return 0, i, false
			}
		} else if b[i] == '[' { // [ 1, [length]: 1 ]
			if key, next, ok := in.key(i); ok {
				m, i = key, next
			}
		}
		if _, i, ok = in.value(i, m, depth+1); !ok {
			return 0, i, false
		}
		i = skipSpace(b, i)
		if i < len(b) && b[i] == ',' {
			i = skipSpace(b, i+1)
		} else if i < len(b) && b[i] != closer {
			return 0, i, false
		}
	}
}

// key reads a key and its colon: a word, a string, or a word in brackets ([cause]).
func (in *inspector) key(i int) (node, int, bool) {
	b := in.b
	start, stop, next := i, 0, 0
	switch c := b[i]; c {
	case '\'', '"':
		start = i + 1
		if stop, _ = closing(b, start, c); stop < 0 {
			return node{}, len(b), false
		}
		next = stop + 1
	case '[':
		next = bracketed(b, i)
		start, stop = i+1, next-1
	default:
		stop = identifier(b, i)
		next = stop
	}
	if next <= i {
		return node{}, i, false
	}
	n := node{key: uint32(start), keyEnd: uint32(stop), flags: in.x.keyFlags(b[start:stop], false)}
	switch next = skipSpace(b, next); {
	case next < len(b) && b[next] == ':':
		return n, next + 1, true
	case next+1 < len(b) && b[next] == '=' && b[next+1] == '>': // Ruby
		return n, next + 2, true
	}
	return node{}, next, false
}

// identifier returns where the identifier at i ends.
func identifier(b []byte, i int) int {
	for i < len(b) && (letter(b[i]) || b[i]-'0' <= 9 || b[i] == '_' || b[i] == '$') {
		i++
	}
	return i
}

// closing returns the offset of the quote that ends the string that begins at i, or -1.
func closing(b []byte, i int, quote byte) (stop int, escaped bool) {
	for i < len(b) {
		switch b[i] {
		case quote:
			return i, escaped
		case '\\':
			escaped = true
			i++
		}
		i++
	}
	return -1, false
}
