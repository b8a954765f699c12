package notify

import (
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"imerr-scan/internal/detect"
	"imerr-scan/pkg/catalog"
)

func composerFor(kind, lang string) *composer {
	opt := &Options{
		Catalog: catalog.Web(), Zone: beijing, Page: "http://imerr-scan:20617/", Runbook: "https://wiki.example/a_(b)",
		Labels: map[string]string{"cluster": "bj1"},
	}
	s := Sink{Kind: kind, Lang: lang}.withDefaults()
	return newComposer(opt, &s, &url.URL{}).at(onset.Add(time.Hour))
}

func asNote(a detect.Alert, told string) note {
	a = cleanAlert(a)
	return note{Alert: a, told: told, labels: labelsOf(&a, map[string]string{"cluster": "bj1"}), id: a.ID()}
}

func TestMessagesInBothLanguages(t *testing.T) {
	adopted := resolved(spike(509, "warning"))
	adopted.Reason = newLevel
	recurring := storm()
	recurring.Kind, recurring.Recurring = detect.KindPingPong, true
	cases := []struct {
		name  string
		notes []note
	}{
		{"a kick storm fires", []note{asNote(storm(), "")}},
		{"too early to tell the kind", []note{asNote(pendingStorm(), "")}},
		{"two devices kick each other, again", []note{asNote(recurring, "")}},
		{"the storm is over", []note{asNote(resolved(storm()), detect.Firing)}},
		{"the storm came and went while the sink was down", []note{asNote(resolved(storm()), "")}},
		{"a code spikes that usually has none", []note{asNote(spike(509, "warning"), "")}},
		{"a code spikes that no catalog has", []note{asNote(spike(9001, "error"), "")}},
		{"the spike became the usual", []note{asNote(adopted, detect.Firing)}},
		{"over a limit", []note{asNote(overLimit(), "")}},
		{"a test message", []note{asNote(Sample(onset), "")}},
		{"several at once", []note{asNote(storm(), ""), asNote(spike(509, "warning"), ""), asNote(resolved(overLimit()), detect.Firing)}},
	}
	var b strings.Builder
	for _, tc := range cases {
		for _, lang := range []string{"zh", "en"} {
			m := composerFor("slack", lang).message(tc.notes)
			b.WriteString("== " + tc.name + ", " + lang + "\n" + m.title + "\n" + strings.Join(m.lines, "\n") + "\n\n")
		}
	}
	golden(t, "messages.golden", b.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := "testdata/" + name
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// TestTextsFromALogStayTexts looks at what the vendors get when a log wants to write their markup.
func TestTextsFromALogStayTexts(t *testing.T) {
	for _, tc := range []struct {
		kind      string
		forbidden []string
	}{
		{"dingtalk", []string{"](http://evil", "://evil", "**x**", "`y`", "<font", "\n# ", "\x1b", "\u202e"}},
		{"wecom", []string{"](http://evil", "://evil", "**x**", "`y`", "<font color=\"info\">ok", "<@U", "\n#", "\x1b", "\u202e"}},
		{"feishu", []string{"](http://evil", "://evil", "**x**", "`y`", "<font", "<at", "\n#", "\x1b", "\u202e"}},
		{"slack", []string{"<http://evil", "://evil", "<!channel", "<@U", "\x1b", "\u202e"}},
	} {
		t.Run(tc.kind, func(t *testing.T) {
			text := textOf(t, tc.kind, composeFor(t, tc.kind, asNote(hostile(), "")))
			for _, f := range tc.forbidden {
				if strings.Contains(text, f) {
					t.Errorf("%q is in the message:\n%s", f, text)
				}
			}
			if !utf8.ValidString(text) {
				t.Error("the message is not UTF-8")
			}
		})
	}
}

func composeFor(t *testing.T, kind string, notes ...note) []byte {
	t.Helper()
	r, _ := kindOf(kind).compose(composerFor(kind, ""), notes)
	return r.body
}

// TestWhateverIsSaidFitsTheVendor: the limits hold for any alerts, a message says at least something about the first alert,
// and what it leaves out is not lost: either it says so, or the alert is left for the next message.
func TestWhateverIsSaidFitsTheVendor(t *testing.T) {
	long := rapid.StringN(0, 700, -1)
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom([]string{"dingtalk", "feishu", "wecom", "slack"}).Draw(rt, "kind")
		var notes []note
		for range rapid.IntRange(1, foldLimit).Draw(rt, "alerts") {
			a := storm()
			if rapid.Bool().Draw(rt, "over") {
				a = resolved(a)
			}
			for range rapid.IntRange(0, 12).Draw(rt, "changes") {
				a.Why = append(a.Why, detect.Change{Field: long.Draw(rt, "field"), Value: long.Draw(rt, "value")})
			}
			a.Alert = long.Draw(rt, "name")
			a.Advice.ZH, a.Advice.EN = long.Draw(rt, "zh"), long.Draw(rt, "en")
			a.Codes = append(a.Codes, rapid.SliceOfN(rapid.Int32(), 0, 100).Draw(rt, "codes")...)
			notes = append(notes, asNote(a, ""))
		}
		c := composerFor(kind, rapid.SampledFrom([]string{"zh", "en"}).Draw(rt, "lang"))
		r, n := kindOf(kind).compose(c, notes)
		if n < 1 || n > len(notes) {
			rt.Fatalf("%d of %d alerts", n, len(notes))
		}
		if size, limit := sizeOf(t, kind, r.body), limits[kind]; size > limit {
			rt.Errorf("%s: size %d, limit %d", kind, size, limit)
		}
	})
}

// limits are the vendors', in the unit that sizeOf counts.
var limits = map[string]int{"dingtalk": 20000, "feishu": 20 << 10, "wecom": 4096, "slack": 3000}

func sizeOf(t *testing.T, kind string, body []byte) int {
	switch kind {
	case "wecom":
		return len(textOf(t, kind, body))
	case "slack":
		return utf8.RuneCountInString(textOf(t, kind, body))
	}
	return len(body)
}

func TestALongMessageIsCutAtALineAndSaysSo(t *testing.T) {
	a := storm()
	for range 8 {
		a.Why = append(a.Why, detect.Change{Field: strings.Repeat("域", 64), Value: strings.Repeat("值", 64), Share: 0.5})
	}
	a.Advice.ZH = strings.Repeat("字", 600)
	text := textOf(t, "wecom", composeFor(t, "wecom", asNote(a, "")))
	lines := strings.Split(text, "\n")
	if !strings.Contains(text, "行超出长度限制，未显示") {
		t.Errorf("nothing says that lines are missing:\n%s", text)
	}
	for _, l := range lines[1 : len(lines)-1] {
		if !strings.HasPrefix(l, ">") {
			t.Errorf("line %q is not whole", l)
		}
	}
	if !strings.Contains(lines[len(lines)-1], "[实时页面](http://imerr-scan:20617/)") {
		t.Errorf("the links are cut off: %q", lines[len(lines)-1])
	}
}

func TestLabelsAreAnIdentity(t *testing.T) {
	external := map[string]string{"cluster": "bj1", "empty": ""}
	one, two := storm(), resolved(storm())
	two.Codes, two.Kind, two.Users = []int32{206, 217, 216}, detect.KindMixed, 9
	if diff := cmp.Diff(labelsOf(&one, external), labelsOf(&two, external)); diff != "" {
		t.Errorf("labels changed while the alert was open:\n%s", diff)
	}
	first := storm()
	first.Codes = []int32{206} // so far
	for _, tc := range []struct {
		alert detect.Alert
		want  map[string]string
	}{
		{first, map[string]string{"alertname": "ImerrKickStorm", "category": "auth", "severity": "critical", "cluster": "bj1"}},
		{spike(509, "warning"), map[string]string{"alertname": "ImerrSpike", "code": "509", "category": "messaging", "severity": "warning", "cluster": "bj1"}},
		{spike(-1, "warning"), map[string]string{"alertname": "ImerrSpike", "code": "-1", "category": "messaging", "severity": "warning", "cluster": "bj1"}},
		{overLimit(), map[string]string{"alertname": "ImerrTooManyMutes", "category": "messaging", "severity": "warning", "cluster": "bj1"}},
	} {
		if diff := cmp.Diff(tc.want, labelsOf(&tc.alert, external)); diff != "" {
			t.Errorf("labels of %s (-want +got):\n%s", tc.alert.Alert, diff)
		}
	}
}

// TestFingerprint compares with what Alertmanager 0.25 gave for the same labels, in alertmanager_peer_test.go.
func TestFingerprint(t *testing.T) {
	a := storm()
	if got := fingerprint(labelsOf(&a, map[string]string{"cluster": "bj1"})); got != fingerprintOfAlertmanager {
		t.Errorf("fingerprint %s, want %s", got, fingerprintOfAlertmanager)
	}
}
