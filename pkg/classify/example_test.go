package classify_test

import (
	"fmt"

	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/classify"
	"imerr-scan/pkg/extract"
)

func ExampleClassifier_Classify() {
	x, c := extract.New(extract.Options{}), classify.New(catalog.Web())
	for _, line := range []string{
		`{"level":"error","error":{"type":206,"message":"the user is already logged on another device"}}`,
		`2026-11-23 09:00:00 ERROR im {"type":507,"reason":"you were muted"}`,
		`{"error":{"type":1305,"message":"brand new"}}`,
		`{"error":{"type":"500"},"http":{"method":"GET"}}`,
	} {
		v := c.Classify(x.Extract([]byte(line)).Candidates)
		for _, e := range v.Events {
			fmt.Printf("%d %s %q\n", e.Code, e.Category, e.Reason)
		}
		if v.Foreign > 0 {
			fmt.Println("foreign")
		}
	}
	// Output:
	// 206 auth "other_device_login"
	// 507 messaging "muted"
	// 1305 unknown ""
	// foreign
}
