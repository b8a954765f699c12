package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"
)

// reload checks that what holds is accepted as a file, once its secrets are filled in, and then holds.
func reload(t interface {
	Helper()
	Fatalf(string, ...any)
}, w world, conf *Config) {
	t.Helper()
	const filledIn = "filled-in?access_token=x&key=y"
	text := strings.ReplaceAll(string(conf.YAML()), hidden, filledIn)
	again, err := Load(Input{File: "etc/again.yaml", Data: []byte(text), Env: w.env, ReadFile: w.readFile})
	if err != nil {
		t.Fatalf("refused: %v\n%s", err, text)
	}
	values := func(c *Config) (all []string) {
		for _, s := range c.Effective() {
			all = append(all, strings.ReplaceAll(fmt.Sprintf("%s: %#v", s.Key, s.Value), filledIn, hidden)) // a label may be ***
		}
		return all
	}
	if diff := cmp.Diff(values(conf), values(again)); diff != "" {
		t.Fatalf("loaded again it says something else (-first +again)\n%s", diff)
	}
}

// file writes a configuration in which each key may stand or not.
type file struct {
	t *rapid.T
	b strings.Builder
}

func (f *file) maybe(indent, key string, values ...string) bool {
	i := rapid.IntRange(-1, len(values)-1).Draw(f.t, key)
	if i >= 0 {
		f.line(indent, key, values[i])
	}
	return i >= 0
}

func (f *file) one(indent, key string, values ...string) {
	f.line(indent, key, rapid.SampledFrom(values).Draw(f.t, key))
}

func (f *file) line(indent, key, value string) { fmt.Fprintf(&f.b, "%s%s: %s\n", indent, key, value) }

func (f *file) settings(indent string) {
	f.maybe(indent, "false_alarms_per_week", "1", "0.1", "0.001", "1000", `"10"`, "3.14159")
	f.maybe(indent, "min_count", "3", "50", "1000000")
	f.maybe(indent, "min_users", "1", "'7'", "${N}")
	f.maybe(indent, "resolve_after", "1m", "90s", "24h", "1m0.5s")
	f.maybe(indent, "adopt_after", "7d", "20m", "1h30m")
}

func (f *file) service() {
	f.maybe("", "listen", "none", "':0'", "\"[::1]:20617\"", "localhost:${N}")
	f.maybe("", "state", "deltas", "'a # b'")
	if !f.maybe("", "reload_token", "abc", "'${TEXT}'") {
		f.maybe("", "reload_token_file", "secrets/token")
	}
	f.maybe("", "log", "{format: json}", "{level: debug, format: text}", "{level: error}")
	f.b.WriteString("kafka:\n  on_truncated: end\n")
	if f.maybe("  ", "topics", "[a]", "[client-logs, 'web.logs', _]", "[ '${N}' ]") {
		f.one("  ", "brokers", "[a:9092]", "['[::1]:1', 'kafka-${N}:9092']")
	}
	f.maybe("  ", "group", "g", "'12'", "no")
	f.maybe("  ", "start", "first", "last", "2026-11-24T08:00:00+08:00", "'2026-11-24T08:00:00.5Z'")
	f.maybe("  ", "log_topic", "the-log", "'12_log'")
	f.maybe("  ", "log_replication", "1", "'3'")
	f.maybe("  ", "create_log", "true", "false")
	f.maybe("  ", "tls", "{enabled: true}", "{enabled: false, insecure: true}", "{ca_file: secrets/ca.pem}", "{cert_file: cert.pem, key_file: key.pem, server_name: s}")
	f.maybe("  ", "sasl", "{mechanism: PLAIN, user: me, password: abc}", "{mechanism: SCRAM-SHA-256, user: '${TEXT}', password_file: secrets/token}")
}

func validFile(t *rapid.T) string {
	f := &file{t: t}
	f.b.WriteString("# a file\n")
	f.maybe("", "lang", "zh", "en", "auto", `"zh"`)
	f.maybe("", "tz", "UTC", "Asia/Shanghai", "Local")
	f.maybe("", "pii", "plain", "drop")
	f.maybe("", "platform", "web", "android", "ios", "harmonyos")
	f.maybe("", "catalog", "codes.txt")
	f.maybe("", "fields", "{code: ctx.error.type, user: 'a\\.b.c', time: 'items[].at'}", `{version: "no", device: 206}`)
	f.b.WriteString("detector:\n  min_count: 10\n  overrides:\n")
	for range rapid.IntRange(1, 4).Draw(t, "overrides") {
		f.one("    - ", rapid.SampledFrom([]string{"codes"}).Draw(t, "which"), "[206]", "[206, 2]", "[ '217' ,\n 206]")
		f.maybe("      ", "off", "true", "false")
		f.maybe("      ", "severity", "info", "critical")
		f.settings("      ")
	}
	f.b.WriteString("limits:\n")
	for i := range rapid.IntRange(1, 4).Draw(t, "limits") {
		f.line("  - ", "name", fmt.Sprintf("l%d", i))
		f.maybe("    ", "codes", "[206]", "[ 2, 206 ]")
		f.one("    ", "window", "10s", "24h", "1d", "70s")
		f.one("    ", rapid.SampledFrom([]string{"events", "users"}).Draw(t, "which"), "1", "4096", "'33'")
		f.maybe("    ", "severity", "error")
	}
	f.b.WriteString("sinks:\n")
	for i := range rapid.IntRange(1, 4).Draw(t, "sinks") {
		f.line("  - ", "name", fmt.Sprintf("s-%d.x", i))
		kind := rapid.SampledFrom([]string{"ndjson", "webhook", "alertmanager", "dingtalk", "lark", "slack"}).Draw(t, "kind")
		f.line("    ", "kind", kind)
		f.maybe("    ", "lang", "zh", "en")
		f.maybe("    ", "min_severity", "error")
		if kind == "ndjson" {
			f.one("    ", "path", "x.log", "'-'", `"a # b"`, "'it''s: {'")
			continue
		}
		f.maybe("    ", "ca_file", "secrets/ca.pem")
		if kind == "alertmanager" && rapid.Bool().Draw(t, "several") {
			f.one("    ", "urls", "[http://a]", "['http://a:1', 'http://u:p@b:2/x?y', \"${URL}\"]")
		} else if !f.maybe("    ", "url", "http://a", "http://a/b?c=d", "${URL}") {
			f.line("    ", "url_file", "url")
		}
		switch kind {
		case "dingtalk", "lark":
			f.maybe("    ", "keyword", `"# hash"`, "张敏", `"$${x}"`, "no", "${TEXT}")
			if !f.maybe("    ", "secret", "abc", "0x10", "'${TEXT}'", "$$") {
				f.maybe("    ", "secret_file", "secrets/token")
			}
		case "webhook", "alertmanager":
			if f.maybe("    ", "username", "me", `"a: b"`) {
				f.line("    ", "password_file", "secrets/token")
			} else {
				f.maybe("    ", "bearer", "abc", "'*x'")
			}
		}
	}
	f.maybe("", "labels", "{a: b, c: '1', _d: 'x: # y', e: \"\\u00e9\\u2028\\U0001F600\", f: '${TEXT}'}")
	f.maybe("", "links", "{page: http://h/x, runbook: 'https://h/$${x}'}")
	f.service()
	return f.b.String()
}

var generatedWorld = world{
	files: map[string]string{
		"etc/codes.txt":      exampleWorld.files["etc/codes.txt"],
		"etc/secrets/ca.pem": certificate,
		"etc/secrets/token":  "token\n",
		"etc/url":            "https://from.a.file/x\n",
		"etc/cert.pem":       ourCert,
		"etc/key.pem":        ourKey,
	},
	vars: map[string]string{"N": "12", "URL": "https://from.a.variable/$${x}", "TEXT": "a ${b} #c: '\"\\ 张"},
}

func TestWhatHoldsIsAcceptedAgain(t *testing.T) {
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		text := validFile(t)
		conf, err := generatedWorld.load(text)
		if err != nil {
			if strings.Contains(err.Error(), " catalog") {
				t.Skip("a code that this platform lacks")
			}
			t.Fatalf("%v\n%s", err, text)
		}
		accepted++
		reload(t, generatedWorld, conf)
	})
	least := 30
	if testing.Short() {
		least = 5 // rapid makes a fifth of the files then
	}
	if accepted < least {
		t.Errorf("only %d files were accepted", accepted)
	}
	reload(t, exampleWorld, loadExample(t))
	reload(t, world{}, mustLoad(t, world{}, ""))
}

// Oracle: whatever a file holds, either its mistakes are fit to be shown, or what holds can be loaded again and holds again.
func FuzzLoad(f *testing.F) {
	archive, err := txtar.ParseFile(mistakesFile)
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archive.Files {
		if file.Name != "=" {
			f.Add(string(file.Data))
		}
	}
	f.Add("detector: {min_count: 30, overrides: [{codes: [206], off: true}]}\nlimits: [{name: a, window: 5m, users: 3}]\n")
	f.Add("sinks:\n  - {kind: dingtalk, url: 'https://h/x?y', secret_file: secret}\nlabels: {a: '$${b', c: \"\\u2028\"}\n")
	f.Add("kafka: {brokers: ['a:9092'], topics: [x], start: last, tls: {insecure: true}, sasl: {mechanism: PLAIN, user: u, password_file: secret}}\n")
	f.Add("listen: none\nstate: a\nreload_token_file: secret\nlog: {level: debug}\nkafka: {topics: [x], log_topic: y}\n")
	f.Fuzz(func(t *testing.T, text string) {
		conf, err := testWorld.load(text)
		if err != nil {
			checkMistakes(t, err, text)
			return
		}
		reload(t, testWorld, conf)
	})
}
