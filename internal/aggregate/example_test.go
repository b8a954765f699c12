package aggregate_test

import (
	"encoding/json"
	"fmt"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/classify"
	"imerr-scan/pkg/extract"
)

// kicks is what a part of a log with some kicks adds up to.
func kicks(from time.Time, users ...string) *aggregate.Tally {
	entry := &catalog.Entry{Code: 206, Name: "WEBIM_CONNCTION_USER_LOGIN_ANOTHER_DEVICE", Category: "auth"}
	t := aggregate.New(aggregate.Options{})
	for i, user := range users {
		t.Lines(aggregate.WithError, 1)
		t.Add(&classify.Event{Code: 206, Entry: entry, Category: "auth", Candidate: &extract.Candidate{
			User: user, Time: from.Add(time.Duration(i) * 8 * time.Second).UnixMilli(),
		}})
	}
	return t
}

// Parts merge in the order of the input.
func ExampleTally_Merge() {
	six := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
	total := kicks(six, "u_10233", "u_77120", "u_10233")
	total.Merge(kicks(six.Add(time.Minute), "u_10233"))

	r := total.Result(aggregate.ResultOptions{})
	fmt.Println(r.Events, "events,", r.Users.Distinct, "users, the first", r.TopUsers[0].User, "with", r.TopUsers[0].Count)
	for cell := range total.Cells(206, 0) {
		fmt.Println(time.UnixMilli(cell.Start).UTC().Format(time.TimeOnly), cell.Events, "events,", cell.Users, "users")
	}
	// Output:
	// 4 events, 2 users, the first u_***3 with 3
	// 06:00:00 2 events, 2 users
	// 06:00:10 1 events, 1 users
	// 06:01:00 1 events, 1 users
}

// A result that was saved as JSON takes part in a sum as if its log were read again.
func ExampleFromResult() {
	six := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
	saved, _ := json.Marshal(kicks(six, "u_10233").Result(aggregate.ResultOptions{}))

	r, err := aggregate.ParseResult(saved)
	if err != nil {
		fmt.Println(err)
		return
	}
	t, err := aggregate.FromResult(r, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	t.Merge(kicks(six, "u_10233"))
	sum := t.Result(aggregate.ResultOptions{})
	fmt.Println(sum.Events, "events of", sum.Users.Distinct, "user")
	// Output:
	// 2 events of 1 user
}

// A condition makes the scan a gate.
func ExampleCond_Eval() {
	cond, err := aggregate.ParseFailOn("code=217>0,category=auth>1%")
	if err != nil {
		fmt.Println(err)
		return
	}
	t := kicks(time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC), "u_10233", "u_77120")
	t.Lines(aggregate.WithoutError, 98)
	fmt.Println(cond.Eval(t.Result(aggregate.ResultOptions{}), nil))
	// Output:
	// category=auth>1% (2.00%) true
}
