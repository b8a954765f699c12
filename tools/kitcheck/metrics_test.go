package kitcheck

import (
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// kit returns what the binary prints, built from the sources beside us.
func kit(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"run", "./cmd/imerr-scan", "kit"}, args...)...)
	cmd.Dir = "../.."
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("kit %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}

// expression is one that somebody will ask Prometheus, with where it stands.
type expression struct{ where, text string }

// exposed are the labels of each metric, by the table of docs/metrics.md. Tests of the product hold that table against what
// /metrics writes.
func exposed(t *testing.T) map[string][]string {
	t.Helper()
	docs, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	ours := map[string][]string{}
	words := regexp.MustCompile("`([^`]*)`")
	for line := range strings.Lines(string(docs)) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || !strings.Contains(cells[1], "`imerr_") {
			continue
		}
		var names []string
		for _, label := range words.FindAllStringSubmatch(cells[3], -1) {
			names = append(names, strings.Fields(label[1])...)
		}
		for _, name := range words.FindAllStringSubmatch(cells[1], -1) {
			if strings.TrimSpace(cells[2]) == "histogram" {
				ours[name[1]+"_bucket"] = append(slices.Clone(names), "le")
				ours[name[1]+"_sum"], ours[name[1]+"_count"] = names, names
				continue
			}
			ours[name[1]] = names
		}
	}
	if len(ours) < 20 {
		t.Fatalf("docs/metrics.md lists %d metrics", len(ours))
	}
	ours["imerr_build_info"] = []string{"version", "revision", "goversion"}
	ours["imerr_catalog_info"] = []string{"platform", "version", "codes"}
	ours["process_resident_memory_bytes"], ours["process_cpu_seconds_total"] = nil, nil
	return ours
}

// scraped are the labels that a scrape adds.
var scraped = []string{"job", "instance", "pod", "namespace"}

// asks says what is wrong with an expression: that a parser refuses it, that there is no such metric, or that it has no such label.
func asks(ours map[string][]string, text string) (wrong []string) {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return []string{"Prometheus: " + err.Error()}
	}
	if _, err := metricsql.Parse(text); err != nil {
		wrong = append(wrong, "VictoriaMetrics: "+err.Error())
	}
	known := slices.Clone(scraped)
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			names, ok := ours[s.Name]
			if !ok {
				wrong = append(wrong, "there is no metric "+s.Name)
			}
			known = append(known, names...)
			for _, m := range s.LabelMatchers {
				if m.Name != model.MetricNameLabel && !slices.Contains(names, m.Name) {
					wrong = append(wrong, s.Name+" has no label "+m.Name)
				}
			}
		}
		return nil
	})
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		var named []string
		switch n := node.(type) {
		case *parser.AggregateExpr:
			named = n.Grouping
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				named = slices.Concat(n.VectorMatching.MatchingLabels, n.VectorMatching.Include)
			}
		}
		for _, name := range named {
			if !slices.Contains(known, name) {
				wrong = append(wrong, "no metric in it has a label "+name)
			}
		}
		return nil
	})
	return wrong
}

func TestRulesAskForWhatThereIs(t *testing.T) {
	groups, errs := rulefmt.Parse([]byte(kit(t, "prometheus")), false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	for _, err := range errs {
		t.Error(err)
	}
	if groups == nil {
		t.Fatal("no rules")
	}
	ours, n := exposed(t), 0
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			n++
			for _, wrong := range asks(ours, r.Expr) {
				t.Errorf("%s: %s", r.Alert, wrong)
			}
			for _, text := range r.Annotations {
				for _, label := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(text, -1) {
					if !slices.Contains(scraped, label[1]) && !slices.Contains(slices.Concat(slices.Collect(maps.Values(ours))...), label[1]) {
						t.Errorf("%s: no metric has the label %s of its text", r.Alert, label[1])
					}
				}
			}
		}
	}
	if n < 8 {
		t.Errorf("%d rules", n)
	}
}

// variables are what Grafana puts in before it asks.
var variables = strings.NewReplacer("$__rate_interval", "1m", "$__range", "6h", "$category", "auth|quota", "$code", ".*")

func TestTheDashboardAsksForWhatThereIs(t *testing.T) {
	var d struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Name, Definition string }
		}
		Annotations struct{ List []struct{ Name, Expr string } }
	}
	if err := json.Unmarshal([]byte(kit(t, "grafana")), &d); err != nil {
		t.Fatal(err)
	}
	var all []expression
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all = append(all, expression{p.Title, target.Expr})
		}
	}
	for _, a := range d.Annotations.List {
		all = append(all, expression{"annotation " + a.Name, a.Expr})
	}
	values := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)
	for _, v := range d.Templating.List {
		if m := values.FindStringSubmatch(v.Definition); m != nil {
			all = append(all, expression{"variable " + v.Name, "sum by (" + m[2] + ") (" + m[1] + ")"})
		}
	}
	if len(all) < 20 {
		t.Fatalf("%d expressions", len(all))
	}
	ours := exposed(t)
	for _, e := range all {
		for _, wrong := range asks(ours, variables.Replace(e.text)) {
			t.Errorf("%s: %s\n%s", e.where, wrong, e.text)
		}
	}
}

func TestAWrongExpressionIsFound(t *testing.T) {
	ours := map[string][]string{"imerr_lines_total": {"result"}, "imerr_leader": nil}
	for _, text := range []string{
		`sum(imerr_lines_total`, `imerr_nothing_total`, `imerr_lines_total{code="206"}`, `sum by (topic) (imerr_lines_total)`,
		`imerr_lines_total * on (path) imerr_leader`, `imerr_lines_total * on (result) group_left (name) imerr_leader`,
	} {
		if asks(ours, text) == nil {
			t.Errorf("%s is taken for good", text)
		}
	}
	if wrong := asks(ours, `sum by (result, instance) (rate(imerr_lines_total{result=~"a|b"}[5m])) > 0`); wrong != nil {
		t.Error(wrong)
	}
}
