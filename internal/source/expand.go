package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"imerr-scan/internal/lazyregexp"
)

// Expander turns arguments into items. The zero value works.
type Expander struct {
	// Skipped is told of what lay in a folder and is not read, and why ("a link that leads out of logs"). May be nil.
	Skipped func(name, reason string)
}

// Expand turns arguments into items: files as they are, folders walked, quoted globs matched, "-" as stdin. Order: as given,
// inside a folder or glob by name. What cannot be read is an error of its own (*Error) and does not keep the rest away.
//
// Who names a file gets it read, whatever it is: a link, a FIFO, /dev/stdin, README.md; a quoted glob names what an
// unquoted one would. In a folder only logs are taken: hidden names, links that lead out of the folder, devices, FIFOs
// and sockets, names of documents and programs (notLogs) and files whose first bytes are not text are left out. A file
// that comes up twice, under whatever names, is taken once.
func (x Expander) Expand(args []string) ([]Item, []error) {
	e := expansion{Expander: x, seen: map[any]bool{}}
	for _, arg := range args {
		e.arg(arg)
	}
	return e.items, e.errs
}

// Expand is Expander.Expand without a word about what is skipped.
func Expand(args []string) ([]Item, []error) { return Expander{}.Expand(args) }

// expansion is an Expand under way.
type expansion struct {
	Expander
	unread bool // do not look into files: a follower does when it meets them
	items  []Item
	errs   []error
	seen   map[any]bool
}

func (e *expansion) fail(name string, err error) { e.errs = append(e.errs, wrap(name, err)) }

func (e *expansion) skip(name, format string, args ...any) {
	if e.Skipped != nil {
		e.Skipped(name, fmt.Sprintf(format, args...))
	}
}

// arg expands one argument. A name that exists is that name, even if it looks like a pattern.
func (e *expansion) arg(arg string) {
	if arg == "-" {
		e.stdin()
		return
	}
	err := e.named(arg)
	if err != nil && errors.Is(err, fs.ErrNotExist) && isPattern(arg) {
		e.glob(arg)
		return
	}
	if err != nil {
		e.fail(arg, err)
	}
}

func (e *expansion) stdin() {
	it := Item{Name: "stdin", Size: -1}
	fi, err := os.Stdin.Stat()
	switch {
	case err != nil:
		e.fail("stdin", err)
	case fi.IsDir():
		e.fail("stdin", errors.New("is a directory"))
	case e.first(it, fi):
		if fi.Mode().IsRegular() {
			it.Size = fi.Size()
		}
		e.items = append(e.items, it)
	}
}

// named takes a path that exists; the error is for the caller to report.
func (e *expansion) named(path string) error {
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	switch {
	case fi.IsDir():
		e.folder(path)
	case fi.Mode()&fs.ModeSocket != 0:
		return errors.New("is a socket")
	default:
		it := Item{Name: path, Path: path, Size: -1}
		if fi.Mode().IsRegular() {
			it.Size = fi.Size()
		}
		e.add(it, fi)
	}
	return nil
}

func isPattern(arg string) bool { return strings.ContainsAny(arg, "*?[{") }

// glob takes what a quoted pattern matches. Only files and folders: nobody named a FIFO that lies among them. The
// folders below ** are walked by doublestar, which follows no links there; the files in them are named by the pattern.
func (e *expansion) glob(pattern string) {
	matches, err := doublestar.FilepathGlob(pattern, doublestar.WithNoHidden(), doublestar.WithNoFollow())
	if err != nil {
		e.fail(pattern, errors.New("not a pattern: a bracket or brace is not closed"))
		return
	}
	slices.Sort(matches)
	deep := strings.Contains(pattern, "**")
	before, files := len(e.items), 0
	for _, path := range matches {
		lfi, err := os.Lstat(path)
		if err != nil {
			continue // vanished in between
		}
		link := lfi.Mode()&fs.ModeSymlink != 0
		fi, err := os.Stat(path)
		switch {
		case link && deep:
			e.skip(path, "a link")
		case err != nil:
			e.fail(path, err)
		case fi.IsDir():
			if !deep {
				e.folder(path)
			}
		case fi.Mode().IsRegular():
			files++
			e.add(Item{Name: path, Path: path, Size: fi.Size()}, fi)
		default:
			e.skip(path, "not a file")
		}
	}
	if files == 0 && len(e.items) == before {
		e.fail(pattern, noMatch{})
	}
}

// noMatch is a pattern without a file. To a follower it is a file that has yet to come.
type noMatch struct{}

func (noMatch) Error() string        { return "no file matches" }
func (noMatch) Is(target error) bool { return target == fs.ErrNotExist }

// folder walks a directory by name.
func (e *expansion) folder(dir string) {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		e.fail(dir, err)
		return
	}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		rel, rerr := filepath.Rel(root, path)
		if rerr != nil {
			return rerr
		}
		name := filepath.Join(dir, rel)
		switch {
		case err != nil:
			e.fail(name, err)
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
		case rel == ".":
		case strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
		case d.IsDir():
		default:
			e.lies(root, rel, name, d)
		}
		return nil
	})
	if err != nil {
		e.fail(dir, err)
	}
}

// lies takes the file rel that lies in the folder root, if it is a log.
func (e *expansion) lies(root, rel, name string, d fs.DirEntry) {
	fi, err := d.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return // vanished in between
	}
	if err == nil && fi.Mode()&fs.ModeSymlink != 0 {
		rel, fi, err = within(root, rel)
		if err != nil {
			e.skip(name, "%v", err)
			return
		}
	}
	switch {
	case err != nil:
		e.fail(name, err)
		return
	case !fi.Mode().IsRegular():
		e.skip(name, "not a file")
		return
	case !logName(name):
		e.skip(name, "named like a document or program")
		return
	}
	it := Item{Name: name, Path: name, Size: fi.Size(), root: root, rel: rel}
	if e.unread || e.text(it) {
		e.add(it, fi)
	}
}

// within resolves the link rel in root to a file inside root.
func within(root, rel string) (string, fs.FileInfo, error) {
	target, err := filepath.EvalSymlinks(filepath.Join(root, rel))
	if err != nil {
		return "", nil, errors.New("a link that leads nowhere")
	}
	in, err := filepath.Rel(root, target)
	if err != nil || !filepath.IsLocal(in) {
		return "", nil, errors.New("a link out of the folder")
	}
	fi, err := os.Lstat(target)
	if err == nil && !fi.Mode().IsRegular() {
		err = errors.New("a link to what is not a file")
	}
	return in, fi, err
}

// text looks into a file that lies in a folder.
func (e *expansion) text(it Item) bool {
	f, err := openItem(context.Background(), it)
	if err == nil {
		defer f.Close()
		var head []byte
		if head, err = readHead(f, true); err == nil {
			if ours().Match(head) {
				e.skip(it.Name, "written by imerr-scan")
				return false
			}
			if _, err := sniff(head, false); err != nil {
				e.skip(it.Name, "%v", strings.TrimSuffix(err.Error(), ", skipped"))
				return false
			}
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		e.fail(it.Name, err)
	}
	return err == nil
}

func (e *expansion) add(it Item, fi fs.FileInfo) {
	if e.first(it, fi) {
		e.items = append(e.items, it)
	}
}

// first says whether the file was not met before.
func (e *expansion) first(it Item, fi fs.FileInfo) bool {
	key := fileKey(it.Path, fi)
	if e.seen[key] {
		return false
	}
	e.seen[key] = true
	return true
}

// notLogs are names that in a folder are not taken for logs: documents, tables, sources, pictures, programs, archives
// of programs, and the expected results that test suites keep beside their inputs. The list says what is surely none;
// any other name is read if its bytes are text.
var notLogs = lazyregexp.New(`(?i)(^(readme|license|licence|changelog|makefile|dockerfile)$` +
	`|\.(md|markdown|rst|adoc|html?|css|svg|pdf|docx?|xlsx?|pptx?|tsv|csv|go|mod|sum|[cm]?[jt]sx?|vue|map|py|rb|java|kt|swift|c|h|cc|cpp|hpp|rs|sh|bat|ps1|sql` +
	`|ya?ml|toml|ini|conf|cfg|lock|pid|service|png|jpe?g|gif|webp|ico|mp[34]|exe|dll|so|dylib|a|o|jar|war|class|wasm|zip|7z|rar|db|sqlite3?|golden|want|diff|patch)$` +
	`|\.(want|golden|truth)\.[^.]+$)`)

// logName says whether a file of that name can be a log.
func logName(name string) bool { return !notLogs().MatchString(filepath.Base(name)) }
