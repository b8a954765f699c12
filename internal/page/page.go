// Package page shows a result in a browser. It stands beside report at the end of the way of a log line: report writes for
// terminals and programs, page for people who look.
//
// A Page is made of sections, each a piece of HTML that stands alone: the file of -o html is all of them in a frame, the live
// page of a service (NewLive) is the same in a frame with a script that replaces sections as they change. The frame of a
// report holds its style and its one script, and nothing in it asks the network for anything; a content security policy inside
// the file makes the browser see to that. A live page asks for one thing: the stream of its sections, which package web sends.
//
//	err := page.Report(out, result, page.Options{Lang: catalog.ZH, Catalog: cat, Input: "app.log"})
//
// Words: a section is one of the numbered parts; numbers are the same data as JSON, in <script type="application/json">; a
// band is the time of an alert on the timeline.
//
// Every text is in the page in both languages, and which one is seen is a matter of style: the page can be read, and its
// language and colours switched, without the script, which only sorts, remembers and opens what a link points to.
//
// Nothing from a log reaches the page but through report.Clean and html/template. Users appear as the result shows them, so
// the caller masks. Samples are documents as they were logged, with plain ids in them: of these only what is known to be
// harmless is shown. The functions are pure: no clock, no environment; a Page is not changed once it is made.
package page

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/lazyregexp"
	"imerr-scan/pkg/catalog"
)

// Options sets what a page shows. The zero value is in English, with the times as they are in the result.
type Options struct {
	Lang    catalog.Lang     // shown first; the reader can switch
	Zone    *time.Location   // of the times shown; nil keeps those of the result
	Catalog *catalog.Catalog // explains the codes; nil leaves the explanations out
	Input   string           // what was read: "stdin", "app.log", "3 inputs"; "" is not shown
	Plain   bool             // samples as they were logged, ids and all; otherwise masked
}

// The sections of a page, in its order.
const (
	Summary  = "summary"  // the answer first: how much, whom, how bad
	Timeline = "timeline" // events per minute by category, with the bands of alerts
	Codes    = "codes"    // a row for each code, with its explanation
	Who      = "who"      // users, versions, platforms
	Why      = "why"      // for each alert what changed and what to do
	Quality  = "quality"  // every line accounted for
	Numbers  = "numbers"  // the data as JSON; not in a live page
	Status   = "status"   // what time it is and whether the service is well; only in a live page
)

var (
	sections     = []string{Summary, Timeline, Codes, Who, Why, Quality, Numbers}
	liveSections = []string{Status, Summary, Timeline, Codes, Who, Why, Quality}
)

// Page is a result made ready to be shown. It is safe for concurrent use.
type Page struct {
	view     *view
	sections []string
}

// New makes a page of res, whose alerts are in it. It keeps nothing of res that changes later.
func New(res *aggregate.Result, opt Options) (*Page, error) {
	v, err := newView(res, opt)
	if err != nil {
		return nil, err
	}
	return &Page{view: v, sections: sections}, nil
}

// Report writes res as one HTML file.
func Report(w io.Writer, res *aggregate.Result, opt Options) error {
	p, err := New(res, opt)
	if err != nil {
		return err
	}
	return p.Write(w)
}

// Write writes the whole file.
func (p *Page) Write(w io.Writer) error {
	if p.view.Live != nil {
		return templates().ExecuteTemplate(w, "live", p.view)
	}
	return templates().ExecuteTemplate(w, "page", p.view)
}

// Sections returns the names of the sections of p, in order. They must not be changed.
func (p *Page) Sections() []string { return p.sections }

// Section writes one section, an element whose id is its name. A name that is none is an error.
func (p *Page) Section(w io.Writer, name string) error {
	if !slices.Contains(p.sections, name) {
		return fmt.Errorf("section %q: want one of %s", name, strings.Join(p.sections, ", "))
	}
	return templates().ExecuteTemplate(w, "section-"+name, p.view)
}

// Policy returns the content security policy under which a report works: its own style and script by their hashes, and nothing
// else from anywhere.
func Policy() string { return policy() }

// LivePolicy is Policy for a live page, which asks its server for the stream of its sections.
func LivePolicy() string { return livePolicy() }

// Build names the style and the scripts of live pages: a page that was made with others is out of date.
func Build() string { return build() }

//go:embed page.tmpl live.tmpl sections.tmpl style.css script.js live.js
var assets embed.FS

// templates are parsed when a page is made: most runs make none.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{"tr": tr, "count": count, "shares": shares}).Parse(source()))
})

// source joins the templates with the style and the script, so that html/template reads them as text of ours.
func source() string {
	var b strings.Builder
	for _, part := range []struct{ before, file, after string }{
		{`{{define "style"}}<style>`, "style.css", `</style>{{end}}`},
		{`{{define "script"}}<script>`, "script.js", `</script>{{end}}`},
		{`{{define "livescript"}}<script>`, "live.js", `</script>{{end}}`},
		{"", "sections.tmpl", ""},
		{"", "page.tmpl", ""},
		{"", "live.tmpl", ""},
	} {
		text, err := assets.ReadFile(part.file)
		if err != nil {
			panic(err) // embedded
		}
		b.WriteString(part.before + string(text) + part.after)
	}
	return between().ReplaceAllString(b.String(), "\n")
}

// between is white space at the ends of lines, which nobody needs in the file.
var between = lazyregexp.New(`\s*\n\s*`)

var policy = sync.OnceValue(func() string { return policyFor("") })

var livePolicy = sync.OnceValue(func() string { return policyFor(" "+hash("livescript")) + "; connect-src 'self'" })

func policyFor(moreScripts string) string {
	return "default-src 'none'; script-src " + hash("script") + moreScripts + "; style-src " + hash("style") +
		"; img-src data:; base-uri 'none'; form-action 'none'"
}

var build = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(livePolicy())) // it holds their hashes
	return hex.EncodeToString(sum[:8])
})

// hash is the source expression for the content of the style or script element, as the template writes it.
func hash(name string) string {
	var b strings.Builder
	if err := templates().ExecuteTemplate(&b, name, nil); err != nil {
		panic(err) // it has no arguments: either it works always or never
	}
	_, text, _ := strings.Cut(b.String(), ">")
	text = text[:strings.LastIndex(text, "</")]
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
