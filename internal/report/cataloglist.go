package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"imerr-scan/pkg/catalog"
)

// CatalogList writes entries in the order given: as "text" for reading, as "csv" or "json" for joins elsewhere. Columns
// and keys keep their names; new ones are added at the end. Any other format is an error.
//
// width is the columns of the screen, for text only: names and meanings are cut to it, and in a narrow one columns are
// left out; 0 means no screen, where nothing is cut and the head is in English, for programs. In csv a cell that a spreadsheet would take for a formula begins with
// an apostrophe; numbers, also the code -1, stay numbers, so that a join on code works.
func CatalogList(w io.Writer, entries []*catalog.Entry, format string, lang catalog.Lang, width int) error {
	switch format {
	case "text":
		return catalogText(w, entries, lang, width)
	case "csv":
		return catalogCSV(w, entries)
	case "json":
		out := make([]catalogEntry, len(entries))
		for i, e := range entries {
			out[i] = newCatalogEntry(e)
		}
		return writeJSON(w, out)
	}
	return fmt.Errorf("catalog format %q: want text, csv or json", format)
}

// catalogText writes a table. Below 100 columns names lose their common prefix and some columns go.
func catalogText(w io.Writer, entries []*catalog.Entry, lang catalog.Lang, width int) error {
	p := &printer{w: w}
	say := func(en, zh string) string { return catalog.Text{EN: en, ZH: zh}.In(lang) }
	t := table{
		head: []string{say("CODE", "代码"), say("NAME", "名称"), say("CATEGORY", "类别"), say("TOPIC", "主题"), say("SEVERITY", "严重程度"),
			say("TIER", "层级"), say("MEANING", "含义")},
		right: []bool{true},
	}
	narrow := width > 0 && width < 100
	for _, e := range entries {
		name := e.Name
		if narrow {
			name = cut(shortName(name), 32)
		}
		t.add(strconv.Itoa(int(e.Code)), name, e.Category, e.Topic, e.Severity, e.Tier, e.Meaning.In(lang))
	}
	switch {
	case width <= 0:
		t.head = []string{"code", "name", "category", "topic", "severity", "tier", "meaning"}
		t.write(p, "")
		return p.err
	case narrow:
		t.keep(0, 1, 2, 6)
	case width < 140:
		t.keep(0, 1, 2, 4, 6)
	}
	t.screen(p, "", width, ink(false))
	return p.err
}

func catalogCSV(w io.Writer, entries []*catalog.Entry) error {
	c := csv.NewWriter(w)
	rows := [][]string{{"code", "name", "aliases", "tier", "category", "topic", "severity", "retry", "actor", "raised", "meaning_en", "meaning_zh",
		"next_en", "next_zh", "reasons", "related", "same_on", "differs_on", "source"}}
	for _, e := range entries {
		var reasons, related, same, differs []string
		for i := range e.Reasons {
			reasons = append(reasons, e.Reasons[i].ID)
		}
		for _, code := range e.Related {
			related = append(related, strconv.Itoa(int(code)))
		}
		for _, o := range e.Elsewhere {
			if o.Same {
				same = append(same, o.Platform)
			} else {
				differs = append(differs, o.Platform+":"+o.Name)
			}
		}
		list := func(s []string) string { return strings.Join(s, " ") }
		rows = append(rows, []string{strconv.Itoa(int(e.Code)), e.Name, list(e.Aliases), e.Tier, e.Category, e.Topic, e.Severity, e.Retry, e.Actor,
			strconv.FormatBool(e.Raised), e.Meaning.EN, e.Meaning.ZH, e.Next.EN, e.Next.ZH, list(reasons), list(related), list(same), list(differs), e.Source})
	}
	for _, row := range rows {
		for i := range row {
			row[i] = catalogCell(row[i])
		}
		if err := c.Write(row); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// catalogCell disarms a cell as csvCell does, but cuts nothing: texts of a catalog are clean and bounded.
func catalogCell(cell string) string {
	if head := csvCell(cut(cell, 8)); strings.HasPrefix(head, "'") && !strings.HasPrefix(cell, "'") && !isInteger(cell) {
		return "'" + cell
	}
	return cell
}

// catalogEntry is an entry in JSON. Lists are never null.
type catalogEntry struct {
	Code      int32              `json:"code"`
	Name      string             `json:"name"`
	Aliases   []string           `json:"aliases"`
	Tier      string             `json:"tier"`
	Category  string             `json:"category"`
	Topic     string             `json:"topic"`
	Severity  string             `json:"severity"`
	Retry     string             `json:"retry"`
	Actor     string             `json:"actor"`
	Raised    bool               `json:"raised"`
	Meaning   bothLanguages      `json:"meaning"`
	Next      bothLanguages      `json:"next"`
	Behaviour *bothLanguages     `json:"behaviour,omitempty"`
	Note      *bothLanguages     `json:"note,omitempty"`
	Causes    []bothLanguages    `json:"causes"`
	Reasons   []catalogReason    `json:"reasons"`
	Related   []int32            `json:"related"`
	Elsewhere []catalogElsewhere `json:"elsewhere"`
	Source    string             `json:"source"`
}

// bothLanguages is a text in both languages.
type bothLanguages struct {
	EN string `json:"en"`
	ZH string `json:"zh"`
}

type catalogReason struct {
	ID      string        `json:"id"`
	Match   string        `json:"match"` // exact or contains
	Text    string        `json:"text"`
	Meaning bothLanguages `json:"meaning"`
	Source  string        `json:"source"`
}

type catalogElsewhere struct {
	Platform string `json:"platform"`
	Name     string `json:"name"`
	Same     bool   `json:"same"`
	Unsure   bool   `json:"unsure"`
}

func newCatalogEntry(e *catalog.Entry) catalogEntry {
	out := catalogEntry{
		Code: e.Code, Name: e.Name, Aliases: list(e.Aliases), Tier: e.Tier, Category: e.Category, Topic: e.Topic, Severity: e.Severity,
		Retry: e.Retry, Actor: e.Actor, Raised: e.Raised, Meaning: bothLanguages(e.Meaning), Next: bothLanguages(e.Next),
		Causes: []bothLanguages{}, Reasons: []catalogReason{}, Related: list(e.Related), Elsewhere: []catalogElsewhere{}, Source: e.Source,
	}
	if e.Behaviour != (catalog.Text{}) {
		out.Behaviour = (*bothLanguages)(&e.Behaviour)
	}
	if e.Note != (catalog.Text{}) {
		out.Note = (*bothLanguages)(&e.Note)
	}
	for _, c := range e.Causes {
		out.Causes = append(out.Causes, bothLanguages(c))
	}
	for _, r := range e.Reasons {
		match := "contains"
		if r.Exact {
			match = "exact"
		}
		out.Reasons = append(out.Reasons, catalogReason{ID: r.ID, Match: match, Text: r.Text, Meaning: bothLanguages(r.Meaning), Source: r.Source})
	}
	for _, o := range e.Elsewhere {
		out.Elsewhere = append(out.Elsewhere, catalogElsewhere(o))
	}
	return out
}
