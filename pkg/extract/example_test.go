package extract_test

import (
	"fmt"
	"time"

	"imerr-scan/pkg/extract"
)

func ExampleExtractor_Extract() {
	x := extract.New(extract.Options{})
	line := `{"time":"2026-11-23T06:00:04Z","error":{"type":206,"message":"the user is already logged on another device"},"user":{"id":"u_1"}}`
	for _, c := range x.Extract([]byte(line)).Candidates {
		fmt.Println(c.Value.Code, c.Path, c.User, time.UnixMilli(c.Time).UTC())
	}
	// Output: 206 error.type u_1 2026-11-23 06:00:04 +0000 UTC
}

// Docker's json-file keeps the application's line in a string.
func ExampleExtractor_dockerLine() {
	x := extract.New(extract.Options{})
	line := `{"log":"{\"error\":{\"type\":\"206\"},\"userId\":\"u_1\"}\n","stream":"stdout","time":"2026-11-23T06:00:04Z"}`
	for _, c := range x.Extract([]byte(line)).Candidates {
		fmt.Println(c.Value.Code, c.Shape, c.User)
	}
	// Output: 206 docker u_1
}

// The SDK's own log has a time without a date; the day of the file supplies it.
func ExampleOptions_Day() {
	x := extract.New(extract.Options{Day: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)})
	line := `{"time":"9:00:00:7","level":"ERROR","logs":["onError",{"type":206,"message":"kicked"}]}`
	for _, c := range x.Extract([]byte(line)).Candidates {
		fmt.Println(c.Value.Code, c.Path, time.UnixMilli(c.Time).UTC())
	}
	// Output: 206 logs[].type 2026-11-23 09:00:00.007 +0000 UTC
}

// Where a log keeps its codes elsewhere, a path says so.
func ExampleParsePath() {
	fmt.Println(extract.ParsePath("ctx.error.type"))
	fmt.Println(extract.ParsePath("ctx..type"))
	x := extract.New(extract.Options{Fields: map[string]string{"code": "ctx.error.type"}})
	for _, c := range x.Extract([]byte(`{"ctx":{"error":{"type":206,"tries":3}}}`)).Candidates {
		fmt.Println(c.Value.Code, c.Place)
	}
	// Output:
	// <nil>
	// path "ctx..type": empty key at byte 4
	// 206 true
}
