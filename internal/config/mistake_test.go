package config

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// world is a machine with some files and variables.
type world struct{ files, vars map[string]string }

func (w world) env(name string) (string, bool) { v, ok := w.vars[name]; return v, ok }

func (w world) readFile(name string, limit int) ([]byte, error) {
	text, ok := w.files[filepath.ToSlash(name)]
	switch {
	case !ok:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case len(text) > limit:
		return nil, fmt.Errorf("larger than %s", size(limit))
	}
	return []byte(text), nil
}

// load reads text as the file etc/config.yaml of w.
func (w world) load(text string, flags ...Flag) (*Config, error) {
	return Load(Input{File: "etc/config.yaml", Data: []byte(text), Flags: flags, Env: w.env, ReadFile: w.readFile})
}

var testWorld = world{
	files: map[string]string{
		"etc/secret":        "hush-hush\n",
		"etc/empty":         "\n",
		"etc/broken.txt":    "code: 90001\nnames: OURS\n",
		"etc/ca.pem":        certificate,
		"etc/cert.pem":      ourCert,
		"etc/key.pem":       ourKey,
		"etc/encrypted.pem": "-----BEGIN ENCRYPTED PRIVATE KEY-----\naHVzaC1odXNo\n-----END ENCRYPTED PRIVATE KEY-----\n",
	},
	vars: map[string]string{"EMPTY": "", "LINES": "a\nb", "TOKEN": "hush-hush"},
}

const mistakesFile = "testdata/mistakes.txtar"

func TestEveryMistakeIsToldWithItsPlace(t *testing.T) {
	archive, err := txtar.ParseFile(mistakesFile)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(archive.Files); i += 2 {
		in, want := archive.Files[i], &archive.Files[i+1]
		t.Run(in.Name, func(t *testing.T) {
			conf, err := testWorld.load(string(in.Data))
			if err == nil {
				t.Fatalf("accepted:\n%s", conf.YAML())
			}
			got := err.Error() + "\n"
			if strings.Contains(got, "hush-hush") {
				t.Errorf("a secret is told: %s", got)
			}
			if *update {
				want.Data = []byte(got)
			}
			if diff := cmp.Diff(string(want.Data), got); diff != "" {
				t.Errorf("Load(%s) (-want +got)\n%s", in.Name, diff)
			}
		})
	}
	if *update {
		if err := os.WriteFile(mistakesFile, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMistakesOfTheDocumentation(t *testing.T) {
	archive, err := txtar.ParseFile(mistakesFile)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(string(archive.Files[1].Data), "etc/config.yaml", "config.yaml")
	if !strings.Contains(documentation(t), want) {
		t.Errorf("docs/configuration.md does not show what Load says now:\n%s", want)
	}
}

func TestMistakesThatNoTextFileHolds(t *testing.T) {
	manyKeys := strings.Repeat("x: 1\n", 100)
	for _, tc := range []struct{ name, in, want string }{
		{"UTF-16", "\xff\xfel\x00a\x00", "etc/config.yaml:1:1: not UTF-8: save it as UTF-8"},
		{"GBK", "# ok\nlabels:\n  a: \xb1\xb1\xbe\xa9\n", "etc/config.yaml:3:6: bad UTF-8: save it as UTF-8"},
		{"NUL", "lang: zh\n张\x00\n", "etc/config.yaml:2:2: control character U+0000: take it out"},
		{"too large", strings.Repeat("#\n", 1<<19) + "#", "etc/config.yaml:1:1: larger than 1 MiB, which no configuration is"},
		{"many mistakes", manyKeys, "etc/config.yaml: reading stopped after 50 mistakes"},
		{"too many limits", "limits:\n" + strings.Repeat("  - {}\n", 257), "etc/config.yaml:258:5: limits: 257 elements: want at most 256"},
		{"long secret", "sinks:\n  - {kind: slack, url: http://localhost, bearer: " + strings.Repeat("x", 5000) + "}\n",
			"etc/config.yaml:2:50: sinks[0].bearer: longer than 4 KiB"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := testWorld.load(tc.in)
			if err == nil {
				t.Fatal("accepted")
			}
			lines := strings.Split(err.Error(), "\n")
			if got := lines[len(lines)-1]; got != tc.want {
				t.Errorf("Load = %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestMistakesInVariablesAndFlags(t *testing.T) {
	w := world{vars: map[string]string{"IMERR_LANG": "cn", "IMERR_DETECTOR_MIN_COUNT": "many", "IMERR_TZ": "a\nb"}}
	_, err := w.load("lang: xx\npii: mask\n",
		Flag{"pii", "--pii", "\x1b[2J"}, Flag{"detector.min_users", "--detector-min-users", "5000"}, Flag{"limits", "--limits", "1"})
	want := `etc/config.yaml:1:7: lang: "xx": want auto, zh or en
environment IMERR_LANG: lang: "cn": want auto, zh or en; did you mean "en"?
environment IMERR_TZ: tz: holds a line end, a control character or bad UTF-8: want a time zone such as Asia/Shanghai
environment IMERR_DETECTOR_MIN_COUNT: detector.min_count: "many": want a whole number above 0
--pii: pii: holds a line end, a control character or bad UTF-8: want mask, hash, plain or drop
--limits: limits: no such key
--detector-min-users: detector.min_users: 5000: want 1 … 1000`
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Errorf("Load (-want +got)\n%s", diff)
	}
}

func TestMistakesInListsOfVariables(t *testing.T) {
	w := world{vars: map[string]string{
		"IMERR_KAFKA_BROKERS": "a:9092,,b", "IMERR_KAFKA_SASL_PASSWORD": "hush-hush", "IMERR_KAFKA_SASL_PASSWORD_FILE": "nowhere",
	}}
	_, err := w.load("", Flag{"kafka.start", "--kafka-start", "latest"})
	want := `environment IMERR_KAFKA_BROKERS: kafka.brokers[1]: empty: want a list such as [kafka-1:9092, kafka-2:9092]
environment IMERR_KAFKA_BROKERS: kafka.brokers[2]: want host:port such as kafka-1:9092
environment IMERR_KAFKA_SASL_PASSWORD_FILE: kafka.sasl.password_file: "nowhere": password and password_file: want one of them
--kafka-start: kafka.start: "latest": want first, last or a time such as 2026-11-24T08:00:00+08:00; did you mean "last"?
environment IMERR_KAFKA_BROKERS: kafka.topics: missing beside brokers: want a list such as [client-logs]
environment IMERR_KAFKA_SASL_PASSWORD: kafka.sasl.mechanism: missing beside password: want PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
environment IMERR_KAFKA_SASL_PASSWORD: kafka.sasl.user: missing beside password: want a user's name`
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Errorf("Load (-want +got)\n%s", diff)
	}
}

func TestMistakesCanBeTakenApart(t *testing.T) {
	_, err := testWorld.load("lang: zh\npii: maks\n")
	m, ok := errors.AsType[*Mistake](err)
	if !ok {
		t.Fatalf("Load = %v, want a *Mistake", err)
	}
	want := Mistake{"etc/config.yaml", 2, 6, "pii", `"maks": want mask, hash, plain or drop; did you mean "mask"?`}
	if *m != want {
		t.Errorf("Load = %+v, want %+v", *m, want)
	}
}

// checkMistakes fails if an error of Load is not fit for people: a place in the file, one line each, nothing that moves a cursor.
func checkMistakes(t *testing.T, err error, data string) {
	t.Helper()
	lines := 1 + strings.Count(data, "\n")
	for _, e := range flatten(err) {
		text := e.Error()
		if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("not printable: %q", text)
		}
		m, ok := errors.AsType[*Mistake](e)
		if ok && (m.Line < 0 || m.Line > lines || m.Line > 0 && m.Column < 1 || m.Text == "" || m.Source == "") {
			t.Errorf("no place in a file of %d lines: %+v", lines, *m)
		}
	}
}
