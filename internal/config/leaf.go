package config

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"imerr-scan/internal/lazyregexp"
	"imerr-scan/internal/notify"
)

// leaf is a value that is one text.
type leaf struct {
	want     string                             // "a duration such as 5m", for messages
	parse    func(text string) (problem string) // takes the text over, or says what is wrong with it
	value    func() any                         // what holds, for show; nil is the text as it was set
	optional bool                               // has no default: shown only if it was set
	secret   bool                               // neither shown nor quoted

	text string
}

func (v *leaf) read(l *loader, key string, n *yaml.Node) {
	if s, ok := l.scalar(n, key, v.want); ok {
		v.take(l, key, s)
	}
}

// set takes a value that a variable or a flag has.
func (v *leaf) set(l *loader, key, text string, from origin) {
	if problem := unfit(text, v.want); problem != "" {
		l.mistakeAt(from, key, "%s", problem)
		return
	}
	delete(l.failed, key)
	v.take(l, key, scalar{text: text, raw: text, at: from})
}

func (v *leaf) take(l *loader, key string, s scalar) {
	l.where[key] = s.at
	v.text = s.text
	switch problem := v.parse(s.text); {
	case problem == "":
	case v.secret:
		l.mistakeAt(s.at, key, "%s", problem)
	default:
		l.mistakeAt(s.at, key, "%s: %s", quote(s.raw), problem)
	}
}

func (v *leaf) show(l *loader, key string) *yaml.Node {
	if v.optional && !l.has(key) {
		return nil
	}
	var n *yaml.Node
	if v.value == nil {
		n = scalarNode(v.text)
	} else {
		n = scalarNode(v.value())
	}
	n.LineComment = l.origin(key)
	return n
}

func (v *leaf) standard() string {
	if v.value == nil || v.optional {
		return ""
	}
	return fmt.Sprint(v.value())
}

// opt makes a leaf one without a default.
func opt(v *leaf) *leaf { v.optional = true; return v }

// text is any text.
func text(dst *string, want string) *leaf {
	return &leaf{want: want, parse: func(s string) string { *dst = s; return "" }, value: func() any { return *dst }}
}

// checked is a text that check finds nothing wrong with.
func checked(dst *string, want string, check func(string) error) *leaf {
	return &leaf{
		want: want,
		parse: func(s string) string {
			if err := check(s); err != nil {
				return err.Error()
			}
			*dst = s
			return ""
		},
		value: func() any { return *dst },
	}
}

// oneOf is one of some words.
func oneOf(dst *string, words ...string) *leaf {
	want := list(words)
	return &leaf{
		want: want,
		parse: func(s string) string {
			if !slices.Contains(words, s) {
				return "want " + want + didYouMean(s, words)
			}
			*dst = s
			return ""
		},
		value: func() any { return *dst },
	}
}

// toggle is true or false.
func toggle(dst *bool) *leaf {
	return &leaf{
		want: "true or false",
		parse: func(s string) string {
			switch s {
			case "true":
				*dst = true
			case "false":
				*dst = false
			default:
				return "want true or false"
			}
			return ""
		},
		value: func() any { return *dst },
	}
}

// whole is a whole number above 0; what else holds of it is checked by its package.
func whole[T int | int64](dst *T) *leaf {
	const want = "a whole number above 0"
	return &leaf{
		want: want,
		parse: func(s string) string {
			n, err := strconv.ParseInt(s, 10, strconv.IntSize)
			if err != nil || n <= 0 || s[0] == '+' {
				return "want " + want
			}
			*dst = T(n)
			return ""
		},
		value: func() any { return *dst },
	}
}

var decimal = lazyregexp.New(`^[0-9]{1,15}(\.[0-9]{1,15})?$`)

// number is a number above 0.
func number(dst *float64) *leaf {
	const want = "a number above 0 such as 1 or 0.1"
	return &leaf{
		want: want,
		parse: func(s string) string {
			n, err := strconv.ParseFloat(s, 64)
			if err != nil || n == 0 || !decimal().MatchString(s) {
				return "want " + want
			}
			*dst = n
			return ""
		},
		value: func() any { return *dst },
	}
}

// duration is a length of time above 0.
func duration(dst *time.Duration) *leaf {
	const want = "a duration above 0 such as 90s, 5m, 1h30m or 7d"
	return &leaf{
		want: want,
		parse: func(s string) string {
			d, ok := parseDuration(s)
			if ok {
				*dst = d
				return ""
			}
			if _, seconds := parseDuration(s + "s"); seconds {
				return "want " + want + "; did you mean " + strconv.Quote(s+"s") + "?"
			}
			return "want " + want
		},
		value: func() any { return formatDuration(*dst) },
	}
}

var days = lazyregexp.New(`^([0-9]{1,4})d$`)

func parseDuration(s string) (time.Duration, bool) {
	if m := days().FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[1])
		return time.Duration(n) * 24 * time.Hour, n > 0
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d > 0 && s[0] != '+'
}

// formatDuration writes 5m instead of 5m0s.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

const (
	hidden     = "***"
	maxSecret  = 64 << 10
	notWritten = `*** stands for a secret that is not shown: write the secret itself, ${VARIABLE} or a …_file`
)

// secret returns two entries, of which one can be set: the secret itself, and a file whose first line it is. visible is
// what may be shown of it; nil is nothing.
func (l *loader) secret(at, name string, dst *notify.Secret, want string, visible func(string) string) section {
	take := func(s string) string {
		if strings.Contains(s, hidden) {
			return notWritten
		}
		*dst = notify.Secret(s)
		return ""
	}
	shown := func() any {
		if visible != nil {
			return visible(string(*dst))
		}
		return hidden
	}
	inFile := name + "_file"
	alone := func(key, other string) (problem string) {
		if l.has(other) && l.where[other].rank() == l.where[key].rank() {
			return name + " and " + inFile + ": want one of them"
		}
		delete(l.where, other) // a variable wins over the file, a flag over both
		return ""
	}
	direct := &leaf{want: want, optional: true, secret: true, parse: take, value: shown}
	byFile := &leaf{want: "the path of a file", optional: true}
	byFile.parse = func(path string) string {
		if problem := alone(join(at, inFile), join(at, name)); problem != "" {
			return problem
		}
		l.alias[join(at, name)] = join(at, inFile)
		s, problem := l.firstLine(l.pathOf(join(at, inFile), path))
		if problem == "" {
			problem = take(s)
		}
		return problem
	}
	direct.parse = func(s string) string {
		if problem := alone(join(at, name), join(at, inFile)); problem != "" {
			return problem
		}
		delete(l.alias, join(at, name))
		return take(s)
	}
	return section{{name: name, value: direct}, {name: inFile, value: byFile}}
}

// firstLine reads a secret from a file.
func (l *loader) firstLine(name string) (line, problem string) {
	data, err := l.in.ReadFile(name, maxSecret)
	if err != nil {
		return "", fileProblem("not read", err)
	}
	line, _, _ = strings.Cut(string(data), "\n")
	line = strings.TrimSuffix(line, "\r")
	switch unfit := unfit(line, ""); {
	case strings.TrimSpace(line) == "":
		return "", "the file's first line is empty: want the secret there"
	case unfit != "":
		return "", "the file's first line is no secret: it is too long, or has control characters or bad UTF-8"
	}
	return line, ""
}

// host shows of an address what is no secret.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return hidden
	}
	shown := u.Scheme + "://" + u.Host
	if strings.TrimPrefix(address, shown) == "" {
		return shown
	}
	return shown + "/" + hidden
}

// leaves is a list of texts.
type leaves struct {
	want   string // of the list: "a list such as [206, 217]"
	parse  func(i int, text string) (problem string)
	begin  func(n int) // is called before with the number of elements; may be nil
	late   bool        // the elements are looked at when the catalog is known
	secret bool
	value  func() []any
}

const maxLeaves = 1000

func (v *leaves) read(l *loader, key string, n *yaml.Node) {
	if !l.is(n, yaml.SequenceNode, key, v.want) {
		return
	}
	if !v.start(l, key, len(n.Content), l.at(n.Line, n.Column)) {
		return
	}
	for i, item := range n.Content {
		if s, ok := l.scalar(item, element(key, i), v.want); ok {
			v.take(l, key, i, s)
		} else {
			l.partial[key] = true
		}
	}
}

// set takes a list that a variable or a flag has, with commas between its elements.
func (v *leaves) set(l *loader, key, text string, from origin) {
	parts := strings.Split(text, ",")
	delete(l.failed, key)
	if !v.start(l, key, len(parts), from) {
		return
	}
	for i, part := range parts {
		part = strings.TrimSpace(part)
		if problem := unfit(part, v.want); problem != "" {
			l.mistakeAt(from, element(key, i), "%s", problem)
			l.partial[key] = true
			continue
		}
		v.take(l, key, i, scalar{text: part, raw: part, at: from})
	}
}

// start makes ready for n elements, unless so many are none or too many.
func (v *leaves) start(l *loader, key string, n int, at origin) bool {
	switch {
	case n == 0:
		l.mistakeAt(at, key, "empty: want %s, or no such line", v.want)
		return false
	case n > maxLeaves:
		l.mistakeAt(at, key, "%d elements: want at most %d", n, maxLeaves)
		return false
	}
	l.where[key] = at
	if v.begin != nil {
		v.begin(n)
	}
	return true
}

func (v *leaves) take(l *loader, key string, i int, s scalar) {
	path := element(key, i)
	l.where[path] = s.at
	look := func() {
		if l.full() {
			return
		}
		switch problem := v.parse(i, s.text); {
		case problem == "":
			return
		case v.secret:
			l.mistakeAt(s.at, path, "%s", problem)
		default:
			l.mistakeAt(s.at, path, "%s %s", named(s.raw), problem)
		}
		l.partial[key] = true
	}
	if v.late {
		l.later = append(l.later, look)
	} else {
		look()
	}
}

func (v *leaves) standard() string { return "" } // no list has one

// textList is a list of texts, all different, of which problem says what is wrong with one.
func textList(dst *[]string, want string, problem func(string) string) *leaves {
	return &leaves{
		want:  want,
		begin: func(int) { *dst = nil },
		parse: func(_ int, s string) string {
			if problem := problem(s); problem != "" {
				return problem
			}
			if slices.Contains(*dst, s) {
				return "stands there twice"
			}
			*dst = append(*dst, s)
			return ""
		},
		value: func() []any {
			var all []any
			for _, s := range *dst {
				all = append(all, s)
			}
			return all
		},
	}
}

// named shows a number as it is and a word in quotes.
func named(s string) string {
	if _, err := strconv.Atoi(s); err == nil {
		return s
	}
	return quote(s)
}

func (v *leaves) show(l *loader, key string) *yaml.Node {
	if !l.has(key) {
		return nil
	}
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, LineComment: l.origin(key)}
	for _, x := range v.value() {
		n.Content = append(n.Content, scalarNode(x))
	}
	return n
}

// scalarNode is x as YAML. Texts are written so that nothing in them is taken for a variable.
func scalarNode(x any) *yaml.Node {
	if s, ok := x.(string); ok {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.ReplaceAll(s, "${", "$${")}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: plain(x)}
}

func plain(x any) string {
	if f, ok := x.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(x)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
