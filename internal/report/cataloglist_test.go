package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"imerr-scan/pkg/catalog"
)

func auth(t *testing.T) []*catalog.Entry {
	t.Helper()
	return slices.DeleteFunc(catalog.Web().Entries(), func(e *catalog.Entry) bool { return e.Category != "auth" || e.Tier == "sdk_internal" })
}

func TestCatalogText(t *testing.T) {
	for name, tc := range map[string]struct {
		lang  catalog.Lang
		width int
	}{
		"catalog_80_en":   {catalog.EN, 80},
		"catalog_80_zh":   {catalog.ZH, 80},
		"catalog_120_zh":  {catalog.ZH, 120},
		"catalog_160_en":  {catalog.EN, 160},
		"catalog_pipe_en": {catalog.EN, 0},
	} {
		var b bytes.Buffer
		if err := CatalogList(&b, auth(t), "text", tc.lang, tc.width); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
	}
}

func TestCatalogTextFitsAllEntries(t *testing.T) {
	for _, lang := range []catalog.Lang{catalog.EN, catalog.ZH} {
		for _, w := range []int{60, 80, 99, 100, 139, 140, 200} {
			var b bytes.Buffer
			if err := CatalogList(&b, catalog.Web().Entries(), "text", lang, w); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
			if len(lines) != 148 {
				t.Errorf("%d lines, want a head and 147", len(lines))
			}
			for _, line := range lines {
				if width(line) > w {
					t.Errorf("%d columns on a screen of %d: %q", width(line), w, line)
				}
			}
		}
	}
}

func TestCatalogCSVJoins(t *testing.T) {
	for _, platform := range catalog.Platforms() {
		cat, err := catalog.Load(platform)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := CatalogList(&b, cat.Entries(), "csv", catalog.EN, 0); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&b).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != cat.Len()+1 {
			t.Fatalf("%s: %d rows, want a head and %d", platform, len(rows), cat.Len())
		}
		column := func(name string) int { return slices.Index(rows[0], name) }
		for _, row := range rows[1:] {
			code, err := strconv.ParseInt(row[column("code")], 10, 32)
			e := cat.Lookup(int32(code))
			if err != nil || e == nil {
				t.Fatalf("%s: code %q leads to no entry", platform, row[column("code")])
			}
			if row[column("name")] != e.Name || row[column("meaning_zh")] != e.Meaning.ZH || row[column("next_en")] != e.Next.EN || row[column("category")] != e.Category {
				t.Errorf("%s %d: a cell differs from the entry: %q", platform, code, row)
			}
			for _, cell := range row[1:] {
				if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") && !isInteger(strings.Fields(cell)[0]) {
					t.Errorf("%s %d: a spreadsheet would calculate %q", platform, code, cell)
				}
			}
		}
	}
}

func TestCatalogCSVOfOneEntry(t *testing.T) {
	var b bytes.Buffer
	if err := CatalogList(&b, []*catalog.Entry{catalog.Web().Lookup(-1), catalog.Web().Lookup(206)}, "csv", catalog.EN, 0); err != nil {
		t.Fatal(err)
	}
	golden(t, "catalog_csv", b.String())
}

func TestCatalogCSVDisarmsAnOverlay(t *testing.T) {
	cat, err := catalog.Web().Overlay(strings.NewReader("code: 9001\nname: OURS\ncategory: general\nmeaning-en: =HYPERLINK(\"x\")\nnext-en: @SUM(A1)\nnext-zh: -1\n"), "f")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := CatalogList(&b, []*catalog.Entry{cat.Lookup(9001)}, "csv", catalog.EN, 0); err != nil {
		t.Fatal(err)
	}
	want := `9001,OURS,,custom,general,other,error,no,app_developer,true,"'=HYPERLINK(""x"")","'=HYPERLINK(""x"")",'@SUM(A1),-1,,,,,f`
	if got := strings.Split(b.String(), "\n")[1]; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCatalogJSON(t *testing.T) {
	cat := catalog.Web()
	var b bytes.Buffer
	if err := CatalogList(&b, cat.Entries(), "json", catalog.ZH, 0); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), ": null") {
		t.Error("a list is null")
	}
	var back []catalogEntry
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if len(back) != cat.Len() {
		t.Fatalf("%d entries, want %d", len(back), cat.Len())
	}
	for _, got := range back {
		e := cat.Lookup(got.Code)
		if got.Name != e.Name || len(got.Reasons) != len(e.Reasons) || got.Meaning.ZH != e.Meaning.ZH || len(got.Elsewhere) != len(e.Elsewhere) {
			t.Errorf("%d reads back as %+v", got.Code, got)
		}
	}
}

func TestCatalogListOfNothing(t *testing.T) {
	for format, want := range map[string]string{"json": "[]\n", "text": "CODE  NAME  CATEGORY  MEANING\n"} {
		var b bytes.Buffer
		if err := CatalogList(&b, nil, format, catalog.EN, 80); err != nil || b.String() != want {
			t.Errorf("%s: %q, %v; want %q", format, b.String(), err, want)
		}
	}
	if err := CatalogList(&bytes.Buffer{}, nil, "xml", catalog.EN, 80); err == nil {
		t.Error("xml was accepted")
	}
}
