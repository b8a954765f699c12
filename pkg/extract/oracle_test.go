package extract_test

import (
	"bytes"
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"imerr-scan/pkg/extract"
)

// The oracle reads a JSON document token by token with encoding/json into a plain tree, in which the first of duplicate
// keys won, and applies the rules of docs/input.md to it as they are written there. It shares no code with the package.
// Envelopes are not in it: documents that have the keys of one are left out.

type value struct {
	object  bool
	array   bool
	members []member // of an object, in order
	items   []*value
	scalar  any // string, json.Number, bool, nil
}

type member struct {
	key string
	val *value
}

func (v *value) get(key string) *value {
	if v == nil {
		return nil
	}
	for _, m := range v.members {
		if m.key == key {
			return m.val
		}
	}
	return nil
}

func (v *value) str() (string, bool) {
	if v == nil || v.object || v.array {
		return "", false
	}
	s, ok := v.scalar.(string)
	return s, ok
}

func parse(doc string) *value {
	d := json.NewDecoder(strings.NewReader(doc))
	d.UseNumber()
	v := parseValue(d)
	if v == nil || strings.TrimSpace(doc[d.InputOffset():]) != "" {
		return nil
	}
	return v
}

func parseValue(d *json.Decoder) *value {
	t, err := d.Token()
	if err != nil {
		return nil
	}
	switch t {
	case json.Delim('{'):
		v := &value{object: true}
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return nil
			}
			m := parseValue(d)
			if m == nil {
				return nil
			}
			if v.get(k.(string)) == nil {
				v.members = append(v.members, member{k.(string), m})
			}
		}
		if _, err := d.Token(); err != nil {
			return nil
		}
		return v
	case json.Delim('['):
		v := &value{array: true}
		for d.More() {
			m := parseValue(d)
			if m == nil {
				return nil
			}
			v.items = append(v.items, m)
		}
		if _, err := d.Token(); err != nil {
			return nil
		}
		return v
	}
	return &value{scalar: t}
}

var (
	sdkKeys      = strings.Fields("type message reason data xhr extraInfo errorType id errMsg header statusCode cookies name stack errno")
	loggerKeys   = strings.Fields("level time message msg pid hostname user userId context ctx")
	chatBodies   = strings.Fields("ext body bodies msg payload customExts customEvent params msgConfig messages")
	faultKeys    = strings.Fields("error err exception reason")
	tailKeys     = strings.Fields("message msg body line short_message full_message log MESSAGE")
	argumentKeys = strings.Fields("args arguments logs msg message")
	// keys that the oracle knows nothing of
	envelopeKeys = strings.Fields(`log MESSAGE resourceLogs resource_logs streams line short_message logs labels result
		attributes severity lvl log.level levelname levelName level_name loglevel logLevel log_level severityNumber severity_number
		severityText severity_text PRIORITY ecs.version event_id body values full_message`)
	nameRE    = regexp.MustCompile(`^[A-Za-z0-9_.$:]*$`)
	capsRE    = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)
	integerRE = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
)

func has(list []string, s string) bool { return slices.Contains(list, s) }

// judge decides a value as design.md has it.
func judge(v *value, place bool) (extract.Value, bool) {
	other := func(s string) (extract.Value, bool) {
		return extract.Value{Kind: extract.Other, Text: cleaned(s, 64)}, place
	}
	if v.object || v.array {
		return other("") // the text is compared by prefix only
	}
	switch s := v.scalar.(type) {
	case nil:
		return extract.Value{}, false
	case bool:
		if s {
			return other("true")
		}
		return other("false")
	case json.Number:
		if code, ok := whole(string(s)); ok {
			return extract.Value{Kind: extract.Number, Code: code, Text: cleaned(string(s), 64)}, true
		}
		return other(string(s))
	case string:
		if integerRE.MatchString(s) {
			if code, ok := whole(s); ok {
				return extract.Value{Kind: extract.Number, Code: code, Text: s}, true
			}
			return other(s)
		}
		lower := func(r rune) bool { return r >= 'a' && r <= 'z' }
		if nameRE.MatchString(s) && strings.ContainsFunc(s, lower) {
			return extract.Value{}, false
		}
		if len(s) > 0 && lower(rune(s[0])) || len(s) > 1 && lower(rune(s[1])) {
			return extract.Value{}, false
		}
		if capsRE.MatchString(s) {
			return extract.Value{Kind: extract.Name, Text: cleaned(s, 64)}, true
		}
		return other(s)
	}
	return extract.Value{}, false
}

// whole reads a number exactly.
func whole(s string) (int32, bool) {
	if e := strings.IndexAny(s, "eE"); e >= 0 && len(s)-e > 5 {
		if strings.Trim(s[:e], "-0.") == "" {
			return 0, true
		}
		return 0, false
	}
	if len(s) > 4000 {
		return 0, false
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok || !r.IsInt() || !r.Num().IsInt64() {
		return 0, false
	}
	n := r.Num().Int64()
	return int32(n), n == int64(int32(n))
}

func cleaned(s string, limit int) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			r = ' '
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			r = utf8.RuneError
		}
		if b.Len()+utf8.RuneLen(r) > limit {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// oracle collects what the rules say of a document.
type oracle struct {
	found   []extract.Candidate
	skip    bool // something is in it that the oracle does not know
	records int
}

type around struct {
	record               int
	level                extract.Level
	plain, place, inData bool
	parent, depth        int
	args                 bool // console arguments
	foreign              bool // http … stand in a record around
}

func (o *oracle) document(v *value) {
	a := around{parent: -1}
	switch {
	case v.object:
		o.root(v, a)
	case v.array && len(v.items) > 0:
		o.list(v, a)
	}
}

func (o *oracle) list(v *value, a around) {
	if _, ok := v.items[0].str(); ok {
		if len(v.items) > 1 && (v.items[1].array || isNumber(v.items[1])) {
			o.skip = true // perhaps fluentd's ["tag", time, record]
		}
		a.args = true
		o.walk(v, v, a, false, false)
		return
	}
	if len(v.items) == 2 && v.items[1].object && !v.items[0].object {
		o.skip = true // fluent-bit's [time, record]
		return
	}
	first := true
	for _, e := range v.items {
		if !e.object && !e.array {
			continue
		}
		if e.array && !mayHold(e) {
			continue
		}
		b := a
		if !first {
			o.records++
			b.record = o.records
		}
		first = false
		if e.object {
			o.root(e, b)
		} else {
			o.walk(e, e, b, false, false)
		}
	}
}

func isNumber(v *value) bool {
	_, ok := v.scalar.(json.Number)
	return ok
}

// mayHold says whether a key that ends in type, or a string that may be JSON, is in v.
func mayHold(v *value) bool {
	if s, ok := v.str(); ok {
		return strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[")
	}
	if slices.ContainsFunc(v.items, mayHold) {
		return true
	}
	for _, m := range v.members {
		if strings.HasSuffix(m.key, "type") || mayHold(m.val) {
			return true
		}
	}
	return false
}

func (o *oracle) root(v *value, a around) {
	for _, m := range v.members {
		if has(envelopeKeys, m.key) || m.key == "ecs" || m.key == "data" && m.val.get("result") != nil {
			o.skip = true
		}
		if strings.HasPrefix(m.key, "_") || m.key == "" {
			o.skip = true
		}
	}
	switch level := v.get("level"); {
	case level == nil:
	default:
		s, ok := level.str()
		switch {
		case ok && (s == "error" || s == "warn"):
			a.level = extract.WarnUp
		case ok && s == "info":
			a.level = extract.BelowWarn
		default:
			o.skip = true
		}
	}
	o.walk(v, v, a, true, false)
}

func foreignKey(k string) bool {
	head, _, dotted := strings.Cut(k, ".")
	return has([]string{"http", "rpc", "db"}, head) && (dotted || head == k) || has([]string{"status_code", "stack_trace", "error.stack_trace"}, k)
}

func anyKey(v *value, f func(string) bool) bool {
	return slices.ContainsFunc(v.members, func(m member) bool { return f(m.key) })
}

func (o *oracle) walk(root, v *value, a around, isRoot, fault bool) {
	if v.array {
		for _, e := range v.items {
			b := a
			b.place, b.inData = false, false
			if s, ok := e.str(); ok && a.args && a.level == extract.WarnUp && a.depth < 3 && (strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[")) {
				b := a
				b.foreign = a.foreign || root.object && anyKey(root, foreignKey)
				o.argument(s, b)
			}
			b.args = false
			if e.array || e.object {
				o.walk(root, e, b, false, fault)
			}
		}
		return
	}
	if !v.object {
		return
	}
	foreign := a.foreign || anyKey(v, foreignKey) || root.object && anyKey(root, foreignKey)
	parent := a.parent
	add := func(c extract.Candidate) {
		c.Record, c.Parent, c.Plain, c.Level, c.Foreign = a.record, a.parent, a.plain, a.level, foreign
		o.found = append(o.found, c)
		if parent == a.parent {
			parent = len(o.found) - 1
		}
	}
	if t := v.get("type"); t != nil {
		if val, ok := judge(t, a.place); ok {
			c := extract.Candidate{Value: val, Place: a.place, AtRoot: isRoot, InData: a.inData}
			if c.Message, c.HasMessage = v.get("message").str(); c.HasMessage {
				c.Message = cleaned(c.Message, 4096)
			}
			if c.Reason, c.HasReason = v.get("reason").str(); !c.HasReason {
				for _, key := range []string{"reason", "error_description", "error"} {
					if data := v.get("data"); data != nil && data.object && !c.HasReason {
						c.Reason, c.HasReason = data.get(key).str()
					}
				}
			}
			c.Reason = cleaned(c.Reason, 4096)
			xhr := v.get("xhr")
			c.HasXHR = xhr != nil && xhr.object
			c.HasData = v.get("data") != nil
			c.SDKKeys = !anyKey(v, func(k string) bool { return !has(sdkKeys, k) }) ||
				isRoot && a.level == extract.WarnUp && !anyKey(v, func(k string) bool { return !has(sdkKeys, k) && !has(loggerKeys, k) })
			add(c)
		}
	}
	if t := v.get("error.type"); t != nil {
		if val, ok := judge(t, true); ok {
			c := extract.Candidate{Value: val, Place: true}
			c.Message, c.HasMessage = v.get("error.message").str()
			c.Message = cleaned(c.Message, 4096)
			if c.Reason, c.HasReason = v.get("error.reason").str(); !c.HasReason {
				c.Reason, c.HasReason = v.get("error.data.reason").str()
			}
			c.Reason = cleaned(c.Reason, 4096)
			c.SDKKeys = !anyKey(v, func(k string) bool {
				rest, ok := strings.CutPrefix(k, "error.")
				return ok && k != "error.stack_trace" && !has(sdkKeys, rest) && !strings.HasPrefix(rest, "data.")
			})
			add(c)
		}
	}
	chat := v.get("from") != nil || v.get("chatType") != nil
	people := chat && (v.get("chatType") != nil || v.get("to") != nil)
	for _, m := range v.members {
		inData := parent != a.parent && m.key == "data"
		if s, ok := m.val.str(); ok {
			if !chat {
				b := a
				b.foreign = a.foreign || root.object && anyKey(root, foreignKey)
				o.text(s, m.key, b, parent, inData, isRoot, fault)
			}
			continue
		}
		if people && has(chatBodies, m.key) {
			continue
		}
		b := a
		b.parent, b.place, b.inData = parent, isRoot && m.key == "error", inData
		b.args = has(argumentKeys, m.key) && !chat
		o.walk(root, m.val, b, false, fault || has(faultKeys, m.key) || m.key == "cause")
	}
}

// argument unwraps an element of console arguments.
func (o *oracle) argument(s string, a around) {
	v := parse(strings.Trim(s, " \t\r\n\v\f\x00\x1e\ufeff"))
	if v == nil {
		return
	}
	b := around{record: a.record, level: a.level, plain: true, parent: a.parent, foreign: a.foreign, depth: a.depth + 1}
	switch {
	case v.object:
		o.root(v, b)
	case v.array && len(v.items) > 0:
		o.list(v, b)
	}
}

// text unwraps a string.
func (o *oracle) text(s, key string, a around, parent int, inData, isRoot, fault bool) {
	if a.depth >= 3 || len(s) <= 8 {
		return
	}
	switch {
	case isRoot && (has(faultKeys, key) || has(tailKeys, key)):
	case !isRoot && fault && (strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[")):
	default:
		return
	}
	s = strings.Trim(s, " \t\r\n\v\f\x00\x1e\ufeff")
	v := parse(s)
	if v == nil || !v.object && !v.array {
		if strings.ContainsAny(s, "{[=") && has(tailKeys, key) {
			o.skip = true // JSON at the end of text has its own tests
		}
		return
	}
	b := around{record: a.record, level: a.level, plain: a.plain, parent: parent, inData: inData, foreign: a.foreign, depth: a.depth + 1, place: isRoot && key == "error"}
	if !isRoot || !has(faultKeys, key) && a.level == extract.BelowWarn {
		b.plain = true
	}
	if v.array {
		o.list(v, b)
		return
	}
	o.root(v, b)
}

// expect returns what the oracle says of doc; ok is false if it cannot tell.
func expect(doc []byte) ([]extract.Candidate, bool) {
	if !utf8.Valid(doc) || !json.Valid(doc) || bytes.ContainsAny(doc, "\x00\x7f") || depth(doc) > 900 {
		return nil, false
	}
	v := parse(string(doc))
	if v == nil || !v.object && !v.array {
		return nil, false
	}
	o := oracle{}
	o.document(v)
	return o.found, !o.skip
}

func depth(doc []byte) (most int) {
	d := 0
	for _, c := range doc {
		switch c {
		case '{', '[':
			d++
			most = max(most, d)
		case '}', ']':
			d--
		}
	}
	return most
}
