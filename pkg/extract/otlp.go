package extract

// readOTLP reads the log records of an OTLP export: resourceLogs, scopeLogs, logRecords. What the attributes say is
// turned into the object that the application meant, so that error.type is found as in JSON.
func (x *Extractor) readOTLP(r *record) {
	first := true
	for rl := x.nodes[r.view.at[kResourceLogs]].child; rl != 0; rl = x.nodes[rl].next {
		back := x.mark()
		res := x.newRecord(r, x.attributes(0, x.member(x.member(rl, "resource"), "attributes")))
		x.look(res.root, &res.view)
		x.eachNamed(rl, kScopeLogs, func(sl int32) {
			x.eachNamed(sl, kLogRecords, func(n int32) {
				back := x.mark()
				e := x.newRecord(res, 0)
				x.nextRecord(e, first)
				first = false
				x.readOTLPRecord(e, n)
				x.rewind(back)
			})
		})
		x.rewind(back)
	}
}

// eachNamed calls f with the elements of the array in n that has a key of that meaning.
func (x *Extractor) eachNamed(n int32, id keyID, f func(int32)) {
	for m := x.nodes[n].child; m != 0; m = x.nodes[m].next {
		if x.nodes[m].kind == array && keyOf(x.plainKey(m)).id == id {
			for e := x.nodes[m].child; e != 0; e = x.nodes[e].next {
				if x.nodes[e].kind == object {
					f(e)
				}
			}
			return
		}
	}
}

// isOTLPRecord says whether the object seen as v is one log record of OTLP without the export around it.
func (x *Extractor) isOTLPRecord(v *view) bool {
	if a := v.at[kAttributes]; x.is(a, array) {
		if first := x.nodes[a].child; x.is(first, object) && x.member(first, "key") != 0 && x.member(first, "value") != 0 {
			return true
		}
	}
	b := v.at[kBody]
	return x.is(b, object) && (v.at[kTimeUnixNano] != 0 || v.at[kSeverityNumber] != 0 || v.at[kObserved] != 0) && anyKind(x.key(x.nodes[b].child)) != none
}

// readOTLPRecord reads the log record n inside outer.
func (x *Extractor) readOTLPRecord(outer *record, n int32) {
	env := x.newRecord(outer, n)
	x.look(n, &env.view)
	if level := x.levelOf(&env.view); level != NoLevel {
		env.level = level
	}
	root, body := x.synthetic(), x.member(n, "body")
	if body != 0 {
		body = x.anyValue(body, 0, 0, 0)
	}
	if x.is(body, object) {
		x.nodes[root].child, x.nodes[root].flags = x.nodes[body].child, x.nodes[body].flags
	}
	x.attributes(root, x.member(n, "attributes"))
	e := x.newRecord(env, root)
	x.look(root, &e.view)
	if level := x.levelOf(&e.view); level != NoLevel {
		e.level = level
	}
	saved := x.steps
	x.steps = x.steps[len(x.steps):]
	x.walkObject(e, root, &e.view, e.state)
	x.steps = saved
	if x.is(body, text) && !e.view.chat {
		x.readInner(e, body, -1)
	}
}

// synthetic appends an object that stands nowhere in the text.
func (x *Extractor) synthetic() int32 {
	x.nodes = append(x.nodes, node{kind: object})
	return int32(len(x.nodes) - 1)
}

// attributes appends the members that a list of {key, value} means to object root, or to a new one if root is 0.
func (x *Extractor) attributes(root, list int32) int32 {
	if root == 0 {
		root = x.synthetic()
	}
	if !x.is(list, array) {
		return root
	}
	last := x.nodes[root].child
	for last != 0 && x.nodes[last].next != 0 {
		last = x.nodes[last].next
	}
	for e := x.nodes[list].child; e != 0; e = x.nodes[e].next {
		k, v := x.member(e, "key"), x.member(e, "value")
		if !x.is(k, text) || v == 0 {
			continue
		}
		key := x.nodes[k]
		flags := x.keyFlags(x.raw(k), key.flags&textEscaped != 0)
		m := x.anyValue(v, key.val, key.end, flags)
		if m == 0 {
			continue
		}
		if last == 0 {
			x.nodes[root].child = m
		} else {
			x.nodes[last].next = m
		}
		last = m
		x.nodes[root].flags |= x.nodes[m].flags & hot
	}
	return root
}

// anyKind says what the member of an AnyValue with that key holds.
func anyKind(key []byte) kind {
	switch string(key) {
	case "stringValue", "string_value":
		return text
	case "intValue", "int_value", "doubleValue", "double_value":
		return number
	case "boolValue", "bool_value", "bytesValue", "bytes_value":
		return other
	case "kvlistValue", "kvlist_value":
		return object
	case "arrayValue", "array_value":
		return array
	}
	return none
}

// anyValue appends what the AnyValue n means, under the given key, and returns it, 0 if nothing.
func (x *Extractor) anyValue(n int32, key, keyEnd uint32, flags uint8) int32 {
	m := x.nodes[n].child
	if x.nodes[n].kind != object || m == 0 {
		return 0
	}
	k := anyKind(x.key(m))
	id := int32(len(x.nodes))
	switch k {
	case none:
		return 0
	case object:
		x.nodes = append(x.nodes, node{kind: object, key: key, keyEnd: keyEnd, flags: flags})
		return x.attributes(id, x.member(m, "values"))
	case array:
		x.nodes = append(x.nodes, node{kind: array, key: key, keyEnd: keyEnd, flags: flags})
		last := int32(0)
		for e := x.nodes[x.member(m, "values")].child; e != 0; e = x.nodes[e].next {
			c := x.anyValue(e, 0, 0, 0)
			if c == 0 {
				continue
			}
			if last == 0 {
				x.nodes[id].child = c
			} else {
				x.nodes[last].next = c
			}
			last = c
			x.nodes[id].flags |= x.nodes[c].flags & hot
		}
		return id
	}
	v := x.nodes[m]
	v.key, v.keyEnd, v.next = key, keyEnd, 0
	v.flags = v.flags&^keyEscaped | flags
	x.nodes = append(x.nodes, v)
	return id
}
