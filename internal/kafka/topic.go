package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/metadata"
)

// LogOptions says how the topic of the log is made, if it is missing.
type LogOptions struct {
	Create      bool          // make it; else its absence is an error
	Replication int           // 0: 3, or as many as there are brokers
	Retention   time.Duration // 0: 48 h
}

// TopicError says what is wrong with the topic of the log, and the command that mends it.
type TopicError struct {
	Topic   string
	Problem string
	Command string
	cause   error
}

func (e *TopicError) Error() string {
	return fmt.Sprintf("kafka: topic %s %s; mend it with: %s", e.Topic, e.Problem, e.Command)
}

func (e *TopicError) Unwrap() error { return e.cause }

// OpenLog returns the log that is kept in a topic, which it makes if it is missing and opt says so. A topic that cannot hold
// a log is a *TopicError: one that has more than one partition, or is compacted, which could drop the delta that counts
// and keep the one that was refused.
func (c *Cluster) OpenLog(ctx context.Context, topic string, opt LogOptions) (*Log, error) {
	var log *Log
	err := c.patiently(ctx, func() (err error) {
		log, err = c.openLog(ctx, topic, opt)
		return err
	})
	return log, err
}

func (c *Cluster) openLog(ctx context.Context, topic string, opt LogOptions) (*Log, error) {
	meta, err := c.metadata(ctx, topic)
	if err != nil {
		return nil, err
	}
	found := meta.Topics[0]
	switch {
	case kafka.Error(found.ErrorCode) == kafka.UnknownTopicOrPartition:
		if err := c.createLog(ctx, topic, len(meta.Brokers), opt); err != nil {
			return nil, err
		}
		if found, err = c.appeared(ctx, topic); err != nil {
			return nil, away(err)
		}
	case found.ErrorCode != 0:
		return nil, away(c.explainTopic(topic, kafka.Error(found.ErrorCode)))
	}
	if n := len(found.Partitions); n != 1 {
		return nil, &TopicError{
			Topic: topic, Problem: fmt.Sprintf("has %d partitions, a log has one", n),
			Command: c.command("kafka-topics.sh") + " --delete --topic " + topic + " (it is made anew at the next start), or name another topic",
		}
	}
	if err := c.checkPolicy(ctx, topic); err != nil {
		return nil, away(err)
	}
	return &Log{c: c, p: Partition{Topic: topic}, turn: make(chan struct{}, 1)}, nil
}

// createLog makes the topic. That another replica was first is well.
func (c *Cluster) createLog(ctx context.Context, topic string, brokers int, opt LogOptions) error {
	replication := opt.Replication
	if replication <= 0 {
		replication = min(3, max(1, brokers))
	}
	retention := opt.Retention
	if retention <= 0 {
		retention = 48 * time.Hour
	}
	config := kafka.TopicConfig{Topic: topic, NumPartitions: 1, ReplicationFactor: replication, ConfigEntries: []kafka.ConfigEntry{
		{ConfigName: "cleanup.policy", ConfigValue: "delete"},
		{ConfigName: "retention.ms", ConfigValue: strconv.FormatInt(retention.Milliseconds(), 10)},
		{ConfigName: "min.insync.replicas", ConfigValue: strconv.Itoa(max(1, replication-1))},
		{ConfigName: "message.timestamp.type", ConfigValue: "LogAppendTime"},
	}}
	fail := func(problem string, cause error) error {
		return &TopicError{Topic: topic, Problem: problem, Command: c.createCommand(config), cause: cause}
	}
	if !opt.Create {
		return fail("is missing", kafka.UnknownTopicOrPartition)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*c.opt.Timeout)
	defer cancel()
	response, err := c.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{config}})
	if err == nil {
		err = response.Errors[topic]
	}
	switch {
	case err == nil || errors.Is(err, kafka.TopicAlreadyExists):
		return nil
	case errors.Is(err, kafka.TopicAuthorizationFailed), errors.Is(err, kafka.ClusterAuthorizationFailed):
		return fail("is missing, and this user may not create it", err)
	default:
		return fail(fmt.Sprintf("is missing, and could not be created (%v)", err), err)
	}
}

func (c *Cluster) createCommand(config kafka.TopicConfig) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s --create --topic %s --partitions 1 --replication-factor %d", c.command("kafka-topics.sh"), config.Topic, config.ReplicationFactor)
	for _, e := range config.ConfigEntries {
		fmt.Fprintf(&b, " --config %s=%s", e.ConfigName, e.ConfigValue)
	}
	return b.String()
}

func (c *Cluster) command(tool string) string {
	return tool + " --bootstrap-server " + strings.Join(c.opt.Brokers, ",")
}

// appeared waits until a topic that was just made is known.
func (c *Cluster) appeared(ctx context.Context, topic string) (metadata.ResponseTopic, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*c.opt.Timeout)
	defer cancel()
	for {
		meta, err := c.metadata(ctx, topic)
		if err == nil && meta.Topics[0].ErrorCode == 0 && len(meta.Topics[0].Partitions) > 0 {
			return meta.Topics[0], nil
		}
		if !sleep(ctx, 100*time.Millisecond) {
			return metadata.ResponseTopic{}, fmt.Errorf("kafka: topic %s was created, but no broker knows it yet: start again", topic)
		}
	}
}

// checkPolicy refuses a topic that is compacted.
func (c *Cluster) checkPolicy(ctx context.Context, topic string) error {
	ctx, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	response, err := c.client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{{
		ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{"cleanup.policy"},
	}}})
	if err != nil {
		return fmt.Errorf("kafka: settings of topic %s: %w", topic, err)
	}
	for _, r := range response.Resources {
		if errors.Is(r.Error, kafka.TopicAuthorizationFailed) || errors.Is(r.Error, kafka.ClusterAuthorizationFailed) {
			return &TopicError{
				Topic: topic, Problem: "does not show its settings to this user, so it could be compacted", cause: r.Error,
				Command: c.command("kafka-acls.sh") + " --add --allow-principal User:" + c.user() + " --operation DescribeConfigs --topic " + topic,
			}
		}
		if r.Error != nil {
			return fmt.Errorf("kafka: settings of topic %s: %w", topic, r.Error)
		}
		for _, e := range r.ConfigEntries {
			if e.ConfigName == "cleanup.policy" && e.ConfigValue != "delete" {
				return &TopicError{
					Topic: topic, Problem: "has cleanup.policy=" + e.ConfigValue + ", which can drop what counts",
					Command: c.command("kafka-configs.sh") + " --alter --entity-type topics --entity-name " + topic + " --add-config cleanup.policy=delete",
				}
			}
		}
	}
	return nil
}

func (c *Cluster) user() string {
	if c.opt.SASL == nil {
		return "ANONYMOUS"
	}
	return c.opt.SASL.User
}
