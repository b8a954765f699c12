package page

import (
	"strings"
	"testing"

	"imerr-scan/internal/aggregate"
	"imerr-scan/pkg/catalog"
)

// masked is doc as the page shows it as a sample of code 206, version 5.3.0, on the web.
func masked(doc string, opt Options) string {
	v := &view{opt: opt}
	got := v.samples(&aggregate.CodeResult{
		Code: 206, Versions: map[string]int64{"5.3.0": 3}, Platforms: map[string]int64{"web": 3}, Samples: []aggregate.Sample{{Text: doc}},
	})
	return got[0].Text
}

func TestMaskedSamples(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"flat", `{"ts":"2026-11-23T10:00:00.12+08:00","user":"u_10233","ver":"5.3.0","error":{"type":206,"message":"user 张敏 +86 138-1234"}}`,
			`{"ts":"2026-11-23T10:00:00.12+08:00","user":"…","ver":"5.3.0","error":{"type":206,"message":"user …"}}`},
		{"the SDK's own text is told", `{"error":{"type":206,"message":"the user is already logged on another device"}}`,
			`{"error":{"type":206,"message":"the user is already logged on another device"}}`},
		{"in docker's envelope", `{"log":"{\"error\":{\"type\":206},\"userId\":\"u1\"}\n","stream":"stdout"}`,
			`{"log":"{\"error\":{\"type\":206},\"userId\":\"…\"}\n","stream":"stdout"}`},
		{"a name as a key", `{"reactions":{"zhang.min":1},"error":{"type":206}}`, `{"…":{"…":…},"error":{"type":206}}`},
		{"util.inspect", "{ error: { type: 206, message: 'bye anna@example.com' } }", "{ error: { type: 206, message: '…' } }"},
		{"logfmt", `level=error user=anna type=206 token=YWJj.ZGVm`, `level=error user=… type=206 token=…`},
		{"cut off in the middle", `{"error":{"type":206,"mess`, `{"error":{"type":206,"…`},
		{"escaped letters", `{"user":"\u5f20\u654f","error":{"type":206}}`, `{"user":"…","error":{"type":206}}`},
		{"an address", `{"url":"https://a1.example.com/org/app/users/anna?token=x","error":{"type":206}}`,
			`{"url":"…://…/…/app/…/…?token=…","error":{"type":206}}`},
		{"another number", `{"pid":13812345678,"error":{"type":206,"data":{"type":17}}}`, `{"pid":…,"error":{"type":206,"data":{"type":…}}}`},
		{"nothing", ``, ``},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := masked(tc.in, Options{Catalog: catalog.Web()}); got != tc.want {
				t.Errorf("%s\n got %s\nwant %s", tc.in, got, tc.want)
			}
			if got := masked(tc.in, Options{Catalog: catalog.Web(), Plain: true}); got != tc.in {
				t.Errorf("plain: got %s, want %s", got, tc.in)
			}
		})
	}
}

// FuzzMask puts a name wherever the input has an X: it is never seen.
func FuzzMask(f *testing.F) {
	const name = "Q7zhangmin"
	f.Add(`{"user":"X","error":{"type":206,"message":"X: logged on another device X"}}`)
	f.Add(`X 2026-11-23T10:00:00X {"X":{"X":X}} error.X X.type \X \\X \uX X…X`)
	f.Add("the user is already logged on another deviceXthe user is already logged on another device 5.3.0X")
	f.Fuzz(func(t *testing.T, shape string) {
		doc := strings.ReplaceAll(shape, "X", name)
		if got := masked(doc, Options{Catalog: catalog.Web()}); strings.Contains(strings.ToLower(got), "zhangmin") && !strings.Contains(strings.ToLower(shape), "zhangmin") {
			t.Errorf("%q is shown as %q", doc, got)
		}
	})
}
