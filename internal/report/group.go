package report

import (
	"io"
	"slices"
	"strconv"

	"imerr-scan/pkg/catalog"
)

// Group is the answer to --by: events counted by the values of one or two keys, in the order to be shown.
type Group struct {
	Keys []string   `json:"keys"` // "code", "version" …
	Rows []GroupRow `json:"rows"`
}

// GroupRow is one combination of values; Values has one for each key. Users below 0 means not known.
type GroupRow struct {
	Values []string `json:"values"`
	Count  int64    `json:"count"`
	Users  int64    `json:"users"`
}

// GroupSchema is the version of the form of Group.JSON.
const GroupSchema = "imerr-scan/group/v1"

// JSON writes the group with its schema.
func (g *Group) JSON(w io.Writer) error {
	return writeJSON(w, struct {
		Schema string     `json:"schema"`
		Keys   []string   `json:"keys"`
		Rows   []GroupRow `json:"rows"`
	}{GroupSchema, list(g.Keys), list(g.Rows)})
}

// CSV writes a column for each key, then count and users.
func (g *Group) CSV(w io.Writer) error {
	rows := [][]string{append(slices.Clone(g.Keys), "count", "users")}
	for _, r := range g.Rows {
		rows = append(rows, append(g.values(r), strconv.FormatInt(r.Count, 10), g.userCount(r, "")))
	}
	return writeCSV(w, rows)
}

// Text writes the group as a table: on a screen with bars, and a value that repeats the one above left out; in a pipe
// every cell, no bars.
func (g *Group) Text(w io.Writer, cat *catalog.Catalog, opt TextOptions) error {
	p := printer{w: w}
	if opt.Plain {
		g.plain(&p, opt)
	} else {
		g.screen(&p, cat, opt)
	}
	return p.err
}

func (g *Group) plain(p *printer, opt TextOptions) {
	t := table{head: append(slices.Clone(g.Keys), "count", "percent", "users"), right: append(make([]bool, len(g.Keys)), true, true, true)}
	shown := g.shown(opt.Top)
	for _, r := range shown {
		var cells []string
		for _, v := range g.values(r) {
			cells = append(cells, plainCell(v))
		}
		t.add(append(cells, strconv.FormatInt(r.Count, 10), plainPercent(r.Count, g.total()), g.userCount(r, "-"))...)
	}
	t.write(p, "")
	if n := len(g.Rows) - len(shown); n > 0 {
		p.line("# %d more rows (--top 0)", n)
	}
}

func (g *Group) screen(p *printer, cat *catalog.Catalog, opt TextOptions) {
	s := screen{printer: *p, ink: ink(opt.Color), opt: opt, cat: cat, lang: opt.Lang}
	if s.opt.Width <= 0 {
		s.opt.Width = 80
	}
	shown := g.shown(opt.Top)
	if len(shown) == 0 {
		p.line("  %s", s.say("nothing to group: no events", "没有可分组的事件"))
		return
	}
	t := table{right: append(make([]bool, len(g.Keys)), true, true, true)}
	for _, key := range g.Keys {
		t.head = append(t.head, s.keyName(key))
	}
	t.head = append(t.head, s.say("COUNT", "次数"), "%", s.say("USERS", "用户"))
	var above []string
	for _, r := range shown {
		values := g.values(r)
		cells := make([]string, len(values))
		repeats := true
		for i, v := range values {
			repeats = repeats && i < len(values)-1 && i < len(above) && above[i] == v
			if !repeats {
				cells[i] = s.groupValue(g.Keys[i], v)
			}
		}
		above = values
		users := g.userCount(r, "-")
		if r.Users >= 0 {
			users = grouped(r.Users)
		}
		t.add(append(cells, grouped(r.Count), share(r.Count, g.total()), users)...)
	}
	g.bars(&t, shown, s.opt.Width)
	t.screen(p, "  ", s.opt.Width, s.ink)
	if n := len(g.Rows) - len(shown); n > 0 {
		p.line("  %s", s.ink.dim(s.say("+ %d more rows  (--top 0)", "另有 %d 行（--top 0）", n)))
	}
}

// bars adds a column of bars to t if w leaves room for them.
func (g *Group) bars(t *table, shown []GroupRow, w int) {
	var most int64
	for _, r := range shown {
		most = max(most, r.Count)
	}
	room := min(w-2-t.width()-2, 40)
	if room < 10 {
		return
	}
	t.head = append(t.head, "")
	for i, r := range shown {
		t.rows[i] = append(t.rows[i], bar(r.Count, most, room))
	}
}

// groupValue shows a value; a code with its name.
func (s *screen) groupValue(key, v string) string {
	if key == "code" {
		if n, err := strconv.ParseInt(v, 10, 32); err == nil {
			if e := s.entry(int32(n)); e.Name != "" {
				return padLeft(v, 4) + "  " + cut(shortName(e.Name), 30)
			}
		}
	}
	if v == "" {
		return "–"
	}
	return cut(clean(v, 64), 40)
}

// keyName is the head of a column.
func (s *screen) keyName(key string) string {
	for _, k := range []struct{ key, en, zh string }{
		{"code", "CODE", "代码"}, {"category", "CATEGORY", "类别"}, {"user", "USER", "用户"}, {"version", "VERSION", "版本"},
		{"platform", "PLATFORM", "平台"}, {"reason", "REASON", "原因"}, {"hour", "HOUR", "小时"},
	} {
		if k.key == key {
			return s.say(k.en, k.zh)
		}
	}
	return clean(key, 32)
}

// values is that of r, one for each key whatever r holds.
func (g *Group) values(r GroupRow) []string {
	values := make([]string, len(g.Keys))
	copy(values, r.Values)
	return values
}

func (g *Group) userCount(r GroupRow, unknown string) string {
	if r.Users < 0 {
		return unknown
	}
	return strconv.FormatInt(r.Users, 10)
}

func (g *Group) total() int64 {
	var n int64
	for _, r := range g.Rows {
		n += r.Count
	}
	return n
}

func (g *Group) shown(top int) []GroupRow {
	if top > 0 && len(g.Rows) > top {
		return g.Rows[:top]
	}
	return g.Rows
}
