package extract

import "bytes"

// readInspect reads an object as Node's util.inspect or Python's repr writes it on one line, at i:
// { type: 206, message: 'kicked', data: [Object] }. It returns the node and the offset behind it, or no node and the
// offset of the fault. Only objects that hold a type key are worth reading.
func (x *Extractor) readInspect(i, end int) (int32, int) {
	if x.buf[i] != '{' {
		return 0, i
	}
	mark := len(x.nodes)
	x.open = x.open[:0]
	in := inspector{x: x, b: x.buf[:end]}
	n, next, ok := in.value(i, node{}, 0)
	if !ok || x.nodes[n].flags&hot == 0 {
		x.nodes = x.nodes[:mark]
		return 0, max(next, i)
	}
	return n, next
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
		if st != good || stop < len(b) && (letter(b[stop]) || b[stop] == '.') {
			if stop < len(b) && b[stop] == 'n' { // a BigInt
				n.kind, n.val, n.end = other, uint32(i), uint32(stop)
				return x.add(n), stop + 1, true
			}
			return 0, stop, false
		}
		n.kind, n.val, n.end = number, uint32(i), uint32(stop)
		return x.add(n), stop, true
	case letter(c) || c == '_' || c == '$':
		stop := identifier(b, i)
		n.kind, n.val, n.end = other, uint32(i), uint32(stop)
		if w := string(b[i:stop]); w == "undefined" || w == "null" || w == "None" {
			n.kind = null
		}
		return x.add(n), stop, true
	}
	return 0, i, false
}

// container reads the members up to closer. [Object], [Array], [Function: f] and <ref *1> stand for what was left out.
func (in *inspector) container(i int, n node, depth int, k kind, closer byte) (int32, int, bool) {
	x, b := in.x, in.b
	if k == array {
		if stop := skipSpace(b, i+1); stop < len(b) && b[stop] >= 'A' && b[stop] <= 'Z' {
			if j := bytes.IndexByte(b[stop:min(len(b), stop+64)], ']'); j > 0 {
				n.kind, n.val, n.end = other, uint32(i), uint32(stop+j)
				return x.add(n), stop + j + 1, true
			}
		}
	}
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
		m := node{}
		if k == object {
			start := i
			var stop int
			if q := b[i]; q == '\'' || q == '"' {
				start = i + 1
				if stop, _ = closing(b, start, q); stop < 0 {
					return 0, len(b), false
				}
				i = stop + 1
			} else if stop = identifier(b, i); stop == i {
				return 0, i, false
			} else {
				i = stop
			}
			if i = skipSpace(b, i); i >= len(b) || b[i] != ':' {
				return 0, i, false
			}
			i++
			m = node{key: uint32(start), keyEnd: uint32(stop), flags: x.keyFlags(b[start:stop], false)}
		}
		var ok bool
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
