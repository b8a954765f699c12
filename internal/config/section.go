package config

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// value is what stands behind a key. It reads itself from the file, and shows what holds in the end.
type value interface {
	read(l *loader, key string, n *yaml.Node)
	show(l *loader, key string) *yaml.Node // nil if there is nothing to show
}

// section is a mapping of known keys.
type section []entry

// entry is one key of a section.
type entry struct {
	name string
	value
	need  string // what to write if the key is missing and must not be; "" if it may
	quiet bool   // shown only if something below it was set
}

func (s section) names() []string {
	var names []string
	for _, e := range s {
		names = append(names, e.name)
	}
	return names
}

func (s section) read(l *loader, key string, n *yaml.Node) {
	if !l.is(n, yaml.MappingNode, key, "keys such as "+s[0].name+":") {
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content) && !l.full(); i += 2 {
		name := n.Content[i]
		at := l.at(name.Line, name.Column)
		if !l.isKey(name, key) {
			continue
		}
		path := join(key, name.Value)
		k := slices.IndexFunc(s, func(e entry) bool { return e.name == name.Value })
		switch first, again := seen[name.Value]; {
		case k < 0:
			l.unknown(s, key, name)
		case again:
			l.mistakeAt(at, path, "stands here twice, first in line %d", first)
		default:
			seen[name.Value] = name.Line
			l.where[path] = at
			s[k].read(l, path, n.Content[i+1])
		}
	}
	for _, e := range s {
		if path := join(key, e.name); e.need != "" && seen[e.name] == 0 && !l.failed[path] {
			l.mistakeAt(l.at(n.Line, n.Column), path, "missing: write %s", e.need)
		}
	}
}

// unknown says what an unknown key was probably meant to be: another one here, or one that belongs elsewhere.
func (l *loader) unknown(s section, key string, name *yaml.Node) {
	at, path := l.at(name.Line, name.Column), join(key, clip(name.Value))
	if best := closest(name.Value, s.names()); best != "" {
		l.failed[join(key, best)] = true // or it would be said to be missing
		l.mistakeAt(at, path, "unknown key; did you mean %q?", best)
		return
	}
	switch home, ok := l.root.home(name.Value); {
	case ok && home == "":
		l.mistakeAt(at, path, "unknown key; it belongs at the top, at the beginning of a line")
	case ok:
		l.mistakeAt(at, path, "unknown key; it belongs below %s:", home)
	case key == "":
		l.mistakeAt(at, path, "unknown key; want one of %s", list(s.names()))
	default:
		l.mistakeAt(at, path, "unknown key; %s has %s", key, list(s.names()))
	}
}

// home returns the key of the first section that has an entry of that name.
func (s section) home(name string) (string, bool) {
	if slices.Contains(s.names(), name) {
		return "", true
	}
	for _, e := range s {
		inner, ok := e.value.(section)
		if l, isList := e.value.(lister); isList {
			inner, ok = l.example(), true
		}
		if ok && slices.Contains(inner.names(), name) {
			return e.name, true
		}
	}
	return "", false
}

func (s section) show(l *loader, key string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, e := range s {
		path := join(key, e.name)
		if e.quiet && !l.hasBelow(path) {
			continue
		}
		if v := e.show(l, path); v != nil {
			n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: e.name}, v)
		}
	}
	if len(n.Content) == 0 {
		return nil
	}
	return n
}

// fixed is what stands behind a fixed key: one text sets it.
type fixed interface {
	set(l *loader, key, text string, from origin)
	standard() string // how the default is shown, "" if there is none
}

// fixed calls visit with the fixed keys below s.
func (s section) fixed(key string, visit func(path string, v fixed)) {
	for _, e := range s {
		switch v := e.value.(type) {
		case fixed:
			visit(join(key, e.name), v)
		case section:
			v.fixed(join(key, e.name), visit)
		}
	}
}

// lister is a list of sections; example is what one of them looks like.
type lister interface{ example() section }

// sections is a list of sections, each of which fills a T.
type sections[T any] struct {
	dst   *[]T
	keys  func(at string, t *T) section // of the element at a key
	fresh T                             // what T is before it is read
	most  int                           // elements
	items []section
}

func (s *sections[T]) example() section { return s.keys("", new(T)) }

func (s *sections[T]) read(l *loader, key string, n *yaml.Node) {
	if !l.is(n, yaml.SequenceNode, key, "a list: lines that begin with - below it") {
		return
	}
	if len(n.Content) > s.most {
		extra := n.Content[s.most]
		l.mistakeAt(l.at(extra.Line, extra.Column), key, "%d elements: want at most %d", len(n.Content), s.most)
		return
	}
	*s.dst = make([]T, len(n.Content))
	for i, item := range n.Content {
		t := &(*s.dst)[i]
		*t = s.fresh
		path := element(key, i)
		keys := s.keys(path, t)
		s.items = append(s.items, keys)
		l.where[path] = l.at(item.Line, item.Column)
		keys.read(l, path, item)
	}
}

func (s *sections[T]) show(l *loader, key string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	for i, keys := range s.items {
		n.Content = append(n.Content, keys.show(l, element(key, i)))
	}
	if len(n.Content) == 0 {
		return nil
	}
	return n
}

func element(key string, i int) string { return key + "[" + strconv.Itoa(i) + "]" }

// texts is a mapping of free keys.
type texts struct{ dst *map[string]string }

const maxTexts = 64

func (t texts) read(l *loader, key string, n *yaml.Node) {
	if !l.is(n, yaml.MappingNode, key, "names and values, such as cluster: beijing") {
		return
	}
	if len(n.Content)/2 > maxTexts {
		l.mistake(key, "%d names: want at most %d", len(n.Content)/2, maxTexts)
		return
	}
	*t.dst = map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		if !l.isKey(name, key) {
			continue
		}
		path := join(key, name.Value)
		if first, again := l.where[path]; again {
			l.mistakeAt(l.at(name.Line, name.Column), path, "stands here twice, first in line %d", first.line)
			continue
		}
		if s, ok := l.scalar(n.Content[i+1], path, "a text"); ok {
			l.where[path] = s.at
			(*t.dst)[name.Value] = s.text
		}
	}
}

func (t texts) show(l *loader, key string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, name := range sortedKeys(*t.dst) {
		v := scalarNode((*t.dst)[name])
		v.LineComment = l.origin(join(key, name))
		n.Content = append(n.Content, scalarNode(name), v)
	}
	if len(n.Content) == 0 {
		return nil
	}
	return n
}

// list writes "a, b or c".
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// printable keeps what stands in a file from doing harm to a terminal.
func printable(s string) string {
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}
