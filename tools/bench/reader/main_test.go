package main

import (
	"bytes"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imerr-scan/tools/corpusgen/corpus"
)

// The generator counts while it writes, the reader while it reads; they share nothing but the rules.
func TestReaderAgreesWithTheGenerator(t *testing.T) {
	for _, kind := range corpus.Kinds() {
		t.Run(kind, func(t *testing.T) {
			var log bytes.Buffer
			truth, err := corpus.Write(&log, corpus.Options{Kind: kind, Size: 1 << 20, Seed: 9, Start: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)})
			if err != nil {
				t.Fatal(err)
			}
			want := Counts{
				Lines: truth.Lines, WithError: truth.WithError, Foreign: truth.Foreign,
				Events: truth.Events, Success: truth.Success, Values: maps.Clone(truth.Codes),
			}
			maps.Copy(want.Values, truth.Unknown)
			got, err := Read(&log)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("generator (-), reader (+):\n%s", diff)
			}
		})
	}
}

func TestRules(t *testing.T) {
	tests := []struct {
		name, in string
		want     string // value, "foreign", "success" or ""
	}{
		{"a place", `{"error":{"type":206}}`, "206"},
		{"first of duplicate keys", `{"error":{"type":206,"type":207},"error":{"type":208}}`, "206"},
		{"exponent", `{"error":{"type":2.06e2}}`, "206"},
		{"no whole number", `{"error":{"type":206.5}}`, ""},
		{"constant", `{"error":{"type":"USER_NOT_FRIEND"}}`, "221"},
		{"exception", `{"error":{"type":"TypeError"}}`, ""},
		{"beside http", `{"error":{"type":"500"},"http":{}}`, "foreign"},
		{"success", `{"error":{"type":0}}`, "success"},
		{"SDK object below", `{"a":{"b":[{"type":507,"reason":"you were muted"}]}}`, "507"},
		{"another key in it", `{"a":{"type":507,"reason":"you were muted","price":1}}`, ""},
		{"informational", `{"level":"info","a":{"type":507,"reason":"x"}}`, ""},
		{"quoted by a person", `{"from":"a","msg":"{\"error\":{\"type\":206}}"}`, ""},
		{"in docker's envelope", `{"log":"{\"error\":{\"type\":206}}\n","stream":"stdout"}`, "206"},
		{"after text", `06:00:04 ERROR {"error":{"type":206}}`, "206"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			counts, err := Read(strings.NewReader(tc.in))
			if err != nil {
				t.Fatal(err)
			}
			want := Counts{Lines: 1, Values: map[string]int64{}}
			switch tc.want {
			case "":
			case "foreign":
				want.Foreign = 1
			case "success":
				want.Success = 1
			default:
				want.WithError, want.Events, want.Values[tc.want] = 1, 1, 1
			}
			if diff := cmp.Diff(want, counts); diff != "" {
				t.Errorf("Read(%s): want (-), got (+):\n%s", tc.in, diff)
			}
		})
	}
}
