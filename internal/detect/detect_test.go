package detect_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imerr-scan/internal/detect"
)

func TestAStormFiresOnceIsUpdatedAndResolves(t *testing.T) {
	w := newWorld(t, detect.Options{})
	if got := w.pass(3*time.Hour, happening{code: 39, perMinute: 6}); len(got) > 0 {
		t.Fatalf("alerts of quiet hours: %v", states(got))
	}
	began := w.now
	during := w.pass(10*time.Minute, happening{code: 39, perMinute: 120})
	ended := w.now
	after := w.pass(30*time.Minute, happening{code: 39, perMinute: 6})

	if len(during) == 0 {
		t.Fatal("no alert")
	}
	first := during[0]
	if first.Alert != "spike-39" || first.State != detect.Firing || !cmp.Equal(first.Codes, []int32{39}) {
		t.Errorf("first record %s %s %v", first.Alert, first.State, first.Codes)
	}
	if !first.StartsAt.Equal(began) || first.FiredAt.Sub(began) > time.Minute || first.EndsAt != nil {
		t.Errorf("starts %v, fired %v, ends %v; the storm began %v", first.StartsAt, first.FiredAt, first.EndsAt, began)
	}
	if first.Category != "auth" || first.Severity != web.Lookup(39).Severity || first.Advice.ZH == "" || first.Advice.EN == "" {
		t.Errorf("category %q severity %q advice %v", first.Category, first.Severity, first.Advice)
	}
	for i, a := range during[1:] {
		if a.State != detect.Update || a.At.Sub(during[i].At) < time.Minute || a.ID() != first.ID() {
			t.Errorf("record %d: %s %s at %v, after one at %v", i+1, a.ID(), a.State, a.At, during[i].At)
		}
	}
	last := after[len(after)-1]
	if last.State != detect.Resolved || last.Reason != "quiet" || !last.EndsAt.Equal(ended) || last.ID() != first.ID() {
		t.Fatalf("last record %s %s %q, ends %v; the storm ended %v", last.ID(), last.State, last.Reason, last.EndsAt, ended)
	}
	if wait := last.At.Sub(ended); wait < 5*time.Minute || wait > 6*time.Minute {
		t.Errorf("resolved %v after the end", wait)
	}
	if last.Count < 1200 || last.Count > 1260 || last.Users != last.Count && last.Users < 1100 || last.Peak < 120 || last.Peak > 126 {
		t.Errorf("count %d, users %d, peak %v", last.Count, last.Users, last.Peak)
	}
	if last.Usual < 4 || last.Usual > 9 || last.Rate < 115 || last.Rate > 125 {
		t.Errorf("rate %v, usual %v", last.Rate, last.Usual)
	}
}

func TestKickCodesOfOneStormAreOneIncident(t *testing.T) {
	w := newWorld(t, detect.Options{})
	w.pass(3*time.Hour, happening{code: 206, perMinute: 3})
	w.pass(2*time.Minute, happening{code: 206, perMinute: 150})
	w.pass(8*time.Minute, happening{code: 206, perMinute: 150}, happening{code: 217, perMinute: 40})
	w.pass(20*time.Minute, happening{code: 206, perMinute: 3})
	got := withoutUpdates(w.alerts)
	if want := []string{"kick-storm firing", "kick-storm resolved"}; !cmp.Equal(states(got), want) {
		t.Fatalf("%v, want %v", states(got), want)
	}
	end := got[1]
	if !cmp.Equal(end.Codes, []int32{206, 217}) || end.Kind != detect.KindMass || end.Severity != "critical" || end.Storm == nil {
		t.Errorf("codes %v, kind %s, severity %s", end.Codes, end.Kind, end.Severity)
	}
	if got[0].Kind != detect.KindPending {
		t.Errorf("after 10 s the kind was %s already", got[0].Kind)
	}
}

func TestKinds(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   happening
		d    time.Duration
		want string
	}{
		{"two devices log in by themselves", happening{code: 206, perMinute: 60, users: some(10), devices: false}, 10 * time.Minute, detect.KindPingPong},
		{"six people on each of a few logins", happening{code: 206, perMinute: 60, users: some(10), devices: true}, 10 * time.Minute, detect.KindSharedAccount},
		{"everybody once", happening{code: 206, perMinute: 300}, 10 * time.Minute, detect.KindMass},
		{"the console signs users out", happening{code: 217, perMinute: 300}, time.Minute, detect.KindFromAPI},
		{"passwords are reset", happening{code: 216, perMinute: 60}, 10 * time.Minute, detect.KindPasswordWave},
		{"accounts are deleted", happening{code: 207, perMinute: 60}, 10 * time.Minute, detect.KindRemoved},
		{"nobody knows whose kicks", happening{code: 206, perMinute: 60, anonymous: true}, 10 * time.Minute, detect.KindMixed},
		{"one account in a loop", happening{code: 206, perMinute: 12, users: some(2)}, 20 * time.Minute, detect.KindLoopUser},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, detect.Options{})
			w.pass(3*time.Hour, happening{code: 206, perMinute: 2})
			w.pass(tc.d, tc.in)
			w.pass(15 * time.Minute)
			if len(w.alerts) == 0 {
				t.Fatal("no record")
			}
			last := w.alerts[len(w.alerts)-1]
			if last.State != detect.Resolved || last.Kind != tc.want {
				t.Errorf("%s %s %+v, want %s", last.State, last.Kind, last.Storm, tc.want)
			}
			if last.Advice.ZH == "" || last.Advice.EN == "" {
				t.Errorf("kind %s has no advice", last.Kind)
			}
		})
	}
}

// TestALoopIsNotPublished: one account that loops is told of at its end, as info, and nothing else.
func TestALoopIsNotPublished(t *testing.T) {
	w := newWorld(t, detect.Options{})
	w.pass(3*time.Hour, happening{code: 39, perMinute: 1})
	w.pass(40*time.Minute, happening{code: 39, perMinute: 6, users: some(1)})
	w.pass(20*time.Minute, happening{code: 39, perMinute: 1})
	if len(w.alerts) != 1 {
		t.Fatalf("records: %v", states(w.alerts))
	}
	if a := w.alerts[0]; a.State != detect.Resolved || a.Severity != "info" || a.Kind != detect.KindLoopUser || len(a.TopUsers) == 0 {
		t.Errorf("%s %s %s %v", a.State, a.Severity, a.Kind, a.TopUsers)
	}
}

func TestWhatStaysBecomesUsual(t *testing.T) {
	w := newWorld(t, detect.Options{})
	w.pass(4*time.Hour, happening{code: 39, perMinute: 6})
	w.pass(6*time.Hour, happening{code: 39, perMinute: 60})
	got := withoutUpdates(w.alerts)
	if want := []string{"spike-39 firing", "spike-39 resolved"}; !cmp.Equal(states(got), want) {
		t.Fatalf("%v, want %v", states(got), want)
	}
	if got[1].Reason != "new_level" || got[1].At.Sub(got[1].FiredAt) != 2*time.Hour {
		t.Errorf("reason %q after %v", got[1].Reason, got[1].At.Sub(got[1].FiredAt))
	}
	if more := withoutUpdates(w.pass(15*time.Minute, happening{code: 39, perMinute: 600})); len(more) != 1 || more[0].Usual < 40 {
		t.Errorf("ten times the new level: %v", states(more))
	}
}

func TestQuietTimes(t *testing.T) {
	for _, tc := range []struct {
		name string
		run  func(w *world)
	}{
		{"a log that begins in the middle of the day", func(w *world) { w.pass(time.Hour, happening{code: 39, perMinute: 60}) }},
		{"nobody listened for an hour", func(w *world) {
			w.pass(4*time.Hour, happening{code: 39, perMinute: 60})
			w.now = w.now.Add(time.Hour)
			w.pass(time.Hour, happening{code: 39, perMinute: 60})
		}},
		{"nobody listened for three weeks", func(w *world) {
			w.pass(4*time.Hour, happening{code: 39, perMinute: 60})
			w.now = w.now.Add(21 * 24 * time.Hour)
			w.pass(time.Hour, happening{code: 39, perMinute: 60})
		}},
		{"nine of a code that never occurred", func(w *world) {
			w.pass(4*time.Hour, happening{code: 39, perMinute: 6})
			w.pass(time.Minute, happening{code: 39, perMinute: 6}, happening{code: 50, perMinute: 9})
			w.pass(time.Hour, happening{code: 39, perMinute: 6})
		}},
		{"a third more", func(w *world) {
			w.pass(4*time.Hour, happening{code: 39, perMinute: 600})
			w.pass(time.Hour, happening{code: 39, perMinute: 800})
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, detect.Options{})
			tc.run(w)
			if len(w.alerts) > 0 {
				t.Errorf("alerts: %v at %v", states(w.alerts), w.alerts[0].At)
			}
		})
	}
}

// TestACodeThatNeverOccurred has a history of zeros since the log began.
func TestACodeThatNeverOccurred(t *testing.T) {
	w := newWorld(t, detect.Options{})
	w.pass(2*time.Hour, happening{code: 39, perMinute: 6})
	got := w.pass(time.Minute, happening{code: 39, perMinute: 6}, happening{code: 50, perMinute: 120})
	if len(got) == 0 || got[0].Alert != "spike-50" || got[0].At.Sub(got[0].StartsAt) > 20*time.Second {
		t.Fatalf("got %v", toJSON(t, got))
	}
}

// TestTheSameTimeOfDay: what happens every day at ten is usual at ten, from the second day on, and a storm of it is not.
func TestTheSameTimeOfDay(t *testing.T) {
	w := newWorld(t, detect.Options{})
	job := func(perMinute int) []detect.Alert {
		w.pass(10*time.Hour, happening{code: 39, perMinute: 6})
		got := w.pass(5*time.Minute, happening{code: 39, perMinute: perMinute})
		return append(got, w.pass(14*time.Hour-5*time.Minute, happening{code: 39, perMinute: 6})...)
	}
	if first := job(100); len(first) == 0 {
		t.Error("no alert on the first day")
	}
	for day := 2; day < 6; day++ {
		if got := job(100); len(got) > 0 {
			t.Errorf("day %d: %v", day, states(got))
		}
	}
	if got := job(1000); len(got) == 0 {
		t.Error("no alert of ten times the job")
	}
}

// TestRecurring: the fourth of equal storms within a day is marked.
func TestRecurring(t *testing.T) {
	w := newWorld(t, detect.Options{})
	w.pass(3*time.Hour, happening{code: 39, perMinute: 6})
	var marks []bool
	for range 5 {
		for _, a := range w.pass(6*time.Minute, happening{code: 39, perMinute: 120}) {
			if a.State == detect.Firing {
				marks = append(marks, a.Recurring)
			}
		}
		w.pass(time.Hour, happening{code: 39, perMinute: 6})
	}
	if want := []bool{false, false, false, true, true}; !cmp.Equal(marks, want) {
		t.Errorf("recurring %v, want %v", marks, want)
	}
}

func TestWhySaysWhatChanged(t *testing.T) {
	before := []detect.Value{
		{Field: detect.Version, Text: "5.2.1", N: 69}, {Field: detect.Version, Text: "5.3.0", N: 31},
		{Field: detect.Platform, Text: "web", N: 70}, {Field: detect.Platform, Text: "android", N: 30},
	}
	inside := []detect.Value{
		{Field: detect.Version, Text: "5.2.1", N: 2}, {Field: detect.Version, Text: "5.3.0", N: 98},
		{Field: detect.Platform, Text: "web", N: 70}, {Field: detect.Platform, Text: "android", N: 30},
	}
	w := newWorld(t, detect.Options{})
	w.pass(5*time.Hour, happening{code: 206, perMinute: 600, values: before})
	w.pass(10*time.Minute, happening{code: 206, perMinute: 6000, values: inside})
	w.pass(20*time.Minute, happening{code: 206, perMinute: 600, values: before})
	for i, a := range withoutUpdates(w.alerts) {
		if len(a.Why) != 1 || a.Why[0].Field != "version" || a.Why[0].Value != "5.3.0" {
			t.Fatalf("record %d: why %+v", i, a.Why)
		}
		if c := a.Why[0]; c.Share < 0.85 || c.Before < 0.28 || c.Before > 0.34 || c.Lift < 2.7 {
			t.Errorf("record %d: %+v", i, c)
		}
	}
}

// TestWhyOfARareCode takes what all codes together were like for what was before.
func TestWhyOfARareCode(t *testing.T) {
	w := newWorld(t, detect.Options{})
	old := []detect.Value{{Field: detect.Version, Text: "5.2.1", N: 100}}
	w.pass(5*time.Hour, happening{code: 39, perMinute: 600, values: old})
	w.pass(5*time.Minute, happening{code: 39, perMinute: 600, values: old},
		happening{code: 217, perMinute: 600, values: []detect.Value{{Field: detect.Version, Text: "6.0.0", N: 100}}})
	if len(w.alerts) == 0 || len(w.alerts[0].Why) != 1 || w.alerts[0].Why[0].Value != "6.0.0" || w.alerts[0].Why[0].Before != 0 {
		t.Errorf("%s", toJSON(t, w.alerts))
	}
}

func TestOverrides(t *testing.T) {
	storm := func(opt detect.Options, code int32) []detect.Alert {
		w := newWorld(t, opt)
		w.pass(3*time.Hour, happening{code: code, perMinute: 6})
		w.pass(10*time.Minute, happening{code: code, perMinute: 120})
		w.pass(30*time.Minute, happening{code: code, perMinute: 6})
		return w.alerts
	}
	one := func(o detect.Override) detect.Options { return detect.Options{Overrides: []detect.Override{o}} }
	if got := storm(one(detect.Override{Codes: []int32{39}, Off: true}), 39); len(got) > 0 {
		t.Errorf("off: %v", states(got))
	}
	if got := storm(one(detect.Override{Codes: []int32{39}, Off: true}), 509); len(got) == 0 {
		t.Error("off for another code: no alert")
	}
	if got := storm(one(detect.Override{Family: detect.KickStorm, Severity: "info"}), 206); len(got) == 0 || got[0].Severity != "info" {
		t.Errorf("severity: %v", states(got))
	}
	if got := storm(one(detect.Override{Codes: []int32{39}, MinCount: 5000}), 39); len(got) > 0 {
		t.Errorf("min_count: %v", states(got))
	}
	got := storm(one(detect.Override{Codes: []int32{39}, ResolveAfter: 15 * time.Minute}), 39)
	if last := got[len(got)-1]; last.State != detect.Resolved || last.At.Sub(*last.EndsAt) < 15*time.Minute {
		t.Errorf("resolve_after: resolved %v after the end", last.At.Sub(*last.EndsAt))
	}
}

func TestLimits(t *testing.T) {
	opt := detect.Options{Overrides: []detect.Override{{Family: detect.KickStorm, Off: true}}, Limits: []detect.Limit{
		{Name: "kicks", Codes: []int32{206, 217}, Window: 5 * time.Minute, Events: 50, Severity: "critical"},
		{Name: "many-users", Window: 10 * time.Minute, Users: 300},
	}}
	w := newWorld(t, opt)
	w.pass(time.Hour, happening{code: 206, perMinute: 6})
	if len(w.alerts) > 0 {
		t.Fatalf("below the limit: %v", states(w.alerts))
	}
	w.pass(10*time.Minute, happening{code: 206, perMinute: 6}, happening{code: 217, perMinute: 6})
	w.pass(30*time.Minute, happening{code: 206, perMinute: 6})
	got := withoutUpdates(w.alerts)
	if want := []string{"kicks firing", "kicks resolved"}; !cmp.Equal(states(got), want) {
		t.Fatalf("%v, want %v", states(got), want)
	}
	if f := got[0]; f.Count < 50 || f.Threshold != 50 || f.Window != "5m0s" || f.Severity != "critical" || f.Category != "auth" || f.Users < 30 {
		t.Errorf("%s", toJSON(t, f))
	}
	if r := got[1]; r.At.Sub(*r.EndsAt) != 5*time.Minute {
		t.Errorf("resolved %v after the window fell below", r.At.Sub(*r.EndsAt))
	}
	w.alerts = nil
	w.pass(30*time.Minute, happening{code: 39, perMinute: 60, users: some(40)})
	w.pass(30*time.Minute, happening{code: 39, perMinute: 60})
	for i, a := range withoutUpdates(w.alerts) {
		if a.Alert == "many-users" && (a.State != detect.Firing || a.Users < 300 || i == 0 && a.At.Before(monday.Add(2*time.Hour))) {
			t.Errorf("%s %s with %d users", a.Alert, a.State, a.Users)
		}
	}
	if !strings.Contains(strings.Join(states(w.alerts), " "), "many-users firing") {
		t.Errorf("600 users in 10 min, and %v", states(w.alerts))
	}
}

func TestValidate(t *testing.T) {
	good := detect.Options{}.WithDefaults()
	good.Limits = []detect.Limit{{Name: "x", Window: time.Minute, Users: 5}}
	good.Overrides = []detect.Override{{Family: "kick-storm", Off: true}}
	if err := good.Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	bad := detect.Options{
		FalseAlarmsPerWeek: -1, MinCount: 1, MinUsers: -3, ResolveAfter: time.Second, AdoptAfter: time.Minute, AllowedLateness: 2 * time.Hour,
		Overrides: []detect.Override{{}, {Family: "kicks"}, {Family: "kick-storm", Codes: []int32{1}, Severity: "fatal"}},
		Limits: []detect.Limit{
			{}, {Name: "a b", Window: 15 * time.Second, Events: 1, Users: 1}, {Name: "spike-206", Window: time.Hour, Users: 5000},
			{Name: "twice", Window: time.Hour, Users: 5}, {Name: "twice", Window: time.Hour, Events: -5},
		},
	}
	got := strings.Split(bad.Validate().Error(), "\n")
	want := []string{
		`false_alarms_per_week: -1: want 0.001 … 1000`,
		`min_count: 1: want 3 … 1000000`,
		`min_users: -3: want 1 … 1000`,
		`resolve_after: 1s: want 1m … 24h`,
		`adopt_after: 1m0s: want 20m … 720h`,
		`allowed_lateness: 2h0m0s: want 0s … 1h`,
		`overrides[0].codes: neither codes nor family: want one of them`,
		`overrides[1].family: "kicks" is no family: want "kick-storm"`,
		`overrides[2].family: codes and family: want one of them`,
		`overrides[2].severity: "fatal": want info, warning, error, critical`,
		`limits[0].name: missing: an alert is known by its name`,
		`limits[0].window: 0s: want 10s … 24h in steps of 10s`,
		`limits[0].events: neither events nor users: want one of them`,
		`limits[1].name: "a b": want at most 64 letters, digits, - _ .`,
		`limits[1].window: 15s: want 10s … 24h in steps of 10s`,
		`limits[1].users: events and users: want one of them`,
		`limits[2].name: "spike-206" is the name of an alert of ours: want another`,
		`limits[2].users: 5000: want at most 4096`,
		`limits[4].events: want a number above 0`,
		`limits[4].name: "twice" stands there twice: an alert is known by its name`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
