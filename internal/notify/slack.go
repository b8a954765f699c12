package notify

import (
	"strings"
	"unicode/utf8"
)

// slackLimit is the length of the text of a section block, in characters.
const slackLimit = 3000

var slackColours = [...]string{
	info: "#1d9bd1", warning: "#e8b100", serious: "#e87000", critical: "#d00000", good: "#2eb886", neutral: "#a0a0a0",
}

func composeSlack(c *composer, notes []note) (request, int) {
	m, n := c.fit(notes, slackLimit, func(m message) int { return utf8.RuneCountInString(c.slack(m)) })
	return request{body: encode(map[string]any{
		"text": slackText.Replace(m.title), // of the notification
		"attachments": []any{map[string]any{
			"color":    slackColours[m.mood],
			"fallback": slackText.Replace(m.title),
			"blocks": []any{map[string]any{
				"type": "section",
				"text": map[string]any{"type": "mrkdwn", "text": c.slack(m), "verbatim": true},
			}},
		}},
	})}, n
}

func (c *composer) slack(m message) string {
	lines := append([]string{"*" + slackText.Replace(m.title) + "*"}, c.body(m, slackText.Replace)...)
	var links []string
	for _, l := range c.links {
		links = append(links, "<"+slackText.Replace(l.url)+"|"+l.title+">")
	}
	if links != nil {
		lines = append(lines, strings.Join(links, " · "))
	}
	return strings.Join(lines, "\n")
}

var slackCodes = map[string]meaning{
	"action_prohibited":                 {hint: "an administrator forbids it; ask for the permission or take another channel"},
	"channel_is_archived":               {hint: "the channel was archived; make a webhook for another"},
	"channel_not_found":                 {hint: "the channel is gone; make a webhook for another"},
	"invalid_payload":                   {hint: "the message has not the form it wants"},
	"invalid_blocks":                    {hint: "the message has not the form it wants"},
	"invalid_token":                     {hint: "the token in url: is wrong or was revoked; copy the address of the webhook again"},
	"no_active_hooks":                   {hint: "the webhook was switched off"},
	"no_service":                        {hint: "the webhook was removed or switched off; make a new one"},
	"no_service_id":                     {hint: "url: is cut off; copy the address of the webhook again"},
	"no_team":                           {hint: "the workspace is gone, or url: is wrong"},
	"no_text":                           {hint: "the message is empty"},
	"posting_to_general_channel_denied": {hint: "this channel takes messages of administrators only; take another"},
	"rate_limited":                      {hint: "too many messages; it is sent later", temporary: true},
	"team_disabled":                     {hint: "the workspace was switched off"},
	"too_many_attachments":              {hint: "the message has not the form it wants"},
	"user_not_found":                    {hint: "the user whom the webhook writes to is gone"},
}

// judgeSlack takes only "ok" for yes.
func judgeSlack(status int, answer []byte) *Error {
	text := strings.TrimSpace(string(answer))
	m, known := slackCodes[text]
	switch {
	case text == "ok" && status < 300:
		return nil
	case known:
		return refusal(text, "", m)
	case status < 300:
		return &Error{Result: Failed, Message: "the answer is not Slack's: " + clean(text, valueLimit), Hint: "check url:", temporary: true}
	}
	return nil
}
