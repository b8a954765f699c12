package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"imerr-scan/pkg/catalog"
)

func explained(t *testing.T, cat *catalog.Catalog, name, message string) Explained {
	t.Helper()
	e := cat.Find(name)
	if e == nil {
		t.Fatalf("no entry %s", name)
	}
	return Explained{Entry: e, Reason: e.ReasonAfterPrefix(message)}
}

func TestExplain(t *testing.T) {
	web := catalog.Web()
	android, err := catalog.Load("android")
	if err != nil {
		t.Fatal(err)
	}
	kick := []Explained{explained(t, web, "WEBIM_CONNCTION_USER_LOGIN_ANOTHER_DEVICE", "")}
	if kick[0].Entry != web.Lookup(206) {
		t.Fatal("that is not 206")
	}
	nobody := []Explained{explained(t, web, "WEBIM_CONNCTION_USER_NOT_ASSIGN_ERROR", "")}
	quota := []Explained{explained(t, web, "MAX_LIMIT", "Sorry, the monthly active user limit for this app has been reached")}
	two := []Explained{explained(t, web, "USER_MUTED_BY_ADMIN", ""), explained(t, web, "GROUP_NOT_EXIST", "")}
	for _, tc := range []struct {
		name  string
		found []Explained
		opt   ExplainOptions
	}{
		{"explain_206_en", kick, ExplainOptions{Width: 100, Catalog: web}},
		{"explain_206_zh", kick, ExplainOptions{Width: 100, Catalog: web, Lang: catalog.ZH}},
		{"explain_206_60_en", kick, ExplainOptions{Width: 60, Catalog: web}},
		{"explain_206_60_zh", kick, ExplainOptions{Width: 60, Catalog: web, Lang: catalog.ZH}},
		{"explain_user_not_assign_en", nobody, ExplainOptions{Width: 100, Catalog: web}},
		{"explain_user_not_assign_zh", nobody, ExplainOptions{Width: 100, Catalog: web, Lang: catalog.ZH}},
		{"explain_50_mau_en", quota, ExplainOptions{Catalog: web}},
		{"explain_two_codes_zh", two, ExplainOptions{Catalog: web, Lang: catalog.ZH}},
		{"explain_android_en", []Explained{{Entry: android.Lookup(2)}}, ExplainOptions{Catalog: android}},
		{"explain_206_colour", kick, ExplainOptions{Catalog: web, Color: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := Explain(&b, tc.found, tc.opt); err != nil {
				t.Fatal(err)
			}
			golden(t, tc.name, b.String())
		})
	}
}

// Every card of every platform has to fit the screen, hold no line that ends in spaces, and speak the reader's language.
func TestEveryCardFits(t *testing.T) {
	for _, platform := range catalog.Platforms() {
		cat, err := catalog.Load(platform)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range cat.Entries() {
			for _, lang := range []catalog.Lang{catalog.EN, catalog.ZH} {
				for _, w := range []int{60, 80, 104} {
					var b bytes.Buffer
					if err := Explain(&b, []Explained{{Entry: e}}, ExplainOptions{Width: w, Lang: lang, Catalog: cat}); err != nil {
						t.Fatal(err)
					}
					for line := range strings.SplitSeq(b.String(), "\n") {
						if width(line) > w && !strings.Contains(line, "imerr-scan ") || strings.TrimRight(line, " ") != line {
							t.Errorf("%s %d at %d columns: %d wide or spaces at its end: %q", platform, e.Code, w, width(line), line)
						}
					}
					if got := b.String(); !strings.Contains(got, e.Name) || !strings.Contains(got, fmt.Sprint(e.Code)) {
						t.Errorf("%s %d: number or name is missing", platform, e.Code)
					}
				}
			}
		}
	}
}

func TestCandidates(t *testing.T) {
	web := catalog.Web()
	search := func(phrase string) []Explained {
		var out []Explained
		for _, e := range web.Search(phrase) {
			out = append(out, Explained{Entry: e, Reason: e.ReasonAfterPrefix(phrase)})
		}
		return out
	}
	for name, tc := range map[string]struct {
		phrase string
		opt    ExplainOptions
	}{
		"explain_candidates_en":   {"user_muted", ExplainOptions{Catalog: web, Width: 104}},
		"explain_candidates_zh":   {"踢下线", ExplainOptions{Catalog: web, Lang: catalog.ZH}},
		"explain_candidates_many": {"WEBIM_CONNCTION", ExplainOptions{Catalog: web}},
	} {
		var b bytes.Buffer
		if err := Candidates(&b, search(tc.phrase), tc.opt); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
	}
}

func TestExplainJSON(t *testing.T) {
	web := catalog.Web()
	var b bytes.Buffer
	found := []Explained{explained(t, web, "MESSAGE_CURRENT_LIMITING", "traffic limit"), {Entry: web.Lookup(-1)}}
	if err := ExplainJSON(&b, found, ExplainOptions{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "explain_json", b.String())
	var back []struct {
		Code    int32
		Matched string `json:"matched_reason"`
	}
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if len(back) != 2 || back[0].Code != 509 || back[0].Matched != "rate" || back[1].Code != -1 || back[1].Matched != "" {
		t.Errorf("read back: %+v", back)
	}
}

func TestExplainReportsAWriteError(t *testing.T) {
	full := errors.New("disk full")
	web := catalog.Web()
	found := []Explained{{Entry: web.Lookup(206)}}
	for name, write := range map[string]func() error{
		"Explain":     func() error { return Explain(fullDisk{full}, found, ExplainOptions{Catalog: web}) },
		"Candidates":  func() error { return Candidates(fullDisk{full}, found, ExplainOptions{Catalog: web}) },
		"ExplainJSON": func() error { return ExplainJSON(fullDisk{full}, found, ExplainOptions{}) },
		"text":        func() error { return CatalogList(fullDisk{full}, web.Entries(), "text", catalog.EN, 80) },
		"csv":         func() error { return CatalogList(fullDisk{full}, web.Entries(), "csv", catalog.EN, 80) },
		"json":        func() error { return CatalogList(fullDisk{full}, web.Entries(), "json", catalog.EN, 80) },
	} {
		if err := write(); !errors.Is(err, full) {
			t.Errorf("%s: %v, want disk full", name, err)
		}
	}
}

type fullDisk struct{ err error }

func (f fullDisk) Write([]byte) (int, error) { return 0, f.err }

// isChinese reports whether s has a Chinese character.
func isChinese(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

func TestCardsSpeakOneLanguageButForTheMeaning(t *testing.T) {
	web := catalog.Web()
	for _, e := range web.Entries() {
		var b bytes.Buffer
		if err := Explain(&b, []Explained{{Entry: e}}, ExplainOptions{Lang: catalog.EN, Catalog: web, Width: 400}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(b.String(), "\n") {
			if isChinese(line) && !strings.Contains(line, e.Meaning.ZH) {
				t.Errorf("%d in English: %q", e.Code, line)
			}
		}
	}
}
