#!/bin/sh
# Signs in as admin and permits each service what it must: acls.sh, which stands beside this. KAFKA is the broker.
set -euf
KAFKA_HOME="${KAFKA_HOME:-/opt/kafka}"
SECRETS="${SECRETS:-/run/secrets}"

umask 077
admin="$(mktemp)"
cat > "$admin" <<PROPERTIES
security.protocol=SASL_PLAINTEXT
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
  username="admin" password="$(cat "$SECRETS/kafka_admin")";
PROPERTIES
export KAFKA_ACLS="$KAFKA_HOME/bin/kafka-acls.sh --bootstrap-server ${KAFKA:?the broker, host:port} --command-config $admin"
sh "$(dirname "$0")/acls.sh"
