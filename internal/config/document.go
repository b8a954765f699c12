package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"imerr-scan/internal/lazyregexp"
)

// This file reads YAML into nodes and looks after what YAML allows and a configuration does not need: several documents,
// anchors and aliases (which make a kilobyte a gigabyte), tags, keys that are no words. What remains is a tree no larger
// than the file, of which only what the schema knows is visited. The YAML reader itself gives up at a depth of 10,000 and
// needs at most 0.4 s for the worst mebibyte that we could think of.

// readYAML reads the file into the Config.
func (l *loader) readYAML(data []byte) {
	if len(data) > maxFile {
		l.mistakeAt(l.at(1, 1), "", "larger than %s, which no configuration is", size(maxFile))
		return
	}
	if problem, line, column := unreadable(data); problem != "" {
		l.mistakeAt(l.at(line, column), "", "%s", problem)
		return
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if !errors.Is(err, io.EOF) {
			l.syntax(data, err)
		}
		return
	}
	if err := dec.Decode(&second); err == nil {
		l.mistakeAt(l.at(second.Line, second.Column), "", "a second document begins here: want one in a file, so take out the line --- above")
		return
	} else if !errors.Is(err, io.EOF) {
		l.syntax(data, err)
		return
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" && root.Anchor == "" {
		return // nothing but comments, or ---
	}
	if root.Kind == yaml.ScalarNode && strings.Contains(root.Value, "：") {
		l.mistakeAt(l.at(root.Line, root.Column), "", `write an ASCII ":" and a space behind it, not "："`)
		return
	}
	l.root.read(l, "", root)
}

// unreadable finds bytes that are no text, which the YAML reader gives no place for.
func unreadable(data []byte) (problem string, line, column int) {
	line, column = 1, 1
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		switch {
		case i == 0 && (data[0] == 0xfe || data[0] == 0xff):
			return "not UTF-8: save it as UTF-8", 1, 1
		case r == utf8.RuneError && n == 1:
			return "bad UTF-8: save it as UTF-8", line, column
		case r == '\n':
			line, column = line+1, 0
		case unicode.IsControl(r) && r != '\t' && r != '\r':
			return fmt.Sprintf("control character %U: take it out", r), line, column
		}
		i, column = i+n, column+1
	}
	return "", 0, 0
}

var (
	yamlError   = lazyregexp.New(`^yaml: (?:line (\d+): )?((?s:.*))$`)
	parserError = lazyregexp.New(`^did not find expected (node content|'|key|<)`) // its lines count from 0
	lostAlias   = lazyregexp.New(`^unknown anchor '(.*)' referenced$`)
)

// syntax says where a file is no YAML, and the usual reason. The YAML reader stops at the first such place.
func (l *loader) syntax(data []byte, err error) {
	problem, line := err.Error(), 1
	if m := yamlError().FindStringSubmatch(problem); m != nil {
		problem = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
			if parserError().MatchString(problem) {
				line++
			}
		}
	}
	lines := strings.Split(string(data), "\n")
	line = min(line, len(lines))
	if m := lostAlias().FindStringSubmatch(problem); m != nil {
		line = 1 + max(0, slices.IndexFunc(lines, func(s string) bool { return strings.Contains(s, "*"+m[1]) }))
		problem = "an alias (*) of nothing" // it may be the beginning of a secret
	}
	line, hint := usualReason(lines, line, problem)
	text := lines[line-1]
	column := 1 + utf8.RuneCountInString(text) - utf8.RuneCountInString(strings.TrimLeft(text, " \t"))
	l.mistakeAt(l.at(line, column), "", "not read as YAML: %s%s", printable(problem[:min(len(problem), 160)]), hint)
}

// usualReason looks around a line that is no YAML for what people do wrong, and returns where that is.
func usualReason(lines []string, line int, problem string) (int, string) {
	for n := max(1, line-1); n <= min(len(lines), line+1); n++ {
		text := lines[n-1]
		indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
		switch {
		case strings.Contains(indent, "\t"):
			return n, "; indent with spaces, not tabs"
		case strings.Contains(text, "：") && !strings.Contains(text, ": "):
			return n, `; write an ASCII ":" and a space behind it, not "："`
		case strings.Contains(text, "，") && strings.Contains(text, "["):
			return n, `; write an ASCII ",", not "，"`
		}
	}
	switch {
	case strings.Contains(lines[line-1], "${") && strings.Contains(problem, "',' or"):
		return line, "; within [ ] and { } put ${…} in quotes"
	case needsQuotes().MatchString(lines[line-1]):
		return line, "; put the value in quotes"
	case strings.Contains(problem, "',' or"):
		return line, "; a bracket that opens here is not closed"
	case strings.Contains(problem, "end of stream"):
		return line, "; a quote or a bracket is not closed"
	}
	if quoted().MatchString(lines[line-1]) && strings.Contains(problem, "expected key") {
		return line, `; a quote ends the value too early: write '' for ' in '…', and \" for " in "…"`
	}
	if n := misaligned(lines, line); n > 0 {
		return n, "; its indent is that of no line above it"
	}
	switch {
	case strings.Contains(problem, "'-' indicator"):
		return line, "; a line in the list that begins here wants a - in front, or more indent"
	case strings.Contains(problem, "mapping values"):
		return line, "; it is indented too far, or a value with : in it wants quotes"
	}
	return line, ""
}

var needsQuotes = lazyregexp.New("(: |- )([*&!%@`]|-\\s*$)")

var quoted = lazyregexp.New("(: |- )['\"]")

// misaligned returns the first line from a given one on whose indent is less than that of the line above it, and is none
// of those further up; 0 if there is none.
func misaligned(lines []string, from int) int {
	stack := []int{0}
	for i, text := range lines {
		body := strings.TrimLeft(text, " ")
		if body == "" || body[0] == '#' || body[0] == '\r' {
			continue
		}
		indent := len(text) - len(body)
		popped := false
		for len(stack) > 1 && stack[len(stack)-1] > indent {
			stack, popped = stack[:len(stack)-1], true
		}
		if top := stack[len(stack)-1]; top < indent {
			if popped && i+1 >= from {
				return i + 1
			}
			stack = append(stack, indent)
		}
		if inner := strings.TrimLeft(body, "- "); strings.HasPrefix(body, "- ") {
			stack = append(stack, len(text)-len(inner))
		}
	}
	return 0
}

// isKey says whether n can be the name of a key below key.
func (l *loader) isKey(n *yaml.Node, key string) bool {
	at := l.at(n.Line, n.Column)
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		l.mistakeAt(at, key, "anchors (&) and aliases (*) are not read: write the key out")
	case n.Kind != yaml.ScalarNode || n.Value == "" || n.Style&yaml.TaggedStyle != 0:
		l.mistakeAt(at, key, "want a word as key")
	case n.Value == "<<":
		l.mistakeAt(at, key, "merging with << is not read: write the keys out")
	default:
		return true
	}
	return false
}

// is says whether n is of that kind, and a plain one. What stands there is not told: it may be a secret.
func (l *loader) is(n *yaml.Node, kind yaml.Kind, key, want string) bool {
	at := l.at(n.Line, n.Column)
	switch {
	case n.Kind == yaml.AliasNode:
		l.mistakeAt(at, key, "aliases (*) are not read: write the value out")
	case n.Anchor != "":
		l.mistakeAt(at, key, "anchors (&) are not read: take it away, or put the value in quotes")
	case n.Style&yaml.TaggedStyle != 0:
		l.mistakeAt(at, key, "tags (!) are not read: take it away, or put the value in quotes")
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		l.mistakeAt(at, key, "empty: want %s, or no such line", want)
	case n.Kind != kind:
		l.mistakeAt(at, key, "%s: want %s", kindName(n), want)
	default:
		return true
	}
	return false
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "keys"
	}
	return "a single value"
}

// scalar is a value of the file: every value is a text until its key says what it is, so that 5.10, no and 0206 stay what
// was written.
type scalar struct {
	text string // variables replaced
	raw  string // as it stands in the file
	at   origin
}

func (l *loader) scalar(n *yaml.Node, key, want string) (scalar, bool) {
	if !l.is(n, yaml.ScalarNode, key, want) {
		return scalar{}, false
	}
	s := scalar{raw: n.Value, at: l.at(n.Line, n.Column)}
	var problem string
	if s.text, s.at.vars, problem = expand(n.Value, l.in.Env); problem == "" {
		problem = unfit(s.text, want)
	}
	if problem != "" {
		l.mistakeAt(s.at, key, "%s", problem)
		return scalar{}, false
	}
	return s, true
}

const maxText = 4 << 10

// unfit says why no key takes a text.
func unfit(text, want string) string {
	switch {
	case strings.TrimSpace(text) == "":
		return "empty: want " + want
	case len(text) > maxText:
		return "longer than " + size(maxText)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return "holds a line end, a control character or bad UTF-8: want " + want
	}
	return ""
}

// expand replaces ${NAME} by the variable of that name; $${ stands for ${. The problem, if any, holds no value.
func expand(text string, env func(string) (string, bool)) (expanded string, vars []string, problem string) {
	var b strings.Builder
	for {
		i := strings.Index(text, "${")
		if i < 0 {
			b.WriteString(text)
			return b.String(), vars, ""
		}
		if i > 0 && text[i-1] == '$' {
			b.WriteString(text[:i-1] + "${")
			text = text[i+2:]
			continue
		}
		b.WriteString(text[:i])
		name, rest, closed := strings.Cut(text[i+2:], "}")
		switch {
		case !closed:
			return "", nil, `"${" without "}": write $${ if no variable is meant`
		case !variable().MatchString(name):
			return "", nil, "${…}: want a name of letters, digits and _ between the braces, or $${ if no variable is meant"
		}
		v, ok := env(name)
		if !ok {
			return "", nil, "environment variable " + name + " is not set"
		}
		b.WriteString(v)
		vars, text = append(vars, name), rest
		if b.Len() > maxText {
			return "", nil, "longer than " + size(maxText)
		}
	}
}

var variable = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
