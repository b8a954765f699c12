package catalog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// This file reads the text form: lines into records. What a record means for a catalog is fill's and Overlay's.

// Bounds of one file, far beyond any use; they keep a mistaken argument (a log, a video) from being taken for a catalog.
const (
	maxValue   = 4 << 10 // bytes of one value
	maxName    = 64      // bytes of a constant's name
	maxReasons = 256     // of one record
)

// key is a key of a record, and a bit in record.has.
type key uint8

const (
	kCode key = iota
	kName
	kPlatform // + index into platforms
	_
	_
	_
	kAlias
	kTier
	kCategory
	kTopic
	kSeverity
	kRetry
	kActor
	kRaised
	kUnsure
	kMeaningEN
	kMeaningZH
	kNextEN
	kNextZH
	kBehaviourEN
	kBehaviourZH
	kNoteEN
	kNoteZH
	kRelated
	kSource
	kReason
	kCause
	kVersion
	numKeys
)

// keyNames is in the order of the constants and of a well-kept record.
var keyNames = [numKeys]string{
	"code", "name", "web", "android", "ios", "harmonyos", "alias", "tier", "category", "topic", "severity", "retry", "actor",
	"raised", "unsure", "meaning-en", "meaning-zh", "next-en", "next-zh", "sdk-en", "sdk-zh", "note-en", "note-zh",
	"related", "source", "reason", "cause", "version",
}

// required are the keys that an entry of the embedded file must have.
var required = []key{kTier, kCategory, kTopic, kSeverity, kRetry, kActor, kRaised, kMeaningEN, kMeaningZH, kNextEN, kNextZH, kSource}

// keyOf is a switch, not a map: it is asked for every line at every start, and the compiler makes it a search.
func keyOf(s string) (key, bool) {
	switch s {
	case "code":
		return kCode, true
	case "name":
		return kName, true
	case "web":
		return kPlatform, true
	case "android":
		return kPlatform + 1, true
	case "ios":
		return kPlatform + 2, true
	case "harmonyos":
		return kPlatform + 3, true
	case "alias":
		return kAlias, true
	case "tier":
		return kTier, true
	case "category":
		return kCategory, true
	case "topic":
		return kTopic, true
	case "severity":
		return kSeverity, true
	case "retry":
		return kRetry, true
	case "actor":
		return kActor, true
	case "raised":
		return kRaised, true
	case "unsure":
		return kUnsure, true
	case "meaning-en":
		return kMeaningEN, true
	case "meaning-zh":
		return kMeaningZH, true
	case "next-en":
		return kNextEN, true
	case "next-zh":
		return kNextZH, true
	case "sdk-en":
		return kBehaviourEN, true
	case "sdk-zh":
		return kBehaviourZH, true
	case "note-en":
		return kNoteEN, true
	case "note-zh":
		return kNoteZH, true
	case "related":
		return kRelated, true
	case "source":
		return kSource, true
	case "reason":
		return kReason, true
	case "cause":
		return kCause, true
	case "version":
		return kVersion, true
	}
	return 0, false
}

// sheet is a file as it was read.
type sheet struct {
	records  []record
	versions [4]string // by platform
}

// record is one block of lines.
type record struct {
	line  int            // of its first line
	lines [numKeys]int32 // where each key stands first, 0 if it does not
	names [1 + 4]string  // kName, then by platform
	entry Entry          // what the other keys say
}

func (r *record) has(k key) bool { return r.lines[k] > 0 }

// nameOn returns the record's name on a platform, "" if it gives none.
func (r *record) nameOn(platform int) string {
	if n := r.names[1+platform]; n != "" {
		return n
	}
	return r.names[0]
}

// named reports whether the record names any platform.
func (r *record) named() bool { return r.names != [5]string{} }

// tierOn returns the record's tier on a platform. The key says what it is on the web; a name on another platform was
// taken from that platform's published table.
func (r *record) tierOn(platform int) string {
	if platform != 0 && r.names[1] != "" {
		return "documented"
	}
	return r.entry.Tier
}

// parser reads a file line by line. A mistake drops its line, not what follows, so that all are found at once.
type parser struct {
	sheet    sheet
	rec      *record // the open one
	line     int
	block    key // kReason or kCause while indented lines may follow, else 0
	blockAt  int // the block's first line
	mistakes []Mistake
}

// parse reads text. Values point into it.
func parse(text string) (*sheet, []Mistake) {
	p := parser{}
	p.sheet.records = make([]record, 0, min(strings.Count(text, "\n\ncode:")+1, 512))
	text = strings.TrimPrefix(text, "\ufeff") // as Windows editors write
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		p.line++
		p.read(trimRight(line))
	}
	p.endRecord()
	return &p.sheet, p.mistakes
}

// read takes one line without its end.
func (p *parser) read(line string) {
	body := trimLeft(line)
	switch {
	case body == "":
		p.endRecord()
		return
	case body[0] == '#':
		return
	}
	before, after, ok := strings.Cut(body, ":")
	if !ok {
		p.noColon(body)
		return
	}
	name, value := trimRight(before), trimLeft(after)
	if !p.fit(name, value) {
		return
	}
	if len(body) < len(line) {
		p.inner(name, value)
	} else {
		p.outer(name, value)
	}
}

func (p *parser) noColon(body string) {
	if name, value, ok := strings.Cut(body, "："); ok {
		p.mistake("want \"key: value\", with an ASCII colon", suggest(strings.TrimSpace(name)+": "+strings.TrimSpace(value)))
		return
	}
	p.mistake("want \"key: value\"", "")
}

// fit refuses values that could harm a screen or a line: they are shown as they are.
func (p *parser) fit(name, value string) bool {
	for _, s := range [2]string{name, value} {
		for i := 0; i < len(s); {
			if c := s[i]; c >= ' ' && c < 0x7f {
				i++
				continue
			}
			if isChinese(s[i:]) {
				i += 3
				continue
			}
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n <= 1 {
				p.mistake("the line is no valid UTF-8", "save the file as UTF-8")
				return false
			}
			if !unicode.IsGraphic(r) {
				p.mistake(fmt.Sprintf("the line holds an invisible character (%U)", r), "")
				return false
			}
			i += n
		}
	}
	if len(value) > maxValue {
		p.mistake(fmt.Sprintf("the value of %s has more than %d bytes", clip(name), maxValue), "")
		return false
	}
	return true
}

// isChinese reports whether s begins with a rune of U+3000 to U+9FFF or U+FF00 to U+FF7F: a third of the file, and all
// visible. It spares them the look into Unicode's tables.
func isChinese(s string) bool {
	if len(s) < 3 || s[1]&0xc0 != 0x80 || s[2]&0xc0 != 0x80 {
		return false
	}
	return s[0] >= 0xe3 && s[0] <= 0xe9 || s[0] == 0xef && (s[1] == 0xbc || s[1] == 0xbd)
}

// trimLeft and trimRight take off spaces and tabs, trimRight also the carriage return of a Windows line.
func trimLeft(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	return s
}

func trimRight(s string) string {
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t' || s[len(s)-1] == '\r') {
		s = s[:len(s)-1]
	}
	return s
}

// outer takes a key of the record itself.
func (p *parser) outer(name, value string) {
	p.endBlock()
	k, ok := keyOf(name)
	if !ok {
		p.unknownKey(name, value)
		return
	}
	if p.rec == nil {
		p.sheet.records = append(p.sheet.records, record{line: p.line})
		p.rec = &p.sheet.records[len(p.sheet.records)-1]
	}
	repeats := k == kAlias || k == kReason || k == kCause || k == kVersion
	if p.rec.has(k) && !repeats {
		p.mistake(fmt.Sprintf("%s stands here a second time; the first is on line %d", name, p.rec.lines[k]), "put an empty line between two records")
		return
	}
	if p.rec.lines[k] == 0 {
		p.rec.lines[k] = int32(p.line)
	}
	if value == "" && k != kCause {
		p.mistake(name+" has no value", "")
		return
	}
	p.set(k, value)
}

func (p *parser) unknownKey(name, value string) {
	switch {
	case name == "en" || name == "zh" || name == "exact" || name == "contains":
		p.mistake(fmt.Sprintf("%s belongs to a reason or cause", name), "begin the line with two spaces")
	default:
		p.mistake(fmt.Sprintf("unknown key %q", clip(name)), p.closest(name, keyNames[:], "", ": "+clip(value)))
	}
}

// set stores a value that is there.
func (p *parser) set(k key, value string) {
	e := &p.rec.entry
	switch k {
	case kCode:
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil {
			p.mistake(fmt.Sprintf("code %q: want a whole number between -2147483648 and 2147483647", clip(value)), "")
			p.rec.lines[k] = -1 // it is there, and it is none
		}
		e.Code = int32(n)
	case kName, kPlatform, kPlatform + 1, kPlatform + 2, kPlatform + 3:
		if p.constant(k, value) {
			p.rec.names[k-kName] = value
		}
	case kAlias:
		if p.constant(k, value) {
			e.Aliases = append(e.Aliases, value)
		}
	case kTier:
		e.Tier = p.oneOf(k, value, tiers)
	case kCategory:
		e.Category = p.oneOf(k, value, categories)
	case kTopic:
		p.word(k, value)
		e.Topic = value
	case kSeverity:
		e.Severity = p.oneOf(k, value, severities)
	case kRetry:
		e.Retry = p.oneOf(k, value, retries)
	case kActor:
		e.Actor = p.oneOf(k, value, actors)
	case kRaised:
		e.Raised = p.oneOf(k, value, yesNo) == "yes"
	case kUnsure:
		e.Unsure = p.oneOf(k, value, yesNo) == "yes"
	case kMeaningEN:
		e.Meaning.EN = value
	case kMeaningZH:
		e.Meaning.ZH = value
	case kNextEN:
		e.Next.EN = value
	case kNextZH:
		e.Next.ZH = value
	case kBehaviourEN:
		e.Behaviour.EN = value
	case kBehaviourZH:
		e.Behaviour.ZH = value
	case kNoteEN:
		e.Note.EN = value
	case kNoteZH:
		e.Note.ZH = value
	case kRelated:
		p.related(value)
	case kSource:
		e.Source = value
	case kReason:
		p.word(k, value)
		if len(e.Reasons) == maxReasons {
			p.mistake(fmt.Sprintf("the record has more than %d reasons", maxReasons), "")
			return
		}
		if e.ReasonByID(value) != nil {
			p.mistake(fmt.Sprintf("reason %q stands here a second time", value), "")
		}
		e.Reasons = append(e.Reasons, Reason{ID: value})
		p.beginBlock(k)
	case kCause:
		if value != "" {
			p.mistake("cause has a value", "put it on lines of its own below: \"  en: …\" and \"  zh: …\"")
		}
		e.Causes = append(e.Causes, Text{})
		p.beginBlock(k)
	case kVersion:
		p.version(value)
	}
}

var yesNo = []string{"yes", "no"}

func (p *parser) oneOf(k key, value string, set []string) string {
	if i := slices.Index(set, value); i >= 0 {
		return set[i]
	}
	p.mistake(fmt.Sprintf("%s %q: want %s", keyNames[k], clip(value), strings.Join(set, ", ")), p.closest(value, set, keyNames[k]+": ", ""))
	return ""
}

// constant refuses what cannot be the name of a constant.
func (p *parser) constant(k key, value string) bool {
	ok := len(value) <= maxName && value[0] != '_' && (value[0] < '0' || value[0] > '9')
	for i := 0; i < len(value) && ok; i++ {
		ok = isWord(value[i])
	}
	if !ok {
		p.mistake(fmt.Sprintf("%s %q: want letters, digits and _, beginning with a letter, at most %d", keyNames[k], clip(value), maxName), "")
	}
	return ok
}

// word refuses topics and IDs that are no lower-case word: they become keys and labels elsewhere.
func (p *parser) word(k key, value string) {
	ok := len(value) <= maxName
	for i := 0; i < len(value) && ok; i++ {
		ok = isWord(value[i]) && (value[i] < 'A' || value[i] > 'Z')
	}
	if !ok {
		p.mistake(fmt.Sprintf("%s %q: want lower-case letters, digits and _, at most %d", keyNames[k], clip(value), maxName), "")
	}
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

func (p *parser) related(value string) {
	for f := range strings.FieldsSeq(value) {
		n, err := strconv.ParseInt(f, 10, 32)
		if err != nil {
			p.mistake(fmt.Sprintf("related %q: want codes with spaces between them", clip(f)), "")
			return
		}
		p.rec.entry.Related = append(p.rec.entry.Related, int32(n))
	}
}

func (p *parser) version(value string) {
	platform, v, _ := strings.Cut(value, " ")
	i := slices.Index(platforms, platform)
	if i < 0 || v == "" {
		p.mistake(fmt.Sprintf("version %q: want a platform and a version, such as web 4.21", clip(value)), "")
		return
	}
	p.sheet.versions[i] = strings.TrimSpace(v)
}

func (p *parser) beginBlock(k key) { p.block, p.blockAt = k, p.line }

// inner takes a line that begins with a space: a key of the reason or cause above it.
func (p *parser) inner(name, value string) {
	if p.block == 0 {
		p.mistake(fmt.Sprintf("%s begins with a space, but no reason or cause stands above it", clip(name)), "begin it in the first column")
		return
	}
	if value == "" {
		p.mistake(clip(name)+" has no value", "")
		return
	}
	e := &p.rec.entry
	var reason *Reason
	var text *Text
	if p.block == kReason {
		reason = &e.Reasons[len(e.Reasons)-1]
		text = &reason.Meaning
	} else {
		text = &e.Causes[len(e.Causes)-1]
	}
	var to *string
	switch {
	case name == "en":
		to = &text.EN
	case name == "zh":
		to = &text.ZH
	case reason != nil && (name == "exact" || name == "contains"):
		to, reason.Exact = &reason.Text, name == "exact"
	case reason != nil && name == "source":
		to = &reason.Source
	default:
		keys := []string{"exact", "contains", "en", "zh", "source"}
		if reason == nil {
			keys = []string{"en", "zh"}
		}
		p.mistake(fmt.Sprintf("unknown key %q of a %s: want %s", clip(name), keyNames[p.block], strings.Join(keys, ", ")), p.closest(name, keys, "", ": "+clip(value)))
		return
	}
	if *to != "" {
		p.mistake(fmt.Sprintf("the %s has %s a second time", keyNames[p.block], name), "")
		return
	}
	*to = value
}

// endBlock closes a reason or cause and looks whether it is whole. One language may be left out: the other stands in.
func (p *parser) endBlock() {
	if p.block == 0 {
		return
	}
	e := &p.rec.entry
	at, kind := p.blockAt, p.block
	p.block = 0
	var text *Text
	if kind == kReason {
		r := &e.Reasons[len(e.Reasons)-1]
		text = &r.Meaning
		if r.Text == "" {
			p.mistakeAt(at, fmt.Sprintf("reason %s has no text to look for", r.ID), "add a line \"  exact: …\" or \"  contains: …\"")
		}
	} else {
		text = &e.Causes[len(e.Causes)-1]
	}
	if !both(text) {
		p.mistakeAt(at, fmt.Sprintf("the %s has no words", keyNames[kind]), "add lines \"  en: …\" and \"  zh: …\"")
	}
}

// both lets one language stand in for a missing other, and reports whether there is any.
func both(t *Text) bool {
	if t.EN == "" {
		t.EN = t.ZH
	}
	if t.ZH == "" {
		t.ZH = t.EN
	}
	return t.EN != ""
}

// endRecord closes the open record, if any.
func (p *parser) endRecord() {
	p.endBlock()
	r := p.rec
	p.rec = nil
	if r == nil {
		return
	}
	if r.has(kVersion) && r.lines[kCode] == 0 {
		p.sheet.records = p.sheet.records[:len(p.sheet.records)-1]
		return
	}
	if r.lines[kCode] == 0 {
		p.mistakeAt(r.line, "the record has no code", "add a line such as code: 206")
	}
}

// closest is the function of that name, for as many mistakes as are told apart.
func (p *parser) closest(word string, set []string, before, after string) string {
	if len(p.mistakes) >= maxMistakes {
		return ""
	}
	return closest(word, set, before, after)
}

func (p *parser) mistake(problem, suggestion string) { p.mistakeAt(p.line, problem, suggestion) }

func (p *parser) mistakeAt(line int, problem, suggestion string) {
	p.mistakes = append(p.mistakes, Mistake{Line: line, Problem: problem, Suggestion: suggestion})
}
