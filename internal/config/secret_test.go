package config

import (
	"errors"
	"strings"
	"testing"
)

func TestSecretFromFile(t *testing.T) {
	for _, tc := range []struct{ name, file, want, problem string }{
		{"without a line end", "abc", "abc", ""},
		{"with one", "abc\n", "abc", ""},
		{"from Windows", "abc\r\n", "abc", ""},
		{"more lines", "abc\n# rotated 2026-11-01\n", "abc", ""},
		{"white space is part of it", " a b \n", " a b ", ""},
		{"dollars are part of it", "a${B}$${C}", "a${B}$${C}", ""},
		{"empty", "", "", "the file's first line is empty: want the secret there"},
		{"empty first line", "\nhush\n", "", "the file's first line is empty: want the secret there"},
		{"binary", "hush\x00\n", "", "the file's first line is no secret: it is too long, or has control characters or bad UTF-8"},
		{"bad UTF-8", "hush\xff\n", "", "the file's first line is no secret: it is too long, or has control characters or bad UTF-8"},
		{"long line", strings.Repeat("h", maxText+1), "", "the file's first line is no secret: it is too long, or has control characters or bad UTF-8"},
		{"long file", strings.Repeat("hush\n", maxSecret), "", "not read: larger than 64 KiB"},
		{"as check prints it", "***\n", "", notWritten},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := world{files: map[string]string{"etc/s": tc.file}}
			conf, err := w.load("sinks: [{kind: dingtalk, url: 'http://localhost', secret_file: s}]\n")
			if tc.problem == "" {
				if err != nil {
					t.Fatal(err)
				}
				if got := string(conf.Notify.Sinks[0].Secret); got != tc.want {
					t.Errorf("secret = %q, want %q", got, tc.want)
				}
				return
			}
			m, ok := errors.AsType[*Mistake](err)
			if want := `"s": ` + tc.problem; !ok || m.Text != want || m.Key != "sinks[0].secret_file" || strings.Contains(err.Error(), "hush") {
				t.Errorf("Load = %v, want %s", err, want)
			}
		})
	}
}

func TestOfASecretAndItsFileTheLaterWins(t *testing.T) {
	const fromText, fromFile = "reload_token: file-text\n", "reload_token_file: s\n"
	flag := []Flag{{"reload_token_file", "--reload-token-file", "flag"}}
	for _, tc := range []struct {
		name, file string
		env        map[string]string
		flags      []Flag
		want       string
		shown      string
	}{
		{"the text in a variable, the file in the file", fromFile, map[string]string{"IMERR_RELOAD_TOKEN": "env-text"}, nil, "env-text", "reload_token"},
		{"the file in a variable, the text in the file", fromText, map[string]string{"IMERR_RELOAD_TOKEN_FILE": "env"}, nil, "env-file", "reload_token_file"},
		{"a flag over a variable", "", map[string]string{"IMERR_RELOAD_TOKEN": "env-text"}, flag, "flag-file", "reload_token_file"},
		{"a flag over the file", fromText, nil, flag, "flag-file", "reload_token_file"},
		{"white space around it", "reload_token_file: spaces\n", nil, nil, "a b", "reload_token_file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := world{files: map[string]string{"etc/s": "file-file", "env": "env-file", "flag": "flag-file", "etc/spaces": " a b \n"}, vars: tc.env}
			conf := mustLoad(t, w, tc.file, tc.flags...)
			if got := string(conf.ReloadToken); got != tc.want {
				t.Errorf("ReloadToken = %q, want %q", got, tc.want)
			}
			var shown []string
			for _, s := range conf.Effective() {
				if strings.HasPrefix(s.Key, "reload_token") {
					shown = append(shown, s.Key)
				}
			}
			if got := strings.Join(shown, " "); got != tc.shown {
				t.Errorf("shown: %s, want %s", got, tc.shown)
			}
		})
	}
}

func TestHostIsAllThatIsShownOfAnAddress(t *testing.T) {
	for in, want := range map[string]string{
		"http://am:9093":                   "http://am:9093",
		"http://am:9093/":                  "http://am:9093/***",
		"http://am:9093/x":                 "http://am:9093/***",
		"https://h?access_token=hush":      "https://h/***",
		"https://user:hush@h":              "https://h/***",
		"https://user:hush@h/path#x":       "https://h/***",
		"https://[2001:db8::1]:443/hush":   "https://[2001:db8::1]:443/***",
		"mailto:hush":                      "***",
		"http://h\x00/hush":                "***",
		"https://oapi.dingtalk.com/robot?": "https://oapi.dingtalk.com/***",
	} {
		if got := host(in); got != want {
			t.Errorf("host(%q) = %q, want %q", in, got, want)
		}
	}
}
