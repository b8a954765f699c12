package notify

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"imerr-scan/internal/detect"
)

const (
	valueLimit = 64 // characters of a name or value
	textLimit  = 600
	whyLimit   = 8
	usersLimit = 5
	codesLimit = 64
	marksLimit = 2 // combining marks in a row
)

// cleanAlert returns a copy of a, which shares nothing with it, in which every text is fit to be shown and every list has
// an end.
func cleanAlert(a detect.Alert) detect.Alert {
	a.Alert, a.State, a.Severity = value(a.Alert), value(a.State), value(a.Severity)
	a.Category, a.Kind, a.Reason = value(a.Category), value(a.Kind), value(a.Reason)
	a.Clock, a.Window = value(a.Clock), value(a.Window)
	a.Codes = slices.Clone(a.Codes[:min(len(a.Codes), codesLimit)])
	a.Why = slices.Clone(a.Why[:min(len(a.Why), whyLimit)])
	for i := range a.Why {
		a.Why[i].Field, a.Why[i].Value = value(a.Why[i].Field), value(a.Why[i].Value)
	}
	a.TopUsers = slices.Clone(a.TopUsers[:min(len(a.TopUsers), usersLimit)])
	for i := range a.TopUsers {
		a.TopUsers[i].User = value(a.TopUsers[i].User)
	}
	if a.EndsAt != nil {
		end := *a.EndsAt
		a.EndsAt = &end
	}
	if a.Storm != nil {
		storm := *a.Storm
		a.Storm = &storm
	}
	a.Advice = detect.Text{ZH: clean(a.Advice.ZH, textLimit), EN: clean(a.Advice.EN, textLimit)}
	return a
}

// value cleans a text that somebody else chose. Addresses are broken up, so that no client makes a link of them.
func value(s string) string {
	return strings.ReplaceAll(clean(s, valueLimit), "://", ": //")
}

// clean makes a text fit to be shown: one line, at most limit characters (then …), valid UTF-8, and nothing that moves the
// cursor, reorders or hides text. Line ends and tabs become spaces, other invisible characters are shown as \u202e.
func clean(s string, limit int) string {
	var b strings.Builder
	n, marks := 0, 0
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		s = s[size:]
		if n++; n > limit {
			b.WriteRune('…')
			break
		}
		if marks++; !unicode.IsMark(r) {
			marks = 0
		}
		switch {
		case r == '\t' || r == '\n' || r == '\r' || unicode.Is(unicode.Zs, r):
			b.WriteByte(' ')
		case !unicode.IsPrint(r) || marks > marksLimit:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// plainMarkdown takes the meaning from the characters of markdown, which DingTalk and WeCom let nobody escape: their wide
// twins look alike and do nothing. _ stays: names of constants are full of it, and the worst it does is italics.
var plainMarkdown = strings.NewReplacer(
	"<", "＜", ">", "＞", "[", "［", "]", "］", "`", "｀", "*", "＊", "#", "＃", "|", "｜", "~", "～", `\`, "＼", "&", "＆")

// entities is how a Feishu card wants the characters of markdown written, as its documentation of the markdown element says.
var entities = strings.NewReplacer(
	"&", "&#38;", "<", "&#60;", ">", "&#62;", "[", "&#91;", "]", "&#93;", "(", "&#40;", ")", "&#41;", "`", "&#96;",
	"*", "&#42;", "#", "&#35;", "|", "&#124;", "~", "&#126;", `\`, "&#92;", "_", "&#95;", "!", "&#33;")

// slackText is what Slack asks to be escaped. No link, mention or command can be written without <.
var slackText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// labelsOf returns the labels that make an alert the same alert elsewhere: nothing that can change while it is open.
func labelsOf(a *detect.Alert, external map[string]string) map[string]string {
	labels := map[string]string{}
	maps.Copy(labels, external)
	labels["alertname"] = alertName(a)
	labels["category"] = a.Category
	labels["severity"] = a.Severity
	if a.Alert != detect.KickStorm && len(a.Codes) == 1 {
		labels["code"] = fmt.Sprint(a.Codes[0])
	}
	maps.DeleteFunc(labels, func(_, v string) bool { return v == "" })
	return labels
}

// alertName returns ImerrKickStorm for kick-storm, ImerrSpike for the spike of any code, which is a label of its own.
func alertName(a *detect.Alert) string {
	name := a.Alert
	if isSpike(a) {
		name = "spike"
	}
	var b strings.Builder
	b.WriteString("Imerr")
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '-' || r == '_' || r == '.' }) {
		r, size := utf8.DecodeRuneInString(part)
		b.WriteRune(unicode.ToUpper(r))
		b.WriteString(part[size:])
	}
	return b.String()
}

func isSpike(a *detect.Alert) bool {
	return len(a.Codes) == 1 && a.Alert == fmt.Sprintf("spike-%d", a.Codes[0])
}
