package kitcheck

import (
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// BuildKit understands the Dockerfile and has no advice; what comes out has no shell, and its user no rights.
func TestBuildKitUnderstandsTheDockerfile(t *testing.T) {
	file, err := parser.Parse(strings.NewReader(kit(t, "docker")))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range file.Warnings {
		t.Error(w.Short)
	}
	lint := linter.New(&linter.Config{Warn: func(rule, _, _, message string, _ []parser.Range) { t.Errorf("%s: %s", rule, message) }})
	stages, _, err := instructions.Parse(file.AST, lint)
	if err != nil {
		t.Fatal(err)
	}
	last := stages[len(stages)-1]
	if last.BaseName != "scratch" {
		t.Errorf("built on %s", last.BaseName)
	}
	var user string
	for _, command := range last.Commands {
		switch c := command.(type) {
		case *instructions.UserCommand:
			user = c.User
		case *instructions.RunCommand:
			t.Error("something runs in an image that has nothing to run")
		}
	}
	if user == "" || strings.HasPrefix(user, "0") || user == "root" {
		t.Errorf("runs as %q", user)
	}
}
