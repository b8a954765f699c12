// Command reader counts SDK errors slowly and simply: each line is decoded token by token with encoding/json, and the rules
// of what counts are written down once more, from the documentation, without a look at our packages. The benchmark
// believes imerr-scan only as far as the two agree.
//
// It knows the shapes of tools/corpusgen and no others, and no catalog: a number at a place counts under its own name.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"regexp"
	"strings"
)

// Counts is what was found in a log.
type Counts struct {
	Lines     int64            `json:"lines"`
	WithError int64            `json:"with_error"` // lines
	Foreign   int64            `json:"foreign"`    // lines with another system's errors, and none of ours
	Events    int64            `json:"events"`
	Success   int64            `json:"success"` // type 0
	Values    map[string]int64 `json:"values"`  // events by value
}

func main() {
	counts, err := run(os.Args[1])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(counts)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "reader:", err)
		os.Exit(2)
	}
}

func run(path string) (Counts, error) {
	f, err := os.Open(path)
	if err != nil {
		return Counts{}, err
	}
	defer f.Close()
	return Read(f)
}

// Read counts the errors in r.
func Read(r io.Reader) (Counts, error) {
	counts := Counts{Values: map[string]int64{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		counts.Lines++
		line := lines.Bytes()
		begin := bytes.IndexByte(line, '{') // there may be text before
		if begin < 0 {
			continue
		}
		document, err := decode(line[begin:])
		if err != nil {
			return counts, fmt.Errorf("line %d: %w", counts.Lines, err)
		}
		counts.add(document)
	}
	return counts, lines.Err()
}

type object = map[string]any

// decode reads one JSON object. Of duplicate keys the first counts.
func decode(text []byte) (object, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	v, err := value(dec)
	if err != nil {
		return nil, err
	}
	o, ok := v.(object)
	if !ok {
		return nil, errors.New("no object")
	}
	return o, nil
}

func value(dec *json.Decoder) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		o := object{}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			v, err := value(dec)
			if err != nil {
				return nil, err
			}
			if _, double := o[key.(string)]; !double {
				o[key.(string)] = v
			}
		}
		_, err = dec.Token()
		return o, err
	case json.Delim('['):
		var list []any
		for dec.More() {
			v, err := value(dec)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = dec.Token()
		return list, err
	}
	return token, nil
}

// add counts what is in the document of one line.
func (c *Counts) add(document object) {
	record, level := unwrap(document)
	var found line
	placed, _ := record["error"].(object)
	if placed != nil {
		found.weigh(placed["type"], isForeign(placed) || isForeign(record))
	}
	found.weigh(record["error.type"], isForeign(record))
	for key, v := range record {
		if key != "error" || placed == nil {
			found.search(v, level)
		}
	}
	for _, v := range found.values {
		c.Values[v]++
	}
	c.Events += int64(len(found.values))
	c.Success += found.success
	switch {
	case len(found.values) > 0:
		c.WithError++
	case found.foreign:
		c.Foreign++
	}
}

// unwrap takes off up to three envelopes: a string that is a JSON object under a key that loggers and shippers use.
func unwrap(record object) (_ object, level string) {
	for range 3 {
		if s, ok := record["level"].(string); ok {
			level = s
		}
		if record["from"] != nil || record["chatType"] != nil {
			break // people write here
		}
		inner := object(nil)
		for _, key := range []string{"log", "message", "MESSAGE", "msg", "body", "line", "short_message", "full_message"} {
			if s, ok := record[key].(string); ok && strings.HasPrefix(strings.TrimSpace(s), "{") {
				inner, _ = decode([]byte(s))
			}
		}
		if inner == nil {
			break
		}
		record = inner
	}
	if s, ok := record["level"].(string); ok {
		level = s
	}
	return record, level
}

func isForeign(o object) bool {
	for _, key := range []string{"http", "rpc", "db", "status_code", "stack_trace"} {
		if _, ok := o[key]; ok {
			return true
		}
	}
	return false
}

// line is what one line holds.
type line struct {
	values  []string
	success int64
	foreign bool
}

var (
	digits   = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)
	constant = regexp.MustCompile(`^[A-Z0-9_]+$`)
	// names are the constants that corpora use in place of a number.
	names = map[string]string{
		"WEBIM_CONNECTION_CLOSED": "39", "MESSAGE_CURRENT_LIMITING": "509", "SERVICE_NOT_ALLOW_MESSAGING_MUTE": "507",
		"MESSAGE_SEND_TIMEOUT": "512", "WEBIM_CONNCTION_USER_LOGIN_ANOTHER_DEVICE": "206",
		"WEBIM_CONNCTION_TOKEN_NOT_ASSIGN_ERROR": "28", "REQUEST_TIMEOUT": "-1", "CHATROOM_MEMBERS_FULL": "704",
		"GROUP_MEMBERS_FULL": "606", "WEBIM_CONNCTION_OPEN_ERROR": "1", "WEBIM_CONNCTION_AJAX_ERROR": "17",
		"WEBIM_CONNCTION_USER_KICKED_BY_OTHER_DEVICE": "217", "WEBIM_CONNECTION_ERROR": "40",
		"WEBIM_CONNCTION_AUTH_ERROR": "2", "SERVICE_NOT_ENABLED": "505", "GROUP_NOT_JOINED": "602",
		"USER_NOT_FRIEND": "221", "WEBIM_CONNCTION_USER_KICKED_BY_CHANGE_PASSWORD": "216",
	}
)

// weigh counts the value of a type that stands at a place.
func (l *line) weigh(v any, foreign bool) {
	var code string
	switch v := v.(type) {
	case json.Number:
		if r, ok := new(big.Rat).SetString(v.String()); ok && r.IsInt() {
			code = r.Num().String()
		}
	case string:
		switch {
		case digits.MatchString(v):
			code = v
		case constant.MatchString(v):
			code = names[v]
		}
	}
	switch {
	case code == "":
	case foreign:
		l.foreign = true
	case code == "0":
		l.success++
	default:
		l.values = append(l.values, code)
	}
}

// search looks for SDK objects in v and below, but not below one that counts.
func (l *line) search(v any, level string) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			l.search(e, level)
		}
	case object:
		if isSDKObject(v) && !isQuiet(level) {
			l.weigh(v["type"], isForeign(v))
			return
		}
		for _, e := range v {
			l.search(e, level)
		}
	}
}

var sdkKeys = regexp.MustCompile(`^(type|message|reason|data|xhr|extraInfo|errorType|id|errMsg|header|statusCode|cookies|name|stack)$`)

func isSDKObject(o object) bool {
	for key := range o {
		if !sdkKeys.MatchString(key) {
			return false
		}
	}
	_, hasType := o["type"]
	_, hasMessage := o["message"].(string)
	_, hasReason := o["reason"].(string)
	return hasType && (hasMessage || hasReason)
}

func isQuiet(level string) bool {
	switch level {
	case "trace", "debug", "info":
		return true
	}
	return false
}
