package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree makes files below a new folder and goes there. A name that ends in / is a folder, "a -> b" a link.
func tree(t *testing.T, names ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, name := range names {
		link, target, isLink := strings.Cut(name, " -> ")
		if err := os.MkdirAll(filepath.Dir(link), 0o700); err != nil {
			t.Fatal(err)
		}
		var err error
		switch {
		case isLink:
			err = os.Symlink(target, link)
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(name, 0o700)
		default:
			err = os.WriteFile(name, []byte(kick), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// expand returns names, errors and what was skipped as text.
func expand(args ...string) (names, errs, skipped []string) {
	x := Expander{Skipped: func(name, reason string) { skipped = append(skipped, name+": "+reason) }}
	items, problems := x.Expand(args)
	for _, it := range items {
		names = append(names, it.Name)
	}
	for _, err := range problems {
		errs = append(errs, err.Error())
	}
	return names, errs, skipped
}

func TestExpand(t *testing.T) {
	tests := []struct {
		name                string
		tree, args          []string
		want, errs, skipped []string
	}{
		{name: "files in the order given", tree: []string{"b.log", "a.log"}, args: []string{"b.log", "a.log"}, want: []string{"b.log", "a.log"}},
		{name: "folder by name, with all below", tree: []string{"logs/b.log", "logs/a/z.log", "logs/c"}, args: []string{"logs"},
			want: []string{"logs/a/z.log", "logs/b.log", "logs/c"}},
		{name: "this folder", tree: []string{"a.log"}, args: []string{"."}, want: []string{"a.log"}},
		{name: "empty folder", tree: []string{"logs/"}, args: []string{"logs"}},
		{name: "hidden names are left out in folders only", tree: []string{"logs/.git/a.log", "logs/.x.log", "logs/a.log", ".b.log"}, args: []string{"logs", ".b.log"},
			want: []string{"logs/a.log", ".b.log"}},
		{name: "documents are left out in folders only", tree: []string{"d/README.md", "d/a.log", "d/a.want.json", "d/t.csv"}, args: []string{"d", "d/t.csv"},
			want:    []string{"d/a.log", "d/t.csv"},
			skipped: []string{"d/README.md: named like a document or program", "d/a.want.json: named like a document or program", "d/t.csv: named like a document or program"}},
		{name: "glob", tree: []string{"b.log", "a.log", "c.txt"}, args: []string{"*.log"}, want: []string{"a.log", "b.log"}},
		{name: "deep glob with alternatives", tree: []string{"x/y/b.log", "x/a.txt", "x/c.md"}, args: []string{"x/**/*.{log,txt}"}, want: []string{"x/a.txt", "x/y/b.log"}},
		{name: "glob names a folder", tree: []string{"x1/a.log", "x2/b.log"}, args: []string{"x*"}, want: []string{"x1/a.log", "x2/b.log"}},
		{name: "glob leaves hidden names out", tree: []string{".a.log", ".d/a.log", "b.log"}, args: []string{"**/*.log"}, want: []string{"b.log"}},
		{name: "a name that looks like a glob", tree: []string{"a[1].log", "a1.log"}, args: []string{"a[1].log"}, want: []string{"a[1].log"}},
		{name: "one that is not there", tree: []string{"a.log"}, args: []string{"b.log", "a.log", "*.txt", "x[.log"}, want: []string{"a.log"},
			errs: []string{"b.log: no such file or directory", "*.txt: no file matches", "x[.log: not a pattern: a bracket or brace is not closed"}},
		{name: "twice by name, folder, glob and links", tree: []string{"d/a.log", "d/l.log -> a.log", "l -> d/a.log"}, args: []string{"d/a.log", "d", "l", "d/*.log", "./d/a.log"},
			want: []string{"d/a.log"}},
		{name: "links out of a folder and in a circle", tree: []string{"d/sub/a.log", "d/out.log -> ../secret.log", "d/up -> ..", "d/sub/loop -> ../sub", "d/dead.log -> gone", "d/etc -> /etc", "secret.log"},
			args: []string{"d"}, want: []string{"d/sub/a.log"},
			skipped: []string{"d/dead.log: a link that leads nowhere", "d/etc: a link out of the folder", "d/out.log: a link out of the folder", "d/sub/loop: a link to what is not a file", "d/up: a link out of the folder"}},
		{name: "a link within the folder to what has no other name there", tree: []string{"d/now.log -> .store/a", "d/.store/a"}, args: []string{"d"}, want: []string{"d/now.log"}},
		{name: "links are followed by name", tree: []string{"d/a.log", "e -> d", "f.log -> d/a.log"}, args: []string{"f.log", "e"}, want: []string{"f.log"}},
		{name: "deep glob follows no links", tree: []string{"d/a.log", "d/out -> ../e", "d/out.log -> ../e/b.log", "e/b.log"}, args: []string{"d/**/*.log"}, want: []string{"d/a.log"},
			skipped: []string{"d/out.log: a link"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			tree(t, tc.tree...)
			names, errs, skipped := expand(tc.args...)
			slices.Sort(skipped)
			if d := cmp.Diff(tc.want, names); d != "" {
				t.Errorf("items: %s", d)
			}
			if d := cmp.Diff(tc.errs, errs); d != "" {
				t.Errorf("errors: %s", d)
			}
			if d := cmp.Diff(tc.skipped, skipped); d != "" {
				t.Errorf("skipped: %s", d)
			}
		})
	}
}

func TestFolderLeavesOutWhatIsNoLog(t *testing.T) {
	tree(t, "d/a.log")
	for name, data := range map[string]string{
		"app":        "\x7fELF\x02\x01",
		"saved.json": `{"schema": "imerr-scan/result/v1"}`,
		"positions":  "imerr-scan/state/v1 00\n",
		"old.zip.1":  "PK\x03\x04",
		"b.log.gz":   packGzip(t, kick),
	} {
		if err := os.WriteFile("d/"+name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names, errs, skipped := expand("d")
	slices.Sort(skipped)
	want := []string{"d/app: not text (first bytes 7f 45 4c 46)", "d/old.zip.1: a zip archive, skipped: unpack it first, as with unzip -p",
		"d/positions: written by imerr-scan", "d/saved.json: written by imerr-scan"}
	if d := cmp.Diff(want, skipped); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"d/a.log", "d/b.log.gz"}, names); d != "" || errs != nil {
		t.Error(d, errs)
	}
}

// What is swapped for a link between Expand and Open must not lead out of the folder.
func TestFolderIsNotLeftAfterExpand(t *testing.T) {
	tree(t, "d/sub/a.log", "secret/a.log")
	items, errs := Expand([]string{"d"})
	if len(items) != 1 || errs != nil {
		t.Fatal(items, errs)
	}
	if err := errors.Join(os.RemoveAll("d/sub"), os.Symlink("../secret", "d/sub")); err != nil {
		t.Fatal(err)
	}
	if in, err := Open(items[0]); err == nil {
		in.Close()
		t.Error("read a file outside of the folder")
	}
}

func TestUnreadableFolder(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	tree(t, "d/a.log", "d/closed/b.log")
	os.Chmod("d/closed", 0)
	defer os.Chmod("d/closed", 0o700)
	items, errs := Expand([]string{"d"})
	if len(items) != 1 || len(errs) != 1 || errs[0].Error() != "d/closed: permission denied" || !errors.Is(errs[0], fs.ErrPermission) {
		t.Error(items, errs)
	}
}

func ExampleExpand() {
	dir, _ := os.MkdirTemp("", "logs")
	defer os.RemoveAll(dir)
	_ = os.WriteFile(filepath.Join(dir, "app.log"), []byte("{}\n"), 0o600)
	_ = os.WriteFile(filepath.Join(dir, "README.md"), []byte("# logs\n"), 0o600)
	items, errs := Expand([]string{dir, "gone.log"})
	for _, it := range items {
		fmt.Println(filepath.Base(it.Name), it.Size)
	}
	fmt.Println(errs[0])
	// Output:
	// app.log 3
	// gone.log: no such file or directory
}
