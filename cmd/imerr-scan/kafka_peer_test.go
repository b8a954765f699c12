//go:build peers && unix

package main

import (
	"testing"

	"imerr-scan/internal/kafka/kafkatest"
)

// What the fake was tried with, again on Apache Kafka: one broker, then three.

func TestARealKafkaIsRead(t *testing.T) {
	dir := t.TempDir()
	serveTopics(t, kafkatest.Apache(t, 1), binary(t, dir), dir)
}

func TestARealKafkaInChaos(t *testing.T) {
	size := littleChaos
	size.outages = 3
	if *chaosFull {
		size = fullChaos
	}
	runChaos(t, kafkatest.Apache(t, 3), size)
}
