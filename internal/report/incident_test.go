package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/pkg/catalog"
)

// stormy is the morning with its alerts: two kick storms, what came with the first, and one that has not ended.
func stormy() *aggregate.Result {
	res := morning()
	SetAlerts(res, []detect.Alert{
		{
			Alert: "kick-storm", Codes: []int32{206, 217}, State: detect.Resolved, Severity: "critical", At: *at("11:20:00"), StartsAt: *at("10:31:20"),
			FiredAt: *at("10:32:20"), EndsAt: at("11:12:40"), Reason: "quiet", Count: 6912, Users: 2406, Rate: 167, Peak: 251, Usual: 3, Kind: detect.KindMass,
			Storm: &detect.Storm{KicksPerUser: 2.5}, Why: []detect.Change{{Field: "version", Value: "5.3.0", Share: 0.98, Before: 0.31, Lift: 3.2}},
			TopUsers: []detect.TopUser{{User: "u_1***3", Count: 61}, {User: "vi***敏", Count: 44}},
			Advice:   detect.Text{ZH: "检查新版本。", EN: "Look at the new version."},
		},
		{Alert: "kick-storm", Codes: []int32{206}, State: detect.Resolved, Severity: "critical", At: *at("07:10:00"), StartsAt: *at("07:00:00"),
			FiredAt: *at("07:01:00"), EndsAt: at("07:05:00"), Count: 80, Users: 3, Peak: 20, Kind: detect.KindPingPong, Storm: &detect.Storm{KicksPerUser: 27, GapSeconds: 8}},
		{Alert: "spike-39", Codes: []int32{39}, State: detect.Resolved, Severity: "warning", At: *at("11:00:00"), StartsAt: *at("10:31:40"),
			FiredAt: *at("10:34:00"), EndsAt: at("11:00:00"), Count: 800, Users: 301, Peak: 27, Usual: 6.4},
		{Alert: "spike-50", Codes: []int32{50}, State: detect.Firing, Severity: "error", At: *at("11:59:50"), StartsAt: *at("11:38:50"),
			FiredAt: *at("11:39:20"), Count: 252, Users: 198, Rate: 14, Peak: 14},
	}, china)
	return res
}

func TestIncidents(t *testing.T) {
	opt := TextOptions{Input: "app.log", Again: "app.log"}
	zh := opt
	zh.Lang = catalog.ZH
	for name, tc := range map[string]struct {
		alert string
		opt   TextOptions
	}{
		"incident_en": {"kick-storm", opt}, "incident_zh": {"kick-storm", zh}, "incident_earlier": {"kick-storm@2026-11-23T07:00", opt}, "incident_open": {"spike-50", opt},
	} {
		t.Run(name, func(t *testing.T) {
			text := write(t, func(b *bytes.Buffer) error { return Incident(b, stormy(), catalog.Web(), tc.alert, tc.opt) })
			golden(t, name, text)
		})
	}
}

func TestAnIncidentThatIsNone(t *testing.T) {
	for _, tc := range []struct {
		name, incident, want string
		res                  *aggregate.Result
	}{
		{"another name", "kick", `incident "kick": no such alert; there are kick-storm@2026-11-23T10:31:20, kick-storm@2026-11-23T07:00:00, spike-39, spike-50`, stormy()},
		{"another time", "spike-39@2026-11-24", `incident "spike-39": no such alert; there are`, stormy()},
		{"a quiet log", "kick-storm", `incident "kick-storm": no such alert; there is none in this log`, quiet()},
		{"escapes", "\x1b[31m", "incident \"\\\\u001b[31m\": no such alert; there is none", quiet()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var b bytes.Buffer
			err := Incident(&b, tc.res, nil, tc.incident, TextOptions{})
			if !errors.Is(err, ErrNoAlert) || !strings.HasPrefix(strings.ReplaceAll(err.Error(), "@2026-11-24", ""), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			if b.Len() > 0 {
				t.Errorf("%q was written", &b)
			}
		})
	}
}

// checkIncident is checkMarkdown outside of code, whose lines must not look like the end of it.
func checkIncident(t *testing.T, text string) {
	t.Helper()
	var prose []string
	inside := false
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case line == "```text" || line == "```sh" || line == "```":
			inside = !inside
			prose = append(prose, "")
		case !inside:
			prose = append(prose, line)
		case strings.HasPrefix(strings.TrimLeft(line, " "), "```"):
			t.Fatalf("code ends itself: %q", line)
		default:
			visible(t, line)
		}
	}
	if inside {
		t.Fatal("code without an end")
	}
	checkMarkdown(t, strings.Join(prose, "\n"))
}

func FuzzIncidentIsInert(f *testing.F) {
	for i, s := range seeds {
		f.Add(s, int64(i))
	}
	f.Fuzz(func(t *testing.T, s string, n int64) {
		res := hostile(s, n)
		end := at("07:05:00").Add(time.Duration(n % 1e15))
		a := detect.Alert{
			Alert: "x" + s, Codes: []int32{206, 39, int32(n)}, State: s, Severity: s, At: end, StartsAt: *at("07:00:00"), FiredAt: end, EndsAt: &end, Reason: s,
			Count: n, Users: n, Peak: float64(n), Usual: 3, Window: s, Kind: detect.KindPingPong, Why: []detect.Change{{Field: s, Value: s, Share: float64(n)}},
			TopUsers: []detect.TopUser{{User: s, Count: n}}, Advice: detect.Text{ZH: s, EN: s},
		}
		SetAlerts(res, []detect.Alert{a, {Alert: s, StartsAt: *at("07:00:00"), At: end}}, china)
		name := Alerts(res)[0].Alert
		name, _, _ = strings.Cut(name, "@")
		var b bytes.Buffer
		err := Incident(&b, res, catalog.Web(), name, TextOptions{Input: s, Again: s})
		if err != nil && !strings.Contains(s, "@") {
			t.Fatal(err)
		}
		checkIncident(t, b.String())
	})
}
