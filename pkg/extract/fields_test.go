package extract

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestFields(t *testing.T) {
	for _, tc := range []struct{ name, doc, want string }{
		{"flat ids", `{"error":{"type":206},"userId":"u1","deviceId":"d1","appVersion":"5.3.0","platform":"web"}`, "u1 d1 5.3.0 web"},
		{"numbers", `{"error":{"type":206},"uid":10233,"version":5.3}`, "10233 - 5.3 -"},
		{"objects", `{"error":{"type":206},"user":{"name":"n","id":"u1"},"device":{"id":"d1","os":"ios"},"app":{"ver":"5.3"}}`, "n d1 5.3 ios"},
		{"app's platform", `{"error":{"type":206},"app":{"platform":"web","version":"1"}}`, "- - 1 web"},
		{"dotted", `{"error.type":206,"user.id":"u1","device.id":"d1","service.version":"2","os.name":"Android"}`, "u1 d1 2 Android"},
		{"in a context", `{"error":{"type":206},"ctx":{"uid":"u1","version":"3"}}`, "u1 - 3 -"},
		{"root before context", `{"ctx":{"userId":"u2"},"error":{"type":206},"username":"u1"}`, "u1 - - -"},
		{"user object before context", `{"extra":{"userId":"u2"},"user":{"id":"u1"},"error":{"type":206}}`, "u1 - - -"},
		{"an id before a name", `{"error":{"type":206},"username":"n","uid":"u1"}`, "u1 - - -"},
		{"what is no user", `{"name":"app","hostname":"h","pid":7,"v":0,"error":{"type":206}}`, "- - - -"},
		{"versions that are not the app's", `{"ecs":{"version":"8"},"agent":{"version":"7"},"os":{"version":"15","name":"iOS"},"@version":"1","error":{"type":206}}`, "- - - iOS"},
		{"GELF's own version", `{"version":"1.1","host":"h","short_message":"m","_version":"5","_user":"u1","_error.type":206}`, "u1 - 5 -"},
		{"the SDK's resource", `{"error":{"type":206},"resource":"webim_1"}`, "- webim_1 - -"},
		{"Kubernetes says nothing", `{"kubernetes":{"labels":{"version":"v1"}},"error":{"type":206}}`, "- - - -"},
		{"Sentry", `{"event_id":"a","sdk":{"name":"s","version":"9"},"release":"im@5","user":{"id":"u1"},"contexts":{"os":{"name":"iOS"},"device":{"id":"d1"}},"extra":{"e":{"type":206}}}`, "u1 d1 im@5 iOS"},
		{"logfmt", `level=error user=u1 version=5 type=206 message="x" platform=web`, "u1 - 5 web"},
		{"from the record around", `{"userId":"u1","message":"{\"error\":{\"type\":206},\"version\":\"5\"}"}`, "u1 - 5 -"},
		{"the inner record's own", `{"userId":"u1","message":"{\"error\":{\"type\":206},\"userId\":\"u2\"}"}`, "u2 - - -"},
		{"OTLP", `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.version","value":{"stringValue":"5"}},{"key":"os.name","value":{"stringValue":"iOS"}}]},` +
			`"scopeLogs":[{"logRecords":[{"attributes":[{"key":"error.type","value":{"intValue":"206"}},{"key":"user.id","value":{"stringValue":"u1"}}]}]}]}]}`, "u1 - 5 iOS"},
		{"Loki's labels", `{"streams":[{"stream":{"platform":"web"},"values":[["1","{\"error\":{\"type\":206}}"]]}]}`, "- - - web"},
		{"control characters and bad UTF-8", "{\"error\":{\"type\":206},\"userId\":\"a\\u001b[31m\xffb\"}", "a\ufffd[31m\ufffdb - - -"},
		{"lone surrogate", `{"error":{"type":206},"userId":"a\ud800b\ude00"}`, "a\ufffdb\ufffd - - -"},
		{"empty is none", `{"error":{"type":206},"userId":"","uid":"u1"}`, "- - - -"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := New(Options{}).Extract([]byte(tc.doc))
			if len(d.Candidates) != 1 {
				t.Fatalf("%d candidates in %s", len(d.Candidates), tc.doc)
			}
			if got := fieldsOf(d.Candidates[0]); got != tc.want {
				t.Errorf("%s: user, device, version, platform = %s, want %s", tc.doc, got, tc.want)
			}
		})
	}
}

func fieldsOf(c Candidate) string {
	or := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	return fmt.Sprint(or(c.User), " ", or(c.Device), " ", or(c.Version), " ", or(c.Platform))
}

func TestFieldOverrides(t *testing.T) {
	doc := `{"userId":"u1","a.b":{"who":"u2"},"list":[{"v":"7"}],"at":"2026-11-23T09:00:00Z","time":"2026-11-22T09:00:00Z","my":{"code":206},"error":{"type":"x"}}`
	x := New(Options{Fields: map[string]string{"user": `a\.b.who`, "version": "list[].v", "time": "at", "code": "my.code", "platform": "gone"}})
	d := x.Extract([]byte(doc))
	if len(d.Candidates) != 1 {
		t.Fatalf("%d candidates, want that of my.code", len(d.Candidates))
	}
	c := d.Candidates[0]
	if c.Value.Code != 206 || !c.Place || c.Path != "my.code" {
		t.Errorf("got %d at %s, place %v; want 206 at my.code, a place", c.Value.Code, c.Path, c.Place)
	}
	if got := fieldsOf(c); got != "u2 - 7 -" {
		t.Errorf("user, device, version, platform = %s", got)
	}
	if want := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC).UnixMilli(); c.Time != want {
		t.Errorf("time %d, want %d", c.Time, want)
	}
}

// TestHintsCanBeUsedAsPaths takes the path of a candidate as --field code=….
func TestHintsCanBeUsedAsPaths(t *testing.T) {
	for _, doc := range []string{
		`{"ctx":{"error":{"type":206}}}`, `{"a.b":{"type":206}}`, `{"items":[{"e":{"type":206}}]}`, `{"a\\b":{"type":206}}`, `{"x":[[{"type":206}]]}`,
		`{"ctx":{"\u0065rr":{"type":206}}}`,
	} {
		d := New(Options{}).Extract([]byte(doc))
		if len(d.Candidates) != 1 || d.Candidates[0].Place {
			t.Fatalf("%s: %+v, want one candidate at no place", doc, d.Candidates)
		}
		path := d.Candidates[0].Path
		if err := ParsePath(path); err != nil {
			t.Errorf("%s: %v", doc, err)
		}
		d = New(Options{Fields: map[string]string{"code": path}}).Extract([]byte(doc))
		if len(d.Candidates) != 1 || !d.Candidates[0].Place {
			t.Errorf("%s: with code=%s: %+v, want a place", doc, path, d.Candidates)
		}
	}
}

func TestParsePath(t *testing.T) {
	for _, tc := range []struct{ in, want string }{ // want: the keys joined by |, or a part of the error
		{"type", "type"}, {"ctx.error.type", "ctx|error|type"}, {`a\.b.c`, "a.b|c"}, {`a\\b`, `a\b`}, {"items[].e.type", "items||e|type"}, {"[].type", "|type"},
		{"x[][].type", "x|||type"}, {"用户.id", "用户|id"},
		{"", "error: want keys"}, {".a", "error: empty key at byte 0"}, {"a..b", "error: empty key at byte 2"}, {"a.", "error: want keys"}, {`a\b`, "error: a backslash"},
	} {
		p, err := parsePath(tc.in)
		got := strings.Join(p, "|")
		if err != nil {
			got = "error: " + err.Error()
		}
		if part, ok := strings.CutPrefix(tc.want, "error: "); ok {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("parsePath(%q) = %q, %v; want an error with %q", tc.in, p, err, part)
			}
		} else if got != tc.want {
			t.Errorf("parsePath(%q) = %q, want %q", tc.in, got, tc.want)
		}
	}
}
