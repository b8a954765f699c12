package page

import (
	"strings"
	"unicode/utf8"

	"imerr-scan/internal/report"
	"imerr-scan/pkg/catalog"
)

// text is a text in both languages; the page holds both.
type text = catalog.Text

func tr(en, zh string) text { return text{EN: en, ZH: zh} }

// same is a text that is the same in both languages: a name, a number.
func same(s string) text { return text{EN: s, ZH: s} }

// both asks for a text in each language.
func both(say func(catalog.Lang) string) text { return text{EN: say(catalog.EN), ZH: say(catalog.ZH)} }

func count(n int64) string { return report.Grouped(n) }

// clean makes a text from a log fit to be shown, in at most limit characters.
func clean(s string, limit int) string {
	if len(s) > 8*limit {
		s = s[:8*limit]
	}
	s = report.Clean(s)
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit]) + "…"
}

// categoryWords are those of the summary of report.
var categoryWords = map[string]text{
	"auth": {EN: "auth", ZH: "鉴权"}, "messaging": {EN: "messaging", ZH: "消息"}, "group": {EN: "group", ZH: "群组"},
	"chatroom": {EN: "chatroom", ZH: "聊天室"}, "quota": {EN: "quota", ZH: "额度"}, "general": {EN: "general", ZH: "通用"},
	"unknown": {EN: "unknown", ZH: "未知"},
}

var severityWords = map[string]text{
	"info": {EN: "info", ZH: "提示"}, "warning": {EN: "warning", ZH: "警告"}, "error": {EN: "error", ZH: "错误"},
	"critical": {EN: "critical", ZH: "严重"},
}

var patternWords = map[string]text{
	"ping_pong": {EN: "ping-pong: devices push each other out", ZH: "互踢：两端反复登录"}, "shared_account": {EN: "shared account", ZH: "多人共用账号"},
}

var fieldWords = map[string]text{
	"version": {EN: "version", ZH: "版本"}, "platform": {EN: "platform", ZH: "平台"}, "reason": {EN: "reason", ZH: "原因"},
}

var actorWords = map[string]text{
	"app_developer": {EN: "app developer", ZH: "应用开发者"}, "end_user": {EN: "end user", ZH: "终端用户"},
	"console_admin": {EN: "console admin", ZH: "控制台管理员"}, "provider": {EN: "provider", ZH: "服务商"},
}

var retryWords = map[string]text{
	"no": {EN: "do not retry", ZH: "不要重试"}, "after_backoff": {EN: "retry, each time later", ZH: "退避后重试"},
	"after_relogin": {EN: "retry after a new login", ZH: "重新登录后重试"},
}

// word looks a key up; one that is new is shown as it is.
func word(words map[string]text, key string) text {
	if t, ok := words[key]; ok {
		return t
	}
	return same(clean(key, 32))
}

// shortName is a constant without the prefix that all of them have.
func shortName(name string) string {
	for _, prefix := range []string{"WEBIM_CONNCTION_", "WEBIM_"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" {
			return clean(rest, 80)
		}
	}
	return clean(name, 80)
}
