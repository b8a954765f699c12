package extract

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMembers(t *testing.T) {
	for _, tc := range []struct {
		name, doc string
		want      []string
	}{
		{"flat", `{"a":1,"b":"x","c":null,"d":true}`, []string{"a=1", "b=x"}},
		{"nested, arrays", `{"ctx":{"errs":[{"code":206},{"code":"217"}]}}`, []string{"ctx.errs[].code=206", "ctx.errs[].code=217"}},
		{"JSON in a string", `{"log":"{\"err\":{\"code\":206}}\n"}`, []string{"log.err.code=206"}},
		{"text before", `2026-11-23 ERROR {"error.type":206}`, []string{`error\.type=206`}},
		{"no JSON", `plain text`, nil},
		{"a cut-off end", `{"a":1,"b":{"c":2`, []string{"a=1", "b.c=2"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			Members([]byte(tc.doc), func(m Member) bool {
				got = append(got, m.Path+"="+m.Text)
				return true
			})
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMembersOfHostileDocuments(t *testing.T) {
	for name, doc := range map[string]string{
		"deep": strings.Repeat(`{"a":`, 100_000), "wide": `{"a":[` + strings.Repeat(`1,`, 100_000) + `1]}`,
	} {
		n := 0
		Members([]byte(doc), func(Member) bool { n++; return true })
		if n > 10_000 {
			t.Errorf("%s: %d members reported", name, n)
		}
	}
}

func ExampleMembers() {
	Members([]byte(`{"err":{"code":206}}`), func(m Member) bool {
		fmt.Println(m.Path, m.Text)
		return true
	})
	// Output: err.code 206
}
