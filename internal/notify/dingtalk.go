package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// dingTalkLimit is the size of a request's body in bytes, beyond which DingTalk answers 460101.
const dingTalkLimit = 20_000

func composeDingTalk(c *composer, notes []note) (request, int) {
	m, n := c.fit(notes, dingTalkLimit, func(m message) int { return len(c.dingTalk(m)) })
	r := request{body: c.dingTalk(m)}
	if secret := string(c.sink.Secret); secret != "" {
		stamp := strconv.FormatInt(c.now.UnixMilli(), 10)
		r.query = url.Values{"timestamp": {stamp}, "sign": {signDingTalk(stamp, secret)}}
	}
	return r, n
}

func (c *composer) dingTalk(m message) []byte {
	title := plainMarkdown.Replace(m.title)
	lines := append([]string{"### " + title}, c.body(m, plainMarkdown.Replace)...)
	lines = append(lines, c.markdownLinks()...)
	lines = append(lines, c.keyword(strings.Join(lines, "\n"))...)
	return encode(map[string]any{
		"msgtype":  "markdown",
		"markdown": map[string]string{"title": title, "text": strings.Join(lines, "\n\n")},
		"at":       map[string]any{"isAtAll": false},
	})
}

// signDingTalk signs milliseconds with the secret as key: the other way round than Feishu does.
func signDingTalk(stamp, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "\n" + secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// blocked is how long DingTalk is silent after too many messages.
const blocked = 10 * time.Minute

var dingTalkCodes = map[string]meaning{
	"-1":     {hint: "DingTalk is busy; it is sent later", temporary: true},
	"40035":  {hint: "a required parameter is missing: is url: complete?"},
	"130101": {hint: "more than 20 messages a minute; it is sent later", temporary: true, wait: blocked},
	"300001": {hint: "access_token in url: is unknown; copy the address of the robot again"},
	"300005": {hint: "access_token in url: is unknown; copy the address of the robot again"},
	"400013": {hint: "the group was dissolved; make a robot in another"},
	"400101": {hint: "access_token in url: is unknown; copy the address of the robot again"},
	"400102": {hint: "the robot was switched off"},
	"400105": {hint: "the robot does not take markdown"},
	"400106": {hint: "the robot was removed from its group"},
	"410100": {hint: "more than 20 messages a minute; it is sent later", temporary: true, wait: blocked},
	"430101": {hint: "a link in it is called unsafe; check dashboard: and runbook:"},
	"430102": {hint: "its text is called improper"},
	"430103": {hint: "its image is called improper"},
	"430104": {hint: "its text is called improper"},
	"460101": {hint: "longer than 20,000 bytes"},
}

func judgeDingTalk(status int, answer []byte) *Error {
	code, text, err := vendorCode(status, answer, "errcode", "errmsg")
	if code == "" {
		return err
	}
	if code == "310000" {
		return refusal(code, text, refused310000(text))
	}
	return refusal(code, text, dingTalkCodes[code])
}

// refused310000 tells apart what one code stands for: keyword, signature, time or address.
func refused310000(text string) meaning {
	lower := strings.ToLower(text)
	switch {
	case strings.Contains(lower, "keyword"):
		return meaning{hint: "set keyword: in the sink, or use secret:"}
	case strings.Contains(lower, "timestamp"):
		return meaning{hint: "the clock of this machine is off by more than an hour"}
	case strings.Contains(lower, "sign"):
		return meaning{hint: "secret: is not that of this robot (it begins with SEC)"}
	case strings.Contains(lower, "ip"), strings.Contains(lower, "whitelist"):
		return meaning{hint: "add the address of this machine in the robot's settings"}
	}
	return meaning{hint: "the robot's settings ask for a keyword (keyword:), a signature (secret:) or an address of a list"}
}

// meaning is what a vendor's code says to do.
type meaning struct {
	hint      string
	temporary bool
	wait      time.Duration
}

func refusal(code, text string, m meaning) *Error {
	return &Error{Result: Rejected, Code: code, Message: text, Hint: m.hint, temporary: m.temporary, wait: m.wait}
}

// vendorCode reads the number that decides, which may be another than the status of HTTP. No code and no error is yes.
func vendorCode(status int, answer []byte, codeKey, textKey string) (code, text string, err *Error) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(answer, &fields) != nil || fields[codeKey] == nil {
		if status >= 300 {
			return "", "", nil // the status says enough
		}
		return "", "", &Error{Result: Failed, Message: "the answer has no " + codeKey + " and is not the vendor's", Hint: "check url:", temporary: true}
	}
	code = strings.Trim(string(fields[codeKey]), `"`)
	if code == "0" {
		return "", "", nil
	}
	_ = json.Unmarshal(fields[textKey], &text) // a text that is none stays empty
	return clean(code, 20), text, nil
}

// encode returns v as JSON, with <, > and & as they are: they count once against the limits.
func encode(v any) []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // maps, texts and numbers only
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}
