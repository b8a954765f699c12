package report

import (
	"encoding/json"
	"strings"
	"testing"

	"imerr-scan/internal/aggregate"
)

// A merge part is written as it is only in the one form that cannot hold anything else; any other is read and written anew, and one
// that is no JSON is refused.
func TestMergePart(t *testing.T) {
	for _, tc := range []struct{ part, want string }{
		{`{"v":1,"tally":"AB+/9z=="}`, `"merge": {"v":1,"tally":"AB+/9z=="}` + "\n}\n"},
		{`{"v":1,"tally":""}`, `"merge": {"v":1,"tally":""}` + "\n}\n"},
		{`{"v":12,"tally":"AB"}`, `"v": 12,`},
		{`{"tally":"AB","v":1}`, `"tally": "AB",`},
		{`{"v":1,"tally":"AB", "more":2}`, `"more": 2`},
		{"{\"v\":1,\"tally\":\"AB\u202e\"}", `"tally": "AB\u202e"`},
		{"{\"v\":1,\"tally\":\"AB\u001b[2J\"}", ""},
		{`{"v":1,"tally":"AB"},"x":{"tally":"A"}`, ""},
		{`{"v":1,"tally":"AB","tally":"A"}`, `"tally": "A"`},
		{`{"v":x,"tally":"AB"}`, ""},
	} {
		var b strings.Builder
		err := JSON(&b, &aggregate.Result{Merge: json.RawMessage(tc.part)})
		if (err == nil) != (tc.want != "") || !strings.Contains(b.String(), tc.want) || err == nil && !json.Valid([]byte(b.String())) {
			t.Errorf("%q: %v\n%s", tc.part, err, b.String())
		}
	}
}
