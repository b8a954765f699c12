package notify

import (
	"time"

	"imerr-scan/internal/detect"
)

// sampleName is the name of an alert that only says: it works.
const sampleName = "test"

// Sample returns a firing that looks like a kick storm and says that it is a test, to see whether a sink is set up. Its
// text is there in both languages. At an Alertmanager it ends by itself after four minutes.
func Sample(now time.Time) detect.Alert {
	start := now.Add(-3 * time.Minute).Truncate(10 * time.Second)
	return detect.Alert{
		Alert: sampleName, Codes: []int32{206, 217}, State: detect.Firing, Severity: "info", Category: "auth",
		At: now, StartsAt: start, FiredAt: start.Add(30 * time.Second),
		Count: 650, Users: 406, Rate: 251, Usual: 3, Ratio: 83.6, Peak: 312,
		Kind: detect.KindMass, Storm: &detect.Storm{KicksPerUser: 1.6, RepeatShare: 0.04},
		Why: []detect.Change{{Field: "version", Value: "5.3.0", Share: 0.98, Before: 0.31, Lift: 3.2}},
		Advice: detect.Text{
			ZH: "这是 imerr-scan 的测试消息，数字均为示例，无需处理。",
			EN: "This is a test message of imerr-scan: the numbers are made up, nothing is to be done.",
		},
	}
}
