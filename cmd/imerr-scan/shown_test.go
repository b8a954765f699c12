package main

import (
	"testing"
	"time"

	"imerr-scan/internal/detect"
)

// Where ids are plain in the state, a page still shows none, and the state keeps them.
func TestAlertsAreShownWithMaskedIDs(t *testing.T) {
	state := []detect.Alert{{Alert: "kick-storm", TopUsers: []detect.TopUser{{User: "alice.wonder", Count: 3}}}}
	if got := shownAlerts(state, true, time.UTC)[0].TopUsers[0]; got.User == "alice.wonder" || got.Count != 3 {
		t.Errorf("shown: %+v", got)
	}
	if got := state[0].TopUsers[0].User; got != "alice.wonder" {
		t.Errorf("the state has %q now", got)
	}
	if got := shownAlerts(state, false, time.UTC)[0].TopUsers[0].User; got != "alice.wonder" {
		t.Errorf("what is masked already was changed to %q", got)
	}
}
