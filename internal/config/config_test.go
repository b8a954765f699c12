package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"imerr-scan/internal/detect"
	"imerr-scan/internal/kafka"
	"imerr-scan/internal/notify"
	"imerr-scan/internal/serve"
)

func documentation(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// certificate is one for example.org, made for this test: any will do.
const certificate = `-----BEGIN CERTIFICATE-----
MIIBgjCCASmgAwIBAgIUApOsIBCK6RkYrvCwKFzSSRxckIIwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLZXhhbXBsZS5vcmcwIBcNMjYxMTI0MTEzMjUzWhgPMjEyNjEw
MzExMTMyNTNaMBYxFDASBgNVBAMMC2V4YW1wbGUub3JnMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEOIOtTpN2b8IAJrns57DN4GpHuCQwj7bl+FJveEeUJssQSWzf
ekanKhb5E9/+xASia8a07+XTbT2ytWkf45iX1aNTMFEwHQYDVR0OBBYEFJbFBrT4
VH/yvC9xmGU38pRV9a/hMB8GA1UdIwQYMBaAFJbFBrT4VH/yvC9xmGU38pRV9a/h
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgDCUZ5dQpEMpgF7Tj
iUMUxlNT8eOkcoULdWGTBfOfGOkCIGCci/V4k+JZ7IkFRfORcNnmZ09+95OOQO9H
BR2/7TXZ
-----END CERTIFICATE-----
`

// ourCert and ourKey are a certificate of the tests and its key.
var ourCert, ourKey = newPair()

func newPair() (cert, key string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	cert = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}))
	return cert, "hush-hush: what stands before the key\n" + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// exampleWorld is one in which the example of the documentation holds.
var exampleWorld = world{
	files: map[string]string{
		"etc/codes.txt":             "code: 90001\nname: OURS\ncategory: general\nmeaning-en: ours\n",
		"etc/secrets/feishu-url":    "https://open.feishu.cn/open-apis/bot/v2/hook/hush-hush-url\r\n",
		"etc/secrets/feishu":        "hush-hush-feishu\n\n# a comment\n",
		"etc/secrets/alertmanager":  "hush-hush-password",
		"etc/secrets/token":         "hush-hush-token\n",
		"etc/secrets/ca.pem":        certificate,
		"etc/secrets/reload":        "hush-hush-reload \n",
		"etc/secrets/kafka":         "hush-hush-kafka\n",
		"etc/secrets/kafka.pem":     ourCert,
		"etc/secrets/kafka-key.pem": ourKey,
	},
	vars: map[string]string{
		"DING_TOKEN": "hush-hush-ding", "DING_SECRET": "SEChush-hush", "STAGING_TOKEN": "hush-hush-staging", "OLD_PASSWORD": "hush-hush-old",
	},
}

func example(t *testing.T) string {
	t.Helper()
	_, text, _ := strings.Cut(documentation(t), "```yaml\n")
	text, _, ok := strings.Cut(text, "```\n")
	if !ok {
		t.Fatal("docs/configuration.md has no example")
	}
	return text
}

func loadExample(t *testing.T) *Config {
	t.Helper()
	conf, err := exampleWorld.load(example(t))
	if err != nil {
		t.Fatal(err)
	}
	return conf
}

func TestExampleOfTheDocumentation(t *testing.T) {
	conf := loadExample(t)
	if conf.Catalog.ByName("OURS") == nil || conf.Detector.Catalog != conf.Catalog || conf.Notify.Catalog != conf.Catalog {
		t.Error("the catalog file is not used")
	}
	if conf.Zone.String() != "Asia/Shanghai" || conf.Notify.Zone != conf.Zone {
		t.Errorf("Zone = %v, Notify.Zone = %v", conf.Zone, conf.Notify.Zone)
	}
	wantDetector := detect.Options{
		FalseAlarmsPerWeek: 1, MinCount: 10, MinUsers: 3,
		ResolveAfter: 5 * time.Minute, AdoptAfter: 2 * time.Hour, AllowedLateness: time.Minute,
		Overrides: []detect.Override{
			{Codes: []int32{509, 512}, Severity: "info", FalseAlarmsPerWeek: 0.1, MinCount: 50, MinUsers: 10, ResolveAfter: 10 * time.Minute, AdoptAfter: 6 * time.Hour},
			{Family: "kick-storm", MinUsers: 5},
			{Codes: []int32{39}, Off: true},
		},
		Limits: []detect.Limit{
			{Name: "login-failures", Codes: []int32{2, 28}, Window: 5 * time.Minute, Events: 500, Severity: "error"},
			{Name: "quota", Codes: []int32{50, 509}, Window: time.Hour, Users: 100, Severity: "warning"},
		},
	}
	if diff := cmp.Diff(wantDetector, conf.Detector, cmpopts.IgnoreFields(detect.Options{}, "Catalog", "UserName")); diff != "" {
		t.Errorf("Detector (-want +got)\n%s", diff)
	}
	wantSinks := []notify.Sink{
		{Kind: "dingtalk", Name: "on-call", URL: "https://oapi.dingtalk.com/robot/send?access_token=hush-hush-ding", Secret: "SEChush-hush",
			Keyword: "imerr", Lang: "zh", MinSeverity: "warning"},
		{Kind: "feishu", URL: "https://open.feishu.cn/open-apis/bot/v2/hook/hush-hush-url", Secret: "hush-hush-feishu"},
		{Kind: "alertmanager", URL: "https://am-1:9093", URLs: []notify.Secret{"https://am-2:9093"}, Username: "imerr",
			Password: "hush-hush-password", CAFile: "etc/secrets/ca.pem"},
		{Kind: "webhook", URL: "https://hooks.example.org/imerr", Bearer: "hush-hush-token"},
		{Kind: "webhook", Name: "staging", URL: "http://localhost:8080/alerts", Bearer: "hush-hush-staging"},
		{Kind: "webhook", Name: "old", URL: "http://localhost:8081/alerts", Username: "imerr", Password: "hush-hush-old"},
		{Kind: "ndjson", Path: "etc/alerts.ndjson"},
	}
	same := cmp.Comparer(func(a, b notify.Secret) bool { return string(a) == string(b) })
	if diff := cmp.Diff(wantSinks, conf.Notify.Sinks, same); diff != "" {
		t.Errorf("Sinks (-want +got)\n%s", diff)
	}
	if got := conf.Notify.Labels["cluster"]; got != "beijing-1" {
		t.Errorf("Labels = %q", conf.Notify.Labels)
	}
	if conf.Listen != "127.0.0.1:20617" || conf.State != "etc/deltas" || string(conf.ReloadToken) != "hush-hush-reload" {
		t.Errorf("Listen = %q, State = %q, ReloadToken = %q", conf.Listen, conf.State, string(conf.ReloadToken))
	}
	if conf.LogFormat != "json" || conf.LogLevel != slog.LevelWarn {
		t.Errorf("LogFormat = %q, LogLevel = %v", conf.LogFormat, conf.LogLevel)
	}
	wantKafka := &Kafka{
		Client: kafka.Options{
			Brokers: []string{"kafka-1:9093", "kafka-2:9093"},
			TLS:     &kafka.TLS{CA: certificate, Cert: ourCert, Key: ourKey, ServerName: "kafka.example.org"},
			SASL:    &kafka.SASL{Mechanism: "SCRAM-SHA-512", User: "imerr", Password: "hush-hush-kafka"},
		},
		Topics: []string{"client-logs", "web-logs"}, Group: "imerr", LogTopic: "imerr-log",
		Log:         kafka.LogOptions{Create: true, Replication: 3},
		Start:       serve.Start{At: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)},
		OnTruncated: "stop",
	}
	if diff := cmp.Diff(wantKafka, conf.Kafka); diff != "" {
		t.Errorf("Kafka (-want +got)\n%s", diff)
	}
	if got := conf.Fields["code"]; got != "ctx.error.type" || len(conf.Fields) != 6 {
		t.Errorf("Fields = %q", conf.Fields)
	}
}

func TestExampleHasEveryKeyAndSaysWhatItIsFor(t *testing.T) {
	text := example(t)
	var visit func(s section)
	visit = func(s section) {
		for _, e := range s {
			if !strings.Contains(text, "\n"+e.name+":") && !strings.Contains(text, " "+e.name+":") && !strings.HasPrefix(text, e.name+":") {
				t.Errorf("the example of docs/configuration.md lacks %s:", e.name)
			}
			switch v := e.value.(type) {
			case section:
				visit(v)
			case lister:
				visit(v.example())
			}
		}
	}
	visit(newLoader(Input{}).root)
}

func TestEffectiveSettings(t *testing.T) {
	w := exampleWorld
	w.vars = maps.Clone(exampleWorld.vars)
	w.vars["IMERR_DETECTOR_MIN_COUNT"], w.vars["IMERR_LANG"] = "20", ""
	conf, err := w.load(example(t), Flag{"pii", "--pii", "hash"}, Flag{"fields.code", "--field", "err.type"})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "effective.yaml", string(conf.YAML()))
	text, err := json.MarshalIndent(conf.Effective(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "effective.json", string(text)+"\n")
	golden(t, "default.yaml", string(mustLoad(t, world{}, "").YAML()))
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s differs (-want +got); go test ./internal/config -update rewrites it\n%s", file, diff)
	}
}

func mustLoad(t *testing.T, w world, text string, flags ...Flag) *Config {
	t.Helper()
	conf, err := w.load(text, flags...)
	if err != nil {
		t.Fatal(err)
	}
	return conf
}

func TestNothingPrintsASecret(t *testing.T) {
	conf := loadExample(t)
	effective, err := json.Marshal(conf.Effective())
	if err != nil {
		t.Fatal(err)
	}
	whole, err := json.Marshal(conf.Notify.Sinks)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"Kafka": fmt.Sprintf("%+v", conf.Kafka),
		"YAML":  string(conf.YAML()), "Effective": string(effective), "%+v": fmt.Sprintf("%+v", *conf), "%#v": fmt.Sprintf("%#v", conf.Notify.Sinks),
		"json": string(whole),
	} {
		if strings.Contains(text, "hush") {
			t.Errorf("%s holds a secret:\n%s", name, text)
		}
	}
}

func TestPrecedence(t *testing.T) {
	const file = "detector:\n  min_count: 30\n"
	env := map[string]string{"IMERR_DETECTOR_MIN_COUNT": "20"}
	given := Flag{"detector.min_count", "--detector-min-count", "40"}
	for _, tc := range []struct {
		name, file string
		env        map[string]string
		flags      []Flag
		want       int
		origin     string
	}{
		{"nothing", "", nil, nil, 10, "default"},
		{"only comments", "# nothing\n", nil, nil, 10, "default"},
		{"only dashes", "---\n", nil, nil, 10, "default"},
		{"file", file, nil, nil, 30, "etc/config.yaml:2"},
		{"file from Windows", "\ufeffdetector:\r\n  min_count: 30\r\n", nil, nil, 30, "etc/config.yaml:2"},
		{"variable over file", file, env, nil, 20, "environment IMERR_DETECTOR_MIN_COUNT"},
		{"empty variable", file, map[string]string{"IMERR_DETECTOR_MIN_COUNT": ""}, nil, 30, "etc/config.yaml:2"},
		{"flag over both", file, env, []Flag{given}, 40, "--detector-min-count"},
		{"the last flag", "", nil, []Flag{given, {"detector.min_count", "--detector-min-count", "50"}}, 50, "--detector-min-count"},
		{"a variable in the file", "detector: {min_count: '${N}'}", map[string]string{"N": "60"}, nil, 60, "etc/config.yaml:1, ${N}"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			conf := mustLoad(t, world{vars: tc.env}, tc.file, tc.flags...)
			if conf.Detector.MinCount != tc.want {
				t.Errorf("min_count = %d, want %d", conf.Detector.MinCount, tc.want)
			}
			for _, s := range conf.Effective() {
				if s.Key == "detector.min_count" && s.Origin != tc.origin {
					t.Errorf("origin = %q, want %q", s.Origin, tc.origin)
				}
			}
		})
	}
}

// The codes of the file are those of the platform that holds in the end.
func TestPlatformOfAFlagDecidesWhatCodesThereAre(t *testing.T) {
	const file = "platform: web\nlimits: [{name: a, window: 5m, events: 1, codes: [218]}]\n"
	conf := mustLoad(t, world{}, file, Flag{"platform", "--platform", "android"})
	if got := conf.Catalog.Platform(); got != "android" {
		t.Errorf("platform = %s", got)
	}
	if _, err := (world{}).load(file); err == nil {
		t.Error("218 is accepted on web")
	}
}

func TestDefaultsAreThoseOfThePackages(t *testing.T) {
	conf := mustLoad(t, world{}, "")
	want := detect.Options{}.WithDefaults()
	if diff := cmp.Diff(want, conf.Detector, cmpopts.IgnoreFields(detect.Options{}, "Catalog", "UserName")); diff != "" {
		t.Errorf("Detector (-want +got)\n%s", diff)
	}
	if conf.Listen != ":20617" || conf.LogFormat != "text" || conf.LogLevel != slog.LevelInfo || conf.Kafka != nil || conf.State != "" {
		t.Errorf("Load of nothing = %+v", conf)
	}
	if len(conf.Notify.Sinks) != 0 || conf.Fields != nil || conf.Catalog.Platform() != "web" || conf.Zone != time.Local {
		t.Errorf("Load of nothing = %+v", conf)
	}
}

func TestPathsBeginAtTheFolderOfTheFile(t *testing.T) {
	const codes = "code: 90001\nname: OURS\ncategory: general\nmeaning-en: ours\n"
	w := world{files: map[string]string{"etc/a.txt": codes, "b.txt": codes}, vars: map[string]string{}}
	mustLoad(t, w, "catalog: a.txt\n")
	mustLoad(t, w, "catalog: a.txt\n", Flag{"catalog", "--catalog", "b.txt"})
	absolute := filepath.Join(t.TempDir(), "c.txt")
	w.files[filepath.ToSlash(absolute)] = codes
	if conf := mustLoad(t, w, "catalog: "+absolute+"\n"); conf.Catalog.ByName("OURS") == nil {
		t.Error("an absolute path is not used")
	}
	sink := mustLoad(t, w, "sinks: [{kind: ndjson, path: '-'}]\n").Notify.Sinks[0]
	if sink.Path != "-" {
		t.Errorf("path = %q, want that of stdout", sink.Path)
	}
}

func TestFixedKeysHaveVariables(t *testing.T) {
	keys := FixedKeys()
	for _, want := range []string{"lang", "fields.code", "detector.min_count", "links.page", "reload_token_file", "kafka.brokers", "kafka.tls.ca_file"} {
		if !strings.Contains("\n"+strings.Join(keys, "\n")+"\n", "\n"+want+"\n") {
			t.Errorf("FixedKeys() = %q, which lacks %s", keys, want)
		}
	}
	if got := EnvName("detector.min_count"); got != "IMERR_DETECTOR_MIN_COUNT" {
		t.Errorf("EnvName = %s", got)
	}
	names := map[string]string{}
	for _, key := range keys {
		if other, twice := names[EnvName(key)]; twice {
			t.Errorf("%s and %s have the same variable", key, other)
		}
		names[EnvName(key)] = key
	}
}
