package config

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"imerr-scan/internal/kafka"
	"imerr-scan/internal/lazyregexp"
	"imerr-scan/internal/notify"
	"imerr-scan/internal/serve"
)

// Kafka says what is read, and of which cluster.
type Kafka struct {
	Client      kafka.Options
	Topics      []string // to be read; at least one, none of them LogTopic
	Group       string
	LogTopic    string           // that holds the delta log
	Log         kafka.LogOptions // how LogTopic is made
	Start       serve.Start
	OnTruncated string // as serve.TopicOptions has it
}

// kafkaKeys are the keys below kafka:, before it is known whether they are a Kafka.
type kafkaKeys struct {
	Kafka

	brokers  []string
	logTopic string // "": by the group
	start    string

	tls      kafka.TLS
	secure   *bool // nil: as the other keys of tls: say
	sasl     kafka.SASL
	password notify.Secret
}

func newKafkaKeys() kafkaKeys {
	return kafkaKeys{
		Kafka: Kafka{Group: "imerr-scan", Log: kafka.LogOptions{Create: true}, OnTruncated: serve.TruncatedStop},
		start: "first",
	}
}

func (k *kafkaKeys) topicOfLog() string {
	if k.logTopic != "" {
		return k.logTopic
	}
	return k.Group + "-log"
}

func (l *loader) kafka(k *kafkaKeys) section {
	topic := checked(&k.logTopic, "the name of a topic", func(s string) error {
		if topicProblem(s) != "" {
			return fmt.Errorf("want %s", topicChars)
		}
		return nil
	})
	topic.value = func() any { return k.topicOfLog() }
	return section{
		{name: "brokers", value: brokers(&k.brokers)},
		{name: "topics", value: textList(&k.Topics, "a list such as [client-logs]", topicProblem)},
		{name: "group", value: text(&k.Group, "the name of a consumer group")},
		{name: "start", value: k.startKey()},
		{name: "log_topic", value: topic},
		{name: "log_replication", value: opt(whole(&k.Log.Replication))},
		{name: "create_log", value: toggle(&k.Log.Create)},
		{name: "on_truncated", value: oneOf(&k.OnTruncated, serve.TruncatedStop, serve.TruncatedEnd, serve.TruncatedFirst)},
		{name: "tls", value: l.kafkaTLS(k)},
		{name: "sasl", value: l.kafkaSASL(k)},
	}
}

// brokers is a list of addresses. They are not quoted if they are wrong: some tools have passwords in theirs.
func brokers(dst *[]string) *leaves {
	v := textList(dst, "a list such as [kafka-1:9092, kafka-2:9092]", func(s string) string {
		host, port, err := net.SplitHostPort(s)
		if err != nil || host == "" || strings.ContainsAny(host, "/@, ，") || !isPort(port) || port == "0" {
			return "want host:port such as kafka-1:9092" + fullWidth(s)
		}
		return ""
	})
	v.secret = true
	return v
}

const topicChars = "at most 249 letters, digits, . _ -"

var topicName = lazyregexp.New(`^[a-zA-Z0-9._-]+$`)

const maxTopicName = 249

// topicProblem says why Kafka allows no topic of that name.
func topicProblem(s string) string {
	if len(s) > maxTopicName || !topicName().MatchString(s) || s == "." || s == ".." {
		return "is no name of a topic: want " + topicChars + fullWidth(s)
	}
	return ""
}

// fullWidth is the advice to somebody who typed a Chinese comma.
func fullWidth(s string) string {
	if strings.Contains(s, "，") {
		return `; write an ASCII "," between them, not "，"`
	}
	return ""
}

func (k *kafkaKeys) startKey() *leaf {
	const want = "first, last or a time such as 2026-11-24T08:00:00+08:00"
	return checked(&k.start, want, func(s string) error {
		at, err := time.Parse(time.RFC3339, s)
		switch {
		case s == "first":
			k.Start = serve.Start{}
		case s == "last":
			k.Start = serve.Start{Last: true}
		case err == nil && at.Unix() > 0: // Kafka takes -1 and -2 for the end and the beginning
			k.Start = serve.Start{At: at}
		case s == "earliest":
			return fmt.Errorf(`want %s; did you mean "first"?`, want)
		case s == "latest":
			return fmt.Errorf(`want %s; did you mean "last"?`, want)
		default:
			return fmt.Errorf("want %s", want)
		}
		return nil
	})
}

func (l *loader) kafkaTLS(k *kafkaKeys) section {
	const key = "kafka.tls"
	var given bool
	enabled := toggle(&given)
	read := enabled.parse
	enabled.parse = func(s string) string {
		problem := read(s)
		if problem == "" {
			k.secure = &given
		}
		return problem
	}
	enabled.value = func() any { return l.usesTLS(k) }
	return section{
		{name: "enabled", value: enabled},
		{name: "ca_file", value: l.certificates(key+".ca_file", func(_, pem string) { k.tls.CA = pem })},
		{name: "cert_file", value: l.certificates(key+".cert_file", func(_, pem string) { k.tls.Cert = pem })},
		{name: "key_file", value: l.privateKey(key+".key_file", &k.tls.Key)},
		{name: "server_name", value: opt(text(&k.tls.ServerName, "the name that the certificate is for"))},
		{name: "insecure", value: opt(toggle(&k.tls.Insecure))},
	}
}

// usesTLS is what kafka.tls.enabled says; without it any other key there is a yes.
func (l *loader) usesTLS(k *kafkaKeys) bool {
	if k.secure != nil {
		return *k.secure
	}
	return l.hasBelow("kafka.tls")
}

func (l *loader) kafkaSASL(k *kafkaKeys) section {
	keys := section{
		{name: "mechanism", value: opt(oneOf(&k.sasl.Mechanism, "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"))},
		{name: "user", value: opt(text(&k.sasl.User, "a user's name"))},
	}
	return append(keys, l.secret("kafka.sasl", "password", &k.password, "a password", nil)...)
}

// certificates is a file of certificates; use gets its path and what it holds.
func (l *loader) certificates(key string, use func(path, pem string)) *leaf {
	return l.file(key, "the path of a file of certificates", func(path string, data []byte) string {
		if !x509.NewCertPool().AppendCertsFromPEM(data) {
			return "holds no certificate: want lines that begin with -----BEGIN CERTIFICATE-----"
		}
		use(path, string(data))
		return ""
	})
}

// privateKey is a file with the key of a certificate.
func (l *loader) privateKey(key string, dst *string) *leaf {
	return l.file(key, "the path of a file with a private key", func(_ string, data []byte) string {
		for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
			switch {
			case !strings.HasSuffix(block.Type, "PRIVATE KEY"):
				continue
			case strings.HasPrefix(block.Type, "ENCRYPTED") || block.Headers["DEK-Info"] != "":
				return "the key in it is encrypted: want one without a password"
			}
			*dst = string(data)
			return ""
		}
		return "holds no private key: want lines that begin with -----BEGIN PRIVATE KEY-----"
	})
}

const maxPEM = 1 << 20

// file is a file that is read at once; take says what is wrong with what it holds.
func (l *loader) file(key, want string, take func(path string, data []byte) (problem string)) *leaf {
	v := opt(text(nil, want))
	v.parse = func(name string) string {
		path := l.pathOf(key, name)
		data, err := l.in.ReadFile(path, maxPEM)
		if err != nil {
			return fileProblem("not read", err)
		}
		return take(path, data)
	}
	v.value = nil
	return v
}

// finishKafka makes the Kafka of the Config, if there is one, and says what does not go together.
func (l *loader) finishKafka() {
	k := &l.kafkaKeys
	l.together("kafka.topics", "kafka.brokers", "want a list such as [client-logs]")
	l.together("kafka.brokers", "kafka.topics", "want a list such as [kafka-1:9092]")
	l.checkLogTopic(k)
	l.checkTLS(k)
	l.checkSASL()
	if k.Log.Replication > 1<<15-1 {
		l.complain("kafka.log_replication", "want at most 32767")
	}
	if !l.has("kafka.brokers") && !l.has("kafka.topics") || len(l.mistakes) > 0 {
		return
	}
	c := k.Kafka
	c.LogTopic, c.Client.Brokers = k.topicOfLog(), k.brokers
	if l.usesTLS(k) {
		c.Client.TLS = &k.tls
	}
	if l.hasBelow("kafka.sasl") {
		k.sasl.Password = string(k.password)
		c.Client.SASL = &k.sasl
	}
	if client, err := kafka.New(c.Client); err == nil { // connects to nothing
		client.Close()
		l.conf.Kafka = &c
	} else if what, problem, _ := strings.Cut(strings.TrimPrefix(err.Error(), "kafka: "), ": "); what == "sasl" {
		l.mistakeAt(l.placeOf("kafka.sasl.user"), "kafka.sasl", "%s", problem)
	} else {
		l.complain("kafka.brokers", what+": "+problem)
	}
}

// together says that key is missing although other, which makes no sense without it, was set.
func (l *loader) together(key, other, want string) {
	if l.has(other) && !l.has(key) && !l.failed[key] {
		name := other[strings.LastIndex(other, ".")+1:]
		l.mistakeAt(l.placeOf(other), key, "missing beside %s: %s", name, want)
	}
}

func (l *loader) checkLogTopic(k *kafkaKeys) {
	name := k.topicOfLog()
	if k.logTopic == "" && topicProblem(name) != "" {
		l.complain("kafka.group", fmt.Sprintf("%s is no name of a topic for the log: want another, or log_topic as well", quote(name)))
	}
	if i := slices.Index(k.Topics, name); i >= 0 && !l.partial["kafka.topics"] {
		l.complain(element("kafka.topics", i), fmt.Sprintf("%s is where the log is kept: want another topic here, or another log_topic", quote(name)))
	}
}

func (l *loader) checkTLS(k *kafkaKeys) {
	const cert, key = "kafka.tls.cert_file", "kafka.tls.key_file"
	l.together(key, cert, "want its private key")
	l.together(cert, key, "want its certificate")
	if k.tls.Cert == "" || k.tls.Key == "" {
		return
	}
	if _, err := tls.X509KeyPair([]byte(k.tls.Cert), []byte(k.tls.Key)); err != nil {
		l.complain(key, "is not the key of the first certificate in cert_file, or of a kind that is not known")
	}
}

func (l *loader) checkSASL() {
	const at = "kafka.sasl."
	for _, other := range []string{at + "user", at + "mechanism", at + "password", at + "password_file"} {
		l.together(at+"mechanism", other, "want PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
		l.together(at+"user", other, "want a user's name")
		if !l.has(at + "password_file") {
			l.together(at+"password", other, "want it, or password_file")
		}
	}
}
