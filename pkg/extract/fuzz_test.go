package extract_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"imerr-scan/pkg/extract"
)

var now = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// evidence leaves of a candidate what the oracle decides.
func evidence(cs []extract.Candidate) (out []extract.Candidate) {
	for _, c := range cs {
		c.Path, c.Shape, c.User, c.Device, c.Version, c.Platform, c.Time = "", 0, "", "", "", "", 0
		if c.Value.Kind == extract.Other && (c.Value.Text == "" || strings.ContainsAny(c.Value.Text[:1], "{[")) {
			c.Value.Text = ""
		}
		out = append(out, c)
	}
	return out
}

// FuzzExtract compares with an independent reading of the same rules, wherever the text is a JSON document; for any
// other text it asks for no more than sane answers.
func FuzzExtract(f *testing.F) {
	for _, l := range benchLines {
		f.Add([]byte(l.line))
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		f.Add([]byte(randomDocument(r)))
	}
	for _, s := range []string{
		`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"},"attributes":[{"key":"error.type","value":{"intValue":"206"}}]}]}]}]}`,
		`{"streams":[{"stream":{"level":"error"},"values":[["1795384804123456789","{\"error\":{\"type\":206}}"]]}]}`,
		`[0] app.im: [1795384804.123, {"log":"{\"error\":{\"type\":206}}"}]`, `<134>1 2026-11-23T09:00:00.000Z host app 1 ID [a@1 b="\]"] {"error":{"type":206}}`,
		`2026-11-23 09:00:00.123456789 +0800 app.im: {"error":{"type":206}}`, `level=error error.type=206 error.message="k" err="{\"type\":206}"`,
		`im error { type: 206, message: 'k', data: [Object], n: 1n, u: undefined }`, "{'type': 206, 'message': 'k', 'x': None}",
		`{"error":{"type":206,"message":"k"},"a":tru`, `{"log":"{\"error\":{\"type\":206,\"mess`, "11/23/2026, 9:00:00\u202fPM: onError {\"type\":206,\"message\":\"k\"}",
	} {
		f.Add([]byte(s))
	}
	x := extract.New(extract.Options{Now: now, Day: now})
	f.Fuzz(func(t *testing.T, doc []byte) {
		compare(t, x, doc)
	})
}

func compare(t *testing.T, x *extract.Extractor, doc []byte) {
	t.Helper()
	d := x.Extract(doc)
	for i, c := range d.Candidates {
		if c.Parent >= i || c.Parent < -1 {
			t.Errorf("candidate %d has parent %d", i, c.Parent)
		}
		for _, s := range []string{c.Value.Text, c.Path, c.Message, c.Reason, c.User, c.Device, c.Version, c.Platform} {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("candidate %d: %q is not clean", i, s)
			}
		}
		if c.Time < 0 || c.Time > now.Add(24*time.Hour).UnixMilli() {
			t.Errorf("candidate %d: time %d", i, c.Time)
		}
		if len(c.Value.Text) > 64 {
			t.Errorf("candidate %d: value %q is too long", i, c.Value.Text)
		}
	}
	want, ok := expect(doc)
	if !ok || d.TooDeep {
		return
	}
	if diff := cmp.Diff(evidence(want), evidence(d.Candidates)); diff != "" {
		t.Errorf("Extract(%q), oracle against result:\n%s", doc, diff)
	}
	if d.Broken || d.Text {
		t.Errorf("Extract(%q): broken %v, text %v; it is JSON", doc, d.Broken, d.Text)
	}
}

// TestAgainstOracle does what the fuzz target does, with documents made of what matters.
func TestAgainstOracle(t *testing.T) {
	r := rand.New(rand.NewPCG(20261123, 1))
	x := extract.New(extract.Options{Now: now, Day: now})
	n, told, found := 8000, 0, 0
	if testing.Short() {
		n = 2000
	}
	for range n {
		doc := []byte(randomDocument(r))
		if want, ok := expect(doc); ok {
			told++
			found += len(want)
		}
		compare(t, x, doc)
		if t.Failed() {
			return
		}
	}
	if told < n/2 || found < told/2 {
		t.Errorf("the oracle could judge %d of %d documents with %d candidates: too few to mean anything", told, n, found)
	}
}

// randomDocument makes a JSON document of the keys and values that matter.
func randomDocument(r *rand.Rand) string {
	if r.IntN(12) == 0 {
		var items []string
		for range r.IntN(4) {
			items = append(items, randomValue(r, 1))
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	return randomObject(r, 0)
}

var randomKeys = []string{"type", "type", "type", "error", "error", "err", "message", "message", "reason", "data", "xhr", "id", "name", "stack",
	"http", "http.x", "status_code", "from", "to", "chatType", "level", "time", "pid", "msg", "ext", "ctx", "cause", "a", "b", "error.type",
	"error.message", "error.reason", "error.data.reason", "error.foo", `typ\u0065`, `\u0065rror`, `mess\u0061ge`, "statusCode", "userId", "context", "chattype"}

func randomObject(r *rand.Rand, depth int) string {
	var members []string
	n := r.IntN(6)
	if r.IntN(40) == 0 {
		n += 40
	}
	for range n {
		k := randomKeys[r.IntN(len(randomKeys))]
		v := randomValue(r, depth+1)
		if k == "level" {
			v = []string{`"error"`, `"info"`, `"warn"`}[r.IntN(3)]
		}
		if r.IntN(20) == 0 {
			k = fmt.Sprint("k", r.IntN(50))
		}
		members = append(members, `"`+k+`":`+[]string{"", " "}[r.IntN(2)]+v)
	}
	return "{" + strings.Join(members, ",") + "}"
}

func randomValue(r *rand.Rand, depth int) string {
	if depth < 5 {
		switch r.IntN(5) {
		case 0, 1:
			return randomObject(r, depth)
		case 2:
			if r.IntN(2) == 0 {
				b, _ := json.Marshal(randomObject(r, depth+1))
				return string(b)
			}
			var items []string
			for range r.IntN(4) {
				items = append(items, randomValue(r, depth+1))
			}
			return "[" + strings.Join(items, ",") + "]"
		}
	}
	return []string{"206", "206", `"206"`, "0", "-2", "2.06e2", "206.0", "0.5", "1e400", "2147483648", "-2147483648", "206e-0", "20600e-2", "null", "true",
		`"txt"`, `"4g"`, `"NAME_X"`, `""`, `" 206"`, `"0206"`, `"-0"`, `"Aa B"`, `"A\u0062"`, `"\u0032\u0030\u0036"`, `"java.lang.X"`, `"\ud800"`, `"用户"`, `"x y"`,
		`"kicked"`, `"A B:c"`, `"a\nb"`, `"-17"`, `"--1"`, "-0", "1E2", `"HTTP 500"`}[r.IntN(37)]
}
