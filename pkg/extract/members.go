package extract

import (
	"bytes"
	"strings"

	"github.com/tidwall/gjson"
)

// Member is a number or a string somewhere in a document.
type Member struct {
	Path   string // dotted, array elements as []; a dot within a key is written \.
	Key    string // the last key of Path
	Text   string // the string, or the number as written
	Number bool
}

// Members calls yield with every number and string under a key in the JSON of doc, JSON within strings included, in the
// order of the text, until yield returns false. It is for looking around in a document (doctor, hints), not for finding
// errors: evidence plays no part in it. Text before the first brace is skipped; beyond 16 levels and 10,000 members
// nothing is reported.
func Members(doc []byte, yield func(Member) bool) {
	at := bytes.IndexAny(doc, "{[")
	if at < 0 {
		return
	}
	w := memberWalk{yield: yield, left: 10_000}
	w.value("", "", gjson.ParseBytes(doc[at:]), 16)
}

type memberWalk struct {
	yield func(Member) bool
	left  int
}

// value reports v, which stands under key at path, and what is in it. It returns false when enough was reported.
func (w *memberWalk) value(path, key string, v gjson.Result, levels int) bool {
	if levels == 0 {
		return true
	}
	switch {
	case v.IsObject() || v.IsArray():
		more := true
		v.ForEach(func(k, e gjson.Result) bool {
			p, name := path+"[]", key
			if v.IsObject() {
				p, name = joinPath(path, k.String()), k.String()
			}
			more = w.value(p, name, e, levels-1)
			return more
		})
		return more
	case v.Type == gjson.String && strings.HasPrefix(strings.TrimLeft(v.Str, " \t\r\n"), "{") && gjson.Valid(v.Str):
		return w.value(path, key, gjson.Parse(v.Str), levels-1)
	case (v.Type == gjson.String || v.Type == gjson.Number) && path != "":
		if w.left--; w.left < 0 {
			return false
		}
		m := Member{Path: path, Key: key, Text: v.Str, Number: v.Type == gjson.Number}
		if m.Number {
			m.Text = v.Raw
		}
		return w.yield(m)
	}
	return true
}

var escapeKey = strings.NewReplacer(`\`, `\\`, `.`, `\.`)

func joinPath(path, key string) string {
	if path == "" {
		return escapeKey.Replace(key)
	}
	return path + "." + escapeKey.Replace(key)
}

// Valid reports whether doc is one JSON text and nothing else. It reads about 1 GB/s, several times what Extract does,
// and is how --validate passes by the lines in which there is nothing to find.
func Valid(doc []byte) bool { return gjson.ValidBytes(doc) }
