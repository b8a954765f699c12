package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imerr-scan/internal/kafka"
	"imerr-scan/internal/serve"
)

// smallKafka is what brokers and topics alone make.
func smallKafka(brokers, topics []string) *Kafka {
	return &Kafka{
		Client: kafka.Options{Brokers: brokers}, Topics: topics, Group: "imerr-scan", LogTopic: "imerr-scan-log",
		Log: kafka.LogOptions{Create: true}, OnTruncated: "stop",
	}
}

func TestKafkaOfAnyOrigin(t *testing.T) {
	const file = "kafka: {brokers: [a:9092], topics: [x, y]}\n"
	one, two := []string{"a:9092"}, []string{"b:9092", "c:9092"}
	for _, tc := range []struct {
		name, file string
		env        map[string]string
		flags      []Flag
		want       *Kafka
	}{
		{"nothing", "", nil, nil, nil},
		{"neither brokers nor topics", "kafka: {group: a, tls: {enabled: true}}\n", nil, nil, nil},
		{"file", file, nil, nil, smallKafka(one, []string{"x", "y"})},
		{"variables", "", map[string]string{"IMERR_KAFKA_BROKERS": "b:9092, c:9092", "IMERR_KAFKA_TOPICS": "z"}, nil, smallKafka(two, []string{"z"})},
		{"a variable over the file", file, map[string]string{"IMERR_KAFKA_TOPICS": "z"}, nil, smallKafka(one, []string{"z"})},
		{"a flag over both", file, map[string]string{"IMERR_KAFKA_TOPICS": "z"}, []Flag{{"kafka.topics", "--topic", "u,v"}}, smallKafka(one, []string{"u", "v"})},
		{"a flag to what the file lacks", "kafka: {brokers: [a:9092]}\n", nil, []Flag{{"kafka.topics", "--topic", "u"}}, smallKafka(one, []string{"u"})},
	} {
		t.Run(tc.name, func(t *testing.T) {
			conf := mustLoad(t, world{vars: tc.env}, tc.file, tc.flags...)
			if diff := cmp.Diff(tc.want, conf.Kafka); diff != "" {
				t.Errorf("Kafka (-want +got)\n%s", diff)
			}
			reload(t, world{}, conf)
		})
	}
}

func TestKafkaIsShownOnlyIfSomebodyAskedForIt(t *testing.T) {
	if shown := string(mustLoad(t, world{}, "lang: zh\nkafka: {}\n").YAML()); strings.Contains(shown, "kafka") {
		t.Errorf("shown although nothing of it was set:\n%s", shown)
	}
	conf := mustLoad(t, world{vars: map[string]string{"IMERR_KAFKA_BROKERS": "a:9092"}}, "kafka: {topics: [x], group: g, tls: {server_name: s}}\n")
	_, shown, _ := strings.Cut(string(conf.YAML()), "kafka:\n")
	const want = `  brokers: ['a:9092'] # environment IMERR_KAFKA_BROKERS
  topics: [x] # etc/config.yaml:1
  group: g # etc/config.yaml:1
  start: first # default
  log_topic: g-log # default
  create_log: true # default
  on_truncated: stop # default
  tls:
    enabled: true # default
    server_name: s # etc/config.yaml:1
`
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("YAML (-want +got)\n%s", diff)
	}
}

func TestStart(t *testing.T) {
	for in, want := range map[string]serve.Start{
		"first":                     {},
		"last":                      {Last: true},
		"2026-11-24T08:00:00+08:00": {At: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)},
		"2026-11-24T08:00:00.25Z":   {At: time.Date(2026, 11, 24, 8, 0, 0, 250e6, time.UTC)},
	} {
		conf := mustLoad(t, world{}, "kafka: {brokers: [a:1], topics: [x], start: "+in+"}\n", Flag{"kafka.group", "--group", "g"})
		if diff := cmp.Diff(want, conf.Kafka.Start); diff != "" {
			t.Errorf("start: %s (-want +got)\n%s", in, diff)
		}
	}
	conf := mustLoad(t, world{}, "kafka: {brokers: [a:1], topics: [x], start: 2026-11-24T08:00:00Z}\n", Flag{"kafka.start", "--kafka-start", "last"})
	if want := (serve.Start{Last: true}); conf.Kafka.Start != want {
		t.Errorf("Start = %+v, want %+v: the flag wins whole", conf.Kafka.Start, want)
	}
}

func TestTLSIsOnOnceSomethingOfItIsSet(t *testing.T) {
	w := world{files: map[string]string{"etc/ca.pem": certificate}}
	for in, want := range map[string]*kafka.TLS{
		"{}":                                  nil,
		"{enabled: true}":                     {},
		"{enabled: false}":                    nil,
		"{insecure: true}":                    {Insecure: true},
		"{ca_file: ca.pem}":                   {CA: certificate},
		"{ca_file: ca.pem, enabled: false}":   nil,
		"{server_name: a.b, enabled: 'true'}": {ServerName: "a.b"},
	} {
		conf := mustLoad(t, w, "kafka: {brokers: [a:1], topics: [x], tls: "+in+"}\n")
		if diff := cmp.Diff(want, conf.Kafka.Client.TLS); diff != "" {
			t.Errorf("tls: %s (-want +got)\n%s", in, diff)
		}
	}
}
