//go:build peers

package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// promtool checks the rules, and runs their tests.
func TestPromtoolAcceptsTheRules(t *testing.T) {
	for _, args := range [][]string{{"check", "rules", "rules.yaml"}, {"test", "rules", "rules_test.yaml"}} {
		cmd := exec.Command("promtool", args...)
		cmd.Dir = "prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// systemd reads the unit and has nothing to say about it.
func TestARealSystemdVerifiesTheUnit(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Fatal("systemd-analyze is not installed: apt-get install systemd")
	}
	dir := t.TempDir()
	unit := strings.ReplaceAll(Print("systemd", Options{}), "/usr/bin/imerr-scan", "/bin/true")
	file := filepath.Join(dir, "imerr-scan.service")
	if err := os.WriteFile(file, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("systemd-analyze", "verify", "--man=no", file)
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "imerr-scan.service") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// The configurations of the Compose file are ones that Prometheus and Alertmanager take.
func TestPromtoolAndAmtoolTakeTheConfigurations(t *testing.T) {
	for _, args := range [][]string{{"promtool", "check", "config", "--syntax-only", "prometheus.yaml"}, {"amtool", "check-config", "alertmanager.yaml"}} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = "compose"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
