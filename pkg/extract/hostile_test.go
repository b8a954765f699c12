package extract

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestHostileDocumentsCostLinearTime counts what is passed over, so it says the same on a busy machine: at twice the
// size a document may cost little more than twice as much, and never more than a fixed number of steps a byte.
func TestHostileDocumentsCostLinearTime(t *testing.T) {
	rep := func(s string) func(n int) string { return func(n int) string { return strings.Repeat(s, n/len(s)) } }
	in := func(before, s, after string) func(n int) string {
		return func(n int) string { return before + strings.Repeat(s, n/len(s)) + after }
	}
	numbered := func(before, format, after string) func(n int) string {
		return func(n int) string {
			var b strings.Builder
			b.WriteString(before)
			for i := 0; b.Len() < n; i++ {
				fmt.Fprintf(&b, format, i)
			}
			return b.String() + after
		}
	}
	for _, tc := range []struct {
		name string
		doc  func(n int) string
	}{
		{"a million {", rep("{")},
		{"a million [", rep("[")},
		{"objects never closed", rep(`{"a":`)},
		{"text and {", rep("x {")},
		{"text and a key never ended", rep(`x {"a`)},
		{"text and values without a comma", rep(`x {"a":1 `)},
		{"text and arrays never closed", rep(`x [1,`)},
		{"text and strings never closed", rep(`x ["`)},
		{"text and many small documents", rep(`x {"type":206} `)},
		{"text and broken documents that almost end", rep(`x {"a":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"x `)},
		{"inspect never closed", rep(`{ a: `)},
		{"inspect with strings never closed", rep(`{ a: '`)},
		{"inspect with a type and no end", rep(`{ type: 206, a: `)},
		{"one type key after the other", in(`{`, `"type":206,`, `"a":1}`)},
		{"one error key after the other", in(`{`, `"error":{"type":206},`, `"a":1}`)},
		{"escaped type keys", in(`{`, `"typ\u0065":{"type":206},`, `"a":1}`)},
		{"an object of many objects", numbered(`{`, `"k%d":{"type":206,"message":""},`, `"a":1}`)},
		{"an array of many objects", in(`[`, `{"type":206,"message":""},`, `{}]`)},
		{"an array of empty objects", in(`[`, `{},`, `{}]`)},
		{"documents one after the other", rep(`{"type":206}`)},
		{"an array of arguments", in(`{"level":"error","args":[`, `"{\"type\":206}",`, `1]}`)},
		{"an array of strings with messages", in(`[`, `{"message":"x {\"type\":206} x {"},`, `{}]`)},
		{"a message with many {", in(`{"level":"error","message":"`, `x {\"a\":1 `, `"}`)},
		{"a message with many documents", in(`{"level":"error","message":"`, `x {\"a\":1} `, `"}`)},
		{"many messages", in(`{`, `"message":"{\"type\":206}",`, `"a":1}`)},
		{"docker with many {", in(`{"stream":"stdout","log":"`, `x {\"a\":1 `, `"}`)},
		{"pairs", rep("a= ")},
		{"pairs with quotes never closed", rep(`a="`)},
		{"pairs with objects never closed", rep(`a={"b":1 `)},
		{"pairs of one key", rep(`type=206 `)},
		{"members below a text", rep("\n  a: {")},
		{"brackets in a broken document", in(`{"a":,`, `{"b":1,`, ``)},
		{"Ruby never closed", in(`[0] a: [[1,{}],`, `{"a"=>`, ``)},
		{"hits in hits", in(``, `{"_index":"a","_source":`, ``)},
		{"forwarded records", in(`["a",[`, `[1,{"message":"x {"}],`, `[1,{}]]]`)},
		{"logstash in logstash", in(``, `{"@@@@a":1,"@fields":`, ``)},
		{"contexts in contexts", in(`{"error":{"type":206},"x":1,`, `"contexts":{"a":1},`, `"b":1}`)},
		{"loki values", in(`{"streams":[{"stream":{"level":"error"},"values":[`, `["1","{\"type\":206}"],`, `["1","x"]]}]}`)},
		{"otlp attributes", in(`{"attributes":[`, `{"key":"error","value":{"stringValue":"{\"type\":206}"}},`, `{}]}`)},
		{"otlp records", in(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[`, `{"body":{"stringValue":"x {"},"attributes":[{"key":"error.type","value":{"intValue":"206"}}]},`, `{}]}]}]}`)},
		{"white space in objects", rep("{" + strings.Repeat(" ", 200))},
		{"levels", rep(" info")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			const n = 1 << 17
			x := New(Options{Now: time.Unix(1795392000, 0)})
			cost := func(n int) int {
				x.Extract([]byte(tc.doc(n)))
				return x.cost
			}
			one, two := cost(n), cost(2*n)
			if two > 2*one+one/4+1<<16 {
				t.Errorf("%d bytes cost %d steps, twice as many %d", n, one, two)
			}
			if two > 2*n*40 {
				t.Errorf("%d bytes cost %d steps, %d a byte", 2*n, two, two/(2*n))
			}
			if records := len(x.records); records > 2000 {
				t.Errorf("%d records are held", records)
			}
		})
	}
}

func TestTooDeepIsNotRead(t *testing.T) {
	nest := func(n int) string {
		return strings.Repeat(`{"a":`, n) + `{"type":206,"message":""}` + strings.Repeat("}", n)
	}
	x := New(Options{})
	if d := x.Extract([]byte(nest(999))); d.TooDeep || len(d.Candidates) != 1 {
		t.Errorf("1000 levels: too deep %v, %d candidates; want to read them", d.TooDeep, len(d.Candidates))
	}
	if d := x.Extract([]byte(nest(1000))); !d.TooDeep || len(d.Candidates) != 0 {
		t.Errorf("1001 levels: too deep %v, %d candidates; want not to read them", d.TooDeep, len(d.Candidates))
	}
}
