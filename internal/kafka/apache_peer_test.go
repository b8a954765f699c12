//go:build peers

package kafka

import (
	"fmt"
	"testing"

	"imerr-scan/internal/kafka/kafkatest"
)

// What the fake was tried with, again on Apache Kafka: one broker, then three.

func TestARealKafka(t *testing.T) {
	b := kafkatest.Apache(t, 1)
	t.Run("first contact", func(t *testing.T) { firstContact(t, b) })
	t.Run("reading", func(t *testing.T) { reading(t, b) })
	t.Run("log topic", func(t *testing.T) { logTopic(t, b) })
	t.Run("group", func(t *testing.T) { groups(t, b) })
}

func TestARealKafkaOfThreeBrokers(t *testing.T) {
	b := kafkatest.Apache(t, 3)
	t.Run("each broker is killed and frozen", func(t *testing.T) { outage(t, b) })
	t.Run("log topic", func(t *testing.T) {
		for _, address := range b.Plain { // the last that was killed may not be back in what each of them knows
			c := open(t, Options{Brokers: []string{address}})
			eventually(t, func() error {
				meta, err := c.metadata(t.Context())
				if err == nil && len(meta.Brokers) != 3 {
					err = fmt.Errorf("%s knows %d brokers", address, len(meta.Brokers))
				}
				return err
			})
		}
		log, err := plainly(t, b).OpenLog(t.Context(), "safe-log", LogOptions{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		if got := b.Configs(t, b.Plain, "safe-log")["min.insync.replicas"]; got != "2" {
			t.Errorf("min.insync.replicas is %s, want 2", got)
		}
	})
}
