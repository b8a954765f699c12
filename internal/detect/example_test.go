package detect_test

import (
	"fmt"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/pkg/classify"
	"imerr-scan/pkg/extract"
)

// A file: everything is counted first, then the detector looks at it.
func ExampleDetector_Feed() {
	tally := aggregate.New(aggregate.Options{Catalog: web})
	kick := func(at time.Time, user string) {
		tally.Add(&classify.Event{Code: 206, Entry: web.Lookup(206), Candidate: &extract.Candidate{Time: at.UnixMilli(), User: user}})
	}
	for i := range 120 { // one every two minutes
		kick(monday.Add(time.Duration(i)*2*time.Minute), fmt.Sprint("u", i))
	}
	storm := monday.Add(3 * time.Hour)
	for i := range 600 { // two a second
		kick(storm.Add(time.Duration(i)*500*time.Millisecond), fmt.Sprint("s", i))
	}

	d := detect.New(detect.Options{Catalog: web})
	for _, a := range d.Feed(tally, detect.All) {
		if a.State != detect.Update {
			fmt.Println(a.At.Format(time.TimeOnly), a.Alert, a.State, a.Kind, "since", a.StartsAt.Format(time.TimeOnly), a.Users, "users")
		}
	}
	// Output:
	// 03:00:10 kick-storm firing pending since 03:00:00 21 users
	// 03:10:00 kick-storm resolved mass since 03:00:00 598 users
}

// Live: the tally grows, the watermark says how much of it is complete, and a restart loses nothing.
func ExampleDetector_MarshalBinary() {
	tally := aggregate.New(aggregate.Options{Catalog: web})
	opt := detect.Options{Catalog: web}
	d := detect.New(opt)
	var w detect.Watermark
	for i := range 600 {
		at := monday.Add(time.Duration(i) * time.Second)
		w.See(at.UnixMilli())
		tally.Add(&classify.Event{Code: 39, Entry: web.Lookup(39), Candidate: &extract.Candidate{Time: at.UnixMilli(), User: "u"}})
	}
	d.Feed(tally, detect.Closed(w.Millis, time.Minute))

	state, _ := d.MarshalBinary()
	again := detect.New(opt)
	if err := again.UnmarshalBinary(state); err != nil {
		fmt.Println(err)
	}
	fmt.Println("goes on at", time.UnixMilli(again.Next()).UTC().Format(time.TimeOnly))
	// Output: goes on at 00:08:50
}
