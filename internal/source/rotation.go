package source

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"imerr-scan/internal/lazyregexp"
)

// check looks at what is at a target's path.
func (f *Follower) check(t *target) {
	if !t.visited {
		t.visited = true
		f.visit(t)
	}
	fi, err := os.Stat(t.path)
	t.gone = errors.Is(err, fs.ErrNotExist)
	switch {
	case t.gone:
		f.missing(t)
		return
	case err != nil:
		f.say(Problem, t.item.Name, err)
		return
	case !fi.Mode().IsRegular():
		f.say(Problem, t.item.Name, errors.New("not a file"))
		return
	}
	g := t.cur
	if g == nil || g.file == nil || !os.SameFile(fi, g.fi) {
		f.arrive(t, fi)
		return
	}
	if fi.Size() == 0 {
		// What was written, copied and truncated between two polls leaves no trace but the copy.
		t.from(g.modTime)
	}
	g.modTime = fi.ModTime()
}

// verify looks whether an open file was truncated. The copy that was made before, if there is one, is complete then and
// among the neighbours: the rest of the generation is read from there.
func (f *Follower) verify(g *generation) {
	if g.phase != live || g.packed {
		return
	}
	fi, err := g.file.Stat()
	if err != nil || stampOf(fi) == stampOf(g.fi) {
		return
	}
	if g.fi = fi; g.intact() {
		return
	}
	f.seek(g)
	for _, t := range f.targets {
		if t.cur == g {
			t.cur = nil
			t.from(g.modTime)
		}
	}
}

// from asks for a search among the neighbours that were written since then.
func (t *target) from(since time.Time) {
	if t.searches == 0 || since.Before(t.since) {
		t.since = since
	}
	t.searches = settle
}

// missing handles a path without a file. As long as there is no new one, the app may write on into the old under its new
// name, so that is held; if it has no name any more it is let go once it is silent, so that its space can be freed.
func (f *Follower) missing(t *target) {
	if t.cur == nil {
		if !t.since.IsZero() { // a file that was empty when it was renamed may be written to
			t.searches = max(t.searches, 1)
		}
		return
	}
	t.from(t.cur.modTime)
	if fi, err := t.cur.file.Stat(); !t.named || err != nil || deleted(fi) {
		t.cur = nil
	}
}

// hold marks the generations that are at a target's path, or were last.
func (f *Follower) hold() {
	for _, g := range f.gens {
		g.held = false
	}
	for _, t := range f.targets {
		if t.cur != nil {
			t.cur.held = true
		}
		if !t.gone || !t.named {
			continue
		}
		for _, g := range f.gens {
			if g.phase == live && g.path == t.path && g.file != nil {
				fi, err := g.file.Stat()
				g.held = g.held || err == nil && !deleted(fi)
			}
		}
	}
}

// arrive handles a file that was not at the target's path before.
func (f *Follower) arrive(t *target, fi fs.FileInfo) {
	if t.passed == stampOf(fi) || f.full && t.cur == nil {
		return
	}
	c, err := meet(t.item, t.path)
	if err != nil {
		if tooMany(err) {
			f.fill(t)
			return
		}
		if !errors.Is(err, fs.ErrNotExist) {
			t.passed = stampOf(fi)
			if !t.item.found() || !errors.Is(err, ErrNotText) {
				f.say(Problem, t.item.Name, err)
			}
		}
		return
	}
	defer c.close()
	t.real, t.kin = c.real, c.kin
	old := t.cur
	g, how := f.match(c)
	if old == nil && (how == other || g.file == nil) && nearlyLast(c.file) {
		f.fill(t)
		return
	}
	switch {
	case how == unsure, how == other && f.copying(c):
		return
	case how == other:
		t.cur = f.start(t, c)
	case g.known: // only while nobody asked for it
		g.path = ""
		t.cur = f.start(t, c)
	case g.phase == asleep, g.phase == sought:
		f.resume(g, c)
		t.cur = g
	case g.phase == live && (how == same || how == blank):
		t.cur = g
	case g.phase == live && c.path == g.path && !g.packed: // written anew under its name and longer, as rsync does
		g.release()
		f.resume(g, c)
		t.cur = g
	case g.phase == done && (how == same || c.path == g.path) && !g.packed && c.fi.Size() > g.offset: // it grows again
		g.id = 0
		f.resume(g, c)
		t.cur = g
	default: // read already, or a copy of what is being read
		t.passed = stampOf(c.fi)
		t.cur = nil
	}
	switch {
	case old == t.cur:
	case old != nil:
		t.from(old.modTime)
	case !t.since.IsZero(): // after a time without a file
		t.searches = settle
	}
}

// fill notes that no more files can be followed at the moment. They have their turn when others have ended.
func (f *Follower) fill(t *target) {
	f.full = true
	if !f.crowded {
		f.crowded = true
		f.say(Problem, t.item.Name, errors.New("this file and others wait, since too many are open: raise the limit (ulimit -n)"))
	}
}

// start begins a new generation.
func (f *Follower) start(t *target, c *candidate) *generation {
	g := &generation{id: f.id(), name: t.item.Name, path: t.path}
	g.open(c)
	f.gens = append(f.gens, g)
	if g.packed && strings.HasPrefix(c.format.String(), "utf-16") {
		f.say(Note, g.name, errors.New("utf-16 is read to its end, but not followed"))
	}
	return g
}

// resume goes on with a generation whose file was found.
func (f *Follower) resume(g *generation, c *candidate) {
	if g.id == 0 {
		g.id = f.id()
	}
	g.open(c)
}

// visit makes known which rotated files are there before the first byte is read: they are none of ours.
func (f *Follower) visit(t *target) {
	near := f.neighbours(t)
	for _, n := range near[max(0, len(near)-256):] {
		c, err := meet(n.item, n.path)
		if err != nil {
			continue
		}
		if _, how := f.match(c); how == other && len(c.head) > 0 {
			f.gens = append(f.gens, &generation{path: t.path, kin: c.kin, phase: done, known: true, ino: c.ino(), sum: c.sum(len(c.head)), sumLen: len(c.head),
				packed: c.format != plainText, modTime: c.fi.ModTime()})
		}
		c.close()
	}
}

// search looks among a target's neighbours for the rest of generations that are sought, and for those that came and went
// between two polls.
func (f *Follower) search(t *target, missing bool) {
	if t.searches == 0 && !missing {
		return
	}
	for _, n := range f.neighbours(t) {
		if !missing && n.fi.ModTime().Before(t.since) {
			continue
		}
		if c, err := meet(n.item, n.path); err == nil {
			f.found(t, c)
			c.close()
		}
	}
	t.searches = max(0, t.searches-1)
}

// found handles a neighbour.
func (f *Follower) found(t *target, c *candidate) {
	g, how := f.match(c)
	switch {
	case how == other:
		if len(c.head) > 0 && t.searches > 0 && !c.fi.ModTime().Before(t.since) && !f.copying(c) {
			f.start(t, c)
		}
	case how != unsure && (g.phase == sought || g.phase == asleep):
		f.resume(g, c)
	}
}

// copying says whether the candidate, named like a rotated file, is a copy that is being made of what a target's file
// holds at this moment and that was not read yet. Once the file is truncated the copy is all there is.
func (f *Follower) copying(c *candidate) bool {
	for _, t := range f.targets {
		g := t.cur
		if g == nil || g.file == nil || g.packed || t.kin != c.kin || t.real != t.kin || !rotatedName(t.real, c.real) || os.SameFile(g.fi, c.fi) {
			continue
		}
		if len(c.head) == 0 {
			return true // just created
		}
		var b [headLen]byte
		n, _ := g.file.ReadAt(b[:], 0)
		if n = min(n, len(c.head)); n > 0 && bytes.Equal(b[:n], c.head[:n]) {
			return true
		}
	}
	return false
}

// neighbour is a file that is named like a rotated one of a target.
type neighbour struct {
	item Item
	path string
	fi   fs.FileInfo
}

// neighbours lists the files beside a target that are named like rotated ones of it and are no targets themselves, the
// oldest first, an archive after the file that it is made from.
func (f *Follower) neighbours(t *target) []neighbour {
	if t.real != t.kin {
		return nil // a rotated file itself: its log has the neighbours
	}
	dir := filepath.Dir(t.real)
	var near []neighbour
	for _, e := range f.list(dir)[t.kin] {
		path := filepath.Join(dir, e.Name())
		if !rotatedName(t.real, path) || f.byPath[path] != nil {
			continue
		}
		fi, err := e.Info()
		if err != nil {
			continue
		}
		near = append(near, neighbour{Item{Name: path, Path: path, Size: fi.Size(), root: dir, rel: e.Name()}, path, fi})
	}
	slices.SortFunc(near, func(a, b neighbour) int {
		return cmp.Or(a.fi.ModTime().Compare(b.fi.ModTime()), cmp.Compare(len(packedExt().FindString(a.path)), len(packedExt().FindString(b.path))),
			cmp.Compare(len(b.path), len(a.path)), cmp.Compare(b.path, a.path))
	})
	return near
}

// list returns the files in a folder by their kin. It is read once a poll: a folder may hold many logs.
func (f *Follower) list(dir string) map[string][]fs.DirEntry {
	if files, ok := f.listed[dir]; ok {
		return files
	}
	files := map[string][]fs.DirEntry{}
	entries, _ := os.ReadDir(dir) // one that cannot be listed has no neighbours for us
	for _, e := range entries {
		if e.Type().IsRegular() {
			kin := kinOf(filepath.Join(dir, e.Name()))
			files[kin] = append(files[kin], e)
		}
	}
	f.listed[dir] = files
	return files
}

// kinOf is what the paths of all files of a log have in common, rotated or not: the path of the log itself.
func kinOf(path string) string { return filepath.Join(filepath.Dir(path), family(path)) }

var (
	packedExt = lazyregexp.New(`\.(gz|bz2|xz|zst|lz4)$`)

	// rotationMark is what a rotation puts behind a name or before its extension: a number, a date, a time (logrotate
	// .1 and -20261124, lumberjack -2026-11-24T10-00-00.000, kubelet .20261124-101112, pm2 __2026-11-24_00-00-00), or a word.
	rotationMark = lazyregexp.New("^" + mark)
	anyMark      = lazyregexp.New(mark)
)

const mark = `[._-]+([0-9TZ:+._-]*[0-9][0-9TZ:+._-]*|old|bak|prev|last)$`

// family is the name of a log without the marks of rotation and compression: that of all files of the log.
func family(path string) string {
	name := packedExt().ReplaceAllString(filepath.Base(path), "")
	for {
		ext := filepath.Ext(name)
		bare := anyMark().ReplaceAllString(name, "")
		if bare == name && ext != "" {
			bare = anyMark().ReplaceAllString(strings.TrimSuffix(name, ext), "") + ext
		}
		if bare == name || bare == "" || bare == ext {
			return name
		}
		name = bare
	}
}

// rotatedName says whether name looks like that of a rotated file of the log base, as app.log.1, app.log-20261124.gz and
// app-2026-11-24.log do for app.log. Folders before the names do not matter.
func rotatedName(base, name string) bool {
	base, name = filepath.Base(base), filepath.Base(name)
	bare := packedExt().ReplaceAllString(name, "")
	if bare == base {
		return bare != name
	}
	if rest, ok := strings.CutPrefix(bare, base); ok {
		return rotationMark().MatchString(rest)
	}
	ext := filepath.Ext(base)
	stem := strings.TrimSuffix(base, ext)
	rest, ok := strings.CutPrefix(bare, stem)
	if !ok || ext == "" || stem == "" {
		return false
	}
	rest, ok = strings.CutSuffix(rest, ext)
	return ok && rotationMark().MatchString(rest)
}
