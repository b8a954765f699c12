package page

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/lazyregexp"
)

// A page leaves the machine, and a sample is a document as somebody logged it: ids, names, tokens, what people wrote. Nobody
// can list what must be hidden, so a masked sample shows only what is known to be harmless: its signs, the names of fields
// below, times, and values that the page shows elsewhere (the code, its versions and platforms, texts of the SDK). The rest
// is "…". What remains is the shape: where in the document the code stood.

// harmless are words of ordinary records: names of fields, levels, constants.
var harmless = sync.OnceValue(func() map[string]bool {
	words := map[string]bool{}
	for w := range strings.FieldsSeq(`
		app appname args array attributes body category cause channel chat chattype client clienttype clientversion cloud code
		component config conn connection container context ctx data date description desc detail details device deviceid devices
		docker env envelope err errcode errmsg error errors errorcode errortype event exception extra extrainfo false fatal field
		fields file from func function group groupid header host hostname http id info inner instance intvalue key kind kubernetes
		label labels level levelname line log logger loglevel logs message method meta module msg name namespace null observed
		onerror open os output params path payload pid platform pod pod_name process reason record records release request reqid
		requestid res resource response room roomid scope sdk sdkversion sdk_version service session severity severitytext source
		span spanid stack stacktrace status statuscode statustext stderr stdout stream stringvalue success tag tags target text
		thread time timestamp timeunixnano to token topic trace traceid true ts type uid undefined url useragent user userid
		username user_id value values var ver version warn warning debug xhr reject promise rejected failed error_description`) {
		words[w] = true
	}
	return words
})

var moment = lazyregexp.New(`[12]\d{3}[-/]\d\d?[-/]\d\d?[T ]\d\d?:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?`)

// sampleView is one document in which a code was found.
type sampleView struct{ Src, Text string }

const (
	maxSamples  = 5
	sampleChars = 600
)

// samples makes those of c fit to be shown.
func (v *view) samples(c *aggregate.CodeResult) []sampleView {
	var out []sampleView
	m := v.masker(c)
	for _, s := range c.Samples[:min(len(c.Samples), maxSamples)] {
		line := sampleView{Src: clean(s.Src, 200), Text: s.Text[:min(len(s.Text), 8*sampleChars)]}
		if !v.opt.Plain {
			line.Text = m.mask(line.Text)
		}
		line.Text = clean(line.Text, sampleChars)
		out = append(out, line)
	}
	return out
}

// masker knows what may be seen of the samples of one code.
type masker struct {
	values map[string]bool // shown elsewhere on the page
	texts  []string        // of the SDK, the longest first
}

func (v *view) masker(c *aggregate.CodeResult) masker {
	m := masker{values: map[string]bool{strconv.Itoa(int(c.Code)): true}}
	for _, split := range []map[string]int64{c.Versions, c.Platforms} {
		for value := range split {
			m.values[value] = true
		}
	}
	if e := v.entry(c.Code); e != nil {
		for _, r := range e.Reasons {
			m.texts = append(m.texts, r.Text)
		}
		slices.SortFunc(m.texts, func(a, b string) int { return len(b) - len(a) })
	}
	return m
}

// mask leaves of a document what is harmless.
func (m *masker) mask(doc string) string {
	for _, text := range m.texts {
		if before, after, ok := strings.Cut(doc, text); ok && text != "" {
			rest := masker{values: m.values} // the longest text says it all
			return rest.mask(before) + text + rest.mask(after)
		}
	}
	var b strings.Builder
	at := 0
	for _, span := range moment().FindAllStringIndex(doc, -1) {
		m.words(&b, doc[at:span[0]])
		b.WriteString(doc[span[0]:span[1]])
		at = span[1]
	}
	m.words(&b, doc[at:])
	return repeated().ReplaceAllString(b.String(), "…")
}

var repeated = lazyregexp.New(`…(?: *…)+`)

// words writes text, each run of what is no sign replaced unless it is harmless.
func (m *masker) words(b *strings.Builder, text string) {
	for text != "" {
		if n := sign(text); n > 0 {
			b.WriteString(text[:n])
			text = text[n:]
			continue
		}
		n := 0
		for n < len(text) && sign(text[n:]) == 0 {
			_, size := utf8.DecodeRuneInString(text[n:])
			n += size
		}
		if m.known(text[:n]) {
			b.WriteString(text[:n])
		} else {
			b.WriteString("…")
		}
		text = text[n:]
	}
}

// sign is the length of the sign that text begins with, 0 if it begins with part of a word.
func sign(text string) int {
	if len(text) > 1 && text[0] == '\\' && strings.IndexByte(`"\/ntrbf`, text[1]) >= 0 {
		return 2
	}
	if strings.IndexByte(" {}[]():,=\"';|<>/&?`\t\n", text[0]) >= 0 {
		return 1
	}
	return 0
}

func (m *masker) known(word string) bool {
	if m.values[word] {
		return true
	}
	for part := range strings.FieldsFuncSeq(word, func(r rune) bool { return r == '.' || r == '_' || r == '-' || r == '@' || r == '$' }) {
		if !harmless()[strings.ToLower(part)] {
			return false
		}
	}
	return true
}
