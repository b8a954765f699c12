//go:build peers

package deploy

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"imerr-scan/internal/kafka"
	"imerr-scan/internal/kafka/kafkatest"
)

// The commands give, on Apache Kafka and by its own tools, what the service needs, and who runs them twice changes nothing.
func TestARealKafkaTakesTheCommands(t *testing.T) {
	broker := kafkatest.Apache(t, 1)
	broker.Create(t, "client-logs", 2, nil)
	guest, err := kafka.New(kafka.Options{Brokers: broker.SASL, SASL: &kafka.SASL{Mechanism: "SCRAM-SHA-512", User: kafkatest.Guest, Password: kafkatest.GuestPassword}})
	if err != nil {
		t.Fatal(err)
	}
	defer guest.Close()
	serves := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := guest.Check(ctx, "imerr-scan", "client-logs"); err != nil {
			return err
		}
		log, err := guest.OpenLog(ctx, "imerr-scan-log", kafka.LogOptions{})
		if err != nil {
			return err
		}
		defer log.Close()
		return log.Append(ctx, []byte("a record"))
	}
	if serves() == nil {
		t.Fatal("guest may do all before anything was allowed")
	}
	dir := t.TempDir()
	script := filepath.Join(dir, "topics.sh")
	write(t, script, Print("kafka", Options{}))
	lib := tools(t)
	for name, class := range map[string]string{"kafka-topics.sh": "TopicCommand", "kafka-acls.sh": "AclCommand"} {
		write(t, filepath.Join(dir, name), fmt.Sprintf("#!/bin/sh\nexec java -XX:TieredStopAtLevel=1 -cp '%s/*' org.apache.kafka.tools.%s \"$@\"\n", lib, class))
	}
	for range 2 {
		cmd := exec.Command("sh", script)
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "BOOTSTRAP="+broker.Plain[0], "USER_NAME="+kafkatest.Guest, "REPLICAS=1", "MIN_ISR=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	deadline := time.Now().Add(30 * time.Second)
	for err = serves(); err != nil && time.Now().Before(deadline); err = serves() {
		time.Sleep(200 * time.Millisecond)
	}
	if err != nil {
		t.Errorf("what was allowed is not enough: %v", err)
	}
}

// tools is a folder with the tools of Kafka that its scripts start, fetched by Maven once.
func tools(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "imerr-scan-ci", "kafka-tools-"+kafkatest.ApacheVersion)
	lib := filepath.Join(dir, "lib")
	if _, err := os.Stat(lib); err == nil {
		return lib
	}
	work := t.TempDir()
	write(t, filepath.Join(work, "pom.xml"), `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>imerr-scan</groupId><artifactId>tools</artifactId><version>1</version><packaging>pom</packaging>
<dependencies><dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>`+kafkatest.ApacheVersion+`</version></dependency></dependencies></project>
`)
	cmd := exec.Command("mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib", "-DincludeScope=runtime")
	cmd.Dir = work
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("mvn: %v\n%s", err, out)
	}
	if err := os.CopyFS(dir+".new", os.DirFS(work)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir+".new", dir); err != nil {
		t.Fatal(err)
	}
	return lib
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}
