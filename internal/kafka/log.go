package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"imerr-scan/internal/deltalog"
)

// appendBytes bounds one write: brokers refuse batches above 1 MiB (message.max.bytes), and deltas hardly shrink any more.
const appendBytes = 900 << 10

// Log keeps a delta log in a topic of one partition. It fulfils deltalog.Log.
type Log struct {
	c *Cluster
	p Partition

	turn chan struct{} // who has put something in may use the connection
	conn *kafka.Conn
}

// Append writes records, in as few batches as they fit, and waits until all replicas in sync have them. After an error any
// part of them may be there.
func (l *Log) Append(ctx context.Context, records ...[]byte) error {
	if err := l.lock(ctx); err != nil {
		return err
	}
	defer l.unlock()
	for len(records) > 0 {
		n, size := 0, 0
		var batch []kafka.Message
		for n < len(records) && (n == 0 || size+len(records[n]) <= appendBytes) {
			batch = append(batch, kafka.Message{Value: records[n]})
			size += len(records[n])
			n++
		}
		err := l.ask(ctx, func(conn *kafka.Conn) error {
			_, err := conn.WriteCompressedMessages(kafka.Zstd.Codec(), batch...)
			return err
		})
		if errors.Is(err, kafka.MessageSizeTooLarge) {
			return fmt.Errorf("kafka: append to %s: %d bytes are above the topic's max.message.bytes: %w", l.p.Topic, size, deltalog.ErrTooLarge)
		}
		if err != nil {
			return fmt.Errorf("kafka: append to %s: %w", l.p.Topic, err)
		}
		records = records[n:]
	}
	return nil
}

// Bounds returns the offset of the first record that is still there, and the one that the next will have.
func (l *Log) Bounds(ctx context.Context) (first, end int64, err error) {
	if err := l.lock(ctx); err != nil {
		return 0, 0, err
	}
	defer l.unlock()
	err = l.ask(ctx, func(conn *kafka.Conn) error {
		first, end, err = conn.ReadOffsets()
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("kafka: bounds of %s: %w", l.p.Topic, err)
	}
	return first, end, nil
}

// lock waits for its turn to use the connection, as long as ctx lets it.
func (l *Log) lock(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *Log) unlock() { <-l.turn }

// ask asks the leader, over the connection that was kept if there is one. If that fails, it may be only that it is old:
// asked once more over a new one. Of a write this can make two, which the rule of deltalog expects.
func (l *Log) ask(ctx context.Context, question func(*kafka.Conn) error) error {
	kept := l.conn != nil
	for {
		err := l.askOnce(ctx, question)
		if err == nil || ctx.Err() != nil || !kept {
			return err
		}
		kept = false
	}
}

func (l *Log) askOnce(ctx context.Context, question func(*kafka.Conn) error) error {
	if l.conn == nil {
		conn, err := l.c.leader(ctx, l.p)
		if err != nil {
			return err
		}
		if err := conn.SetRequiredAcks(-1); err != nil {
			return errors.Join(err, conn.Close())
		}
		l.conn = conn
	}
	conn := l.conn
	deadline := time.Now().Add(l.c.opt.Timeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	_ = conn.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	err := question(conn)
	if !stop() || err != nil {
		_ = conn.Close()
		l.conn = nil
	}
	return err
}

// Read gives the records from offset from on to apply, up to what is the end now; with wait it goes on until ctx is done.
// Brokers that are away are waited for. Each record is the caller's to keep.
func (l *Log) Read(ctx context.Context, from int64, wait bool, apply func(int64, []byte) error) (int64, error) {
	next, until := from, int64(-1)
	if !wait {
		first, end, err := l.Bounds(ctx)
		if err != nil {
			return from, err
		}
		if from >= first && from == end {
			return from, nil
		}
		until = end
	}
	err := l.c.Read(ctx, l.p, from, Reader{
		Record: func(r Record) error {
			if until >= 0 && r.Offset >= until {
				return errRead
			}
			if err := apply(r.Offset, slices.Clone(r.Value)); err != nil {
				return err
			}
			next = r.Offset + 1
			return nil
		},
		Fetched: func(upTo, _ int64) error {
			if upTo > next { // nothing is there that far
				if err := apply(upTo-1, nil); err != nil {
					return err
				}
				next = upTo
			}
			if until >= 0 && next >= until {
				return errRead
			}
			return nil
		},
	})
	if errors.Is(err, errRead) {
		return next, nil
	}
	return next, err
}

// errRead ends a reading that does not wait.
var errRead = errors.New("read to the end")

// Close releases the connection.
func (l *Log) Close() error {
	_ = l.lock(context.Background())
	defer l.unlock()
	if l.conn == nil {
		return nil
	}
	err := l.conn.Close()
	l.conn = nil
	return err
}
