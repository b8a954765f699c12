package extract

import (
	"testing"
	"time"
)

func TestReadTime(t *testing.T) {
	shanghai := time.FixedZone("CST", 8*3600)
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name, in, want string // want in UTC, "" if it is no time
		rest           string // what is not taken
	}{
		{"RFC 3339", "2026-11-23T09:00:00.123+08:00", "2026-11-23T01:00:00.123Z", ""},
		{"nanoseconds", "2026-11-23T09:00:00.123456789Z stdout F", "2026-11-23T09:00:00.123Z", " stdout F"},
		{"offset without a colon", "2026-11-23T09:00:00+0800", "2026-11-23T01:00:00Z", ""},
		{"offset of hours", "2026-11-23T09:00:00-05", "2026-11-23T14:00:00Z", ""},
		{"comma before the fraction", "2026-11-23 09:00:00,5 ERROR", "2026-11-23T01:00:00.5Z", " ERROR"},
		{"space, no zone", "2026-11-23 09:00:00", "2026-11-23T01:00:00Z", ""},
		{"space and offset (fluentd)", "2026-11-23 09:00:00.1 +0000 app.im: {", "2026-11-23T09:00:00.1Z", " app.im: {"},
		{"UTC in letters", "2026-11-23 09:00:00 UTC", "2026-11-23T09:00:00Z", ""},
		{"no seconds", "2026-11-23T09:00Z", "2026-11-23T09:00:00Z", ""},
		{"zh-CN", "2026/11/23 09:00:00: x", "2026-11-23T01:00:00Z", ": x"},
		{"zh-CN, one digit", "2026/1/3 9:00:00", "2026-01-03T01:00:00Z", ""},
		{"zh-CN, 12 hours", "2026/11/23 下午9:00:00", "2026-11-23T13:00:00Z", ""},
		{"zh-CN, midnight", "2026/11/23 上午12:00:00", "2026-11-22T16:00:00Z", ""},
		{"en-US", "11/23/2026, 9:00:00 AM", "2026-11-23T01:00:00Z", ""},
		{"en-US, noon", "11/23/2026, 12:30:00 PM", "2026-11-23T04:30:00Z", ""},
		{"en-US of Node 20, narrow space", "11/23/2026, 9:00:00\u202fPM: x", "2026-11-23T13:00:00Z", ": x"},
		{"en-GB, told by the day", "23/11/2026, 09:00:00", "2026-11-23T01:00:00Z", ""},
		{"JavaScript's Date", "Mon Nov 23 2026 09:00:00 GMT+0800 (China Standard Time)", "2026-11-23T01:00:00Z", " (China Standard Time)"},
		{"RFC 1123", "Mon, 23 Nov 2026 09:00:00 GMT", "2026-11-23T09:00:00Z", ""},
		{"asctime", "Mon Nov 23 09:00:00 2026", "2026-11-23T01:00:00Z", ""},
		{"Apache", "23/Nov/2026:09:00:00 +0000] x", "2026-11-23T09:00:00Z", "] x"},
		{"syslog", "Nov 23 09:00:00 host", "2026-11-23T01:00:00Z", " host"},
		{"syslog, one digit", "Nov  3 09:00:00 host", "2026-11-03T01:00:00Z", " host"},
		{"syslog of last year", "Dec 31 23:59:59 host", "2025-12-31T15:59:59Z", " host"},
		{"syslog tomorrow by its zone", "Nov 25 00:00:00 host", "2026-11-24T16:00:00Z", " host"},
		{"leap day", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z", ""},
		{"end of a year", "2026-12-31T23:59:59.999Z", "2026-12-31T23:59:59.999Z", ""},
		{"date alone", "2026-11-23", "", ""},
		{"month 13", "2026-13-23T09:00:00Z", "", ""},
		{"hour 25", "2026-11-23T25:00:00Z", "", ""},
		{"a day that February has not", "2026-02-29T00:00:00Z", "", ""},
		{"a day that June has not", "2026-06-31T00:00:00Z", "", ""},
		{"the end of a day", "2026-11-22T24:00:00Z", "2026-11-23T00:00:00Z", ""},
		{"later than the end of a day", "2026-11-22T24:00:01Z", "", ""},
		{"V8's first hour of a day, en-US", "11/23/2026, 24:15:00", "2026-11-22T16:15:00Z", ""},
		{"V8's first hour of a day, zh-CN", "2026/11/23 24:00:00", "2026-11-22T16:00:00Z", ""},
		{"small letters", "2026-11-23t09:00:00z", "2026-11-23T09:00:00Z", ""},
		{"an offset that there is not", "2026-11-23T09:00:00+25:00", "", ""},
		{"a dash behind", "2026-11-23 09:00:00 - 25 users", "2026-11-23T01:00:00Z", " - 25 users"},
		{"version", "10.0.19041.1 x", "", ""},
		{"address", "10.20.30.40:8080 x", "", ""},
		{"word that begins like a month", "Novel 09:00:00 x", "", ""},
		{"goes on", "2026-11-23T09:00:00X", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, n := readTime([]byte(tc.in), shanghai, now)
			if tc.want == "" {
				if n != 0 {
					t.Errorf("readTime(%q) = %v, want none", tc.in, time.UnixMilli(m.ms).UTC())
				}
				return
			}
			if got := time.UnixMilli(m.ms).UTC().Format(time.RFC3339Nano); n == 0 || got != tc.want || tc.in[n:] != tc.rest {
				t.Errorf("readTime(%q) = %s and %q left (%d taken), want %s and %q", tc.in, got, tc.in[n:], n, tc.want, tc.rest)
			}
		})
	}
}

func TestReadTimeAgreesWithPackageTime(t *testing.T) {
	for day := range 366 * 30 {
		at := time.Date(2010, 1, 1, day%24, day%60, day%59, 0, time.UTC).AddDate(0, 0, day)
		for _, layout := range []string{time.RFC3339, time.RFC1123, "Mon Jan 2 2006 15:04:05 GMT-0700", "2006/1/2 15:04:05", "1/2/2006, 3:04:05 PM"} {
			s := at.Format(layout)
			if m, n := readTime([]byte(s), nil, time.Time{}); n != len(s) || m.ms != at.UnixMilli() {
				t.Fatalf("readTime(%q) = %v, %d of %d bytes", s, time.UnixMilli(m.ms).UTC(), n, len(s))
			}
		}
	}
}

func TestReadTimeAllocatesNothing(t *testing.T) {
	shanghai := time.FixedZone("CST", 8*3600)
	forms := [][]byte{[]byte("2026-11-23T09:00:00.123Z"), []byte("2026/11/23 下午9:00:00"), []byte("Nov 23 09:00:00"), []byte("9:00:00:7 x")}
	if n := testing.AllocsPerRun(100, func() {
		for _, f := range forms {
			readTime(f, shanghai, time.Time{})
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func TestEpoch(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want int64 // 0: none
	}{
		{"1795384804", 1795384804000}, {"1795384804.123", 1795384804123}, {"1795384804.1234567", 1795384804123}, {"1795384804123", 1795384804123},
		{"1795384804123456", 1795384804123}, {"1795384804123456789", 1795384804123}, {"123", 0}, {"-1795384804", 0}, {"1795384804x", 0},
		{"99999999999999999999", 0}, {"", 0}, {"17953848 04", 0},
	} {
		if ms, ok := epoch([]byte(tc.in)); ms != tc.want || ok != (tc.want != 0) {
			t.Errorf("epoch(%q) = %d, %v; want %d", tc.in, ms, ok, tc.want)
		}
	}
}

// TestClock gives the SDK's clock a date.
func TestClock(t *testing.T) {
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	line := func(clock string) string {
		return `{"time":"` + clock + `","level":"ERROR","logs":[{"type":206,"message":"x"}]}`
	}
	docker := func(clock, at string) string {
		return `{"log":"{\"time\":\"` + clock + `\",\"level\":\"ERROR\",\"logs\":[{\"type\":206,\"message\":\"x\"}]}\n","stream":"stdout","time":"` + at + `"}`
	}
	for _, tc := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"the day of the input", []string{line("9:00:00:7")}, []string{"2026-11-20T09:00:00.007Z"}},
		{"over midnight", []string{line("23:59:59:999"), line("0:00:01:5")}, []string{"2026-11-20T23:59:59.999Z", "2026-11-21T00:00:01.005Z"}},
		{"out of order around midnight", []string{line("23:59:59:9"), line("0:00:01:5"), line("23:59:58:0")},
			[]string{"2026-11-20T23:59:59.009Z", "2026-11-21T00:00:01.005Z", "2026-11-20T23:59:58Z"}},
		{"thirteen quiet hours", []string{line("2:00:00:0"), line("15:30:00:0")}, []string{"2026-11-20T02:00:00Z", "2026-11-20T15:30:00Z"}},
		{"a small step back", []string{line("9:00:00:7"), line("8:59:59:7")}, []string{"2026-11-20T09:00:00.007Z", "2026-11-20T08:59:59.007Z"}},
		{"the envelope's day", []string{docker("9:00:00:7", "2026-11-23T09:00:02Z")}, []string{"2026-11-23T09:00:00.007Z"}},
		{"the envelope is past midnight", []string{docker("23:59:59:7", "2026-11-23T00:00:02Z")}, []string{"2026-11-22T23:59:59.007Z"}},
		{"the record before", []string{`{"time":"2026-11-22T08:00:00Z","error":{"type":206}}`, line("9:00:00:7")}, []string{"2026-11-22T08:00:00Z", "2026-11-22T09:00:00.007Z"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := New(Options{Now: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), Day: day})
			for i, l := range tc.lines {
				d := x.Extract([]byte(l))
				if len(d.Candidates) != 1 {
					t.Fatalf("%d candidates in %s", len(d.Candidates), l)
				}
				if got := time.UnixMilli(d.Candidates[0].Time).UTC().Format(time.RFC3339Nano); got != tc.want[i] {
					t.Errorf("line %d: %s, want %s", i, got, tc.want[i])
				}
			}
		})
	}
}

func TestTimesThatAreNone(t *testing.T) {
	x := New(Options{Now: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)})
	for _, tc := range []struct{ name, doc string }{
		{"before 2010", `{"time":"2009-12-31T23:59:59Z","error":{"type":206}}`},
		{"more than a day ahead", `{"time":"2026-11-25T00:00:01Z","error":{"type":206}}`},
		{"a duration", `{"time":12,"error":{"type":206}}`},
		{"a clock and no day", `{"time":"9:00:00:7","error":{"type":206}}`},
		{"none", `{"error":{"type":206}}`},
	} {
		d := x.Extract([]byte(tc.doc))
		if len(d.Candidates) != 1 || d.Candidates[0].Time != 0 {
			t.Errorf("%s: %+v, want one candidate without a time", tc.name, d.Candidates)
		}
	}
}
