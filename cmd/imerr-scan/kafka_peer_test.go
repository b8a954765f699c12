//go:build peers && unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imerr-scan/internal/kafka/kafkatest"
)

// What the fake was tried with, again on Apache Kafka: one broker, then three.

func TestARealKafkaIsRead(t *testing.T) {
	dir := t.TempDir()
	b, bin := kafkatest.Apache(t, 1), binary(t, dir)
	serveTopics(t, b, bin, dir)
	happenings(t, b, bin, dir, 25*time.Second, 10*time.Second)
	guarded(t, b, bin, dir)
}

// guarded reads by the ways in on which one has to say who one is.
func guarded(t *testing.T, b *kafkatest.Broker, bin, dir string) {
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	password, wrong := file("password", kafkatest.AdminPassword+"\n"), file("wrong", "guess")
	named := func(mechanism, password string) []string {
		return []string{
			"--kafka-brokers", b.SASL[0], "--kafka-sasl-mechanism", mechanism, "--kafka-sasl-user", kafkatest.Admin, "--kafka-sasl-password-file", password,
		}
	}
	ways := map[string][]string{"tls": {
		"--kafka-brokers", b.TLS[0], "--kafka-tls-ca-file", file("ca.pem", b.PKI.CA),
		"--kafka-tls-cert-file", file("cert.pem", b.PKI.ClientCert), "--kafka-tls-key-file", file("key.pem", b.PKI.ClientKey),
	}}
	for _, mechanism := range kafkatest.Mechanisms {
		ways[mechanism] = named(mechanism, password)
	}
	for name, args := range ways {
		t.Run(name, func(t *testing.T) {
			s := consume(t, bin, dir, name, b, append(args, "--kafka-group", name)...)
			waitUntil(t, "it knows all", func() bool { return s.count(206) >= 9 })
			s.stop()
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		s := consume(t, bin, dir, "wrong-password", b, append(named("PLAIN", wrong), "--kafka-group", "x")...)
		err := s.cmd.Wait()
		said, _ := os.ReadFile(s.said)
		if err == nil || s.cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(said), "it refuses the user or the password") || strings.Contains(string(said), "guess") {
			t.Errorf("%v: %s", err, said)
		}
	})
}

func TestARealKafkaInChaos(t *testing.T) {
	size := littleChaos
	size.outages = 3
	if *chaosFull {
		size = fullChaos
	}
	runChaos(t, kafkatest.Apache(t, 3), size)
}
