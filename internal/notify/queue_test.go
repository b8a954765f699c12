package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"imerr-scan/internal/detect"
	"imerr-scan/pkg/catalog"
)

// far is the other side of the network, without one: it remembers what it took, and when.
type far struct {
	mu     sync.Mutex
	answer func(n int) (status int, text string) // to the nth request, from 1; status 0 is a broken connection
	n      int
	tried  []time.Time
	bodies []string // that were taken
	at     []time.Time
	stuck  chan struct{} // closed by the test; until then requests hang
}

func (f *far) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if f.stuck != nil {
		select {
		case <-f.stuck:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	f.tried = append(f.tried, time.Now())
	status, text := 200, `{"errcode":0,"code":0}`
	if f.answer != nil {
		status, text = f.answer(f.n)
	}
	if status == 0 {
		return nil, errors.New("connect: no route to host")
	}
	if status == 200 && (strings.Contains(text, `code":0`) || text == "ok") {
		f.bodies = append(f.bodies, string(body))
		f.at = append(f.at, time.Now())
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text))}, nil
}

func (f *far) taken() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.bodies)
}

func (f *far) times() []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.at)
}

func (f *far) tries() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.tried)
}

// ding are options with one DingTalk robot at the far side.
func ding(f *far) Options {
	return Options{
		Sinks:   []Sink{{Kind: "dingtalk", URL: "https://oapi.dingtalk.com/robot/send?access_token=secret-token"}},
		Catalog: catalog.Web(), Zone: beijing, Transport: f,
	}
}

func start(t *testing.T, opt Options) *Notifier {
	t.Helper()
	n, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func closeNow(t *testing.T, n *Notifier) {
	t.Helper()
	if err := n.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// titles returns the first line of each message.
func titles(t *testing.T, bodies []string) []string {
	var all []string
	for _, b := range bodies {
		line, _, _ := strings.Cut(textOf(t, "dingtalk", []byte(b)), "\n")
		all = append(all, strings.TrimPrefix(line, "### "))
	}
	return all
}

func wantTitles(t *testing.T, f *far, want ...string) {
	t.Helper()
	if got := titles(t, f.taken()); !slices.Equal(got, want) {
		t.Errorf("messages\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAStormIsToldOnceAndItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{}
		n := start(t, ding(f))
		n.Send(storm())
		a := storm()
		for range 30 {
			time.Sleep(time.Minute)
			a = updated(a)
			n.Send(a)
		}
		n.Send(resolved(storm()))
		time.Sleep(time.Hour)
		wantTitles(t, f, "🔴 严重 踢下线风暴 206/217", "🟢 已恢复 踢下线风暴 206/217")
		if s := n.Stats()[0]; s.OK != 2 || s.Queued != 0 || s.Dropped != 0 || s.LastOK.IsZero() {
			t.Errorf("stats %+v", s)
		}
		closeNow(t, n)
	})
}

func TestTheKindOfAStormIsToldWhenItIsKnownAndAWorseSeverity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{}
		n := start(t, ding(f))
		a := pendingStorm()
		a.Severity = "error"
		n.Send(a)
		time.Sleep(time.Minute)
		known := updated(storm())
		known.Severity = "error"
		n.Send(known)
		time.Sleep(time.Minute)
		n.Send(updated(known)) // nothing new
		time.Sleep(time.Minute)
		worse := updated(updated(known))
		worse.Severity = "critical"
		n.Send(worse)
		time.Sleep(time.Minute)
		wantTitles(t, f, "🟠 错误 踢下线风暴 206/217", "🟠 错误 踢下线风暴 206/217", "🔴 严重 踢下线风暴 206/217")
		if first, second := f.taken()[0], f.taken()[1]; strings.Contains(first, "性质") || !strings.Contains(second, "性质：大面积") {
			t.Errorf("the kind is not told with the second message: %s\n%s", first, second)
		}
		closeNow(t, n)
	})
}

func TestTheEndOfOneStormIsToldBeforeTheNextStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var up atomic.Bool
		up.Store(true)
		f := &far{}
		f.answer = func(int) (int, string) {
			if !up.Load() {
				return 0, ""
			}
			return 200, `{"errcode":0}`
		}
		n := start(t, ding(f))
		n.Send(storm())
		synctest.Wait()
		up.Store(false)
		n.Send(resolved(storm()))
		n.Send(spike(17, "error"))
		next := storm()
		next.StartsAt, next.At = next.StartsAt.Add(time.Hour), next.At.Add(time.Hour)
		n.Send(next)
		time.Sleep(time.Hour)
		up.Store(true)
		time.Sleep(time.Hour)
		wantTitles(t, f, "🔴 严重 踢下线风暴 206/217",
			"🟠 错误 17 突增 AJAX_ERROR", "🟢 已恢复 踢下线风暴 206/217", "🔴 严重 踢下线风暴 206/217")
		closeNow(t, n)
	})
}

func TestAnAccountInALoopIsNoNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{}
		var lines bytes.Buffer
		opt := ding(f)
		opt.Sinks = append(opt.Sinks, Sink{Kind: "ndjson", Writer: &lines})
		opt.Sinks[0].MinSeverity = "error"
		n := start(t, opt)
		loop := resolved(storm())
		loop.Kind, loop.Severity = detect.KindLoopUser, "info"
		n.Send(loop)
		n.Send(spike(509, "warning")) // below the least severity
		n.Send(spike(17, "error"))
		closeNow(t, n)
		wantTitles(t, f, "🟠 错误 17 突增 AJAX_ERROR")
		if got := strings.Count(lines.String(), "\n"); got != 3 {
			t.Errorf("%d lines of NDJSON, want every record:\n%s", got, lines.String())
		}
	})
}

// TestADayWithoutTheSink: the robot does not answer for 24 hours in which alerts come, go and stay.
func TestADayWithoutTheSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		f := &far{}
		f.answer = func(int) (int, string) {
			if since := time.Since(begin); since > time.Hour && since < 25*time.Hour {
				return []int{0, 503, 500, 429}[rand.IntN(4)], ""
			}
			return 200, `{"errcode":0}`
		}
		n := start(t, ding(f))
		n.Send(storm()) // told before, ends meanwhile
		stays := spike(17, "error")
		n.Send(stays) // told before, stays
		time.Sleep(2 * time.Hour)

		n.Send(updated(stays))
		n.Send(resolved(storm()))
		n.Send(spike(509, "warning")) // begins and ends meanwhile
		n.Send(spike(40, "error"))    // begins meanwhile and stays
		for range 20 {
			time.Sleep(time.Hour)
			n.Send(updated(spike(40, "error")))
		}
		n.Send(resolved(spike(509, "warning")))
		if s := n.Stats()[0]; s.Queued != 3 || s.OK != 2 || s.Errors == 0 || !strings.HasPrefix(s.LastError, "dingtalk: ") {
			t.Errorf("in the night: %+v, want 3 alerts queued", s)
		}
		before := f.tries()
		time.Sleep(4 * time.Hour)
		wantTitles(t, f,
			"🔴 严重 踢下线风暴 206/217", "🟠 错误 17 突增 AJAX_ERROR",
			"🟠 错误 40 突增 CONNECTION_ERROR", "🟢 已恢复 踢下线风暴 206/217", "🟢 发生过，已恢复 509 突增 MESSAGE_CURRENT_LIMITING")
		if s := n.Stats()[0]; s.Queued != 0 || s.Dropped != 0 || s.LastError != "" {
			t.Errorf("after it: %+v", s)
		}
		if perHour := float64(before) / 23; perHour > 25 {
			t.Errorf("%.0f tries an hour at a sink that is down", perHour)
		}
		if late := f.times()[2].Sub(begin) - 25*time.Hour; late > maxPause {
			t.Errorf("the first message came %s after the sink was back", late)
		}
		closeNow(t, n)
	})
}

// TestNoStateChangeThatMattersIsLost draws what happens to a handful of alerts and when the sink is up; at the end it is up,
// and must know of each alert what is true then.
func TestNoStateChangeThatMattersIsLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var sent []detect.Alert
		var up []bool
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			code := rapid.Int32Range(2, 5).Draw(rt, "code")
			a := spike(code, "error")
			switch rapid.IntRange(0, 2).Draw(rt, "state") {
			case 1:
				a = updated(a)
			case 2:
				a = resolved(a)
			}
			if last := lastOf(sent, a.ID()); last == "" && a.State == detect.Firing || last != "" && last != detect.Resolved && a.State != detect.Firing {
				sent, up = append(sent, a), append(up, rapid.Bool().Draw(rt, "up"))
			}
		}
		synctest.Test(t, func(t *testing.T) {
			var ok atomic.Bool
			var told []string
			f := &far{}
			f.answer = func(int) (int, string) {
				if !ok.Load() {
					return 0, ""
				}
				return 200, `{"errcode":0}`
			}
			opt := ding(f)
			n := start(t, opt)
			for i, a := range sent {
				synctest.Wait()
				ok.Store(up[i])
				n.Send(a)
				time.Sleep(time.Minute)
			}
			synctest.Wait()
			ok.Store(true)
			time.Sleep(time.Hour)
			for _, body := range f.taken() {
				told = append(told, textOf(t, "dingtalk", []byte(body)))
			}
			for code := int32(2); code <= 5; code++ {
				a := spike(code, "error")
				checkKnown(t, told, fmt.Sprintf("%d 突增", code), lastOf(sent, a.ID()))
			}
			if s := n.Stats()[0]; s.Queued != 0 || s.Dropped != 0 {
				t.Errorf("stats %+v", s)
			}
			closeNow(t, n)
		})
	})
}

func lastOf(sent []detect.Alert, id string) string {
	state := ""
	for i := range sent {
		if sent[i].ID() == id {
			state = sent[i].State
		}
	}
	return state
}

// checkKnown looks at what was told of an alert that is in state at the end.
func checkKnown(t *testing.T, told []string, name, state string) {
	t.Helper()
	fired, ended := 0, 0
	for _, text := range told {
		for line := range strings.SplitSeq(text, "\n") {
			switch {
			case !strings.Contains(line, name+" ") && !strings.HasSuffix(line, name):
			case strings.Contains(line, "发生过"):
				fired, ended = fired+1, ended+1
			case strings.Contains(line, "已恢复"):
				ended++
			case strings.Contains(line, "🟠"):
				fired++
			}
		}
	}
	wantFired, wantEnded := 0, 0
	if state != "" {
		wantFired = 1
	}
	if state == detect.Resolved {
		wantEnded = 1
	}
	if fired != wantFired || ended != wantEnded {
		t.Errorf("%s is %q: told %d times that it fires and %d that it ended\n%s", name, state, fired, ended, strings.Join(told, "\n--\n"))
	}
}

// TestAFloodIsFolded: 300 alerts at once never exceed the vendor's limit in any stretch of time, and each of them is told,
// also where a message cannot carry all that wait.
func TestAFloodIsFolded(t *testing.T) {
	for _, tc := range []struct {
		kind  string
		limit int
		in    time.Duration
	}{
		{"dingtalk", 20, time.Minute}, {"wecom", 20, time.Minute}, {"feishu", 5, time.Second}, {"feishu", 100, time.Minute}, {"slack", 1, time.Second},
	} {
		t.Run(fmt.Sprintf("%s, %d in %s", tc.kind, tc.limit, tc.in), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &far{answer: func(int) (int, string) { return 200, yes[tc.kind] }}
				n := start(t, Options{
					Sinks: []Sink{{Kind: tc.kind, URL: "https://robot.example/?key=secret-token", Lang: "zh"}}, Catalog: catalog.Web(), Transport: f,
				})
				for round := range 3 {
					for i := range 100 {
						n.Send(spike(int32(1000+100*round+i), "warning"))
					}
					time.Sleep(7 * time.Second)
				}
				time.Sleep(10 * time.Minute)
				at := f.times()
				for i := range at {
					if j := i + tc.limit; j < len(at) && at[j].Sub(at[i]) < tc.in {
						t.Fatalf("%d messages within %s", tc.limit+1, at[j].Sub(at[i]))
					}
				}
				var all strings.Builder
				for _, body := range f.taken() {
					all.WriteString(textOf(t, tc.kind, []byte(body)) + "\n")
				}
				for code := 1000; code < 1300; code++ {
					if got := strings.Count(all.String(), fmt.Sprintf("警告 %d 突增", code)); got != 1 {
						t.Errorf("%d is told %d times", code, got)
					}
				}
				if len(at) > 80 {
					t.Errorf("%d messages for 300 alerts: nothing is folded", len(at))
				}
				closeNow(t, n)
			})
		})
	}
}

func TestSendNeverBlocksAndTheQueueHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{stuck: make(chan struct{})}
		n := start(t, ding(f))
		begin := time.Now()
		n.Send(storm())
		for i := range int32(5000) {
			a := spike(i+1000, "warning")
			n.Send(a)
			n.Send(resolved(a))
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("Send waited %s", took)
		}
		s := n.Stats()[0]
		if s.Queued != queueLimit || s.Dropped != 5001-queueLimit {
			t.Errorf("%d queued, %d dropped; want %d and the rest", s.Queued, s.Dropped, queueLimit)
		}
		if !bytes.Contains(n.Snapshot(), []byte(detect.KickStorm)) {
			t.Error("the storm that is still firing was dropped before spikes that are over")
		}
		close(f.stuck)
		closeNow(t, n)
	})
}

func TestARefusedAlertStaysQueuedAndDoesNotHoldUpOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{}
		f.answer = func(n int) (int, string) {
			if n == 1 {
				return 200, `{"errcode":430102,"errmsg":"improper"}`
			}
			return 200, `{"errcode":0}`
		}
		var mu sync.Mutex
		var tries []Delivery
		opt := ding(f)
		opt.Notified = func(d Delivery) { mu.Lock(); tries = append(tries, d); mu.Unlock() }
		n := start(t, opt)
		n.Send(storm())
		synctest.Wait()
		if s := n.Stats()[0]; s.Rejected != 1 || s.Queued != 1 || s.LastError != "dingtalk: 430102 improper: its text is called improper" {
			t.Errorf("stats %+v", s)
		}
		n.Send(spike(17, "error"))
		synctest.Wait()
		wantTitles(t, f, "🟠 错误 17 突增 AJAX_ERROR")
		time.Sleep(time.Minute)
		wantTitles(t, f, "🟠 错误 17 突增 AJAX_ERROR", "🔴 严重 踢下线风暴 206/217")
		closeNow(t, n)
		mu.Lock()
		defer mu.Unlock()
		if len(tries) != 3 || tries[0].Err == nil || tries[1].Err != nil || !slices.Equal(tries[2].Alerts, []string{"kick-storm"}) {
			t.Errorf("deliveries %+v", tries)
		}
	})
}

func TestARecordThatComesAgainChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{stuck: make(chan struct{})}
		n := start(t, ding(f))
		for _, a := range []detect.Alert{storm(), updated(storm()), resolved(storm()), storm(), updated(storm())} {
			n.Send(a)
			synctest.Wait() // the first is under way
		}
		close(f.stuck)
		closeNow(t, n)
		wantTitles(t, f, "🔴 严重 踢下线风暴 206/217", "🟢 已恢复 踢下线风暴 206/217")
	})
}

func TestTooManyMeansSilenceForTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{answer: func(n int) (int, string) {
			if n == 1 {
				return 200, `{"errcode":130101,"errmsg":"send too fast"}`
			}
			return 200, `{"errcode":0}`
		}}
		n := start(t, ding(f))
		n.Send(storm())
		time.Sleep(9 * time.Minute)
		n.Send(spike(17, "error"))
		if got := f.tries(); got != 1 {
			t.Errorf("%d tries in ten minutes of silence", got)
		}
		time.Sleep(2 * time.Minute)
		wantTitles(t, f, "🔴 严重 踢下线风暴 206/217", "🟠 错误 17 突增 AJAX_ERROR")
		if s := n.Stats()[0]; s.Rejected != 1 || s.Errors != 0 {
			t.Errorf("stats %+v, want the vendor's no as rejected", s)
		}
		closeNow(t, n)
	})
}

func TestARefusedAlertThatIsOverIsGivenUpAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{answer: func(int) (int, string) { return 200, `{"errcode":310000,"errmsg":"sign not match"}` }}
		n := start(t, ding(f))
		n.Send(storm())
		n.Send(spike(17, "error"))
		n.Send(resolved(storm()))
		time.Sleep(23 * time.Hour)
		if s := n.Stats()[0]; s.Queued != 2 || s.Dropped != 0 {
			t.Errorf("before: %+v", s)
		}
		time.Sleep(2 * time.Hour)
		if s := n.Stats()[0]; s.Queued != 1 || s.Dropped != 1 {
			t.Errorf("after: %+v, want the spike that fires still queued", s)
		}
		if err := n.Close(t.Context()); err == nil || !strings.Contains(err.Error(), "dingtalk: 1 alerts not delivered: dingtalk: 310000 sign not match") {
			t.Errorf("close: %v", err)
		}
	})
}

func TestAlertmanagerHearsEveryMinuteOfWhatFires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{}
		f.answer = func(int) (int, string) { return 200, `"errcode":0` }
		begin := time.Now()
		n := start(t, Options{Transport: f, Catalog: catalog.Web(), Sinks: []Sink{{
			Kind: "alertmanager", URL: "http://a:9093", URLs: []Secret{"http://b:9093/prefix/"},
		}}})
		a := storm()
		n.Send(a)
		time.Sleep(4*time.Minute + 30*time.Second)
		if got := len(f.taken()); got != 10 {
			t.Errorf("%d posts to two instances in 4.5 min, want 10", got)
		}
		n.Send(updated(a)) // waits for the next minute
		synctest.Wait()
		if got := len(f.taken()); got != 10 {
			t.Errorf("an update is sent at once: %d posts", got)
		}
		n.Send(resolved(a))
		time.Sleep(10 * time.Minute)
		bodies, times := f.taken(), f.times()
		if len(bodies) != 12 {
			t.Fatalf("%d posts, want one more for each instance", len(bodies))
		}
		var labels map[string]string
		for i, body := range bodies {
			var all []posted
			if err := json.Unmarshal([]byte(body), &all); err != nil || len(all) != 1 {
				t.Fatal(err, body)
			}
			p, wantEnd := all[0], times[i].Add(4*time.Minute)
			if i >= 10 {
				wantEnd = times[i]
			}
			if !p.EndsAt.Equal(wantEnd) {
				t.Errorf("post %d at %s ends at %s, want %s", i, times[i].Sub(begin), p.EndsAt, wantEnd)
			}
			if labels == nil {
				labels = p.Labels
			}
			if labelText(p.Labels) != labelText(labels) {
				t.Errorf("labels changed from %v to %v", labels, p.Labels)
			}
		}
		closeNow(t, n)
		if got := len(f.taken()); got != 12 {
			t.Errorf("the stop sent something: %d posts", got)
		}
	})
}

func TestAStopFlushesAndSaysNothingOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{}
		n := start(t, ding(f))
		n.Send(storm())
		n.Send(spike(17, "error"))
		closeNow(t, n)
		wantTitles(t, f, "🔴 严重 踢下线风暴 206/217", "🟠 错误 17 突增 AJAX_ERROR")
		n.Send(resolved(storm())) // too late, and no panic
	})
}

func TestAStopDoesNotWaitForASinkThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{answer: func(int) (int, string) { return 0, "" }}
		n := start(t, ding(f))
		n.Send(storm())
		time.Sleep(time.Hour)
		tried, begin := f.tries(), time.Now()
		err := n.Close(t.Context())
		if err == nil || err.Error() != "dingtalk: 1 alerts not delivered: dingtalk: connect: no route to host" {
			t.Errorf("error %v", err)
		}
		if f.tries() != tried+1 || time.Since(begin) != 0 {
			t.Errorf("%d more tries, %s; want one, at once", f.tries()-tried, time.Since(begin))
		}

		stuck := &far{stuck: make(chan struct{})}
		n = start(t, ding(stuck))
		n.Send(storm())
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		begin = time.Now()
		if err := n.Close(ctx); err == nil || time.Since(begin) != 2*time.Second {
			t.Errorf("error %v after %s, want one after 2s", err, time.Since(begin))
		}
	})
}

// TestARestartForgetsNothing stops and goes on with the state, at every point of an alert's life.
func TestARestartForgetsNothing(t *testing.T) {
	a := pendingStorm()
	life := []detect.Alert{a, updated(storm()), resolved(storm())}
	for stop := range len(life) + 1 {
		for _, up := range []bool{true, false} {
			t.Run(fmt.Sprintf("after %d records, sink up %t", stop, up), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var ok atomic.Bool
					ok.Store(up)
					f := &far{}
					f.answer = func(int) (int, string) {
						if !ok.Load() {
							return 0, ""
						}
						return 200, `{"errcode":0}`
					}
					n := start(t, ding(f))
					for _, r := range life[:stop] {
						n.Send(r)
						time.Sleep(time.Minute)
					}
					_ = n.Close(t.Context()) // says what is not delivered, if the sink is down
					opt := ding(f)
					opt.State = n.Snapshot()
					ok.Store(true)
					n = start(t, opt)
					rest := life[stop:]
					if stop == 1 || stop == 2 {
						rest = life[stop-1:] // the last record comes again
					}
					for _, r := range rest {
						n.Send(r)
						time.Sleep(time.Minute)
					}
					time.Sleep(time.Hour)
					want := []string{"🔴 严重 踢下线风暴 206/217", "🔴 严重 踢下线风暴 206/217", "🟢 已恢复 踢下线风暴 206/217"}
					switch {
					case !up && stop == 3:
						want = []string{"🟢 发生过，已恢复 踢下线风暴 206/217"}
					case !up && stop == 2:
						want = want[1:]
					}
					wantTitles(t, f, want...)
					closeNow(t, n)
				})
			})
		}
	}
}

func TestNDJSONGetsEveryRecordInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines bytes.Buffer
		n := start(t, Options{Sinks: []Sink{{Kind: "ndjson", Writer: &lines}}})
		records := []detect.Alert{storm(), spike(17, "error"), updated(storm()), resolved(storm())}
		var want bytes.Buffer
		for _, r := range records {
			n.Send(r)
			synctest.Wait()
			want.Write(append(encode(r), '\n'))
		}
		closeNow(t, n)
		if lines.String() != want.String() {
			t.Errorf("wrote\n%swant\n%s", lines.String(), want.String())
		}
	})
}

// TestWhatComesWhileAMessageIsUnderWayIsSentAfterIt holds up the writer in the middle of a record.
func TestWhatComesWhileAMessageIsUnderWayIsSentAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := make(pipe)
		n := start(t, Options{Sinks: []Sink{{Kind: "ndjson", Writer: w}}})
		var got []string
		read := func() {
			for line := range strings.SplitSeq(strings.TrimSpace(<-w), "\n") {
				var a detect.Alert
				if err := json.Unmarshal([]byte(line), &a); err != nil {
					t.Error(err)
				}
				got = append(got, a.State)
			}
		}
		n.Send(storm())
		synctest.Wait() // writes
		n.Send(updated(storm()))
		n.Send(updated(updated(storm()))) // supersedes it
		read()
		synctest.Wait()
		n.Send(resolved(storm()))
		read()
		read()
		if want := []string{"firing", "update", "resolved"}; !slices.Equal(got, want) {
			t.Errorf("wrote %q, want %q", got, want)
		}
		closeNow(t, n)
	})
}

// pipe hands over each write to who reads.
type pipe chan string

func (p pipe) Write(b []byte) (int, error) { p <- string(b); return len(b), nil }

func TestPausesGrowAndJitter(t *testing.T) {
	for _, tc := range []struct {
		n        int
		from, to time.Duration
	}{
		{1, 500 * time.Millisecond, time.Second}, {2, time.Second, 2 * time.Second}, {3, 5 * time.Second, 10 * time.Second},
		{4, 10 * time.Second, 20 * time.Second}, {8, 150 * time.Second, 5 * time.Minute}, {1 << 40, 150 * time.Second, 5 * time.Minute},
	} {
		least, most := pause(tc.n, func() float64 { return 0 }), pause(tc.n, func() float64 { return 1 })
		if least != tc.from || most != tc.to {
			t.Errorf("pause %d: %s to %s, want %s to %s", tc.n, least, most, tc.from, tc.to)
		}
	}
}
