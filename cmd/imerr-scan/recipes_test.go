package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestRecipes runs the commands of docs/recipes.md and compares what they print with what stands there, as far as the programs
// they need are here. -update writes it there.
func TestRecipes(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh")
	}
	recipes(t, func(program string) bool {
		_, err := exec.LookPath(program)
		return err == nil
	})
}

// strangers are programs in the recipes that not every machine has, and that no test can stand in for.
var strangers = regexp.MustCompile(`(?m)^\$ (duckdb) `)

// recipes runs the recipes whose programs are there.
func recipes(t *testing.T, there func(program string) bool) {
	const file = "../../docs/recipes.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	bin, top := kitchen(t)
	ran := 0
	block := regexp.MustCompile("(?s)```console\n(.*?)```")
	got := block.ReplaceAllFunc(text, func(b []byte) []byte {
		body := string(block.FindSubmatch(b)[1])
		for _, program := range strangers.FindAllStringSubmatch(body, -1) {
			if !there(program[1]) {
				t.Logf("%s is not installed: its recipe was not run", program[1])
				return b
			}
		}
		var out strings.Builder
		out.WriteString("```console\n")
		for line := range strings.Lines(body) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				ran++
				out.WriteString(line)
				out.WriteString(cook(t, bin, top, strings.TrimSpace(command)))
			}
		}
		out.WriteString("```")
		return []byte(out.String())
	})
	if ran < 15 {
		t.Errorf("%d commands were run", ran)
	}
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if masked(got) != masked(text) {
		t.Errorf("docs/recipes.md shows other output than its commands print; see the difference with\n\tgo test ./cmd/imerr-scan -run TestRecipes -update && git diff docs/recipes.md")
	}
}

// kitchen is a machine with the logs that the recipes speak of.
func kitchen(t *testing.T) (bin, top string) {
	t.Helper()
	bin, top = t.TempDir(), t.TempDir()
	binary(t, bin)
	if err := os.CopyFS(bin, os.DirFS("testdata/recipes/bin")); err != nil {
		t.Fatal(err)
	}
	const real, day = "../../testdata/logs/real/", "../../testdata/logs/day/app.log"
	for to, from := range map[string]string{
		"var/lib/docker/containers/4f2a/4f2a-json.log": real + "docker.log", "var/lib/docker/containers/9c81/9c81-json.log.1": real + "docker-partial.log",
		"var/log/app/app.log": day, "app.log": day, "main/login.log": day, "e2e/login.log": day, "e2e/chat.log": "testdata/recipes/chat.log",
		"web-1.log": real + "winston.log", "web-2.log": real + "bunyan.log",
	} {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		to = filepath.Join(top, to)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return bin, top
}

// cook runs a command of a recipe, whose /var is that of the kitchen, and returns all it prints.
func cook(t *testing.T, bin, top, command string) string {
	t.Helper()
	logs, err := filepath.Abs("../../testdata/logs/real")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(top, "var/lib/node_exporter"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", regexp.MustCompile(`(^|[ '])/var/`).ReplaceAllString(command, "${1}"+top+"/var/"))
	cmd.Dir = top
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "LOGS="+logs, "LC_ALL=en_US.UTF-8", "COLUMNS=100", "IMERR_TZ=Asia/Shanghai", "IMERR_CONFIG=none")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", command, err, out)
	}
	return strings.ReplaceAll(string(out), top, "")
}
