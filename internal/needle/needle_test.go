package needle

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestNext(t *testing.T) {
	hits := map[string]string{
		"flat":                            `{"error":{"type":206,"message":"x"}}`,
		"206 as string":                   `{"error":{"type":"206"}}`,
		"negative":                        `{"error":{"type":-3}}`,
		"constant name":                   `{"error":{"type":"USER_LOGIN_ANOTHER_DEVICE"}}`,
		"empty string at a place":         `{"error":{"type":""}}`,
		"blank before the number":         `{"error":{"type":" 206"}}`,
		"true at a place":                 `{"error":{"type":true}}`,
		"array at a place":                `{"error":{"type":[]}}`,
		"dotted":                          `{"error.type":206}`,
		"dotted, ECS":                     `{"error.type":"206"}`,
		"dotted, dot escaped":             `{"error\u002etype":"206"}`,
		"first letter of value escaped":   `{"type":"\u003206"}`,
		"second letter of value escaped":  `{"type":"2\u00306"}`,
		"spaced":                          `{ "type" : 206 }`,
		"JSON in a string":                `{"log":"{\"error\":{\"type\":206}}\n"}`,
		"JSON in a string, value quoted":  `{"log":"{\"type\":\"206\"}"}`,
		"JSON in a string in a string":    `{"log":"{\"m\":\"{\\\"type\\\":\\\"206\\\"}\"}"}`,
		"pretty JSON in a string":         `{"log":"{\n  \"type\" :\n\t206\n}"}`,
		"quotes as \\u0022":               `{"log":"{\u0022type\u0022\u003a206}"}`,
		"t escaped":                       `{"\u0074ype":206}`,
		"y escaped":                       `{"t\u0079pe":206}`,
		"p escaped":                       `{"ty\u0070e":206}`,
		"e escaped":                       `{"typ\u0065":206}`,
		"all escaped":                     `{"\u0074\u0079\u0070\u0065":206}`,
		"all escaped in a string":         `{"log":"{\"\\u0074\\u0079\\u0070\\u0065\":206}"}`,
		"OTLP attribute":                  `{"key":"error.type","value":{"intValue":"206"}}`,
		"OTLP member of an object":        `{"key":"type","value":{"intValue":"206"}}`,
		"GELF's flat key":                 `{"_error_type":206}`,
		"OTLP attribute, value first":     `{"value":{"intValue":"206"},"key": "error.type" }`,
		"OTLP attribute in a string":      `{"log":"{\"key\":\"error.type\",\"value\":{\"intValue\":206}}"}`,
		"Sentry tag":                      `["error.type","206"]`,
		"logfmt":                          `level=error type=206 message=kicked`,
		"logfmt quoted":                   `level=error type="206"`,
		"logfmt spaced":                   `type = 206`,
		"logfmt dotted":                   `level=error error.type=206`,
		"logfmt after an escaped newline": `{"log":"kicked\ntype=206"}`,
		"util.inspect":                    `{ type: 206, message: 'kicked' }`,
		"util.inspect, own line":          `  type: 206,`,
		"util.inspect in a string":        `{"log":"{\n\ttype: 206,\n}"}`,
		"python repr":                     `{'type': 206}`,
		"python repr, None":               `{'type': None}`,
		"value on the next line":          "\"type\" :\n 206",
		"lower case on the next line":     "\"type\" :\n \"txt\"",
		"cut off behind the key":          `{"error":{"type"`,
		"cut off behind the colon":        `{"error":{"type": `,
		"cut off in the value":            `{"error":{"type":"`,
		"cut off in null":                 `{"error":{"type":nul`,
		"cut off behind an escape":        `{"error":{"type\`,
	}
	misses := map[string]string{
		"chat message":            `{"type":"txt","chatType":"singleChat"}`,
		"chat message, spaced":    `{"type" : "txt"}`,
		"capital, then lower":     `{"type":"Object"}`,
		"digit, then lower":       `{"type":"4g"}`,
		"in a string":             `{"log":"{\"type\":\"txt\"}"}`,
		"null":                    `{"type":null}`,
		"camel":                   `{"chatType":206,"errorType":206}`,
		"other word":              `{"mimetype":206,"err_type":206,"types":1,"typed":2,"2type":3}`,
		"err_type in logfmt":      `err_type=206`,
		"lower case in logfmt":    `type=txt`,
		"lower case in inspect":   `{ type: 'txt' }`,
		"free text":               `what type of error is this`,
		"a dotted key's value":    `{"event.type":"start"}`,
		"nothing":                 ``,
		"typ at the end":          `typ`,
		"letter escaped as other": `{"t\u0078pe":206}`,
	}
	for name, in := range hits {
		if got := Next([]byte(in), 0); got < 0 {
			t.Errorf("%s: Next(%q) = %d, want a hit", name, in, got)
		}
	}
	for name, in := range misses {
		if got := Next([]byte(in), 0); got != -1 {
			t.Errorf("%s: Next(%q) = %d, want none", name, in, got)
		}
	}
}

// The oracle: the key and what may follow it as regular expressions, tried at each line by itself.
var (
	reKey   = regexp.MustCompile(`(?:t|\\+u0074)(y|\\+u0079)(?:p|\\+u0070)(?:e|\\+u0065)`)
	reLeft  = regexp.MustCompile(`(?:^|[^A-Za-z0-9_]|\\[bfnrt]|\\u[0-9a-fA-F]{4}|error_)$`)
	reQuote = regexp.MustCompile(`^(?:\\*["']|\\+u002[27])`)
	reSpace = regexp.MustCompile(`^(?:\\*[ \t\r]|\\+[nrt]|\\+u00(?:20|09|0[aA]|0[dD]))*`)
	reColon = regexp.MustCompile(`^(?:\\*[:=]|\\+u003[aAdD])`)
	reEnd   = regexp.MustCompile(`^\\*$`)
	reLower = regexp.MustCompile(`^(?:[a-z]|[\x00-!#-&(-\[\]-\x7f][a-z])`)
	reBare  = regexp.MustCompile(`^[a-z]`)
)

func oracle(b []byte) (hits []int) {
	at := 0
	for line := range bytes.SplitSeq(b, []byte("\n")) {
		for from := 0; from < len(line); {
			m := reKey.FindSubmatchIndex(line[from:])
			if m == nil {
				break
			}
			left, end, y := line[:from+m[0]], from+m[1], from+m[2]
			for y+1 < from+m[3] && line[y+1] == '\\' {
				y++
			}
			// Where the escape of the t has several backslashes the key may begin at any; the run belongs to it.
			if line[from+m[0]] == '\\' {
				left = bytes.TrimRight(left, `\`)
			}
			if reLeft.Match(left) && oracleValue(line[end:]) {
				hits = append(hits, at+y)
			}
			from += m[0] + 1
			for line[from-1] == '\\' && line[from] == '\\' {
				from++
			}
		}
		at += len(line) + 1
	}
	return hits
}

func oracleValue(rest []byte) bool {
	quote := reQuote.Find(rest)
	rest = rest[len(quote):]
	rest = rest[len(reSpace.Find(rest)):]
	if reEnd.Match(rest) {
		return true
	}
	colon := reColon.Find(rest)
	if colon == nil {
		return quote != nil
	}
	rest = rest[len(colon):]
	rest = rest[len(reSpace.Find(rest)):]
	if q := reQuote.Find(rest); q != nil {
		said := rest[len(q):]
		// A byte that is no UTF-8, which no regular expression can name, is a character, too.
		torn := len(said) > 1 && said[0] >= 0x80 && reBare.Match(said[1:])
		return !torn && !reLower.Match(said)
	}
	if reEnd.Match(rest) {
		return true
	}
	return !bytes.HasPrefix(rest, []byte("null")) && (quote != nil || !reBare.Match(rest))
}

func all(b []byte) (hits []int) {
	for i := Next(b, 0); i >= 0; i = Next(b, i+1) {
		hits = append(hits, i)
	}
	return hits
}

var pieces = []string{
	"t", "y", "p", "e", "type", "type", "yp", `\u0074`, `\u0079`, `\u0070`, `\u0065`, `\`, `\\`, `\n`, `\t`, `\u`, "u0079", "\n", " ", "\r",
	`"`, `'`, `\"`, `\\\"`, `\u0022`, `\u003a`, `\u002E`, ":", "=", ",", ".", "error.type", "error_type", `"type":`, `"type":"`, "206", "2", "A", "a", "Z", "n", "null",
	"nul", "_", "{", "\x00", "错", `"type":"txt"`, strings.Repeat("x", 37), strings.Repeat(`\`, 70), strings.Repeat("z", 90), "7", "0",
}

// decode makes a text of pieces out of fuzz bytes, so that keys are frequent.
func decode(seed []byte) []byte {
	var b []byte
	for _, c := range seed {
		b = append(b, pieces[int(c)%len(pieces)]...)
	}
	return b
}

func FuzzNext(f *testing.F) {
	f.Add([]byte(`{"error":{"type":206}}`))
	for i := range 8 {
		f.Add([]byte(strings.Repeat(string(rune('a'+i))+"\x04\x05\x1a", 20)))
	}
	f.Fuzz(func(t *testing.T, seed []byte) {
		if len(seed) > 200 {
			return
		}
		for _, b := range [][]byte{seed, decode(seed)} {
			if got, want := all(b), oracle(b); !slices.Equal(got, want) {
				t.Fatalf("hits of %.300q: %v, oracle %v", b, got, want)
			}
		}
	})
}

// The same oracle over texts made of pieces: fuzzing without coverage finds more here, for the search has few branches.
func TestNextRandom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	n := 20000
	if testing.Short() {
		n = 2000
	}
	for range n {
		seed := make([]byte, rnd.IntN(60))
		for i := range seed {
			seed[i] = byte(rnd.IntN(256))
		}
		b := decode(seed)
		if got, want := all(b), oracle(b); !slices.Equal(got, want) {
			t.Fatalf("hits of %.500q: %v, oracle %v", b, got, want)
		}
	}
}

// A key must be found at any distance from the bounds of the steps in which the search goes.
func TestNextAnyOffset(t *testing.T) {
	for _, key := range []string{`"type":206`, `t\u0079pe=206`, `ty\u0070e=1`, `"\\u0074ype\":"2`, `typ\u0065=1`} {
		want := strings.IndexByte(key, 'y')
		if i := strings.Index(key, `\u0079`); i >= 0 {
			want = i
		}
		for _, fill := range []string{" ", ".\\", "y ", "\n"} {
			for before := range 80 {
				for after := range 50 {
					b := []byte(strings.Repeat(fill, before) + ` ` + key + "," + strings.Repeat(fill, after))
					if got, want := Next(b, 0), before*len(fill)+1+want; got != want {
						t.Fatalf("%d × %q before, %d after: Next(… %s …) = %d, want %d", before, fill, after, key, got, want)
					}
					if got := Next(b, before*len(fill)+1+want+1); got != -1 {
						t.Fatalf("%d × %q before, %d after: Next behind … %s … = %d, want none", before, fill, after, key, got)
					}
				}
			}
		}
	}
}

func TestNextAllocatesNothing(t *testing.T) {
	b := corpus(64<<10, 0, sparseLine, errorLine, 10)
	if n := testing.AllocsPerRun(5, func() {
		for i := Next(b, 0); i >= 0; i = Next(b, i+1) {
		}
	}); n != 0 {
		t.Errorf("allocations: %v, want 0", n)
	}
}

const (
	sparseLine = `{"level":"info","ts":"2026-11-23T06:00:04.%03dZ","msg":"message delivered to peer","service":"im-gateway","type":"txt","from":"u-19283","to":"u-99281","chatType":"singleChat","ext":{"device":"android","net":"4g","sdk":"4.21.1"},"trace":"8a7d8f7a8d7f8a7d8f","latency_ms":34,"body":"hello my friend, how are you today, the weather is lovely","conn":{"id":"77a8","region":"eu-central-1"},"k8s":{"pod":"im-gw-7d8"}}`
	errorLine  = `{"level":"error","ts":"2026-11-23T06:00:04.%03dZ","msg":"login failed","service":"im-gateway","error":{"type":206,"message":"the user is already logged on another device","data":{}},"user":"u-19283","device":{"os":"android","net":"4g","sdk":"4.21.1"},"trace":"8a7d8f7a8d7f8a7d8f","conn":{"id":"77a8","region":"eu-central-1"}}`
)

// corpus returns lines of about size bytes, each every-th an error, with payload bytes of JSON in a string on each.
func corpus(size, payload int, line, error string, every int) []byte {
	inner := strings.Repeat(`{\"k\":\"some value\",\"path\":\"C:\\\\dir\\\\file\"},`, payload/48)
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		l := line
		if i%every == 0 {
			l = error
		}
		fmt.Fprintf(&b, l, i%1000)
		if payload > 0 {
			b.Truncate(b.Len() - 1)
			fmt.Fprintf(&b, `,"payload":"%s"}`, inner)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

const benchSize = 256 << 10

// benchCase is a block of log that is searched.
type benchCase struct {
	name string
	buf  []byte
}

// benchCases are blocks of benchSize bytes.
func benchCases() []benchCase {
	plain := strings.NewReplacer(`"type":"txt",`, ``, `"chatType":"singleChat",`, ``).Replace(sparseLine)
	spaced := strings.NewReplacer(`":`, `": `, `,"`, `, "`).Replace(sparseLine)
	return []benchCase{
		{"sparse", corpus(benchSize, 0, plain, errorLine, 100)},
		{"noisy", corpus(benchSize, 0, sparseLine, errorLine, 100)},
		{"spaced", corpus(benchSize, 0, spaced, errorLine, 100)},
		{"long", corpus(benchSize, 4<<10, sparseLine, errorLine, 100)},
		{"dense", corpus(benchSize, 0, sparseLine, errorLine, 2)},
		{"hits only", bytes.Repeat([]byte("type:1\n"), benchSize/7)},
	}
}

func BenchmarkNext(b *testing.B) {
	for _, bc := range append(benchCases(),
		benchCase{"chatType", corpus(benchSize, 0, strings.ReplaceAll(sparseLine, `"type"`, `"chatType"`), errorLine, 100)},
		benchCase{"backslashes", bytes.Repeat([]byte(`\u0079`), benchSize/6)},
	) {
		b.Run(bc.name, func(b *testing.B) {
			b.SetBytes(int64(len(bc.buf)))
			b.ReportAllocs()
			for b.Loop() {
				for i := Next(bc.buf, 0); i >= 0; i = Next(bc.buf, i+1) {
				}
			}
		})
	}
}
