// Package catalog says what a code of the IM SDK means: its name, category, who has to act and what to do next, in
// Chinese and English. The facts are embedded, one data file that a support engineer can edit; every entry names its source.
//
// It stands beside the way of a log line: classify asks it whether a number or a name is a code and which reason a text
// gives away, report asks it for words. It reads no log and decides nothing about one.
//
// Words: an entry is one code on one platform; a platform is web, android, ios or harmonyos, and half of the numbers that
// they share mean something else on each side; a tier says how public a code is; a reason is a cause within a code,
// recognised by a text of the SDK or its server; an overlay is a file of the same form that adds or changes entries.
//
//	cat := catalog.Web()
//	e := cat.Lookup(206)
//	e.Name            // WEBIM_CONNCTION_USER_LOGIN_ANOTHER_DEVICE
//	e.Next.In(catalog.ZH)
package catalog

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed catalog.txt
var embedded string

// Lang is a language of the texts.
type Lang uint8

const (
	EN Lang = iota
	ZH
)

// Text is one sentence in both languages.
type Text struct{ EN, ZH string }

// In returns the text in lang.
func (t Text) In(lang Lang) string {
	if lang == ZH {
		return t.ZH
	}
	return t.EN
}

// Entry is all that is known of one code on one platform. Tier, Category, Severity, Retry and Actor are from closed sets
// (Tiers, Categories, Severities, Retries, Actors). It belongs to its Catalog and must not be changed.
type Entry struct {
	Code      int32
	Name      string
	Aliases   []string
	Tier      string // documented, sdk_public, sdk_internal, custom
	Category  string // auth, messaging, group, chatroom, quota, general
	Topic     string // kick, login, token …
	Severity  string // info, warning, error, critical
	Retry     string // no, after_backoff, after_relogin
	Actor     string // who has to act: app_developer, end_user, console_admin, provider
	Raised    bool   // the newest SDK examined raises it, or it is documented, public or custom
	Unsure    bool   // sources contradict each other about the platforms of this number; Note says how
	Meaning   Text
	Next      Text   // the next step
	Behaviour Text   // what the SDK does by itself; may be empty
	Note      Text   // what else is worth knowing; may be empty
	Causes    []Text // usual causes, the commonest first; mostly empty
	Related   []int32
	Source    string
	Reasons   []Reason
	Elsewhere []Elsewhere // the same number on the other platforms
}

// Elsewhere is the meaning of a number on another platform.
type Elsewhere struct {
	Platform string // web, android, ios, harmonyos
	Name     string
	Same     bool // the same meaning as here
	Unsure   bool // sources contradict each other
}

// The closed sets, in the order in which people want to see them.
var (
	tiers      = []string{"documented", "sdk_public", "sdk_internal", "custom"}
	categories = []string{"auth", "messaging", "group", "chatroom", "quota", "general"}
	severities = []string{"info", "warning", "error", "critical"}
	retries    = []string{"no", "after_backoff", "after_relogin"}
	actors     = []string{"app_developer", "end_user", "console_admin", "provider"}
	platforms  = []string{"web", "android", "ios", "harmonyos"}
)

// Tiers returns the closed set of tiers.
func Tiers() []string { return slices.Clone(tiers) }

// Categories returns the closed set of categories of entries; "unknown" is none of them.
func Categories() []string { return slices.Clone(categories) }

// Severities returns the closed set of severities, in rising order.
func Severities() []string { return slices.Clone(severities) }

// SeverityRank returns the place of a severity among Severities, −1 if it is none.
func SeverityRank(severity string) int { return slices.Index(severities, severity) }

// Retries returns the closed set of retry advice.
func Retries() []string { return slices.Clone(retries) }

// Actors returns the closed set of those who may have to act.
func Actors() []string { return slices.Clone(actors) }

// Platforms returns the platforms that have a catalog.
func Platforms() []string { return slices.Clone(platforms) }

// Catalog is a set of entries of one platform. It is not changed after it is built and safe for concurrent use.
type Catalog struct {
	platform int // index into platforms
	version  string
	entries  []*Entry // by code
	byCode   map[int32]*Entry
	byName   map[string]*Entry // names, and aliases that are no name of another entry
}

// Web returns the embedded catalog of the web SDK. It is read anew at each call, which takes under a millisecond: call it
// once and keep it.
func Web() *Catalog { return load(0) }

// Load returns the embedded catalog of a platform: web, android, ios or harmonyos. Any other is an error.
func Load(platform string) (*Catalog, error) {
	i := slices.Index(platforms, platform)
	if i < 0 {
		return nil, fmt.Errorf("catalog platform %q: want %s", platform, strings.Join(platforms, ", "))
	}
	return load(i), nil
}

func load(platform int) *Catalog {
	sh, mistakes := parse(embedded)
	c := &Catalog{platform: platform, version: sh.versions[platform]}
	mistakes = append(mistakes, c.fill(sh)...)
	if len(mistakes) > 0 {
		panic("catalog.txt: " + join("catalog.txt", mistakes).Error())
	}
	return c
}

// Platform returns whose numbers these are: web, android, ios or harmonyos.
func (c *Catalog) Platform() string { return platforms[c.platform] }

// Version returns the version of the SDK (web) or the date of the documentation (others) that the catalog was taken from,
// with "+custom" behind it if an overlay lies over it.
func (c *Catalog) Version() string { return c.version }

// Len returns the number of entries.
func (c *Catalog) Len() int { return len(c.entries) }

// Entries returns all entries by code, ascending. The slice is the caller's.
func (c *Catalog) Entries() []*Entry { return slices.Clone(c.entries) }

// Lookup returns the entry of code, or nil.
func (c *Catalog) Lookup(code int32) *Entry { return c.byCode[code] }

// ByName returns the entry of a constant, by its exact name or an alias of it, or nil. A name is stronger than an alias
// of another entry. Find is for names that people type.
func (c *Catalog) ByName(name string) *Entry { return c.byName[name] }
