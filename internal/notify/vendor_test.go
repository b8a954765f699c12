package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"imerr-scan/internal/detect"
	"imerr-scan/pkg/catalog"
)

const fingerprintOfAlertmanager = "4b4125405ae24051"

// textOf digs the text that people read out of a vendor's message, and fails where a field that the vendor asks for is
// missing.
func textOf(t *testing.T, kind string, body []byte) string {
	t.Helper()
	var m struct {
		MsgType  string `json:"msgtype"`
		MsgType2 string `json:"msg_type"`
		Markdown struct{ Title, Text, Content string }
		Card     struct {
			Header struct {
				Title    struct{ Tag, Content string }
				Template string
			}
			Elements []struct{ Tag, Content string }
		}
		Text        string
		Attachments []struct {
			Color  string
			Blocks []struct {
				Type string
				Text struct {
					Type, Text string
					Verbatim   bool
				}
			}
		}
	}
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatalf("%s: %v in %s", kind, err, body)
	}
	ok, text := false, ""
	switch kind {
	case "dingtalk":
		ok, text = m.MsgType == "markdown" && m.Markdown.Title != "" && m.Markdown.Text != "", m.Markdown.Text
	case "wecom":
		ok, text = m.MsgType == "markdown" && m.Markdown.Content != "", m.Markdown.Content
	case "feishu", "lark":
		h := m.Card.Header
		ok = m.MsgType2 == "interactive" && h.Title.Tag == "plain_text" && h.Title.Content != "" && h.Template != "" && len(m.Card.Elements) == 1
		if ok {
			ok, text = m.Card.Elements[0].Tag == "markdown", h.Title.Content+"\n"+m.Card.Elements[0].Content
		}
	case "slack":
		ok = m.Text != "" && len(m.Attachments) == 1 && m.Attachments[0].Color != "" && len(m.Attachments[0].Blocks) == 1
		if ok {
			b := m.Attachments[0].Blocks[0]
			ok, text = b.Type == "section" && b.Text.Type == "mrkdwn" && b.Text.Verbatim, b.Text.Text
		}
	}
	if !ok {
		t.Fatalf("%s: a field is missing in %s", kind, body)
	}
	return text
}

// sendOnce makes one try at a server that answers as handler does.
func sendOnce(t *testing.T, s Sink, handler http.HandlerFunc, alerts ...detect.Alert) error {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if s.URL == "" {
		s.URL = "http://host/hook-in-a-path?access_token=secret-token&key=secret-token"
	}
	address, err := url.Parse(string(s.URL))
	if err != nil {
		t.Fatal(err)
	}
	address.Scheme, address.Host = "http", u.Host
	s.URL = Secret(address.String())
	return try(t, s, context.Background(), alerts...)
}

// try makes one try.
func try(t *testing.T, s Sink, ctx context.Context, alerts ...detect.Alert) error { //nolint:revive // t first, as in every helper
	t.Helper()
	n, err := New(Options{Sinks: []Sink{s}, Catalog: catalog.Web(), Zone: beijing})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close(context.Background())
	if len(alerts) == 0 {
		alerts = []detect.Alert{storm()}
	}
	var notes []note
	for _, a := range alerts {
		notes = append(notes, asNote(a, ""))
	}
	if _, err := n.sinks[0].targets[0].deliver(ctx, notes); err != nil {
		return err
	}
	return nil
}

// The signatures were made with openssl dgst -sha256 -hmac KEY -binary | base64: for DingTalk of STAMP, line end, SECRET with
// SECRET as key, for Feishu of nothing with STAMP, line end, SECRET as key.
func TestSignatures(t *testing.T) {
	if got, want := signDingTalk("1795401080000", "SECabc"), "RRusw2u66TngQXsTm5LdK3a+81Mz3X5m+BCw9xl49M8="; got != want {
		t.Errorf("DingTalk: %s, want %s", got, want)
	}
	if got, want := signFeishu("1795401080", "abc"), "Pe5i8brNiMBGtvrJhxy8oYzPkGOcpg71xyz4ZC7B6GM="; got != want {
		t.Errorf("Feishu: %s, want %s", got, want)
	}
}

// dingTalk answers as the documentation of its custom robot says.
func dingTalk(t *testing.T, secret, keyword string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		q := r.URL.Query()
		stamp, _ := strconv.ParseInt(q.Get("timestamp"), 10, 64)
		no := func(code int, text string) { fmt.Fprintf(w, `{"errcode":%d,"errmsg":%q}`, code, text) }
		switch {
		case r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
			no(43004, "invalid http header content-type")
		case q.Get("access_token") != "secret-token":
			no(300005, "token is not exist")
		case secret != "" && time.Since(time.UnixMilli(stamp)).Abs() > time.Hour:
			no(310000, "invalid timestamp")
		case secret != "" && q.Get("sign") != signDingTalk(q.Get("timestamp"), secret):
			no(310000, "sign not match")
		case !strings.Contains(textOf(t, "dingtalk", body), keyword):
			no(310000, "keywords not in content")
		case len(body) > 20000:
			no(460101, "message too long")
		default:
			no(0, "ok")
		}
	}
}

func feishu(t *testing.T, secret, keyword string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var signed struct{ Timestamp, Sign string }
		_ = json.Unmarshal(body, &signed)
		stamp, _ := strconv.ParseInt(signed.Timestamp, 10, 64)
		no := func(code int, text string) { fmt.Fprintf(w, `{"code":%d,"data":{},"msg":%q}`, code, text) }
		switch {
		case secret != "" && (time.Since(time.Unix(stamp, 0)).Abs() > time.Hour || signed.Sign != signFeishu(signed.Timestamp, secret)):
			no(19021, "sign match fail or timestamp is not within one hour from current time")
		case !strings.Contains(textOf(t, "feishu", body), keyword):
			no(19024, "Key Words Not Found")
		case len(body) > 20<<10:
			no(9499, "Bad Request")
		default:
			fmt.Fprint(w, `{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}`)
		}
	}
}

func weCom(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch text := textOf(t, "wecom", body); {
		case r.URL.Query().Get("key") != "secret-token":
			fmt.Fprint(w, `{"errcode":93000,"errmsg":"invalid webhook url, hint: [1592021214_50_551f], from ip: 198.51.100.7, more info at https://open.work.weixin.qq.com/devtool/query?e=93000"}`)
		case len(text) > 4096:
			fmt.Fprint(w, `{"errcode":45002,"errmsg":"content exceed max length"}`)
		default:
			fmt.Fprint(w, `{"errcode":0,"errmsg":"ok"}`)
		}
	}
}

func slack(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if len([]rune(textOf(t, "slack", body))) > 3000 {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, "invalid_blocks")
			return
		}
		fmt.Fprint(w, "ok")
	}
}

// TestVendorsTakeWhatWeSend sends each vendor all kinds of messages, and asks for what its robot may be set to ask for.
func TestVendorsTakeWhatWeSend(t *testing.T) {
	many := []detect.Alert{storm(), resolved(overLimit()), spike(509, "error"), hostile()}
	for _, tc := range []struct {
		name   string
		sink   Sink
		server http.HandlerFunc
	}{
		{"DingTalk", Sink{Kind: "dingtalk"}, dingTalk(t, "", "")},
		{"DingTalk, signed", Sink{Kind: "dingtalk", Secret: "SECabc"}, dingTalk(t, "SECabc", "")},
		{"DingTalk, keyword", Sink{Kind: "dingtalk", Keyword: "监控"}, dingTalk(t, "", "监控")},
		{"DingTalk, keyword that is there", Sink{Kind: "dingtalk", Keyword: "次"}, dingTalk(t, "", "次")},
		{"Feishu", Sink{Kind: "feishu"}, feishu(t, "", "")},
		{"Feishu, signed", Sink{Kind: "feishu", Secret: "abc"}, feishu(t, "abc", "")},
		{"Lark, keyword", Sink{Kind: "lark", Keyword: "IM!"}, feishu(t, "", "IM!")},
		{"WeCom", Sink{Kind: "wecom"}, weCom(t)},
		{"Slack", Sink{Kind: "slack"}, slack(t)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, alerts := range [][]detect.Alert{{storm()}, {resolved(storm())}, {hostile()}, {Sample(onset)}, many} {
				if err := sendOnce(t, tc.sink, tc.server, alerts...); err != nil {
					t.Errorf("%d alerts, the first %s %s: %v", len(alerts), alerts[0].Alert, alerts[0].State, err)
				}
			}
		})
	}
}

// TestARefusalSaysWhatToDo: the code of the vendor, its text, and the next step, without the token.
func TestARefusalSaysWhatToDo(t *testing.T) {
	answer := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); fmt.Fprint(w, text) }
	}
	for _, tc := range []struct {
		name   string
		sink   Sink
		server http.HandlerFunc
		want   string
	}{
		{"DingTalk wants a keyword", Sink{Kind: "dingtalk"}, dingTalk(t, "", "监控"),
			"dingtalk: 310000 keywords not in content: set keyword: in the sink, or use secret:"},
		{"DingTalk, other secret", Sink{Kind: "dingtalk", Secret: "SECx"}, dingTalk(t, "SECy", ""),
			"dingtalk: 310000 sign not match: secret: is not that of this robot (it begins with SEC)"},
		{"DingTalk, address not on its list", Sink{Kind: "dingtalk"}, answer(200, `{"errcode":310000,"errmsg":"ip 198.51.100.7 not in whitelist"}`),
			"dingtalk: 310000 ip 198.51.100.7 not in whitelist: add the address of this machine in the robot's settings"},
		{"DingTalk, too long", Sink{Kind: "dingtalk"}, answer(200, `{"errcode":460101,"errmsg":"message too long"}`),
			"dingtalk: 460101 message too long: longer than 20,000 bytes"},
		{"DingTalk, too many", Sink{Kind: "dingtalk"}, answer(200, `{"errcode":130101,"errmsg":"send too fast"}`),
			"dingtalk: 130101 send too fast: more than 20 messages a minute; it is sent later"},
		{"WeCom, unknown key", Sink{Kind: "wecom", URL: "http://host/send?key=other-token"}, weCom(t),
			"wecom: 93000 invalid webhook url: key in url: is unknown; copy the address of the robot again"},
		{"WeCom, too many", Sink{Kind: "wecom"}, answer(200, `{"errcode":45009,"errmsg":"api freq out of limit"}`),
			"wecom: 45009 api freq out of limit: more than 20 messages a minute; it is sent later"},
		{"Feishu, not its form", Sink{Kind: "feishu"}, answer(200, `{"code":9499,"msg":"Bad Request","data":{}}`),
			"feishu: 9499 Bad Request: the message has not the form it wants: is url: that of a custom robot (/open-apis/bot/v2/hook/…)?"},
		{"Feishu, no such robot, HTTP 400", Sink{Kind: "feishu"}, answer(400, `{"code":19001,"msg":"param invalid: incoming webhook access token invalid","data":{}}`),
			"feishu: 19001 param invalid: incoming webhook access token invalid: url: is of no robot; copy the address of the robot again"},
		{"Feishu, other secret", Sink{Kind: "feishu", Secret: "x"}, feishu(t, "y", ""),
			"feishu: 19021 sign match fail or timestamp is not within one hour from current time: secret: is not that of this robot, or the clock of this machine is off by more than an hour"},
		{"Feishu wants a keyword", Sink{Kind: "feishu"}, feishu(t, "", "监控"),
			"feishu: 19024 Key Words Not Found: the robot asks for a keyword: set keyword: in the sink"},
		{"Slack, revoked", Sink{Kind: "slack", Name: "ops"}, answer(403, "invalid_token"),
			"ops: invalid_token: the token in url: is wrong or was revoked; copy the address of the webhook again"},
		{"Slack, removed", Sink{Kind: "slack"}, answer(404, "no_service"),
			"slack: no_service: the webhook was removed or switched off; make a new one"},
		{"webhook, wrong password", Sink{Kind: "webhook"}, answer(401, "who are you, secret-token?"),
			"webhook: HTTP 401 who are you, ***?: check the token or password"},
		{"Alertmanager refuses", Sink{Kind: "alertmanager"}, answer(400, `"start time must be before end time"`),
			`alertmanager: HTTP 400 "start time must be before end time"`},
		{"webhook that repeats the token in its path", Sink{Kind: "webhook", URL: "http://host/hooks/path-token"}, answer(404, "no hook path-token"),
			"webhook: HTTP 404 no hook ***: check url:"},
		{"answer with control characters", Sink{Kind: "webhook"}, answer(400, "\x1b[31mred\u202e\nline"),
			`webhook: HTTP 400 \u001b[31mred\u202e line`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := sendOnce(t, tc.sink, tc.server)
			if err == nil {
				t.Fatal("was taken")
			}
			if got := err.Error(); got != tc.want {
				t.Errorf("error\n%s\nwant\n%s", got, tc.want)
			}
			if e, ok := errors.AsType[*Error](err); !ok || e.Result != Rejected {
				t.Errorf("%#v is not rejected", err)
			}
		})
	}
}

func TestWebhookIsAlertmanagersForm(t *testing.T) {
	c := composerFor("webhook", "zh")
	r, n := composeWebhook(c, []note{asNote(storm(), ""), asNote(resolved(spike(509, "warning")), detect.Firing)})
	var pretty strings.Builder
	e := json.NewEncoder(&pretty)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(json.RawMessage(r.body)); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	golden(t, "webhook.golden", pretty.String())
}

func TestAlertmanagerGetsTimesItAccepts(t *testing.T) {
	c := composerFor("alertmanager", "en")
	ahead := spike(509, "error")
	ahead.StartsAt = c.now.Add(time.Hour) // by the clock of a phone
	older := resolved(spike(17, "error"))
	newer := spike(17, "error")
	newer.StartsAt = newer.StartsAt.Add(50 * time.Minute)
	r, n := composeAlertmanager(c, []note{
		asNote(storm(), ""), asNote(resolved(overLimit()), detect.Firing), asNote(ahead, ""), asNote(newer, ""), asNote(older, detect.Firing),
	})
	var got []posted
	if err := json.Unmarshal(r.body, &got); err != nil {
		t.Fatal(err)
	}
	if n != 5 || len(got) != 4 || r.path != "/api/v2/alerts" {
		t.Fatalf("%d of 5 notes are %d alerts at %s; want 4, of two with the same labels only the newer", n, len(got), r.path)
	}
	for i, wantEnd := range []time.Time{c.now.Add(4 * time.Minute), c.now, c.now.Add(4 * time.Minute), c.now.Add(4 * time.Minute)} {
		if p := got[i]; !p.EndsAt.Equal(wantEnd) || p.StartsAt.After(p.EndsAt) || p.StartsAt.After(c.now) {
			t.Errorf("%v: %s to %s, want an end at %s", p.Labels, p.StartsAt, p.EndsAt, wantEnd)
		}
	}
	if !got[0].StartsAt.Equal(onset) || !got[3].StartsAt.Equal(newer.StartsAt) {
		t.Errorf("starts %s and %s", got[0].StartsAt, got[3].StartsAt)
	}
}
