package catalog

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxOverlay bounds a file for Overlay, in bytes.
const maxOverlay = 4 << 20

// custom marks the version of a catalog with an overlay.
const custom = "+custom"

// Overlay returns a catalog that is c with the entries of r, a file in the form of the embedded one, laid over it. For a
// code that c has, each key that is given replaces that of the entry (all lines of alias, all causes, a reason with the
// same ID); the rest stays. A code that c has not needs a name, a category and a meaning in one language, and gets tier
// custom. Records that name other platforms only are passed over. file is the name for messages.
//
// If anything is wrong, Overlay returns no catalog and an error that joins every *Mistake with file, line and a suggestion.
// c itself is never changed.
func (c *Catalog) Overlay(r io.Reader, file string) (*Catalog, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxOverlay+1))
	if err != nil {
		return nil, fmt.Errorf("read catalog %s: %w", file, err)
	}
	if len(data) > maxOverlay {
		return nil, fmt.Errorf("read catalog %s: more than %d MiB", file, maxOverlay>>20)
	}
	sh, mistakes := parse(string(data))
	out := &Catalog{platform: c.platform, version: strings.TrimSuffix(c.version, custom) + custom, entries: slices.Clone(c.entries)}
	at := make(map[int32]int) // index into out.entries
	for i, e := range out.entries {
		at[e.Code] = i
	}
	from := make(map[int32]*record)
	for i := range sh.records {
		rec := &sh.records[i]
		code := rec.entry.Code
		if !rec.has(kCode) || rec.named() && rec.nameOn(c.platform) == "" {
			continue
		}
		if o := from[code]; o != nil {
			mistakes = append(mistakes, Mistake{Line: rec.line, Problem: fmt.Sprintf("code %d has a record on line %d already", code, o.line)})
			continue
		}
		from[code] = rec
		if k, ok := at[code]; ok {
			e := *out.entries[k]
			e.change(rec, c.platform)
			out.entries[k] = &e
			continue
		}
		mistakes = append(mistakes, rec.lacking(c)...)
		e := Entry{Code: code}
		e.complete(file)
		e.change(rec, c.platform)
		at[code] = len(out.entries)
		out.entries = append(out.entries, &e)
	}
	out.keepRelated(from)
	mistakes = append(mistakes, out.index(from)...)
	if len(mistakes) > 0 {
		slices.SortStableFunc(mistakes, func(a, b Mistake) int { return a.Line - b.Line })
		return nil, join(file, mistakes)
	}
	return out, nil
}

// lacking lists what keeps a record from being a new entry.
func (r *record) lacking(c *Catalog) []Mistake {
	var out []Mistake
	add := func(line int32, problem, suggestion string) {
		out = append(out, Mistake{Line: int(line), Problem: problem, Suggestion: suggestion})
	}
	lacks := func(what, suggestion string) {
		add(int32(r.line), fmt.Sprintf("code %d is new in the catalog of %s and has no %s", r.entry.Code, c.Platform(), what), suggestion)
	}
	if !r.named() {
		lacks("name", "add a line such as name: OUR_GATEWAY_REFUSED")
	}
	if !r.has(kCategory) {
		lacks("category", "add a line such as category: general")
	}
	if !r.has(kMeaningEN) && !r.has(kMeaningZH) {
		lacks("meaning", "add a line meaning-en: … or meaning-zh: …")
	}
	if t := r.entry.Tier; t != "" && t != "custom" {
		add(r.lines[kTier], fmt.Sprintf("tier %s: a new entry is custom", t), "leave the line out")
	}
	return out
}

// complete gives a new entry what its record leaves out.
func (e *Entry) complete(file string) {
	e.Tier, e.Topic, e.Severity, e.Retry, e.Actor, e.Raised = "custom", "other", "error", "no", "app_developer", true
	e.Source = file
}

// change lays the keys that r gives over e, whose lists are not shared with the entry it was copied from afterwards.
func (e *Entry) change(r *record, platform int) {
	given := &r.entry
	if n := r.nameOn(platform); n != "" {
		e.Name = n
	}
	for _, f := range []struct {
		key      key
		to, from *string
	}{
		{kCategory, &e.Category, &given.Category},
		{kTopic, &e.Topic, &given.Topic},
		{kSeverity, &e.Severity, &given.Severity},
		{kRetry, &e.Retry, &given.Retry},
		{kActor, &e.Actor, &given.Actor},
		{kSource, &e.Source, &given.Source},
		{kMeaningEN, &e.Meaning.EN, &given.Meaning.EN},
		{kMeaningZH, &e.Meaning.ZH, &given.Meaning.ZH},
		{kNextEN, &e.Next.EN, &given.Next.EN},
		{kNextZH, &e.Next.ZH, &given.Next.ZH},
		{kBehaviourEN, &e.Behaviour.EN, &given.Behaviour.EN},
		{kBehaviourZH, &e.Behaviour.ZH, &given.Behaviour.ZH},
		{kNoteEN, &e.Note.EN, &given.Note.EN},
		{kNoteZH, &e.Note.ZH, &given.Note.ZH},
	} {
		if r.has(f.key) {
			*f.to = *f.from
		}
	}
	for _, t := range []*Text{&e.Meaning, &e.Next, &e.Behaviour, &e.Note} {
		both(t)
	}
	if r.has(kTier) {
		e.Tier = r.tierOn(platform)
	}
	if r.has(kRaised) {
		e.Raised = given.Raised || e.Tier == "documented" || e.Tier == "sdk_public"
	}
	if r.has(kUnsure) {
		e.Unsure = given.Unsure
	}
	if r.has(kAlias) {
		e.Aliases = given.Aliases
	}
	if r.has(kRelated) {
		e.Related = given.Related
	}
	if r.has(kCause) {
		e.Causes = given.Causes
	}
	e.Reasons = changeReasons(e.Reasons, given.Reasons)
	e.Elsewhere = changeElsewhere(e.Elsewhere, r, platform)
}

// changeReasons replaces reasons of the same ID and adds the others.
func changeReasons(old, given []Reason) []Reason {
	out := slices.Clone(old)
	for _, r := range given {
		if i := slices.IndexFunc(out, func(o Reason) bool { return o.ID == r.ID }); i >= 0 {
			out[i] = r
		} else {
			out = append(out, r)
		}
	}
	return out
}

// changeElsewhere notes the platforms that r names beside its own: there the number means the same.
func changeElsewhere(old []Elsewhere, r *record, platform int) []Elsewhere {
	var out []Elsewhere
	for p, name := range platforms {
		if p == platform {
			continue
		}
		if n := r.names[1+p]; n != "" {
			out = append(out, Elsewhere{Platform: name, Name: n, Same: true, Unsure: r.entry.Unsure})
		} else if i := slices.IndexFunc(old, func(o Elsewhere) bool { return o.Platform == name }); i >= 0 {
			out = append(out, old[i])
		}
	}
	return out
}
