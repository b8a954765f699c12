package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A count of headers that is a lie is not tried: kafka-go makes room for it before it reads them, which ends the process.

// batch is a record batch as kafka-go sees it (KIP-98): its header is right, its body is what the test says.
func batch(codec int16, count int32, body []byte) []byte {
	b := binary.BigEndian.AppendUint64(nil, 0)                 // first offset
	b = binary.BigEndian.AppendUint32(b, uint32(49+len(body))) // length
	b = binary.BigEndian.AppendUint32(b, 0)                    // leader epoch
	b = append(b, 2)                                           // magic
	rest := binary.BigEndian.AppendUint16(nil, uint16(codec))
	rest = binary.BigEndian.AppendUint32(rest, uint32(count-1))
	rest = append(rest, make([]byte, 8+8+8+2+4)...) // times, producer, epoch, sequence
	rest = binary.BigEndian.AppendUint32(rest, uint32(count))
	rest = append(rest, body...)
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(rest, crc32.MakeTable(crc32.Castagnoli)))
	return append(b, rest...)
}

// A batch that cannot be decoded crashes nothing, is told within seconds, and moves nothing; once it can be, reading goes on.
func TestBatchThatCannotBeDecoded(t *testing.T) {
	noise := []byte(strings.Repeat("\x9c\x01\xff no batch ", 20))
	tests := []struct {
		name    string
		records []byte
	}{
		{"nothing, though the end says otherwise", nil},
		{"noise", noise},
		{"cut off in its header", batch(0, 3, nil)[:40]},
		{"cut off in its body", batch(0, 3, []byte{20, 0, 0})},
		{"unknown codec", batch(7, 3, noise)},
		{"no gzip", batch(1, 3, noise)},
		{"no snappy", batch(2, 3, noise)},
		{"no lz4", batch(3, 3, noise)},
		{"no zstd", batch(4, 3, noise)},
		{"lengths below zero", batch(0, 3, []byte{9, 0, 0, 0, 5, 5, 5})},
		{"more records than there are", batch(0, 1<<30, []byte{14, 0, 0, 0, 1, 2, 'x', 0})},
		{"old format, cut off", append(make([]byte, 16), 1, 0, 0)},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "client-logs"))
			if err != nil {
				t.Fatal(err)
			}
			defer cluster.Close()
			c := open(t, Options{Brokers: cluster.ListenAddrs(), Timeout: time.Second})
			cluster.ControlKey(int16(kmsg.Fetch), func(request kmsg.Request) (kmsg.Response, error, bool) {
				cluster.KeepControl()
				return brokenAnswer(request, tc.records), nil, true
			})
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			err = c.Read(ctx, Partition{"client-logs", 0}, 0, Reader{
				Record:  func(r Record) error { return nil }, // what was whole before the fault is given
				Trouble: func(error) { cancel() },
			})
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("Read = %v, want trouble that is told", err)
			}
		})
	}
}

// brokenAnswer is a fetch of ten records that holds these bytes.
func brokenAnswer(request kmsg.Request, records []byte) kmsg.Response {
	fetch := kmsg.NewPtrFetchResponse()
	fetch.Version = request.GetVersion()
	partition := kmsg.NewFetchResponseTopicPartition()
	partition.HighWatermark, partition.LastStableOffset, partition.RecordBatches = 10, 10, records
	topic := kmsg.NewFetchResponseTopic()
	topic.Topic, topic.Partitions = "client-logs", []kmsg.FetchResponseTopicPartition{partition}
	fetch.Topics = []kmsg.FetchResponseTopic{topic}
	return fetch
}
