package catalog

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestOverlayAddsAndChanges(t *testing.T) {
	base := Web()
	got, err := base.Overlay(strings.NewReader("\ufeff# ours\r\n"+`
code: 9001
name: OUR_GATEWAY_REFUSED
alias: GATEWAY_NO
category: messaging
meaning-zh: 自有网关拒绝了消息。
reason: quota
  contains: gateway quota
  en: The gateway's own quota.

# one key of an entry that is there
code: 206
severity: warning
reason: other_device_login
  exact: kicked
  zh: 被踢
reason: ours
  contains: our text
  en: Ours.

code: 2
android: SOMETHING_ELSE
category: quota
`), "ours.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := &Entry{
		Code: 9001, Name: "OUR_GATEWAY_REFUSED", Aliases: []string{"GATEWAY_NO"}, Tier: "custom", Category: "messaging", Topic: "other",
		Severity: "error", Retry: "no", Actor: "app_developer", Raised: true, Source: "ours.txt",
		Meaning: Text{EN: "自有网关拒绝了消息。", ZH: "自有网关拒绝了消息。"},
		Reasons: []Reason{{ID: "quota", Text: "gateway quota", Meaning: Text{EN: "The gateway's own quota.", ZH: "The gateway's own quota."}}},
	}
	if diff := cmp.Diff(want, got.Lookup(9001)); diff != "" {
		t.Errorf("the new entry (-want +got)\n%s", diff)
	}
	if got.ByName("GATEWAY_NO") != got.Lookup(9001) || got.Len() != base.Len()+1 || got.Version() != "4.21+custom" {
		t.Errorf("ByName, Len %d or Version %s is wrong", got.Len(), got.Version())
	}
	kick := *base.Lookup(206)
	kick.Severity = "warning"
	kick.Reasons = []Reason{
		{ID: "other_device_login", Text: "kicked", Exact: true, Meaning: Text{EN: "被踢", ZH: "被踢"}},
		{ID: "ours", Text: "our text", Meaning: Text{EN: "Ours.", ZH: "Ours."}},
	}
	if diff := cmp.Diff(&kick, got.Lookup(206)); diff != "" {
		t.Errorf("206 (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(base.Lookup(2), got.Lookup(2)); diff != "" {
		t.Errorf("a record of Android changed the web\n%s", diff)
	}
	if diff := cmp.Diff(Web(), base, cmp.AllowUnexported(Catalog{})); diff != "" {
		t.Errorf("Overlay changed the catalog below it\n%s", diff)
	}
}

// Whoever copies the whole file to edit it gets what they had.
func TestOverlayOfTheEmbeddedFileChangesNothing(t *testing.T) {
	for _, platform := range Platforms() {
		base, _ := Load(platform)
		got, err := base.Overlay(strings.NewReader(embedded), "catalog.txt")
		if err != nil {
			t.Fatalf("%s: %v", platform, err)
		}
		for _, e := range base.Entries() {
			if diff := cmp.Diff(e, got.Lookup(e.Code), cmp.Transformer("empty", func(s []int32) string { return fmt.Sprint(s) })); diff != "" {
				t.Errorf("%s %d (-want +got)\n%s", platform, e.Code, diff)
			}
		}
		if got.Len() != base.Len() {
			t.Errorf("%s: %d entries, want %d", platform, got.Len(), base.Len())
		}
	}
}

func TestTheExampleOfTheDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../docs/catalog.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(page), "```catalog\n")
	example, _, _ = strings.Cut(example, "```")
	cat, err := Web().Overlay(strings.NewReader(example), "ours.txt")
	if err != nil {
		t.Fatal(err)
	}
	if e := cat.ByName("GATEWAY_REFUSED"); e == nil || e.Code != 90001 || e.Reason("503: gateway quota exceeded") == nil {
		t.Errorf("the new entry: %+v", e)
	}
	if e := cat.Lookup(509); !strings.HasPrefix(e.Next.EN, "Our limit") || e.Meaning != Web().Lookup(509).Meaning {
		t.Errorf("the changed entry: %+v", e)
	}
	for _, k := range keyNames {
		if k != "version" && !strings.Contains(string(page), "`"+k) {
			t.Errorf("docs/catalog.md does not explain the key %s", k)
		}
	}
}

func TestOverlayMistakes(t *testing.T) {
	entry := "code: 9001\nname: OURS\ncategory: general\nmeaning-en: Ours.\n"
	for _, tc := range []struct {
		name, in string
		want     []string // all lines of the error
	}{
		{"misspelt category", "code: 9001\nname: OURS\ncategory: message\nmeaning-en: x\n", []string{
			`f.txt:3: category "message": want auth, messaging, group, chatroom, quota, general; did you mean "category: messaging"?`}},
		{"unknown is no category of an entry", "code: 206\ncategory: unknown\n", []string{
			`f.txt:2: category "unknown": want auth, messaging, group, chatroom, quota, general`}},
		{"misspelt key", entry + "severty: error\n", []string{`f.txt:5: unknown key "severty"; did you mean "severity: error"?`}},
		{"foreign key", entry + "wat: error\n", []string{`f.txt:5: unknown key "wat"`}},
		{"several at once", "code: 206\ntier: public\nretry: later\nraised: maybe\n", []string{
			`f.txt:2: tier "public": want documented, sdk_public, sdk_internal, custom`,
			`f.txt:3: retry "later": want no, after_backoff, after_relogin`,
			`f.txt:4: raised "maybe": want yes, no`}},
		{"no colon", entry + "severity error\n", []string{`f.txt:5: want "key: value"`}},
		{"Chinese colon", entry + "severity：error\n", []string{`f.txt:5: want "key: value", with an ASCII colon; did you mean "severity: error"?`}},
		{"new entry without anything", "code: 9001\n", []string{
			"f.txt:1: code 9001 is new in the catalog of web and has no name; add a line such as name: OUR_GATEWAY_REFUSED",
			"f.txt:1: code 9001 is new in the catalog of web and has no category; add a line such as category: general",
			"f.txt:1: code 9001 is new in the catalog of web and has no meaning; add a line meaning-en: … or meaning-zh: …"}},
		{"new entry called documented", entry + "tier: documented\n", []string{"f.txt:5: tier documented: a new entry is custom; leave the line out"}},
		{"no code", "\nname: OURS\n", []string{"f.txt:2: the record has no code; add a line such as code: 206"}},
		{"code is a name", "code: OURS\n", []string{`f.txt:1: code "OURS": want a whole number between -2147483648 and 2147483647`}},
		{"code too large", "code: 2147483648\nseverity: info\n", []string{
			`f.txt:1: code "2147483648": want a whole number between -2147483648 and 2147483647`}},
		{"two records run together", "code: 206\ncode: 207\n", []string{
			"f.txt:2: code stands here a second time; the first is on line 1; put an empty line between two records"}},
		{"code twice", "code: 206\nseverity: info\n\ncode: 206\nseverity: error\n", []string{"f.txt:4: code 206 has a record on line 1 already"}},
		{"name of another", entry + "\ncode: 9002\nname: MAX_LIMIT\ncategory: quota\nmeaning-en: x\n", []string{
			"f.txt:6: name MAX_LIMIT belongs to code 50 and to code 9002"}},
		{"name of one that stands later", "code: 28\nname: MAX_LIMIT\n", []string{"f.txt:1: name MAX_LIMIT belongs to code 28 and to code 50"}},
		{"name that is none", "code: 206\nname: kicked off!\n", []string{
			`f.txt:2: name "kicked off!": want letters, digits and _, beginning with a letter, at most 64`}},
		{"related to nothing", "code: 206\nrelated: 217 9999\n", []string{"f.txt:1: related code 9999 is not in the catalog of web"}},
		{"related to words", "code: 206\nrelated: 217, 39\n", []string{`f.txt:2: related "217,": want codes with spaces between them`}},
		{"reason without text", "code: 206\nreason: ours\n  en: x\n", []string{
			`f.txt:2: reason ours has no text to look for; add a line "  exact: …" or "  contains: …"`}},
		{"reason without words", "code: 206\nreason: ours\n  exact: x\n", []string{`f.txt:2: the reason has no words; add lines "  en: …" and "  zh: …"`}},
		{"reason with two texts", "code: 206\nreason: ours\n  exact: x\n  contains: y\n  en: x\n", []string{"f.txt:4: the reason has contains a second time"}},
		{"reason twice", "code: 206\nreason: a\n  exact: x\n  en: x\nreason: a\n  exact: y\n  en: y\n", []string{`f.txt:5: reason "a" stands here a second time`}},
		{"indent forgotten", "code: 206\nreason: ours\nexact: x\n", []string{
			`f.txt:2: reason ours has no text to look for; add a line "  exact: …" or "  contains: …"`,
			`f.txt:2: the reason has no words; add lines "  en: …" and "  zh: …"`,
			"f.txt:3: exact belongs to a reason or cause; begin the line with two spaces"}},
		{"indent too much", "code: 206\n  severity: info\n", []string{
			"f.txt:2: severity begins with a space, but no reason or cause stands above it; begin it in the first column"}},
		{"unknown key of a reason", "code: 206\nreason: ours\n  exakt: x\n  exact: y\n  en: z\n", []string{
			`f.txt:3: unknown key "exakt" of a reason: want exact, contains, en, zh, source; did you mean "exact: x"?`}},
		{"cause with a text in its line", "code: 206\ncause: x\n  en: y\n", []string{
			`f.txt:2: cause has a value; put it on lines of its own below: "  en: …" and "  zh: …"`}},
		{"empty value", "code: 206\nseverity:\n", []string{"f.txt:2: severity has no value"}},
		{"escape sequence", "code: 206\nmeaning-en: \x1b[2Jx\n", []string{"f.txt:2: the line holds an invisible character (U+001B)"}},
		{"text that runs backwards", "code: 206\nmeaning-en: \u202ex\n", []string{"f.txt:2: the line holds an invisible character (U+202E)"}},
		{"saved as GBK", "code: 206\nmeaning-zh: \xb1\xbb\xcc\xdf\n", []string{"f.txt:2: the line is no valid UTF-8; save the file as UTF-8"}},
		{"endless value", "code: 206\nmeaning-en: " + strings.Repeat("x", maxValue+1) + "\n", []string{"f.txt:2: the value of meaning-en has more than 4096 bytes"}},
		{"version of nothing", "version: 4.21\n", []string{`f.txt:1: version "4.21": want a platform and a version, such as web 4.21`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			base := Web()
			got, err := base.Overlay(strings.NewReader(tc.in), "f.txt")
			if got != nil || err == nil {
				t.Fatalf("Overlay accepted it: %v", got)
			}
			if diff := cmp.Diff(tc.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			var m *Mistake
			if !errors.As(err, &m) || m.File != "f.txt" || m.Line == 0 {
				t.Errorf("no *Mistake in %v", err)
			}
		})
	}
}

func TestOverlayOfAFileThatIsNoCatalog(t *testing.T) {
	_, err := Web().Overlay(strings.NewReader(strings.Repeat("2026-11-24 10:00:00 something happened\n", 10_000)), "app.log")
	if err == nil || strings.Count(err.Error(), "\n") != maxMistakes || !strings.HasSuffix(err.Error(), "app.log: 9950 more mistakes") {
		t.Errorf("a log as catalog: %.200v", err)
	}
	_, err = Web().Overlay(strings.NewReader(strings.Repeat("#", maxOverlay+1)), "big")
	if err == nil || err.Error() != "read catalog big: more than 4 MiB" {
		t.Errorf("a file beyond the bound: %v", err)
	}
	_, err = Web().Overlay(iotest.ErrReader(errors.New("disk on fire")), "gone")
	if err == nil || err.Error() != "read catalog gone: disk on fire" {
		t.Errorf("a file that cannot be read: %v", err)
	}
}

func TestOverlayOnAndroid(t *testing.T) {
	android, _ := Load("android")
	got, err := android.Overlay(strings.NewReader("code: 9001\nname: OURS\ncategory: general\nmeaning-en: x\nrelated: 2\n\ncode: 2\nseverity: critical\n"), "f")
	if err != nil {
		t.Fatal(err)
	}
	if e := got.Lookup(9001); e == nil || e.Name != "OURS" {
		t.Errorf("name without a platform on Android: %+v", e)
	}
	if e := got.Lookup(2); e.Name != "NETWORK_ERROR" || e.Severity != "critical" {
		t.Errorf("2 on Android: %+v", e)
	}
}

func TestEveryKeyIsRead(t *testing.T) {
	for i, name := range keyNames {
		if k, ok := keyOf(name); !ok || int(k) != i {
			t.Errorf("keyOf(%q) = %d, want %d", name, k, i)
		}
	}
}

// render writes records in the text form. It knows nothing of the parser but the names of the keys.
func render(sh *sheet) string {
	var b strings.Builder
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, value)
		}
	}
	for i, v := range sh.versions {
		if v != "" {
			line("version", platforms[i]+" "+v)
		}
	}
	b.WriteString("\n")
	for i := range sh.records {
		r := &sh.records[i]
		e := &r.entry
		line("code", fmt.Sprint(e.Code))
		for i, key := range []string{"name", "web", "android", "ios", "harmonyos"} {
			line(key, r.names[i])
		}
		for _, a := range e.Aliases {
			line("alias", a)
		}
		yes := func(b bool) string { return map[bool]string{true: "yes", false: "no"}[b] }
		for _, f := range [][2]string{
			{"tier", e.Tier}, {"category", e.Category}, {"topic", e.Topic}, {"severity", e.Severity}, {"retry", e.Retry}, {"actor", e.Actor},
			{"meaning-en", e.Meaning.EN}, {"meaning-zh", e.Meaning.ZH}, {"next-en", e.Next.EN}, {"next-zh", e.Next.ZH},
			{"sdk-en", e.Behaviour.EN}, {"sdk-zh", e.Behaviour.ZH}, {"note-en", e.Note.EN}, {"note-zh", e.Note.ZH},
			{"related", strings.Trim(fmt.Sprint(e.Related), "[]")}, {"source", e.Source},
			{"raised", yes(e.Raised)}, {"unsure", yes(e.Unsure)},
		} {
			line(f[0], f[1])
		}
		for _, c := range e.Causes {
			b.WriteString("cause:\n")
			line("  en", c.EN)
			line("  zh", c.ZH)
		}
		for _, r := range e.Reasons {
			line("reason", r.ID)
			line(map[bool]string{true: "  exact", false: "  contains"}[r.Exact], r.Text)
			line("  en", r.Meaning.EN)
			line("  zh", r.Meaning.ZH)
			line("  source", r.Source)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// bare is a sheet without the places of its keys.
func bare(sh *sheet) sheet {
	out := sheet{versions: sh.versions, records: slices.Clone(sh.records)}
	for i := range out.records {
		out.records[i].line, out.records[i].lines = 0, [numKeys]int32{}
		if len(out.records[i].entry.Related) == 0 {
			out.records[i].entry.Related = nil
		}
	}
	return out
}

// What is accepted says the same when it is written out and read again, and can be laid over any catalog without harm.
func FuzzParse(f *testing.F) {
	f.Add(embedded[strings.Index(embedded, "\ncode: 216\n"):strings.Index(embedded, "\ncode: 218\n")])
	f.Add("code: 9001\nname: A\ncategory: general\nmeaning-en: x\nreason: a\n  exact: b\n  zh: c\ncause:\n  en: d\n")
	f.Add("\ufeffcode: -1\r\nalias: X\r\n\talias: Y\r\n")
	f.Add("code：1\n: \n::\n  :\nversion: web 1\ncode: 1\n")
	base := Web()
	f.Fuzz(func(t *testing.T, text string) {
		sh, mistakes := parse(text)
		got, err := base.Overlay(strings.NewReader(text), "f")
		if len(mistakes) > 0 {
			if err == nil {
				t.Fatalf("parse found %v, Overlay nothing", mistakes)
			}
			return
		}
		again, mistakes := parse(render(sh))
		if len(mistakes) > 0 {
			t.Fatalf("written out it is refused: %v\n%s", mistakes, render(sh))
		}
		if a, b := bare(sh), bare(again); !reflect.DeepEqual(a, b) {
			t.Fatalf("written out it differs (-first +again)\n%s", cmp.Diff(a, b, cmp.AllowUnexported(sheet{}, record{})))
		}
		if err != nil {
			return
		}
		for _, e := range got.Entries() {
			if got.Lookup(e.Code) != e || got.ByName(e.Name) != e || !slices.Contains(categories, e.Category) || e.Meaning.EN == "" || e.Meaning.ZH == "" {
				t.Fatalf("an entry is broken or lost: %+v", e)
			}
		}
	})
}
