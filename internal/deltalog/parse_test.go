package deltalog

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imerr-scan/internal/aggregate"
)

// written returns a record of each kind.
func written(t testing.TB) map[string][]byte {
	t.Helper()
	source := Source{"client-logs", 3}
	counts := aggregate.New(aggregate.Options{})
	counts.Lines(aggregate.WithError, 7)
	records := map[string][]byte{}
	for name, r := range map[string]interface{ Encode() ([]byte, error) }{
		"delta":  &Delta{Source: source, From: 12, To: 412, Records: 399, Watermark: start, At: start + 200, End: true, By: "pod-7/8f3c", Counts: counts},
		"tick":   &Delta{Source: source, From: 412, To: 412, At: start, By: "pod-7/8f3c"},
		"files":  &Delta{Source: Source{Name: "files"}, To: 9, By: "pod-7", Counts: counts, Position: json.RawMessage(`{"files":[{"path":"a \"b\""}]}`)},
		"skip":   &Skip{Source: source, From: NeverSeen, To: 7, Why: WhyStart, By: "机器"},
		"claim":  &Note{By: "pod-7/8f3c#1", Claim: true},
		"note":   &Note{Number: 3, By: "pod-7/8f3c#1", Told: []byte("told"), At: start},
		"quoted": &Skip{Source: Source{Name: `a"b\`}, Why: "\u2028<"},
	} {
		record, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		records[name] = record
	}
	base, err := newModelState().Base()
	if err != nil {
		t.Fatal(err)
	}
	records["base"] = base[0]
	return records
}

func TestWhatIsWrittenMostIsReadWithoutJSON(t *testing.T) {
	for name, record := range written(t) {
		_, got := parse(record)
		if want := name != "files" && name != "skip" && name != "quoted"; got != want {
			t.Errorf("%s: read without encoding/json: %t, want %t: %s", name, got, want, record)
		}
	}
}

// What is read without encoding/json is what encoding/json reads.
func FuzzParse(f *testing.F) {
	for _, record := range written(f) {
		f.Add(record)
	}
	f.Add([]byte(`{"v":1,"v":2,"from":-0,"to":01}`))
	f.Add([]byte(`{"v":1,"c":"","sum":"18446744073709551615","state":"AA=="}`))
	f.Fuzz(func(t *testing.T, record []byte) {
		got, ok := parse(record)
		if !ok {
			return
		}
		var want wire
		if err := json.Unmarshal(record, &want); err != nil {
			t.Fatalf("%q is read, but: %v", record, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", record, diff)
		}
	})
}
