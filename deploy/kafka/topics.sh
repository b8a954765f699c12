#!/bin/sh
# Topic and rights of imerr-scan in Kafka, with the tools that come with Kafka. `serve` makes the log's topic by itself if it may
# (Create on it); then only the rights are needed. Set what differs:
set -eu
: "${BOOTSTRAP:=localhost:9092}"        # a broker
: "${ADMIN:=}"                          # --command-config FILE of who may do this, where brokers ask who asks
: "${USER_NAME:=imerr-scan}"            # who `serve` is to Kafka: kafka.sasl.user, or the name in its certificate
: "${TOPICS:=client-logs}"              # kafka.topics, with spaces between
: "${GROUP:=imerr-scan}"                # kafka.group
: "${LOG_TOPIC:=$GROUP-log}"            # kafka.log_topic
: "${REPLICAS:=3}" "${MIN_ISR:=2}"      # of the log's topic

# the delta log: one partition, never compacted (compaction may keep a refused record and drop the one that counts)
kafka-topics.sh --bootstrap-server "$BOOTSTRAP" ${ADMIN:+--command-config "$ADMIN"} --create --if-not-exists --topic "$LOG_TOPIC" \
  --partitions 1 --replication-factor "$REPLICAS" --config cleanup.policy=delete --config retention.ms=172800000 \
  --config "min.insync.replicas=$MIN_ISR" --config message.timestamp.type=LogAppendTime

allow() { kafka-acls.sh --bootstrap-server "$BOOTSTRAP" ${ADMIN:+--command-config "$ADMIN"} --add --allow-principal "User:$USER_NAME" "$@"; }
for topic in $TOPICS; do
  allow --operation Read --operation Describe --topic "$topic"
done
allow --operation Read --operation Write --operation Describe --operation DescribeConfigs --topic "$LOG_TOPIC"
allow --operation Read --group "$GROUP"
