package pipeline

import (
	"testing"
	"time"
)

// Who reads ahead waits until there is room, or until its job is the next one.
func TestWhoReadsAheadWaitsForRoom(t *testing.T) {
	adds := func(b *backlog, j *job, bytes int) (done chan bool) {
		done = make(chan bool)
		go func() { b.add(j, bytes); close(done) }()
		return done
	}
	waits := func(done chan bool) bool {
		select {
		case <-done:
			return false
		case <-time.After(20 * time.Millisecond):
			return true
		}
	}
	first, second, third := &job{}, &job{}, &job{}
	b := newBacklog()
	b.turn(first)
	<-adds(b, second, maxBacklog)
	<-adds(b, first, 10*maxBacklog) // the next one never waits
	two, three := adds(b, second, 1), adds(b, third, 1)
	if !waits(two) || !waits(three) {
		t.Fatal("there is too much, and who reads ahead does not wait")
	}
	b.turn(second)
	<-two
	if !waits(three) {
		t.Fatal("there is too much, and the third does not wait")
	}
	b.done(10 * maxBacklog)
	b.done(2)
	<-three
}
