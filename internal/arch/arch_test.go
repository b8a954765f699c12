// Package arch holds the rules of who may import whom, and fails with the name of the rule that was broken. It has no code
// of its own.
//
// It reads the imports that stand in the files, not what they drag along: even fmt reaches os. Each rule says beside it why
// it is one; to change a rule, change it here, in the same commit as the code that needs it, and say why there.
package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "imerr-scan"

// core are the packages in which a value goes in and values come out: no clock, files, network, log or globals. ours says
// what each may import of this module.
var core = map[string]struct {
	ours       []string
	concurrent bool // may start goroutines, which it waits for
}{
	"pkg/catalog":        {},
	"pkg/extract":        {},
	"pkg/classify":       {ours: []string{"pkg/extract", "pkg/catalog"}},
	"internal/needle":    {},
	"internal/frame":     {ours: []string{"internal/needle"}},
	"internal/aggregate": {ours: []string{"pkg/extract", "pkg/classify", "pkg/catalog"}},
	"internal/detect":    {ours: []string{"internal/aggregate", "pkg/catalog"}},                       // severity and advice are part of an alert
	"internal/deltalog":  {concurrent: true, ours: []string{"internal/aggregate", "internal/detect"}}, // alerts are a function of the log
	"internal/report":    {ours: []string{"internal/aggregate", "internal/detect", "pkg/catalog"}},
	"internal/screen":    {ours: []string{"internal/aggregate", "internal/detect", "internal/report", "pkg/catalog"}},
	"internal/page":      {ours: []string{"internal/aggregate", "internal/detect", "internal/report", "pkg/catalog"}}, // the words of report
	"internal/pipeline": {concurrent: true, ours: []string{
		"internal/needle", "internal/frame", "pkg/extract", "pkg/classify", "pkg/catalog", "internal/aggregate", "internal/detect",
	}},
}

// edge are the packages that touch the world.
var edge = map[string][]string{
	"internal/source":           {"internal/frame"},
	"internal/deltalog/filelog": {},
	"internal/kafka":            {"internal/deltalog"}, // keeps a Log; what the records mean is known above
	"internal/kafka/kafkatest":  {},                    // brokers for tests
	"internal/notify":           {"internal/detect", "pkg/catalog"},
	"internal/metrics":          {"internal/aggregate", "internal/detect", "internal/notify", "internal/serve", "pkg/catalog"},
	"internal/web":              {"internal/aggregate", "internal/detect", "internal/report", "internal/page"},
	"internal/serve": {
		"internal/notify", "pkg/catalog", "pkg/extract", "pkg/classify", "internal/needle", "internal/frame",
		"internal/aggregate", "internal/detect", "internal/deltalog", "internal/report", "internal/pipeline", "internal/source",
		"internal/kafka",
	},
	"internal/config": {
		"pkg/catalog", "pkg/extract", "internal/frame", "internal/aggregate", "internal/detect", "internal/notify",
		"internal/pipeline", "internal/report", "internal/serve", "internal/source", "internal/kafka",
	},
	"deploy": {},
}

// common are packages that anybody may import: they know nothing of logs.
var common = []string{"internal/lazyregexp"}

// impure are the packages of the standard library that a core package does not import.
var impure = []string{"os", "os/exec", "os/signal", "net", "net/http", "syscall", "log", "log/slog", "math/rand", "math/rand/v2", "flag", "runtime/debug"}

// clocks are the functions of package time that look at the clock or wait for it.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// modules says which packages may import a module from elsewhere: every dependency has one door. Tests may use what the
// last lines list, from anywhere.
var modules = map[string][]string{
	"github.com/tidwall/gjson":           {"pkg/extract", "tools/bench/toy"},
	"github.com/axiomhq/hyperloglog":     {"internal/aggregate"},
	"github.com/cespare/xxhash/v2":       {"internal/aggregate", "internal/source"}, // users; is this the file we knew
	"github.com/klauspost/compress":      {"internal/source", "tools/bench"},
	"github.com/pierrec/lz4/v4":          {"internal/source"},
	"github.com/ulikunitz/xz":            {"internal/source"},
	"github.com/bmatcuk/doublestar/v4":   {"internal/source"},
	"golang.org/x/text":                  {"internal/source"},
	"golang.org/x/sys":                   {"internal/source", "internal/deltalog/filelog", "internal/needle"}, // locks on Windows; AVX2 or not
	"github.com/mattn/go-runewidth":      {"internal/report"},
	"github.com/spf13/cobra":             {"cmd/imerr-scan"},
	"github.com/spf13/pflag":             {"cmd/imerr-scan"},
	"golang.org/x/term":                  {"cmd/imerr-scan"},
	"github.com/segmentio/kafka-go":      {"internal/kafka"},
	"github.com/twmb/franz-go":           {"internal/kafka/kafkatest", "tools/trykafka"}, // another client than the one under test
	"github.com/twmb/franz-go/pkg/kadm":  {"internal/kafka/kafkatest"},
	"github.com/twmb/franz-go/pkg/kfake": {"internal/kafka/kafkatest", "internal/kafka", "tools/trykafka"}, // in internal/kafka: tests
	"github.com/twmb/franz-go/pkg/kmsg":  {"internal/kafka/kafkatest", "internal/kafka"},                   // the same
	"github.com/VictoriaMetrics/metrics": {"internal/metrics"},
	"go.yaml.in/yaml/v3":                 {"internal/config"},
}

var testModules = []string{"github.com/google/go-cmp", "github.com/rogpeppe/go-internal", "go.uber.org/goleak", "pgregory.net/rapid"}

// outside matches what says where the project happened to be written. It must make sense on any machine.
var outside = regexp.MustCompile(`(?m)(^|[\s"'=(:])/(root|work|Users)/[.a-z]+|\.\./share[d]`)

// apart is a module of its own, whose dependencies are none of the product's.
const apart = "tools/kitcheck/"

// file is one parsed Go file.
type file struct {
	path string // from the root of the module, with slashes
	dir  string // that of the package
	test bool
	ast  *ast.File
}

var (
	root  = filepath.Join("..", "..")
	files = token.NewFileSet()
)

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	for _, f := range parse(t) {
		if f.test {
			continue
		}
		rule, isCore := core[f.dir]
		allowed, isEdge := edge[f.dir]
		if isCore {
			allowed = rule.ours
		}
		inside := strings.HasPrefix(f.dir, "pkg/") || strings.HasPrefix(f.dir, "internal/") || f.dir == "deploy"
		if inside && !isCore && !isEdge && !slices.Contains(common, f.dir) && f.dir != "internal/arch" {
			t.Errorf("rule every-package-has-a-place: %s is in no ring; add it to core, edge or common in internal/arch", f.dir)
			continue
		}
		for _, imported := range f.imports() {
			ours, ok := strings.CutPrefix(imported, module+"/")
			if ok && inside && !slices.Contains(allowed, ours) && !slices.Contains(common, ours) {
				t.Errorf("rule one-direction: %s imports %s; it may import %q of ours", f.path, ours, allowed)
			}
			if ok && strings.HasPrefix(ours, "cmd/") {
				t.Errorf("rule nobody-imports-cmd: %s imports %s", f.path, ours)
			}
			if isCore && slices.Contains(impure, imported) {
				t.Errorf("rule pure-core: %s imports %s; take a value, a reader or a writer as an argument", f.path, imported)
			}
		}
	}
}

func TestCoreHasNoClockNoInitAndNoStrayGoroutines(t *testing.T) {
	for _, f := range parse(t) {
		rule, isCore := core[f.dir]
		if f.test || !isCore {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clocks, n.Sel.Name) {
					t.Errorf("rule time-is-an-argument: %s uses time.%s", files.Position(n.Pos()), n.Sel.Name)
				}
			case *ast.GoStmt:
				if !rule.concurrent {
					t.Errorf("rule core-is-sequential: %s starts a goroutine", files.Position(n.Pos()))
				}
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("rule no-init: %s", files.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	comments := map[string]string{}
	for _, f := range parse(t) {
		if f.test && f.dir != "internal/arch" {
			continue
		}
		comments[f.dir] += f.ast.Doc.Text()
	}
	for dir, comment := range comments {
		if want := "Package " + path.Base(dir) + " "; !strings.Contains(comment, want) && !strings.Contains(comment, "Command "+path.Base(dir)+" ") {
			t.Errorf("rule package-comment: no file of %s begins with %q", dir, "// "+want+"…")
		}
	}
}

func TestEveryDependencyIsExplainedAndHasOneDoor(t *testing.T) {
	goMod := read(t, "go.mod")
	explained := read(t, "docs/dependencies.md")
	required := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^(?:require )?\s*(\S+\.\S+/\S+) v\S+( // indirect)?$`).FindAllStringSubmatch(goMod, -1) {
		required[m[1]] = true
		if m[2] == "" && !strings.Contains(explained, "`"+m[1]+"`") {
			t.Errorf("rule dependencies-are-explained: docs/dependencies.md has no line for `%s`", m[1])
		}
	}
	for _, f := range parse(t) {
		for _, imported := range f.imports() {
			if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
				continue // of the standard library, or ours
			}
			m := moduleOf(required, imported)
			if !strings.Contains(explained, "`"+m+"`") {
				t.Errorf("rule dependencies-are-explained: %s imports %s; docs/dependencies.md has no line for `%s`", f.path, imported, m)
			}
			if f.test && slices.Contains(testModules, m) || slices.Contains(modules[m], f.dir) {
				continue
			}
			t.Errorf("rule one-door: %s imports %s; only %q may", f.path, imported, modules[m])
		}
	}
}

func TestNothingSpeaksOfTheMachineItWasWrittenOn(t *testing.T) {
	walk(t, func(name string) {
		if strings.HasPrefix(name, "internal/arch/") {
			return
		}
		text := read(t, name)
		if i := outside.FindStringIndex(text); i != nil {
			t.Errorf("rule stands-on-its-own: %s:%d mentions %q, which exists on one machine only",
				name, 1+strings.Count(text[:i[0]], "\n"), text[i[0]:i[1]])
		}
	})
}

// parse reads all Go files of the module.
func parse(t *testing.T) []file {
	t.Helper()
	var all []file
	walk(t, func(name string) {
		if path.Ext(name) != ".go" || strings.Contains(name, "/testdata/") || strings.HasPrefix(name, apart) {
			return
		}
		tree, err := parser.ParseFile(files, filepath.Join(root, filepath.FromSlash(name)), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, file{path: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), ast: tree})
	})
	if len(all) < 10 {
		t.Fatalf("only %d Go files found below %s", len(all), root)
	}
	return all
}

// walk calls visit with every file of the project, leaving out what git ignores.
func walk(t *testing.T, visit func(name string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if entry.IsDir() {
			if slices.Contains([]string{".git", "bin", "dist", "tmp"}, rel) || entry.Name() == "node_modules" {
				return filepath.SkipDir
			}
			return nil
		}
		if entry.Type().IsRegular() {
			visit(rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// imports returns the paths a file imports.
func (f file) imports() []string {
	var paths []string
	for _, spec := range f.ast.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// moduleOf returns the required module that a package belongs to: the longest path that it begins with.
func moduleOf(required map[string]bool, imported string) string {
	for p := imported; p != "."; p = path.Dir(p) {
		if required[p] {
			return p
		}
	}
	return imported
}
