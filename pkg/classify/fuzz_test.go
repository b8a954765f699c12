package classify_test

import (
	"fmt"
	"strings"
	"testing"

	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/classify"
	"imerr-scan/pkg/extract"
)

// FuzzClassify holds a Classifier to the rules as docs/input.md words them, over whatever documents could make extract report.
func FuzzClassify(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x10\x81\x02\x00\x00\x01\x00\x00\x00"))
	f.Add([]byte("\x00\x10\x01\x02\x00\x00\x01\x05\x00\x00\x00\x10\x01\x02\x01\x00\x01\x05\x00\x00"))
	f.Add([]byte("\x02\x21\xff\x00\x00\x00\x03\x07\x02\x09\x01\x30\x00\x01\x01\x01\x00\x00\x00\x00\x00\x21\xfe\x00\x00\x00\x03\x07\x02\x09"))
	cat := catalog.Web()
	for i, e := range cat.Entries() {
		if e.Code == 101 { // the one that may come without a text, but for its path
			f.Add([]byte{0, byte(i), 0x82, 0x10, 0, 0, 0})
			f.Add([]byte{0, byte(i), 0x82, 0x18, 0, 0, 0})
		}
	}
	c := classify.New(cat) // one for all: what a document leaves must not show in the next
	f.Fuzz(func(t *testing.T, data []byte) {
		candidates := inventCandidates(data, cat)
		got, want := c.Classify(candidates), judgeByRules(cat, candidates)
		if got, want := verdictText(got, candidates), verdictText(want, candidates); got != want {
			t.Errorf("of %+v\n got %s\nwant %s", candidates, got, want)
		}
	})
}

// inventCandidates makes the candidates of one document, with parents before children and records in order.
func inventCandidates(data []byte, cat *catalog.Catalog) (out []extract.Candidate) {
	next := func() int {
		if len(data) == 0 {
			return 0
		}
		b := data[0]
		data = data[1:]
		return int(b)
	}
	entries := cat.Entries()
	texts := func(e *catalog.Entry, how, which int) string {
		text := "something else"
		if e != nil && len(e.Reasons) > 0 {
			text = e.Reasons[which%len(e.Reasons)].Text
		}
		return [...]string{"", text, "send failed: " + text, "un" + text, text + " (again)", "x", strings.ToUpper(text)}[how%7]
	}
	for record := 0; len(data) > 0 && len(out) < 40; {
		kind, which := next(), next()
		e := entries[which%len(entries)]
		v := [...]extract.Value{
			{Kind: extract.Number, Code: e.Code, Text: fmt.Sprint(e.Code)},
			{Kind: extract.Name, Text: e.Name},
			{Kind: extract.Number, Code: int32(which), Text: fmt.Sprint(which)},
			{Kind: extract.Name, Text: "NEW_NAME"},
			{Kind: extract.Other, Text: "0206"},
		}[kind%5]
		flags, rest, up := next(), next(), next()
		record += rest >> 2 & 1
		has := func(bit int) bool { return flags>>bit&1 == 1 }
		m, r := next(), next()
		x := extract.Candidate{
			Value: v, Record: record, Parent: up%(len(out)+1) - 1, Level: extract.Level(rest & 3 % 3),
			Path:  [...]string{"error.type", "args[].type", "ctx.myerror.type", "ctx.error.type", "type"}[rest>>3%5],
			Place: has(0), SDKKeys: has(1), Plain: has(2), Foreign: has(3), HasMessage: has(4), HasReason: has(5), HasXHR: has(6), HasData: has(7),
			AtRoot: rest>>6&1 == 1, Message: texts(e, m, m>>3), Reason: texts(e, r, r>>3),
		}
		x.InData = x.Parent >= 0 && rest>>7 == 1
		out = append(out, x)
	}
	return out
}

// judgeByRules is classify, told anew from the document: each candidate is judged by itself, then those inside an accepted one
// are taken out, then those that say again what their record said.
func judgeByRules(cat *catalog.Catalog, candidates []extract.Candidate) (v classify.Verdict) {
	owner := make([]int, len(candidates)) // the accepted candidate it is or lies in, or -1
	event := map[string]int{}             // by record and code
	for i := range candidates {
		c := &candidates[i]
		owner[i] = -1
		e, said := entryOf(cat, c.Value), causeOf(cat, c)
		if c.Parent >= 0 && owner[c.Parent] >= 0 {
			owner[i] = owner[c.Parent]
			o := &candidates[owner[i]]
			outer := &v.Events[event[claim(cat, o)]]
			if c.InData && !outer.HasInner && (e != nil || c.Value.Kind == extract.Number) {
				outer.HasInner, outer.Inner = true, c.Value.Code
				if e != nil {
					outer.Inner = e.Code
				}
			}
			continue
		}
		raised := e != nil && e.Raised
		evidence := c.HasMessage || c.HasReason || c.HasXHR ||
			e != nil && e.Code == 101 && c.HasData && (c.Level == extract.WarnUp || c.Path == "error.type" || strings.HasSuffix(c.Path, ".error.type"))
		byText := said != "" && said != "other"
		byPlace := c.Place && !c.Plain
		byObject := raised && evidence && c.SDKKeys && c.Level != extract.BelowWarn
		zero := e != nil && e.Code == 0 || c.Value.Kind == extract.Number && c.Value.Code == 0
		switch {
		case byText:
		case zero && (byPlace || byObject):
			v.Success++
			continue
		case c.Foreign && (byPlace || byObject):
			v.Foreign++
			continue
		case byPlace || byObject:
		default:
			if raised && !zero && !c.Foreign {
				v.Hints = append(v.Hints, c.Path)
			}
			continue
		}
		owner[i] = i
		key := claim(cat, c)
		if _, ok := event[key]; ok {
			continue
		}
		event[key] = len(v.Events)
		x := classify.Event{Candidate: c, Entry: e, Code: c.Value.Code, Category: classify.Unknown, Value: c.Value.Text}
		if e != nil {
			x = classify.Event{Candidate: c, Entry: e, Code: e.Code, Category: e.Category, Reason: said}
		}
		v.Events = append(v.Events, x)
	}
	return v
}

// claim is what a record says once.
func claim(cat *catalog.Catalog, c *extract.Candidate) string {
	if e := entryOf(cat, c.Value); e != nil {
		return fmt.Sprint(c.Record, " known ", e.Code)
	}
	return fmt.Sprint(c.Record, " unknown ", c.Value.Code, " ", c.Value.Text)
}

// entryOf searches the whole catalog.
func entryOf(cat *catalog.Catalog, v extract.Value) *catalog.Entry {
	for _, e := range cat.Entries() {
		if v.Kind == extract.Number && e.Code == v.Code || v.Kind == extract.Name && e.Name == v.Text {
			return e
		}
	}
	return nil
}

// causeOf returns the ID of the known text in a candidate's message, else in its reason; "other" if what stands there is not
// known, "" if nothing does.
func causeOf(cat *catalog.Catalog, c *extract.Candidate) string {
	e := entryOf(cat, c.Value)
	if e == nil || c.Message == "" && c.Reason == "" {
		return ""
	}
	for _, said := range []struct {
		text     string
		prefixed bool
	}{{c.Message, c.AtRoot}, {c.Reason, false}} {
		best, length := "", -1
		for _, r := range e.Reasons {
			n := -1
			switch {
			case said.text == "":
			case said.text == r.Text:
				n = 1 << 20
			case !r.Exact && strings.Contains(said.text, r.Text), r.Exact && said.prefixed && said.text == "send failed: "+r.Text:
				n = len(r.Text)
			}
			if n > length {
				best, length = r.ID, n
			}
		}
		if length >= 0 {
			return best
		}
	}
	return "other"
}

// verdictText is a verdict in words, candidates by their number.
func verdictText(v classify.Verdict, candidates []extract.Candidate) string {
	var b strings.Builder
	for _, e := range v.Events {
		at := 0
		for i := range candidates {
			if e.Candidate == &candidates[i] {
				at = i
			}
		}
		fmt.Fprintf(&b, "#%d %d %v %s %q %q inner %v %d; ", at, e.Code, e.Entry != nil, e.Category, e.Reason, e.Value, e.HasInner, e.Inner)
	}
	fmt.Fprintf(&b, "success %d foreign %d hints %q", v.Success, v.Foreign, v.Hints)
	return b.String()
}
