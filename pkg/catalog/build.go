package catalog

import (
	"cmp"
	"fmt"
	"slices"
)

// fill builds the entries of c's platform from the embedded file, where each record must be whole. The mistakes it
// returns are ours.
func (c *Catalog) fill(sh *sheet) []Mistake {
	var mistakes []Mistake
	recs := sh.records
	if !slices.IsSortedFunc(recs, byCode) {
		slices.SortStableFunc(recs, byCode)
	}
	entries := make([]Entry, 0, len(recs))
	from := make(map[int32]*record, len(recs))
	for i := 0; i < len(recs); {
		j := i + 1
		for j < len(recs) && recs[j].entry.Code == recs[i].entry.Code {
			j++
		}
		for k := i; k < j; k++ {
			r := &recs[k]
			mistakes = append(mistakes, whole(r)...)
			if r.nameOn(c.platform) == "" {
				continue
			}
			e := r.entry
			e.Name = r.nameOn(c.platform)
			e.Tier = r.tierOn(c.platform)
			e.Raised = e.Raised || e.Tier == "documented" || e.Tier == "sdk_public"
			e.Elsewhere = elsewhere(recs[i:j], r, c.platform)
			entries = append(entries, e)
			from[e.Code] = r
		}
		i = j
	}
	c.entries = make([]*Entry, len(entries))
	for i := range entries {
		c.entries[i] = &entries[i]
	}
	c.keepRelated(from)
	return append(mistakes, c.index(from)...)
}

func byCode(a, b record) int { return cmp.Compare(a.entry.Code, b.entry.Code) }

// whole lists what a record of the embedded file lacks.
func whole(r *record) []Mistake {
	var out []Mistake
	lacks := func(what string) {
		out = append(out, Mistake{Line: r.line, Problem: fmt.Sprintf("code %d has no %s", r.entry.Code, what)})
	}
	for _, k := range required {
		if !r.has(k) {
			lacks(keyNames[k])
		}
	}
	for _, t := range []struct {
		key  key
		text Text
	}{{kBehaviourEN, r.entry.Behaviour}, {kNoteEN, r.entry.Note}} {
		if (t.text.EN == "") != (t.text.ZH == "") {
			lacks(keyNames[t.key] + " or the other language of it")
		}
	}
	if !r.named() {
		lacks("name")
	}
	return out
}

// elsewhere lists what the number of r is on the other platforms: the same where r itself names them, something else
// where another record of the number does.
func elsewhere(same []record, r *record, platform int) []Elsewhere {
	var out []Elsewhere
	for p, name := range platforms {
		if p == platform {
			continue
		}
		if n := r.nameOn(p); n != "" {
			out = append(out, Elsewhere{Platform: name, Name: n, Same: true, Unsure: r.entry.Unsure})
			continue
		}
		for i := range same {
			if o := &same[i]; o.nameOn(p) != "" {
				out = append(out, Elsewhere{Platform: name, Name: o.nameOn(p), Unsure: o.entry.Unsure || r.entry.Unsure})
				break
			}
		}
	}
	return out
}

// keepRelated drops the related codes that another platform does not have, or has with another meaning: in a record that
// holds for the web they are the web's. from are the records that gave them. On the web, a code that is not there is a
// mistake, which index finds.
func (c *Catalog) keepRelated(from map[int32]*record) {
	if c.platform == 0 {
		return
	}
	asOnWeb := make(map[int32]bool, len(c.entries))
	for _, e := range c.entries {
		asOnWeb[e.Code] = slices.ContainsFunc(e.Elsewhere, func(o Elsewhere) bool { return o.Platform == platforms[0] && o.Same })
	}
	for _, e := range c.entries {
		r := from[e.Code]
		if r == nil || !r.has(kRelated) {
			continue
		}
		var kept []int32
		for _, code := range e.Related {
			if same, there := asOnWeb[code]; there && (same || r.names[1] == "") {
				kept = append(kept, code)
			}
		}
		e.Related = kept
	}
}

// index sorts the entries and makes them findable. It returns clashes of codes and names, each with the line of a record
// in from, those that may be to blame.
func (c *Catalog) index(from map[int32]*record) []Mistake {
	var mistakes []Mistake
	clash := func(code, other int32, format string, args ...any) {
		r := from[code]
		if r == nil {
			r = from[other]
		}
		mistakes = append(mistakes, Mistake{Line: r.line, Problem: fmt.Sprintf(format, args...)})
	}
	slices.SortFunc(c.entries, func(a, b *Entry) int { return cmp.Compare(a.Code, b.Code) })
	c.byCode = make(map[int32]*Entry, len(c.entries))
	c.byName = make(map[string]*Entry, len(c.entries)+16)
	for _, e := range c.entries {
		if c.byCode[e.Code] != nil {
			clash(e.Code, e.Code, "code %d has two records for %s", e.Code, c.Platform())
		}
		c.byCode[e.Code] = e
		if o := c.byName[e.Name]; o != nil {
			clash(e.Code, o.Code, "name %s belongs to code %d and to code %d", e.Name, o.Code, e.Code)
		}
		c.byName[e.Name] = e
	}
	for _, e := range c.entries {
		for _, a := range e.Aliases {
			if c.byName[a] == nil {
				c.byName[a] = e
			}
		}
		for _, n := range e.Related {
			if c.byCode[n] == nil {
				clash(e.Code, e.Code, "related code %d is not in the catalog of %s", n, c.Platform())
			}
		}
	}
	return mistakes
}
