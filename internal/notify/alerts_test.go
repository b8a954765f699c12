package notify

import (
	"flag"
	"time"

	"imerr-scan/internal/detect"
)

var update = flag.Bool("update", false, "rewrite testdata/*.golden")

var (
	beijing = time.FixedZone("+08:00", 8*3600)
	onset   = time.Date(2026, 11, 23, 10, 31, 0, 0, beijing)
)

// storm is the kick storm of a release, as it is known after three minutes.
func storm() detect.Alert {
	return detect.Alert{
		Alert: detect.KickStorm, Codes: []int32{206, 217}, State: detect.Firing, Severity: "critical", Category: "auth",
		At: onset.Add(3 * time.Minute), StartsAt: onset, FiredAt: onset.Add(20 * time.Second),
		Count: 650, Users: 406, Rate: 251, Usual: 3, Ratio: 83.6, Peak: 251,
		Kind: detect.KindMass, Storm: &detect.Storm{KicksPerUser: 1.6, RepeatShare: 0.04},
		Why: []detect.Change{
			{Field: "version", Value: "5.3.0", Share: 0.98, Before: 0.31, Lift: 3.2},
			{Field: "platform", Value: "web", Share: 0.71},
		},
		TopUsers: []detect.TopUser{{User: "u_1****", Count: 61}, {User: "vi****", Count: 44}},
		Advice: detect.Text{
			ZH: "大面积用户各被踢一两次：检查新版本、多设备登录设置。不要自动重登。",
			EN: "Many users once or twice each: look at the release and the multi-device setting. Do not log in again.",
		},
	}
}

func pendingStorm() detect.Alert {
	a := storm()
	a.At, a.Kind, a.Storm, a.Why = onset.Add(20*time.Second), detect.KindPending, nil, nil
	a.Count, a.Users = 40, 38
	return a
}

func updated(a detect.Alert) detect.Alert {
	a.State, a.At, a.Count = detect.Update, a.At.Add(time.Minute), a.Count+250
	return a
}

func resolved(a detect.Alert) detect.Alert {
	end := onset.Add(41*time.Minute + 20*time.Second)
	a.State, a.At, a.EndsAt, a.Reason = detect.Resolved, end.Add(5*time.Minute), &end, "quiet"
	a.Count, a.Users, a.Rate, a.Peak = 6912, 2406, 167.2, 312
	return a
}

// spike is a spike of any code.
func spike(code int32, severity string) detect.Alert {
	return detect.Alert{
		Alert: "spike-" + itoa(code), Codes: []int32{code}, State: detect.Firing, Severity: severity, Category: "messaging",
		At: onset.Add(time.Minute), StartsAt: onset, FiredAt: onset.Add(time.Minute),
		Count: 1200, Users: 31, Rate: 400.4, Usual: 0.01, Ratio: 40040, Peak: 512, Why: []detect.Change{},
		Advice: detect.Text{ZH: "降低发送频率。", EN: "Send more slowly."},
	}
}

func itoa(code int32) string {
	return (&composer{}).codes([]int32{code})
}

// overLimit is an alert of a limit that a user set.
func overLimit() detect.Alert {
	return detect.Alert{
		Alert: "too-many-mutes", Codes: []int32{507, 508}, State: detect.Firing, Severity: "warning", Category: "messaging",
		At: onset.Add(time.Minute), StartsAt: onset, FiredAt: onset.Add(time.Minute),
		Count: 1200, Users: 31, Rate: 120, Peak: 120, Threshold: 500, Window: "5m0s", Why: []detect.Change{},
	}
}

// hostile is an alert whose texts come from somebody who wants to be read as something else.
func hostile() detect.Alert {
	a := storm()
	a.Why = []detect.Change{
		{Field: "version", Value: "[5.3.0](http://evil.example/x)![i](https://evil.example/i.png)", Share: 0.98, Before: 0.3, Lift: 3},
		{Field: "platform", Value: "<font color=\"info\">ok</font><at id=all></at><!channel>\u202e\x1b[31m\n# all is well", Share: 0.5},
		{Field: "reason", Value: "**x** `y` ~~z~~ | \\ & &lt; \xff", Share: 0.5},
	}
	a.TopUsers = []detect.TopUser{{User: "<@U123>|x", Count: 5}}
	a.Kind = detect.KindPingPong
	return a
}
