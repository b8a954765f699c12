package kafkatest

import (
	"context"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ApacheVersion is the version of Apache Kafka that the suites with peers run on.
const ApacheVersion = "4.1.0"

// Apache starts n brokers of a cluster of Apache Kafka, each a controller as well. It needs Java 17 and, the first time, Maven,
// which puts Kafka below the user's cache folder. Where these are missing the test is skipped, in CI it fails.
func Apache(t testing.TB, n int) *Broker {
	t.Helper()
	lib := apacheLibraries(t)
	ports := freePorts(t, 4*n)
	b := &Broker{Plain: addresses(ports[:n]), SASL: addresses(ports[n : 2*n]), TLS: addresses(ports[2*n : 3*n]), PKI: newPKI(t), Real: true}
	controllers := addresses(ports[3*n:])
	for i := range n {
		dir := t.TempDir()
		properties := filepath.Join(dir, "server.properties")
		if err := os.WriteFile(properties, []byte(b.properties(i, dir, controllers)), 0o600); err != nil {
			t.Fatal(err)
		}
		b.format(t, lib, properties)
		b.nodes = append(b.nodes, &node{
			command: func() *exec.Cmd { return java(t, lib, dir, "kafka.Kafka", properties) },
			ready: func(ctx context.Context) error {
				err := listening(ctx, []string{b.Plain[i], b.SASL[i], b.TLS[i]})
				if err != nil {
					said, _ := os.ReadFile(filepath.Join(dir, "out.log"))
					return fmt.Errorf("%w; it said: %s", err, said[max(0, len(said)-2000):])
				}
				return nil
			},
		})
	}
	b.start(t)
	return b
}

// apacheLibraries returns the folder with Kafka's jars.
func apacheLibraries(t testing.TB) string {
	t.Helper()
	missing := func(what string) {
		t.Helper()
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing: apt-get install openjdk-17-jre-headless maven", what)
		}
		t.Skipf("skipped: %s is missing, so there is no Apache Kafka to test with (apt-get install openjdk-17-jre-headless maven)", what)
	}
	if _, err := exec.LookPath("java"); err != nil {
		missing("java")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "imerr-scan-ci", "kafka-"+ApacheVersion)
	lib := filepath.Join(dir, "lib")
	if _, err := os.Stat(lib); err == nil {
		return lib
	}
	if _, err := exec.LookPath("mvn"); err != nil {
		missing("mvn")
	}
	if err := fetchApache(t, dir); err != nil {
		t.Fatal(err)
	}
	return lib
}

// fetchApache lets Maven put Kafka and what it needs into dir/lib, whole or not at all.
func fetchApache(t testing.TB, dir string) error {
	t.Helper()
	type dependency struct {
		Group    string `xml:"groupId"`
		Artifact string `xml:"artifactId"`
		Version  string `xml:"version"`
	}
	pom, err := xml.MarshalIndent(struct {
		XMLName xml.Name `xml:"project"`
		Model   string   `xml:"modelVersion"`
		dependency
		Needs []dependency `xml:"dependencies>dependency"`
	}{
		Model: "4.0.0", dependency: dependency{"imerr-scan", "broker", "1"},
		Needs: []dependency{{"org.apache.kafka", "kafka_2.13", ApacheVersion}, {"org.slf4j", "slf4j-simple", "1.7.36"}},
	}, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(dir, "fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.WriteFile(filepath.Join(work, "pom.xml"), pom, 0o600); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib", "-DincludeScope=runtime")
	cmd.Dir = work
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn: %w: %s", err, said)
	}
	err = os.Rename(filepath.Join(work, "lib"), filepath.Join(dir, "lib"))
	if _, there := os.Stat(filepath.Join(dir, "lib")); there == nil {
		return nil // another test was first
	}
	return err
}

// java returns a command of Kafka's, whose output goes to out.log in dir.
func java(t testing.TB, lib, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("java", append([]string{ //nolint:gosec,noctx // Kafka, until the test kills it
		"-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
		"-cp", filepath.Join(lib, "*"),
	}, args...)...)
	out, err := os.OpenFile(filepath.Join(dir, "out.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = out.Close() })
	cmd.Stdout, cmd.Stderr = out, out
	return cmd
}

// format prepares the disk of a broker, with the users of SCRAM in it.
func (b *Broker) format(t testing.TB, lib, properties string) {
	t.Helper()
	args := []string{"kafka.tools.StorageTool", "format", "-t", "aW1lcnItc2Nhbi10ZXN0cw", "-c", properties}
	for _, mechanism := range Mechanisms[1:] {
		for user, password := range map[string]string{Admin: AdminPassword, Guest: GuestPassword} {
			args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, user, password))
		}
	}
	dir := filepath.Dir(properties)
	if err := java(t, lib, dir, args...).Run(); err != nil {
		said, _ := os.ReadFile(filepath.Join(dir, "out.log"))
		t.Fatalf("format: %v: %s", err, said)
	}
}

// properties is the configuration of broker i. Who comes in the clear or by TLS may do all; by name, what was allowed.
func (b *Broker) properties(i int, dir string, controllers []string) string {
	var voters []string
	for k, address := range controllers {
		voters = append(voters, fmt.Sprintf("%d@%s", k+1, address))
	}
	replicas := min(3, len(controllers))
	module := "org.apache.kafka.common.security.plain.PlainLoginModule required"
	jaas := fmt.Sprintf("%s user_%s=%q user_%s=%q;", module, Admin, AdminPassword, Guest, GuestPassword)
	scram := "org.apache.kafka.common.security.scram.ScramLoginModule required;"
	line := func(pem string) string { return strings.ReplaceAll(strings.TrimSpace(pem), "\n", `\n`) }
	lines := []string{
		"process.roles=broker,controller",
		fmt.Sprintf("node.id=%d", i+1),
		"controller.quorum.voters=" + strings.Join(voters, ","),
		"controller.listener.names=CONTROLLER",
		"inter.broker.listener.name=CLEAR",
		fmt.Sprintf("listeners=CLEAR://%s,NAMED://%s,SECURE://%s,CONTROLLER://%s", b.Plain[i], b.SASL[i], b.TLS[i], controllers[i]),
		fmt.Sprintf("advertised.listeners=CLEAR://%s,NAMED://%s,SECURE://%s", b.Plain[i], b.SASL[i], b.TLS[i]),
		"listener.security.protocol.map=CLEAR:PLAINTEXT,NAMED:SASL_PLAINTEXT,SECURE:SSL,CONTROLLER:PLAINTEXT",
		"sasl.enabled.mechanisms=" + strings.Join(Mechanisms, ","),
		"listener.name.named.plain.sasl.jaas.config=" + jaas,
		"listener.name.named.scram-sha-256.sasl.jaas.config=" + scram,
		"listener.name.named.scram-sha-512.sasl.jaas.config=" + scram,
		"ssl.keystore.type=PEM", "ssl.truststore.type=PEM", "ssl.client.auth=required",
		"ssl.keystore.certificate.chain=" + line(b.PKI.ServerCert),
		"ssl.keystore.key=" + line(b.PKI.ServerKey),
		"ssl.truststore.certificates=" + line(b.PKI.CA),
		"authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users=User:ANONYMOUS;User:" + Admin + ";User:CN=client",
		"log.dirs=" + filepath.Join(dir, "data"),
		fmt.Sprintf("default.replication.factor=%d", replicas),
		fmt.Sprintf("offsets.topic.replication.factor=%d", replicas), "offsets.topic.num.partitions=3",
		fmt.Sprintf("transaction.state.log.replication.factor=%d", replicas), "transaction.state.log.num.partitions=3",
		fmt.Sprintf("transaction.state.log.min.isr=%d", max(1, replicas-1)),
		fmt.Sprintf("share.coordinator.state.topic.replication.factor=%d", replicas),
		fmt.Sprintf("share.coordinator.state.topic.min.isr=%d", max(1, replicas-1)),
		"group.initial.rebalance.delay.ms=0", "group.min.session.timeout.ms=1000",
		"broker.session.timeout.ms=3000", "broker.heartbeat.interval.ms=500", "replica.lag.time.max.ms=5000",
		"auto.create.topics.enable=true", // that nothing of ours makes a topic by asking for it is tested
		"message.max.bytes=20000000", "replica.fetch.max.bytes=20000000",
	}
	return strings.Join(lines, "\n") + "\n"
}
