package catalog

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// Find returns the entry that a person means by a name, or nil: any case, CONNECTION for the SDK's CONNCTION or the other
// way round, with or without WEBIM_CONNCTION_ or WEBIM_ in front, EMError… for AgoraChatError…. If two entries answer to
// it and none exactly, the result is nil: Search shows both.
func (c *Catalog) Find(name string) *Entry {
	if e := c.ByName(name); e != nil || len(name) > 2*maxName {
		return e
	}
	spellings := []func(string) string{fold, func(s string) string { return stem(fold(s)) }}
	names := []func(*Entry) []string{
		func(e *Entry) []string { return []string{e.Name} },
		func(e *Entry) []string { return e.Aliases },
	}
	for i, spell := range spellings {
		want := spell(name)
		if i > 0 && len(want) < minShort {
			break
		}
		for _, of := range names {
			if found := c.named(of, func(n string) bool { return spell(n) == want }); len(found) == 1 {
				return found[0]
			} else if len(found) > 1 {
				return nil
			}
		}
	}
	return nil
}

// named returns the entries of which is holds for one of the names that of gives.
func (c *Catalog) named(of func(*Entry) []string, is func(name string) bool) []*Entry {
	var found []*Entry
	for _, e := range c.entries {
		if slices.ContainsFunc(of(e), is) {
			found = append(found, e)
		}
	}
	return found
}

// minShort is the least length of a name without its prefix: "error" means no code.
const minShort = 6

// fold brings the spellings of a name together.
func fold(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "conncti", "connecti")
}

// stem takes the prefix off a folded name.
func stem(name string) string {
	for _, prefix := range []string{"webim_connection_", "webim_", "agorachaterror", "emerror"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return rest
		}
	}
	return name
}

// hit is an entry that a search looked at.
type hit struct {
	entry   *Entry
	score   int
	missing int // terms of the phrase that the entry does not have
}

// maxTerms bounds the work of one search.
const maxTerms = 32

// Search returns the entries that a phrase may mean, the likeliest first: a whole name, part of one ("user_muted"), an
// English or Chinese phrase of the meaning ("踢下线"), or a text that the SDK logs. Every word has to be found in the entry,
// of Chinese two thirds of the pairs of characters; if no entry has them, those are taken that have the most, and at least
// half. Nothing is found for an empty phrase.
func (c *Catalog) Search(phrase string) []*Entry {
	phrase = strings.TrimSpace(phrase)
	if len(phrase) > maxValue {
		phrase = strings.ToValidUTF8(phrase[:maxValue], "")
	}
	q := newQuery(phrase)
	if len(q.words)+len(q.pairs) == 0 {
		return nil
	}
	var hits, near []hit
	for _, e := range c.entries {
		h := q.look(e)
		if h.score > 0 && 3*h.missing <= len(q.pairs) {
			hits = append(hits, h)
		} else if h.score > 0 && 2*h.missing <= len(q.pairs)+len(q.words) {
			near = append(near, h)
		}
	}
	if len(hits) == 0 {
		hits = nearest(near)
	}
	slices.SortStableFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(b.score, a.score),
			cmp.Compare(slices.Index(tiers, a.entry.Tier), slices.Index(tiers, b.entry.Tier)))
	})
	out := make([]*Entry, len(hits))
	for i, h := range hits {
		out[i] = h.entry
	}
	return out
}

// nearest keeps the hits that miss the least.
func nearest(hits []hit) []hit {
	least := maxTerms
	for _, h := range hits {
		least = min(least, h.missing)
	}
	return slices.DeleteFunc(hits, func(h hit) bool { return h.missing > least })
}

// query is a phrase made ready for looking.
type query struct {
	phrase string
	lower  string
	folded string
	words  []string // Latin words and numbers, in lower case
	pairs  []string // neighbours in runs of Chinese; a run of one stands alone
}

func newQuery(phrase string) query {
	q := query{phrase: phrase, lower: strings.ToLower(phrase), folded: fold(phrase)}
	for _, f := range strings.FieldsFunc(q.lower, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		for f != "" && len(q.words)+len(q.pairs) < maxTerms {
			runes := []rune(f)
			n := 1
			for n < len(runes) && unicode.Is(unicode.Han, runes[n]) == unicode.Is(unicode.Han, runes[0]) {
				n++
			}
			run := runes[:n]
			f = string(runes[n:])
			if !unicode.Is(unicode.Han, run[0]) {
				q.words = append(q.words, string(run))
				continue
			}
			for i := 0; i < max(1, n-1) && len(q.pairs) < maxTerms; i++ {
				q.pairs = append(q.pairs, string(run[i:min(i+2, n)]))
			}
		}
	}
	return q
}

// The weights say what speaks most for an entry. Only their order matters.
const (
	weighsName     = 1000 // the phrase is its name
	weighsReason   = 500  // the phrase holds a text of its reasons, or is a good part of one
	weighsInName   = 100  // the phrase is part of its name
	weighsInText   = 40   // the phrase stands in its meaning as it is
	weighsTermName = 10   // a word is in its name
	weighsTopic    = 8    // a word is its topic
	weighsTermText = 3    // a word is in its meaning or a reason
	weighsTermRest = 1    // a word is in its next step, causes or notes
)

// look weighs one entry. A score of 0 means that nothing speaks for it.
func (q *query) look(e *Entry) hit {
	h := hit{entry: e}
	name := strings.ToLower(e.Name)
	main, rest := e.words()
	for _, w := range q.words {
		h.add(weigh(e, name, main, rest, w, hasWord))
	}
	for _, p := range q.pairs {
		h.add(weigh(e, name, main, rest, p, strings.Contains))
	}
	whole := 0
	if r := e.ReasonAfterPrefix(q.phrase); r != nil && len(r.Text) >= minShort {
		whole += weighsReason + len(r.Text)
	} else if len(q.lower) >= minShort && slices.ContainsFunc(e.Reasons, func(r Reason) bool {
		return strings.Contains(strings.ToLower(r.Text), q.lower)
	}) {
		whole += weighsReason/2 + len(q.lower)
	}
	if fold(e.Name) == q.folded || slices.ContainsFunc(e.Aliases, func(n string) bool { return fold(n) == q.folded }) {
		whole += weighsName
	}
	if part := strings.ReplaceAll(q.lower, " ", "_"); strings.Contains(name, part) && len(part) >= 3 {
		whole += weighsInName
	}
	if strings.Contains(main, q.lower) {
		whole += weighsInText
	}
	if whole > 0 {
		h.missing = 0
	}
	h.score += whole
	return h
}

func (h *hit) add(weight int) {
	h.score += weight
	if weight == 0 {
		h.missing++
	}
}

// weigh says how much one term speaks for an entry. in is how the term is looked for in a text.
func weigh(e *Entry, name, main, rest, term string, in func(text, term string) bool) int {
	weight := 0
	if in(name, term) {
		weight += weighsTermName
	}
	if in(e.Topic, term) || in(e.Category, term) {
		weight += weighsTopic
	}
	if in(main, term) {
		weight += weighsTermText
	}
	if weight == 0 && in(rest, term) {
		weight += weighsTermRest
	}
	return weight
}

// words returns the texts of an entry in lower case: those that say what it is, and the rest.
func (e *Entry) words() (main, rest string) {
	var a, b strings.Builder
	put := func(to *strings.Builder, s string) { to.WriteString(s); to.WriteByte('\n') }
	put(&a, e.Meaning.EN)
	put(&a, e.Meaning.ZH)
	for i := range e.Reasons {
		r := &e.Reasons[i]
		put(&a, r.ID)
		put(&a, r.Text)
		put(&a, r.Meaning.EN)
		put(&a, r.Meaning.ZH)
	}
	for _, t := range append([]Text{e.Next, e.Behaviour, e.Note}, e.Causes...) {
		put(&b, t.EN)
		put(&b, t.ZH)
	}
	return strings.ToLower(a.String()), strings.ToLower(b.String())
}

// hasWord reports whether text has the word, or one that begins with it if it has four letters or more. English endings
// are taken off first, so that "muted" finds MUTE.
func hasWord(text, word string) bool {
	for _, end := range []string{"ing", "ed", "d", "s"} {
		if s, ok := strings.CutSuffix(word, end); ok && len(s) >= 4 {
			word = s
			break
		}
	}
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(word)
		if (start == 0 || !inWord(text[start-1])) && (len(word) >= 4 || end == len(text) || !inWord(text[end])) {
			return true
		}
		from = start + 1
	}
}

// inWord reports whether c is part of a word in a text in lower case.
func inWord(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
