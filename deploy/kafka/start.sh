#!/bin/sh
# Starts a broker whose users are the services and `admin`; at the first start it makes them, by the passwords in
# SECRETS, each a file kafka_<user>. A password changed later is changed by kafka-configs.sh: docs/operations.md.
set -euf
KAFKA_HOME="${KAFKA_HOME:-/opt/kafka}"
SECRETS="${SECRETS:-/run/secrets}"
TOLD="${1:?the broker's server.properties}"

umask 077
own="$(mktemp)"
cat "$TOLD" - > "$own" <<PROPERTIES

listener.name.clients.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
  username="admin" password="$(cat "$SECRETS/kafka_admin")";
PROPERTIES

data="$(sed -n 's/^log.dirs=//p' "$TOLD")"
if ! [ -f "$data/meta.properties" ]; then
  set --
  for user in admin intake routing notify audit; do
    password="$(cat "$SECRETS/kafka_$user")"
    set -- "$@" --add-scram "SCRAM-SHA-512=[name=$user,password=$password]"
  done
  "$KAFKA_HOME/bin/kafka-storage.sh" format --standalone \
    --cluster-id "$("$KAFKA_HOME/bin/kafka-storage.sh" random-uuid)" --config "$own" "$@"
fi
exec "$KAFKA_HOME/bin/kafka-server-start.sh" "$own"
