package notify

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"imerr-scan/internal/lazyregexp"
	"imerr-scan/pkg/catalog"
)

// Sink is one place that alerts go to.
type Sink struct {
	Kind string // ndjson, webhook, alertmanager, dingtalk, feishu, lark, wecom, slack
	Name string // "" is Kind; no two are the same

	URL     Secret   // where to
	URLs    []Secret // further instances of a cluster of Alertmanagers
	Secret  Secret   // signs messages to dingtalk, feishu and lark
	Keyword string   // must stand in messages to dingtalk, feishu and lark, by the robot's settings

	Lang        string // zh or en; "" is zh for dingtalk, feishu and wecom, else en
	MinSeverity string // alerts below are not sent; "" sends all

	Username string // of basic authentication, with Password; for webhook and alertmanager
	Password Secret
	Bearer   Secret // token, instead of these
	CAFile   string // PEM, whom to trust instead of those the system trusts

	Path   string    // of a file for ndjson, to append to, or "-" for Writer
	Writer io.Writer // of ndjson
}

// kind is what all sinks of one kind have in common.
type kind struct {
	name string
	lang string
	url  string // form of its address, for messages; "" has none

	// At most burst messages at once and one each every: whatever minute one looks at, it has no more than the vendor allows.
	burst int
	every time.Duration

	batch  int           // alerts that one message normally carries
	all    bool          // every record is sent, not only changes of state
	resend time.Duration // open alerts are sent again after; 0 is never
	auth   bool          // Username, Bearer …
	signed bool          // Secret and Keyword

	compose func(*composer, []note) (request, int) // at least one of the notes, as many as fit
	judge   func(status int, answer []byte) *Error // nil is yes
}

const (
	resendEvery = time.Minute
	batchLimit  = 64
)

// kinds lists what there is. Limits are the vendors': DingTalk 20 a minute, then silence for ten; WeCom 20 a minute; Feishu
// 100 a minute and 5 a second; Slack 1 a second, "short bursts" allowed.
var kinds = []kind{
	{name: "ndjson", lang: "en", burst: 1000, every: time.Millisecond, batch: batchLimit, all: true},
	{name: "webhook", lang: "en", url: "https://host/path", burst: 20, every: time.Second, batch: 1, auth: true,
		compose: composeWebhook, judge: judgeStatus},
	{name: "alertmanager", lang: "en", url: "http://host:9093", burst: 20, every: time.Second, batch: batchLimit, resend: resendEvery, auth: true,
		compose: composeAlertmanager, judge: judgeStatus},
	{name: "dingtalk", lang: "zh", url: "https://oapi.dingtalk.com/robot/send?access_token=…", burst: 5, every: 4 * time.Second, batch: 1, signed: true,
		compose: composeDingTalk, judge: judgeDingTalk},
	{name: "feishu", lang: "zh", url: "https://open.feishu.cn/open-apis/bot/v2/hook/…", burst: 4, every: time.Second, batch: 1, signed: true,
		compose: composeFeishu, judge: judgeFeishu},
	{name: "lark", lang: "en", url: "https://open.larksuite.com/open-apis/bot/v2/hook/…", burst: 4, every: time.Second, batch: 1, signed: true,
		compose: composeFeishu, judge: judgeFeishu},
	{name: "wecom", lang: "zh", url: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…", burst: 5, every: 4 * time.Second, batch: 1,
		compose: composeWeCom, judge: judgeWeCom},
	{name: "slack", lang: "en", url: "https://hooks.slack.com/services/…", burst: 1, every: time.Second, batch: 1,
		compose: composeSlack, judge: judgeSlack},
}

// Kinds returns the names of the kinds of sinks.
func Kinds() []string {
	var names []string
	for i := range kinds {
		names = append(names, kinds[i].name)
	}
	return names
}

func kindOf(name string) *kind {
	if i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name }); i >= 0 {
		return &kinds[i]
	}
	return nil
}

func (s Sink) withDefaults() Sink {
	if s.Name == "" {
		s.Name = s.Kind
	}
	if s.Lang == "" {
		s.Lang = kindOf(s.Kind).lang
	}
	return s
}

func (s *Sink) language() catalog.Lang {
	if s.Lang == "zh" {
		return catalog.ZH
	}
	return catalog.EN
}

// Mistake is one thing wrong with Options, and where: "sinks[2].url".
type Mistake struct {
	Field string
	Text  string // what is wrong, and what would be right; never a secret
}

func (m *Mistake) Error() string { return m.Field + ": " + m.Text }

// Validate returns nil or all mistakes joined, each a *Mistake. Files are looked at by New.
func (o Options) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, &Mistake{field, fmt.Sprintf(format, args...)})
	}
	seen := map[string]bool{}
	for i, s := range o.Sinks {
		at := fmt.Sprintf("sinks[%d].", i)
		s.validate(at, bad)
		name := s.Name
		if name == "" {
			name = s.Kind
		}
		if seen[name] && name != "" {
			bad(at+"name", "%q stands there twice: give each sink its own name", name)
		}
		seen[name] = true
	}
	for name, value := range o.Labels {
		validateLabel("labels."+name, name, value, bad)
	}
	for field, link := range map[string]string{"page": o.Page, "dashboard": o.Dashboard, "runbook": o.Runbook} {
		if link == "" {
			continue
		}
		if _, problem := parseURL(link); problem != "" {
			bad(field, "%s: want an address such as https://host/path", problem)
		}
	}
	return errors.Join(errs...)
}

func (s *Sink) validate(at string, bad func(field, format string, args ...any)) {
	k := kindOf(s.Kind)
	switch {
	case s.Kind == "":
		bad(at+"kind", "missing: want one of %s", strings.Join(Kinds(), ", "))
		return
	case k == nil:
		bad(at+"kind", "%.60q is no kind of sink%s", s.Kind, didYouMean(cmp.Or(otherNames[strings.ToLower(s.Kind)], s.Kind), Kinds()))
		return
	}
	if s.Name != "" && !nameForm().MatchString(s.Name) {
		bad(at+"name", "%.80q: want at most 64 letters, digits, - _ .", s.Name)
	}
	if s.Lang != "" && s.Lang != "zh" && s.Lang != "en" {
		bad(at+"lang", "%.60q: want zh or en", s.Lang)
	}
	if s.MinSeverity != "" && !slices.Contains(catalog.Severities(), s.MinSeverity) {
		bad(at+"min_severity", "%.60q: want one of %s", s.MinSeverity, strings.Join(catalog.Severities(), ", "))
	}
	s.validateKeys(at, k, bad)
	if k.url == "" {
		return
	}
	switch {
	case s.URL == "":
		bad(at+"url", "missing: want %s", k.url)
	default:
		s.validateURL(at+"url", s.URL, bad)
	}
	for i, u := range s.URLs {
		s.validateURL(fmt.Sprintf("%surls[%d]", at, i), u, bad)
	}
}

// otherNames are what people call a kind.
var otherNames = map[string]string{
	"dingding": "dingtalk", "钉钉": "dingtalk", "飞书": "feishu", "企业微信": "wecom", "wechat": "wecom", "weixin": "wecom", "wework": "wecom",
	"am": "alertmanager", "prometheus": "alertmanager", "http": "webhook", "file": "ndjson", "json": "ndjson", "stdout": "ndjson",
}

// validateKeys finds settings that mean nothing to the kind, and contradictions.
func (s *Sink) validateKeys(at string, k *kind, bad func(field, format string, args ...any)) {
	foreign := func(field string, given bool, where string) {
		if given {
			bad(at+field, "means nothing to kind %s, only to %s", k.name, where)
		}
	}
	if k.url != "" {
		foreign("path", s.Path != "" || s.Writer != nil, "ndjson")
	} else {
		foreign("url", s.URL != "", "kinds that have an address")
		foreign("ca_file", s.CAFile != "", "kinds that have an address")
		if s.Path == "" && s.Writer == nil {
			bad(at+"path", "missing: want the path of a file to append to")
		}
	}
	if !k.signed {
		foreign("secret", s.Secret != "", "dingtalk, feishu and lark")
		foreign("keyword", s.Keyword != "", "dingtalk, feishu and lark")
	}
	if !k.auth {
		foreign("username", s.Username != "" || s.Password != "", "webhook and alertmanager")
		foreign("bearer", s.Bearer != "", "webhook and alertmanager")
	}
	if k.name != "alertmanager" {
		foreign("urls", len(s.URLs) > 0, "alertmanager; make it several sinks")
	}
	if s.Bearer != "" && s.Username != "" {
		bad(at+"bearer", "bearer and username: want one of them")
	}
	if strings.ContainsAny(string(s.Bearer)+s.Username+string(s.Password), "\r\n") {
		bad(at+"bearer", "bearer, username or password has a line end in it")
	}
	if (s.Password != "") != (s.Username != "") {
		bad(at+"password", "username and password: want both of them, or none")
	}
}

// robots are hosts whose addresses are of one kind only, and the part that makes them one.
var robots = []struct{ host, kind, query string }{
	{"oapi.dingtalk.com", "dingtalk", "access_token"},
	{"qyapi.weixin.qq.com", "wecom", "key"},
	{"open.feishu.cn", "feishu", ""},
	{"open.larksuite.com", "lark", ""},
	{"hooks.slack.com", "slack", ""},
}

func (s *Sink) validateURL(field string, address Secret, bad func(field, format string, args ...any)) {
	u, problem := parseURL(string(address))
	if problem != "" {
		bad(field, "%s: want %s", problem, kindOf(s.Kind).url)
		return
	}
	for _, r := range robots {
		if u.Hostname() != r.host {
			continue
		}
		if r.kind != s.Kind && !(r.kind == "feishu" && s.Kind == "lark" || r.kind == "lark" && s.Kind == "feishu") {
			bad(field, "%s takes messages of kind %s, not %s", r.host, r.kind, s.Kind)
		} else if r.query != "" && u.Query().Get(r.query) == "" {
			bad(field, "has no %s: want %s", r.query, kindOf(r.kind).url)
		}
	}
}

// parseURL returns the problem in words that do not give the address away.
func parseURL(address string) (*url.URL, string) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, "is no address"
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, "begins with neither https:// nor http://"
	case u.Hostname() == "":
		return nil, "has no host"
	case u.Fragment != "":
		return nil, "has a part behind #, which is never sent"
	}
	return u, ""
}

var (
	nameForm  = lazyregexp.New(`^[A-Za-z0-9_.-]{1,64}$`)
	labelForm = lazyregexp.New(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

func validateLabel(field, name, value string, bad func(field, format string, args ...any)) {
	switch {
	case !labelForm().MatchString(name):
		bad(field, "%.80q is no name of a label: want letters, digits and _, and no digit first", name)
	case slices.Contains([]string{"alertname", "category", "severity", "code"}, name):
		bad(field, "is a label of ours: want another name")
	case value == "":
		bad(field, "is empty: Alertmanager drops such a label")
	}
}

// didYouMean returns a suggestion, or all that there is.
func didYouMean(word string, names []string) string {
	best, least := "", max(2, len(word)/3)+1
	for _, name := range names {
		if d := distance(strings.ToLower(word), name); d < least {
			best, least = name, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("; did you mean %q?", best)
	case len(names) == 0:
		return "; there is none"
	}
	return ": want one of " + strings.Join(names, ", ")
}

// distance is Levenshtein's, of texts of which the first is cut to 64 bytes.
func distance(a, b string) int {
	a = a[:min(len(a), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j]+1, row[j+1]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}

// couriers returns one for each target.
func (s *sink) couriers(opt *Options) ([]courier, error) {
	if s.kind.url == "" {
		f, err := newLineFile(s.Path, s.Writer)
		if err != nil {
			return nil, err
		}
		return []courier{f}, nil
	}
	transport := opt.Transport
	if transport == nil {
		var err error
		if transport, err = newTransport(s.CAFile); err != nil {
			return nil, err
		}
	}
	var all []courier
	for _, address := range append([]Secret{s.URL}, s.URLs...) {
		u, _ := parseURL(string(address)) // was validated
		all = append(all, &post{
			sink: &s.Sink, kind: s.kind, address: u, redactor: newRedactor(u, s.Secret, s.Password, s.Bearer),
			composer: newComposer(opt, &s.Sink, u),
			client: &http.Client{
				Transport:     transport,
				CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			},
		})
	}
	return all, nil
}

// newTransport trusts the authorities of caFile, if one is given, instead of those the system trusts.
func newTransport(caFile string) (http.RoundTripper, error) {
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    timeout,
		MaxResponseHeaderBytes: answerLimit,
		DisableKeepAlives:      true, // alerts are rare, and a connection kept for hours is often dead when it is needed
		ForceAttemptHTTP2:      true,
	}
	if caFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	t.TLSClientConfig.RootCAs = x509.NewCertPool()
	if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file: %s holds no certificate in PEM form", caFile)
	}
	return t, nil
}
