package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"imerr-scan/internal/detect"
)

// httpKinds are all that speak HTTP.
func httpKinds() []string {
	return slices.DeleteFunc(Kinds(), func(k string) bool { return kindOf(k).url == "" })
}

// yes is what each kind takes for a yes; any 2xx if it is not named.
var yes = map[string]string{
	"dingtalk": `{"errcode":0,"errmsg":"ok"}`, "wecom": `{"errcode":0,"errmsg":"ok"}`,
	"feishu": `{"code":0,"msg":"success"}`, "lark": `{"StatusCode":0,"StatusMessage":"success"}`, "slack": "ok",
}

// no is an answer that says no under status 200. The others have no such thing.
var no = map[string]string{
	"dingtalk": `{"errcode":310000,"errmsg":"keywords not in content"}`, "wecom": `{"errcode":93000,"errmsg":"invalid webhook url"}`,
	"feishu": `{"code":19024,"msg":"Key Words Not Found"}`, "lark": `{"code":19024,"msg":"Key Words Not Found"}`, "slack": "invalid_token",
}

// TestEverySinkSurvivesEveryServer is the conformance test of all kinds that speak HTTP: what the other side may do, and
// what becomes of it.
func TestEverySinkSurvivesEveryServer(t *testing.T) {
	endless := func(w http.ResponseWriter, r *http.Request) {
		junk := bytes.Repeat([]byte("x"), 1<<16)
		for r.Context().Err() == nil {
			if _, err := w.Write(junk); err != nil {
				return
			}
		}
	}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a redirect was followed")
	}))
	defer elsewhere.Close()
	for _, kind := range httpKinds() {
		answer := func(status int, text string, headers ...string) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				for i := 0; i+1 < len(headers); i += 2 {
					w.Header().Set(headers[i], headers[i+1])
				}
				w.WriteHeader(status)
				fmt.Fprint(w, text)
			}
		}
		byStatus := yes[kind] == ""
		for _, tc := range []struct {
			name      string
			handler   http.HandlerFunc
			result    string // "" is taken
			temporary bool
			wait      time.Duration
		}{
			{"yes", answer(200, yes[kind]), "", false, 0},
			{"200 that means no", answer(200, no[kind]), map[bool]string{false: Rejected}[byStatus], false, 0},
			{"200 with a page of a proxy", answer(200, "<html>login</html>"), map[bool]string{false: Failed}[byStatus], !byStatus, 0},
			{"200 with nothing", answer(200, ""), map[bool]string{false: Failed}[byStatus], !byStatus, 0},
			{"endless answer", endless, map[bool]string{false: Failed}[byStatus], !byStatus, 0},
			{"endless 500", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500); endless(w, r) }, Failed, true, 0},
			{"too many", answer(429, "slow down", "Retry-After", "42"), Failed, true, 42 * time.Second},
			{"too many, come back in a year", answer(429, "", "Retry-After", "31536000"), Failed, true, 15 * time.Minute},
			{"bad gateway", answer(502, "<html>"), Failed, true, 0},
			{"forbidden", answer(403, "no"), Rejected, false, 0},
			{"redirect", answer(307, "", "Location", elsewhere.URL+"/?token=secret-token"), Rejected, false, 0},
			{"redirect to nowhere", answer(302, "", "Location", "::"), Failed, true, 0},
			{"hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, Failed, true, 0},
		} {
			t.Run(kind+"/"+tc.name, func(t *testing.T) {
				err := sendOnce(t, Sink{Kind: kind}, tc.handler)
				checkFailure(t, err, tc.result, tc.temporary, tc.wait)
			})
		}
	}
}

func checkFailure(t *testing.T, err error, result string, temporary bool, wait time.Duration) {
	t.Helper()
	if err == nil {
		if result != "" {
			t.Fatalf("was taken, want %s", result)
		}
		return
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%T is no *Error: %v", err, err)
	}
	if e.Result != result || e.temporary != temporary || e.wait != wait {
		t.Errorf("%s, temporary %t, wait %s: %v; want %q, %t, %s", e.Result, e.temporary, e.wait, err, result, temporary, wait)
	}
	if text := err.Error(); strings.Contains(text, "secret-token") || len(text) > 700 || strings.ContainsAny(text, "\n\x1b") {
		t.Errorf("the error gives away the token, is long, or has control characters: %q", text)
	}
}

func TestEverySinkSurvivesASlowServer(t *testing.T) {
	for _, kind := range httpKinds() {
		for name, handler := range map[string]http.HandlerFunc{
			"no answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			"a byte now and then": func(w http.ResponseWriter, r *http.Request) {
				for r.Context().Err() == nil {
					fmt.Fprint(w, " ")
					w.(http.Flusher).Flush()
					time.Sleep(10 * time.Millisecond) // the server is slow
				}
			},
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body) // only then a server sees that the client is gone
					handler(w, r)
				}))
				defer server.Close()
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				err := try(t, Sink{Kind: kind, URL: Secret(server.URL + "/hook-in-a-path")}, ctx)
				if name != "no answer" && yes[kind] == "" {
					checkFailure(t, err, "", false, 0) // the status says enough
					return
				}
				checkFailure(t, err, Failed, true, 0)
				if !strings.Contains(err.Error(), "no answer within 5s") {
					t.Errorf("error %q does not say that there was no answer", err)
				}
			})
		}
	}
}

func TestEverySinkSurvivesTheNetwork(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for _, kind := range httpKinds() {
		tls := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, yes[kind]) }))
		tls.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		tls.StartTLS()
		defer tls.Close()
		path := "/hook-in-a-path?access_token=secret-token"
		for _, tc := range []struct{ name, url, want string }{
			{"connection refused", "http://" + closed.Addr().String() + path, "connection refused"},
			{"certificate of nobody", tls.URL + path, "if the certificate is of your own authority, set ca_file:"},
			{"TLS towards plain HTTP", "https" + strings.TrimPrefix(plain(t).URL, "http") + path, "HTTP"},
		} {
			t.Run(kind+"/"+tc.name, func(t *testing.T) {
				err := try(t, Sink{Kind: kind, URL: Secret(tc.url)}, t.Context())
				checkFailure(t, err, Failed, true, 0)
				if !strings.Contains(err.Error(), tc.want) {
					t.Errorf("error %q lacks %q", err, tc.want)
				}
			})
		}
		t.Run(kind+"/certificate of an authority of ours", func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "ca.pem")
			block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tls.Certificate().Raw})
			if err := os.WriteFile(file, block, 0o600); err != nil {
				t.Fatal(err)
			}
			checkFailure(t, try(t, Sink{Kind: kind, URL: Secret(tls.URL + path), CAFile: file}, t.Context()), "", false, 0)
		})
	}
}

func plain(t *testing.T) *httptest.Server {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	return server
}

func TestAuthentication(t *testing.T) {
	for _, tc := range []struct {
		sink Sink
		want string
	}{
		{Sink{Kind: "alertmanager", Username: "us", Password: "pass-word"}, "Basic dXM6cGFzcy13b3Jk"},
		{Sink{Kind: "webhook", Bearer: "bearer-token"}, "Bearer bearer-token"},
	} {
		err := sendOnce(t, tc.sink, func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("Authorization"); got != tc.want {
				t.Errorf("%s: Authorization %q, want %q", tc.sink.Kind, got, tc.want)
			}
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, "not with %s%s", string(tc.sink.Password), string(tc.sink.Bearer))
		})
		if want := tc.sink.Kind + ": HTTP 403 not with ***: check the token or password"; err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	s := Sink{Kind: "dingtalk", URL: "https://host/?access_token=hush", URLs: []Secret{"hush"}, Secret: "hush", Password: "hush", Bearer: "hush"}
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "secret", s.Secret, "sink", s)
	asJSON, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprint(s), fmt.Sprintf("%v", s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s), fmt.Sprintf("%q", s), fmt.Sprintf("%x", s.Secret),
		fmt.Sprint(&s), string(asJSON), logged.String(), s.Secret.GoString(),
	} {
		if strings.Contains(text, "hush") || strings.Contains(text, "68757368") {
			t.Errorf("a secret is in %s", text)
		}
		if !strings.Contains(text, "***") && !strings.Contains(text, "2a2a2a") {
			t.Errorf("nothing shows that there is a secret in %s", text)
		}
	}
	if got := Secret("").String(); got != "" {
		t.Errorf("no secret is shown as %q", got)
	}
}

func TestMistakesSayWhereAndWhatToWrite(t *testing.T) {
	ding := Secret("https://oapi.dingtalk.com/robot/send?access_token=hush")
	for _, tc := range []struct {
		name string
		opt  Options
		want string
	}{
		{"unknown kind", Options{Sinks: []Sink{{Kind: "dingding", URL: ding}}}, `sinks[0].kind: "dingding" is no kind of sink; did you mean "dingtalk"?`},
		{"kind misspelt", Options{Sinks: []Sink{{Kind: "dingtlak", URL: ding}}}, `sinks[0].kind: "dingtlak" is no kind of sink; did you mean "dingtalk"?`},
		{"kind of something else", Options{Sinks: []Sink{{Kind: "pagerduty"}}},
			`sinks[0].kind: "pagerduty" is no kind of sink: want one of ndjson, webhook, alertmanager, dingtalk, feishu, lark, wecom, slack`},
		{"no kind", Options{Sinks: []Sink{{URL: ding}}}, `sinks[0].kind: missing: want one of ndjson, webhook, alertmanager, dingtalk, feishu, lark, wecom, slack`},
		{"no address", Options{Sinks: []Sink{{Kind: "wecom"}}}, `sinks[0].url: missing: want https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…`},
		{"a robot's address for a webhook", Options{Sinks: []Sink{{Kind: "webhook", URL: ding}}}, `sinks[0].url: oapi.dingtalk.com takes messages of kind dingtalk, not webhook`},
		{"half an address", Options{Sinks: []Sink{{Kind: "dingtalk", URL: "https://oapi.dingtalk.com/robot/send"}}},
			`sinks[0].url: has no access_token: want https://oapi.dingtalk.com/robot/send?access_token=…`},
		{"token for an address", Options{Sinks: []Sink{{Kind: "slack", URL: "hush"}}},
			`sinks[0].url: begins with neither https:// nor http://: want https://hooks.slack.com/services/…`},
		{"no address at all", Options{Sinks: []Sink{{Kind: "slack", URL: "https://hush:port"}}}, `sinks[0].url: is no address: want https://hooks.slack.com/services/…`},
		{"instance without host", Options{Sinks: []Sink{{Kind: "alertmanager", URL: "http://a:9093", URLs: []Secret{"http://"}}}},
			`sinks[0].urls[0]: has no host: want http://host:9093`},
		{"same name", Options{Sinks: []Sink{{Kind: "dingtalk", URL: ding}, {Kind: "dingtalk", URL: ding}}}, `sinks[1].name: "dingtalk" stands there twice: give each sink its own name`},
		{"keyword for WeCom", Options{Sinks: []Sink{{Kind: "wecom", URL: "https://w/?key=hush", Keyword: "x"}}},
			`sinks[0].keyword: means nothing to kind wecom, only to dingtalk, feishu and lark`},
		{"language", Options{Sinks: []Sink{{Kind: "slack", URL: "https://s/", Lang: "cn"}}}, `sinks[0].lang: "cn": want zh or en`},
		{"severity", Options{Sinks: []Sink{{Kind: "slack", URL: "https://s/", MinSeverity: "crit"}}},
			`sinks[0].min_severity: "crit": want one of info, warning, error, critical`},
		{"file", Options{Sinks: []Sink{{Kind: "ndjson"}}}, `sinks[0].path: missing: want the path of a file to append to`},
		{"password alone", Options{Sinks: []Sink{{Kind: "webhook", URL: "https://s/", Password: "hush"}}},
			`sinks[0].password: username and password: want both of them, or none`},
		{"label of ours", Options{Labels: map[string]string{"severity": "x"}}, `labels.severity: is a label of ours: want another name`},
		{"label with a dash", Options{Labels: map[string]string{"a-b": "x"}},
			`labels.a-b: "a-b" is no name of a label: want letters, digits and _, and no digit first`},
		{"empty label", Options{Labels: map[string]string{"a": ""}}, `labels.a: is empty: Alertmanager drops such a label`},
		{"link", Options{Runbook: "wiki"}, `runbook: begins with neither https:// nor http://: want an address such as https://host/path`},
		{"authority that is not there", Options{Sinks: []Sink{{Kind: "slack", URL: "https://s/", CAFile: "testdata/none.pem"}}},
			`sinks[0]: ca_file: open testdata/none.pem: no such file or directory`},
		{"authority that is none", Options{Sinks: []Sink{{Kind: "slack", URL: "https://s/", CAFile: "testdata/messages.golden"}}},
			`sinks[0]: ca_file: testdata/messages.golden holds no certificate in PEM form`},
		{"file that is a folder", Options{Sinks: []Sink{{Kind: "ndjson", Path: "testdata"}}}, `sinks[0]: path: testdata is no file that can be appended to`},
		{"state of the future", Options{State: []byte(`{"version":9}`)}, `state of the sinks: version 9, this program reads 1`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n, err := New(tc.opt)
			if err == nil {
				n.Close(t.Context())
				t.Fatal("was accepted")
			}
			if got := err.Error(); got != tc.want {
				t.Errorf("error\n%s\nwant\n%s", got, tc.want)
			}
			if strings.Contains(err.Error(), "hush") {
				t.Error("the secret is in the error")
			}
		})
	}
}

func TestSendNowNamesTheSinkThatIsMeant(t *testing.T) {
	n, err := New(Options{Sinks: []Sink{{Kind: "ndjson", Writer: &bytes.Buffer{}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close(t.Context())
	if err := n.SendNow(t.Context(), "ndjson", Sample(onset)); err != nil {
		t.Error(err)
	}
	err = n.SendNow(t.Context(), "ndjsn", Sample(onset))
	if want := `no sink is named "ndjsn"; did you mean "ndjson"?`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// tornWriter takes n bytes, then nothing until it is mended.
type tornWriter struct {
	bytes.Buffer
	n int
}

func (w *tornWriter) Write(p []byte) (int, error) {
	if w.n < len(p) {
		k, _ := w.Buffer.Write(p[:w.n])
		w.n = 0
		return k, errors.New("no space left on device")
	}
	return w.Buffer.Write(p)
}

func TestALineTornByAFullDiskDoesNotSpoilTheNext(t *testing.T) {
	w := &tornWriter{n: 100}
	f := &lineFile{w: w}
	if _, err := f.deliver(t.Context(), []note{asNote(storm(), "")}); err == nil || err.Result != Failed {
		t.Fatalf("error %v, want no space left", err)
	}
	w.n = 1 << 20
	if _, err := f.deliver(t.Context(), []note{asNote(storm(), "")}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(w.String(), "\n"), "\n")
	var a detect.Alert
	if len(lines) != 2 || json.Unmarshal([]byte(lines[1]), &a) != nil || a.ID() != stormID() {
		t.Errorf("wrote %q, want a torn line and a whole one", w.String())
	}
}

func stormID() string {
	a := storm()
	return a.ID()
}
