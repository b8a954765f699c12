package frame

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func BenchmarkCut(b *testing.B) {
	const noise = `{"level":"info","ts":"2026-11-23T06:00:04.%03dZ","msg":"message delivered","type":"txt","from":"u-19283","to":"u-99281","chatType":"singleChat","ext":{"device":"android","net":"4g"},"trace":"8a7d8f7a8d7f8a7d8f","body":"hello my friend, how are you today, the weather is lovely"}`
	text := func(every int, line func(i int) string) func() []byte {
		return func() []byte {
			var buf bytes.Buffer
			for i := 0; buf.Len() < 4<<20; i++ {
				if i%every == 0 {
					buf.WriteString(kick + "\n")
				} else {
					buf.WriteString(line(i) + "\n")
				}
			}
			return buf.Bytes()
		}
	}
	json := func(i int) string { return fmt.Sprintf(noise, i%1000) }
	for _, bc := range []struct {
		name string
		in   func() []byte
	}{
		{"noisy", text(100, json)},
		{"dense", text(2, json)},
		{"CRI", text(100, func(i int) string { return criHead + "stdout F " + json(i) })},
		{"text", text(100, func(i int) string { return "2026-11-23 06:00:04.123 INFO " + json(i) })},
		{"pretty", text(100, func(int) string { return "{\n  \"a\": {\n    \"b\": \"some text\",\n    \"type\": \"txt\"\n  }\n}" })},
		{"short lines", text(1000, func(int) string { return "x" })},
		{"long array", func() []byte { return []byte("[" + strings.Repeat(fmt.Sprintf(noise, 1)+",", 4<<20/300) + "]") }},
	} {
		b.Run(bc.name, func(b *testing.B) {
			in, c, r := bc.in(), New(Options{}), bytes.NewReader(nil)
			emit := func(Document) error { return nil }
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				r.Reset(in)
				if c.Cut(r, emit) != nil || c.Flush(emit) != nil {
					b.Fatal("cut failed")
				}
			}
		})
	}
}

// A Kafka value is a stream of its own.
func BenchmarkCutValue(b *testing.B) {
	in := []byte(`{"level":"info","msg":"message delivered","type":"txt","from":"u-19283","to":"u-99281","ext":{"device":"android"}}`)
	c, r := New(Options{}), bytes.NewReader(nil)
	emit := func(Document) error { return nil }
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(in)
		if c.Cut(r, emit) != nil || c.Flush(emit) != nil {
			b.Fatal("cut failed")
		}
	}
}
