package pipeline

import "sync"

// maxBacklog is how many bytes, about, of what was found may wait to be counted. Less than maxKept of each worker come on top, and
// maxBatches of the job that is merged next.
const maxBacklog = 4 << 20

// backlog keeps what was found and is not counted yet within maxBacklog, however many workers there are: who reads ahead waits
// while there is too much. The job that is merged next never waits, so something always moves.
type backlog struct {
	mu    sync.Mutex
	moved *sync.Cond
	bytes int
	next  *job // that is merged next
}

func newBacklog() *backlog {
	b := &backlog{}
	b.moved = sync.NewCond(&b.mu)
	return b
}

// add counts bytes that j holds, and waits while there is too much.
func (b *backlog) add(j *job, bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes += bytes
	for b.bytes > maxBacklog && b.next != j {
		b.moved.Wait()
	}
}

// done says that bytes are no longer held.
func (b *backlog) done(bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes -= bytes
	b.moved.Broadcast()
}

// turn says which job is merged next.
func (b *backlog) turn(j *job) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next = j
	b.moved.Broadcast()
}
