package extract

import "bytes"

// pairs is a logfmt line, turned into the tree that the same members would have as JSON.
type pairs struct {
	root, last int32
	hot        uint8
	words      int // words outside pairs
}

// addPair adds the pair whose key begins at word and ends at eq; it returns the offset behind its value. A value that
// has its line for itself goes to the end of the line.
func (x *Extractor) addPair(p *pairs, word, eq, end int, line bool) int {
	if p.root == 0 {
		p.root = int32(len(x.nodes))
		x.nodes = append(x.nodes, node{kind: object})
		p.last = 0
	}
	n := node{key: uint32(word), keyEnd: uint32(eq), kind: text}
	n.flags = x.keyFlags(x.buf[word:eq], false)
	i := eq + 1
	if line {
		i++
	}
	var id int32
	switch {
	case i < end && x.buf[i] == '"':
		stop, esc, st := scanString(x.buf[:end], i+1)
		if st != good {
			n.val, n.end = uint32(i+1), uint32(stop)
			n.flags |= cut
			i = stop
			break
		}
		n.val, n.end = uint32(i+1), uint32(stop)
		if esc {
			n.flags |= textEscaped
		}
		if i+1 < stop && (x.buf[i+1] == '{' || x.buf[i+1] == '[') {
			n.flags |= hot
		}
		i = stop + 1
	case i < end && (x.buf[i] == '{' || x.buf[i] == '['):
		root, next, st, _ := x.readPiece(i, end)
		if root != 0 && st == good {
			id, i = root, next
			nd := &x.nodes[root]
			nd.key, nd.keyEnd = n.key, n.keyEnd
			nd.flags |= n.flags
			break
		}
		if root != 0 {
			x.nodes = x.nodes[:root]
		}
		fallthrough
	default:
		stop := i
		for stop < end && x.buf[stop] != '\n' && (line || !blank(x.buf[stop])) {
			stop++
		}
		if !line && stop > i && (x.buf[stop-1] == ',' || x.buf[stop-1] == ')' && bytes.IndexByte(x.buf[i:stop], '(') < 0) {
			stop-- // bunyan's (version=5.3.0, type=206)
		}
		n.val, n.end = uint32(i), uint32(stop)
		if stop == end && x.cut {
			n.flags |= cut
		}
		i = max(stop, i)
	}
	if id == 0 {
		id = int32(len(x.nodes))
		x.nodes = append(x.nodes, n)
	}
	if p.last == 0 {
		x.nodes[p.root].child = id
	} else {
		x.nodes[p.last].next = id
	}
	p.last = id
	p.hot |= x.nodes[id].flags & hot
	return i
}

// readPairs looks for candidates in the pairs of a text.
func (x *Extractor) readPairs(m *mixed) {
	p := &m.pairs
	r := x.newRecord(m.base, p.root)
	if r.shape == TextJSON {
		r.shape = Logfmt
	}
	x.look(p.root, &r.view)
	switch level := x.levelOf(&r.view); {
	case level != NoLevel:
		r.level = level
	case m.pieces == 0:
		if level := levelIn(x.buf[m.start:min(m.end, m.start+maxLevelText)]); level != NoLevel {
			r.level = level
		}
	}
	if p.words > 0 && r.level != WarnUp {
		r.view.others, r.view.strange, r.view.dotted = true, true, true // pairs in prose prove nothing
	}
	x.steps = x.steps[:0]
	x.walkObject(r, p.root, &r.view, r.state)
}
