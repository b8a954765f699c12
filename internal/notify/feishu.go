package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
)

// feishuLimit is the size of a request's body in bytes that Feishu's documentation of the robot allows.
const feishuLimit = 20_000

var feishuColours = [...]string{info: "blue", warning: "yellow", serious: "orange", critical: "red", good: "green", neutral: "grey"}

func composeFeishu(c *composer, notes []note) (request, int) {
	m, n := c.fit(notes, feishuLimit, func(m message) int { return len(c.feishu(m)) })
	return request{body: c.feishu(m)}, n
}

func (c *composer) feishu(m message) []byte {
	lines := c.body(m, entities.Replace)
	lines = append(lines, c.markdownLinks()...)
	lines = append(lines, c.keyword(m.title+"\n"+strings.Join(lines, "\n"))...)
	body := map[string]any{
		"msg_type": "interactive",
		"card": map[string]any{
			"config": map[string]any{"wide_screen_mode": true},
			"header": map[string]any{
				"title":    map[string]string{"tag": "plain_text", "content": m.title},
				"template": feishuColours[m.mood],
			},
			"elements": []any{map[string]string{"tag": "markdown", "content": strings.Join(lines, "\n")}},
		},
	}
	if secret := string(c.sink.Secret); secret != "" {
		stamp := strconv.FormatInt(c.now.Unix(), 10)
		body["timestamp"], body["sign"] = stamp, signFeishu(stamp, secret)
	}
	return encode(body)
}

// signFeishu signs nothing, with seconds and the secret as key: the other way round than DingTalk does.
func signFeishu(stamp, secret string) string {
	mac := hmac.New(sha256.New, []byte(stamp+"\n"+secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

var feishuCodes = map[string]meaning{
	"9499":  {hint: "the message has not the form it wants: is url: that of a custom robot (/open-apis/bot/v2/hook/…)?"},
	"11232": {hint: "too many messages; it is sent later", temporary: true},
	"19001": {hint: "url: is of no robot; copy the address of the robot again"},
	"19002": {hint: "a required parameter is missing"},
	"19007": {hint: "the robot is not switched on"},
	"19021": {hint: "secret: is not that of this robot, or the clock of this machine is off by more than an hour"},
	"19022": {hint: "add the address of this machine in the robot's settings"},
	"19024": {hint: "the robot asks for a keyword: set keyword: in the sink"},
}

func judgeFeishu(status int, answer []byte) *Error {
	key, text := "code", "msg"
	if !strings.Contains(string(answer), `"code"`) {
		key, text = "StatusCode", "StatusMessage" // the older form, of a yes
	}
	code, said, err := vendorCode(status, answer, key, text)
	if code == "" {
		return err
	}
	m := feishuCodes[code]
	if code == "9499" && strings.Contains(strings.ToLower(said), "too many") {
		m = feishuCodes["11232"]
	}
	return refusal(code, said, m)
}
