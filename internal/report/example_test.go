package report_test

import (
	"os"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/report"
	"imerr-scan/pkg/catalog"
)

func ExampleText() {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	e := catalog.Web().Lookup(509)
	res := &aggregate.Result{
		Version: "1.0.0", Catalog: aggregate.CatalogInfo{Platform: "web", Version: "4.21", Entries: 147},
		Span:  aggregate.Span{First: &noon, Last: &noon},
		Lines: aggregate.Lines{Read: 100, WithError: 3, WithoutError: 97}, Bytes: 20480, Events: 3,
		Users:      aggregate.Distinct{Distinct: 1, Exact: true},
		Codes:      []aggregate.CodeResult{{Code: 509, Name: e.Name, Category: e.Category, Severity: e.Severity, Count: 3, Users: aggregate.Distinct{Distinct: 1, Exact: true}}},
		Categories: map[string]int64{"quota": 3},
	}
	_ = report.Text(os.Stdout, res, nil, report.TextOptions{Width: 80, Input: "stdin"})
	// Output:
	// imerr-scan 1.0.0 · catalog web-4.21 (147 codes) · stdin
	//
	//   100 lines   20.0 KiB                           3 errors  (3.00% of lines)
	//   2026-11-23 12:00:00 +00:00                     1 user affected
	//
	//   CODE  NAME                      CATEGORY  COUNT  USERS
	//    509  MESSAGE_CURRENT_LIMITING  quota         3      1
	//
	//   INPUT    100 lines · 3 with an error
	//            97 without (searched, not parsed: --validate)
}

func ExampleAppendEvent() {
	line := report.AppendEvent(nil, &report.Event{
		Time: time.Date(2026, 11, 23, 6, 0, 4, 120e6, time.UTC), Known: true, Code: 206, Name: "WEBIM_CONNCTION_USER_LOGIN_ANOTHER_DEVICE",
		Category: "auth", Topic: "kick", User: "u_102**", Source: "app.log", Line: 4051, Shape: "docker",
	})
	_, _ = os.Stdout.Write(line)
	// Output:
	// {"time":"2026-11-23T06:00:04.12Z","code":206,"name":"WEBIM_CONNCTION_USER_LOGIN_ANOTHER_DEVICE","category":"auth","topic":"kick","reason":"","message":"","user":"u_102**","version":"","platform":"","src":"app.log:4051","shape":"docker","inner":null}
}
