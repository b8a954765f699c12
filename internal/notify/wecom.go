package notify

import (
	"strings"
	"time"
)

// weComLimit is the size of markdown.content in bytes of UTF-8.
const weComLimit = 4096

// weComColours are all that WeCom has: warning is orange, info green, comment grey.
var weComColours = [...]string{info: "comment", warning: "warning", serious: "warning", critical: "warning", good: "info", neutral: "comment"}

func composeWeCom(c *composer, notes []note) (request, int) {
	m, n := c.fit(notes, weComLimit, func(m message) int { return len(c.weCom(m)) })
	return request{body: encode(map[string]any{
		"msgtype":  "markdown",
		"markdown": map[string]string{"content": c.weCom(m)},
	})}, n
}

func (c *composer) weCom(m message) string {
	lines := []string{`**<font color="` + weComColours[m.mood] + `">` + plainMarkdown.Replace(m.title) + `</font>**`}
	lines = append(lines, c.body(m, func(s string) string { return ">" + plainMarkdown.Replace(s) })...)
	return strings.Join(append(lines, c.markdownLinks()...), "\n")
}

var weComCodes = map[string]meaning{
	"-1":    {hint: "WeCom is busy; it is sent later", temporary: true},
	"40008": {hint: "the robot does not take markdown"},
	"40058": {hint: "the message has not the form it wants"},
	"44004": {hint: "the message is empty"},
	"45002": {hint: "longer than 4,096 bytes"},
	"45009": {hint: "more than 20 messages a minute; it is sent later", temporary: true, wait: time.Minute},
	"93000": {hint: "key in url: is unknown; copy the address of the robot again"},
	"93004": {hint: "the robot was switched off"},
	"93008": {hint: "the robot was removed from its group"},
}

func judgeWeCom(status int, answer []byte) *Error {
	code, text, err := vendorCode(status, answer, "errcode", "errmsg")
	if code == "" {
		return err
	}
	m := weComCodes[code]
	if strings.Contains(text, "exceed max length") { // comes with 93000 too
		m = weComCodes["45002"]
	}
	text, _, _ = strings.Cut(text, ", hint:") // a number for their support, the address of this machine, a link
	return refusal(code, text, m)
}
