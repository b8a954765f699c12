package extract

import "testing"

func TestLevelInText(t *testing.T) {
	for _, tc := range []struct {
		text string
		want Level
	}{
		{"2026-11-23T09:00:00.000Z ERROR im ", WarnUp}, {"[2026-11-23T09:00:00.000] [WARN] im - ", WarnUp}, {"[error] im error ", WarnUp},
		{"error: login failed ", WarnUp}, {"info: login ", BelowWarn}, {"2026-11-23 09:00:00 info: x", BelowWarn}, {"level=info msg=x", BelowWarn},
		{`"level":"info",`, BelowWarn}, {`level="error"`, WarnUp}, {"<debug> x", BelowWarn}, {"E1123 09:00:00.1 7 a.go:1] ", WarnUp}, {"I1123 09:00:00.1 7 a.go:1] ", BelowWarn},
		{"\x1b[32minfo\x1b[39m: x ", BelowWarn}, {"\x1b[31mERR!\x1b[0m x", WarnUp}, {"09:00:00 | warn | x", WarnUp}, {"2026-11-23 INFO then ERROR", BelowWarn},
		{"im error ", NoLevel}, {"user info: ", NoLevel}, {"an error occurred ", NoLevel}, {"im-error-handler ", NoLevel}, {"INFORMED ", NoLevel},
		{"errors ", NoLevel}, {"", NoLevel}, {"用户 ", NoLevel},
	} {
		if got := levelIn([]byte(tc.text)); got != tc.want {
			t.Errorf("levelIn(%q) = %d, want %d", tc.text, got, tc.want)
		}
	}
}

func TestLevelOfRecord(t *testing.T) {
	for _, tc := range []struct {
		name, members string
		want          Level
	}{
		{"winston", `"level":"error"`, WarnUp}, {"winston info", `"level":"info"`, BelowWarn}, {"capitals", `"level":"WARNING"`, WarnUp},
		{"pino", `"level":50`, WarnUp}, {"pino info", `"level":30`, BelowWarn}, {"bunyan warn", `"level":40`, WarnUp},
		{"GELF", `"level":3`, WarnUp}, {"GELF info", `"level":6`, BelowWarn}, {"monolog", `"level":400`, WarnUp}, {"monolog info", `"level":200`, BelowWarn},
		{"Google", `"severity":"ERROR"`, WarnUp}, {"ECS", `"log.level":"error"`, WarnUp}, {"ECS nested", `"log":{"level":"info"}`, BelowWarn},
		{"OTLP number", `"severityNumber":17`, WarnUp}, {"OTLP info", `"severityNumber":9`, BelowWarn}, {"journal", `"PRIORITY":"3"`, WarnUp},
		{"journal's default", `"PRIORITY":"6"`, NoLevel}, {"mini program", `"libraryVersion":"3","level":8`, WarnUp}, {"mini program info", `"libraryVersion":"3","level":2`, BelowWarn},
		{"none", `"a":1`, NoLevel}, {"unknown word", `"level":"loud"`, NoLevel}, {"null", `"level":null`, NoLevel},
	} {
		d := New(Options{}).Extract([]byte("{" + tc.members + `,"error":{"type":206}}`))
		if len(d.Candidates) != 1 || d.Candidates[0].Level != tc.want {
			t.Errorf("%s: %+v, want level %d", tc.name, d.Candidates, tc.want)
		}
	}
}
