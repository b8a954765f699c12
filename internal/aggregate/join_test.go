package aggregate

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"imerr-scan/pkg/catalog"
)

// saved writes a result as -o json does and reads it again.
func saved(t failer, r *Result) *Result {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseResult(data)
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func TestReportOfSavedResultsEqualsScanOfAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pii := rapid.SampledFrom([]string{"", "mask", "hash", "plain", "drop"}).Draw(t, "pii")
		opt := ResultOptions{Version: "1.0.0", Zone: time.FixedZone("", 8*3600), PII: pii}
		first, second := ops(30, time.Hour).Draw(t, "first"), ops(30, time.Hour).Draw(t, "second")
		tally := Options{Plain: pii == "plain"}

		whole := apply(apply(New(tally), first), second)
		total := New(Options{})
		for _, part := range [][]op{first, second} {
			back, err := FromResult(saved(t, apply(New(tally), part).Result(opt)), nil)
			if err != nil {
				t.Fatal(err)
			}
			total.Merge(back)
		}
		want, got := whole.Result(opt), total.Result(opt)
		if diff := cmp.Diff(saved(t, want), saved(t, got)); diff != "" {
			t.Fatalf("result (-scan +report):\n%s", diff)
		}
	})
}

func TestNoPlainIDsWithoutPlain(t *testing.T) {
	const id = "secret-account-4711"
	for _, tc := range []struct {
		plain bool
		pii   string
		shown bool
	}{
		{false, "", false}, {false, "mask", false}, {false, "hash", false}, {false, "drop", false}, {false, "plain", false},
		{true, "", false}, {true, "mask", false}, {true, "hash", false}, {true, "drop", false}, {true, "plain", true},
	} {
		t.Run(strconv.FormatBool(tc.plain)+" "+tc.pii, func(t *testing.T) {
			tally := New(Options{Plain: tc.plain})
			for i := range 20 {
				tally.Add(event{code: 206, user: id, device: "d", millis: start + int64(i)}.classified())
				tally.Add(event{value: "x", user: id}.classified())
			}
			r := tally.Result(ResultOptions{PII: tc.pii})
			data, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			var part mergePart
			if err := json.Unmarshal(r.Merge, &part); err != nil {
				t.Fatal(err)
			}
			for _, word := range []string{id, "secret", "4711", "account"} {
				in := bytes.Contains(data, []byte(word))
				inMerge := bytes.Contains(part.Tally, []byte(word))
				if in != tc.shown || inMerge != tc.shown {
					t.Errorf("%q in the JSON: %t, in its merge part: %t; want %t", word, in, inMerge, tc.shown)
				}
			}
			if tc.pii == "hash" && r.TopUsers[0].User != shortHash(hashUser(id)) {
				t.Errorf("hash is shown as %q", r.TopUsers[0].User)
			}
			if state := encoded(t, tally); bytes.Contains(state, []byte(id)) != tc.plain {
				t.Errorf("plain id in the encoding: %t", !tc.plain)
			}
		})
	}
}

func TestCodesOfASavedResultKeepTheirNames(t *testing.T) {
	tally := New(Options{})
	tally.Add(event{code: 206}.classified())
	r := saved(t, tally.Result(ResultOptions{}))
	back, err := FromResult(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := back.Result(ResultOptions{}).Codes[0]; got.Name != "CODE_206" || got.Category != "auth" {
		t.Errorf("code 206 is %q of %q", got.Name, got.Category)
	}
	r.Codes = nil
	if back, err = FromResult(r, catalog.Web()); err != nil {
		t.Fatal(err)
	}
	if got := back.Result(ResultOptions{}).Codes[0]; got.Name != catalog.Web().Lookup(206).Name {
		t.Errorf("code 206 is %q", got.Name)
	}
}

func TestResultsThatAreNone(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"not JSON", `# a log`, "read result: invalid character"},
		{"another program's", `{"schema":"x/v1"}`, `schema "x/v1": want "imerr-scan/result/v1"`},
		{"no schema", `{}`, `schema "": want`},
		{"a later version", `{"schema":"imerr-scan/result/v2"}`, `want "imerr-scan/result/v1"`},
		{"a list for an object", `{"schema":"imerr-scan/result/v1","lines":[]}`, "lines"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := ParseResult([]byte(tc.in)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("ParseResult: %v, want %q", err, tc.want)
			}
		})
	}
	for _, tc := range []struct{ name, merge, want string }{
		{"a list", `[]`, "read merge part"},
		{"a later version", `{"v":2}`, "version 2: want 1"},
		{"empty", `{"v":1}`, "byte 0: cut off"},
		{"damaged", `{"v":1,"tally":"AgAA"}`, "read tally: byte 3"},
	} {
		t.Run("merge part: "+tc.name, func(t *testing.T) {
			_, err := FromResult(&Result{Schema: Schema, Merge: json.RawMessage(tc.merge)}, nil)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("FromResult: %v, want %q", err, tc.want)
			}
		})
	}
	if _, err := FromResult(&Result{Schema: Schema}, nil); !errors.Is(err, ErrNoMerge) {
		t.Errorf("FromResult without a merge part: %v", err)
	}
}
