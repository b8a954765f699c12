// Package catalog says what a code of the IM SDK means: its name, category, who has to act and what to do next, in
// Chinese and English. The facts are embedded, one data file that a support engineer can edit; every entry names its source.
package catalog

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

// Entry is all that is known of one code. Strings are from closed sets that the data file lists and tests check.
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
	Raised    bool   // the newest SDK examined raises it, or it is documented or public
	Meaning   Text
	Next      Text // the next step
	Source    string
	Reasons   []Reason
	Elsewhere []Elsewhere // the same number on the other platforms
}

// Reason is a cause within a code, recognised by a text of the SDK or its server.
type Reason struct {
	ID      string // "mau", "kicked" …, unique within the code
	Text    string // the text looked for
	Exact   bool   // the whole text must be equal; otherwise it must contain Text
	Meaning Text
}

// Elsewhere is the meaning of a number on another platform.
type Elsewhere struct {
	Platform string // web, android, ios, harmonyos
	Name     string
	Same     bool // the same meaning as here
}

// Catalog is a set of entries of one platform. It is not changed after it is built and safe for concurrent use.
type Catalog struct {
	byCode map[int32]*Entry
}

// Lookup returns the entry of code, or nil.
func (c *Catalog) Lookup(code int32) *Entry { return c.byCode[code] }
