package deploy

import (
	"bytes"
	"encoding/pem"
	"io/fs"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"imerr-scan/internal/config"
	"imerr-scan/internal/deltalog"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/metrics"
	"imerr-scan/internal/notify"
	"imerr-scan/internal/serve"
	"imerr-scan/pkg/catalog"
)

// Every rule links to an entry of the runbooks, and every entry belongs to a rule.
func TestEveryRuleHasARunbook(t *testing.T) {
	book, err := os.ReadFile("../docs/runbooks.md")
	if err != nil {
		t.Fatal(err)
	}
	rules := Print("prometheus", Options{})
	names := regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllStringSubmatch(rules, -1)
	if len(names) < 8 {
		t.Fatalf("%d rules", len(names))
	}
	for _, n := range names {
		if !strings.Contains(string(book), "\n## "+n[1]+"\n") {
			t.Errorf("docs/runbooks.md has no entry %s", n[1])
		}
		if !strings.Contains(rules, Runbooks+"#"+strings.ToLower(n[1])+"\n") {
			t.Errorf("rule %s links to no runbook of its own", n[1])
		}
	}
	if entries := strings.Count(string(book), "\n## "); entries != len(names) {
		t.Errorf("%d entries for %d rules", entries, len(names))
	}
}

// Rules use only metrics that the documentation of /metrics lists; that it lists what there is is checked where they are.
func TestRulesUseMetricsThatThereAre(t *testing.T) {
	docs, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`imerr_[a-z_]+`).FindAllString(Print("prometheus", Options{}), -1) {
		if !strings.Contains(string(docs), "`"+name+"`") {
			t.Errorf("the rules use %s, which docs/metrics.md does not list", name)
		}
	}
}

// Every rule has a test of promtool's in which it fires.
func TestEveryRuleIsTestedToFire(t *testing.T) {
	tests := Print("prometheus-tests", Options{})
	for _, n := range regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllStringSubmatch(Print("prometheus", Options{}), -1) {
		if !regexp.MustCompile(`alertname: ` + n[1] + `\n +exp_alerts:\n +- exp_labels`).MatchString(tests) {
			t.Errorf("no test in which %s fires", n[1])
		}
	}
}

// The labels that docs/metrics.md lists, against which tools/kitcheck holds rules and dashboard, are those that /metrics writes.
func TestTheDocumentationListsEveryLabel(t *testing.T) {
	docs, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	m := metrics.New(catalog.Web(), metrics.Build{})
	m.Read("kafka")
	m.Delayed([]float32{1})
	m.Late(1)
	m.Alerted(&detect.Alert{Alert: "kick-storm", State: detect.Firing})
	var out bytes.Buffer
	m.Write(&out, &metrics.Now{
		Users: map[int32]int64{206: 1}, Watermark: 1, LastEvent: time.Unix(1, 0), Sinks: []notify.Stats{{Name: "on-call"}}, Leader: true,
		Vitals: serve.Vitals{
			Verdicts: map[deltalog.Kind]int64{deltalog.Accepted: 1}, Kafka: &serve.Group{Lags: []serve.Lag{{Topic: "client-logs"}}},
		},
	})
	written := map[string]string{}
	label := regexp.MustCompile(`(\w+)="`)
	for line := range strings.Lines(out.String()) {
		name, labels, _ := strings.Cut(strings.Fields(line)[0], "{")
		var all []string
		for _, l := range label.FindAllStringSubmatch(labels, -1) {
			all = append(all, l[1])
		}
		written[name] = strings.Join(all, " ")
	}
	words := regexp.MustCompile("`([^`]*)`")
	listed := 0
	for line := range strings.Lines(string(docs)) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || !strings.Contains(cells[1], "`imerr_") || strings.Contains(cells[1], "_info`") {
			continue
		}
		want := ""
		if l := words.FindStringSubmatch(cells[3]); l != nil {
			want = l[1]
		}
		for _, name := range words.FindAllStringSubmatch(cells[1], -1) {
			listed++
			got, ok := written[name[1]]
			if strings.TrimSpace(cells[2]) == "histogram" {
				got, ok = written[name[1]+"_count"]
			}
			if !ok || got != want {
				t.Errorf("%s is listed with labels %q, and written (%t) with %q", name[1], want, ok, got)
			}
		}
	}
	if listed < 25 {
		t.Errorf("%d metrics", listed)
	}
}

// What differs from build to build is put in, and nothing is left that stood for it.
func TestVersionAndAddressArePutIn(t *testing.T) {
	for _, kind := range Kinds() {
		got := Print(kind, Options{Version: "1.2.3+rc", Runbooks: "https://wiki/imerr"})
		if got == "" || !strings.HasSuffix(got, "\n") {
			t.Errorf("kit %s prints %q", kind, got)
		}
		for _, left := range []string{Runbooks, image, "=dev", "imerr-scan:1.2.3+rc"} {
			if strings.Contains(got, left) {
				t.Errorf("kit %s has %q in it", kind, left)
			}
		}
	}
	if !strings.Contains(Print("k8s", Options{Version: "1.2.3"}), "image: imerr-scan:1.2.3\n") {
		t.Error("the manifests name another image")
	}
	if !strings.Contains(Print("prometheus", Options{Runbooks: "https://wiki/imerr"}), "https://wiki/imerr#imerrkickstorm") {
		t.Error("the rules do not link to the address given")
	}
	if Print("../deploy", Options{}) != "" {
		t.Error("something is printed for a kit that there is not")
	}
}

// Rules and dashboard speak of the codes that the detector takes for kicks, and of categories that there are.
func TestRulesSpeakOfCodesThatThereAre(t *testing.T) {
	rules := Print("prometheus", Options{})
	for _, codes := range regexp.MustCompile(`code=~"([0-9|]+)"`).FindAllStringSubmatch(rules, -1) {
		for code := range strings.SplitSeq(codes[1], "|") {
			n, err := strconv.Atoi(code)
			if err != nil {
				t.Fatal(err)
			}
			if e := catalog.Web().Lookup(int32(n)); e == nil || e.Topic != "kick" {
				t.Errorf("%s is no kick", code)
			}
		}
		for _, e := range catalog.Web().Entries() {
			if e.Topic == "kick" && !slices.Contains(strings.Split(codes[1], "|"), strconv.Itoa(int(e.Code))) {
				t.Errorf("%s leaves out %d %s", codes[0], e.Code, e.Name)
			}
		}
	}
	categories := map[string]bool{}
	for _, e := range catalog.Web().Entries() {
		categories[e.Category] = true
	}
	for _, name := range regexp.MustCompile(`category="(\w+)"`).FindAllStringSubmatch(rules, -1) {
		if !categories[name[1]] {
			t.Errorf("no code is of category %s", name[1])
		}
	}
}

// The configurations in the manifests and in the Compose file are ones that the service takes.
func TestConfigurationsAreTaken(t *testing.T) {
	compose, err := files.ReadFile("compose/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"compose": string(compose), "k8s": block(t, Print("k8s", Options{}), "config.yaml")} {
		conf, err := config.Load(config.Input{
			File: "/etc/imerr-scan/config.yaml", Data: []byte(text), Env: func(string) (string, bool) { return "", false },
			ReadFile: func(name string, _ int) ([]byte, error) { return secret(name) },
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if len(conf.Kafka.Topics) == 0 {
			t.Errorf("%s reads no topic", name)
		}
	}
}

// secret is what a mounted file of that name holds.
func secret(name string) ([]byte, error) {
	switch path.Base(name) {
	case "dingtalk-url":
		return []byte("https://oapi.dingtalk.com/robot/send?access_token=t\n"), nil
	case "kafka-password", "dingtalk-secret":
		return []byte("s3cret\n"), nil
	case "kafka-ca.crt": // any certificate will do
		server := httptest.NewTLSServer(nil)
		defer server.Close()
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), nil
	}
	return nil, fs.ErrNotExist
}

// block returns the text that stands in YAML under a key, as a literal block.
func block(t *testing.T, text, key string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, "\n  "+key+": |\n")
	if !ok {
		t.Fatalf("no %s", key)
	}
	var b strings.Builder
	for line := range strings.Lines(rest) {
		inner, ok := strings.CutPrefix(line, "    ")
		if !ok {
			break
		}
		b.WriteString(inner)
	}
	return b.String()
}
