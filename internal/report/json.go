package report

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"imerr-scan/internal/aggregate"
)

// JSON writes res as one indented document, imerr-scan/result/v1. Lists and maps are never null. What a terminal could
// act on, or a reader could not see, is escaped as \u202e, which JSON reads back as it was.
//
// Merge, which may be many times larger than the rest, is written as it is, on one line and without a copy.
func JSON(w io.Writer, res *aggregate.Result) error {
	r := full(res)
	merge := r.Merge
	if !asWritten(merge) {
		return writeJSON(w, r)
	}
	r.Merge = nil
	var b bytes.Buffer
	if err := writeJSON(&b, r); err != nil {
		return err
	}
	p := printer{w: w}
	_, _ = p.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n}\n")))
	_, _ = io.WriteString(&p, ",\n  \"merge\": ")
	_, _ = p.Write(merge)
	_, _ = io.WriteString(&p, "\n}\n")
	return p.err
}

// asWritten says whether a merge part has the form in which aggregate writes it, {"v":1,"tally":"…"} with letters of base64, so that
// there is nothing to check or to escape in it. Another program may have given it another form, or added to it.
func asWritten(merge []byte) bool {
	version, rest, found := bytes.Cut(merge, []byte(`,"tally":"`))
	tally, ended := bytes.CutSuffix(rest, []byte(`"}`))
	version, begun := bytes.CutPrefix(version, []byte(`{"v":`))
	if !found || !ended || !begun || len(version) != 1 || version[0]-'1' > '9'-'1' {
		return false
	}
	for _, c := range tally {
		if !base64Letter[c] {
			return false
		}
	}
	return true
}

var base64Letter = func() (is [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=" {
		is[c] = true
	}
	return is
}()

// full is res with empty lists and maps in place of missing ones.
func full(res *aggregate.Result) *aggregate.Result {
	r := *res
	r.Codes = make([]aggregate.CodeResult, len(res.Codes))
	for i, c := range res.Codes {
		c.Reasons, c.Versions, c.Platforms, c.Inner = some(c.Reasons), some(c.Versions), some(c.Platforms), some(c.Inner)
		c.Timeline = list(c.Timeline)
		r.Codes[i] = c
	}
	r.Unknown.Values = list(r.Unknown.Values)
	r.Categories, r.Shapes = some(r.Categories), some(r.Shapes)
	r.TopUsers = make([]aggregate.UserResult, len(res.TopUsers))
	for i, u := range res.TopUsers {
		u.Codes = some(u.Codes)
		r.TopUsers[i] = u
	}
	r.Hints, r.Alerts, r.Errors = list(r.Hints), list(r.Alerts), list(r.Errors)
	return &r
}

func some(m map[string]int64) map[string]int64 {
	if m == nil {
		return map[string]int64{}
	}
	return m
}

func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// writeJSON writes v indented, without HTML escapes, invisible runes escaped.
func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(escapeInvisible(b.Bytes()))
	return err
}

// escapeInvisible writes the runes of a JSON text that are not printable as \u escapes. Outside of strings JSON is ASCII,
// so they can only be in strings.
func escapeInvisible(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf && c != 0x7f {
			out = append(out, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		out = appendRune(out, r)
		i += n
	}
	return out
}

// appendRune appends r to a JSON string, escaped if it is not printable.
func appendRune(dst []byte, r rune) []byte {
	switch {
	case r == '"' || r == '\\':
		return append(dst, '\\', byte(r))
	case r == '\n':
		return append(dst, '\\', 'n')
	case r == '\r':
		return append(dst, '\\', 'r')
	case r == '\t':
		return append(dst, '\\', 't')
	case r == ' ' || unicode.IsPrint(r):
		return utf8.AppendRune(dst, r)
	case r > 0xFFFF:
		r -= 0x10000
		return appendEscape(appendEscape(dst, 0xD800+r>>10), 0xDC00+r&0x3FF)
	}
	return appendEscape(dst, r)
}

func appendEscape(dst []byte, unit rune) []byte {
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[unit>>12&15], hex[unit>>8&15], hex[unit>>4&15], hex[unit&15])
}

// appendString appends s as a JSON string; bad UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		if c := s[i]; c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		dst = appendRune(dst, r)
		i += n
	}
	return append(dst, '"')
}

// Event is one line of -o ndjson. Empty strings are written as they are, so that every line has the same keys.
type Event struct {
	Time     time.Time // zero: null
	Known    bool      // the code is in the catalog; otherwise code is null and Value stands in "value"
	Code     int32
	Value    string // as written, for an unknown code
	Name     string
	Category string
	Topic    string
	Reason   string
	Message  string // longer texts than 2,048 bytes are cut and end in …
	User     string // masked as the run wants it
	Version  string
	Platform string
	Source   string // name of the input
	Line     int64  // first line of the document, from 1
	Shape    string
	Inner    int32 // the type in its data, if HasInner; otherwise null
	HasInner bool
}

// eventTextLimit bounds each text of an event, in bytes.
const eventTextLimit = 2048

// AppendEvent appends e as one line of JSON, with its line end. It allocates only if dst is too short.
func AppendEvent(dst []byte, e *Event) []byte {
	dst = append(dst, `{"time":`...)
	if e.Time.IsZero() {
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, '"')
		dst = e.Time.AppendFormat(dst, "2006-01-02T15:04:05.999Z07:00")
		dst = append(dst, '"')
	}
	dst = append(dst, `,"code":`...)
	if e.Known {
		dst = strconv.AppendInt(dst, int64(e.Code), 10)
	} else {
		dst = append(dst, "null"...)
		dst = appendField(dst, "value", e.Value)
	}
	dst = appendField(dst, "name", e.Name)
	dst = appendField(dst, "category", e.Category)
	dst = appendField(dst, "topic", e.Topic)
	dst = appendField(dst, "reason", e.Reason)
	dst = appendField(dst, "message", e.Message)
	dst = appendField(dst, "user", e.User)
	dst = appendField(dst, "version", e.Version)
	dst = appendField(dst, "platform", e.Platform)
	dst = append(dst, `,"src":`...)
	dst = appendString(dst, cutBytes(e.Source, eventTextLimit))
	dst[len(dst)-1] = ':'
	dst = strconv.AppendInt(dst, e.Line, 10)
	dst = append(dst, '"')
	dst = appendField(dst, "shape", e.Shape)
	dst = append(dst, `,"inner":`...)
	if e.HasInner {
		dst = strconv.AppendInt(dst, int64(e.Inner), 10)
	} else {
		dst = append(dst, "null"...)
	}
	return append(dst, "}\n"...)
}

func appendField(dst []byte, key, value string) []byte {
	dst = append(dst, ',', '"')
	dst = append(dst, key...)
	dst = append(dst, '"', ':')
	return appendString(dst, cutBytes(value, eventTextLimit))
}

// cutBytes shortens s to at most n bytes and an …, not within a rune.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
